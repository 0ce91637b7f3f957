#include "engine/store/place.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

enum { FUSE_MAGIC = 0x65735546 };

/* File systems that several machines write at once. The WAL index of SQLite is shared memory, which
 * ends at the machine, and file locks over a network are not to be relied on
 * (https://www.sqlite.org/wal.html, https://www.sqlite.org/howtocorrupt.html). Numbers: statfs(2),
 * linux/magic.h and the file systems' own sources. 9p is left out: it is mostly a virtual machine's
 * view of its one host. */
static const struct {
    uint32_t magic;
    const char *name;
} network_magic[] = {
    {0x6969, "NFS"},          {0x517b, "SMB"},        {0xff534d42, "CIFS"},  {0xfe534d42, "SMB2"},
    {0x5346414f, "AFS"},      {0x6b414653, "AFS"},    {0x73757245, "Coda"},  {0x564c, "NCP"},
    {0x00c36400, "Ceph"},     {0x0bd00bd0, "Lustre"}, {0x47504653, "GPFS"},  {0x19830326, "BeeGFS"},
    {0x20030528, "OrangeFS"}, {0x01161970, "GFS2"},   {0x7461636f, "OCFS2"}, {0xaad7aaea, "PanFS"},
};

/* FUSE is local as often as not (virtiofs, fuse-overlayfs, ntfs-3g), so it goes by type. */
static const char *const network_fuse[] = {
    "fuse.sshfs",   "fuse.glusterfs", "fuse.ceph",     "fuse.ceph-fuse",
    "fuse.s3fs",    "fuse.goofys",    "fuse.gcsfuse",  "fuse.mfs",
    "fuse.juicefs", "fuse.rclone",    "fuse.mount-s3", "fuse.beegfs",
};

const char *store_place_network(unsigned long magic, const char *type) {
    /* f_type is a signed long on some machines: only its low 32 bits count. */
    for (size_t i = 0; i < sizeof network_magic / sizeof *network_magic; i++) {
        if (network_magic[i].magic == (uint32_t)magic) return network_magic[i].name;
    }
    if ((uint32_t)magic != FUSE_MAGIC || !type) return NULL;
    for (size_t i = 0; i < sizeof network_fuse / sizeof *network_fuse; i++) {
        if (strcmp(type, network_fuse[i]) == 0) return strchr(network_fuse[i], '.') + 1;
    }
    return NULL;
}

/* The type of the mounted file system that holds device, as in /proc/self/mountinfo (proc(5)):
 * "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw". */
static bool mount_type(dev_t device, char *type, size_t size) {
    FILE *mounts = fopen("/proc/self/mountinfo", "re");
    if (!mounts) return false;
    char line[2 * PATH_MAX];
    bool found = false;
    while (!found && fgets(line, sizeof line, mounts)) {
        unsigned major_no, minor_no;
        const char *tail = strstr(line, " - ");
        if (!tail || sscanf(line, "%*u %*u %u:%u", &major_no, &minor_no) != 2) continue;
        if (makedev(major_no, minor_no) != device) continue;
        int len = (int)strcspn(tail + 3, " \n");
        snprintf(type, size, "%.*s", len, tail + 3);
        found = true;
    }
    fclose(mounts);
    return found;
}

/* Cuts the last component off path; "." and "/" are where it ends. */
static void to_parent(char *path) {
    char *slash = strrchr(path, '/');
    if (!slash) {
        strcpy(path, ".");
    } else if (slash == path) {
        path[1] = '\0';
    } else {
        *slash = '\0';
    }
}

bool store_place_look(const char *path, store_place *place, char *err, size_t errlen) {
    *place = (store_place){0};
    char near[PATH_MAX];
    if (!*path || strlen(path) >= sizeof near) {
        snprintf(err, errlen, "cannot open the store: its path is %s",
                 *path ? "too long" : "empty");
        return false;
    }
    strcpy(near, path);
    struct stat st;
    int rc = stat(near, &st);
    place->exists = rc == 0;
    if (place->exists && !S_ISREG(st.st_mode)) {
        const char *what = S_ISDIR(st.st_mode) ? "a folder" : "no regular file";
        snprintf(err, errlen, "%s is %s, not a store; name a file", path, what);
        return false;
    }
    while (rc < 0 && errno == ENOENT && strcmp(near, ".") != 0 && strcmp(near, "/") != 0) {
        to_parent(near);
        rc = stat(near, &st);
    }
    struct statfs fs;
    if (rc < 0 || statfs(near, &fs) < 0) {
        snprintf(err, errlen, "cannot open the store %s: %s", path, strerror(errno));
        return false;
    }
    unsigned long magic = (unsigned long)fs.f_type;
    char type[64];
    bool named = (uint32_t)magic == FUSE_MAGIC && mount_type(st.st_dev, type, sizeof type);
    place->network = store_place_network(magic, named ? type : NULL);
    return true;
}

bool store_place_make_parents(const char *path, char *err, size_t errlen) {
    char folder[PATH_MAX];
    snprintf(folder, sizeof folder, "%s", path);
    for (char *slash = strchr(folder + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(folder, STORE_FOLDER_MODE) < 0 && errno != EEXIST) {
            struct stat st;
            int why = errno;
            /* A read-only or automounted parent may refuse before it says that it exists. */
            if (stat(folder, &st) < 0) {
                snprintf(err, errlen,
                         "cannot create the folder %s of the store: %s; --store FILE names another "
                         "place",
                         folder, strerror(why));
                return false;
            }
        }
        *slash = '/';
    }
    return true;
}
