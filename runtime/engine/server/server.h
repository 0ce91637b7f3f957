/* server: an HTTP/1.1 server on the loop (libmicrohttpd with its own epoll, which the loop polls).
 *
 * Of what clients may send, header, body, all bodies together, connections and idle time are
 * bounded; what is beyond is answered with 413, 431 or 503, or the connection is closed. Who has
 * not the token may send little more than a header; its owner tells it so. */
#ifndef FELLOWSHIP_ENGINE_SERVER_SERVER_H
#define FELLOWSHIP_ENGINE_SERVER_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/loop.h"
#include "engine/server/request.h"

typedef struct server server;

typedef struct server_spec {
    const char *address;        /* numeric, IPv4 or IPv6 */
    uint16_t port;              /* 0: any that is free */
    unsigned connections;       /* at a time; half of what files the process may open at most */
    unsigned idle;              /* seconds without a byte, after which a connection is closed */
    size_t header, body;        /* bytes of a request at most */
    const char *token;          /* that clients give, NULL for none; server_new copies it */
    size_t bodies;              /* bytes of all requests that are here */
    void (*arrived)(void *arg); /* there is one to take */
    void *arg;
} server_spec;

/* NULL, and a message in err (errlen bytes at most), when it cannot listen. */
server *server_new(loop *l, const server_spec *spec, char *err, size_t errlen);

uint16_t server_port(const server *s);

/* Bytes of all bodies that are here. */
size_t server_held(const server *s);

/* Accepts no more connections; requests of those that are there still arrive. */
void server_close_door(server *s);

/* Ends all exchanges: owners are told, and keep their requests until they let go. */
void server_free(server *s);

/* The next request that has arrived, or NULL. */
server_request *server_take(server *s);

#endif
