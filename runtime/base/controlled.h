/* controlled: what an outcome would be if a measure were 0 everywhere: a win rate, had both
 * responses been of one length. The model is AlpacaEval's (Dubois and others 2024, arXiv
 * 2404.04475) without its difficulties of prompts: y = logit(b0 + b1 tanh(d / sd)), d the measure
 * and sd its standard deviation; at d = 0 it is logit(b0). */
#ifndef FELLOWSHIP_BASE_CONTROLLED_H
#define FELLOWSHIP_BASE_CONTROLLED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/sheet.h"

typedef struct controlled {
    /* What is asked. */
    size_t measure;  /* which of the sheet's */
    const double *y; /* of each pattern: 0, 0.5 or 1; NAN for what is left out */
    size_t times;    /* resamples */
    uint64_t seed;
    /* What is found. */
    size_t n;
    double sd;
    double b[2]; /* by maximum likelihood, with a prior that keeps it finite */
    bool fitted;
    double lasso[2]; /* as alpaca_eval's length_controlled_minimal fits it */
    double strength; /* the lasso's C, chosen by cross-validation; 0 when there are too few rows */
    double *draws;   /* room for b0 of each resample */
    size_t drawn;    /* of them, had a fit */
} controlled;

/* Fits and resamples a settled sheet. false when out of memory. */
bool controlled_fit(const sheet *s, controlled *c);

#endif
