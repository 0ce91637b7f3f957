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
static atomic_int failures; /* of syncs that were made to fail */
static pthread_mutex_t counting = PTHREAD_MUTEX_INITIALIZER;
static atomic_int sync_errno;

int fdatasync(int fd) {
    int64_t begun = store_now_ms();
    if (atomic_load(&sync_errno)) {
        errno = atomic_load(&sync_errno);
        atomic_fetch_add(&failures, 1);
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

/* The longest that a thread which wants to sleep for a moment slept: a machine that does much else
 * holds up this one's threads for as long, and its syncs. */
static atomic_llong held_up;
static atomic_bool over;

static void *feel(void *arg) {
    while (!atomic_load(&over)) {
        int64_t before = store_now_ms();
        usleep(2000);
        int64_t ms = store_now_ms() - before;
        if (ms > atomic_load(&held_up)) atomic_store(&held_up, ms);
    }
    return arg;
}

static bool within_a_second(int64_t ms) {
    return ms >= 0 && ms < 1000 + 3 * atomic_load(&held_up);
}

/* How long after it was told of a commit a sync has begun that takes it to the disk, in
 * milliseconds; -1: none has. How long that takes is the disk's. */
static int64_t exposure(int64_t told) {
    int64_t ms = -1;
    pthread_mutex_lock(&counting);
    for (int i = 0; i < sync_count && ms < 0; i++)
        if (syncs[i].begun >= told) ms = syncs[i].begun - told;
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
    for (int i = 0; i < 3000 && exposure(told[PUTS - 1]) < 0; i++) usleep(10000);
    int64_t longest = 0, missing = 0;
    for (int n = 0; n < PUTS; n++) {
        int64_t ms = exposure(told[n]);
        missing += ms < 0;
        if (ms > longest) longest = ms;
    }
    printf("# at most %d ms\n", (int)longest);
    ok(missing == 0 && within_a_second(longest), "every commit goes to the disk within a second");

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
    ok(within_a_second(ms), "also while another process has the lock for two seconds");
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
    bool ended = false;
    for (int i = 0; i < sync_count; i++)
        ended = ended || (syncs[i].begun >= begun && syncs[i].ended <= now);
    ok(!job->error && ended, "a durable commit is on the disk when it is told of");
    store_job_free(job);
    store_close(s);
}

static void test_failing(void) {
    scene d;
    scene_open(&d, fresh(), false);
    put(&d, 1);
    atomic_store(&sync_errno, EIO);
    for (int i = 0; i < 3000 && atomic_load(&failures) == 0; i++) usleep(10000);
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
    pthread_t feeler;
    pthread_create(&feeler, NULL, feel, NULL);
    test_exposure();
    atomic_store(&over, true);
    pthread_join(feeler, NULL);
    test_durable();
    test_failing();
    test_moved();
    return scene_end();
}
