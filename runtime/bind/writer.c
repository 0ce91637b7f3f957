#include "bind/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <string.h>
#include <unistd.h>

#include "bind/json.h"
#include "bind/lx.h"

#define WRITER "fellowship.writer"

#define FLUSH_AT (256 * 1024)

/* An open file and the lines that are not in it yet. */
typedef struct writer {
    int fd; /* plus one, so that a zeroed box is closed */
    buf lines;
} writer;

static int release_writer(lua_State *L) {
    writer *w = lua_touserdata(L, 1);
    if (w->fd) close(w->fd - 1);
    w->fd = 0;
    buf_free(&w->lines);
    return 0;
}

/* Writes the whole buffer; 0, or what errno says. */
static int flush(writer *w) {
    size_t at = 0;
    while (at < w->lines.len) {
        ssize_t n = write(w->fd - 1, w->lines.data + at, w->lines.len - at);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            int problem = errno;
            memmove(w->lines.data, w->lines.data + at, w->lines.len - at);
            w->lines.len -= at;
            return problem;
        }
        at += (size_t)n;
    }
    buf_clear(&w->lines);
    return 0;
}

static writer *check_writer(lua_State *L) {
    writer *w = luaL_checkudata(L, 1, WRITER);
    if (!w->fd) luaL_error(L, "the writer is closed");
    return w;
}

/* [-0, +1|2] true, or nil and the error. */
static int done(lua_State *L, int problem) {
    if (problem) return lx_fail(L, "file", "%s", strerror(problem));
    lua_pushboolean(L, 1);
    return 1;
}

/* open(path) -> writer | nil, {kind = "file", message =}: the file is made anew. */
static int l_open(lua_State *L) {
    const char *path = luaL_checkstring(L, 1);
    writer *w = lx_box(L, WRITER, sizeof *w, 0);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) return done(L, errno);
    w->fd = fd + 1;
    return 1;
}

/* writer:write(value) -> true | nil, {kind =, message =}: one line of JSON; raises when the value
 * has no JSON form. */
static int l_write(lua_State *L) {
    writer *w = check_writer(L);
    luaL_checkany(L, 2);
    size_t before = w->lines.len;
    char err[512];
    if (!json_encode_value(L, 2, &w->lines, 0, err, sizeof err)) {
        w->lines.len = before;
        return luaL_error(L, "%s", err);
    }
    if (!buf_append_char(&w->lines, '\n')) {
        w->lines.len = before;
        return luaL_error(L, "out of memory");
    }
    return done(L, w->lines.len >= FLUSH_AT ? flush(w) : 0);
}

/* writer:write_text(text) -> true | nil, {kind =, message =}: bytes as they are. */
static int l_write_text(lua_State *L) {
    writer *w = check_writer(L);
    size_t len;
    const char *text = luaL_checklstring(L, 2, &len);
    if (!buf_append(&w->lines, text, len)) return luaL_error(L, "out of memory");
    return done(L, w->lines.len >= FLUSH_AT ? flush(w) : 0);
}

/* writer:flush() -> true | nil, {kind =, message =}: hands all lines to the system. */
static int l_flush(lua_State *L) {
    return done(L, flush(check_writer(L)));
}

/* writer:close() -> true | nil, {kind =, message =}: all lines are on the disk then. */
static int l_close(lua_State *L) {
    writer *w = check_writer(L);
    int problem = flush(w);
    /* A pipe or a terminal cannot be synced, and need not be. */
    if (!problem && fsync(w->fd - 1) < 0 && errno != EINVAL && errno != ENOTSUP) problem = errno;
    if (close(w->fd - 1) < 0 && !problem) problem = errno;
    w->fd = 0;
    return done(L, problem);
}

int luaopen_fellowship_core_writer(lua_State *L) {
    static const luaL_Reg methods[] = {{"write", l_write},
                                       {"write_text", l_write_text},
                                       {"flush", l_flush},
                                       {"close", l_close},
                                       {NULL, NULL}};
    lx_class(L, WRITER, methods, release_writer);
    static const luaL_Reg functions[] = {{"open", l_open}, {NULL, NULL}};
    luaL_newlib(L, functions);
    return 1;
}
