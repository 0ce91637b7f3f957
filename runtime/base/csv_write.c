#include "base/csv_write.h"

#include <string.h>

static bool needs_quotes(const char *text, size_t len, char delimiter) {
    if (len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) return true;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (c == delimiter || c == '"' || c == '\n' || c == '\r') return true;
    }
    return false;
}

bool csv_write_cell(buf *out, const char *text, size_t len, char delimiter, bool alone) {
    if (len == 0) return !alone || buf_append_str(out, "\"\"");
    if (!needs_quotes(text, len, delimiter)) return buf_append(out, text, len);
    if (!buf_append_char(out, '"')) return false;
    for (const char *at = text, *end = text + len; at < end;) {
        const char *quote = memchr(at, '"', (size_t)(end - at));
        size_t run = (size_t)((quote ? quote + 1 : end) - at);
        if (!buf_append(out, at, run) || (quote && !buf_append_char(out, '"'))) return false;
        at += run;
    }
    return buf_append_char(out, '"');
}
