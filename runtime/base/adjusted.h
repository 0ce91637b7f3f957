/* adjusted: an outcome by what each pattern of a sheet stands for, adjusted for measures of rows:
 * who plays, adjusted for style. A logistic regression of x = (the pattern's design, the measures
 * over their standard deviations), so that the design's coefficients are those at measures of 0;
 * with a wide normal prior, and with a covariance that lets rows of one unit hang together and the
 * model be wrong: (H^-1) (sum over units of g g') (H^-1), g a unit's gradient (Huber 1967; White
 * 1980; by clusters, Liang and Zeger 1986), times G / (G - 1) for G units. */
#ifndef FELLOWSHIP_BASE_ADJUSTED_H
#define FELLOWSHIP_BASE_ADJUSTED_H

#include <stdbool.h>
#include <stddef.h>

#include "base/sheet.h"

typedef struct adjusted {
    /* What is asked. */
    const double *y;      /* of each pattern: 0 to 1; NAN for what is left out */
    const double *design; /* `width` numbers of each pattern */
    size_t width;
    size_t first, count; /* which of the sheet's measures */
    /* What is found. */
    size_t n, units;
    bool fitted;
    double *sd;         /* room for `count` */
    double *b;          /* room for width + count */
    double *covariance; /* room for (width + count) squared */
} adjusted;

/* Fits a settled sheet. false when out of memory. */
bool adjusted_fit(const sheet *s, adjusted *a);

#endif
