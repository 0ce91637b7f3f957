/* random.h: math.random for tasks. */
#ifndef FELLOWSHIP_LUA_RANDOM_H
#define FELLOWSHIP_LUA_RANDOM_H

#include <lua.h>

/* [-0, +0] Replaces math.random and math.randomseed by functions with the same arguments that draw
 * from the running task's own generator, so that a row's numbers follow from --seed and its place
 * in the dataset, whatever runs beside it. */
void random_install(lua_State *L);

#endif
