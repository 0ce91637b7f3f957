/* reader: the text of a dataset's file, member by member where it is an archive, as a window that
 * moves along it.
 *
 * Reading (and decompressing) happens on another thread, a chunk at a time, so that a slow disk or
 * a pipe holds up no call; all functions here belong to the loop's thread. Files are read in the
 * loop's pool, a chunk ahead; pipes, terminals and devices by a worker of their own, and only when
 * somebody asks, since what they have may come late. */
#ifndef FELLOWSHIP_ENGINE_READER_H
#define FELLOWSHIP_ENGINE_READER_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/archive/stream.h"
#include "engine/loop.h"

typedef struct reader reader;

enum reader_event {
    READER_MORE,   /* the window has grown, or its member is complete */
    READER_MEMBER, /* another member begins, whose window is empty */
    READER_END,    /* there are no more members */
    READER_FAILED, /* see reader_error */
    READER_WAIT    /* a read is under way: go on when ready is called */
};

/* ready(arg) is called in the loop each time a read has ended. NULL and a message in err (errlen
 * bytes at most) when the file cannot be opened. */
reader *reader_open(const char *path, const stream_limits *limits, loop *l,
                    void (*ready)(void *arg), void *arg, char *err, size_t errlen);

/* Frees it: at once, or when the read that is under way has ended, which is not waited for where it
 * may take long. ready is not called any more. NULL is allowed. */
void reader_drop(reader *);

/* The window: bytes of the member that were read and not yet taken. They stay where they are until
 * reader_advance. *last says whether the member ends with them. */
const char *reader_window(const reader *, size_t *len, bool *last);

/* Takes n bytes off the window's begin. */
void reader_take(reader *, size_t n);

/* About how many bytes of the file stand for what was taken: of a compressed file the part of those
 * that were read. */
double reader_position(const reader *);

/* Goes on to what comes next: more of the member, or, when it is complete, the next one. */
enum reader_event reader_advance(reader *);

/* Leaves out the rest of the member: the next event is another one. */
void reader_skip(reader *);

/* The member's name; "" when the file is no archive. Stands until reader_advance. */
const char *reader_member(const reader *);

const char *reader_error(const reader *);

#endif
