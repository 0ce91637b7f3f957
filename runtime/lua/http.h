/* http.h: one HTTP exchange as a Lua primitive (require "fellowship.core.http"). Secrets go from
 * the environment into a header here; Lua names the variable and never sees the value. */
#ifndef FELLOWSHIP_LUA_HTTP_H
#define FELLOWSHIP_LUA_HTTP_H

#include <lua.h>

int luaopen_fellowship_core_http(lua_State *L);

#endif
