#include "lua/modules.h"

#include <lauxlib.h>

#include "base/likeness.h"
#include "engine/fold.h"
#include "lua/box.h"

typedef struct texts {
    box_head head;
    likeness *likeness;
    buf words;
} texts;

static void release_texts(void *box) {
    texts *t = box;
    likeness_free(t->likeness);
    t->likeness = NULL;
    buf_free(&t->words);
}

/* texts:see(text) -> "exact" | "near" | nil, which remembers it */
static int l_see(lua_State *L);
static int l_compared(lua_State *L);

static const luaL_Reg methods[] = {
    {"see", l_see}, {"compared", l_compared}, {"close", box_close}, {NULL, NULL}};

static const box_class class = {.name = "fellowship.likeness.texts",
                                .closed = "these texts are closed",
                                .methods = methods,
                                .release = release_texts};

static int l_see(lua_State *L) {
    texts *t = box_check(L, 1, &class);
    size_t len;
    const char *text = luaL_checklstring(L, 2, &len);
    buf_clear(&t->words);
    enum likeness_found found = LIKENESS_NO_MEMORY;
    if (fold_words(&t->words, text, len))
        found = likeness_see(t->likeness, t->words.data, t->words.len);
    switch (found) {
    case LIKENESS_NEW: lua_pushnil(L); return 1;
    case LIKENESS_SAME: lua_pushliteral(L, "exact"); return 1;
    case LIKENESS_NEAR: lua_pushliteral(L, "near"); return 1;
    default: return luaL_error(L, "out of memory");
    }
}

static int l_compared(lua_State *L) {
    const texts *t = box_check(L, 1, &class);
    lua_pushinteger(L, (lua_Integer)likeness_compared(t->likeness));
    return 1;
}

/* texts(threshold | nil) -> texts: of near duplicates from a likeness of `threshold` on */
static int l_texts(lua_State *L) {
    lua_Number threshold = luaL_optnumber(L, 1, 0);
    luaL_argcheck(L, lua_isnoneornil(L, 1) || (threshold > 0 && threshold <= 1), 1,
                  "a likeness is above 0, and 1 at most");
    texts *t = box_new(L, &class, sizeof *t, 0);
    t->likeness = likeness_new(threshold);
    return t->likeness ? 1 : luaL_error(L, "out of memory");
}

/* words(text) -> the words of the text, with a space between each two */
static int l_words(lua_State *L) {
    size_t len;
    const char *text = luaL_checklstring(L, 1, &len);
    buf *words = box_buf(L);
    if (!fold_words(words, text, len)) return luaL_error(L, "out of memory");
    lua_pushlstring(L, words->data, words->len);
    return 1;
}

/* of(a, b) -> the likeness of two texts, 0 to 1 */
static int l_of(lua_State *L) {
    size_t a_len, b_len;
    const char *a = luaL_checklstring(L, 1, &a_len), *b = luaL_checklstring(L, 2, &b_len);
    buf *first = box_buf(L), *second = box_buf(L);
    double found = -1;
    if (fold_words(first, a, a_len) && fold_words(second, b, b_len))
        found = likeness_of(first->data, first->len, second->data, second->len);
    if (found < 0) return luaL_error(L, "out of memory");
    lua_pushnumber(L, found);
    return 1;
}

int luaopen_fellowship_core_likeness(lua_State *L) {
    box_register(L, &class);
    static const luaL_Reg functions[] = {
        {"texts", l_texts}, {"words", l_words}, {"of", l_of}, {NULL, NULL}};
    luaL_newlib(L, functions);
    return 1;
}
