/* connections: those of a server, and which are closed when there is no room for one more.
 *
 * A connection waits while no whole request of it is here: it is idle, or what it sends does not
 * come to an end. Those that wait stand in a list, who has waited longest first. However many wait
 * on purpose, whoever has something to ask gets in. */
#ifndef FELLOWSHIP_ENGINE_SERVER_CONNECTIONS_H
#define FELLOWSHIP_ENGINE_SERVER_CONNECTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct server_connection {
    struct server_connection *before, *behind;
    int fd;
    uint64_t since; /* milliseconds: when it began to wait, or its request to come */
    bool waits;     /* it stands in the list */
    size_t bytes;   /* of a body that is still coming */
} server_connection;

typedef struct server_connections {
    server_connection *first, *last; /* that wait */
    size_t count, most;              /* of all */
} server_connections;

/* A new one; one that waits goes when there are more than `most`. NULL when out of memory. */
server_connection *connections_add(server_connections *all, int fd, uint64_t now);
void connections_remove(server_connections *all, server_connection *c);

/* It waits from now on; it does not any more. */
void connections_wait(server_connections *all, server_connection *c, uint64_t now);
void connections_busy(server_connections *all, server_connection *c);

/* Closes those with a part of a body that has been coming since before `then`, or whose client is
 * gone: libmicrohttpd 0.9.75 does not see an end that comes together with the last bytes. */
void connections_make_room(server_connections *all, uint64_t then);

#endif
