#include "base/resample.h"

#include <stdlib.h>
#include <string.h>

#include "base/draws.h"

/* ---- the kinds of units ---- */

static bool is_zero(const double *vector, size_t width) {
    for (size_t i = 0; i < width; i++)
        if (vector[i] != 0) return false;
    return true;
}

/* Counts units of one vector; INTERN_FULL where they are left out, which is no error. */
static bool count_units(resample *r, const double *vector, uint32_t units, uint32_t *kind) {
    *kind = INTERN_FULL;
    if (units == 0 || is_zero(vector, r->width)) return true;
    size_t known = r->vectors.count;
    uint32_t k = intern_add(&r->vectors, vector);
    if (k == INTERN_FULL) return false;
    if (k >= r->room) {
        size_t room = 2 * r->room + 16;
        uint32_t *more = realloc(r->count, room * sizeof *more);
        if (!more) return false;
        r->count = more;
        r->room = room;
    }
    if (k == known) r->count[k] = 0;
    r->count[k] += units;
    r->units += units;
    *kind = k;
    return true;
}

static bool rows_as_units(resample *r, const sheet *s, const double *values) {
    uint32_t kind;
    for (size_t p = 0; p < s->patterns.count; p++)
        if (!count_units(r, values + p * r->width, s->counts[p], &kind)) return false;
    return true;
}

static bool units_of_rows(resample *r, const sheet *s, const double *values) {
    double *vector = malloc(r->width * sizeof *vector + 1);
    r->kind = malloc(s->units * sizeof *r->kind + 1);
    bool well = vector && r->kind;
    for (size_t u = 0, kept = 0; u < s->units && well; u++) {
        memset(vector, 0, r->width * sizeof *vector);
        for (size_t i = s->starts[u]; i < s->starts[u + 1]; i++) {
            const double *add = values + s->pattern[s->order[i]] * r->width;
            for (size_t w = 0; w < r->width; w++) vector[w] += add[w];
        }
        uint32_t kind;
        well = count_units(r, vector, 1, &kind);
        if (kind != INTERN_FULL) r->kind[kept++] = kind;
    }
    free(vector);
    return well;
}

bool resample_make(resample *r, const sheet *s, size_t width, const double *values) {
    *r = (resample){.width = width, .vectors = intern_of(width * sizeof(double))};
    return s->order ? units_of_rows(r, s, values) : rows_as_units(r, s, values);
}

void resample_free(resample *r) {
    intern_free(&r->vectors);
    free(r->count);
    free(r->kind);
    *r = (resample){0};
}

/* ---- sums ---- */

static const double *vector_of(const resample *r, size_t kind) {
    return intern_at(&r->vectors, kind);
}

void resample_moments(const resample *r, double *sums, double *cross) {
    size_t w = r->width;
    memset(sums, 0, w * sizeof *sums);
    memset(cross, 0, w * w * sizeof *cross);
    for (size_t k = 0; k < r->vectors.count; k++) {
        const double *v = vector_of(r, k);
        double n = r->count[k];
        for (size_t i = 0; i < w; i++) {
            sums[i] += n * v[i];
            for (size_t j = 0; j < w; j++) cross[i * w + j] += n * v[i] * v[j];
        }
    }
}

/* Units one by one, which is quicker where almost each is of a kind of its own. */
static void draw_singly(const resample *r, random_state *random, uint32_t *drawn) {
    memset(drawn, 0, r->vectors.count * sizeof *drawn);
    for (size_t u = 0; u < r->units; u++) drawn[r->kind[random_upto(random, r->units - 1)]]++;
}

bool resample_draw(const resample *r, size_t times, uint64_t seed, double *sums) {
    size_t kinds = r->vectors.count, w = r->width;
    uint32_t *drawn = malloc(kinds * sizeof *drawn + 1);
    if (!drawn) return false;
    bool singly = r->kind && kinds > r->units / 8;
    random_state random;
    random_seed(&random, seed, r->units);
    memset(sums, 0, times * w * sizeof *sums);
    for (size_t t = 0; t < times; t++) {
        if (singly)
            draw_singly(r, &random, drawn);
        else
            draw_multinomial(&random, (uint32_t)r->units, kinds, r->count, r->units, drawn);
        for (size_t k = 0; k < kinds; k++) {
            const double *v = vector_of(r, k);
            if (drawn[k] == 0) continue;
            for (size_t i = 0; i < w; i++) sums[t * w + i] += drawn[k] * v[i];
        }
    }
    free(drawn);
    return true;
}
