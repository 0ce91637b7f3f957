/* The binding of engine/server: a server, and its requests, as boxes. */
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "engine/server/server.h"
#include "lua/box.h"
#include "lua/modules.h"
#include "lua/waiters.h"

/* Bytes that a client has not taken yet, from which on its writer waits. */
#define MOST_UNSENT (256 << 10)

typedef struct listener {
    box_head head;
    server *server;
    runtime *rt;
    task_list acceptors;
    turn_hook hook;
    bool hooked, closing;
} listener;

typedef struct exchange {
    box_head head;
    server_request *request;
    runtime *rt;
    task_list waiters;
    bool counted; /* its answer is on its way: a drain waits for it */
} exchange;

/* ---- requests ---- */

static void count_as_committed(exchange *x) {
    if (x->counted || server_is_over(x->request)) return;
    x->counted = true;
    x->rt->committed++;
}

static void settle(exchange *x) {
    if (!x->counted) return;
    x->counted = false;
    x->rt->committed--;
}

static void on_change(void *owner) {
    exchange *x = owner;
    if (server_is_over(x->request)) settle(x);
    waiters_wake(&x->waiters);
}

static void release_exchange(void *box) {
    exchange *x = box;
    settle(x);
    if (x->request) server_release(x->request);
    x->request = NULL;
    waiters_wake(&x->waiters);
}

static const box_class exchange_class;

static exchange *check_exchange(lua_State *L) {
    return box_check(L, 1, &exchange_class);
}

static int l_method(lua_State *L) {
    lua_pushstring(L, server_method(check_exchange(L)->request));
    return 1;
}

static int l_path(lua_State *L) {
    lua_pushstring(L, server_path(check_exchange(L)->request));
    return 1;
}

/* request:header(name) -> its value, or nil */
static int l_header(lua_State *L) {
    lua_pushstring(L, server_header(check_exchange(L)->request, luaL_checkstring(L, 2)));
    return 1;
}

/* request:known() -> whether the server's token came with it, or there is none */
static int l_known(lua_State *L) {
    lua_pushboolean(L, server_is_known(check_exchange(L)->request));
    return 1;
}

/* request:body() -> all of it, once: its memory is given back */
static int l_body(lua_State *L) {
    exchange *x = check_exchange(L);
    size_t len;
    const char *bytes = server_body(x->request, &len);
    lua_pushlstring(L, bytes, len);
    server_drop_body(x->request);
    return 1;
}

/* The headers of an answer, from a table of names and values at `index`, which keeps the texts. */
static server_field *push_fields(lua_State *L, int index, size_t *count) {
    *count = 0;
    if (lua_isnoneornil(L, index)) return NULL;
    luaL_checktype(L, index, LUA_TTABLE);
    size_t most = 0;
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) most++;
    server_field *fields = lua_newuserdatauv(L, (most + 1) * sizeof *fields, 0);
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
        bool texts = lua_type(L, -2) == LUA_TSTRING && lua_type(L, -1) == LUA_TSTRING;
        luaL_argcheck(L, texts, index, "headers are names and texts");
        fields[(*count)++] = (server_field){lua_tostring(L, -2), lua_tostring(L, -1)};
    }
    return fields;
}

static unsigned check_status(lua_State *L, int index) {
    lua_Integer status = luaL_checkinteger(L, index);
    luaL_argcheck(L, status >= 200 && status <= 599, index, "must be from 200 to 599");
    return (unsigned)status;
}

/* request:answer(status, headers, body): the whole answer */
static int l_answer(lua_State *L) {
    exchange *x = check_exchange(L);
    unsigned status = check_status(L, 2);
    size_t len, count;
    const char *bytes = luaL_checklstring(L, 4, &len);
    lua_settop(L, 4);
    server_field *fields = push_fields(L, 3, &count);
    buf *body = box_buf(L);
    if (!buf_append(body, bytes, len)) return luaL_error(L, "out of memory");
    if (!server_answer(x->request, status, fields, count, body))
        return luaL_error(L, "the request is answered already, or a header cannot be sent");
    count_as_committed(x);
    return 0;
}

/* request:begin(status, headers): an answer that is written piece by piece */
static int l_begin(lua_State *L) {
    exchange *x = check_exchange(L);
    unsigned status = check_status(L, 2);
    size_t count;
    lua_settop(L, 3);
    server_field *fields = push_fields(L, 3, &count);
    if (!server_begin(x->request, status, fields, count))
        return luaL_error(L, "the request is answered already, or a header cannot be sent");
    return 0;
}

/* [-0, +1] Waits for room, and then says whether the client is still there. */
static int after_write(lua_State *L, int status, lua_KContext ctx) {
    (void)status, (void)ctx;
    exchange *x = check_exchange(L);
    bool there = !server_is_gone(x->request) && !server_is_over(x->request);
    if (there && server_unsent(x->request) > MOST_UNSENT) {
        task_current(L);
        return waiters_wait(L, &x->waiters, TASK_OUTSIDE, 0, after_write);
    }
    lua_pushboolean(L, there);
    return 1;
}

/* request:write(text) -> whether the client is still there; waits while it is slow */
static int l_write(lua_State *L) {
    exchange *x = check_exchange(L);
    size_t len;
    const char *bytes = luaL_checklstring(L, 2, &len);
    if (!server_write(x->request, bytes, len)) return luaL_error(L, "out of memory");
    lua_settop(L, 1);
    return after_write(L, LUA_OK, 0);
}

/* request:finish(): no more will be written */
static int l_finish(lua_State *L) {
    exchange *x = check_exchange(L);
    server_end(x->request);
    count_as_committed(x);
    return 0;
}

/* request:gone() -> whether the client went away: waits for that, or for the end of the answer */
static int wait_gone(lua_State *L, int status, lua_KContext ctx) {
    (void)status, (void)ctx;
    exchange *x = check_exchange(L);
    bool gone = server_is_gone(x->request);
    if (!gone && !server_is_over(x->request)) {
        task_current(L);
        return waiters_wait(L, &x->waiters, TASK_OUTSIDE, 0, wait_gone);
    }
    lua_pushboolean(L, gone);
    return 1;
}

static int l_gone(lua_State *L) {
    lua_settop(L, 1);
    return wait_gone(L, LUA_OK, 0);
}

static const luaL_Reg exchange_methods[] = {
    {"method", l_method}, {"path", l_path},     {"header", l_header}, {"known", l_known},
    {"body", l_body},     {"answer", l_answer}, {"begin", l_begin},   {"write", l_write},
    {"finish", l_finish}, {"gone", l_gone},     {"close", box_close}, {NULL, NULL}};

static const box_class exchange_class = {.name = "fellowship.server.request",
                                         .closed = "the request is closed",
                                         .methods = exchange_methods,
                                         .release = release_exchange};

/* ---- servers ---- */

static void on_arrival(void *arg) {
    waiters_wake(&((listener *)arg)->acceptors);
}

static void close_door(listener *l) {
    l->closing = true;
    if (l->server) server_close_door(l->server);
    waiters_wake(&l->acceptors);
}

/* Each turn: when the run ends, no more requests are taken. */
static void watch_end(void *arg) {
    listener *l = arg;
    if (!l->closing && (l->rt->stopping || l->rt->interrupts)) close_door(l);
}

static void release_listener(void *box) {
    listener *l = box;
    if (l->hooked) runtime_remove_hook(l->rt, &l->hook);
    l->hooked = false;
    server_free(l->server);
    l->server = NULL;
    waiters_wake(&l->acceptors);
}

static const box_class listener_class;

/* server:accept() -> the next request; nil when there will be none. Waits for it. */
static int accept_next(lua_State *L, int status, lua_KContext ctx) {
    (void)status, (void)ctx;
    listener *l = box_check(L, 1, &listener_class);
    server_request *r = l->closing ? NULL : server_take(l->server);
    if (!r && !l->closing) {
        task_current(L);
        return waiters_wait(L, &l->acceptors, TASK_OUTSIDE, 0, accept_next);
    }
    if (!r) return 0;
    exchange *x = box_new(L, &exchange_class, sizeof *x, 1);
    x->rt = l->rt;
    x->request = r;
    server_own(r, on_change, x);
    lua_pushvalue(L, 1); /* which must not be collected before its requests */
    lua_setiuservalue(L, -2, 1);
    return 1;
}

static int l_accept(lua_State *L) {
    lua_settop(L, 1);
    return accept_next(L, LUA_OK, 0);
}

static int l_port(lua_State *L) {
    listener *l = box_check(L, 1, &listener_class);
    lua_pushinteger(L, server_port(l->server));
    return 1;
}

/* listen{address =, port =, token =, connections =, idle =, header =, body =, bodies =} -> server,
 * or nil and {kind = "file", message =} */
static int l_listen(lua_State *L) {
    lua_settop(L, 1);
    luaL_checktype(L, 1, LUA_TTABLE);
    listener *l = box_new(L, &listener_class, sizeof *l, 0);
    l->rt = runtime_of(L);
    size_t len;
    const char *address = box_string_field(L, 1, "address", &len);
    luaL_argcheck(L, address, 1, "address is missing");
    const char *token = box_string_field(L, 1, "token", &len);
    server_spec spec = {
        .address = address,
        .port = (uint16_t)box_integer_field(L, 1, "port", 0, 0, UINT16_MAX),
        .connections = (unsigned)box_integer_field(L, 1, "connections", 4096, 1, 1 << 20),
        .idle = (unsigned)(box_seconds_field(L, 1, "idle", 120) / 1000),
        .header = (size_t)box_integer_field(L, 1, "header", 32 << 10, 1024, 1 << 30),
        .body = (size_t)box_integer_field(L, 1, "body", 64 << 20, 1, INT64_MAX),
        .bodies = (size_t)box_integer_field(L, 1, "bodies", 1 << 30, 1, INT64_MAX),
        .token = token,
        .arrived = on_arrival,
        .arg = l};
    char err[256];
    l->server = server_new(l->rt->loop, &spec, err, sizeof err);
    if (!l->server) return box_fail(L, "file", "%s", err);
    l->hook = (turn_hook){watch_end, l, NULL};
    runtime_add_hook(l->rt, &l->hook);
    l->hooked = true;
    lua_settop(L, 2);
    return 1;
}

static const luaL_Reg listener_methods[] = {
    {"accept", l_accept}, {"port", l_port}, {"close", box_close}, {NULL, NULL}};

static const box_class listener_class = {.name = "fellowship.server",
                                         .closed = "the server is closed",
                                         .methods = listener_methods,
                                         .release = release_listener};

int luaopen_fellowship_core_server(lua_State *L) {
    box_register(L, &listener_class);
    box_register(L, &exchange_class);
    static const luaL_Reg functions[] = {{"listen", l_listen}, {NULL, NULL}};
    luaL_newlib(L, functions);
    return 1;
}
