#include "base/crew.h"

#include "base/allocator.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

enum { THREADS_MOST = 7, SLOTS_MOST = 3 * (THREADS_MOST + 1) };

enum state { EMPTY, GIVEN, BEGUN, WORKED };

struct crew {
    void (*work)(void *, void *);
    void *arg;
    char *slots;
    size_t size, count;
    size_t first, given; /* the slot to take next, and how many are given from there on */
    size_t threads;
    pthread_t thread[THREADS_MOST];
    pthread_mutex_t lock; /* for: */
    pthread_cond_t more, worked;
    enum state states[SLOTS_MOST];
    size_t next; /* the slot to begin with next: none before it is GIVEN */
    bool ending;
};

static void *slot_at(const crew *c, size_t at) {
    return c->slots + at * c->size;
}

/* Works on the slot that was given first of those that nobody has begun. False when there is none.
 * Called, and returns, with the lock held. */
static bool work_on_next(crew *c) {
    size_t at = c->next;
    if (c->states[at] != GIVEN) return false;
    c->states[at] = BEGUN;
    c->next = (at + 1) % c->count;
    pthread_mutex_unlock(&c->lock);
    c->work(c->arg, slot_at(c, at));
    pthread_mutex_lock(&c->lock);
    c->states[at] = WORKED;
    pthread_cond_signal(&c->worked);
    return true;
}

static void *run(void *arg) {
    crew *c = arg;
    allocator_begin_thread();
    pthread_mutex_lock(&c->lock);
    while (!c->ending)
        if (!work_on_next(c)) pthread_cond_wait(&c->more, &c->lock);
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

/* ---- the caller's side ---- */

size_t crew_usual(void) {
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (cores < 1) return 0;
    return cores - 1 < THREADS_MOST ? (size_t)cores - 1 : THREADS_MOST;
}

/* Fewer threads than wanted are no failure. */
static void begin(crew *c, size_t wanted) {
    sigset_t all, before; /* signals are the main thread's */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (c->threads < wanted && pthread_create(&c->thread[c->threads], NULL, run, c) == 0)
        c->threads++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

crew *crew_new(size_t threads, size_t size, void (*work)(void *arg, void *slot), void *arg) {
    if (threads > THREADS_MOST) threads = THREADS_MOST;
    crew *c = calloc(1, sizeof *c);
    if (!c) return NULL;
    c->work = work;
    c->arg = arg;
    c->size = size;
    c->count = threads ? 3 * (threads + 1) : 1;
    c->slots = calloc(c->count, size);
    if (!c->slots) {
        free(c);
        return NULL;
    }
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->more, NULL);
    pthread_cond_init(&c->worked, NULL);
    begin(c, threads);
    return c;
}

void *crew_room(crew *c) {
    return c->given < c->count ? slot_at(c, (c->first + c->given) % c->count) : NULL;
}

void crew_give(crew *c) {
    assert(c->given < c->count);
    pthread_mutex_lock(&c->lock);
    c->states[(c->first + c->given++) % c->count] = GIVEN;
    pthread_cond_signal(&c->more);
    pthread_mutex_unlock(&c->lock);
}

void *crew_take(crew *c) {
    if (c->given == 0) return NULL;
    pthread_mutex_lock(&c->lock);
    while (c->states[c->first] != WORKED)
        if (!work_on_next(c)) pthread_cond_wait(&c->worked, &c->lock);
    pthread_mutex_unlock(&c->lock);
    return slot_at(c, c->first);
}

void crew_done(crew *c) {
    assert(c->given > 0);
    pthread_mutex_lock(&c->lock);
    assert(c->states[c->first] == WORKED);
    c->states[c->first] = EMPTY;
    pthread_mutex_unlock(&c->lock);
    c->first = (c->first + 1) % c->count;
    c->given--;
}

void crew_free(crew *c, void (*release)(void *slot)) {
    if (!c) return;
    pthread_mutex_lock(&c->lock);
    c->ending = true;
    pthread_cond_broadcast(&c->more);
    pthread_mutex_unlock(&c->lock);
    for (size_t i = 0; i < c->threads; i++) pthread_join(c->thread[i], NULL);
    for (size_t i = 0; i < c->count; i++) release(slot_at(c, i));
    pthread_mutex_destroy(&c->lock);
    pthread_cond_destroy(&c->more);
    pthread_cond_destroy(&c->worked);
    free(c->slots);
    free(c);
}
