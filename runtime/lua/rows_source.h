/* rows_source: the text of a dataset's file, member by member where it is an archive, as a window
 * that moves along it.
 *
 * Reading (and decompressing) happens on a worker thread, a chunk at a time, so that a slow disk or
 * a pipe holds up no call; all functions here belong to the loop's thread. Files are read a chunk
 * ahead; pipes and terminals only when somebody waits, since what they have may come late. */
#ifndef FELLOWSHIP_LUA_ROWS_SOURCE_H
#define FELLOWSHIP_LUA_ROWS_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/archive/stream.h"
#include "engine/loop.h"
#include "lua/task.h"

typedef struct source source;

enum source_event {
    SOURCE_MORE,   /* the window has grown, or its member is complete */
    SOURCE_MEMBER, /* another member begins, whose window is empty */
    SOURCE_END,    /* there are no more members */
    SOURCE_FAILED, /* see source_error */
    SOURCE_WAIT    /* a read is under way: suspend with source_wait */
};

/* NULL and a message in err (errlen bytes at most) when the file cannot be opened. */
source *source_open(const char *path, const stream_limits *limits, loop *loop, char *err,
                    size_t errlen);

/* Frees it; at once, or when the read that is under way has ended. NULL is allowed. */
void source_drop(source *s);

/* The window: bytes of the member that were read and not yet taken. They stay where they are until
 * source_advance. *last says whether the member ends with them. */
const char *source_window(const source *s, size_t *len, bool *last);

/* Takes n bytes off the window's begin. */
void source_take(source *s, size_t n);

/* Goes on to what comes next: more of the member, or, when it is complete, the next one. */
enum source_event source_advance(source *s);

/* Leaves out the rest of the member: the next event is another one. */
void source_skip(source *s);

/* The member's name; "" when the file is no archive. Stands until source_advance. */
const char *source_member(const source *s);

const char *source_error(const source *s);

/* Whether a task waits for the source already. */
bool source_is_awaited(const source *s);

/* Suspends the task, which comes from task_current, until what is under way has ended; then k goes
 * on. The last statement of a primitive, as task_suspend. */
int source_wait(source *s, lua_State *L, task *t, lua_KFunction k);

#endif
