/* pace_refusals.h: what refusals mean: a wall, before which all calls wait; or a trial shows
 * whether the pace is too high. */
#ifndef FELLOWSHIP_BASE_PACE_REFUSALS_H
#define FELLOWSHIP_BASE_PACE_REFUSALS_H

#include "base/pace_state.h"

/* A call was refused, or asked to come again (hint_ms: when; 0: not said); telling: by a 429. */
void pace_heard_refusal(pace *p, const pace_ticket *ticket, bool telling, uint64_t hint_ms,
                        uint64_t now);
void pace_heard_good(pace *p, const pace_ticket *ticket, uint64_t now);

/* Before a call goes: ends listening and trials that have told enough. False when the call should
 * wait because of refusals; *wake is when to ask again. */
bool pace_attends(pace *p, uint64_t now, uint64_t *wake);

#endif
