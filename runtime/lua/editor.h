/* editor.h: the line editor as a Lua primitive (require "fellowship.core.editor"). */
#ifndef FELLOWSHIP_LUA_EDITOR_H
#define FELLOWSHIP_LUA_EDITOR_H

#include <lua.h>

int luaopen_fellowship_core_editor(lua_State *L);

#endif
