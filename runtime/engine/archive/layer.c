#include "engine/archive/layer.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TAR_BLOCK = 512, TAR_NAME = 100, TAR_MAGIC = 257 };

static const char no_memory[] = "cannot read a file: out of memory";

int stream_fail(stream_report *r, const char *format, ...) {
    if (r->error[0]) return -1;
    char *what = NULL, *whole = NULL;
    va_list args;
    va_start(args, format);
    if (vasprintf(&what, format, args) < 0) what = NULL;
    va_end(args);
    if (what && asprintf(&whole, "cannot read %s%s%s: %s", r->file, r->member ? ", member " : "",
                         r->member ? r->member : "", what) < 0)
        whole = NULL;
    free(what);
    r->error = whole ? whole : no_memory;
    return -1;
}

void stream_report_clear(stream_report *r) {
    if (r->error[0] && r->error != no_memory) free((void *)(uintptr_t)r->error);
    free(r->file);
    free(r->member);
}

layer layer_over(layer *below, ssize_t (*produce)(layer *, void *, size_t), void (*free)(layer *)) {
    return (layer){.produce = produce,
                   .free = free,
                   .below = below,
                   .report = below->report,
                   .depth = below->depth + 1};
}

/* Counts what a layer made; -1 when it is more than the limits allow for what was read. */
static int count(const layer *s, ssize_t n) {
    stream_report *r = s->report;
    uint64_t made = r->made[s->depth] += (uint64_t)n, ratio = r->limits.ratio;
    if (s->depth == 0 || ratio == 0 || made <= r->limits.free || made / ratio <= r->read) return 0;
    return stream_fail(r,
                       "%" PRIu64 " bytes expanded to over %" PRIu64 ", %" PRIu64
                       " times as many, as an archive bomb does; if it is none, raise "
                       "--max-expansion (now %" PRIu64 "; 0 for no cap)",
                       r->read, made, made / r->read, ratio);
}

static ssize_t produce(layer *s, void *buf, size_t n) {
    if (s->report->error[0]) return -1;
    if (s->ended) return 0;
    ssize_t got = s->produce(s, buf, n);
    if (s->report->error[0]) return -1; /* whatever a library made of it */
    if (got == 0) s->ended = true;
    return count(s, got) < 0 ? -1 : got;
}

ssize_t layer_read(layer *s, void *buf, size_t n) {
    if (s->at == s->len) return produce(s, buf, n);
    if (n > s->len - s->at) n = s->len - s->at;
    memcpy(buf, s->ahead + s->at, n);
    s->at += n;
    return (ssize_t)n;
}

int64_t layer_seek(layer *s, int64_t offset, int whence) {
    s->at = s->len = 0;
    s->ended = false;
    return s->seek(s, offset, whence);
}

/* A tar header proves itself: the octal number at 148 is the sum of its 512 bytes, with the eight
 * that hold it counted as spaces (POSIX.1 pax, "ustar Interchange Format"); some old tars added
 * signed bytes. v7 has no magic, and a text may hold "ustar" anywhere. */
static bool is_tar_header(const unsigned char *block) {
    long sum = 0, signed_sum = 0;
    for (size_t i = 0; i < TAR_BLOCK; i++) {
        unsigned char c = i >= 148 && i < 156 ? ' ' : block[i];
        sum += c;
        signed_sum += (signed char)c;
    }
    char field[9] = {0};
    memcpy(field, block + 148, 8);
    char *end;
    long noted = strtol(field, &end, 8);
    return block[0] != '\0' && end != field && (noted == sum || noted == signed_sum);
}

typedef enum verdict { NO, MAYBE, YES } verdict;

/* Before a whole header is there: text soon has a line end, which a header has not. A header that
 * the end of the file cuts is known by its magic. */
static verdict looks_tar(const unsigned char *p, size_t len, bool ended) {
    if (len >= TAR_BLOCK) return is_tar_header(p) ? YES : NO;
    if (ended)
        return len >= TAR_MAGIC + 5 && memcmp(p + TAR_MAGIC, "ustar", 5) == 0 &&
                       memchr(p, '\0', TAR_NAME)
                   ? YES
                   : NO;
    return memchr(p, '\n', len) || (len > 0 && p[0] == '\0') ? NO : MAYBE;
}

/* First bytes. So many as `enough` do for a file that ends within them: no text begins so. */
static const struct {
    layer_kind kind;
    const char *bytes;
    size_t len, enough;
} magics[] = {{KIND_GZIP, "\x1f\x8b", 2, 2},
              {KIND_XZ,
               "\xfd"
               "7zXZ\0",
               6, 2},
              {KIND_ZSTD, "\x28\xb5\x2f\xfd", 4, 2},
              {KIND_ZIP, "PK\3\4", 4, 3},
              {KIND_ZIP, "PK\5\6", 4, 3}};

static verdict begins(const unsigned char *p, size_t len, const char *bytes, size_t all,
                      size_t enough, bool ended) {
    if (memcmp(p, bytes, len < all ? len : all) != 0) return NO;
    if (len >= all) return YES;
    if (ended) return len >= enough ? YES : NO;
    return MAYBE;
}

/* The level, then the mark of a block or of the end; "BZh" alone may begin a text. */
static verdict looks_bzip2(const unsigned char *p, size_t len, bool ended) {
    char magic[] = "BZh9\x31\x41\x59\x26\x53\x59", empty[] = "BZh9\x17\x72\x45\x38\x50\x90";
    if (len > 3 && p[3] >= '1' && p[3] <= '9') magic[3] = empty[3] = (char)p[3];
    verdict full = begins(p, len, magic, 10, 5, ended);
    return full != NO ? full : begins(p, len, empty, 10, 5, ended);
}

/* zstd's frames may begin with ones to skip, of 16 magics (RFC 8878, 3.1.2). */
static verdict looks_skippable(const unsigned char *p, size_t len, bool ended) {
    char magic[] = "P*M\x18";
    if (len > 0 && (p[0] & 0xf0) == 0x50) magic[0] = (char)p[0];
    return begins(p, len, magic, 4, 4, ended);
}

/* The kind, or MAYBE_KIND when more bytes are needed to tell. */
enum { MAYBE_KIND = KIND_ZIP + 1 };

static int classify(const unsigned char *p, size_t len, bool ended) {
    bool maybe = false;
    for (size_t i = 0; i < sizeof magics / sizeof *magics; i++) {
        verdict v = begins(p, len, magics[i].bytes, magics[i].len, magics[i].enough, ended);
        if (v == YES) return (int)magics[i].kind;
        maybe = maybe || v == MAYBE;
    }
    verdict bzip2 = looks_bzip2(p, len, ended), skip = looks_skippable(p, len, ended),
            tar = looks_tar(p, len, ended);
    if (bzip2 == YES) return KIND_BZIP2;
    if (skip == YES) return KIND_ZSTD;
    if (tar == YES) return KIND_TAR;
    return maybe || bzip2 == MAYBE || skip == MAYBE || tar == MAYBE ? MAYBE_KIND : KIND_PLAIN;
}

int layer_look(layer *s) {
    for (;;) {
        int kind = classify(s->ahead, s->len, s->ended);
        if (kind != MAYBE_KIND) return kind;
        ssize_t n = produce(s, s->ahead + s->len, sizeof s->ahead - s->len);
        if (n < 0) return -1;
        s->len += (size_t)n;
    }
}

const char *layer_kind_name(layer_kind kind) {
    static const char *const names[] = {
        [KIND_PLAIN] = "plain", [KIND_GZIP] = "gzip", [KIND_BZIP2] = "bzip2", [KIND_XZ] = "xz",
        [KIND_ZSTD] = "zstd",   [KIND_TAR] = "tar",   [KIND_ZIP] = "zip"};
    return names[kind];
}

void layer_free(layer *s) {
    if (s) s->free(s);
}
