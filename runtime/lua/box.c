#include "lua/box.h"

#include <string.h>

/* A billion seconds: past any sensible wait, and safely within 64-bit milliseconds. */
#define MOST_SECONDS 1e9

/* ---- boxes ---- */

void box_shut(void *box) {
    box_head *b = box;
    if (b->closed) return;
    b->closed = true;
    if (b->users == 0 && b->class->release) b->class->release(b);
}

/* __gc and __close */
static int close_quietly(lua_State *L) {
    box_head *b = box_test(L, 1, lua_touserdata(L, lua_upvalueindex(1)));
    if (b) box_shut(b);
    return 0;
}

int box_close(lua_State *L) {
    box_head *b = box_check(L, 1, lua_touserdata(L, lua_upvalueindex(1)));
    if (b->users > 0) return luaL_error(L, "%s", b->class->in_use);
    box_shut(b);
    return 0;
}

/* [-0, +0] Gives the table on top a function of the class. */
static void set_function(lua_State *L, const box_class *class, const char *name, lua_CFunction fn) {
    lua_pushlightuserdata(L, (void *)(uintptr_t) class);
    lua_pushcclosure(L, fn, 1);
    lua_setfield(L, -2, name);
}

static void set_functions(lua_State *L, const box_class *class, const luaL_Reg *functions) {
    for (const luaL_Reg *f = functions; f && f->name; f++) set_function(L, class, f->name, f->func);
}

/* [-0, +1] The class's metatable; made at its first use, and registered when it is whole. */
static void push_metatable(lua_State *L, const box_class *class) {
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, class) != LUA_TNIL) return;
    lua_pop(L, 1);
    lua_newtable(L);
    lua_pushstring(L, class->name);
    lua_setfield(L, -2, "__name");
    lua_pushliteral(L, "protected"); /* scripts must not swap a __gc under C's feet */
    lua_setfield(L, -2, "__metatable");
    set_function(L, class, "__gc", close_quietly);
    set_function(L, class, "__close", close_quietly);
    lua_newtable(L);
    set_functions(L, class, class->methods);
    lua_setfield(L, -2, "__index");
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, class);
}

void box_register(lua_State *L, const box_class *class) {
    push_metatable(L, class);
    lua_pop(L, 1);
}

void box_add_methods(lua_State *L, const box_class *class, const luaL_Reg *methods) {
    push_metatable(L, class);
    lua_getfield(L, -1, "__index");
    set_functions(L, class, methods);
    lua_pop(L, 2);
}

void *box_new(lua_State *L, const box_class *class, size_t size, int values) {
    push_metatable(L, class);
    box_head *b = lua_newuserdatauv(L, size, values);
    memset(b, 0, size);
    b->class = class;
    lua_insert(L, -2);
    lua_setmetatable(L, -2);
    return b;
}

void *box_test(lua_State *L, int index, const box_class *class) {
    /* Told by its head and not by its metatable, which takes five times as long: nothing but a box
     * begins with the address of a class. */
    if (lua_type(L, index) != LUA_TUSERDATA || lua_rawlen(L, index) < sizeof(box_head)) return NULL;
    box_head *b = lua_touserdata(L, index);
    return b->class == class ? b : NULL;
}

void *box_check(lua_State *L, int index, const box_class *class) {
    box_head *b = box_test(L, index, class);
    if (!b) luaL_typeerror(L, index, class->name);
    if (b->closed) luaL_error(L, "%s", class->closed);
    return b;
}

void box_enter(void *box) {
    box_head *b = box;
    b->users++;
}

void box_leave(void *box) {
    box_head *b = box;
    if (--b->users == 0 && b->closed && b->class->release) b->class->release(b);
}

typedef struct boxed_buf {
    box_head box;
    buf buf;
} boxed_buf;

static void release_buf(void *box) {
    boxed_buf *b = box;
    buf_free(&b->buf);
}

buf *box_buf(lua_State *L) {
    static const box_class class = {.name = "fellowship.buf", .release = release_buf};
    boxed_buf *b = box_new(L, &class, sizeof *b, 0);
    return &b->buf;
}

/* ---- values ---- */

void box_push_buf(lua_State *L, const buf *b) {
    lua_pushlstring(L, b->data ? b->data : "", b->len);
}

int box_fail(lua_State *L, const char *kind, const char *format, ...) {
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

lua_Integer box_integer_field(lua_State *L, int index, const char *name, lua_Integer otherwise,
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

bool box_boolean_field(lua_State *L, int index, const char *name, bool otherwise) {
    bool value = push_field(L, index, name) == LUA_TNIL ? otherwise : lua_toboolean(L, -1);
    lua_pop(L, 1);
    return value;
}

uint64_t box_seconds_field(lua_State *L, int index, const char *name, double otherwise) {
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

uint64_t box_check_seconds(lua_State *L, int arg) {
    double value = luaL_checknumber(L, arg);
    luaL_argcheck(L, value >= 0 && value <= MOST_SECONDS, arg, "must be seconds, 0 or more");
    return (uint64_t)(value * 1000);
}

const char *box_string_field(lua_State *L, int index, const char *name, size_t *len) {
    int type = push_field(L, index, name);
    if (type == LUA_TNIL) {
        lua_pop(L, 1);
        return NULL;
    }
    if (type != LUA_TSTRING) luaL_error(L, "%s must be a string", name);
    return lua_tolstring(L, -1, len);
}
