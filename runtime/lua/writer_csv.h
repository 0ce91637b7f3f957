/* writer_csv: rows as records of CSV, for lua/writer.c. */
#ifndef FELLOWSHIP_LUA_WRITER_CSV_H
#define FELLOWSHIP_LUA_WRITER_CSV_H

#include <lua.h>
#include <stdbool.h>

#include "base/buf.h"

/* Appends the names of the columns, a sequence of strings at `columns`, as a record.
 * True [-0, +0, m]; false [-0, +1, m] with the reason, a string. `out` may then hold a part. */
bool writer_csv_header(lua_State *L, int columns, char delimiter, buf *out);

/* Appends the row at `row`: text as it is, numbers as their source has them, true and false, tables
 * as JSON, and nothing for null and for columns that the row does not have. A key that is no column
 * is a failure. As writer_csv_header. */
bool writer_csv_row(lua_State *L, int row, int columns, char delimiter, buf *out);

#endif
