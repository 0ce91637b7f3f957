/* fold: the words of a text, so that texts of the same words compare equal in any script
 * (utf8proc).
 *
 * What is made equal: case (full case folding; Turkish with and without dots on the i, Greek with
 * and without accents, which capitals lose), composed and decomposed forms, full and half width and
 * other compatibility forms (NFKC), characters that are not seen (soft hyphens, joiners, variation
 * selectors), all kinds of white space, quotes, brackets and sentence punctuation, which part
 * words, and all dashes, which are '-'. Signs stay: 3 + 4 is not 3 - 4, nor C++ C#. In scripts that
 * put no spaces between words (Chinese, Japanese, Thai, ...) each character is a word. */
#ifndef FELLOWSHIP_ENGINE_FOLD_H
#define FELLOWSHIP_ENGINE_FOLD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* Appends the words, with a space between each two of them and none at the ends. A text without
 * words (empty, or nothing but punctuation) gives itself, without white space at its ends. Bytes
 * that are no UTF-8 count as they stand. False means that memory ran out. */
bool fold_words(buf *out, const char *text, size_t len);

#endif
