/* http_handles: libcurl's easy handles, set as every exchange has them and kept for the next one
 * (engine/http.h). What they share, TLS sessions and names, is held here too. For one thread. */
#ifndef FELLOWSHIP_ENGINE_HTTP_HANDLES_H
#define FELLOWSHIP_ENGINE_HTTP_HANDLES_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/libcurl.h"

/* Bytes of the receive buffer over TLS. There HTTP/2 may be spoken, where libcurl puts away what
 * comes for a transfer while it reads for another one, and does not get over a buffer that is full
 * (see multi.c): this one holds the head and nearly all answers whole. It takes memory only as far
 * as it is written to. */
enum { HTTP_TLS_BUFFER = 65536 };

typedef struct http_handles http_handles;

/* What libcurl calls: with lines of the head, with pieces of the body, before it sends a request.
 */
typedef struct http_hooks {
    size_t (*head)(char *data, size_t size, size_t count, void *arg);
    size_t (*body)(char *data, size_t size, size_t count, void *arg);
    int (*request)(void *arg, char *address, char *own, int port, int own_port);
} http_hooks;

/* NULL when out of memory. libcurl is loaded before; the hooks stay the caller's. */
http_handles *http_handles_new(const http_hooks *hooks);

/* Frees the handles that lie here; all others were put back before. NULL is allowed. */
void http_handles_free(http_handles *);

/* A handle that is the taker's until it is put back with the same `tls`; NULL when out of memory.
 */
CURL *http_handles_take(http_handles *, bool tls);
void http_handles_put(http_handles *, bool tls, CURL *easy);

#endif
