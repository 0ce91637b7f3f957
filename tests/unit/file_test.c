/* Files: what stands in the way is named, a file is one writer's, and a sync that fails is seen. */
#include "engine/file.h"

#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

static int sync_errno, syncs;

int fsync(int fd) {
    syncs++;
    if (!sync_errno) return (int)syscall(SYS_fsync, fd);
    errno = sync_errno;
    return -1;
}

static void write_text(const char *path, const char *text) {
    FILE *f = fopen(path, "w");
    if (!f || fputs(text, f) < 0 || fclose(f) != 0) abort();
}

static bool holds(const char *path, const char *text) {
    char line[64] = "";
    FILE *f = fopen(path, "r");
    if (!f) return false;
    size_t n = fread(line, 1, sizeof line - 1, f);
    fclose(f);
    return n == strlen(text) && strcmp(line, text) == 0;
}

static void test_obstacles(void) {
    is_str(file_obstacle("none"), NULL, "nothing is no obstacle");
    write_text("plain", "text");
    is_str(file_obstacle("plain"), NULL, "nor is an ordinary file");
    is_str(file_obstacle("."), "a folder", "a folder is");
    is_str(file_obstacle("/dev/null"), "a device", "and a device");
    if (mkfifo("pipe", 0600) < 0 || symlink("plain", "link") < 0) abort();
    is_str(file_obstacle("pipe"), "a named pipe", "and a named pipe");
    is_str(file_obstacle("link"), "a symbolic link", "and a link, wherever it leads");
    int s = socket(AF_UNIX, SOCK_STREAM, 0);
    struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "socket"};
    if (bind(s, (struct sockaddr *)&name, sizeof name) < 0) abort();
    close(s);
    is_str(file_obstacle("socket"), "a socket", "and a socket");
    FILE *f = fopen("base", "w");
    fwrite("SQLite format 3", 1, 16, f);
    fclose(f);
    has_str(file_obstacle("base"), "an SQLite database", "and a database");
    write_text("base-wal", "");
    has_str(file_obstacle("base-wal"), "a part of an SQLite database", "and what belongs to one");
    write_text("plain-wal", "");
    is_str(file_obstacle("plain-wal"), NULL, "but not what only has such a name");
}

static void test_making(void) {
    const char *why = NULL;
    write_text("made", "old");
    int fd = file_make("made", &why);
    ok(fd >= 0 && holds("made", ""), "a file is made anew");
    ok(file_make("made", &why) < 0, "a second writer does not get it");
    has_str(why, "another writer", "and hears why");
    if (write(fd, "new", 3) != 3) abort();
    close(fd);
    fd = file_make("made", &why);
    ok(fd >= 0, "once it is closed, the next one does");
    close(fd);
    if (link("plain", "twin") < 0) abort();
    fd = file_make("twin", &why);
    ok(fd >= 0 && holds("plain", "text"), "a second name of a file is parted from it");
    close(fd);
    ok(file_make("link", &why) < 0 && holds("plain", "text"), "no link is followed");
    ok(file_make("pipe", &why) < 0, "nor is a pipe waited for");
    has_str(why, "no ordinary file", "which is said");
    ok(file_make("none/x", &why) < 0, "a folder that is missing: %s", why);
}

static void test_renaming(void) {
    write_text("from", "text");
    syncs = 0;
    is_int(file_rename("from", "to"), 0, "a file is renamed");
    ok(holds("to", "text") && syncs == 1, "and its folder synced");
    write_text("from", "more");
    sync_errno = EIO;
    is_int(file_rename("from", "to"), EIO, "a sync that fails is told of");
    ok(holds("to", "more"), "though the name stands");
    write_text("from", "again");
    sync_errno = EINVAL;
    is_int(file_rename("from", "to"), 0, "a file system that cannot sync a folder need not");
    sync_errno = 0;
    is_int(file_rename("from", "to"), ENOENT, "a file that is not there cannot be renamed");
}

int main(void) {
    char folder[] = "/tmp/file_test.XXXXXX", clean[64];
    if (!mkdtemp(folder) || chdir(folder) < 0) return 1;
    test_obstacles();
    test_making();
    test_renaming();
    snprintf(clean, sizeof clean, "rm -rf '%s'", folder);
    if (system(clean) != 0) printf("# %s stays\n", folder);
    return done_testing();
}
