#include "lua/box.h"

#include <string.h>

#define SCRATCH "fellowship.scratch"

/* A billion seconds: past any sensible wait, and safely within 64-bit milliseconds. */
#define MOST_SECONDS 1e9

void lx_class(lua_State *L, const char *name, const luaL_Reg *methods, lua_CFunction release) {
    luaL_newmetatable(L, name);
    if (release) {
        lua_pushcfunction(L, release);
        lua_setfield(L, -2, "__gc");
        lua_pushcfunction(L, release);
        lua_setfield(L, -2, "__close");
    }
    if (methods) {
        lua_newtable(L);
        luaL_setfuncs(L, methods, 0);
        lua_setfield(L, -2, "__index");
    }
    lua_pushliteral(L, "protected"); /* scripts must not swap a __gc under C's feet */
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
}

void *lx_box(lua_State *L, const char *name, size_t size, int values) {
    void *box = lua_newuserdatauv(L, size, values);
    memset(box, 0, size);
    luaL_setmetatable(L, name);
    return box;
}

static int release_scratch(lua_State *L) {
    buf_free(lua_touserdata(L, 1));
    return 0;
}

buf *lx_scratch(lua_State *L) {
    buf *b = lua_newuserdatauv(L, sizeof *b, 0);
    memset(b, 0, sizeof *b);
    if (luaL_newmetatable(L, SCRATCH)) {
        lua_pushcfunction(L, release_scratch);
        lua_setfield(L, -2, "__gc");
        lua_pushcfunction(L, release_scratch);
        lua_setfield(L, -2, "__close");
    }
    lua_setmetatable(L, -2);
    lua_toclose(L, -1);
    return b;
}

void lx_push_buf(lua_State *L, const buf *b) {
    lua_pushlstring(L, b->data ? b->data : "", b->len);
}

int lx_fail(lua_State *L, const char *kind, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    lua_pushnil(L);
    lua_createtable(L, 0, 2);
    lua_pushstring(L, kind);
    lua_setfield(L, -2, "kind");
    lua_pushvfstring(L, format, arguments);
    va_end(arguments);
    lua_setfield(L, -2, "message");
    return 2;
}

/* [-0, +1] The field, or nil when there is no table. */
static int push_field(lua_State *L, int index, const char *name) {
    if (lua_isnoneornil(L, index)) {
        lua_pushnil(L);
        return LUA_TNIL;
    }
    luaL_checktype(L, index, LUA_TTABLE);
    return lua_getfield(L, index, name);
}

lua_Integer lx_integer_field(lua_State *L, int index, const char *name, lua_Integer otherwise,
                             lua_Integer least, lua_Integer most) {
    lua_Integer value = otherwise;
    if (push_field(L, index, name) != LUA_TNIL) {
        int whole;
        value = lua_tointegerx(L, -1, &whole);
        if (!whole || value < least || value > most)
            luaL_error(L, "%s must be a whole number from %I to %I", name, (LUAI_UACINT)least,
                       (LUAI_UACINT)most);
    }
    lua_pop(L, 1);
    return value;
}

bool lx_boolean_field(lua_State *L, int index, const char *name, bool otherwise) {
    bool value = push_field(L, index, name) == LUA_TNIL ? otherwise : lua_toboolean(L, -1);
    lua_pop(L, 1);
    return value;
}

uint64_t lx_seconds_field(lua_State *L, int index, const char *name, double otherwise) {
    double value = otherwise;
    if (push_field(L, index, name) != LUA_TNIL) {
        int is_number;
        value = lua_tonumberx(L, -1, &is_number);
        if (!is_number || !(value >= 0 && value <= MOST_SECONDS))
            luaL_error(L, "%s must be a number of seconds, 0 or more", name);
    }
    lua_pop(L, 1);
    return (uint64_t)(value * 1000);
}

uint64_t lx_check_seconds(lua_State *L, int arg) {
    double value = luaL_checknumber(L, arg);
    luaL_argcheck(L, value >= 0 && value <= MOST_SECONDS, arg, "must be seconds, 0 or more");
    return (uint64_t)(value * 1000);
}

const char *lx_string_field(lua_State *L, int index, const char *name, size_t *len) {
    int type = push_field(L, index, name);
    if (type == LUA_TNIL) {
        lua_pop(L, 1);
        return NULL;
    }
    if (type != LUA_TSTRING) luaL_error(L, "%s must be a string", name);
    return lua_tolstring(L, -1, len);
}
