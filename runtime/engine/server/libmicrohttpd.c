#define LIBMICROHTTPD_NAMES_ONLY
#include "engine/server/libmicrohttpd.h"

#include "engine/shared.h"

struct libmicrohttpd libmicrohttpd;

#ifdef FELLOWSHIP_STATIC

const char *libmicrohttpd_load(void) {
    return "this program is one file without shared libraries, and has no server: Debian has no "
           "GnuTLS to link into it; the package and what make builds have one";
}

#else

/* The version that the headers promise; its number changes when the interface does. */
#define SHARED_OBJECT "libmicrohttpd.so.12"

const char *libmicrohttpd_load(void) {
#define NAME(name)    #name,
    static const char *const names[] = {LIBMICROHTTPD_FUNCTIONS(NAME)};
    static bool loaded;
    static char problem[256];
    if (!loaded)
        loaded = shared_load(SHARED_OBJECT, names, sizeof names / sizeof *names, &libmicrohttpd,
                             problem, sizeof problem);
    return loaded ? NULL : problem;
}

#endif
