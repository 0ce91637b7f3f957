/*
 * zip: whether a zip archive ends as one must (APPNOTE.TXT 4.3: the central directory, then
 * its end record and a comment). For members.c only.
 */
#ifndef FELLOWSHIP_ENGINE_ARCHIVE_ZIP_H
#define FELLOWSHIP_ENGINE_ARCHIVE_ZIP_H

#include "engine/archive/feed.h"

/* After the last of `count` members was read from a stream: what the reader left must be a
 * directory of as many, whole and the last there is. 0, or -1, reported. */
int zip_check_end(feed *, uint64_t count);

/* In a layer that can seek, which is back at its start afterwards: 1 when the file ends with an
 * end record where libarchive finds it, 0 when it is to be read as a stream; -1 when there is none
 * or more follows it, reported. */
int zip_find_end(layer *);

#endif
