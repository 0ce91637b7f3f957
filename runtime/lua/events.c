/* The binding of base/events: a cutter of server-sent events, as a box. */
#include "base/events.h"

#include <lauxlib.h>

#include "lua/box.h"
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

/* [-0, +1] The event as a table. */
static void push_event(lua_State *L, const event *found) {
    lua_createtable(L, 0, 2);
    lua_pushlstring(L, found->data, found->data_len);
    lua_setfield(L, -2, "data");
    if (!found->name) return;
    lua_pushlstring(L, found->name, found->name_len);
    lua_setfield(L, -2, "name");
}

/* cutter:take(bytes [, ended]) -> the events that are whole now, as a list */
static int l_take(lua_State *L) {
    cutter *c = box_check(L, 1, &class);
    size_t len;
    const char *bytes = luaL_checklstring(L, 2, &len);
    bool ended = lua_toboolean(L, 3);
    lua_settop(L, 2);
    lua_newtable(L);
    events_give(&c->events, bytes, len, ended);
    enum events_status status;
    event found;
    for (lua_Integer i = 1; (status = events_next(&c->events, &found)) == EVENTS_EVENT; i++) {
        push_event(L, &found);
        lua_rawseti(L, 3, i);
    }
    if (status == EVENTS_NO_MEMORY) return luaL_error(L, "out of memory");
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
