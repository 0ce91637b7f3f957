/*
 * feed: a layer as libarchive's input, which still knows afterwards what libarchive left of
 * it. libarchive is content with the end that it finds; what comes then is for us to look at.
 *
 * Ownership: the feed owns the libarchive reader, not the layer. For the archive folder only.
 */
#ifndef FELLOWSHIP_ENGINE_ARCHIVE_FEED_H
#define FELLOWSHIP_ENGINE_ARCHIVE_FEED_H

#include "engine/archive/libarchive.h"
#include "engine/archive/layer.h"

enum { FEED_BLOCK = 64 * 1024 };

typedef struct feed {
    layer *from;
    struct archive *reader;
    int64_t taken;     /* bytes given to the reader, or by feed_rest; where it seeks, the place */
    int64_t rest;      /* -1, or up to where feed_rest has come */
    const char *block; /* content of the member that waits to be read; libarchive's memory */
    size_t block_len;
    int64_t block_at, at; /* where in the member the block belongs, and what is read next */
    int newer;
    /* The last two blocks given, since the reader may have asked for the newer one before it was
     * through with the older: it never looks further ahead than 64 KiB. */
    struct {
        int64_t start;
        size_t len;
        unsigned char bytes[FEED_BLOCK];
    } blocks[2];
} feed;

/* Gives the feed its reader; -1 when it cannot be had, reported. Formats and filters are the
 * caller's. */
int feed_init(feed *, layer *from);

/* Opens the reader; seeking if the layer can and it is wanted. -1 on error, reported. */
int feed_open(feed *, bool seeks);

/* On to the reader's next entry: 1, 0 at the end, -1 on error, reported. */
int feed_next(feed *, struct archive_entry **);

/* Content of the entry, as layer_read; holes in it are zeros. archive_read_data would wait for all
 * n bytes, and drop those before an error. */
ssize_t feed_read(feed *, void *buf, size_t n);

/* Reports the reader's error; returns -1. */
int feed_fail(feed *);

/* How many bytes the reader has used. */
int64_t feed_used(const feed *);

/* For when the reader is done: the next of the bytes that it did not use, up to n of them, as
 * layer_read. */
ssize_t feed_rest(feed *, void *buf, size_t n);

/* For when the reader is done: nothing but zeros, or nothing at all, comes after what it used. -1
 * otherwise, reported. */
int feed_expect_end(feed *, layer_kind);

void feed_clear(feed *);

#endif
