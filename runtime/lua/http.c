#include "lua/http.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lua/box.h"
#include "lua/http_private.h"
#include "lua/task.h"

#define CLIENT "fellowship.http"
#define CALL   "fellowship.http.call"
#define BODY   "fellowship.http.body"

#define MOST_HEADERS     32
#define DEFAULT_MAX_BODY (64 << 20)

/* The registry's key of the one client. */
static const char the_client;

/* One exchange under way. The box holds the answer from the loop's callback until the task reads
 * it; user value 1 keeps the body that libcurl sends from, user value 2 the target. */
typedef struct exchange {
    http_call *call;
    task *task;
    http_answer answer; /* head, body and message are this box's after the end */
    char message[256];
} exchange;

/* ---- the client ---- */

static int release_client(lua_State *L) {
    http **client = lua_touserdata(L, 1);
    http_free(*client);
    *client = NULL;
    return 0;
}

/* Made with the first target: a run that the store answers whole never sets up libcurl. */
http *http_client_of(lua_State *L) {
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &the_client) == LUA_TNIL) {
        lua_pop(L, 1);
        http **client = lx_box(L, CLIENT, sizeof *client, 0);
        char err[128];
        *client = http_new(runtime_of(L)->loop, err, sizeof err);
        if (!*client) luaL_error(L, "%s", err);
        lua_pushvalue(L, -1);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &the_client);
    }
    http *client = *(http **)lua_touserdata(L, -1);
    lua_pop(L, 1);
    return client;
}

/* ---- targets ---- */

static int release_target(lua_State *L) {
    http_target **target = lua_touserdata(L, 1);
    http_target_free(*target);
    *target = NULL;
    return 0;
}

/* [-0, +2n] Reads {{name, value}, ...} at `index`; the strings stay on the stack. */
static size_t read_headers(lua_State *L, int index, http_header *out) {
    size_t count = lua_isnil(L, index) ? 0 : (size_t)luaL_len(L, index);
    if (count > MOST_HEADERS) luaL_error(L, "more than %d headers", MOST_HEADERS);
    luaL_checkstack(L, 2 * (int)count + 2, "headers");
    for (size_t i = 0; i < count; i++) {
        lua_rawgeti(L, index, (lua_Integer)i + 1);
        int pair = lua_gettop(L);
        if (lua_rawgeti(L, pair, 1) != LUA_TSTRING || lua_rawgeti(L, pair, 2) != LUA_TSTRING)
            luaL_error(L, "a header is a pair of strings: {name, value}");
        out[i].name = lua_tostring(L, -2);
        out[i].value = lua_tostring(L, -1);
        lua_remove(L, pair);
    }
    return count;
}

static bool line_safe(const char *s) {
    return strpbrk(s, "\r\n") == NULL;
}

/*
 * target{url =, headers = {{name, value}, ...}, auth = {header =, prefix =, env =}, isolated =}
 *   -> target | nil, {kind =, message =}
 * auth puts the value of the environment variable `env` behind `prefix` into the header `header`.
 * isolated: each call has a connection of its own, on which nothing is ever sent twice.
 */
static int l_target(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    char err[256];
    if (!http_ready(err, sizeof err)) return luaL_error(L, "%s", err);
    const char *url = lx_string_field(L, 1, "url", NULL);
    luaL_argcheck(L, url, 1, "url is missing");
    http_header headers[MOST_HEADERS + 1];
    lua_getfield(L, 1, "headers");
    size_t count = read_headers(L, lua_gettop(L), headers);
    const char *secret = NULL;
    buf *line = box_buf(L);
    if (lua_getfield(L, 1, "auth") == LUA_TTABLE) {
        int auth = lua_gettop(L);
        const char *env = lx_string_field(L, auth, "env", NULL);
        const char *header = lx_string_field(L, auth, "header", NULL);
        const char *prefix = lx_string_field(L, auth, "prefix", NULL);
        luaL_argcheck(L, env && header, 1, "auth names env and header");
        secret = getenv(env);
        if (!secret || !*secret) return lx_fail(L, "auth", "%s is not set", env);
        if (!line_safe(secret)) return lx_fail(L, "auth", "%s holds a line break", env);
        if (!buf_printf(line, "%s%s", prefix ? prefix : "", secret))
            return luaL_error(L, "out of memory");
        headers[count++] = (http_header){header, line->data};
    }
    http_target **target = lx_box(L, HTTP_TARGET, sizeof *target, 0);
    *target = http_target_new(url, headers, count, secret, err, sizeof err);
    if (line->data) explicit_bzero(line->data, line->len);
    buf_free(line);
    if (!*target && !*err) return luaL_error(L, "out of memory");
    if (!*target) return lx_fail(L, "usage", "%s", err);
    if (lx_boolean_field(L, 1, "isolated", false)) http_target_isolate(*target);
    return 1;
}

/* ---- bodies ---- */

/* A body that is put together in parts: a large one would stand in memory several times as a
 * string. */
typedef struct body {
    buf text;
    bool sent; /* libcurl may read it at any time: it stays as it is */
} body;

static int release_body(lua_State *L) {
    body *b = lua_touserdata(L, 1);
    buf_free(&b->text);
    return 0;
}

/* body() -> an empty body; body:add(text, ...) puts texts behind it. */
static int l_body(lua_State *L) {
    lx_box(L, BODY, sizeof(body), 0);
    return 1;
}

static int l_add(lua_State *L) {
    body *b = luaL_checkudata(L, 1, BODY);
    if (b->sent) return luaL_error(L, "the body was sent");
    for (int i = 2, last = lua_gettop(L); i <= last; i++) {
        size_t len;
        const char *text = luaL_checklstring(L, i, &len);
        if (!buf_append(&b->text, text, len)) return luaL_error(L, "out of memory");
    }
    return 0;
}

/* The text of the string or body at index; NULL when there is none. */
static const char *text_of_body(lua_State *L, int index, size_t *len) {
    *len = 0;
    body *b = luaL_testudata(L, index, BODY);
    if (!b) return luaL_optlstring(L, index, NULL, len);
    b->sent = true;
    *len = b->text.len;
    return b->text.data ? b->text.data : "";
}

/* ---- calls ---- */

static int release_call(lua_State *L) {
    exchange *x = lua_touserdata(L, 1);
    x->call = NULL; /* ended, or cancelled by the task's cleanup */
    buf_free(&x->answer.head);
    buf_free(&x->answer.body);
    return 0;
}

static void on_done(void *arg, http_answer *answer) {
    exchange *x = arg;
    x->call = NULL;
    x->answer = *answer;
    answer->head = answer->body = (buf){0}; /* stolen */
    strncpy(x->message, answer->message, sizeof x->message - 1);
    task_wake_soon(x->task);
}

static void cancel_call(void *arg) {
    exchange *x = arg;
    http_cancel(x->call);
    x->call = NULL;
}

int http_push_failure(lua_State *L, const http_answer *answer, const char *message) {
    static const char *const kinds[] = {"ok",      "refused", "connect",  "tls",
                                        "timeout", "broken",  "too_large"};
    lx_fail(L, kinds[answer->failure], "%s", message);
    lua_pushinteger(L, answer->status);
    lua_setfield(L, -2, "status");
    return 2;
}

http_bounds http_read_bounds(lua_State *L, int index) {
    return (http_bounds){
        {lx_seconds_field(L, index, "connect", 30), lx_seconds_field(L, index, "first", 0),
         lx_seconds_field(L, index, "idle", 120), lx_seconds_field(L, index, "total", 600),
         lx_boolean_field(L, index, "once", false)},
        (size_t)lx_integer_field(L, index, "max_body", DEFAULT_MAX_BODY, 1, INT64_MAX)};
}

static int after_call(lua_State *L, int status, lua_KContext ctx) {
    (void)status;
    exchange *x = luaL_checkudata(L, (int)ctx, CALL);
    http_answer *a = &x->answer;
    if (a->failure != HTTP_OK) {
        return http_push_failure(L, a, x->message);
    }
    lua_createtable(L, 0, 4);
    lua_pushinteger(L, a->status);
    lua_setfield(L, -2, "status");
    lx_push_buf(L, &a->body);
    lua_setfield(L, -2, "body");
    lx_push_buf(L, &a->head);
    lua_setfield(L, -2, "head");
    lua_pushnumber(L, (double)a->elapsed_ms / 1000);
    lua_setfield(L, -2, "elapsed");
    buf_free(&a->head); /* now, not at some collection: answers can be large */
    buf_free(&a->body);
    return 1;
}

/*
 * target:send(string | body | nil [, {connect =, first =, idle =, total =, max_body =, once =}])
 *   -> {status =, head =, body =, elapsed =} | nil, {kind =, message =, status =}
 * POSTs body, or GETs without one; waits for the whole answer. Times in seconds, 0 for none.
 * kinds: refused, connect, tls, timeout, broken, too_large.
 */
static int l_send(lua_State *L) {
    http_target **target = luaL_checkudata(L, 1, HTTP_TARGET);
    size_t len;
    const char *text = text_of_body(L, 2, &len);
    lua_settop(L, 3);
    http_bounds bounds = http_read_bounds(L, 3);
    http *client = http_client_of(L);
    task *self = task_current(L);
    exchange *x = lx_box(L, CALL, sizeof *x, 2);
    lua_pushvalue(L, 2);
    lua_setiuservalue(L, -2, 1);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, 2);
    x->task = self;
    x->call = http_send(client, *target, text, len, &bounds.times, bounds.max_body, on_done, x);
    if (!x->call) return lx_fail(L, "broken", "the call could not be started: out of memory");
    return task_suspend(L, TASK_OUTSIDE, cancel_call, x, lua_gettop(L), after_call);
}

/* phase(task) -> "connect", "sent" or "body", and the bytes of the body that have come; nil when
 * the task does not wait in send. */
static int l_phase(lua_State *L) {
    static const char *const phases[] = {"connect", "sent", "body"};
    exchange *x = task_waits_with(L, 1, cancel_call);
    if (!x || !x->call) return 0;
    size_t bytes;
    lua_pushstring(L, phases[http_phase_of(x->call, &bytes)]);
    lua_pushinteger(L, (lua_Integer)bytes);
    return 2;
}

/* header(head, name) -> the value of the last header line of that name (any case), or nil. */
static int l_header(lua_State *L) {
    size_t len, name_len;
    const char *head = luaL_checklstring(L, 1, &len), *name = luaL_checklstring(L, 2, &name_len);
    const char *end = head + len, *value = NULL, *value_end = NULL;
    for (const char *line = head; line < end;) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        if (!stop) stop = end;
        if ((size_t)(stop - line) > name_len && line[name_len] == ':' &&
            strncasecmp(line, name, name_len) == 0) {
            value = line + name_len + 1;
            value_end = stop;
        }
        line = stop + 1;
    }
    if (!value) return 0;
    while (value < value_end && (*value == ' ' || *value == '\t')) value++;
    while (value_end > value && strchr(" \t\r", value_end[-1])) value_end--;
    lua_pushlstring(L, value, (size_t)(value_end - value));
    return 1;
}

int luaopen_fellowship_core_http(lua_State *L) {
    static const luaL_Reg target_methods[] = {
        {"send", l_send}, {"stream", http_stream_start}, {NULL, NULL}};
    lx_class(L, CLIENT, NULL, release_client);
    lx_class(L, HTTP_TARGET, target_methods, release_target);
    lx_class(L, CALL, NULL, release_call);
    static const luaL_Reg body_methods[] = {{"add", l_add}, {"close", release_body}, {NULL, NULL}};
    lx_class(L, BODY, body_methods, release_body);
    http_stream_init(L);
    static const luaL_Reg functions[] = {{"target", l_target},
                                         {"header", l_header},
                                         {"phase", l_phase},
                                         {"body", l_body},
                                         {NULL, NULL}};
    luaL_newlib(L, functions);
    return 1;
}
