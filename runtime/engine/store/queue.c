#include "engine/store/queue.h"

void store_queue_init(store_queue *q) {
    q->head = NULL;
    q->tail = &q->head;
}

void store_queue_append(store_queue *q, store_job *job) {
    job->next = NULL;
    *q->tail = job;
    q->tail = &job->next;
}

void store_queue_join(store_queue *q, store_queue *from) {
    if (!from->head) return;
    *q->tail = from->head;
    q->tail = from->tail;
    store_queue_init(from);
}

void store_queue_take(store_queue *q, store_queue *from, size_t most) {
    while (from->head && most-- > 0) {
        store_job *job = from->head;
        from->head = job->next;
        store_queue_append(q, job);
    }
    if (!from->head) store_queue_init(from);
}

void store_queue_free(store_queue *q) {
    for (store_job *job = q->head, *next; job; job = next) {
        next = job->next;
        store_job_free(job);
    }
    store_queue_init(q);
}
