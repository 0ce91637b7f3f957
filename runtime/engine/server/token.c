#include "engine/server/token.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

static const char scheme[] = "bearer";
enum { SCHEME = sizeof scheme - 1 };

bool token_is_given(const char *token, const char *authorization, const char *api_key) {
    const char *given = api_key ? api_key : "";
    if (authorization && strncasecmp(authorization, scheme, SCHEME) == 0 &&
        strchr(" \t", authorization[SCHEME]) && authorization[SCHEME])
        given = authorization + SCHEME + strspn(authorization + SCHEME, " \t");
    size_t len = strlen(given), want = strlen(token);
    while (len > 0 && strchr(" \t", given[len - 1])) len--;
    volatile unsigned char differ = len != want;
    for (size_t i = 0; i < len; i++)
        differ |= (unsigned char)(given[i] ^ token[want > 0 ? i % want : 0]);
    return differ == 0 && want > 0;
}
