/*
 * stream: the content of a file that may be compressed or an archive (libarchive; zlib for gzip):
 * gzip, zstd, xz, bzip2, zip and tar, one in the other, told apart by content, never by name.
 *
 *     stream *s = stream_open(path, NULL, err, sizeof err);
 *     while ((more = stream_next(s)) == 1)
 *         if (wanted(stream_member(s)))
 *             while ((n = stream_read(s, buf, sizeof buf)) > 0) ...
 *
 * Ownership: the stream owns its file and buffers; strings it returns live until its next call.
 * A stream may move between threads but serves one at a time. All but stream_open may block.
 */
#ifndef FELLOWSHIP_ENGINE_ARCHIVE_STREAM_H
#define FELLOWSHIP_ENGINE_ARCHIVE_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine/archive/limits.h"

typedef struct stream stream;

/* Opens path, or standard input for "-" (which is left open by stream_close). No content is read
 * here, so a pipe that has no data yet, or no writer, does not block. limits: NULL for
 * STREAM_LIMITS. NULL and a message in err (errlen bytes at most, with its NUL) when the file
 * cannot be opened or is a directory. */
stream *stream_open(const char *path, const stream_limits *limits, char *err, size_t errlen);

/* On to the content of the next member, which is also the first step; what is left of the one
 * before is skipped. A file that is no archive has one member. Only regular files count: no
 * folders, links and devices, nor what macOS adds (__MACOSX/..., ._name). Returns 1, 0 when there
 * are no more, -1 on error. */
int stream_next(stream *);

/* The member's path inside the archive as it is stored there (any bytes but NUL); "" when the file
 * is no archive. */
const char *stream_member(const stream *);

/* Up to n bytes of the member's content, decompressed, into buf. Returns the number of bytes, 0 at
 * its end (or when n is 0, or stream_next did not return 1), -1 on error: unreadable, damaged, cut
 * short, followed by what does not belong to it, encrypted, an archive in an archive, or beyond the
 * limits. An error is final; the next call fails the same way. Checksums are verified where the
 * format has them: gzip, bzip2, xz, zip, and zstd if written; of a tar only its headers have one.
 */
ssize_t stream_read(stream *, void *buf, size_t n);

/* Whether reading may wait for somebody: the file is a pipe, a terminal or a device. */
bool stream_waits(const stream *);

/* For any thread: whoever reads waits no longer, and fails. */
void stream_halt(const stream *);

/* Bytes of the file that were read so far. */
uint64_t stream_position(const stream *);

/* What went wrong, naming the file and the member; "" when nothing did. */
const char *stream_error(const stream *);

/* Closes and frees; NULL is allowed. */
void stream_close(stream *);

#endif
