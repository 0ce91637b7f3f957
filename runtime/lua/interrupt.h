/* interrupt: how code that computes without a pause is reached from a signal handler: it fails at
 * its next instruction, or says where it is. Of what Lua offers, lua_sethook alone may be called
 * there. */
#ifndef FELLOWSHIP_LUA_INTERRUPT_H
#define FELLOWSHIP_LUA_INTERRUPT_H

#include <stddef.h>

#include "lua/runtime.h"

/* For signal handlers, and before code runs on that may have missed one: what computes now fails,
 * when it is the foreground task or Ctrl+C was pressed twice, and the task is not shielded. */
void interrupt_running(runtime *rt);

/* For signal handlers: what computes now notes its place, at its next instruction. */
void interrupt_ask_place(runtime *rt);

/* For any thread: the place that was noted since it was last taken, "script.lua:12", or NULL. */
const char *interrupt_take_place(void);

/* Writes "script.lua:12" for the innermost function above `level` that is no part of the library;
 * false when there is none. */
bool interrupt_script_line(lua_State *L, int level, char *out, size_t size);

#endif
