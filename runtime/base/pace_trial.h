/* pace_trial.h: trials: whether fewer calls are refused at a slower pace. If so, the pace was too
 * high; if not, that share of refusals is usual, and only those calls wait that are refused. */
#ifndef FELLOWSHIP_BASE_PACE_TRIAL_H
#define FELLOWSHIP_BASE_PACE_TRIAL_H

#include "base/pace_state.h"

/* Goes on more slowly, since this share was refused. */
void pace_try_slower(pace *p, double share, uint64_t now);

/* Ends a trial that has told enough. */
void pace_look_at_trial(pace *p, uint64_t now);

#endif
