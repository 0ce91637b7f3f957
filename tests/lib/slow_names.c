/* Preloaded: a resolver that takes four seconds for names that begin with "slow", and then finds
 * nothing. */
#include <dlfcn.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                struct addrinfo **found) {
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    if (name && strncmp(name, "slow", 4) == 0) {
        sleep(4);
        return EAI_AGAIN;
    }
    return real(name, service, hints, found);
}
