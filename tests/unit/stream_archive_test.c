/* Members of zip and tar archives of every flavour come through one by one, as files and through
 * pipes, and archives that are damaged, cut short, encrypted or bombs say so. */
#include "stream_scene.h"
#include "tap.h"

#include <fcntl.h>
#include <locale.h>
#include <sys/wait.h>

static const struct {
    const char *name;
    int format;
    const char *options;
} formats[] = {{"zip, deflated", ARCHIVE_FORMAT_ZIP, "zip:compression=deflate"},
               {"zip, stored", ARCHIVE_FORMAT_ZIP, "zip:compression=store"},
               {"zip64", ARCHIVE_FORMAT_ZIP, "zip:zip64"},
               {"ustar", ARCHIVE_FORMAT_TAR_USTAR, NULL},
               {"gnu tar", ARCHIVE_FORMAT_TAR_GNUTAR, NULL},
               {"pax", ARCHIVE_FORMAT_TAR_PAX_INTERCHANGE, NULL},
               {"v7 tar", ARCHIVE_FORMAT_TAR, NULL}};
enum { FORMATS = sizeof formats / sizeof *formats, ZIPS = 3, BIG = 1 << 20 };

typedef struct writer {
    struct archive *archive;
    bytes out;
} writer;

static writer write_archive(int format, const char *options, int filter) {
    writer w = {archive_write_new(), {malloc(BIG), 0}};
    archive_write_set_format(w.archive, format);
    archive_write_add_filter(w.archive, filter);
    if (options) archive_write_set_options(w.archive, options);
    archive_write_set_bytes_in_last_block(w.archive, 1);
    return w;
}

/* The archive is opened with its first entry, so that a password can be set before. */
static void add(writer *w, const char *name, int type, const void *data, size_t len) {
    if (w->out.len == 0 && archive_file_count(w->archive) == 0)
        archive_write_open_memory(w->archive, w->out.data, BIG, &w->out.len);
    struct archive_entry *e = archive_entry_new();
    archive_entry_set_pathname(e, name);
    archive_entry_set_filetype(e, (unsigned)type);
    archive_entry_set_perm(e, 0644);
    if (type == AE_IFLNK) archive_entry_set_symlink(e, data);
    archive_entry_set_size(e, type == AE_IFREG ? (la_int64_t)len : 0);
    archive_write_header(w->archive, e);
    if (type == AE_IFREG) archive_write_data(w->archive, data, len);
    archive_entry_free(e);
}

static bytes finish(writer *w) {
    archive_write_close(w->archive);
    archive_write_free(w->archive);
    return w->out;
}

/* Two files among what does not count; one of them empty, and one compressed itself. */
static bytes make_archive(int i, int filter) {
    writer w = write_archive(formats[i].format, formats[i].options, filter);
    bytes rows = pack("{\"b\":2}\n", 8, ARCHIVE_FORMAT_RAW, ARCHIVE_FILTER_GZIP);
    add(&w, "data/", AE_IFDIR, NULL, 0);
    add(&w, "data/a.jsonl", AE_IFREG, "{\"a\":1}\n", 8);
    add(&w, "__MACOSX/data/a.jsonl", AE_IFREG, "junk", 4);
    add(&w, "data/._a.jsonl", AE_IFREG, "junk", 4);
    add(&w, "data/empty", AE_IFREG, "", 0);
    add(&w, "data/b.jsonl.gz", AE_IFREG, rows.data, rows.len);
    free(rows.data);
    return finish(&w);
}

static const char *all = "data/a.jsonl={\"a\":1}\n;data/empty=;data/b.jsonl.gz={\"b\":2}\n;";

/* Every member as "name=content;", and the error, "" if none. Content beyond 4096 bytes is read but
 * not kept. */
static void list(const char *from, char out[4096], char error[512]) {
    size_t n = 0;
    char buf[1000];
    stream *s = stream_open(from, &limits, error, 512);
    out[0] = '\0';
    if (!s) return;
    while (stream_next(s) == 1) {
        n += (size_t)snprintf(out + n, 4096 - n, "%s=", stream_member(s));
        for (ssize_t got; (got = stream_read(s, buf, sizeof buf)) > 0;) {
            if (n + (size_t)got + 300 > 4096) continue;
            memcpy(out + n, buf, (size_t)got);
            n += (size_t)got;
        }
        n += (size_t)snprintf(out + n, 4096 - n, ";");
    }
    snprintf(error, 512, "%s", stream_error(s));
    stream_close(s);
}

/* The same through standard input, a pipe. */
static void list_piped(bytes b, char out[4096], char error[512]) {
    int ends[2], before = dup(STDIN_FILENO);
    if (pipe2(ends, 0) < 0) return;
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        for (size_t at = 0; at < b.len;) {
            ssize_t n = write(ends[1], b.data + at, b.len - at < 700 ? b.len - at : 700);
            if (n < 0) break;
            at += (size_t)n;
        }
        _exit(0);
    }
    dup2(ends[0], STDIN_FILENO);
    close(ends[0]);
    close(ends[1]);
    list("-", out, error);
    dup2(before, STDIN_FILENO);
    close(before);
    waitpid(child, NULL, 0);
}

static void test_formats(void) {
    char out[4096], error[512];
    for (int i = 0; i < FORMATS; i++) {
        for (int j = 0; j < FILTERS; j++) {
            bytes b = make_archive(i, filters[j].filter);
            write_file(b.data, b.len);
            list(path, out, error);
            ok(strcmp(out, all) == 0 && !error[0], "%s, %s: %s%s", formats[i].name, filters[j].name,
               strcmp(out, all) == 0 ? "" : out, error);
            list_piped(b, out, error);
            ok(strcmp(out, all) == 0 && !error[0], "and through a pipe: %s%s",
               strcmp(out, all) == 0 ? "" : out, error);
            free(b.data);
        }
    }
}

static void test_skipping(void) {
    char error[512];
    for (int i = 0; i < FORMATS; i++) {
        for (int way = 0; way < 3; way++) { /* nothing read, a byte of each, past the end */
            bytes b = make_archive(i, ARCHIVE_FILTER_NONE);
            write_file(b.data, b.len);
            stream *s = stream_open(path, NULL, error, sizeof error);
            char byte[1];
            is_int(stream_read(s, byte, 1), 0, "nothing is read before the first member");
            int count = 0;
            while (stream_next(s) == 1) {
                count++;
                if (way == 1) stream_read(s, byte, 1);
                while (way == 2 && stream_read(s, byte, 1) > 0) continue;
                if (way == 2) is_int(stream_read(s, byte, 1), 0, "the end stays the end");
            }
            is_int(count, 3, "all members");
            is_int(stream_next(s), 0, "then no more");
            is_str(stream_member(s), "", "nor a name");
            is_int(stream_read(s, byte, 1), 0, "nor content");
            is_str(stream_error(s), "", "nor an error");
            stream_close(s);
            free(b.data);
        }
    }
}

/* True when every cut of the archive is an error, and what is read before it was written. */
static bool refuses_cuts(bytes b, size_t from, size_t to, bool piped, size_t step) {
    char out[4096], error[512];
    bool all_refused = true;
    write_file(b.data, b.len);
    for (size_t len = to; len >= from && len <= to; len -= step) {
        bytes cut = {b.data, len};
        if (truncate(path, (off_t)len) < 0) return false;
        if (piped)
            list_piped(cut, out, error);
        else
            list(path, out, error);
        size_t first = out[0] ? strcspn(out, "{;") : 0;
        if (error[0] && strncmp(out, all, first) == 0) continue;
        printf("# of %zu bytes %zu: %s %s\n", b.len, len, out, error);
        all_refused = false;
    }
    return all_refused;
}

/* The end mark of a tar is two blocks, and one will do. */
static void test_cut_short(void) {
    for (int i = 0; i < FORMATS; i++) {
        bytes b = make_archive(i, ARCHIVE_FILTER_NONE);
        size_t from = i < ZIPS ? 3 : 512, to = b.len - 1;
        if (i >= ZIPS) {
            while (b.data[to] == '\0') to--;
            to = to / 512 * 512 + 1023;
        }
        ok(refuses_cuts(b, from, to, false, 1), "%s: every cut is an error", formats[i].name);
        ok(refuses_cuts(b, from, to, true, 97), "in a pipe too");
        free(b.data);
    }
}

static void test_cut_inside_compressed(void) {
    bytes b = make_archive(5, ARCHIVE_FILTER_GZIP);
    ok(refuses_cuts(b, 2, b.len - 1, false, 1), "every cut of a compressed tar is an error");
    free(b.data);
}

static void test_damage(void) {
    char out[4096], error[512], wanted[256];
    for (int i = 0; i < ZIPS; i++) {
        for (int piped = 0; piped < 2; piped++) {
            bytes b = make_archive(i, ARCHIVE_FILTER_NONE);
            char *at = memmem(b.data, b.len, "data/a.jsonl", 12);
            at[12 + 16 + (i == 2 ? 28 : 0)] ^= 0x10; /* in what follows the header's extra fields */
            write_file(b.data, b.len);
            if (piped)
                list_piped(b, out, error);
            else
                list(path, out, error);
            ok(strstr(error, "damaged") != NULL || strcmp(out, all) == 0,
               "%s with a flipped bit is never wrong: %s", formats[i].name, error);
            free(b.data);
        }
    }
    writer w = write_archive(ARCHIVE_FORMAT_ZIP, "zip:compression=store", ARCHIVE_FILTER_NONE);
    add(&w, "x/rows.jsonl", AE_IFREG, "{\"a\":1}\n", 8);
    bytes b = finish(&w);
    *(char *)memmem(b.data, b.len, "\"a\":", 4) = '\'';
    write_file(b.data, b.len);
    list(path, out, error);
    snprintf(wanted, sizeof wanted,
             "cannot read %s, member x/rows.jsonl: damaged or cut short (ZIP bad CRC", path);
    ok(strncmp(error, wanted, strlen(wanted)) == 0, "the member is named: %s", error);
    free(b.data);
}

static void test_what_follows(void) {
    char out[4096], error[512];
    for (int i = 0; i < FORMATS; i++) {
        bytes b = make_archive(i, ARCHIVE_FILTER_NONE);
        b.data = realloc(b.data, b.len + 1024);
        memset(b.data + b.len, 0, 1024);
        bytes longer = {b.data, b.len + 1024};
        write_file(longer.data, longer.len);
        list(path, out, error);
        ok(strcmp(out, all) == 0 && !error[0], "%s may have zeros after it: %s", formats[i].name,
           error);
        b.data[b.len + 700] = 'x';
        write_file(longer.data, longer.len);
        list(path, out, error);
        has_str(error, "data come bytes that are none", "but nothing else");
        list_piped(longer, out, error);
        has_str(error, "data come bytes that are none", "nor in a pipe");
        free(b.data);
    }
}

static void test_zip_directory(void) {
    char out[4096], error[512];
    bytes b = make_archive(0, ARCHIVE_FILTER_NONE);
    *((char *)memmem(b.data + 4, b.len - 4, "PK\3\4", 4) + 1) = 'k'; /* hides a member */
    list_piped(b, out, error);
    has_str(error, "damaged", "a member that cannot be found again is missed");
    free(b.data);
    writer w = write_archive(ARCHIVE_FORMAT_ZIP, NULL, ARCHIVE_FILTER_NONE);
    add(&w, "rows.jsonl", AE_IFREG, "{}\n", 3);
    add(&w, "link.jsonl", AE_IFLNK, "rows.jsonl", 10);
    b = finish(&w);
    write_file(b.data, b.len);
    list(path, out, error);
    is_str(out, "rows.jsonl={}\n;", "a link in a zip is skipped");
    is_str(error, "", "and no error");
    list_piped(b, out, error);
    ok(strstr(error, "symbolic link") != NULL || strcmp(out, "rows.jsonl={}\n;") == 0,
       "in a pipe it is skipped or refused: %s", error);
    free(b.data);
    /* A comment that looks like the end record, as libarchive sees it. */
    w = write_archive(ARCHIVE_FORMAT_ZIP, NULL, ARCHIVE_FILTER_NONE);
    add(&w, "rows.jsonl", AE_IFREG, "{}\n", 3);
    b = finish(&w);
    b.data[b.len - 2] = 64;
    memcpy(b.data + b.len, "PK\5\6 a comment that goes on and on, with what is no end record.", 64);
    b.len += 64;
    write_file(b.data, b.len);
    list(path, out, error);
    ok(strcmp(out, "rows.jsonl={}\n;") == 0 && !error[0], "a comment is no end record: %s", error);
    list_piped(b, out, error);
    ok(strcmp(out, "rows.jsonl={}\n;") == 0 && !error[0], "nor in a pipe: %s", error);
    free(b.data);
    w = write_archive(ARCHIVE_FORMAT_ZIP, NULL, ARCHIVE_FILTER_NONE);
    archive_write_open_memory(w.archive, w.out.data, BIG, &w.out.len);
    b = finish(&w);
    write_file(b.data, b.len);
    list(path, out, error);
    ok(!out[0] && !error[0], "an empty zip has no members: %s", error);
    free(b.data);
}

static void test_encrypted(void) {
    const char *ways[] = {"zip:encryption=traditional", "zip:encryption=aes256"};
    char out[4096], error[512];
    for (int i = 0; i < 2; i++) {
        writer w = write_archive(ARCHIVE_FORMAT_ZIP, ways[i], ARCHIVE_FILTER_NONE);
        archive_write_set_passphrase(w.archive, "secret");
        add(&w, "rows.jsonl", AE_IFREG, "{\"a\":1}\n", 8);
        bytes b = finish(&w);
        write_file(b.data, b.len);
        list(path, out, error);
        has_str(error, "member rows.jsonl: it is encrypted; unpack it", ways[i]);
        list_piped(b, out, error);
        has_str(error, "member rows.jsonl: it is encrypted; unpack it", "in a pipe too");
        free(b.data);
    }
}

static void test_nested(void) {
    char out[4096], error[512];
    for (int i = 0; i < FORMATS; i++) {
        bytes inner = make_archive(i, ARCHIVE_FILTER_GZIP);
        writer w = write_archive(formats[FORMATS - 1 - i].format, NULL, ARCHIVE_FILTER_NONE);
        add(&w, "in.tgz", AE_IFREG, inner.data, inner.len);
        bytes b = finish(&w);
        write_file(b.data, b.len);
        list(path, out, error);
        has_str(error, "member in.tgz: it is a ", formats[i].name);
        has_str(error, " archive inside an archive; unpack it first", "is too much");
        free(inner.data);
        free(b.data);
    }
    for (int j = 1; j < FILTERS; j++) {
        bytes rows = pack("row\n", 4, ARCHIVE_FORMAT_RAW, filters[j].filter);
        writer w = write_archive(ARCHIVE_FORMAT_ZIP, NULL, ARCHIVE_FILTER_NONE);
        add(&w, "whole", AE_IFREG, rows.data, rows.len);
        add(&w, "cut", AE_IFREG, rows.data, rows.len - 3);
        bytes b = finish(&w);
        write_file(b.data, b.len);
        list(path, out, error);
        has_str(out, "whole=row\n;cut=", "a compressed member is read");
        has_str(error, "member cut: ", filters[j].name);
        free(rows.data);
        free(b.data);
    }
}

static void test_bomb(void) {
    char out[4096], error[512];
    bytes zeros = {calloc(1, BIG), BIG};
    for (int nested = 0; nested < 2; nested++) {
        writer w =
            write_archive(ARCHIVE_FORMAT_ZIP, "zip:compression=deflate", ARCHIVE_FILTER_NONE);
        bytes data =
            nested ? pack(zeros.data, BIG, ARCHIVE_FORMAT_RAW, ARCHIVE_FILTER_ZSTD) : zeros;
        add(&w, "zeros", AE_IFREG, data.data, data.len);
        bytes b = finish(&w);
        write_file(b.data, b.len);
        limits = (stream_limits){.ratio = 100, .free = 100000};
        list(path, out, error);
        has_str(error, "member zeros: ", "the member is named");
        has_str(error, "as an archive bomb does; if it is none, raise --max-expansion", "and why");
        list_piped(b, out, error);
        has_str(error, "as an archive bomb does", "in a pipe too");
        limits = STREAM_LIMITS;
        list(path, out, error);
        is_str(error, "", "below the usual floor it is read");
        if (nested) free(data.data);
        free(b.data);
    }
    free(zeros.data);
}

/* Holes of a sparse file are zeros, at its end too. */
static void test_sparse(void) {
    char error[512];
    static char wanted[300000], got[305000];
    memcpy(wanted + 200000, "row\n", 4);
    writer w = write_archive(ARCHIVE_FORMAT_TAR_PAX_INTERCHANGE, NULL, ARCHIVE_FILTER_NONE);
    archive_write_open_memory(w.archive, w.out.data, BIG, &w.out.len);
    struct archive_entry *e = archive_entry_new();
    archive_entry_set_pathname(e, "holes");
    archive_entry_set_filetype(e, AE_IFREG);
    archive_entry_set_size(e, sizeof wanted);
    archive_entry_sparse_add_entry(e, 200000, 4);
    archive_write_header(w.archive, e);
    archive_write_data(w.archive, wanted, sizeof wanted);
    archive_entry_free(e);
    bytes b = finish(&w);
    write_file(b.data, b.len);
    ok(b.len < 20000, "the archive has holes");
    stream *s = stream_open(path, NULL, error, sizeof error);
    is_int(stream_next(s), 1, "a sparse file is one");
    size_t n = 0;
    for (ssize_t piece; n <= sizeof wanted && (piece = stream_read(s, got + n, 4099)) > 0;)
        n += (size_t)piece;
    ok(n == sizeof wanted && memcmp(got, wanted, n) == 0, "of %zu bytes", n);
    is_int(stream_next(s), 0, "and the last");
    stream_close(s);
    limits = (stream_limits){.ratio = 2, .free = 100000};
    char out[4096];
    list(path, out, error);
    has_str(error, "as an archive bomb does", "holes count as what they expand to");
    limits = STREAM_LIMITS;
    free(b.data);
}

/* Many members below the floor are above it together. */
static void test_many_bombs(void) {
    char out[4096], error[512];
    bytes zeros = {calloc(1, 100000), 100000};
    bytes data = pack(zeros.data, zeros.len, ARCHIVE_FORMAT_RAW, ARCHIVE_FILTER_ZSTD);
    writer w = write_archive(ARCHIVE_FORMAT_TAR_USTAR, NULL, ARCHIVE_FILTER_NONE);
    for (int i = 0; i < 9; i++) add(&w, "zeros", AE_IFREG, data.data, data.len);
    bytes b = finish(&w);
    write_file(b.data, b.len);
    limits = (stream_limits){.ratio = 20, .free = 500000};
    list(path, out, error);
    has_str(error, "as an archive bomb does", "members count together");
    limits = STREAM_LIMITS;
    free(zeros.data);
    free(data.data);
    free(b.data);
}

/* A zip says of such a name that it is UTF-8, and pax always does. */
static void test_utf8_names(void) {
    char out[4096], error[512];
    for (int format = 0; format < FORMATS - 1; format++) {
        setlocale(LC_CTYPE, "C.UTF-8");
        writer w = write_archive(formats[format].format, formats[format].options, 0);
        add(&w, "r\xc3\xb8w.jsonl", AE_IFREG, "{}\n", 3);
        bytes b = finish(&w);
        setlocale(LC_CTYPE, "C");
        write_file(b.data, b.len);
        list(path, out, error);
        is_str(out, "r\xc3\xb8w.jsonl={}\n;", formats[format].name);
        list_piped(b, out, error);
        is_str(out, "r\xc3\xb8w.jsonl={}\n;", "in a pipe too");
        free(b.data);
    }
}

static void test_names(void) {
    char out[4096], error[512], name[256];
    memset(name, 'n', 255);
    name[255] = '\0';
    name[154] = '/';
    const char *names[] = {"r\xc3\xb8w.jsonl", "../../up", "/root", "a b\nc", "\xff\xfe", name};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        for (int format = 0; format < FORMATS - 1; format++) {
            writer w = write_archive(formats[format].format, formats[format].options, 0);
            add(&w, names[i], AE_IFREG, "{}\n", 3);
            bytes b = finish(&w);
            write_file(b.data, b.len);
            list(path, out, error);
            char wanted[512];
            snprintf(wanted, sizeof wanted, "%s={}\n;", names[i]);
            is_str(out, wanted, formats[format].name);
            is_str(error, "", "without an error");
            free(b.data);
        }
    }
}

int main(void) {
    if (!scene_begin()) return 1;
    test_formats();
    test_skipping();
    test_cut_short();
    test_cut_inside_compressed();
    test_damage();
    test_what_follows();
    test_zip_directory();
    test_encrypted();
    test_nested();
    test_bomb();
    test_many_bombs();
    test_sparse();
    test_names();
    test_utf8_names();
    scene_end();
    return done_testing();
}
