#include <assert.h>
#include <math.h>

#include "base/pace_rate.h"

#define LEAST_RATE (1 / 60000.0)
#define MOST_RATE  1000.0
/* What is left of a rate that was refused: of one that grew, which is some way past what is allowed
 * when the refusal comes, of a steady one, and of what a burst told. */
#define BACK_OFF_GROWN  0.93
#define BACK_OFF_STEADY 0.97
#define BACK_OFF_BURST  0.975
/* A rate that was refused is so near to what a burst told that both mean the same. */
#define NEAR 1.15
/* How much the rate grows in a second: until it is known well, and then. Refusals cost a pause, so
 * a known rate is tried again after minutes; but ever faster, lest a limit that was raised stays
 * unused. */
#define SEARCH      0.08
#define CREEP       0.0002
#define FASTER_MS   60000 /* twice as fast after each of these without a refusal; */
#define FASTEST_MS  4000  /* and of these where the limit has fallen before */
#define MOST_FASTER 8
#define GROW_MS     100
/* Two walls so near that less than this of a known rate was taken: the limit has fallen. It is
 * followed by so much at a time. */
#define FALLEN 0.7
#define DROP   0.25
/* A steady stretch this long tells the rate. */
#define STEADY_MS 2000
/* A bucket that was full is emptied in such a time, if the rate is much too high. */
#define DRAINS_MS 2300
#define LONG_MS   10000

static void set_rate(pace *p, double rate) {
    assert(isfinite(rate));
    rate = pace_most(pace_least(rate, MOST_RATE), LEAST_RATE);
    p->rate = p->most_rate > 0 ? pace_least(rate, p->most_rate) : rate;
}

void pace_rate_grow(pace *p, uint64_t now) {
    if (p->known == PACE_FREE || p->rate == p->most_rate || p->phase != PACE_GOING) return;
    double passed = pace_since(now, p->grown_ms);
    if (passed < GROW_MS) return;
    p->grown_ms = now;
    if (!p->held_back) return;
    p->held_back = false;
    double growth = SEARCH;
    if (p->known != PACE_GUESSED) {
        double quiet = pace_since(now, p->lowered_ms);
        quiet /= p->rate < p->best * FALLEN ? FASTEST_MS : FASTER_MS;
        growth = CREEP * (double)(1 << (quiet < MOST_FASTER ? (int)quiet : MOST_FASTER));
    }
    set_rate(p, p->rate * (1 + pace_least(passed / 1000, 1) * growth));
}

void pace_rate_doubt(pace *p) {
    if (p->wall.any) {
        if (p->known != PACE_FREE) p->known = PACE_GUESSED;
    } else {
        p->known = PACE_FREE;
        p->rate = p->most_rate;
    }
}

static void use(pace *p, double rate, uint64_t now) {
    set_rate(p, rate);
    if (p->known >= PACE_NEAR && p->rate > p->best) p->best = p->rate;
    p->allowance = 0;
    p->grown_ms = p->lowered_ms = now;
}

void pace_rate_lower(pace *p, double rate, uint64_t now) {
    if (p->known < PACE_KNOWN) p->known++;
    use(p, p->rate > 0 ? pace_least(p->rate, rate) : rate, now);
}

/* How many calls a period lets through by what went before the first wall, a period being what that
 * one asked for; 0 when it does not tell. */
static double burst_rate(const pace *p) {
    double taken = (double)p->burst.serial - p->burst.refused;
    bool tells = p->burst.told && p->burst.lasted_ms * 2 <= p->burst.pause_ms && taken > 0;
    return tells ? taken / (double)p->burst.pause_ms : 0;
}

/* What lies between two walls. */
typedef struct stretch {
    double taken;  /* calls */
    double passed; /* milliseconds, the first one's pause among them, */
    double active; /* and without */
    double period; /* that pause */
} stretch;

static stretch stretch_before(const pace *p, const pace_ticket *ticket) {
    stretch s = {.period = (double)p->wall.pause_ms};
    /* Those that were heard just now stand behind it. */
    s.taken = (double)(ticket->serial - p->wall.serial) - (p->wall.refused - p->heard.refused);
    s.passed = pace_since(ticket->sent_ms, p->wall.sent_ms);
    s.active = pace_most(s.passed - s.period, 0);
    if (p->resumed > p->wall.sent_ms) {
        /* The pause took longer than was asked for; a bucket is full when it says so. */
        s.active = pace_since(ticket->sent_ms, p->resumed);
        s.passed = s.active + s.period;
    }
    return s;
}

/* What a bucket that was empty at both walls has let through, the pause included: right when it did
 * not run over meanwhile, else too low. */
static double first_guess(pace *p, const stretch *s) {
    double found = s->taken / s->passed, burst = burst_rate(p);
    p->known = PACE_GUESSED;
    p->lowered = false;
    return burst <= found && found < 2 * burst ? burst * BACK_OFF_BURST : found;
}

static double lower_guess(pace *p, const stretch *s) {
    double burst = burst_rate(p);
    if (burst * BACK_OFF_BURST <= p->rate && p->rate <= burst * NEAR) {
        p->known = PACE_KNOWN;
        return burst * BACK_OFF_BURST;
    }
    if (s->active >= STEADY_MS) {
        /* Refused while it grew: where it stands is the rate, or above it when a full bucket came
         * first; then the next wall tells how much. */
        p->known = PACE_NEAR;
        return p->rate * BACK_OFF_GROWN;
    }
    /* A stretch this short, of a rate that was no more than a guess; the second time, it is near.
     */
    if (p->lowered) p->known = PACE_NEAR;
    p->lowered = true;
    return pace_least(p->rate, s->taken / pace_most(s->active, s->period)) * BACK_OFF_STEADY;
}

static double lower_known(pace *p, const stretch *s) {
    double found = s->taken / s->passed;
    if (found < p->rate * FALLEN && s->active < LONG_MS) {
        p->known = PACE_GUESSED;
        return pace_most(found, p->rate * DROP);
    }
    /* A stretch too short tells nothing, and in a long one no bucket stood behind it. */
    if (p->known == PACE_KNOWN || s->active < DRAINS_MS || s->active > LONG_MS)
        found = p->rate * BACK_OFF_STEADY;
    p->known = PACE_KNOWN;
    return found;
}

static void learn(pace *p, const pace_ticket *ticket, uint64_t now) {
    stretch s = stretch_before(p, ticket);
    if (s.taken < 1 || s.passed < 1) return;
    double found = 0;
    switch (p->known) {
    case PACE_FREE: found = first_guess(p, &s); break;
    case PACE_GUESSED: found = lower_guess(p, &s); break;
    case PACE_NEAR:
    case PACE_KNOWN: found = lower_known(p, &s); break;
    }
    use(p, found, now);
}

void pace_rate_refused(pace *p, const pace_ticket *ticket) {
    if (p->burst.told && ticket->serial <= p->burst.serial) p->burst.refused++;
    if (p->wall.any && ticket->serial >= p->wall.serial) p->wall.refused++;
}

void pace_rate_wall(pace *p, uint64_t now) {
    const pace_ticket *first = &p->first;
    if (!p->burst.told && p->known == PACE_FREE) {
        p->burst.told = true;
        p->burst.serial = p->serial;
        p->burst.lasted_ms = (uint64_t)pace_since(first->sent_ms, p->burst.sent_ms);
        p->burst.pause_ms = p->first_hint;
        p->burst.refused = p->heard.refused;
    }
    if (p->wall.any && first->serial > p->wall.serial) learn(p, first, now);
    p->wall.any = true;
    p->wall.serial = first->serial;
    p->wall.sent_ms = first->sent_ms;
    p->wall.pause_ms = p->first_hint;
    p->wall.refused = p->heard.refused;
}
