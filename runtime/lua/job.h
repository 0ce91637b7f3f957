/* job: computing that takes its time, on a worker thread, while the task that asked for it waits
 * and the loop goes on. Where Lua cannot suspend it is done at once.
 *
 * A job is one block that begins with a job_head, made first and then filled, in a box of Lua's, so
 * that nothing is lost when something raises. A task that is cancelled leaves its job to end by
 * itself. */
#ifndef FELLOWSHIP_LUA_JOB_H
#define FELLOWSHIP_LUA_JOB_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

#include "lua/task.h"

/* A kind of jobs; a constant. */
typedef struct job_class {
    void (*work)(void *job);              /* on the thread: no Lua */
    void (*done)(void *job);              /* in the loop when work is over; may be NULL */
    int (*push)(lua_State *L, void *job); /* [-0, +n] what the task gets; may raise */
    void (*release)(void *job);           /* what it holds, all or part, but not the block */
} job_class;

/* The first member of every job. */
typedef struct job_head {
    const job_class *class;
    void *box;  /* the box that holds it */
    task *task; /* that waits */
    bool running, orphan;
} job_head;

/* [-0, +1] A job of `size` bytes, zeroed behind its head; its box is pushed. */
void *job_new(lua_State *L, const job_class *class, size_t size);

/* [-0, +n] Runs it: `return job_run(L, job)` is the last thing a primitive does, with the box still
 * on the stack. */
int job_run(lua_State *L, void *job);

#endif
