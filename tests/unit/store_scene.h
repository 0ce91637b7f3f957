/*
 * store_scene: what the tests of the store share: a folder of their own, a store with a bell, jobs.
 *
 * Ownership: as in engine/store/store.h; jobs that come back are the test's to free, and the texts
 * that they borrow live until the end.
 */
#ifndef FELLOWSHIP_TESTS_STORE_SCENE_H
#define FELLOWSHIP_TESTS_STORE_SCENE_H

#include "engine/store/scan.h"
#include "engine/store/store.h"

#include "tap.h"

#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

static char folder[] = "/tmp/store_test.XXXXXX";
static char path[128];
static char err[512];

/* A fresh path inside folder; its parent does not exist. */
static inline const char *fresh(void) {
    static int number;
    snprintf(path, sizeof path, "%s/%d/runs/store.db", folder, ++number);
    return path;
}

static inline void ring(void *arg) {
    if (write(*(int *)arg, "", 1) != 1) abort();
}

/* A store and the pipe that its notify rings. */
typedef struct scene {
    store *s;
    int ends[2];
    int rounds;
} scene;

static inline bool scene_open(scene *d, const char *at, bool read_only) {
    if (pipe(d->ends) < 0) return false;
    d->rounds = 0;
    store_options options = {
        .path = at, .read_only = read_only, .notify = ring, .notify_arg = &d->ends[1]};
    err[0] = '\0';
    d->s = store_open(&options, err, sizeof err);
    return d->s != NULL;
}

static inline void scene_close(scene *d) {
    store_close(d->s);
    close(d->ends[0]);
    close(d->ends[1]);
}

/* Texts that jobs borrow; they live until the end. */
static struct block {
    struct block *next;
    char data[];
} * blocks;

static inline pack_text text(const void *data, size_t len) {
    struct block *b = malloc(sizeof *b + len + 1);
    memcpy(b->data, data, len);
    b->next = blocks;
    blocks = b;
    return (pack_text){b->data, len};
}

static inline pack_text words(const char *format, int n) {
    char line[64];
    return text(line, (size_t)snprintf(line, sizeof line, format, n));
}

static inline store_job *make_get(int n) {
    store_job *job = calloc(1, sizeof *job);
    job->op = STORE_GET;
    memcpy(job->key, &n, sizeof n);
    return job;
}

static inline store_job *make_put(int n, pack_text completion) {
    store_job *job = make_get(n);
    job->op = STORE_PUT;
    job->request = words("request %d", n);
    job->wire = words("wire %d", n);
    job->completion = completion;
    job->created_ms = 1700000000000 + n;
    return job;
}

/* Waits for count finished jobs; their list in order. */
static inline store_job *wait_jobs(scene *d, int count) {
    store_job *list = NULL, **tail = &list;
    while (count > 0) {
        char byte;
        struct pollfd bell = {.fd = d->ends[0], .events = POLLIN};
        if (poll(&bell, 1, 30000) != 1 || read(d->ends[0], &byte, 1) != 1) abort();
        d->rounds++;
        *tail = store_collect(d->s);
        for (; *tail; tail = &(*tail)->next) count--;
    }
    return list;
}

static inline store_job *run(scene *d, store_job *job) {
    store_submit(d->s, job);
    return wait_jobs(d, 1);
}

static inline bool completion_is(const store_job *job, const char *wanted) {
    return job->found && !job->error && job->answer.len == strlen(wanted) &&
           memcmp(job->answer.data, wanted, job->answer.len) == 0;
}

static inline int count_one(void *arg, const store_record *record) {
    (void)record;
    ++*(int *)arg;
    return 0;
}

/* How many completions the store at a path has; -1 when it cannot be read. */
static inline int count(const char *at) {
    int n = 0;
    return store_each(at, &(store_how){0}, count_one, &n, err, sizeof err) == 0 ? n : -1;
}

static inline bool scene_begin(void) {
    return mkdtemp(folder) != NULL;
}

/* Removes the folder; the exit status of main. */
static inline int scene_end(void) {
    char clean[64];
    snprintf(clean, sizeof clean, "rm -rf '%s'", folder);
    if (system(clean) != 0) printf("# %s stays\n", folder);
    for (struct block *next; blocks; blocks = next) {
        next = blocks->next;
        free(blocks);
    }
    return done_testing();
}

#endif
