/* The pace of an endpoint against simulated servers, a millisecond a step: what it uses of their
 * limits, and what they refuse. */
#include "base/pace.h"

#include <stdlib.h>

#include "tap.h"

enum { LATENCY = 50, MOST = 512, WARM_UP = 12000, END = 42000 };

typedef struct server {
    double rate;    /* a millisecond */
    bool bucket;    /* holds a second's worth; else so many in each second */
    size_t at_once; /* refuses more calls than this at a time; 0: does not */
    int moody;      /* refuses every so-manieth call, whatever the rate; 0: does not */
    int count;
    double tokens;
    uint64_t second, phase; /* of windows: milliseconds into one at the start */
} server;

static bool takes(server *s, size_t in_use, uint64_t now) {
    if (s->at_once && in_use > s->at_once) return false;
    if (s->moody && ++s->count % s->moody == 0) return false;
    if (s->rate == 0) return true;
    if (!s->bucket && (now + s->phase) / 1000 != s->second) {
        s->second = (now + s->phase) / 1000;
        s->tokens = s->rate * 1000;
    }
    if (s->tokens < 1) return false;
    s->tokens -= 1;
    return true;
}

typedef struct call {
    pace_ticket ticket;
    uint64_t ends;
    bool good;
} call;

typedef struct result {
    double allowed, refused;
    size_t most_in_use;
} result;

/* Calls enough to fill any pace, for END ms. */
static result simulate(pace *p, server s, uint64_t retry_after) {
    static call calls[MOST];
    size_t in_use = 0;
    result r = {0};
    s.tokens = s.rate * 1000;
    s.second = s.phase / 1000;
    for (uint64_t now = 1; now < END; now++) {
        uint64_t wake;
        if (s.bucket && s.tokens < s.rate * 1000) s.tokens += s.rate;
        for (size_t i = 0; i < in_use;) {
            if (calls[i].ends > now) {
                i++;
                continue;
            }
            call c = calls[i];
            calls[i] = calls[--in_use];
            pace_report(p, &c.ticket, c.good ? PACE_GOOD : PACE_REFUSED, c.good ? 0 : retry_after,
                        0);
            if (!c.good && retry_after) pace_pause(p, now + retry_after + retry_after / 8);
        }
        while (in_use < MOST && pace_allows(p, in_use, now, &wake)) {
            call *c = &calls[in_use++];
            c->ticket = pace_sent(p, now);
            c->good = takes(&s, in_use, now);
            c->ends = now + (c->good ? LATENCY : 2);
            if (in_use > r.most_in_use) r.most_in_use = in_use;
            if (now >= WARM_UP) *(c->good ? &r.allowed : &r.refused) += 1;
        }
    }
    return r;
}

static void bucket(double rate) {
    pace p;
    pace_init(&p, &(pace_options){.start = 256});
    result r = simulate(&p, (server){.rate = rate / 1000, .bucket = true}, 1000);
    double used = r.allowed / (rate * (END - WARM_UP) / 1000);
    double refused = r.refused / (r.allowed + r.refused);
    ok(used >= 0.95, "a bucket of %g a second: %.1f %% is used", rate, used * 100);
    ok(refused < 0.01, "and %.2f %% refused", refused * 100);
}

/* Wherever in a window the first call falls. */
static void windows(double rate) {
    double used = 1, refused = 0;
    for (uint64_t phase = 0; phase < 1000; phase += 100) {
        pace p;
        pace_init(&p, &(pace_options){.start = 256});
        result r = simulate(&p, (server){.rate = rate / 1000, .phase = phase}, 1000);
        double this_used = r.allowed / (rate * (END - WARM_UP) / 1000);
        double this_refused = r.refused / (r.allowed + r.refused);
        if (this_used < used) used = this_used;
        if (this_refused > refused) refused = this_refused;
    }
    ok(used >= 0.95, "windows of %g a second, at the worst: %.1f %% is used", rate, used * 100);
    ok(refused < 0.01, "and %.2f %% refused", refused * 100);
}

static void given(void) {
    pace p;
    pace_init(&p, &(pace_options){.requests = 3000});
    result r = simulate(&p, (server){0}, 0);
    is_int((int64_t)(r.allowed / (END - WARM_UP) * 60000 + 0.5) / 10, 300,
           "3,000 requests a minute");
    pace_init(&p, &(pace_options){.tokens = 60000});
    double sent = 0;
    uint64_t wake;
    for (uint64_t now = 1; now <= 60000; now++)
        while (pace_allows(&p, 0, now, &wake)) {
            pace_ticket ticket = pace_sent(&p, now);
            pace_report(&p, &ticket, PACE_GOOD, 0, 100);
            sent += 100;
        }
    ok(sent > 59000 && sent < 62000, "60,000 tokens a minute: %.0f were used", sent);
}

static void window(void) {
    pace p;
    uint64_t wake;
    pace_init(&p, &(pace_options){.start = 4});
    is_int(pace_allows(&p, 3, 1, &wake), 1, "four at a time");
    is_int(pace_allows(&p, 4, 1, &wake), 0, "and no more");
    for (int i = 0; i < 4; i++) {
        pace_ticket ticket = pace_sent(&p, 1);
        pace_report(&p, &ticket, PACE_GOOD, 0, 0);
    }
    is_int((int64_t)p.window, 8, "twice as many after a round of good answers");
    pace_ticket first = pace_sent(&p, 2), second = pace_sent(&p, 2);
    pace_report(&p, &first, PACE_OVERLOADED, 0, 0);
    pace_report(&p, &second, PACE_OVERLOADED, 0, 0);
    is_int((int64_t)(p.window * 10), 56, "one cut for calls of the same round");
    pace_ticket third = pace_sent(&p, 3);
    pace_report(&p, &third, PACE_GOOD, 0, 0);
    ok(p.window < 6, "then it grows slowly");
    pace_init(&p, &(pace_options){.start = 64});
    result r = simulate(&p, (server){.at_once = 20}, 0);
    ok(r.allowed / (r.allowed + r.refused) > 0.9, "a server of twenty at a time: %.1f %% are taken",
       100 * r.allowed / (r.allowed + r.refused));
}

static void pauses(void) {
    pace p;
    uint64_t wake;
    pace_init(&p, &(pace_options){.start = 100});
    pace_pause(&p, 1000);
    is_int(pace_allows(&p, 0, 10, &wake), 0, "nothing in a pause");
    is_int((int64_t)wake, 1000, "which ends when it ends");
    size_t in_use = 0;
    while (pace_allows(&p, in_use, 1000, &wake)) in_use++;
    ok(in_use >= 1 && in_use < 10, "then a few come back: %zu", in_use);
    while (pace_allows(&p, in_use, 1125, &wake)) in_use++;
    ok(in_use > 40 && in_use < 60, "half of them halfway: %zu", in_use);
    while (pace_allows(&p, in_use, 1250, &wake)) in_use++;
    is_int((int64_t)in_use, 100, "and all of them");
}

/* Refusals that have nothing to do with the rate must not bring it down for good. */
static void moods(void) {
    pace p;
    pace_init(&p, &(pace_options){.start = 64});
    result r = simulate(&p, (server){.moody = 400}, 0);
    ok(r.allowed / (END - WARM_UP) > 0.4, "every 400th refused at once: %.0f calls a second",
       r.allowed / (END - WARM_UP) * 1000);
    pace_init(&p, &(pace_options){.start = 64});
    r = simulate(&p, (server){.moody = 400}, 1000);
    ok(r.allowed / (END - WARM_UP) > 0.1, "and with a second's pause: %.0f calls a second",
       r.allowed / (END - WARM_UP) * 1000);
}

/* Bounds that come while calls are under way. */
static void bound(void) {
    pace p;
    pace_init(&p, &(pace_options){.start = 64});
    pace_bound(&p, 3000, 0);
    result r = simulate(&p, (server){.rate = 60.0 / 1000, .bucket = true}, 1000);
    is_int((int64_t)r.refused, 0, "a bound below what is allowed: nothing is refused");
    ok(r.allowed / (END - WARM_UP) * 1000 > 48 && r.allowed / (END - WARM_UP) * 1000 < 51,
       "and it is used: %.1f calls a second", r.allowed / (END - WARM_UP) * 1000);
    p.rate = 0.01;
    pace_bound(&p, 3000, 0);
    ok(p.rate < 0.011, "a rate that was found lower stays");
    pace_bound(&p, 300, 0);
    ok(p.rate < 0.0051, "and a lower bound lowers it");
}

int main(void) {
    bound();
    moods();
    window();
    pauses();
    given();
    bucket(50);
    bucket(500);
    windows(50);
    windows(200);
    windows(500);
    return done_testing();
}
