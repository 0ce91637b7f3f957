#include "engine/reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/transcode.h"
#include "engine/worker.h"

#define CHUNK (256 * 1024)

/* A window that has grown beyond this for one long record is given back when it is empty. */
#define KEPT ((size_t)16 * CHUNK)

/* What one read on the worker thread brings: the bytes of one member. */
typedef struct arrival {
    buf data;
    buf member;        /* the name of the member that begins, with its NUL */
    bool begins;       /* the data is the begin of a member */
    bool ends;         /* the member ends with the data */
    bool finished;     /* no member follows */
    bool failed;       /* the stream has the error; the data before it is good */
    uint64_t position; /* bytes of the file that were read for it and what was before */
} arrival;

/* While a read is under way, `stream`, `arrival`, `transcoder` and `inside` are the reading
 * thread's. */
struct reader {
    stream *stream;
    loop *loop;
    worker *worker; /* of a stream that may keep us waiting */
    void (*ready)(void *);
    void *arg;
    arrival arrival;
    transcoder transcoder; /* of the member */
    bool inside;           /* the stream stands in a member */

    bool reading, arrived, dropped;

    buf window;
    size_t at; /* what lies before is taken */
    buf member;
    bool last, skipping;
    uint64_t position, delivered, taken; /* bytes of the file; of what it holds, here and taken */
};

/* --- the reading thread --- */

static bool read_member_name(reader *r) {
    int more = stream_next(r->stream);
    r->arrival.finished = more == 0;
    r->arrival.failed = more < 0;
    if (more <= 0) return false;
    const char *name = stream_member(r->stream);
    buf_clear(&r->arrival.member);
    transcode_free(&r->transcoder);
    r->inside = r->arrival.begins = buf_append(&r->arrival.member, name, strlen(name) + 1);
    r->arrival.failed = !r->inside;
    return r->inside;
}

static void read_chunk(reader *r) {
    arrival *a = &r->arrival;
    while (a->data.len < CHUNK) {
        ssize_t n = stream_read(r->stream, a->data.data + a->data.len, CHUNK - a->data.len);
        a->failed = n < 0;
        a->ends = n == 0;
        if (n <= 0) break;
        a->data.len += (size_t)n;
        if (r->worker) break; /* what has come is wanted now */
    }
}

static void read_ahead(void *arg) {
    reader *r = arg;
    arrival *a = &r->arrival;
    a->begins = a->ends = a->finished = a->failed = false;
    buf_clear(&a->data);
    if (!r->inside && !read_member_name(r)) return;
    do {
        if (!buf_reserve(&a->data, CHUNK)) {
            a->failed = true;
            break;
        }
        read_chunk(r);
        if (!transcode(&r->transcoder, &a->data, a->ends)) a->failed = true;
    } while (a->data.len == 0 && !a->ends && !a->failed); /* half a character has come */
    r->inside = !a->ends;
    a->position = stream_position(r->stream);
}

/* --- the loop's thread --- */

static void free_reader(reader *r) {
    worker_free(r->worker);
    stream_close(r->stream);
    buf_free(&r->arrival.data);
    buf_free(&r->arrival.member);
    transcode_free(&r->transcoder);
    buf_free(&r->window);
    buf_free(&r->member);
    free(r);
}

reader *reader_open(const char *path, const stream_limits *limits, loop *l, void (*ready)(void *),
                    void *arg, char *err, size_t errlen) {
    reader *r = calloc(1, sizeof *r);
    bool well = r && buf_reserve(&r->arrival.data, CHUNK) && buf_append_char(&r->member, '\0');
    if (well) {
        r->loop = l;
        r->ready = ready;
        r->arg = arg;
        r->last = true; /* before the first member */
        r->stream = stream_open(path, limits, err, errlen);
        if (r->stream && stream_waits(r->stream)) r->worker = worker_new(l);
    }
    if (!well || (r->stream && stream_waits(r->stream) && !r->worker))
        snprintf(err, errlen, "cannot open %s: out of memory", path);
    else if (r->stream)
        return r;
    if (r) free_reader(r);
    return NULL;
}

void reader_drop(reader *r) {
    if (!r) return;
    if (!r->reading) {
        free_reader(r);
        return;
    }
    r->dropped = true; /* on_read frees it */
    stream_halt(r->stream);
}

const char *reader_window(const reader *r, size_t *len, bool *last) {
    *len = r->window.len - r->at;
    *last = r->last;
    return r->window.data ? r->window.data + r->at : "";
}

void reader_take(reader *r, size_t n) {
    r->at += n;
    r->taken += n;
}

double reader_position(const reader *r) {
    if (r->delivered == 0) return 0;
    return (double)r->position * ((double)r->taken / (double)r->delivered);
}

void reader_skip(reader *r) {
    r->skipping = true;
    r->at = r->window.len;
}

const char *reader_member(const reader *r) {
    return r->member.data;
}

const char *reader_error(const reader *r) {
    const char *error = stream_error(r->stream);
    return error[0] ? error : "out of memory";
}

static void on_read(void *arg) {
    reader *r = arg;
    r->reading = false;
    r->arrived = true;
    if (r->dropped)
        free_reader(r);
    else
        r->ready(r->arg);
}

static bool start_reading(reader *r) {
    r->arrived = false;
    if (r->skipping) r->inside = false;
    r->reading = true;
    if (r->worker)
        worker_do(r->worker, read_ahead, on_read, r);
    else
        r->reading = loop_work(r->loop, read_ahead, on_read, r);
    return r->reading;
}

/* Puts what arrived behind what is left of the window. */
static bool grow_window(reader *r) {
    size_t left = r->window.len - r->at;
    if (left > 0 && r->at > 0) memmove(r->window.data, r->window.data + r->at, left);
    r->window.len = left;
    r->at = 0;
    if (left == 0 && r->window.cap > KEPT) buf_free(&r->window);
    return buf_append(&r->window, r->arrival.data.data, r->arrival.data.len);
}

/* Hands over what arrived. */
static enum reader_event take_arrival(reader *r) {
    arrival *a = &r->arrival;
    if (a->begins) {
        buf name = r->member;
        r->member = a->member;
        a->member = name;
        a->begins = r->last = r->skipping = false;
        r->window.len = r->at = 0;
        return READER_MEMBER; /* what it begins with is taken at the next call */
    }
    if (a->data.len == 0 && !a->ends) return a->finished ? READER_END : READER_FAILED;
    bool failed = a->failed;
    if (!r->skipping && !grow_window(r)) return READER_FAILED;
    r->last = a->ends;
    r->position = a->position;
    r->delivered += a->data.len;
    buf_clear(&a->data);
    a->ends = false;
    if (failed) return READER_MORE; /* and next time the failure */
    r->arrived = false;
    if (!r->worker && !start_reading(r)) return READER_FAILED;
    return READER_MORE;
}

enum reader_event reader_advance(reader *r) {
    for (;;) {
        if (r->reading) return READER_WAIT;
        if (!r->arrived && !start_reading(r)) return READER_FAILED;
        if (r->reading) return READER_WAIT;
        enum reader_event event = take_arrival(r);
        if (event != READER_MORE || !r->skipping) return event;
    }
}
