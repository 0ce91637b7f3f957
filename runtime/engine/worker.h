/* worker: a thread of its own for jobs that take as long as somebody outside likes: reading from a
 * pipe, writing into one. In the loop's pool, which all short jobs share, four of them would stop
 * everything else.
 *
 * Whoever makes a worker gives it one job at a time, and frees it between jobs. */
#ifndef FELLOWSHIP_ENGINE_WORKER_H
#define FELLOWSHIP_ENGINE_WORKER_H

#include "engine/loop.h"

typedef struct worker worker;

/* NULL when there is no memory or no thread for it. */
worker *worker_new(loop *l);

/* Runs work(arg) on the thread, then done(arg) in the loop, where the worker may be freed or given
 * its next job. No job is under way. */
void worker_do(worker *, void (*work)(void *arg), void (*done)(void *arg), void *arg);

/* Ends the thread. No job is under way. NULL is allowed. */
void worker_free(worker *);

#endif
