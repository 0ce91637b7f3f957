#define LIBCURL_NAMES_ONLY
#include "engine/libcurl.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/shared.h"

#ifdef FELLOWSHIP_STATIC /* nothing to load: the functions are in the program */
#define ADDRESS(name) .name##_ = (name),
struct libcurl libcurl = {LIBCURL_FUNCTIONS(ADDRESS)};
#else
struct libcurl libcurl;
#endif

/* The version that the headers promise; its number changes when the interface does. */
#define SHARED_OBJECT "libcurl.so.4"

static char problem[256];

/* Only the thread that was begun touches the pointers and `problem` until it is joined. */
static bool begun, tried;
static pthread_t loader;

static bool load(void) {
#ifndef FELLOWSHIP_STATIC
#define NAME(name) #name,
    static const char *const names[] = {LIBCURL_FUNCTIONS(NAME)};
    if (!shared_load(SHARED_OBJECT, names, sizeof names / sizeof *names, &libcurl, problem,
                     sizeof problem))
        return false;
#endif
    if (libcurl.curl_global_init_(CURL_GLOBAL_DEFAULT) == CURLE_OK) return true;
    snprintf(problem, sizeof problem, "cannot set up libcurl");
    return false;
}

static void *load_aside(void *arg) {
    static bool loaded;
    (void)arg;
    loaded = load();
    return loaded ? &loaded : NULL;
}

void libcurl_begin(void) {
    if (begun || tried) return;
    /* Signals are the main thread's business. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    begun = pthread_create(&loader, NULL, load_aside, NULL) == 0; /* or the first call loads it */
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

bool libcurl_loading(void) {
    return begun && !tried;
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

const char *libcurl_authorities(void) {
    const char *chosen = getenv("SSL_CERT_FILE");
    if (chosen && *chosen) return chosen;
#ifdef FELLOWSHIP_STATIC
    static const char *const places[] = {
        "/etc/ssl/certs/ca-certificates.crt", /* Debian, Ubuntu, Arch, Alpine */
        "/etc/pki/tls/certs/ca-bundle.crt",   /* Fedora, Red Hat */
        "/etc/ssl/ca-bundle.pem",             /* SUSE */
        "/etc/ssl/cert.pem"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (access(places[i], R_OK) == 0) return places[i];
#endif
    return NULL;
}
