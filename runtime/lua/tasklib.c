/* The face of tasks in Lua: require "fellowship.core.task". */
#include <lauxlib.h>

#include "lua/box.h"
#include "lua/modules.h"
#include "lua/task.h"
#include "lua/task_private.h"
#include "lua/waiters.h"

static task *check_task(lua_State *L, int arg) {
    return box_check(L, arg, &task_class);
}

/* Raises the error of the failed task at index 1, or returns its results. */
static int return_or_raise(lua_State *L, const task *t) {
    int n = task_push_outcome(L, 1);
    if (!t->failed) return n - 1;
    lua_pop(L, 1); /* the traceback stays with the task */
    return lua_error(L);
}

typedef struct sleeper {
    box_head box;
    loop_timer *timer;
} sleeper;

static void release_sleep(void *box) {
    loop_timer_free(((sleeper *)box)->timer);
}

static void stop_sleep(void *arg) {
    loop_timer_stop(((sleeper *)arg)->timer);
}

static void end_sleep(void *arg) {
    task_wake(arg);
}

/* [-0, +1] A timer that wakes the current task. */
static sleeper *start_sleep(lua_State *L, uint64_t ms) {
    static const box_class class = {.name = "fellowship.sleep", .release = release_sleep};
    task *self = task_current(L);
    sleeper *s = box_new(L, &class, sizeof *s, 0);
    s->timer = loop_timer_new(self->rt->loop, end_sleep, self);
    if (!s->timer) luaL_error(L, "out of memory");
    loop_timer_start(s->timer, ms);
    return s;
}

/* [-0, +2] nil and the error of who has waited long enough for the task at index 1. */
static int too_late(lua_State *L) {
    return box_fail(L, "timeout", "the task has not ended within %f seconds", lua_tonumber(L, 2));
}

static int after_await(lua_State *L, int status, lua_KContext raise) {
    (void)status;
    task *t = check_task(L, 1);
    if (lua_gettop(L) > 2) box_shut(lua_touserdata(L, 3));
    if (t->state == TASK_DONE) return raise ? return_or_raise(L, t) : task_push_outcome(L, 1);
    too_late(L);
    return raise ? lua_error(L) : 2;
}

/* Waits for the task at index 1, no longer than the seconds at index 2, if they are given. */
static int await(lua_State *L, bool raise) {
    task *t = check_task(L, 1);
    bool limited = !lua_isnoneornil(L, 2);
    uint64_t ms = limited ? box_check_seconds(L, 2) : 0;
    lua_settop(L, 2);
    if (t->state == TASK_DONE) return after_await(L, LUA_OK, raise);
    task *self = task_current(L);
    if (t == self) return luaL_error(L, "a task cannot await itself");
    if (!limited) return waiters_wait(L, &t->waiters, TASK_PARKED, raise, after_await);
    sleeper *s = start_sleep(L, ms);
    task_list_add(&t->waiters, self);
    return task_suspend(L, TASK_OUTSIDE, stop_sleep, s, raise, after_await);
}

/* task:await([seconds]) -> its results; raises its error, or one of kind "timeout". */
static int l_await(lua_State *L) {
    return await(L, true);
}

/* task:join([seconds]) -> true, results | false, error, traceback | nil, {kind = "timeout"} */
static int l_join(lua_State *L) {
    return await(L, false);
}

void *task_waits_with(lua_State *L, int index, void (*cancel)(void *arg)) {
    task *t = check_task(L, index);
    return t->state == TASK_SUSPENDED && t->cancel == cancel ? t->cancel_arg : NULL;
}

static int l_cancel(lua_State *L) {
    task *t = check_task(L, 1);
    if (t == t->rt->current || t->state == TASK_RUNNING)
        return luaL_error(L, "a running task cannot be cancelled");
    if (t->state != TASK_DONE)
        task_cancel(t);
    else
        task_observe(t); /* who would cancel it does not ask how it ended */
    return 0;
}

static int l_status(lua_State *L) {
    static const char *const names[] = {"ready", "running", "suspended"};
    task *t = check_task(L, 1);
    lua_pushstring(L, t->state != TASK_DONE ? names[t->state] : t->failed ? "failed" : "done");
    return 1;
}

static int l_spawn(lua_State *L) {
    luaL_checktype(L, 1, LUA_TFUNCTION);
    task_spawn(L, lua_gettop(L) - 1);
    return 1;
}

/* aside(fn, ...): as spawn, for a task that is there or not with what else runs, as the one of a
 * call that others share: it does not count among the children, whose random numbers follow from
 * their order. */
static int l_aside(lua_State *L) {
    task *parent = runtime_of(L)->current;
    uint64_t children = parent ? parent->children : 0;
    l_spawn(L);
    if (parent) parent->children = children;
    return 1;
}

static int l_self(lua_State *L) {
    task *t = runtime_of(L)->current;
    if (!t) return 0;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &task_anchors);
    lua_rawgetp(L, -1, t);
    return 1;
}

static int after_park(lua_State *L, int status, lua_KContext ctx) {
    (void)L, (void)status, (void)ctx;
    return 0;
}

static int l_park(lua_State *L) {
    task *self = task_current(L);
    self->parked = true;
    return task_suspend(L, TASK_PARKED, NULL, NULL, 0, after_park);
}

static int l_wake(lua_State *L) {
    task *t = check_task(L, 1);
    bool parked = t->state == TASK_SUSPENDED && t->parked;
    if (parked) task_wake(t);
    lua_pushboolean(L, parked);
    return 1;
}

static int after_sleep(lua_State *L, int status, lua_KContext ctx) {
    (void)status, (void)ctx;
    box_shut(lua_touserdata(L, 2));
    return 0;
}

/* sleep(seconds [, background]): a task that sleeps in the background keeps nothing alive: when all
 * others wait for each other, that is a deadlock all the same. */
static int l_sleep(lua_State *L) {
    uint64_t ms = box_check_seconds(L, 1);
    enum task_wait wait = lua_toboolean(L, 2) ? TASK_PARKED : TASK_OUTSIDE;
    lua_settop(L, 1);
    return task_suspend(L, wait, stop_sleep, start_sleep(L, ms), 0, after_sleep);
}

static int after_interrupted(lua_State *L, int status, lua_KContext ctx) {
    (void)status, (void)ctx;
    runtime_of(L)->presses = 0;
    return 0;
}

/* interrupted(): waits for Ctrl+C. */
static int l_interrupted(lua_State *L) {
    runtime *rt = runtime_of(L);
    task_current(L);
    if (rt->presses > 0) return after_interrupted(L, LUA_OK, 0);
    return waiters_wait(L, &rt->hearing, TASK_OUTSIDE, 0, after_interrupted);
}

/* interactive(whether): Ctrl+C goes to the task in interrupted(), or ends the run as it always
 * does.
 */
static int l_interactive(lua_State *L) {
    runtime *rt = runtime_of(L);
    rt->interactive = lua_toboolean(L, 1);
    rt->presses = 0;
    return 0;
}

/* foreground(task | nil): whom the first Ctrl+C makes fail while it computes; the second any. */
static int l_foreground(lua_State *L) {
    runtime_of(L)->foreground = lua_isnoneornil(L, 1) ? NULL : check_task(L, 1);
    return 0;
}

/* shield(): no Ctrl+C makes the current task fail while it computes. */
static int l_shield(lua_State *L) {
    task_current(L)->shielded = true;
    return 0;
}

/* unobserved(take) -> {{error, traceback}, ...}, see task_push_unobserved */
static int l_unobserved(lua_State *L) {
    task_push_unobserved(L, lua_toboolean(L, 1));
    return 1;
}

/* begin_row(seed, number): the current task, and what it will spawn, works on that row from now on:
 * its random numbers follow from the two, and its calls go before those of later rows. */
static int l_begin_row(lua_State *L) {
    task *t = task_current(L);
    lua_Integer seed = luaL_checkinteger(L, 1), number = luaL_checkinteger(L, 2);
    random_seed(&t->random, (uint64_t)seed, (uint64_t)number);
    t->rank = (uint64_t)number;
    t->in_row = true;
    t->identity = random_next(&t->random);
    t->children = 0;
    return 0;
}

/* in_row() -> whether the current task works on a row already. */
static int l_in_row(lua_State *L) {
    lua_pushboolean(L, task_current(L)->in_row);
    return 1;
}

/* task:row() -> the number of the row that it works on | nil */
static int l_row(lua_State *L) {
    task *t = check_task(L, 1);
    if (t->in_row)
        lua_pushinteger(L, (lua_Integer)t->rank);
    else
        lua_pushnil(L);
    return 1;
}

static int l_base_seed(lua_State *L) {
    runtime *rt = runtime_of(L);
    if (!lua_isnoneornil(L, 1)) rt->seed = (uint64_t)luaL_checkinteger(L, 1);
    lua_pushinteger(L, (lua_Integer)rt->seed);
    return 1;
}

/* on_quiet(fn | nil): see runtime_run. */
static int l_on_quiet(lua_State *L) {
    lua_settop(L, 1);
    if (!lua_isnil(L, 1)) luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &task_quiet_hook);
    return 0;
}

/* cancelling() -> whether close handlers run because their task is cancelled. Lua gives them no
 * error then, as if all had gone well. */
static int l_cancelling(lua_State *L) {
    lua_pushboolean(L, runtime_of(L)->cancelling);
    return 1;
}

static int l_now(lua_State *L) {
    lua_pushnumber(L, (double)loop_now(runtime_of(L)->loop) / 1000);
    return 1;
}

/* turn() -> seconds of the present turn, see runtime_turn */
static int l_turn(lua_State *L) {
    lua_pushnumber(L, (double)runtime_turn(runtime_of(L)) / 1e9);
    return 1;
}

/* longest_turn() -> seconds */
static int l_longest_turn(lua_State *L) {
    lua_pushnumber(L, (double)runtime_longest_turn(runtime_of(L)) / 1e9);
    return 1;
}

static const luaL_Reg methods[] = {{"await", l_await},   {"join", l_join}, {"cancel", l_cancel},
                                   {"status", l_status}, {"row", l_row},   {NULL, NULL}};

int luaopen_fellowship_core_task(lua_State *L) {
    box_add_methods(L, &task_class, methods);
    static const luaL_Reg functions[] = {{"spawn", l_spawn},
                                         {"aside", l_aside},
                                         {"self", l_self},
                                         {"park", l_park},
                                         {"wake", l_wake},
                                         {"sleep", l_sleep},
                                         {"begin_row", l_begin_row},
                                         {"in_row", l_in_row},
                                         {"base_seed", l_base_seed},
                                         {"now", l_now},
                                         {"turn", l_turn},
                                         {"longest_turn", l_longest_turn},
                                         {"cancelling", l_cancelling},
                                         {"on_quiet", l_on_quiet},
                                         {"interrupted", l_interrupted},
                                         {"interactive", l_interactive},
                                         {"foreground", l_foreground},
                                         {"shield", l_shield},
                                         {"unobserved", l_unobserved},
                                         {NULL, NULL}};
    luaL_newlib(L, functions);
    return 1;
}
