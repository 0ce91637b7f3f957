/* scarce: an allocator for a Lua state whose memory runs out after so many allocations. */
#ifndef TESTS_SCARCE_H
#define TESTS_SCARCE_H

#include <stdbool.h>
#include <stdlib.h>

/* Allocations that are left before they fail; negative: they never do. */
static long left = -1;
static bool failed;

static void *allocate(void *ud, void *block, size_t old, size_t size) {
    (void)ud, (void)old;
    if (size == 0) {
        free(block);
        return NULL;
    }
    if (left == 0) failed = true;
    if (left == 0) return NULL;
    if (left > 0) left--;
    return realloc(block, size);
}

#endif
