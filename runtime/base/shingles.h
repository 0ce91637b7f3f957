/* shingles: runs of three words of a text, as hashes; of a text with fewer words all of them. */
#ifndef FELLOWSHIP_BASE_SHINGLES_H
#define FELLOWSHIP_BASE_SHINGLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Those of one text: each once, in rising order. */
typedef struct shingles {
    uint32_t count;
    uint32_t list[];
} shingles;

/* Makes `words` the hashes of the words of a text, which stand with a space between each two, and
 * *whole that of all of them, which is not 0. False when out of memory. */
bool shingles_hash(buf *words, const char *text, size_t len, uint64_t *whole);

/* Makes `out` the shingles of such words. False when out of memory. */
bool shingles_make(buf *out, const buf *words);

static inline const shingles *shingles_in(const buf *made) {
    return (const shingles *)(const void *)made->data;
}

/* How many both have; when they are fewer than `wanted`, any number below that. */
size_t shingles_shared(const shingles *a, const shingles *b, size_t wanted);

#endif
