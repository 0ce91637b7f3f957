#include "lua/rows_source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"

#define CHUNK (256 * 1024)

/* A window that has grown beyond this for one long record is given back when it is empty. */
#define KEPT ((size_t)16 * CHUNK)

/* What one read on the worker thread brings: the bytes of one member. */
typedef struct arrival {
    buf data;
    buf member;    /* the name of the member that begins, with its NUL */
    bool begins;   /* the data is the begin of a member */
    bool ends;     /* the member ends with the data */
    bool finished; /* no member follows */
    bool failed;   /* the stream has the error; the data before it is good */
} arrival;

/* While a read is under way, `stream`, `arrival` and `inside` are the worker's; all of it must
 * outlive the box of whoever reads, hence a block of its own. */
struct source {
    stream *stream;
    loop *loop;
    arrival arrival;
    bool inside;  /* the stream stands in a member */
    bool regular; /* a file, which never makes a reader wait for long */

    bool reading, arrived, dropped;
    task *waiting;

    buf window;
    size_t at; /* what lies before is taken */
    buf member;
    bool last, skipping;
};

/* --- the worker's side --- */

static bool read_member_name(source *s) {
    int more = stream_next(s->stream);
    s->arrival.finished = more == 0;
    s->arrival.failed = more < 0;
    if (more <= 0) return false;
    const char *name = stream_member(s->stream);
    buf_clear(&s->arrival.member);
    s->inside = s->arrival.begins = buf_append(&s->arrival.member, name, strlen(name) + 1);
    s->arrival.failed = !s->inside;
    return s->inside;
}

static void read_ahead(void *arg) {
    source *s = arg;
    arrival *a = &s->arrival;
    a->begins = a->ends = a->finished = a->failed = false;
    buf_clear(&a->data);
    if (!s->inside && !read_member_name(s)) return;
    while (a->data.len < CHUNK) {
        ssize_t n = stream_read(s->stream, a->data.data + a->data.len, CHUNK - a->data.len);
        a->failed = n < 0;
        a->ends = n == 0;
        if (n <= 0) break;
        a->data.len += (size_t)n;
        if (!s->regular) break;
    }
    s->inside = !a->ends;
}

/* --- the loop's side --- */

static bool is_regular(const char *path) {
    struct stat st;
    int found = strcmp(path, "-") == 0 ? fstat(STDIN_FILENO, &st) : stat(path, &st);
    return found == 0 && S_ISREG(st.st_mode);
}

static void free_source(source *s) {
    stream_close(s->stream);
    buf_free(&s->arrival.data);
    buf_free(&s->arrival.member);
    buf_free(&s->window);
    buf_free(&s->member);
    free(s);
}

source *source_open(const char *path, const stream_limits *limits, loop *loop, char *err,
                    size_t errlen) {
    source *s = calloc(1, sizeof *s);
    if (!s || !buf_reserve(&s->arrival.data, CHUNK) || !buf_append_char(&s->member, '\0')) {
        snprintf(err, errlen, "cannot open %s: out of memory", path);
        if (s) free_source(s);
        return NULL;
    }
    s->loop = loop;
    s->regular = is_regular(path);
    s->last = true; /* before the first member */
    s->stream = stream_open(path, limits, err, errlen);
    if (s->stream) return s;
    free_source(s);
    return NULL;
}

void source_drop(source *s) {
    if (!s) return;
    if (s->reading)
        s->dropped = true; /* on_read frees it */
    else
        free_source(s);
}

const char *source_window(const source *s, size_t *len, bool *last) {
    *len = s->window.len - s->at;
    *last = s->last;
    return s->window.data ? s->window.data + s->at : "";
}

void source_take(source *s, size_t n) {
    s->at += n;
}

void source_skip(source *s) {
    s->skipping = true;
    s->at = s->window.len;
}

const char *source_member(const source *s) {
    return s->member.data;
}

const char *source_error(const source *s) {
    const char *error = stream_error(s->stream);
    return error[0] ? error : "out of memory";
}

bool source_is_awaited(const source *s) {
    return s->waiting != NULL;
}

static void on_read(void *arg) {
    source *s = arg;
    task *t = s->waiting;
    s->waiting = NULL;
    s->reading = false;
    s->arrived = true;
    if (s->dropped) free_source(s);
    if (t) task_wake(t); /* which finds out if the rows were closed meanwhile */
}

static bool start_reading(source *s) {
    s->arrived = false;
    if (s->skipping) s->inside = false;
    s->reading = loop_work(s->loop, read_ahead, on_read, s);
    return s->reading;
}

/* Puts what arrived behind what is left of the window. */
static bool grow_window(source *s) {
    size_t left = s->window.len - s->at;
    if (left > 0 && s->at > 0) memmove(s->window.data, s->window.data + s->at, left);
    s->window.len = left;
    s->at = 0;
    if (left == 0 && s->window.cap > KEPT) buf_free(&s->window);
    return buf_append(&s->window, s->arrival.data.data, s->arrival.data.len);
}

/* Hands over what arrived. */
static enum source_event take_arrival(source *s) {
    arrival *a = &s->arrival;
    if (a->begins) {
        buf name = s->member;
        s->member = a->member;
        a->member = name;
        a->begins = s->last = s->skipping = false;
        s->window.len = s->at = 0;
        return SOURCE_MEMBER; /* what it begins with is taken at the next call */
    }
    if (a->data.len == 0 && !a->ends) return a->finished ? SOURCE_END : SOURCE_FAILED;
    bool failed = a->failed;
    if (!s->skipping && !grow_window(s)) return SOURCE_FAILED;
    s->last = a->ends;
    buf_clear(&a->data);
    a->ends = false;
    if (failed) return SOURCE_MORE; /* and next time the failure */
    if (s->regular && !start_reading(s)) return SOURCE_FAILED;
    if (!s->regular) s->arrived = false;
    return SOURCE_MORE;
}

enum source_event source_advance(source *s) {
    for (;;) {
        if (s->reading) return SOURCE_WAIT;
        if (!s->arrived && !start_reading(s)) return SOURCE_FAILED;
        if (s->reading) return SOURCE_WAIT;
        enum source_event event = take_arrival(s);
        if (event != SOURCE_MORE || !s->skipping) return event;
    }
}

static void stop_waiting(void *arg) {
    ((source *)arg)->waiting = NULL;
}

int source_wait(source *s, lua_State *L, task *t, lua_KFunction k) {
    s->waiting = t;
    return task_suspend(L, TASK_OUTSIDE, stop_waiting, s, 0, k);
}
