/* outlet: a file that is written from its start to its end without holding up the loop.
 *
 * Records gather while another thread compresses and writes the piece before; whoever fills a
 * second piece waits. A plain file has what was kept a tenth of a second ago. So memory is bounded.
 * All functions here belong to the loop's thread. */
#ifndef FELLOWSHIP_ENGINE_OUTLET_H
#define FELLOWSHIP_ENGINE_OUTLET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "engine/loop.h"

typedef struct outlet outlet;

enum outlet_state {
    OUTLET_READY, /* less than a piece is here; after outlet_end: all is on the disk */
    OUTLET_BUSY,  /* a piece is being written: ask again when ready is called */
    OUTLET_FAILED /* see outlet_error; final */
};

/* Makes the file anew: path, filter and level as for sink_open. ready(arg) is called in the loop
 * each time a piece has been written. NULL and a message in err (errlen bytes at most) when the
 * file cannot be made. */
outlet *outlet_open(const char *path, const char *filter, int level, loop *l,
                    void (*ready)(void *arg), void *arg, char *err, size_t errlen);

/* Where the next record is appended. Then outlet_keep makes it count and tells how many bytes that
 * were, or outlet_undo takes back what an error has cut short. */
buf *outlet_record(outlet *);
size_t outlet_keep(outlet *);
void outlet_undo(outlet *);

/* Hands on what has gathered where it is a piece. With `wait` it is never busy: the caller's thread
 * waits for the other one, or writes. */
enum outlet_state outlet_state(outlet *, bool wait);

/* Nothing more comes: what is left is written, and the file gets the name `to` in place of what has
 * that name (NULL: it keeps its own). False when memory runs out. Go on with outlet_state. */
bool outlet_end(outlet *, const char *to);

/* What went wrong, without the path. */
const char *outlet_error(const outlet *);

/* Closes and frees it, unfinished where it has not ended: at once, or when the piece that is under
 * way has been written. ready is not called any more. NULL is allowed. */
void outlet_drop(outlet *);

#endif
