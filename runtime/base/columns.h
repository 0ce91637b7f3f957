/* columns: the columns of a table that rows of JSON make, and the one type that each needs, found
 * over all of its values.
 *
 * Types are written as SQL has them: BOOLEAN, BIGINT, UBIGINT, DOUBLE, VARCHAR, lists as TYPE[],
 * objects as STRUCT("name" TYPE, ...). A column whose values have no type in common is JSON, as are
 * objects of ever other keys, and whole numbers that 64 bits do not hold. */
#ifndef FELLOWSHIP_BASE_COLUMNS_H
#define FELLOWSHIP_BASE_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

typedef struct columns columns;

/* NULL when out of memory. */
columns *columns_new(void);

void columns_free(columns *);

enum columns_status {
    COLUMNS_TAKEN,
    COLUMNS_SURROGATE, /* a text holds half a surrogate pair, which no table holds */
    COLUMNS_NO_MEMORY
};

/* Takes a row into account: the text of an object of JSON, which is sound. A row that is refused
 * must not stand in the table. */
enum columns_status columns_take(columns *, const char *row, size_t len);

size_t columns_count(const columns *);

/* The longest row, in bytes. */
size_t columns_longest(const columns *);

/* The name of column i, from 0, in the order of their coming. */
const char *columns_name(const columns *, size_t i, size_t *len);

/* Whether each column has a name that differs from the others' by more than case, as SQL wants it.
 */
bool columns_are_named(const columns *);

/* Appends the type of a column. False when out of memory. */
bool columns_type(const columns *, size_t i, buf *out);

/* Whether a column has fractions of more digits than a double holds, which are rounded. */
bool columns_rounds(const columns *, size_t i);

/* Why a column is JSON: two kinds of values that it has, such as "a number" and "a text", and the
 * rows (from 0) that were the first to hold them. NULL when it is of one type. */
typedef struct columns_clash {
    const char *first, *second;
    uint64_t first_row, second_row;
} columns_clash;

bool columns_clashes(const columns *, size_t i, columns_clash *clash);

#endif
