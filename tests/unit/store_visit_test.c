/* Visits from Lua: where memory runs out in the middle of one, the error comes out and nothing of
 * the store stays open. */
#include "store_scene.h"

#include <dirent.h>
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "engine/digest.h"
#include "engine/loop.h"
#include "lua/modules.h"
#include "lua/runtime.h"
#include "lua/task.h"

#include "scarce.h"

static int open_files(void) {
    DIR *list = opendir("/proc/self/fd");
    int count = 0;
    while (readdir(list)) count++;
    closedir(list);
    return count;
}

static int take(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_newtable(L);
    return 0;
}

static int take_lines(lua_State *L) {
    luaL_checkstring(L, 1);
    return 0;
}

/* [-0, +n] The arguments of a function behind the path. */
static void push_arguments(lua_State *L, const char *name) {
    if (strcmp(name, "nearest") == 0) {
        lua_newtable(L);
        for (int i = 1; i <= 3; i++) {
            lua_pushfstring(L, "{\"messages\":[%d]}", i);
            lua_rawseti(L, -2, i);
        }
        lua_pushstring(L, "messages");
        lua_pushinteger(L, 8);
    } else if (strcmp(name, "select") == 0) {
        lua_newtable(L);
        lua_pushstring(L, "m:1");
        lua_setfield(L, -2, "model");
    } else {
        if (strcmp(name, "sample") == 0) lua_pushinteger(L, 20);
        lua_pushcfunction(L, strcmp(name, "lines") == 0 ? take_lines : take);
    }
}

/* core.NAME(path, ...), with the module at index 1, and so many allocations */
static int visit(lua_State *L, const char *name, long allocations) {
    lua_settop(L, 1);
    lua_getfield(L, 1, name);
    lua_pushstring(L, path);
    push_arguments(L, name);
    left = allocations;
    int status = lua_pcall(L, lua_gettop(L) - 2, 0, 0);
    left = -1;
    return status;
}

static void test_memory(lua_State *L, const char *name) {
    visit(L, name, -1); /* whatever is made once is made */
    int before = open_files(), runs = 0, leaked = 0, survived = 0;
    for (long n = 0; n < 400; n++, runs++) {
        failed = false;
        int status = visit(L, name, n);
        if (!failed) break;
        survived += status == LUA_OK;
        lua_settop(L, 1);
        leaked += open_files() != before;
    }
    ok(runs > 0, "%s: memory runs out at %d places", name, runs);
    is_int(leaked, 0, "and nothing stays open");
    printf("# %d of them did without it\n", survived);
}

int main(void) {
    scene s;
    if (!scene_begin() || !scene_open(&s, fresh(), false)) return 1;
    for (int n = 0; n < 20; n++) {
        store_job *job = make_put(n, words("answer %d", n));
        digest_sha256(job->request.data, job->request.len, job->key); /* as it is with all */
        store_job_free(run(&s, job));
    }
    scene_close(&s);
    loop *l = loop_new();
    static runtime rt;
    lua_State *L = lua_newstate(allocate, NULL);
    luaL_openlibs(L);
    runtime_init(&rt, L, l);
    lua_gc(L, LUA_GCSTOP);
    lua_settop(L, 0);
    luaopen_fellowship_core_store(L);
    test_memory(L, "each");
    test_memory(L, "sample");
    test_memory(L, "lines");
    test_memory(L, "nearest");
    test_memory(L, "select");
    lua_close(L);
    loop_free(l);
    return scene_end();
}
