/* task_private: what task.c (the scheduler), waiters.c and tasklib.c (the face of tasks in Lua)
 * share; for no one else. */
#ifndef FELLOWSHIP_LUA_TASK_PRIVATE_H
#define FELLOWSHIP_LUA_TASK_PRIVATE_H

#include "base/random.h"
#include "lua/box.h"
#include "lua/runtime.h"

/* Keys of the registry, by address: the tables of live tasks and of failed ones that nobody asked,
 * both by task*, and the function of on_quiet. */
extern const char task_anchors, task_unobserved, task_quiet_hook;

/* Results that a task keeps itself, so that its coroutine can be another's. */
enum { RESULTS_KEPT = 3 };

enum task_state { TASK_READY, TASK_RUNNING, TASK_SUSPENDED, TASK_DONE };

struct task {
    box_head box;
    runtime *rt;
    lua_State *L; /* the coroutine, kept by user value 1; NULL once another task may have it */
    enum task_state state;
    enum task_wait wait;
    bool failed, parked;
    int results; /* once done: on the coroutine's stack, or the first user values without it */
    int arguments;
    void (*cancel)(void *);
    void *cancel_arg;
    task_list *list;     /* where it stands, to go on or to wait; or NULL */
    task *before, *next; /* in that list */
    task_list waiters;   /* who awaits this task */
    random_state random;
    uint64_t identity, children; /* for the seeds of the tasks that it spawns */
    uint64_t rank;
    bool shielded; /* no interrupt ends it while it runs */
    bool in_row;   /* begin_row was called, here or where this task was spawned */
};

void task_list_add(task_list *list, task *t);

/* Ends a task that is ready or suspended: undoes what it waits for, and closes its variables. */
void task_cancel(task *t);

/* Notes that somebody has asked how t ended. */
void task_observe(task *t);

/* The class of tasks; its methods are added by tasklib. */
extern const box_class task_class;

#endif
