/* What a power cut may cost: every commit is on the disk within a second, also while another
 * process has the lock; and a store whose file is moved away says so. */
#include "store_scene.h"

#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>
#include <sys/syscall.h>

enum { SYNCS = 10000 };

/* Every sync of this process, in its order: SQLite's go through here. */
static struct { int64_t begun, ended; } syncs[SYNCS];
static int sync_count;
static pthread_mutex_t counting = PTHREAD_MUTEX_INITIALIZER;
static atomic_int sync_errno;

int fdatasync(int fd) {
    int64_t begun = store_now_ms();
    if (atomic_load(&sync_errno)) {
        errno = atomic_load(&sync_errno);
        return -1;
    }
    int rc = (int)syscall(SYS_fdatasync, fd);
    pthread_mutex_lock(&counting);
    if (sync_count < SYNCS) {
        syncs[sync_count].begun = begun;
        syncs[sync_count++].ended = store_now_ms();
    }
    pthread_mutex_unlock(&counting);
    return rc;
}

int fsync(int fd) {
    return fdatasync(fd);
}

/* How long after it was told of a commit may have been off the disk, in milliseconds; -1: it never
 * came there. */
static int64_t exposure(int64_t told) {
    int64_t ms = -1;
    pthread_mutex_lock(&counting);
    for (int i = 0; i < sync_count && ms < 0; i++)
        if (syncs[i].begun >= told) ms = syncs[i].ended - told;
    pthread_mutex_unlock(&counting);
    return ms;
}

/* Another program that takes the lock for a while. */
static void *hold_lock(void *arg) {
    sqlite3 *db;
    int ms = *(int *)arg;
    if (sqlite3_open(path, &db) != SQLITE_OK ||
        sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
        abort();
    usleep((useconds_t)ms * 1000);
    sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    sqlite3_close(db);
    return NULL;
}

static int64_t put(scene *d, int n) {
    store_job *job = run(d, make_put(n, words("answer %d", n)));
    if (job->error) printf("# %s\n", job->error);
    store_job_free(job);
    return store_now_ms();
}

static void test_exposure(void) {
    enum { PUTS = 300 };
    static int64_t told[PUTS];
    scene d;
    scene_open(&d, fresh(), false);
    for (int n = 0; n < PUTS; n++) {
        told[n] = put(&d, n);
        if (n % 10 == 0) usleep(30000);
    }
    usleep(600000);
    int64_t longest = 0, missing = 0;
    for (int n = 0; n < PUTS; n++) {
        int64_t ms = exposure(told[n]);
        missing += ms < 0;
        if (ms > longest) longest = ms;
    }
    printf("# at most %d ms\n", (int)longest);
    ok(missing == 0 && longest < 1000, "every commit is on the disk within a second");

    int64_t last = put(&d, PUTS);
    int hold = 2000;
    pthread_t holder;
    pthread_create(&holder, NULL, hold_lock, &hold);
    usleep(100000);
    store_submit(d.s, make_put(PUTS + 1, words("answer %d", 1))); /* it waits for the lock */
    pthread_join(holder, NULL);
    store_job_free(wait_jobs(&d, 1));
    int64_t ms = exposure(last);
    printf("# %d ms\n", (int)ms);
    ok(ms >= 0 && ms < 1000, "also while another process has the lock for two seconds");
    scene_close(&d);
}

static void test_durable(void) {
    store_options options = {.path = fresh(), .durable = true};
    store *s = store_open(&options, err, sizeof err);
    int64_t begun = store_now_ms();
    store_submit(s, make_put(1, words("answer %d", 1)));
    store_job *job = NULL;
    while (!(job = store_collect(s))) usleep(1000);
    int64_t now = store_now_ms();
    ok(!job->error && exposure(begun) >= 0 && begun + exposure(begun) <= now && now - begun < 400,
       "a durable commit is on the disk when it is told of");
    store_job_free(job);
    store_close(s);
}

static void test_failing(void) {
    scene d;
    scene_open(&d, fresh(), false);
    put(&d, 1);
    atomic_store(&sync_errno, EIO);
    usleep(700000);
    store_job *job = run(&d, make_put(2, words("answer %d", 2)));
    ok(job->error, "a sync that fails is told of by the next commit: %s", job->error);
    store_job_free(job);
    atomic_store(&sync_errno, 0);
    job = run(&d, make_put(3, words("answer %d", 3)));
    ok(!job->error, "which goes on once it can");
    store_job_free(job);
    scene_close(&d);
}

static void moved(const char *how, const char *command) {
    scene d;
    char line[600];
    scene_open(&d, fresh(), false);
    put(&d, 1);
    snprintf(line, sizeof line, command, path, path, path, path);
    if (system(line) != 0) abort();
    usleep(20000);
    store_job *job = run(&d, make_put(2, words("answer %d", 2)));
    ok(job->error && strstr(job->error, "was moved, removed or replaced"),
       "a store that was %s under a run says so", how);
    store_job_free(job);
    scene_close(&d);
}

static void test_moved(void) {
    moved("removed", "rm '%s'*");
    moved("moved", "mv '%s' '%s.old'");
    moved("replaced", "echo x > '%s.new' && mv '%s.new' '%s'");
    moved("robbed of its log", "rm '%s-wal'");

    scene d;
    char line[600];
    scene_open(&d, fresh(), false);
    put(&d, 1);
    snprintf(line, sizeof line, "mv '%s' '%s.old'", path, path);
    if (system(line) != 0) abort();
    put(&d, 2);
    scene_close(&d);
    snprintf(line, sizeof line, "mv '%s.old' '%s'", path, path);
    if (system(line) != 0) abort();
    is_int(count(path), 2, "once it is back, so is what was committed meanwhile");
}

int main(void) {
    if (!scene_begin()) return 1;
    test_exposure();
    test_durable();
    test_failing();
    test_moved();
    return scene_end();
}
