/* coroutine: how a suspending task passes through coroutines that its script made. The yield of a
 * primitive carries a mark; the library's own coroutine.resume and wrap, which replace Lua's, hand
 * a marked yield on to whoever resumed them, up to the scheduler, and go back in when woken. So a
 * model call inside coroutine.wrap suspends the task and never returns early to the script. */
#ifndef FELLOWSHIP_LUA_COROUTINE_H
#define FELLOWSHIP_LUA_COROUTINE_H

#include <lua.h>
#include <stdbool.h>

/* [-0, +0] Replaces coroutine.resume, wrap and close in L. */
void coroutine_init(lua_State *L);

/* Yields with the mark; k goes on when the task is resumed. For task_suspend alone. */
int coroutine_pass(lua_State *L, lua_KContext ctx, lua_KFunction k);

/* [-0, +0] Closes the coroutines through which L, a task that is suspended, waits: the innermost
 * first. */
void coroutine_cancel(lua_State *L);

/* Whether what coroutine L just yielded (`count` values on its stack) is the mark. */
bool coroutine_passes(lua_State *L, int count);

#endif
