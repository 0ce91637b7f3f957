/* Some values of a JSON text, without making tables of the rest: what a call's answer holds is
 * known, and most of it nobody reads. */
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "lua/box.h"
#include "lua/json/json.h"
#include "lua/json/module.h"

/* Where paths lead, as a tree. Node 0 is the text's value. */
enum { NODES_MOST = 64 };

typedef struct node {
    const char *key; /* of an object's member; the path's, which user value 1 of the plan keeps */
    size_t key_len;
    lua_Integer element; /* of an array, from 1; 0 for none */
    int child, sibling;  /* 0 for none */
    int slot;            /* which value ends here, from 1; 0 for none */
} node;

typedef struct plan {
    box_head box;
    int nodes, slots;
    bool closed; /* members of objects on the way that no path names are null */
    node node[NODES_MOST];
} plan;

typedef struct plucker {
    lua_State *L;
    json_reader *reader;
    const plan *plan;
    int base;         /* below the first value on the stack */
    uint64_t visited; /* a bit for each node */
} plucker;

/* ---- plans ---- */

static const box_class plan_class = {.name = "json.plan"};

static bool leads(const node *n, const char *part, size_t len) {
    return n->key_len == len && memcmp(n->key, part, len) == 0;
}

/* The node of a part below `parent`, which is made when there is none. 0: there are too many. */
static int find_node(plan *p, int parent, const char *part, size_t len) {
    int *link = &p->node[parent].child;
    while (*link && !leads(&p->node[*link], part, len)) link = &p->node[*link].sibling;
    if (*link || p->nodes == NODES_MOST) return *link;
    *link = p->nodes++;
    p->node[*link] = (node){.key = part, .key_len = len, .element = strtoll(part, NULL, 10)};
    return *link;
}

/* The node of the path that is number `i` of the list at `index`; `kept` is a table that keeps its
 * text. */
static node *add_path(lua_State *L, plan *p, int index, int i, int kept) {
    luaL_argcheck(L, lua_rawgeti(L, index, i) == LUA_TSTRING, index, "paths are texts");
    const char *part = lua_tostring(L, -1);
    lua_rawseti(L, kept, (lua_Integer)lua_rawlen(L, kept) + 1);
    int at = 0;
    for (const char *end; part; part = *end ? end + 1 : NULL) {
        end = strchrnul(part, '.');
        at = find_node(p, at, part, (size_t)(end - part));
        luaL_argcheck(L, at, index, "too many paths");
    }
    return &p->node[at];
}

int json_plan(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 2);
    if (!lua_isnil(L, 2)) luaL_checktype(L, 2, LUA_TTABLE);
    plan *p = box_new(L, &plan_class, sizeof *p, 1);
    p->nodes = 1;
    p->slots = (int)lua_rawlen(L, 1);
    lua_newtable(L); /* of the paths: the caller may change theirs */
    for (int slot = 1; slot <= p->slots; slot++) add_path(L, p, 1, slot, 4)->slot = slot;
    p->closed = !lua_isnil(L, 2);
    int others = p->closed ? (int)lua_rawlen(L, 2) : 0;
    for (int i = 1; i <= others; i++) add_path(L, p, 2, i, 4);
    lua_setiuservalue(L, 3, 1);
    return 1;
}

/* ---- plucking ---- */

/* Reads past the rest of the value that starts with the token. */
static bool skip(json_reader *r, enum json_token token) {
    for (size_t depth = 0;; token = json_next(r)) {
        switch (token) {
        case JSON_ERROR:
        case JSON_END: return false;
        case JSON_BEGIN_OBJECT:
        case JSON_BEGIN_ARRAY: depth++; break;
        case JSON_END_OBJECT:
        case JSON_END_ARRAY: depth--; break;
        case JSON_KEY: continue;
        default: break;
        }
        if (depth == 0) return true;
    }
}

/* Puts the value that starts with the token into its place. */
static bool keep(plucker *p, enum json_token token, int slot) {
    json_reader *r = p->reader;
    double number;
    switch (token) {
    case JSON_STRING: lua_pushlstring(p->L, r->text, r->text_len); break;
    case JSON_INTEGER: lua_pushinteger(p->L, r->integer); break;
    case JSON_NUMBER:
        json_number_read(r->text, r->text_len, &number);
        lua_pushnumber(p->L, number);
        break;
    case JSON_TRUE:
    case JSON_FALSE: lua_pushboolean(p->L, token == JSON_TRUE); break;
    case JSON_NULL: lua_pushnil(p->L); break;
    default: lua_pushboolean(p->L, 1); break; /* an object or array */
    }
    lua_replace(p->L, p->base + slot);
    return skip(r, token);
}

static bool pluck(plucker *p, enum json_token token, int at);

/* The value behind a key or a comma, if a child of `at` wants it. */
static bool pluck_child(plucker *p, enum json_token token, int child) {
    if (!child) return skip(p->reader, token);
    uint64_t bit = (uint64_t)1 << child;
    if (p->visited & bit) return false; /* a key that stands twice: what counts is not plain */
    p->visited |= bit;
    return pluck(p, token, child);
}

static bool pluck_object(plucker *p, int at) {
    json_reader *r = p->reader;
    enum json_token token;
    while ((token = json_next(r)) == JSON_KEY) {
        int child = p->plan->node[at].child;
        const node *n = p->plan->node;
        while (child && (n[child].element || !leads(&n[child], r->text, r->text_len)))
            child = n[child].sibling;
        token = json_next(r);
        if (!child && p->plan->closed && token != JSON_NULL) return false;
        if (!pluck_child(p, token, child)) return false;
    }
    return token == JSON_END_OBJECT;
}

static bool pluck_array(plucker *p, int at) {
    json_reader *r = p->reader;
    enum json_token token;
    for (lua_Integer i = 1; (token = json_next(r)) != JSON_END_ARRAY; i++) {
        int child = p->plan->node[at].child;
        while (child && p->plan->node[child].element != i) child = p->plan->node[child].sibling;
        if (!pluck_child(p, token, child)) return false;
    }
    return true;
}

static bool pluck(plucker *p, enum json_token token, int at) {
    const node *n = &p->plan->node[at];
    if (n->slot) return keep(p, token, n->slot);
    if (at && !n->child) return skip(p->reader, token);
    if (token == JSON_BEGIN_OBJECT) return pluck_object(p, at);
    if (token == JSON_BEGIN_ARRAY) return pluck_array(p, at);
    return skip(p->reader, token);
}

int json_pluck_push(lua_State *L, int index, const char *text, size_t len) {
    const plan *p = box_check(L, index, &plan_class);
    int base = lua_gettop(L), top = base + p->slots;
    luaL_checkstack(L, p->slots + 8, "too many paths");
    lua_settop(L, top);
    json_state_push(L);
    json_scratch *scratch = json_scratch_take(L, top + 1);
    plucker all = {L, &scratch->reader, p, base, 0};
    json_reader_reset(&scratch->reader, text, len);
    bool well =
        pluck(&all, json_next(&scratch->reader), 0) && json_next(&scratch->reader) == JSON_END;
    json_scratch_give(L, top + 1, top + 2);
    lua_settop(L, well ? top : base);
    return well ? p->slots : -1;
}

/* pluck(text, plan) -> true and a value for each path of the plan | false */
int json_pluck(lua_State *L) {
    size_t len;
    luaL_checktype(L, 1, LUA_TSTRING);
    const char *text = lua_tolstring(L, 1, &len);
    lua_settop(L, 2);
    lua_pushboolean(L, 1);
    int values = json_pluck_push(L, 2, text, len);
    if (values >= 0) return 1 + values;
    lua_pushboolean(L, 0);
    return 1;
}
