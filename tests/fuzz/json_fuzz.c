/* Any text as JSON: what is read is written so that it reads back as the same, in every form; the
 * same text is written again; and what is plucked out of it is what it holds. */
#include <lauxlib.h>
#include <lualib.h>
#include <stdlib.h>
#include <string.h>

#include "lua/json/json.h"
#include "lua/modules.h"

static lua_State *L;
static int base;

static void check(int truth) {
    if (!truth) abort();
}

/* Stack: 1 the module; 2 the plan of paths that are plucked. */
enum { MODULE = 1, PLAN };

static const char *const paths[] = {"x", "a.b", "b.1", "c.d.e", "1"};
enum { PATHS = sizeof paths / sizeof *paths };

/* [-0, +1] The text in memory of its own, so that a sanitizer sees who reads behind it. */
static bool decode(const char *text, size_t len, unsigned flags, json_error *error) {
    char *own = malloc(len + !len);
    memcpy(own, text, len);
    bool well = json_push(L, own, len, flags, error);
    free(own);
    return well;
}

/* The text of the value on top of the stack. */
static buf encode(unsigned flags) {
    char error[256];
    buf out = {0};
    check(json_encode_value(L, -1, &out, flags, error, sizeof error));
    return out;
}

static void same(const buf *a, const buf *b) {
    check(a->len == b->len && memcmp(a->data, b->data, a->len) == 0);
}

/* What is written in that form reads back as what writes the same texts. */
static void check_form(unsigned flags, const buf *plain, const buf *canonical) {
    json_error error;
    buf form = encode(flags);
    check(decode(form.data, form.len, 0, &error));
    buf again = encode(flags), as_canonical = encode(JSON_CANONICAL);
    same(&form, &again);
    same(&as_canonical, canonical);
    if (!(flags & JSON_CANONICAL)) {
        buf as_plain = encode(0);
        same(&as_plain, plain);
        buf_free(&as_plain);
    }
    buf_free(&form);
    buf_free(&again);
    buf_free(&as_canonical);
    lua_pop(L, 1);
}

/* [-0, +1] What a path leads to in the decoded value at index. */
static void follow(int index, const char *path) {
    lua_pushvalue(L, index);
    for (const char *part = path; part; part = strchr(part, '.') ? strchr(part, '.') + 1 : NULL) {
        size_t len = strcspn(part, ".");
        if (!lua_istable(L, -1)) {
            lua_pop(L, 1);
            lua_pushnil(L);
            return;
        }
        lua_getfield(L, MODULE, "is_array");
        lua_pushvalue(L, -2);
        lua_call(L, 1, 1);
        bool array = lua_toboolean(L, -1), digit = len == 1 && *part >= '1' && *part <= '9';
        lua_pop(L, 1);
        if (array && digit)
            lua_rawgeti(L, -1, *part - '0');
        else
            lua_pushnil(L);
        if (!array && !digit) {
            lua_pop(L, 1);
            lua_pushlstring(L, part, len);
            lua_rawget(L, -2);
        }
        lua_remove(L, -2);
    }
}

/* Each value that is plucked is that of the decoded text, which is at index. */
static void check_plucked(int index, const char *text, size_t len) {
    int top = lua_gettop(L);
    lua_getfield(L, MODULE, "pluck");
    lua_pushlstring(L, text, len);
    lua_pushvalue(L, PLAN);
    lua_call(L, 2, PATHS + 1);
    check(lua_toboolean(L, top + 1)); /* no key stands twice */
    for (int i = 0; i < PATHS; i++) {
        int plucked = top + 2 + i;
        follow(index, paths[i]);
        switch (lua_type(L, -1)) {
        case LUA_TNIL:
        case LUA_TLIGHTUSERDATA: check(lua_isnil(L, plucked)); break;
        case LUA_TTABLE: check(lua_isboolean(L, plucked) && lua_toboolean(L, plucked)); break;
        case LUA_TUSERDATA: check(lua_type(L, plucked) == LUA_TNUMBER); break; /* the nearest */
        default: check(lua_rawequal(L, -1, plucked));
        }
        lua_pop(L, 1);
    }
    lua_settop(L, top);
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    L = luaL_newstate();
    check(L != NULL);
    luaL_requiref(L, "json", luaopen_fellowship_core_json, 0);
    lua_getfield(L, MODULE, "plan");
    lua_newtable(L);
    for (int i = 0; i < PATHS; i++) {
        lua_pushstring(L, paths[i]);
        lua_rawseti(L, -2, i + 1);
    }
    lua_call(L, 1, 1);
    base = lua_gettop(L);
    return 0;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
    const char *text = (const char *)data;
    json_error error;
    if (!decode(text, size, 0, &error)) {
        check(error.at <= size);
        check(strlen(error.message) > 0);
        if (decode(text, size, JSON_LAST_WINS, &error)) { /* a key stood twice */
            buf once = encode(0);
            check(decode(once.data, once.len, 0, &error));
            buf_free(&once);
        }
    } else {
        int value = lua_gettop(L);
        buf plain = encode(0), canonical = encode(JSON_CANONICAL);
        check_form(0, &plain, &canonical);
        check_form(JSON_PRETTY, &plain, &canonical);
        check_form(JSON_CANONICAL, &plain, &canonical);
        check_plucked(value, text, size);
        buf_free(&plain);
        buf_free(&canonical);
    }
    lua_settop(L, base);
    lua_gc(L, LUA_GCSTEP, 0);
    return 0;
}
