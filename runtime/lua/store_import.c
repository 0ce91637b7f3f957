/* Many completions at once: methods of the store, for `store import`. */
#include <lauxlib.h>

#include "engine/store/import.h"
#include "lua/box.h"
#include "lua/store_private.h"

/* A store that is read from. */
typedef struct source {
    box_head head;
    store_source *source;
} source;

static void release_source(void *box) {
    source *s = box;
    store_source_close(s->source);
    s->source = NULL;
}

static const luaL_Reg source_methods[] = {{"close", box_close}, {NULL, NULL}};

static const box_class source_class = {.name = "fellowship.store.source",
                                       .closed = "this store is closed",
                                       .in_use = "this store is being read",
                                       .methods = source_methods,
                                       .release = release_source};

void store_import_register(lua_State *L) {
    box_register(L, &source_class);
}

/* source(path) -> source | nil, {kind =, message =}: a store to import from */
int store_import_open(lua_State *L) {
    const char *path = luaL_checkstring(L, 1);
    char err[512];
    source *s = box_new(L, &source_class, sizeof *s, 0);
    s->source = store_source_open(path, err, sizeof err);
    return s->source ? 1 : box_fail(L, "store", "%s", err);
}

/* [-0, +1] A box with a job; its first user value is what stands at `arg`. */
static store_import *new_import(lua_State *L, int arg) {
    store_import *import;
    store_job **job = store_new_job(L);
    lua_pushvalue(L, arg);
    lua_setiuservalue(L, -2, 1);
    *job = store_import_job(&import);
    if (!*job) luaL_error(L, "out of memory");
    return import;
}

static int after_import(lua_State *L, int status, lua_KContext ctx) {
    (void)status;
    const store_job *job = store_job_back(L, ctx);
    const store_import *import = store_import_of(job);
    int results = 4;
    if (job->error || import->problem[0]) {
        results = box_fail(L, "store", "%s", job->error ? job->error : import->problem);
    } else {
        lua_pushinteger(L, (lua_Integer)import->added);
        lua_pushinteger(L, (lua_Integer)import->known);
        if (import->source) {
            lua_pushboolean(L, import->ended);
            results = 3;
        } else {
            lua_pushinteger(L, (lua_Integer)import->used);
            lua_pushinteger(L, (lua_Integer)import->line);
        }
    }
    store_job_done(L, ctx);
    return results;
}

/*
 * store:import(lines) -> added, known, used, count | nil, {kind =, message =}
 * Puts the completions of a recording's lines. It ends at one that is not as `lines` writes them,
 * of which it cannot judge: then `used` bytes, in `count` lines, come before that.
 */
int store_import_lines(lua_State *L) {
    store_check_open(L);
    lua_settop(L, 2);
    size_t len;
    const char *lines = luaL_checklstring(L, 2, &len);
    store_import *import = new_import(L, 2);
    import->lines = (pack_text){lines, len};
    return store_submit_job(L, after_import);
}

/* store:import_from(source, most) -> added, known, ended | nil, {kind =, message =}: puts at most
 * so many completions of another store, from where the last call ended */
int store_import_source(lua_State *L) {
    store_check_open(L);
    lua_settop(L, 3);
    source *s = box_check(L, 2, &source_class);
    lua_Integer most = luaL_checkinteger(L, 3);
    luaL_argcheck(L, most > 0, 3, "must be 1 or more");
    store_import *import = new_import(L, 2);
    import->source = s->source;
    import->most = (size_t)most;
    store_job_uses(L, s);
    return store_submit_job(L, after_import);
}
