/* box: what every binding needs at the Lua boundary: boxes and checked readers.
 *
 * A box is a full userdata that Lua owns, and begins with a box_head. It is made first and zeroed;
 * what it holds is acquired then, so that nothing is lost when a step raises. It is closed once:
 * by its method `close`, by the end of a scope (`local x <close>`) or by the collector. Every
 * method comes to its box through box_check, which raises when that is closed, as the files of
 * Lua's io library do; `close` is a method too, the other two ends say nothing.
 *
 * Whoever uses what a box holds beyond a call from Lua (a transfer that reads from a body) stands
 * between box_enter and box_leave, and keeps the box alive. Meanwhile `close` raises; a box whose
 * scope ends is closed to scripts, and released by the last box_leave.
 *
 * Stack effects are given as [-popped, +pushed]. */
#ifndef FELLOWSHIP_LUA_BOX_H
#define FELLOWSHIP_LUA_BOX_H

#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/* A kind of boxes; a constant, known by its address. */
typedef struct box_class {
    const char *name;           /* "fellowship.writer" */
    const char *closed;         /* what a method of a closed one raises: "the writer is closed" */
    const char *in_use;         /* what `close` raises while it is used */
    const luaL_Reg *methods;    /* may be NULL; box_close as "close" where scripts may close */
    void (*release)(void *box); /* lets go of what it holds, all or part; may be NULL */
} box_class;

/* The first member of every box. */
typedef struct box_head {
    const box_class *class;
    unsigned users;
    bool closed;
} box_head;

/* [-0, +0] Makes the class known at once, not at its first box: for those that scripts see.
 * box_add_methods gives it methods beside its own, from another file. */
void box_register(lua_State *L, const box_class *class);
void box_add_methods(lua_State *L, const box_class *class, const luaL_Reg *methods);

/* [-0, +1] A new box of `size` bytes, zeroed behind its head, with `values` user values. */
void *box_new(lua_State *L, const box_class *class, size_t size, int values);

/* The open box at `index`; raises when there is none of this class or it is closed. */
void *box_check(lua_State *L, int index, const box_class *class);

/* The box at `index`, open or closed; NULL when there is none of this class. */
void *box_test(lua_State *L, int index, const box_class *class);

/* The method `close`. */
int box_close(lua_State *L);

/* The same from C, and quiet: closes what is open, releases what nobody uses. */
void box_shut(void *box);

void box_enter(void *box);
void box_leave(void *box);

/* [-0, +1] An empty buffer in a box of its own, which frees it when Lua raises. Free it yourself as
 * soon as it is done with: the collector does not see how large it is. */
buf *box_buf(lua_State *L);

/* [-0, +1] The buffer's bytes as a string; raises when the buffer could not grow (failed). */
void box_push_buf(lua_State *L, const buf *b);

/* [-0, +2] nil and a table {kind =, message =}, and returns 2: how a primitive reports an expected
 * failure. The message is formatted as lua_pushfstring does it. */
int box_fail(lua_State *L, const char *kind, const char *format, ...);

/* Checked readers of fields of the options table at `index` (which may be nil or none: then the
 * default). They raise when the value is of the wrong type or out of range, naming the field. */
lua_Integer box_integer_field(lua_State *L, int index, const char *name, lua_Integer otherwise,
                              lua_Integer least, lua_Integer most);
bool box_boolean_field(lua_State *L, int index, const char *name, bool otherwise);

/* Seconds (a number, fractions allowed, at most about 31 years) as milliseconds. */
uint64_t box_seconds_field(lua_State *L, int index, const char *name, double otherwise);
uint64_t box_check_seconds(lua_State *L, int arg);

/* [-0, +1 or 0] Pushes the string field `name` and returns it, or NULL with nothing pushed when it
 * is nil; raises when it is something else. Keep the slot as long as the pointer. */
const char *box_string_field(lua_State *L, int index, const char *name, size_t *len);

#endif
