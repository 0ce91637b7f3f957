/* json_array: cuts the elements out of a JSON array whose text comes in pieces, so that a file that
 * is one array is never in memory as a whole; or the objects that stand one behind another, over
 * any number of lines, without an array around them.
 *
 * It looks for the ends of elements only; what they hold is json_reader's to judge. Works on
 * borrowed memory; owns nothing. */
#ifndef FELLOWSHIP_BASE_JSON_ARRAY_H
#define FELLOWSHIP_BASE_JSON_ARRAY_H

#include <stdbool.h>
#include <stddef.h>

typedef struct json_array {
    /* The element, and how many bytes of the text are done with. */
    size_t at, len, used;

    /* The error, and the byte of the text where it lies. */
    const char *error;
    size_t error_at;

    /* Private from here on. */
    size_t scanned; /* bytes that need no second look */
    size_t depth;
    int state;
    bool bare;
} json_array;

enum json_array_status {
    JSON_ARRAY_ELEMENT,
    JSON_ARRAY_MORE, /* what comes next goes on behind the text */
    JSON_ARRAY_END,  /* nothing but white space follows the array, or the last object */
    JSON_ARRAY_ERROR /* final: this is no array, or where its elements end is not known any more */
};

/* Prepares for an array, or for `bare` objects, whatever it held before. */
void json_array_init(json_array *a, bool bare);

/* Finds the next element; `last` says that no more text follows. After JSON_ARRAY_MORE comes the
 * same text again with more behind it (or as the last), at any address; after an element, what
 * follows its `used` bytes. */
enum json_array_status json_array_next(json_array *a, const char *text, size_t len, bool last);

#endif
