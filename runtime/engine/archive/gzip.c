/* gzip is read with zlib itself: libarchive does not compare a member's CRC-32 and length. */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "engine/archive/layer.h"

enum { BLOCK = 64 * 1024, GZIP_ONLY = 16 };

typedef struct gzip {
    layer base;
    z_stream z;
    enum { INSIDE, BETWEEN, PADDING } state; /* of gzip members, which may follow one another */
    unsigned char in[BLOCK];
} gzip;

static ssize_t produce(layer *base, void *buf, size_t n) {
    gzip *g = (gzip *)base;
    z_stream *z = &g->z;
    if (n > BLOCK * 16) n = BLOCK * 16; /* fits zlib's counters */
    z->next_out = buf;
    z->avail_out = (uInt)n;
    while (z->avail_out == n) {
        if (z->avail_in == 0) {
            ssize_t got = layer_read(base->below, g->in, sizeof g->in);
            if (got < 0) return -1;
            if (got == 0 && g->state != INSIDE) return 0;
            if (got == 0) return stream_fail(base->report, "cut short (inside gzip data)");
            z->next_in = g->in;
            z->avail_in = (uInt)got;
        }
        if (g->state != INSIDE) {
            if (g->state == BETWEEN && *z->next_in == 0x1f) {
                inflateReset(z);
                g->state = INSIDE;
            } else if (*z->next_in == 0) { /* tapes and block devices leave zeros */
                g->state = PADDING;
                z->next_in++, z->avail_in--;
                continue;
            } else {
                return stream_fail(base->report,
                                   "damaged (after the gzip data come bytes that are none)");
            }
        }
        int rc = inflate(z, Z_NO_FLUSH);
        if (rc == Z_STREAM_END)
            g->state = BETWEEN;
        else if (rc == Z_MEM_ERROR)
            return stream_fail(base->report, "out of memory");
        else if (rc != Z_OK && rc != Z_BUF_ERROR)
            return stream_fail(base->report, "damaged (gzip: %s)", z->msg ? z->msg : zError(rc));
    }
    return (ssize_t)(n - z->avail_out);
}

static void free_gzip(layer *base) {
    inflateEnd(&((gzip *)base)->z);
    free(base);
}

layer *gzip_open(layer *below) {
    gzip *g = calloc(1, sizeof *g);
    if (!g || inflateInit2(&g->z, GZIP_ONLY + MAX_WBITS) != Z_OK) {
        free(g);
        stream_fail(below->report, "out of memory");
        return NULL;
    }
    g->base = layer_over(below, produce, free_gzip);
    return &g->base;
}
