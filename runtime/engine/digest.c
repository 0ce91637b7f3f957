#include "engine/digest.h"

void digest_init(digest *d) {
    sha256_init(&d->sha);
}

void digest_update(digest *d, const void *data, size_t len) {
    if (len) sha256_update(&d->sha, len, data);
}

void digest_final(digest *d, unsigned char out[DIGEST_SIZE]) {
    sha256_digest(&d->sha, SHA256_DIGEST_SIZE, out);
}

void digest_sha256(const void *data, size_t len, unsigned char out[DIGEST_SIZE]) {
    digest d;
    digest_init(&d);
    digest_update(&d, data, len);
    digest_final(&d, out);
}

void digest_hex(const unsigned char in[DIGEST_SIZE], char out[DIGEST_HEX_SIZE]) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < DIGEST_SIZE; i++) {
        out[2 * i] = digits[in[i] >> 4];
        out[2 * i + 1] = digits[in[i] & 15];
    }
    out[DIGEST_HEX_SIZE - 1] = '\0';
}

/* The value of one hexadecimal digit, or -1. Locale-free, unlike isxdigit and strtol. */
static int nibble(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool digest_from_hex(const char *hex, unsigned char out[DIGEST_SIZE]) {
    unsigned char bytes[DIGEST_SIZE];
    for (size_t i = 0; i < DIGEST_SIZE; i++) {
        int high = nibble(hex[2 * i]);
        int low = high < 0 ? -1 : nibble(hex[2 * i + 1]);
        if (low < 0) return false;
        bytes[i] = (unsigned char)(high << 4 | low);
    }
    if (hex[2 * DIGEST_SIZE] != '\0') return false;
    for (size_t i = 0; i < DIGEST_SIZE; i++) out[i] = bytes[i];
    return true;
}
