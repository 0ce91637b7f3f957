#include "bind/rows.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "bind/json.h"
#include "bind/lx.h"
#include "bind/task.h"
#include "engine/stream.h"

#define READER "fellowship.rows"

#define CHUNK     (256 * 1024)
#define MOST_LINE ((size_t)1 << 30)

/*
 * Reading (and decompressing) happens on a worker thread, a chunk at a time, so that a slow disk or
 * a pipe holds up no call; lines are cut and decoded in the loop's thread. While a read is under
 * way `source` belongs to the worker and must outlive the box, hence a block of its own.
 */
typedef struct source {
    stream *stream;
    loop *loop;
    buf data; /* bytes read; the lines not yet taken begin at `at` */
    size_t at;
    size_t searched; /* no line end lies before this */
    bool reading, ended, failed, dropped;
    task *waiting;
    ssize_t got;
} source;

typedef struct reader {
    source *source;
    char *path;
    lua_Integer line; /* of the last row, from 1 */
} reader;

static void free_source(source *s) {
    stream_close(s->stream);
    buf_free(&s->data);
    free(s);
}

static void read_chunk(void *arg) {
    source *s = arg;
    do {
        s->got = stream_read(s->stream, s->data.data + s->data.len, CHUNK);
    } while (s->got == 0 && (s->got = stream_next(s->stream)) == 1);
}

static void on_read(void *arg) {
    source *s = arg;
    s->reading = false;
    if (s->dropped) {
        free_source(s);
        return;
    }
    if (s->got > 0)
        s->data.len += (size_t)s->got;
    else if (s->got == 0)
        s->ended = true;
    else
        s->failed = true;
    task *t = s->waiting;
    s->waiting = NULL;
    if (t) task_wake(t);
}

/* Asks for another chunk; false when out of memory. */
static bool read_more(source *s) {
    if (s->at > 0) {
        memmove(s->data.data, s->data.data + s->at, s->data.len - s->at);
        s->data.len -= s->at;
        s->searched -= s->at;
        s->at = 0;
    }
    if (!buf_reserve(&s->data, CHUNK)) return false;
    s->reading = loop_work(s->loop, read_chunk, on_read, s);
    return s->reading;
}

static int release_reader(lua_State *L) {
    reader *r = lua_touserdata(L, 1);
    if (r->source) {
        if (r->source->reading)
            r->source->dropped = true; /* on_read frees it */
        else
            free_source(r->source);
    }
    r->source = NULL;
    free(r->path);
    r->path = NULL;
    return 0;
}

static void stop_waiting(void *arg) {
    ((source *)arg)->waiting = NULL;
}

/* The next whole line into *line and *len, without its end; false when more must be read. */
static bool take_line(source *s, const char **line, size_t *len) {
    const char *start = s->data.data + s->at, *end = NULL;
    if (s->data.len > s->searched)
        end = memchr(s->data.data + s->searched, '\n', s->data.len - s->searched);
    if (!end && !(s->ended && s->at < s->data.len)) {
        s->searched = s->data.len;
        return false;
    }
    *line = start;
    *len = end ? (size_t)(end - start) : s->data.len - s->at;
    s->at += *len + (end ? 1 : 0);
    s->searched = s->at;
    return true;
}

static bool is_blank(const char *line, size_t len) {
    for (size_t i = 0; i < len; i++)
        if (!strchr(" \t\r", line[i]) || line[i] == '\0') return false;
    return true;
}

/* [-0, +2] nil and the error of a row. */
static int fail_row(lua_State *L, const reader *r, const char *message, size_t byte) {
    lua_pushnil(L);
    lua_createtable(L, 0, 5);
    lua_pushliteral(L, "data");
    lua_setfield(L, -2, "kind");
    lua_pushfstring(L, "%s:%I: not a row of JSON: %s (byte %I of the line)", r->path,
                    (LUAI_UACINT)r->line, message, (LUAI_UACINT)(byte + 1));
    lua_setfield(L, -2, "message");
    lua_pushinteger(L, r->line);
    lua_setfield(L, -2, "line");
    return 2;
}

/* [-0, +n] The row of a line (which is not blank), or its error. */
static int decode_line(lua_State *L, reader *r, const char *line, size_t len) {
    json_error error;
    if (!json_push(L, line, len, 0, &error)) return fail_row(L, r, error.message, error.at);
    size_t first = strspn(line, " \t");
    if (line[first] != '{') {
        lua_pop(L, 1);
        return fail_row(L, r, "a row is a JSON object, {...}", first);
    }
    lua_pushinteger(L, r->line);
    return 2;
}

static int next_row(lua_State *L, int status, lua_KContext ctx) {
    (void)status, (void)ctx;
    reader *r = luaL_checkudata(L, 1, READER);
    source *s = r->source;
    if (!s) return luaL_error(L, "the rows of %s are closed", r->path ? r->path : "this file");
    const char *line;
    size_t len;
    while (take_line(s, &line, &len)) {
        r->line++;
        if (r->line == 1 && len >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0) {
            line += 3; /* a byte order mark is no part of the first row */
            len -= 3;
        }
        if (len > 0 && line[len - 1] == '\r') len--;
        if (!is_blank(line, len)) return decode_line(L, r, line, len);
    }
    if (s->failed) {
        lua_pushstring(L, stream_error(s->stream));
        return lx_fail(L, "file", "%s", lua_tostring(L, -1));
    }
    if (s->ended) {
        lua_pushnil(L);
        return 1;
    }
    if (s->data.len - s->at > MOST_LINE)
        return lx_fail(L, "file", "%s:%I: a line of over 1 GiB", r->path,
                       (LUAI_UACINT)(r->line + 1));
    task *self = task_current(L);
    if (s->waiting) return luaL_error(L, "%s is being read by another task", r->path);
    if (!s->reading && !read_more(s)) return luaL_error(L, "out of memory");
    s->waiting = self;
    return task_suspend(L, TASK_OUTSIDE, stop_waiting, s, 0, next_row);
}

/*
 * rows:next() -> row, line | nil at the end | nil, {kind =, message =, line =}
 * kind "data": this line is no row, the next one may be; kind "file": the file cannot be read on.
 */
static int l_next(lua_State *L) {
    lua_settop(L, 1);
    return next_row(L, LUA_OK, 0);
}

/* open(path | "-") -> rows | nil, {kind = "file", message =} */
static int l_open(lua_State *L) {
    const char *path = luaL_checkstring(L, 1);
    reader *r = lx_box(L, READER, sizeof *r, 0);
    r->path = strdup(strcmp(path, "-") == 0 ? "standard input" : path);
    r->source = calloc(1, sizeof *r->source);
    if (!r->path || !r->source) return luaL_error(L, "out of memory");
    r->source->loop = runtime_of(L)->loop;
    char err[512];
    r->source->stream = stream_open(path, NULL, err, sizeof err);
    if (!r->source->stream) return lx_fail(L, "file", "%s", err);
    return 1;
}

int luaopen_fellowship_core_rows(lua_State *L) {
    static const luaL_Reg methods[] = {{"next", l_next}, {"close", release_reader}, {NULL, NULL}};
    lx_class(L, READER, methods, release_reader);
    static const luaL_Reg functions[] = {{"open", l_open}, {NULL, NULL}};
    luaL_newlib(L, functions);
    return 1;
}
