/* modules: a Lua state with everything that scripts can require. The caller owns the state and
 * ends it with lua_close. */
#ifndef FELLOWSHIP_HOST_MODULES_H
#define FELLOWSHIP_HOST_MODULES_H

#include <lua.h>

#include "lua/task.h"

/* Sets up L: the standard libraries, the primitives (fellowship.core.*), cjson, tasks, and
 * package.path with `home`/lualib before Lua's own places. [-0, +0, e] */
void modules_open(lua_State *L, runtime *rt, loop *l, const char *home);

#endif
