/* store_likeness: how alike two requests are, in canonical JSON. Nothing is kept. */
#ifndef FELLOWSHIP_ENGINE_STORE_LIKENESS_H
#define FELLOWSHIP_ENGINE_STORE_LIKENESS_H

#include "engine/store/members.h"

/* The number of members of two objects that are equal, `content` left out, plus `weight` times the
 * part of that member's bytes which both have in common at its begin and its end. Negative when one
 * of them is no object (a count of -1), or has no such member. */
double store_likeness(const member *a, int a_count, const member *b, int b_count,
                      const char *content, double weight);

#endif
