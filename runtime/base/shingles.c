#include "base/shingles.h"

#include <string.h>

#include "base/hash.h"

/* The hashes of the words, and of the whole text. */
bool shingles_hash(buf *words, const char *text, size_t len, uint64_t *whole) {
    buf_clear(words);
    *whole = 0;
    for (size_t at = 0; at < len || at == 0;) {
        const char *space = at < len ? memchr(text + at, ' ', len - at) : NULL;
        size_t n = (space ? (size_t)(space - text) : len) - at;
        uint64_t hash = hash_bytes(text + at, n);
        *whole = hash_mix(*whole, hash);
        if (!buf_append(words, &hash, sizeof hash)) return false;
        at += n + 1;
    }
    if (*whole == 0) *whole = 1;
    return true;
}

/* Sorts by one byte after the other; `spare` is as long as the list. */
static void sort_list(uint32_t *list, uint32_t *spare, size_t n) {
    if (n < 48) {
        for (size_t i = 1; i < n; i++) {
            uint32_t value = list[i];
            size_t at = i;
            while (at > 0 && list[at - 1] > value) list[at] = list[at - 1], at--;
            list[at] = value;
        }
        return;
    }
    for (int shift = 0; shift < 32; shift += 8) {
        size_t begins[257] = {0};
        for (size_t i = 0; i < n; i++) begins[(list[i] >> shift & 255) + 1]++;
        for (int b = 0; b < 256; b++) begins[b + 1] += begins[b];
        for (size_t i = 0; i < n; i++) spare[begins[list[i] >> shift & 255]++] = list[i];
        uint32_t *other = list;
        list = spare;
        spare = other;
    }
}

/* Makes the shingles of some words in `out`. */
bool shingles_make(buf *out, const buf *words) {
    const uint64_t *hash = (const uint64_t *)(const void *)words->data;
    size_t n = words->len / sizeof *hash, count = n < 3 ? 1 : n - 2;
    buf_clear(out);
    /* Behind the list lies what sorting takes. */
    if (!buf_reserve(out, sizeof(shingles) + 2 * count * sizeof(uint32_t))) return false;
    shingles *s = (shingles *)(void *)out->data;
    for (size_t i = 0; i < count; i++) {
        uint64_t h = hash[i];
        for (size_t k = i + 1; k < i + 3 && k < n; k++) h = hash_mix(h, hash[k]);
        s->list[i] = (uint32_t)(h >> 32);
    }
    sort_list(s->list, s->list + count, count);
    s->count = 0;
    for (size_t i = 0; i < count; i++)
        if (i == 0 || s->list[i] != s->list[i - 1]) s->list[s->count++] = s->list[i];
    return true;
}

/* How many shingles both have; less when it is clear that they are fewer than `wanted`. */
size_t shingles_shared(const shingles *a, const shingles *b, size_t wanted) {
    size_t i = 0, j = 0, both = 0;
    while (i < a->count && j < b->count) {
        uint32_t x = a->list[i], y = b->list[j];
        both += x == y;
        i += x <= y;
        j += y <= x;
        size_t left = a->count - i < b->count - j ? a->count - i : b->count - j;
        if (both + left < wanted) break;
    }
    return both;
}
