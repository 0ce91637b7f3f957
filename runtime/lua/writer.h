/* writer.h: JSON Lines out, whole lines only (require "fellowship.core.writer"). */
#ifndef FELLOWSHIP_LUA_WRITER_H
#define FELLOWSHIP_LUA_WRITER_H

#include <lua.h>

int luaopen_fellowship_core_writer(lua_State *L);

#endif
