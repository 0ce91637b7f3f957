#define LIBCURL_NAMES_ONLY
#include "engine/libcurl.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>

#include "engine/shared.h"

struct libcurl libcurl;

/* The version that the headers promise; its number changes when the interface does. */
#define SHARED_OBJECT "libcurl.so.4"

static char problem[256];

/* Only the thread that was begun touches the pointers and `problem` until it is joined. */
static bool begun, tried;
static pthread_t loader;
static atomic_bool loading;

static bool load(void) {
#define NAME(name) #name,
    static const char *const names[] = {LIBCURL_FUNCTIONS(NAME)};
    if (!shared_load(SHARED_OBJECT, names, sizeof names / sizeof *names, &libcurl, problem,
                     sizeof problem))
        return false;
    if (libcurl.curl_global_init_(CURL_GLOBAL_DEFAULT) == CURLE_OK) return true;
    snprintf(problem, sizeof problem, "cannot set up libcurl");
    return false;
}

static void *load_aside(void *arg) {
    static bool loaded;
    (void)arg;
    loaded = load();
    atomic_store(&loading, false);
    return loaded ? &loaded : NULL;
}

void libcurl_begin(void) {
    if (begun || tried) return;
    /* Signals are the main thread's business. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    atomic_store(&loading, true);
    begun = pthread_create(&loader, NULL, load_aside, NULL) == 0;
    if (!begun) atomic_store(&loading, false); /* then the first call loads it */
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

bool libcurl_loading(void) {
    return atomic_load(&loading);
}

bool libcurl_load(char *err, size_t errlen) {
    static bool loaded;
    if (!tried && begun) {
        void *result = NULL;
        pthread_join(loader, &result);
        loaded = result != NULL;
    } else if (!tried) {
        loaded = load();
    }
    tried = true; /* once: the C library keeps its lock where memory ran out inside dlopen */
    if (!loaded) snprintf(err, errlen, "%s", problem);
    return loaded;
}
