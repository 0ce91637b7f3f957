#include "base/pace.h"

/* Calls come back over so long after a pause, not all at once. */
#define RESUME_MS 250.0
/* An even rate may be caught up by so much, since timers tick in milliseconds. */
#define CATCH_UP_MS 20.0
#define CUT         0.7
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
#define FASTER_MS   60000 /* twice as fast after each of these without a refusal */
#define MOST_FASTER 8
/* A refusal tells of a rate only when it says for how long: at least this. */
#define TELLING_MS 500
/* Refusals go on at lower and lower rates: then the rate is not what they are about. */
#define MOST_DECLINES 6
#define DEAF_MS       60000
/* A steady stretch this long tells the rate. */
#define STEADY_MS 2000
/* A bucket that was full is emptied in such a time, if the rate is much too high. */
#define DRAINS_MS 2300
#define LONG_MS   10000

static double least(double a, double b) {
    return a < b ? a : b;
}

void pace_init(pace *p, const pace_options *options) {
    *p = (pace){.adapts = options->start > 0};
    p->window = p->adapts ? (double)options->start : 0;
    p->threshold = 1e9;
    p->most_rate = p->rate = options->requests / 60000;
    p->allowance = 1;
    p->token_rate = options->tokens / 60000;
    p->token_allowance = options->tokens / 60; /* a second of it */
}

void pace_bound(pace *p, double requests, double tokens) {
    if (requests > 0) {
        p->most_rate = requests / 60000;
        if (p->rate <= 0 || p->rate > p->most_rate) p->rate = p->most_rate;
    }
    if (tokens > 0) {
        if (p->token_rate <= 0) p->token_allowance = tokens / 60;
        p->token_rate = tokens / 60000;
    }
}

static void fill(pace *p, uint64_t now) {
    double passed = now > p->filled_ms ? (double)(now - p->filled_ms) : 0;
    p->filled_ms = now;
    if (p->rate > 0) {
        p->allowance = least(p->allowance + passed * p->rate, 1 + p->rate * CATCH_UP_MS);
    }
    if (p->token_rate > 0)
        p->token_allowance =
            least(p->token_allowance + passed * p->token_rate, p->token_rate * 1000);
}

/* A rate that was learnt creeps up while somebody waits for it. */
static void grow_rate(pace *p, uint64_t now) {
    if (p->rate <= 0 || p->rate == p->most_rate) return;
    double seconds = (double)(now - p->grown_ms) / 1000;
    if (seconds < 0.1) return;
    p->grown_ms = now;
    if (!p->held_back) return;
    p->held_back = false;
    double growth = SEARCH;
    if (p->rate_found) {
        uint64_t quiet = (now - p->epoch.sent_ms) / FASTER_MS;
        growth = CREEP * (double)(1 << (quiet < MOST_FASTER ? quiet : MOST_FASTER));
    }
    p->rate *= 1 + least(seconds, 1) * growth;
    if (p->most_rate > 0) p->rate = least(p->rate, p->most_rate);
}

/* How many calls at a time are allowed: few just after a pause. */
static double calls_at_a_time(const pace *p, uint64_t now) {
    double since = (double)(now - p->resumed);
    if (p->resumed == 0 || since >= RESUME_MS) return p->window;
    return 1 + p->window * since / RESUME_MS;
}

bool pace_allows(pace *p, size_t in_use, uint64_t now, uint64_t *wake) {
    *wake = UINT64_MAX;
    if (p->paused_until > now) {
        *wake = p->paused_until;
        return false;
    }
    if (p->paused_until) {
        p->resumed = p->grown_ms = now; /* a pause tells nothing of the rate */
        p->paused_until = 0;
    }
    if (p->adapts && (double)in_use + 1 > calls_at_a_time(p, now)) {
        if (p->resumed && now - p->resumed < RESUME_MS) *wake = now + 10;
        return false;
    }
    if (p->rate <= 0 && p->token_rate <= 0) return true;
    fill(p, now);
    grow_rate(p, now);
    double wait = 0;
    if (p->rate > 0 && p->allowance < 1) {
        p->held_back = true;
        wait = (1 - p->allowance) / p->rate;
    }
    if (p->token_rate > 0 && p->token_allowance < 0 && -p->token_allowance / p->token_rate > wait)
        wait = -p->token_allowance / p->token_rate;
    if (wait <= 0) return true;
    *wake = now + 1 + (uint64_t)wait;
    return false;
}

pace_ticket pace_sent(pace *p, uint64_t now) {
    pace_ticket ticket = {.serial = ++p->serial, .sent_ms = now, .tokens = p->token_mean};
    if (ticket.serial == 1) p->burst.sent_ms = now;
    if (p->rate > 0) p->allowance -= 1;
    if (p->token_rate > 0) p->token_allowance -= ticket.tokens;
    return ticket;
}

/* How many calls a period lets through by what went before the first refusal, a period being what
 * that one asked for; 0 when it does not tell. */
static double burst_rate(const pace *p) {
    const double taken = (double)p->burst.serial - (double)p->burst.refused;
    const double period = (double)p->burst.pause_ms;
    return p->burst.told && p->burst.lasted_ms * 2 <= p->burst.pause_ms ? taken / period : 0;
}

static void cut_window(pace *p, const pace_ticket *ticket) {
    if (ticket->serial < p->cut_serial) return; /* sent before the last cut could help */
    p->window = p->window * CUT > 1 ? p->window * CUT : 1;
    p->threshold = p->window;
    p->cut_serial = p->serial + 1;
}

/* What two refusals tell of the rate, when the second call was sent after the pause of the first.
 */
static void learn_rate(pace *p, const pace_ticket *ticket) {
    double taken = (double)(ticket->serial - p->epoch.serial) - (double)p->epoch.refused;
    double passed = (double)(ticket->sent_ms - p->epoch.sent_ms);
    double active = passed - (double)p->epoch.pause_ms;
    if (p->resumed > p->epoch.sent_ms) {
        /* The pause took longer than was asked for; a bucket is full when it says so. */
        active = (double)(ticket->sent_ms - p->resumed);
        passed = active + (double)p->epoch.pause_ms;
    }
    if (taken < 1 || passed < 1 || ticket->sent_ms < p->deaf_until) return;
    /* What a bucket that was empty at both refusals has let through, the pause included: right when
     * it did not run over meanwhile, else too low. */
    double found = taken / passed, burst = burst_rate(p);
    if (p->rate <= 0) {
        if (burst <= found && found < 2 * burst) found = burst * BACK_OFF_BURST;
    } else if (!p->rate_found && burst * BACK_OFF_BURST <= p->rate && p->rate <= burst * NEAR) {
        found = burst * BACK_OFF_BURST;
        p->rate_found = p->rate_settled = true;
    } else if (!p->rate_found && active >= STEADY_MS) {
        /* Refused while it grew: where it stands is the rate, or above it when a full bucket came
         * first; then the next refusal tells how much. */
        found = p->rate * BACK_OFF_GROWN;
        p->rate_found = true;
    } else if (p->rate_found) {
        /* A stretch too short tells nothing, and in a long one no bucket stood behind it. */
        double steady = p->rate * BACK_OFF_STEADY;
        if (p->rate_settled || active < DRAINS_MS || active > LONG_MS) found = steady;
        p->rate_settled = true;
    } else {
        /* A stretch this short, of a rate that was no more than a guess. */
        double period = (double)p->epoch.pause_ms;
        found = least(p->rate, taken / (active > period ? active : period)) * BACK_OFF_STEADY;
        p->rate_found = p->declines > 0; /* the second time, it is near */
    }
    p->declines = p->rate > 0 && found < p->rate ? p->declines + 1 : 0;
    if (p->declines > MOST_DECLINES) {
        p->declines = 0;
        p->rate = p->most_rate;
        p->rate_found = p->rate_settled = false;
        p->burst.serial = p->burst.refused = 0; /* nor was that burst about one */
        p->deaf_until = ticket->sent_ms + DEAF_MS;
        return;
    }
    p->rate = p->most_rate > 0 ? least(found, p->most_rate) : found;
    p->allowance = 0;
    p->grown_ms = ticket->sent_ms;
}

static void refused(pace *p, const pace_ticket *ticket, uint64_t hint) {
    cut_window(p, ticket);
    if (hint < TELLING_MS) return;
    if (!p->burst.told) {
        p->burst.told = true;
        p->burst.serial = p->serial;
        p->burst.lasted_ms = ticket->sent_ms - p->burst.sent_ms;
        p->burst.pause_ms = hint;
    }
    if (ticket->serial <= p->burst.serial) p->burst.refused++;
    bool news = !p->epoch.any || ticket->sent_ms >= p->epoch.sent_ms + p->epoch.pause_ms;
    if (news && p->epoch.any && ticket->serial > p->epoch.serial) learn_rate(p, ticket);
    if (news) {
        p->epoch.serial = ticket->serial;
        p->epoch.sent_ms = ticket->sent_ms;
        p->epoch.pause_ms = hint;
        p->epoch.refused = 0;
        p->epoch.any = true;
    }
    if (ticket->serial >= p->epoch.serial) p->epoch.refused++;
}

void pace_report(pace *p, const pace_ticket *ticket, enum pace_outcome outcome, uint64_t hint,
                 double tokens) {
    if (p->token_rate > 0) {
        /* A call that was refused used nothing. */
        double used = outcome == PACE_GOOD ? (tokens > 0 ? tokens : ticket->tokens) : 0;
        p->token_allowance += ticket->tokens - used;
        if (tokens > 0)
            p->token_mean = p->token_mean > 0 ? 0.9 * p->token_mean + 0.1 * tokens : tokens;
    }
    if (!p->adapts) return;
    if (outcome == PACE_GOOD)
        p->window += p->window < p->threshold ? 1 : 1 / p->window;
    else if (outcome == PACE_REFUSED)
        refused(p, ticket, hint);
    else
        cut_window(p, ticket);
}

void pace_pause(pace *p, uint64_t until) {
    if (until > p->paused_until) p->paused_until = until;
}
