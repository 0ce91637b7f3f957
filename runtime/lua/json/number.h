/* json_number: the userdata for a number that neither a Lua integer nor a double can hold. It keeps
 * the source text; Lua owns it. */
#ifndef FELLOWSHIP_LUA_JSON_NUMBER_H
#define FELLOWSHIP_LUA_JSON_NUMBER_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

/* Pushes a number with this text; pushes nothing and returns false if it is no JSON number.
 * [-0, +1 or 0, m] */
bool json_number_push(lua_State *L, const char *text, size_t len);

/* The text of the number at `index`, NUL terminated, or NULL if there is something else.
 * [-0, +0, m] */
const char *json_number_text(lua_State *L, int index, size_t *len);

#endif
