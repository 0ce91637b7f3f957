/* rows_table: the rows of a CSV or TSV text as Lua tables: the header's names in order, and cells
 * as texts, or as values where a type is declared.
 *
 * A table is a box of two user values, made by rows_table_push; Lua owns it. */
#ifndef FELLOWSHIP_LUA_ROWS_TABLE_H
#define FELLOWSHIP_LUA_ROWS_TABLE_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/csv.h"

enum { ROWS_MESSAGE = 400 };

/* What is wrong with a record, and where in it. */
typedef struct rows_problem {
    char message[ROWS_MESSAGE]; /* with its NUL */
    bool placed;                /* `at` tells more than the record's begin */
    size_t at;
} rows_problem;

typedef struct rows_table rows_table;

/* Pushes a table whose header is the record, of `count` fields in `text`. `types` is the index of
 * nil or of a table from column to type: "text", "number", "integer", "boolean", "json".
 * True [-0, +1, m]; false [-0, +0, m] with *problem: a name that is empty or stands twice, or a
 * typed column that is not there. */
bool rows_table_push(lua_State *L, const csv_reader *csv, const char *text, int types,
                     rows_problem *problem);

/* Pushes the row of a record for the table at `index`. The text is valid UTF-8.
 * True [-0, +1, m]; false [-0, +0, m] with *problem: too few or too many cells, or one that is not
 * of its column's type. */
bool rows_table_push_row(lua_State *L, int index, const csv_reader *csv, const char *text,
                         rows_problem *problem);

/* Whether a name is a column type. */
bool rows_type_exists(const char *name);

#endif
