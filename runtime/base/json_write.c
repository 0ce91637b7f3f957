/* Strings as JSON, and the order of canonical keys. Numbers are written by json_number.c. */
#include "base/json.h"

#include <stdio.h>

#include "base/json_scan.h"
#include "base/utf8.h"

/* Writes the escape for a quote, a backslash or a control character. */
static bool write_escape(buf *out, unsigned char c) {
    static const char short_forms[] = "btn?fr"; /* for 0x08 to 0x0D; 0x0B has none */
    if (!buf_reserve(out, 8)) return false;
    out->data[out->len++] = '\\';
    if (c == '"' || c == '\\')
        out->data[out->len++] = (char)c;
    else if (c >= 0x08 && c <= 0x0D && c != 0x0B)
        out->data[out->len++] = short_forms[c - 0x08];
    else
        out->len += (size_t)snprintf(out->data + out->len, 7, "u%04x", c);
    return true;
}

static const char *skip_non_ascii(const char *p, const char *end) {
    while (p < end && (unsigned char)*p >= 0x80) {
        size_t n = utf8_sequence(p, end);
        if (n == 0) break;
        p += n;
    }
    return p;
}

/* Restores `out` to the length it had and reports what happened. */
static bool undo(buf *out, size_t len, json_error *error, size_t at, const char *message) {
    out->len = len;
    error->at = at;
    snprintf(error->message, sizeof error->message, "%s", message);
    return false;
}

bool json_write_string(buf *out, const char *text, size_t len, json_error *error) {
    const char *p = text, *end = text + len;
    size_t start = out->len;
    bool ok = buf_append_char(out, '"');
    while (ok && p < end) {
        const char *run = p;
        p = json_scan_plain(p, end);
        ok = buf_append(out, run, (size_t)(p - run));
        if (!ok || p == end) break;
        run = p;
        if ((unsigned char)*p < 0x80) {
            ok = write_escape(out, (unsigned char)*p++);
        } else if ((p = skip_non_ascii(p, end)) > run) {
            ok = buf_append(out, run, (size_t)(p - run));
        } else if (utf8_surrogate(p, end)) {
            ok = buf_printf(out, "\\u%04x", (unsigned)utf8_decode(p, 3));
            p += 3;
        } else {
            return undo(out, start, error, (size_t)(p - text), "invalid UTF-8");
        }
    }
    if (ok && buf_append_char(out, '"')) return true;
    return undo(out, start, error, len, "out of memory");
}

/* A walk over a string's UTF-16 code units. */
typedef struct units {
    const char *at, *end;
    uint32_t low; /* the second half of a surrogate pair that is yet to come, or 0 */
} units;

/* The next code unit, or -1 at the end. A byte that is not UTF-8 counts as itself. */
static int32_t next_unit(units *u) {
    if (u->low) {
        int32_t low = (int32_t)u->low;
        u->low = 0;
        return low;
    }
    if (u->at == u->end) return -1;
    size_t n = utf8_surrogate(u->at, u->end) ? 3 : utf8_sequence(u->at, u->end);
    uint32_t code = n > 0 ? utf8_decode(u->at, n) : (unsigned char)*u->at;
    u->at += n > 0 ? n : 1;
    if (code < 0x10000) return (int32_t)code;
    u->low = 0xDC00 + (code & 0x3FF);
    return (int32_t)(0xD800 + ((code - 0x10000) >> 10));
}

int json_compare_utf16(const char *a, size_t a_len, const char *b, size_t b_len) {
    units left = {a, a + a_len, 0}, right = {b, b + b_len, 0};
    for (;;) {
        int32_t x = next_unit(&left), y = next_unit(&right);
        if (x != y) return x < y ? -1 : 1;
        if (x < 0) return 0;
    }
}
