/* Draws: binomial ones against their exact chances, multinomial ones against sums and means. */
#include "base/draws.h"

#include <math.h>
#include <stdlib.h>

#include "tap.h"

#define DRAWS 200000

/* Chi-squared over its degrees of freedom, cells of fewer than 10 expected left out: near 1. */
static double misfit(uint32_t n, double p, uint64_t seed) {
    uint32_t *count = calloc(n + 1, sizeof *count);
    random_state r;
    random_seed(&r, seed, n);
    for (int i = 0; i < DRAWS; i++) {
        uint32_t k = draw_binomial(&r, n, p);
        if (k <= n) count[k]++;
    }
    double sum = 0, cells = 0;
    for (uint32_t k = 0; k <= n; k++) {
        double chance = exp(lgamma(n + 1.0) - lgamma(k + 1.0) - lgamma(n - k + 1.0) + k * log(p) +
                            (n - k) * log1p(-p));
        if (chance * DRAWS < 10) continue;
        sum += pow(count[k] - chance * DRAWS, 2) / (chance * DRAWS);
        cells++;
    }
    free(count);
    return sum / cells;
}

static void binomial(void) {
    static const struct {
        uint32_t n;
        double p;
    } cases[] = {{1, 0.5},   {10, 0.3},    {40, 0.9},    {1000, 0.005},
                 {100, 0.5}, {1000, 0.02}, {100000, 0.3}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double found = misfit(cases[i].n, cases[i].p, i + 1),
               cells = 6 * sqrt(cases[i].n * cases[i].p);
        ok(found < 1 + 5 * sqrt(2 / cells), "binomial %u, %g: misfit %.2f", cases[i].n, cases[i].p,
           found);
    }
    random_state r;
    random_seed(&r, 1, 2);
    is_int(draw_binomial(&r, 0, 0.5), 0, "of nothing, none");
    is_int(draw_binomial(&r, 9, 0), 0, "at no chance, none");
    is_int(draw_binomial(&r, 9, 1), 9, "at certainty, all");
}

static void multinomial(void) {
    static const uint32_t counts[] = {5, 0, 1000, 20000, 1, 300};
    uint64_t sum = 0, all = 0;
    double total[6] = {0};
    random_state r;
    random_seed(&r, 3, 4);
    for (int k = 0; k < 6; k++) sum += counts[k];
    int right = 0;
    for (int i = 0; i < 2000; i++) {
        uint32_t drawn[6];
        draw_multinomial(&r, 21306, 6, counts, sum, drawn);
        all = 0;
        for (int k = 0; k < 6; k++) {
            all += drawn[k];
            total[k] += drawn[k];
        }
        right += all == 21306 && drawn[1] == 0;
    }
    is_int(right, 2000, "multinomial draws sum up, and what is not there is not drawn");
    for (int k = 0; k < 6; k++) {
        double mean = total[k] / 2000, error = sqrt(counts[k] / 2000.0) + 1e-9;
        ok(fabs(mean - counts[k]) < 5 * error, "kind %d: %.2f on average", k, mean);
    }
}

int main(void) {
    binomial();
    multinomial();
    return done_testing();
}
