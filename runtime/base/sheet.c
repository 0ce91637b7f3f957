#include "base/sheet.h"

#include <stdlib.h>

sheet *sheet_new(size_t labels, size_t measures, bool keyed) {
    sheet *s = calloc(1, sizeof *s);
    if (!s) return NULL;
    s->labels = labels;
    s->measures = measures;
    s->keyed = keyed;
    s->patterns = intern_of(labels * sizeof(sheet_label));
    return s;
}

void sheet_free(sheet *s) {
    if (!s) return;
    intern_free(&s->patterns);
    free(s->counts);
    free(s->pattern);
    free(s->measure);
    free(s->keys);
    free(s->order);
    free(s->starts);
    free(s);
}

/* An array of as many elements; unchanged when out of memory. */
static bool resize(void *array, size_t count, size_t size) {
    void **at = array, *more = realloc(*at, count * size + 1);
    if (!more) return false;
    *at = more;
    return true;
}

/* By a half, since what lies idle counts too when there are millions of rows. */
static bool grow(sheet *s) {
    if (s->rows < s->room) return true;
    size_t room = s->room + s->room / 2 + 64;
    if (room > UINT32_MAX) return false;
    if (s->labels && !resize(&s->pattern, room, sizeof *s->pattern)) return false;
    if (s->measures && !resize(&s->measure, room * s->measures, sizeof *s->measure)) return false;
    if (s->keyed && !resize(&s->keys, room, sizeof *s->keys)) return false;
    s->room = room;
    return true;
}

static bool count_pattern(sheet *s, const sheet_label *labels) {
    size_t known = s->patterns.count;
    uint32_t p = intern_add(&s->patterns, labels);
    if (p == INTERN_FULL) return false;
    if (p >= s->count_room) {
        size_t room = 2 * s->count_room + 16;
        if (!resize(&s->counts, room, sizeof *s->counts)) return false;
        s->count_room = room;
    }
    if (p == known) s->counts[p] = 0;
    s->counts[p]++;
    s->pattern[s->rows] = p;
    return true;
}

bool sheet_add(sheet *s, uint64_t key, const sheet_label *labels, const float *measures) {
    if (s->settled || !grow(s)) return false;
    if (s->labels && !count_pattern(s, labels)) return false;
    for (size_t m = 0; m < s->measures; m++) s->measure[s->rows * s->measures + m] = measures[m];
    if (s->keyed) s->keys[s->rows] = key;
    s->rows++;
    return true;
}

typedef struct keyed_row {
    uint64_t key;
    uint32_t row;
} keyed_row;

static int by_key(const void *x, const void *y) {
    const keyed_row *a = x, *b = y;
    if (a->key != b->key) return a->key < b->key ? -1 : 1;
    return (a->row > b->row) - (a->row < b->row);
}

/* Sorts the rows by their keys, and counts the units. NULL when out of memory. */
static keyed_row *sorted_rows(sheet *s) {
    keyed_row *sorted = malloc(s->rows * sizeof *sorted + 1);
    if (!sorted) return NULL;
    for (size_t i = 0; i < s->rows; i++)
        sorted[i] = (keyed_row){.key = s->keys[i], .row = (uint32_t)i};
    qsort(sorted, s->rows, sizeof *sorted, by_key);
    s->units = 0;
    for (size_t i = 0; i < s->rows; i++) s->units += i == 0 || sorted[i].key != sorted[i - 1].key;
    return sorted;
}

static bool find_units(sheet *s) {
    keyed_row *sorted = sorted_rows(s);
    if (!sorted) return false;
    if (s->units < s->rows) {
        s->order = malloc(s->rows * sizeof *s->order);
        s->starts = malloc((s->units + 1) * sizeof *s->starts);
        if (!s->order || !s->starts) {
            free(sorted);
            return false;
        }
        size_t unit = 0;
        for (size_t i = 0; i < s->rows; i++) {
            if (i == 0 || sorted[i].key != sorted[i - 1].key) s->starts[unit++] = (uint32_t)i;
            s->order[i] = sorted[i].row;
        }
        s->starts[unit] = (uint32_t)s->rows;
    }
    free(sorted);
    return true;
}

bool sheet_settle(sheet *s) {
    if (s->settled) return true;
    s->units = s->rows;
    if (s->keyed && !find_units(s)) return false;
    free(s->keys);
    s->keys = NULL;
    return s->settled = true;
}
