/* draws: how often each of several kinds comes when things are drawn with replacement. What a
 * bootstrap of a table needs, whose time then hangs on the kinds and not on the things. */
#ifndef FELLOWSHIP_BASE_DRAWS_H
#define FELLOWSHIP_BASE_DRAWS_H

#include <stddef.h>
#include <stdint.h>

#include "base/random.h"

/* How many of n trials succeed, each with the probability p: exact, by inversion where few do
 * (Kachitvichyanukul and Schmeiser 1988, BINV) and else by transformed rejection (Hormann 1993,
 * BTRS). */
uint32_t draw_binomial(random_state *r, uint32_t n, double p);

/* Draws `total` things of `kinds` kinds, of which counts[k] exist, all equally likely: drawn[k] of
 * the kind k. The counts sum up to `sum`. */
void draw_multinomial(random_state *r, uint32_t total, size_t kinds, const uint32_t *counts,
                      uint64_t sum, uint32_t *drawn);

#endif
