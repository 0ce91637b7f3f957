#include "lua/http_target.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#define MOST_HEADERS 32

/* ---- targets ---- */

static void release_target(void *box) {
    target_box *t = box;
    http_target_free(t->target);
    t->target = NULL;
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
        size_t len;
        out[i].name = lua_tostring(L, -2);
        out[i].value = lua_tolstring(L, -1, &len);
        /* A NUL is refused as other control characters are. */
        if (strlen(out[i].value) != len) out[i].value = "\n";
        lua_remove(L, pair);
    }
    return count;
}

/* [-0, +n] Reads {header =, prefix =, env =} at `index` into *out, whose value is `line`'s, and
 * gives the secret. NULL with an error table pushed when its variable is not set. */
static const char *read_auth(lua_State *L, int index, http_header *out, buf *line) {
    const char *env = box_string_field(L, index, "env", NULL);
    const char *header = box_string_field(L, index, "header", NULL);
    const char *prefix = box_string_field(L, index, "prefix", NULL);
    luaL_argcheck(L, env && header, 1, "auth names env and header");
    const char *secret = getenv(env);
    if (!secret || !*secret)
        box_fail(L, "auth", "%s is not set", env);
    else if (strpbrk(secret, "\r\n"))
        box_fail(L, "auth", "%s holds a line break", env);
    else if (!buf_printf(line, "%s%s", prefix ? prefix : "", secret))
        luaL_error(L, "out of memory");
    else {
        *out = (http_header){header, line->data};
        return secret;
    }
    return NULL;
}

/*
 * target{url =, home =, headers = {{name, value}, ...}, auth = {header =, prefix =, env =},
 *        isolated =} -> target | nil, {kind =, message =}
 * auth puts the value of the environment variable `env` behind `prefix` into the header `header`,
 * and wants `home`, a URL: the key goes to its scheme, host and port alone.
 * isolated: each call has a connection of its own, on which nothing is ever sent twice.
 */
int http_new_target(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    char err[256];
    if (!http_ready(err, sizeof err)) return luaL_error(L, "%s", err);
    const char *url = box_string_field(L, 1, "url", NULL);
    const char *home = box_string_field(L, 1, "home", NULL);
    luaL_argcheck(L, url, 1, "url is missing");
    http_header headers[MOST_HEADERS + 1];
    lua_getfield(L, 1, "headers");
    size_t count = read_headers(L, lua_gettop(L), headers);
    const char *secret = NULL;
    buf *line = box_buf(L);
    if (lua_getfield(L, 1, "auth") == LUA_TTABLE) {
        luaL_argcheck(L, home, 1, "auth wants home");
        secret = read_auth(L, lua_gettop(L), &headers[count++], line);
        if (!secret) return 2;
    }
    target_box *t = box_new(L, &http_target_class, sizeof *t, 0);
    t->target = http_target_new(url, home, headers, count, secret, err, sizeof err);
    if (line->data) explicit_bzero(line->data, line->len);
    buf_free(line);
    if (!t->target && !*err) return luaL_error(L, "out of memory");
    if (!t->target) return box_fail(L, "usage", "%s", err);
    if (box_boolean_field(L, 1, "isolated", false)) http_target_isolate(t->target);
    return 1;
}

/* target:redact(text) -> the text without the target's secrets */
static int l_redact(lua_State *L) {
    target_box *t = box_check(L, 1, &http_target_class);
    size_t len;
    const char *text = luaL_checklstring(L, 2, &len);
    lua_settop(L, 2);
    if (http_target_is_clean(t->target, text, len)) return 1; /* nearly all are: no copy is made */
    buf *clean = box_buf(L);
    if (!buf_append(clean, text, len) || !http_target_redact(t->target, clean))
        return luaL_error(L, "out of memory");
    box_push_buf(L, clean);
    buf_free(clean);
    return 1;
}

/* ---- texts in pieces ---- */

/* User value 1 keeps the target. */
typedef struct redaction_box {
    box_head box;
    redaction *redaction;
} redaction_box;

static void release_redaction(void *box) {
    redaction_box *r = box;
    redaction_free(r->redaction);
    r->redaction = NULL;
}

/* target:redaction() -> what leaves the target's secrets out of a text that comes in pieces */
static int l_redaction(lua_State *L) {
    target_box *t = box_check(L, 1, &http_target_class);
    redaction_box *r = box_new(L, &http_redaction_class, sizeof *r, 1);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, 1);
    r->redaction = http_target_redaction(t->target);
    return r->redaction ? 1 : luaL_error(L, "out of memory");
}

/* redaction:add(piece [, last]) -> what may be shown by now, and was not given before */
static int l_add_piece(lua_State *L) {
    redaction_box *r = box_check(L, 1, &http_redaction_class);
    size_t len;
    const char *piece = luaL_checklstring(L, 2, &len);
    bool last = lua_toboolean(L, 3);
    buf *out = box_buf(L);
    if (!redaction_add(r->redaction, piece, len, last, out)) return luaL_error(L, "out of memory");
    box_push_buf(L, out);
    buf_free(out);
    return 1;
}

/* ---- bodies ---- */

static void release_body(void *box) {
    body_box *b = box;
    buf_free(&b->text);
}

/* body() -> an empty body; body:add(text, ...) puts texts behind it. */
int http_new_body(lua_State *L) {
    box_new(L, &http_body_class, sizeof(body_box), 0);
    return 1;
}

static int l_add(lua_State *L) {
    body_box *b = box_check(L, 1, &http_body_class);
    if (b->sent) return luaL_error(L, "the body was sent");
    for (int i = 2, last = lua_gettop(L); i <= last; i++) {
        size_t len;
        const char *text = luaL_checklstring(L, i, &len);
        if (!buf_append(&b->text, text, len)) return luaL_error(L, "out of memory");
    }
    return 0;
}

/* ---- classes ---- */

static const luaL_Reg target_methods[] = {
    {"redact", l_redact}, {"redaction", l_redaction}, {"close", box_close}, {NULL, NULL}};
const box_class http_target_class = {.name = "fellowship.http.target",
                                     .closed = "the target is closed",
                                     .in_use = "a call goes to the target",
                                     .methods = target_methods,
                                     .release = release_target};

static const luaL_Reg redaction_methods[] = {{"add", l_add_piece}, {NULL, NULL}};
const box_class http_redaction_class = {.name = "fellowship.http.redaction",
                                        .closed = "the redaction is closed",
                                        .methods = redaction_methods,
                                        .release = release_redaction};

static const luaL_Reg body_methods[] = {{"add", l_add}, {"close", box_close}, {NULL, NULL}};
const box_class http_body_class = {.name = "fellowship.http.body",
                                   .closed = "the body is closed",
                                   .in_use = "the body is being sent",
                                   .methods = body_methods,
                                   .release = release_body};
