/* Threads that begin when memory is short: whatever is left, from nothing to more than a thread's
 * pieces at hand take, they are given memory or told that there is none. */
#include "base/allocator.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

enum { STEP = 24 << 10, STEPS = 96, PIECES = 4000 };

static pthread_mutex_t scarcity = PTHREAD_MUTEX_INITIALIZER;

static void use_memory(void) {
    static char *pieces[PIECES]; /* of one thread at a time */
    for (size_t i = 0; i < PIECES; i++) {
        pieces[i] = malloc(i % 900 + 1);
        if (pieces[i]) memset(pieces[i], 1, i % 900 + 1);
    }
    for (size_t i = 0; i < PIECES; i++) free(pieces[i]);
}

static void *begin(void *told) {
    pthread_mutex_lock(&scarcity);
    if (told) allocator_begin_thread();
    use_memory();
    pthread_mutex_unlock(&scarcity);
    return NULL;
}

/* Takes all memory but so much. */
static void leave(size_t left) {
    void *volatile kept = malloc(left);
    setrlimit(RLIMIT_AS, &(struct rlimit){1, 1});
    for (size_t size = (size_t)1 << 26; size >= 8; size /= 2) {
        void *volatile taken;
        do taken = malloc(size);
        while (taken);
    }
    free(kept);
}

/* How a process ends in which two threads begin with so much memory left. */
static int ends(size_t left) {
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        pthread_t threads[2];
        allocator_begin_thread();
        pthread_mutex_lock(&scarcity);
        for (int i = 0; i < 2; i++)
            if (pthread_create(&threads[i], NULL, begin, i == 0 ? &scarcity : NULL) != 0) _exit(2);
        leave(left);
        pthread_mutex_unlock(&scarcity);
        for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
        _exit(0);
    }
    int status = -1;
    waitpid(child, &status, 0);
    return status;
}

int mallctl(const char *, void *, size_t *, void *, size_t) __attribute__((weak));

int main(void) {
    if (!mallctl) {
        skip("another allocator is linked in");
        return done_testing();
    }
    int wrong = 0;
    for (size_t i = 0; i < STEPS; i++)
        if (ends(i * STEP) != 0) wrong++;
    is_int(wrong, 0, "a thread that begins with little memory does not crash");
    return done_testing();
}
