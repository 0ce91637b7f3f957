#define LIBCURL_NAMES_ONLY
#include "engine/libcurl.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

struct libcurl libcurl;

/* The version that the headers promise; its number changes when the interface does. */
#define SHARED_OBJECT "libcurl.so.4"

static bool find(void *object, const char *name, void *pointer, char *err, size_t errlen) {
    void *address = dlsym(object, name);
    memcpy(pointer, &address, sizeof address); /* ISO C has no cast from object to function */
    if (!address) snprintf(err, errlen, "%s has no %s", SHARED_OBJECT, name);
    return address != NULL;
}

bool libcurl_load(char *err, size_t errlen) {
    static bool loaded;
    if (loaded) return true;
    void *object = dlopen(SHARED_OBJECT, RTLD_LAZY | RTLD_LOCAL);
    if (!object) {
        snprintf(err, errlen, "cannot load libcurl: %s", dlerror());
        return false;
    }
#define FIND(name) find(object, #name, &libcurl.name##_, err, errlen) &&
    loaded = LIBCURL_FUNCTIONS(FIND) true;
    return loaded;
}
