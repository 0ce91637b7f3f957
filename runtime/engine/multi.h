/* multi.h: drives libcurl transfers on the loop through curl_multi_socket_action. A multi owns its
 * curl handles and polls; an easy handle that is added stays its adder's. */
#ifndef FELLOWSHIP_ENGINE_MULTI_H
#define FELLOWSHIP_ENGINE_MULTI_H

#include <stdbool.h>

#include "engine/libcurl.h"
#include "engine/loop.h"

typedef struct multi multi;

/* done(arg, easy, result) is called for every added handle that ends by itself, after it has been
 * removed, and never from inside a curl callback. broken(arg, shard) is called when a part of the
 * multi can drive its transfers no more (out of memory): their adder removes them then. NULL when
 * out of memory. */
multi *multi_new(loop *l, void (*done)(void *arg, CURL *easy, CURLcode result),
                 void (*broken)(void *arg, int shard), void *arg);

/* Every handle must have ended or been removed. */
void multi_free(multi *m);

/* Starts a transfer. *shard says which part of the multi took it; multi_remove wants it back. */
bool multi_add(multi *m, CURL *easy, int *shard);

/* Ends a transfer early; done is not called for it. */
void multi_remove(multi *m, CURL *easy, int shard);

#endif
