#include "lua/store.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "lua/box.h"
#include "lua/store_private.h"
#include "lua/task.h"
#include "engine/digest.h"

#define STORE "fellowship.store"
#define JOB   "fellowship.store.job"

/* An open store and its way back into the loop. The box owns both. */
typedef struct opened {
    runtime *rt;
    store *store;
    loop_wake *wake;
    turn_hook hook; /* hands over what a turn has submitted */
    bool hooked, submitted;
} opened;

/* What a task waits with: the job comes back into it. The job's `user` points here until the task
 * is cancelled, then the result is dropped. */
typedef struct pending {
    task *task;
    store_job *job;
    bool back;
} pending;

/* ---- opening ---- */

static void notify(void *arg) {
    loop_wake_send(arg);
}

static void on_jobs_done(void *arg) {
    opened *o = arg;
    for (store_job *job = store_collect(o->store), *next; job; job = next) {
        next = job->next;
        if (job->op == STORE_GET)
            o->rt->reading--;
        else
            o->rt->committed--;
        pending *p = job->user;
        if (p) {
            p->back = true;
            if (job->op == STORE_PUT)
                task_wake_soon(p->task); /* its call holds a slot until now */
            else
                task_wake(p->task);
        } else {
            store_job_free(job);
        }
    }
}

static void hand_over(void *arg) {
    opened *o = arg;
    if (o->submitted) store_flush(o->store);
    o->submitted = false;
}

static int release_store(lua_State *L) {
    opened *o = lua_touserdata(L, 1);
    if (o->hooked) runtime_remove_hook(o->rt, &o->hook);
    o->hooked = false;
    store_close(o->store); /* first: its thread uses the wake */
    loop_wake_free(o->wake);
    o->store = NULL;
    o->wake = NULL;
    return 0;
}

/* Calls the function at index 2; its error must not leave the store half open. */
static void say(void *arg, const char *text) {
    lua_State *L = arg;
    lua_pushvalue(L, 2);
    lua_pushstring(L, text);
    if (lua_pcall(L, 1, 0, 0) != LUA_OK) lua_pop(L, 1);
}

/*
 * open{path =, read_only =, durable =, say =} -> store | nil, {kind = "store", message =}
 * say(text) is called before opening takes long.
 */
static int l_open(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    bool talks = lua_getfield(L, 1, "say") == LUA_TFUNCTION;
    const char *path = lx_string_field(L, 1, "path", NULL);
    luaL_argcheck(L, path, 1, "path is missing");
    opened *o = lx_box(L, STORE, sizeof *o, 0);
    o->rt = runtime_of(L);
    o->wake = loop_wake_new(o->rt->loop, on_jobs_done, o);
    if (!o->wake) return luaL_error(L, "out of memory");
    store_options options = {.path = path,
                             .read_only = lx_boolean_field(L, 1, "read_only", false),
                             .durable = lx_boolean_field(L, 1, "durable", false),
                             .notify = notify,
                             .notify_arg = o->wake,
                             .say = talks ? say : NULL,
                             .say_arg = L};
    char err[512];
    o->store = store_open(&options, err, sizeof err);
    if (!o->store) return lx_fail(L, "store", "%s", err);
    o->hook = (turn_hook){hand_over, o, NULL};
    runtime_add_hook(o->rt, &o->hook);
    o->hooked = true;
    return 1;
}

static opened *check_store(lua_State *L) {
    opened *o = luaL_checkudata(L, 1, STORE);
    if (!o->store) luaL_error(L, "the store is closed");
    return o;
}

/* ---- jobs ---- */

static int release_job(lua_State *L) {
    pending *p = lua_touserdata(L, 1);
    if (p->back) store_job_free(p->job);
    p->job = NULL;
    p->back = false;
    return 0;
}

static void forget_job(void *arg) {
    pending *p = arg;
    p->job->user = NULL; /* on_jobs_done frees it */
    p->job = NULL;
}

static bool copy_text(lua_State *L, int arg, store_text *out) {
    size_t len;
    const char *text = luaL_checklstring(L, arg, &len);
    out->data = malloc(len + 1);
    if (!out->data) return false;
    memcpy(out->data, text, len + 1);
    out->len = len;
    return true;
}

static void check_key(lua_State *L, int arg, unsigned char out[32]) {
    size_t len;
    const char *key = luaL_checklstring(L, arg, &len);
    luaL_argcheck(L, len == DIGEST_SIZE, arg, "a key has 32 bytes");
    memcpy(out, key, DIGEST_SIZE);
}

static int after_job(lua_State *L, int status, lua_KContext ctx) {
    (void)status;
    pending *p = luaL_checkudata(L, (int)ctx, JOB);
    store_job *job = p->job;
    int results;
    if (job->error) {
        results = lx_fail(L, "store", "%s", job->error);
    } else if (job->op == STORE_GET && !job->found) {
        lua_pushnil(L);
        results = 1;
    } else if (job->op == STORE_PUT && !job->found) {
        lua_pushvalue(L, 5); /* as it was given */
        lua_pushboolean(L, 0);
        results = 2;
    } else {
        lua_pushlstring(L, job->completion.data ? job->completion.data : "", job->completion.len);
        lua_pushboolean(L, 1);
        results = 2;
    }
    store_job_free(job);
    p->job = NULL;
    p->back = false;
    return results;
}

/* Submits what the pending box on top of the stack holds, and waits for it. */
static int submit_with(lua_State *L, opened *o, pending *p, lua_KFunction after) {
    p->job->user = p;
    if (p->job->op == STORE_GET)
        o->rt->reading++;
    else
        o->rt->committed++;
    store_submit_later(o->store, p->job);
    o->submitted = true;
    return task_suspend(L, TASK_OUTSIDE, forget_job, p, lua_gettop(L), after);
}

static int submit(lua_State *L, opened *o, pending *p) {
    return submit_with(L, o, p, after_job);
}

static pending *new_box(lua_State *L) {
    task *self = task_current(L);
    pending *p = lx_box(L, JOB, sizeof *p, 0);
    p->task = self;
    p->back = true; /* ours to free, until it is submitted */
    return p;
}

static pending *new_pending(lua_State *L, enum store_op op) {
    pending *p = new_box(L);
    p->job = calloc(1, sizeof *p->job);
    if (!p->job) luaL_error(L, "out of memory");
    p->job->op = op;
    return p;
}

/* ---- for lua/store_batch.c ---- */

store_job **store_new_job(lua_State *L) {
    check_store(L);
    return &new_box(L)->job;
}

int store_submit_job(lua_State *L, lua_KFunction after) {
    pending *p = luaL_checkudata(L, -1, JOB);
    p->back = false;
    return submit_with(L, check_store(L), p, after);
}

store_job *store_job_back(lua_State *L, lua_KContext ctx) {
    return ((pending *)luaL_checkudata(L, (int)ctx, JOB))->job;
}

void store_job_done(lua_State *L, lua_KContext ctx) {
    pending *p = luaL_checkudata(L, (int)ctx, JOB);
    store_job_free(p->job);
    p->job = NULL;
    p->back = false;
}

/* store:has_pending() -> whether calls were under way in batches when the store was opened */
static int l_has_pending(lua_State *L) {
    lua_pushboolean(L, store_has_pending(check_store(L)->store));
    return 1;
}

/* store:get(key) -> completion | nil (not there) | nil, {kind = "store", message =} */
static int l_get(lua_State *L) {
    opened *o = check_store(L);
    unsigned char key[32];
    check_key(L, 2, key);
    pending *p = new_pending(L, STORE_GET);
    memcpy(p->job->key, key, sizeof key);
    p->back = false;
    return submit(L, o, p);
}

/*
 * store:put(key, request, wire, completion, created_ms)
 *   -> completion that the store now holds, whether it held it before | nil, {kind =, message =}
 * Returns once the completion is committed.
 */
static int l_put(lua_State *L) {
    opened *o = check_store(L);
    lua_settop(L, 6);
    unsigned char key[32];
    check_key(L, 2, key);
    lua_Integer created = luaL_checkinteger(L, 6);
    pending *p = new_pending(L, STORE_PUT);
    memcpy(p->job->key, key, sizeof key);
    p->job->created_ms = created;
    if (!copy_text(L, 3, &p->job->request) || !copy_text(L, 4, &p->job->wire) ||
        !copy_text(L, 5, &p->job->completion))
        return luaL_error(L, "out of memory");
    p->back = false;
    return submit(L, o, p);
}

/* ---- for tools ---- */

typedef struct visit {
    lua_State *L;
    bool failed;
} visit;

/* Calls the Lua function at index 2; its error must not cross SQLite's frames. */
static int visit_record(void *arg, const store_record *r) {
    visit *v = arg;
    lua_State *L = v->L;
    lua_pushvalue(L, 2);
    lua_createtable(L, 0, 5);
    lua_pushlstring(L, (const char *)r->key, DIGEST_SIZE);
    lua_setfield(L, -2, "key");
    lua_pushlstring(L, r->request, r->request_len);
    lua_setfield(L, -2, "request");
    lua_pushlstring(L, r->wire, r->wire_len);
    lua_setfield(L, -2, "wire");
    lua_pushlstring(L, r->completion, r->completion_len);
    lua_setfield(L, -2, "completion");
    lua_pushinteger(L, r->created_ms);
    lua_setfield(L, -2, "created");
    if (lua_pcall(L, 1, 0, 0) == LUA_OK) return 0;
    v->failed = true;
    return 1;
}

/* each(path, fn [, salvage]) -> true, damaged | nil, {kind =, message =}: calls fn{key =, request
 * =, wire =, completion =, created =} for every completion, oldest first. fn cannot wait. When
 * salvage, damaged ones are counted and left out. */
static int l_each(lua_State *L) {
    const char *path = luaL_checkstring(L, 1);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    bool salvage = lua_toboolean(L, 3);
    lua_settop(L, 2);
    visit v = {L, false};
    char err[512];
    size_t damaged = 0;
    int status = store_each(path, visit_record, &v, salvage ? &damaged : NULL, err, sizeof err);
    if (v.failed) return lua_error(L); /* on top, as pcall left it */
    if (status < 0) return lx_fail(L, "store", "%s", err);
    lua_pushboolean(L, 1);
    lua_pushinteger(L, (lua_Integer)damaged);
    return 2;
}

/* sample(path, most, fn) -> true | nil, {kind =, message =}: calls fn as `each` does, for at most
 * so many completions, evenly over the store in the order of writing. Damaged ones are left out. */
static int l_sample(lua_State *L) {
    const char *path = luaL_checkstring(L, 1);
    lua_Integer most = luaL_checkinteger(L, 2);
    luaL_argcheck(L, most > 0, 2, "must be 1 or more");
    luaL_checktype(L, 3, LUA_TFUNCTION);
    lua_settop(L, 3);
    lua_remove(L, 2); /* the function is at 2, where visit_record looks for it */
    visit v = {L, false};
    char err[512];
    int status = store_sample(path, (size_t)most, visit_record, &v, err, sizeof err);
    if (v.failed) return lua_error(L);
    if (status < 0) return lx_fail(L, "store", "%s", err);
    lua_pushboolean(L, 1);
    return 1;
}

/* prune(path, keys) -> how many were there | nil, {kind =, message =} */
static int l_prune(lua_State *L) {
    const char *path = luaL_checkstring(L, 1);
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    lua_Integer n = luaL_len(L, 2);
    unsigned char *keys = lua_newuserdatauv(L, (size_t)n * DIGEST_SIZE + 1, 0);
    for (lua_Integer i = 0; i < n; i++) {
        size_t len = 0;
        lua_rawgeti(L, 2, i + 1);
        const char *key = lua_tolstring(L, -1, &len);
        luaL_argcheck(L, key && len == DIGEST_SIZE, 2, "a key has 32 bytes");
        memcpy(keys + (size_t)i * DIGEST_SIZE, key, DIGEST_SIZE);
        lua_pop(L, 1);
    }
    char err[512];
    int64_t pruned = store_prune(path, keys, (size_t)n, err, sizeof err);
    if (pruned < 0) return lx_fail(L, "store", "%s", err);
    lua_pushinteger(L, (lua_Integer)pruned);
    return 1;
}

int luaopen_fellowship_core_store(lua_State *L) {
    static const luaL_Reg methods[] = {{"get", l_get},
                                       {"put", l_put},
                                       {"has_pending", l_has_pending},
                                       {"claim", store_batch_claim},
                                       {"settle", store_batch_settle},
                                       {"set_batch", store_batch_set},
                                       {"batches", store_batch_list},
                                       {"holder", store_batch_holder},
                                       {"close", release_store},
                                       {NULL, NULL}};
    lx_class(L, STORE, methods, release_store);
    lx_class(L, JOB, NULL, release_job);
    static const luaL_Reg functions[] = {
        {"open", l_open}, {"each", l_each}, {"sample", l_sample}, {"prune", l_prune}, {NULL, NULL}};
    luaL_newlib(L, functions);
    return 1;
}
