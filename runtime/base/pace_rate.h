/* pace_rate.h: what walls tell of the rate that an endpoint takes.
 *
 * Between two walls it has taken what it allows, so how many calls went in what time is its rate. A
 * server that counts in fixed periods lets through no more after a pause, so between two walls it
 * seems to allow less than it does, or more when a period ended between them. What it let through
 * at first, when nothing held the calls back, is then its rate, which the first wall near to that
 * confirms. */
#ifndef FELLOWSHIP_BASE_PACE_RATE_H
#define FELLOWSHIP_BASE_PACE_RATE_H

#include "base/pace_state.h"

/* A refusal tells of a rate only when it says for how long: at least this. */
#define PACE_TELLING_MS 500

/* A wall, at the call p->first, that says for how long: what it tells of the rate. */
void pace_rate_wall(pace *p, uint64_t now);

/* Counts a refusal among those of the burst and of the last wall. */
void pace_rate_refused(pace *p, const pace_ticket *ticket);

/* Refusals go away at `rate` calls a millisecond. */
void pace_rate_lower(pace *p, double rate, uint64_t now);

/* Refusals were not about the rate. */
void pace_rate_doubt(pace *p);

/* A rate that was learnt creeps up while somebody waits for it. */
void pace_rate_grow(pace *p, uint64_t now);

#endif
