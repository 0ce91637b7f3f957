/* json_layout: how to write the objects of one shape without looking each key up. Private to
 * lua/json.
 *
 * Tables made in the same way hold their keys in the same places, so lua_next meets them in the
 * same order. A layout remembers, for the objects of a shape, which keys were met last time, and
 * where each stands in the text, with its quotes and colon. An object that is met otherwise is
 * written the general way. */
#ifndef FELLOWSHIP_LUA_JSON_LAYOUT_H
#define FELLOWSHIP_LUA_JSON_LAYOUT_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* An object with more members than this is always written the general way. */
enum { LAYOUT_MOST = 64 };

typedef struct layout_member {
    const char *key;
    const void *string; /* the Lua string, by which the key is known again */
    size_t key_len;
    size_t text, text_len; /* `,"key":` in the texts */
} layout_member;

typedef struct json_layout {
    int count;
    unsigned misses;                    /* since the last object that fitted */
    layout_member members[LAYOUT_MOST]; /* in the order of the text */
    const void *met[LAYOUT_MOST];       /* keys' strings in the order of lua_next */
    unsigned char place[LAYOUT_MOST];   /* of a member among those met */
    buf texts;
} json_layout;

/* The layout of a shape, or NULL while it has none. Pushes it, which keeps it alive. [-0, +1, -] */
json_layout *json_layout_push(lua_State *L, int shape);

/* Pushes the members of the table at `index` as pairs of key and value, in the order of lua_next.
 * False, and nothing pushed, when they are not those of the layout. [-0, +(2n) or 0, m] */
bool json_layout_spread(lua_State *L, const json_layout *layout, int index);

/* Remembers for the shape at `shape` how the table at `index` is met; `keys` are the stack indices
 * of two sequences, which in this order hold the keys as they are written (0: no second one).
 * [-0, +0, m] */
void json_layout_learn(lua_State *L, int shape, int index, const int keys[2]);

#endif
