/* store_queue: jobs of the store in order (engine/store/store.h). A job is in one queue at a time,
 * which owns it. Not thread-safe. Internal to the store. */
#ifndef FELLOWSHIP_ENGINE_STORE_QUEUE_H
#define FELLOWSHIP_ENGINE_STORE_QUEUE_H

#include <stddef.h>

#include "engine/store/job.h"

typedef struct store_queue {
    store_job *head;
    store_job **tail;
} store_queue;

void store_queue_init(store_queue *q);
void store_queue_append(store_queue *q, store_job *job);

/* Moves all of `from` to the end of q. */
void store_queue_join(store_queue *q, store_queue *from);

/* Moves at most `most` jobs from the front of `from` to the end of q. */
void store_queue_take(store_queue *q, store_queue *from, size_t most);

/* Frees its jobs. */
void store_queue_free(store_queue *q);

#endif
