/* Jobs on worker threads, where memory runs out in the middle of asking for one or of taking what
 * it found: the error comes out, the next job is done, and, as a build with AddressSanitizer tells,
 * nothing is lost. */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdlib.h>

#include "engine/loop.h"
#include "lua/modules.h"
#include "lua/runtime.h"
#include "lua/task.h"

#include "scarce.h"
#include "tap.h"

/* The games are added before memory is short; the function that is given asks for the job. */
static const char script[] = "local contest = ...\n"
                             "local games = contest.new()\n"
                             "for i = 1, 20 do games:add(i, 1 + i % 3, 1 + (i + 1) % 3, 'a') end\n"
                             "return function() return games:bootstrap(3, 40, 7) end\n";

static bool asks(lua_State *L, int nresults) {
    lua_pushvalue(L, 1);
    return lua_pcall(L, 0, nresults, 0) == LUA_OK;
}

int main(void) {
    loop *l = loop_new();
    static runtime rt;
    lua_State *L = lua_newstate(allocate, NULL);
    luaL_openlibs(L);
    runtime_init(&rt, L, l);
    lua_gc(L, LUA_GCSTOP);
    lua_settop(L, 0);
    if (luaL_loadstring(L, script) != LUA_OK) return 1;
    luaopen_fellowship_core_contest(L);
    if (lua_pcall(L, 1, 1, 0) != LUA_OK) {
        fprintf(stderr, "%s\n", lua_tostring(L, -1));
        return 1;
    }
    int places = 0, silent = 0, broken = 0;
    for (failed = true; failed; places++) {
        failed = false;
        left = places;
        bool well = asks(L, 0);
        left = -1;
        silent += failed && well;
        lua_settop(L, 1);
        broken += !asks(L, 3) || lua_tointeger(L, 2) != 40 || lua_rawlen(L, 3) != 3;
        lua_settop(L, 1);
    }
    ok(places > 4, "memory runs out at %d places", places);
    is_int(silent, 0, "each time an error says so");
    is_int(broken, 0, "and the next job is done");
    lua_close(L);
    loop_free(l);
    return done_testing();
}
