/* channel: a file to read, or a pipe, terminal, socket or device, whose other end may keep us
 * waiting.
 *
 * Opening never waits. Reading does, on the thread that calls it, until another thread halts the
 * channel. It owns its descriptor, but for standard input's own. */
#ifndef FELLOWSHIP_ENGINE_CHANNEL_H
#define FELLOWSHIP_ENGINE_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

typedef struct channel {
    int fd;
    int halt; /* what channel_halt makes readable; -1: a file, which keeps nobody waiting */
} channel;

#define CHANNEL_CLOSED ((channel){.fd = -1, .halt = -1})

/* Opens path, or standard input for "-". 0, or what errno says. */
int channel_open(channel *, const char *path);

/* Whether another end may keep us waiting: no file is open. */
bool channel_waits(const channel *);

/* Up to n bytes, at least one; 0 at the end, -1 with errno: ECANCELED once it is halted. */
ssize_t channel_read(const channel *, void *buf, size_t n);

/* For any thread, while the channel is not closed: reading fails from now on. */
void channel_halt(const channel *);

/* Harmless on a closed one. */
void channel_close(channel *);

#endif
