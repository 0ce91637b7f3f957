/* crew: work of one kind, done by several threads side by side and taken back in the order it was
 * given, for a caller that waits for nothing else meanwhile.
 *
 * The pieces stand in slots, which the caller fills, gives, takes and fills again. Where the next
 * one to take is not done, the caller does what nobody has begun: so a crew works without any
 * thread as well, on a machine of one core or where none can be made. One thread calls. */
#ifndef FELLOWSHIP_BASE_CREW_H
#define FELLOWSHIP_BASE_CREW_H

#include <stddef.h>

typedef struct crew crew;

/* Slots of `size` bytes, zeroed. work(arg, slot) is called on any thread, for different slots at
 * once. At most `threads` are made. NULL when there is no memory. */
crew *crew_new(size_t threads, size_t size, void (*work)(void *arg, void *slot), void *arg);

/* The threads that a crew may have on this machine beside the caller's. */
size_t crew_usual(void);

/* A slot to fill: as crew_done or crew_new left it, and the same again until it is given. NULL
 * while every one is given. */
void *crew_room(crew *);

/* Gives the slot of crew_room: it is worked on. */
void crew_give(crew *);

/* The slot that was given first, worked on; waits until it is. NULL when none is given. It is the
 * caller's until crew_done, which makes room. */
void *crew_take(crew *);
void crew_done(crew *);

/* Ends the threads, then calls release(slot) for every slot. NULL is allowed. */
void crew_free(crew *, void (*release)(void *slot));

#endif
