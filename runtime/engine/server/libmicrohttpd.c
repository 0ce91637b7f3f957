#define LIBMICROHTTPD_NAMES_ONLY
#include "engine/server/libmicrohttpd.h"

#include "engine/shared.h"

struct libmicrohttpd libmicrohttpd;

/* The version that the headers promise; its number changes when the interface does. */
#define SHARED_OBJECT "libmicrohttpd.so.12"

const char *libmicrohttpd_load(void) {
#define NAME(name) #name,
    static const char *const names[] = {LIBMICROHTTPD_FUNCTIONS(NAME)};
    static bool loaded;
    static char problem[256];
    if (!loaded)
        loaded = shared_load(SHARED_OBJECT, names, sizeof names / sizeof *names, &libmicrohttpd,
                             problem, sizeof problem);
    return loaded ? NULL : problem;
}
