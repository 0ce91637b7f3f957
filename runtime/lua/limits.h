/* limits.h: slots and shared pauses as Lua primitives (require "fellowship.core.limits"). */
#ifndef FELLOWSHIP_LUA_LIMITS_H
#define FELLOWSHIP_LUA_LIMITS_H

#include <lua.h>

int luaopen_fellowship_core_limits(lua_State *L);

/* [-0, +0] No call gets a slot any more: what is on the wire ends, nothing new begins. */
void limits_drain(lua_State *L);

#endif
