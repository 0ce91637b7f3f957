#include "lua/rows_table.h"

#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"
#include "lua/box.h"
#include "lua/json/json.h"

/* User values of the box. */
enum { KEYS = 1, SHAPE };

enum type { TYPE_TEXT, TYPE_NUMBER, TYPE_INTEGER, TYPE_BOOLEAN, TYPE_JSON, TYPES };

static const struct {
    const char *name, *wanted;
} types[TYPES] = {[TYPE_TEXT] = {"text", "a text"},
                  [TYPE_NUMBER] = {"number", "a number"},
                  [TYPE_INTEGER] = {"integer", "a whole number"},
                  [TYPE_BOOLEAN] = {"boolean", "true or false"},
                  [TYPE_JSON] = {"json", "a JSON text"}};

struct rows_table {
    box_head box;
    size_t count; /* of the columns that have a name, or stand before one that has */
    size_t cells; /* of the header */
    buf types;    /* an unsigned char for each column; empty when all are texts */
    buf unquote;  /* scratch for fields with doubled quotes */
};

static void release_table(void *box) {
    rows_table *t = box;
    buf_free(&t->types);
    buf_free(&t->unquote);
}

static const box_class table_class = {.name = "fellowship.rows.table", .release = release_table};

/* TYPES when the name is none. */
static enum type type_of(const char *name) {
    enum type type = TYPE_TEXT;
    while (type < TYPES && strcmp(types[type].name, name) != 0) type++;
    return type;
}

bool rows_type_exists(const char *name) {
    return type_of(name) < TYPES;
}

__attribute__((format(printf, 3, 4))) static bool fail(rows_problem *problem, const csv_field *at,
                                                       const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(problem->message, sizeof problem->message, format, args);
    va_end(args);
    problem->placed = at != NULL;
    problem->at = at ? at->at : 0;
    return false;
}

/* A field's text; where it had doubled quotes, in the table's scratch memory. */
static const char *text_of(lua_State *L, rows_table *t, const csv_field *f, const char *text,
                           size_t *len) {
    *len = f->len;
    if (!f->doubled) return text + f->at;
    buf_clear(&t->unquote);
    if (!csv_unquote(&t->unquote, text + f->at, f->len)) luaL_error(L, "out of memory");
    *len = t->unquote.len;
    return t->unquote.data;
}

/* As much of a text as a message shows: whole characters of its first line. */
static int shown(const char *text, size_t len) {
    enum { MOST = 60 };
    size_t n = 0;
    while (n < len && n < MOST && (unsigned char)text[n] >= 0x20) n++;
    return (int)utf8_valid_prefix(text, n);
}

/* --- the header --- */

/* Columns of a header without those behind the last name, which spreadsheets leave there. */
static size_t count_columns(const csv_reader *csv) {
    size_t count = csv->count;
    while (count > 0 && csv_fields(csv)[count - 1].len == 0) count--;
    return count;
}

/* [-0, +1] The names as a sequence; they differ, and one may be empty, as pandas calls an index. */
static bool push_keys(lua_State *L, rows_table *t, const csv_reader *csv, const char *text,
                      rows_problem *problem) {
    if (t->count == 0) return fail(problem, NULL, "the header names no column");
    lua_createtable(L, (int)t->count, 0);
    lua_newtable(L); /* keys, seen */
    for (size_t i = 0; i < t->count; i++) {
        const csv_field *f = &csv_fields(csv)[i];
        size_t len;
        const char *name = text_of(L, t, f, text, &len);
        lua_pushlstring(L, name, len);
        lua_pushvalue(L, -1);
        if (lua_rawget(L, -3) != LUA_TNIL && len == 0)
            return fail(problem, f, "the header's column %zu is the second without a name", i + 1);
        if (!lua_isnil(L, -1))
            return fail(problem, f, "the header has the column \"%.*s\" twice", shown(name, len),
                        name);
        lua_pop(L, 1);
        lua_pushvalue(L, -1);
        lua_rawseti(L, -4, (lua_Integer)i + 1);
        lua_pushinteger(L, (lua_Integer)i + 1);
        lua_rawset(L, -3);
    }
    return true;
}

/* The header's names for a message, cut where they are many. */
static void list_names(lua_State *L, int keys, char *out, size_t size) {
    lua_Integer count = (lua_Integer)lua_rawlen(L, keys);
    size_t used = 0;
    out[0] = '\0';
    for (lua_Integer i = 1; i <= count; i++) {
        size_t len;
        lua_rawgeti(L, keys, i);
        const char *name = lua_tolstring(L, -1, &len);
        bool fits = used + len + 8 < size && len <= 60;
        used += (size_t)snprintf(out + used, size - used, "%s%s", i > 1 ? ", " : "",
                                 fits ? name : "...");
        lua_pop(L, 1);
        if (!fits) break;
    }
}

/* Takes the declared types over; `seen` has each name's place. */
static bool take_types(lua_State *L, rows_table *t, int keys, int seen, int declared,
                       rows_problem *problem) {
    if (lua_isnil(L, declared)) return true;
    if (!buf_reserve(&t->types, t->count + 1)) luaL_error(L, "out of memory");
    memset(t->types.data, TYPE_TEXT, t->count);
    for (lua_pushnil(L); lua_next(L, declared); lua_pop(L, 1)) {
        enum type type = type_of(lua_tostring(L, -1));
        lua_pushvalue(L, -2);
        if (lua_rawget(L, seen) == LUA_TNIL) {
            char names[ROWS_MESSAGE / 2];
            list_names(L, keys, names, sizeof names);
            return fail(problem, NULL,
                        "there is no column \"%.*s\" to have a type (the header has: %s)", 60,
                        lua_tostring(L, -3), names);
        }
        t->types.data[lua_tointeger(L, -1) - 1] = (char)type;
        lua_pop(L, 1);
    }
    t->types.len = t->count;
    return true;
}

bool rows_table_push(lua_State *L, const csv_reader *csv, const char *text, int declared,
                     rows_problem *problem) {
    declared = lua_absindex(L, declared);
    int top = lua_gettop(L), box = top + 1, keys = top + 2, seen = top + 3;
    rows_table *t = box_new(L, &table_class, sizeof *t, SHAPE);
    t->count = count_columns(csv);
    t->cells = csv->count;
    luaL_checkstack(L, 12, "rows");
    if (!push_keys(L, t, csv, text, problem) || !take_types(L, t, keys, seen, declared, problem)) {
        lua_settop(L, top);
        return false;
    }
    json_push_shape(L, keys);
    lua_setiuservalue(L, box, SHAPE);
    lua_settop(L, keys);
    lua_setiuservalue(L, box, KEYS);
    return true;
}

/* --- rows --- */

/* Whether the cell is one of the spellings of true or false that spreadsheets and pandas write. */
static bool read_boolean(const char *text, size_t len, bool *value) {
    static const char *const words[] = {"true", "false", "True", "False", "TRUE", "FALSE"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (len != strlen(words[i]) || memcmp(text, words[i], len) != 0) continue;
        *value = i % 2 == 0;
        return true;
    }
    return false;
}

static bool is_whole(const char *text, size_t len) {
    for (size_t i = 0; i < len; i++)
        if (text[i] == '.' || text[i] == 'e' || text[i] == 'E') return false;
    return true;
}

static bool is_number(lua_State *L, int index) {
    return lua_type(L, index) == LUA_TNUMBER ||
           (lua_isuserdata(L, index) && !lua_islightuserdata(L, index));
}

/* A typed cell's value: [-0, +1], or false and [-0, +0]. *respelt says that it is a number whose
 * text differs from what would be written for it. */
static bool push_typed(lua_State *L, enum type type, const char *text, size_t len, bool *respelt,
                       json_error *error) {
    *respelt = false;
    if (type == TYPE_BOOLEAN) {
        bool value;
        if (!read_boolean(text, len, &value)) return false;
        lua_pushboolean(L, value);
        return true;
    }
    if (!json_push(L, text, len, 0, error)) return false;
    if (type == TYPE_NUMBER || type == TYPE_INTEGER) {
        if (!is_number(L, -1) || (type == TYPE_INTEGER && !is_whole(text, len))) {
            lua_pop(L, 1);
            return false;
        }
    }
    double value;
    *respelt = lua_type(L, -1) == LUA_TNUMBER && !lua_isinteger(L, -1) &&
               json_number_read(text, len, &value) == JSON_RESPELT;
    return true;
}

/* Remembers how the number of a column, whose name is at `key`, is spelt. [-0, +0] */
static void keep_spelling(lua_State *L, int spellings, int key, const char *cell, size_t len) {
    if (lua_isnil(L, spellings)) {
        lua_newtable(L);
        lua_replace(L, spellings);
    }
    lua_pushvalue(L, key);
    lua_pushlstring(L, cell, len);
    lua_rawset(L, spellings);
}

/* [-0, +1] The cell of a column, whose name is on top of the stack; an empty one of a typed column
 * is null. */
static bool push_cell(lua_State *L, rows_table *t, size_t column, const csv_field *f,
                      const char *text, int spellings, rows_problem *problem) {
    int key = lua_gettop(L);
    size_t len;
    const char *cell = text_of(L, t, f, text, &len);
    enum type type = t->types.len ? (enum type)t->types.data[column] : TYPE_TEXT;
    if (type == TYPE_TEXT) {
        lua_pushlstring(L, cell, len);
        return true;
    }
    if (len == 0) {
        json_push_null(L);
        return true;
    }
    bool respelt;
    json_error error = {.message = ""};
    /* Spaces around a value are no part of how it is spelt. */
    while (len > 0 && (*cell == ' ' || *cell == '\t')) cell++, len--;
    while (len > 0 && (cell[len - 1] == ' ' || cell[len - 1] == '\t')) len--;
    if (!push_typed(L, type, cell, len, &respelt, &error))
        return fail(problem, f, "the column \"%.*s\" is declared %s, and \"%.*s\" is not %s%s%s",
                    60, lua_tostring(L, key), types[type].name, shown(cell, len), cell,
                    types[type].wanted, type == TYPE_JSON ? ": " : "",
                    type == TYPE_JSON ? error.message : "");
    if (respelt) keep_spelling(L, spellings, key, cell, len);
    return true;
}

/* Whether a row has the header's cells, and none that has no column. */
static bool check_cells(lua_State *L, const rows_table *t, int keys, const csv_reader *csv,
                        rows_problem *problem) {
    if (csv->count == t->cells) {
        for (size_t i = t->count; i < t->cells; i++)
            if (csv_fields(csv)[i].len > 0)
                return fail(problem, &csv_fields(csv)[i],
                            "a cell in column %zu, which has no name in the header", i + 1);
        return true;
    }
    fail(problem, NULL, "expected %zu cell%s, as many as the header has, found %zu", t->cells,
         t->cells == 1 ? "" : "s", csv->count);
    if (t->count > 1) return false;
    size_t used = strlen(problem->message), len;
    lua_rawgeti(L, keys, 1);
    const char *name = lua_tolstring(L, -1, &len);
    snprintf(problem->message + used, sizeof problem->message - used,
             "; the header is \"%.*s\": a title above it must go", shown(name, len), name);
    return false;
}

bool rows_table_push_row(lua_State *L, int index, const csv_reader *csv, const char *text,
                         rows_problem *problem) {
    rows_table *t = lua_touserdata(L, index);
    int top = lua_gettop(L), row = top + 1, keys = top + 2, shape = top + 3, spellings = top + 4;
    luaL_checkstack(L, 12, "rows");
    lua_createtable(L, 0, (int)t->count);
    lua_getiuservalue(L, index, KEYS);
    if (!check_cells(L, t, keys, csv, problem)) {
        lua_settop(L, top);
        return false;
    }
    lua_getiuservalue(L, index, SHAPE);
    lua_pushnil(L);
    for (size_t i = 0; i < t->count; i++) {
        lua_rawgeti(L, keys, (lua_Integer)i + 1);
        if (!push_cell(L, t, i, &csv_fields(csv)[i], text, spellings, problem)) {
            lua_settop(L, top);
            return false;
        }
        lua_rawset(L, row);
    }
    json_set_shape(L, row, shape, spellings);
    lua_settop(L, row);
    return true;
}
