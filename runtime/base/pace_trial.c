#include "base/pace_trial.h"

#include "base/pace_rate.h"
#include "base/pace_wall.h"

/* A trial is slower by three times the share that was refused, within these; and where most was
 * refused, it leaves some way to what was not. */
#define TRIAL_LEAST 0.7
#define TRIAL_MOST  0.97
#define TRIAL_TIMES 3
#define TRIAL_MUCH  0.95
/* It is long enough for so many refusals, at the share of before. It fails when half of them come,
 * and succeeds when fewer do. */
#define EXPECTED         16.0
#define MOST_TRIED       2048
#define LONGEST_TRIAL_MS 20000
#define TRIALS           2 /* in a row must fail */
/* Paces of less than this are not measured: they are bursts. */
#define MEASURED_MS 200
/* More than this is no share that one could live with: it is a wall. */
#define MOST_USUAL 0.65

/* Calls a millisecond that go in a trial, where it is one of a rate. That came to where it is in
 * small steps, so a small one back should do. If not, what is taken is known by now; and much less
 * than that shows whether it matters. */
static double slower_rate(pace *p, double share) {
    static const double little[] = {[PACE_GUESSED] = 0.93, [PACE_NEAR] = 0.97, [PACE_KNOWN] = 0.97};
    if (p->trial.count == 0) return p->trial.found = p->rate * little[p->known];
    p->trial.found = p->trial.rate * TRIAL_MOST * (1 - share);
    return p->trial.found * TRIAL_MUCH;
}

/* Fewer calls at a time than there were, and fewer in a time, where that has been measured. */
static void fewer(pace *p, double factor, uint64_t now) {
    const pace_sample *measured = p->trial.count > 0 ? &p->trial.calls : &p->lately;
    double passed = pace_since(now, measured->since);
    if (p->trial.rate <= 0 && passed >= MEASURED_MS)
        p->trial.rate = pace_sample_sent(measured, p) / passed;
    p->trial.rate *= factor;
    if (p->trial.count == 0 && p->peak > 0) p->window = pace_least(p->window, (double)p->peak);
    p->window = pace_most(p->window * factor, 1);
    p->cut_serial = p->serial + 1;
}

void pace_try_slower(pace *p, double share, uint64_t now) {
    double factor = 1 - TRIAL_TIMES * (share - p->usual);
    factor = pace_least(pace_most(factor, TRIAL_LEAST * (1 - share)), TRIAL_MOST);
    if (p->trial.count == 0) {
        p->trial.window = p->window;
        p->trial.threshold = p->threshold;
        p->trial.rate = 0;
        p->trial.of_rate = p->telling && p->known != PACE_FREE;
    }
    if (p->trial.of_rate)
        p->trial.rate = slower_rate(p, share);
    else
        fewer(p, factor, now);
    p->phase = PACE_TRYING;
    p->trial.count++;
    p->trial.share = share;
    pace_sample_begin(&p->trial.calls, p, now);
    p->heard.refused = 0;
    p->allowance = pace_least(p->allowance, 0); /* no catching up */
}

static void end_trial(pace *p, uint64_t now) {
    p->phase = PACE_GOING;
    p->trial.count = 0;
    pace_begin_lately(p, now);
}

/* Slower makes no difference: that share is usual. */
static void end_in_vain(pace *p, uint64_t now) {
    p->usual = pace_least(pace_sample_share(&p->lately, p), MOST_USUAL);
    p->window = p->trial.window;
    p->threshold = p->trial.threshold;
    pace_rate_doubt(p);
    end_trial(p, now);
}

/* Slower helps: from here on it grows again. */
static void end_well(pace *p, uint64_t now) {
    double passed = pace_since(now, p->trial.calls.since);
    if (p->trial.of_rate) {
        pace_rate_lower(p, p->trial.found, now);
    } else if (p->telling && passed >= MEASURED_MS) {
        pace_rate_lower(p, pace_sample_sent(&p->trial.calls, p) / passed, now);
        p->window = p->trial.window;
    } else {
        p->threshold = p->window;
    }
    end_trial(p, now);
}

/* Whether a wall came up in the trial: from some refused call on, nearly all are. */
static bool is_before_wall(pace *p) {
    double sent = pace_sample_sent(&p->heard, p);
    if (p->heard.refused < PACE_HEARD && sent < 2 * PACE_HEARD) return false;
    if (p->heard.refused >= pace_wall_share(p) * sent) return true;
    p->heard.refused = 0; /* the next one is looked at anew */
    return false;
}

void pace_look_at_trial(pace *p, uint64_t now) {
    double sent = pace_sample_sent(&p->trial.calls, p), refused = p->trial.calls.refused;
    bool fails = refused >= EXPECTED / 2;
    bool enough = sent * p->trial.share >= EXPECTED || sent >= MOST_TRIED ||
                  pace_since(now, p->trial.calls.since) >= LONGEST_TRIAL_MS;
    bool most = fails && refused > pace_least(pace_wall_share(p), MOST_USUAL) * sent;
    if (most || (p->heard.refused > 0 && is_before_wall(p)))
        pace_stand_before_wall(p, now);
    else if (fails && p->trial.count < TRIALS)
        pace_try_slower(p, refused / sent, now);
    else if (fails)
        end_in_vain(p, now);
    else if (enough)
        end_well(p, now);
}
