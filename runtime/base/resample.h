/* resample: sums over the units of a sheet, how they vary from unit to unit, and their bootstrap
 * (Efron 1979; by clusters, Field and Welsh 2007). Each pattern has a vector of values, a unit the
 * sum of its rows' vectors; units whose vector is 0 are left out. Units with equal vectors are
 * drawn as one kind, so that a bootstrap of a table takes the same time whatever the number of
 * rows. */
#ifndef FELLOWSHIP_BASE_RESAMPLE_H
#define FELLOWSHIP_BASE_RESAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/intern.h"
#include "base/sheet.h"

typedef struct resample {
    size_t width;    /* numbers of a vector */
    size_t units;    /* that are not left out */
    intern vectors;  /* the kinds of units */
    uint32_t *count; /* units of each kind */
    size_t room;     /* of count */
    uint32_t *kind;  /* of each unit; NULL where rows are units */
} resample;

/* The kinds of a settled sheet's units; values[pattern * width + i]. false when out of memory;
 * resample_free either way. */
bool resample_make(resample *r, const sheet *s, size_t width, const double *values);
void resample_free(resample *r);

/* sums[i] over all units, and cross[i * width + j], the sum of the products v[i] v[j] of each. */
void resample_moments(const resample *r, double *sums, double *cross);

/* Draws as many units as there are, `times` times; sums[time * width + i]. false when out of
 * memory. */
bool resample_draw(const resample *r, size_t times, uint64_t seed, double *sums);

#endif
