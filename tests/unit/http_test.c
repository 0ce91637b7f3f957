/* What libcurl is told, and what comes of it when it will not take one of these words. Its
 * functions are replaced in the table through which the program calls it. */
#define LIBCURL_NAMES_ONLY
#include "engine/http.h"
#include "engine/libcurl.h"
#include "engine/loop.h"

#include <limits.h>
#include <stdarg.h>

#include "tap.h"

static struct libcurl own;
static long connect_ms; /* that libcurl was told last */
/* Words for a call, or for a client, that are taken before one is refused; negative: all are. */
static int call_words = -1, client_words = -1, refused;

static bool refuses(int *words) {
    if (*words < 0 || (*words)-- > 0) return false;
    refused++;
    return true;
}

static CURLcode set_easy(CURL *easy, CURLoption option, ...) {
    va_list args;
    va_start(args, option);
    void *value = va_arg(args, void *); /* a long, a pointer or a function: all of a size here */
    va_end(args);
    if (option == CURLOPT_CONNECTTIMEOUT_MS) connect_ms = (long)(intptr_t)value;
    return refuses(&call_words) ? CURLE_OUT_OF_MEMORY : own.curl_easy_setopt_(easy, option, value);
}

static CURLMcode set_multi(CURLM *multi, CURLMoption option, ...) {
    va_list args;
    va_start(args, option);
    void *value = va_arg(args, void *);
    va_end(args);
    return refuses(&client_words) ? CURLM_OUT_OF_MEMORY
                                  : own.curl_multi_setopt_(multi, option, value);
}

static bool acts_fail, inits_fail;

static CURLMcode act(CURLM *multi, curl_socket_t fd, int events, int *running) {
    *running = 0;
    return acts_fail ? CURLM_OUT_OF_MEMORY
                     : own.curl_multi_socket_action_(multi, fd, events, running);
}

static CURLM *init(void) {
    return inits_fail ? NULL : own.curl_multi_init_();
}

static int ended;
static enum http_failure ending;

static void on_done(void *arg, http_answer *answer) {
    (void)arg;
    ended++;
    ending = answer->failure;
}

static http_call *send_to(http *c, http_target *t, uint64_t connect) {
    static const char body[] = "{}";
    return http_send(c, t, body, 2, &(http_timeouts){.connect = connect, .total = 60000}, 1000,
                     on_done, NULL);
}

static void test_times(http *c, http_target *t) {
    http_cancel(send_to(c, t, 1500));
    is_int(connect_ms, 1500, "the time for a connection is libcurl's");
    http_cancel(send_to(c, t, 0));
    is_int(connect_ms, INT_MAX, "none is none, where 0 is libcurl's own bound of five minutes");
    http_cancel(send_to(c, t, UINT64_MAX));
    is_int(connect_ms, INT_MAX, "and one that libcurl cannot count is its greatest");
}

/* A call of which libcurl has not taken a word is no call: it would go elsewhere, or without a
 * bound. A client whose words were taken before makes the next one. */
static void test_refusals(loop *l, http_target *t) {
    char err[256];
    int places = 0, wrong = 0;
    for (refused = 0; places == refused; places++) {
        http *c = http_new(l, err, sizeof err);
        call_words = places;
        http_call *call = send_to(c, t, 1000);
        wrong += call && refused > places;
        call_words = -1;
        if (call) http_cancel(call);
        call = send_to(c, t, 1000);
        wrong += !call;
        if (call) http_cancel(call);
        http_free(c);
    }
    ok(refused > 20, "libcurl refuses one of %d words for a call", refused);
    is_int(wrong, 0, "then the call is not made, and the next one is");
}

static void test_client(loop *l, http_target *t) {
    char err[256];
    int places = 0, wrong = 0;
    for (refused = 0; places == refused; places++) {
        client_words = places;
        *err = '\0';
        http *c = http_new(l, err, sizeof err);
        wrong += !c && !*err;
        http_call *call = c ? send_to(c, t, 1000) : NULL;
        client_words = -1;
        if (call) http_cancel(call);
        if (c && !call) {
            call = send_to(c, t, 1000);
            wrong += !call;
            if (call) http_cancel(call);
        }
        http_free(c);
    }
    ok(refused > 2, "libcurl refuses one of %d words for a client", refused);
    is_int(wrong, 0, "then it is told, or the next call is made");
}

/* A handle of libcurl's that ran out of memory does nothing more: its calls are given up, and the
 * next one goes to another, or to none where there is none, and not to the dead one. */
static void test_dead_handles(loop *l, http_target *t) {
    char err[256];
    http *c = http_new(l, err, sizeof err);
    ended = 0;
    send_to(c, t, 1000);
    send_to(c, t, 1000);
    acts_fail = true;
    while (ended < 2) loop_turn(l, true);
    acts_fail = false;
    is_int(ending, HTTP_BROKEN, "calls of a handle that is dead are given up");
    inits_fail = true;
    ok(!send_to(c, t, 1000), "without another one no call is made");
    inits_fail = false;
    ok(send_to(c, t, 1000), "with another one the next is");
    while (ended < 3) loop_turn(l, true);
    is_int(ending, HTTP_REFUSED, "and ends as it should");
    http_free(c);
}

/* What is loaded stays: the functions that calls go through are not set anew beside them. */
static void test_begin(void) {
    struct libcurl before = libcurl;
    libcurl_begin();
    ok(!libcurl_loading(), "nothing is loaded a second time");
    ok(memcmp(&before, &libcurl, sizeof before) == 0, "nor set anew");
}

int main(void) {
    char err[256];
    if (!libcurl_load(err, sizeof err)) {
        skip(err);
        return done_testing();
    }
    own = libcurl;
    libcurl.curl_easy_setopt_ = set_easy;
    libcurl.curl_multi_setopt_ = set_multi;
    libcurl.curl_multi_socket_action_ = act;
    libcurl.curl_multi_init_ = init;
    test_begin();
    loop *l = loop_new();
    http *c = http_new(l, err, sizeof err);
    http_target *t = http_target_new("http://127.0.0.1:9/v1", NULL, NULL, 0, NULL, err, sizeof err);
    test_times(c, t);
    test_refusals(l, t);
    test_client(l, t);
    test_dead_handles(l, t);
    http_target_free(t);
    http_free(c);
    loop_free(l);
    return done_testing();
}
