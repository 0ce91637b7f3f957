/* store_likeness: how alike two requests are, in canonical JSON. Nothing is kept. */
#ifndef FELLOWSHIP_ENGINE_STORE_LIKENESS_H
#define FELLOWSHIP_ENGINE_STORE_LIKENESS_H

#include <stddef.h>

#include "base/json.h"

/* The number of members of two objects that are equal, `content` left out, plus `weight` times the
 * part of that member's bytes which both have in common at its begin and its end. Negative when one
 * of them is no object, or has no such member. The reader is the caller's, to be used again. */
double store_likeness(json_reader *reader, const char *a, size_t a_len, const char *b, size_t b_len,
                      const char *content, double weight);

#endif
