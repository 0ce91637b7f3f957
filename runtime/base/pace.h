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

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PACE_LONGEST_PAUSE 86400000ull /* ms: a day */
#define PACE_LONGEST_WAIT  60000ull    /* ms */

typedef struct pace_options {
    size_t start;     /* calls at a time to begin with; 0: neither this nor the rate adapts */
    double requests;  /* a minute, at most; 0: not known */
    double tokens;    /* a minute, at most; 0: not known */
    uint64_t wait_ms; /* the pause at a wall that brings no hint; 0: half a second */
} pace_options;

/* A call on the wire; the caller keeps it from pace_sent to pace_report. */
typedef struct pace_ticket {
    uint64_t serial, sent_ms;
    double tokens; /* what was set aside for it */
} pace_ticket;

/* What is known of the rate that the endpoint takes. */
enum pace_rate {
    PACE_FREE,    /* nothing: only the bounds that were given hold */
    PACE_GUESSED, /* a first guess, which grows quickly */
    PACE_NEAR,    /* it was refused while it grew: it grows slowly */
    PACE_KNOWN    /* it was refused since then too */
};

/* What is being made of refusals. */
enum pace_phase {
    PACE_GOING,     /* nothing */
    PACE_LISTENING, /* one came unexpected: few calls go until it is clear how many more come */
    PACE_TRYING     /* fewer calls at a time, to see whether that makes refusals fewer */
};

/* Calls that were sent since some time, and how many of them were refused. */
typedef struct pace_sample {
    uint64_t serial; /* of the first call that counts */
    uint64_t since;  /* when it was sent, about */
    double refused;
} pace_sample;

typedef struct pace {
    bool adapts;
    uint64_t serial; /* of the latest call */

    /* Calls at a time. */
    double window, threshold; /* below the threshold it doubles */
    uint64_t cut_serial;      /* calls from this one on were sent after the last cut */
    size_t peak;              /* calls at a time that there were, lately */

    /* Pauses. */
    uint64_t paused_until;
    uint64_t resumed, ramp_ms; /* since when calls come back, and how long that takes */
    uint64_t wait_ms;          /* without a hint, the first time */
    unsigned walls;            /* in a row, without a good call between them */
    double refusal_ms;         /* how soon refusals come, about */

    /* Refusals. */
    enum pace_phase phase;
    uint64_t row;         /* a bit for each of the latest 64 calls, set when it was refused */
    double usual;         /* the share that comes whatever the pace */
    pace_sample lately;   /* to see whether more come than usual */
    unsigned reviews;     /* of that share */
    pace_sample heard;    /* from the unexpected one on */
    uint64_t listen_ms;   /* until then */
    uint64_t heard_until; /* the latest end of a hint */
    bool telling;         /* what is heard are refusals (429) that say for how long */
    pace_ticket first;    /* the unexpected one, */
    uint64_t first_hint;  /* its hint */
    struct {
        pace_sample calls;        /* of this trial */
        double share;             /* of refusals before it */
        double window, threshold; /* before the first trial in a row */
        double rate;              /* calls a millisecond at most in it; 0: not measured */
        double found;             /* and from then on, if it ends well */
        bool of_rate;             /* else of the calls at a time too */
        int count;                /* of trials in a row */
    } trial;

    /* Rate: calls a millisecond; 0: not bounded. */
    enum pace_rate known;
    double rate, most_rate, best; /* best: the highest that was known */
    double allowance;             /* calls that may go now */
    uint64_t filled_ms;           /* when it was last filled */
    bool held_back;               /* somebody had to wait for the rate since it last grew */
    uint64_t grown_ms, lowered_ms;
    struct {              /* the calls before the first wall, which nothing held back */
        uint64_t sent_ms; /* the first of them */
        uint64_t lasted_ms, pause_ms;
        uint64_t serial; /* the last that went before the wall was known */
        double refused;
        bool told;
    } burst;
    struct { /* since the last wall */
        uint64_t serial, sent_ms, pause_ms;
        double refused;
        bool any;
    } wall;
    bool lowered; /* a guess was lowered once */

    double token_rate, token_allowance, token_mean; /* a millisecond; now; of a call */
} pace;

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
