#include "engine/outlet.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/sink.h"

/* So many bytes are handed on. */
#define PIECE ((size_t)512 * 1024)

/* What has gathered in so many milliseconds is handed on too, so that one can look at the file
 * while it grows. Not of a compressed one, whose bytes would depend on it. */
#define LOOK_MS 100

struct outlet {
    loop *loop;
    void (*ready)(void *);
    void *arg;
    buf gathering;
    size_t whole;   /* bytes of it that are whole records */
    size_t reports; /* calls of on_written that are to come */
    bool ending;    /* outlet_end was called */
    bool ended;     /* and the last piece was handed on */
    bool dropped;
    loop_timer *timer; /* of a plain file */
    bool ticking;

    /* The writing thread's, while there is a piece. */
    sink *sink;
    buf piece;
    bool last;
    char *name; /* that the complete file gets, if another */

    pthread_mutex_t lock; /* for: */
    pthread_cond_t written;
    bool writing, failed;
};

/* ---- the writing thread ---- */

static bool write_piece(outlet *o) {
    if (!sink_write(o->sink, o->piece.data, o->piece.len)) return false;
    if (!o->last) return true;
    return o->name ? sink_commit(o->sink, o->name) : sink_finish(o->sink);
}

static void work(void *arg) {
    outlet *o = arg;
    bool well = write_piece(o);
    pthread_mutex_lock(&o->lock);
    o->failed = !well;
    o->writing = false;
    pthread_cond_signal(&o->written);
    pthread_mutex_unlock(&o->lock);
}

/* ---- the loop's thread ---- */

static void free_outlet(outlet *o) {
    if (o->timer) loop_timer_free(o->timer);
    sink_close(o->sink);
    buf_free(&o->gathering);
    buf_free(&o->piece);
    free(o->name);
    pthread_mutex_destroy(&o->lock);
    pthread_cond_destroy(&o->written);
    free(o);
}

static void on_written(void *arg) {
    outlet *o = arg;
    o->reports--;
    if (!o->dropped)
        o->ready(o->arg);
    else if (o->reports == 0)
        free_outlet(o);
}

static void on_time(void *arg);

outlet *outlet_open(const char *path, const char *filter, int level, loop *l, void (*ready)(void *),
                    void *arg, char *err, size_t errlen) {
    outlet *o = calloc(1, sizeof *o);
    if (!o) {
        snprintf(err, errlen, "out of memory");
        return NULL;
    }
    pthread_mutex_init(&o->lock, NULL);
    pthread_cond_init(&o->written, NULL);
    o->loop = l;
    o->ready = ready;
    o->arg = arg;
    o->sink = sink_open(path, filter, level, err, errlen);
    if (o->sink && !filter) o->timer = loop_timer_new(l, on_time, o);
    if (o->sink && (filter || o->timer)) return o;
    if (o->sink) snprintf(err, errlen, "out of memory");
    free_outlet(o);
    return NULL;
}

buf *outlet_record(outlet *o) {
    return &o->gathering;
}

size_t outlet_keep(outlet *o) {
    size_t before = o->whole;
    o->whole = o->gathering.len;
    if (o->timer && !o->ticking) {
        o->ticking = true;
        loop_timer_start(o->timer, LOOK_MS);
    }
    return o->whole - before;
}

void outlet_undo(outlet *o) {
    o->gathering.len = o->whole;
}

/* Whether a piece is being written; waits until none is when told to. */
static bool is_writing(outlet *o, bool wait) {
    pthread_mutex_lock(&o->lock);
    while (wait && o->writing) pthread_cond_wait(&o->written, &o->lock);
    bool writing = o->writing;
    pthread_mutex_unlock(&o->lock);
    return writing;
}

/* Hands on what has gathered; no piece is being written. `here`: the caller's thread writes it. */
static void hand_on(outlet *o, bool here) {
    buf spare = o->piece;
    o->piece = o->gathering;
    o->gathering = spare;
    buf_clear(&o->gathering);
    o->whole = 0;
    o->last = o->ended = o->ending;
    o->writing = true; /* seen by nobody else yet */
    if (here || !loop_work(o->loop, work, on_written, o))
        work(o);
    else
        o->reports++;
}

static void on_time(void *arg) {
    outlet *o = arg;
    o->ticking = false;
    if (o->dropped || o->ending || o->whole == 0) return;
    if (is_writing(o, false)) {
        o->ticking = true;
        loop_timer_start(o->timer, LOOK_MS);
    } else if (!o->failed && o->whole == o->gathering.len) {
        hand_on(o, false);
    }
}

enum outlet_state outlet_state(outlet *o, bool wait) {
    for (;;) {
        if (is_writing(o, wait)) return OUTLET_BUSY;
        if (o->failed) return OUTLET_FAILED;
        if (o->ending ? o->ended : o->whole < PIECE) return OUTLET_READY;
        hand_on(o, wait);
    }
}

bool outlet_end(outlet *o, const char *to) {
    o->ending = true;
    if (o->timer) loop_timer_stop(o->timer);
    if (!to) return true;
    o->name = strdup(to);
    return o->name != NULL;
}

const char *outlet_error(const outlet *o) {
    return sink_error(o->sink);
}

void outlet_drop(outlet *o) {
    if (!o) return;
    o->dropped = true;
    if (o->timer) loop_timer_stop(o->timer);
    if (!is_writing(o, false)) {
        sink_close(o->sink); /* the file may be written anew at once */
        o->sink = NULL;
    }
    if (o->reports == 0) free_outlet(o); /* else on_written frees it */
}
