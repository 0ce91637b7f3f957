#include "engine/http.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "engine/http_handles.h"
#include "engine/libcurl.h"
#include "engine/multi.h"

#define SWEEP_MS     100   /* how often first-byte and idle timeouts are looked at */
#define FORGOTTEN_MS 1000  /* so long after its time libcurl has forgotten to end a call */
#define HEAD_MOST    32768 /* bytes of header lines; well below HTTP_TLS_BUFFER */
#define QUIET_MS     300   /* nothing came for so long */
#define LATE_MS      50    /* a look that comes so much later tells that the loop stood still */

struct http {
    loop *loop;
    multi *multi;
    http_handles *handles;
    http_call *calls;
    loop_timer *sweep;
    uint64_t sweep_ms; /* when the next look is due */
    uint64_t stood_ms; /* for how long the loop stood still, all in all */
};

struct http_call {
    http *owner;
    http_call *next, *previous;
    http_target *target;
    CURL *easy;
    multi_transfer transfer;
    http_timeouts timeouts;
    int requests; /* times that libcurl went about to send it */
    size_t max_body;
    uint64_t started_ms, last_ms; /* last_ms: when bytes last came, 0 before the first */
    uint64_t looked_ms;           /* last_ms, when the answer was last looked at */
    uint64_t stood_ms;            /* the client's, when something last came */
    bool head_full, head_clean;   /* the head is too large; holds no secret any more */
    void (*done)(void *, http_answer *);
    void (*more)(void *);
    void *arg;
    size_t taken;         /* bytes of the body that http_take looked at */
    redaction *redaction; /* of a body that is taken in pieces */
    http_answer answer;
    char message[CURL_ERROR_SIZE];
};

bool http_ready(char *err, size_t errlen) {
    return libcurl_load(err, errlen);
}

/* ---- what curl calls ---- */

static void note_arrival(http_call *call, size_t len) {
    call->last_ms = loop_now(call->owner->loop);
    call->stood_ms = call->owner->stood_ms;
    if (call->target->tls) multi_arrived(call->owner->multi, &call->transfer, len, HTTP_TLS_BUFFER);
}

static size_t on_body(char *data, size_t size, size_t count, void *arg) {
    http_call *call = arg;
    size_t len = size * count;
    note_arrival(call, len);
    if (call->taken + call->answer.body.len + len > call->max_body) {
        call->answer.failure = HTTP_TOO_LARGE;
        return 0;
    }
    if (!buf_append(&call->answer.body, data, len)) return 0;
    if (call->more) call->more(call->arg);
    return len;
}

static size_t on_head(char *data, size_t size, size_t count, void *arg) {
    http_call *call = arg;
    size_t len = size * count;
    note_arrival(call, len);
    /* A status line begins anew: what came before belongs to an interim answer (100 Continue). */
    if (len >= 5 && memcmp(data, "HTTP/", 5) == 0) buf_clear(&call->answer.head);
    call->head_clean = false;
    call->head_full = call->answer.head.len + len > HEAD_MOST;
    if (call->head_full) {
        call->answer.failure = HTTP_TOO_LARGE;
        return 0;
    }
    return buf_append(&call->answer.head, data, len) ? len : 0;
}

static int before_request(void *arg, char *address, char *own, int port, int own_port) {
    (void)address, (void)own, (void)port, (void)own_port;
    http_call *call = arg;
    return ++call->requests > 1 && call->timeouts.once ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

/* ---- endings ---- */

static void unlink_call(http_call *call) {
    http *c = call->owner;
    *(call->previous ? &call->previous->next : &c->calls) = call->next;
    if (call->next) call->next->previous = call->previous;
}

static void free_call(http_call *call) {
    buf_free(&call->answer.head);
    buf_free(&call->answer.body);
    redaction_free(call->redaction);
    free(call);
}

/* The peer went away in the middle of the handshake, as under load: that passes, unlike what else
 * is wrong with TLS. libcurl tells the two apart in words alone. */
static bool hung_up(const char *message) {
    return strstr(message, "SSL_ERROR_SYSCALL") || strstr(message, "reset by peer") ||
           strstr(message, "unexpected eof");
}

static enum http_failure failure_of(CURL *easy, CURLcode code, const char *message) {
    long os_error = 0;
    switch (code) {
    case CURLE_OK: return HTTP_OK;
    case CURLE_COULDNT_CONNECT:
        curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &os_error);
        return os_error == ECONNREFUSED ? HTTP_REFUSED : HTTP_CONNECT;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY: return HTTP_CONNECT;
    case CURLE_OPERATION_TIMEDOUT: return HTTP_TIMEOUT;
    case CURLE_SSL_CONNECT_ERROR: return hung_up(message) ? HTTP_CONNECT : HTTP_TLS;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE: return HTTP_TLS;
    default: return HTTP_BROKEN;
    }
}

static bool is_failed(const http_call *call) {
    return call->answer.status != 200;
}

/* Ends a call without the answer, which could not be looked through. */
static void lose(http_call *call) {
    call->answer.failure = HTTP_BROKEN;
    snprintf(call->message, sizeof call->message, "the answer was lost: out of memory");
}

static bool redact_head(http_call *call) {
    if (call->head_clean) return true;
    call->head_clean = redact(call->target->secrets, is_failed(call), &call->answer.head);
    return call->head_clean;
}

/* Moves what has come of a body that is taken in pieces behind `out`, as far as it may be shown. */
static bool take(http_call *call, bool last, buf *out) {
    buf *body = &call->answer.body;
    if (!call->redaction && !(call->redaction = redaction_new(call->target->secrets))) return false;
    if (!redaction_add(call->redaction, body->data, body->len, last, out)) return false;
    call->taken += body->len;
    buf_clear(body);
    return true;
}

/* Leaves the secrets out of what is left at the end. */
static bool redact_rest(http_call *call) {
    buf rest = {0}, *body = &call->answer.body;
    if (!redact_head(call)) return false;
    if (!call->redaction) return redact(call->target->secrets, is_failed(call), body);
    bool well = take(call, true, &rest);
    buf_free(body);
    *body = rest;
    return well;
}

void http_watch(http_call *call, void (*more)(void *)) {
    call->more = more;
}

enum http_phase http_phase_of(const http_call *call, size_t *bytes) {
    *bytes = call->taken + call->answer.body.len;
    if (call->last_ms) return HTTP_ANSWERING;
    curl_off_t sent = 0;
    curl_easy_getinfo(call->easy, CURLINFO_PRETRANSFER_TIME_T, &sent);
    return sent > 0 ? HTTP_SENT : HTTP_CONNECTING;
}

/* The call's status so far, from libcurl; none where that cannot tell. */
static long status_of(http_call *call) {
    if (curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &call->answer.status) != CURLE_OK)
        call->answer.status = 0;
    return call->answer.status;
}

long http_status(http_call *call, const buf **head) {
    static const buf none;
    long status = status_of(call);
    *head = redact_head(call) ? &call->answer.head : &none;
    return status;
}

bool http_take(http_call *call, buf *out) {
    /* A failure comes as a whole, since any secret is looked for in it, and is short. */
    return status_of(call) != 200 || take(call, false, out);
}

/* Ends a call whose easy handle is out of the multi. */
static void finish(http_call *call) {
    http *c = call->owner;
    status_of(call);
    call->answer.elapsed_ms = loop_now(c->loop) - call->started_ms;
    call->answer.message = call->message;
    if (!redact_rest(call)) lose(call);
    http_handles_put(c->handles, call->target->tls, call->easy);
    unlink_call(call);
    call->done(call->arg, &call->answer);
    free_call(call);
}

static void on_done(void *arg, multi_transfer *t, CURLcode code) {
    (void)arg;
    http_call *call = (http_call *)((char *)t - offsetof(http_call, transfer));
    if (call->answer.failure == HTTP_OK) {
        call->answer.failure = failure_of(call->easy, code, call->message);
        if (code == CURLE_ABORTED_BY_CALLBACK)
            snprintf(call->message, sizeof call->message,
                     "the connection was closed before an answer came");
        else if (code == CURLE_OUT_OF_MEMORY) /* libcurl says the same of a line over its bound */
            snprintf(call->message, sizeof call->message,
                     "the answer has a header of more than 100 KB, or memory ran out");
        else if (code != CURLE_OK && call->message[0] == '\0')
            snprintf(call->message, sizeof call->message, "%s", curl_easy_strerror(code));
    } else if (call->head_full) {
        snprintf(call->message, sizeof call->message, "the answer's head is larger than %d bytes",
                 HEAD_MOST);
    } else {
        snprintf(call->message, sizeof call->message, "the answer is larger than %zu bytes",
                 call->max_body);
    }
    finish(call);
}

static void on_broken(void *arg, int shard) {
    http *c = arg;
    for (http_call *call = c->calls, *next; call; call = next) {
        next = call->next;
        if (call->transfer.shard != shard) continue;
        multi_remove(c->multi, &call->transfer);
        call->answer.failure = HTTP_BROKEN;
        snprintf(call->message, sizeof call->message, "the connection was lost: out of memory");
        finish(call);
    }
}

/* Whether the body is one JSON text and no more. */
static bool holds_json(const buf *body) {
    json_reader reader;
    json_reader_init(&reader, body->data, body->len);
    enum json_token token = json_next(&reader);
    while (token != JSON_END && token != JSON_ERROR) token = json_next(&reader);
    json_reader_free(&reader);
    return token == JSON_END;
}

/* Whether all has come and only the end is not told: a server that goes on listening, or libcurl
 * 7.88, which overlooks the end of an HTTP/2 stream that stands behind data that a full buffer had
 * no room for. Who reads the answer while it comes knows its end by itself. */
static bool lacks_end(http_call *call, uint64_t now) {
    const buf *body = &call->answer.body;
    if (call->more || body->len == 0 || now - call->last_ms < QUIET_MS) return false;
    if (call->looked_ms == call->last_ms) return false;
    call->looked_ms = call->last_ms;
    curl_off_t length = -1;
    curl_easy_getinfo(call->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    return length < 0 && body->data[0] == '{' && holds_json(body);
}

/* libcurl has no timeout for the first byte, and none for silence that is not a slow average. It
 * forgets a transfer, its total time too, where memory ran out in the middle of some steps. */
static const char *overdue(const http_call *call, uint64_t now, uint64_t *limit) {
    *limit = call->timeouts.total;
    if (*limit && now - call->started_ms > *limit + FORGOTTEN_MS) return "no end came within";
    bool begun = call->last_ms != 0;
    *limit = begun ? call->timeouts.idle : call->timeouts.first;
    uint64_t since =
        (begun ? call->last_ms : call->started_ms) + call->owner->stood_ms - call->stood_ms;
    if (*limit == 0 || now < since + *limit) return NULL;
    return begun ? "the answer stalled: nothing more came for" : "no answer began within";
}

static void look_again(http *c) {
    c->sweep_ms = loop_clock(c->loop) + SWEEP_MS;
    loop_timer_start(c->sweep, SWEEP_MS);
}

/* Where the loop stood still, as while a script computes, what came meanwhile is read before the
 * next look. */
static void on_sweep(void *arg) {
    http *c = arg;
    uint64_t now = loop_now(c->loop), limit;
    if (now > c->sweep_ms + LATE_MS) {
        c->stood_ms += now - c->sweep_ms;
        look_again(c);
        return;
    }
    for (http_call *call = c->calls, *next; call; call = next) {
        next = call->next;
        bool whole = lacks_end(call, now);
        const char *what = overdue(call, now, &limit);
        if (!whole && !what) continue;
        multi_remove(c->multi, &call->transfer);
        call->answer.failure = whole ? HTTP_OK : HTTP_TIMEOUT;
        if (!whole)
            snprintf(call->message, sizeof call->message, "%s %.1f s", what, (double)limit / 1000);
        finish(call); /* only queues a wake: the list changes by this call alone */
    }
    if (c->calls) look_again(c);
}

/* ---- the client ---- */

static bool open_client(http *c, loop *l) {
    static const http_hooks hooks = {on_head, on_body, before_request};
    c->loop = l;
    c->multi = multi_new(l, on_done, on_broken, c);
    c->handles = http_handles_new(&hooks);
    c->sweep = loop_timer_new(l, on_sweep, c);
    return c->multi && c->handles && c->sweep;
}

http *http_new(loop *l, char *err, size_t errlen) {
    if (!libcurl_load(err, errlen)) return NULL;
    http *c = calloc(1, sizeof *c);
    if (c && open_client(c, l)) return c;
    snprintf(err, errlen, "cannot set up libcurl");
    http_free(c);
    return NULL;
}

void http_free(http *c) {
    if (!c) return;
    while (c->calls) http_cancel(c->calls);
    multi_free(c->multi);
    http_handles_free(c->handles);
    loop_timer_free(c->sweep);
    free(c);
}

static bool set_body(CURL *easy, const char *body, size_t len) {
    if (!body) return LIBCURL_SET(easy, CURLOPT_HTTPGET, 1L);
    return LIBCURL_SET(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len) &&
           LIBCURL_SET(easy, CURLOPT_POSTFIELDS, body) && LIBCURL_SET(easy, CURLOPT_POST, 1L);
}

/* Milliseconds; libcurl takes no more than these, 24 days. */
static long in_curl(uint64_t ms) {
    return ms < INT_MAX ? (long)ms : INT_MAX;
}

static bool set_up(http_call *call, const char *body, size_t len) {
    CURL *easy = call->easy;
    const http_target *t = call->target;
    /* 0 is libcurl's own bound, of 300 s. */
    long connect = call->timeouts.connect ? in_curl(call->timeouts.connect) : INT_MAX;
    return LIBCURL_SET(easy, CURLOPT_WRITEDATA, call) &&
           LIBCURL_SET(easy, CURLOPT_HEADERDATA, call) &&
           LIBCURL_SET(easy, CURLOPT_PREREQDATA, call) &&
           LIBCURL_SET(easy, CURLOPT_ERRORBUFFER, call->message) &&
           LIBCURL_SET(easy, CURLOPT_CURLU, t->url) &&
           /* Only TLS tells of HTTP/2. Elsewhere calls would wait for the first one's answer, or
            * one after the other for a name that is not there. */
           LIBCURL_SET(easy, CURLOPT_PIPEWAIT, (long)t->tls) &&
           LIBCURL_SET(easy, CURLOPT_HTTPHEADER, t->headers) &&
           LIBCURL_SET(easy, CURLOPT_CONNECTTIMEOUT_MS, connect) &&
           LIBCURL_SET(easy, CURLOPT_TIMEOUT_MS, in_curl(call->timeouts.total)) &&
           LIBCURL_SET(easy, CURLOPT_FRESH_CONNECT, (long)t->isolated) && set_body(easy, body, len);
}

http_call *http_send(http *c, http_target *t, const char *body, size_t len,
                     const http_timeouts *timeouts, size_t max_body,
                     void (*done)(void *, http_answer *), void *arg) {
    http_call *call = calloc(1, sizeof *call);
    if (!call) return NULL;
    call->easy = http_handles_take(c->handles, t->tls);
    if (!call->easy) goto failed;
    call->owner = c;
    call->target = t;
    call->timeouts = *timeouts;
    call->max_body = max_body;
    call->started_ms = loop_clock(c->loop); /* the loop's own stands still while Lua runs */
    call->stood_ms = c->stood_ms;
    call->done = done;
    call->arg = arg;
    if (!set_up(call, body, len) || !multi_add(c->multi, &call->transfer, call->easy)) goto failed;
    if (!c->calls) look_again(c);
    call->next = c->calls;
    if (c->calls) c->calls->previous = call;
    c->calls = call;
    return call;
failed:
    if (call->easy) http_handles_put(c->handles, t->tls, call->easy);
    free(call);
    return NULL;
}

void http_cancel(http_call *call) {
    multi_remove(call->owner->multi, &call->transfer);
    http_handles_put(call->owner->handles, call->target->tls, call->easy);
    unlink_call(call);
    free_call(call);
}
