#include "engine/archive/feed.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int feed_init(feed *f, layer *from) {
    f->from = from;
    f->rest = -1;
    const char *missing = libarchive_load();
    if (missing) return stream_fail(from->report, "%s", missing);
    f->reader = archive_read_new();
    return f->reader ? 0 : stream_fail(from->report, "out of memory");
}

static la_ssize_t give(struct archive *reader, void *arg, const void **block) {
    feed *f = arg;
    f->newer = 1 - f->newer;
    unsigned char *bytes = f->blocks[f->newer].bytes;
    ssize_t n = layer_read(f->from, bytes, FEED_BLOCK);
    if (n < 0) {
        archive_set_error(reader, EIO, "its input failed");
        return -1;
    }
    f->blocks[f->newer].start = f->taken;
    f->blocks[f->newer].len = (size_t)n;
    f->taken += n;
    *block = bytes;
    return n;
}

static la_int64_t seek(struct archive *reader, void *arg, la_int64_t offset, int whence) {
    (void)reader;
    feed *f = arg;
    int64_t at = layer_seek(f->from, offset, whence);
    if (at >= 0) f->taken = at;
    return at < 0 ? ARCHIVE_FATAL : at;
}

int feed_open(feed *f, bool seeks) {
    struct archive *r = f->reader;
    if (seeks) archive_read_set_seek_callback(r, seek);
    if (archive_read_open(r, f, NULL, give, NULL) != ARCHIVE_OK || archive_errno(r))
        return feed_fail(f);
    return 0;
}

int feed_next(feed *f, struct archive_entry **entry) {
    f->block_len = 0;
    f->block_at = f->at = 0;
    int rc = archive_read_next_header(f->reader, entry);
    if (f->from->report->error[0]) return -1;
    if (rc == ARCHIVE_EOF) return 0;
    return rc == ARCHIVE_OK || rc == ARCHIVE_WARN ? 1 : feed_fail(f);
}

ssize_t feed_read(feed *f, void *buf, size_t n) {
    while (f->block_len == 0) {
        const void *block;
        int rc = archive_read_data_block(f->reader, &block, &f->block_len, &f->block_at);
        if (rc != ARCHIVE_OK && rc != ARCHIVE_EOF) return feed_fail(f);
        f->block = block;
        if (f->block_at < f->at && f->block_len > 0)
            return stream_fail(f->from->report, "damaged (its parts overlap)");
        if (rc == ARCHIVE_EOF) {
            f->block_len = 0;
            if (f->block_at <= f->at) return 0;
            break;
        }
    }
    int64_t hole = f->block_at - f->at;
    if (n > INT64_MAX) n = INT64_MAX;
    if (hole > 0) {
        if ((int64_t)n > hole) n = (size_t)hole;
        memset(buf, 0, n);
    } else {
        if (n > f->block_len) n = f->block_len;
        memcpy(buf, f->block, n);
        f->block += n;
        f->block_len -= n;
        f->block_at += (int64_t)n;
    }
    f->at += (int64_t)n;
    return (ssize_t)n;
}

/* libarchive's words for damage name the format at best. */
int feed_fail(feed *f) {
    const char *what = archive_error_string(f->reader);
    if (archive_errno(f->reader) == ENOMEM) return stream_fail(f->from->report, "out of memory");
    return stream_fail(f->from->report, "damaged or cut short%s%s%s", what ? " (" : "",
                       what ? what : "", what ? ")" : "");
}

int64_t feed_used(const feed *f) {
    return archive_filter_bytes(f->reader, -1);
}

ssize_t feed_rest(feed *f, void *buf, size_t n) {
    if (f->rest < 0) f->rest = feed_used(f);
    for (int i = 0; i < 2; i++) {
        int64_t start = f->blocks[i].start, end = start + (int64_t)f->blocks[i].len;
        if (f->rest < start || f->rest >= end) continue;
        if (n > (size_t)(end - f->rest)) n = (size_t)(end - f->rest);
        memcpy(buf, f->blocks[i].bytes + (f->rest - start), n);
        f->rest += (int64_t)n;
        return (ssize_t)n;
    }
    if (f->rest < f->taken)
        return stream_fail(f->from->report, "damaged (its end is out of place)");
    ssize_t got = layer_read(f->from, buf, n);
    if (got > 0) {
        f->taken += got;
        f->rest = f->taken;
    }
    return got;
}

int feed_expect_end(feed *f, layer_kind kind) {
    char buf[4096];
    ssize_t n;
    while ((n = feed_rest(f, buf, sizeof buf)) > 0) {
        for (ssize_t i = 0; i < n; i++) {
            if (buf[i])
                return stream_fail(f->from->report,
                                   "damaged (after the %s data come bytes that are none)",
                                   layer_kind_name(kind));
        }
    }
    return (int)n;
}

void feed_clear(feed *f) {
    if (f->reader) archive_read_free(f->reader);
}
