/* hash: 64-bit hashes of texts, for tables. They are no digests: whoever tries can make two texts
 * collide. The same on every machine of either byte order. */
#ifndef FELLOWSHIP_BASE_HASH_H
#define FELLOWSHIP_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* Mixes a value into a hash: both halves of each count (the finalizer of MurmurHash3, Appleby). */
static inline uint64_t hash_mix(uint64_t h, uint64_t value) {
    h = (h ^ value) * 0x9e3779b97f4a7c15;
    h ^= h >> 32;
    h *= 0xc4ceb9fe1a85ec53;
    return h ^ h >> 29;
}

/* Up to eight bytes as a number, the first one lowest. */
static inline uint64_t hash_word(const char *text, size_t len) {
    uint64_t word = 0;
    for (size_t i = 0; i < len; i++) word |= (uint64_t)(unsigned char)text[i] << 8 * i;
    return word;
}

static inline uint64_t hash_bytes(const char *text, size_t len) {
    uint64_t h = len;
    for (; len >= 8; text += 8, len -= 8) h = hash_mix(h, hash_word(text, 8));
    return len ? hash_mix(h, hash_word(text, len)) : h;
}

#endif
