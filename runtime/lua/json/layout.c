#include "lua/json/layout.h"

#include <lauxlib.h>
#include <string.h>

#include "base/json.h"
#include "lua/json/state.h"

#define LAYOUT "json.layout"

/* The key of a shape's layout, by address. */
static const char layout_key;

static int layout_gc(lua_State *L) {
    json_layout *layout = lua_touserdata(L, 1);
    buf_free(&layout->texts);
    return 0;
}

static void fill_layout(lua_State *L) {
    lua_pushcfunction(L, layout_gc);
    lua_setfield(L, -2, "__gc");
}

json_layout *json_layout_push(lua_State *L, int shape) {
    lua_rawgetp(L, shape, &layout_key);
    return lua_touserdata(L, -1);
}

bool json_layout_spread(lua_State *L, const json_layout *layout, int index) {
    int top = lua_gettop(L), i = 0;
    luaL_checkstack(L, 2 * layout->count + 4, "json");
    lua_pushnil(L);
    for (; lua_next(L, index); i++) {
        if (i == layout->count || lua_topointer(L, -2) != layout->met[i]) {
            lua_settop(L, top);
            return false;
        }
        lua_pushvalue(L, -2);
    }
    if (i == layout->count) return true;
    lua_settop(L, top);
    return false;
}

/* Fills in the members from a sequence of keys, behind `count` others; `anchor` is a table that
 * keeps them alive. Returns how many there are then, or -1 when they are too many. */
static int take_members(lua_State *L, json_layout *layout, int index, int keys, int anchor,
                        int count) {
    lua_Integer most = (lua_Integer)lua_rawlen(L, keys);
    for (lua_Integer i = 1; i <= most; i++) {
        lua_rawgeti(L, keys, i);
        lua_pushvalue(L, -1);
        bool present = lua_rawget(L, index) != LUA_TNIL;
        lua_pop(L, 1);
        if (present) {
            if (count == LAYOUT_MOST) return -1;
            layout_member *m = &layout->members[count];
            json_error error;
            buf *texts = &layout->texts;
            m->key = lua_tolstring(L, -1, &m->key_len);
            m->string = lua_topointer(L, -1);
            m->text = texts->len;
            if (!buf_append_char(texts, ',') ||
                !json_write_string(texts, m->key, m->key_len, &error) ||
                !buf_append_char(texts, ':'))
                return -1;
            m->text_len = texts->len - m->text;
            lua_pushvalue(L, -1);
            lua_rawseti(L, anchor, ++count);
        }
        lua_pop(L, 1);
    }
    return count;
}

/* Notes in which order lua_next meets the members; false when it meets others. */
static bool take_order(lua_State *L, json_layout *layout, int index, int count) {
    int met = 0;
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
        const void *key = lua_topointer(L, -2);
        int member = 0;
        while (member < count && layout->members[member].string != key) member++;
        if (member == count) return false;
        layout->met[met] = key;
        layout->place[member] = (unsigned char)met++;
    }
    return met == count;
}

void json_layout_learn(lua_State *L, int shape, int index, const int keys[2]) {
    luaL_checkstack(L, 12, "json");
    int top = lua_gettop(L);
    json_layout *layout = json_layout_push(L, shape);
    if (layout) {
        /* Objects that differ each time are not worth it. */
        layout->misses++;
        if (layout->misses & (layout->misses - 1)) {
            lua_settop(L, top);
            return;
        }
        layout->count = 0;         /* until it is complete: any step may raise */
    } else if (lua_isnil(L, -1)) { /* the shape's first object may be its last */
        lua_pushboolean(L, 1);
        lua_rawsetp(L, shape, &layout_key);
        lua_settop(L, top);
        return;
    } else {
        lua_pop(L, 1);
        layout = lua_newuserdatauv(L, sizeof *layout, 1);
        memset(layout, 0, sizeof *layout);
        json_metatable_push(L, LAYOUT, fill_layout);
        lua_setmetatable(L, -2);
        lua_pushvalue(L, -1);
        lua_rawsetp(L, shape, &layout_key);
    }
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, top + 1, 1);
    buf_clear(&layout->texts);
    int count = take_members(L, layout, index, keys[0], top + 2, 0);
    if (count > 0 && keys[1]) count = take_members(L, layout, index, keys[1], top + 2, count);
    if (count > 0 && take_order(L, layout, index, count)) layout->count = count;
    lua_settop(L, top);
}
