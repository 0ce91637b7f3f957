/* token: the secret by which a server knows its clients. */
#ifndef FELLOWSHIP_ENGINE_SERVER_TOKEN_H
#define FELLOWSHIP_ENGINE_SERVER_TOKEN_H

#include <stdbool.h>

/* Whether it is what the header Authorization holds ("Bearer TOKEN", RFC 6750), or where there is
 * no such header, the header api-key (as Azure's clients send it); each NULL when it was not sent.
 * Takes a time that does not tell where they differ. */
bool token_is_given(const char *token, const char *authorization, const char *api_key);

#endif
