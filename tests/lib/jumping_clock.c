/* Preloaded: the clock of the day jumps by hours, on and back, at each look at it. */
#include <dlfcn.h>
#include <sys/time.h>
#include <time.h>

static time_t leap(void) {
    static int looks;
    looks++;
    return looks % 2 ? 3600 * looks : -7200 * looks;
}

time_t time(time_t *out) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out) *out = now.tv_sec;
    return now.tv_sec;
}

int clock_gettime(clockid_t clock, struct timespec *out) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
    int rc = real(clock, out);
    if (rc == 0 && clock == CLOCK_REALTIME) out->tv_sec += leap();
    return rc;
}

int gettimeofday(struct timeval *restrict out, void *restrict zone) {
    (void)zone;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    out->tv_sec = now.tv_sec;
    out->tv_usec = now.tv_nsec / 1000;
    return 0;
}
