#include "engine/store/pages.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    FILE_HEADER = 100, /* before the first page's own */
    LOG_HEADER = 32,
    FRAME_HEADER = 24,
    PAGE_SIZE_AT = 16,
    FREE_PAGES_AT = 32,
    ROWS_LEAF = 0x0d,
    INDEX_LEAF = 0x0a,
    INDEX_INNER = 0x02
};

static uint32_t be16(const unsigned char *p) {
    return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t be32(const unsigned char *p) {
    return be16(p) << 16 | be16(p + 2);
}

/* ---- files ---- */

static bool read_at(int fd, void *out, size_t len, int64_t at) {
    for (size_t got = 0; got < len;) {
        ssize_t n = pread(fd, (char *)out + got, len - got, at + (int64_t)got);
        if (n <= 0 && !(n < 0 && errno == EINTR)) return false;
        if (n > 0) got += (size_t)n;
    }
    return true;
}

static size_t size_in_header(int file) {
    unsigned char header[FILE_HEADER];
    if (!read_at(file, header, sizeof header, 0)) return 0;
    size_t size = be16(header + PAGE_SIZE_AT);
    if (size == 1) size = PAGE_MOST; /* which does not fit */
    return size >= 512 && (size & (size - 1)) == 0 ? size : 0;
}

/* Notes the pages of the list of free ones: what was pruned may still stand in them. */
static void note_unused(pages *p) {
    unsigned char *page = malloc(PAGE_MOST);
    p->unused = calloc(p->in_file + 1, sizeof *p->unused);
    if (!page || !p->unused || !pages_read(p, 0, page)) {
        free(page);
        return;
    }
    uint32_t trunk = be32(page + FREE_PAGES_AT);
    while (trunk > 1 && trunk <= p->in_file && !p->unused[trunk - 1] &&
           pages_read(p, trunk - 1, page)) {
        p->unused[trunk - 1] = true;
        uint32_t count = be32(page + 4);
        for (uint32_t i = 0; i < count && 12 + 4 * (size_t)i <= p->size; i++) {
            uint32_t leaf = be32(page + 8 + 4 * i);
            if (leaf > 1 && leaf <= p->in_file) p->unused[leaf - 1] = true;
        }
        trunk = be32(page);
    }
    free(page);
}

static int64_t frame_at(const pages *p, uint32_t frame) {
    return LOG_HEADER + (int64_t)frame * (int64_t)(FRAME_HEADER + p->size);
}

static void open_log(pages *p, const char *path) {
    char real[PATH_MAX], log[PATH_MAX + 8];
    p->log = -1;
    if (!realpath(path, real)) return;
    snprintf(log, sizeof log, "%s-wal", real);
    p->log = open(log, O_RDONLY | O_CLOEXEC);
    off_t end = p->log < 0 ? 0 : lseek(p->log, 0, SEEK_END);
    if (end <= LOG_HEADER) return;
    p->in_log = (uint32_t)((end - LOG_HEADER) / (off_t)(FRAME_HEADER + p->size));
    p->log_numbers = calloc(p->in_log + 1, sizeof *p->log_numbers);
    if (!p->log_numbers) p->in_log = 0;
    for (uint32_t i = 0; i < p->in_log; i++) {
        unsigned char number[4];
        if (read_at(p->log, number, sizeof number, frame_at(p, i)))
            p->log_numbers[i] = be32(number);
    }
}

bool pages_open(pages *p, const char *path, size_t size) {
    *p = (pages){.log = -1};
    p->file = open(path, O_RDONLY | O_CLOEXEC);
    if (p->file < 0) return false;
    p->size = size ? size : size_in_header(p->file);
    off_t end = lseek(p->file, 0, SEEK_END);
    if (p->size == 0 || end < 0) {
        pages_close(p);
        errno = EINVAL;
        return false;
    }
    /* The last one may be cut short: it is read as far as it goes. */
    p->in_file = (uint32_t)(((size_t)end + p->size - 1) / p->size);
    open_log(p, path);
    note_unused(p);
    return true;
}

void pages_close(pages *p) {
    if (p->file >= 0) close(p->file);
    if (p->log >= 0) close(p->log);
    free(p->unused);
    free(p->log_numbers);
    *p = (pages){.file = -1, .log = -1};
}

uint32_t pages_count(const pages *p) {
    return p->in_file + p->in_log;
}

bool pages_wanted(const pages *p, uint32_t at) {
    return at >= p->in_file || !p->unused || !p->unused[at];
}

bool pages_read(const pages *p, uint32_t at, unsigned char *page) {
    if (at < p->in_file) {
        memset(page, 0, p->size);
        ssize_t n = pread(p->file, page, p->size, (off_t)at * (off_t)p->size);
        return n > 0;
    }
    at -= p->in_file;
    return at < p->in_log && read_at(p->log, page, p->size, frame_at(p, at) + FRAME_HEADER);
}

/* The newest page of the log with a number, by place; or that of the file. */
static uint32_t place_of(const pages *p, uint32_t number, bool newer) {
    for (uint32_t i = p->in_log; newer && i-- > 0;)
        if (p->log_numbers[i] == number) return p->in_file + i;
    return number - 1;
}

/* ---- cells ---- */

/* Reads a number of the format's own kind; its length, or 0 when it goes on past the end. */
static size_t read_varint(const unsigned char *p, size_t len, uint64_t *value) {
    *value = 0;
    for (size_t i = 0; i < 9 && i < len; i++) {
        if (i == 8) {
            *value = *value << 8 | p[i];
            return 9;
        }
        *value = *value << 7 | (p[i] & 0x7f);
        if (p[i] < 0x80) return i + 1;
    }
    return 0;
}

static size_t header_at(uint32_t at) {
    return at == 0 ? FILE_HEADER : 0;
}

enum page_kind pages_kind(uint32_t at, const unsigned char *page) {
    switch (page[header_at(at)]) {
    case ROWS_LEAF: return PAGE_ROWS;
    case INDEX_LEAF:
    case INDEX_INNER: return PAGE_INDEX;
    default: return PAGE_OTHER;
    }
}

unsigned pages_cells(const pages *p, uint32_t at, const unsigned char *page) {
    unsigned count = be16(page + header_at(at) + 3);
    return count <= p->size / 4 ? count : 0;
}

/* How much of a row of `size` bytes lies in its page. */
static size_t size_here(const pages *p, uint64_t size, bool rows) {
    uint64_t u = p->size, most = rows ? u - 35 : (u - 12) * 64 / 255 - 23;
    if (size <= most) return (size_t)size;
    uint64_t least = (u - 12) * 32 / 255 - 23, here = least + (size - least) % (u - 4);
    return (size_t)(here <= most ? here : least);
}

bool pages_cell(const pages *p, uint32_t at, const unsigned char *page, unsigned number, cell *c) {
    size_t header = header_at(at);
    unsigned char type = page[header];
    bool rows = type == ROWS_LEAF, inner = type == INDEX_INNER;
    size_t pointer = header + (inner ? 12 : 8) + 2 * (size_t)number;
    if (pointer + 2 > p->size) return false;
    size_t from = be16(page + pointer) + (inner ? 4 : 0);
    if (from >= p->size || from < header + 8) return false;
    size_t n = read_varint(page + from, p->size - from, &c->size);
    if (n == 0 || c->size == 0 || c->size > INT_MAX) return false;
    from += n;
    c->id = 0;
    if (rows) {
        uint64_t id;
        n = read_varint(page + from, p->size - from, &id);
        if (n == 0) return false;
        from += n;
        c->id = (int64_t)id;
    }
    c->here = page + from;
    c->here_len = size_here(p, c->size, rows);
    bool goes_on = c->here_len < c->size;
    if (c->here_len + (goes_on ? 4 : 0) > p->size - from) return false;
    c->next = goes_on ? be32(c->here + c->here_len) : 0;
    return true;
}

/* ---- rows ---- */

/* Bytes of a value, by its type. */
static uint64_t size_of_type(uint64_t type) {
    static const unsigned char sizes[12] = {0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0};
    return type < 12 ? sizes[type] : (type - 12) / 2;
}

unsigned pages_columns(const cell *c, column columns[COLUMNS_MOST]) {
    uint64_t header, at;
    size_t n = read_varint(c->here, c->here_len, &header);
    if (n == 0 || header > c->here_len || header > c->size) return 0;
    at = header;
    unsigned count = 0;
    for (size_t from = n; from < header; from += n, count++) {
        uint64_t type;
        n = read_varint(c->here + from, header - from, &type);
        if (n == 0 || count == COLUMNS_MOST) return 0;
        uint64_t size = size_of_type(type);
        if (size > c->size - at) return 0;
        columns[count] = (column){type, (size_t)at, (size_t)size};
        at += size;
    }
    return at == c->size ? count : 0;
}

int64_t pages_integer(const cell *c, const column *at, int64_t otherwise) {
    if (at->type == 8 || at->type == 9) return (int64_t)at->type - 8;
    if (at->type < 1 || at->type > 6 || at->at + at->len > c->here_len) return otherwise;
    const unsigned char *p = c->here + at->at;
    uint64_t value = p[0] & 0x80 ? UINT64_MAX : 0;
    for (size_t i = 0; i < at->len; i++) value = value << 8 | p[i];
    return (int64_t)value;
}

bool pages_row(const pages *p, const cell *c, bool newer, buf *row) {
    unsigned char page[PAGE_MOST];
    buf_clear(row);
    /* A row that claims more than all pages hold is damaged, not large. */
    if (c->size > (uint64_t)pages_count(p) * p->size) return false;
    if (!buf_reserve(row, (size_t)c->size) || !buf_append(row, c->here, c->here_len)) return false;
    for (uint32_t next = c->next; row->len < c->size;) {
        if (next == 0 || !pages_read(p, place_of(p, next, newer), page)) return false;
        size_t left = (size_t)c->size - row->len;
        if (!buf_append(row, page + 4, left < p->size - 4 ? left : p->size - 4)) return false;
        next = be32(page);
    }
    return true;
}
