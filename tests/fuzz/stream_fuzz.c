/* Any bytes as a file and as standard input: members, content or an error, and never more content
 * than the limits let through. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/archive/stream.h"

static const stream_limits limits = {.ratio = 50, .free = 1 << 20};

static void check(int truth) {
    if (!truth) abort();
}

/* Reads it all; every third member only in part and every fourth not at all. */
static void read_all(const char *path, size_t size) {
    char err[512], buf[65536];
    stream *s = stream_open(path, &limits, err, sizeof err);
    check(s != NULL);
    size_t total = 0;
    int more, members = 0;
    while ((more = stream_next(s)) == 1) {
        ssize_t n = 0;
        check(stream_member(s) != NULL && stream_error(s)[0] == '\0');
        if (++members % 4 == 0) continue;
        while ((n = stream_read(s, buf, members % 2 ? sizeof buf : 1000)) > 0) {
            total += (size_t)n;
            if (members % 3 == 0) break;
        }
        if (n < 0) check(stream_next(s) == -1);
        if (n < 0) break;
    }
    check((more == 0) == (stream_error(s)[0] == '\0'));
    /* A stream without layers gives each byte once; with them, the cap holds. */
    check(total <= limits.free + size * (limits.ratio + 1) + sizeof buf);
    stream_close(s);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
    int fd = memfd_create("input", 0);
    check(fd >= 0);
    check(write(fd, data, size) == (ssize_t)size);
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    read_all(path, size); /* can seek */
    check(lseek(fd, 0, SEEK_SET) == 0 && dup2(fd, STDIN_FILENO) == STDIN_FILENO);
    read_all("-", size); /* cannot */
    close(fd);
    return 0;
}
