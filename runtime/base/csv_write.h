/* csv_write: cells of CSV and TSV (RFC 4180). */
#ifndef FELLOWSHIP_BASE_CSV_WRITE_H
#define FELLOWSHIP_BASE_CSV_WRITE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* Appends a cell: its text as it is, in quotes where it holds the delimiter, a quote or a line end,
 * or begins with a byte order mark, which a reader would take for the file's. An empty cell that
 * stands `alone` in its record is "", since readers pass over empty lines. False means that memory
 * ran out. */
bool csv_write_cell(buf *out, const char *text, size_t len, char delimiter, bool alone);

#endif
