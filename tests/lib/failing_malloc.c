/* A library to preload: $FAIL_COUNT allocations (1 when not said) from number $FAIL_AT on fail. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

static void *(*real_malloc)(size_t);
static void *(*real_calloc)(size_t, size_t);
static void *(*real_realloc)(void *, size_t);
static atomic_long count;
static long fail_at, fail_count = 1;

/* dlsym itself allocates on some systems: it is given memory from here. */
static char early[8192];
static size_t early_used;

static void *early_alloc(size_t size) {
    size = (size + 15) & ~(size_t)15;
    if (early_used + size > sizeof early) abort();
    void *at = early + early_used;
    early_used += size;
    return at;
}

static void begin(void) {
    static _Thread_local int busy;
    if (busy) return;
    busy = 1;
    real_calloc = (void *(*)(size_t, size_t))dlsym(RTLD_NEXT, "calloc");
    real_realloc = (void *(*)(void *, size_t))dlsym(RTLD_NEXT, "realloc");
    real_malloc = (void *(*)(size_t))dlsym(RTLD_NEXT, "malloc");
    const char *at = getenv("FAIL_AT"), *many = getenv("FAIL_COUNT");
    if (many) fail_count = atol(many);
    if (at) fail_at = atol(at);
    busy = 0;
}

static int fails(void) {
    if (!fail_at) return 0;
    long n = atomic_fetch_add(&count, 1) + 1;
    if (n < fail_at || n >= fail_at + fail_count) return 0;
    errno = ENOMEM;
    return 1;
}

void *malloc(size_t size) {
    if (!real_malloc) begin();
    if (!real_malloc) return early_alloc(size);
    return fails() ? NULL : real_malloc(size);
}

void *calloc(size_t n, size_t size) {
    if (!real_malloc) begin();
    if (!real_malloc) return early_alloc(n * size);
    return fails() ? NULL : real_calloc(n, size);
}

void *realloc(void *old, size_t size) {
    if (!real_malloc) begin();
    if (!real_malloc) return early_alloc(size);
    return fails() ? NULL : real_realloc(old, size);
}
