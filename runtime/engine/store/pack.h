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

/* How a packing ended. */
enum pack_end { PACK_DONE, PACK_TOO_BIG, PACK_NO_MEMORY };

/* Compresses the texts into one record; together they have less than 4 GB. */
enum pack_end pack_texts(pack *, const pack_text texts[PACK_TEXTS], const void **record,
                         size_t *len);

/* Shows the texts of a record. False when it is damaged (it carries a checksum) or there is no
 * memory for it. */
bool pack_open(pack *, const void *record, size_t len, pack_text texts[PACK_TEXTS]);

#endif
