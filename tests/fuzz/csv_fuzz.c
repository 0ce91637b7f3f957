/* Any text as a table: pieces read as the whole does, and what was read, written with quotes, reads
 * the same. The first byte chooses the delimiter and how long the pieces are. */
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"

static void check(int truth) {
    if (!truth) abort();
}

static void write_field(buf *out, const char *text, size_t len) {
    check(buf_append_char(out, '"'));
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '"') check(buf_append_char(out, '"'));
        check(buf_append_char(out, text[i]));
    }
    check(buf_append_char(out, '"'));
}

/* Appends every record with each field quoted. Returns where the error is, or -1. */
static long rewrite(const char *text, size_t len, char delimiter, size_t step, buf *out) {
    csv_reader r;
    csv_init(&r, delimiter);
    buf field = {0};
    size_t from = 0, known = 0;
    long failed = -1;
    for (;;) {
        /* At an address of its own, so that a read outside of the piece is found. */
        char *piece = malloc(known - from + 1);
        memcpy(piece, text + from, known - from);
        enum csv_status status = csv_next(&r, piece, known - from, known == len);
        if (status == CSV_RECORD) {
            check(r.count > 0 && r.len <= r.used && r.used <= known - from);
            for (size_t i = 0; i < r.count; i++) {
                const csv_field *f = &csv_fields(&r)[i];
                check(f->at + f->len <= r.len);
                buf_clear(&field);
                if (f->doubled)
                    check(csv_unquote(&field, piece + f->at, f->len));
                else
                    check(buf_append(&field, piece + f->at, f->len));
                if (i > 0) check(buf_append_char(out, delimiter));
                write_field(out, field.data, field.len);
            }
            check(buf_append_char(out, '\n'));
        }
        free(piece);
        if (status == CSV_RECORD || status == CSV_BLANK) check(r.used > 0), from += r.used;
        if (status == CSV_ERROR) failed = (long)(from + r.error_at);
        if (status == CSV_ERROR || status == CSV_END) break;
        check(status != CSV_MORE || known < len);
        if (status == CSV_MORE) known = known + step < len ? known + step : len;
    }
    check(failed >= 0 || from == len);
    buf_free(&field);
    csv_free(&r);
    return failed;
}

static int same(const buf *a, const buf *b) {
    return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
    if (size == 0) return 0;
    char delimiter = data[0] & 1 ? ',' : '\t';
    const char *text = (const char *)data + 1;
    size--;
    buf whole = {0}, pieces = {0}, again = {0};
    long failed = rewrite(text, size, delimiter, size + 1, &whole);
    check(rewrite(text, size, delimiter, (size_t)(data[0] >> 1) + 1, &pieces) == failed);
    check(same(&whole, &pieces));
    check(rewrite(whole.data ? whole.data : "", whole.len, delimiter, 7, &again) == -1);
    check(same(&whole, &again));
    buf_free(&whole);
    buf_free(&pieces);
    buf_free(&again);
    return 0;
}
