/* records: cuts a dataset's text, which comes in pieces, into the texts of its rows: lines of JSON,
 * elements of a JSON array, objects one behind another, records of CSV or TSV.
 *
 * UTF-8 byte order marks are passed over, UTF-16 is refused, blank lines are left out. What parts
 * the fields of a CSV text is told by its first rows.
 * It finds where records end; what they hold is for others to judge. The text is borrowed; what is
 * owned is freed by records_free. */
#ifndef FELLOWSHIP_BASE_RECORDS_H
#define FELLOWSHIP_BASE_RECORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/csv.h"
#include "base/json_array.h"
#include "base/position.h"

enum record_format {
    RECORD_UNKNOWN, /* to be told by its first character: [ or { */
    RECORD_JSONL,
    RECORD_JSON, /* one array; or JSON Lines or objects, when it begins with { */
    RECORD_CSV,
    RECORD_TSV,
    RECORD_OBJECTS /* over several lines, or several on one: told by the first one */
};

/* The format that a file's name stands for, by its ending in any case, under one of compression:
 * .jsonl, .ndjson, .json, .csv, .tsv; unknown for any other name. */
enum record_format record_format_of(const char *name);

/* Whether the name has no ending at all, but for one of compression. */
bool record_name_is_bare(const char *name);

typedef struct records {
    enum record_format format; /* may change from unknown, and between those of JSON */

    /* The record in the text given to records_next. */
    size_t at, len;
    position where;

    size_t used; /* bytes of the text that are done with, the record's too; after every call */

    /* The error, and where it lies. */
    const char *error;
    position error_where;

    csv_reader csv; /* its fields, counted from the record's begin */

    /* Private from here on. */
    json_array array;
    position here;   /* of the text's begin */
    size_t searched; /* no line ends before this */
    size_t first;    /* the first object's end, and the white space behind it */
    bool begun, told;
} records;

enum record_status {
    RECORD_FOUND,
    RECORD_MORE, /* the text must go on */
    RECORD_END,
    RECORD_ERROR /* final */
};

/* Prepares for a text in that format, whatever it held before; {0} at first. */
void records_init(records *r, enum record_format format);

void records_free(records *r);

/* Finds the next record; `last` says that no more text follows. The next call's text begins behind
 * the `used` bytes of this one's. */
enum record_status records_next(records *r, const char *text, size_t len, bool last);

/* Where the byte at `offset` of the record that was found stands. */
position records_position(const records *r, const char *record, size_t offset);

/* Where the text that is not done with begins. */
static inline position records_here(const records *r) {
    return r->here;
}

#endif
