/*
 * digest: SHA-256 (libnettle), whole or piece by piece, and its hexadecimal form.
 *
 * Ownership: nothing is allocated; every buffer is the caller's, and a struct digest may be
 * embedded, copied and dropped at any point.
 */
#ifndef FELLOWSHIP_ENGINE_DIGEST_H
#define FELLOWSHIP_ENGINE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

#include <nettle/sha2.h>

enum { DIGEST_SIZE = 32, DIGEST_HEX_SIZE = 65 };

/* State of a digest in the making; only this file's functions look inside. */
typedef struct digest {
    struct sha256_ctx sha;
} digest;

/* SHA-256 (FIPS 180-4) of the len bytes at data; data may be NULL when len is 0. */
void digest_sha256(const void *data, size_t len, unsigned char out[DIGEST_SIZE]);

/* The same piece by piece: init, any number of updates, final. After final the state is that of
 * a fresh init, so it can be used again. */
void digest_init(digest *);
void digest_update(digest *, const void *data, size_t len);
void digest_final(digest *, unsigned char out[DIGEST_SIZE]);

/* 64 lower-case hexadecimal digits and a NUL. */
void digest_hex(const unsigned char in[DIGEST_SIZE], char out[DIGEST_HEX_SIZE]);

/* Reads exactly 64 hexadecimal digits (either case) that end in a NUL. False for anything else,
 * and then out is untouched. */
bool digest_from_hex(const char *hex, unsigned char out[DIGEST_SIZE]);

#endif
