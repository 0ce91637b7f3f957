#include "lua/modules.h"

#include <assert.h>
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "lua/box.h"
#include "lua/store_private.h"
#include "lua/task.h"

/* How long a script may have others' calls awaited, in seconds. */
#define MOST_AWAITED 1e6

/* Key of the registry, by address: the boxes of jobs that are out and use their texts, by job. */
static const char jobs_out;

static const box_class store_class;

/* An open store and its way back into the loop. The box owns both. */
typedef struct opened {
    box_head head;
    runtime *rt;
    store *store; /* NULL when closed */
    loop_wake *wake;
    turn_hook hook; /* hands over what a turn has submitted */
    bool hooked, submitted;
} opened;

/* What a task waits with: the job comes back into it. The job's `user` points here until the task
 * is cancelled, then the result is dropped. */
typedef struct pending {
    box_head head;
    task *task;
    store_job *job;
    int64_t foreign; /* commits of others, before a look-up */
    void *used;      /* another box that the job uses while it is out; or NULL */
    bool mine;       /* the job is not out */
} pending;

/* User values of a pending: texts that its job uses. */
enum { REQUEST = 1, WIRE, COMPLETION, TEXTS = COMPLETION };

/* A call that this process holds; user value 1 is the store. */
typedef struct lease {
    box_head head;
    opened *of;
    unsigned char key[STORE_KEY];
} lease;

/* ---- jobs that come back ---- */

static void notify(void *arg) {
    loop_wake_send(arg);
}

/* [-0, +0] Lets go of what a job has used. */
static void release_used(runtime *rt, const store_job *job) {
    lua_State *L = rt->L;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &jobs_out);
    lua_rawgetp(L, -1, job);
    pending *p = lua_touserdata(L, -1);
    if (p && p->used) box_leave(p->used);
    lua_pushnil(L);
    lua_rawsetp(L, -3, job);
    lua_pop(L, 2);
}

static bool uses_texts(const store_job *job) {
    return job->op == STORE_PUT || job->op == STORE_WORK;
}

static void on_jobs_done(void *arg) {
    opened *o = arg;
    for (store_job *job = store_collect(o->store), *next; job; job = next) {
        next = job->next;
        if (job->op == STORE_GET) o->rt->reading--;
        if (uses_texts(job)) {
            o->rt->committed--;
            release_used(o->rt, job);
        }
        pending *p = job->user;
        if (p) {
            p->mine = true;
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

/* ---- opening and closing ---- */

/* Jobs that are out are done first, and whoever waits for one gets what came of it. */
static void release_store(void *box) {
    opened *o = box;
    if (o->hooked) runtime_remove_hook(o->rt, &o->hook);
    o->hooked = false;
    if (o->store) {
        store_finish(o->store); /* first: its thread uses the wake */
        on_jobs_done(o);
        store_close(o->store);
    }
    loop_wake_free(o->wake);
    o->store = NULL;
    o->wake = NULL;
}

/* [-2, +0] Calls a function with a text, which is a light userdata. */
static int say_text(lua_State *L) {
    lua_pushstring(L, lua_touserdata(L, 2));
    lua_replace(L, 2);
    lua_call(L, 1, 0);
    return 0;
}

/* Calls the function at index 2; its error must not leave the store half open. */
static void say(void *arg, const char *text) {
    lua_State *L = arg;
    lua_pushcfunction(L, say_text);
    lua_pushvalue(L, 2);
    lua_pushlightuserdata(L, (void *)(uintptr_t)text);
    if (lua_pcall(L, 2, 0, 0) != LUA_OK) lua_pop(L, 1);
}

/*
 * open{path =, read_only =, durable =, prompt =, say =} -> store | nil, {kind = "store", message =}
 * say(text) is called before opening takes long.
 */
static int l_open(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    bool talks = lua_getfield(L, 1, "say") == LUA_TFUNCTION;
    const char *path = box_string_field(L, 1, "path", NULL);
    luaL_argcheck(L, path, 1, "path is missing");
    opened *o = box_new(L, &store_class, sizeof *o, 0);
    o->rt = runtime_of(L);
    o->wake = loop_wake_new(o->rt->loop, on_jobs_done, o);
    if (!o->wake) return luaL_error(L, "out of memory");
    store_options options = {.path = path,
                             .read_only = box_boolean_field(L, 1, "read_only", false),
                             .durable = box_boolean_field(L, 1, "durable", false),
                             .prompt = box_boolean_field(L, 1, "prompt", false),
                             .notify = notify,
                             .notify_arg = o->wake,
                             .say = talks ? say : NULL,
                             .say_arg = L};
    char err[512];
    o->store = store_open(&options, err, sizeof err);
    if (!o->store) return box_fail(L, "store", "%s", err);
    o->hook = (turn_hook){hand_over, o, NULL};
    runtime_add_hook(o->rt, &o->hook);
    o->hooked = true;
    return 1;
}

static opened *check_store(lua_State *L) {
    opened *o = box_check(L, 1, &store_class);
    assert(o->store);
    return o;
}

/* ---- jobs that go ---- */

static void release_job(void *box) {
    pending *p = box;
    if (p->mine) store_job_free(p->job);
    p->job = NULL;
    p->mine = false;
}

static const box_class job_class = {.name = "fellowship.store.job", .release = release_job};

/* The task is cancelled: on_jobs_done frees the job. */
static void forget_job(void *arg) {
    pending *p = arg;
    p->job->user = NULL;
    atomic_store(&p->job->withdrawn, true);
    p->job = NULL;
}

void store_check_key(lua_State *L, int arg, unsigned char out[STORE_KEY]) {
    size_t len;
    const char *key = luaL_checklstring(L, arg, &len);
    if (len != STORE_KEY) luaL_error(L, "a key has %d bytes", STORE_KEY);
    memcpy(out, key, STORE_KEY);
}

/* [-0, +1] A box for a job, which is the box's until it is submitted. */
static pending *new_box(lua_State *L) {
    task *self = task_current(L);
    pending *p = box_new(L, &job_class, sizeof *p, TEXTS);
    p->task = self;
    p->mine = true;
    return p;
}

static pending *new_pending(lua_State *L, enum store_op op) {
    pending *p = new_box(L);
    p->job = calloc(1, sizeof *p->job);
    if (!p->job) luaL_error(L, "out of memory");
    p->job->op = op;
    return p;
}

/* Submits what the pending box on top of the stack holds, and waits for it. */
static int submit(lua_State *L, opened *o, pending *p, lua_KFunction after) {
    if (uses_texts(p->job)) {
        lua_rawgetp(L, LUA_REGISTRYINDEX, &jobs_out);
        lua_pushvalue(L, -2);
        lua_rawsetp(L, -2, p->job);
        lua_pop(L, 1);
        if (p->used) box_enter(p->used);
        o->rt->committed++;
    } else if (p->job->op == STORE_GET) {
        o->rt->reading++;
    }
    p->job->user = p;
    p->mine = false;
    store_submit_later(o->store, p->job);
    o->submitted = true;
    return task_suspend(L, TASK_OUTSIDE, forget_job, p, lua_gettop(L), after);
}

/* The pending at an index, whose job has come back. */
static pending *pending_at(lua_State *L, lua_KContext ctx) {
    pending *p = lua_touserdata(L, (int)ctx);
    assert(p->mine && p->job);
    return p;
}

/* ---- for lua/store_batch.c and lua/store_import.c ---- */

void store_check_open(lua_State *L) {
    check_store(L);
}

store_job **store_new_job(lua_State *L) {
    return &new_box(L)->job;
}

void store_job_uses(lua_State *L, void *box) {
    pending *p = lua_touserdata(L, -1);
    p->used = box;
}

int store_submit_job(lua_State *L, lua_KFunction after) {
    return submit(L, check_store(L), lua_touserdata(L, -1), after);
}

store_job *store_job_back(lua_State *L, lua_KContext ctx) {
    return pending_at(L, ctx)->job;
}

void store_job_done(lua_State *L, lua_KContext ctx) {
    release_job(pending_at(L, ctx));
}

/* store:has_pending() -> whether calls were under way in batches when the store was opened */
static int l_has_pending(lua_State *L) {
    lua_pushboolean(L, store_has_pending(check_store(L)->store));
    return 1;
}

/* ---- completions ---- */

static int after_get(lua_State *L, int status, lua_KContext ctx) {
    (void)status;
    pending *p = pending_at(L, ctx);
    store_job *job = p->job;
    int results;
    if (job->error) {
        results = box_fail(L, "store", "%s", job->error);
    } else if (job->found) {
        lua_pushlstring(L, job->answer.data, job->answer.len);
        results = 1;
    } else {
        lua_pushnil(L);
        lua_pushnil(L);
        lua_pushinteger(L, p->foreign);
        results = 3;
    }
    release_job(p);
    return results;
}

/* store:get(key) -> completion | nil, nil, seen (not there) | nil, {kind = "store", message =}
 * `seen` is for store:lease. */
static int l_get(lua_State *L) {
    opened *o = check_store(L);
    unsigned char key[STORE_KEY];
    store_check_key(L, 2, key);
    pending *p = new_pending(L, STORE_GET);
    memcpy(p->job->key, key, sizeof key);
    p->foreign = store_foreign_commits(o->store);
    return submit(L, o, p, after_get);
}

static int after_put(lua_State *L, int status, lua_KContext ctx) {
    (void)status;
    pending *p = pending_at(L, ctx);
    store_job *job = p->job;
    int results = 2;
    if (job->error)
        results = box_fail(L, "store", "%s", job->error);
    else if (job->found)
        lua_pushlstring(L, job->answer.data, job->answer.len);
    else
        lua_getiuservalue(L, (int)ctx, COMPLETION); /* as it was given */
    if (!job->error) lua_pushboolean(L, job->found);
    release_job(p);
    return results;
}

/* [-0, +0] The text at arg, which the box on top of the stack keeps. */
static pack_text keep_text(lua_State *L, int arg, int value) {
    pack_text text;
    text.data = luaL_checklstring(L, arg, &text.len);
    lua_pushvalue(L, arg);
    lua_setiuservalue(L, -2, value);
    return text;
}

/*
 * store:put(key, request, wire, completion, created_ms)
 *   -> completion that the store now has, whether it had it before | nil, {kind =, message =}
 * Returns once the completion is committed.
 */
static int l_put(lua_State *L) {
    opened *o = check_store(L);
    lua_settop(L, 6);
    lua_Integer created = luaL_checkinteger(L, 6);
    pending *p = new_pending(L, STORE_PUT);
    store_check_key(L, 2, p->job->key);
    p->job->request = keep_text(L, 3, REQUEST);
    p->job->wire = keep_text(L, 4, WIRE);
    p->job->completion = keep_text(L, 5, COMPLETION);
    p->job->created_ms = created;
    return submit(L, o, p, after_put);
}

/* ---- leases ---- */

static void release_lease(void *box) {
    lease *l = box;
    if (l->of && l->of->store) store_end_lease(l->of->store, l->key);
    l->of = NULL;
}

static const luaL_Reg lease_methods[] = {{"close", box_close}, {NULL, NULL}};

static const box_class lease_class = {.name = "fellowship.store.lease",
                                      .closed = "the lease is closed",
                                      .methods = lease_methods,
                                      .release = release_lease};

/*
 * store:lease(key, seen) -> lease, changed | nil
 *
 * For who is about to pay for a call that is not in the store. nil: another process does so now;
 * store:await waits for it. Else none does until the lease is closed, or this process ends. When
 * `changed`, the call is to be looked up again, since others have committed after the look-up that
 * gave `seen`.
 */
static int l_lease(lua_State *L) {
    opened *o = check_store(L);
    unsigned char key[STORE_KEY];
    store_check_key(L, 2, key);
    lua_Integer seen = luaL_checkinteger(L, 3);
    lease *l = box_new(L, &lease_class, sizeof *l, 1);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, 1);
    if (!store_lease(o->store, key)) return 0;
    l->of = o;
    memcpy(l->key, key, sizeof key);
    lua_pushboolean(L, seen < 0 || seen != store_foreign_commits(o->store));
    return 2;
}

static int after_await(lua_State *L, int status, lua_KContext ctx) {
    (void)status;
    pending *p = pending_at(L, ctx);
    lua_pushboolean(L, p->job->found);
    release_job(p);
    return 1;
}

/* store:await(key, seconds) -> whether no process has the lease any more; false: after so long */
static int l_await(lua_State *L) {
    opened *o = check_store(L);
    unsigned char key[STORE_KEY];
    store_check_key(L, 2, key);
    lua_Number seconds = luaL_checknumber(L, 3);
    luaL_argcheck(L, seconds >= 0 && seconds <= MOST_AWAITED, 3, "must be seconds, 0 or more");
    pending *p = new_pending(L, STORE_AWAIT);
    memcpy(p->job->key, key, sizeof key);
    p->job->until_ms = store_now_ms() + (int64_t)(seconds * 1000);
    return submit(L, o, p, after_await);
}

static const luaL_Reg store_methods[] = {{"get", l_get},
                                         {"put", l_put},
                                         {"lease", l_lease},
                                         {"await", l_await},
                                         {"has_pending", l_has_pending},
                                         {"claim", store_batch_claim},
                                         {"complete", store_batch_complete},
                                         {"set_batch", store_batch_set},
                                         {"batches", store_batch_list},
                                         {"holder", store_batch_holder},
                                         {"import", store_import_lines},
                                         {"import_from", store_import_source},
                                         {"close", box_close},
                                         {NULL, NULL}};

static const box_class store_class = {.name = "fellowship.store",
                                      .closed = "the store is closed",
                                      .methods = store_methods,
                                      .release = release_store};

int luaopen_fellowship_core_store(lua_State *L) {
    box_register(L, &store_class);
    box_register(L, &lease_class);
    store_import_register(L);
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &jobs_out);
    static const luaL_Reg functions[] = {{"open", l_open},
                                         {"each", store_tools_each},
                                         {"find", store_tools_find},
                                         {"sample", store_tools_sample},
                                         {"lines", store_tools_lines},
                                         {"prune", store_tools_prune},
                                         {"nearest", store_ask_nearest},
                                         {"select", store_ask_select},
                                         {"source", store_import_open},
                                         {NULL, NULL}};
    luaL_newlib(L, functions);
    return 1;
}
