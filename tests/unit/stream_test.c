/* Files compressed in each way come through as their content, plain ones byte for byte, and what is
 * damaged, cut short or no stream at all says so. */
#include "engine/stream.h"

#include "tap.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/stream_test.XXXXXX";
static char path[64];

static const struct {
    const char *name;
    int filter;
} filters[] = {{"plain", ARCHIVE_FILTER_NONE},
               {"gzip", ARCHIVE_FILTER_GZIP},
               {"bzip2", ARCHIVE_FILTER_BZIP2},
               {"xz", ARCHIVE_FILTER_XZ},
               {"zstd", ARCHIVE_FILTER_ZSTD}};
enum { FILTERS = sizeof filters / sizeof *filters };

typedef struct bytes {
    char *data;
    size_t len;
} bytes;

static void write_file(const void *data, size_t len) {
    FILE *f = fopen(path, "wb");
    fwrite(data, 1, len, f);
    fclose(f);
}

/* Data inside one file of the format (raw or an archive) after the filter, in memory. */
static bytes pack(const void *data, size_t len, int format, int filter) {
    bytes out = {malloc(2 * len + 65536), 0};
    struct archive *a = archive_write_new();
    archive_write_set_format(a, format);
    archive_write_add_filter(a, filter);
    archive_write_set_bytes_in_last_block(a, 1);
    archive_write_open_memory(a, out.data, 2 * len + 65536, &out.len);
    struct archive_entry *entry = archive_entry_new();
    archive_entry_set_pathname(entry, "rows.jsonl");
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_size(entry, (la_int64_t)len);
    archive_write_header(a, entry);
    archive_write_data(a, data, len);
    archive_entry_free(entry);
    archive_write_close(a);
    archive_write_free(a);
    return out;
}

/* Reads what is at path in pieces of step bytes. True if it is data; else error has the reason. */
static bool reads_as(const void *data, size_t len, size_t step, char error[256]) {
    stream *s = stream_open(path, NULL, error, 256);
    if (!s) return false;
    char *got = malloc(len + step + 1);
    size_t n = 0;
    ssize_t piece;
    stream_next(s);
    while (n <= len && (piece = stream_read(s, got + n, step)) > 0) n += (size_t)piece;
    bool same = piece == 0 && n == len && memcmp(got, data, len) == 0;
    if (same) same = stream_read(s, got, 1) == 0;
    if (piece < 0 && stream_read(s, got, 1) != -1) same = true; /* an error must stay one */
    snprintf(error, 256, "%s", stream_error(s));
    free(got);
    stream_close(s);
    return same;
}

/* Text that compresses, but not to nothing. */
static bytes make_rows(size_t len) {
    bytes b = {malloc(len), len};
    unsigned seed = 1;
    for (size_t i = 0; i < len; i++) {
        seed = seed * 1103515245 + 12345;
        b.data[i] = "{\"id\":0123456789}\n"[seed >> 16 & 15];
    }
    return b;
}

static void test_filters(void) {
    bytes rows = make_rows(1 << 20);
    char error[256];
    for (int i = 0; i < FILTERS; i++) {
        for (int empty = 0; empty < 2; empty++) {
            size_t len = empty ? 0 : rows.len;
            bytes packed = pack(rows.data, len, ARCHIVE_FORMAT_RAW, filters[i].filter);
            write_file(packed.data, packed.len);
            ok(reads_as(rows.data, len, 4093, error), "%s, %zu bytes: %s", filters[i].name, len,
               error);
            free(packed.data);
        }
    }
    free(rows.data);
}

static void test_members_in_a_row(void) {
    char error[256];
    for (int i = 1; i < FILTERS; i++) {
        bytes one = pack("first\n", 6, ARCHIVE_FORMAT_RAW, filters[i].filter);
        bytes two = pack("second\n", 7, ARCHIVE_FORMAT_RAW, filters[i].filter);
        FILE *f = fopen(path, "wb");
        fwrite(one.data, 1, one.len, f);
        fwrite(two.data, 1, two.len, f);
        fclose(f);
        ok(reads_as("first\nsecond\n", 13, 100, error), "%s files one after the other: %s",
           filters[i].name, error);
        free(one.data);
        free(two.data);
    }
}

static void test_cut_short(void) {
    bytes rows = make_rows(20000);
    char error[256];
    for (int i = 1; i < FILTERS; i++) {
        bytes packed = pack(rows.data, rows.len, ARCHIVE_FORMAT_RAW, filters[i].filter);
        size_t missed = 0;
        /* Fewer bytes than a header has are not known to be compressed. */
        for (size_t len = 20; len < packed.len; len += len < 200 ? 1 : 61) {
            write_file(packed.data, len);
            error[0] = '\0';
            if (reads_as(rows.data, rows.len, 8192, error) || !error[0]) missed = len;
        }
        is_int(missed, 0, "every cut of a compressed file is an error");
        write_file(packed.data, packed.len - 1);
        reads_as(rows.data, rows.len, 8192, error);
        ok(strstr(error, path) != NULL, "%s: %s", filters[i].name, error);
        free(packed.data);
    }
    free(rows.data);
}

/* libarchive leaves the checksum of gzip alone, and writes none for zstd. */
static void test_damaged(void) {
    const int checked[] = {ARCHIVE_FILTER_BZIP2, ARCHIVE_FILTER_XZ};
    bytes rows = make_rows(20000);
    char error[256] = "";
    for (size_t i = 0; i < sizeof checked / sizeof *checked; i++) {
        bytes packed = pack(rows.data, rows.len, ARCHIVE_FORMAT_RAW, checked[i]);
        packed.data[packed.len / 2] ^= 1;
        write_file(packed.data, packed.len);
        reads_as(rows.data, rows.len, 8192, error);
        has_str(error, "damaged or cut short", "a flipped bit is found");
        free(packed.data);
    }
    free(rows.data);
}

static void test_any_content(void) {
    char error[256], block[2048] = {0};
    const char *texts[] = {
        "\n",      "begin 644 a\n#0V%T\n`\nend\n", "BZh is a text", "PK", "7z", "#mtree\n", "\x1f",
        "\xff\xfe"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        write_file(texts[i], strlen(texts[i]));
        ok(reads_as(texts[i], strlen(texts[i]), 7, error), "plain content %zu: %s", i, error);
    }
    write_file(block, sizeof block);
    ok(reads_as(block, sizeof block, 1000, error), "zeros are no tar: %s", error);
    memset(block, 'x', sizeof block);
    memcpy(block + 257, "ustar", 5);
    memcpy(block + 148, "123 is a", 8);
    write_file(block, sizeof block);
    ok(reads_as(block, sizeof block, 1000, error), "nor is a text with its magic: %s", error);
}

static void test_archives(void) {
    const int formats[] = {ARCHIVE_FORMAT_ZIP, ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FORMAT_TAR_GNUTAR,
                           ARCHIVE_FORMAT_TAR_PAX_RESTRICTED};
    char error[256];
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        for (int gzip = 0; gzip < 2; gzip++) {
            bytes b = pack("{}\n", 3, formats[i], gzip ? ARCHIVE_FILTER_GZIP : ARCHIVE_FILTER_NONE);
            write_file(b.data, b.len);
            ok(!reads_as("", 0, 100, error), "archive %zu is refused", i);
            has_str(error, "not supported", "and says why");
            free(b.data);
        }
    }
}

static void test_refusals(void) {
    char error[256], wanted[256];
    unlink(path);
    ok(!stream_open(path, NULL, error, sizeof error), "a missing file is refused");
    snprintf(wanted, sizeof wanted, "cannot open %s: No such file or directory", path);
    is_str(error, wanted, "with its name and why");
    ok(!stream_open(folder, NULL, error, sizeof error), "a folder is refused");
    snprintf(wanted, sizeof wanted, "cannot open %s: Is a directory", folder);
    is_str(error, wanted, "with its name and why");
    stream *s = stream_open("/proc/self/mem", NULL, error, sizeof error);
    char byte;
    if (s) stream_next(s);
    ok(s && stream_read(s, &byte, 1) == -1, "a file that cannot be read fails");
    if (s) is_str(stream_error(s), "cannot read /proc/self/mem: Input/output error", "with why");
    stream_close(s);
    char small[8];
    ok(!stream_open(path, NULL, small, sizeof small) && strlen(small) == 7,
       "a short message is cut");
    stream_close(NULL);
}

/* A child that writes slowly into a named pipe. */
static void test_pipe(void) {
    char error[256], buf[64];
    unlink(path);
    mkfifo(path, 0600);
    stream *s = stream_open(path, NULL, error, sizeof error);
    ok(s != NULL, "a named pipe opens before it has a writer");
    pid_t child = fork();
    if (child == 0) {
        int fd = open(path, O_WRONLY);
        for (int i = 0; i < 3; i++) {
            ssize_t n = write(fd, "{\"row\":\"of twenty\"}\n", 20);
            usleep(100000);
            if (n < 0) break;
        }
        _exit(0);
    }
    is_int(stream_next(s), 1, "the pipe is waited for");
    is_int(stream_read(s, buf, sizeof buf), 20, "what has come is read at once");
    is_int(stream_read(s, buf, sizeof buf), 20, "then the next");
    is_int(stream_read(s, buf, sizeof buf), 20, "then the last");
    is_int(stream_read(s, buf, sizeof buf), 0, "then the end");
    waitpid(child, NULL, 0);
    stream_close(s);
}

/* Standard input that its owner has set to O_NONBLOCK and that has nothing yet. */
static void test_standard_input(void) {
    int ends[2];
    char error[256], buf[64];
    if (pipe2(ends, O_NONBLOCK) < 0) return;
    int before = dup(STDIN_FILENO);
    dup2(ends[0], STDIN_FILENO);
    pid_t child = fork();
    if (child == 0) {
        usleep(100000);
        _exit(write(ends[1], "twenty bytes of text", 20) == 20 ? 0 : 1);
    }
    close(ends[0]);
    close(ends[1]);
    stream *s = stream_open("-", NULL, error, sizeof error);
    is_int(stream_next(s), 1, "standard input is content");
    is_int(stream_read(s, buf, sizeof buf), 20, "standard input is waited for");
    is_int(stream_read(s, buf, sizeof buf), 0, "to its end");
    stream_close(s);
    ok(fcntl(STDIN_FILENO, F_GETFD) >= 0, "and stays open");
    waitpid(child, NULL, 0);
    dup2(before, STDIN_FILENO);
    close(before);
}

int main(void) {
    if (!mkdtemp(folder)) return 1;
    snprintf(path, sizeof path, "%s/file", folder);
    test_filters();
    test_members_in_a_row();
    test_cut_short();
    test_damaged();
    test_any_content();
    test_archives();
    test_refusals();
    test_pipe();
    test_standard_input();
    unlink(path);
    rmdir(folder);
    return done_testing();
}
