#include "lua/coroutine.h"

#include <lauxlib.h>

#include "lua/interrupt.h"

/* The address is the mark. The registry table under it holds the coroutines that are suspended in
 * a primitive: nobody but the code below may resume those. */
static char mark;

int coroutine_pass(lua_State *L, lua_KContext ctx, lua_KFunction k) {
    lua_pushlightuserdata(L, &mark);
    return lua_yieldk(L, 1, ctx, k);
}

bool coroutine_passes(lua_State *L, int count) {
    return count == 1 && lua_touserdata(L, -1) == &mark;
}

/* [-0, +0] Notes that co (a thread on L's stack at index) is, or is no more, inside a primitive. */
static void set_inside(lua_State *L, int index, bool inside) {
    index = lua_absindex(L, index);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &mark);
    lua_pushvalue(L, index);
    if (inside)
        lua_pushboolean(L, 1);
    else
        lua_pushnil(L);
    lua_rawset(L, -3);
    lua_pop(L, 1);
}

static bool is_inside(lua_State *L, int index) {
    index = lua_absindex(L, index);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &mark);
    lua_pushvalue(L, index);
    lua_rawget(L, -2);
    bool inside = lua_toboolean(L, -1);
    lua_pop(L, 2);
    return inside;
}

enum { WRAP = 1 }; /* the lowest bit of the continuation's context */

/* What resume or wrap returns after co ended, failed or yielded to the script. */
static int hand_back(lua_State *L, lua_State *co, int status, int results, bool wrap) {
    if (status == LUA_OK || status == LUA_YIELD) {
        luaL_checkstack(L, results + 1, "too many results to resume");
        lua_settop(L, 1);
        if (!wrap) lua_pushboolean(L, 1);
        lua_xmove(co, L, results);
        return lua_gettop(L) - 1;
    }
    lua_settop(L, 1);
    if (!wrap) {
        lua_pushboolean(L, 0);
        lua_xmove(co, L, 1);
        return 2;
    }
    /* As Lua's wrap: closes the variables of a coroutine that failed, not of one that was refused.
     */
    if (lua_status(co) > LUA_YIELD) lua_resetthread(co);
    lua_xmove(co, L, 1);
    if (lua_type(L, -1) == LUA_TSTRING) { /* adds where the error passed, as Lua's wrap */
        luaL_where(L, 1);
        lua_insert(L, -2);
        lua_concat(L, 2);
    }
    return lua_error(L);
}

/* Resumes the coroutine at index 1 with `arguments` values that are on its stack. */
static int go_on(lua_State *L, int status, lua_KContext ctx) {
    lua_State *co = lua_tothread(L, 1);
    int arguments = 0, results = 0;
    if (status == LUA_YIELD)
        set_inside(L, 1, false); /* woken: back into the primitive */
    else
        arguments = (int)(ctx >> 1);
    /* Lua asks only co itself whether it may yield; the mark must get through L too. */
    runtime *rt = runtime_of(L);
    bool stuck = !lua_isyieldable(L);
    rt->stuck += stuck;
    rt->running = co;
    interrupt_running(rt);
    status = lua_resume(co, L, arguments, &results);
    rt->running = L;
    interrupt_running(rt); /* co may have gone before it met the hook */
    rt->stuck -= stuck;
    if (status == LUA_YIELD && coroutine_passes(co, results)) {
        lua_pop(co, results);
        set_inside(L, 1, true);
        lua_settop(L, 1);
        return coroutine_pass(L, ctx & WRAP, go_on);
    }
    return hand_back(L, co, status, results, ctx & WRAP);
}

/* Whether co runs, or has resumed another that does. */
static bool is_active(lua_State *co) {
    lua_Debug frame;
    return lua_status(co) == LUA_OK && lua_getstack(co, 0, &frame);
}

static const char *why_not(lua_State *L, lua_State *co) {
    if (is_active(co)) return "cannot resume non-suspended coroutine";
    if (runtime_task_owns(co) || is_inside(L, 1))
        return "cannot resume a coroutine that waits for a call of another task";
    if (lua_status(co) == LUA_OK && lua_gettop(co) == 0) return "cannot resume dead coroutine";
    return NULL;
}

/* Stack: coroutine, arguments. */
static int start(lua_State *L, bool wrap) {
    lua_State *co = lua_tothread(L, 1);
    const char *problem = why_not(L, co);
    int arguments = lua_gettop(L) - 1;
    if (!problem && !lua_checkstack(co, arguments)) problem = "too many arguments to resume";
    if (problem) {
        if (wrap) return luaL_error(L, "%s", problem);
        lua_pushboolean(L, 0);
        lua_pushstring(L, problem);
        return 2;
    }
    lua_xmove(L, co, arguments);
    return go_on(L, LUA_OK, (lua_KContext)arguments << 1 | (wrap ? WRAP : 0));
}

static int l_resume(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTHREAD);
    return start(L, false);
}

static int call_wrapped(lua_State *L) {
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    return start(L, true);
}

static int l_wrap(lua_State *L) {
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_State *co = lua_newthread(L);
    lua_pushvalue(L, 1);
    lua_xmove(L, co, 1);
    lua_pushcclosure(L, call_wrapped, 1);
    return 1;
}

/* Lua's close, but not of a coroutine that the runtime will go back into. */
static int l_close(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTHREAD);
    lua_State *co = lua_tothread(L, 1);
    if (is_active(co))
        return luaL_error(L, "cannot close a %s coroutine", co == L ? "running" : "normal");
    if (runtime_task_owns(co) || is_inside(L, 1))
        return luaL_error(L, "cannot close a coroutine that waits for a call of another task");
    bool well = lua_resetthread(co) == LUA_OK;
    lua_pushboolean(L, well);
    if (!well) lua_xmove(co, L, 1);
    return well ? 1 : 2;
}

void coroutine_cancel(lua_State *L) {
    /* L stands in go_on, with the coroutine that it resumed at index 1; or in a primitive. */
    if (lua_status(L) != LUA_YIELD || !lua_isthread(L, 1) || !is_inside(L, 1)) return;
    lua_State *co = lua_tothread(L, 1);
    coroutine_cancel(co);
    set_inside(L, 1, false);
    lua_resetthread(co);
}

void coroutine_init(lua_State *L) {
    lua_newtable(L);
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "k"); /* a dropped coroutine is forgotten */
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &mark);
    lua_getglobal(L, "coroutine");
    lua_pushcfunction(L, l_resume);
    lua_setfield(L, -2, "resume");
    lua_pushcfunction(L, l_wrap);
    lua_setfield(L, -2, "wrap");
    lua_pushcfunction(L, l_close);
    lua_setfield(L, -2, "close");
    lua_pop(L, 1);
}
