#include "lua/modules.h"

#include <lauxlib.h>

#include "base/random.h"
#include "lua/task.h"

/* The arguments of Lua's own math.random (manual, section 6.7). */
static int l_random(lua_State *L) {
    random_state *r = task_random(L);
    lua_Integer low = 1, high;
    switch (lua_gettop(L)) {
    case 0: lua_pushnumber(L, random_double(r)); return 1;
    case 1:
        high = luaL_checkinteger(L, 1);
        if (high == 0) {
            lua_pushinteger(L, (lua_Integer)random_next(r));
            return 1;
        }
        break;
    case 2:
        low = luaL_checkinteger(L, 1);
        high = luaL_checkinteger(L, 2);
        break;
    default: return luaL_error(L, "wrong number of arguments");
    }
    luaL_argcheck(L, low <= high, lua_gettop(L), "interval is empty");
    uint64_t span = (uint64_t)high - (uint64_t)low;
    lua_pushinteger(L, (lua_Integer)(random_upto(r, span) + (uint64_t)low));
    return 1;
}

static int l_randomseed(lua_State *L) {
    random_seed(task_random(L), (uint64_t)luaL_optinteger(L, 1, 0),
                (uint64_t)luaL_optinteger(L, 2, 0));
    return 0;
}

void random_install(lua_State *L) {
    lua_getglobal(L, "math");
    lua_pushcfunction(L, l_random);
    lua_setfield(L, -2, "random");
    lua_pushcfunction(L, l_randomseed);
    lua_setfield(L, -2, "randomseed");
    lua_pop(L, 1);
}
