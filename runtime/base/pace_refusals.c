#include <math.h>

#include "base/pace_rate.h"
#include "base/pace_refusals.h"
#include "base/pace_trial.h"
#include "base/pace_wall.h"

/* Where a rate bounds how many are refused meanwhile, so many calls are heard, if they come in
 * time, and the least number even if not. */
#define BEST_HEARD       24
#define LONGEST_HEARD_MS 60000
/* Listening lasts until the calls that are on their way have come back, about. */
#define LISTEN_LEAST 10.0
#define LISTEN_MOST  500.0
/* How many calls tell whether the usual share has changed. */
#define REVIEW      256
#define TRIED_AGAIN 16
#define REVIEW_ALL  4096
#define LEAST_USUAL 0.002
/* Without hints, pauses at walls double, up to this. */
#define MOST_WAIT_MS 60000

/* More than usual, by three standard deviations of a binomial distribution and two calls. */
static bool is_unexpected(const pace *p) {
    if (p->usual <= 0) return true;
    double sent = pace_sample_sent(&p->lately, p), mean = sent * p->usual;
    return p->lately.refused > mean + 3 * sqrt(mean * (1 - p->usual)) + 2;
}

/* The end of the time that a refusal asks for. */
static uint64_t end_of_hint(const pace *p, uint64_t hint, uint64_t now) {
    if (hint) return now + hint;
    uint64_t wait = p->wait_ms << (p->walls < PACE_DOUBLINGS ? p->walls : PACE_DOUBLINGS);
    return now + (wait < MOST_WAIT_MS ? wait : MOST_WAIT_MS);
}

static void begin_hearing(pace *p, const pace_ticket *ticket, bool telling, uint64_t hint,
                          uint64_t now) {
    p->heard = (pace_sample){.serial = ticket->serial, .since = ticket->sent_ms, .refused = 1};
    p->heard_until = end_of_hint(p, hint, now);
    p->telling = telling;
    p->first = *ticket;
    p->first_hint = hint;
}

/* ---- listening ---- */

/* What was heard tells a wall from a few refusals among good answers. Those that came before count
 * too, where they are more; the one that was listened to does not, or half, since it was chosen. */
static void conclude(pace *p, uint64_t now) {
    double sent = pace_sample_sent(&p->heard, p);
    double before = (p->lately.refused - 0.5) / pace_sample_sent(&p->lately, p);
    if (p->heard.refused >= pace_wall_share(p) * sent)
        pace_stand_before_wall(p, now);
    else
        pace_try_slower(p, pace_most(before, (p->heard.refused - 1) / sent), now);
}

static bool is_paused(const pace *p, uint64_t now, uint64_t *wake) {
    if (p->paused_until > now) *wake = p->paused_until;
    return p->paused_until > now;
}

bool pace_attends(pace *p, uint64_t now, uint64_t *wake) {
    if (p->phase == PACE_TRYING) pace_look_at_trial(p, now);
    if (p->phase != PACE_LISTENING) return !is_paused(p, now, wake);
    double sent = pace_sample_sent(&p->heard, p);
    bool bounded = p->known != PACE_FREE; /* and so is how many are refused meanwhile */
    if (sent < (bounded ? BEST_HEARD : PACE_HEARD) && now < p->heard_until) return true;
    if (bounded && sent < PACE_HEARD && pace_since(now, p->heard.since) < LONGEST_HEARD_MS)
        return true;
    if (now < p->listen_ms) {
        *wake = p->listen_ms;
        return false;
    }
    conclude(p, now);
    return !is_paused(p, now, wake);
}

static void listen(pace *p, const pace_ticket *ticket, bool telling, uint64_t hint, uint64_t now) {
    begin_hearing(p, ticket, telling, hint, now);
    double time = 2 * pace_since(now, ticket->sent_ms);
    p->listen_ms = now + (uint64_t)pace_least(pace_most(time, LISTEN_LEAST), LISTEN_MOST);
    p->phase = PACE_LISTENING;
}

/* ---- what comes ---- */

/* Whether so many calls in a row were refused that it can only be a wall, whatever is usual. */
static bool is_row(const pace *p) {
    uint64_t row = p->row & p->row >> 1; /* bits that begin two, four, eight and sixteen */
    row &= row >> 2;
    row &= row >> 4;
    return (row & row >> 8) != 0;
}

static void count_refusal(pace *p, const pace_ticket *ticket, uint64_t now) {
    double took = pace_since(now, ticket->sent_ms);
    p->refusal_ms = p->refusal_ms > 0 ? 0.9 * p->refusal_ms + 0.1 * took : took;
    uint64_t ago = p->serial - ticket->serial;
    if (ago < 64) p->row |= 1ull << ago;
    pace_sample_refused(&p->lately, ticket);
    if (p->phase != PACE_GOING && p->heard.refused > 0) pace_sample_refused(&p->heard, ticket);
    if (p->phase == PACE_TRYING) pace_sample_refused(&p->trial.calls, ticket);
    pace_rate_refused(p, ticket);
}

/* Now and then: whether the usual share has changed, and whether it is still the usual one at a
 * slower pace. */
static void review(pace *p, uint64_t now) {
    double sent = pace_sample_sent(&p->lately, p);
    if (p->phase != PACE_GOING || sent < (p->usual > 0 ? REVIEW : REVIEW_ALL)) return;
    if (p->usual > 0) p->usual = 0.75 * p->usual + 0.25 * pace_sample_share(&p->lately, p);
    if (p->usual < LEAST_USUAL) p->usual = 0;
    if (p->usual > 0 && ++p->reviews % TRIED_AGAIN == 0) {
        double share = p->usual;
        p->usual = 0;
        pace_try_slower(p, share, now);
    }
    pace_begin_lately(p, now);
}

void pace_heard_refusal(pace *p, const pace_ticket *ticket, bool telling, uint64_t hint,
                        uint64_t now) {
    telling = telling && hint >= PACE_TELLING_MS;
    if (!p->adapts || p->paused_until > now) {
        /* It belongs to the wall that is known. */
        if (!p->adapts || hint) pace_pause_until(p, end_of_hint(p, hint, now), now);
        pace_rate_refused(p, ticket);
        return;
    }
    if (p->resumed && ticket->sent_ms < p->resumed) return; /* to a wall that is past */
    count_refusal(p, ticket, now);
    if (is_row(p)) {
        if (p->phase != PACE_LISTENING) begin_hearing(p, ticket, telling, hint, now);
        pace_stand_before_wall(p, now);
        return;
    }
    switch (p->phase) {
    case PACE_GOING:
        if (p->walls > 0 && pace_sample_sent(&p->lately, p) <= 1) {
            /* The first call after a pause: the wall still stands, and there is nothing to learn.
             */
            begin_hearing(p, ticket, false, hint, now);
            pace_stand_before_wall(p, now);
        } else if (is_unexpected(p)) {
            listen(p, ticket, telling, hint, now);
        }
        break;
    case PACE_LISTENING:
        p->telling = p->telling || telling;
        if (end_of_hint(p, hint, now) > p->heard_until) p->heard_until = end_of_hint(p, hint, now);
        break;
    case PACE_TRYING:
        if (ticket->serial < p->trial.calls.serial) break;
        if (p->heard.refused == 0) begin_hearing(p, ticket, telling, hint, now);
        if (end_of_hint(p, hint, now) > p->heard_until) p->heard_until = end_of_hint(p, hint, now);
        pace_look_at_trial(p, now);
        break;
    }
    review(p, now);
}

void pace_heard_good(pace *p, const pace_ticket *ticket, uint64_t now) {
    if (!p->adapts) return;
    if (ticket->sent_ms >= p->resumed) p->walls = 0;
    if (p->phase == PACE_GOING) p->window += p->window < p->threshold ? 1 : 1 / p->window;
    review(p, now);
}
