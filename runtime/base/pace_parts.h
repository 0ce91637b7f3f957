/* pace_parts.h: what the parts of the pace (pace.c, pace_refusals.c, pace_trial.c, pace_rate.c)
 * share; for no one else. */
#ifndef FELLOWSHIP_BASE_PACE_PARTS_H
#define FELLOWSHIP_BASE_PACE_PARTS_H

#include "base/pace.h"

/* Milliseconds from `then` to `now`; 0 when that is later: reports come in any order. */
static inline double pace_since(uint64_t now, uint64_t then) {
    return now > then ? (double)(now - then) : 0;
}

static inline double pace_least(double a, double b) {
    return a < b ? a : b;
}

static inline double pace_most(double a, double b) {
    return a > b ? a : b;
}

/* ---- samples ---- */

/* Begins anew with the next call. */
static inline void pace_sample_begin(pace_sample *s, const pace *p, uint64_t now) {
    *s = (pace_sample){.serial = p->serial + 1, .since = now};
}

/* Calls that were sent. */
static inline double pace_sample_sent(const pace_sample *s, const pace *p) {
    return p->serial >= s->serial ? (double)(p->serial - s->serial + 1) : 0;
}

static inline void pace_sample_refused(pace_sample *s, const pace_ticket *ticket) {
    if (ticket->serial >= s->serial) s->refused++;
}

static inline double pace_sample_share(const pace_sample *s, const pace *p) {
    double sent = pace_sample_sent(s, p);
    return sent > 0 ? s->refused / sent : 0;
}

/* ---- pace.c ---- */

/* Cuts the calls at a time by `factor`, once for all calls that were sent before. */
void pace_cut_window(pace *p, const pace_ticket *ticket, double factor);

/* ---- pace_refusals.c ---- */

void pace_heard_refusal(pace *p, const pace_ticket *ticket, enum pace_outcome outcome,
                        uint64_t hint_ms, uint64_t now);
void pace_heard_good(pace *p, const pace_ticket *ticket, uint64_t now);

/* Before a call goes: ends listening and trials that have told enough. False when the call should
 * wait because of refusals; *wake is when to ask again. */
bool pace_attends(pace *p, uint64_t now, uint64_t *wake);

/* So many calls tell whether there is a wall: */
#define PACE_HEARD 10

/* at least this share of them is refused then. */
double pace_wall_share(const pace *p);

/* All calls wait, since the refusals that were heard are a wall. */
void pace_stand_before_wall(pace *p, uint64_t now);

/* Counts refusals anew, to see whether more come than usual. */
void pace_begin_lately(pace *p, uint64_t now);

/* ---- pace_trial.c ---- */

/* Goes on more slowly, since this share was refused. */
void pace_try_slower(pace *p, double share, uint64_t now);

/* Ends a trial that has told enough. */
void pace_look_at_trial(pace *p, uint64_t now);

/* ---- pace_rate.c ---- */

/* A refusal tells of a rate only when it says for how long: at least this. */
#define PACE_TELLING_MS 500

/* A wall that says for how long: what it tells of the rate. */
void pace_rate_wall(pace *p, uint64_t now);

/* Counts a refusal among those of the burst and of the last wall. */
void pace_rate_refused(pace *p, const pace_ticket *ticket);

/* Walls that stand further apart have nothing to do with each other. */
#define PACE_QUIET_MS 60000

/* Refusals go away at `rate` calls a millisecond. */
void pace_rate_lower(pace *p, double rate, uint64_t now);

/* Refusals were not about the rate. */
void pace_rate_doubt(pace *p);

/* A rate that was learnt creeps up while somebody waits for it. */
void pace_rate_grow(pace *p, uint64_t now);

#endif
