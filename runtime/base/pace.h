/* pace: how fast one endpoint is asked: a number of calls at a time that adapts, requests and
 * tokens a minute, and pauses. The clock (steady, in milliseconds) is passed in, nothing here
 * sleeps or allocates.
 *
 * The number of calls at a time starts at `start` and doubles with each round of good answers until
 * the endpoint first refuses or says that it is overloaded; from then on it grows by one a round
 * and is cut by a fraction (TCP's slow start and AIMD, RFC 5681). Other failures change nothing.
 *
 * The rate is free until the endpoint refuses a second time (429): between two refusals it has
 * taken what it allows, so how many calls went in what time is its rate. Calls are then spread
 * evenly, and the rate creeps up to find whether more is allowed.
 *
 * A server that counts in fixed periods lets through no more after a pause, so between two refusals
 * it seems to allow less than it does, or more when a period ended between them. What it let
 * through at first, when nothing held the calls back, is then its rate, which the first refusal
 * near to that confirms. */
#ifndef FELLOWSHIP_BASE_PACE_H
#define FELLOWSHIP_BASE_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct pace_options {
    size_t start;    /* calls at a time to begin with; 0: neither this nor the rate adapts */
    double requests; /* a minute, at most; 0: not known */
    double tokens;   /* a minute, at most; 0: not known */
} pace_options;

/* A call on the wire; the caller keeps it from pace_sent to pace_report. */
typedef struct pace_ticket {
    uint64_t serial, sent_ms;
    double tokens; /* what was set aside for it */
} pace_ticket;

typedef struct pace {
    double window, threshold; /* calls at a time; below the threshold it doubles */
    uint64_t cut_serial;      /* calls from this one on were sent after the last cut */
    uint64_t serial;          /* of the next call */
    bool adapts;

    uint64_t paused_until, resumed; /* resumed: since when calls come back, a few at first */

    double rate, most_rate; /* calls a millisecond; 0: not bounded */
    double allowance;       /* calls that may go now */
    uint64_t filled_ms;     /* when it was last filled */
    bool rate_found;        /* refused while it grew: from now on it grows slowly */
    bool rate_settled;      /* refused since then too: it is known well */
    size_t declines;        /* how many times in a row it was found lower than before */
    uint64_t deaf_until;    /* refusals tell no rate before this */
    bool held_back;         /* somebody had to wait for the rate since it last grew */
    uint64_t grown_ms;

    struct {              /* the calls before the first refusal, which nothing held back */
        uint64_t sent_ms; /* the first of them */
        uint64_t lasted_ms, pause_ms;
        uint64_t serial; /* the last that went before the refusal was known */
        size_t refused;
        bool told;
    } burst;
    struct { /* since the last refusal that was news */
        uint64_t serial, sent_ms, pause_ms;
        size_t refused;
        bool any;
    } epoch;

    double token_rate, token_allowance, token_mean; /* a millisecond; now; of a call */
} pace;

enum pace_outcome {
    PACE_GOOD,      /* an answer came */
    PACE_REFUSED,   /* 429 */
    PACE_OVERLOADED /* 503, 529 */
};

void pace_init(pace *p, const pace_options *options);

/* Bounds the rates from now on: requests and tokens a minute, 0 to leave one as it is. A rate that
 * was found lower stays. */
void pace_bound(pace *p, double requests, double tokens);

/* Whether a call may go while `in_use` are on the wire. If not, *wake_ms is when to ask again,
 * UINT64_MAX for when a call has ended. */
bool pace_allows(pace *p, size_t in_use, uint64_t now_ms, uint64_t *wake_ms);

/* Notes that a call goes. */
pace_ticket pace_sent(pace *p, uint64_t now_ms);

/* Notes how a call ended. `hint_ms`: how long the endpoint asked to be left alone, 0 when it did
 * not; `tokens`: what the call used, 0 when not known. */
void pace_report(pace *p, const pace_ticket *ticket, enum pace_outcome outcome, uint64_t hint_ms,
                 double tokens);

/* No call goes before until_ms; a pause is only ever lengthened. */
void pace_pause(pace *p, uint64_t until_ms);

#endif
