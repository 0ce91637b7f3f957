/* child: another program that runs beside the loop (libuv).
 *
 * It reads nothing; what it writes goes into a pipe, for a reader to open, or nowhere; what it
 * complains of is kept, the last of it. It has a process group of its own, which the terminal's
 * Ctrl+C does not reach and which ends with it: children of its own are not left behind. */
#ifndef FELLOWSHIP_ENGINE_CHILD_H
#define FELLOWSHIP_ENGINE_CHILD_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/loop.h"

typedef struct child child;

typedef struct child_spec {
    const char *const *argv; /* the program, found in the PATH, and its arguments; NULL ends */
    const char *const *environment; /* "NAME=value"; NULL ends */
    bool output;                    /* what it writes is wanted */
    const char *folder;             /* that it works in; NULL: this process's */
    const char *log; /* a file that all it writes and complains of goes to the end of; or NULL */
    bool shared;     /* it writes and complains where this process does */
} child_spec;

/* ended(arg) is called in the loop once, when the program has ended and all that it complained of
 * is here. NULL and a message in err (errlen bytes at most) when it does not begin. */
child *child_start(loop *l, const child_spec *spec, void (*ended)(void *arg), void *arg, char *err,
                   size_t errlen);

/* The path under which its output can be opened, until the child is freed; NULL without output. */
const char *child_output(const child *);

/* Whether it has ended, and how: its exit status, or the signal that ended it, or 0. */
bool child_has_ended(const child *, int *status, int *signal);

/* What it complained of, the last 16 KB: NUL terminated. */
const char *child_complaint(child *);

/* Sends a signal to it, not to what it started; nothing when it has ended. */
void child_signal(const child *, int signal);

/* Kills what has not ended and frees it, at once or when it is gone; ended is not called any more.
 * NULL is allowed. */
void child_free(child *);

#endif
