/*
 * stream_scene: files that are compressed or archives, and reading them back; for the tests of
 * stream.
 *
 * Ownership: what pack and make_rows return is the caller's to free.
 */
#ifndef FELLOWSHIP_TESTS_STREAM_SCENE_H
#define FELLOWSHIP_TESTS_STREAM_SCENE_H

#include <archive.h>
#include <archive_entry.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/archive/stream.h"

static char folder[] = "/tmp/stream_test.XXXXXX";
static char path[64];
static stream_limits limits;

static const struct {
    const char *name;
    int filter;
} filters[] = {{"plain", ARCHIVE_FILTER_NONE},
               {"gzip", ARCHIVE_FILTER_GZIP},
               {"bzip2", ARCHIVE_FILTER_BZIP2},
               {"xz", ARCHIVE_FILTER_XZ},
               {"zstd", ARCHIVE_FILTER_ZSTD}};
enum { FILTERS = sizeof filters / sizeof *filters };

typedef struct bytes {
    char *data;
    size_t len;
} bytes;

static inline bool scene_begin(void) {
    limits = STREAM_LIMITS;
    if (!mkdtemp(folder)) return false;
    snprintf(path, sizeof path, "%s/file", folder);
    return true;
}

static inline void scene_end(void) {
    unlink(path);
    rmdir(folder);
}

static inline void write_file(const void *data, size_t len) {
    FILE *f = fopen(path, "wb");
    fwrite(data, 1, len, f);
    fclose(f);
}

/* Data inside one file of the format (raw or an archive) after the filter, in memory. */
static inline bytes pack(const void *data, size_t len, int format, int filter) {
    bytes out = {malloc(2 * len + 65536), 0};
    struct archive *a = archive_write_new();
    archive_write_set_format(a, format);
    archive_write_add_filter(a, filter);
    archive_write_set_bytes_in_last_block(a, 1);
    archive_write_open_memory(a, out.data, 2 * len + 65536, &out.len);
    struct archive_entry *entry = archive_entry_new();
    archive_entry_set_pathname(entry, "rows.jsonl");
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_size(entry, (la_int64_t)len);
    archive_write_header(a, entry);
    archive_write_data(a, data, len);
    archive_entry_free(entry);
    archive_write_close(a);
    archive_write_free(a);
    return out;
}

/* Reads what is at path in pieces of step bytes. True if it is data; else error has the reason. */
static inline bool reads_as(const void *data, size_t len, size_t step, char error[256]) {
    stream *s = stream_open(path, &limits, error, 256);
    if (!s) return false;
    char *got = malloc(len + step + 1);
    size_t n = 0;
    ssize_t piece;
    stream_next(s);
    while (n <= len && (piece = stream_read(s, got + n, step)) > 0) n += (size_t)piece;
    bool same = piece == 0 && n == len && memcmp(got, data, len) == 0;
    if (same) same = stream_read(s, got, 1) == 0;
    if (piece < 0 && stream_read(s, got, 1) != -1) same = true; /* an error must stay one */
    snprintf(error, 256, "%s", stream_error(s));
    free(got);
    stream_close(s);
    return same;
}

/* Text that compresses, but not to nothing. */
static inline bytes make_rows(size_t len) {
    bytes b = {malloc(len), len};
    unsigned seed = 1;
    for (size_t i = 0; i < len; i++) {
        seed = seed * 1103515245 + 12345;
        b.data[i] = "{\"id\":0123456789}\n"[seed >> 16 & 15];
    }
    return b;
}

#endif
