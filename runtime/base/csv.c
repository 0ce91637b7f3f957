#include "base/csv.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum state {
    AT_RECORD, /* nothing of the record is read */
    AT_FIELD,  /* behind a delimiter */
    PLAIN,     /* in a field without quotes */
    QUOTED,    /* in a quoted field */
    AT_QUOTE   /* behind a quote in a quoted field */
};

void csv_init(csv_reader *r, char delimiter) {
    *r = (csv_reader){.delimiter = delimiter};
}

void csv_free(csv_reader *r) {
    buf_free(&r->fields);
}

static enum csv_status fail(csv_reader *r, const char *error, size_t at) {
    r->error = error;
    r->error_at = at;
    return CSV_ERROR;
}

/* The first delimiter or byte of a line end from p on; `end` when there is none. */
static const char *scan_plain(const char *p, const char *end, char delimiter) {
#ifdef __SSE2__
    const __m128i wanted = _mm_set1_epi8(delimiter);
    const __m128i lf = _mm_set1_epi8('\n'), cr = _mm_set1_epi8('\r');
    for (; end - p >= 16; p += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i line_end = _mm_or_si128(_mm_cmpeq_epi8(bytes, lf), _mm_cmpeq_epi8(bytes, cr));
        int mask = _mm_movemask_epi8(_mm_or_si128(line_end, _mm_cmpeq_epi8(bytes, wanted)));
        if (mask) return p + __builtin_ctz((unsigned)mask);
    }
#endif
    while (p < end && *p != delimiter && *p != '\n' && *p != '\r') p++;
    return p;
}

static bool add_field(csv_reader *r, size_t end) {
    csv_field field = {r->field_at, end - r->field_at, r->field_doubled};
    r->field_doubled = false;
    r->count++;
    return buf_append(&r->fields, &field, sizeof field);
}

/* The record ends at `at`, and its line end at `used`. */
static enum csv_status end_record(csv_reader *r, size_t at, size_t used) {
    r->state = AT_RECORD;
    r->scanned = 0;
    r->len = at;
    r->used = used;
    return at == 0 ? CSV_BLANK : CSV_RECORD;
}

/* Reads what parts fields or records, at `at`. CSV_MORE when the record goes on. */
static enum csv_status separate(csv_reader *r, const char *text, size_t len, size_t at) {
    if (at == len) return end_record(r, at, at);
    if (text[at] == r->delimiter) {
        r->state = AT_FIELD;
        r->scanned = at + 1;
        return CSV_MORE;
    }
    bool pair = text[at] == '\r' && at + 1 < len && text[at + 1] == '\n';
    return end_record(r, at, at + 1 + pair);
}

enum csv_status csv_next(csv_reader *r, const char *text, size_t len, bool last) {
    if (r->error) return CSV_ERROR;
    if (r->state == AT_RECORD) {
        buf_clear(&r->fields);
        r->count = 0;
        if (len == 0) return last ? CSV_END : CSV_MORE;
    }
    for (;;) {
        size_t at = r->scanned, end;
        if (at == len && !last) return CSV_MORE;
        switch (r->state) {
        case AT_RECORD:
        case AT_FIELD: {
            bool quoted = at < len && text[at] == '"';
            r->state = quoted ? QUOTED : PLAIN;
            r->scanned = r->field_at = at + quoted;
            continue;
        }
        case PLAIN:
            end = at = (size_t)(scan_plain(text + at, text + len, r->delimiter) - text);
            r->scanned = at;
            if (at == len && !last) return CSV_MORE;
            break;
        case QUOTED: {
            const char *quote = at < len ? memchr(text + at, '"', len - at) : NULL;
            r->scanned = quote ? (size_t)(quote - text) + 1 : len;
            if (quote) r->state = AT_QUOTE;
            if (!quote && last) return fail(r, "a quote that is never closed", r->field_at - 1);
            continue;
        }
        default: /* AT_QUOTE */
            if (at < len && text[at] == '"') {
                r->field_doubled = true;
                r->state = QUOTED;
                r->scanned = at + 1;
                continue;
            }
            end = at - 1;
            if (at < len && text[at] != r->delimiter && text[at] != '\n' && text[at] != '\r')
                return fail(r, "text behind a closing quote (a quote inside of quotes is doubled)",
                            at);
        }
        if (at + 1 == len && text[at] == '\r' && !last) return CSV_MORE; /* does an LF follow? */
        if ((at > 0 || text[0] == r->delimiter) && !add_field(r, end))
            return fail(r, "out of memory", at);
        enum csv_status status = separate(r, text, len, at);
        if (status != CSV_MORE) return status;
    }
}

bool csv_unquote(buf *out, const char *text, size_t len) {
    if (!buf_reserve(out, len)) return false;
    const char *end = text + len;
    while (text < end) {
        const char *quote = memchr(text, '"', (size_t)(end - text));
        size_t n = quote ? (size_t)(quote - text) + 1 : (size_t)(end - text);
        buf_append(out, text, n); /* fits */
        text += n + (quote ? 1 : 0);
    }
    return true;
}
