/* Calls that are under way in batches: methods of the store, for fellowship.batch. */
#include <lauxlib.h>

#include "engine/store/batch.h"
#include "lua/box.h"
#include "lua/store_private.h"

/* A job as it is made: its texts are Lua's, and stand in a table that its box keeps. */
typedef struct making {
    store_batch *batch;
    int texts; /* index of the table */
} making;

/* [-0, +2] The table, and on top of it the box with a job of `count` entries. */
static making new_work(lua_State *L, enum store_batch_op op, lua_Integer count) {
    lua_newtable(L);
    making m = {.texts = lua_gettop(L)};
    store_job **job = store_new_job(L);
    lua_pushvalue(L, m.texts);
    lua_setiuservalue(L, -2, 1);
    *job = store_batch_job(op, (size_t)count, &m.batch);
    if (!*job) luaL_error(L, "out of memory");
    return m;
}

static pack_text keep_text(lua_State *L, const making *m, int arg) {
    pack_text text;
    text.data = luaL_checklstring(L, arg, &text.len);
    lua_pushvalue(L, arg);
    lua_rawseti(L, m->texts, (lua_Integer)lua_rawlen(L, m->texts) + 1);
    return text;
}

/* [-0, +0] A field of the table on top of the stack. */
static pack_text keep_field(lua_State *L, const making *m, const char *name) {
    if (lua_getfield(L, -1, name) != LUA_TSTRING) luaL_error(L, "%s must be a string", name);
    pack_text text = keep_text(L, m, lua_gettop(L));
    lua_pop(L, 1);
    return text;
}

/* [-0, +0] Reads the list at an index into the entries. */
static void read_entries(lua_State *L, const making *m, int index) {
    for (size_t i = 0; i < m->batch->count; i++) {
        store_batch_entry *e = &m->batch->entries[i];
        lua_rawgeti(L, index, (lua_Integer)i + 1);
        luaL_checktype(L, -1, LUA_TTABLE);
        lua_getfield(L, -1, "key");
        store_check_key(L, -1, e->key);
        lua_pop(L, 1);
        if (m->batch->op == BATCH_CLAIM) {
            e->request = keep_field(L, m, "request");
            e->wire = keep_field(L, m, "wire");
        } else {
            e->completion = keep_field(L, m, "completion");
        }
        lua_pop(L, 1);
    }
}

static int failed(lua_State *L, lua_KContext ctx, const store_job *job) {
    int results = box_fail(L, "store", "%s", job->error);
    store_job_done(L, ctx);
    return results;
}

/* [-0, +1] How an entry ended, as the methods tell it. */
static void push_end(lua_State *L, enum store_batch_op op, const store_batch_entry *e) {
    if (op == BATCH_CLAIM && !e->found)
        lua_pushlstring(L, e->text.data, e->text.len);
    else if (op == BATCH_COMPLETE && (e->committed || e->found))
        lua_pushstring(L, e->committed ? "committed" : "found");
    else
        lua_pushboolean(L, 0);
}

/* A list of how each entry ended, and the completions that the store had before. */
static int after_entries(lua_State *L, int status, lua_KContext ctx) {
    (void)status;
    const store_job *job = store_job_back(L, ctx);
    if (job->error) return failed(L, ctx, job);
    const store_batch *b = store_batch_of(job);
    lua_createtable(L, (int)b->count, 0);
    lua_newtable(L);
    for (size_t i = 0; i < b->count; i++) {
        const store_batch_entry *e = &b->entries[i];
        if (e->found) {
            lua_pushlstring(L, e->text.data, e->text.len);
            lua_rawseti(L, -2, (lua_Integer)i + 1);
        }
        push_end(L, b->op, e);
        lua_rawseti(L, -3, (lua_Integer)i + 1);
    }
    store_job_done(L, ctx);
    return 2;
}

/* store:claim(uid, {{key =, request =, wire =}, ...}) -> {uid | false, ...}, {[i] = completion}
 * | nil, {kind =, message =} */
int store_batch_claim(lua_State *L) {
    store_check_open(L);
    luaL_checktype(L, 3, LUA_TTABLE);
    lua_settop(L, 3);
    making m = new_work(L, BATCH_CLAIM, luaL_len(L, 3));
    m.batch->uid = keep_text(L, &m, 2);
    read_entries(L, &m, 3);
    return store_submit_job(L, after_entries);
}

/* store:complete({{key =, completion =}, ...}, created_ms) -> {"committed" | "found" | false, ...},
 * {[i] = completion} | nil, {kind =, message =} */
int store_batch_complete(lua_State *L) {
    store_check_open(L);
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_Integer created = luaL_checkinteger(L, 3);
    lua_settop(L, 3);
    making m = new_work(L, BATCH_COMPLETE, luaL_len(L, 2));
    m.batch->created_ms = created;
    read_entries(L, &m, 2);
    return store_submit_job(L, after_entries);
}

static int after_state(lua_State *L, int status, lua_KContext ctx) {
    (void)status;
    const store_job *job = store_job_back(L, ctx);
    if (job->error) return failed(L, ctx, job);
    store_job_done(L, ctx);
    lua_pushboolean(L, 1);
    return 1;
}

/* store:set_batch(uid, state | nil [, ended]) -> true | nil, {kind =, message =} */
int store_batch_set(lua_State *L) {
    store_check_open(L);
    lua_settop(L, 4);
    making m = new_work(L, BATCH_STATE, 0);
    m.batch->uid = keep_text(L, &m, 2);
    if (!lua_isnil(L, 3)) m.batch->state = keep_text(L, &m, 3);
    m.batch->end = lua_toboolean(L, 4);
    return store_submit_job(L, after_state);
}

static int after_list(lua_State *L, int status, lua_KContext ctx) {
    (void)status;
    const store_job *job = store_job_back(L, ctx);
    if (job->error) return failed(L, ctx, job);
    const store_batch *b = store_batch_of(job);
    lua_createtable(L, (int)b->row_count, 0);
    for (size_t i = 0; i < b->row_count; i++) {
        const store_batch_row *r = &b->rows[i];
        lua_createtable(L, 0, 3);
        lua_pushlstring(L, r->uid.data, r->uid.len);
        lua_setfield(L, -2, "uid");
        lua_pushlstring(L, r->state.data, r->state.len);
        lua_setfield(L, -2, "state");
        lua_pushinteger(L, r->pending);
        lua_setfield(L, -2, "pending");
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    store_job_done(L, ctx);
    return 1;
}

/* store:batches() -> {{uid =, state =, pending =}, ...} | nil, {kind =, message =} */
int store_batch_list(lua_State *L) {
    store_check_open(L);
    lua_settop(L, 1);
    new_work(L, BATCH_LIST, 0);
    return store_submit_job(L, after_list);
}

static int after_holder(lua_State *L, int status, lua_KContext ctx) {
    (void)status;
    const store_job *job = store_job_back(L, ctx);
    if (job->error) return failed(L, ctx, job);
    const store_text *uid = &store_batch_of(job)->entries[0].text;
    if (uid->data)
        lua_pushlstring(L, uid->data, uid->len);
    else
        lua_pushnil(L);
    store_job_done(L, ctx);
    return 1;
}

/* store:holder(key) -> uid | nil | nil, {kind =, message =} */
int store_batch_holder(lua_State *L) {
    store_check_open(L);
    lua_settop(L, 2);
    making m = new_work(L, BATCH_HOLDER, 1);
    store_check_key(L, 2, m.batch->entries[0].key);
    return store_submit_job(L, after_holder);
}
