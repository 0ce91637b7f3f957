/* http.h: HTTP exchanges over libcurl, one attempt each; what to make of an answer is policy and
 * lives above. The client owns its calls; a call's answer is lent to its done function, which may
 * steal the buffers. Redirects are never followed, TLS is always verified. */
#ifndef FELLOWSHIP_ENGINE_HTTP_H
#define FELLOWSHIP_ENGINE_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "engine/http_target.h"
#include "engine/loop.h"

typedef struct http http;
typedef struct http_call http_call;

/* How an exchange ended when no whole answer came. */
enum http_failure {
    HTTP_OK = 0,   /* a whole answer, whatever its status */
    HTTP_REFUSED,  /* nothing listens there: connection refused */
    HTTP_CONNECT,  /* no connection otherwise: name, route, connect timeout */
    HTTP_TLS,      /* certificate or handshake; final */
    HTTP_TIMEOUT,  /* first byte, idle or total time ran out */
    HTTP_BROKEN,   /* the connection broke, or the answer was cut short */
    HTTP_TOO_LARGE /* the answer is larger than allowed; final */
};

/* Timeouts in milliseconds, 0 for none. `once`: libcurl sends a request again by itself when a
 * connection that was used before breaks without an answer; then the call ends instead, since the
 * server may have had it. */
typedef struct http_timeouts {
    uint64_t connect; /* until the connection stands */
    uint64_t first;   /* from start to the first byte of the answer */
    uint64_t idle;  /* between bytes, once they flow; while the loop stands still neither counts */
    uint64_t total; /* the whole exchange */
    bool once;
} http_timeouts;

/* What a call came back with, in its done function. */
typedef struct http_answer {
    enum http_failure failure;
    const char *message; /* what went wrong, for people; "" when nothing did */
    long status;         /* 0 when no status line came */
    buf head;            /* the final answer's header lines as received */
    buf body;
    uint64_t elapsed_ms;
} http_answer;

/* Whether libcurl can be had: the first call of this file; false and a message in err when not. */
bool http_ready(char *err, size_t errlen);

/* NULL and a message in err when libcurl cannot be set up. */
http *http_new(loop *l, char *err, size_t errlen);

/* Cancels the calls that are left; their done functions are not called. */
void http_free(http *c);

/*
 * POSTs body, or GETs when body is NULL. The body is not copied: it must stay until the call ends.
 * max_body bounds the answer, in bytes. done(arg, answer) is called once, in the loop, unless the
 * call is cancelled. NULL when out of memory.
 */
http_call *http_send(http *c, http_target *t, const char *body, size_t len,
                     const http_timeouts *timeouts, size_t max_body,
                     void (*done)(void *arg, http_answer *answer), void *arg);

/* Drops a call: its connection is closed and done is not called. */
void http_cancel(http_call *call);

/*
 * Streams. After http_watch, more(arg), with the call's arg, is called in the loop whenever bytes
 * of the body have come; it must not cancel the call. http_take moves them behind what `out` holds,
 * without the secret, and without an end that may be the secret's beginning: that comes with the
 * rest. What was not taken is in the answer of the done function. false when out of memory.
 */
void http_watch(http_call *call, void (*more)(void *arg));
bool http_take(http_call *call, buf *out);

/* How far a call is; *bytes of its body have come. */
enum http_phase { HTTP_CONNECTING, HTTP_SENT, HTTP_ANSWERING };
enum http_phase http_phase_of(const http_call *call, size_t *bytes);

/* The status so far, 0 before the head has come; *head is lent until the next turn of the loop. */
long http_status(http_call *call, const buf **head);

#endif
