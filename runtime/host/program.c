#include "host/program.h"

#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/carried.h"
#include "host/signals.h"
#include "lua/limits.h"

/* The registry's key of the function of on_interrupt. */
static const char interrupt_hook;

static bool has_library(const char *home) {
    char probe[PATH_MAX + 64];
    snprintf(probe, sizeof probe, "%s/lualib/fellowship/init.lua", home);
    return access(probe, R_OK) == 0;
}

/* In a checkout the library lies beside build/ (or build/asan/), installed in share/fellowship. */
static bool find_beside(program *p) {
    enum { INSTALLED = 2 };
    static const char *const places[] = {"/..", "/../..", [INSTALLED] = "/../share/fellowship"};
    char own[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", own, sizeof own - 1);
    if (len < 0) return false;
    own[len] = '\0';
    *strrchr(own, '/') = '\0';
    snprintf(p->precompiled, sizeof p->precompiled, "%s/lualib.luac", own);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char place[PATH_MAX + 32];
        snprintf(place, sizeof place, "%s%s", own, places[i]);
        if (!realpath(place, p->home) || !has_library(p->home)) continue;
        if (i == INSTALLED)
            snprintf(p->precompiled, sizeof p->precompiled, "%s/lualib.luac", p->home);
        return true;
    }
    return false;
}

bool program_find(program *p) {
    if (find_beside(p)) return true;
    if (!carried_unpack(p->home, sizeof p->home)) return false;
    snprintf(p->precompiled, sizeof p->precompiled, "%s/lualib.luac", p->home);
    return has_library(p->home);
}

/* on_interrupt(fn | nil): fn is called, outside of any task, when an interrupt has ended the run.
 */
static int l_on_interrupt(lua_State *L) {
    lua_settop(L, 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &interrupt_hook);
    return 0;
}

bool program_call_on_interrupt(lua_State *L) {
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &interrupt_hook) == LUA_TFUNCTION)
        return lua_pcall(L, 0, 0, 0) == LUA_OK;
    lua_pop(L, 1);
    return true;
}

/* interrupt_told() -> whether the program has said that it was interrupted */
static int l_interrupt_told(lua_State *L) {
    lua_pushboolean(L, signals_told());
    return 1;
}

/* stop(): the first task has failed: the others begin no call any more, and the run ends when what
 * is paid for is stored. */
static int l_stop(lua_State *L) {
    runtime_of(L)->stopping = true;
    limits_drain(L);
    return 0;
}

void program_open(lua_State *L, const program *p) {
    static const luaL_Reg functions[] = {{"on_interrupt", l_on_interrupt},
                                         {"interrupt_told", l_interrupt_told},
                                         {"stop", l_stop},
                                         {NULL, NULL}};
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    luaL_newlib(L, functions);
    lua_pushstring(L, p->home);
    lua_setfield(L, -2, "home");
    lua_pushliteral(L, FELLOWSHIP_VERSION);
    lua_setfield(L, -2, "version");
    lua_pushstring(L, p->argc > 0 ? p->argv[0] : "fellowship");
    lua_setfield(L, -2, "program");
    char own[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", own, sizeof own);
    lua_pushlstring(L, own, len > 0 ? (size_t)len : 0);
    lua_setfield(L, -2, "executable");
    lua_setfield(L, -2, "fellowship.core.host");
    lua_pop(L, 1);
}
