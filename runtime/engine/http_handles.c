#include "engine/http_handles.h"

#include <stdlib.h>

enum {
    IDLE_MOST = 4096,   /* handles that lie here */
    PLAIN_BUFFER = 2048 /* bytes of the receive buffer without TLS: a small one saves memory */
};

/* The size of a handle's buffer cannot be changed while it has one, and over HTTP/2 it keeps it
 * between calls: so those for TLS are others than those for plain HTTP. */
typedef struct pool {
    CURL **idle;
    size_t count;
    long buffer; /* bytes */
} pool;

struct http_handles {
    http_hooks hooks;
    CURLSH *share; /* TLS sessions and names, over all shards */
    pool plain, tls;
    bool no_proxy;
    const char *ca_file; /* libcurl_authorities */
};

static bool proxy_in_environment(void) {
    static const char *const names[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy",
                                        "ALL_PROXY"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = getenv(names[i]);
        if (value && *value) return true;
    }
    return false;
}

static bool fill(pool *p, long buffer) {
    p->buffer = buffer;
    p->idle = calloc(IDLE_MOST, sizeof *p->idle);
    return p->idle != NULL;
}

static void empty(pool *p) {
    for (size_t i = 0; i < p->count; i++) curl_easy_cleanup(p->idle[i]);
    free(p->idle);
}

static bool shares(http_handles *h, curl_lock_data what) {
    return curl_share_setopt(h->share, CURLSHOPT_SHARE, what) == CURLSHE_OK;
}

http_handles *http_handles_new(const http_hooks *hooks) {
    http_handles *h = calloc(1, sizeof *h);
    if (!h) return NULL;
    h->hooks = *hooks;
    h->no_proxy = !proxy_in_environment();
    h->ca_file = libcurl_authorities();
    h->share = curl_share_init();
    if (h->share && shares(h, CURL_LOCK_DATA_SSL_SESSION) && shares(h, CURL_LOCK_DATA_DNS) &&
        fill(&h->plain, PLAIN_BUFFER) && fill(&h->tls, HTTP_TLS_BUFFER))
        return h;
    http_handles_free(h);
    return NULL;
}

void http_handles_free(http_handles *h) {
    if (!h) return;
    empty(&h->plain);
    empty(&h->tls);
    if (h->share) curl_share_cleanup(h->share);
    free(h);
}

static bool set_always(http_handles *h, CURL *easy) {
    return LIBCURL_SET(easy, CURLOPT_NOSIGNAL, 1L) && LIBCURL_SET(easy, CURLOPT_SHARE, h->share) &&
           LIBCURL_SET(easy, CURLOPT_PROTOCOLS_STR, "http,https") &&
           LIBCURL_SET(easy, CURLOPT_FOLLOWLOCATION, 0L) &&
           LIBCURL_SET(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS) &&
           /* Nothing shall come packed, as targets' headers say too; what does all the same is
            * unpacked. */
           LIBCURL_SET(easy, CURLOPT_ACCEPT_ENCODING, "identity") &&
           LIBCURL_SET(easy, CURLOPT_TCP_KEEPALIVE, 1L) &&
           LIBCURL_SET(easy, CURLOPT_UPLOAD_BUFFERSIZE, 16384L) &&
           LIBCURL_SET(easy, CURLOPT_WRITEFUNCTION, h->hooks.body) &&
           LIBCURL_SET(easy, CURLOPT_HEADERFUNCTION, h->hooks.head) &&
           LIBCURL_SET(easy, CURLOPT_PREREQFUNCTION, h->hooks.request) &&
           /* A call that ends while its name is looked up must not wait for it: the loop would. */
           LIBCURL_SET(easy, CURLOPT_QUICK_EXIT, 1L) &&
           /* As OpenSSL and what is built on it have it; the curl program, not its library. */
           (!h->ca_file || LIBCURL_SET(easy, CURLOPT_CAINFO, h->ca_file)) &&
           /* Read once at start; asked of the environment for each call it costs eight look-ups. */
           (!h->no_proxy ||
            (LIBCURL_SET(easy, CURLOPT_PROXY, "") && LIBCURL_SET(easy, CURLOPT_NOPROXY, "")));
}

static pool *pool_of(http_handles *h, bool tls) {
    return tls ? &h->tls : &h->plain;
}

CURL *http_handles_take(http_handles *h, bool tls) {
    pool *p = pool_of(h, tls);
    if (p->count) return p->idle[--p->count];
    CURL *easy = curl_easy_init();
    if (!easy || (set_always(h, easy) && LIBCURL_SET(easy, CURLOPT_BUFFERSIZE, p->buffer)))
        return easy;
    curl_easy_cleanup(easy);
    return NULL;
}

void http_handles_put(http_handles *h, bool tls, CURL *easy) {
    pool *p = pool_of(h, tls);
    /* The buffer for messages is the call's, which ends. */
    if (LIBCURL_SET(easy, CURLOPT_ERRORBUFFER, NULL) && p->count < IDLE_MOST)
        p->idle[p->count++] = easy;
    else
        curl_easy_cleanup(easy);
}
