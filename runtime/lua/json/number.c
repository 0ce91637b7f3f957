#include "lua/json/number.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "lua/json/module.h"
#include "lua/json/scratch.h"

#define NUMBER "json.number"

typedef struct json_number {
    double value; /* the nearest */
    lua_Integer integer;
    bool whole; /* `integer` is the value */
    size_t len;
    char text[]; /* with a NUL */
} json_number;

/* Replaces the json.number at `index`, if it is one, by a Lua number. [-0, +0, m] */
static void to_lua_number(lua_State *L, int index) {
    json_number *n = luaL_testudata(L, index, NUMBER);
    if (!n) return;
    if (n->whole)
        lua_pushinteger(L, n->integer);
    else
        lua_pushnumber(L, n->value);
    lua_replace(L, index);
}

/* Every arithmetic operation; the upvalue says which, as lua_arith wants it. */
static int arithmetic(lua_State *L) {
    int op = (int)lua_tointeger(L, lua_upvalueindex(1));
    lua_settop(L, op == LUA_OPUNM ? 1 : 2);
    for (int i = lua_gettop(L); i > 0; i--) to_lua_number(L, i);
    lua_arith(L, op);
    return 1;
}

/* < and <=; the upvalue says which, as lua_compare wants it. */
static int compare(lua_State *L) {
    to_lua_number(L, 1);
    to_lua_number(L, 2);
    lua_pushboolean(L, lua_compare(L, 1, 2, (int)lua_tointeger(L, lua_upvalueindex(1))));
    return 1;
}

/* ==, by the exact decimal values: two ids of 20 digits may be the same double and yet differ. */
static int equal(lua_State *L) {
    json_number *a = luaL_testudata(L, 1, NUMBER), *b = luaL_testudata(L, 2, NUMBER);
    bool same = a && b;
    if (same) {
        buf left = {0}, right = {0};
        bool ok = json_write_canonical_number(&left, a->text, a->len) &&
                  json_write_canonical_number(&right, b->text, b->len);
        same = ok && left.len == right.len && memcmp(left.data, right.data, left.len) == 0;
        buf_free(&left);
        buf_free(&right);
        if (!ok) return luaL_error(L, "out of memory");
    }
    lua_pushboolean(L, same);
    return 1;
}

static int to_string(lua_State *L) {
    json_number *n = luaL_checkudata(L, 1, NUMBER);
    lua_pushlstring(L, n->text, n->len);
    return 1;
}

static int concat(lua_State *L) {
    lua_settop(L, 2);
    luaL_tolstring(L, 1, NULL);
    luaL_tolstring(L, 2, NULL);
    lua_concat(L, 2);
    return 1;
}

static void add_operators(lua_State *L) {
    static const struct {
        const char *name;
        lua_CFunction function;
        int op;
    } operators[] = {
        {"__add", arithmetic, LUA_OPADD},
        {"__sub", arithmetic, LUA_OPSUB},
        {"__mul", arithmetic, LUA_OPMUL},
        {"__div", arithmetic, LUA_OPDIV},
        {"__mod", arithmetic, LUA_OPMOD},
        {"__idiv", arithmetic, LUA_OPIDIV},
        {"__pow", arithmetic, LUA_OPPOW},
        {"__unm", arithmetic, LUA_OPUNM},
        {"__lt", compare, LUA_OPLT},
        {"__le", compare, LUA_OPLE},
        {"__eq", equal, 0},
        {"__tostring", to_string, 0},
        {"__concat", concat, 0},
    };
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        lua_pushinteger(L, operators[i].op);
        lua_pushcclosure(L, operators[i].function, 1);
        lua_setfield(L, -2, operators[i].name);
    }
}

bool json_number_push(lua_State *L, const char *text, size_t len) {
    json_reader reader;
    json_reader_init(&reader, text, len);
    enum json_token token = json_next(&reader);
    json_reader_free(&reader);
    if (token != JSON_INTEGER && token != JSON_NUMBER) return false;
    if (reader.text_len != len) return false;
    json_number *n = lua_newuserdatauv(L, sizeof *n + len + 1, 0);
    json_number_read(text, len, &n->value);
    n->whole = token == JSON_INTEGER;
    n->integer = n->whole ? reader.integer : 0;
    n->len = len;
    memcpy(n->text, text, len);
    n->text[len] = '\0';
    json_metatable_push(L, NUMBER, add_operators);
    lua_setmetatable(L, -2);
    return true;
}

const char *json_number_text(lua_State *L, int index, size_t *len) {
    json_number *n = luaL_testudata(L, index, NUMBER);
    if (!n) return NULL;
    *len = n->len;
    return n->text;
}

int json_number_new(lua_State *L) {
    size_t len;
    const char *text = luaL_checklstring(L, 1, &len);
    if (!json_number_push(L, text, len)) return luaL_argerror(L, 1, "not a JSON number");
    return 1;
}

int json_number_tonumber(lua_State *L) {
    luaL_checkany(L, 1);
    lua_settop(L, 1);
    to_lua_number(L, 1);
    if (lua_type(L, 1) != LUA_TNUMBER) lua_pushnil(L);
    return 1;
}
