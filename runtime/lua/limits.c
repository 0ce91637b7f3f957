#include "lua/limits.h"

#include <lauxlib.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/backoff.h"
#include "base/limits.h"
#include "lua/box.h"
#include "lua/task.h"

#define DEFAULT_SLOTS 16
#define SPARE_ROWS    16 /* calls that wait beside an eighth of the slots */
#define FIRST_WAIT_MS 500
#define MOST_WAIT_MS  60000

/* The registry's key of the one state. */
static const char the_state;

/* The process's limits. */
typedef struct state {
    box_head box;
    runtime *rt;
    limits *limits;
    loop_timer *timer; /* runs out when the first pause does */
    turn_hook hook;
    struct opener *openers; /* who waits for room */
} state;

/* What calls share: the limits of one place; the state frees it. */
typedef struct endpoint {
    box_head box;
    limits_endpoint *limits;
} endpoint;

/* A call's place: first in the queue, then on the wire. */
typedef struct slot {
    box_head box;
    limits_waiter waiter;
    state *owner;
    limits_endpoint *endpoint;
    task *task;
    bool held;
} slot;

static void let_go(void *arg);
static void wake_openers(void *arg);

/* Lets go all that may. */
static void pump(void *arg) {
    state *s = arg;
    uint64_t wake, now = loop_now(s->rt->loop);
    for (limits_waiter *w; (w = limits_next(s->limits, now, &wake));) {
        slot *next = (slot *)((char *)w - offsetof(slot, waiter));
        next->held = true;
        s->rt->committed++;
        task_wake_with(next->task, let_go, next);
    }
    if (wake != UINT64_MAX) loop_timer_start(s->timer, wake - now);
}

static state *state_of(lua_State *L) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &the_state);
    state *s = lua_touserdata(L, -1);
    lua_pop(L, 1); /* the registry keeps it */
    return s;
}

static void release_state(void *box) {
    state *s = box;
    runtime_remove_hook(s->rt, &s->hook);
    loop_timer_free(s->timer);
    limits_free(s->limits);
    s->timer = NULL;
    s->limits = NULL;
}

/* Leaves the queue, or gives the slot back. */
static void let_go(void *arg) {
    slot *p = arg;
    limits_forget(&p->waiter);
    if (!p->held) return;
    p->held = false;
    p->owner->rt->committed--;
    limits_release(p->endpoint);
    pump(p->owner);
}

static void release_slot(void *box) {
    slot *p = box;
    if (p->owner && p->owner->limits)
        let_go(p); /* at the end of the state the limits may be gone */
}

static const box_class state_class = {.name = "fellowship.limits", .release = release_state};
static const box_class slot_class, endpoint_class;

static limits_endpoint *check_endpoint(lua_State *L) {
    return ((endpoint *)box_check(L, 1, &endpoint_class))->limits;
}

/* slot:release(): once more does nothing. */
static int l_release(lua_State *L) {
    slot *p = box_test(L, 1, &slot_class);
    luaL_argexpected(L, p, 1, slot_class.name);
    box_shut(p);
    return 0;
}

static int after_acquire(lua_State *L, int status, lua_KContext ctx) {
    (void)status, (void)ctx;
    lua_settop(L, 2);
    return 1;
}

/* endpoint:acquire() -> slot: waits for the right to send one call. Tasks of earlier rows first. */
static int l_acquire(lua_State *L) {
    limits_endpoint *e = check_endpoint(L);
    task *self = task_current(L);
    lua_settop(L, 1);
    slot *p = box_new(L, &slot_class, sizeof *p, 0);
    p->owner = state_of(L);
    p->endpoint = e;
    p->task = self;
    p->waiter.rank = task_rank(self);
    if (!limits_wait(e, &p->waiter)) return luaL_error(L, "out of memory");
    pump(p->owner);
    if (p->held) return 1; /* at once; the wake of a running task has no effect */
    return task_suspend(L, TASK_OUTSIDE, let_go, p, 0, after_acquire);
}

/* ---- room for more rows ---- */

/* A task that opens rows, while it waits. */
typedef struct opener {
    state *owner;
    task *task;
    struct opener *next;
} opener;

/* More calls are coming than there are slots for, with some to spare: a row opened now would only
 * take memory. Calls of a paused or full endpoint do not count, since they hold nobody back. */
static bool crowded(const state *s) {
    size_t slots = limits_slots(s->limits);
    size_t coming = limits_supply(s->limits, loop_now(s->rt->loop)) + s->rt->reading +
                    s->rt->ready.count + s->rt->soon.count;
    return coming >= limits_free_slots(s->limits) + slots / 8 + SPARE_ROWS;
}

static void wake_openers(void *arg) {
    state *s = arg;
    if (!s->openers || crowded(s)) return;
    for (opener *o = s->openers; o; o = o->next) task_wake(o->task);
    s->openers = NULL;
}

static void stop_opening(void *arg) {
    opener *self = arg;
    for (opener **link = &self->owner->openers; *link; link = &(*link)->next) {
        if (*link != self) continue;
        *link = self->next;
        break;
    }
}

static int after_room(lua_State *L, int status, lua_KContext ctx) {
    (void)L, (void)status, (void)ctx;
    return 0;
}

/* room(): waits while the calls that are coming already fill all slots. */
static int l_room(lua_State *L) {
    state *s = state_of(L);
    if (!crowded(s)) return 0;
    task *self = task_current(L);
    opener *o = lua_newuserdatauv(L, sizeof *o, 0);
    *o = (opener){s, self, s->openers};
    s->openers = o;
    return task_suspend(L, TASK_PARKED, stop_opening, o, 0, after_room);
}

/* endpoint:pause(seconds): nothing of this endpoint is sent before then. */
static int l_pause(lua_State *L) {
    limits_endpoint *e = check_endpoint(L);
    state *s = state_of(L);
    uint64_t now = loop_now(s->rt->loop);
    limits_pause(e, now + box_check_seconds(L, 2), now);
    return 0;
}

/* endpoint:bound(requests, tokens) -> whether both make sense: a minute, at most; 0 leaves the
 * bound as it is, and so does nonsense. */
static int l_bound(lua_State *L) {
    limits_endpoint *e = check_endpoint(L);
    bool well = pace_bound(limits_pace(e), luaL_checknumber(L, 2), luaL_checknumber(L, 3));
    pump(state_of(L));
    lua_pushboolean(L, well);
    return 1;
}

/* endpoint:paused() -> the seconds that are left of its pause */
static int l_paused(lua_State *L) {
    limits_endpoint *e = check_endpoint(L);
    uint64_t until = limits_paused_until(e), now = loop_now(state_of(L)->rt->loop);
    lua_pushnumber(L, until > now ? (double)(until - now) / 1000 : 0);
    return 1;
}

/* $FELLOWSHIP_RETRY_SCALE, a factor of all waits between attempts: tests have no minutes. */
static double retry_scale(void) {
    const char *text = getenv("FELLOWSHIP_RETRY_SCALE");
    double scale = text ? strtod(text, NULL) : 1;
    return scale > 0 && scale <= 1 ? scale : 1;
}

/* endpoint(slots [, {start =, requests =, tokens =}]): requests and tokens a minute. */
static int l_endpoint(lua_State *L) {
    lua_Integer slots = luaL_optinteger(L, 1, 0);
    luaL_argcheck(L, slots >= 0, 1, "must be 0 or more");
    pace_options options = {.wait_ms = (uint64_t)(FIRST_WAIT_MS * retry_scale()) + 1};
    if (!lua_isnoneornil(L, 2)) {
        options.start = (size_t)box_integer_field(L, 2, "start", 0, 0, INT32_MAX);
        options.requests = (double)box_integer_field(L, 2, "requests", 0, 0, INT64_MAX);
        options.tokens = (double)box_integer_field(L, 2, "tokens", 0, 0, INT64_MAX);
    }
    endpoint *e = box_new(L, &endpoint_class, sizeof *e, 0);
    e->limits = limits_endpoint_new(state_of(L)->limits, (size_t)slots);
    if (!e->limits) return luaL_error(L, "out of memory");
    limits_set_pace(e->limits, &options);
    return 1;
}

/* endpoint:pace() -> calls at a time, requests a minute (0: not bounded) that it allows now, and
 * the share of refusals that comes whatever the pace */
static int l_pace(lua_State *L) {
    limits_endpoint *e = check_endpoint(L);
    const pace *p = limits_pace(e);
    lua_pushnumber(L, p->window);
    lua_pushnumber(L, p->rate * 60000);
    lua_pushnumber(L, p->usual);
    return 3;
}

/* slot:report(outcome [, hint [, tokens]]): how the call ended ("good", "refused", "overloaded");
 * the seconds that the endpoint asked to be left alone; the tokens used. The endpoint makes of it
 * what it means for the other calls: see base/pace.h. */
static int l_report(lua_State *L) {
    static const char *const outcomes[] = {"good", "refused", "overloaded", NULL};
    slot *p = box_check(L, 1, &slot_class);
    int outcome = luaL_checkoption(L, 2, NULL, outcomes);
    uint64_t hint = lua_isnoneornil(L, 3) ? 0 : box_check_seconds(L, 3);
    double tokens = luaL_optnumber(L, 4, 0);
    pace_report(limits_pace(p->endpoint), &p->waiter.ticket, (enum pace_outcome)outcome, hint,
                tokens, loop_now(p->owner->rt->loop));
    return 0;
}

static int l_slots(lua_State *L) {
    lua_Integer slots = luaL_checkinteger(L, 1);
    luaL_argcheck(L, slots >= 1, 1, "must be 1 or more");
    limits_set_slots(state_of(L)->limits, (size_t)slots);
    return 0;
}

/* backoff(attempt [, hint]) -> seconds to wait after failed attempt number `attempt`. */
static int l_backoff(lua_State *L) {
    static const backoff times = {FIRST_WAIT_MS, MOST_WAIT_MS};
    static random_state
        jitter; /* not the task's: how long one waited must not change its numbers */
    if ((jitter.s[0] | jitter.s[1]) == 0) random_seed(&jitter, loop_now(runtime_of(L)->loop), 1);
    lua_Integer attempt = luaL_checkinteger(L, 1);
    luaL_argcheck(L, attempt >= 1 && attempt <= 1000, 1, "must be from 1 to 1000");
    int64_t hint = lua_isnoneornil(L, 2) ? -1 : (int64_t)box_check_seconds(L, 2);
    uint64_t wait = backoff_wait(&times, (int)attempt, hint, random_double(&jitter));
    lua_pushnumber(L, (double)wait * retry_scale() / 1000);
    return 1;
}

static int l_in_use(lua_State *L) {
    state *s = state_of(L);
    lua_pushinteger(L, (lua_Integer)limits_in_use(s->limits));
    lua_pushinteger(L, (lua_Integer)limits_waiting(s->limits));
    return 2;
}

void limits_drain(lua_State *L) {
    state *s = state_of(L);
    if (s && s->limits) limits_close(s->limits);
}

static const luaL_Reg slot_methods[] = {{"release", l_release}, {"report", l_report}, {NULL, NULL}};
static const box_class slot_class = {.name = "fellowship.slot",
                                     .closed = "the slot was given back",
                                     .methods = slot_methods,
                                     .release = release_slot};

static const luaL_Reg endpoint_methods[] = {{"acquire", l_acquire}, {"pause", l_pause},
                                            {"paused", l_paused},   {"bound", l_bound},
                                            {"pace", l_pace},       {NULL, NULL}};
static const box_class endpoint_class = {
    .name = "fellowship.endpoint", .closed = "the endpoint is closed", .methods = endpoint_methods};

int luaopen_fellowship_core_limits(lua_State *L) {
    box_register(L, &slot_class);
    box_register(L, &endpoint_class);
    state *s = box_new(L, &state_class, sizeof *s, 0);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &the_state);
    s->rt = runtime_of(L);
    s->limits = limits_new(DEFAULT_SLOTS);
    s->timer = loop_timer_new(s->rt->loop, pump, s);
    s->hook = (turn_hook){wake_openers, s, NULL};
    runtime_add_hook(s->rt, &s->hook);
    if (!s->limits || !s->timer) return luaL_error(L, "out of memory");
    static const luaL_Reg functions[] = {{"endpoint", l_endpoint}, {"slots", l_slots},
                                         {"backoff", l_backoff},   {"in_use", l_in_use},
                                         {"room", l_room},         {NULL, NULL}};
    luaL_newlib(L, functions);
    return 1;
}
