/* delimiter: what parts the cells of a CSV text, told by its first rows, as spreadsheets of many
 * countries write them: comma, semicolon, bar or tab. Works on borrowed text. */
#ifndef FELLOWSHIP_BASE_DELIMITER_H
#define FELLOWSHIP_BASE_DELIMITER_H

#include <stdbool.h>
#include <stddef.h>

/* What is needed of a text to know whether it begins with Excel's first line. */
#define DELIMITER_LINE 9

/* The length, with its end, of a first line that says what the delimiter is, `sep=;` or the same in
 * quotes, which Excel writes and reads; 0 when there is none. */
size_t delimiter_line(const char *text, size_t len, char *delimiter);

/* Tells the delimiter of a text that begins with its header. One of the four that parts the header
 * is it; of several, the one by which most of the first rows have as many cells as the header, and
 * then the one that makes most cells of it; a comma where the header is one cell. False when the
 * text must go on for that (`last`: it does not). */
bool delimiter_tell(const char *text, size_t len, bool last, char *delimiter);

#endif
