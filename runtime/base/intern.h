/* intern: numbers records of one width, alike ones with the same number, from 0 in the order in
 * which they came. */
#ifndef FELLOWSHIP_BASE_INTERN_H
#define FELLOWSHIP_BASE_INTERN_H

#include <stddef.h>
#include <stdint.h>

typedef struct intern {
    size_t width; /* bytes of a record; 0 makes all records alike */
    size_t count, room;
    char *records;
    uint32_t *table; /* numbers and one, by hash; 0 is free */
    size_t slots;
} intern;

#define INTERN_FULL UINT32_MAX

/* Zeroed but for the width, an intern is empty. */
static inline intern intern_of(size_t width) {
    return (intern){.width = width};
}

void intern_free(intern *in);

/* The record's number; INTERN_FULL when out of memory. */
uint32_t intern_add(intern *in, const void *record);

static inline const void *intern_at(const intern *in, size_t number) {
    return in->records + number * in->width;
}

#endif
