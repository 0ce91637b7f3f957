/* csv: the records of a CSV or TSV text that comes in pieces (RFC 4180).
 *
 * Fields are parted by the delimiter, records by LF, CRLF or a CR alone; the last one may do
 * without. A field that begins with a quote ends with one, and holds delimiters, line ends and
 * doubled quotes; any other field is its text as it stands, quotes too. Python's csv module, with
 * strict=True, reads the same. Empty lines are no records.
 *
 * The reader borrows the text, and owns the list of fields, freed by csv_free. */
#ifndef FELLOWSHIP_BASE_CSV_H
#define FELLOWSHIP_BASE_CSV_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* A field's text without its outer quotes. */
typedef struct csv_field {
    size_t at, len; /* in the text given to csv_next */
    bool doubled;   /* it holds doubled quotes: see csv_unquote */
} csv_field;

typedef struct csv_reader {
    char delimiter;

    /* The record, which begins the text given to csv_next. */
    size_t count; /* of its fields */
    size_t len;   /* its bytes, without the line end */
    size_t used;  /* its bytes with the line end */

    /* The error, and the byte of the text where it lies. */
    const char *error;
    size_t error_at;

    /* Private from here on. */
    buf fields;
    size_t scanned; /* bytes that need no second look */
    size_t field_at;
    bool field_doubled;
    int state;
} csv_reader;

enum csv_status {
    CSV_RECORD,
    CSV_BLANK, /* an empty line, of `used` bytes */
    CSV_MORE,  /* the record goes on behind the text */
    CSV_END,   /* the text is empty and the last */
    CSV_ERROR  /* final: where records begin and end is not known any more */
};

/* Prepares a reader that is new or freed. Allocates nothing. */
void csv_init(csv_reader *r, char delimiter);

void csv_free(csv_reader *r);

/* Finds the record that begins at `text`; `last` says that no more text follows. After CSV_MORE
 * comes the same text again with more behind it (or as the last), at any address; after a record or
 * a blank, what follows its `used` bytes. */
enum csv_status csv_next(csv_reader *r, const char *text, size_t len, bool last);

/* The record's fields, until the next call. */
static inline const csv_field *csv_fields(const csv_reader *r) {
    return (const csv_field *)(const void *)r->fields.data;
}

/* Appends a field's text with doubled quotes made single. False means that memory ran out. */
bool csv_unquote(buf *out, const char *text, size_t len);

#endif
