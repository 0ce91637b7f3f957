/* store.h: the store as a Lua primitive (require "fellowship.core.store"). */
#ifndef FELLOWSHIP_LUA_STORE_H
#define FELLOWSHIP_LUA_STORE_H

#include <lua.h>

int luaopen_fellowship_core_store(lua_State *L);

#endif
