/* position: where in a text something stands, for messages to people.
 *
 * Works on borrowed memory; owns nothing. */
#ifndef FELLOWSHIP_BASE_POSITION_H
#define FELLOWSHIP_BASE_POSITION_H

#include <stddef.h>

typedef struct position {
    size_t line; /* from 1 */
    size_t byte; /* of the line, from 1 */
} position;

/* Moves the position behind the text that starts there. LF, CRLF and a CR alone end a line; a CRLF
 * must not be cut in two. */
void position_move(position *p, const char *text, size_t len);

#endif
