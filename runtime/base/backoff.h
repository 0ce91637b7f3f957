/* backoff: how long to wait before another attempt. Pure arithmetic on values; owns nothing. */
#ifndef FELLOWSHIP_BASE_BACKOFF_H
#define FELLOWSHIP_BASE_BACKOFF_H

#include <stdint.h>

typedef struct backoff {
    uint64_t first_ms; /* the wait after the first failed attempt, before jitter */
    uint64_t most_ms;  /* no wait grows past this */
} backoff;

/*
 * Milliseconds to wait after failed attempt number `attempt` (from 1).
 *
 * Without a hint (hint_ms < 0) the wait doubles with every attempt up to b->most_ms, and half of
 * it is jitter ("equal jitter"): the callers of one outage come back spread out, and none at once.
 * A hint, which is what a server asked for in Retry-After, is always waited in full; up to a
 * quarter of it (at most 2 s) is added as jitter, so that those who share it do not return as one
 * herd. `fraction` is a random number in [0, 1).
 */
uint64_t backoff_wait(const backoff *b, int attempt, int64_t hint_ms, double fraction);

#endif
