/* allocator: jemalloc, where it is linked in, as the threads of this program use it. */
#ifndef FELLOWSHIP_BASE_ALLOCATOR_H
#define FELLOWSHIP_BASE_ALLOCATOR_H

/* Gives the thread that calls it pieces of memory at hand, which is quicker, unless it has them or
 * there is no room for them. A thread without them does well. */
void allocator_begin_thread(void);

#endif
