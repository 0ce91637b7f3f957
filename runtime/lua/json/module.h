/* json_module: the functions that lua/json/module.c puts together, where other files have them.
 * Private to lua/json. */
#ifndef FELLOWSHIP_LUA_JSON_MODULE_H
#define FELLOWSHIP_LUA_JSON_MODULE_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "lua/json/scratch.h"

/* json.number(text): a number with just this text; raises if it is no JSON number. */
int json_number_new(lua_State *L);

/* json.tonumber(value): a Lua number for a number of either kind, exact if it is an integer of 64
 * bits, else the nearest double; nil for any other value. */
int json_number_tonumber(lua_State *L);

/* json.plan(paths) and json.pluck(text, plan). */
int json_plan(lua_State *L);
int json_pluck(lua_State *L);

/* json_encode_value with scratch memory that has been taken; `out` may be part of it. [-0, +0, m]
 */
bool json_encode_with(lua_State *L, json_scratch *scratch, int index, buf *out, unsigned flags,
                      char *error, size_t error_size);

#endif
