/* carried: the library inside the program, where `make static` has put it. Help, editors and
 * scripts read its sources as require does, so it is written out, once, among the user's cached
 * files. */
#ifndef FELLOWSHIP_HOST_CARRIED_H
#define FELLOWSHIP_HOST_CARRIED_H

#include <stdbool.h>
#include <stddef.h>

/* Puts the folder that holds the library into home (size bytes), and writes the library there
 * unless it has been: in $XDG_CACHE_HOME, ~/.cache, or a folder of the user's own in /tmp. False
 * when the program carries none, or when it cannot be written, which is said. */
bool carried_unpack(char *home, size_t size);

#endif
