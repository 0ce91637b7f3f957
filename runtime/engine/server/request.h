/* request: one exchange of a server, between libmicrohttpd and its owner.
 *
 * It is handed over when all of it is here. Its owner answers whole, or begins an answer and writes
 * it piece by piece; what a slow client has not taken yet is bounded by whoever writes, through
 * server_unsent. A request lives until its exchange is over and its owner has let go. */
#ifndef FELLOWSHIP_ENGINE_SERVER_REQUEST_H
#define FELLOWSHIP_ENGINE_SERVER_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "engine/server/hub.h"

typedef struct server_request server_request;
struct MHD_Connection;

/* changed(owner) is called when the client has taken something, when it went away, and when the
 * exchange is over. */
void server_own(server_request *r, void (*changed)(void *owner), void *owner);

/* Lets go. One that was not answered to its end is broken off. */
void server_release(server_request *r);

/* What was asked. Texts last until the exchange is over; then they are "". A header that was not
 * sent is NULL. */
const char *server_method(const server_request *r);
const char *server_path(const server_request *r);
const char *server_header(const server_request *r, const char *name);
const char *server_body(const server_request *r, size_t *len);

/* Whether the token came with it, or the server has none. */
bool server_is_known(const server_request *r);

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

/* ---- for server.c: false where the connection is not worth going on with ---- */

void requests_move(server_requests *to, server_request *r);

/* Breaks all off: their connections are closed by libmicrohttpd's next turn. */
void requests_break_off(server_requests *list);

/* On a connection, which is NULL where there was no memory for it. NULL when out of memory. */
server_request *request_new(server_hub *hub, struct MHD_Connection *connection,
                            server_connection *place, const char *method, const char *path);

/* Refuses one that says beforehand that it is far too long; a little too long is read, so that the
 * client is there to hear why. One without the token may not send more than a little. */
bool request_check_length(server_request *r);

/* Takes a part of the body. */
bool request_receive(server_request *r, const char *bytes, size_t len);

/* Goes on with one that is here: hands it over, or gives libmicrohttpd the answer. */
bool request_advance(server_request *r);

/* libmicrohttpd knows it no more. */
void request_over(server_request *r);

#endif
