/* server: an HTTP/1.1 server on the loop (libmicrohttpd with its own epoll, which the loop polls).
 *
 * A request is handed over when all of it is here. Its owner answers whole, or begins an answer and
 * writes it piece by piece; what a slow client has not taken yet is bounded by whoever writes,
 * through server_unsent. A request lives until its exchange is over and its owner has let go.
 *
 * Of what clients may send, header, body, all bodies together, connections and idle time are
 * bounded; what is beyond is answered with 413, 431 or 503, or the connection is closed. */
#ifndef FELLOWSHIP_ENGINE_SERVER_SERVER_H
#define FELLOWSHIP_ENGINE_SERVER_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "engine/loop.h"

typedef struct server server;
typedef struct server_request server_request;

typedef struct server_spec {
    const char *address;        /* numeric, IPv4 or IPv6 */
    uint16_t port;              /* 0: any that is free */
    unsigned connections;       /* at a time */
    unsigned idle;              /* seconds without a byte, after which a connection is closed */
    size_t header, body;        /* bytes of a request at most */
    size_t bodies;              /* bytes of all requests that are here */
    void (*arrived)(void *arg); /* there is one to take */
    void *arg;
} server_spec;

/* NULL, and a message in err (errlen bytes at most), when it cannot listen. */
server *server_new(loop *l, const server_spec *spec, char *err, size_t errlen);

uint16_t server_port(const server *s);

/* Accepts no more connections; requests of those that are there still arrive. */
void server_close_door(server *s);

/* Ends all exchanges: owners are told, and keep their requests until they let go. */
void server_free(server *s);

/* The next request that has arrived, or NULL. changed(owner) is called when the client has taken
 * something, when it went away, and when the exchange is over. */
server_request *server_take(server *s);
void server_own(server_request *r, void (*changed)(void *owner), void *owner);

/* Lets go. One that was not answered to its end is broken off. */
void server_release(server_request *r);

/* What was asked. Texts last until the exchange is over; then they are "". A header that was not
 * sent is NULL. */
const char *server_method(const server_request *r);
const char *server_path(const server_request *r);
const char *server_header(const server_request *r, const char *name);
const char *server_body(const server_request *r, size_t *len);

/* Lets the body go, which is counted among all bodies. */
void server_drop_body(server_request *r);

/* Whether the client is gone; whether all is over, well or not. */
bool server_is_gone(const server_request *r);
bool server_is_over(const server_request *r);

typedef struct server_field {
    const char *name, *value;
} server_field;

/* Answers whole; takes the bytes of `body`. False when out of memory or answered already. */
bool server_answer(server_request *r, unsigned status, const server_field *fields, size_t count,
                   buf *body);

/* Begins an answer of unknown length. */
bool server_begin(server_request *r, unsigned status, const server_field *fields, size_t count);

/* Writes a piece of it. False when out of memory; what is written to one who is gone is dropped. */
bool server_write(server_request *r, const char *bytes, size_t len);
size_t server_unsent(const server_request *r);
void server_end(server_request *r);

#endif
