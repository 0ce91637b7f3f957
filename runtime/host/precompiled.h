/* precompiled: the Lua library as bytecode in one file, which the build writes: compiling forty
 * modules takes as long as all else before a script's first call. A module whose source has changed
 * since is compiled as ever. */
#ifndef FELLOWSHIP_HOST_PRECOMPILED_H
#define FELLOWSHIP_HOST_PRECOMPILED_H

#include <lua.h>
#include <stdbool.h>

/* Has require take the modules of `home`/lualib from `file` where they are in it and unchanged;
 * does nothing when there is no such file. [-0, +0, e] */
void precompiled_use(lua_State *L, const char *file, const char *home);

#endif
