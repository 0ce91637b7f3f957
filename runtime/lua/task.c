#include <assert.h>
#include <lauxlib.h>
#include <string.h>
#include <time.h>

#include "lua/box.h"
#include "lua/coroutine.h"
#include "lua/interrupt.h"
#include "lua/task.h"
#include "lua/task_private.h"

/* Tasks resumed in one turn of the loop, beside those that hold a slot. */
#define TURN_MOST 8

/* Coroutines of ended tasks that are kept: making one and growing its stack takes as long as all
 * else of a short task, and a new one is cold in the cache. */
#define SPARE_MOST 2048

const box_class task_class = {.name = "fellowship.task"};

const char task_anchors, task_unobserved, task_quiet_hook;

/* The registry's key of the list of spare coroutines. */
static const char task_spares;

/* ---- lists ---- */

void task_list_add(task_list *list, task *t) {
    assert(!t->list);
    t->list = list;
    t->before = list->last;
    t->next = NULL;
    *(list->last ? &list->last->next : &list->first) = t;
    list->last = t;
    list->count++;
}

static void leave_list(task *t) {
    task_list *list = t->list;
    if (!list) return;
    *(t->before ? &t->before->next : &list->first) = t->next;
    *(t->next ? &t->next->before : &list->last) = t->before;
    list->count--;
    t->list = NULL;
}

static void queue(task *t, task_list *list) {
    t->state = TASK_READY;
    task_list_add(list, t);
}

static bool any_ready(const runtime *rt) {
    return rt->soon.first || rt->ready.first;
}

static void wake_into(task *t, task_list *list) {
    if (t->state != TASK_SUSPENDED) return;
    if (t->wait == TASK_OUTSIDE) t->rt->outside--;
    leave_list(t);
    t->cancel = NULL;
    t->parked = false;
    queue(t, list);
}

void task_wake(task *t) {
    wake_into(t, &t->rt->ready);
}

void task_wake_soon(task *t) {
    wake_into(t, &t->rt->soon);
}

void task_wake_with(task *t, void (*drop)(void *), void *arg) {
    if (t->state != TASK_SUSPENDED) return;
    task_wake_soon(t);
    t->cancel = drop;
    t->cancel_arg = arg;
}

/* ---- beginning and end ---- */

static void seed_task(task *t, runtime *rt) {
    task *parent = rt->current;
    uint64_t ordinal = parent ? ++parent->children : rt->live;
    uint64_t base = parent ? parent->identity : rt->seed;
    random_seed(&t->random, base, ordinal);
    t->identity = random_next(&t->random);
    t->rank = parent ? parent->rank : 0;
    t->in_row = parent && parent->in_row;
}

uint64_t task_rank(const task *t) {
    return t->rank;
}

/* [-0, +1] A coroutine for a task. */
static lua_State *push_coroutine(lua_State *L, runtime *rt) {
    if (rt->spare == 0) {
        lua_State *made = lua_newthread(L);
        *runtime_space(made) |= 1;
        return made;
    }
    lua_rawgetp(L, LUA_REGISTRYINDEX, &task_spares);
    lua_rawgeti(L, -1, (lua_Integer)rt->spare);
    lua_remove(L, -2);
    rt->spare--;
    return lua_tothread(L, -1);
}

/* [-0, +0] Moves the results of t, whose box is at index, into its user values, and keeps its
 * coroutine for another task. Lua lets a coroutine that has returned begin anew. */
static void give_back_coroutine(lua_State *L, int index, task *t) {
    runtime *rt = t->rt;
    if (rt->spare >= SPARE_MOST || t->results > RESULTS_KEPT) return;
    if (lua_gethook(t->L)) lua_sethook(t->L, NULL, 0, 0);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &task_spares);
    lua_getiuservalue(L, index, 1);
    lua_rawseti(L, -2, (lua_Integer)++rt->spare);
    lua_pop(L, 1);
    int kept = t->results > 0 ? t->results : 1; /* something must take the coroutine's place */
    lua_settop(t->L, kept);
    for (int i = kept; i > 0; i--) {
        lua_xmove(t->L, L, 1);
        lua_setiuservalue(L, index, i);
    }
    t->L = NULL;
}

task *task_spawn(lua_State *L, int arguments) {
    runtime *rt = runtime_of(L);
    luaL_checktype(L, -arguments - 1, LUA_TFUNCTION);
    int function = lua_gettop(L) - arguments;
    task *t = box_new(L, &task_class, sizeof *t, RESULTS_KEPT);
    t->rt = rt;
    t->state = TASK_DONE; /* until it has a coroutine, a collected box has nothing to do */
    t->L = push_coroutine(L, rt);
    lua_setiuservalue(L, -2, 1);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &task_anchors);
    lua_pushvalue(L, -2);
    lua_rawsetp(L, -2, t);
    lua_pop(L, 1);
    lua_insert(L, function); /* the box below the function and its arguments */
    if (!lua_checkstack(t->L, arguments + LUA_MINSTACK)) luaL_error(L, "too many arguments");
    lua_xmove(L, t->L, arguments + 1);
    t->arguments = arguments;
    seed_task(t, rt);
    rt->live++;
    queue(t, &rt->ready);
    return t;
}

/* [-0, +0] Takes t out of (or into) a registry table. */
static void set_registered(task *t, const char *table, bool present) {
    lua_State *L = t->rt->L;
    lua_rawgetp(L, LUA_REGISTRYINDEX, table);
    if (present) {
        lua_rawgetp(L, LUA_REGISTRYINDEX, &task_anchors);
        lua_rawgetp(L, -1, t);
        lua_remove(L, -2);
    } else {
        lua_pushnil(L);
    }
    lua_rawsetp(L, -2, t);
    lua_pop(L, 1);
}

/* [-0, +0] The task's outcome (results, or error and traceback) is on its coroutine's stack. */
static void end_task(task *t, bool failed, int results) {
    assert(t->state == TASK_RUNNING && !t->list && t->rt->live > 0);
    t->state = TASK_DONE;
    t->failed = failed;
    t->results = results;
    t->rt->live--;
    bool awaited = t->waiters.first;
    while (t->waiters.first) task_wake(t->waiters.first);
    if (failed && !awaited) set_registered(t, &task_unobserved, true);
    if (!failed) {
        lua_State *L = t->rt->L;
        lua_rawgetp(L, LUA_REGISTRYINDEX, &task_anchors);
        lua_rawgetp(L, -1, t);
        give_back_coroutine(L, lua_gettop(L), t);
        lua_pop(L, 2);
    }
    set_registered(t, &task_anchors, false);
}

/* Closes what a task holds that will not go on; `cancelled` when Lua knows of no error. */
static void close_task(task *t, bool cancelled) {
    bool before = t->rt->cancelling;
    t->rt->cancelling = cancelled;
    coroutine_cancel(t->L);
    lua_resetthread(t->L);
    t->rt->cancelling = before;
}

static void resume(task *t) {
    runtime *rt = t->rt;
    int results, arguments = t->arguments;
    assert(t->state == TASK_READY && !rt->current);
    leave_list(t);
    t->arguments = 0;
    t->cancel = NULL;
    t->state = TASK_RUNNING;
    rt->current = t;
    rt->running = t->L;
    interrupt_running(rt); /* pressed before it began to compute */
    int status = lua_resume(t->L, NULL, arguments, &results);
    rt->running = NULL;
    rt->current = NULL;
    if (status == LUA_YIELD && coroutine_passes(t->L, results)) {
        lua_pop(t->L, results);
        return;
    }
    if (status == LUA_OK) {
        end_task(t, false, results);
        return;
    }
    /* The stack of a failed coroutine stands as it was: the traceback names the script's line. */
    luaL_traceback(rt->L, t->L, NULL, 0);
    if (status == LUA_YIELD) lua_pop(t->L, results);
    close_task(t, status == LUA_YIELD); /* leaves the error, or the one of a close handler */
    if (status == LUA_YIELD) {
        lua_settop(t->L, 0);
        lua_pushliteral(t->L, "attempt to yield from outside a coroutine");
    }
    lua_xmove(rt->L, t->L, 1); /* t->L: error, traceback */
    end_task(t, true, 2);
}

void task_cancel(task *t) {
    if (t->state == TASK_SUSPENDED && t->wait == TASK_OUTSIDE) t->rt->outside--;
    leave_list(t);
    void (*undo)(void *) = t->cancel;
    t->cancel = NULL;
    if (undo) undo(t->cancel_arg);
    t->state = TASK_RUNNING; /* its close handlers may look */
    close_task(t, true);
    lua_settop(t->L, 0);
    lua_newtable(t->L);
    lua_pushliteral(t->L, "cancelled");
    lua_setfield(t->L, -2, "kind");
    lua_pushliteral(t->L, "the task was cancelled");
    lua_setfield(t->L, -2, "message");
    lua_pushliteral(t->L, "");
    bool had_waiters = t->waiters.first;
    end_task(t, true, 2);
    if (!had_waiters) set_registered(t, &task_unobserved, false); /* who cancels knows */
}

/* ---- suspending ---- */

task *task_able(lua_State *L) {
    task *t = runtime_of(L)->current;
    return t && !t->rt->stuck && lua_isyieldable(L) ? t : NULL;
}

task *task_current(lua_State *L) {
    task *able = task_able(L);
    if (able) return able;
    task *t = runtime_of(L)->current;
    char place[LUA_IDSIZE + 16];
    if (interrupt_script_line(L, 1, place, sizeof place))
        lua_pushfstring(L, "%s: ", place);
    else
        lua_pushliteral(L, "");
    lua_pushstring(L, t ? "cannot wait here: a model call, sleep or await was made where Lua "
                          "cannot suspend (the top level of a file that require loads, a "
                          "table.sort comparison, a string.gsub callback, a __tostring or __gc "
                          "metamethod); make the call before, and use its result there"
                        : "only a task can wait, and none is running");
    lua_concat(L, 2);
    lua_error(L);
    return NULL;
}

int task_suspend(lua_State *L, enum task_wait wait, void (*undo)(void *), void *arg,
                 lua_KContext ctx, lua_KFunction k) {
    task *t = runtime_of(L)->current;
    assert(t && t->state == TASK_RUNNING);
    t->state = TASK_SUSPENDED;
    t->wait = wait;
    t->cancel = undo;
    t->cancel_arg = arg;
    if (wait == TASK_OUTSIDE) t->rt->outside++;
    return coroutine_pass(L, ctx, k);
}

random_state *task_random(lua_State *L) {
    static random_state outside;
    runtime *rt = runtime_of(L);
    if (rt->current) return &rt->current->random;
    if ((outside.s[0] | outside.s[1]) == 0) random_seed(&outside, rt->seed, 0);
    return &outside;
}

void task_hear_interrupt(runtime *rt) {
    while (rt->hearing.first) task_wake(rt->hearing.first); /* it looks before it waits */
}

/* ---- outcomes ---- */

void task_observe(task *t) {
    if (t->failed) set_registered(t, &task_unobserved, false);
}

int task_push_outcome(lua_State *L, int index) {
    task *t = box_check(L, index, &task_class);
    index = lua_absindex(L, index);
    task_observe(t);
    luaL_checkstack(L, t->results + 2, "too many results");
    lua_pushboolean(L, !t->failed);
    if (!t->L) {
        for (int i = 1; i <= t->results; i++) lua_getiuservalue(L, index, i);
        return t->results + 1;
    }
    int bottom = lua_gettop(t->L) - t->results;
    for (int i = 1; i <= t->results; i++) lua_pushvalue(t->L, bottom + i);
    lua_xmove(t->L, L, t->results);
    return t->results + 1;
}

void task_push_unobserved(lua_State *L, bool take) {
    lua_newtable(L);
    int list = lua_gettop(L);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &task_unobserved);
    lua_pushnil(L);
    while (lua_next(L, list + 1)) { /* list, table, key, task */
        task *t = lua_touserdata(L, -1);
        lua_createtable(L, 2, 0);
        for (int i = 1; i <= 2; i++) {
            lua_pushvalue(t->L, lua_gettop(t->L) - 2 + i);
            lua_xmove(t->L, L, 1);
            lua_rawseti(L, -2, i);
        }
        lua_rawseti(L, list, luaL_len(L, list) + 1);
        lua_pop(L, 1);
        if (take) { /* clearing what is there does not disturb lua_next */
            lua_pushnil(L);
            lua_rawsetp(L, list + 1, t);
        }
    }
    lua_settop(L, list);
}

/* ---- the scheduler ---- */

static void run_ready(runtime *rt) {
    /* Those that wake meanwhile go after the loop's next turn, and the others are taken a few at a
     * time, so that I/O is never starved and answers do not wait behind long queues. */
    task *last = rt->soon.last;
    for (bool more = rt->soon.first; more && rt->soon.first;) {
        more = rt->soon.first != last;
        resume(rt->soon.first);
    }
    for (int i = 0; i < TURN_MOST && rt->ready.first; i++) resume(rt->ready.first);
}

/* [-0, +0] Runs the function of on_quiet as a task, if there is one. */
static bool run_quiet_hook(runtime *rt) {
    lua_State *L = rt->L;
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &task_quiet_hook) != LUA_TFUNCTION) {
        lua_pop(L, 1);
        return false;
    }
    task *t = task_spawn(L, 0);
    lua_pop(L, 1); /* the anchor keeps it */
    resume(t);
    return any_ready(rt) || rt->outside > 0;
}

/* Nanoseconds that this thread has computed. */
static uint64_t computed(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

uint64_t runtime_turn(runtime *rt) {
    return computed() - rt->turn_cpu;
}

uint64_t runtime_longest_turn(runtime *rt) {
    uint64_t present = runtime_turn(rt);
    return present > rt->longest_turn ? present : rt->longest_turn;
}

static void turn(runtime *rt) {
    rt->longest_turn = runtime_longest_turn(rt);
    rt->turn_cpu = computed();
    rt->turns++;
    rt->under_way = rt->committed;
    rt->waiting = true;
    loop_turn(rt->loop, !any_ready(rt));
    rt->waiting = false;
}

enum runtime_end runtime_run(runtime *rt) {
    rt->turn_cpu = computed();
    for (;;) {
        run_ready(rt);
        for (turn_hook *h = rt->hooks; h; h = h->next) h->fn(h->arg);
        if (rt->live == 0) return RUNTIME_FINISHED;
        if (rt->interrupts > 1) return RUNTIME_DRAINED;
        if (!any_ready(rt)) {
            if ((rt->interrupts || rt->stopping) && rt->committed == 0) return RUNTIME_DRAINED;
            if (rt->outside == 0 && rt->committed == 0) {
                if (!run_quiet_hook(rt)) return RUNTIME_DEADLOCK;
                continue;
            }
        }
        turn(rt);
    }
}

void runtime_cancel_all(runtime *rt) {
    lua_State *L = rt->L;
    /* A close handler may spawn again: go on until none is left. */
    while (rt->live > 0) {
        lua_rawgetp(L, LUA_REGISTRYINDEX, &task_anchors);
        lua_pushnil(L);
        task *t = lua_next(L, -2) ? lua_touserdata(L, -1) : NULL;
        lua_settop(L, t ? -4 : -2);
        if (!t) return;
        task_cancel(t);
    }
}

void runtime_init(runtime *rt, lua_State *L, loop *l) {
    *runtime_space(L) = (uintptr_t)rt;
    rt->L = L;
    rt->loop = l;
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &task_anchors);
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &task_unobserved);
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &task_spares);
    coroutine_init(L);
}
