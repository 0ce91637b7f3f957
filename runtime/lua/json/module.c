#include "lua/json/json.h"

#include <lauxlib.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "engine/digest.h"
#include "lua/json/module.h"
#include "lua/json/shape.h"
#include "lua/modules.h"

#define ERROR "json.error"

_Static_assert(sizeof(lua_Integer) == sizeof(int64_t), "integers of rows have 64 bits");

/* --- options --- */

/* Raises unless argument 2 is absent or a table that has no key but `name`; pushes its value, or
 * nil. [-0, +1, v] */
static void push_option(lua_State *L, const char *name) {
    if (lua_isnoneornil(L, 2)) {
        lua_pushnil(L);
        return;
    }
    luaL_checktype(L, 2, LUA_TTABLE);
    for (lua_pushnil(L); lua_next(L, 2); lua_pop(L, 1)) {
        const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : NULL;
        if (!key || strcmp(key, name) != 0)
            luaL_argerror(L, 2, lua_pushfstring(L, "unknown option '%s'", key ? key : "?"));
    }
    lua_getfield(L, 2, name);
}

static unsigned decode_flags(lua_State *L) {
    push_option(L, "duplicates");
    const char *text = lua_tostring(L, -1);
    unsigned flags = text && strcmp(text, "last") == 0 ? JSON_LAST_WINS : 0;
    if (!lua_isnil(L, -1) && !flags && (!text || strcmp(text, "error") != 0))
        luaL_argerror(L, 2, "duplicates must be \"error\" or \"last\"");
    lua_pop(L, 1);
    return flags;
}

/* --- decode and encode --- */

static int error_tostring(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    lua_getfield(L, 1, "message");
    lua_pushliteral(L, " at byte ");
    lua_getfield(L, 1, "byte");
    luaL_tolstring(L, -1, NULL);
    lua_replace(L, -2);
    lua_concat(L, 3);
    return 1;
}

static void fill_error(lua_State *L) {
    lua_pushcfunction(L, error_tostring);
    lua_setfield(L, -2, "__tostring");
}

/* nil and {message =, byte =}, the byte counted from 1 as string.sub does. [-0, +2, m] */
static int push_failure(lua_State *L, const json_error *error) {
    lua_pushnil(L);
    lua_createtable(L, 0, 2);
    lua_pushstring(L, error->message);
    lua_setfield(L, -2, "message");
    lua_pushinteger(L, (lua_Integer)error->at + 1);
    lua_setfield(L, -2, "byte");
    json_metatable_push(L, ERROR, fill_error);
    lua_setmetatable(L, -2);
    return 2;
}

static int l_decode(lua_State *L) {
    size_t len;
    luaL_checktype(L, 1, LUA_TSTRING);
    const char *text = lua_tolstring(L, 1, &len);
    json_error error;
    if (json_push(L, text, len, decode_flags(L), &error)) return 1;
    return push_failure(L, &error);
}

static void push_text(lua_State *L, const buf *text) {
    lua_pushlstring(L, text->data, text->len);
}

static void push_digest(lua_State *L, const buf *text) {
    unsigned char sum[DIGEST_SIZE];
    digest_sha256(text->data, text->len, sum);
    lua_pushlstring(L, (const char *)sum, sizeof sum);
}

/* Encodes argument 1 in scratch memory and returns what `push` makes of the text, or raises. What
 * stands before and behind it are arguments 2 and 3. */
static int encode(lua_State *L, unsigned flags, void (*push)(lua_State *L, const buf *text)) {
    size_t before_len = 0, behind_len = 0;
    lua_settop(L, 3);
    const char *before = lua_tolstring(L, 2, &before_len),
               *behind = lua_tolstring(L, 3, &behind_len);
    json_state_push(L);
    json_scratch *scratch = json_scratch_take(L, 4);
    buf *out = &scratch->out;
    buf_clear(out);
    char error[512] = "out of memory";
    bool ok = buf_append(out, before, before_len) &&
              json_encode_with(L, scratch, 1, out, flags, error, sizeof error) &&
              buf_append(out, behind, behind_len);
    if (ok) push(L, out);
    json_scratch_give(L, 4, 5);
    return ok ? 1 : luaL_error(L, "%s", error);
}

static int l_encode(lua_State *L) {
    luaL_checkany(L, 1);
    push_option(L, "pretty");
    bool pretty = lua_toboolean(L, -1);
    lua_settop(L, 1);
    return encode(L, pretty ? JSON_PRETTY : 0, push_text);
}

static int canonical(lua_State *L, void (*push)(lua_State *L, const buf *text)) {
    luaL_checkany(L, 1);
    luaL_optstring(L, 2, NULL);
    luaL_optstring(L, 3, NULL);
    return encode(L, JSON_CANONICAL, push);
}

static int l_canonical(lua_State *L) {
    return canonical(L, push_text);
}

static int l_digest(lua_State *L) {
    return canonical(L, push_digest);
}

/* --- marks --- */

/* Makes argument 1 a new table if it is absent; raises if it is no table or has a metatable that is
 * not ours. Leaves it alone on the stack. */
static void check_markable(lua_State *L, int arguments) {
    if (lua_isnoneornil(L, 1)) {
        lua_settop(L, arguments);
        lua_newtable(L);
        lua_replace(L, 1);
    }
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, arguments);
}

/* Pushes the state at 3, the shape (or nil) at 4 and the spellings (or nil) at 5 of argument 1. */
static enum json_kind push_marks(lua_State *L) {
    json_state_push(L);
    enum json_kind kind = json_kind_push(L, 1);
    if (kind == JSON_KIND_PLAIN && lua_getmetatable(L, 1))
        luaL_argerror(L, 1, "the table has a metatable of its own");
    return kind;
}

static int l_array(lua_State *L) {
    check_markable(L, 2);
    if (push_marks(L) != JSON_KIND_ARRAY) json_kind_array(L, 3, 1, 5);
    lua_settop(L, 1);
    return 1;
}

/* Writes the names of the sequence at 2 as a key sequence. */
static void read_names(lua_State *L, buf *sequence) {
    lua_Integer count = (lua_Integer)lua_rawlen(L, 2);
    buf_clear(sequence);
    for (lua_Integer i = 1; i <= count; i++) {
        size_t len;
        if (lua_rawgeti(L, 2, i) != LUA_TSTRING) luaL_argerror(L, 2, "keys must be strings");
        const char *name = lua_tolstring(L, -1, &len);
        if (!json_sequence_add(sequence, name, len)) luaL_error(L, "out of memory");
        lua_pop(L, 1);
    }
}

/* [-0, +1] The shape of the sequence in scratch->keys, with the state table at `state`. */
static void push_shape(lua_State *L, int state, json_scratch *scratch) {
    const char *sequence = scratch->keys.data ? scratch->keys.data : "";
    if (!json_shape_find(L, state, sequence, scratch->keys.len))
        json_shape_make(L, state, sequence, scratch->keys.len);
}

/* [-0, +1] The shape of the names of the sequence at 2, with the state table at 3. */
static void push_named_shape(lua_State *L, json_scratch *scratch) {
    read_names(L, &scratch->keys);
    const char *sequence = scratch->keys.data ? scratch->keys.data : "";
    /* A sequence that has a shape already names no key twice. */
    if (json_shape_find(L, 3, sequence, scratch->keys.len)) return;
    if (json_sequence_unique(L, &scratch->keys, 0) > 0) luaL_argerror(L, 2, "a key stands twice");
    json_shape_make(L, 3, scratch->keys.data ? scratch->keys.data : "", scratch->keys.len);
}

void json_push_shape(lua_State *L, int keys) {
    keys = lua_absindex(L, keys);
    json_state_push(L);
    int state = lua_gettop(L);
    json_scratch *scratch = json_scratch_take(L, state);
    buf_clear(&scratch->keys);
    lua_Integer count = (lua_Integer)lua_rawlen(L, keys);
    for (lua_Integer i = 1; i <= count; i++) {
        size_t len;
        lua_rawgeti(L, keys, i);
        const char *key = lua_tolstring(L, -1, &len);
        if (!json_sequence_add(&scratch->keys, key, len)) luaL_error(L, "out of memory");
        lua_pop(L, 1);
    }
    push_shape(L, state, scratch);
    json_scratch_give(L, state, state + 1);
    lua_replace(L, state);
    lua_settop(L, state);
}

static int l_object(lua_State *L) {
    bool named = !lua_isnoneornil(L, 2);
    if (named) luaL_checktype(L, 2, LUA_TTABLE);
    check_markable(L, 2);
    if (push_marks(L) != JSON_KIND_OBJECT || named) {
        json_scratch *scratch = json_scratch_take(L, 3);
        buf_clear(&scratch->keys);
        if (named)
            push_named_shape(L, scratch);
        else
            push_shape(L, 3, scratch);
        json_scratch_give(L, 3, 6);
        json_set_shape(L, 1, 7, 5);
    }
    lua_settop(L, 1);
    return 1;
}

/* --- questions --- */

void json_keys(lua_State *L, int index) {
    index = lua_absindex(L, index);
    json_state_push(L);
    json_keys_push(L, lua_gettop(L), index);
    lua_remove(L, -2);
}

static int l_keys(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    json_keys(L, 1);
    return 1;
}

static int l_is_array(lua_State *L) {
    luaL_checkany(L, 1);
    bool array = false;
    if (lua_istable(L, 1)) {
        enum json_kind kind = json_kind_push(L, 1);
        array = kind == JSON_KIND_ARRAY || (kind == JSON_KIND_PLAIN && lua_rawlen(L, 1) > 0);
    }
    lua_pushboolean(L, array);
    return 1;
}

static int l_is_null(lua_State *L) {
    luaL_checkany(L, 1);
    lua_pushboolean(L, lua_islightuserdata(L, 1) && !lua_touserdata(L, 1));
    return 1;
}

int luaopen_fellowship_core_json(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"decode", l_decode},
        {"encode", l_encode},
        {"canonical", l_canonical},
        {"digest", l_digest},
        {"array", l_array},
        {"object", l_object},
        {"keys", l_keys},
        {"is_array", l_is_array},
        {"is_null", l_is_null},
        {"number", json_number_new},
        {"plan", json_plan},
        {"pluck", json_pluck},
        {"tonumber", json_number_tonumber},
        {NULL, NULL},
    };
    luaL_newlib(L, functions);
    json_push_null(L);
    lua_setfield(L, -2, "null");
    return 1;
}
