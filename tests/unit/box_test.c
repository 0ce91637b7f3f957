/* Boxes are closed once, by whatever comes first: `close`, the end of a scope, the collector; and
 * what is used is let go of by its last user. */
#include "lua/box.h"

#include <lualib.h>
#include <stdlib.h>

#include "tap.h"

typedef struct thing {
    box_head box;
    int *released;
} thing;

static void release(void *box) {
    ++*((thing *)box)->released;
}

static int l_touch(lua_State *L);

static const luaL_Reg methods[] = {{"touch", l_touch}, {"close", box_close}, {NULL, NULL}};

static const box_class class = {.name = "test.thing",
                                .closed = "the thing is closed",
                                .in_use = "the thing is in use",
                                .methods = methods,
                                .release = release};

static const box_class other = {.name = "test.other"};

static int released;
static thing *made;

static int l_touch(lua_State *L) {
    box_check(L, 1, &class);
    return 0;
}

static int l_new(lua_State *L) {
    made = box_new(L, &class, sizeof *made, 0);
    made->released = &released;
    return 1;
}

static int l_other(lua_State *L) {
    box_new(L, &other, sizeof(box_head), 0);
    return 1;
}

/* Runs a chunk, which finds `new` and `other`; its error message, or "". */
static const char *run(lua_State *L, const char *chunk) {
    lua_settop(L, 0);
    if (luaL_dostring(L, chunk) == LUA_OK) return "";
    return luaL_tolstring(L, -1, NULL);
}

static void test_closing(lua_State *L) {
    released = 0;
    is_str(run(L, "t = new() t:touch() t:close()"), "", "a box is closed");
    is_int(released, 1, "and released");
    has_str(run(L, "t:touch()"), "the thing is closed", "its methods raise then");
    has_str(run(L, "t:close()"), "the thing is closed", "close too");
    is_str(run(L, "do local _ <close> = t end t = nil collectgarbage()"), "",
           "other ends are quiet");
    is_int(released, 1, "and release nothing again");
    is_str(run(L, "do local t <close> = new() end"), "", "the end of a scope");
    is_int(released, 2, "releases");
    has_str(run(L, "do local t <close> = new() error 'x' end"), "x", "an error's too");
    is_int(released, 3, "releases");
    run(L, "new() collectgarbage() collectgarbage()");
    is_int(released, 4, "the collector releases");
    has_str(run(L, "getmetatable(new()).__index.touch(io.stdout)"), "", "a metatable");
    has_str(run(L, "new().touch(io.stdout)"), "test.thing expected", "what is none is refused");
    has_str(run(L, "new().touch(other())"), "test.thing expected", "and one of another class");
    has_str(run(L, "new().close(other())"), "test.thing expected", "by close too");
    has_str(run(L, "new().touch()"), "test.thing expected", "and nothing");
    is_str(run(L, "assert(getmetatable(new()) == 'protected')"), "", "metatables are out of reach");
}

static void test_users(lua_State *L) {
    run(L, "collectgarbage() collectgarbage() t = new()");
    released = 0;
    box_enter(made);
    box_enter(made);
    has_str(run(L, "t:close()"), "the thing is in use", "what is used cannot be closed");
    is_str(run(L, "t:touch()"), "", "and works");
    is_str(run(L, "do local _ <close> = t end"), "", "a scope may end");
    has_str(run(L, "t:touch()"), "the thing is closed", "then it is closed to scripts");
    is_int(released, 0, "but not released");
    box_leave(made);
    is_int(released, 0, "until the last user");
    box_leave(made);
    is_int(released, 1, "has left");
    run(L, "t = new()");
    box_enter(made);
    box_leave(made);
    is_int(released, 1, "an open box stays when its user leaves");
    is_str(run(L, "t:close()"), "", "and is closed later");
    is_int(released, 2, "once");
}

/* Each allocation in turn fails while a class is made known and a box is made, and the next one
 * too, since Lua collects garbage and tries again. */
typedef struct failing {
    int left; /* 0: none fails */
} failing;

static void *allocate(void *arg, void *block, size_t old, size_t new) {
    failing *f = arg;
    (void)old;
    if (new == 0) {
        free(block);
        return NULL;
    }
    if (f->left > 0 && f->left <= 2) { /* the two last ones */
        f->left--;
        return NULL;
    }
    if (f->left > 0) f->left--;
    return realloc(block, new);
}

static int make_one(lua_State *L) {
    l_new(L);
    lua_getfield(L, -1, "touch");
    lua_insert(L, -2);
    lua_call(L, 1, 0);
    return 0;
}

static void test_memory(void) {
    failing f = {0};
    int failed = 0, wrong = 0;
    for (int at = 2; at < 60; at++) {
        f.left = 0;
        lua_State *L = lua_newstate(allocate, &f);
        lua_gc(L, LUA_GCSTOP);
        f.left = at;
        lua_pushcfunction(L, make_one);
        bool first = lua_pcall(L, 0, 0, 0) != LUA_OK;
        f.left = 0;
        lua_settop(L, 0);
        lua_pushcfunction(L, make_one);
        wrong += lua_pcall(L, 0, 0, 0) != LUA_OK; /* no half of a class was left */
        failed += first;
        lua_close(L);
    }
    ok(failed > 5, "allocations fail while a class is made known (%d)", failed);
    is_int(wrong, 0, "and the next time it is whole");
}

int main(void) {
    lua_State *L = luaL_newstate();
    luaL_openlibs(L);
    lua_register(L, "new", l_new);
    lua_register(L, "other", l_other);
    test_closing(L);
    test_users(L);
    lua_close(L);
    test_memory();
    return done_testing();
}
