/*
 * tap: as much of the Test Anything Protocol as C tests need; include it in one file per program.
 *
 * Ownership: nothing is kept; output goes to stdout, what failed and where to stderr.
 */
#ifndef FELLOWSHIP_TESTS_TAP_H
#define FELLOWSHIP_TESTS_TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static int tap_count, tap_failed;

/* Reports one test; returns whether it passed. Use the macros below. */
__attribute__((format(printf, 4, 5))) static inline bool
tap_report(bool passed, const char *file, int line, const char *format, ...) {
    va_list args;
    va_start(args, format);
    printf("%sok %d - ", passed ? "" : "not ", ++tap_count);
    vprintf(format, args);
    putchar('\n');
    va_end(args);
    fflush(stdout);
    if (!passed) {
        tap_failed++;
        fprintf(stderr, "#   failed at %s:%d\n", file, line);
    }
    return passed;
}

static inline bool tap_int(int64_t got, int64_t wanted, const char *name, const char *file,
                           int line) {
    if (tap_report(got == wanted, file, line, "%s", name)) return true;
    fprintf(stderr, "#   got %lld, wanted %lld\n", (long long)got, (long long)wanted);
    return false;
}

static inline bool tap_str(const char *got, const char *wanted, const char *name, const char *file,
                           int line) {
    bool same = got && wanted ? strcmp(got, wanted) == 0 : got == wanted;
    if (tap_report(same, file, line, "%s", name)) return true;
    fprintf(stderr, "#   got    \"%s\"\n#   wanted \"%s\"\n", got ? got : "(null)",
            wanted ? wanted : "(null)");
    return false;
}

static inline bool tap_has(const char *got, const char *part, const char *name, const char *file,
                           int line) {
    if (tap_report(got && strstr(got, part), file, line, "%s", name)) return true;
    fprintf(stderr, "#   got      \"%s\"\n#   it lacks \"%s\"\n", got ? got : "(null)", part);
    return false;
}

/* ok(condition, name with printf arguments) */
#define ok(condition, ...) tap_report((condition), __FILE__, __LINE__, __VA_ARGS__)
/* got first, wanted second */
#define is_int(got, wanted, name)                                                                  \
    tap_int((int64_t)(got), (int64_t)(wanted), (name), __FILE__, __LINE__)
#define is_str(got, wanted, name) tap_str((got), (wanted), (name), __FILE__, __LINE__)
/* the string holds the part */
#define has_str(got, part, name) tap_has((got), (part), (name), __FILE__, __LINE__)
/* one test that cannot run here, and why */
#define skip(reason) printf("ok %d # SKIP %s\n", ++tap_count, (reason))

/* Prints the plan; the exit status of main. */
static inline int done_testing(void) {
    printf("1..%d\n", tap_count);
    return tap_failed ? 1 : 0;
}

#endif
