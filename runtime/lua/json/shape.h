/* json_shape: what the tables of decoded JSON are: arrays, or objects of a shape, and how their
 * numbers were spelt. Their metatables say it. Private to lua/json.
 *
 * A shape is the metatable that all objects with the same keys in the same order share; a spelling
 * is the text of a number that a double holds but would be written otherwise. `state` is the index
 * of the state table (lua/json/scratch.h). */
#ifndef FELLOWSHIP_LUA_JSON_SHAPE_H
#define FELLOWSHIP_LUA_JSON_SHAPE_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "lua/json/scratch.h"

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

/* Makes the table at `index` an array, as json_set_shape makes one an object; `spellings` is the
 * index of nil or of a table of spellings. [-0, +0, m] */
void json_kind_array(lua_State *L, int state, int index, int spellings);

/* Pushes a sequence of the keys of the table at `index`: the shape's that are present, in order,
 * then added strings in order of bytes, then any others. [-0, +1, m] */
void json_keys_push(lua_State *L, int state, int index);

/* Pushes a sequence of the table's string keys that are not in the set at `except` (0: all of
 * them), sorted by bytes or by UTF-16 code units. [-0, +1, m] */
void json_sorted_push(lua_State *L, json_scratch *scratch, int index, int except, bool utf16);

#endif
