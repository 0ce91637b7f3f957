/* pace_state.h: what is kept of an endpoint's pace, and the arithmetic that its parts share. For
 * base/pace*.c alone, but that base/pace.h hands the struct to whoever keeps one. */
#ifndef FELLOWSHIP_BASE_PACE_STATE_H
#define FELLOWSHIP_BASE_PACE_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PACE_LONGEST_PAUSE 86400000ull /* ms: a day */
#define PACE_LONGEST_WAIT  60000ull    /* ms */

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

/* No call goes before then; a pause is only ever lengthened, and has a most. */
static inline void pace_pause_until(pace *p, uint64_t until, uint64_t now) {
    if (until > now + PACE_LONGEST_PAUSE) until = now + PACE_LONGEST_PAUSE;
    if (until > p->paused_until) p->paused_until = until;
}

#endif
