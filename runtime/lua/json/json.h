/* json: Lua values from and to JSON text (`fellowship.core.json`), and the same for other bindings.
 *
 * Objects become plain tables whose metatable, shared by all objects with the same keys in the
 * same order, remembers that order; numbers that a double cannot hold keep their text. So a row
 * that is decoded and encoded has its keys, order and numbers as they were.
 *
 * Scratch memory is kept in a box in the registry and used again by later calls; nothing leaks
 * when Lua raises. No function here yields or calls a metamethod. */
#ifndef FELLOWSHIP_LUA_JSON_JSON_H
#define FELLOWSHIP_LUA_JSON_JSON_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/json.h"

enum {
    JSON_LAST_WINS = 1, /* decode: of duplicate keys the last one counts (else they are an error) */
    JSON_PRETTY = 2,    /* encode: one member a line, indented by two spaces */
    JSON_CANONICAL = 4, /* encode: keys sorted, numbers as in RFC 8785 with integers exact */
    JSON_NO_NAN = 8,    /* decode: NaN and Infinity are null (else they are an error) */
    JSON_NAN_WORDS = 16 /* decode: they are texts */
};

/* Decodes a whole JSON text and pushes its value.
 * True [-0, +1, m]; false [-0, +0, m] with *error filled: a message and a byte offset from 0.
 * `text` must stay alive during the call (a Lua string: keep it on the stack). */
bool json_push(lua_State *L, const char *text, size_t len, unsigned flags, json_error *error);

/* Appends the JSON text of the value at `index` to `out`, which the caller keeps in a box so that
 * a Lua error does not lose it. [-0, +0, m]
 * False when the value has no JSON form, with the reason and the path to it in error (NUL
 * terminated, cut to error_size), and `out` as it was. */
bool json_encode_value(lua_State *L, int index, buf *out, unsigned flags, char *error,
                       size_t error_size);

/* The same for what the table at `row` has for the string at `key`, numbers as the row's source has
 * them. [-0, +0, m] */
bool json_encode_member(lua_State *L, int row, int key, buf *out, char *error, size_t error_size);

/* Pushes the values that the plan at `index` (of json.plan) names in a JSON text, nil where there is
 * none. Returns how many, [-0, +n, m]; or -1, and nothing is pushed, where json.pluck gives false. */
int json_pluck_push(lua_State *L, int index, const char *text, size_t len);

/* Pushes a sequence of the keys of the table at `index`, in its order. [-0, +1, m] */
void json_keys(lua_State *L, int index);

/* Pushes the null of decoded values, a light userdata of NULL. [-0, +1, -] */
void json_push_null(lua_State *L);

/* Pushes the shape of objects whose keys, in order, are the strings of the sequence at `keys`, none
 * twice: the metatable that they share. [-0, +1, m] */
void json_push_shape(lua_State *L, int keys);

/* Makes the plain table at `index` an object of that shape. `spellings` is the index of nil or of a
 * table that has, by key, the text of each number in it that json_number_read finds respelt.
 * [-0, +0, m] */
void json_set_shape(lua_State *L, int index, int shape, int spellings);

#endif
