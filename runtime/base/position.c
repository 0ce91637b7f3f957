#include "base/position.h"

#include <string.h>

void position_move(position *p, const char *text, size_t len) {
    const char *end = text + len, *line = NULL; /* what follows the last line end */
    for (const char *at = text; (at = memchr(at, '\n', (size_t)(end - at))); line = ++at) p->line++;
    for (const char *at = text; (at = memchr(at, '\r', (size_t)(end - at)));) {
        at++;
        if (at < end && *at == '\n') continue;
        p->line++;
        if (!line || at > line) line = at;
    }
    p->byte = line ? (size_t)(end - line) + 1 : p->byte + len;
}
