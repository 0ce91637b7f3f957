/* shared: a shared library that is loaded when it is first wanted. Binding those that come with it
 * takes longer than all else at the start of the program. */
#ifndef FELLOWSHIP_ENGINE_SHARED_H
#define FELLOWSHIP_ENGINE_SHARED_H

#include <stdbool.h>
#include <stddef.h>

/* Loads `object` and puts the addresses of its functions `names`, of which there are `count`, into
 * `table`, which is a struct of so many function pointers. False, and a message in err (errlen
 * bytes at most), when it cannot. */
bool shared_load(const char *object, const char *const *names, size_t count, void *table, char *err,
                 size_t errlen);

#endif
