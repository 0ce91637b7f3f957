/* JSON text to Lua values. */
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "lua/json/json.h"
#include "lua/json/number.h"
#include "lua/json/shape.h"

/* So many values wait on the Lua stack before their table is made, which most often gives it its
 * size at once. */
enum { BATCH = 32 };

typedef struct decoder {
    lua_State *L;
    json_scratch *scratch;
    json_error *error;
    int state, recent; /* stack indices of the state table and of the recent shapes */
    lua_Integer depth; /* of objects inside one another */
    bool last_wins;
    bool respelt; /* the value just decoded is a number to be remembered by its text */
} decoder;

/* A table in the making. From `table` on, the stack holds the table (nil before it is made), the
 * spellings (nil while there are none), an object's shape (until its end the one that is expected,
 * or nil) and what waits: keys and values, or elements. */
typedef struct container {
    int table, spellings, shape;
    int waiting;       /* members or elements that wait */
    lua_Integer count; /* of all so far */
    bool expected;     /* so far its keys are those of the shape */
    size_t keys;       /* where its sequence starts in the scratch memory, if not expected */
    size_t offsets;    /* where the places of its keys start */
    bool duplicates;
} container;

static bool decode_value(decoder *d, enum json_token token);

static bool fail(decoder *d, const char *message, size_t at) {
    snprintf(d->error->message, sizeof d->error->message, "%s", message);
    d->error->at = at;
    return false;
}

static bool fail_reading(decoder *d) {
    return fail(d, d->scratch->reader.error, d->scratch->reader.error_at);
}

static container container_open(decoder *d) {
    luaL_checkstack(d->L, 2 * BATCH + 12, "json");
    int top = lua_gettop(d->L);
    lua_settop(d->L, top + 3);
    return (container){.table = top + 1,
                       .spellings = top + 2,
                       .shape = top + 3,
                       .keys = d->scratch->keys.len,
                       .offsets = d->scratch->offsets.len};
}

/* Remembers the text of the number that was decoded for the key on top of the stack. [-1, +0] */
static void remember_spelling(decoder *d, const container *c) {
    const json_reader *r = &d->scratch->reader;
    d->respelt = false;
    if (lua_isnil(d->L, c->spellings)) {
        lua_newtable(d->L);
        lua_replace(d->L, c->spellings);
    }
    lua_pushlstring(d->L, r->text, r->text_len);
    lua_rawset(d->L, c->spellings);
}

/* --- arrays --- */

/* Moves the elements that wait into the table. */
static void store_elements(decoder *d, container *c) {
    if (lua_isnil(d->L, c->table)) {
        lua_createtable(d->L, c->waiting, 0);
        lua_replace(d->L, c->table);
    }
    for (lua_Integer i = c->count; c->waiting > 0; c->waiting--, i--)
        lua_rawseti(d->L, c->table, i);
}

static bool decode_array(decoder *d) {
    container c = container_open(d);
    enum json_token token;
    while ((token = json_next(&d->scratch->reader)) != JSON_END_ARRAY) {
        if (!decode_value(d, token)) return false;
        c.count++;
        c.waiting++;
        if (d->respelt) {
            lua_pushinteger(d->L, c.count);
            remember_spelling(d, &c);
        }
        if (c.waiting == BATCH) store_elements(d, &c);
    }
    store_elements(d, &c);
    json_kind_array(d->L, d->state, c.table, c.spellings);
    lua_settop(d->L, c.table);
    return true;
}

/* --- objects --- */

/* Says that a key, which stands on the stack at `index`, is the second of its name. */
static bool fail_duplicate(decoder *d, const container *c, int index, lua_Integer member) {
    size_t len, at, most = 60;
    const char *key = lua_tolstring(d->L, index, &len);
    size_t shown = utf8_valid_prefix(key, len < most ? len : most);
    char message[JSON_MESSAGE];
    snprintf(message, sizeof message, "the key \"%.*s%s\" stands twice in one object", (int)shown,
             key, shown < len ? "..." : "");
    memcpy(&at, d->scratch->offsets.data + c->offsets + (size_t)member * sizeof at, sizeof at);
    return fail(d, message, at);
}

/* Moves the members that wait into the table. Where their shape is known no key is a duplicate. */
static bool store_members(decoder *d, container *c, bool shape_known) {
    lua_State *L = d->L;
    if (lua_isnil(L, c->table)) {
        lua_createtable(L, 0, c->waiting);
        lua_replace(L, c->table);
    }
    if (shape_known) {
        for (; c->waiting > 0; c->waiting--) lua_rawset(L, c->table);
        return true;
    }
    int first = c->shape + 1;
    for (int i = 0; i < c->waiting; i++) {
        int key = first + 2 * i;
        lua_pushvalue(L, key);
        if (lua_rawget(L, c->table) != LUA_TNIL) {
            if (!d->last_wins) return fail_duplicate(d, c, key, c->count - c->waiting + i);
            c->duplicates = true;
        }
        lua_pop(L, 1);
        lua_pushvalue(L, key);
        lua_pushvalue(L, key + 1);
        lua_rawset(L, c->table);
    }
    lua_settop(L, first - 1);
    c->waiting = 0;
    return true;
}

/* Gives up the expected shape: writes its keys that came as a sequence. False: out of memory. */
static bool give_up_shape(decoder *d, container *c) {
    c->expected = false;
    for (lua_Integer i = 1; i <= c->count; i++) {
        size_t len;
        lua_rawgeti(d->L, c->shape, i);
        const char *key = lua_tolstring(d->L, -1, &len);
        bool well = json_sequence_add(&d->scratch->keys, key, len);
        lua_pop(d->L, 1);
        if (!well) return false;
    }
    return true;
}

/* Pushes the key that was read: the shape's own string where it is the expected one, which spares
 * hashing it. Pushes nothing and returns false when memory runs out. */
static bool push_key(decoder *d, container *c) {
    const json_reader *r = &d->scratch->reader;
    if (c->expected) {
        size_t len = 0;
        lua_rawgeti(d->L, c->shape, c->count + 1);
        const char *key = lua_tolstring(d->L, -1, &len); /* NULL behind the last one */
        if (key && len == r->text_len && memcmp(key, r->text, len) == 0) return true;
        lua_pop(d->L, 1);
        if (!give_up_shape(d, c)) return false;
    }
    if (!json_sequence_add(&d->scratch->keys, r->text, r->text_len)) return false;
    lua_pushlstring(d->L, r->text, r->text_len);
    return true;
}

/* Finds the shape that was not expected, and expects it next time. */
static bool find_shape(decoder *d, container *c) {
    lua_State *L = d->L;
    buf *keys = &d->scratch->keys;
    const char *sequence = keys->data ? keys->data + c->keys : "";
    bool known = json_shape_find(L, d->state, sequence, keys->len - c->keys);
    if (known) lua_replace(L, c->shape);
    if (!store_members(d, c, known)) return false;
    if (!known) {
        if (c->duplicates) json_sequence_unique(L, keys, c->keys);
        json_shape_make(L, d->state, sequence, keys->len - c->keys);
        lua_replace(L, c->shape);
    }
    lua_pushvalue(L, c->shape);
    lua_rawseti(L, d->recent, d->depth);
    return true;
}

/* Stores what waits and gives the table its shape. */
static bool finish_object(decoder *d, container *c) {
    if (c->expected && c->count < (lua_Integer)lua_rawlen(d->L, c->shape) && !give_up_shape(d, c))
        return fail(d, "out of memory", d->scratch->reader.token_at);
    if (c->expected ? !store_members(d, c, true) : !find_shape(d, c)) return false;
    json_set_shape(d->L, c->table, c->shape, c->spellings);
    lua_settop(d->L, c->table);
    d->scratch->keys.len = c->keys;
    d->scratch->offsets.len = c->offsets;
    d->depth--;
    return true;
}

static bool decode_object(decoder *d) {
    container c = container_open(d);
    json_reader *r = &d->scratch->reader;
    c.expected = lua_rawgeti(d->L, d->recent, ++d->depth) == LUA_TTABLE;
    lua_replace(d->L, c.shape);
    enum json_token token;
    while ((token = json_next(r)) == JSON_KEY) {
        if (!buf_append(&d->scratch->offsets, &r->token_at, sizeof r->token_at) || !push_key(d, &c))
            return fail(d, "out of memory", r->token_at);
        if (!decode_value(d, json_next(r))) return false;
        c.count++;
        c.waiting++;
        if (d->respelt) {
            lua_pushvalue(d->L, -2);
            remember_spelling(d, &c);
        }
        if (c.waiting == BATCH && !store_members(d, &c, c.expected)) return false;
    }
    return token == JSON_END_OBJECT ? finish_object(d, &c) : fail_reading(d);
}

/* --- values --- */

static void decode_number(decoder *d) {
    const json_reader *r = &d->scratch->reader;
    double value;
    enum json_fidelity fidelity = json_number_read(r->text, r->text_len, &value);
    d->respelt = fidelity == JSON_RESPELT;
    if (fidelity == JSON_LOSSY)
        json_number_push(d->L, r->text, r->text_len);
    else
        lua_pushnumber(d->L, value);
}

/* Pushes the value that starts with the token; on failure leaves the stack in disorder. */
static bool decode_value(decoder *d, enum json_token token) {
    const json_reader *r = &d->scratch->reader;
    switch (token) {
    case JSON_NULL: json_push_null(d->L); return true;
    case JSON_TRUE: lua_pushboolean(d->L, 1); return true;
    case JSON_FALSE: lua_pushboolean(d->L, 0); return true;
    case JSON_INTEGER: lua_pushinteger(d->L, r->integer); return true;
    case JSON_NUMBER: decode_number(d); return true;
    case JSON_STRING: lua_pushlstring(d->L, r->text, r->text_len); return true;
    case JSON_BEGIN_OBJECT: return decode_object(d);
    case JSON_BEGIN_ARRAY: return decode_array(d);
    default: return fail_reading(d);
    }
}

void json_push_null(lua_State *L) {
    lua_pushlightuserdata(L, NULL);
}

bool json_push(lua_State *L, const char *text, size_t len, unsigned flags, json_error *error) {
    int top = lua_gettop(L);
    json_state_push(L);
    json_scratch *scratch = json_scratch_take(L, top + 1);
    decoder d = {.L = L, .scratch = scratch, .error = error, .state = top + 1};
    json_recent_push(L, top + 1);
    d.recent = lua_gettop(L);
    d.last_wins = flags & JSON_LAST_WINS;
    buf_clear(&scratch->keys);
    buf_clear(&scratch->offsets);
    json_reader_reset(&scratch->reader, text, len);
    scratch->reader.nan = flags & JSON_NO_NAN      ? JSON_NAN_NULL
                          : flags & JSON_NAN_WORDS ? JSON_NAN_TEXT
                                                   : JSON_NAN_ERROR;
    bool ok = decode_value(&d, json_next(&scratch->reader));
    if (ok && json_next(&scratch->reader) != JSON_END) ok = fail_reading(&d);
    json_scratch_give(L, top + 1, top + 2);
    if (ok) lua_replace(L, top + 1);
    lua_settop(L, ok ? top + 1 : top);
    return ok;
}
