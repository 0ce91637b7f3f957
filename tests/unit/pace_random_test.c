/* The pace under schedules that nobody would think of: outcomes in any order, hints, tokens and
 * bounds of any size, servers that change their minds. It never stops, and it never storms. */
#include <math.h>
#include <stdlib.h>

#include "base/pace.h"
#include "base/random.h"
#include "tap.h"

enum { SCHEDULES = 100000, STEPS = 120, MOST = 64, STORMS = 2000, STORM_MS = 120000 };

static random_state dice;

static double any(double most) {
    return random_double(&dice) * most;
}

static bool chance(double p) {
    return random_double(&dice) < p;
}

/* Anything from nothing to nonsense, ordinary values among them. */
static double wild(double ordinary) {
    static const double odd[] = {0,    -1,    0.001, 1e-300,   1,         1e9,
                                 1e12, 1e300, NAN,   INFINITY, -INFINITY, 0.5};
    return chance(0.5) ? any(ordinary) : odd[(size_t)any(sizeof odd / sizeof *odd)];
}

static uint64_t wild_time(void) {
    static const uint64_t odd[] = {0,     1,        499,        500,           1000,
                                   60000, 86400000, 1000000000, UINT64_MAX / 4};
    return chance(0.6) ? (uint64_t)any(3000) : odd[(size_t)any(sizeof odd / sizeof *odd)];
}

/* A server's manner, which changes now and then. */
typedef struct manner {
    double refuses, overloaded; /* shares */
    double hints;               /* of refusals */
    double good_ms, refused_ms;
} manner;

static manner any_manner(void) {
    static const double shares[] = {0, 0, 0.01, 0.1, 0.5, 0.9, 1};
    size_t i = (size_t)any(7), k = (size_t)any(7);
    return (manner){shares[i], chance(0.2) ? shares[k] : 0, any(1), any(5000), any(600)};
}

typedef struct call {
    pace_ticket ticket;
    uint64_t ends;
    enum pace_outcome outcome;
} call;

typedef struct scene {
    pace p;
    uint64_t now;
    call calls[MOST];
    size_t in_use;
    manner manner;
    const char *problem; /* what was found wrong */
} scene;

static void set_up(scene *s) {
    pace_options options = {.start = chance(0.1) ? 0 : 1 + (size_t)any(300),
                            .requests = chance(0.2) ? wild(6000) : 0,
                            .tokens = chance(0.2) ? wild(1e6) : 0,
                            .wait_ms = 300 + (uint64_t)any(600)};
    *s = (scene){.now = 1 + (uint64_t)any(1e6), .manner = any_manner()};
    pace_init(&s->p, &options);
}

static void send(scene *s) {
    double dice_now = any(1);
    call *c = &s->calls[s->in_use++];
    c->ticket = pace_sent(&s->p, s->now);
    c->outcome = dice_now < s->manner.refuses                          ? PACE_REFUSED
                 : dice_now < s->manner.refuses + s->manner.overloaded ? PACE_OVERLOADED
                                                                       : PACE_GOOD;
    c->ends =
        s->now + (uint64_t)any(c->outcome == PACE_GOOD ? s->manner.good_ms : s->manner.refused_ms);
}

static void end_calls(scene *s, bool all) {
    for (size_t i = 0; i < s->in_use;) {
        if (!all && s->calls[i].ends > s->now) {
            i++;
            continue;
        }
        call c = s->calls[i];
        s->calls[i] = s->calls[--s->in_use];
        uint64_t hint = c.outcome != PACE_GOOD && chance(s->manner.hints) ? wild_time() : 0;
        pace_report(&s->p, &c.ticket, c.outcome, hint, wild(2000), s->now);
    }
}

/* Asks whether a call may go, and checks what is answered. */
static bool asks(scene *s, uint64_t *wake) {
    const pace *p = &s->p;
    bool may = pace_allows(&s->p, s->in_use, s->now, wake);
    bool sane = isfinite(p->rate) && p->rate >= 0 && isfinite(p->window) && p->usual >= 0 &&
                p->usual < 1 && isfinite(p->token_allowance);
    if (!sane) s->problem = "a value that is none";
    if (may) return true;
    if (*wake != UINT64_MAX && *wake <= s->now) s->problem = "a wake in the past";
    if (*wake == UINT64_MAX && s->in_use == 0) s->problem = "nobody will ever wake it";
    bool paused = p->paused_until > s->now;
    if (paused && *wake > s->now + PACE_LONGEST_PAUSE) s->problem = "an endless pause";
    if (!paused && *wake != UINT64_MAX && *wake > s->now + PACE_LONGEST_WAIT)
        s->problem = "an endless wait";
    return false;
}

static void step(scene *s) {
    uint64_t wake;
    if (chance(0.02)) s->manner = any_manner();
    if (chance(0.01)) pace_bound(&s->p, wild(6000), wild(1e6));
    if (chance(0.005)) pace_pause(&s->p, s->now + wild_time(), s->now);
    while (s->in_use < MOST && chance(0.9) && asks(s, &wake)) send(s);
    s->now += (uint64_t)any(chance(0.8) ? 40 : 3000);
    if (chance(0.05) && !asks(s, &wake) && wake != UINT64_MAX) s->now = wake;
    end_calls(s, chance(0.02));
}

/* With nothing on the wire, a call goes after a few wakes. */
static void goes_on(scene *s) {
    end_calls(s, true);
    uint64_t wake;
    for (int wakes = 0; !s->problem && !asks(s, &wake); wakes++) {
        if (wakes == 20) s->problem = "it stopped";
        if (wake != UINT64_MAX) s->now = wake;
    }
}

static void schedules(void) {
    size_t wrong = 0;
    const char *problem = "";
    for (int i = 0; i < SCHEDULES; i++) {
        scene s;
        random_seed(&dice, (uint64_t)i, 7);
        set_up(&s);
        for (int k = 0; k < STEPS && !s.problem; k++) step(&s);
        goes_on(&s);
        if (s.problem && wrong++ == 0) {
            problem = s.problem;
            fprintf(stderr, "# schedule %d: %s\n", i, s.problem);
        }
    }
    ok(wrong == 0, "%d random schedules: it never stops (%zu did; %s)", SCHEDULES, wrong, problem);
}

/* Calls that are sent in two minutes to a server that from now on refuses all of them at once. */
static size_t storm(scene *s, uint64_t hint, uint64_t round_trip) {
    size_t sent = 0;
    uint64_t wake, end = s->now + STORM_MS;
    end_calls(s, true);
    while (s->now < end) {
        while (s->in_use < MOST && pace_allows(&s->p, s->in_use, s->now, &wake)) {
            send(s);
            s->calls[s->in_use - 1].ends = s->now + round_trip;
            sent++;
        }
        s->now++;
        for (size_t i = 0; i < s->in_use;) {
            if (s->calls[i].ends > s->now) {
                i++;
                continue;
            }
            pace_report(&s->p, &s->calls[i].ticket, PACE_REFUSED, hint, 0, s->now);
            s->calls[i] = s->calls[--s->in_use];
        }
    }
    return sent;
}

/* Whatever has been before. The first wall costs what is on the wire, and what is sent until it is
 * seen; then a few calls for each pause. */
static void storms(void) {
    size_t worst = 0;
    for (int i = 0; i < STORMS; i++) {
        scene s;
        random_seed(&dice, (uint64_t)i, 8);
        set_up(&s);
        if (!s.p.adapts) continue;
        for (int k = 0; k < STEPS; k++) step(&s);
        size_t sent = storm(&s, chance(0.5) ? 1000 : 0, 1 + (uint64_t)any(300));
        if (sent > worst) worst = sent;
    }
    ok(worst < 800, "a server that refuses all gets %zu calls in two minutes at most", worst);
}

int main(void) {
    schedules();
    storms();
    return done_testing();
}
