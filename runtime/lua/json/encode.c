/* Lua values to JSON text. Tables are read raw; no metamethod is called. */
#include <lauxlib.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "lua/json/json.h"
#include "lua/json/module.h"
#include "lua/json/number.h"
#include "lua/json/shape.h"

#define FEW 8

typedef struct encoder {
    lua_State *L;
    json_scratch *scratch;
    buf *out;
    char *error;
    size_t error_size;
    bool pretty, canonical;
} encoder;

/* Where in the whole value we are: a member or an element, and what holds it. */
typedef struct place {
    const struct place *up; /* NULL for the whole value */
    int depth;
    const char *key; /* NULL for an element */
    size_t key_len;
    lua_Integer index;
} place;

/* A table being encoded, by stack index. */
typedef struct source {
    int table, shape, spellings;
    const place *at;
} source;

static bool encode_value(encoder *e, const place *at, int index, int spellings);

/* --- errors --- */

static bool is_name(const char *key, size_t len) {
    for (size_t i = 0; i < len; i++) {
        char c = key[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && !(i > 0 && c >= '0' && c <= '9')) return false;
    }
    return len > 0;
}

/* False when memory runs out. */
static bool write_place(buf *path, const place *at) {
    if (!at->up) return true;
    if (!write_place(path, at->up)) return false;
    if (!at->key) return buf_printf(path, "[%lld]", (long long)at->index);
    if (is_name(at->key, at->key_len))
        return buf_append_char(path, '.') && buf_append(path, at->key, at->key_len);
    json_error ignored;
    return buf_append_char(path, '[') &&
           (json_write_string(path, at->key, at->key_len, &ignored) ||
            buf_append_str(path, "\"?\"")) &&
           buf_append_char(path, ']');
}

static bool fail_memory(encoder *e) {
    if (e->error_size > 0) snprintf(e->error, e->error_size, "out of memory");
    return false;
}

/* Fails with "cannot encode WHAT at PATH". */
__attribute__((format(printf, 3, 4))) static bool fail(encoder *e, const place *at,
                                                       const char *format, ...) {
    if (e->error_size == 0) return false;
    buf *text = &e->scratch->order; /* nothing is being sorted now */
    char what[JSON_MESSAGE];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    buf_clear(text);
    bool ok = buf_printf(text, "cannot encode %s%s", what, at->up ? " at " : "");
    ok = ok && write_place(text, at) && buf_append_char(text, '\0');
    snprintf(e->error, e->error_size, "%s", ok ? text->data : "out of memory");
    e->error[utf8_valid_prefix(e->error, strlen(e->error))] = '\0'; /* the cut may split one */
    return false;
}

/* --- scalars --- */

static bool encode_text(encoder *e, const place *at, const char *what, const char *text,
                        size_t len) {
    json_error error;
    if (json_write_string(e->out, text, len, &error)) return true;
    if (error.at == len) return fail_memory(e);
    return fail(e, at, "%s with %s at its byte %zu", what, error.message, error.at + 1);
}

static bool encode_string(encoder *e, const place *at, int index) {
    size_t len;
    const char *text = lua_tolstring(e->L, index, &len);
    return encode_text(e, at, "a string", text, len);
}

/* The text by which the table remembers this value for the key of `at`, or NULL. Pushes what the
 * table has there, which keeps the text alive. */
static const char *push_spelling(encoder *e, const place *at, int spellings, double value,
                                 size_t *len) {
    lua_State *L = e->L;
    if (at->key) {
        lua_pushlstring(L, at->key, at->key_len);
        lua_rawget(L, spellings);
    } else {
        lua_rawgeti(L, spellings, at->index);
    }
    double remembered;
    const char *text = lua_tolstring(L, -1, len);
    if (!text) return NULL;
    json_number_read(text, *len, &remembered);
    return memcmp(&remembered, &value, sizeof value) == 0 ? text : NULL; /* tells -0 from 0 */
}

static bool encode_float(encoder *e, const place *at, int index, int spellings) {
    lua_State *L = e->L;
    double value = lua_tonumber(L, index);
    int whole = 0;
    json_error error;
    bool ok = true;
    if (isnan(value) || isinf(value)) return fail(e, at, isnan(value) ? "NaN" : "infinity");
    if (e->canonical) {
        lua_Integer integer = lua_tointegerx(L, index, &whole);
        ok = whole ? json_write_integer(e->out, integer)
                   : json_write_canonical_double(e->out, value, &error);
        return ok || fail_memory(e);
    }
    if (spellings && !lua_isnil(L, spellings)) {
        size_t len;
        const char *text = push_spelling(e, at, spellings, value, &len);
        if (text) ok = buf_append(e->out, text, len);
        lua_pop(L, 1);
        if (text) return ok || fail_memory(e);
    }
    return json_write_double(e->out, value, &error) || fail_memory(e);
}

static bool encode_number(encoder *e, const place *at, int index, int spellings) {
    if (!lua_isinteger(e->L, index)) return encode_float(e, at, index, spellings);
    return json_write_integer(e->out, lua_tointeger(e->L, index)) || fail_memory(e);
}

static bool encode_userdata(encoder *e, const place *at, int index) {
    size_t len;
    const char *text = json_number_text(e->L, index, &len);
    if (!text) return fail(e, at, "a %s", luaL_typename(e->L, index));
    bool ok = e->canonical ? json_write_canonical_number(e->out, text, len)
                           : buf_append(e->out, text, len);
    return ok || fail_memory(e);
}

/* --- tables --- */

/* Starts a line inside brackets. */
static bool new_line(encoder *e, int depth) {
    if (!buf_reserve(e->out, 1 + 2 * (size_t)depth)) return fail_memory(e);
    e->out->data[e->out->len++] = '\n';
    memset(e->out->data + e->out->len, ' ', 2 * (size_t)depth);
    e->out->len += 2 * (size_t)depth;
    return true;
}

/* Writes what stands before the next member or element, then begins its line. */
static bool separate(encoder *e, const source *s, bool first, char opening) {
    if (!buf_append_char(e->out, first ? opening : ',')) return fail_memory(e);
    return !e->pretty || new_line(e, s->at->depth + 1);
}

static bool finish(encoder *e, const source *s, bool empty, const char *brackets) {
    if (empty) return buf_append_str(e->out, brackets) || fail_memory(e);
    if (e->pretty && !new_line(e, s->at->depth)) return false;
    return buf_append_char(e->out, brackets[1]) || fail_memory(e);
}

/* Encodes an array whose elements lua_next meets in order, as it does for all that were made in one
 * go. False when it meets anything else, and then nothing is written; else *ok says how it went. */
static bool encode_in_order(encoder *e, const source *s, bool *ok) {
    lua_State *L = e->L;
    int top = lua_gettop(L);
    size_t start = e->out->len;
    place here = {.up = s->at, .depth = s->at->depth + 1};
    *ok = true;
    for (lua_pushnil(L); lua_next(L, s->table); lua_settop(L, top + 1)) {
        if (lua_tointeger(L, top + 1) != ++here.index || lua_type(L, top + 1) != LUA_TNUMBER) {
            e->out->len = start;
            lua_settop(L, top);
            return false;
        }
        *ok = separate(e, s, here.index == 1, '[') && encode_value(e, &here, top + 2, s->spellings);
        if (!*ok) return true;
    }
    *ok = finish(e, s, here.index == 0, "[]");
    return true;
}

static bool encode_array(encoder *e, const source *s, lua_Integer count) {
    for (lua_Integer i = 1; i <= count; i++) {
        place here = {.up = s->at, .depth = s->at->depth + 1, .index = i};
        if (!separate(e, s, i == 1, '[')) return false;
        lua_rawgeti(e->L, s->table, i);
        if (!encode_value(e, &here, lua_gettop(e->L), s->spellings)) return false;
        lua_pop(e->L, 1);
    }
    return finish(e, s, count == 0, "[]");
}

/* Encodes the member whose key and value stand at `key` and behind it; adds to *written. */
static bool encode_member(encoder *e, const source *s, int key, lua_Integer *written) {
    place here = {.up = s->at, .depth = s->at->depth + 1};
    here.key = lua_tolstring(e->L, key, &here.key_len);
    if (!separate(e, s, (*written)++ == 0, '{')) return false;
    if (!encode_text(e, s->at, "a key", here.key, here.key_len)) return false;
    if (!buf_append(e->out, ": ", e->pretty ? 2 : 1)) return fail_memory(e);
    return encode_value(e, &here, key + 1, s->spellings);
}

/* Encodes the members of the keys in the sequence at `keys` that the table has. */
static bool encode_members(encoder *e, const source *s, int keys, lua_Integer *written) {
    lua_State *L = e->L;
    int top = lua_gettop(L);
    lua_Integer count = (lua_Integer)lua_rawlen(L, keys);
    for (lua_Integer i = 1; i <= count; i++) {
        lua_rawgeti(L, keys, i);
        lua_pushvalue(L, -1);
        if (lua_rawget(L, s->table) != LUA_TNIL && !encode_member(e, s, top + 1, written))
            return false;
        lua_settop(L, top);
    }
    return true;
}

/* A key on the stack. */
typedef struct key_slot {
    const char *text;
    size_t len;
    int index;
} key_slot;

static bool goes_before(const encoder *e, const key_slot *a, const key_slot *b) {
    if (e->canonical) return json_compare_utf16(a->text, a->len, b->text, b->len) < 0;
    int order = memcmp(a->text, b->text, a->len < b->len ? a->len : b->len);
    return order != 0 ? order < 0 : a->len < b->len;
}

/* Encodes a table in one pass, without tables to hold its keys: an object of FEW string keys at
 * most, which are sorted on the stack, or elements in order if it has no mark. False when it is
 * neither, and then nothing has been written; else *ok says whether it went well. */
static bool encode_few(encoder *e, const source *s, bool *ok) {
    lua_State *L = e->L;
    key_slot keys[FEW];
    int top = lua_gettop(L), count = 0;
    luaL_checkstack(L, 2 * FEW + 8, "json");
    for (lua_pushnil(L); lua_next(L, s->table);) {
        if (count == 0 && lua_isinteger(L, -2) && lua_isnil(L, s->shape)) {
            lua_settop(L, top);
            return encode_in_order(e, s, ok);
        }
        if (count == FEW || lua_type(L, -2) != LUA_TSTRING) {
            lua_settop(L, top);
            return false;
        }
        key_slot key = {.index = lua_gettop(L) - 1};
        key.text = lua_tolstring(L, -2, &key.len);
        int at = count++;
        for (; at > 0 && goes_before(e, &key, &keys[at - 1]); at--) keys[at] = keys[at - 1];
        keys[at] = key;
        lua_pushvalue(L, -2);
    }
    lua_Integer written = 0;
    *ok = true;
    for (int i = 0; i < count && *ok; i++) *ok = encode_member(e, s, keys[i].index, &written);
    *ok = *ok && finish(e, s, count == 0, "{}");
    return true;
}

/* What the keys of a table allow it to be. */
typedef struct census {
    lua_Integer strings, integers, largest, others;
} census;

static census count_keys(lua_State *L, int table) {
    census c = {0};
    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
        if (lua_type(L, -2) == LUA_TSTRING) {
            c.strings++;
        } else if (lua_isinteger(L, -2) && lua_tointeger(L, -2) > 0) {
            c.integers++;
            if (lua_tointeger(L, -2) > c.largest) c.largest = lua_tointeger(L, -2);
        } else {
            c.others++;
        }
    }
    return c;
}

/* Whether the table is what its kind, if it has one, and its keys say; else fails. */
static bool check_keys(encoder *e, const place *at, enum json_kind kind, const census *c) {
    if (c->others > 0) return fail(e, at, "a table with keys other than strings and 1 to n");
    if (kind == JSON_KIND_ARRAY && c->strings > 0) return fail(e, at, "an array with named fields");
    if (kind == JSON_KIND_OBJECT && c->integers > 0) return fail(e, at, "an object with elements");
    if (c->strings > 0 && c->integers > 0)
        return fail(e, at, "a table with both elements and named fields");
    if (c->integers < c->largest) return fail(e, at, "an array with holes (json.null fills them)");
    return true;
}

/* Encodes the members that are not among those of the shape that were `written`, sorted. */
static bool encode_added(encoder *e, const source *s, bool shaped, lua_Integer *written) {
    int top = lua_gettop(e->L);
    if (shaped) json_shape_push_set(e->L, s->shape);
    json_sorted_push(e->L, e->scratch, s->table, shaped ? top + 1 : 0, e->canonical);
    bool ok = encode_members(e, s, lua_gettop(e->L), written);
    if (ok) lua_settop(e->L, top);
    return ok;
}

/* An object of a known shape, whose keys come first. */
static bool encode_shaped(encoder *e, const source *s) {
    lua_Integer written = 0, count = 0;
    if (!encode_members(e, s, s->shape, &written)) return false;
    for (lua_pushnil(e->L); lua_next(e->L, s->table); lua_pop(e->L, 1)) count++;
    if (count > written) {
        census c = count_keys(e->L, s->table);
        if (!check_keys(e, s->at, JSON_KIND_OBJECT, &c)) return false;
        if (!encode_added(e, s, true, &written)) return false;
    }
    return finish(e, s, written == 0, "{}");
}

/* A table whose keys say what it is, or one that is to be sorted. */
static bool encode_counted(encoder *e, const source *s, enum json_kind kind) {
    census c = count_keys(e->L, s->table);
    if (!check_keys(e, s->at, kind, &c)) return false;
    if (kind == JSON_KIND_ARRAY || c.integers > 0) return encode_array(e, s, c.integers);
    lua_Integer written = 0;
    return encode_added(e, s, false, &written) && finish(e, s, written == 0, "{}");
}

static bool encode_table(encoder *e, const place *at, int index) {
    lua_State *L = e->L;
    if (at->depth >= JSON_DEPTH)
        return fail(e, &(place){0}, "a value nested deeper than %d: is there a cycle?", JSON_DEPTH);
    luaL_checkstack(L, 16, "json");
    int top = lua_gettop(L);
    source s = {.table = index, .shape = top + 1, .spellings = top + 2, .at = at};
    enum json_kind kind = json_kind_push(L, s.table);
    bool ok;
    if (kind == JSON_KIND_OBJECT && !e->canonical)
        ok = encode_shaped(e, &s);
    else if (!(kind == JSON_KIND_ARRAY ? encode_in_order : encode_few)(e, &s, &ok))
        ok = encode_counted(e, &s, kind);
    lua_settop(L, top);
    return ok;
}

/* Encodes the value at `index`. On failure leaves the stack in disorder. */
static bool encode_value(encoder *e, const place *at, int index, int spellings) {
    lua_State *L = e->L;
    switch (lua_type(L, index)) {
    case LUA_TBOOLEAN:
        return buf_append_str(e->out, lua_toboolean(L, index) ? "true" : "false") || fail_memory(e);
    case LUA_TNUMBER: return encode_number(e, at, index, spellings);
    case LUA_TSTRING: return encode_string(e, at, index);
    case LUA_TTABLE: return encode_table(e, at, index);
    case LUA_TUSERDATA: return encode_userdata(e, at, index);
    case LUA_TLIGHTUSERDATA:
        if (!lua_touserdata(L, index)) return buf_append_str(e->out, "null") || fail_memory(e);
        return fail(e, at, "a light userdata");
    default: return fail(e, at, "a %s", luaL_typename(L, index));
    }
}

bool json_encode_with(lua_State *L, json_scratch *scratch, int index, buf *out, unsigned flags,
                      char *error, size_t error_size) {
    encoder e = {.L = L, .scratch = scratch, .out = out, .error = error, .error_size = error_size};
    e.canonical = flags & JSON_CANONICAL;
    e.pretty = flags & JSON_PRETTY && !e.canonical;
    place whole = {0};
    size_t start = out->len;
    int top = lua_gettop(L);
    luaL_checkstack(L, 4, "json");
    lua_pushvalue(L, index);
    bool ok = encode_value(&e, &whole, top + 1, 0);
    if (!ok) out->len = start;
    lua_settop(L, top);
    return ok;
}

bool json_encode_value(lua_State *L, int index, buf *out, unsigned flags, char *error,
                       size_t error_size) {
    index = lua_absindex(L, index);
    json_state_push(L);
    int state = lua_gettop(L);
    json_scratch *scratch = json_scratch_take(L, state);
    bool ok = json_encode_with(L, scratch, index, out, flags, error, error_size);
    json_scratch_give(L, state, state + 1);
    lua_settop(L, state - 1);
    return ok;
}

bool json_encode_member(lua_State *L, int row, int key, buf *out, char *error, size_t error_size) {
    row = lua_absindex(L, row);
    key = lua_absindex(L, key);
    json_state_push(L);
    int state = lua_gettop(L);
    encoder e = {.L = L, .out = out, .error = error, .error_size = error_size};
    e.scratch = json_scratch_take(L, state);
    place whole = {0}, here = {.up = &whole, .depth = 1};
    here.key = lua_tolstring(L, key, &here.key_len);
    json_kind_push(L, row);
    lua_pushvalue(L, key);
    lua_rawget(L, row);
    size_t start = out->len;
    bool ok = encode_value(&e, &here, state + 4, state + 3);
    if (!ok) out->len = start;
    json_scratch_give(L, state, state + 1);
    lua_settop(L, state - 1);
    return ok;
}
