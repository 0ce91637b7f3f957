#include <lauxlib.h>
#include <string.h>

#include "lua/box.h"
#include "lua/http_private.h"
#include "lua/task.h"

#define STREAM "fellowship.http.stream"

/* An answer that is read while it comes. The box owns the call until that ends; user value 1 keeps
 * the body that libcurl sends from, user value 2 the target. */
typedef struct stream {
    http_call *call; /* NULL once the call has ended or the stream was closed */
    task *reader;    /* who waits for more, or NULL */
    http_answer answer;
    char message[256];
    bool closed;
} stream;

static void wake_reader(void *arg) {
    stream *s = arg;
    if (s->reader) task_wake_soon(s->reader);
    s->reader = NULL;
}

static int release_stream(lua_State *L) {
    stream *s = lua_touserdata(L, 1);
    if (s->call) http_cancel(s->call);
    s->call = NULL;
    s->closed = true;
    wake_reader(s); /* who waits in another task gets an error */
    buf_free(&s->answer.head);
    buf_free(&s->answer.body);
    return 0;
}

static void on_done(void *arg, http_answer *answer) {
    stream *s = arg;
    s->call = NULL;
    s->answer = *answer;
    answer->head = answer->body = (buf){0}; /* stolen */
    strncpy(s->message, answer->message, sizeof s->message - 1);
    wake_reader(s);
}

static void forget_reader(void *arg) {
    ((stream *)arg)->reader = NULL;
}

/*
 * target:stream(body | nil [, options]) -> stream | nil, {kind =, message =}
 * Begins a POST, or a GET without a body, whose answer is read while it comes; options as of send.
 */
int http_stream_start(lua_State *L) {
    http_target **target = luaL_checkudata(L, 1, HTTP_TARGET);
    size_t len = 0;
    const char *body = luaL_optlstring(L, 2, NULL, &len);
    lua_settop(L, 3);
    http_bounds bounds = http_read_bounds(L, 3);
    http *client = http_client_of(L);
    stream *s = lx_box(L, STREAM, sizeof *s, 2);
    lua_pushvalue(L, 2);
    lua_setiuservalue(L, -2, 1);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, 2);
    s->call = http_send(client, *target, body, len, &bounds.times, bounds.max_body, on_done, s);
    if (!s->call) return lx_fail(L, "broken", "the call could not be started: out of memory");
    http_watch(s->call, wake_reader);
    return 1;
}

/* [-0, +1] Pushes the bytes that have come; false when there are none. */
static bool push_bytes(lua_State *L, stream *s) {
    buf *bytes = &s->answer.body;
    if (s->call) {
        bytes = box_buf(L);
        if (!http_take(s->call, bytes)) luaL_error(L, "out of memory");
    }
    if (bytes->len == 0) return false;
    lx_push_buf(L, bytes);
    buf_free(bytes);
    return true;
}

static int after_wait(lua_State *L, int status, lua_KContext ctx) {
    (void)status;
    lua_settop(L, (int)ctx);
    stream *s = luaL_checkudata(L, (int)ctx, STREAM);
    if (s->closed) return luaL_error(L, "the stream is closed");
    if (push_bytes(L, s)) return 1;
    if (s->call) {
        lua_settop(L, (int)ctx);
        s->reader = task_current(L);
        return task_suspend(L, TASK_OUTSIDE, forget_reader, s, ctx, after_wait);
    }
    if (s->answer.failure != HTTP_OK) return http_push_failure(L, &s->answer, s->message);
    lua_pushnil(L);
    return 1;
}

/* stream:read() -> bytes | nil at the end | nil, {kind =, message =, status =}. Waits for some. */
static int l_read(lua_State *L) {
    luaL_checkudata(L, 1, STREAM);
    lua_settop(L, 1);
    return after_wait(L, LUA_OK, 1);
}

/* stream:head() -> status, header lines, seconds: after the first read; seconds at the end. */
static int l_head(lua_State *L) {
    stream *s = luaL_checkudata(L, 1, STREAM);
    const buf *head = &s->answer.head;
    long status = s->call ? http_status(s->call, &head) : s->answer.status;
    lua_pushinteger(L, status);
    lx_push_buf(L, head);
    lua_pushnumber(L, (double)s->answer.elapsed_ms / 1000);
    return 3;
}

void http_stream_init(lua_State *L) {
    static const luaL_Reg methods[] = {
        {"read", l_read}, {"head", l_head}, {"close", release_stream}, {NULL, NULL}};
    lx_class(L, STREAM, methods, release_stream);
}
