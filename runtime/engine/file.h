/* file: what the file system must be told so that a file is safe. */
#ifndef FELLOWSHIP_ENGINE_FILE_H
#define FELLOWSHIP_ENGINE_FILE_H

/* Renames a file over what has that name, atomically; on the disk when it returns. 0, or what errno
 * says. */
int file_rename(const char *from, const char *to);

#endif
