/* Files compressed in each way come through as their content, plain ones byte for byte, and what is
 * damaged, cut short or no stream at all says so. */
#include "engine/archive/stream.h"

#include "stream_scene.h"
#include "tap.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

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

/* libarchive writes no checksum for zstd. */
static void test_damaged(void) {
    const int checked[] = {ARCHIVE_FILTER_BZIP2, ARCHIVE_FILTER_XZ, ARCHIVE_FILTER_GZIP};
    bytes rows = make_rows(20000);
    char error[256] = "";
    for (size_t i = 0; i < sizeof checked / sizeof *checked; i++) {
        bytes packed = pack(rows.data, rows.len, ARCHIVE_FORMAT_RAW, checked[i]);
        packed.data[packed.len / 2] ^= 1;
        write_file(packed.data, packed.len);
        reads_as(rows.data, rows.len, 8192, error);
        has_str(error, "damaged", "a flipped bit is found");
        free(packed.data);
    }
    free(rows.data);
}

/* The trailer's eight bytes, CRC-32 and length, and what may and may not follow them. */
static void test_gzip_end(void) {
    char error[256];
    bytes rows = make_rows(20000);
    bytes b = pack(rows.data, rows.len, ARCHIVE_FORMAT_RAW, ARCHIVE_FILTER_GZIP);
    for (size_t i = 1; i <= 8; i++) {
        b.data[b.len - i] ^= 1;
        write_file(b.data, b.len);
        reads_as(rows.data, rows.len, 8192, error);
        has_str(error, i > 4 ? "incorrect data check" : "incorrect length check", "it is checked");
        b.data[b.len - i] ^= 1;
    }
    free(b.data);
    free(rows.data);
}

static void test_what_follows(void) {
    char error[256];
    bytes rows = make_rows(20000);
    for (int i = 1; i < FILTERS; i++) {
        bytes b = pack(rows.data, rows.len, ARCHIVE_FORMAT_RAW, filters[i].filter);
        memcpy(b.data + b.len, "{\"id\":1}\n", 9);
        write_file(b.data, b.len + 9);
        reads_as(rows.data, rows.len, 8192, error);
        has_str(error, "damaged", filters[i].name);
        if (filters[i].filter == ARCHIVE_FILTER_ZSTD) { /* zeros begin no frame */
            free(b.data);
            continue;
        }
        memset(b.data + b.len, 0, 512);
        write_file(b.data, b.len + 512);
        ok(reads_as(rows.data, rows.len, 8192, error), "%s may have zeros after it: %s",
           filters[i].name, error);
        free(b.data);
    }
    free(rows.data);
}

static void test_layers(void) {
    char error[256];
    bytes b = {strdup("one row\n"), 8};
    for (int times = 1; times <= 5; times++) {
        bytes more = pack(b.data, b.len, ARCHIVE_FORMAT_RAW, filters[1 + times % 4].filter);
        free(b.data);
        b = more;
        write_file(b.data, b.len);
        bool same = reads_as("one row\n", 8, 100, error);
        if (times < 5)
            ok(same, "compressed %d times over: %s", times, error);
        else
            has_str(error, "compressed more than 4 times over", "five times is too much");
    }
    free(b.data);
}

static void test_bomb(void) {
    char error[256];
    bytes rows = {calloc(1, 1 << 20), 1 << 20};
    for (int i = 1; i < FILTERS; i++) {
        bytes b = pack(rows.data, rows.len, ARCHIVE_FORMAT_RAW, filters[i].filter);
        write_file(b.data, b.len);
        limits = (stream_limits){.ratio = 100, .free = 500000};
        reads_as(rows.data, rows.len, 8192, error);
        has_str(error, "raise --max-expansion (now 100; 0 for no cap)", filters[i].name);
        limits.free = 1 << 20;
        ok(reads_as(rows.data, rows.len, 8192, error), "below the floor all goes: %s", error);
        limits = (stream_limits){.ratio = 0, .free = 0};
        ok(reads_as(rows.data, rows.len, 8192, error), "or without a cap: %s", error);
        limits = STREAM_LIMITS;
        ok(reads_as(rows.data, rows.len, 8192, error), "or with the usual one: %s", error);
        free(b.data);
    }
    /* Twice over, each time within the cap, both together beyond it. */
    bytes once = pack(rows.data, rows.len, ARCHIVE_FORMAT_RAW, ARCHIVE_FILTER_GZIP);
    bytes twice = pack(once.data, once.len, ARCHIVE_FORMAT_RAW, ARCHIVE_FILTER_GZIP);
    write_file(twice.data, twice.len);
    limits = (stream_limits){.ratio = 2000, .free = 1000};
    reads_as(rows.data, rows.len, 8192, error);
    has_str(error, "as an archive bomb does", "layers count together");
    limits = STREAM_LIMITS;
    free(once.data);
    free(twice.data);
    free(rows.data);
}

static void test_any_content(void) {
    char error[256], block[2048] = {0};
    const char *texts[] = {"\n",
                           "PK and more of a text\n",
                           "P*M",
                           "(",
                           "begin 644 a\n#0V%T\n`\nend\n",
                           "BZh is a text",
                           "PK",
                           "7z",
                           "#mtree\n",
                           "\x1f",
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
    int more[2]; /* the next row is written when this one was read */
    if (pipe(more) < 0) return;
    pid_t child = fork();
    if (child == 0) {
        close(more[1]);
        int fd = open(path, O_WRONLY);
        char byte;
        do
            if (write(fd, "{\"row\":\"of twenty\"}\n", 20) < 0) break;
        while (read(more[0], &byte, 1) == 1);
        _exit(0);
    }
    close(more[0]);
    is_int(stream_next(s), 1, "the pipe is waited for");
    is_int(stream_read(s, buf, sizeof buf), 20, "what has come is read at once");
    for (int i = 0; i < 2; i++)
        is_int(write(more[1], "", 1) == 1 ? stream_read(s, buf, sizeof buf) : -1, 20,
               "then the next");
    close(more[1]);
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
    if (!scene_begin()) return 1;
    test_filters();
    test_members_in_a_row();
    test_cut_short();
    test_damaged();
    test_gzip_end();
    test_what_follows();
    test_layers();
    test_bomb();
    test_any_content();
    test_refusals();
    test_pipe();
    test_standard_input();
    scene_end();
    return done_testing();
}
