#include "engine/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_halt(channel *c) {
    c->halt = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return c->halt < 0 ? errno : 0;
}

/* Standard input once more: a description of our own does not wait, and those who share the first
 * one notice nothing. What cannot be opened again (a socket) is read as it is. */
static int open_standard_input(channel *c) {
    struct stat st;
    c->fd = STDIN_FILENO;
    if (fstat(STDIN_FILENO, &st) < 0) return errno;
    if (S_ISREG(st.st_mode)) return 0;
    int own = open("/proc/self/fd/0", O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (own >= 0) c->fd = own;
    return open_halt(c);
}

static int open_path(channel *c, const char *path) {
    if (strcmp(path, "-") == 0) return open_standard_input(c);
    c->fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    struct stat st;
    if (c->fd < 0 || fstat(c->fd, &st) < 0) return errno;
    if (S_ISDIR(st.st_mode)) return EISDIR;
    return S_ISREG(st.st_mode) ? 0 : open_halt(c);
}

int channel_open(channel *c, const char *path) {
    *c = CHANNEL_CLOSED;
    int problem = open_path(c, path);
    if (problem) channel_close(c);
    return problem;
}

bool channel_waits(const channel *c) {
    return c->halt >= 0;
}

/* Waits for something to read; false with ECANCELED when halted. */
static bool wait_for_bytes(const channel *c) {
    struct pollfd both[] = {{.fd = c->fd, .events = POLLIN}, {.fd = c->halt, .events = POLLIN}};
    while (poll(both, 2, -1) < 0 && errno == EINTR) {
    }
    if (!both[1].revents) return true;
    errno = ECANCELED;
    return false;
}

ssize_t channel_read(const channel *c, void *buf, size_t n) {
    for (;;) {
        /* First of all: a pipe that nobody has opened to write yet looks as if it had ended. */
        if (channel_waits(c) && !wait_for_bytes(c)) return -1;
        ssize_t got = read(c->fd, buf, n);
        if (got >= 0 || (errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK)) return got;
    }
}

void channel_halt(const channel *c) {
    if (c->halt >= 0) eventfd_write(c->halt, 1);
}

void channel_close(channel *c) {
    if (c->fd > STDIN_FILENO) close(c->fd);
    if (c->halt >= 0) close(c->halt);
    *c = CHANNEL_CLOSED;
}
