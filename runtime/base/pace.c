#include <assert.h>
#include <math.h>

#include "base/pace.h"
#include "base/pace_rate.h"
#include "base/pace_refusals.h"

/* Calls come back over so long after a pause, not all at once: in such a time the first of them
 * would be refused, if they were to be. */
#define RAMP_LEAST    250.0
#define RAMP_MOST     4000.0
#define RAMP_REFUSALS 4
/* An even rate may be caught up by so much, since timers tick in milliseconds. */
#define CATCH_UP_MS 20.0
/* What is asked for while few calls may go is looked at so often. */
#define RAMP_STEP  10
#define USUAL_WAIT 500
#define A_MINUTE   60000.0
/* No call uses more: the largest contexts hold some millions. */
#define MOST_TOKENS 1e8
/* No bound that means anything is larger. */
#define MOST_REQUESTS 6e10

void pace_init(pace *p, const pace_options *options) {
    *p = (pace){.adapts = options->start > 0};
    p->window = p->adapts ? (double)options->start : 0;
    p->threshold = 1e9;
    p->wait_ms = options->wait_ms ? options->wait_ms : USUAL_WAIT;
    p->allowance = 1;
    p->lately.serial = 1;
    pace_bound(p, options->requests, options->tokens);
}

static bool is_bound(double a_minute, double most) {
    return isfinite(a_minute) && a_minute >= 1 && a_minute <= most;
}

bool pace_bound(pace *p, double requests, double tokens) {
    bool asks = is_bound(requests, MOST_REQUESTS);
    bool counts = is_bound(tokens, INFINITY) && tokens >= p->token_mean;
    if (asks) {
        bool at_most = p->rate <= 0 || (p->most_rate > 0 && p->rate >= p->most_rate);
        p->most_rate = requests / A_MINUTE;
        if (at_most || p->rate > p->most_rate) p->rate = p->most_rate;
    }
    if (counts) {
        double rate = tokens / A_MINUTE;
        if (p->token_rate <= 0) p->token_allowance = rate * 1000;
        p->token_rate = rate;
    }
    return (asks || requests == 0) && (counts || tokens == 0);
}

/* ---- before a call ---- */

/* Calls a millisecond that may go now; 0: as many as like. */
static double rate_now(const pace *p) {
    double trial = p->phase == PACE_TRYING ? p->trial.rate : 0;
    if (p->rate <= 0 || trial <= 0) return pace_most(p->rate, trial);
    return pace_least(p->rate, trial);
}

static void fill(pace *p, double rate, uint64_t now) {
    double passed = pace_since(now, p->filled_ms);
    if (now > p->filled_ms) p->filled_ms = now;
    if (rate > 0) p->allowance = pace_least(p->allowance + passed * rate, 1 + rate * CATCH_UP_MS);
    if (p->token_rate > 0)
        p->token_allowance =
            pace_least(p->token_allowance + passed * p->token_rate, p->token_rate * 1000);
}

static bool is_resuming(const pace *p, uint64_t now) {
    return p->resumed && pace_since(now, p->resumed) < (double)p->ramp_ms;
}

/* How many calls at a time are allowed: few just after a pause. */
static double calls_at_a_time(const pace *p, uint64_t now) {
    if (!is_resuming(p, now)) return p->window;
    return 1 + p->window * pace_since(now, p->resumed) / (double)p->ramp_ms;
}

static void resume(pace *p, uint64_t now) {
    double ramp = RAMP_REFUSALS * p->refusal_ms;
    p->ramp_ms = (uint64_t)pace_least(pace_most(ramp, RAMP_LEAST), RAMP_MOST);
    p->resumed = p->grown_ms = now; /* a pause tells nothing of the rate */
    p->paused_until = 0;
    p->row = 0;
    pace_sample_begin(&p->lately, p, now);
}

/* How long the rates hold a call back, in milliseconds. */
static double wait_of_rates(pace *p, uint64_t now) {
    double rate = rate_now(p), wait = 0;
    if (rate <= 0 && p->token_rate <= 0) return 0;
    fill(p, rate, now);
    pace_rate_grow(p, now);
    if (rate > 0 && p->allowance < 1) {
        p->held_back = true;
        wait = (1 - p->allowance) / rate;
    }
    if (p->token_rate > 0 && p->token_allowance < 0)
        wait = pace_most(wait, -p->token_allowance / p->token_rate);
    assert(wait >= 0);
    return wait;
}

bool pace_allows(pace *p, size_t in_use, uint64_t now, uint64_t *wake) {
    *wake = UINT64_MAX;
    if (p->paused_until > now) {
        *wake = p->paused_until;
        return false;
    }
    if (p->paused_until) resume(p, now);
    if (p->adapts && !pace_attends(p, now, wake)) return false;
    if (p->adapts && (double)in_use + 1 > calls_at_a_time(p, now)) {
        if (is_resuming(p, now)) *wake = now + RAMP_STEP;
        return false;
    }
    double wait = wait_of_rates(p, now);
    if (wait > 0) {
        *wake = now + 1 + (uint64_t)pace_least(wait, (double)PACE_LONGEST_WAIT - 1);
        return false;
    }
    if (in_use + 1 > p->peak) p->peak = in_use + 1;
    return true;
}

pace_ticket pace_sent(pace *p, uint64_t now) {
    pace_ticket ticket = {.serial = ++p->serial, .sent_ms = now, .tokens = p->token_mean};
    p->row <<= 1;
    if (ticket.serial == 1) p->burst.sent_ms = p->lately.since = now;
    if (rate_now(p) > 0) p->allowance -= 1;
    if (p->token_rate > 0) p->token_allowance -= ticket.tokens;
    return ticket;
}

/* ---- after a call ---- */

/* A call that was refused used nothing; what it used otherwise replaces what was set aside. However
 * much that is, it is paid off in a minute. */
static void settle_tokens(pace *p, const pace_ticket *ticket, bool good, double tokens) {
    bool told = tokens > 0 && tokens <= MOST_TOKENS;
    if (p->token_rate > 0) {
        p->token_allowance += ticket->tokens;
        if (good) p->token_allowance -= told ? tokens : ticket->tokens;
        p->token_allowance = pace_most(p->token_allowance, -p->token_rate * A_MINUTE);
    }
    if (told) p->token_mean = p->token_mean > 0 ? 0.9 * p->token_mean + 0.1 * tokens : tokens;
}

void pace_report(pace *p, const pace_ticket *ticket, enum pace_outcome outcome, uint64_t hint,
                 double tokens, uint64_t now) {
    assert(ticket->serial > 0 && ticket->serial <= p->serial && ticket->sent_ms <= now);
    settle_tokens(p, ticket, outcome == PACE_GOOD, tokens);
    if (outcome == PACE_GOOD)
        pace_heard_good(p, ticket, now);
    else
        pace_heard_refusal(p, ticket, outcome == PACE_REFUSED,
                           hint < PACE_LONGEST_PAUSE ? hint : PACE_LONGEST_PAUSE, now);
    assert(p->rate >= 0 && isfinite(p->rate) && (!p->adapts || p->window >= 1));
}

void pace_pause(pace *p, uint64_t until, uint64_t now) {
    pace_pause_until(p, until, now);
}
