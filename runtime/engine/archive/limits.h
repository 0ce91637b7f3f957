/* stream_limits: how far content may expand before it is taken for an archive bomb. */
#ifndef FELLOWSHIP_ENGINE_ARCHIVE_LIMITS_H
#define FELLOWSHIP_ENGINE_ARCHIVE_LIMITS_H

#include <stdint.h>

/* What any layer of compression has given may be over `free` bytes only up to `ratio` times the
 * bytes read from the file. */
typedef struct stream_limits {
    uint64_t ratio; /* 0: any */
    uint64_t free;
} stream_limits;

/* Real rows compress 5 to 50 times; deflate reaches 1032, and the others far more, on nothing but
 * repetition. A stream takes no space, so a bomb under 1 GiB costs a few seconds at most. */
#define STREAM_LIMITS ((stream_limits){.ratio = 200, .free = (uint64_t)1 << 30})

#endif
