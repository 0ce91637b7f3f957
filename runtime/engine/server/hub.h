/* hub: what the requests of a server share: its bounds, what is counted against them, and the lists
 * in which requests stand. */
#ifndef FELLOWSHIP_ENGINE_SERVER_HUB_H
#define FELLOWSHIP_ENGINE_SERVER_HUB_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/loop.h"
#include "engine/server/connections.h"

/* Requests in the order of their coming; each stands in one list at most. */
typedef struct server_requests {
    struct server_request *first, *last;
} server_requests;

typedef struct server_hub {
    loop *loop;
    loop_timer *timer;   /* runs libmicrohttpd */
    bool running;        /* it runs, and needs no timer */
    size_t body, bodies; /* bytes of a body at most; of all that are here */
    size_t held;         /* bytes of these now */
    uint64_t idle;       /* milliseconds in which a body must be here, where others want its room */
    const char *token;   /* NULL: everybody is known */
    server_connections connections;
    server_requests live;  /* of which libmicrohttpd knows */
    server_requests ready; /* arrived, and taken by nobody */
    void (*arrived)(void *arg);
    void *arg;
} server_hub;

#endif
