#include <lauxlib.h>
#include <string.h>
#include <strings.h>

#include "lua/http_target.h"
#include "lua/modules.h"
#include "lua/task.h"

#define DEFAULT_MAX_BODY (64 << 20)

/* ---- the client ---- */

/* The one client of the state, made with the first call: a run that the store answers whole never
 * sets up libcurl. */
typedef struct client_box {
    box_head box;
    http *client;
} client_box;

static void release_client(void *box) {
    client_box *c = box;
    http_free(c->client);
    c->client = NULL;
}

static const box_class client_class = {.name = "fellowship.http", .release = release_client};

static http *client_of(lua_State *L) {
    static const char the_client; /* the registry's key */
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &the_client) == LUA_TNIL) {
        lua_pop(L, 1);
        client_box *c = box_new(L, &client_class, sizeof *c, 0);
        char err[128];
        c->client = http_new(runtime_of(L)->loop, err, sizeof err);
        if (!c->client) luaL_error(L, "%s", err);
        lua_pushvalue(L, -1);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &the_client);
    }
    client_box *c = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return c->client;
}

/* ---- exchanges ---- */

/* What a plain call and a stream have in common: one exchange, which uses the target and the body
 * until it ends. The box holds the answer from the loop's callback until it is read. */
typedef struct exchange {
    box_head box;
    http_call *call; /* NULL before it has begun, and once it has ended */
    target_box *target;
    body_box *body; /* or NULL, where the body is a string or none */
    task *waiter;   /* for the end, or for more */
    http_answer answer;
    char message[256];
} exchange;

enum { TARGET = 1, BODY }; /* user values: what the exchange uses */

/* The call is over: what it used may be closed. */
static void let_go(exchange *x) {
    x->call = NULL;
    box_leave(x->target);
    if (x->body) box_leave(x->body);
}

static void wake_waiter(exchange *x) {
    if (x->waiter) task_wake_soon(x->waiter);
    x->waiter = NULL;
}

static void on_done(void *arg, http_answer *answer) {
    exchange *x = arg;
    x->answer = *answer;
    answer->head = answer->body = (buf){0}; /* stolen */
    strncpy(x->message, answer->message, sizeof x->message - 1);
    let_go(x);
    wake_waiter(x);
}

static void cancel(exchange *x) {
    if (!x->call) return;
    http_cancel(x->call);
    let_go(x);
}

static void release_exchange(void *box) {
    exchange *x = box;
    cancel(x);
    wake_waiter(x); /* who waits in another task gets an error */
    buf_free(&x->answer.head);
    buf_free(&x->answer.body);
}

typedef struct bounds {
    http_timeouts times;
    size_t max_body; /* bytes */
} bounds;

static bounds read_bounds(lua_State *L, int index) {
    return (bounds){
        {box_seconds_field(L, index, "connect", 30), box_seconds_field(L, index, "first", 0),
         box_seconds_field(L, index, "idle", 120), box_seconds_field(L, index, "total", 600),
         box_boolean_field(L, index, "once", false)},
        (size_t)box_integer_field(L, index, "max_body", DEFAULT_MAX_BODY, 1, INT64_MAX)};
}

/* [-0, +1] Begins the exchange of target:METHOD(body, options), whose arguments are at 1 to 3. NULL
 * when memory ran out. */
static exchange *begin(lua_State *L, const box_class *class) {
    target_box *target = box_check(L, 1, &http_target_class);
    body_box *body = box_test(L, 2, &http_body_class) ? box_check(L, 2, &http_body_class) : NULL;
    size_t len = 0;
    const char *text = body ? body->text.data : luaL_optlstring(L, 2, NULL, &len);
    if (body) len = body->text.len;
    if (body && !text) text = "";
    bounds b = read_bounds(L, 3);
    http *client = client_of(L);
    exchange *x = box_new(L, class, sizeof *x, BODY);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, TARGET);
    lua_pushvalue(L, 2);
    lua_setiuservalue(L, -2, BODY);
    x->target = target;
    x->body = body;
    x->call = http_send(client, target->target, text, len, &b.times, b.max_body, on_done, x);
    if (!x->call) return NULL;
    box_enter(target);
    if (body) box_enter(body);
    if (body) body->sent = true;
    return x;
}

static int fail_to_begin(lua_State *L) {
    return box_fail(L, "broken", "the call could not be started: out of memory");
}

/* [-0, +2] nil and {kind =, message =, status =}; returns 2. */
static int push_failure(lua_State *L, const exchange *x) {
    static const char *const kinds[] = {"ok",      "refused", "connect",  "tls",
                                        "timeout", "broken",  "too_large"};
    box_fail(L, kinds[x->answer.failure], "%s", x->message);
    lua_pushinteger(L, x->answer.status);
    lua_setfield(L, -2, "status");
    return 2;
}

/* ---- plain calls ---- */

static const box_class call_class = {
    .name = "fellowship.http.call", .closed = "the call has ended", .release = release_exchange};

static void cancel_call(void *arg) {
    exchange *x = arg;
    x->waiter = NULL;
    cancel(x);
}

static int after_call(lua_State *L, int status, lua_KContext ctx) {
    (void)status;
    exchange *x = box_check(L, (int)ctx, &call_class);
    http_answer *a = &x->answer;
    if (a->failure != HTTP_OK) return push_failure(L, x);
    lua_createtable(L, 0, 4);
    lua_pushinteger(L, a->status);
    lua_setfield(L, -2, "status");
    box_push_buf(L, &a->body);
    lua_setfield(L, -2, "body");
    box_push_buf(L, &a->head);
    lua_setfield(L, -2, "head");
    lua_pushnumber(L, (double)a->elapsed_ms / 1000);
    lua_setfield(L, -2, "elapsed");
    box_shut(x); /* now, not at some collection: answers can be large */
    return 1;
}

/*
 * target:send(string | body | nil [, {connect =, first =, idle =, total =, max_body =, once =}])
 *   -> {status =, head =, body =, elapsed =} | nil, {kind =, message =, status =}
 * POSTs body, or GETs without one; waits for the whole answer. Times in seconds, 0 for none.
 * kinds: refused, connect, tls, timeout, broken, too_large.
 */
static int l_send(lua_State *L) {
    lua_settop(L, 3);
    task *self = task_current(L);
    exchange *x = begin(L, &call_class);
    if (!x) return fail_to_begin(L);
    x->waiter = self;
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

/* ---- streams ---- */

static const box_class stream_class;

static void on_more(void *arg) {
    wake_waiter(arg);
}

static void forget_waiter(void *arg) {
    ((exchange *)arg)->waiter = NULL;
}

/*
 * target:stream(string | body | nil [, options]) -> stream | nil, {kind =, message =}
 * Begins a POST, or a GET without a body, whose answer is read while it comes; options as of send.
 */
static int l_stream(lua_State *L) {
    lua_settop(L, 3);
    exchange *x = begin(L, &stream_class);
    if (!x) return fail_to_begin(L);
    http_watch(x->call, on_more);
    return 1;
}

/* [-0, +1] Pushes the bytes that have come; false, and nothing is pushed, when there are none. */
static bool push_bytes(lua_State *L, exchange *x) {
    int top = lua_gettop(L);
    buf *bytes = x->call ? box_buf(L) : &x->answer.body;
    if (x->call && !http_take(x->call, bytes)) luaL_error(L, "out of memory");
    bool some = bytes->len > 0;
    if (some) box_push_buf(L, bytes);
    buf_free(bytes);
    if (!some) lua_settop(L, top);
    return some;
}

static int after_wait(lua_State *L, int status, lua_KContext ctx) {
    (void)status;
    exchange *x = box_check(L, (int)ctx, &stream_class);
    if (push_bytes(L, x)) return 1;
    if (x->call) {
        x->waiter = task_current(L);
        return task_suspend(L, TASK_OUTSIDE, forget_waiter, x, ctx, after_wait);
    }
    if (x->answer.failure != HTTP_OK) return push_failure(L, x);
    lua_pushnil(L);
    return 1;
}

/* stream:read() -> bytes | nil at the end | nil, {kind =, message =, status =}. Waits for some. */
static int l_read(lua_State *L) {
    exchange *x = box_check(L, 1, &stream_class);
    if (x->waiter) return luaL_error(L, "another task reads this stream");
    lua_settop(L, 1);
    return after_wait(L, LUA_OK, 1);
}

/* stream:head() -> status, header lines, seconds: after the first read; seconds at the end. */
static int l_head(lua_State *L) {
    exchange *x = box_check(L, 1, &stream_class);
    const buf *head = &x->answer.head;
    long status = x->call ? http_status(x->call, &head) : x->answer.status;
    lua_pushinteger(L, status);
    box_push_buf(L, head);
    lua_pushnumber(L, (double)x->answer.elapsed_ms / 1000);
    return 3;
}

static const luaL_Reg stream_methods[] = {
    {"read", l_read}, {"head", l_head}, {"close", box_close}, {NULL, NULL}};
static const box_class stream_class = {.name = "fellowship.http.stream",
                                       .closed = "the stream is closed",
                                       .methods = stream_methods,
                                       .release = release_exchange};

/* ---- the module ---- */

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
    static const luaL_Reg calls[] = {{"send", l_send}, {"stream", l_stream}, {NULL, NULL}};
    box_add_methods(L, &http_target_class, calls);
    box_register(L, &http_body_class);
    box_register(L, &http_redaction_class);
    box_register(L, &stream_class);
    static const luaL_Reg functions[] = {{"target", http_new_target},
                                         {"header", l_header},
                                         {"phase", l_phase},
                                         {"body", http_new_body},
                                         {NULL, NULL}};
    luaL_newlib(L, functions);
    return 1;
}
