#include "base/adjusted.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cholesky.h"
#include "base/logit.h"

/* The prior: a normal one with standard deviation 5, so wide that it counts only where the rows
 * would let a coefficient grow without end, or do not tell coefficients apart. */
#define RIDGE (1.0 / 25)

typedef struct fitting {
    const sheet *s;
    adjusted *a;
    logit *f;
    double *x, *gradient, *meat,
        *scratch; /* of one row, of one unit, of all units; for inverting */
    size_t all;   /* coefficients */
} fitting;

static double y_of(const fitting *g, size_t row) {
    return g->a->y[g->s->pattern[row]];
}

static double measure_of(const fitting *g, size_t row, size_t k) {
    return g->s->measure[row * g->s->measures + g->a->first + k];
}

static void measure_spread(fitting *g, size_t k) {
    double n = 0, mean = 0, squares = 0;
    for (size_t i = 0; i < g->s->rows; i++) {
        if (isnan(y_of(g, i))) continue;
        double d = measure_of(g, i, k), off = d - mean;
        mean += off / ++n;
        squares += off * (d - mean);
    }
    g->a->sd[k] = n > 1 ? sqrt(squares / (n - 1)) : 0;
}

static void count_rows(fitting *g) {
    g->a->n = 0;
    for (size_t i = 0; i < g->s->rows; i++)
        if (!isnan(y_of(g, i))) g->a->n++;
}

/* A row's x; a measure that is the same everywhere stands as 0. */
static void set_x(fitting *g, size_t row) {
    size_t w = g->a->width;
    memcpy(g->x, g->a->design + g->s->pattern[row] * w, w * sizeof *g->x);
    for (size_t k = 0; k < g->a->count; k++)
        g->x[w + k] = g->a->sd[k] > 0 ? measure_of(g, row, k) / g->a->sd[k] : 0;
}

static bool fit(fitting *g) {
    do {
        logit_begin(g->f);
        for (size_t i = 0; i < g->s->rows; i++) {
            double y = y_of(g, i);
            if (isnan(y)) continue;
            set_x(g, i);
            logit_row(g->f, g->x, y, 1);
        }
    } while (logit_step(g->f));
    return g->f->converged;
}

/* ---- the covariance ---- */

/* Adds a row's gradient to its unit's; whether it counts. */
static bool add_row(fitting *g, size_t row) {
    double y = y_of(g, row);
    if (isnan(y)) return false;
    set_x(g, row);
    double off = y - logit_chance(g->x, g->f->b, g->all);
    for (size_t i = 0; i < g->all; i++) g->gradient[i] += off * g->x[i];
    return true;
}

static void add_unit(fitting *g) {
    g->a->units++;
    for (size_t i = 0; i < g->all; i++)
        for (size_t j = 0; j < g->all; j++)
            g->meat[i * g->all + j] += g->gradient[i] * g->gradient[j];
    memset(g->gradient, 0, g->all * sizeof *g->gradient);
}

static void gather_units(fitting *g) {
    const sheet *s = g->s;
    if (!s->order) {
        for (size_t i = 0; i < s->rows; i++)
            if (add_row(g, i)) add_unit(g);
        return;
    }
    for (size_t u = 0; u < s->units; u++) {
        bool any = false;
        for (size_t at = s->starts[u]; at < s->starts[u + 1]; at++)
            any = add_row(g, s->order[at]) || any;
        if (any) add_unit(g);
    }
}

/* to = left * right, all square. */
static void multiply(const double *left, const double *right, size_t n, double *to) {
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            double sum = 0;
            for (size_t k = 0; k < n; k++) sum += left[i * n + k] * right[k * n + j];
            to[i * n + j] = sum;
        }
}

static bool sandwich(fitting *g) {
    size_t n = g->all;
    double *bread = g->f->hessian, units;
    gather_units(g);
    for (size_t i = 0; i < n; i++) bread[i * n + i] += RIDGE;
    if (!cholesky_invert(bread, n, g->scratch)) return false;
    multiply(bread, g->meat, n, g->scratch);
    multiply(g->scratch, bread, n, g->a->covariance);
    units = (double)g->a->units;
    for (size_t i = 0; i < n * n; i++) g->a->covariance[i] *= units > 1 ? units / (units - 1) : 1;
    return true;
}

bool adjusted_fit(const sheet *s, adjusted *a) {
    size_t all = a->width + a->count;
    fitting g = {.s = s, .a = a, .f = logit_new(all), .all = all};
    double *numbers = calloc(2 * all + 2 * all * all + 1, sizeof *numbers);
    bool well = g.f && numbers;
    if (well) {
        g.x = numbers, g.gradient = g.x + all;
        g.meat = g.gradient + all, g.scratch = g.meat + all * all;
        g.f->ridge = RIDGE;
        count_rows(&g);
        for (size_t k = 0; k < a->count; k++) measure_spread(&g, k);
        a->fitted = a->n > 0 && fit(&g) && sandwich(&g);
        memcpy(a->b, g.f->b, all * sizeof *a->b);
    }
    free(numbers);
    logit_free(g.f);
    return well;
}
