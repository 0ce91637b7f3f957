#include "lua/modules.h"

#include <lauxlib.h>
#include <stdio.h>
#include <unistd.h>

#include "engine/edit.h"
#include "lua/box.h"
#include "lua/waiters.h"

/* User value 1 of the box is the function that completes. */
typedef struct editor {
    box_head box;
    edit *edit;
    task_list readers; /* one at most, in read */
    lua_State *asking; /* who feeds, while keys are taken */
    int place;         /* where the editor is on its stack */
    bool dropped;      /* drop_line was called */
} editor;

static const box_class editor_class;

static editor *check_editor(lua_State *L) {
    return box_check(L, 1, &editor_class);
}

static void release_editor(void *box) {
    editor *e = box;
    edit_free(e->edit);
    waiters_wake(&e->readers); /* which find it closed */
}

static void on_input(void *arg) {
    editor *e = arg;
    waiters_wake(&e->readers);
}

/* What is to be completed, and where the result goes. */
typedef struct completing {
    const char *before;
    buf *insert, *list;
} completing;

/* complete(before) -> what the line goes on with | nil, what to show */
static int call_complete(lua_State *L) {
    const completing *c = lua_touserdata(L, 2);
    lua_getiuservalue(L, 1, 1);
    lua_pushstring(L, c->before);
    lua_call(L, 1, 2);
    size_t len;
    const char *text = lua_tolstring(L, -2, &len);
    if (text) buf_append(c->insert, text, len);
    text = lua_tolstring(L, -1, &len);
    if (text) buf_append(c->list, text, len);
    return 0;
}

/* libedit is on the C stack: no error may pass it. One in the completer completes nothing. */
static void on_complete(void *arg, const char *before, buf *insert, buf *list) {
    editor *e = arg;
    lua_State *L = e->asking;
    if (!L || !lua_checkstack(L, LUA_MINSTACK)) return;
    int top = lua_gettop(L);
    completing c = {before, insert, list};
    lua_pushcfunction(L, call_complete);
    lua_pushvalue(L, e->place);
    lua_pushlightuserdata(L, &c);
    if (lua_pcall(L, 2, 0, 0) != LUA_OK) buf_clear(insert);
    lua_settop(L, top);
}

/* open(complete [, history]) -> editor */
static int l_open(lua_State *L) {
    luaL_checktype(L, 1, LUA_TFUNCTION);
    const char *history = luaL_optstring(L, 2, NULL);
    editor *e = box_new(L, &editor_class, sizeof *e, 1);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, 1);
    e->edit = edit_new(runtime_of(L)->loop, on_input, on_complete, e);
    if (!e->edit) return luaL_error(L, "out of memory");
    if (history) edit_load_history(e->edit, history);
    return 1;
}

/* ---- reading ---- */

static int feed(lua_State *L, int status, lua_KContext ctx) {
    (void)status, (void)ctx;
    editor *e = check_editor(L);
    lua_settop(L, 1);
    if (e->dropped) {
        e->dropped = false;
        lua_pushnil(L);
        lua_pushliteral(L, "dropped");
        return 2;
    }
    task_current(L);
    e->asking = L;
    e->place = 1;
    enum edit_state state = edit_feed(e->edit);
    e->asking = NULL;
    if (state == EDIT_MORE) return waiters_wait(L, &e->readers, TASK_OUTSIDE, 0, feed);
    if (state == EDIT_END) {
        lua_pushnil(L);
        lua_pushliteral(L, "end");
        return 2;
    }
    size_t len;
    const char *line = edit_line(e->edit, &len);
    lua_pushlstring(L, line, len);
    return 1;
}

/* read(prompt) -> line | nil, "end" | nil, "dropped" */
static int l_read(lua_State *L) {
    editor *e = check_editor(L);
    const char *prompt = luaL_checkstring(L, 2);
    if (e->readers.first) return luaL_error(L, "another task reads already");
    task_current(L);
    e->dropped = false;
    if (!edit_begin(e->edit, prompt)) return luaL_error(L, "out of memory");
    return feed(L, LUA_OK, 0);
}

/* drop_line() -> whether a line was being read: its reader gets nil, "dropped". */
static int l_drop_line(lua_State *L) {
    editor *e = check_editor(L);
    lua_pushboolean(L, e->readers.first != NULL);
    if (!e->readers.first) return 1;
    e->dropped = true;
    edit_stop(e->edit);
    waiters_wake(&e->readers);
    return 1;
}

static int l_hide(lua_State *L) {
    edit_hide(check_editor(L)->edit);
    return 0;
}

static int l_show(lua_State *L) {
    edit_show(check_editor(L)->edit);
    return 0;
}

static int l_remember(lua_State *L) {
    edit_add_history(check_editor(L)->edit, luaL_checkstring(L, 2));
    return 0;
}

static int l_is_terminal(lua_State *L) {
    lua_pushboolean(L, edit_is_terminal(check_editor(L)->edit));
    return 1;
}

static const luaL_Reg methods[] = {{"read", l_read},         {"drop_line", l_drop_line},
                                   {"hide", l_hide},         {"show", l_show},
                                   {"remember", l_remember}, {"is_terminal", l_is_terminal},
                                   {"close", box_close},     {NULL, NULL}};

static const box_class editor_class = {.name = "fellowship.editor",
                                       .closed = "the editor is closed",
                                       .methods = methods,
                                       .release = release_editor};

int luaopen_fellowship_core_editor(lua_State *L) {
    box_register(L, &editor_class);
    static const luaL_Reg functions[] = {{"open", l_open}, {NULL, NULL}};
    luaL_newlib(L, functions);
    return 1;
}
