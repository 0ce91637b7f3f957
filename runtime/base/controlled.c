#include "base/controlled.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/draws.h"
#include "base/logit.h"

/* For choosing and resampling, tanh(d / sd) is rounded to one of these steps from -1 to 1; 0 is the
 * middle one. What is reported is fitted to the rows themselves. */
#define BINS 513

/* The prior: a normal one with standard deviation 5, so wide that it counts only where the rows
 * would let a coefficient grow without end. */
#define RIDGE (1.0 / 25)

/* scikit-learn's LogisticRegressionCV: ten strengths from 1e-4 to 1e4, five folds. */
#define STRENGTHS 10
#define FOLDS     5

typedef struct bins {
    double weight[BINS], won[BINS]; /* rows, and the sum of their y */
} bins;

#define LEFT_OUT UINT16_MAX

typedef struct fitting {
    const sheet *s;
    controlled *c;
    logit *f;
    uint16_t *bin; /* of each row */
    bins all, fold[FOLDS];
} fitting;

static double x_of(const fitting *g, size_t row) {
    double d = g->s->measure[row * g->s->measures + g->c->measure];
    return g->c->sd > 0 ? tanh(d / g->c->sd) : 0;
}

static double y_of(const fitting *g, size_t row) {
    return g->c->y[g->s->pattern[row]];
}

static void measure_spread(fitting *g) {
    double n = 0, mean = 0, squares = 0;
    for (size_t i = 0; i < g->s->rows; i++) {
        if (isnan(y_of(g, i))) continue;
        double d = g->s->measure[i * g->s->measures + g->c->measure], off = d - mean;
        mean += off / ++n;
        squares += off * (d - mean);
    }
    g->c->n = (size_t)n;
    g->c->sd = n > 1 ? sqrt(squares / (n - 1)) : 0;
}

static void put(bins *into, size_t bin, double y) {
    into->weight[bin] += 1;
    into->won[bin] += y;
}

/* Rows into bins: all of them, and those of each fold. The folds are GroupKFold's over groups of
 * one size, where its sort keeps the order of what is equal. */
static void fill_bins(fitting *g) {
    for (size_t i = 0, left = g->c->n; i < g->s->rows; i++) {
        double y = y_of(g, i);
        g->bin[i] = LEFT_OUT;
        if (isnan(y)) continue;
        g->bin[i] = (uint16_t)lround((x_of(g, i) + 1) / 2 * (BINS - 1));
        put(&g->all, g->bin[i], y);
        put(&g->fold[--left % FOLDS], g->bin[i], y);
    }
}

static void bin_row(double *x, size_t bin) {
    x[0] = 1;
    x[1] = 2.0 * (double)bin / (BINS - 1) - 1;
}

/* Fits what is in some bins, those in `without` taken out. */
static bool fit_bins(logit *f, const bins *in, const bins *without) {
    logit_restart(f);
    do {
        logit_begin(f);
        for (size_t k = 0; k < BINS; k++) {
            double x[2], n = in->weight[k] - (without ? without->weight[k] : 0);
            if (n <= 0) continue;
            bin_row(x, k);
            logit_row(f, x, (in->won[k] - (without ? without->won[k] : 0)) / n, n);
        }
    } while (logit_step(f));
    return f->converged;
}

static bool fit_rows(fitting *g) {
    logit_restart(g->f);
    do {
        logit_begin(g->f);
        for (size_t i = 0; i < g->s->rows; i++) {
            double x[2] = {1, x_of(g, i)}, y = y_of(g, i);
            if (!isnan(y)) logit_row(g->f, x, y, 1);
        }
    } while (logit_step(g->f));
    return g->f->converged;
}

/* The mean loss, in logarithms, of what is in some bins. */
static double loss_of(const logit *f, const bins *in) {
    double sum = 0, n = 0;
    for (size_t k = 0; k < BINS; k++) {
        if (in->weight[k] == 0) continue;
        double x[2];
        bin_row(x, k);
        double p = logit_chance(x, f->b, 2);
        sum -= in->won[k] * log(p) + (in->weight[k] - in->won[k]) * log(1 - p);
        n += in->weight[k];
    }
    return sum / n;
}

/* The strength with the least loss in the folds that it was not fitted to. */
static double choose_strength(fitting *g) {
    double best = INFINITY, chosen = 0;
    for (size_t k = 0; k < STRENGTHS; k++) {
        double strength = pow(10, -4 + 8.0 * (double)k / (STRENGTHS - 1)), loss = 0;
        g->f->lasso = 1 / strength;
        for (size_t fold = 0; fold < FOLDS; fold++) {
            g->f->b[0] = g->f->b[1] = 0;
            fit_bins(g->f, &g->all, &g->fold[fold]);
            loss += loss_of(g->f, &g->fold[fold]) / FOLDS;
        }
        if (loss < best) {
            best = loss;
            chosen = strength;
        }
    }
    return chosen;
}

static void fit_lasso(fitting *g) {
    if (g->c->n < FOLDS) return;
    g->f->ridge = 0;
    g->c->strength = choose_strength(g);
    g->f->lasso = 1 / g->c->strength;
    g->f->b[0] = g->f->b[1] = 0;
    fit_rows(g);
    memcpy(g->c->lasso, g->f->b, sizeof g->c->lasso);
    g->f->lasso = 0;
}

/* ---- the bootstrap ---- */

static void keep_draw(fitting *g, const bins *drawn) {
    memcpy(g->f->b, g->c->b, sizeof g->c->b);
    if (fit_bins(g->f, drawn, NULL)) g->c->draws[g->c->drawn++] = g->f->b[0];
}

/* Rows that are units: how often each outcome comes in each bin is drawn. */
static bool resample_rows(fitting *g, random_state *r) {
    enum { CELLS = BINS * 3 };
    uint32_t *counts = calloc(2 * CELLS, sizeof *counts), *drawn = counts + CELLS;
    if (!counts) return false;
    for (size_t i = 0; i < g->s->rows; i++)
        if (g->bin[i] != LEFT_OUT) counts[g->bin[i] * 3 + lround(2 * y_of(g, i))]++;
    for (size_t t = 0; t < g->c->times; t++) {
        bins sample = {0};
        draw_multinomial(r, (uint32_t)g->c->n, CELLS, counts, g->c->n, drawn);
        for (size_t k = 0; k < CELLS; k++) {
            sample.weight[k / 3] += drawn[k];
            sample.won[k / 3] += drawn[k] * (double)(k % 3) / 2;
        }
        keep_draw(g, &sample);
    }
    free(counts);
    return true;
}

static bool has_outcome(const fitting *g, size_t unit) {
    for (size_t at = g->s->starts[unit]; at < g->s->starts[unit + 1]; at++)
        if (g->bin[g->s->order[at]] != LEFT_OUT) return true;
    return false;
}

/* Units of several rows: these are drawn, but for those of which every row is left out. */
static bool resample_units(fitting *g, random_state *r) {
    uint32_t *units = malloc(g->s->units * sizeof *units + 1);
    if (!units) return false;
    size_t count = 0;
    for (size_t u = 0; u < g->s->units; u++)
        if (has_outcome(g, u)) units[count++] = (uint32_t)u;
    for (size_t t = 0; t < g->c->times; t++) {
        bins sample = {0};
        for (size_t i = 0; i < count; i++) {
            size_t u = units[random_upto(r, count - 1)];
            for (size_t at = g->s->starts[u]; at < g->s->starts[u + 1]; at++) {
                size_t row = g->s->order[at];
                if (g->bin[row] != LEFT_OUT) put(&sample, g->bin[row], y_of(g, row));
            }
        }
        keep_draw(g, &sample);
    }
    free(units);
    return true;
}

static bool resample(fitting *g) {
    random_state r;
    random_seed(&r, g->c->seed, g->c->n);
    return g->s->order ? resample_units(g, &r) : resample_rows(g, &r);
}

bool controlled_fit(const sheet *s, controlled *c) {
    fitting *g = calloc(1, sizeof *g);
    logit *f = logit_new(2);
    uint16_t *bin = malloc(s->rows * sizeof *bin + 1);
    bool well = g && f && bin;
    if (well) {
        g->s = s, g->c = c, g->f = f, g->bin = bin;
        measure_spread(g);
        fill_bins(g);
        fit_lasso(g);
        f->ridge = RIDGE;
        f->b[0] = f->b[1] = 0;
        c->fitted = c->n > 0 && fit_rows(g);
        memcpy(c->b, f->b, sizeof c->b);
        if (c->fitted) well = resample(g);
    }
    free(bin);
    logit_free(f);
    free(g);
    return well;
}
