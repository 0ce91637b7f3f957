/* events: server-sent events, cut out of bytes however these are parted
 * (https://html.spec.whatwg.org/multipage/server-sent-events.html, 9.2.6).
 *
 * A line ends in LF, CR LF or CR; a byte order mark before the first one is dropped. Comments,
 * events without data and fields that nobody reads are left out. What stands unfinished at the end
 * counts where it has data: then the server left out the last empty line.
 *
 * Start with `events e = {0}`. Linear in the bytes, also where a line comes in thousands of parts.
 */
#ifndef FELLOWSHIP_BASE_EVENTS_H
#define FELLOWSHIP_BASE_EVENTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

typedef struct events {
    const char *bytes; /* those of events_give */
    size_t len, at;
    size_t lf, cr; /* where the next of each is, from `at` on; len for none. Smaller: not known */
    bool ended;    /* no more will come */
    bool begun;    /* the first line was */
    bool after_cr; /* an LF at the beginning belongs to a line that has ended */
    buf line;      /* of the line that has not ended, what came before these bytes */
    bool has_name, has_data, copied; /* the data is in `text`, and not in these bytes */
    buf name, text;
    const char *data;
    size_t data_len;
} events;

typedef struct event {
    const char *name; /* NULL where it has none */
    size_t name_len;
    const char *data;
    size_t data_len;
} event;

enum events_status { EVENTS_EVENT, EVENTS_MORE, EVENTS_NO_MEMORY };

/* Gives bytes, which must last until events_next has said EVENTS_MORE. With `ended`, no others
 * follow. */
void events_give(events *e, const char *bytes, size_t len, bool ended);

/* The next event, whose texts last until the next call; EVENTS_MORE when other bytes are wanted. */
enum events_status events_next(events *e, event *found);

void events_free(events *e);

#endif
