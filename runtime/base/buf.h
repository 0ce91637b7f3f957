/* buf: a growable block of bytes.
 *
 * Start with `buf b = {0}`. The buf owns `data` until buf_free or buf_steal. The bytes are not
 * NUL terminated unless a function says so.
 *
 * Functions that return bool return false when memory runs out (or a length would overflow), and
 * then leave the contents as they were. */
#ifndef FELLOWSHIP_BASE_BUF_H
#define FELLOWSHIP_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

typedef struct buf {
    char *data;
    size_t len; /* bytes in use */
    size_t cap; /* bytes allocated */
} buf;

/* Grows the block so that at least `extra` bytes fit behind `len`. Slow half of buf_reserve. */
bool buf_grow(buf *b, size_t extra);

/* Makes room for `extra` bytes behind `len`, so that they can be written in place. */
static inline bool buf_reserve(buf *b, size_t extra) {
    return extra <= b->cap - b->len || buf_grow(b, extra);
}

/* Appends `len` bytes. `bytes` may be NULL when len is 0; it must not point into `b`. */
static inline bool buf_append(buf *b, const void *bytes, size_t len) {
    if (!buf_reserve(b, len)) return false;
    if (len > 0) memcpy(b->data + b->len, bytes, len);
    b->len += len;
    return true;
}

static inline bool buf_append_char(buf *b, char c) {
    if (!buf_reserve(b, 1)) return false;
    b->data[b->len++] = c;
    return true;
}

/* Appends a NUL terminated string, without its NUL. */
static inline bool buf_append_str(buf *b, const char *s) {
    return buf_append(b, s, strlen(s));
}

/* Appends as printf would. The bytes in use are followed by a NUL, which `len` does not count. */
bool buf_printf(buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Empties the buf and keeps its memory. */
static inline void buf_clear(buf *b) {
    b->len = 0;
}

/* Gives the memory back; the buf is {0} again. Harmless on a buf that is empty or freed. */
void buf_free(buf *b);

/* Hands the contents over: a NUL terminated block that the caller frees with free(), or NULL when
 * memory runs out (the buf is then unchanged). The buf is {0} afterwards. */
char *buf_steal(buf *b);

#endif
