/* redact: texts of servers without the secrets that were sent to them.
 *
 * A long secret is found as it is and in the forms that servers and libraries give it: in other
 * case, with JSON's, C's, HTML's or a URL's escapes, broken by white space, in hexadecimal, and in
 * either alphabet of base64, whatever stands before it there. A short one ("test") may be an
 * ordinary word of an answer: it is found as it is, and only in the text of a failure. One of less
 * than four bytes stands in for a key where a server wants none, and is no secret.
 *
 * The time is linear in the text. */
#ifndef FELLOWSHIP_BASE_REDACT_H
#define FELLOWSHIP_BASE_REDACT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* What stands in a secret's place. */
#define REDACTED "[redacted]"

/* The secrets to look for; it does not change once texts are looked at. */
typedef struct redactor redactor;

/* NULL when out of memory. */
redactor *redactor_new(void);
void redactor_free(redactor *r); /* r may be NULL */

/* Copies a secret of `len` bytes into r; false when out of memory. */
bool redactor_add(redactor *r, const char *secret, size_t len);

/* Takes the secrets out of a whole text. False when out of memory, and the text is empty then:
 * rather none than one with a secret in it. r may be NULL. */
bool redact(const redactor *r, bool failed, buf *text);

/* Whether a text that is no failure's holds none of the secrets, so that redact would leave it as it
 * is; false also when out of memory. r may be NULL. */
bool redact_is_clean(const redactor *r, const char *text, size_t len);

/* One text, no failure's, that comes in pieces. */
typedef struct redaction redaction;

/* NULL when out of memory. r must outlive it. */
redaction *redaction_new(const redactor *r);
void redaction_free(redaction *s); /* s may be NULL */

/* Takes the next piece, and appends to `out` what may be shown by now: an end that may be the
 * beginning of a secret is held back until more comes or this was the last piece. False when out
 * of memory. */
bool redaction_add(redaction *s, const char *piece, size_t len, bool last, buf *out);

#endif
