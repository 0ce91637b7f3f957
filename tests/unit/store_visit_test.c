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

/* core.NAME(path, [...,] take), with the module at index 1 */
static int visit(lua_State *L, const char *name) {
    lua_settop(L, 1);
    lua_getfield(L, 1, name);
    lua_pushstring(L, path);
    if (strcmp(name, "sample") == 0) lua_pushinteger(L, 20);
    lua_pushcfunction(L, take);
    return lua_pcall(L, strcmp(name, "sample") == 0 ? 3 : 2, 0, 0);
}

static void test_memory(lua_State *L, const char *name) {
    visit(L, name); /* whatever is made once is made */
    int before = open_files(), runs = 0, leaked = 0, survived = 0;
    for (long n = 0; n < 400; n++, runs++) {
        left = n;
        failed = false;
        int status = visit(L, name);
        left = -1;
        if (!failed) break;
        survived += status == LUA_OK;
        lua_settop(L, 1);
        leaked += open_files() != before;
    }
    ok(runs > 5, "%s: memory runs out at %d places", name, runs);
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
    lua_close(L);
    loop_free(l);
    return scene_end();
}
