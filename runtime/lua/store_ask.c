/* What is asked of all completions of a store at once, and answered here: which request is nearest
 * to one, which completions are of a kind. They are looked at on several threads
 * (engine/store/scan.h), and no Lua runs meanwhile. */
#include <lauxlib.h>
#include <string.h>

#include "engine/digest.h"
#include "engine/store/likeness.h"
#include "engine/store/scan.h"
#include "lua/box.h"
#include "lua/runtime.h"
#include "lua/store_private.h"

/* How a question ended that was not answered. */
typedef struct asking {
    const runtime *runtime;
    bool stopped, no_memory;
} asking;

/* Ctrl+C is not heard by Lua before the end. */
static bool is_stopped(asking *a) {
    a->stopped = a->runtime->interrupts > 0;
    return a->stopped;
}

/* [-0, +2] The error of a question; 0 when it was answered. */
static int push_problem(lua_State *L, const asking *a, int status, const char *err) {
    if (a->no_memory) return luaL_error(L, "out of memory");
    if (a->stopped) return box_fail(L, "cancelled", "interrupted");
    return status < 0 ? box_fail(L, "store", "%s", err) : 0;
}

/* ---- the nearest ---- */

enum { REQUESTS_MOST = 64 };

typedef struct wanted {
    member members[MEMBERS_MOST];
    int count;
    unsigned char key[STORE_KEY];
    bool known;   /* the store has it */
    double best;  /* the likeness of: */
    buf *request; /* the nearest; empty: none yet */
    unsigned char best_key[STORE_KEY];
    int64_t created_ms;
} wanted;

typedef struct nearest {
    asking asking;
    const char *content;
    double weight;
    int count;
    wanted *list;
    lua_Integer seen;
} nearest;

/* Notes a likeness to each, and the request. */
static bool look_near(const void *arg, json_reader *reader, const store_record *r, buf *note) {
    const nearest *n = arg;
    member members[MEMBERS_MOST];
    int count = members_read(reader, r->request, r->request_len, members);
    for (int i = 0; i < n->count; i++) {
        const wanted *w = &n->list[i];
        double likeness =
            store_likeness(w->members, w->count, members, count, n->content, n->weight);
        if (!buf_append(note, &likeness, sizeof likeness)) return false;
    }
    return buf_append(note, r->request, r->request_len);
}

static bool keep_nearer(wanted *w, const store_record *r, double likeness, size_t request_at) {
    if (memcmp(r->key, w->key, STORE_KEY) == 0) w->known = true;
    if (likeness <= w->best) return true;
    w->best = likeness;
    w->created_ms = r->created_ms;
    memcpy(w->best_key, r->key, STORE_KEY);
    buf_clear(w->request);
    return buf_append(w->request, r->note + request_at, r->note_len - request_at);
}

static int visit_near(void *arg, const store_record *r) {
    nearest *n = arg;
    if (is_stopped(&n->asking)) return 1;
    n->seen++;
    size_t request_at = (size_t)n->count * sizeof(double);
    for (int i = 0; i < n->count && !n->asking.no_memory; i++) {
        double likeness;
        memcpy(&likeness, r->note + (size_t)i * sizeof likeness, sizeof likeness);
        n->asking.no_memory = !keep_nearer(&n->list[i], r, likeness, request_at);
    }
    return n->asking.no_memory;
}

/* [-0, +count] Reads the requests of the list at index 2; a box for each keeps the nearest. */
static void read_wanted(lua_State *L, nearest *n) {
    luaL_checkstack(L, n->count + LUA_MINSTACK, "too many requests");
    for (int i = 0; i < n->count; i++) {
        wanted *w = &n->list[i];
        size_t len;
        lua_rawgeti(L, 2, i + 1);
        luaL_argcheck(L, lua_type(L, -1) == LUA_TSTRING, 2, "must be a list of strings");
        const char *text = lua_tolstring(L, -1, &len); /* kept by the list */
        json_reader reader;
        json_reader_init(&reader, text, len);
        *w = (wanted){.best = -1};
        w->count = members_read(&reader, text, len, w->members);
        json_reader_free(&reader);
        digest_sha256(text, len, w->key);
        lua_pop(L, 1);
        w->request = box_buf(L);
    }
}

static void push_wanted(lua_State *L, const wanted *w) {
    lua_createtable(L, 0, 4);
    lua_pushboolean(L, w->known);
    lua_setfield(L, -2, "known");
    if (w->best < 0) return;
    lua_pushlstring(L, (const char *)w->best_key, STORE_KEY);
    lua_setfield(L, -2, "key");
    lua_pushinteger(L, (lua_Integer)w->created_ms);
    lua_setfield(L, -2, "created");
    box_push_buf(L, w->request);
    lua_setfield(L, -2, "request");
}

/*
 * nearest(path, requests, content, weight) -> list, count, lost, damaged | nil, {kind =, message =}
 *
 * For each request (canonical JSON, 64 at most) {known =, key =, created =, request =}: whether the
 * store has it, and the completion whose request is nearest to it, the oldest of several; without
 * those three when there is none. How near they are: the number of members that are equal,
 * `content` left out, plus `weight` times the part of that one's bytes which both have in common at
 * its begin and its end. `count`: how many completions there are; lost, damaged: as `each` has them
 * when salvaging.
 */
int store_ask_nearest(lua_State *L) {
    const char *path = luaL_checkstring(L, 1);
    luaL_checktype(L, 2, LUA_TTABLE);
    nearest n = {.asking = {.runtime = runtime_of(L)},
                 .content = luaL_checkstring(L, 3),
                 .weight = luaL_checknumber(L, 4)};
    lua_settop(L, 4);
    lua_Integer count = luaL_len(L, 2);
    luaL_argcheck(L, count >= 0 && count <= REQUESTS_MOST, 2, "too many requests");
    n.count = (int)count;
    n.list = lua_newuserdatauv(L, (size_t)count * sizeof *n.list + 1, 0);
    read_wanted(L, &n);
    char err[512];
    store_damage damage;
    store_how how = {.look = look_near, .damage = &damage};
    int status = store_each(path, &how, visit_near, &n, err, sizeof err);
    int failed = push_problem(L, &n.asking, status, err);
    if (failed) return failed;
    lua_createtable(L, n.count, 0);
    for (int i = 0; i < n.count; i++) {
        push_wanted(L, &n.list[i]);
        lua_rawseti(L, -2, i + 1);
    }
    lua_pushinteger(L, n.seen);
    lua_pushinteger(L, (lua_Integer)damage.lost);
    lua_pushboolean(L, damage.any);
    return 4;
}

/* ---- those of a kind ---- */

typedef struct kind {
    asking asking;
    const char *model; /* NULL: of any */
    size_t model_len;
    bool failures;      /* of those alone */
    lua_Integer before; /* when they were created */
    buf *keys;
} kind;

/* Appends the text of a member, if it is a string. */
static bool append_text(buf *out, json_reader *r, const member *m) {
    if (!m) return true;
    json_reader_reset(r, m->value, m->value_len);
    return json_next(r) != JSON_STRING || buf_append(out, r->text, r->text_len);
}

/* Appends "provider:model" of a request; of a fallback's note, that of the one who was asked first.
 */
static bool append_model(buf *out, json_reader *r, const char *request, size_t len) {
    member members[MEMBERS_MOST];
    int count = members_read(r, request, len, members);
    const member *asked = members_find(members, count, "asked", 5);
    if (asked) count = members_read(r, asked->value, asked->value_len, members);
    return append_text(out, r, members_find(members, count, "provider", 8)) &&
           buf_append_char(out, ':') &&
           append_text(out, r, members_find(members, count, "model", 5));
}

static bool is_failure(json_reader *r, const store_record *record) {
    member members[MEMBERS_MOST];
    int count = members_read(r, record->completion, record->completion_len, members);
    const member *error = members_find(members, count, "error", 5);
    return error && !(error->value_len == 4 && memcmp(error->value, "null", 4) == 0);
}

/* Notes a byte for one of the kind, whatever its date. */
static bool look_kind(const void *arg, json_reader *r, const store_record *record, buf *note) {
    const kind *k = arg;
    size_t before = note->len;
    bool is_it = !k->failures || is_failure(r, record);
    if (is_it && k->model) {
        if (!append_model(note, r, record->request, record->request_len)) return false;
        is_it = memmem(note->data + before, note->len - before, k->model, k->model_len) != NULL;
        note->len = before;
    }
    return !is_it || buf_append_char(note, '+');
}

static int visit_kind(void *arg, const store_record *r) {
    kind *k = arg;
    if (is_stopped(&k->asking)) return 1;
    bool looked_at = k->model || k->failures;
    if (r->created_ms >= k->before || (looked_at && r->note_len == 0)) return 0;
    k->asking.no_memory = !buf_append(k->keys, r->key, STORE_KEY);
    return k->asking.no_memory;
}

/*
 * select(path, {model =, before =, failures =}) -> keys | nil, {kind =, message =}
 *
 * The keys, 32 bytes each, one behind the other as they were written, of the completions whose
 * "provider:model" holds a text, that are older than so many milliseconds since 1970, and that are
 * failures: all that is said.
 */
int store_ask_select(lua_State *L) {
    const char *path = luaL_checkstring(L, 1);
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    kind k = {.asking = {.runtime = runtime_of(L)}, .keys = box_buf(L)};
    k.before = box_integer_field(L, 2, "before", INT64_MAX, INT64_MIN, INT64_MAX);
    k.failures = box_boolean_field(L, 2, "failures", false);
    k.model = box_string_field(L, 2, "model", &k.model_len);
    bool look = k.model || k.failures;
    store_how how = {
        .order = STORE_AS_WRITTEN, .keys_only = !look, .look = look ? look_kind : NULL};
    char err[512];
    int status = store_each(path, &how, visit_kind, &k, err, sizeof err);
    int failed = push_problem(L, &k.asking, status, err);
    if (failed) return failed;
    box_push_buf(L, k.keys);
    buf_free(k.keys);
    return 1;
}
