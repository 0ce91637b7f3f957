/* sys.h: the few things of the system that the library needs and Lua lacks: files and folders,
 * digests, clocks, the terminal (require "fellowship.core.sys"). */
#ifndef FELLOWSHIP_LUA_SYS_H
#define FELLOWSHIP_LUA_SYS_H

#include <lua.h>

int luaopen_fellowship_core_sys(lua_State *L);

#endif
