#include "lua/modules.h"

#include <lauxlib.h>
#include <string.h>

#include "base/columns.h"
#include "engine/outlet.h"
#include "lua/box.h"
#include "lua/json/json.h"
#include "lua/waiters.h"
#include "lua/writer_csv.h"

enum format { JSONL, JSON, CSV, TSV };

typedef struct writer {
    box_head box;
    outlet *outlet;
    columns *columns; /* the types of what is written, when they are wanted */
    runtime *rt;
    task_list waiters; /* for a piece to be written */
    enum format format;
    bool closing;
    bool counted; /* its end is among what a drain waits for */
    lua_Integer rows;
    uint64_t bytes; /* before compression, with those that are still here */
} writer;

enum { COLUMNS = 1 }; /* user value: the names of the columns, once there is a header */

/* ---- writing ---- */

static void on_written(void *arg) {
    waiters_wake(&((writer *)arg)->waiters);
}

static void release_writer(void *box) {
    writer *w = box;
    outlet_drop(w->outlet);
    w->outlet = NULL;
    columns_free(w->columns);
    w->columns = NULL;
    if (w->counted) w->rt->committed--;
    w->counted = false;
    waiters_wake(&w->waiters);
}

static const box_class writer_class;

static writer *check_writer(lua_State *L) {
    writer *w = box_check(L, 1, &writer_class);
    if (w->closing) luaL_error(L, "%s", writer_class.closed);
    outlet_undo(w->outlet);
    return w;
}

static int fail_outlet(lua_State *L, const outlet *o) {
    return box_fail(L, "file", "%s", outlet_error(o));
}

/* Goes on once less than a piece is here: with the bytes so far, or nil and the error. */
static int keep_small(lua_State *L, int status, lua_KContext ctx) {
    (void)status;
    writer *w = lua_touserdata(L, 1);
    if (w->outlet) { /* whoever closed it has written all of it */
        switch (outlet_state(w->outlet, !task_able(L))) {
        case OUTLET_READY: break;
        case OUTLET_BUSY: return waiters_wait(L, &w->waiters, TASK_OUTSIDE, ctx, keep_small);
        case OUTLET_FAILED: return fail_outlet(L, w->outlet);
        }
    }
    lua_pushinteger(L, (lua_Integer)w->bytes);
    return 1;
}

/* What was appended counts. */
static int appended(lua_State *L, writer *w) {
    w->bytes += outlet_keep(w->outlet);
    return keep_small(L, LUA_OK, 0);
}

/* Takes a row's text into account; false and the reason on the stack when no table holds it. */
static bool take_columns(lua_State *L, writer *w, const char *row, size_t len) {
    switch (columns_take(w->columns, row, len)) {
    case COLUMNS_TAKEN: return true;
    case COLUMNS_SURROGATE:
        lua_pushliteral(L,
                        "a text holds half a surrogate pair (\\ud800 to \\udfff), which no table "
                        "holds");
        return false;
    default: lua_pushliteral(L, "out of memory"); return false;
    }
}

/* Appends the row at 2 to the lines; false and the reason on the stack when it has no such form. */
static bool append_row(lua_State *L, writer *w, buf *out) {
    if (w->format == CSV || w->format == TSV) {
        luaL_checktype(L, 2, LUA_TTABLE);
        if (lua_getiuservalue(L, 1, COLUMNS) != LUA_TTABLE)
            return luaL_error(L, "a CSV file needs its header before its rows");
        return writer_csv_row(L, 2, 3, w->format == CSV ? ',' : '\t', out);
    }
    char error[512];
    const char *lead = w->format == JSONL ? "" : w->rows == 0 ? "[\n" : ",\n";
    if (!buf_append_str(out, lead)) {
        lua_pushliteral(L, "out of memory");
        return false;
    }
    size_t begin = out->len;
    if (!json_encode_value(L, 2, out, 0, error, sizeof error)) {
        lua_pushstring(L, error);
        return false;
    }
    if (w->columns && !take_columns(L, w, out->data + begin, out->len - begin)) return false;
    if (w->format == JSON || buf_append_char(out, '\n')) return true;
    lua_pushliteral(L, "out of memory");
    return false;
}

/* writer:write(row) -> bytes so far | nil, {kind =, message =}: raises when the row has no form in
 * this format. */
static int l_write(lua_State *L) {
    writer *w = check_writer(L);
    luaL_checkany(L, 2);
    lua_settop(L, 2);
    if (!append_row(L, w, outlet_record(w->outlet))) {
        outlet_undo(w->outlet);
        return luaL_error(L, "row %I: %s", (LUAI_UACINT)w->rows + 1, lua_tostring(L, -1));
    }
    w->rows++;
    return appended(L, w);
}

/* writer:header(columns) -> bytes so far | nil, {kind =, message =}: the columns of CSV. */
static int l_header(lua_State *L) {
    writer *w = check_writer(L);
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    lua_Integer count = (lua_Integer)lua_rawlen(L, 2);
    luaL_argcheck(L, w->format == CSV || w->format == TSV, 1, "this format has no header");
    luaL_argcheck(L, count > 0, 2, "CSV needs a column");
    lua_createtable(L, (int)count, 0);
    for (lua_Integer i = 1; i <= count; i++) {
        luaL_argcheck(L, lua_rawgeti(L, 2, i) == LUA_TSTRING, 2, "columns are named by strings");
        lua_rawseti(L, 3, i);
    }
    if (!writer_csv_header(L, 3, w->format == CSV ? ',' : '\t', outlet_record(w->outlet))) {
        outlet_undo(w->outlet);
        return lua_error(L);
    }
    lua_settop(L, 3);
    lua_setiuservalue(L, 1, COLUMNS);
    return appended(L, w);
}

/* writer:write_text(text) -> bytes so far | nil, {kind =, message =}: bytes as they are. */
static int l_write_text(lua_State *L) {
    writer *w = check_writer(L);
    size_t len;
    const char *text = luaL_checklstring(L, 2, &len);
    if (!buf_append(outlet_record(w->outlet), text, len)) return luaL_error(L, "out of memory");
    return appended(L, w);
}

/* [-0, +1] A column as {name =, type =, rounds =, clash = {a kind of values, another, their first
 * rows}}. */
static void push_column(lua_State *L, const columns *c, size_t i) {
    size_t len;
    const char *name = columns_name(c, i, &len);
    buf *type = box_buf(L);
    if (!columns_type(c, i, type)) luaL_error(L, "out of memory");
    lua_createtable(L, 0, 3);
    lua_pushlstring(L, name, len);
    lua_setfield(L, -2, "name");
    lua_pushlstring(L, type->data, type->len);
    lua_setfield(L, -2, "type");
    lua_pushboolean(L, columns_rounds(c, i));
    lua_setfield(L, -2, "rounds");
    columns_clash clash;
    if (columns_clashes(c, i, &clash)) {
        lua_createtable(L, 4, 0);
        lua_pushstring(L, clash.first);
        lua_rawseti(L, -2, 1);
        lua_pushstring(L, clash.second);
        lua_rawseti(L, -2, 2);
        lua_pushinteger(L, (lua_Integer)clash.first_row);
        lua_rawseti(L, -2, 3);
        lua_pushinteger(L, (lua_Integer)clash.second_row);
        lua_rawseti(L, -2, 4);
        lua_setfield(L, -2, "clash");
    }
    lua_remove(L, -2);
}

/* writer:columns() -> {column, ...}, bytes of the longest row, whether SQL can tell their names
 * apart: of a writer that was opened with `columns` */
static int l_columns(lua_State *L) {
    writer *w = check_writer(L);
    luaL_argcheck(L, w->columns, 1, "the writer was opened without columns");
    lua_settop(L, 1);
    size_t count = columns_count(w->columns);
    lua_createtable(L, (int)count, 0);
    for (size_t i = 0; i < count; i++) {
        push_column(L, w->columns, i);
        lua_rawseti(L, 2, (lua_Integer)i + 1);
    }
    lua_pushinteger(L, (lua_Integer)columns_longest(w->columns));
    lua_pushboolean(L, columns_are_named(w->columns));
    return 3;
}

/* ---- the end ---- */

/* Goes on until all is written, then closes. */
static int finish(lua_State *L, int status, lua_KContext ctx) {
    (void)status;
    writer *w = lua_touserdata(L, 1);
    if (!w->outlet) return luaL_error(L, "%s", writer_class.closed);
    switch (outlet_state(w->outlet, !task_able(L))) {
    case OUTLET_BUSY:
        if (!w->counted) w->rt->committed++; /* an interrupted run ends behind the rename */
        w->counted = true;
        return waiters_wait(L, &w->waiters, TASK_OUTSIDE, ctx, finish);
    case OUTLET_FAILED: fail_outlet(L, w->outlet); break;
    case OUTLET_READY: lua_pushboolean(L, 1); break;
    }
    box_shut(w);
    return lua_gettop(L) - 1;
}

/* close([to]) -> true | nil, {kind =, message =}: all rows are on the disk then, and the file has
 * the name `to`, in place of what had it. */
static int l_close(lua_State *L) {
    writer *w = check_writer(L);
    const char *to = luaL_optstring(L, 2, NULL);
    const char *end = w->rows > 0 ? "\n]\n" : w->bytes == 0 ? "[]\n" : "";
    if ((w->format == JSON && !buf_append_str(outlet_record(w->outlet), end)) ||
        !outlet_end(w->outlet, to))
        return luaL_error(L, "out of memory");
    outlet_keep(w->outlet);
    w->closing = true;
    lua_settop(L, 1);
    return finish(L, LUA_OK, 0);
}

/* open(path [, {format =, compression =, level =, columns =}]) -> writer | nil, {kind = "file",
 * message =}: the file is made anew. */
static int l_open(lua_State *L) {
    static const char *const formats[] = {"jsonl", "json", "csv", "tsv", NULL};
    const char *path = luaL_checkstring(L, 1);
    char err[256];
    lua_settop(L, 2);
    int level = (int)box_integer_field(L, 2, "level", -1, 0, 100);
    if (!box_string_field(L, 2, "format", NULL)) lua_pushnil(L);
    const char *filter = box_string_field(L, 2, "compression", NULL);
    if (!filter) lua_pushnil(L);
    bool wants_columns = box_boolean_field(L, 2, "columns", false);
    writer *w = box_new(L, &writer_class, sizeof *w, 1);
    w->format = (enum format)luaL_checkoption(L, 3, "jsonl", formats);
    w->rt = runtime_of(L);
    luaL_argcheck(L, !wants_columns || w->format == JSONL, 2, "columns are of JSON Lines");
    if (wants_columns && !(w->columns = columns_new())) return luaL_error(L, "out of memory");
    w->outlet = outlet_open(path, filter, level, w->rt->loop, on_written, w, err, sizeof err);
    return w->outlet ? 1 : box_fail(L, "file", "%s", err);
}

static const luaL_Reg methods[] = {{"write", l_write},           {"header", l_header},
                                   {"write_text", l_write_text}, {"columns", l_columns},
                                   {"close", l_close},           {NULL, NULL}};

static const box_class writer_class = {.name = "fellowship.writer",
                                       .closed = "the writer is closed",
                                       .methods = methods,
                                       .release = release_writer};

int luaopen_fellowship_core_writer(lua_State *L) {
    box_register(L, &writer_class);
    static const luaL_Reg functions[] = {{"open", l_open}, {NULL, NULL}};
    luaL_newlib(L, functions);
    return 1;
}
