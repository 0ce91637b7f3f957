/* Calls that are under way in batches: methods of the store, for model.batch. */
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "lua/box.h"
#include "lua/store_private.h"
#include "engine/digest.h"
#include "engine/store/batch.h"

/* [-0, +1] A box with a job of `count` entries. */
static store_batch *new_work(lua_State *L, enum store_batch_op op, lua_Integer count) {
    store_batch *b;
    store_job **job = store_new_job(L);
    *job = store_batch_job(op, (size_t)count, &b);
    if (!*job) luaL_error(L, "out of memory");
    return b;
}

static void copy_text(lua_State *L, int index, store_text *out) {
    size_t len;
    const char *text = luaL_checklstring(L, index, &len);
    out->data = malloc(len + 1);
    if (!out->data) luaL_error(L, "out of memory");
    memcpy(out->data, text, len + 1);
    out->len = len;
}

/* [-0, +0] Copies a field of the table on top of the stack. */
static void copy_field(lua_State *L, const char *name, store_text *out) {
    if (lua_getfield(L, -1, name) != LUA_TSTRING) luaL_error(L, "%s must be a string", name);
    copy_text(L, -1, out);
    lua_pop(L, 1);
}

static void copy_key(lua_State *L, int index, unsigned char out[DIGEST_SIZE]) {
    size_t len;
    const char *key = luaL_checklstring(L, index, &len);
    if (len != DIGEST_SIZE) luaL_error(L, "a key has %d bytes", DIGEST_SIZE);
    memcpy(out, key, DIGEST_SIZE);
}

/* Reads the list at index 2 or 3 into the entries of b. */
static void read_entries(lua_State *L, int index, store_batch *b) {
    for (size_t i = 0; i < b->count; i++) {
        store_batch_entry *e = &b->entries[i];
        lua_rawgeti(L, index, (lua_Integer)i + 1);
        luaL_checktype(L, -1, LUA_TTABLE);
        lua_getfield(L, -1, "key");
        copy_key(L, -1, e->key);
        lua_pop(L, 1);
        if (b->op == BATCH_CLAIM) {
            copy_field(L, "request", &e->request);
            copy_field(L, "wire", &e->wire);
        } else {
            copy_field(L, "completion", &e->text);
        }
        lua_pop(L, 1);
    }
}

static int failed(lua_State *L, lua_KContext ctx, const store_job *job) {
    int results = lx_fail(L, "store", "%s", job->error);
    store_job_done(L, ctx);
    return results;
}

/* [-0, +2] A list of how each entry ended, and the texts of those that the store held before. */
static int push_ends(lua_State *L, const store_batch *b) {
    lua_createtable(L, (int)b->count, 0);
    lua_newtable(L);
    for (size_t i = 0; i < b->count; i++) {
        const store_batch_entry *e = &b->entries[i];
        if (e->held) {
            lua_pushlstring(L, e->text.data, e->text.len);
            lua_rawseti(L, -2, (lua_Integer)i + 1);
        }
        if (b->op == BATCH_SETTLE && (e->fresh || e->held))
            lua_pushstring(L, e->fresh ? "fresh" : "held");
        else if (b->op == BATCH_CLAIM && !e->held)
            lua_pushlstring(L, e->text.data, e->text.len);
        else
            lua_pushboolean(L, 0);
        lua_rawseti(L, -3, (lua_Integer)i + 1);
    }
    return 2;
}

static int after_entries(lua_State *L, int status, lua_KContext ctx) {
    (void)status;
    const store_job *job = store_job_back(L, ctx);
    if (job->error) return failed(L, ctx, job);
    int results = push_ends(L, store_batch_of(job));
    store_job_done(L, ctx);
    return results;
}

/* store:claim(uid, {{key =, request =, wire =}, ...}) -> {uid | false, ...}, {[i] = completion}
 * | nil, {kind =, message =} */
int store_batch_claim(lua_State *L) {
    luaL_checktype(L, 3, LUA_TTABLE);
    lua_settop(L, 3);
    store_batch *b = new_work(L, BATCH_CLAIM, luaL_len(L, 3));
    copy_text(L, 2, &b->uid);
    read_entries(L, 3, b);
    return store_submit_job(L, after_entries);
}

/* store:settle({{key =, completion =}, ...}, created_ms) -> {"fresh" | "held" | false, ...},
 * {[i] = completion} | nil, {kind =, message =} */
int store_batch_settle(lua_State *L) {
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_Integer created = luaL_checkinteger(L, 3);
    lua_settop(L, 3);
    store_batch *b = new_work(L, BATCH_SETTLE, luaL_len(L, 2));
    b->created_ms = created;
    read_entries(L, 2, b);
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
    lua_settop(L, 4);
    luaL_checkstring(L, 2);
    store_batch *b = new_work(L, BATCH_STATE, 0);
    copy_text(L, 2, &b->uid);
    if (!lua_isnil(L, 3)) copy_text(L, 3, &b->state);
    b->end = lua_toboolean(L, 4);
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
    lua_settop(L, 2);
    store_batch *b = new_work(L, BATCH_HOLDER, 1);
    copy_key(L, 2, b->entries[0].key);
    return store_submit_job(L, after_holder);
}
