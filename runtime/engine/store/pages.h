/*
 * store_pages: the pages of an SQLite file and of its write-ahead log, as bytes, and the cells in
 * them (https://www.sqlite.org/fileformat2.html). Nothing is trusted: whatever the bytes say, what
 * is read lies within them. For engine/store/salvage.c only.
 *
 * Ownership: pages_open hands over files and memory, pages_close lets go of them.
 */
#ifndef FELLOWSHIP_ENGINE_STORE_PAGES_H
#define FELLOWSHIP_ENGINE_STORE_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum { PAGE_MOST = 65536, COLUMNS_MOST = 6 };

typedef struct pages {
    int file, log; /* descriptors; log: -1 when there is none */
    size_t size;   /* bytes of a page */
    uint32_t in_file, in_log;
    bool *unused;          /* by page of the file, from 0: it is on the list of free pages */
    uint32_t *log_numbers; /* of the pages in the log, by place */
} pages;

/* Opens the file (p is zeroed before), with pages of `size` bytes, or, when that is 0, as its
 * header says. False with errno; EINVAL when the header says nothing sensible. */
bool pages_open(pages *p, const char *path, size_t size);
void pages_close(pages *p);

/* How many pages there are, those of the log last; and whether one is to be looked at. */
uint32_t pages_count(const pages *p);
bool pages_wanted(const pages *p, uint32_t at);

/* Reads a page, by its place from 0. False when it is not there. */
bool pages_read(const pages *p, uint32_t at, unsigned char *page);

/* What a page holds. */
enum page_kind { PAGE_OTHER, PAGE_ROWS, PAGE_INDEX };

enum page_kind pages_kind(uint32_t at, const unsigned char *page);
unsigned pages_cells(const pages *p, uint32_t at, const unsigned char *page);

/* A cell: the begin of its row as far as it lies in the page, and where it goes on. */
typedef struct cell {
    int64_t id;    /* of a row; 0 in an index */
    uint64_t size; /* of all */
    const unsigned char *here;
    size_t here_len;
    uint32_t next; /* number of the page where it goes on; 0: it does not */
} cell;

/* The cell with a number, from 0. False when there is none that makes sense. */
bool pages_cell(const pages *p, uint32_t at, const unsigned char *page, unsigned number, cell *c);

/* A cell's column: its type as the format has it, and where its bytes lie in the row. */
typedef struct column {
    uint64_t type;
    size_t at, len;
} column;

/* The columns, from what lies in the page. How many; 0 when they make no sense or are too many. */
unsigned pages_columns(const cell *c, column columns[COLUMNS_MOST]);

/* The whole row, from all of its pages, into `row`; out of the log as far as it has them when
 * `newer`, else out of the file. False when one of them is not there, or for want of memory. */
bool pages_row(const pages *p, const cell *c, bool newer, buf *row);

/* The integer in a column, which lies in the page; `otherwise` when it is none. */
int64_t pages_integer(const cell *c, const column *at, int64_t otherwise);

#endif
