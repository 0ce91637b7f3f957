/* What is no store is refused, and a full, read-only or damaged one says so and loses nothing. */
#include "engine/digest.h"
#include "engine/store/place.h"
#include "store_scene.h"

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

static void sql(const char *at, const char *statements) {
    sqlite3 *db;
    if (sqlite3_open(at, &db) != SQLITE_OK ||
        sqlite3_exec(db, statements, NULL, NULL, NULL) != SQLITE_OK)
        printf("# %s: %s\n", at, sqlite3_errmsg(db));
    sqlite3_close(db);
}

static void refused(const char *at, bool read_only, const char *part) {
    scene d;
    ok(!scene_open(&d, at, read_only), "refused: %s", err);
    has_str(err, part, "with the reason");
    scene_close(&d);
}

static void test_refusals(void) {
    scene d;
    refused(fresh(), true, "there is no store at");
    refused("", false, "empty");
    refused(folder, false, "a folder");
    refused("/dev/null", false, "no regular file");
    refused("/proc/none/store.db", false, "cannot create the folder");

    scene_open(&d, fresh(), false);
    scene_close(&d);
    sql(path, "PRAGMA user_version=99");
    refused(path, false, "newer fellowship");
    refused(path, true, "newer fellowship");

    snprintf(path, sizeof path, "%s/foreign.db", folder);
    sql(path, "CREATE TABLE notes(text)");
    refused(path, false, "another application's");
    sql(path, "DROP TABLE notes; PRAGMA application_id=42");
    refused(path, false, "another application's");

    snprintf(path, sizeof path, "%s/empty.db", folder);
    close(open(path, O_CREAT | O_WRONLY, 0600));
    refused(path, true, "empty");
    ok(scene_open(&d, path, false), "an empty file becomes a store");
    scene_close(&d);

    snprintf(path, sizeof path, "%s/text.db", folder);
    FILE *f = fopen(path, "w");
    for (int i = 0; i < 1000; i++) fputs("this is no database\n", f);
    fclose(f);
    refused(path, false, "no SQLite database");
    refused(path, true, "no SQLite database");
    is_int(count(path), -1, "nor can it be counted");
}

static void test_odd_names(void) {
    scene d;
    char before[256];
    if (!getcwd(before, sizeof before) || chdir(folder) < 0) return;
    const char *names[] = {":memory:", "file:x?mode=memory", "100%41#?&.db", "./a//b/../s.db"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        ok(scene_open(&d, names[i], false), "opens %s: %s", names[i], err);
        scene_close(&d);
        ok(access(names[i], F_OK) == 0, "which is a file of that name");
    }
    if (chdir(before) < 0) abort();
}

static void test_damage(void) {
    scene d;
    scene_open(&d, fresh(), false);
    for (int n = 0; n < 500; n++) store_submit(d.s, make_put(n, words("answer %d", n)));
    scene_close(&d);
    int fd = open(path, O_WRONLY);
    static char noise[16384];
    memset(noise, 0x5a, sizeof noise);
    /* Everything behind the first page, which says what the file is. */
    for (off_t at = 8192, end = lseek(fd, 0, SEEK_END); at < end; at += (off_t)sizeof noise)
        if (pwrite(fd, noise, sizeof noise, at) < 0) abort();
    close(fd);
    ok(scene_open(&d, path, false), "a store with damaged pages opens");
    store_job *job = run(&d, make_get(1));
    ok(job->error && !job->found, "but a get fails");
    has_str(job->error, "damaged", "and says so");
    store_job_free(job);
    job = run(&d, make_put(1000, words("answer %d", 0)));
    has_str(job->error, "damaged", "as does a put");
    store_job_free(job);
    scene_close(&d);
}

/* Mounts a tmpfs of so many bytes at at, or skips with the reason. */
static bool mount_small(const char *at, const char *size) {
    mkdir(at, 0700);
    if (mount("tmpfs", at, "tmpfs", 0, size) == 0) return true;
    skip("a tmpfs cannot be mounted here");
    return false;
}

static void test_read_only_media(void) {
    char at[64], file[96];
    snprintf(at, sizeof at, "%s/media", folder);
    snprintf(file, sizeof file, "%s/store.db", at);
    if (!mount_small(at, "size=4m")) return;
    scene d;
    scene_open(&d, file, false);
    store_job_free(run(&d, make_put(1, words("answer %d", 1))));
    scene_close(&d);
    mount("tmpfs", at, "tmpfs", MS_REMOUNT | MS_RDONLY, NULL);
    refused(file, false, "read-only");
    if (ok(scene_open(&d, file, true), "a store on read-only media opens for reading: %s", err)) {
        store_job *job = run(&d, make_get(1));
        ok(completion_is(job, "answer 1"), "and reads");
        store_job_free(job);
        scene_close(&d);
    }
    is_int(count(file), 1, "and is counted");
    umount(at);
}

/* The same by permissions, which root is not bound by: so a child becomes another user. */
static void test_not_ours(void) {
    scene d;
    if (getuid() != 0) {
        skip("only root can make a file of another user");
        return;
    }
    chmod(folder, 0755);
    scene_open(&d, fresh(), false);
    store_job_free(run(&d, make_put(1, words("answer %d", 1))));
    scene_close(&d);
    chmod(path, 0644);
    char parent[128];
    snprintf(parent, sizeof parent, "%s", path);
    for (int up = 0; up < 2; up++) {
        *strrchr(parent, '/') = '\0';
        chmod(parent, 0755);
    }
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        if (setuid(65534) < 0) _exit(2);
        if (scene_open(&d, path, false) || !strstr(err, "read-only")) _exit(3);
        scene_close(&d);
        if (!scene_open(&d, path, true)) _exit(4);
        store_job *job = run(&d, make_get(1));
        bool found = completion_is(job, "answer 1");
        store_job_free(job);
        scene_close(&d);
        _exit(found ? 0 : 5);
    }
    int status;
    waitpid(child, &status, 0);
    is_int(status, 0, "another user's store opens for reading and not for writing");
}

/* Without its WAL such a store would silently lack completions. */
static void test_wal_on_read_only_media(void) {
    char at[64], file[96], copy[400];
    scene d;
    scene_open(&d, fresh(), false);
    store_job_free(run(&d, make_put(1, words("answer %d", 1))));
    snprintf(at, sizeof at, "%s/media", folder);
    snprintf(file, sizeof file, "%s/store.db", at);
    if (mount_small(at, "size=4m")) {
        snprintf(copy, sizeof copy, "cp '%s' '%s-wal' '%s'", path, path, at);
        if (system(copy) != 0) abort();
        mount("tmpfs", at, "tmpfs", MS_REMOUNT | MS_RDONLY, NULL);
        refused(file, true, "unfinished writes");
        umount(at);
    }
    scene_close(&d);
}

/* Puts until one fails, then checks that what was said to be stored is, and only that. */
static int fill(scene *d, pack_text (*make)(int), int limit) {
    int stored = 0;
    for (int n = 0; n < limit; n++) {
        store_job *job = run(d, make_put(n, make(n)));
        bool failed = job->error;
        if (failed) snprintf(err, sizeof err, "%s", job->error);
        store_job_free(job);
        if (failed) break;
        stored++;
    }
    return stored;
}

static pack_text wide(int n) {
    (void)n;
    static char kilobytes[20000];
    memset(kilobytes, 'x', sizeof kilobytes);
    return text(kilobytes, sizeof kilobytes);
}

static void after_full(scene *d, int stored, const char *what) {
    store_job *job = run(d, make_get(stored - 1));
    ok(job->found && !job->error, "%s: gets still work", what);
    store_job_free(job);
    store_submit(d->s, make_put(100000, wide(0)));
    store_submit(d->s, make_get(100000));
    store_submit(d->s, make_get(0));
    job = wait_jobs(d, 3);
    ok(job->error && !job->found, "%s: a group's put fails", what);
    ok(!job->next->found && !job->next->error && !job->next->answer.data,
       "%s: a get behind it does not see it", what);
    ok(job->next->next->found, "%s: a get of another is served", what);
    for (store_job *next; job; job = next) {
        next = job->next;
        store_job_free(job);
    }
}

static void test_full_disk(void) {
    char at[64], file[96];
    snprintf(at, sizeof at, "%s/full", folder);
    snprintf(file, sizeof file, "%s/store.db", at);
    if (!mount_small(at, "size=1m")) return;
    scene d;
    scene_open(&d, file, false);
    int stored = fill(&d, wide, 1000);
    ok(stored > 3 && stored < 100, "a full disk fails put %d", stored);
    has_str(err, "disk full", "and says so");
    after_full(&d, stored, "full disk");
    mount("tmpfs", at, "tmpfs", MS_REMOUNT, "size=8m");
    store_job *job = run(&d, make_put(stored, wide(0)));
    ok(!job->error && !job->found, "once there is room again, so are puts");
    store_job_free(job);
    scene_close(&d);
    is_int(count(file), stored + 1, "what was said to be stored is, no more");
    umount(at);
}

/* The same through a limit, where no tmpfs can be mounted. */
static void test_file_limit(void) {
    fresh();
    scene d;
    struct rlimit before, limit;
    scene_open(&d, path, false);
    getrlimit(RLIMIT_FSIZE, &before);
    limit = before;
    limit.rlim_cur = 1 << 20;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &limit);
    int stored = fill(&d, wide, 1000);
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, handler);
    ok(stored > 3 && stored < 100, "a file that may not grow fails put %d", stored);
    has_str(err, "File too large", "and says so");
    store_job *job = run(&d, make_get(stored - 1));
    ok(job->found, "gets still work");
    store_job_free(job);
    scene_close(&d);
    is_int(count(path), stored, "what was said to be stored is, no more");
}

/* A damaged row may have any number: nothing counts up to it. */
static void test_far_ids(void) {
    static const char *const far[] = {"4611686018427387904", "9223372036854775807"};
    for (size_t i = 0; i < sizeof far / sizeof *far; i++) {
        scene d;
        char change[200];
        if (!scene_open(&d, fresh(), false)) return;
        for (int n = 0; n < 10; n++) {
            store_job *job = make_put(n, words("answer %d", n));
            digest_sha256(job->request.data, job->request.len, job->key);
            store_job_free(run(&d, job));
        }
        scene_close(&d);
        snprintf(change, sizeof change, "UPDATE completion SET id = %s WHERE id = 7", far[i]);
        sql(path, change);
        store_damage damage;
        int n = 0;
        store_how how = {.damage = &damage, .order = STORE_AS_WRITTEN};
        is_int(store_each(path, &how, count_one, &n, err, sizeof err), 0, "each ends");
        is_int(n, 10, "and shows all, the one with a far number too");
        for (size_t most = 1; most < 100; most += 33) {
            n = 0;
            is_int(store_sample(path, most, count_one, &n, err, sizeof err), 0, "a sample ends");
            ok(n <= (int)most, "with %d of %zu", n, most);
        }
    }
}

static void test_places(void) {
    ok(!store_place_network(0xef53, NULL), "ext4 is local");
    ok(!store_place_network(0x01021994, NULL), "so is tmpfs");
    ok(!store_place_network(0x9123683e, NULL), "and btrfs");
    ok(!store_place_network(0x01021997, "9p"), "and, as far as one can tell, 9p");
    is_str(store_place_network(0x6969, NULL), "NFS", "NFS is not");
    is_str(store_place_network(0xff534d42, NULL), "CIFS", "nor CIFS");
    is_str(store_place_network((unsigned long)(int)0xff534d42, NULL), "CIFS", "sign extended");
    is_str(store_place_network(0xfe534d42, NULL), "SMB2", "nor SMB2");
    is_str(store_place_network(0x0bd00bd0, NULL), "Lustre", "nor Lustre");
    ok(!store_place_network(0x65735546, "fuse.fuse-overlayfs"), "FUSE goes by its type");
    ok(!store_place_network(0x65735546, "virtiofs"), "where most are local");
    ok(!store_place_network(0x65735546, NULL), "or not known");
    is_str(store_place_network(0x65735546, "fuse.sshfs"), "sshfs", "sshfs is not");

    store_place place;
    ok(store_place_look(folder, &place, err, sizeof err) == false, "a folder is no place");
    ok(store_place_look("/proc/none/a/b", &place, err, sizeof err), "a missing path is looked at");
    ok(!place.exists && !place.network, "through its nearest parent");
    ok(store_place_look("none", &place, err, sizeof err) && !place.exists, "a bare name too");
}

int main(void) {
    if (!scene_begin()) return 1;
    test_refusals();
    test_odd_names();
    test_damage();
    test_read_only_media();
    test_not_ours();
    test_wal_on_read_only_media();
    test_full_disk();
    test_file_limit();
    test_far_ids();
    test_places();
    return scene_end();
}
