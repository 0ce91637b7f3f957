#include "lua/modules.h"

#include <lauxlib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/sheet.h"
#include "lua/box.h"
#include "lua/sheet_private.h"

#define MOST_LABELS   4096 /* a jury of every subset of ten models is a thousand of them */
#define MOST_MEASURES 16

/* ---- sheets and views of them ---- */

void sheet_shared_drop(sheet_shared *s) {
    if (!s || --s->holders > 0) return;
    sheet_free(s->sheet);
    free(s);
}

static void release_view(void *arg) {
    sheet_view *v = arg;
    sheet_shared_drop(v->shared);
    intern_free(&v->tuples);
    free(v->map);
    free(v->counts);
}

static const box_class sheet_class;

sheet_view *sheet_view_check(lua_State *L, int index) {
    sheet_view *v = box_check(L, index, &sheet_class);
    if (v->shared->busy) luaL_error(L, "the sheet is being computed with");
    return v;
}

size_t sheet_view_patterns(const sheet_view *v) {
    return v->map ? v->tuples.count : v->shared->sheet->patterns.count;
}

static int l_new(lua_State *L) {
    size_t labels = (size_t)box_integer_field(L, 1, "labels", 0, 0, MOST_LABELS),
           measures = (size_t)box_integer_field(L, 1, "measures", 0, 0, MOST_MEASURES);
    bool keyed = box_boolean_field(L, 1, "keyed", false);
    sheet_view *v = box_new(L, &sheet_class, sizeof *v, 0);
    v->shared = calloc(1, sizeof *v->shared);
    if (!v->shared) return luaL_error(L, "out of memory");
    v->shared->holders = 1;
    v->shared->sheet = sheet_new(labels, measures, keyed);
    if (!v->shared->sheet) return luaL_error(L, "out of memory");
    v->labels = labels;
    return 1;
}

static uint64_t check_key(lua_State *L, int arg) {
    if (lua_isinteger(L, arg)) return hash_mix(1, (uint64_t)lua_tointeger(L, arg));
    size_t len;
    const char *text = luaL_checklstring(L, arg, &len);
    return hash_mix(2, hash_bytes(text, len));
}

static sheet_label check_label(lua_State *L, int arg) {
    lua_Integer label = luaL_checkinteger(L, arg);
    luaL_argcheck(L, label >= 0 && label <= UINT16_MAX, arg, "is no label from 0 to 65535");
    return (sheet_label)label;
}

/* add(key, labels ..., measures ...) */
static int l_add(lua_State *L) {
    sheet_view *v = sheet_view_check(L, 1);
    sheet *s = v->shared->sheet;
    luaL_argcheck(L, !v->map, 1, "is a view");
    if (s->settled) return luaL_error(L, "the sheet is settled: it was computed with");
    sheet_label labels[MOST_LABELS];
    float measures[MOST_MEASURES];
    uint64_t key = s->keyed ? check_key(L, 2) : 0;
    int arg = 3;
    for (size_t i = 0; i < s->labels; i++) labels[i] = check_label(L, arg++);
    for (size_t i = 0; i < s->measures; i++) measures[i] = (float)luaL_checknumber(L, arg++);
    if (!sheet_add(s, key, labels, measures)) return luaL_error(L, "out of memory");
    return 0;
}

static int l_rows(lua_State *L) {
    lua_pushinteger(L, (lua_Integer)sheet_view_check(L, 1)->shared->sheet->rows);
    return 1;
}

static int l_patterns(lua_State *L) {
    lua_pushinteger(L, (lua_Integer)sheet_view_patterns(sheet_view_check(L, 1)));
    return 1;
}

/* pattern(i) -> rows, labels ... */
static int l_pattern(lua_State *L) {
    sheet_view *v = sheet_view_check(L, 1);
    const sheet *s = v->shared->sheet;
    lua_Integer i = luaL_checkinteger(L, 2) - 1;
    luaL_argcheck(L, i >= 0 && i < (lua_Integer)sheet_view_patterns(v), 2, "is no pattern");
    const sheet_label *labels =
        v->map ? intern_at(&v->tuples, (size_t)i) : sheet_pattern(s, (size_t)i);
    luaL_checkstack(L, (int)v->labels + 1, NULL);
    lua_pushinteger(L, v->map ? v->counts[i] : s->counts[i]);
    for (size_t k = 0; k < v->labels; k++) lua_pushinteger(L, labels[k]);
    return (int)v->labels + 1;
}

/* ---- projections ---- */

/* The label that the table at `map` has for one; itself without a table. */
static sheet_label translate(lua_State *L, int map, sheet_label label) {
    if (lua_isnil(L, map)) return label;
    lua_rawgeti(L, map, label);
    lua_Integer to = lua_isnil(L, -1) ? 0 : luaL_checkinteger(L, -1);
    if (to < 0 || to > UINT16_MAX) luaL_error(L, "%d is no label from 0 to 65535", (int)to);
    lua_pop(L, 1);
    return (sheet_label)to;
}

static void count_tuple(lua_State *L, sheet_view *v, const sheet_view *of, size_t i,
                        const sheet_label *labels) {
    const sheet *s = of->shared->sheet;
    uint32_t t = intern_add(&v->tuples, labels);
    if (t == INTERN_FULL) luaL_error(L, "out of memory");
    v->counts[t] += of->map ? of->counts[i] : s->counts[i];
    v->map[i] = t;
}

/* project(sheet, columns, maps): a view of some columns, their labels translated. */
static int l_project(lua_State *L) {
    sheet_view *of = sheet_view_check(L, 1);
    luaL_checktype(L, 2, LUA_TTABLE);
    luaL_checktype(L, 3, LUA_TTABLE);
    size_t columns = (size_t)lua_rawlen(L, 2), patterns = sheet_view_patterns(of),
           column[MOST_LABELS];
    luaL_argcheck(L, columns <= MOST_LABELS, 2, "has too many columns");
    luaL_checkstack(L, (int)columns + 8, NULL);
    for (size_t c = 0; c < columns; c++) {
        lua_rawgeti(L, 2, (lua_Integer)c + 1);
        lua_Integer at = luaL_checkinteger(L, -1);
        luaL_argcheck(L, at >= 1 && at <= (lua_Integer)of->labels, 2, "names no column");
        column[c] = (size_t)at - 1;
        lua_pop(L, 1);
    }
    sheet_view *v = box_new(L, &sheet_class, sizeof *v, 0);
    int first = lua_gettop(L) + 1;
    v->tuples = intern_of(columns * sizeof(sheet_label));
    v->labels = columns;
    v->shared = of->shared;
    v->shared->holders++;
    v->map = malloc(patterns * sizeof *v->map + 1);
    v->counts = calloc(patterns + 1, sizeof *v->counts);
    if (!v->map || !v->counts) return luaL_error(L, "out of memory");
    for (size_t c = 0; c < columns; c++) lua_rawgeti(L, 3, (lua_Integer)c + 1);
    for (size_t i = 0; i < patterns; i++) {
        const sheet_label *from =
            of->map ? intern_at(&of->tuples, i) : sheet_pattern(of->shared->sheet, i);
        sheet_label to[MOST_LABELS] = {0};
        for (size_t c = 0; c < columns; c++) to[c] = translate(L, first + (int)c, from[column[c]]);
        count_tuple(L, v, of, i, to);
    }
    if (of->map) { /* of a view: the maps in one */
        uint32_t *whole = malloc(of->shared->sheet->patterns.count * sizeof *whole + 1);
        if (!whole) return luaL_error(L, "out of memory");
        for (size_t p = 0; p < of->shared->sheet->patterns.count; p++)
            whole[p] = v->map[of->map[p]];
        free(v->map);
        v->map = whole;
    }
    lua_settop(L, first - 1);
    return 1;
}

static const luaL_Reg methods[] = {{"add", l_add},
                                   {"rows", l_rows},
                                   {"patterns", l_patterns},
                                   {"pattern", l_pattern},
                                   {"project", l_project},
                                   {"close", box_close},
                                   {NULL, NULL}};

static const box_class sheet_class = {.name = "fellowship.sheet",
                                      .closed = "the sheet is closed",
                                      .methods = methods,
                                      .release = release_view};

int luaopen_fellowship_core_sheet(lua_State *L) {
    static const luaL_Reg functions[] = {{"new", l_new}, {NULL, NULL}};
    box_register(L, &sheet_class);
    box_add_methods(L, &sheet_class, sheet_computing);
    luaL_newlib(L, functions);
    return 1;
}
