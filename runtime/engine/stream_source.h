/*
 * stream_source: what a stream is stacked from. A source gives bytes that it makes out of those of
 * the source below: the file, a decompressor, the members of an archive.
 *
 * Ownership: a source owns its buffers, not the source below; the report outlives all of them.
 * For stream*.c only.
 */
#ifndef FELLOWSHIP_ENGINE_STREAM_SOURCE_H
#define FELLOWSHIP_ENGINE_STREAM_SOURCE_H

#include <stdbool.h>

#include "engine/stream.h"

/* Compressed how many times over; real files are once, or once more inside an archive. */
enum { STREAM_LAYERS = 4, STREAM_DEPTH = 1 + STREAM_LAYERS + 1 + STREAM_LAYERS };

/* What the sources of one stream share. */
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

enum { SOURCE_LOOK = 4096 };

typedef struct source source;
struct source {
    /* Up to n bytes (n > 0) into buf, waiting for one at least; 0 at the end, -1 when it has called
     * stream_fail. */
    ssize_t (*produce)(source *, void *buf, size_t n);
    void (*free)(source *); /* NULL: the file's, part of the stream */
    /* Moves to an offset (whence as for lseek); NULL when it cannot. */
    int64_t (*seek)(source *, int64_t offset, int whence);
    source *below;
    stream_report *report;
    int depth; /* 0: the file; what those above make counts against the limits */
    bool ended;
    size_t at, len; /* bytes of `ahead` that were looked at and not read yet */
    unsigned char ahead[SOURCE_LOOK];
};

/* A source over another, for the first member of its own struct. */
source source_over(source *below, ssize_t (*produce)(source *, void *, size_t),
                   void (*free)(source *));

/* As `produce`, but bytes that were looked at come first, and the limits are kept. */
ssize_t source_read(source *, void *buf, size_t n);

/* Moves to an offset and forgets what was looked at; -1 on error, reported. */
int64_t source_seek(source *, int64_t offset, int whence);

typedef enum source_kind {
    KIND_PLAIN,
    KIND_GZIP,
    KIND_BZIP2,
    KIND_XZ,
    KIND_ZSTD,
    KIND_TAR,
    KIND_ZIP,
} source_kind;

/* The kind's name for messages: "gzip". */
const char *source_kind_name(source_kind);

/* What the source's content is by its first bytes, which it waits for only as long as they may
 * still begin something other than plain content; -1 on error. Nothing must have been read yet. */
int source_look(source *);

/* Frees; NULL is allowed. */
void source_free(source *);

/* Decompressors over another source; the second for bzip2, xz and zstd. NULL when out of memory,
 * reported. */
source *gzip_open(source *below);
source *filter_open(source *below, source_kind);

/* The members of a tar or zip, whose source holds the content of one at a time. */
source *members_open(source *below, source_kind);

/* On to the next regular file, whose name becomes report->member: 1, 0 at the end, -1 on error. */
int members_next(source *);

#endif
