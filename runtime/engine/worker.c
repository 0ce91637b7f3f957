#include "engine/worker.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "base/allocator.h"

struct worker {
    loop_wake *wake;
    void (*work)(void *), (*done)(void *);
    void *arg;
    bool busy; /* the loop's side: a job was given and has not been reported */
    pthread_t thread;
    pthread_mutex_t lock; /* for: */
    pthread_cond_t given;
    enum { IDLE, GIVEN, FINISHED, ENDING } state;
};

static void *run(void *arg) {
    worker *w = arg;
    allocator_begin_thread();
    pthread_mutex_lock(&w->lock);
    for (;;) {
        while (w->state != GIVEN && w->state != ENDING) pthread_cond_wait(&w->given, &w->lock);
        if (w->state == ENDING) break;
        pthread_mutex_unlock(&w->lock);
        w->work(w->arg);
        pthread_mutex_lock(&w->lock);
        w->state = FINISHED;
        loop_wake_send(w->wake);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

static void set_state(worker *w, int state) {
    pthread_mutex_lock(&w->lock);
    w->state = state;
    pthread_cond_signal(&w->given);
    pthread_mutex_unlock(&w->lock);
}

static void on_wake(void *arg) {
    worker *w = arg;
    pthread_mutex_lock(&w->lock);
    bool finished = w->state == FINISHED;
    if (finished) w->state = IDLE;
    pthread_mutex_unlock(&w->lock);
    if (!finished) return;
    w->busy = false;
    w->done(w->arg); /* which may free w */
}

worker *worker_new(loop *l) {
    worker *w = calloc(1, sizeof *w);
    if (!w) return NULL;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->given, NULL);
    w->wake = loop_wake_new(l, on_wake, w);
    sigset_t all, before; /* signals are the main thread's */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool well = w->wake && pthread_create(&w->thread, NULL, run, w) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (well) return w;
    loop_wake_free(w->wake);
    free(w);
    return NULL;
}

void worker_do(worker *w, void (*work)(void *), void (*done)(void *), void *arg) {
    assert(!w->busy);
    w->work = work;
    w->done = done;
    w->arg = arg;
    w->busy = true;
    set_state(w, GIVEN);
}

void worker_free(worker *w) {
    if (!w) return;
    assert(!w->busy);
    set_state(w, ENDING);
    pthread_join(w->thread, NULL);
    loop_wake_free(w->wake);
    pthread_mutex_destroy(&w->lock);
    pthread_cond_destroy(&w->given);
    free(w);
}
