#include "base/records.h"

#include <string.h>
#include <strings.h>

#include "base/delimiter.h"

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

static const char mark[] = "\xEF\xBB\xBF";

/* The length of the byte order marks that the text at `at` begins with: several where files with
 * such were put one behind the other. */
static size_t marks(const char *text, size_t at, size_t len) {
    size_t from = at;
    while (len - at >= 3 && memcmp(text + at, mark, 3) == 0) at += 3;
    return at - from;
}

/* Whether the mark at `at` may go on behind the text. */
static bool cut_mark(const char *text, size_t at, size_t len) {
    return len - at < 3 && memcmp(text + at, mark, len - at) == 0;
}

/* Tells how a table's cells are parted; *passed grows by what says so. False when the text must go
 * on. */
static bool begin_table(records *r, const char *text, size_t len, bool last, size_t *passed) {
    char delimiter;
    if (len - *passed < DELIMITER_LINE && !last) return false;
    size_t line = delimiter_line(text + *passed, len - *passed, &delimiter);
    if (!line && !delimiter_tell(text + *passed, len - *passed, last, &delimiter)) return false;
    csv_init(&r->csv, delimiter);
    *passed += line;
    return true;
}

/* The text, JSON of a form that neither name nor caller tell, or lines of it, begins at `at`. */
static enum record_status begin_json(records *r, const char *text, size_t at, size_t len,
                                     bool last) {
    while (at < len && memchr(" \t\r\n", text[at], 4)) at++;
    if (at == len) {
        if (!last) return RECORD_MORE;
        r->format = RECORD_JSONL;
    } else if (text[at] == '{') {
        if (r->format == RECORD_JSONL) {
            /* A brace that is alone on its line begins an object over several. */
            size_t end = at + 1;
            while (end < len && memchr(" \t\r", text[end], 3)) end++;
            if (end == len && !last) return RECORD_MORE;
            if (end == len || text[end] != '\n') return RECORD_FOUND;
        }
        r->format = RECORD_OBJECTS;
    } else if (r->format != RECORD_JSONL) {
        if (text[at] != '[')
            return fail(r, text, at,
                        r->format == RECORD_JSON
                            ? "expected '[' (an array of objects) or '{' (objects)"
                            : "the name does not tell the format, and the text begins with neither "
                              "'[' nor '{'; say --data-format jsonl, json, csv or tsv");
        r->format = RECORD_JSON;
    }
    return RECORD_FOUND;
}

/* Looks at what the text begins with; RECORD_FOUND when records may follow. */
static enum record_status begin(records *r, const char *text, size_t len, bool last) {
    if (len < 4 && !last) return RECORD_MORE;
    const char *refused = refuse_encoding((const unsigned char *)text, len);
    if (refused) return fail(r, text, 0, refused);
    size_t at = marks(text, 0, len);
    if (!last && cut_mark(text, at, len)) return RECORD_MORE;
    enum record_status status = RECORD_FOUND;
    if (r->format == RECORD_CSV && !begin_table(r, text, len, last, &at)) return RECORD_MORE;
    if (r->format != RECORD_CSV && r->format != RECORD_TSV)
        status = begin_json(r, text, at, len, last);
    if (status != RECORD_FOUND) return status;
    json_array_init(&r->array, r->format == RECORD_OBJECTS);
    r->begun = true;
    r->used = at;
    position_move(&r->here, text, at);
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
        size_t marked = marks(text, at, at + r->len);
        r->at += marked;
        r->len -= marked;
        r->where.byte += marked;
        if (is_blank(text + r->at, r->len)) continue;
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

/* The first object of a text says by its end what the text is: lines, when it has one for itself.
 */
static enum record_status first_object(records *r, const char *text, size_t len, bool last) {
    size_t at = r->used;
    bool several = false;
    if (r->first == 0) {
        enum json_array_status status = json_array_next(&r->array, text + at, len - at, last);
        if (status == JSON_ARRAY_MORE) return RECORD_MORE;
        if (status == JSON_ARRAY_ELEMENT) r->first = r->array.used;
    }
    if (r->first > 0) {
        while (at + r->first < len && memchr(" \t\r", text[at + r->first], 3)) r->first++;
        if (at + r->first == len && !last) return RECORD_MORE;
        several = (at + r->first < len && text[at + r->first] == '{') ||
                  memchr(text + at + r->array.at, '\n', r->array.len) != NULL;
    }
    if (!several) {
        r->format = RECORD_JSONL;
        return next_line(r, text, len, last);
    }
    r->told = true;
    return found(r, text, at + r->array.at, r->array.len, at + r->array.used);
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
    case RECORD_OBJECTS:
        if (!r->told) return first_object(r, text, len, last);
        return next_element(r, text, len, last);
    case RECORD_JSON: return next_element(r, text, len, last);
    default: return next_line(r, text, len, last);
    }
}
