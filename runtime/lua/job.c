#include "lua/job.h"

#include <stdlib.h>

#include "lua/box.h"

typedef struct job_box {
    box_head box;
    job_head *job;
} job_box;

static void free_job(job_head *j) {
    j->class->release(j);
    free(j);
}

static void release_box(void *arg) {
    job_head *j = ((job_box *)arg)->job;
    if (j && j->running)
        j->orphan = true;
    else if (j)
        free_job(j);
}

void *job_new(lua_State *L, const job_class *class, size_t size) {
    static const box_class boxes = {.name = "fellowship.job", .release = release_box};
    job_box *b = box_new(L, &boxes, sizeof *b, 0);
    b->job = calloc(1, size);
    if (!b->job) luaL_error(L, "out of memory");
    b->job->class = class;
    b->job->box = b;
    return b->job;
}

static void run(void *arg) {
    job_head *j = arg;
    j->class->work(j);
}

static void on_done(void *arg) {
    job_head *j = arg;
    j->running = false;
    if (j->class->done) j->class->done(j);
    if (j->task)
        task_wake(j->task);
    else if (j->orphan)
        free_job(j);
}

static void stop_waiting(void *arg) {
    ((job_head *)arg)->task = NULL;
}

/* [-0, +n] */
static int push_results(lua_State *L, int status, lua_KContext ctx) {
    (void)status;
    job_head *j = (job_head *)ctx;
    int count = j->class->push(L, j);
    box_shut(j->box); /* at once: the collector does not see how large it is */
    return count;
}

int job_run(lua_State *L, void *arg) {
    job_head *j = arg;
    j->task = task_able(L);
    j->running = j->task && loop_work(runtime_of(L)->loop, run, on_done, j);
    if (j->running)
        return task_suspend(L, TASK_OUTSIDE, stop_waiting, j, (lua_KContext)j, push_results);
    j->task = NULL;
    run(j);
    if (j->class->done) j->class->done(j);
    return push_results(L, LUA_OK, (lua_KContext)j);
}
