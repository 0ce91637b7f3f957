/* likeness: duplicates among many texts (require "fellowship.core.likeness"). */
#ifndef FELLOWSHIP_LUA_LIKENESS_H
#define FELLOWSHIP_LUA_LIKENESS_H

#include <lua.h>

int luaopen_fellowship_core_likeness(lua_State *L);

#endif
