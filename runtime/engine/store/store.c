#include "engine/store/store.h"

#include "base/allocator.h"
#include "engine/store/connection.h"
#include "engine/store/lease.h"
#include "engine/store/queue.h"

#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    ROUND_MAX = 1000, /* jobs in one transaction */
    AWAIT_MS = 10,    /* between two looks at the leases that are awaited */
};

struct store {
    /* set once */
    char *path;
    bool read_only, prompt;
    void (*notify)(void *arg);
    void *notify_arg;
    pthread_t thread;

    /* the thread's alone */
    store_connection *connection;
    store_queue awaited;    /* jobs that wait for a lease to end */
    int64_t awaited_looked; /* when that was last looked at */

    /* the submitting thread's alone */
    bool leases_wanted;

    _Atomic(store_leases *) leases; /* set once, by the first lease */

    /* under the mutex */
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    store_queue later, waiting, done;
    bool closing, finished;
};

/* ---- awaiting leases ---- */

static bool has_waited(store *s, store_job *job, int64_t now, bool closing) {
    job->found = !closing && store_lease_is_free(atomic_load(&s->leases), job->key);
    return job->found || closing || now >= job->until_ms || atomic_load(&job->withdrawn);
}

/* Moves the jobs whose waiting is over to the end of `done`. */
static void look_at_leases(store *s, store_queue *done, bool closing) {
    int64_t now = store_now_ms();
    store_queue still;
    store_queue_init(&still);
    for (store_job *job = s->awaited.head, *next; job; job = next) {
        next = job->next;
        store_queue_append(has_waited(s, job, now, closing) ? done : &still, job);
    }
    store_queue_init(&s->awaited);
    store_queue_join(&s->awaited, &still);
    s->awaited_looked = now;
}

/* Takes out of the round what awaits a lease. */
static void set_awaiting_aside(store *s, store_queue *round) {
    store_queue rest;
    store_queue_init(&rest);
    for (store_job *job = round->head, *next; job; job = next) {
        next = job->next;
        store_queue_append(job->op == STORE_AWAIT ? &s->awaited : &rest, job);
    }
    store_queue_init(round);
    store_queue_join(round, &rest);
}

/* ---- the thread ---- */

/* When the thread has to go on without a job, on the clock of store_now_ms; INT64_MAX for never. */
static int64_t next_duty(const store *s) {
    int64_t duty = store_connection_due(s->connection);
    if (s->awaited.head && s->awaited_looked + AWAIT_MS < duty) duty = s->awaited_looked + AWAIT_MS;
    return duty;
}

/* Waits for jobs, or for the next duty, and moves what a transaction takes into round, which may
 * stay empty. False when the store is closing and nothing is left. */
static bool next_round(store *s, store_queue *round) {
    int64_t duty = next_duty(s);
    struct timespec until = {.tv_sec = duty / 1000, .tv_nsec = duty % 1000 * 1000000};
    int rc = 0;
    pthread_mutex_lock(&s->mutex);
    while (!s->waiting.head && !s->closing && rc == 0) {
        if (duty < INT64_MAX)
            rc = pthread_cond_timedwait(&s->wake, &s->mutex, &until);
        else
            rc = pthread_cond_wait(&s->wake, &s->mutex);
    }
    store_queue_take(round, &s->waiting, ROUND_MAX);
    bool more = round->head || !s->closing;
    pthread_mutex_unlock(&s->mutex);
    return more;
}

static void give_back(store *s, store_queue *done) {
    if (!done->head) return;
    pthread_mutex_lock(&s->mutex);
    store_queue_join(&s->done, done);
    pthread_mutex_unlock(&s->mutex);
    if (s->notify) s->notify(s->notify_arg);
}

static void *thread_main(void *arg) {
    pthread_setname_np(pthread_self(), "store"); /* for top, perf and gdb */
    store *s = arg;
    /* Where it shares a core with the loop it does not break in on that for each job, but takes
     * more at a time: half of the switches. On a busy machine it then waits behind others too. */
    if (!s->prompt) pthread_setschedparam(pthread_self(), SCHED_BATCH, &(struct sched_param){0});
    allocator_begin_thread();
    store_queue round;
    store_queue_init(&round);
    while (next_round(s, &round)) {
        set_awaiting_aside(s, &round);
        bool any = round.head != NULL;
        if (any) store_connection_run(s->connection, &round, atomic_load(&s->leases));
        if (s->awaited.head) look_at_leases(s, &round, false);
        give_back(s, &round);
        store_connection_tend(s->connection, any);
    }
    look_at_leases(s, &round, true);
    give_back(s, &round);
    store_connection_finish(s->connection);
    return NULL;
}

/* ---- opening and closing ---- */

/* Signals are the main thread's business. */
static int start_thread(store *s) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&s->thread, NULL, thread_main, s);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc;
}

static void release(store *s) {
    store_connection_close(s->connection);
    store_leases_close(atomic_load(&s->leases));
    pthread_cond_destroy(&s->wake);
    pthread_mutex_destroy(&s->mutex);
    free(s->path);
    free(s);
}

static store *new_store(const store_options *options) {
    store *s = calloc(1, sizeof *s);
    char *path = strdup(options->path);
    if (!s || !path) {
        free(s);
        free(path);
        return NULL;
    }
    s->path = path;
    s->read_only = options->read_only;
    s->prompt = options->prompt;
    s->notify = options->notify;
    s->notify_arg = options->notify_arg;
    store_queue_init(&s->later);
    store_queue_init(&s->waiting);
    store_queue_init(&s->done);
    store_queue_init(&s->awaited);
    pthread_mutex_init(&s->mutex, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&s->wake, &attr);
    pthread_condattr_destroy(&attr);
    return s;
}

store *store_open(const store_options *options, char *err, size_t errlen) {
    store *s = new_store(options);
    if (!s) {
        snprintf(err, errlen, "%s", store_out_of_memory);
        return NULL;
    }
    store_options own = *options;
    own.path = s->path;
    s->connection = store_connection_open(&own, err, errlen);
    if (s->connection && start_thread(s) == 0) return s;
    if (s->connection)
        snprintf(err, errlen, "the store %s failed: cannot start its thread", s->path);
    release(s);
    return NULL;
}

bool store_has_pending(const store *s) {
    return store_connection_has_pending(s->connection);
}

void store_finish(store *s) {
    if (s->finished) return;
    store_flush(s);
    pthread_mutex_lock(&s->mutex);
    s->closing = true;
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->mutex);
    pthread_join(s->thread, NULL);
    assert(!s->waiting.head && !s->awaited.head);
    s->finished = true;
}

void store_close(store *s) {
    if (!s) return;
    store_finish(s);
    store_queue_free(&s->done);
    release(s);
}

/* ---- for the submitting thread ---- */

void store_submit(store *s, store_job *job) {
    store_submit_later(s, job);
    store_flush(s);
}

void store_submit_later(store *s, store_job *job) {
    assert(!job->error && !job->found && !job->answer.data);
    pthread_mutex_lock(&s->mutex);
    assert(!s->closing);
    store_queue_append(&s->later, job);
    pthread_mutex_unlock(&s->mutex);
}

void store_flush(store *s) {
    pthread_mutex_lock(&s->mutex);
    bool any = s->later.head != NULL;
    store_queue_join(&s->waiting, &s->later);
    pthread_mutex_unlock(&s->mutex);
    /* Not before: the thread may run at once, and would only wait for the mutex. */
    if (any) pthread_cond_signal(&s->wake);
}

store_job *store_collect(store *s) {
    pthread_mutex_lock(&s->mutex);
    store_job *jobs = s->done.head;
    store_queue_init(&s->done);
    pthread_mutex_unlock(&s->mutex);
    return jobs;
}

bool store_lease(store *s, const unsigned char key[STORE_KEY]) {
    if (!s->leases_wanted && !s->read_only) {
        s->leases_wanted = true;
        atomic_store(&s->leases, store_leases_open(s->path));
    }
    return store_lease_take(atomic_load(&s->leases), key);
}

void store_end_lease(store *s, const unsigned char key[STORE_KEY]) {
    store_lease_end(atomic_load(&s->leases), key);
}

int64_t store_foreign_commits(store *s) {
    if (!s->leases_wanted) return -1;
    return (int64_t)store_leases_foreign_commits(atomic_load(&s->leases));
}
