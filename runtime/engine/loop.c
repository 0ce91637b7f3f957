#include "engine/loop.h"

#include <assert.h>
#include <stdlib.h>
#include <uv.h>

#include "base/allocator.h"

struct loop {
    uv_loop_t uv;
};

/* Every handle begins with its uv part, so that one close callback frees them all. */
struct loop_timer {
    uv_timer_t uv;
    void (*fn)(void *);
    void *arg;
};

struct loop_poll {
    uv_poll_t uv;
    int fd;
    void (*fn)(void *, int, int);
    void *arg;
};

struct loop_wake {
    uv_async_t uv;
    void (*fn)(void *);
    void *arg;
};

typedef struct work_item {
    uv_work_t uv;
    void (*work)(void *);
    void (*done)(void *);
    void *arg;
} work_item;

/* For what libuv refuses only when it is used wrongly. */
static void must(int code) {
    assert(code == 0);
    (void)code;
}

static void free_handle(uv_handle_t *h) {
    free(h);
}

static void close_handle(void *handle) {
    if (handle) uv_close(handle, free_handle);
}

loop *loop_new(void) {
    loop *l = calloc(1, sizeof *l);
    if (l && uv_loop_init(&l->uv) != 0) {
        free(l);
        return NULL;
    }
    return l;
}

void loop_free(loop *l) {
    if (!l) return;
    while (uv_run(&l->uv, UV_RUN_DEFAULT) != 0) {
    }
    must(uv_loop_close(&l->uv));
    free(l);
}

uv_loop_t *loop_uv(loop *l) {
    return &l->uv;
}

uint64_t loop_now(loop *l) {
    return uv_now(&l->uv);
}

uint64_t loop_clock(loop *l) {
    uv_update_time(&l->uv);
    return uv_now(&l->uv);
}

void loop_turn(loop *l, bool wait) {
    uv_run(&l->uv, wait ? UV_RUN_ONCE : UV_RUN_NOWAIT);
}

loop_timer *loop_timer_new(loop *l, void (*fn)(void *), void *arg) {
    loop_timer *t = calloc(1, sizeof *t);
    if (!t) return NULL;
    must(uv_timer_init(&l->uv, &t->uv));
    t->fn = fn;
    t->arg = arg;
    return t;
}

static void on_timer(uv_timer_t *h) {
    loop_timer *t = (loop_timer *)h;
    t->fn(t->arg);
    /* A turn runs timers first and then waits for I/O; what this one woke must not wait with it. */
    uv_stop(h->loop);
}

void loop_timer_start(loop_timer *t, uint64_t ms) {
    /* The loop's clock stands still while Lua runs; a timer counts from now, not from then. */
    uv_update_time(t->uv.loop);
    must(uv_timer_start(&t->uv, on_timer, ms, 0));
}

void loop_timer_stop(loop_timer *t) {
    must(uv_timer_stop(&t->uv));
}

void loop_timer_free(loop_timer *t) {
    close_handle(t);
}

loop_poll *loop_poll_new(loop *l, int fd, void (*fn)(void *, int, int), void *arg) {
    loop_poll *p = calloc(1, sizeof *p);
    if (!p) return NULL;
    if (uv_poll_init(&l->uv, &p->uv, fd) != 0) {
        free(p);
        return NULL;
    }
    p->fd = fd;
    p->fn = fn;
    p->arg = arg;
    return p;
}

static void on_poll(uv_poll_t *h, int status, int events) {
    loop_poll *p = (loop_poll *)h;
    int ready = status < 0 ? LOOP_READ | LOOP_WRITE
                           : (events & UV_READABLE ? LOOP_READ : 0) |
                                 (events & UV_WRITABLE ? LOOP_WRITE : 0) |
                                 (events & UV_DISCONNECT ? LOOP_GONE : 0);
    p->fn(p->arg, p->fd, ready);
}

bool loop_poll_set(loop_poll *p, int events) {
    int wanted = (events & LOOP_READ ? UV_READABLE : 0) | (events & LOOP_WRITE ? UV_WRITABLE : 0) |
                 (events & LOOP_GONE ? UV_DISCONNECT : 0);
    return (wanted ? uv_poll_start(&p->uv, wanted, on_poll) : uv_poll_stop(&p->uv)) == 0;
}

void loop_poll_free(loop_poll *p) {
    close_handle(p);
}

static void on_wake(uv_async_t *h) {
    loop_wake *w = (loop_wake *)h;
    w->fn(w->arg);
}

loop_wake *loop_wake_new(loop *l, void (*fn)(void *), void *arg) {
    loop_wake *w = calloc(1, sizeof *w);
    if (!w) return NULL;
    if (uv_async_init(&l->uv, &w->uv, on_wake) != 0) {
        free(w);
        return NULL;
    }
    w->fn = fn;
    w->arg = arg;
    return w;
}

void loop_wake_send(loop_wake *w) {
    must(uv_async_send(&w->uv));
}

void loop_wake_free(loop_wake *w) {
    close_handle(w);
}

static void do_work(uv_work_t *r) {
    work_item *w = (work_item *)r;
    allocator_begin_thread();
    w->work(w->arg);
}

static void after_work(uv_work_t *r, int status) {
    (void)status; /* nothing cancels work, so it has always been done */
    work_item *w = (work_item *)r;
    w->done(w->arg);
    free(w);
}

bool loop_work(loop *l, void (*work)(void *), void (*done)(void *), void *arg) {
    work_item *w = calloc(1, sizeof *w);
    if (!w) return false;
    w->work = work;
    w->done = done;
    w->arg = arg;
    if (uv_queue_work(&l->uv, &w->uv, do_work, after_work) != 0) {
        free(w);
        return false;
    }
    return true;
}
