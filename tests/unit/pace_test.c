/* The pace of an endpoint against simulated servers, a millisecond a step: what it uses of their
 * limits, and what they refuse. */
#include "base/pace.h"
#include "base/random.h"

#include <math.h>
#include <stdlib.h>

#include "tap.h"

enum { LATENCY = 50, MOST = 512, WARM_UP = 12000, LATER = 25000, END = 42000 };

typedef struct server {
    double rate;    /* a millisecond */
    bool bucket;    /* holds a second's worth; else so many in each second */
    size_t at_once; /* refuses more calls than this at a time; 0: does not */
    double moody;   /* refuses such a share of calls, whatever the pace */
    double tokens;
    uint64_t second, phase; /* of windows: milliseconds into one at the start */
    double later;           /* the share that is refused from LATER on */
} server;

static random_state dice;

static bool takes(server *s, size_t in_use, uint64_t now) {
    if (s->at_once && in_use > s->at_once) return false;
    if (s->moody > 0 && random_double(&dice) < s->moody) return false;
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
        if (now == LATER && s.later > 0) s.moody = s.later;
        if (s.bucket && s.tokens < s.rate * 1000) s.tokens += s.rate;
        for (size_t i = 0; i < in_use;) {
            if (calls[i].ends > now) {
                i++;
                continue;
            }
            call c = calls[i];
            calls[i] = calls[--in_use];
            pace_report(p, &c.ticket, c.good ? PACE_GOOD : PACE_REFUSED, c.good ? 0 : retry_after,
                        0, now);
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
            pace_report(&p, &ticket, PACE_GOOD, 0, 100, now);
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
        pace_report(&p, &ticket, PACE_GOOD, 0, 0, 1);
    }
    is_int((int64_t)p.window, 8, "twice as many after a round of good answers");
    pace_ticket all[12];
    for (int i = 0; i < 12; i++) all[i] = pace_sent(&p, 2);
    for (int i = 0; i < 12; i++) pace_report(&p, &all[i], PACE_OVERLOADED, 0, 0, 3);
    is_int(pace_allows(&p, 0, 20, &wake), 0, "where all calls of a round are refused, others wait");
    ok(wake >= 500 && wake < 600, "for half a second: %d ms", (int)wake);
    is_int((int64_t)(p.window * 10), 56, "and one cut is made for all of them");
    ok(pace_allows(&p, 0, wake, &wake), "then they come back");
    pace_ticket third = pace_sent(&p, 700);
    pace_report(&p, &third, PACE_GOOD, 0, 0, 710);
    ok(p.window < 6, "and grow slowly");
    pace_init(&p, &(pace_options){.start = 64});
    result r = simulate(&p, (server){.at_once = 20}, 0);
    ok(r.allowed / (r.allowed + r.refused) > 0.9, "a server of twenty at a time: %.1f %% are taken",
       100 * r.allowed / (r.allowed + r.refused));
}

static void pauses(void) {
    pace p;
    uint64_t wake;
    pace_init(&p, &(pace_options){.start = 100});
    pace_pause(&p, 1000, 1);
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

/* Milliseconds until so many calls are answered, when a refused one waits for what it was told, and
 * a fifth of that more at most, and goes again. */
static uint64_t time_of(size_t jobs, size_t at_once, server s, uint64_t hint) {
    static call calls[MOST];
    static uint64_t waiting[4096];
    pace p;
    pace_init(&p, &(pace_options){.start = 256});
    size_t in_use = 0, held = 0, begun = 0, done = 0;
    uint64_t now = 0, wake;
    while (done < jobs && ++now < 1000000) {
        for (size_t i = 0; i < in_use;) {
            if (calls[i].ends > now) {
                i++;
                continue;
            }
            call c = calls[i];
            calls[i] = calls[--in_use];
            pace_report(&p, &c.ticket, c.good ? PACE_GOOD : PACE_REFUSED, c.good ? 0 : hint, 0,
                        now);
            if (c.good)
                done++;
            else
                waiting[held++] = now + hint + (uint64_t)(random_double(&dice) * (double)hint / 5);
        }
        while (in_use < at_once) {
            size_t due = 0;
            while (due < held && waiting[due] > now) due++;
            if (due == held && begun == jobs) break;
            if (!pace_allows(&p, in_use, now, &wake)) break;
            if (due < held)
                waiting[due] = waiting[--held];
            else
                begun++;
            call *c = &calls[in_use++];
            c->ticket = pace_sent(&p, now);
            c->good = takes(&s, in_use, now);
            c->ends = now + (c->good ? LATENCY : 2);
        }
    }
    return now;
}

/* A share of calls is refused whatever the pace: only those wait. The worst of twenty runs. */
static void moods(void) {
    static const struct {
        double share;
        size_t at_once;
        double most; /* seconds */
    } cases[] = {{0.01, 64, 8}, {0.1, 4, 60},   {0.1, 16, 20},
                 {0.1, 64, 12}, {0.1, 256, 12}, {0.3, 64, 30}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t worst = 0;
        for (uint64_t run = 0; run < 20; run++) {
            random_seed(&dice, run, i);
            uint64_t took =
                time_of(1500, cases[i].at_once, (server){.moody = cases[i].share}, 1000);
            if (took > worst) worst = took;
        }
        ok((double)worst < cases[i].most * 1000,
           "1,500 calls, %zu at a time, of which %g %% are refused for a second: %.1f s at most",
           cases[i].at_once, cases[i].share * 100, (double)worst / 1000);
    }
    pace p;
    random_seed(&dice, 1, 99);
    pace_init(&p, &(pace_options){.start = 64});
    result r = simulate(&p, (server){.moody = 0.0025}, 0);
    ok(r.allowed / (END - WARM_UP) > 0.4, "one of 400 refused without a word: %.0f calls a second",
       r.allowed / (END - WARM_UP) * 1000);
}

/* Both at once, and one after the other. */
static void mixtures(void) {
    static const server servers[] = {
        {.rate = 0.05, .bucket = true, .moody = 0.1},
        {.rate = 0.5, .bucket = true, .moody = 0.1},
        {.rate = 0.05, .moody = 0.1},
        {.rate = 0.05, .bucket = true, .later = 0.1},
        {.rate = 0.5, .later = 0.1},
    };
    for (size_t i = 0; i < sizeof servers / sizeof *servers; i++) {
        double used = 0, refused = 0;
        for (uint64_t run = 0; run < 10; run++) {
            pace p;
            random_seed(&dice, run, 100 + i);
            pace_init(&p, &(pace_options){.start = 256});
            result r = simulate(&p, servers[i], 1000);
            used += r.allowed / (servers[i].rate * (END - WARM_UP)) / 10;
            refused += r.refused / (r.allowed + r.refused) / 10;
        }
        const char *kind = servers[i].bucket ? "a bucket" : "windows";
        ok(used > 0.7, "%s of %g a second, %g then %g refused besides: %.0f %% is used", kind,
           servers[i].rate * 1000, servers[i].moody, servers[i].later, used * 100);
        ok(refused < 0.3, "and %.1f %% refused", refused * 100);
    }
}

/* What three ordinary answers did once: the unsigned difference of a call that was sent before the
 * pause that has just ended. */
static void late_refusal(void) {
    pace p;
    uint64_t wake;
    pace_init(&p, &(pace_options){.start = 16});
    pace_ticket first = pace_sent(&p, 1), second = pace_sent(&p, 1), late = pace_sent(&p, 1);
    pace_report(&p, &first, PACE_REFUSED, 1000, 0, 3);
    pace_report(&p, &second, PACE_OVERLOADED, 1000, 0, 3);
    for (uint64_t now = 4; now < 1400; now++) (void)pace_allows(&p, 1, now, &wake);
    pace_ticket after = pace_sent(&p, 1400);
    pace_report(&p, &late, PACE_REFUSED, 1000, 0, 1500);
    pace_report(&p, &after, PACE_REFUSED, 1000, 0, 1501);
    uint64_t now = 1502;
    for (int i = 0; i < 10 && !pace_allows(&p, 0, now, &wake); i++) now = wake;
    ok(now < 4000, "a late refusal stops nothing: the next call goes after %d ms",
       (int)(now - 1501));
}

/* What no server can mean. */
static void absurd(void) {
    pace p;
    uint64_t wake;
    pace_init(&p, &(pace_options){.start = 16});
    is_int(pace_bound(&p, 0.001, 0), 0, "a thousandth of a request a minute is no bound");
    is_int(pace_bound(&p, NAN, 0) || pace_bound(&p, -5, 0) || pace_bound(&p, 0, 1e300 * 1e300), 0,
           "nor is what is no number");
    ok(pace_allows(&p, 0, 1, &wake), "and a call goes");
    is_int(pace_bound(&p, 0, 100000), 1, "100,000 tokens a minute are one");
    pace_ticket ticket = pace_sent(&p, 1);
    pace_report(&p, &ticket, PACE_GOOD, 0, 1e12, 2);
    ok(pace_allows(&p, 0, 3, &wake), "a call that says it used 1e12 of them is not believed");
    ticket = pace_sent(&p, 3);
    pace_report(&p, &ticket, PACE_GOOD, 0, 9e7, 4);
    ok(!pace_allows(&p, 0, 5, &wake) && wake <= 5 + 60000, "one of 9e7 is paid off in a minute");
    is_int(pace_bound(&p, 0, 10), 0, "ten a minute is less than a call has used");
    pace_pause(&p, UINT64_MAX, 5);
    ok(!pace_allows(&p, 0, 6, &wake) && wake <= 6 + PACE_LONGEST_PAUSE, "no pause is for ever");
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
    pace_bound(&p, 600, 0);
    ok(p.rate > 0.0099 && p.rate < 0.0101, "one that kept to its bound keeps to a higher one");
}

int main(void) {
    late_refusal();
    absurd();
    bound();
    moods();
    mixtures();
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
