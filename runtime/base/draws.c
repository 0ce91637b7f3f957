#include "base/draws.h"

#include <math.h>

/* Below this mean, counting up from 0 is quicker than rejecting. */
#define FEW 10

/* The part p of n is at most a half, and FEW at most are expected. */
static uint32_t by_inversion(random_state *r, uint32_t n, double p) {
    double q = 1 - p, s = p / q, a = (n + 1.0) * s, first = exp(n * log1p(-p));
    for (;;) {
        double left = random_double(r), chance = first;
        for (uint32_t k = 0; k <= n; k++) {
            if (left < chance) return k;
            left -= chance;
            chance *= a / (k + 1) - s;
        }
    } /* of what rounding leaves over, the whole is drawn anew */
}

/* log k! without Stirling's formula, log(sqrt(2 pi)) + (k + 0.5) log(k + 1) - (k + 1). */
static double stirling_rest(double k) {
    static const double small[] = {0.08106146679532726, 0.04134069595540929, 0.02767792568499834,
                                   0.02079067210376509, 0.01664469118982119, 0.01387612882307075,
                                   0.01189670994589177, 0.01041126526197209, 0.009255462182712733,
                                   0.008330563433362871};
    if (k < 10) return small[(int)k];
    double square = (k + 1) * (k + 1);
    return (1.0 / 12 - (1.0 / 360 - 1.0 / 1260 / square) / square) / (k + 1);
}

static uint32_t by_rejection(random_state *r, uint32_t trials, double p) {
    double n = trials, spread = sqrt(n * p * (1 - p)), b = 1.15 + 2.53 * spread;
    double a = -0.0873 + 0.0248 * b + 0.01 * p, c = n * p + 0.5, easy = 0.92 - 4.2 / b;
    double alpha = (2.83 + 5.1 / b) * spread, odds = p / (1 - p), m = floor((n + 1) * p);
    for (;;) {
        double v = random_double(r), u = random_double(r) - 0.5, us = 0.5 - fabs(u);
        double k = floor((2 * a / us + b) * u + c);
        if (us >= 0.07 && v <= easy) return (uint32_t)k;
        if (!(k >= 0 && k <= n)) continue;
        double bound = (m + 0.5) * log((m + 1) / (odds * (n - m + 1))) +
                       (n + 1) * log((n - m + 1) / (n - k + 1)) +
                       (k + 0.5) * log(odds * (n - k + 1) / (k + 1)) + stirling_rest(m) +
                       stirling_rest(n - m) - stirling_rest(k) - stirling_rest(n - k);
        if (log(v * alpha / (a / (us * us) + b)) <= bound) return (uint32_t)k;
    }
}

uint32_t draw_binomial(random_state *r, uint32_t n, double p) {
    if (n == 0 || !(p > 0)) return 0;
    if (p >= 1) return n;
    if (p > 0.5) return n - draw_binomial(r, n, 1 - p);
    return n * p < FEW ? by_inversion(r, n, p) : by_rejection(r, n, p);
}

void draw_multinomial(random_state *r, uint32_t total, size_t kinds, const uint32_t *counts,
                      uint64_t sum, uint32_t *drawn) {
    for (size_t k = 0; k < kinds; k++) {
        drawn[k] = draw_binomial(r, total, (double)counts[k] / (double)sum);
        total -= drawn[k];
        sum -= counts[k];
    }
}
