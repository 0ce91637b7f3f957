#include "base/buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

bool buf_grow(buf *b, size_t extra) {
    if (extra <= b->cap - b->len) return true;
    if (extra > SIZE_MAX - b->len) return false;
    size_t need = b->len + extra;
    /* One and a half times, so that freed blocks can be used again by a later growth. */
    size_t cap = b->cap <= SIZE_MAX / 3 * 2 ? b->cap + b->cap / 2 : need;
    if (cap < need) cap = need;
    if (cap < 64) cap = 64;
    char *data = realloc(b->data, cap);
    if (!data) return false;
    b->data = data;
    b->cap = cap;
    return true;
}

bool buf_printf(buf *b, const char *format, ...) {
    va_list args;
    va_start(args, format);
    size_t room = b->cap - b->len;
    int wrote = vsnprintf(room > 0 ? b->data + b->len : NULL, room, format, args);
    va_end(args);
    if (wrote < 0) return false;
    if ((size_t)wrote >= room) {
        if (!buf_reserve(b, (size_t)wrote + 1)) return false;
        va_start(args, format);
        wrote = vsnprintf(b->data + b->len, (size_t)wrote + 1, format, args);
        va_end(args);
        if (wrote < 0) return false;
    }
    b->len += (size_t)wrote;
    return true;
}

void buf_free(buf *b) {
    free(b->data);
    *b = (buf){0};
}

char *buf_steal(buf *b) {
    if (!buf_append_char(b, '\0')) return NULL;
    char *data = b->data;
    *b = (buf){0};
    return data;
}
