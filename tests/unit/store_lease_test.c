/* Leases: a call is one process's at a time, whatever becomes of the processes. */
#include "store_scene.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "engine/store/lease.h"

static void make_key(unsigned char key[STORE_KEY], uint64_t n) {
    uint64_t mixed = (n + 1) * 0x9e3779b97f4a7c15;
    memset(key, 0, STORE_KEY);
    for (int i = 0; i < 4; i++) memcpy(key + 8 * i, &mixed, 8);
}

static bool take(store_leases *l, uint64_t n) {
    unsigned char key[STORE_KEY];
    make_key(key, n);
    return store_lease_take(l, key);
}

static void end(store_leases *l, uint64_t n) {
    unsigned char key[STORE_KEY];
    make_key(key, n);
    store_lease_end(l, key);
}

static bool is_free(store_leases *l, uint64_t n) {
    unsigned char key[STORE_KEY];
    make_key(key, n);
    return store_lease_is_free(l, key);
}

/* An empty file in the place of a store. */
static const char *place(void) {
    static int number;
    snprintf(path, sizeof path, "%s/lease-%d.db", folder, ++number);
    fclose(fopen(path, "w"));
    return path;
}

static bool has_file(const char *at) {
    char beside[160];
    snprintf(beside, sizeof beside, "%s-calls", at);
    return access(beside, F_OK) == 0;
}

static void test_two(void) {
    const char *at = place();
    store_leases *a = store_leases_open(at), *b = store_leases_open(at);
    if (!ok(a && b, "two share the leases of a store")) return;
    ok(take(a, 1), "the first takes a call");
    ok(!take(b, 1), "the other does not get it");
    ok(!take(a, 1), "nor does the first again");
    ok(!is_free(a, 1) && !is_free(b, 1), "it is not free");
    ok(take(b, 2), "another call is free");
    end(b, 1);
    ok(!is_free(b, 1), "only who has it can end it");
    end(a, 1);
    ok(is_free(b, 1) && take(b, 1), "ended, it goes to the other");
    uint64_t before = store_leases_foreign_commits(a);
    store_leases_note_commit(a);
    ok(store_leases_foreign_commits(a) == before, "own commits do not count");
    store_leases_note_commit(b);
    ok(store_leases_foreign_commits(a) != before, "those of others do");
    store_leases_close(b);
    ok(take(a, 1) && take(a, 2), "the leases of who leaves are free");
    ok(has_file(at), "the file is there");
    store_leases_close(a);
    ok(!has_file(at), "and goes with the last");
    struct stat st;
    char beside[160];
    snprintf(beside, sizeof beside, "%s-calls", at);
    chmod(at, 0660);
    a = store_leases_open(at);
    ok(stat(beside, &st) == 0 && (st.st_mode & 0777) == 0660,
       "it is for those who may write the store");
    store_leases_close(a);
    ok(store_lease_take(NULL, (const unsigned char *)path), "without leases every call is free");
    store_leases_close(NULL);
}

static void test_many(void) {
    enum { MANY = 20000 };
    const char *at = place();
    store_leases *a = store_leases_open(at), *b = store_leases_open(at);
    int taken = 0, twice = 0;
    for (int n = 0; n < MANY; n++) taken += take(n % 2 ? a : b, (uint64_t)n);
    is_int(taken, MANY, "20,000 calls at once");
    for (int n = 0; n < MANY; n++) twice += take(n % 2 ? b : a, (uint64_t)n);
    is_int(twice, 0, "none of them twice");
    for (int n = 0; n < MANY; n++) end(n % 2 ? a : b, (uint64_t)n);
    int freed = 0;
    for (int n = 0; n < MANY; n++) freed += is_free(a, (uint64_t)n);
    is_int(freed, MANY, "and all are free again");
    /* More than there is room for: they are asked for as if alone. */
    taken = 0;
    for (int n = 0; n < 6 * MANY; n++) taken += take(a, (uint64_t)n);
    is_int(taken, 6 * MANY, "more than there is room for");
    store_leases_close(a);
    store_leases_close(b);
}

static pid_t holder_of(const char *at, uint64_t n) {
    int told[2];
    char byte;
    if (pipe(told) < 0) abort();
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        store_leases *l = store_leases_open(at);
        if (!l || !take(l, n) || write(told[1], "", 1) != 1) _exit(1);
        for (;;) pause();
    }
    close(told[1]);
    if (read(told[0], &byte, 1) != 1) abort();
    close(told[0]);
    return child;
}

static void test_killed(void) {
    const char *at = place();
    pid_t child = holder_of(at, 7);
    store_leases *l = store_leases_open(at);
    ok(!take(l, 7), "a child has the lease");
    kill(child, SIGSTOP);
    usleep(20000);
    ok(!take(l, 7), "also while it is stopped");
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    usleep(10000);
    ok(take(l, 7), "killed, it has not");
    store_leases_close(l);
    ok(!has_file(at), "and the file goes with who is left");
}

/* ---- many processes, some killed ---- */

enum { CALLS = 6, PROCESSES = 4 };

typedef struct race {
    _Atomic pid_t asking[CALLS]; /* who asks for a call now */
    atomic_int taken, refused, twice;
} race;

/* Whether there is such a process that has not ended. */
static bool lives(pid_t pid) {
    char name[64], line[256] = "";
    snprintf(name, sizeof name, "/proc/%d/stat", (int)pid);
    FILE *f = fopen(name, "r");
    if (!f) return false;
    bool read = fgets(line, sizeof line, f) != NULL;
    fclose(f);
    const char *state = strrchr(line, ')');
    return read && state && state[2] != 'Z' && state[2] != 'X';
}

static void contend(race *s, const char *at, unsigned seed) {
    for (;;) {
        store_leases *l = store_leases_open(at);
        if (!l) _exit(1);
        for (int i = 0; i < 2000; i++) {
            uint64_t n = (unsigned)rand_r(&seed) % CALLS;
            if (!take(l, n)) {
                atomic_fetch_add(&s->refused, 1);
                continue;
            }
            pid_t other = atomic_exchange(&s->asking[n], getpid());
            if (other && lives(other)) atomic_fetch_add(&s->twice, 1);
            atomic_fetch_add(&s->taken, 1);
            for (volatile int spin = rand_r(&seed) % 2000; spin > 0;) spin--;
            atomic_store(&s->asking[n], 0);
            end(l, n);
        }
        store_leases_close(l);
    }
}

static void test_contention(void) {
    const char *at = place();
    race *s = mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t children[PROCESSES];
    unsigned seed = (unsigned)getpid();
    fflush(stdout);
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        if (children[i] == 0) contend(s, at, seed + (unsigned)i);
    }
    for (int kills = 0; kills < 60; kills++) {
        usleep((useconds_t)(rand_r(&seed) % 20000));
        int i = rand_r(&seed) % PROCESSES;
        kill(children[i], SIGKILL);
        waitpid(children[i], NULL, 0);
        children[i] = fork();
        if (children[i] == 0) contend(s, at, seed + 100 + (unsigned)kills);
    }
    /* However slow they are. */
    for (int i = 0; i < 6000 && (s->taken <= 1000 || s->refused == 0); i++) usleep(10000);
    for (int i = 0; i < PROCESSES; i++) kill(children[i], SIGKILL);
    for (int i = 0; i < PROCESSES; i++) waitpid(children[i], NULL, 0);
    is_int(s->twice, 0, "no call is two's at a time, with 60 kills");
    printf("# taken %d times, refused %d\n", s->taken, s->refused);
    ok(s->taken > 1000 && s->refused > 0, "and they did meet");
    usleep(10000);
    store_leases *l = store_leases_open(at);
    int taken = 0;
    for (int n = 0; n < CALLS; n++) taken += take(l, (uint64_t)n);
    is_int(taken, CALLS, "whatever the dead have left");
    store_leases_close(l);
    munmap(s, sizeof *s);
}

/* ---- stores ---- */

static store_job *make_await(uint64_t n, int ms) {
    store_job *job = calloc(1, sizeof *job);
    job->op = STORE_AWAIT;
    make_key(job->key, n);
    job->until_ms = store_now_ms() + ms;
    return job;
}

static bool lease(store *s, uint64_t n) {
    unsigned char key[STORE_KEY];
    make_key(key, n);
    return store_lease(s, key);
}

static void end_lease(store *s, uint64_t n) {
    unsigned char key[STORE_KEY];
    make_key(key, n);
    store_end_lease(s, key);
}

static bool comes_back(scene *d, bool wanted) {
    store_job *job = wait_jobs(d, 1);
    bool right = job->found == wanted && !job->error;
    store_job_free(job);
    return right;
}

static void test_stores(void) {
    scene a, b;
    scene_open(&a, fresh(), false);
    scene_open(&b, path, false);
    is_int(store_foreign_commits(a.s), -1, "before the first lease nothing is known of others");
    ok(!has_file(path), "and nothing lies beside the store");
    ok(lease(a.s, 1), "one store takes a call");
    ok(!lease(b.s, 1), "the other waits");
    int64_t seen = store_foreign_commits(b.s);
    store_submit(b.s, make_await(1, 50));
    ok(comes_back(&b, false), "at most so long");
    store_submit(b.s, make_await(1, 60000));
    store_submit(b.s, make_get(5));
    store_job_free(wait_jobs(&b, 1));
    ok(true, "other jobs are done meanwhile");
    store_job_free(run(&a, make_put(1, words("answer %d", 1))));
    end_lease(a.s, 1);
    ok(comes_back(&b, true), "until the lease has ended");
    ok(store_foreign_commits(b.s) != seen, "then others have committed");
    store_job *job = run(&b, make_get(1));
    ok(completion_is(job, "answer 1"), "what was asked for");
    store_job_free(job);

    ok(lease(a.s, 2), "one more call");
    job = make_await(2, 60000);
    store_submit(b.s, job);
    atomic_store(&job->withdrawn, true);
    ok(comes_back(&b, false), "who is withdrawn waits no more");
    store_submit(b.s, make_await(2, 60000));
    store_finish(b.s);
    ok(comes_back(&b, false), "nor who waits when the store is closed");
    scene_close(&b);
    scene_close(&a);
    ok(!has_file(path), "closed, the store is one file");
    if (scene_open(&a, path, true)) {
        ok(lease(a.s, 1) && lease(a.s, 1), "to read one needs no leases");
        ok(!has_file(path), "and makes none");
        scene_close(&a);
    }
}

int main(void) {
    if (!scene_begin()) return 1;
    test_killed();
    test_contention();
    test_two();
    test_many();
    test_stores();
    return scene_end();
}
