/* runtime: what one Lua state runs in: its loop, the tasks that are queued, what a drain waits
 * for. The host owns it; every coroutine finds it through its extra space. */
#ifndef FELLOWSHIP_LUA_RUNTIME_H
#define FELLOWSHIP_LUA_RUNTIME_H

#include <lua.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/loop.h"

typedef struct task task;

/* What a suspended task waits for. */
enum task_wait {
    TASK_PARKED, /* another task of this process */
    TASK_OUTSIDE /* something that the loop will report: a timer, a call, the store, a file */
};

/* Tasks in the order of their coming. A task stands in one list at most. */
typedef struct task_list {
    task *first, *last;
    size_t count;
} task_list;

/* Something to do once in each turn, after the tasks have run and before the loop waits. Whoever
 * adds one keeps it alive until it is taken out, or as long as the runtime. */
typedef struct turn_hook {
    void (*fn)(void *arg);
    void *arg;
    struct turn_hook *next;
} turn_hook;

typedef struct runtime {
    lua_State *L;
    loop *loop;
    task *current;     /* the task whose code runs, NULL between resumes */
    task_list soon;    /* tasks that hold a slot: calls wait for them */
    task_list ready;   /* all others that may go on */
    size_t live;       /* tasks that have not ended */
    size_t spare;      /* coroutines kept for tasks to come */
    size_t reading;    /* look-ups of calls that may want a slot next */
    turn_hook *hooks;  /* what is done once a turn, after the tasks */
    size_t outside;    /* tasks suspended on TASK_OUTSIDE */
    size_t committed;  /* calls on the wire and completions being stored: what a drain
                          waits for */
    size_t stuck;      /* resumes of coroutines from where Lua cannot suspend */
    bool cancelling;   /* close handlers of a cancelled task run */
    bool stopping;     /* begin nothing new, finish what is paid for */
    bool interactive;  /* Ctrl+C goes to the task in task.interrupted, ends no run */
    task_list hearing; /* suspended in task.interrupted */
    task *foreground;  /* the first press makes only this one fail while it computes */
    uint64_t seed;     /* of --seed; tasks derive theirs from it */
    uint64_t turn_cpu, longest_turn; /* ns that the thread had computed when the last turn ended,
                                        and the most of one turn */

    /* What signal handlers and other threads touch. */
    atomic_int interrupts;       /* 1: as `stopping`; 2: stop at once */
    atomic_int presses;          /* of Ctrl+C while interactive that nobody has heard of yet */
    lua_State *volatile running; /* the innermost coroutine that computes; NULL between resumes */
    atomic_uint turns;           /* of the loop so far */
    atomic_bool waiting;         /* the loop waits for something to happen */
    atomic_size_t under_way;     /* `committed`, as of the last turn */
} runtime;

/* A thread's extra space holds the runtime; the lowest bit is set in a task's own coroutine. A new
 * thread inherits what the main thread's holds. */
static inline uintptr_t *runtime_space(lua_State *L) {
    return (uintptr_t *)lua_getextraspace(L);
}

static inline runtime *runtime_of(lua_State *L) {
    return (runtime *)(*runtime_space(L) & ~(uintptr_t)1);
}

/* Whether L is a task's own coroutine, not one that its script made. */
static inline bool runtime_task_owns(lua_State *L) {
    return *runtime_space(L) & 1;
}

static inline void runtime_add_hook(runtime *rt, turn_hook *hook) {
    hook->next = rt->hooks;
    rt->hooks = hook;
}

static inline void runtime_remove_hook(runtime *rt, turn_hook *hook) {
    for (turn_hook **link = &rt->hooks; *link; link = &(*link)->next) {
        if (*link != hook) continue;
        *link = hook->next;
        return;
    }
}

#endif
