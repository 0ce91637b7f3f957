/*
 * sink: a file that is written from its start to its end, plain or compressed (libarchive; gzip by
 * gzip_blocks). The same bytes in give the same bytes out: no time, name or machine is in the
 * compressed file.
 *
 * The sink owns its file. It may move between threads but serves one at a time. The first error is
 * final: every later call fails in the same way.
 */
#ifndef FELLOWSHIP_ENGINE_SINK_H
#define FELLOWSHIP_ENGINE_SINK_H

#include <stdbool.h>
#include <stddef.h>

typedef struct sink sink;

/* Makes the file anew, for this sink alone (engine/file.h); or writes to /dev/null. `filter` is NULL (plain), "gzip", "zstd", "xz" or "bzip2"; `level` is the
 * filter's own, or negative for its usual one. NULL, and a message without the path in err (errlen
 * bytes at most, with its NUL), when it cannot be. */
sink *sink_open(const char *path, const char *filter, int level, char *err, size_t errlen);

/* Writes a piece. Of a plain file nothing of a piece remains that could not be written whole. */
bool sink_write(sink *, const void *bytes, size_t len);

/* Ends the compressed data; all of the file is on the disk then. Once, as the last write. */
bool sink_finish(sink *);

/* Finishes the file and gives it the name `to`, in place of an ordinary file that has that name; of
 * anything else it says what it is (file_obstacle), and leaves the file as it is. */
bool sink_commit(sink *, const char *to);

/* What went wrong, without the path; "" when nothing did. */
const char *sink_error(const sink *);

/* Closes and frees; NULL is allowed. Without sink_finish compressed data stays cut short. */
void sink_close(sink *);

#endif
