/*
 * pool: an allocator for many small pieces of one thread, which tells the size of what it gives
 * back, as Lua does.
 *
 * Pieces of up to POOL_LARGEST bytes come from chunks, by size in steps of 16 bytes, and return to
 * a list of their size: some ten instructions each, and the piece that was freed last, which is
 * still in the cache, is used first. Chunks are kept until pool_free. Larger pieces are malloc's.
 */
#ifndef FELLOWSHIP_BASE_POOL_H
#define FELLOWSHIP_BASE_POOL_H

#include <stddef.h>

#define POOL_LARGEST 512

typedef struct pool pool;

/* NULL when there is no memory. */
pool *pool_new(void);

/* Frees the pool with all small pieces; the large ones are the owner's to free before. */
void pool_free(pool *p);

/* As lua_Alloc: a piece of `size` bytes that holds what fits of the one at `piece` (of `old` bytes;
 * NULL for none), or NULL when there is no memory, and then that one stays; size 0 frees it. */
void *pool_resize(pool *p, void *piece, size_t old, size_t size);

#endif
