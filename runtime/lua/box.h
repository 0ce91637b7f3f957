/* lx.h: what every binding needs at the Lua boundary: boxes, scratch buffers and checked readers.
 * A box is a full userdata that Lua owns; what it holds is acquired after the box exists and let go
 * by its __gc and __close, which may both run. Stack effects are given as [-popped, +pushed]. */
#ifndef FELLOWSHIP_LUA_BOX_H
#define FELLOWSHIP_LUA_BOX_H

#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/* [-0, +0] Registers a metatable `name` with methods (may be NULL) under __index, and `release` as
 * __gc and __close. */
void lx_class(lua_State *L, const char *name, const luaL_Reg *methods, lua_CFunction release);

/* [-0, +1] A new box of `size` zeroed bytes with `values` user values and the metatable `name`. */
void *lx_box(lua_State *L, const char *name, size_t size, int values);

/* [-0, +1] An empty buffer that is freed when the running C function ends, however it ends. The
 * slot is marked to be closed: leave it on the stack below what is returned. */
buf *lx_scratch(lua_State *L);

/* [-0, +1] The buffer's bytes as a string; raises when the buffer could not grow (failed). */
void lx_push_buf(lua_State *L, const buf *b);

/* [-0, +2] nil and a table {kind =, message =}, and returns 2: how a primitive reports an expected
 * failure. The message is formatted as lua_pushfstring does it. */
int lx_fail(lua_State *L, const char *kind, const char *format, ...);

/* Checked readers of fields of the options table at `index` (which may be nil or none: then the
 * default). They raise when the value is of the wrong type or out of range, naming the field. */
lua_Integer lx_integer_field(lua_State *L, int index, const char *name, lua_Integer otherwise,
                             lua_Integer least, lua_Integer most);
bool lx_boolean_field(lua_State *L, int index, const char *name, bool otherwise);

/* Seconds (a number, fractions allowed, at most about 31 years) as milliseconds. */
uint64_t lx_seconds_field(lua_State *L, int index, const char *name, double otherwise);
uint64_t lx_check_seconds(lua_State *L, int arg);

/* [-0, +1 or 0] Pushes the string field `name` and returns it, or NULL with nothing pushed when it
 * is nil; raises when it is something else. Keep the slot as long as the pointer. */
const char *lx_string_field(lua_State *L, int index, const char *name, size_t *len);

#endif
