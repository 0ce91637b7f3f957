#include "lua/json/scratch.h"

#include <lauxlib.h>

#include "lua/box.h"

/* More scratch memory than this is not kept from one call to the next. */
#define KEPT_BYTES ((size_t)4 << 20)

/* The registry's key of the state table. */
static const char state_key;

typedef struct scratch_box {
    box_head box;
    json_scratch scratch;
} scratch_box;

static void scratch_free(json_scratch *s) {
    json_reader_free(&s->reader);
    buf_free(&s->keys);
    buf_free(&s->offsets);
    buf_free(&s->order);
    buf_free(&s->out);
}

static void release_scratch(void *box) {
    scratch_free(&((scratch_box *)box)->scratch);
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
        return &((scratch_box *)lua_touserdata(L, -1))->scratch;
    }
    lua_pop(L, 1);
    static const box_class class = {.name = "fellowship.json.scratch", .release = release_scratch};
    scratch_box *b = box_new(L, &class, sizeof *b, 0);
    json_reader_init(&b->scratch.reader, "", 0);
    return &b->scratch;
}

void json_scratch_give(lua_State *L, int state, int box) {
    json_scratch *s = &((scratch_box *)lua_touserdata(L, box))->scratch;
    size_t kept = s->reader.scratch.cap + s->keys.cap + s->offsets.cap + s->order.cap + s->out.cap;
    if (kept > KEPT_BYTES) scratch_free(s);
    lua_pushvalue(L, box);
    lua_rawseti(L, state, JSON_STATE_IDLE);
}
