#include "lua/json/scratch.h"

#include <lauxlib.h>
#include <string.h>

#define SCRATCH "fellowship.json.scratch"

/* More scratch memory than this is not kept from one call to the next. */
#define KEPT_BYTES ((size_t)4 << 20)

/* The registry's key of the state table. */
static const char state_key;

static void scratch_free(json_scratch *s) {
    json_reader_free(&s->reader);
    buf_free(&s->keys);
    buf_free(&s->offsets);
    buf_free(&s->order);
    buf_free(&s->out);
}

static int scratch_gc(lua_State *L) {
    scratch_free(lua_touserdata(L, 1));
    return 0;
}

static void fill_scratch(lua_State *L) {
    lua_pushcfunction(L, scratch_gc);
    lua_setfield(L, -2, "__gc");
}

void json_metatable_push(lua_State *L, const char *name, void (*fill)(lua_State *L)) {
    if (luaL_getmetatable(L, name) != LUA_TNIL) return;
    lua_pop(L, 1);
    lua_newtable(L);
    lua_pushstring(L, name);
    lua_setfield(L, -2, "__name");
    fill(L);
    lua_pushvalue(L, -1);
    lua_setfield(L, LUA_REGISTRYINDEX, name);
}

void json_state_push(lua_State *L) {
    luaL_checkstack(L, 8, "json");
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &state_key) != LUA_TNIL) return;
    lua_pop(L, 1);
    lua_createtable(L, JSON_STATE_FIELDS, 0);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &state_key);
}

json_scratch *json_scratch_take(lua_State *L, int state) {
    if (lua_rawgeti(L, state, JSON_STATE_IDLE) == LUA_TUSERDATA) {
        lua_pushboolean(L, 0);
        lua_rawseti(L, state, JSON_STATE_IDLE);
        return lua_touserdata(L, -1);
    }
    lua_pop(L, 1);
    json_scratch *s = lua_newuserdatauv(L, sizeof *s, 0);
    memset(s, 0, sizeof *s);
    json_metatable_push(L, SCRATCH, fill_scratch);
    lua_setmetatable(L, -2);
    json_reader_init(&s->reader, "", 0);
    return s;
}

void json_scratch_give(lua_State *L, int state, int box) {
    json_scratch *s = lua_touserdata(L, box);
    size_t kept = s->reader.scratch.cap + s->keys.cap + s->offsets.cap + s->order.cap + s->out.cap;
    if (kept > KEPT_BYTES) scratch_free(s);
    lua_pushvalue(L, box);
    lua_rawseti(L, state, JSON_STATE_IDLE);
}
