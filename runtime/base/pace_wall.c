#include "base/pace_wall.h"

#include "base/pace_rate.h"

/* What is left of the calls at a time at a wall. */
#define CUT 0.7
/* A wall refuses at least this share of what is not usually refused. */
#define WALL_SHARE 0.75

double pace_wall_share(const pace *p) {
    return p->usual + WALL_SHARE * (1 - p->usual);
}

void pace_begin_lately(pace *p, uint64_t now) {
    pace_sample_begin(&p->lately, p, now);
    p->peak = 0;
}

static void cut_window(pace *p, const pace_ticket *ticket, double factor) {
    if (ticket->serial < p->cut_serial) return; /* sent before the last cut could help */
    p->window = pace_most(p->window * factor, 1);
    p->threshold = p->window;
    p->cut_serial = p->serial + 1;
}

void pace_stand_before_wall(pace *p, uint64_t now) {
    p->phase = PACE_GOING;
    p->trial.count = 0;
    if (p->walls < PACE_DOUBLINGS) p->walls++;
    double threshold = p->threshold;
    if (!p->telling || p->walls > 1) cut_window(p, &p->first, CUT);
    /* What tells of a rate will be bounded by that: then it grows back in no time. */
    if (p->telling) p->threshold = threshold;
    pace_pause_until(p, p->heard_until, now);
    if (p->telling) pace_rate_wall(p, now);
    pace_begin_lately(p, now);
}
