/* The binding of base/events: a cutter of server-sent events, as a box. */
#include "base/events.h"

#include <lauxlib.h>
#include <string.h>

#include "lua/box.h"
#include "lua/json/json.h"
#include "lua/modules.h"

typedef struct cutter {
    box_head head;
    events events;
} cutter;

static void release_cutter(void *box) {
    events_free(&((cutter *)box)->events);
}

static int l_take(lua_State *L);

static const luaL_Reg methods[] = {{"take", l_take}, {"close", box_close}, {NULL, NULL}};

static const box_class class = {.name = "fellowship.events.cutter",
                                .closed = "the cutter is closed",
                                .methods = methods,
                                .release = release_cutter};

/* What stands where on the stack of take. */
enum { CUTTER = 1, BYTES, PLAN, LIST, TEXTS, DATAS, RUN };

/* [-1, +0] Appends the event on top of the stack to the list. */
static void append(lua_State *L) {
    lua_rawseti(L, LIST, (lua_Integer)lua_rawlen(L, LIST) + 1);
}

/* [-0, +0] Ends the run of events, where there is one. */
static void end_run(lua_State *L, buf *texts, buf *datas) {
    if (lua_isnil(L, RUN)) return;
    lua_pushvalue(L, RUN);
    box_push_buf(L, texts);
    lua_setfield(L, -2, "text");
    box_push_buf(L, datas);
    lua_setfield(L, -2, "data");
    append(L);
    lua_pushnil(L);
    lua_replace(L, RUN);
    buf_clear(texts);
    buf_clear(datas);
}

/* Whether the values from `first` on are those of the run, but for the text. */
static bool goes_on(lua_State *L, int first, int count) {
    bool same = !lua_isnil(L, RUN);
    for (int i = 2; same && i <= count; i++) {
        lua_rawgeti(L, RUN, i);
        same = lua_rawequal(L, -1, first + i - 1);
        lua_pop(L, 1);
    }
    return same;
}

/* [-0, +0] Takes an event that the plan reads, and whose first value is a text, into a run. */
static bool add_to_run(lua_State *L, const event *found, buf *texts, buf *datas) {
    if (found->name || memchr(found->data, '\n', found->data_len)) return false;
    int top = lua_gettop(L), count = json_pluck_push(L, PLAN, found->data, found->data_len);
    size_t len = 0;
    const char *text =
        count > 0 && lua_type(L, top + 1) == LUA_TSTRING ? lua_tolstring(L, top + 1, &len) : NULL;
    if (len > 0 && !goes_on(L, top + 1, count)) {
        end_run(L, texts, datas);
        lua_createtable(L, count, 2);
        for (int i = 2; i <= count; i++) {
            lua_pushvalue(L, top + i);
            lua_rawseti(L, -2, i);
        }
        lua_replace(L, RUN);
    }
    bool well = len == 0 || (buf_append(texts, text, len) &&
                             (datas->len == 0 || buf_append_char(datas, '\n')) &&
                             buf_append(datas, found->data, found->data_len));
    if (!well) luaL_error(L, "out of memory");
    lua_settop(L, top);
    return len > 0;
}

/* [-0, +0] Appends an event that stands alone. */
static void add_alone(lua_State *L, const event *found) {
    lua_createtable(L, 0, 2);
    lua_pushlstring(L, found->data, found->data_len);
    lua_setfield(L, -2, "data");
    if (found->name) {
        lua_pushlstring(L, found->name, found->name_len);
        lua_setfield(L, -2, "name");
    }
    append(L);
}

/* cutter:take(bytes [, ended [, plan]]) -> the events that are whole now, as a list */
static int l_take(lua_State *L) {
    cutter *c = box_check(L, CUTTER, &class);
    size_t len;
    const char *bytes = luaL_checklstring(L, BYTES, &len);
    bool ended = lua_toboolean(L, 3);
    lua_settop(L, 4);
    lua_remove(L, 3);
    bool plans = !lua_isnil(L, PLAN);
    lua_newtable(L);
    buf none = {0}, *texts = plans ? box_buf(L) : &none, *datas = plans ? box_buf(L) : &none;
    lua_settop(L, RUN);
    events_give(&c->events, bytes, len, ended);
    enum events_status status;
    event found;
    while ((status = events_next(&c->events, &found)) == EVENTS_EVENT) {
        if (plans && add_to_run(L, &found, texts, datas)) continue;
        end_run(L, texts, datas);
        add_alone(L, &found);
    }
    if (status == EVENTS_NO_MEMORY) return luaL_error(L, "out of memory");
    end_run(L, texts, datas);
    lua_settop(L, LIST);
    buf_free(texts);
    buf_free(datas);
    return 1;
}

static int l_cutter(lua_State *L) {
    box_new(L, &class, sizeof(cutter), 0);
    return 1;
}

int luaopen_fellowship_core_events(lua_State *L) {
    box_register(L, &class);
    static const luaL_Reg functions[] = {{"cutter", l_cutter}, {NULL, NULL}};
    luaL_newlib(L, functions);
    return 1;
}
