/* logit: logistic regression by maximum likelihood, P(y) = 1 / (1 + exp(-x b)), for outcomes y from
 * 0 to 1. Rows are handed in one by one at the present coefficients, so that nobody keeps a matrix:
 *
 *     do {
 *         logit_begin(f);
 *         for each row: logit_row(f, x, y, weight);
 *     } while (logit_step(f));
 *
 * It allocates in logit_new alone. */
#ifndef FELLOWSHIP_BASE_LOGIT_H
#define FELLOWSHIP_BASE_LOGIT_H

#include <stdbool.h>
#include <stddef.h>

typedef struct logit {
    size_t width;
    double ridge; /* minus ridge / 2 times the sum of b squared: a normal prior with variance 1 /
                     ridge */
    double lasso; /* minus lasso times the sum of |b| */
    double *b;    /* the coefficients */
    /* At b: the logarithm of the likelihood, its gradient, minus its Hessian, priors left out. */
    double likelihood, *gradient, *hessian;
    bool converged; /* when logit_step has said that it is over */
    /* The method's own. */
    double *before, *scratch, at;
    unsigned steps, halvings;
} logit;

/* Coefficients 0, no prior. NULL when out of memory. */
logit *logit_new(size_t width);
void logit_free(logit *f);

/* Begins another fit, from the coefficients as they are. */
void logit_restart(logit *f);

void logit_begin(logit *f);
void logit_row(logit *f, const double *x, double y, double weight);

/* Goes on, after all rows: false when the coefficients are those of the fit, or none are. */
bool logit_step(logit *f);

/* The chance of y for coefficients b. */
double logit_chance(const double *x, const double *b, size_t width);

#endif
