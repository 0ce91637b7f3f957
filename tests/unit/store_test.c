/* The store keeps what it was given, across reopening, processes and kills. */
#include "store_scene.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

static void test_round_trip(void) {
    scene d;
    if (!ok(scene_open(&d, fresh(), false), "a store opens, with its parent folders: %s", err))
        return;
    store_job *job = run(&d, make_get(1));
    ok(!job->found && !job->error, "nothing is in it");
    store_job_free(job);

    job = run(&d, make_put(1, text("a\0b\xff", 4)));
    ok(!job->found && !job->error, "a completion goes in");
    store_job_free(job);
    job = run(&d, make_get(1));
    ok(job->found && job->answer.len == 4 && !memcmp(job->answer.data, "a\0b\xff", 4),
       "and comes back, with its NUL and its bad UTF-8");
    is_int(job->created_ms, 1700000000001, "with its time");
    store_job_free(job);

    job = run(&d, make_put(1, words("late", 0)));
    ok(job->found && job->answer.len == 4 && job->answer.data[0] == 'a',
       "a second one for the key stays out and the first comes back");
    store_job_free(job);

    size_t len = 10 << 20;
    char *big = malloc(len);
    for (size_t i = 0; i < len; i++) big[i] = (char)(i * i >> 7);
    store_job_free(run(&d, make_put(2, text(big, len))));
    job = run(&d, make_get(2));
    ok(job->found && job->answer.len == len && memcmp(job->answer.data, big, len) == 0,
       "10 MB come back");
    store_job_free(job);
    free(big);

    job = make_get(3);
    job->op = STORE_PUT; /* all texts empty: data is NULL */
    store_job_free(run(&d, job));
    job = run(&d, make_get(3));
    ok(job->found && job->answer.len == 0, "so does an empty text");
    store_job_free(job);
    scene_close(&d);

    char wal[160];
    snprintf(wal, sizeof wal, "%s-wal", path);
    ok(access(wal, F_OK) < 0, "a closed store is one file");
    ok(scene_open(&d, path, false), "it opens again");
    job = run(&d, make_get(2));
    ok(job->found && job->answer.len == len, "with what it had");
    store_job_free(job);
    scene_close(&d);
    is_int(count(path), 3, "and it is counted");
}

static void test_order(void) {
    enum { JOBS = 20000 };
    scene d;
    scene_open(&d, fresh(), false);
    for (int n = 0; n < JOBS; n++) {
        store_submit(d.s, make_put(n, words("answer %d", n)));
        store_submit(d.s, make_get(n)); /* sees the put before it, in the same group or not */
    }
    store_job *list = wait_jobs(&d, 2 * JOBS);
    bool ordered = true, seen = true;
    int n = 0;
    for (store_job *job = list, *next; job; job = next, n++) {
        char wanted[32];
        snprintf(wanted, sizeof wanted, "answer %d", n / 2);
        int key;
        memcpy(&key, job->key, sizeof key);
        ordered = ordered && key == n / 2 && job->op == (n % 2 ? STORE_GET : STORE_PUT);
        seen = seen && (n % 2 == 0 || completion_is(job, wanted));
        next = job->next;
        store_job_free(job);
    }
    ok(ordered && n == 2 * JOBS, "jobs come back in their order");
    ok(seen, "a get sees the put before it");
    ok(d.rounds < JOBS, "in groups: %d rounds for %d jobs", d.rounds, 2 * JOBS);

    for (n = 0; n < 1000; n++) store_submit(d.s, make_put(JOBS + n, words("answer %d", n)));
    scene_close(&d);
    is_int(count(path), JOBS + 1000, "closing finishes what waits");
}

/* In a child: puts keys 0 to count with texts of its own, from the last or the first. Exits with 0
 * when every put brought the same text for its key as a get afterwards. */
static void child_puts(int count, const char *format, bool backwards) {
    scene d;
    if (!scene_open(&d, path, false)) {
        fprintf(stderr, "# %s\n", err);
        _exit(2);
    }
    int bad = 0;
    for (int i = 0; i < count; i++) {
        int n = backwards ? count - 1 - i : i;
        store_job *put = run(&d, make_put(n, words(format, n)));
        store_job *got = run(&d, make_get(n));
        pack_text stored =
            put->found ? (pack_text){put->answer.data, put->answer.len} : put->completion;
        bad += put->error || !got->found || stored.len != got->answer.len ||
               memcmp(stored.data, got->answer.data, stored.len) != 0;
        if (put->error) fprintf(stderr, "# %s\n", put->error);
        store_job_free(put);
        store_job_free(got);
    }
    scene_close(&d);
    _exit(bad ? 1 : 0);
}

static void test_two_processes(void) {
    fresh();
    pid_t children[4];
    fflush(stdout);
    for (int i = 0; i < 4; i++) {
        children[i] = fork();
        if (children[i] == 0) child_puts(300, i % 2 ? "one %d" : "another's %d", i / 2);
    }
    int bad = 0;
    for (int i = 0; i < 4; i++) {
        int status;
        waitpid(children[i], &status, 0);
        bad += status != 0;
    }
    is_int(bad, 0, "four processes that create and fill one store agree on every completion");
    is_int(count(path), 300, "each is there once");
}

/* How many of the keys below count the store at path has. */
static int count_found(int count, bool read_only) {
    scene d;
    if (!scene_open(&d, path, read_only)) return -1;
    int found = 0;
    for (int n = 0; n < count; n++) store_submit(d.s, make_get(n));
    for (store_job *job = wait_jobs(&d, count), *next; job; job = next) {
        found += job->found;
        next = job->next;
        store_job_free(job);
    }
    scene_close(&d);
    return found;
}

/* A child says which commits it was told of, until it is killed. */
static void test_kill(void) {
    fresh();
    int told[2];
    if (pipe(told) < 0) return;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        scene d;
        if (!scene_open(&d, path, false)) _exit(2);
        for (int n = 0;; n++) {
            store_submit(d.s, make_put(n, words("answer %d", n)));
            for (store_job *job = store_collect(d.s), *next; job; job = next) {
                int key;
                memcpy(&key, job->key, sizeof key);
                if (write(told[1], &key, sizeof key) != sizeof key) _exit(3);
                next = job->next;
                store_job_free(job);
            }
            char byte;
            struct pollfd bell = {.fd = d.ends[0], .events = POLLIN};
            while (poll(&bell, 1, n % 50 == 0 ? 1 : 0) == 1)
                if (read(d.ends[0], &byte, 1) != 1) _exit(4);
        }
    }
    close(told[1]);
    int key, last = -1;
    while (last < 3000 && read(told[0], &key, sizeof key) == sizeof key) last = key;
    kill(child, SIGKILL);
    while (read(told[0], &key, sizeof key) == sizeof key) last = key;
    close(told[0]);
    waitpid(child, NULL, 0);

    ok(last >= 3000, "a child was killed after it was told of %d commits", last + 1);
    is_int(count_found(last + 1, true), last + 1, "all of them are there for a reader");
    is_int(count_found(last + 1, false), last + 1, "and for a writer");
}

/* Checks the records against the order by time, then key, which test_each lays out. */
static int check_each(void *arg, const store_record *record) {
    static const int order[] = {1, 0, 3, 2, 5, 4, 7, 6, 9, 8};
    int *count = arg;
    int n = 9 - order[*count];
    char wanted[32];
    snprintf(wanted, sizeof wanted, "request %d", n);
    bool right = record->key[0] == n && record->request_len == strlen(wanted) &&
                 memcmp(record->request, wanted, strlen(wanted)) == 0 &&
                 record->wire_len == strlen("wire 1") &&
                 record->completion_len == strlen("answer 1") &&
                 record->created_ms == 100 + *count / 2;
    ++*count;
    return right ? 0 : *count;
}

static int stop_at_three(void *arg, const store_record *record) {
    (void)record;
    return ++*(int *)arg == 3 ? 42 : 0;
}

static void test_each(void) {
    scene d;
    scene_open(&d, fresh(), false);
    for (int n = 0; n < 10; n++) {
        store_job *job = make_put(n, words("answer %d", n));
        job->created_ms = 100 + (9 - n) / 2; /* 9 and 8 first, then 7 and 6, ... */
        store_job_free(run(&d, job));
    }
    int seen = 0;
    is_int(store_each(path, &(store_how){0}, check_each, &seen, err, sizeof err), 0,
           "each shows all, by time and then key, while the store is in use");
    is_int(seen, 10, "and that is ten");
    seen = 0;
    is_int(store_each(path, &(store_how){0}, stop_at_three, &seen, err, sizeof err), 42,
           "it stops when told to");
    is_int(seen, 3, "at once");
    scene_close(&d);
}

static void test_read_only(void) {
    scene d;
    scene_open(&d, fresh(), false);
    store_job_free(run(&d, make_put(1, words("answer %d", 1))));

    scene reader;
    ok(scene_open(&reader, path, true), "a store that is in use opens for reading: %s", err);
    store_job *job = run(&reader, make_get(1));
    ok(completion_is(job, "answer 1"), "and reads what was committed");
    store_job_free(job);
    store_job_free(run(&d, make_put(2, words("answer %d", 2))));
    job = run(&reader, make_get(2));
    ok(completion_is(job, "answer 2"), "also since");
    store_job_free(job);
    job = run(&reader, make_put(3, words("answer %d", 3)));
    has_str(job->error, "read-only", "a put is refused");
    store_job_free(job);
    scene_close(&reader);
    scene_close(&d);

    struct stat before, after;
    stat(path, &before);
    ok(scene_open(&d, path, true), "a store that is not in use opens for reading");
    store_job_free(run(&d, make_get(1)));
    scene_close(&d);
    char wal[160];
    snprintf(wal, sizeof wal, "%s-wal", path);
    stat(path, &after);
    ok(access(wal, F_OK) < 0, "and leaves no files behind");
    ok(before.st_mtim.tv_nsec == after.st_mtim.tv_nsec && before.st_size == after.st_size,
       "nor touches the store");
}

static void test_durable(void) {
    scene d;
    store_options options = {.path = fresh(), .durable = true};
    store *s = store_open(&options, err, sizeof err);
    ok(s != NULL, "a durable store opens");
    for (int n = 0; n < 100; n++) store_submit(s, make_put(n, words("answer %d", n)));
    store_close(s);
    is_int(count(path), 100, "and keeps all");
    scene_open(&d, path, false);
    store_job_free(run(&d, make_put(100, words("answer %d", 100))));
    usleep(700 * 1000); /* the idle sync, for the sanitizers to see */
    store_job *job = run(&d, make_get(100));
    ok(job->found, "a store that was idle goes on");
    store_job_free(job);
    scene_close(&d);
    store_close(NULL);
    store_job_free(NULL);
}

int main(void) {
    if (!scene_begin()) return 1;
    /* first, while this process has no other thread */
    test_two_processes();
    test_kill();
    test_round_trip();
    test_order();
    test_each();
    test_read_only();
    test_durable();
    return scene_end();
}
