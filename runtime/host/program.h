/* program: where the program finds its library, and what Lua may know of the program. */
#ifndef FELLOWSHIP_HOST_PROGRAM_H
#define FELLOWSHIP_HOST_PROGRAM_H

#include <limits.h>
#include <lua.h>
#include <stdbool.h>

/* Exit statuses, as DESIGN and the manual give them; the others come from the command line. */
enum { EXIT_SCRIPT_FAILED = 1 };

typedef struct program {
    int argc;
    char **argv;
    char home[PATH_MAX];             /* holds lualib and scripts */
    char precompiled[PATH_MAX + 32]; /* the library as bytecode, if there is such a file */
} program;

/* Fills in the places of the library; false when it is nowhere. */
bool program_find(program *);

/* [-0, +0] fellowship.core.host. */
void program_open(lua_State *L, const program *);

/* [-0, +0] Calls the function of host.on_interrupt, if there is one. Its error is returned, to be
 * reported, on top of the stack: [-0, +1] and false. */
bool program_call_on_interrupt(lua_State *L);

#endif
