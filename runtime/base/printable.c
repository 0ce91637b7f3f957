#include "base/printable.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"

static bool is_control(uint32_t code) {
    return (code < 0x20 && code != '\n' && code != '\t') || (code >= 0x7F && code < 0xA0) ||
           (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
}

/* How many bytes from p on are shown as they are. */
static size_t plain_length(const char *p, const char *end) {
    const char *at = p;
    while (at < end) {
        size_t n = utf8_sequence(at, end);
        if (n == 0 || is_control(utf8_decode(at, n))) break;
        at += n;
    }
    return (size_t)(at - p);
}

bool printable_append(buf *out, const char *text, size_t len) {
    buf valid = {0};
    bool well = true;
    if (utf8_valid_prefix(text, len) < len) {
        well = utf8_replace(&valid, text, len);
        text = valid.data;
        len = valid.len;
    }
    for (const char *p = text, *end = text + len; well && p < end;) {
        size_t plain = plain_length(p, end);
        well = buf_append(out, p, plain);
        p += plain;
        if (p == end) break;
        bool line_end = end - p >= 2 && p[0] == '\r' && p[1] == '\n';
        well = well && (line_end || buf_append_char(out, '?'));
        p += utf8_sequence(p, end);
    }
    buf_free(&valid);
    return well;
}

bool printable_is_plain(const char *text, size_t len) {
    enum { AT_ONCE = 64 }; /* a block without a branch within it, for the compiler to widen */
    for (size_t from = 0; from < len; from += AT_ONCE) {
        unsigned odd = 0;
        for (size_t i = from, end = len - from < AT_ONCE ? len : from + AT_ONCE; i < end; i++) {
            unsigned char c = (unsigned char)text[i];
            odd |= (unsigned char)(c - 0x20) >= 0x7F - 0x20 && c != '\n' && c != '\t';
        }
        if (odd) return false;
    }
    return true;
}

void printable_say(const char *format, ...) {
    buf line = {0};
    char *text = NULL;
    bool below = *format == '\n';
    va_list args;
    va_start(args, format);
    int len = vasprintf(&text, format + below, args);
    va_end(args);
    bool well = len >= 0 && buf_append_str(&line, below ? "\nfellowship: " : "fellowship: ") &&
                printable_append(&line, text, (size_t)len) && buf_append_char(&line, '\n');
    if (well)
        fwrite(line.data, 1, line.len, stderr);
    else
        fputs("fellowship: out of memory\n", stderr);
    if (len >= 0) free(text);
    buf_free(&line);
}
