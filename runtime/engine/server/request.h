/* request: one exchange of a server, between libmicrohttpd and its owner; what server.c needs of
 * it, and it of server.c. What owners need is in server.h. */
#ifndef FELLOWSHIP_ENGINE_SERVER_REQUEST_H
#define FELLOWSHIP_ENGINE_SERVER_REQUEST_H

#include "engine/server/libmicrohttpd.h"
#include "engine/server/server.h"

/* Requests in the order of their coming; each stands in one list at most. */
typedef struct server_requests {
    server_request *first, *last;
} server_requests;

void requests_move(server_requests *to, server_request *r);

/* Breaks all off: their connections are closed by libmicrohttpd's next turn. */
void requests_break_off(server_requests *list);

/* NULL when out of memory. */
server_request *request_new(server *s, struct MHD_Connection *connection, const char *method,
                            const char *path);

/* Refuses one that says beforehand that it is far too long; a little too long is read, so that the
 * client is there to hear why. */
enum MHD_Result request_check_length(server_request *r);

/* Takes a part of the body. False when the connection is not worth going on with. */
bool request_receive(server_request *r, const char *bytes, size_t len);

/* Goes on with one that is here: hands it over, or gives libmicrohttpd the answer. */
enum MHD_Result request_advance(server_request *r);

/* libmicrohttpd knows it no more. */
void request_over(server_request *r);

/* ---- of server.c ---- */

/* Has libmicrohttpd's turn come soon. */
void server_kick(server *s);
loop *server_loop(const server *s);
const server_spec *server_bounds(const server *s);

/* Counts bytes of bodies; false when there are too many. */
bool server_admit(server *s, size_t more);
void server_dismiss(server *s, size_t bytes);

/* A request is here. */
void server_arrive(server *s, server_request *r);

#endif
