/* sheet: what several raters said of rows: a few labels (small whole numbers) and measures of each
 * row, and which unit it belongs to: rows of one unit (a prompt) hang together. Rows whose labels
 * are all alike share a pattern, so that a row takes a few bytes however many labels it has.
 *
 * Filled by sheet_add; sheet_settle, which takes its time and may run on any thread, ends that. */
#ifndef FELLOWSHIP_BASE_SHEET_H
#define FELLOWSHIP_BASE_SHEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/intern.h"

typedef uint16_t sheet_label;

typedef struct sheet {
    size_t labels, measures; /* of a row */
    bool keyed;              /* whether rows say which unit they are of; else each is its own */
    bool settled;
    size_t rows, room, units;
    intern patterns;   /* of `labels` labels */
    uint32_t *counts;  /* rows of each pattern */
    size_t count_room; /* of counts */
    uint32_t *pattern; /* of each row; NULL without labels */
    float *measure;    /* of each row; NULL without measures */
    uint64_t *keys;    /* of each row, until it is settled */
    /* When settled, and a unit has several rows: the rows in the order of their units, those of u
     * from starts[u] on. NULL where each row is its own unit. */
    uint32_t *order, *starts;
} sheet;

/* NULL when out of memory. */
sheet *sheet_new(size_t labels, size_t measures, bool keyed);
void sheet_free(sheet *s);

/* Adds a row to a sheet that is not settled. `key` is a hash of what its unit is known by. false
 * when out of memory. */
bool sheet_add(sheet *s, uint64_t key, const sheet_label *labels, const float *measures);

/* Finds the units. false when out of memory. */
bool sheet_settle(sheet *s);

static inline const sheet_label *sheet_pattern(const sheet *s, size_t pattern) {
    return intern_at(&s->patterns, pattern);
}

#endif
