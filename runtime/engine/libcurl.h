/*
 * libcurl, loaded when the first call wants it or, on a thread of its own, while a script that may
 * make one is got ready: thirty libraries come with it (TLS, LDAP, Kerberos, ...), and binding them
 * takes half of the time to the first request, for nothing in a program that asks no model.
 *
 * Include this in place of <curl/curl.h>. Functions have their usual names and are pointers, which
 * libcurl_load fills in; none may be called before.
 */
#ifndef FELLOWSHIP_ENGINE_LIBCURL_H
#define FELLOWSHIP_ENGINE_LIBCURL_H

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>

/* These are macros of the same name, which only count arguments. */
#undef curl_easy_setopt
#undef curl_easy_getinfo
#undef curl_multi_setopt
#undef curl_share_setopt

#define LIBCURL_FUNCTIONS(F)                                                                       \
    F(curl_easy_cleanup)                                                                           \
    F(curl_easy_getinfo)                                                                           \
    F(curl_easy_init)                                                                              \
    F(curl_easy_setopt)                                                                            \
    F(curl_easy_strerror)                                                                          \
    F(curl_free)                                                                                   \
    F(curl_global_init)                                                                            \
    F(curl_multi_add_handle)                                                                       \
    F(curl_multi_cleanup)                                                                          \
    F(curl_multi_info_read)                                                                        \
    F(curl_multi_init)                                                                             \
    F(curl_multi_remove_handle)                                                                    \
    F(curl_multi_setopt)                                                                           \
    F(curl_multi_socket_action)                                                                    \
    F(curl_share_cleanup)                                                                          \
    F(curl_share_init)                                                                             \
    F(curl_share_setopt)                                                                           \
    F(curl_slist_append)                                                                           \
    F(curl_slist_free_all)                                                                         \
    F(curl_url)                                                                                    \
    F(curl_url_cleanup)                                                                            \
    F(curl_url_get)                                                                                \
    F(curl_url_set)                                                                                \
    F(curl_url_strerror)

#define LIBCURL_MEMBER(name) __typeof__(name) *name##_;
struct libcurl {
    LIBCURL_FUNCTIONS(LIBCURL_MEMBER)
};
extern struct libcurl libcurl;

/* Begins to load and set up the library on a thread of its own. */
void libcurl_begin(void);

/* Whether such a thread is at work, or has ended and was not waited for: at exit(), OpenSSL frees
 * what its threads hold, also what one that is just ending frees. Only for the main thread. */
bool libcurl_loading(void);

/* Loads and sets up the library, once, or waits until it is loaded; false and a message in err
 * (errlen bytes at most) when it cannot be. It stays until the process ends. Only for the thread
 * that makes calls. */
bool libcurl_load(char *err, size_t errlen);

/* The file of the authorities whose certificates are believed: $SSL_CERT_FILE; otherwise NULL,
 * which is libcurl's own choice, but in a static program, which runs on systems that it was not
 * built for, the one of the system that it runs on. */
const char *libcurl_authorities(void);

#ifndef LIBCURL_NAMES_ONLY
#define curl_easy_cleanup        libcurl.curl_easy_cleanup_
#define curl_easy_getinfo        libcurl.curl_easy_getinfo_
#define curl_easy_init           libcurl.curl_easy_init_
#define curl_easy_setopt         libcurl.curl_easy_setopt_
#define curl_easy_strerror       libcurl.curl_easy_strerror_
#define curl_free                libcurl.curl_free_
#define curl_multi_add_handle    libcurl.curl_multi_add_handle_
#define curl_multi_cleanup       libcurl.curl_multi_cleanup_
#define curl_multi_info_read     libcurl.curl_multi_info_read_
#define curl_multi_init          libcurl.curl_multi_init_
#define curl_multi_remove_handle libcurl.curl_multi_remove_handle_
#define curl_multi_setopt        libcurl.curl_multi_setopt_
#define curl_multi_socket_action libcurl.curl_multi_socket_action_
#define curl_share_cleanup       libcurl.curl_share_cleanup_
#define curl_share_init          libcurl.curl_share_init_
#define curl_share_setopt        libcurl.curl_share_setopt_
#define curl_slist_append        libcurl.curl_slist_append_
#define curl_slist_free_all      libcurl.curl_slist_free_all_
#define curl_url                 libcurl.curl_url_
#define curl_url_cleanup         libcurl.curl_url_cleanup_
#define curl_url_get             libcurl.curl_url_get_
#define curl_url_set             libcurl.curl_url_set_
#define curl_url_strerror        libcurl.curl_url_strerror_
#endif

/* Sets an option of an easy handle: whether libcurl took it. */
#define LIBCURL_SET(easy, option, value) (curl_easy_setopt(easy, option, value) == CURLE_OK)

#endif
