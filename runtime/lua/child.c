#include <fnmatch.h>
#include <lauxlib.h>
#include <signal.h>
#include <string.h>

#include "engine/child.h"
#include "lua/box.h"
#include "lua/modules.h"
#include "lua/waiters.h"

#define MOST_ARGUMENTS 256

extern char **environ;

typedef struct program {
    box_head head;
    child *child;
    task_list waiters; /* for its end */
    runtime *rt;       /* of one that drains: an interrupt of ours is one of its own too, */
    turn_hook hook;
    bool told; /* of which it has been told */
} program;

/* Nothing waits any more for a program that drains. */
static void end_draining(program *p) {
    if (!p->rt) return;
    runtime_remove_hook(p->rt, &p->hook);
    p->rt->committed--;
    p->rt = NULL;
}

static void on_end(void *arg) {
    program *p = arg;
    end_draining(p);
    waiters_wake(&p->waiters);
}

static void pass_interrupt_on(void *arg) {
    program *p = arg;
    if (p->told || !(p->rt->interrupts || p->rt->stopping)) return;
    p->told = true;
    child_signal(p->child, SIGINT);
}

/* What it does counts as a call on the wire: the end of a run waits for it; for the whole of it,
 * where it is told nothing. */
static void begin_draining(program *p, runtime *rt, bool whole) {
    p->rt = rt;
    p->told = whole;
    p->hook = (turn_hook){pass_interrupt_on, p, NULL};
    runtime_add_hook(rt, &p->hook);
    rt->committed++;
}

static void release_program(void *box) {
    program *p = box;
    end_draining(p);
    child_free(p->child);
    p->child = NULL;
    waiters_wake(&p->waiters); /* which find it closed */
}

static const box_class class;

/* child:output() -> the path under which its output can be opened, while the child is open */
static int l_output(lua_State *L) {
    program *p = box_check(L, 1, &class);
    lua_pushstring(L, child_output(p->child));
    return 1;
}

/* [-0, +2] The exit status and what it complained of; nil and why, where a signal ended it. */
static int wait_for_end(lua_State *L, int status, lua_KContext ctx) {
    (void)status, (void)ctx;
    program *p = box_check(L, 1, &class);
    int code, signal;
    if (!child_has_ended(p->child, &code, &signal)) {
        task_current(L);
        return waiters_wait(L, &p->waiters, TASK_OUTSIDE, 0, wait_for_end);
    }
    if (signal)
        lua_pushnil(L);
    else
        lua_pushinteger(L, code);
    lua_pushstring(L, signal ? strsignal(signal) : child_complaint(p->child));
    return 2;
}

/* child:wait() -> status, complaint | nil, why: waits for its end */
static int l_wait(lua_State *L) {
    lua_settop(L, 1);
    return wait_for_end(L, LUA_OK, 0);
}

/* child:interrupt(): as Ctrl+C would */
static int l_interrupt(lua_State *L) {
    program *p = box_check(L, 1, &class);
    child_signal(p->child, SIGINT);
    return 0;
}

/* Whether a variable ("NAME=value") is one that the child must not see: a name or pattern of the
 * list at index 3. */
static bool is_hidden(lua_State *L, const char *variable) {
    const char *equals = strchr(variable, '=');
    lua_pushlstring(L, variable, equals ? (size_t)(equals - variable) : strlen(variable));
    bool hidden = false;
    for (lua_Integer i = 1; !hidden && lua_rawgeti(L, 3, i) == LUA_TSTRING; i++) {
        hidden = fnmatch(lua_tostring(L, -1), lua_tostring(L, -2), 0) == 0;
        lua_pop(L, 1);
    }
    lua_settop(L, 4);
    return hidden;
}

/* Whether one of `count` variables has the name of another one. */
static bool is_among(const char *variable, const char **list, size_t count) {
    size_t len = strcspn(variable, "=");
    for (size_t i = 0; i < count; i++)
        if (strncmp(list[i], variable, len + 1) == 0) return true;
    return false;
}

/* Points to the environment without what is hidden, and with the field `env` of the table at 2; the
 * userdata at 4 holds it. */
static const char **push_environment(lua_State *L) {
    size_t count = 0, added = 0;
    while (environ[count]) count++;
    bool more = lua_getfield(L, 2, "env") == LUA_TTABLE;
    if (more) added = lua_rawlen(L, -1);
    lua_pop(L, 1);
    const char **list = lua_newuserdatauv(L, (count + added + 1) * sizeof *list, 0);
    for (size_t i = 0; i < added; i++) {
        lua_getfield(L, 2, "env"); /* keeps the texts alive */
        lua_rawgeti(L, -1, (lua_Integer)i + 1);
        list[i] = lua_tostring(L, -1);
        luaL_argcheck(L, list[i] && strchr(list[i], '='), 2, "env holds texts NAME=value");
        lua_settop(L, 4);
    }
    size_t kept = added;
    for (size_t i = 0; i < count; i++)
        if (!is_hidden(L, environ[i]) && !is_among(environ[i], list, added))
            list[kept++] = environ[i];
    list[kept] = NULL;
    return list;
}

/* start(argv, {output =, hide = {name or pattern, ...}, env = {"NAME=value", ...}, log =, shared =,
 * folder =, drains =, whole =}?) -> child | nil, {kind = "file", message =}: the program is
 * argv[1]. Variables of the environment that `hide` names do not reach it, those of `env` do. */
static int l_start(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 2);
    if (lua_isnil(L, 2)) {
        lua_newtable(L);
        lua_replace(L, 2);
    }
    bool output = box_boolean_field(L, 2, "output", false);
    if (lua_getfield(L, 2, "hide") != LUA_TTABLE) lua_newtable(L);
    lua_settop(L, lua_istable(L, 3) ? 3 : 4);
    if (!lua_istable(L, 3)) lua_remove(L, 3);
    const char **environment = push_environment(L);
    const char *argv[MOST_ARGUMENTS + 1] = {NULL};
    size_t count = lua_rawlen(L, 1);
    luaL_argcheck(L, count > 0 && count <= MOST_ARGUMENTS, 1, "no program, or too many arguments");
    luaL_checkstack(L, (int)count + 4, NULL);
    for (size_t i = 0; i < count; i++) {
        luaL_argcheck(L, lua_rawgeti(L, 1, (lua_Integer)i + 1) == LUA_TSTRING, 1,
                      "arguments are texts");
        size_t len;
        argv[i] = lua_tolstring(L, -1, &len);
        luaL_argcheck(L, strlen(argv[i]) == len, 1, "an argument holds a NUL byte");
    }
    program *p = box_new(L, &class, sizeof *p, 0);
    int box = lua_gettop(L);
    child_spec spec = {.argv = argv,
                       .environment = environment,
                       .output = output,
                       .log = box_string_field(L, 2, "log", NULL),
                       .folder = box_string_field(L, 2, "folder", NULL),
                       .shared = box_boolean_field(L, 2, "shared", false)};
    bool drains = box_boolean_field(L, 2, "drains", false);
    char err[512];
    p->child = child_start(runtime_of(L)->loop, &spec, on_end, p, err, sizeof err);
    if (!p->child) return box_fail(L, "file", "cannot start %s: %s", argv[0], err);
    if (drains) begin_draining(p, runtime_of(L), box_boolean_field(L, 2, "whole", false));
    lua_settop(L, box);
    return 1;
}

static const luaL_Reg methods[] = {{"output", l_output},
                                   {"wait", l_wait},
                                   {"interrupt", l_interrupt},
                                   {"close", box_close},
                                   {NULL, NULL}};

static const box_class class = {.name = "fellowship.child",
                                .closed = "this program is closed",
                                .methods = methods,
                                .release = release_program};

int luaopen_fellowship_core_child(lua_State *L) {
    box_register(L, &class);
    static const luaL_Reg functions[] = {{"start", l_start}, {NULL, NULL}};
    luaL_newlib(L, functions);
    return 1;
}
