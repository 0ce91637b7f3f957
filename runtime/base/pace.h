/* pace: how fast one endpoint is asked: a number of calls at a time that adapts, requests and
 * tokens a minute, and pauses. The clock (steady, in milliseconds) is passed in, nothing here
 * sleeps or allocates.
 *
 * Words: a call is *sent*, then *reported* as good, refused (429) or overloaded (503, 529). A
 * refusal may bring a *hint*, the time that the server asks to be left alone. The *share* of
 * refusals is those among the calls that were sent. A *wall* is a server that refuses nearly
 * everything just now.
 *
 * The number of calls at a time starts at `start` and doubles with each round of good answers until
 * the endpoint first refuses; from then on it grows by one a round and is cut by a fraction (TCP's
 * slow start and AIMD, RFC 5681). Other failures change nothing.
 *
 * What a refusal means is looked at before all calls wait for it (pace_refusals.c): at a wall they
 * wait; where only some calls are refused, it is tried whether fewer are at a slower pace; and
 * where that makes no difference, as with one bad server in a pool, that share is *usual*, and a
 * call that is refused waits alone.
 *
 * The rate is free until walls tell what the endpoint takes (pace_rate.c); calls are then spread
 * evenly, and the rate creeps up to find whether more is allowed.
 *
 * Whatever is reported: a rate is never below one call a minute or above a million a second, no
 * pause is longer than PACE_LONGEST_PAUSE, and a call that waits for a rate or for tokens waits for
 * PACE_LONGEST_WAIT at most before it is looked at again. */
#ifndef FELLOWSHIP_BASE_PACE_H
#define FELLOWSHIP_BASE_PACE_H

#include "base/pace_state.h"

typedef struct pace_options {
    size_t start;     /* calls at a time to begin with; 0: neither this nor the rate adapts */
    double requests;  /* a minute, at most; 0: not known */
    double tokens;    /* a minute, at most; 0: not known */
    uint64_t wait_ms; /* the pause at a wall that brings no hint; 0: half a second */
} pace_options;

enum pace_outcome {
    PACE_GOOD,      /* an answer came */
    PACE_REFUSED,   /* 429 */
    PACE_OVERLOADED /* 503, 529, or another failure that brings a hint */
};

void pace_init(pace *p, const pace_options *options);

/* Bounds the rates from now on: requests and tokens a minute, 0 to leave one as it is. A rate that
 * was found lower stays. What is less than one request, or no number, is no bound and is ignored.
 * False when something was ignored. */
bool pace_bound(pace *p, double requests, double tokens);

/* Whether a call may go while `in_use` are on the wire. If not, *wake_ms is when to ask again,
 * UINT64_MAX for when a call has ended. */
bool pace_allows(pace *p, size_t in_use, uint64_t now_ms, uint64_t *wake_ms);

/* Notes that a call goes. */
pace_ticket pace_sent(pace *p, uint64_t now_ms);

/* Notes how a call ended. `hint_ms`: how long the endpoint asked to be left alone, 0 when it did
 * not; `tokens`: what the call used, 0 when not known. */
void pace_report(pace *p, const pace_ticket *ticket, enum pace_outcome outcome, uint64_t hint_ms,
                 double tokens, uint64_t now_ms);

/* No call goes before until_ms; a pause is only ever lengthened. */
void pace_pause(pace *p, uint64_t until_ms, uint64_t now_ms);

#endif
