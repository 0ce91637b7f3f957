/* http_target.h: the boxes that a call begins with: where it goes, and a body in parts. */
#ifndef FELLOWSHIP_LUA_HTTP_TARGET_H
#define FELLOWSHIP_LUA_HTTP_TARGET_H

#include <lua.h>

#include "engine/http.h"
#include "lua/box.h"

typedef struct target_box {
    box_head box;
    http_target *target;
} target_box;

/* A body that is put together in parts: a large one would stand in memory several times as a
 * string. */
typedef struct body_box {
    box_head box;
    buf text;
    bool sent; /* libcurl may read it at any time: it stays as it is */
} body_box;

extern const box_class http_target_class, http_body_class, http_redaction_class;

/* Functions of the module: see their definitions. */
int http_new_target(lua_State *L);
int http_new_body(lua_State *L);

#endif
