#include "lua/interrupt.h"

#include <stdio.h>
#include <string.h>

#include "lua/task_private.h"

enum { AT_ONCE = LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT };

static char place[LUA_IDSIZE + 16];
static atomic_bool place_noted;

static void fail(lua_State *L, lua_Debug *where) {
    (void)where;
    lua_sethook(L, NULL, 0, 0);
    runtime *rt = runtime_of(L);
    if (!rt->current || rt->current->shielded || rt->presses == 0) return;
    rt->presses = 0;
    lua_createtable(L, 0, 2);
    lua_pushliteral(L, "cancelled");
    lua_setfield(L, -2, "kind");
    lua_pushliteral(L, "interrupted");
    lua_setfield(L, -2, "message");
    lua_error(L);
}

void interrupt_running(runtime *rt) {
    lua_State *running = rt->running;
    if (running && rt->presses > 0 && (rt->current == rt->foreground || rt->presses > 1))
        lua_sethook(running, fail, AT_ONCE, 1);
}

bool interrupt_script_line(lua_State *L, int level, char *out, size_t size) {
    lua_Debug frame;
    for (; lua_getstack(L, level, &frame); level++) {
        lua_getinfo(L, "Sl", &frame);
        if (frame.currentline <= 0 || strstr(frame.source, "/lualib/fellowship/")) continue;
        snprintf(out, size, "%s:%d", frame.short_src, frame.currentline);
        return true;
    }
    return false;
}

static void note_place(lua_State *L, lua_Debug *where) {
    (void)where;
    lua_sethook(L, NULL, 0, 0);
    place_noted = !place_noted && interrupt_script_line(L, 0, place, sizeof place);
}

void interrupt_ask_place(runtime *rt) {
    lua_State *running = rt->running;
    if (running && !lua_gethook(running)) lua_sethook(running, note_place, AT_ONCE, 1);
}

const char *interrupt_take_place(void) {
    static char taken[sizeof place]; /* the watch's alone */
    if (!place_noted) return NULL;
    memcpy(taken, place, sizeof taken);
    place_noted = false;
    return taken;
}
