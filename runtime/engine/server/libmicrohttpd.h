/*
 * libmicrohttpd, loaded when a server is made: GnuTLS comes with it, and no other command should
 * wait for that.
 *
 * Include this in place of <microhttpd.h>. Functions have their usual names and are pointers, which
 * libmicrohttpd_load fills in; none may be called before.
 */
#ifndef FELLOWSHIP_ENGINE_SERVER_LIBMICROHTTPD_H
#define FELLOWSHIP_ENGINE_SERVER_LIBMICROHTTPD_H

#include <microhttpd.h>

#define LIBMICROHTTPD_FUNCTIONS(F)                                                                 \
    F(MHD_add_response_header)                                                                     \
    F(MHD_create_response_from_buffer_with_free_callback)                                          \
    F(MHD_create_response_from_callback)                                                           \
    F(MHD_destroy_response)                                                                        \
    F(MHD_get_connection_info)                                                                     \
    F(MHD_get_daemon_info)                                                                         \
    F(MHD_get_timeout)                                                                             \
    F(MHD_lookup_connection_value)                                                                 \
    F(MHD_queue_response)                                                                          \
    F(MHD_quiesce_daemon)                                                                          \
    F(MHD_resume_connection)                                                                       \
    F(MHD_run)                                                                                     \
    F(MHD_start_daemon)                                                                            \
    F(MHD_stop_daemon)                                                                             \
    F(MHD_suspend_connection)

#define LIBMICROHTTPD_MEMBER(name) __typeof__(name) *name##_;
struct libmicrohttpd {
    LIBMICROHTTPD_FUNCTIONS(LIBMICROHTTPD_MEMBER)
};
extern struct libmicrohttpd libmicrohttpd;

/* Loads the library, once. What went wrong, or NULL when it is there. */
const char *libmicrohttpd_load(void);

#ifndef LIBMICROHTTPD_NAMES_ONLY
#define MHD_add_response_header libmicrohttpd.MHD_add_response_header_
#define MHD_create_response_from_buffer_with_free_callback                                         \
    libmicrohttpd.MHD_create_response_from_buffer_with_free_callback_
#define MHD_create_response_from_callback libmicrohttpd.MHD_create_response_from_callback_
#define MHD_destroy_response              libmicrohttpd.MHD_destroy_response_
#define MHD_get_connection_info           libmicrohttpd.MHD_get_connection_info_
#define MHD_get_daemon_info               libmicrohttpd.MHD_get_daemon_info_
#define MHD_get_timeout                   libmicrohttpd.MHD_get_timeout_
#define MHD_lookup_connection_value       libmicrohttpd.MHD_lookup_connection_value_
#define MHD_queue_response                libmicrohttpd.MHD_queue_response_
#define MHD_quiesce_daemon                libmicrohttpd.MHD_quiesce_daemon_
#define MHD_resume_connection             libmicrohttpd.MHD_resume_connection_
#define MHD_run                           libmicrohttpd.MHD_run_
#define MHD_start_daemon                  libmicrohttpd.MHD_start_daemon_
#define MHD_stop_daemon                   libmicrohttpd.MHD_stop_daemon_
#define MHD_suspend_connection            libmicrohttpd.MHD_suspend_connection_
#endif

#endif
