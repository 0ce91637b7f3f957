/* transcode: a text that comes in pieces, made UTF-8 where a byte order mark says that it is UTF-16
 * or UTF-32. Any other text stays as it is, UTF-8's own mark too. */
#ifndef FELLOWSHIP_BASE_TRANSCODE_H
#define FELLOWSHIP_BASE_TRANSCODE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

typedef struct transcoder {
    enum { TRANSCODE_UNKNOWN, TRANSCODE_NONE, TRANSCODE_16, TRANSCODE_32 } kind;
    bool big_endian;
    char held[8]; /* bytes that say something together with the next ones */
    size_t held_len;
    buf made;
} transcoder;

/* Takes the next piece of the text, and gives in its place what is known of it: maybe nothing, when
 * more must come first. `last` says that the text ends with it. Begin with {0}; what is half a
 * character becomes U+FFFD. False means that memory ran out. */
bool transcode(transcoder *t, buf *piece, bool last);

void transcode_free(transcoder *t);

#endif
