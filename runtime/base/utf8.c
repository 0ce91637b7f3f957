#include "base/utf8.h"

#include <string.h>

static inline bool continues(unsigned char c) {
    return (c & 0xC0) == 0x80;
}

/* The Unicode standard, table 3-7 "Well-Formed UTF-8 Byte Sequences": only the second byte has a
 * range that depends on the first. */
size_t utf8_sequence(const char *s, const char *end) {
    const unsigned char *u = (const unsigned char *)s;
    size_t left = (size_t)(end - s);
    unsigned char lead = u[0];
    if (lead < 0x80) return 1;
    if (lead < 0xC2) return 0;
    if (lead < 0xE0) return left >= 2 && continues(u[1]) ? 2 : 0;
    if (lead < 0xF0) {
        if (left < 3 || !continues(u[1]) || !continues(u[2])) return 0;
        if (lead == 0xE0 && u[1] < 0xA0) return 0;
        if (lead == 0xED && u[1] > 0x9F) return 0;
        return 3;
    }
    if (lead > 0xF4 || left < 4) return 0;
    if (!continues(u[1]) || !continues(u[2]) || !continues(u[3])) return 0;
    if (lead == 0xF0 && u[1] < 0x90) return 0;
    if (lead == 0xF4 && u[1] > 0x8F) return 0;
    return 4;
}

size_t utf8_valid_prefix(const char *s, size_t len) {
    const char *at = s, *end = s + len;
    while (at < end) {
        uint64_t word;
        if (end - at >= 8 && (memcpy(&word, at, 8), (word & UINT64_C(0x8080808080808080)) == 0)) {
            at += 8; /* ASCII, the most of most texts */
            continue;
        }
        size_t n = utf8_sequence(at, end);
        if (n == 0) break;
        at += n;
    }
    return (size_t)(at - s);
}

/* How many bytes at s, where no valid sequence starts, could have begun one. */
static size_t broken_length(const char *s, const char *end) {
    const unsigned char *u = (const unsigned char *)s;
    if (u[0] < 0xE0 || u[0] > 0xF4 || end - s < 2) return 1;
    unsigned char least = u[0] == 0xE0 ? 0xA0 : u[0] == 0xF0 ? 0x90 : 0x80;
    unsigned char most = u[0] == 0xED ? 0x9F : u[0] == 0xF4 ? 0x8F : 0xBF;
    if (u[1] < least || u[1] > most) return 1;
    return u[0] >= 0xF0 && end - s >= 3 && continues(u[2]) ? 3 : 2;
}

bool utf8_replace(buf *out, const char *s, size_t len) {
    const char *end = s + len;
    for (;;) {
        size_t valid = utf8_valid_prefix(s, (size_t)(end - s));
        if (!buf_append(out, s, valid)) return false;
        s += valid;
        if (s == end) return true;
        if (!buf_append(out, "\xEF\xBF\xBD", 3)) return false;
        s += broken_length(s, end);
    }
}

bool utf8_surrogate(const char *s, const char *end) {
    const unsigned char *u = (const unsigned char *)s;
    return end - s >= 3 && u[0] == 0xED && u[1] >= 0xA0 && u[1] <= 0xBF && continues(u[2]);
}

uint32_t utf8_decode(const char *s, size_t len) {
    static const unsigned char lead_bits[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    uint32_t code = (unsigned char)s[0] & lead_bits[len];
    for (size_t i = 1; i < len; i++) code = code << 6 | ((unsigned char)s[i] & 0x3F);
    return code;
}

size_t utf8_encode(char out[4], uint32_t code) {
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xC0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3F));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xE0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3F));
        out[2] = (char)(0x80 | (code & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3F));
    out[2] = (char)(0x80 | (code >> 6 & 0x3F));
    out[3] = (char)(0x80 | (code & 0x3F));
    return 4;
}
