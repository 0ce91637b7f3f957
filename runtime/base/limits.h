/* limits.h: which call may go on the wire next: slots for the whole process, and for each endpoint
 * its own slots and a pause that its calls share. The clock is passed in, nothing here sleeps.
 * A `limits` owns its endpoints; waiters belong to the caller, who keeps them alive while they
 * wait. */
#ifndef FELLOWSHIP_BASE_LIMITS_H
#define FELLOWSHIP_BASE_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/pace.h"

typedef struct limits limits;
typedef struct limits_endpoint limits_endpoint;

/* One call that wants a slot; embed it in what represents the call. */
typedef struct limits_waiter {
    uint64_t rank;             /* the lower goes first: set it before limits_wait */
    uint64_t order;            /* of arrival, among equals */
    size_t place;              /* in the endpoint's queue */
    limits_endpoint *endpoint; /* where it waits, or NULL */
    pace_ticket ticket;        /* once it has its slot */
} limits_waiter;

/* At most `slots` calls on the wire at a time. NULL when out of memory. */
limits *limits_new(size_t slots);
void limits_free(limits *l);
void limits_set_slots(limits *l, size_t slots);

/* A new endpoint (host, key and model) with at most `slots` calls at a time, 0 for no bound of its
 * own. Freed with the limits. NULL when out of memory. */
limits_endpoint *limits_endpoint_new(limits *l, size_t slots);

/* Lets the endpoint adapt, and bounds its rates. */
void limits_set_pace(limits_endpoint *e, const pace_options *options);

/* What the endpoint's pace is; for reports, and to tell it how a call ended. */
pace *limits_pace(limits_endpoint *e);

/* Puts a waiter into its endpoint's queue (false when out of memory), and takes it out again (no
 * effect when it does not wait). */
bool limits_wait(limits_endpoint *e, limits_waiter *w);
void limits_forget(limits_waiter *w);

/*
 * The next waiter that may go at time now_ms, taken from its queue with its slot, or NULL.
 * Endpoints take turns, so one that is slow or paused holds no other back; within an endpoint the
 * lowest rank goes first, then who came first. With the row's number as rank, rows that were begun
 * are finished before later ones take their place, and memory stays flat. When waiters are held
 * back by pauses and rates alone, *wake_ms is when the first of them may go, else UINT64_MAX.
 */
limits_waiter *limits_next(limits *l, uint64_t now_ms, uint64_t *wake_ms);

/* Gives a slot back. */
void limits_release(limits_endpoint *e);

/* No call of this endpoint goes before until_ms; a pause is only ever lengthened, and has a most.
 */
void limits_pause(limits_endpoint *e, uint64_t until_ms, uint64_t now_ms);
uint64_t limits_paused_until(const limits_endpoint *e);

/* Stops granting for good: what is on the wire ends, nothing new begins. */
void limits_close(limits *l);

size_t limits_in_use(const limits *l);
size_t limits_waiting(const limits *l);
size_t limits_slots(const limits *l);
size_t limits_free_slots(const limits *l);

/* How many waiters only want a slot: their endpoint is neither paused nor full. */
size_t limits_supply(limits *l, uint64_t now_ms);

#endif
