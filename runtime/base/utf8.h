/* utf8: UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF.
 *
 * Works on borrowed memory; owns nothing. */
#ifndef FELLOWSHIP_BASE_UTF8_H
#define FELLOWSHIP_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Length (1 to 4) of the valid sequence that starts at s, or 0 where none does. s < end. */
size_t utf8_sequence(const char *s, const char *end);

/* How many bytes from the start are valid: len when all are. */
size_t utf8_valid_prefix(const char *s, size_t len);

/* Appends the bytes with U+FFFD in place of each maximal part of a sequence that is not valid, as
 * the Unicode standard recommends (chapter 3.9, "U+FFFD Substitution of Maximal Subparts") and
 * WHATWG's decoder and Python's errors="replace" do. False means that memory ran out. */
bool utf8_replace(buf *out, const char *s, size_t len);

/* Whether a surrogate (U+D800 to U+DFFF) in its generalised three-byte form starts at s. Not UTF-8;
 * JSON carries an escaped surrogate without partner in this form. s < end. */
bool utf8_surrogate(const char *s, const char *end);

/* The code point of the sequence (or surrogate) at s, of which `len` is the length. */
uint32_t utf8_decode(const char *s, size_t len);

/* Writes a code point up to U+10FFFF, a surrogate in its generalised form, and returns its length.
 */
size_t utf8_encode(char out[4], uint32_t code);

#endif
