/* bzip2, xz and zstd through libarchive, which checks what the formats let it check. */
#include <stdlib.h>

#include "engine/archive/feed.h"

typedef struct filter {
    layer base;
    feed feed;
    layer_kind kind;
    bool begun;
} filter;

static const int codes[] = {[KIND_BZIP2] = ARCHIVE_FILTER_BZIP2,
                            [KIND_XZ] = ARCHIVE_FILTER_XZ,
                            [KIND_ZSTD] = ARCHIVE_FILTER_ZSTD};

/* The filter is set, not left to libarchive's own look at the content, which takes for plain what
 * has damage in its first bytes. */
static int begin(filter *f) {
    f->begun = true;
    struct archive *r = f->feed.reader;
    if (archive_read_append_filter(r, codes[f->kind]) != ARCHIVE_OK ||
        archive_read_support_format_raw(r) != ARCHIVE_OK ||
        archive_read_support_format_empty(r) != ARCHIVE_OK)
        return feed_fail(&f->feed);
    if (feed_open(&f->feed, false) < 0) return -1;
    struct archive_entry *entry;
    return feed_next(&f->feed, &entry);
}

static ssize_t produce(layer *base, void *buf, size_t n) {
    filter *f = (filter *)base;
    ssize_t got = 1;
    if (!f->begun) got = begin(f);
    if (got == 1) got = feed_read(&f->feed, buf, n);
    return got == 0 ? feed_expect_end(&f->feed, f->kind) : got;
}

static void free_filter(layer *base) {
    feed_clear(&((filter *)base)->feed);
    free(base);
}

layer *filter_open(layer *below, layer_kind kind) {
    filter *f = calloc(1, sizeof *f);
    if (!f) {
        stream_fail(below->report, "out of memory");
        return NULL;
    }
    f->kind = kind;
    f->base = layer_over(below, produce, free_filter);
    if (feed_init(&f->feed, below) == 0) return &f->base;
    free_filter(&f->base);
    return NULL;
}
