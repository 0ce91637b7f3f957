/*
 * stream: the bytes of a file that may be compressed (libarchive): gzip, zstd, xz, bzip2 or plain,
 * told apart by content, never by name.
 *
 * Ownership: the stream owns its file and buffers; strings it returns live until its next call.
 * A stream may move between threads but serves one at a time.
 */
#ifndef FELLOWSHIP_ENGINE_STREAM_H
#define FELLOWSHIP_ENGINE_STREAM_H

#include <stddef.h>
#include <sys/types.h>

typedef struct stream stream;

/* Opens path, or standard input for "-" (which is left open by stream_close). No content is read
 * here, so a pipe that has no data yet does not block; a named pipe without a writer is first
 * waited for by stream_read. NULL and a message in err (errlen bytes at most, with its NUL) when
 * the file cannot be opened or is a directory. */
stream *stream_open(const char *path, char *err, size_t errlen);

/* Up to n bytes of the decompressed content into buf. Returns the number of bytes, 0 at the end
 * (or when n is 0), -1 on error: unreadable, damaged or cut short, or a zip or tar archive, whose
 * members are not supported. An error is final; the next read fails the same way. Damage is found
 * where it breaks the format or the checksum of bzip2, xz or zstd; libarchive does not compare that
 * of gzip. */
ssize_t stream_read(stream *, void *buf, size_t n);

/* What went wrong, naming the file; "" when nothing did. */
const char *stream_error(const stream *);

/* Closes and frees; NULL is allowed. */
void stream_close(stream *);

#endif
