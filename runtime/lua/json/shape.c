#include "lua/json/shape.h"

#include <lauxlib.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lua/json/json.h"

/* Addresses that serve as keys of metatables. In one of ours, `mark` is the shape of an object, or
 * true for an array; `spellings` and `set` are as in the header. */
static const char mark_key, spellings_key, set_key;

/* --- key sequences --- */

bool json_sequence_add(buf *sequence, const char *key, size_t len) {
    if (!buf_reserve(sequence, sizeof len) || !buf_reserve(sequence, sizeof len + len))
        return false;
    return buf_append(sequence, &len, sizeof len) && buf_append(sequence, key, len);
}

/* The key at *at, which is moved behind it. */
static const char *sequence_next(const char *sequence, size_t *at, size_t *len) {
    memcpy(len, sequence + *at, sizeof *len);
    const char *key = sequence + *at + sizeof *len;
    *at += sizeof *len + *len;
    return key;
}

size_t json_sequence_unique(lua_State *L, buf *sequence, size_t start) {
    size_t removed = 0, kept = start;
    lua_newtable(L);
    for (size_t at = start; at < sequence->len;) {
        size_t from = at, len;
        const char *key = sequence_next(sequence->data, &at, &len);
        lua_pushlstring(L, key, len);
        lua_pushvalue(L, -1);
        bool seen = lua_rawget(L, -3) != LUA_TNIL;
        lua_pop(L, 1);
        lua_pushboolean(L, 1);
        lua_rawset(L, -3);
        if (seen) {
            removed++;
            continue;
        }
        memmove(sequence->data + kept, sequence->data + from, at - from);
        kept += at - from;
    }
    sequence->len = kept;
    lua_pop(L, 1);
    return removed;
}

/* --- shapes --- */

/* Eight bytes at a time, each folded in by a multiplication (the constant is that of FNV-1a with 64
 * bits) and a shift. Two sequences with one hash cost a shared metatable, nothing more. */
static lua_Integer hash_bytes(const char *bytes, size_t len) {
    uint64_t hash = len;
    for (; len > 0;) {
        uint64_t word = 0;
        size_t n = len < sizeof word ? len : sizeof word;
        memcpy(&word, bytes, n);
        hash = (hash ^ word) * UINT64_C(0x100000001B3);
        hash ^= hash >> 29;
        bytes += n;
        len -= n;
    }
    return (lua_Integer)hash;
}

/* [-0, +1] The table of shapes by hash, which keeps none alive. */
static void push_shapes(lua_State *L, int state) {
    if (lua_rawgeti(L, state, JSON_STATE_SHAPES) != LUA_TNIL) return;
    lua_pop(L, 1);
    lua_newtable(L);
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "v");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    lua_pushvalue(L, -1);
    lua_rawseti(L, state, JSON_STATE_SHAPES);
}

bool json_shape_find(lua_State *L, int state, const char *sequence, size_t len) {
    push_shapes(L, state);
    if (lua_rawgeti(L, -1, hash_bytes(sequence, len)) == LUA_TTABLE) {
        size_t same_len;
        lua_rawgeti(L, -1, 0);
        const char *same = lua_tolstring(L, -1, &same_len);
        if (same_len == len && memcmp(same, sequence, len) == 0) {
            lua_pop(L, 1);
            lua_remove(L, -2);
            return true;
        }
        lua_pop(L, 1);
    }
    lua_pop(L, 2);
    return false;
}

void json_recent_push(lua_State *L, int state) {
    if (lua_rawgeti(L, state, JSON_STATE_RECENT) != LUA_TNIL) return;
    lua_pop(L, 1);
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_rawseti(L, state, JSON_STATE_RECENT);
}

/* The iterator of pairs over an object. Upvalues: the object, its keys in order, the place in them.
 * Keys that are gone by now are passed over. */
static int next_pair(lua_State *L) {
    lua_Integer i = lua_tointeger(L, lua_upvalueindex(3));
    do {
        lua_settop(L, 0);
        if (lua_rawgeti(L, lua_upvalueindex(2), ++i) == LUA_TNIL) return 1;
        lua_pushvalue(L, 1);
    } while (lua_rawget(L, lua_upvalueindex(1)) == LUA_TNIL);
    lua_pushinteger(L, i);
    lua_replace(L, lua_upvalueindex(3));
    return 2;
}

static int object_pairs(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    json_state_push(L);
    json_keys_push(L, 2, 1);
    lua_replace(L, 2);
    lua_pushinteger(L, 0);
    lua_pushcclosure(L, next_pair, 3);
    return 1;
}

/* A metatable for objects, without its mark. [-0, +1, m] */
static void push_object_metatable(lua_State *L, int keys) {
    lua_createtable(L, keys, 4);
    lua_pushliteral(L, "json.object");
    lua_setfield(L, -2, "__name");
    lua_pushcfunction(L, object_pairs);
    lua_setfield(L, -2, "__pairs");
}

void json_shape_make(lua_State *L, int state, const char *sequence, size_t len) {
    size_t key_len;
    int count = 0;
    for (size_t at = 0; at < len; count++) sequence_next(sequence, &at, &key_len);
    push_object_metatable(L, count);
    lua_Integer i = 0;
    for (size_t at = 0; at < len;) {
        const char *key = sequence_next(sequence, &at, &key_len);
        lua_pushlstring(L, key, key_len);
        lua_rawseti(L, -2, ++i);
    }
    lua_pushlstring(L, sequence, len);
    lua_rawseti(L, -2, 0);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, -2, &mark_key);
    push_shapes(L, state);
    lua_pushvalue(L, -2);
    lua_rawseti(L, -2, hash_bytes(sequence, len));
    lua_pop(L, 1);
}

void json_shape_push_set(lua_State *L, int shape) {
    if (lua_rawgetp(L, shape, &set_key) != LUA_TNIL) return;
    lua_pop(L, 1);
    lua_Integer count = (lua_Integer)lua_rawlen(L, shape);
    lua_createtable(L, 0, (int)count);
    for (lua_Integer i = 1; i <= count; i++) {
        lua_rawgeti(L, shape, i);
        lua_pushboolean(L, 1);
        lua_rawset(L, -3);
    }
    lua_pushvalue(L, -1);
    lua_rawsetp(L, shape, &set_key);
}

/* --- kinds --- */

enum json_kind json_kind_push(lua_State *L, int index) {
    index = lua_absindex(L, index);
    if (!lua_getmetatable(L, index)) {
        lua_pushnil(L);
        lua_pushnil(L);
        return JSON_KIND_PLAIN;
    }
    int type = lua_rawgetp(L, -1, &mark_key);
    if (type == LUA_TTABLE && lua_topointer(L, -1) == lua_topointer(L, -2)) {
        lua_pop(L, 1); /* most often: the metatable is the shape, and has no spellings */
        lua_pushnil(L);
        return JSON_KIND_OBJECT;
    }
    lua_rawgetp(L, -2, &spellings_key);
    lua_remove(L, -3);
    if (type == LUA_TTABLE) return JSON_KIND_OBJECT;
    lua_pushnil(L);
    lua_replace(L, -3);
    return type == LUA_TBOOLEAN ? JSON_KIND_ARRAY : JSON_KIND_PLAIN;
}

/* [-0, +1] A metatable for arrays. */
static void push_array_metatable(lua_State *L) {
    lua_createtable(L, 0, 3);
    lua_pushliteral(L, "json.array");
    lua_setfield(L, -2, "__name");
    lua_pushboolean(L, 1);
    lua_rawsetp(L, -2, &mark_key);
}

void json_kind_array(lua_State *L, int state, int index, int spellings) {
    if (!lua_isnil(L, spellings)) {
        push_array_metatable(L);
        lua_pushvalue(L, spellings);
        lua_rawsetp(L, -2, &spellings_key);
    } else if (lua_rawgeti(L, state, JSON_STATE_ARRAY) == LUA_TNIL) {
        lua_pop(L, 1);
        push_array_metatable(L); /* what all others share */
        lua_pushvalue(L, -1);
        lua_rawseti(L, state, JSON_STATE_ARRAY);
    }
    lua_setmetatable(L, index);
}

void json_set_shape(lua_State *L, int index, int shape, int spellings) {
    if (lua_isnil(L, spellings)) {
        lua_pushvalue(L, shape);
    } else {
        push_object_metatable(L, 0);
        lua_pushvalue(L, shape);
        lua_rawsetp(L, -2, &mark_key);
        lua_pushvalue(L, spellings);
        lua_rawsetp(L, -2, &spellings_key);
    }
    lua_setmetatable(L, index);
}

/* --- keys in order --- */

/* A key to be sorted, which a Lua table keeps alive. */
typedef struct entry {
    const char *text;
    size_t len;
    lua_Integer slot; /* its place in that table */
} entry;

static int compare_bytes(const void *left, const void *right) {
    const entry *a = left, *b = right;
    int order = memcmp(a->text, b->text, a->len < b->len ? a->len : b->len);
    return order != 0 ? order : (a->len > b->len) - (a->len < b->len);
}

static int compare_units(const void *left, const void *right) {
    const entry *a = left, *b = right;
    return json_compare_utf16(a->text, a->len, b->text, b->len);
}

void json_sorted_push(lua_State *L, json_scratch *scratch, int index, int except, bool utf16) {
    buf *order = &scratch->order;
    buf_clear(order);
    lua_newtable(L);
    int found = lua_gettop(L);
    lua_Integer count = 0;
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING) continue;
        if (except) {
            lua_pushvalue(L, -2);
            bool excepted = lua_rawget(L, except) != LUA_TNIL;
            lua_pop(L, 1);
            if (excepted) continue;
        }
        entry e = {.slot = ++count};
        e.text = lua_tolstring(L, -2, &e.len);
        lua_pushvalue(L, -2);
        lua_rawseti(L, found, count);
        if (!buf_append(order, &e, sizeof e)) luaL_error(L, "out of memory");
    }
    if (count < 2) return;
    entry *entries = (entry *)(void *)order->data;
    qsort(entries, (size_t)count, sizeof *entries, utf16 ? compare_units : compare_bytes);
    lua_createtable(L, (int)count, 0);
    for (lua_Integer i = 0; i < count; i++) {
        lua_rawgeti(L, found, entries[i].slot);
        lua_rawseti(L, -2, i + 1);
    }
    lua_remove(L, found);
}

/* Appends the keys of the sequence at `from` that the table at `index` has. [-0, +0, m] */
static void append_present(lua_State *L, int to, int from, int index) {
    lua_Integer count = (lua_Integer)lua_rawlen(L, from), end = (lua_Integer)lua_rawlen(L, to);
    for (lua_Integer i = 1; i <= count; i++) {
        lua_rawgeti(L, from, i);
        lua_pushvalue(L, -1);
        if (lua_rawget(L, index) == LUA_TNIL) {
            lua_pop(L, 2);
            continue;
        }
        lua_pop(L, 1);
        lua_rawseti(L, to, ++end);
    }
}

void json_keys_push(lua_State *L, int state, int index) {
    luaL_checkstack(L, 12, "json");
    lua_newtable(L);
    int keys = lua_gettop(L), except = 0;
    json_scratch *scratch = json_scratch_take(L, state);
    if (json_kind_push(L, index) == JSON_KIND_OBJECT) {
        append_present(L, keys, keys + 2, index);
        json_shape_push_set(L, keys + 2);
        except = lua_gettop(L);
    }
    json_sorted_push(L, scratch, index, except, false);
    append_present(L, keys, lua_gettop(L), index);
    lua_Integer end = (lua_Integer)lua_rawlen(L, keys);
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
        if (lua_type(L, -2) == LUA_TSTRING) continue;
        lua_pushvalue(L, -2);
        lua_rawseti(L, keys, ++end);
    }
    json_scratch_give(L, state, keys + 1);
    lua_settop(L, keys);
}
