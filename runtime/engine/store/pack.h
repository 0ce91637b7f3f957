/*
 * pack: texts that belong together, compressed into one checked record (zstd,
 * https://www.rfc-editor.org/rfc/rfc8878).
 *
 * Ownership: what pack_texts and pack_open show lives in the pack until its next use.
 */
#ifndef FELLOWSHIP_ENGINE_STORE_PACK_H
#define FELLOWSHIP_ENGINE_STORE_PACK_H

#include <stdbool.h>
#include <stddef.h>

enum { PACK_TEXTS = 3 };

typedef struct pack pack;

typedef struct pack_text {
    const char *data; /* may be NULL when len is 0 */
    size_t len;
} pack_text;

/* NULL when out of memory. */
pack *pack_new(void);
void pack_free(pack *);

/* Compresses the texts into one record. False when out of memory or when they are 4 GB and more. */
bool pack_texts(pack *, const pack_text texts[PACK_TEXTS], const void **record, size_t *len);

/* Shows the texts of a record. False when it is damaged (it carries a checksum) or there is no
 * memory for it. */
bool pack_open(pack *, const void *record, size_t len, pack_text texts[PACK_TEXTS]);

#endif
