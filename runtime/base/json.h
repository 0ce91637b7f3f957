/* json: the one JSON codec, in plain C: a pull reader, a writer, and what is known about numbers.
 *
 * RFC 8259, strictly: no comments, no trailing commas, no NaN, valid UTF-8 only. Two rules go
 * beyond it, so that what other programs write comes back unchanged:
 * - An escaped surrogate without its partner ("\ud800", which Python writes) is carried as the
 *   three bytes that UTF-8 would use for it, and the writer turns such bytes back into the escape.
 *   As raw bytes in a source they are an error.
 * - A number's source text is always available, and json_number_read says whether a double holds
 *   all of it.
 *
 * The reader borrows its source, which must outlive it, and owns a scratch buffer, freed by
 * json_reader_free; the writers append to a buf of the caller. */
#ifndef FELLOWSHIP_BASE_JSON_H
#define FELLOWSHIP_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum {
    JSON_DEPTH = 512,        /* arrays and objects inside one another, unless told otherwise */
    JSON_DEPTH_LIMIT = 4096, /* the most that max_depth may allow */
    JSON_MESSAGE = 160       /* bytes of an error message, with its NUL */
};

/* What went wrong, and the byte (from 0) of the source or string where it did. */
typedef struct json_error {
    char message[JSON_MESSAGE];
    size_t at;
} json_error;

/* --- reading --- */

enum json_token {
    JSON_END,   /* the text is complete */
    JSON_ERROR, /* see `error` and `error_at`; every further call says so again */
    JSON_NULL,
    JSON_TRUE,
    JSON_FALSE,
    JSON_INTEGER, /* a whole number that fits 64 bits: `integer`, and `text` as written */
    JSON_NUMBER,  /* any other number, -0 too: `text` as written, see json_number_read */
    JSON_STRING,  /* `text`, decoded */
    JSON_KEY,     /* `text`, decoded; its colon has been read */
    JSON_BEGIN_OBJECT,
    JSON_END_OBJECT,
    JSON_BEGIN_ARRAY,
    JSON_END_ARRAY
};

/* What becomes of NaN, Infinity and -Infinity, which JSON has no form for, and Python writes. */
enum json_nan { JSON_NAN_ERROR, JSON_NAN_NULL, JSON_NAN_TEXT };

typedef struct json_reader {
    /* The token. `text` is not NUL terminated, and stands until the next call: it points into the
     * source, or into the scratch buffer for a string that has escapes. */
    const char *text;
    size_t text_len;
    int64_t integer;
    size_t token_at; /* byte offset where the token starts */

    /* The error: what was found and what was expected, at which byte offset. */
    char error[JSON_MESSAGE];
    size_t error_at;

    size_t max_depth;  /* JSON_DEPTH; set it after json_reader_init, up to JSON_DEPTH_LIMIT */
    enum json_nan nan; /* the same: an error unless set, or read as null, or as that text */

    /* Private from here on. */
    const char *source, *at, *end;
    size_t depth;
    int expect;
    buf scratch;
    unsigned char in_object[JSON_DEPTH_LIMIT / 8]; /* a bit for each level */
} json_reader;

/* Prepares a reader, whatever it held before, for one JSON text. Allocates nothing. */
void json_reader_init(json_reader *r, const char *text, size_t len);

/* Gives an initialised reader its next text; scratch memory and max_depth stay. */
void json_reader_reset(json_reader *r, const char *text, size_t len);

void json_reader_free(json_reader *r);

/* Reads the next token. After the text's one value comes JSON_END; anything behind it is an error,
 * and so is a UTF-8 byte order mark before it. */
enum json_token json_next(json_reader *r);

/* The byte offset behind the token; behind its colon for a key. */
static inline size_t json_reader_offset(const json_reader *r) {
    return (size_t)(r->at - r->source);
}

/* --- numbers --- */

/* How faithfully Lua's numbers (64-bit integers, doubles) hold a number of a JSON text. */
enum json_fidelity {
    JSON_PLAIN,   /* the text is what json_write_integer or json_write_double writes */
    JSON_RESPELT, /* the same value in another spelling: 1.10, 1E5, -0 */
    JSON_LOSSY    /* more than a double holds: 1e400, 12345678901234567890 */
};

/* Reads a number that follows JSON's grammar (a JSON_INTEGER's or JSON_NUMBER's text) into the
 * nearest double, infinity where it is too large. It is lossy when it has more than 17 significant
 * digits, or when the double, printed with as many digits as the text has, prints others. */
enum json_fidelity json_number_read(const char *text, size_t len, double *value);

/* --- writing --- */

/* Writes a string with its quotes. Escapes the quote, the backslash and control characters, and
 * surrogates carried from an escape; everything else is copied. False, with *error filled, for
 * invalid UTF-8 or, with `at` = len, when memory runs out; `out` is then as it was. */
bool json_write_string(buf *out, const char *text, size_t len, json_error *error);

/* False means that memory ran out. */
bool json_write_integer(buf *out, int64_t value);

/* Writes the shortest text that reads back as the same double, in Python's layout: 1.0, 0.0001,
 * 1e-05, 1e+16. False, with *error filled, for infinity, NaN or no memory. */
bool json_write_double(buf *out, double value, json_error *error);

/* The same digits in the layout of RFC 8785 (ECMAScript's Number::toString): 1, 1e-7, 1e+21, and 0
 * for minus zero. */
bool json_write_canonical_double(buf *out, double value, json_error *error);

/* Writes a number of a JSON text in RFC 8785's layout with all of its digits, so that spellings of
 * one value agree: 1.50e1 and 15 give 15. False means that memory ran out. */
bool json_write_canonical_number(buf *out, const char *text, size_t len);

/* Orders two keys as RFC 8785 does, by their UTF-16 code units: < 0, 0 or > 0. */
int json_compare_utf16(const char *a, size_t a_len, const char *b, size_t b_len);

#endif
