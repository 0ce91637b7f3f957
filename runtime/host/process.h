/* process: what the program asks of the system before anything else, and what its children get
 * of that. */
#ifndef FELLOWSHIP_HOST_PROCESS_H
#define FELLOWSHIP_HOST_PROCESS_H

#include <lua.h>
#include <stdbool.h>

/* Opens /dev/null where descriptors 0, 1 or 2 are closed, and allows as many open files as the
 * system lets us have. Once, first of all. False, and said on stderr, where the program may have
 * too little memory to begin. */
bool process_begin(void);

/* [-0, +0] Has the children of io.popen and os.execute start with the number of open files that we
 * started with. */
void process_open(lua_State *L);

#endif
