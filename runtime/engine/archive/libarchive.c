#define LIBARCHIVE_NAMES_ONLY
#include "engine/archive/libarchive.h"

#ifdef FELLOWSHIP_STATIC /* nothing to load: the functions are in the program */

#define ADDRESS(name) .name##_ = (name),
struct libarchive libarchive = {LIBARCHIVE_FUNCTIONS(ADDRESS)};

const char *libarchive_load(void) {
    return NULL;
}

#else

#include <pthread.h>

#include "engine/shared.h"

struct libarchive libarchive;

/* The version that the headers promise; its number changes when the interface does. */
#define SHARED_OBJECT "libarchive.so.13"

static bool loaded;
static char problem[256];

static void load(void) {
#define NAME(name)    #name,
    static const char *const names[] = {LIBARCHIVE_FUNCTIONS(NAME)};
    loaded = shared_load(SHARED_OBJECT, names, sizeof names / sizeof *names, &libarchive, problem,
                         sizeof problem);
}

const char *libarchive_load(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load);
    return loaded ? NULL : problem;
}

#endif
