/* file: what the file system must be told so that a file is safe, and what it must not be asked. */
#ifndef FELLOWSHIP_ENGINE_FILE_H
#define FELLOWSHIP_ENGINE_FILE_H

#include <stddef.h>

/* What stands at path that no result may take the place of: "a folder", "a device", "a symbolic
 * link", "an SQLite database, as stores are", ... NULL when nothing does, or an ordinary file. */
const char *file_obstacle(const char *path);

/* Makes a file anew, for this process alone: opened for writing, empty, and locked until the
 * descriptor is closed. No link is followed, and nothing but an ordinary file is emptied. -1, and
 * in *why what is wrong, static. */
int file_make(const char *path, const char **why);

/* Makes a file that was not there, with all of its content: of several who try, on several machines
 * too, one does, and nobody sees a part of it. 0, EEXIST when it is there, or what errno says. */
int file_create(const char *path, const void *data, size_t len);

/* Renames a file over what has that name, atomically; on the disk when it returns. 0, or what errno
 * says: also when the new name stands, and is not known to be on the disk. */
int file_rename(const char *from, const char *to);

#endif
