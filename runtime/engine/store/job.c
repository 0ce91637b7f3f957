#include "engine/store/job.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/store/work.h"

char store_out_of_memory[] = "the store failed: out of memory";

int64_t store_now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void store_job_fail(store_job *job, const char *message) {
    if (job->error) return;
    job->found = false;
    job->error = strdup(message);
    if (!job->error) job->error = store_out_of_memory;
}

void store_job_free(store_job *job) {
    if (!job) return;
    free(job->answer.data);
    if (job->work) job->work->free(job->work);
    if (job->error != store_out_of_memory) free(job->error);
    free(job);
}
