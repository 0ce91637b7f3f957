#include "base/delimiter.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/csv.h"

/* As much of a text as is looked at: bytes, and rows behind the header. */
#define LOOK ((size_t)1 << 20)
enum { ROWS = 10 };

static const char known[] = {',', ';', '|', '\t'};
enum { KNOWN = sizeof known };

size_t delimiter_line(const char *text, size_t len, char *delimiter) {
    size_t quoted = len > 0 && text[0] == '"', at = quoted + 4;
    if (len < at + 2 + quoted || strncasecmp(text + quoted, "sep=", 4) != 0) return 0;
    unsigned char named = (unsigned char)text[at];
    if (named != '\t' && !ispunct(named)) return 0;
    at++;
    if (named == '"' || (quoted && text[at++] != '"')) return 0;
    if (at < len && text[at] == '\r')
        at += at + 1 < len && text[at + 1] == '\n' ? 2 : 1;
    else if (at < len && text[at] == '\n')
        at++;
    else
        return 0;
    *delimiter = (char)named;
    return at;
}

/* A text parted by one delimiter: cells of its header, how many of the rows behind it have as many,
 * and whether more of the text could tell more. */
typedef struct trial {
    size_t cells, alike;
    bool open;
} trial;

static trial attempt(char delimiter, const char *text, size_t len, bool last, size_t records) {
    trial t = {0};
    csv_reader r;
    csv_init(&r, delimiter);
    for (size_t at = 0; records > 0; at += r.used) {
        enum csv_status status = csv_next(&r, text + at, len - at, last);
        t.open = status == CSV_MORE;
        if (status != CSV_RECORD && status != CSV_BLANK) break;
        if (status == CSV_BLANK) continue;
        if (t.cells == 0)
            t.cells = r.count;
        else if (r.count == t.cells)
            t.alike++;
        records--;
    }
    csv_free(&r);
    return t;
}

bool delimiter_tell(const char *text, size_t len, bool last, char *delimiter) {
    bool whole = last || len >= LOOK;
    if (len > LOOK) len = LOOK, last = false;
    size_t parting = 0;
    bool parts[KNOWN];
    *delimiter = ',';
    for (size_t i = 0; i < KNOWN; i++) {
        trial t = attempt(known[i], text, len, last, 1);
        if (t.open && !whole) return false;
        parts[i] = t.cells > 1;
        if (!parts[i]) continue;
        parting++;
        *delimiter = known[i];
    }
    if (parting <= 1) return true;
    trial best = {0};
    for (size_t i = 0; i < KNOWN; i++) {
        if (!parts[i]) continue;
        trial t = attempt(known[i], text, len, last, 1 + ROWS);
        if (t.open && !whole) return false;
        if (t.alike < best.alike || (t.alike == best.alike && t.cells <= best.cells)) continue;
        best = t;
        *delimiter = known[i];
    }
    return true;
}
