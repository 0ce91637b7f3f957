#include "lua/modules.h"

#include <lauxlib.h>
#include <stdlib.h>

#include "base/contest.h"
#include "lua/box.h"
#include "lua/job.h"

#define MOST_PLAYERS   1000
#define MOST_RESAMPLES 100000

/* The games of a box, and of the job that computes with them, which may outlive the box. */
typedef struct shared {
    contest *games;
    int holders;
    bool busy; /* a job reads them: nothing is added */
} shared;

typedef struct contest_box {
    box_head box;
    shared *shared;
} contest_box;

typedef struct bootstrap {
    job_head job;
    shared *shared;
    size_t players, resamples, fitted;
    uint64_t seed;
    double *low, *high; /* one block */
} bootstrap;

/* ---- the games ---- */

static void drop(shared *s) {
    if (--s->holders > 0) return;
    contest_free(s->games);
    free(s);
}

static void release_contest(void *box) {
    contest_box *b = box;
    if (b->shared) drop(b->shared);
    b->shared = NULL;
}

static const box_class contest_class;

static shared *check_contest(lua_State *L) {
    return ((contest_box *)box_check(L, 1, &contest_class))->shared;
}

static int l_new(lua_State *L) {
    contest_box *b = box_new(L, &contest_class, sizeof *b, 0);
    shared *s = calloc(1, sizeof *s);
    if (!s || !(s->games = contest_new())) {
        free(s);
        return luaL_error(L, "out of memory");
    }
    s->holders = 1;
    b->shared = s;
    return 1;
}

static lua_Integer check_number(lua_State *L, int arg, lua_Integer most) {
    lua_Integer n = luaL_checkinteger(L, arg);
    luaL_argcheck(L, n >= 1 && n <= most, arg, "is out of range");
    return n - 1;
}

static int l_add(lua_State *L) {
    static const char *const winners[] = {"a", "b", "tie", NULL};
    shared *s = check_contest(L);
    uint32_t prompt = (uint32_t)check_number(L, 2, UINT32_MAX);
    uint16_t a = (uint16_t)check_number(L, 3, MOST_PLAYERS),
             b = (uint16_t)check_number(L, 4, MOST_PLAYERS);
    luaL_argcheck(L, a != b, 4, "is the same player");
    int winner = luaL_checkoption(L, 5, NULL, winners);
    if (s->busy) return luaL_error(L, "the contest is being computed");
    if (!contest_add(s->games, prompt, a, b, (enum contest_winner)winner))
        return luaL_error(L, "out of memory");
    return 0;
}

static int l_wins(lua_State *L) {
    shared *s = check_contest(L);
    size_t n = (size_t)check_number(L, 2, MOST_PLAYERS) + 1;
    double *wins = lua_newuserdatauv(L, n * n * sizeof *wins, 0);
    contest_wins(s->games, n, wins);
    lua_createtable(L, (int)n, 0);
    for (size_t i = 0; i < n; i++) {
        lua_createtable(L, (int)n, 0);
        for (size_t j = 0; j < n; j++) {
            lua_pushnumber(L, wins[i * n + j]);
            lua_rawseti(L, -2, (lua_Integer)j + 1);
        }
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_pushinteger(L, (lua_Integer)contest_games(s->games));
    return 2;
}

/* ---- one fit ---- */

static int l_fit(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    size_t n = (size_t)lua_rawlen(L, 1);
    luaL_argcheck(L, n >= 1 && n <= MOST_PLAYERS, 1, "must have 1 to 1000 rows");
    double *wins = lua_newuserdatauv(L, (n * n + n + contest_scratch(n)) * sizeof *wins, 0);
    for (size_t i = 0; i < n; i++) {
        luaL_argcheck(L, lua_rawgeti(L, 1, (lua_Integer)i + 1) == LUA_TTABLE, 1, "must hold rows");
        for (size_t j = 0; j < n; j++) {
            lua_rawgeti(L, -1, (lua_Integer)j + 1);
            double w = lua_tonumber(L, -1);
            luaL_argcheck(L, w >= 0 && w < 1e15, 1, "must hold counts");
            wins[i * n + j] = i == j ? 0 : w;
            lua_pop(L, 1);
        }
        lua_pop(L, 1);
    }
    contest_fit f = {.players = n, .strength = wins + n * n, .scratch = wins + n * n + n};
    if (!contest_solve(&f, wins)) return 0;
    lua_createtable(L, (int)n, 0);
    for (size_t i = 0; i < n; i++) {
        lua_pushnumber(L, f.strength[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_pushinteger(L, f.steps);
    return 2;
}

/* ---- the bootstrap ---- */

static void release_bootstrap(void *job) {
    bootstrap *b = job;
    if (b->shared) drop(b->shared);
    b->shared = NULL;
    free(b->low);
    b->low = NULL;
}

static void work(void *job) {
    bootstrap *b = job;
    b->fitted =
        contest_bootstrap(b->shared->games, b->players, b->resamples, b->seed, b->low, b->high);
}

static void on_done(void *job) {
    ((bootstrap *)job)->shared->busy = false;
}

/* [-0, +3] */
static int push_intervals(lua_State *L, void *job) {
    bootstrap *b = job;
    if (b->fitted == SIZE_MAX) return luaL_error(L, "out of memory");
    luaL_checkstack(L, 4, NULL);
    lua_pushinteger(L, (lua_Integer)b->fitted);
    for (int side = 0; side < 2; side++) {
        const double *ends = side ? b->high : b->low;
        lua_createtable(L, (int)b->players, 0);
        for (size_t i = 0; i < b->players && b->fitted > 0; i++) {
            lua_pushnumber(L, ends[i]);
            lua_rawseti(L, -2, (lua_Integer)i + 1);
        }
    }
    return 3;
}

static int l_bootstrap(lua_State *L) {
    static const job_class class = {work, on_done, push_intervals, release_bootstrap};
    shared *s = check_contest(L);
    size_t players = (size_t)check_number(L, 2, MOST_PLAYERS) + 1;
    size_t resamples = (size_t)check_number(L, 3, MOST_RESAMPLES) + 1;
    uint64_t seed = (uint64_t)luaL_checkinteger(L, 4);
    if (s->busy) return luaL_error(L, "the contest is being computed");
    bootstrap *b = job_new(L, &class, sizeof *b);
    b->shared = s;
    s->holders++;
    b->players = players;
    b->resamples = resamples;
    b->seed = seed;
    b->low = calloc(2 * players, sizeof *b->low);
    if (!b->low) return luaL_error(L, "out of memory");
    b->high = b->low + players;
    s->busy = true;
    return job_run(L, b);
}

static const luaL_Reg methods[] = {
    {"add", l_add}, {"wins", l_wins}, {"bootstrap", l_bootstrap}, {NULL, NULL}};
static const box_class contest_class = {.name = "fellowship.contest",
                                        .closed = "the contest is closed",
                                        .methods = methods,
                                        .release = release_contest};

int luaopen_fellowship_core_contest(lua_State *L) {
    static const luaL_Reg functions[] = {{"new", l_new}, {"fit", l_fit}, {NULL, NULL}};
    box_register(L, &contest_class);
    luaL_newlib(L, functions);
    return 1;
}
