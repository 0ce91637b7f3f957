/* waiters: tasks that wait for one thing, in a list that whoever knows of it keeps. */
#ifndef FELLOWSHIP_LUA_WAITERS_H
#define FELLOWSHIP_LUA_WAITERS_H

#include "lua/task.h"

/* Suspends the current task in the list, as task_suspend does: the last statement of a primitive,
 * after task_current. The task leaves the list when it is woken or cancelled; the list must last as
 * long. */
int waiters_wait(lua_State *L, task_list *list, enum task_wait wait, lua_KContext ctx,
                 lua_KFunction k);

/* Wakes all, in the order of their coming; from callbacks too. */
void waiters_wake(task_list *list);

#endif
