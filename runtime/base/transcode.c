#include "base/transcode.h"

#include <stdint.h>
#include <string.h>

/* What a text begins with, of which `len` bytes are known. */
static void tell(transcoder *t, const char *text, size_t len) {
    const unsigned char *b = (const unsigned char *)text;
    t->kind = TRANSCODE_NONE;
    if (len < 2) return;
    bool little = b[0] == 0xFF && b[1] == 0xFE, big = b[0] == 0xFE && b[1] == 0xFF;
    if (len >= 4 && little && !b[2] && !b[3]) {
        t->kind = TRANSCODE_32;
    } else if (len >= 4 && !b[0] && !b[1] && b[2] == 0xFE && b[3] == 0xFF) {
        t->kind = TRANSCODE_32;
        t->big_endian = true;
    } else if (little || big) {
        t->kind = TRANSCODE_16;
        t->big_endian = big;
    }
}

static uint32_t unit_at(const transcoder *t, const unsigned char *p, size_t size) {
    uint32_t unit = 0;
    for (size_t i = 0; i < size; i++)
        unit |= (uint32_t)p[t->big_endian ? size - 1 - i : i] << 8 * i;
    return unit;
}

static void put(buf *out, uint32_t c) {
    if (c > 0x10FFFF || (c >= 0xD800 && c < 0xE000)) c = 0xFFFD;
    unsigned char *p = (unsigned char *)out->data + out->len;
    if (c < 0x80) {
        p[0] = (unsigned char)c;
        out->len += 1;
    } else if (c < 0x800) {
        p[0] = (unsigned char)(0xC0 | c >> 6);
        p[1] = (unsigned char)(0x80 | (c & 0x3F));
        out->len += 2;
    } else if (c < 0x10000) {
        p[0] = (unsigned char)(0xE0 | c >> 12);
        p[1] = (unsigned char)(0x80 | (c >> 6 & 0x3F));
        p[2] = (unsigned char)(0x80 | (c & 0x3F));
        out->len += 3;
    } else {
        p[0] = (unsigned char)(0xF0 | c >> 18);
        p[1] = (unsigned char)(0x80 | (c >> 12 & 0x3F));
        p[2] = (unsigned char)(0x80 | (c >> 6 & 0x3F));
        p[3] = (unsigned char)(0x80 | (c & 0x3F));
        out->len += 4;
    }
}

/* Makes UTF-8 of whole characters; returns how many bytes these were. */
static size_t convert(transcoder *t, const unsigned char *p, size_t len) {
    size_t at = 0, size = t->kind == TRANSCODE_16 ? 2 : 4;
    while (len - at >= size) {
        uint32_t c = unit_at(t, p + at, size);
        if (size == 2 && c >= 0xD800 && c < 0xDC00) { /* the first half of a pair */
            if (len - at < 4) break;
            uint32_t second = unit_at(t, p + at + 2, 2);
            if (second >= 0xDC00 && second < 0xE000) {
                c = 0x10000 + ((c - 0xD800) << 10) + (second - 0xDC00);
                at += 2;
            }
        }
        put(&t->made, c);
        at += size;
    }
    return at;
}

bool transcode(transcoder *t, buf *piece, bool last) {
    if (t->kind == TRANSCODE_NONE) return true;
    if (t->held_len > 0) {
        if (!buf_reserve(piece, t->held_len)) return false;
        memmove(piece->data + t->held_len, piece->data, piece->len);
        memcpy(piece->data, t->held, t->held_len);
        piece->len += t->held_len;
        t->held_len = 0;
    }
    size_t at = 0;
    if (t->kind == TRANSCODE_UNKNOWN) {
        if (piece->len < 4 && !last) {
            memcpy(t->held, piece->data, piece->len);
            t->held_len = piece->len;
            buf_clear(piece);
            return true;
        }
        tell(t, piece->data, piece->len);
        if (t->kind == TRANSCODE_NONE) return true;
        at = t->kind == TRANSCODE_16 ? 2 : 4;
    }
    buf_clear(&t->made);
    /* Two bytes give three at most. */
    if (!buf_reserve(&t->made, piece->len / 2 * 3 + 4)) return false;
    at += convert(t, (const unsigned char *)piece->data + at, piece->len - at);
    if (last && at < piece->len) put(&t->made, 0xFFFD);
    t->held_len = last ? 0 : piece->len - at;
    memcpy(t->held, piece->data + at, t->held_len);
    buf converted = t->made;
    t->made = *piece;
    *piece = converted;
    return true;
}

void transcode_free(transcoder *t) {
    buf_free(&t->made);
    *t = (transcoder){0};
}
