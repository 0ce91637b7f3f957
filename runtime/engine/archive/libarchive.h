/*
 * libarchive, loaded when a file turns out to be an archive, or compressed with what it knows, or
 * is to be written so: most runs meet none, and what comes with it (libxml2, ICU, ...) takes a
 * third of the time to start.
 *
 * Include this in place of <archive.h>. Functions have their usual names and are pointers, which
 * libarchive_load fills in; none may be called before.
 */
#ifndef FELLOWSHIP_ENGINE_ARCHIVE_LIBARCHIVE_H
#define FELLOWSHIP_ENGINE_ARCHIVE_LIBARCHIVE_H

#include <archive.h>
#include <archive_entry.h>
#include <stdbool.h>
#include <stddef.h>

#define LIBARCHIVE_FUNCTIONS(F)                                                                    \
    F(archive_entry_filetype)                                                                      \
    F(archive_entry_free)                                                                          \
    F(archive_entry_hardlink)                                                                      \
    F(archive_entry_is_encrypted)                                                                  \
    F(archive_entry_new)                                                                           \
    F(archive_entry_pathname)                                                                      \
    F(archive_entry_set_filetype)                                                                  \
    F(archive_entry_symlink)                                                                       \
    F(archive_errno)                                                                               \
    F(archive_error_string)                                                                        \
    F(archive_filter_bytes)                                                                        \
    F(archive_read_append_filter)                                                                  \
    F(archive_read_data_block)                                                                     \
    F(archive_read_data_skip)                                                                      \
    F(archive_read_free)                                                                           \
    F(archive_read_new)                                                                            \
    F(archive_read_next_header)                                                                    \
    F(archive_read_open)                                                                           \
    F(archive_read_set_seek_callback)                                                              \
    F(archive_read_support_format_empty)                                                           \
    F(archive_read_support_format_raw)                                                             \
    F(archive_read_support_format_tar)                                                             \
    F(archive_read_support_format_zip_seekable)                                                    \
    F(archive_read_support_format_zip_streamable)                                                  \
    F(archive_set_error)                                                                           \
    F(archive_write_add_filter_bzip2)                                                              \
    F(archive_write_add_filter_xz)                                                                 \
    F(archive_write_add_filter_zstd)                                                               \
    F(archive_write_close)                                                                         \
    F(archive_write_data)                                                                          \
    F(archive_write_free)                                                                          \
    F(archive_write_header)                                                                        \
    F(archive_write_new)                                                                           \
    F(archive_write_open)                                                                          \
    F(archive_write_set_bytes_per_block)                                                           \
    F(archive_write_set_filter_option)                                                             \
    F(archive_write_set_format_raw)

#define LIBARCHIVE_MEMBER(name) __typeof__(name) *name##_;
struct libarchive {
    LIBARCHIVE_FUNCTIONS(LIBARCHIVE_MEMBER)
};
extern struct libarchive libarchive;

/* Loads the library, once, for whichever thread comes first. What went wrong, or NULL when it is
 * there. */
const char *libarchive_load(void);

#ifndef LIBARCHIVE_NAMES_ONLY
#define archive_entry_filetype            libarchive.archive_entry_filetype_
#define archive_entry_free                libarchive.archive_entry_free_
#define archive_entry_hardlink            libarchive.archive_entry_hardlink_
#define archive_entry_is_encrypted        libarchive.archive_entry_is_encrypted_
#define archive_entry_new                 libarchive.archive_entry_new_
#define archive_entry_pathname            libarchive.archive_entry_pathname_
#define archive_entry_set_filetype        libarchive.archive_entry_set_filetype_
#define archive_entry_symlink             libarchive.archive_entry_symlink_
#define archive_errno                     libarchive.archive_errno_
#define archive_error_string              libarchive.archive_error_string_
#define archive_filter_bytes              libarchive.archive_filter_bytes_
#define archive_read_append_filter        libarchive.archive_read_append_filter_
#define archive_read_data_block           libarchive.archive_read_data_block_
#define archive_read_data_skip            libarchive.archive_read_data_skip_
#define archive_read_free                 libarchive.archive_read_free_
#define archive_read_new                  libarchive.archive_read_new_
#define archive_read_next_header          libarchive.archive_read_next_header_
#define archive_read_open                 libarchive.archive_read_open_
#define archive_read_set_seek_callback    libarchive.archive_read_set_seek_callback_
#define archive_read_support_format_empty libarchive.archive_read_support_format_empty_
#define archive_read_support_format_raw   libarchive.archive_read_support_format_raw_
#define archive_read_support_format_tar   libarchive.archive_read_support_format_tar_
#define archive_read_support_format_zip_seekable                                                   \
    libarchive.archive_read_support_format_zip_seekable_
#define archive_read_support_format_zip_streamable                                                 \
    libarchive.archive_read_support_format_zip_streamable_
#define archive_set_error                 libarchive.archive_set_error_
#define archive_write_add_filter_bzip2    libarchive.archive_write_add_filter_bzip2_
#define archive_write_add_filter_xz       libarchive.archive_write_add_filter_xz_
#define archive_write_add_filter_zstd     libarchive.archive_write_add_filter_zstd_
#define archive_write_close               libarchive.archive_write_close_
#define archive_write_data                libarchive.archive_write_data_
#define archive_write_free                libarchive.archive_write_free_
#define archive_write_header              libarchive.archive_write_header_
#define archive_write_new                 libarchive.archive_write_new_
#define archive_write_open                libarchive.archive_write_open_
#define archive_write_set_bytes_per_block libarchive.archive_write_set_bytes_per_block_
#define archive_write_set_filter_option   libarchive.archive_write_set_filter_option_
#define archive_write_set_format_raw      libarchive.archive_write_set_format_raw_
#endif

#endif
