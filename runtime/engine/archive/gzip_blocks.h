/*
 * gzip_blocks: gzip data made block by block (libdeflate, which takes less than half of zlib's
 * time): each block of a fixed size is a member of its own, as RFC 1952 allows and every reader
 * takes. The same bytes give the same data, however they come.
 *
 * It owns its buffers, and is not for two threads at a time.
 */
#ifndef FELLOWSHIP_ENGINE_ARCHIVE_GZIP_BLOCKS_H
#define FELLOWSHIP_ENGINE_ARCHIVE_GZIP_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>

typedef struct gzip_blocks gzip_blocks;

/* Takes compressed bytes; false ends the write in hand. */
typedef bool (*gzip_put)(void *arg, const char *bytes, size_t len);

/* The usual level: four times as fast as gzip's own usual one, for an eighth more bytes. */
enum { GZIP_LEVEL = 5, GZIP_LEVEL_MOST = 12 };

/* level 0 to 12, or negative for the usual one. NULL when out of memory. */
gzip_blocks *gzip_blocks_new(int level, gzip_put put, void *arg);

/* Both false when `put` was. */
bool gzip_blocks_write(gzip_blocks *, const char *bytes, size_t len);
bool gzip_blocks_finish(gzip_blocks *); /* what is left; an empty member when there was nothing */

void gzip_blocks_free(gzip_blocks *); /* NULL is allowed */

#endif
