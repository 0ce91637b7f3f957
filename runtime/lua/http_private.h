/* http_private.h: what http.c (targets and plain calls) and http_stream.c (answers as they come)
 * share; for no one else. */
#ifndef FELLOWSHIP_LUA_HTTP_PRIVATE_H
#define FELLOWSHIP_LUA_HTTP_PRIVATE_H

#include <lua.h>

#include "engine/http.h"

#define HTTP_TARGET "fellowship.http.target"

typedef struct http_bounds {
    http_timeouts times;
    size_t max_body; /* bytes */
} http_bounds;

/* The one client of the state. Raises when libcurl cannot be set up. */
http *http_client_of(lua_State *L);

/* Reads {connect =, first =, idle =, total =, max_body =, once =} at `index`, or the defaults. */
http_bounds http_read_bounds(lua_State *L, int index);

/* [-0, +2] nil and {kind =, message =, status =}; returns 2. */
int http_push_failure(lua_State *L, const http_answer *answer, const char *message);

/* target:stream, and the class of what it returns. */
int http_stream_start(lua_State *L);
void http_stream_init(lua_State *L);

#endif
