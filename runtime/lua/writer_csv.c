#include "lua/writer_csv.h"

#include <lauxlib.h>
#include <string.h>

#include "base/csv_write.h"
#include "base/utf8.h"
#include "lua/json/json.h"

static bool fail_memory(lua_State *L) {
    lua_pushliteral(L, "out of memory");
    return false;
}

/* Appends the text at `index`, which must be UTF-8; `what` is how a message calls it. */
static bool write_text(lua_State *L, int index, const char *what, char delimiter, bool alone,
                       buf *out) {
    size_t len;
    const char *text = lua_tolstring(L, index, &len);
    size_t valid = utf8_valid_prefix(text, len);
    if (valid < len) {
        const char *problem = utf8_surrogate(text + valid, text + len)
                                  ? "half a surrogate pair, which CSV cannot hold,"
                                  : "invalid UTF-8";
        lua_pushfstring(L, "the %s has %s at its byte %I", what, problem, (LUAI_UACINT)valid + 1);
        return false;
    }
    return csv_write_cell(out, text, len, delimiter, alone) || fail_memory(L);
}

/* Appends the cell of the value on top of the stack, whose key is below it. */
static bool write_value(lua_State *L, int row, char delimiter, bool alone, buf *out) {
    int type = lua_type(L, -1), key = lua_gettop(L) - 1;
    if (type == LUA_TSTRING) {
        lua_pushfstring(L, "text of \"%s\"", lua_tostring(L, key));
        bool well = write_text(L, key + 1, lua_tostring(L, -1), delimiter, alone, out);
        lua_remove(L, well ? -1 : -2);
        return well;
    }
    if (type == LUA_TNIL || (type == LUA_TLIGHTUSERDATA && !lua_touserdata(L, -1)))
        return csv_write_cell(out, "", 0, delimiter, alone) || fail_memory(L);
    size_t start = out->len;
    char error[512];
    if (!json_encode_member(L, row, key, out, error, sizeof error)) {
        lua_pushstring(L, error);
        return false;
    }
    if (type != LUA_TTABLE) return true;
    /* JSON text holds quotes and commas: it is written again behind itself, as a cell. */
    size_t len = out->len - start;
    if (!buf_reserve(out, 2 * len + 2)) return fail_memory(L);
    csv_write_cell(out, out->data + start, len, delimiter, alone);
    memmove(out->data + start, out->data + start + len, out->len - start - len);
    out->len -= len;
    return true;
}

/* [-0, +1] The names of the columns, for a message. */
static void push_names(lua_State *L, int columns) {
    lua_Integer count = (lua_Integer)lua_rawlen(L, columns), most = 8;
    luaL_Buffer names;
    luaL_buffinit(L, &names);
    for (lua_Integer i = 1; i <= count && i <= most; i++) {
        if (i > 1) luaL_addstring(&names, ", ");
        lua_rawgeti(L, columns, i);
        luaL_addvalue(&names);
    }
    if (count > most) luaL_addstring(&names, ", ...");
    luaL_pushresult(&names);
}

/* [-0, +1] Says which key is no column: one of the row's, which has more keys than columns. */
static bool fail_key(lua_State *L, int row, int columns) {
    lua_Integer count = (lua_Integer)lua_rawlen(L, columns);
    lua_newtable(L);
    int set = lua_gettop(L);
    for (lua_Integer i = 1; i <= count; i++) {
        lua_rawgeti(L, columns, i);
        lua_pushboolean(L, 1);
        lua_rawset(L, set);
    }
    json_keys(L, row); /* in order, so that the message is the same each time */
    for (lua_Integer i = 1;; i++) {
        lua_rawgeti(L, set + 1, i);
        if (lua_type(L, -1) != LUA_TSTRING) break;
        lua_pushvalue(L, -1);
        if (lua_rawget(L, set) == LUA_TNIL) break;
        lua_pop(L, 2);
    }
    lua_settop(L, set + 2);
    if (lua_type(L, -1) != LUA_TSTRING) {
        lua_pushliteral(L, "it has elements, and a row of CSV has named fields only");
    } else {
        push_names(L, columns);
        lua_pushfstring(L,
                        "it has the key \"%s\", which is no column (%s): give the writer "
                        "columns = {...} with every key, or leave it out of the row",
                        lua_tostring(L, -2), lua_tostring(L, -1));
    }
    lua_replace(L, set);
    lua_settop(L, set);
    return false;
}

static lua_Integer count_fields(lua_State *L, int table) {
    lua_Integer count = 0;
    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) count++;
    return count;
}

bool writer_csv_header(lua_State *L, int columns, char delimiter, buf *out) {
    lua_Integer count = (lua_Integer)lua_rawlen(L, columns);
    for (lua_Integer i = 1; i <= count; i++) {
        if (i > 1 && !buf_append_char(out, delimiter)) return fail_memory(L);
        lua_rawgeti(L, columns, i);
        int key = lua_gettop(L);
        bool well = write_text(L, key, "name of a column", delimiter, count == 1, out);
        lua_remove(L, key);
        if (!well) return false;
    }
    return buf_append_char(out, '\n') || fail_memory(L);
}

bool writer_csv_row(lua_State *L, int row, int columns, char delimiter, buf *out) {
    luaL_checkstack(L, 16, "csv");
    lua_Integer count = (lua_Integer)lua_rawlen(L, columns), present = 0;
    for (lua_Integer i = 1; i <= count; i++) {
        if (i > 1 && !buf_append_char(out, delimiter)) return fail_memory(L);
        lua_rawgeti(L, columns, i);
        lua_pushvalue(L, -1);
        present += lua_rawget(L, row) != LUA_TNIL;
        int key = lua_gettop(L) - 1;
        if (!write_value(L, row, delimiter, count == 1, out)) {
            lua_replace(L, key);
            lua_settop(L, key);
            return false;
        }
        lua_settop(L, key - 1);
    }
    if (present < count_fields(L, row)) return fail_key(L, row, columns);
    return buf_append_char(out, '\n') || fail_memory(L);
}
