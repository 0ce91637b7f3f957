#include "engine/store/db.h"

#include "engine/store/place.h"
#include "engine/store/table.h"
#include "engine/store/upgrade.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* "flws", so that file(1) and other tools can tell a store; and the version of its tables. */
enum { APPLICATION_ID = 0x666c7773, SCHEMA_VERSION = 2 };

enum kind { KIND_STORE, KIND_EMPTY, KIND_FOREIGN, KIND_FIRST, KIND_NEWER };

sqlite3_file *store_db_wal(sqlite3 *db) {
    sqlite3_file *wal = NULL;
    int rc = sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &wal);
    return rc == SQLITE_OK && wal && wal->pMethods ? wal : NULL;
}

bool store_db_has_moved(sqlite3 *db) {
    int moved = 0;
    sqlite3_file_control(db, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    const char *wal = sqlite3_filename_wal(sqlite3_db_filename(db, "main"));
    return moved || (store_db_wal(db) && access(wal, F_OK) < 0);
}

/* The errno of a failed system call, which SQLite notes for opening here and for writing there. */
static int system_cause(sqlite3 *db) {
    int cause = sqlite3_system_errno(db);
    sqlite3_file *wal = cause ? NULL : store_db_wal(db);
    if (wal) wal->pMethods->xFileControl(wal, SQLITE_FCNTL_LAST_ERRNO, &cause);
    return cause;
}

void store_db_explain(sqlite3 *db, int rc, const char *path, char *err, size_t errlen) {
    bool last = db && (sqlite3_errcode(db) & 0xff) == (rc & 0xff);
    const char *sqlite_says = last ? sqlite3_errmsg(db) : sqlite3_errstr(rc);
    int cause = last ? system_cause(db) : 0;
    switch (rc & 0xff) {
    case SQLITE_FULL:
        snprintf(err, errlen, "the store %s cannot be written: disk full (%s)", path, sqlite_says);
        break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        snprintf(err, errlen, "the store %s is locked by another process (waited %d s)", path,
                 STORE_PATIENCE);
        break;
    case SQLITE_TOOBIG:
        snprintf(err, errlen, "the store %s cannot keep a completion of this size", path);
        break;
    case SQLITE_READONLY:
        snprintf(err, errlen, "the store %s cannot be written: it is read-only", path);
        break;
    case SQLITE_NOTADB:
        snprintf(err, errlen,
                 "%s is not a store: it is no SQLite database; name another file, or move it away",
                 path);
        break;
    case SQLITE_CORRUPT:
        snprintf(err, errlen,
                 "the store %s is damaged (%s); save what is sound with: fellowship store export "
                 "FILE --store %s",
                 path, sqlite_says, path);
        break;
    default:
        /* Over quota, for one, is an I/O error to SQLite. */
        if (cause && ((rc & 0xff) == SQLITE_IOERR || (rc & 0xff) == SQLITE_CANTOPEN))
            snprintf(err, errlen, "the store %s failed: %s (%s)", path, sqlite_says,
                     strerror(cause));
        else
            snprintf(err, errlen, "the store %s failed: %s", path, sqlite_says);
    }
}

/* Runs a query whose answer is one integer. */
static int query_int(sqlite3 *db, const char *sql, int64_t *value) {
    sqlite3_stmt *query;
    int rc = sqlite3_prepare_v2(db, sql, -1, &query, NULL);
    if (rc != SQLITE_OK) return rc;
    if (sqlite3_step(query) == SQLITE_ROW) *value = sqlite3_column_int64(query, 0);
    return sqlite3_finalize(query);
}

/* In one transaction, or inside the caller's: another process may be making the schema. */
static int recognise(sqlite3 *db, enum kind *kind) {
    int64_t application = 0, version = 0, tables = 0;
    int rc = sqlite3_exec(db, "SAVEPOINT look", NULL, NULL, NULL);
    if (rc != SQLITE_OK) return rc;
    rc = query_int(db, "PRAGMA application_id", &application);
    if (rc == SQLITE_OK) rc = query_int(db, "PRAGMA user_version", &version);
    if (rc == SQLITE_OK) rc = query_int(db, "SELECT count(*) FROM sqlite_schema", &tables);
    int release = sqlite3_exec(db, "RELEASE look", NULL, NULL, NULL);
    if (rc == SQLITE_OK) rc = release;
    if (rc != SQLITE_OK) return rc;
    if (application == APPLICATION_ID && version == SCHEMA_VERSION)
        *kind = KIND_STORE;
    else if (application == APPLICATION_ID && version > SCHEMA_VERSION)
        *kind = KIND_NEWER;
    else if (application == APPLICATION_ID && version == 1)
        *kind = KIND_FIRST;
    else if (application == 0 && version == 0 && tables == 0)
        *kind = KIND_EMPTY;
    else
        *kind = KIND_FOREIGN;
    return SQLITE_OK;
}

/* SQLite keeps the old mode, without an error, where the file system has no shared memory. */
static int use_wal(sqlite3 *db) {
    sqlite3_stmt *query;
    int rc = sqlite3_prepare_v2(db, "PRAGMA journal_mode=WAL", -1, &query, NULL);
    if (rc != SQLITE_OK) return rc;
    bool wal = sqlite3_step(query) == SQLITE_ROW &&
               strcmp((const char *)sqlite3_column_text(query, 0), "wal") == 0;
    rc = sqlite3_finalize(query);
    return rc == SQLITE_OK && !wal ? SQLITE_IOERR_SHMOPEN : rc;
}

/* Several packed completions to a page: the space that is left at its end counts less than with 4
 * KiB, and a group writes fewer pages. To be set before anything is written. */
static const char paging[] = "PRAGMA page_size=8192";

static const char *stamp(char text[96]) {
    snprintf(text, 96, "PRAGMA application_id=%d; PRAGMA user_version=%d", APPLICATION_ID,
             SCHEMA_VERSION);
    return text;
}

/* Turns an empty database into a store, unless another process just has. */
static int make_schema(sqlite3 *db) {
    int rc = sqlite3_exec(db, paging, NULL, NULL, NULL);
    if (rc == SQLITE_OK) rc = use_wal(db);
    if (rc == SQLITE_OK) rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    if (rc != SQLITE_OK) return rc;
    enum kind kind;
    rc = recognise(db, &kind);
    if (rc == SQLITE_OK && kind == KIND_EMPTY) {
        char text[96];
        rc = sqlite3_exec(db, store_table_schema, NULL, NULL, NULL);
        if (rc == SQLITE_OK) rc = sqlite3_exec(db, stamp(text), NULL, NULL, NULL);
    }
    if (rc == SQLITE_OK) rc = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    if (rc != SQLITE_OK) sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}

/* Recognises what is there and, when it may, makes a store of nothing or of an older one. */
static int prepare(sqlite3 *db, const store_options *options, enum kind *kind) {
    int rc = recognise(db, kind);
    if (rc != SQLITE_OK || options->read_only) return rc;
    if (*kind == KIND_FIRST) {
        char text[96];
        rc = store_upgrade(db, options, stamp(text));
        if (rc == SQLITE_OK) rc = recognise(db, kind);
        if (rc != SQLITE_OK) return rc;
    }
    if (*kind == KIND_EMPTY) {
        rc = make_schema(db);
        if (rc == SQLITE_OK) rc = recognise(db, kind);
    } else if (*kind == KIND_STORE) {
        /* A store that was published in another journal mode comes back to ours. */
        rc = use_wal(db);
    }
    return rc;
}

static time_t seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

/* Not equally long in all processes, lest they meet again. */
static void pause_a_little(void) {
    const struct timespec pause = {.tv_nsec = (20 + getpid() % 17) * 1000 * 1000};
    nanosleep(&pause, NULL);
}

/* SQLite answers "busy" at once, without asking its busy handler, when two processes change the
 * journal mode or recover after a crash side by side: so the waiting is done here. But not for the
 * upgrade: see open_to_write. */
static int prepare_patiently(sqlite3 *db, const store_options *options, enum kind *kind) {
    time_t begun = seconds();
    int rc;
    while (((rc = prepare(db, options, kind)) & 0xff) == SQLITE_BUSY) {
        if (!options->read_only && *kind == KIND_FIRST) break;
        if (seconds() - begun >= STORE_PATIENCE) break;
        pause_a_little();
    }
    return rc;
}

/* "file:" plus the path with what a URI treats specially escaped, plus the query. */
static void make_uri(const char *path, const char *query, char *uri, size_t size) {
    size_t n = (size_t)snprintf(uri, size, "file:%s", *path == '/' ? "" : "./");
    for (; *path && n + 4 < size; path++) {
        if (strchr("%?#", *path))
            n += (size_t)snprintf(uri + n, size - n, "%%%02X", (unsigned)*path);
        else
            uri[n++] = *path;
    }
    snprintf(uri + n, size - n, "%s", query);
}

/* One attempt. On failure the connection stays, for its message; it may be NULL. */
static int open_with(const char *path, const char *query, int flags, sqlite3 **db) {
    char uri[3 * PATH_MAX + 64];
    make_uri(path, query, uri, sizeof uri);
    int rc = sqlite3_open_v2(uri, db, flags | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc != SQLITE_OK) return rc;
    sqlite3_extended_result_codes(*db, 1);
    sqlite3_busy_timeout(*db, STORE_PATIENCE * 1000);
    /* A store that came from elsewhere must not run functions through its schema. */
    sqlite3_db_config(*db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    return SQLITE_OK;
}

static bool has_pending_wal(const char *path) {
    /* It lies beside the file, not beside a link to it. */
    char real[PATH_MAX], wal[PATH_MAX + 8];
    struct stat st;
    if (!realpath(path, real)) return false;
    snprintf(wal, sizeof wal, "%s-wal", real);
    return stat(wal, &st) == 0 && st.st_size > 0;
}

/* Opens for reading. Where the file allows it the connection could write but is told not to: only
 * such a one takes its -wal and -shm files away at the end. With a WAL to recover it may not, since
 * that would write. On read-only media SQLite cannot make those files: then, and on a network file
 * system, where no store is ever written, the file is taken as unchanging. */
static int open_to_read(const store_options *options, bool unchanging, sqlite3 **db,
                        enum kind *kind) {
    const char *path = options->path;
    bool pending = has_pending_wal(path);
    if (!unchanging) {
        int flags = pending ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
        int rc = open_with(path, "", flags, db);
        if (rc == SQLITE_OK) rc = sqlite3_exec(*db, "PRAGMA query_only=1", NULL, NULL, NULL);
        if (rc == SQLITE_OK) rc = prepare_patiently(*db, options, kind);
        int primary = rc & 0xff;
        bool media = primary == SQLITE_CANTOPEN || primary == SQLITE_READONLY;
        if (!media || pending || access(path, R_OK) < 0) return rc;
        sqlite3_close(*db);
    } else if (pending) {
        *db = NULL;
        return SQLITE_CANTOPEN;
    }
    int rc = open_with(path, "?immutable=1", SQLITE_OPEN_READONLY, db);
    return rc == SQLITE_OK ? prepare_patiently(*db, options, kind) : rc;
}

/* Processes that find an older store at the same time each hold it open, and wait for all others to
 * leave it before they change it: so whoever does not get it at once leaves, and comes again. */
static int open_to_write(const store_options *options, sqlite3 **db, enum kind *kind) {
    for (time_t begun = seconds();; pause_a_little()) {
        int rc = open_with(options->path, "", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, db);
        /* SQLite falls back to reading on its own. */
        if (rc == SQLITE_OK && sqlite3_db_readonly(*db, "main") == 1) return SQLITE_READONLY;
        if (rc == SQLITE_OK) rc = prepare_patiently(*db, options, kind);
        bool again = (rc & 0xff) == SQLITE_BUSY && *kind == KIND_FIRST;
        if (!again || seconds() - begun >= STORE_PATIENCE) return rc;
        sqlite3_close(*db);
    }
}

/* Why a file that SQLite opened is none of ours; true when it is. */
static bool accept_kind(enum kind kind, const char *path, char *err, size_t errlen) {
    switch (kind) {
    case KIND_STORE:
    case KIND_FIRST: return true; /* the latter only ever read */
    case KIND_EMPTY:
        snprintf(err, errlen, "there is no store at %s: the file is empty", path);
        break;
    case KIND_FOREIGN:
        snprintf(err, errlen,
                 "%s is not a store: it is another application's database; name another file",
                 path);
        break;
    case KIND_NEWER:
        snprintf(err, errlen,
                 "the store %s was made by a newer fellowship (this one knows version %d); "
                 "update fellowship, or name another file",
                 path, SCHEMA_VERSION);
        break;
    }
    return false;
}

static bool fit_place(const char *path, bool read_only, store_place *place, char *err,
                      size_t errlen) {
    if (!store_place_look(path, place, err, errlen)) return false;
    if (read_only && !place->exists) {
        snprintf(err, errlen, "there is no store at %s", path);
        return false;
    }
    if (read_only) return true;
    if (place->network) {
        snprintf(err, errlen,
                 "the store %s would be on a network file system (%s), where SQLite cannot keep it "
                 "safe; put it on a local disk, and merge the stores of shards with: "
                 "fellowship store import",
                 path, place->network);
        return false;
    }
    return place->exists || store_place_make_parents(path, err, errlen);
}

/* Why no file can be made beside path: an errno, or 0. SQLite itself tries again read-only when it
 * cannot create a file, and then says that there is none. */
static int folder_problem(const char *path) {
    char *copy = strdup(path);
    if (!copy) return 0;
    int problem = access(dirname(copy), W_OK) == 0 ? 0 : errno;
    free(copy);
    return problem;
}

/* ---- making ---- */

/* Bytes 18 and 19 of a database say how it is written and read: 1 with a rollback journal, 2 with a
 * WAL (https://www.sqlite.org/fileformat2.html). A database in memory has no WAL. */
enum { WRITE_VERSION = 18, READ_VERSION = 19, WAL = 2 };

/* The bytes of an empty store, for sqlite3_free; or NULL. */
static unsigned char *image(const char *const *setup, size_t *len) {
    sqlite3 *db;
    sqlite3_int64 size = 0;
    unsigned char *bytes = NULL;
    int rc = sqlite3_open(":memory:", &db);
    for (; rc == SQLITE_OK && *setup; setup++) rc = sqlite3_exec(db, *setup, NULL, NULL, NULL);
    if (rc == SQLITE_OK) bytes = sqlite3_serialize(db, "main", &size, 0);
    sqlite3_close(db);
    if (bytes) bytes[WRITE_VERSION] = bytes[READ_VERSION] = WAL;
    *len = (size_t)size;
    return bytes;
}

/* A file without a name in the folder of path, which goes away by itself; -1 where there is no such
 * thing. */
static int nameless(const char *path) {
    char copy[PATH_MAX];
    if (strlen(path) >= sizeof copy) return -1;
    strcpy(copy, path);
    return open(dirname(copy), O_TMPFILE | O_WRONLY | O_CLOEXEC, STORE_MODE);
}

static bool give_name(int fd, const char *path) {
    char self[64];
    snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    return linkat(AT_FDCWD, self, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0 || errno == EEXIST;
}

/* Puts an empty store at path, whole and on the disk before the name is there, unless something is
 * there already. False when it could not, and nothing is there then: SQLite's own way, which takes
 * seven syncs, may still do it, and says what is wrong if it cannot. */
static bool make_at_once(const char *path) {
    char text[96];
    const char *const setup[] = {paging, store_table_schema, stamp(text), NULL};
    int fd = nameless(path);
    if (fd < 0) return false;
    size_t len;
    unsigned char *bytes = image(setup, &len);
    bool well =
        bytes && write(fd, bytes, len) == (ssize_t)len && fdatasync(fd) == 0 && give_name(fd, path);
    sqlite3_free(bytes);
    close(fd);
    return well;
}

/* Where SQLite has to make the store it finds a file of the right mode. */
static void make_empty(const char *path) {
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, STORE_MODE);
    if (fd >= 0) close(fd);
}

/* Why the file could not be opened, beyond what SQLite says. */
static void explain_opening(sqlite3 *db, int rc, const store_options *options, bool existed,
                            char *err, size_t errlen) {
    const char *path = options->path;
    int folder = options->read_only || existed ? 0 : folder_problem(path);
    if (folder)
        snprintf(err, errlen, "the store %s cannot be made: its folder cannot be written (%s)",
                 path, strerror(folder));
    else if (options->read_only && (rc & 0xff) == SQLITE_CANTOPEN && has_pending_wal(path))
        snprintf(err, errlen,
                 "the store %s has unfinished writes (%s-wal) and its folder cannot be written; "
                 "copy both files to a folder of yours and use that",
                 path, path);
    else
        store_db_explain(db, rc, path, err, errlen);
}

sqlite3 *store_db_open(const store_options *options, int *rc, char *err, size_t errlen) {
    const char *path = options->path;
    bool read_only = options->read_only;
    store_place place;
    *rc = SQLITE_CANTOPEN;
    if (!fit_place(path, read_only, &place, err, errlen)) return NULL;
    if (!read_only && !place.exists && !make_at_once(path)) make_empty(path);
    sqlite3 *db = NULL;
    enum kind kind = KIND_FOREIGN;
    *rc = read_only ? open_to_read(options, place.network != NULL, &db, &kind)
                    : open_to_write(options, &db, &kind);
    if (*rc == SQLITE_OK && accept_kind(kind, path, err, errlen)) return db;
    if (*rc == SQLITE_OK)
        *rc = SQLITE_NOTADB;
    else
        explain_opening(db, *rc, options, place.exists, err, errlen);
    sqlite3_close(db);
    return NULL;
}
