/* json_scan: the loop that reading and writing strings share.
 *
 * Works on borrowed memory; owns nothing. */
#ifndef FELLOWSHIP_BASE_JSON_SCAN_H
#define FELLOWSHIP_BASE_JSON_SCAN_H

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* The first byte from p on that a JSON string does not simply copy: a quote, a backslash, a control
 * character or a byte of a non-ASCII character; `end` when there is none. */
static inline const char *json_scan_plain(const char *p, const char *end) {
#ifdef __SSE2__
    const __m128i quote = _mm_set1_epi8('"');
    const __m128i backslash = _mm_set1_epi8('\\');
    const __m128i last_control = _mm_set1_epi8(0x1F);
    for (; end - p >= 16; p += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, last_control), bytes);
        __m128i hit = _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash));
        /* The mask takes each byte's top bit: set by the comparisons, and in non-ASCII bytes. */
        int mask = _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(hit, control), bytes));
        if (mask) return p + __builtin_ctz((unsigned)mask);
    }
#endif
    while (p < end) {
        unsigned char c = (unsigned char)*p;
        if (c < 0x20 || c >= 0x80 || c == '"' || c == '\\') break;
        p++;
    }
    return p;
}

#endif
