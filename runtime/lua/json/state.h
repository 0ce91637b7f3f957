/* json_state: what the JSON binding keeps for each Lua state: scratch memory, the shapes of objects
 * and the metatables of decoded values. Private to lua/json.
 *
 * Lua owns all of it, through one table in the registry; `state` below is that table's absolute
 * stack index. Stack effects as in the Lua manual: [-popped, +pushed, errors]. */
#ifndef FELLOWSHIP_LUA_JSON_STATE_H
#define FELLOWSHIP_LUA_JSON_STATE_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/json.h"

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

/* A key sequence is a run of bytes that names an object's keys in order. Adds a key to it; false
 * means that memory ran out. */
bool json_sequence_add(buf *sequence, const char *key, size_t len);

/* Removes from the sequence that starts at `start` each key that stands there already; returns how
 * many were removed. [-0, +0, m] */
size_t json_sequence_unique(lua_State *L, buf *sequence, size_t start);

/* Pushes the shape of a key sequence if some object has it: the metatable that those objects share,
 * with the keys at 1 to n. Pushes nothing and returns false otherwise. [-0, +1 or 0, -] */
bool json_shape_find(lua_State *L, int state, const char *sequence, size_t len);

/* Makes and pushes the shape of a sequence without duplicate keys. [-0, +1, m] */
void json_shape_make(lua_State *L, int state, const char *sequence, size_t len);

/* Pushes the table that holds for each depth the shape of the object that was decoded there last:
 * the next one most often has the same. [-0, +1, -] */
void json_recent_push(lua_State *L, int state);

/* Pushes the table of a shape's keys, each with the value true. [-0, +1, m] */
void json_shape_push_set(lua_State *L, int shape);

enum json_kind {
    JSON_KIND_PLAIN,  /* no metatable, or one that is not ours */
    JSON_KIND_OBJECT, /* a shape is known */
    JSON_KIND_ARRAY
};

/* What the metatable of the table at `index` says it is. Pushes the shape (nil unless an object)
 * and the spellings, a table from key to number text (or nil). [-0, +2, -] */
enum json_kind json_kind_push(lua_State *L, int index);

/* Makes the table at `index` an array, or an object of the shape at `shape`; `spellings` is the
 * stack index of a table of spellings, or of nil. [-0, +0, m] */
void json_kind_array(lua_State *L, int state, int index, int spellings);
void json_kind_object(lua_State *L, int index, int shape, int spellings);

/* Pushes a sequence of the keys of the table at `index`: the shape's that are present, in order,
 * then added strings in order of bytes, then any others. [-0, +1, m] */
void json_keys_push(lua_State *L, int state, int index);

/* Pushes a sequence of the table's string keys that are not in the set at `except` (0: all of
 * them), sorted by bytes or by UTF-16 code units. [-0, +1, m] */
void json_sorted_push(lua_State *L, json_scratch *scratch, int index, int except, bool utf16);

/* json.plan and json.pluck. */
int json_plan(lua_State *L);
int json_pluck(lua_State *L);

/* json_encode_value with scratch memory that has been taken; `out` may be part of it. [-0, +0, m]
 */
bool json_encode_with(lua_State *L, json_scratch *scratch, int index, buf *out, unsigned flags,
                      char *error, size_t error_size);

#endif
