/* A library to preload: $FAIL_COUNT allocations (1 when not said) from number $FAIL_AT on fail. With
 * -DSANITIZED for a program that AddressSanitizer is in. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

static atomic_long count;
static long fail_at, fail_count = 1;

/* Only now: the loader and the sanitizer have allocations of their own before, which they need. */
__attribute__((constructor)) static void arm(void) {
    const char *at = getenv("FAIL_AT"), *many = getenv("FAIL_COUNT");
    if (many) fail_count = atol(many);
    if (at) fail_at = atol(at);
}

static int fails(void) {
    if (!fail_at) return 0;
    long n = atomic_fetch_add(&count, 1) + 1;
    if (n < fail_at || n >= fail_at + fail_count) return 0;
    errno = ENOMEM;
    return 1;
}

#ifdef SANITIZED

void *__interceptor_malloc(size_t);
void *__interceptor_calloc(size_t, size_t);
void *__interceptor_realloc(void *, size_t);
#define real_malloc  __interceptor_malloc
#define real_calloc  __interceptor_calloc
#define real_realloc __interceptor_realloc
#define READY()      1

#else

static void *(*real_malloc)(size_t);
static void *(*real_calloc)(size_t, size_t);
static void *(*real_realloc)(void *, size_t);

static int ready(void) {
    static _Thread_local int busy;
    if (real_malloc) return 1;
    if (busy) return 0;
    busy = 1;
    real_calloc = (void *(*)(size_t, size_t))dlsym(RTLD_NEXT, "calloc");
    real_realloc = (void *(*)(void *, size_t))dlsym(RTLD_NEXT, "realloc");
    real_malloc = (void *(*)(size_t))dlsym(RTLD_NEXT, "malloc");
    busy = 0;
    return 1;
}
#define READY() ready()

#endif

/* dlsym itself allocates on some systems: it is given memory from here. */
static void *early_alloc(size_t size) {
    static char early[8192];
    static size_t used;
    size = (size + 15) & ~(size_t)15;
    if (used + size > sizeof early) abort();
    void *at = early + used;
    used += size;
    return at;
}

void *malloc(size_t size) {
    if (!READY()) return early_alloc(size);
    return fails() ? NULL : real_malloc(size);
}

void *calloc(size_t n, size_t size) {
    if (!READY()) return early_alloc(n * size);
    return fails() ? NULL : real_calloc(n, size);
}

void *realloc(void *old, size_t size) {
    if (!READY()) return early_alloc(size);
    return fails() ? NULL : real_realloc(old, size);
}
