/*
 * layer: what a stream is stacked from. A layer gives bytes that it makes out of those of
 * the layer below: the file, a decompressor, the members of an archive.
 *
 * Ownership: a layer owns its buffers, not the layer below; the report outlives all of them.
 * For the archive folder only.
 */
#ifndef FELLOWSHIP_ENGINE_ARCHIVE_LAYER_H
#define FELLOWSHIP_ENGINE_ARCHIVE_LAYER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "engine/archive/limits.h"

/* Compressed how many times over; real files are once, or once more inside an archive. */
enum { STREAM_LAYERS = 4, STREAM_DEPTH = 1 + STREAM_LAYERS + 1 + STREAM_LAYERS };

/* What the layers of one stream share. */
typedef struct stream_report {
    char *file;    /* as errors name it */
    char *member;  /* NULL: no archive, or no member yet */
    uint64_t read; /* bytes from the file */
    stream_limits limits;
    uint64_t made[STREAM_DEPTH]; /* bytes, by each layer above the file, of all members together */
    const char *error;           /* "" while all is well; the first stays */
} stream_report;

/* Notes "cannot read FILE, member M: ..." unless there is an error already; returns -1. */
__attribute__((format(printf, 2, 3))) int stream_fail(stream_report *, const char *format, ...);

/* Frees the report's strings. */
void stream_report_clear(stream_report *);

enum { LAYER_LOOK = 4096 };

typedef struct layer layer;
struct layer {
    /* Up to n bytes (n > 0) into buf, waiting for one at least; 0 at the end, -1 when it has called
     * stream_fail. */
    ssize_t (*produce)(layer *, void *buf, size_t n);
    void (*free)(layer *); /* NULL: the file's, part of the stream */
    /* Moves to an offset (whence as for lseek); NULL when it cannot. */
    int64_t (*seek)(layer *, int64_t offset, int whence);
    layer *below;
    stream_report *report;
    int depth; /* 0: the file; what those above make counts against the limits */
    bool ended;
    size_t at, len; /* bytes of `ahead` that were looked at and not read yet */
    unsigned char ahead[LAYER_LOOK];
};

/* A layer over another, for the first member of its own struct. */
layer layer_over(layer *below, ssize_t (*produce)(layer *, void *, size_t), void (*free)(layer *));

/* As `produce`, but bytes that were looked at come first, and the limits are kept. */
ssize_t layer_read(layer *, void *buf, size_t n);

/* Moves to an offset and forgets what was looked at; -1 on error, reported. */
int64_t layer_seek(layer *, int64_t offset, int whence);

typedef enum layer_kind {
    KIND_PLAIN,
    KIND_GZIP,
    KIND_BZIP2,
    KIND_XZ,
    KIND_ZSTD,
    KIND_TAR,
    KIND_ZIP,
} layer_kind;

/* The kind's name for messages: "gzip". */
const char *layer_kind_name(layer_kind);

/* What the layer's content is by its first bytes, which it waits for only as long as they may
 * still begin something other than plain content; -1 on error. Nothing must have been read yet. */
int layer_look(layer *);

/* Frees; NULL is allowed. */
void layer_free(layer *);

/* Decompressors over another layer; the second for bzip2, xz and zstd. NULL when out of memory,
 * reported. */
layer *gzip_open(layer *below);
layer *filter_open(layer *below, layer_kind);

/* The members of a tar or zip, whose layer holds the content of one at a time. */
layer *members_open(layer *below, layer_kind);

/* On to the next regular file, whose name becomes report->member: 1, 0 at the end, -1 on error. */
int members_next(layer *);

#endif
