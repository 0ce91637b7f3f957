/* http_target: where calls go, and what of it is secret. libcurl must have been loaded
 * (http_ready). */
#ifndef FELLOWSHIP_ENGINE_HTTP_TARGET_H
#define FELLOWSHIP_ENGINE_HTTP_TARGET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/redact.h"

typedef struct http_header {
    const char *name;
    const char *value;
} http_header;

/* The client reads it; all else are functions below. */
typedef struct http_target {
    struct Curl_URL *url;
    bool tls;
    struct curl_slist *headers;
    redactor *secrets;
    bool isolated;
} http_target;

/*
 * A place that calls go to: a URL (http or https) with the headers that each call sends; everything
 * is copied. NULL and a message in err when it cannot be used, an empty one when memory ran out.
 *
 * `home`, if not NULL, is a URL whose scheme, host and port are the only ones that this may lead
 * to, by libcurl's own reading of both: give it wherever a header holds a key.
 *
 * Secrets are left out of all answers, as base/redact.h describes it: `secret`, if not NULL, the
 * last words of headers with names such as X-Api-Key, and a URL's password and fields such as
 * ?token=.
 */
http_target *http_target_new(const char *url, const char *home, const http_header *headers,
                             size_t count, const char *secret, char *err, size_t errlen);

/* Leaves the target's secrets out of a text, which may be put together from pieces of an answer.
 * False, and the text is empty, when out of memory. */
bool http_target_redact(const http_target *t, buf *text);

/* Whether that would leave a text as it is; false also when out of memory. */
bool http_target_is_clean(const http_target *t, const char *text, size_t len);

/* What leaves them out of a text that comes in pieces; the target must outlive it. NULL when out of
 * memory. */
redaction *http_target_redaction(const http_target *t);

/* Each call to the target gets a connection of its own. libcurl sends a request again by itself
 * when a connection that was used before breaks without an answer; on a new one it never does. */
void http_target_isolate(http_target *t);

/* The target must outlive its calls. */
void http_target_free(http_target *t);

#endif
