#include "engine/http.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "engine/multi.h"

#define SWEEP_MS     100  /* how often first-byte and idle timeouts are looked at */
#define FORGOTTEN_MS 1000 /* so long after its time libcurl has forgotten to end a call */
#define LEAST_SECRET 4    /* what is shorter stands in for a key where a server wants none ("x") */
#define LONG_SECRET  16   /* a shorter key ("test") may be an ordinary word of a completion */
#define BLOT         "[redacted]"
#define HEAD_MOST    32768 /* bytes of header lines; well below TLS_BUFFER */
#define QUIET_MS     300   /* nothing came for so long */
#define POOL_MOST    4096  /* idle easy handles kept for reuse */
/* Receive buffers. Plain HTTP takes a small one, which saves memory. Over TLS, HTTP/2 may be
 * spoken, where libcurl puts away what comes for a transfer while it reads for another one, and
 * does not get over a buffer that is full (see multi.c): this one holds the head and nearly all
 * answers whole. It takes memory only as far as it is written to. */
#define PLAIN_BUFFER 2048
#define TLS_BUFFER   65536

struct http {
    loop *loop;
    multi *multi;
    CURLSH *share; /* TLS sessions and names, over all shards */
    http_call *calls;
    loop_timer *sweep;
    CURL **pool;
    size_t pooled;
    bool no_proxy;
    const char *ca_file; /* $SSL_CERT_FILE, the environment's; or NULL */
};

struct http_target {
    CURLU *url;
    bool tls;
    struct curl_slist *headers;
    char *secret;
    bool isolated;
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
    void (*done)(void *, http_answer *);
    void (*more)(void *);
    void *arg;
    size_t taken; /* bytes of the body that http_take moved out */
    http_answer answer;
    char message[CURL_ERROR_SIZE];
};

bool http_ready(char *err, size_t errlen) {
    return libcurl_load(err, errlen);
}

/* ---- targets ---- */

void http_target_free(http_target *t) {
    if (!t) return;
    curl_url_cleanup(t->url);
    curl_slist_free_all(t->headers);
    if (t->secret) explicit_bzero(t->secret, strlen(t->secret));
    free(t->secret);
    free(t);
}

static bool add_header(http_target *t, const http_header *h) {
    buf line = {0};
    struct curl_slist *more = NULL;
    if (buf_printf(&line, "%s: %s", h->name, h->value))
        more = curl_slist_append(t->headers, line.data);
    if (line.data) explicit_bzero(line.data, line.len);
    buf_free(&line);
    if (more) t->headers = more;
    return more != NULL;
}

static bool is_given(const http_header *headers, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++)
        if (strcasecmp(headers[i].name, name) == 0) return true;
    return false;
}

static bool fill_target(http_target *t, const http_header *headers, size_t count,
                        const char *secret) {
    /* An empty Expect keeps curl from waiting for "100 Continue" before larger bodies. */
    static const http_header always[] = {{"Content-Type", "application/json"},
                                         {"Accept", "application/json"}};
    t->headers = curl_slist_append(NULL, "Expect:");
    if (!t->headers) return false;
    for (size_t i = 0; i < sizeof always / sizeof *always; i++)
        if (!is_given(headers, count, always[i].name) && !add_header(t, &always[i])) return false;
    for (size_t i = 0; i < count; i++)
        if (!add_header(t, &headers[i])) return false;
    return !secret || (t->secret = strdup(secret)) != NULL;
}

http_target *http_target_new(const char *url, const http_header *headers, size_t count,
                             const char *secret, char *err, size_t errlen) {
    *err = '\0';
    http_target *t = calloc(1, sizeof *t);
    char *scheme = NULL;
    if (!t || !(t->url = curl_url())) goto failed;
    CURLUcode code = curl_url_set(t->url, CURLUPART_URL, url, 0);
    if (code == CURLUE_OK) code = curl_url_get(t->url, CURLUPART_SCHEME, &scheme, 0);
    if (code == CURLUE_OUT_OF_MEMORY) goto failed;
    if (code != CURLUE_OK || (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)) {
        snprintf(err, errlen, "not a usable URL (%s); it has the form https://host[:port]/path",
                 code == CURLUE_OK ? "neither http nor https" : curl_url_strerror(code));
        goto failed;
    }
    t->tls = strcmp(scheme, "https") == 0;
    if (!fill_target(t, headers, count, secret)) goto failed;
    curl_free(scheme);
    return t;
failed:
    curl_free(scheme);
    http_target_free(t);
    return NULL;
}

void http_target_isolate(http_target *t) {
    t->isolated = true;
}

/* ---- what curl calls ---- */

static void note_arrival(http_call *call, size_t len) {
    call->last_ms = loop_now(call->owner->loop);
    if (call->target->tls) multi_arrived(call->owner->multi, &call->transfer, len, TLS_BUFFER);
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
    if (call->answer.head.len + len > HEAD_MOST) {
        call->answer.failure = HTTP_TOO_LARGE;
        return 0;
    }
    return buf_append(&call->answer.head, data, len) ? len : 0;
}

/* ---- handles ---- */

static bool proxy_in_environment(void) {
    static const char *const names[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy",
                                        "ALL_PROXY"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = getenv(names[i]);
        if (value && *value) return true;
    }
    return false;
}

static int before_request(void *arg, char *address, char *own, int port, int own_port) {
    (void)address, (void)own, (void)port, (void)own_port;
    http_call *call = arg;
    return ++call->requests > 1 && call->timeouts.once ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

static CURL *new_easy(http *c) {
    CURL *easy = curl_easy_init();
    if (!easy) return NULL;
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_SHARE, c->share);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "fellowship");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, 16384L);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_head);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, before_request);
    /* A call that ends while its name is looked up must not wait for that: the loop would. */
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    /* As OpenSSL and what is built on it have it; the curl program too, but not its library. */
    if (c->ca_file) curl_easy_setopt(easy, CURLOPT_CAINFO, c->ca_file);
    /* Read once at start; asked of the environment for each call it costs eight look-ups. */
    if (c->no_proxy) {
        curl_easy_setopt(easy, CURLOPT_PROXY, "");
        curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
    }
    return easy;
}

static void put_back(http *c, CURL *easy) {
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, NULL); /* it is the call's, which ends */
    if (c->pooled < POOL_MOST)
        c->pool[c->pooled++] = easy;
    else
        curl_easy_cleanup(easy);
}

static CURL *take_easy(http *c) {
    return c->pooled ? c->pool[--c->pooled] : new_easy(c);
}

static void unlink_call(http_call *call) {
    http *c = call->owner;
    *(call->previous ? &call->previous->next : &c->calls) = call->next;
    if (call->next) call->next->previous = call->previous;
}

static void free_call(http_call *call) {
    buf_free(&call->answer.head);
    buf_free(&call->answer.body);
    free(call);
}

/* ---- endings ---- */

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

static void blot(buf *text, const char *secret) {
    size_t len = strlen(secret), from = 0;
    if (len == 0) return;
    for (char *at; (at = memmem(text->data + from, text->len - from, secret, len));) {
        size_t start = (size_t)(at - text->data);
        buf clean = {0};
        if (!buf_append(&clean, text->data, start) || !buf_append_str(&clean, BLOT) ||
            !buf_append(&clean, at + len, text->len - start - len)) {
            buf_free(&clean);
            buf_clear(text); /* rather no text than one with the key in it */
            return;
        }
        buf_free(text);
        *text = clean;
        from = start + strlen(BLOT);
    }
}

static void redact(http_call *call) {
    const char *secret = call->target->secret;
    if (!secret || strlen(secret) < LEAST_SECRET) return;
    if (call->answer.status == 200 && strlen(secret) < LONG_SECRET) return;
    if (call->answer.body.len) blot(&call->answer.body, secret);
    if (call->answer.head.len) blot(&call->answer.head, secret);
}

/* How many bytes at the end of the body may be the beginning of the secret. */
static size_t held_back(const http_call *call) {
    const char *secret = call->target->secret;
    const buf *body = &call->answer.body;
    size_t len = secret ? strlen(secret) : 0;
    for (size_t n = len < body->len ? len : body->len; n > 0; n--)
        if (n < len && memcmp(body->data + body->len - n, secret, n) == 0) return n;
    return 0;
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

long http_status(http_call *call, const buf **head) {
    curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &call->answer.status);
    *head = &call->answer.head;
    return call->answer.status;
}

bool http_take(http_call *call, buf *out) {
    const buf *head;
    http_status(call, &head);
    redact(call);
    buf *body = &call->answer.body;
    size_t kept = held_back(call), len = body->len - kept;
    if (!buf_append(out, body->data, len)) return false;
    call->taken += len;
    if (kept) memmove(body->data, body->data + len, kept);
    body->len = kept;
    return true;
}

/* Ends a call whose easy handle is out of the multi. */
static void finish(http_call *call) {
    http *c = call->owner;
    curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &call->answer.status);
    call->answer.elapsed_ms = loop_now(c->loop) - call->started_ms;
    call->answer.message = call->message;
    redact(call);
    put_back(c, call->easy);
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
        else if (code != CURLE_OK && call->message[0] == '\0')
            snprintf(call->message, sizeof call->message, "%s", curl_easy_strerror(code));
    } else if (call->answer.body.len + call->taken == 0) {
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
    enum json_token token;
    do token = json_next(&reader);
    while (token != JSON_END && token != JSON_ERROR);
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
    uint64_t since = begun ? call->last_ms : call->started_ms;
    if (*limit == 0 || now - since < *limit) return NULL;
    return begun ? "the answer stalled: nothing more came for" : "no answer began within";
}

static void on_sweep(void *arg) {
    http *c = arg;
    uint64_t now = loop_now(c->loop), limit;
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
    if (c->calls) loop_timer_start(c->sweep, SWEEP_MS);
}

/* ---- the client ---- */

http *http_new(loop *l, char *err, size_t errlen) {
    if (!libcurl_load(err, errlen)) return NULL;
    http *c = calloc(1, sizeof *c);
    if (c) {
        c->loop = l;
        c->multi = multi_new(l, on_done, on_broken, c);
        c->share = curl_share_init();
        c->sweep = loop_timer_new(l, on_sweep, c);
        c->pool = calloc(POOL_MOST, sizeof *c->pool);
        c->no_proxy = !proxy_in_environment();
        c->ca_file = getenv("SSL_CERT_FILE");
        if (c->ca_file && !*c->ca_file) c->ca_file = NULL;
        if (c->multi && c->share && c->sweep && c->pool) {
            curl_share_setopt(c->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
            curl_share_setopt(c->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS);
            return c;
        }
    }
    snprintf(err, errlen, "cannot set up libcurl");
    http_free(c);
    return NULL;
}

void http_free(http *c) {
    if (!c) return;
    while (c->calls) http_cancel(c->calls);
    for (size_t i = 0; i < c->pooled; i++) curl_easy_cleanup(c->pool[i]);
    free(c->pool);
    multi_free(c->multi);
    if (c->share) curl_share_cleanup(c->share);
    loop_timer_free(c->sweep);
    free(c);
}

static void set_up(http_call *call, const char *body, size_t len) {
    CURL *easy = call->easy;
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, call);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->message);
    curl_easy_setopt(easy, CURLOPT_CURLU, call->target->url);
    /* Only TLS tells of HTTP/2. Elsewhere calls would wait for the first one's answer, or one after
     * the other for a name that is not there. */
    curl_easy_setopt(easy, CURLOPT_PIPEWAIT, (long)call->target->tls);
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE,
                     call->target->tls ? (long)TLS_BUFFER : (long)PLAIN_BUFFER);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, call->target->headers);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)call->timeouts.connect);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)call->timeouts.total);
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, (long)call->target->isolated);
    if (body) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
    } else {
        curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    }
}

http_call *http_send(http *c, http_target *t, const char *body, size_t len,
                     const http_timeouts *timeouts, size_t max_body,
                     void (*done)(void *, http_answer *), void *arg) {
    http_call *call = calloc(1, sizeof *call);
    if (!call) return NULL;
    call->easy = take_easy(c);
    if (!call->easy) goto failed;
    call->owner = c;
    call->target = t;
    call->timeouts = *timeouts;
    call->max_body = max_body;
    call->started_ms = loop_now(c->loop);
    call->done = done;
    call->arg = arg;
    set_up(call, body, len);
    if (!multi_add(c->multi, &call->transfer, call->easy)) goto failed;
    if (!c->calls) loop_timer_start(c->sweep, SWEEP_MS);
    call->next = c->calls;
    if (c->calls) c->calls->previous = call;
    c->calls = call;
    return call;
failed:
    if (call->easy) put_back(c, call->easy);
    free(call);
    return NULL;
}

void http_cancel(http_call *call) {
    multi_remove(call->owner->multi, &call->transfer);
    put_back(call->owner, call->easy);
    unlink_call(call);
    free_call(call);
}
