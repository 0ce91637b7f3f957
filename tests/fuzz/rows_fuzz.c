/* Any text as a dataset in each format: pieces give the rows that the whole gives, as Lua values,
 * or the same errors. The first byte chooses the format, the second how long the pieces are. */
#include <lauxlib.h>
#include <lualib.h>
#include <stdlib.h>
#include <string.h>

#include "base/records.h"
#include "base/utf8.h"
#include "lua/json/json.h"
#include "lua/rows_table.h"

static void check(int truth) {
    if (!truth) abort();
}

static lua_State *L;

/* Stack: 1 the declared types, or nil; 2 the table of a text with columns, or nil. */
enum { DECLARED = 1, TABLE };

/* Appends the value on top of the stack as JSON. [-1, +0] */
static void show(buf *out) {
    char error[256];
    if (!json_encode_value(L, -1, out, 0, error, sizeof error)) check(buf_append_str(out, error));
    check(buf_append_char(out, '\n'));
    lua_pop(L, 1);
}

static void show_table_row(const records *r, const char *text, buf *out) {
    rows_problem problem;
    csv_reader again;
    csv_init(&again, r->csv.delimiter);
    const csv_reader *csv = &r->csv;
    buf clean = {0};
    if (utf8_valid_prefix(text, r->len) < r->len) {
        check(utf8_replace(&clean, text, r->len));
        check(utf8_valid_prefix(clean.data, clean.len) == clean.len);
        check(csv_next(&again, clean.data, clean.len, true) == CSV_RECORD);
        check(again.count == csv->count && again.len == clean.len);
        csv = &again;
        text = clean.data;
    }
    if (lua_isnil(L, TABLE)) {
        if (rows_table_push(L, csv, text, DECLARED, &problem))
            lua_replace(L, TABLE);
        else
            check(buf_append_str(out, problem.message));
    } else if (rows_table_push_row(L, TABLE, csv, text, &problem)) {
        show(out);
    } else {
        check(buf_append_str(out, problem.message));
    }
    csv_free(&again);
    buf_free(&clean);
}

static void show_record(const records *r, const char *record, buf *out) {
    check(r->where.line > 0 && r->where.byte > 0);
    check(buf_printf(out, "%zu:%zu ", r->where.line, r->where.byte));
    if (r->format == RECORD_CSV || r->format == RECORD_TSV) {
        show_table_row(r, record, out);
        return;
    }
    json_error error;
    if (json_push(L, record, r->len, 0, &error)) {
        show(out);
        return;
    }
    check(error.at <= r->len);
    position at = records_position(r, record, error.at);
    check(buf_printf(out, "%s %zu:%zu\n", error.message, at.line, at.byte));
}

/* Everything that the text gives, as lines. */
static void read_all(const char *text, size_t len, enum record_format format, size_t step,
                     buf *out) {
    records r = {0};
    records_init(&r, format);
    lua_settop(L, DECLARED);
    lua_pushnil(L);
    size_t from = 0, known = 0;
    for (;;) {
        char *piece = malloc(known - from + 1);
        memcpy(piece, text + from, known - from);
        enum record_status status = records_next(&r, piece, known - from, known == len);
        check(r.used <= known - from);
        if (status == RECORD_FOUND) {
            check(r.used > 0 && r.at + r.len <= r.used);
            char *record = malloc(r.len + 1); /* likewise */
            memcpy(record, piece + r.at, r.len);
            show_record(&r, record, out);
            free(record);
        }
        free(piece);
        from += r.used;
        if (status == RECORD_ERROR)
            check(buf_printf(out, "%s %zu:%zu", r.error, r.error_where.line, r.error_where.byte));
        if (status == RECORD_ERROR || status == RECORD_END) break;
        check(status != RECORD_MORE || known < len);
        if (status == RECORD_MORE) known = known + step < len ? known + step : len;
    }
    records_free(&r);
    lua_settop(L, DECLARED);
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    L = luaL_newstate();
    check(L != NULL);
    return 0;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
    if (size < 2) return 0;
    enum record_format format = (enum record_format)(data[0] % 5);
    lua_settop(L, 0);
    if (data[0] & 0x80) {
        static const char *const types[] = {"number", "integer", "boolean", "json"};
        lua_newtable(L);
        lua_pushstring(L, types[data[0] >> 5 & 3]);
        lua_setfield(L, -2, "a");
    } else {
        lua_pushnil(L);
    }
    const char *text = (const char *)data + 2;
    buf whole = {0}, pieces = {0};
    read_all(text, size - 2, format, size, &whole);
    read_all(text, size - 2, format, (size_t)data[1] + 1, &pieces);
    check(whole.len == pieces.len);
    check(whole.len == 0 || memcmp(whole.data, pieces.data, whole.len) == 0);
    buf_free(&whole);
    buf_free(&pieces);
    lua_settop(L, 0);
    lua_gc(L, LUA_GCSTEP, 0);
    return 0;
}
