/* unescape: the characters that a text means, however often it was put into strings of JSON and C,
 * into URLs and into HTML. It is lenient, for who looks for something that servers may have
 * escaped; it is no decoder. */
#ifndef FELLOWSHIP_BASE_UNESCAPE_H
#define FELLOWSHIP_BASE_UNESCAPE_H

#include <stdbool.h>
#include <stddef.h>

typedef struct unit {
    size_t len; /* bytes that it takes; 0 when more are wanted to tell, never so at the end */
    int c;      /* the character, 0 for one past 255; -1 for none: white space, a backslash */
} unit;

/* The first unit of the text [p, end), which is not empty; `last`: nothing follows it. */
unit next_unit(const char *p, const char *end, bool last);

#endif
