#include "lua/waiters.h"

#include "lua/task.h"
#include "lua/task_private.h"

int waiters_wait(lua_State *L, task_list *list, enum task_wait wait, lua_KContext ctx,
                 lua_KFunction k) {
    task_list_add(list, runtime_of(L)->current);
    return task_suspend(L, wait, NULL, NULL, ctx, k);
}

void waiters_wake(task_list *list) {
    while (list->first) task_wake(list->first); /* which takes it out */
}
