#include "engine/server/connections.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

static void leave(server_connections *all, server_connection *c) {
    if (!c->waits) return;
    *(c->before ? &c->before->behind : &all->first) = c->behind;
    *(c->behind ? &c->behind->before : &all->last) = c->before;
    c->before = c->behind = NULL;
    c->waits = false;
}

/* Its owner reads the end of it, and lets it go as if the client had. */
static void hang_up(server_connections *all, server_connection *c) {
    leave(all, c);
    shutdown(c->fd, SHUT_RDWR);
}

void connections_wait(server_connections *all, server_connection *c, uint64_t now) {
    leave(all, c);
    c->since = now;
    c->bytes = 0;
    c->waits = true;
    c->before = all->last;
    *(all->last ? &all->last->behind : &all->first) = c;
    all->last = c;
}

void connections_busy(server_connections *all, server_connection *c) {
    leave(all, c);
    c->bytes = 0;
}

server_connection *connections_add(server_connections *all, int fd, uint64_t now) {
    server_connection *c = calloc(1, sizeof *c);
    if (!c) return NULL;
    c->fd = fd;
    if (++all->count > all->most && all->first) hang_up(all, all->first);
    connections_wait(all, c, now);
    return c;
}

void connections_remove(server_connections *all, server_connection *c) {
    leave(all, c);
    all->count--;
    free(c);
}

static bool is_gone(const server_connection *c) {
    return poll(&(struct pollfd){.fd = c->fd, .events = POLLRDHUP}, 1, 0) > 0;
}

void connections_make_room(server_connections *all, uint64_t then) {
    for (server_connection *c = all->first, *next; c; c = next) {
        next = c->behind;
        if (c->bytes > 0 && (c->since < then || is_gone(c))) hang_up(all, c);
    }
}
