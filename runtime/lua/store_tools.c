/* The completions of a store for tools: all, some, by key; as a recording; taken out. */
#include <lauxlib.h>
#include <string.h>

#include "engine/store/prune.h"
#include "engine/store/recording.h"
#include "engine/store/scan.h"
#include "lua/box.h"
#include "lua/runtime.h"
#include "lua/store_private.h"

/* A recording's lines go to Lua in pieces of at least so many bytes. */
enum { PIECE = 256 * 1024 };

/* What the functions below show, and to whom: the Lua function at `fn`. */
typedef struct visit {
    lua_State *L;
    int fn;
    bool request, wire, completion; /* wanted */
    bool failed;                    /* the error is on top of the stack */
    bool stopped;                   /* by Ctrl+C */
    /* of lines: */
    buf *lines;
    lua_Integer count;
    size_t no_json;
} visit;

/* ---- calling Lua: no error crosses SQLite's frames, of memory neither ---- */

static void set_text(lua_State *L, const char *name, const char *text, size_t len) {
    lua_pushlstring(L, text, len);
    lua_setfield(L, -2, name);
}

/* [-3, +1] Calls a function with a record of a visit, which are light userdata. */
static int show_record(lua_State *L) {
    const visit *v = lua_touserdata(L, 2);
    const store_record *r = lua_touserdata(L, 3);
    lua_settop(L, 1);
    lua_createtable(L, 0, 5);
    set_text(L, "key", (const char *)r->key, STORE_KEY);
    if (v->request) set_text(L, "request", r->request, r->request_len);
    if (v->wire) set_text(L, "wire", r->wire, r->wire_len);
    if (v->completion) set_text(L, "completion", r->completion, r->completion_len);
    lua_pushinteger(L, r->created_ms);
    lua_setfield(L, -2, "created");
    lua_call(L, 1, 1);
    return 1;
}

/* Runs a C function with the visit's Lua function, the visit and a pointer, none of which takes
 * memory. False when it raised. */
static bool run(visit *v, lua_CFunction fn, const void *arg) {
    lua_pushcfunction(v->L, fn);
    lua_pushvalue(v->L, v->fn);
    lua_pushlightuserdata(v->L, v);
    lua_pushlightuserdata(v->L, (void *)(uintptr_t)arg);
    v->failed = lua_pcall(v->L, 3, 1, 0) != LUA_OK;
    return !v->failed;
}

/* Ctrl+C is not heard by Lua before the visit ends. */
static bool is_interrupted(visit *v) {
    v->stopped = runtime_of(v->L)->interrupts > 0;
    return v->stopped;
}

static int visit_record(void *arg, const store_record *r) {
    visit *v = arg;
    if (is_interrupted(v) || !run(v, show_record, r)) return 1;
    bool enough = lua_isboolean(v->L, -1) && !lua_toboolean(v->L, -1);
    lua_pop(v->L, 1);
    return enough;
}

/* [-3, +0] Calls a function with the lines that have gathered. */
static int show_lines(lua_State *L) {
    const visit *v = lua_touserdata(L, 2);
    lua_settop(L, 1);
    box_push_buf(L, v->lines);
    buf_clear(v->lines);
    lua_call(L, 1, 0);
    lua_pushnil(L);
    return 1;
}

static bool hand_over_lines(visit *v) {
    if (!run(v, show_lines, NULL)) return false;
    lua_pop(v->L, 1);
    return true;
}

static int raise_memory(lua_State *L) {
    return luaL_error(L, "out of memory");
}

/* Notes a line; nothing of what is no JSON. */
static bool look_line(const void *arg, json_reader *reader, const store_record *r, buf *note) {
    (void)arg;
    return store_recording_write(note, reader, r) != RECORDING_NO_MEMORY;
}

static int visit_line(void *arg, const store_record *r) {
    visit *v = arg;
    if (is_interrupted(v)) return 1;
    if (!buf_append(v->lines, r->note, r->note_len)) return !run(v, raise_memory, NULL);
    if (r->note_len)
        v->count++;
    else
        v->no_json++;
    return v->lines->len >= PIECE && !hand_over_lines(v);
}

/* ---- results ---- */

/* [-0, +2] The error of a visit that did not end well; 0 when it did. */
static int push_problem(lua_State *L, const visit *v, bool well, const char *err) {
    if (v->failed) return lua_error(L); /* on top, as pcall left it */
    if (v->stopped) return box_fail(L, "cancelled", "interrupted");
    return well ? 0 : box_fail(L, "store", "%s", err);
}

/* [-0, +2] */
static int push_damage(lua_State *L, const store_damage *damage) {
    lua_pushinteger(L, (lua_Integer)damage->lost);
    lua_pushboolean(L, damage->any);
    return 2;
}

static enum store_order order_field(lua_State *L, int options) {
    static const char *const names[] = {
        [STORE_BY_TIME] = "time", [STORE_AS_WRITTEN] = "written", [STORE_LAST_FIRST] = "last"};
    const char *name = box_string_field(L, options, "order", NULL);
    if (!name) return STORE_BY_TIME;
    for (int i = 0; i < 3; i++)
        if (strcmp(name, names[i]) == 0) return (enum store_order)i;
    return (enum store_order)luaL_error(L, "order must be time, written or last");
}

/* ---- the functions ---- */

/*
 * each(path, fn, {salvage =, order =, request =, wire =, completion =}?)
 *   -> true, lost, damaged | nil, {kind =, message =}
 *
 * Calls fn{key =, created =, request =, wire =, completion =} for every completion until it returns
 * false; fn cannot wait. The texts are left out that are false in the options. In the order of
 * "time" when not said; "written" and "last" are that of writing, and against it. When salvage,
 * what is damaged is passed over: `lost` completions are known to have been there.
 */
int store_tools_each(lua_State *L) {
    const char *path = luaL_checkstring(L, 1);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_settop(L, 3);
    enum store_order order = order_field(L, 3);
    bool salvage = box_boolean_field(L, 3, "salvage", false);
    visit v = {.L = L,
               .fn = 2,
               .request = box_boolean_field(L, 3, "request", true),
               .wire = box_boolean_field(L, 3, "wire", true),
               .completion = box_boolean_field(L, 3, "completion", true)};
    char err[512];
    store_damage damage = {0};
    store_how how = {.order = order,
                     .keys_only = !v.request && !v.wire && !v.completion,
                     .damage = salvage ? &damage : NULL};
    int status = store_each(path, &how, visit_record, &v, err, sizeof err);
    int failed = push_problem(L, &v, status >= 0, err);
    if (failed) return failed;
    lua_pushboolean(L, 1);
    return 1 + push_damage(L, &damage);
}

/* sample(path, most, fn) -> true | nil, {kind =, message =}: calls fn as `each` does, for at most
 * so many completions, evenly over the store in the order of writing. Damaged ones are left out. */
int store_tools_sample(lua_State *L) {
    const char *path = luaL_checkstring(L, 1);
    lua_Integer most = luaL_checkinteger(L, 2);
    luaL_argcheck(L, most > 0, 2, "must be 1 or more");
    luaL_checktype(L, 3, LUA_TFUNCTION);
    lua_settop(L, 3);
    visit v = {.L = L, .fn = 3, .request = true, .wire = true, .completion = true};
    char err[512];
    int status = store_sample(path, (size_t)most, visit_record, &v, err, sizeof err);
    int failed = push_problem(L, &v, status >= 0, err);
    if (failed) return failed;
    lua_pushboolean(L, 1);
    return 1;
}

/* find(path, low, high, most, fn) -> count | nil, {kind =, message =}: calls fn as `each` does for
 * the completions whose keys are from low to high, unless there are more than `most`. Both begin
 * with the same bit. */
int store_tools_find(lua_State *L) {
    const char *path = luaL_checkstring(L, 1);
    unsigned char low[STORE_KEY], high[STORE_KEY];
    store_check_key(L, 2, low);
    store_check_key(L, 3, high);
    luaL_argcheck(L, (low[0] ^ high[0]) < 0x80, 3, "begins with another bit");
    lua_Integer most = luaL_checkinteger(L, 4);
    luaL_argcheck(L, most > 0 && most < INT32_MAX, 4, "must be 1 or more");
    luaL_checktype(L, 5, LUA_TFUNCTION);
    lua_settop(L, 5);
    visit v = {.L = L, .fn = 5, .request = true, .wire = true, .completion = true};
    char err[512];
    int64_t count = store_find(path, low, high, (size_t)most, visit_record, &v, err, sizeof err);
    int failed = push_problem(L, &v, count >= 0, err);
    if (failed) return failed;
    lua_pushinteger(L, (lua_Integer)count);
    return 1;
}

/* Shows all that can be read as lines, and the rest of them. */
static int each_line(const char *path, visit *v, store_damage *damage, char *err, size_t errlen) {
    store_how how = {.damage = damage, .look = look_line};
    int status = store_each(path, &how, visit_line, v, err, errlen);
    if (status == 0 && v->lines->len > 0) hand_over_lines(v);
    return status;
}

/*
 * lines(path, fn) -> count, lost, damaged | nil, {kind =, message =}
 * Calls fn with pieces of a recording, whole lines, in the order of time; see each, of which it is
 * the salvaging form. What is no JSON is lost.
 */
int store_tools_lines(lua_State *L) {
    const char *path = luaL_checkstring(L, 1);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_settop(L, 2);
    visit v = {.L = L, .fn = 2, .lines = box_buf(L)};
    char err[512];
    store_damage damage;
    int status = each_line(path, &v, &damage, err, sizeof err);
    buf_free(v.lines);
    int failed = push_problem(L, &v, status >= 0, err);
    if (failed) return failed;
    damage.lost += v.no_json;
    damage.any = damage.any || v.no_json > 0;
    lua_pushinteger(L, v.count);
    return 1 + push_damage(L, &damage);
}

/* prune(path, keys) -> how many were there, problem | nil, {kind =, message =}: of keys one behind
 * the other, as `select` gives them; `problem`, a text, when they are gone and the file could not
 * be made smaller */
int store_tools_prune(lua_State *L) {
    const char *path = luaL_checkstring(L, 1);
    size_t len;
    const char *keys = luaL_checklstring(L, 2, &len);
    luaL_argcheck(L, len % STORE_KEY == 0, 2, "must be keys of 32 bytes");
    char err[512];
    int64_t pruned =
        store_prune(path, (const unsigned char *)keys, len / STORE_KEY, err, sizeof err);
    if (pruned < 0) return box_fail(L, "store", "%s", err);
    lua_pushinteger(L, (lua_Integer)pruned);
    if (err[0])
        lua_pushstring(L, err);
    else
        lua_pushnil(L);
    return 2;
}
