#include "lua/modules.h"

#include <fnmatch.h>
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "base/records.h"
#include "base/utf8.h"
#include "engine/reader.h"
#include "lua/box.h"
#include "lua/json/json.h"
#include "lua/rows_table.h"
#include "lua/waiters.h"

#define MOST_RECORD  ((size_t)1 << 30)
#define LINES        ((size_t)256 << 10) /* bytes at a time, where lines are wanted as they are */
#define MOST_MEMBERS 10                  /* named in the message that none of them is data */

/* User values of the box: the file's name for messages; the same with the member, "file:member";
 * the declared types; the table of a CSV member once its header is read; a pattern of members. */
enum { FILE_NAME = 1, PLACE, TYPES, TABLE, PATTERN };

typedef struct rows {
    box_head box;
    reader *reader;
    task_list waiters; /* one at most, in next */
    records records;
    enum record_format asked; /* unknown: to be told by name or content */
    bool replace;             /* invalid UTF-8 by U+FFFD */
    unsigned nan;             /* flags: what NaN is read as */
    bool selected;            /* the member is data */
    bool has_table;
    buf clean;        /* a record whose invalid UTF-8 is replaced */
    csv_reader again; /* its fields */
    size_t members, selections;
    buf others; /* names of members that are no data, a few */
} rows;

static void on_read(void *arg) {
    waiters_wake(&((rows *)arg)->waiters);
}

static const char *const format_names[] = {"jsonl", "json", "csv", "tsv", NULL};
static const enum record_format format_values[] = {RECORD_JSONL, RECORD_JSON, RECORD_CSV,
                                                   RECORD_TSV};

static void release_rows(void *box) {
    rows *r = box;
    reader_drop(r->reader);
    r->reader = NULL;
    waiters_wake(&r->waiters); /* which find them closed */
    records_free(&r->records);
    csv_free(&r->again);
    buf_free(&r->clean);
    buf_free(&r->others);
}

static const box_class rows_class;

/* --- errors; the reader is at index 1 --- */

/* [-0, +1] The message, with the line where the record begins before it and the byte behind. */
static void push_message(lua_State *L, position begin, position at, bool placed, const char *what) {
    lua_getiuservalue(L, 1, PLACE);
    const char *place = lua_tostring(L, -1);
    if (!placed)
        lua_pushfstring(L, "%s:%I: %s", place, (LUAI_UACINT)begin.line, what);
    else if (at.line == begin.line)
        lua_pushfstring(L, "%s:%I: %s (byte %I of the line)", place, (LUAI_UACINT)begin.line, what,
                        (LUAI_UACINT)at.byte);
    else
        lua_pushfstring(L, "%s:%I: %s (line %I, byte %I)", place, (LUAI_UACINT)begin.line, what,
                        (LUAI_UACINT)at.line, (LUAI_UACINT)at.byte);
    lua_remove(L, -2);
}

/* [-0, +2] nil and an error with the message on top of the stack; nothing can be read on. */
static int fail_file(lua_State *L) {
    return box_fail(L, "file", "%s", lua_tostring(L, -1));
}

/* [-0, +2] nil and the error of the record that was found. */
static int fail_record(lua_State *L, const rows *r, const char *record,
                       const rows_problem *problem) {
    position at = records_position(&r->records, record, problem->at);
    push_message(L, r->records.where, at, problem->placed, problem->message);
    box_fail(L, "data", "%s", lua_tostring(L, -1));
    lua_pushinteger(L, (lua_Integer)r->records.where.line);
    lua_setfield(L, -2, "line");
    return 2;
}

__attribute__((format(printf, 2, 3))) static rows_problem problem_at(size_t at, const char *format,
                                                                     ...) {
    rows_problem problem = {.placed = true, .at = at};
    va_list args;
    va_start(args, format);
    vsnprintf(problem.message, sizeof problem.message, format, args);
    va_end(args);
    return problem;
}

#define REPLACE_HINT                                                                               \
    "; iconv -f WINDOWS-1252 -t UTF-8 converts what Windows wrote, and --invalid-utf8 replace "    \
    "reads it as U+FFFD"

/* What to do about a record that is no JSON. */
static const char *json_hint(const char *text, size_t len, const json_error *error) {
    const char *at = text + error->at, *behind = at + 1;
    if (strncmp(error->message, "invalid UTF-8", 13) == 0) return REPLACE_HINT;
    if (strstr(error->message, "which JSON has no form for"))
        return "; --nan null reads it as null, --nan text as a text";
    if (error->at >= len) return "";
    while (behind < text + len && strchr(" \t\r", *behind)) behind++;
    if (*at == ',' && behind == text + len)
        return "; the lines of JSON Lines have no comma between them (sed 's/,[[:space:]]*$//')";
    if (*at == '\'') return "; JSON has double quotes alone (Python's str() writes others)";
    if (*at == '{') return "; each object is on a line of its own (jq -c . makes such lines)";
    return "";
}

/* --- records --- */

/* Checks a record's bytes: true when they are UTF-8, or were replaced (then *text and *len are the
 * replaced ones). */
static bool check_utf8(lua_State *L, rows *r, const char **text, size_t *len,
                       rows_problem *problem) {
    size_t valid = utf8_valid_prefix(*text, *len);
    if (valid == *len) return true;
    if (!r->replace) {
        *problem = problem_at(valid, "invalid UTF-8: the byte 0x%02X" REPLACE_HINT,
                              (unsigned char)(*text)[valid]);
        return false;
    }
    buf_clear(&r->clean);
    if (!utf8_replace(&r->clean, *text, *len)) luaL_error(L, "out of memory");
    *text = r->clean.data;
    *len = r->clean.len;
    return true;
}

/* Whether the record is the first of lines, where an array may be meant. */
static bool begins_lines(const rows *r) {
    return r->records.format == RECORD_JSONL && r->records.where.line == 1;
}

/* [-0, +n] The row of a record of JSON, or its error. */
static int push_json_row(lua_State *L, rows *r, const char *record) {
    const char *text = record;
    size_t len = r->records.len;
    rows_problem problem;
    json_error error;
    if (r->replace) check_utf8(L, r, &text, &len, &problem); /* else json_push checks */
    if (!json_push(L, text, len, r->nan, &error)) {
        if (text[0] == '[' && error.at == len && begins_lines(r)) {
            push_message(L, r->records.where, r->records.where, false,
                         "the array that begins here does not end on its line, and the name says "
                         "that each line is a row; --data-format json reads an array of rows");
            return fail_file(L);
        }
        problem = problem_at(error.at, "not a row of JSON: %s%s", error.message,
                             json_hint(text, len, &error));
        return fail_record(L, r, text, &problem);
    }
    size_t first = 0;
    while (text[first] == ' ' || text[first] == '\t') first++;
    if (text[first] != '{') {
        bool array = text[first] == '[' && begins_lines(r);
        problem = problem_at(first, "not a row of JSON: a row is an object, {...}%s",
                             array ? "; --data-format json reads an array of rows" : "");
        return fail_record(L, r, text, &problem);
    }
    return 1;
}

/* [-0, +n] The row of a record of CSV, or its error; nothing for the header. */
static int push_table_row(lua_State *L, rows *r, const char *record) {
    const char *text = record;
    size_t len = r->records.len;
    rows_problem problem;
    const csv_reader *csv = &r->records.csv;
    const char *nul = memchr(text, '\0', len);
    bool good = !nul && check_utf8(L, r, &text, &len, &problem);
    if (nul) problem = problem_at((size_t)(nul - text), "a NUL byte, which no text file holds");
    if (good && text != record) {
        csv_free(&r->again);
        csv_init(&r->again, csv->delimiter); /* replacing moves no delimiter and no quote */
        csv_next(&r->again, text, len, true);
        csv = &r->again;
    }
    if (r->has_table) {
        lua_getiuservalue(L, 1, TABLE);
        good = good && rows_table_push_row(L, lua_gettop(L), csv, text, &problem);
        return good ? 1 : fail_record(L, r, text, &problem);
    }
    lua_getiuservalue(L, 1, TYPES);
    good = good && rows_table_push(L, csv, text, lua_gettop(L), &problem);
    if (!good) {
        position at = records_position(&r->records, text, problem.at);
        push_message(L, r->records.where, at, problem.placed, problem.message);
        return fail_file(L);
    }
    lua_setiuservalue(L, 1, TABLE);
    r->has_table = true;
    return 0;
}

/* [-0, +n] What next returns for the record that was found; nothing when it is no row. */
static int push_record(lua_State *L, rows *r, const char *record) {
    bool table = r->records.format == RECORD_CSV || r->records.format == RECORD_TSV;
    int pushed = table ? push_table_row(L, r, record) : push_json_row(L, r, record);
    if (pushed == 1) {
        lua_pushinteger(L, (lua_Integer)r->records.where.line);
        lua_getiuservalue(L, 1, PLACE);
        pushed = 3;
    }
    return pushed;
}

/* --- members --- */

/* Whether a member of an archive is data: by the pattern that was given, else by its ending. */
static bool is_data(lua_State *L, const rows *r, const char *name) {
    if (lua_getiuservalue(L, 1, PATTERN) == LUA_TSTRING)
        return fnmatch(lua_tostring(L, -1), name, 0) == 0;
    const char *slash = strrchr(name, '/');
    if ((slash ? slash + 1 : name)[0] == '.') return false;
    return record_format_of(name) != RECORD_UNKNOWN || (r->asked && record_name_is_bare(name));
}

static void begin_member(lua_State *L, rows *r) {
    const char *member = reader_member(r->reader), *name = member;
    lua_getiuservalue(L, 1, FILE_NAME);
    if (!member[0]) {
        name = lua_tostring(L, -1);
    } else if (!is_data(L, r, member)) {
        r->selected = false;
        if (r->members++ < MOST_MEMBERS)
            buf_printf(&r->others, "%s%s", r->others.len ? ", " : "", member);
        reader_skip(r->reader);
        lua_settop(L, 1);
        return;
    } else {
        lua_pushfstring(L, "%s:%s", lua_tostring(L, 2), member);
    }
    r->selected = true;
    r->members++;
    r->selections++;
    lua_setiuservalue(L, 1, PLACE);
    r->has_table = false;
    records_init(&r->records, r->asked ? r->asked : record_format_of(name));
    lua_settop(L, 1);
}

/* [-0, +n] The end of all members; an error when none of them was data. */
static int finish(lua_State *L, const rows *r) {
    if (r->selections > 0) {
        lua_pushnil(L);
        return 1;
    }
    lua_getiuservalue(L, 1, FILE_NAME);
    const char *file = lua_tostring(L, -1);
    if (r->members == 0) return box_fail(L, "file", "%s: the archive is empty", file);
    bool pattern = lua_getiuservalue(L, 1, PATTERN) == LUA_TSTRING;
    lua_pushlstring(L, r->others.data ? r->others.data : "", r->others.len);
    return box_fail(L, "file", "%s: no member of the archive %s; it holds %s%s", file,
                    pattern ? "has such a name"
                            : "is data, which ends in .jsonl, .ndjson, .json, .csv or .tsv",
                    lua_tostring(L, -1), r->members > MOST_MEMBERS ? ", ..." : "");
}

/* --- the binding --- */

/* [-0, +n] What next returns, when the window holds a record or an error; nothing when not. */
static int next_record(lua_State *L, rows *r) {
    while (r->selected) {
        size_t len;
        bool last;
        const char *text = reader_window(r->reader, &len, &last);
        enum record_status status = records_next(&r->records, text, len, last);
        reader_take(r->reader, r->records.used);
        if (status == RECORD_ERROR) {
            push_message(L, r->records.error_where, r->records.error_where, true, r->records.error);
            return fail_file(L);
        }
        if (status == RECORD_MORE && len - r->records.used > MOST_RECORD) {
            lua_getiuservalue(L, 1, PLACE);
            return box_fail(L, "file", "%s:%I: a row of over 1 GiB", lua_tostring(L, -1),
                            (LUAI_UACINT)records_here(&r->records).line);
        }
        if (status != RECORD_FOUND) return 0;
        int pushed = push_record(L, r, text + r->records.at);
        if (pushed > 0) return pushed;
        lua_settop(L, 1);
    }
    return 0;
}

/* [-0, +n] What lines returns, when the window holds whole lines or an error; nothing when not. */
static int next_piece(lua_State *L, rows *r) {
    size_t len;
    bool last;
    const char *text = reader_window(r->reader, &len, &last);
    if (!r->selected || len == 0) return 0;
    const char *end = len > LINES ? memchr(text + LINES, '\n', len - LINES) : NULL;
    if (!end && !last) end = memrchr(text, '\n', len);
    size_t n = end ? (size_t)(end - text) + 1 : last ? len : 0;
    lua_getiuservalue(L, 1, PLACE);
    if (n == 0 && len > MOST_RECORD)
        return box_fail(L, "file", "%s: a row of over 1 GiB", lua_tostring(L, -1));
    if (n == 0) return lua_settop(L, 1), 0;
    lua_pushlstring(L, text, n);
    lua_insert(L, -2);
    reader_take(r->reader, n);
    return 2;
}

/* Takes what `take` finds, or reads on; k goes on after waiting. */
static int read_with(lua_State *L, int (*take)(lua_State *, rows *), lua_KFunction k) {
    rows *r = box_check(L, 1, &rows_class);
    for (;;) {
        int pushed = take(L, r);
        if (pushed > 0) return pushed;
        switch (reader_advance(r->reader)) {
        case READER_MORE: break;
        case READER_MEMBER: begin_member(L, r); break;
        case READER_END: return finish(L, r);
        case READER_FAILED: return box_fail(L, "file", "%s", reader_error(r->reader));
        case READER_WAIT: {
            task_current(L);
            if (r->waiters.first) return luaL_error(L, "these rows are being read by another task");
            return waiters_wait(L, &r->waiters, TASK_OUTSIDE, 0, k);
        }
        }
    }
}

static int next_row(lua_State *L, int status, lua_KContext ctx) {
    (void)status, (void)ctx;
    return read_with(L, next_record, next_row);
}

static int next_lines(lua_State *L, int status, lua_KContext ctx) {
    (void)status, (void)ctx;
    return read_with(L, next_piece, next_lines);
}

/*
 * rows:next() -> row, line, place | nil at the end | nil, {kind =, message =, line =}
 * kind "data": this record is no row, the next one may be; kind "file": the file cannot be read on.
 */
static int l_next(lua_State *L) {
    lua_settop(L, 1);
    return next_row(L, LUA_OK, 0);
}

/* rows:lines() -> text, place | nil at the end | nil, {kind =, message =}: the next lines as they
 * are, whole ones, some hundred kilobytes. In place of next. */
static int l_lines(lua_State *L) {
    lua_settop(L, 1);
    return next_lines(L, LUA_OK, 0);
}

/* [-0, +1] The table of types at field "types", checked. */
static void push_types(lua_State *L, int options) {
    if (lua_getfield(L, options, "types") == LUA_TNIL) return;
    luaL_checktype(L, -1, LUA_TTABLE);
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING || lua_type(L, -1) != LUA_TSTRING ||
            !rows_type_exists(lua_tostring(L, -1)))
            luaL_error(L, "types must be a table from column to text, number, integer, boolean "
                          "or json");
    }
}

static enum record_format format_field(lua_State *L, int options) {
    const char *name = box_string_field(L, options, "format", NULL);
    if (!name) return RECORD_UNKNOWN;
    for (int i = 0; format_names[i]; i++)
        if (strcmp(format_names[i], name) == 0) return format_values[i];
    return (enum record_format)luaL_error(L, "format must be jsonl, json, csv or tsv");
}

/* open(path | "-", {format =, types =, invalid_utf8 =, nan =, max_expansion =, member =, name =}?)
 * -> rows | nil, {kind = "file", message =} */
static int l_open(lua_State *L) {
    const char *path = luaL_checkstring(L, 1);
    lua_settop(L, 2);
    if (lua_isnil(L, 2)) {
        lua_newtable(L);
        lua_replace(L, 2);
    }
    luaL_checktype(L, 2, LUA_TTABLE);
    rows *r = box_new(L, &rows_class, sizeof *r, PATTERN);
    records_init(&r->records, RECORD_UNKNOWN);
    if (!box_string_field(L, 2, "name", NULL))
        lua_pushstring(L, strcmp(path, "-") == 0 ? "standard input" : path);
    lua_setiuservalue(L, 3, FILE_NAME);
    push_types(L, 2);
    lua_setiuservalue(L, 3, TYPES);
    lua_getfield(L, 2, "member");
    lua_setiuservalue(L, 3, PATTERN);
    r->asked = format_field(L, 2);
    const char *invalid = box_string_field(L, 2, "invalid_utf8", NULL);
    r->replace = invalid && strcmp(invalid, "replace") == 0;
    if (invalid && !r->replace && strcmp(invalid, "error") != 0)
        return luaL_error(L, "invalid_utf8 must be error or replace");
    const char *nan = box_string_field(L, 2, "nan", NULL);
    if (nan && strcmp(nan, "null") == 0) r->nan = JSON_NO_NAN;
    if (nan && strcmp(nan, "text") == 0) r->nan = JSON_NAN_WORDS;
    if (nan && !r->nan && strcmp(nan, "error") != 0)
        return luaL_error(L, "nan must be error, null or text");
    stream_limits limits = STREAM_LIMITS;
    limits.ratio = (uint64_t)box_integer_field(L, 2, "max_expansion", (lua_Integer)limits.ratio, 0,
                                               LUA_MAXINTEGER);
    char err[512];
    r->reader = reader_open(path, &limits, runtime_of(L)->loop, on_read, r, err, sizeof err);
    if (!r->reader) return box_fail(L, "file", "%s", err);
    lua_settop(L, 3);
    return 1;
}

/* rows:position() -> bytes: about how many of the file stand for what was given out so far. */
static int l_position(lua_State *L) {
    rows *r = box_check(L, 1, &rows_class);
    lua_pushnumber(L, reader_position(r->reader));
    return 1;
}

static const luaL_Reg methods[] = {{"next", l_next},
                                   {"lines", l_lines},
                                   {"position", l_position},
                                   {"close", box_close},
                                   {NULL, NULL}};

static const box_class rows_class = {.name = "fellowship.rows",
                                     .closed = "these rows are closed",
                                     .methods = methods,
                                     .release = release_rows};

int luaopen_fellowship_core_rows(lua_State *L) {
    box_register(L, &rows_class);
    static const luaL_Reg functions[] = {{"open", l_open}, {NULL, NULL}};
    luaL_newlib(L, functions);
    return 1;
}
