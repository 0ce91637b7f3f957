#include "engine/archive/gzip_blocks.h"

#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>

/* A member begins without a history to refer to: at this size that costs about a hundredth. */
#define BLOCK ((size_t)512 << 10)

struct gzip_blocks {
    struct libdeflate_compressor *compressor;
    gzip_put put;
    void *arg;
    bool any; /* a member has been written */
    size_t filled, bound;
    char *block, *packed;
};

gzip_blocks *gzip_blocks_new(int level, gzip_put put, void *arg) {
    gzip_blocks *g = calloc(1, sizeof *g);
    if (!g) return NULL;
    g->put = put;
    g->arg = arg;
    g->compressor = libdeflate_alloc_compressor(level < 0 ? GZIP_LEVEL : level);
    if (g->compressor) g->bound = libdeflate_gzip_compress_bound(g->compressor, BLOCK);
    g->block = malloc(BLOCK);
    g->packed = malloc(g->bound);
    if (g->compressor && g->block && g->packed) return g;
    gzip_blocks_free(g);
    return NULL;
}

static bool put_member(gzip_blocks *g) {
    size_t len = libdeflate_gzip_compress(g->compressor, g->block, g->filled, g->packed, g->bound);
    g->filled = 0;
    g->any = true;
    return g->put(g->arg, g->packed, len);
}

bool gzip_blocks_write(gzip_blocks *g, const char *bytes, size_t len) {
    while (len > 0) {
        size_t n = BLOCK - g->filled < len ? BLOCK - g->filled : len;
        memcpy(g->block + g->filled, bytes, n);
        g->filled += n;
        bytes += n;
        len -= n;
        if (g->filled == BLOCK && !put_member(g)) return false;
    }
    return true;
}

bool gzip_blocks_finish(gzip_blocks *g) {
    return (g->filled == 0 && g->any) || put_member(g);
}

void gzip_blocks_free(gzip_blocks *g) {
    if (!g) return;
    libdeflate_free_compressor(g->compressor);
    free(g->block);
    free(g->packed);
    free(g);
}
