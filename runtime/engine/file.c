#include "engine/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int file_rename(const char *from, const char *to) {
    const char *slash = strrchr(to, '/');
    char *folder = slash ? strndup(to, (size_t)(slash - to) + 1) : strdup(".");
    if (!folder) return ENOMEM;
    int problem = rename(from, to) < 0 ? errno : 0;
    int fd = problem ? -1 : open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(folder);
    if (fd >= 0) {
        fsync(fd); /* some file systems refuse; the rename itself stands */
        close(fd);
    }
    return problem;
}
