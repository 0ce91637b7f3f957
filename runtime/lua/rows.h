/* rows.h: JSON Lines in, as a stream that never blocks the loop (require "fellowship.core.rows").
 */
#ifndef FELLOWSHIP_LUA_ROWS_H
#define FELLOWSHIP_LUA_ROWS_H

#include <lua.h>

int luaopen_fellowship_core_rows(lua_State *L);

#endif
