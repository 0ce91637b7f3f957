#include "base/records.h"

#include <string.h>
#include <strings.h>

static const struct {
    const char *ending;
    enum record_format format;
} formats[] = {{"jsonl", RECORD_JSONL},
               {"ndjson", RECORD_JSONL},
               {"json", RECORD_JSON},
               {"csv", RECORD_CSV},
               {"tsv", RECORD_TSV}};

static const char *const compressions[] = {"gz", "zst", "xz", "bz2"};

/* The last dot before `end` in the name's last part, or NULL; one that begins it is no ending's. */
static const char *last_dot(const char *name, const char *end) {
    for (const char *p = end; p-- > name + 1 && *p != '/';)
        if (*p == '.' && p[-1] != '/') return p;
    return NULL;
}

static bool ends(const char *dot, const char *end, const char *ending) {
    size_t len = strlen(ending);
    return (size_t)(end - dot) == len + 1 && strncasecmp(dot + 1, ending, len) == 0;
}

/* The name's end without an ending of compression. */
static const char *uncompressed_end(const char *name) {
    const char *end = name + strlen(name), *dot = last_dot(name, end);
    for (size_t i = 0; dot && i < sizeof compressions / sizeof *compressions; i++)
        if (ends(dot, end, compressions[i])) return dot;
    return end;
}

enum record_format record_format_of(const char *name) {
    const char *end = uncompressed_end(name), *dot = last_dot(name, end);
    for (size_t i = 0; dot && i < sizeof formats / sizeof *formats; i++)
        if (ends(dot, end, formats[i].ending)) return formats[i].format;
    return RECORD_UNKNOWN;
}

bool record_name_is_bare(const char *name) {
    return !last_dot(name, uncompressed_end(name));
}

void records_init(records *r, enum record_format format) {
    csv_free(&r->csv);
    *r = (records){.format = format, .here = {1, 1}};
    csv_init(&r->csv, format == RECORD_TSV ? '\t' : ',');
    json_array_init(&r->array);
}

void records_free(records *r) {
    csv_free(&r->csv);
}

position records_position(const records *r, const char *record, size_t offset) {
    position p = r->where;
    position_move(&p, record, offset);
    return p;
}

/* The error lies at `at` of the text. */
static enum record_status fail(records *r, const char *text, size_t at, const char *error) {
    position_move(&r->here, text, at);
    r->error = error;
    r->error_where = r->here;
    return RECORD_ERROR;
}

/* --- the beginning of a text --- */

/* Tells what is no UTF-8 by its first four bytes (or all, when they are fewer). */
static const char *refuse_encoding(const unsigned char *b, size_t len) {
    if (len >= 2 && !b[0] != !b[1])
        return "every other byte is NUL, as in UTF-16 without a byte order mark, and UTF-8 is "
               "needed: convert it with iconv -f UTF-16LE (or UTF-16BE) -t UTF-8";
    return NULL;
}

static bool is_json(enum record_format format) {
    return format == RECORD_UNKNOWN || format == RECORD_JSON;
}

/* The length of a first line "sep=;", which Excel writes and reads, with its end; else 0. */
static size_t separator_line(const char *text, size_t len) {
    if (len < 6 || strncasecmp(text, "sep=", 4) != 0) return 0;
    if (text[5] == '\n') return 6;
    return text[5] != '\r' ? 0 : len > 6 && text[6] == '\n' ? 7 : 6;
}

/* Tells by the header what parts the fields of a table: what Excel's first line says; else a comma
 * where there is one; else what of semicolon, bar and tab there is most of. False when the header
 * is not whole yet. */
static bool tell_delimiter(records *r, const char *text, size_t len, bool last) {
    static const char others[] = ";|\t";
    size_t at = len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0, counts[3] = {0};
    if (len - at < 7 && !last) return false;
    if (separator_line(text + at, len - at)) {
        csv_init(&r->csv, text[at + 4]);
        return true;
    }
    bool quoted = false, ended = last;
    for (size_t i = at; i < len; i++) {
        const char *other = text[i] ? strchr(others, text[i]) : NULL;
        if (text[i] == '"') quoted = !quoted;
        if (quoted) continue;
        if (text[i] == ',') return true;
        if (other) counts[other - others]++;
        if (text[i] == '\n' || text[i] == '\r') {
            ended = true;
            break;
        }
    }
    size_t best = counts[1] > counts[0] ? 1 : 0;
    if (counts[2] > counts[best]) best = 2;
    if (ended && counts[best] > 0) csv_init(&r->csv, others[best]);
    return ended;
}

/* Looks at what the text begins with; RECORD_FOUND when records may follow. */
static enum record_status begin(records *r, const char *text, size_t len, bool last) {
    if (len < 4 && !last) return RECORD_MORE;
    const char *refused = refuse_encoding((const unsigned char *)text, len);
    if (refused) return fail(r, text, 0, refused);
    if (r->format == RECORD_CSV && !tell_delimiter(r, text, len, last)) return RECORD_MORE;
    size_t at = len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    if (is_json(r->format)) {
        size_t first = at;
        while (first < len && memchr(" \t\r\n", text[first], 4)) first++;
        if (first == len && !last) return RECORD_MORE;
        if (first == len) {
            r->format = RECORD_JSONL;
        } else if (text[first] == '[') {
            r->format = RECORD_JSON;
        } else if (text[first] == '{') {
            r->format = RECORD_JSONL;
            r->braces = true;
        } else {
            return fail(r, text, first,
                        r->format == RECORD_JSON
                            ? "expected '[' (an array of objects) or '{' (an object a line)"
                            : "the name does not tell the format, and the text begins with neither "
                              "'[' nor '{'; say --data-format jsonl, json, csv or tsv");
        }
    }
    r->begun = true;
    r->used = at + (r->format == RECORD_CSV ? separator_line(text + at, len - at) : 0);
    position_move(&r->here, text, r->used);
    return RECORD_FOUND;
}

/* --- records --- */

/* The record of `len` bytes at `at`, behind which `used` bytes are done with. */
static enum record_status found(records *r, const char *text, size_t at, size_t len, size_t used) {
    position_move(&r->here, text + r->used, at - r->used);
    r->where = r->here;
    position_move(&r->here, text + at, used - at);
    r->at = at;
    r->len = len;
    r->used = used;
    return RECORD_FOUND;
}

static bool is_blank(const char *line, size_t len) {
    for (size_t i = 0; i < len; i++)
        if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r') return false;
    return true;
}

/* Only LF ends a line of JSON, and the position is kept without a second look at the text. */
static enum record_status next_line(records *r, const char *text, size_t len, bool last) {
    for (;;) {
        size_t at = r->used, from = r->searched > at ? r->searched : at;
        const char *end = from < len ? memchr(text + from, '\n', len - from) : NULL;
        r->searched = len;
        if (!end && !last) {
            r->searched -= at;
            return RECORD_MORE;
        }
        if (!end && at == len) return RECORD_END;
        r->at = at;
        r->len = (end ? (size_t)(end - text) : len) - at;
        r->used = at + r->len + (end ? 1 : 0);
        r->searched = 0;
        r->where = r->here;
        r->here = (position){r->here.line + 1, 1};
        if (r->len > 0 && text[at + r->len - 1] == '\r') r->len--;
        if (is_blank(text + at, r->len)) continue;
        r->only_object = r->braces;
        r->braces = false;
        return RECORD_FOUND;
    }
}

static enum record_status next_element(records *r, const char *text, size_t len, bool last) {
    size_t at = r->used;
    switch (json_array_next(&r->array, text + at, len - at, last)) {
    case JSON_ARRAY_ELEMENT:
        return found(r, text, at + r->array.at, r->array.len, at + r->array.used);
    case JSON_ARRAY_MORE: return RECORD_MORE;
    case JSON_ARRAY_END: r->used = len; return RECORD_END;
    default: return fail(r, text + at, r->array.error_at, r->array.error);
    }
}

static enum record_status next_table_row(records *r, const char *text, size_t len, bool last) {
    for (;;) {
        size_t at = r->used;
        switch (csv_next(&r->csv, text + at, len - at, last)) {
        case CSV_RECORD: return found(r, text, at, r->csv.len, at + r->csv.used);
        case CSV_BLANK: found(r, text, at, 0, at + r->csv.used); continue;
        case CSV_MORE: return RECORD_MORE;
        case CSV_END: return RECORD_END;
        default: return fail(r, text + at, r->csv.error_at, r->csv.error);
        }
    }
}

enum record_status records_next(records *r, const char *text, size_t len, bool last) {
    if (r->error) return RECORD_ERROR;
    r->used = 0;
    if (!r->begun) {
        enum record_status status = begin(r, text, len, last);
        if (status != RECORD_FOUND) return status;
    }
    switch (r->format) {
    case RECORD_CSV:
    case RECORD_TSV: return next_table_row(r, text, len, last);
    case RECORD_JSON: return next_element(r, text, len, last);
    default: return next_line(r, text, len, last);
    }
}
