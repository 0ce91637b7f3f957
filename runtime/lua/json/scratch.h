/* json_scratch: what the JSON binding keeps from one call to the next: a table in the registry, and
 * in it the scratch memory. Private to lua/json.
 *
 * Lua owns all of it; `state` below is that table's absolute stack index. Stack effects as in the
 * Lua manual: [-popped, +pushed, errors]. */
#ifndef FELLOWSHIP_LUA_JSON_SCRATCH_H
#define FELLOWSHIP_LUA_JSON_SCRATCH_H

#include <lua.h>

#include "base/buf.h"
#include "base/json.h"

/* Fields of the state table, each made at its first use: the scratch memory that is idle; and for
 * lua/json/shape.h the shapes, the metatable of arrays, the shapes of the last objects. */
enum {
    JSON_STATE_IDLE = 1,
    JSON_STATE_SHAPES,
    JSON_STATE_ARRAY,
    JSON_STATE_RECENT,
    JSON_STATE_FIELDS = JSON_STATE_RECENT
};

/* Buffers that calls use one after the other. */
typedef struct json_scratch {
    json_reader reader;
    buf keys;    /* key sequences of the objects being read, see json_sequence_add */
    buf offsets; /* a size_t for each of those keys: its place in the source */
    buf order;   /* keys being sorted */
    buf out;     /* text being written */
} json_scratch;

/* Pushes the metatable `name`. At its first use it is filled by `fill`, which finds it on top of
 * the stack, and only then registered: running out of memory leaves no half of it. [-0, +1, m] */
void json_metatable_push(lua_State *L, const char *name, void (*fill)(lua_State *L));

/* Pushes the state table, making it at the first use. [-0, +1, m] */
void json_state_push(lua_State *L);

/* Takes the scratch memory, whose box it pushes. A finalizer that uses JSON while it is taken gets
 * one of its own. If the caller fails to give it back, the collector frees it. [-0, +1, m] */
json_scratch *json_scratch_take(lua_State *L, int state);

/* Gives back the scratch memory whose box is at `box`. [-0, +0, m] */
void json_scratch_give(lua_State *L, int state, int box);

#endif
