/* printable: text as it may be shown on a terminal, whoever wrote it: a model, a server, a file. */
#ifndef FELLOWSHIP_BASE_PRINTABLE_H
#define FELLOWSHIP_BASE_PRINTABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* Appends the text with "?" for each control character, which could steer the terminal: C0 and C1
 * (ECMA-48), DEL, and those that turn the direction of writing for more than their own text (UAX 9:
 * embeddings, overrides, isolates). Line ends and tabs stay, CR LF becomes LF, and invalid UTF-8
 * U+FFFD. False when memory runs out. */
bool printable_append(buf *out, const char *text, size_t len);

/* Whether the text is nothing but printable ASCII, tabs and line ends: as most texts are. */
bool printable_is_plain(const char *text, size_t len);

/* Writes "fellowship: " and the formatted text, printable, to standard error, and ends the line;
 * the one way in which C speaks to people. A format that begins with a line end leaves the line
 * that the cursor is in. For any thread. */
__attribute__((format(printf, 1, 2))) void printable_say(const char *format, ...);

#endif
