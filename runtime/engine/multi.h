/* multi.h: drives libcurl transfers on the loop through curl_multi_socket_action. A multi owns its
 * curl handles and polls; an easy handle that is added stays its adder's. */
#ifndef FELLOWSHIP_ENGINE_MULTI_H
#define FELLOWSHIP_ENGINE_MULTI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/libcurl.h"
#include "engine/loop.h"

typedef struct multi multi;

/* A transfer under way; the adder keeps it, from multi_add until it has ended or was removed. */
typedef struct multi_transfer {
    CURL *easy;      /* its CURLOPT_PRIVATE is this transfer */
    int shard;       /* which part of the multi drives it */
    int fd;          /* of its connection, -1 before it has one */
    uint64_t action; /* of libcurl, the latest in which something came, */
    size_t came;     /* and so many bytes */
} multi_transfer;

/* done(arg, transfer, result) is called for every added handle that ends by itself, after it has
 * been removed, and never from inside a curl callback. broken(arg, shard) is called when a part of
 * the multi can drive its transfers no more (out of memory): their adder removes them then. NULL
 * when out of memory. */
multi *multi_new(loop *l, void (*done)(void *arg, multi_transfer *t, CURLcode result),
                 void (*broken)(void *arg, int shard), void *arg);

/* Every handle must have ended or been removed. */
void multi_free(multi *m);

/* Starts a transfer; false when out of memory. */
bool multi_add(multi *m, multi_transfer *t, CURL *easy);

/* Ends a transfer early; done is not called for it. */
void multi_remove(multi *m, multi_transfer *t);

/* To be called by the callbacks of a transfer over TLS when len bytes have come for it (of the head
 * or of the body); `buffer` is its CURLOPT_BUFFERSIZE. */
void multi_arrived(multi *m, multi_transfer *t, size_t len, size_t buffer);

#endif
