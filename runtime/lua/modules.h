/* modules: the primitives as Lua modules; `require "fellowship.core.NAME"` opens each. What they
 * offer is described in lualib/meta. [-0, +1, m] */
#ifndef FELLOWSHIP_LUA_MODULES_H
#define FELLOWSHIP_LUA_MODULES_H

#include <lua.h>

int luaopen_fellowship_core_child(lua_State *L);
int luaopen_fellowship_core_contest(lua_State *L);
int luaopen_fellowship_core_editor(lua_State *L);
int luaopen_fellowship_core_events(lua_State *L);
int luaopen_fellowship_core_http(lua_State *L);
int luaopen_fellowship_core_json(lua_State *L);
int luaopen_fellowship_core_likeness(lua_State *L);
int luaopen_fellowship_core_rows(lua_State *L);
int luaopen_fellowship_core_server(lua_State *L);
int luaopen_fellowship_core_sheet(lua_State *L);
int luaopen_fellowship_core_store(lua_State *L);
int luaopen_fellowship_core_sys(lua_State *L);
int luaopen_fellowship_core_task(lua_State *L);
int luaopen_fellowship_core_writer(lua_State *L);

/* [-0, +0] Replaces math.random and math.randomseed by functions with the same arguments that draw
 * from the running task's own generator, so that a row's numbers follow from --seed and its place
 * in the dataset, whatever runs beside it. */
void random_install(lua_State *L);

#endif
