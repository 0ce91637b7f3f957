#include "engine/http_target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "engine/libcurl.h"

void http_target_free(http_target *t) {
    if (!t) return;
    curl_url_cleanup(t->url);
    curl_slist_free_all(t->headers);
    redactor_free(t->secrets);
    free(t);
}

void http_target_isolate(http_target *t) {
    t->isolated = true;
}

bool http_target_redact(const http_target *t, buf *text) {
    return redact(t->secrets, false, text);
}

bool http_target_is_clean(const http_target *t, const char *text, size_t len) {
    return redact_is_clean(t->secrets, text, len);
}

redaction *http_target_redaction(const http_target *t) {
    return redaction_new(t->secrets);
}

/* ---- secrets ---- */

/* Whether a header, or a field of a query, holds a secret by its name. */
static bool names_secret(const char *name, size_t len) {
    static const char *const parts[] = {"key",  "token",  "secret",     "sig",    "pass",
                                        "auth", "cookie", "credential", "session"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        for (size_t at = 0, n = strlen(parts[i]); at + n <= len; at++)
            if (strncasecmp(name + at, parts[i], n) == 0) return true;
    return false;
}

/* The last word of a header's value: that of "Bearer sk-..." is the secret. */
static bool add_value(redactor *r, const char *value) {
    const char *space = strrchr(value, ' '), *word = space ? space + 1 : value;
    return redactor_add(r, word, strlen(word));
}

/* The fields of a query whose names tell secrets. */
static bool add_query(redactor *r, const char *query) {
    for (const char *field = query; *field;) {
        size_t len = strcspn(field, "&");
        const char *value = memchr(field, '=', len);
        if (value && names_secret(field, (size_t)(value - field)) &&
            !redactor_add(r, value + 1, (size_t)(field + len - value - 1)))
            return false;
        field += len + (field[len] == '&');
    }
    return true;
}

/* Reads a part of a URL; *part stays NULL when there is none. False when out of memory. */
static bool part_of(CURLU *url, CURLUPart which, unsigned flags, char **part) {
    return curl_url_get(url, which, part, flags) != CURLUE_OUT_OF_MEMORY;
}

/* What a URL holds of secrets: a password, or a token in a user's place, and fields of the query.
 */
static bool add_url(redactor *r, CURLU *url) {
    char *user = NULL, *password = NULL, *query = NULL;
    bool well = part_of(url, CURLUPART_USER, CURLU_URLDECODE, &user) &&
                part_of(url, CURLUPART_PASSWORD, CURLU_URLDECODE, &password) &&
                part_of(url, CURLUPART_QUERY, 0, &query);
    if (well && password) well = redactor_add(r, password, strlen(password));
    if (well && user && !password) well = redactor_add(r, user, strlen(user));
    if (well && query) well = add_query(r, query);
    curl_free(user);
    curl_free(password);
    curl_free(query);
    return well;
}

/* ---- headers ---- */

/* Whether the header can be sent as one line; what is wrong is told without its value. */
static bool is_header(const http_header *h, char *err, size_t errlen) {
    static const char token[] = "!#$%&'*+-.^_`|~0123456789"
                                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    if (!*h->name || h->name[strspn(h->name, token)]) {
        snprintf(err, errlen,
                 "not to be asked with a header of that name: names of headers are "
                 "letters, digits and hyphens");
        return false;
    }
    for (const char *p = h->value; *p; p++) {
        if ((unsigned char)*p >= ' ' ? *p != 127 : *p == '\t') continue;
        snprintf(err, errlen,
                 "not to be asked with the header %s: its value holds a line break "
                 "or another control character",
                 h->name);
        return false;
    }
    return true;
}

static bool add_header(http_target *t, const http_header *h) {
    buf line = {0};
    struct curl_slist *more = NULL;
    /* libcurl takes "Name:" for a header that is not to be sent. */
    if (buf_printf(&line, *h->value ? "%s: %s" : "%s;", h->name, h->value))
        more = curl_slist_append(t->headers, line.data);
    if (line.data) explicit_bzero(line.data, line.len);
    buf_free(&line);
    if (more) t->headers = more;
    return more && (!names_secret(h->name, strlen(h->name)) || add_value(t->secrets, h->value));
}

static bool is_given(const http_header *headers, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++)
        if (strcasecmp(headers[i].name, name) == 0) return true;
    return false;
}

static bool add_headers(http_target *t, const http_header *headers, size_t count) {
    /* An empty Expect keeps curl from waiting for "100 Continue" before larger bodies. */
    /* The first two have options of curl's, which it would print anew, character by character, for
     * each request. */
    static const http_header always[] = {{"User-Agent", "fellowship"},
                                         {"Accept-Encoding", "identity"},
                                         {"Content-Type", "application/json"},
                                         {"Accept", "application/json"}};
    t->headers = curl_slist_append(NULL, "Expect:");
    if (!t->headers) return false;
    for (size_t i = 0; i < sizeof always / sizeof *always; i++)
        if (!is_given(headers, count, always[i].name) && !add_header(t, &always[i])) return false;
    for (size_t i = 0; i < count; i++)
        if (!add_header(t, &headers[i])) return false;
    return true;
}

/* ---- places ---- */

/* Reads a URL of http or https; NULL, and why in err (empty when out of memory), when it is none.
 */
static CURLU *read_url(const char *text, char *err, size_t errlen) {
    char *scheme = NULL;
    CURLU *url = curl_url();
    CURLUcode code = url ? curl_url_set(url, CURLUPART_URL, text, 0) : CURLUE_OUT_OF_MEMORY;
    if (code == CURLUE_OK) code = curl_url_get(url, CURLUPART_SCHEME, &scheme, 0);
    bool usable =
        code == CURLUE_OK && (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);
    curl_free(scheme);
    if (usable) return url;
    if (code != CURLUE_OUT_OF_MEMORY)
        snprintf(err, errlen, "not a usable URL (%s); it has the form https://host[:port]/path",
                 code == CURLUE_OK ? "neither http nor https" : curl_url_strerror(code));
    curl_url_cleanup(url);
    return NULL;
}

static bool is_same_part(CURLU *a, CURLU *b, CURLUPart which) {
    char *in_a = NULL, *in_b = NULL;
    bool same = curl_url_get(a, which, &in_a, CURLU_DEFAULT_PORT) == CURLUE_OK &&
                curl_url_get(b, which, &in_b, CURLU_DEFAULT_PORT) == CURLUE_OK &&
                strcasecmp(in_a, in_b) == 0;
    curl_free(in_a);
    curl_free(in_b);
    return same;
}

/* Whether the URL, as libcurl reads it, leads to the scheme, host and port of `home`. */
static bool is_at_home(CURLU *url, const char *home, char *err, size_t errlen) {
    CURLU *of_home = read_url(home, err, errlen);
    if (!of_home) return false;
    bool same = is_same_part(url, of_home, CURLUPART_SCHEME) &&
                is_same_part(url, of_home, CURLUPART_HOST) &&
                is_same_part(url, of_home, CURLUPART_PORT);
    curl_url_cleanup(of_home);
    if (!same)
        snprintf(err, errlen,
                 "not where this address leads: the key is sent to one scheme, host "
                 "and port alone");
    return same;
}

http_target *http_target_new(const char *url, const char *home, const http_header *headers,
                             size_t count, const char *secret, char *err, size_t errlen) {
    *err = '\0';
    for (size_t i = 0; i < count; i++)
        if (!is_header(&headers[i], err, errlen)) return NULL;
    http_target *t = calloc(1, sizeof *t);
    char *scheme = NULL;
    if (!t || !(t->url = read_url(url, err, errlen))) goto failed;
    if (home && !is_at_home(t->url, home, err, errlen)) goto failed;
    if (curl_url_get(t->url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK) goto failed;
    t->tls = strcmp(scheme, "https") == 0;
    curl_free(scheme);
    t->secrets = redactor_new();
    if (!t->secrets || !add_url(t->secrets, t->url) || !add_headers(t, headers, count)) goto failed;
    if (secret && !redactor_add(t->secrets, secret, strlen(secret))) goto failed;
    return t;
failed:
    http_target_free(t);
    return NULL;
}
