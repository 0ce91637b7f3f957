#include "engine/archive/zip.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Lengths of the records without what varies, the signature's four bytes included. */
enum {
    DIRECTORY = 46,
    END = 22,
    END64 = 12, /* up to its own length */
    LOCATOR64 = 20,
    LONGEST_COMMENT = 65535,
    LIBARCHIVE_LOOKS = 16 * 1024, /* for the end record, from the end of the file */
};

static unsigned le16(const unsigned char *p) {
    return p[0] | (unsigned)p[1] << 8;
}

static uint64_t le64(const unsigned char *p) {
    uint64_t n = 0;
    for (int i = 8; i-- > 0;) n = n << 8 | p[i];
    return n;
}

static int cut_short(feed *f) {
    return stream_fail(f->from->report, "cut short (inside the zip archive's directory)");
}

/* Exactly n bytes of what the reader left. */
static int take(feed *f, unsigned char *buf, size_t n) {
    for (size_t got = 0; got < n;) {
        ssize_t more = feed_rest(f, buf + got, n - got);
        if (more <= 0) return more < 0 ? -1 : cut_short(f);
        got += (size_t)more;
    }
    return 0;
}

static int pass(feed *f, uint64_t n) {
    unsigned char scratch[1024];
    while (n > 0) {
        size_t piece = n < sizeof scratch ? (size_t)n : sizeof scratch;
        if (take(f, scratch, piece) < 0) return -1;
        n -= piece;
    }
    return 0;
}

/* One entry of the directory; its signature has been read. */
static int check_entry(feed *f) {
    unsigned char p[DIRECTORY];
    if (take(f, p + 4, DIRECTORY - 4) < 0) return -1;
    if (p[5] == 3 && S_ISLNK(le16(p + 40))) /* made on Unix, whose mode it holds */
        return stream_fail(f->from->report,
                           "it holds a symbolic link, which a zip archive tells only at its end; "
                           "give the archive as a file, not through a pipe or compressed");
    return pass(f, (uint64_t)le16(p + 28) + le16(p + 30) + le16(p + 32));
}

int zip_check_end(feed *f, uint64_t count) {
    stream_report *r = f->from->report;
    unsigned char p[END];
    for (uint64_t listed = 0;;) {
        if (take(f, p, 4) < 0) return -1;
        if (memcmp(p, "PK\1\2", 4) == 0) {
            listed++;
            if (check_entry(f) < 0) return -1;
        } else if (memcmp(p, "PK\6\6", 4) == 0) {
            if (take(f, p + 4, END64 - 4) < 0 || pass(f, le64(p + 4)) < 0) return -1;
        } else if (memcmp(p, "PK\6\7", 4) == 0) {
            if (pass(f, LOCATOR64 - 4) < 0) return -1;
        } else if (memcmp(p, "PK\5\6", 4) == 0) {
            if (take(f, p + 4, END - 4) < 0 || pass(f, le16(p + 20)) < 0) return -1;
            if (listed != count)
                return stream_fail(r,
                                   "damaged (its directory lists %" PRIu64 " members, but there "
                                   "are %" PRIu64 ")",
                                   listed, count);
            return feed_expect_end(f, KIND_ZIP);
        } else {
            return stream_fail(r, "damaged (the zip archive's directory is broken)");
        }
    }
}

/* The tail of the file into buf; how much, or -1. */
static ssize_t read_tail(layer *s, unsigned char *buf, size_t n) {
    int64_t size = layer_seek(s, 0, SEEK_END);
    if (size < 0) return -1;
    if ((int64_t)n > size) n = (size_t)size;
    if (layer_seek(s, size - (int64_t)n, SEEK_SET) < 0) return -1;
    size_t len = 0;
    ssize_t more;
    while (len < n && (more = layer_read(s, buf + len, n - len)) > 0) len += (size_t)more;
    return layer_seek(s, 0, SEEK_SET) < 0 || s->report->error[0] ? -1 : (ssize_t)len;
}

int zip_find_end(layer *s) {
    size_t most = END + LONGEST_COMMENT;
    unsigned char *buf = malloc(most);
    if (!buf) return stream_fail(s->report, "out of memory");
    ssize_t len = read_tail(s, buf, most);
    bool followed = false, others = false;
    int found = -1;
    for (ssize_t at = len - END; at >= 0 && found < 0; at--) {
        if (memcmp(buf + at, "PK\5\6", 4) != 0) continue;
        ssize_t end = at + END + (ssize_t)le16(buf + at + 20);
        while (end < len && buf[end] == 0) end++;
        if (end == len) /* libarchive takes the last that looks like one, even in a comment */
            found = at > 0 && len - at <= LIBARCHIVE_LOOKS && !others;
        followed = followed || end < len;
        others = true;
    }
    free(buf);
    if (len < 0 || found >= 0) return found;
    return stream_fail(s->report,
                       followed ? "damaged (after the zip data come bytes that are none)"
                                : "cut short (a zip archive without its directory at the end)");
}
