/* contest.h: strengths of players by the games between them, computed beside the loop
 * (require "fellowship.core.contest"). */
#ifndef FELLOWSHIP_LUA_CONTEST_H
#define FELLOWSHIP_LUA_CONTEST_H

#include <lua.h>

int luaopen_fellowship_core_contest(lua_State *L);

#endif
