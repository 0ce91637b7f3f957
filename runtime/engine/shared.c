#include "engine/shared.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

bool shared_load(const char *object, const char *const *names, size_t count, void *table, char *err,
                 size_t errlen) {
    void *handle = dlopen(object, RTLD_LAZY | RTLD_LOCAL);
    if (!handle) {
        const char *why = dlerror();
        snprintf(err, errlen, "a library cannot be loaded: %s", why ? why : "out of memory");
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        void *address = dlsym(handle, names[i]);
        if (!address) {
            snprintf(err, errlen, "%s has no %s", object, names[i]);
            dlclose(handle);
            return false;
        }
        /* ISO C has no cast from object to function. */
        memcpy((char *)table + i * sizeof address, &address, sizeof address);
    }
    return true;
}
