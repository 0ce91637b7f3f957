#include "host/modules.h"

#include <lauxlib.h>
#include <lualib.h>

#include "lua/json/json.h"
#include "lua/limits.h"
#include "lua/modules.h"

/* Debian's lua-cjson ships no header for Lua 5.4 that declares it for C. */
int luaopen_cjson(lua_State *L);

/* Every primitive, a row each. */
static const luaL_Reg modules[] = {{"fellowship.core.task", luaopen_fellowship_core_task},
                                   {"fellowship.core.limits", luaopen_fellowship_core_limits},
                                   {"fellowship.core.http", luaopen_fellowship_core_http},
                                   {"fellowship.core.store", luaopen_fellowship_core_store},
                                   {"fellowship.core.rows", luaopen_fellowship_core_rows},
                                   {"fellowship.core.writer", luaopen_fellowship_core_writer},
                                   {"fellowship.core.json", luaopen_fellowship_core_json},
                                   {"fellowship.core.events", luaopen_fellowship_core_events},
                                   {"fellowship.core.likeness", luaopen_fellowship_core_likeness},
                                   {"fellowship.core.sys", luaopen_fellowship_core_sys},
                                   {"fellowship.core.editor", luaopen_fellowship_core_editor},
                                   {"fellowship.core.contest", luaopen_fellowship_core_contest},
                                   {"fellowship.core.sheet", luaopen_fellowship_core_sheet},
                                   {"fellowship.core.child", luaopen_fellowship_core_child},
                                   {"fellowship.core.server", luaopen_fellowship_core_server},
                                   {"cjson", luaopen_cjson},
                                   {NULL, NULL}};

/* How far the heap grows between collections, in per cent. Twice what lives, which is Lua's
 * default, costs least time; of thousands of calls in flight it would be hundreds of megabytes of
 * dead answers, so a large heap is collected sooner. Measured at 8,192 in flight: 270 MB, not 452.
 */
#define SMALL_HEAP_PAUSE 200
#define LARGE_HEAP_PAUSE 130
#define LARGE_HEAP_KB    (32 << 10)

static void choose_pause(void *arg) {
    lua_State *L = arg;
    static bool was_large;
    bool large = lua_gc(L, LUA_GCCOUNT) > LARGE_HEAP_KB;
    if (large == was_large) return;
    was_large = large;
    lua_gc(L, LUA_GCINC, large ? LARGE_HEAP_PAUSE : SMALL_HEAP_PAUSE, 0, 0);
}

void modules_open(lua_State *L, runtime *rt, loop *l, const char *home) {
    luaL_openlibs(L);
    lua_gc(L, LUA_GCINC, SMALL_HEAP_PAUSE, 0, 0);
    runtime_init(rt, L, l);
    static turn_hook pause_hook;
    pause_hook = (turn_hook){choose_pause, L, NULL};
    runtime_add_hook(rt, &pause_hook);
    random_install(L);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    luaL_setfuncs(L, modules, 0);
    lua_pop(L, 1);
    lua_getglobal(L, "package");
    lua_getfield(L, -1, "path");
    lua_pushfstring(L, "%s/lualib/?.lua;%s/lualib/?/init.lua;%s", home, home, lua_tostring(L, -1));
    lua_setfield(L, -3, "path");
    lua_pop(L, 2);
}
