#include "base/backoff.h"

#define MOST_HINT_JITTER_MS 2000

uint64_t backoff_wait(const backoff *b, int attempt, int64_t hint_ms, double fraction) {
    if (hint_ms >= 0) {
        uint64_t spread = (uint64_t)hint_ms / 4;
        if (spread > MOST_HINT_JITTER_MS) spread = MOST_HINT_JITTER_MS;
        return (uint64_t)hint_ms + (uint64_t)((double)spread * fraction);
    }
    uint64_t wait = b->first_ms;
    for (int i = 1; i < attempt && wait < b->most_ms; i++) wait *= 2;
    if (wait > b->most_ms) wait = b->most_ms;
    return wait / 2 + (uint64_t)((double)(wait - wait / 2) * fraction);
}
