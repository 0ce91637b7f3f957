/* task: tasks are coroutines that the runtime owns and resumes; but for lua/coroutine.c, which
 * passes their yields through coroutines of scripts, this is the only code that resumes and yields.
 * A task is a userdata: Lua owns its memory, and the runtime anchors it
 * from spawn to its end, so that callbacks may keep a task* while the task is suspended. */
#ifndef FELLOWSHIP_LUA_TASK_H
#define FELLOWSHIP_LUA_TASK_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/random.h"
#include "lua/runtime.h"

/* How a run of all tasks ended. */
enum runtime_end {
    RUNTIME_FINISHED, /* every task has ended */
    RUNTIME_DRAINED,  /* interrupted or stopping, and nothing paid for is under way any more */
    RUNTIME_DEADLOCK  /* every task waits for another one */
};

/* Prepares L: its extra space, the anchors, and a coroutine library through which suspending
 * passes. l and rt must outlive L. */
void runtime_init(runtime *rt, lua_State *L, loop *l);

/*
 * Resumes tasks and turns the loop until one of the ends.
 *
 * When no task can run and none waits for the outside, every task waits for another one. Then the
 * function given to task.on_quiet is run as a task: whoever holds calls back on purpose, to send
 * them together, sends them there. When that wakes nobody, it is a deadlock.
 */
enum runtime_end runtime_run(runtime *rt);

/* How long the present turn and the longest one so far are: from one look at what has happened
 * outside to the next, in nanoseconds of this thread's computing. Meanwhile nothing else goes on,
 * and no signal is heard; a machine that is busy with others makes it no longer. */
uint64_t runtime_turn(runtime *rt);
uint64_t runtime_longest_turn(runtime *rt);

/* Cancels every task; before lua_close, which would not close what suspended coroutines hold. */
void runtime_cancel_all(runtime *rt);

/* [-(n+1), +1] A new task that will run the function below its n arguments on the stack; pushes its
 * userdata. */
task *task_spawn(lua_State *L, int arguments);

/* The task that runs L, or NULL when there is none or when Lua cannot suspend here. */
task *task_able(lua_State *L);

/* The task that runs L. Raises when there is none or when Lua cannot suspend here; call it before
 * starting what the task shall wait for. */
task *task_current(lua_State *L);

/*
 * Suspends the current task: `return task_suspend(...)` is the last thing a primitive does, after
 * task_current and after starting its work. When task_wake is called, k(L, LUA_YIELD, ctx) goes on
 * with the primitive's stack as it was. If the task is cancelled instead, cancel(arg) is called
 * once (cancel may be NULL) and k is not.
 */
int task_suspend(lua_State *L, enum task_wait wait, void (*cancel)(void *arg), void *arg,
                 lua_KContext ctx, lua_KFunction k);

/* What the task at index waits for, by its cancel function: that one's arg, or NULL when it does
 * not wait or waits for something else. Raises when there is no task. */
void *task_waits_with(lua_State *L, int index, void (*cancel)(void *arg));

/* Queues a suspended task to go on; from loop callbacks too, since no Lua runs here. */
void task_wake(task *t);

/* The same, and gives the task something: drop(arg) takes it back if the task is cancelled before
 * it goes on. */
void task_wake_with(task *t, void (*drop)(void *arg), void *arg);

/* The same for a task that holds a call's slot: it goes on before others, so that the slot is soon
 * free for the next call. */
void task_wake_soon(task *t);

/* In the loop, after Ctrl+C while interactive: wakes whoever waits for that. */
void task_hear_interrupt(runtime *rt);

/* The generator of the task that runs L; of the runtime when none does. */
random_state *task_random(lua_State *L);

/* The number of the row that t works on, which tasks inherit; 0 for those of no row. */
uint64_t task_rank(const task *t);

/* [-0, +n] Pushes how the task at index, which is done, ended: true and its results, or false, its
 * error value and its traceback. Returns how many values that are. */
int task_push_outcome(lua_State *L, int index);

/* [-0, +1] Failed tasks that nobody awaited, as a list of {error, traceback}; with `take` they are
 * reported once. */
void task_push_unobserved(lua_State *L, bool take);

#endif
