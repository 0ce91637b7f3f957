/* The members of an object in JSON: where their names and values stand in the text. Internal to the
 * store. */
#ifndef FELLOWSHIP_ENGINE_STORE_MEMBERS_H
#define FELLOWSHIP_ENGINE_STORE_MEMBERS_H

#include "base/json.h"

/* A request has eight members at most. */
enum { MEMBERS_MOST = 16 };

/* Parts of the text; the value as it is written. */
typedef struct member {
    const char *name, *value;
    size_t name_len, value_len;
} member;

/* Reads the members of an object, and returns how many; -1 when it is none. Names with escapes,
 * which no request has, are left out, and so is what is too much. */
int members_read(json_reader *, const char *text, size_t len, member list[MEMBERS_MOST]);

/* The member with a name, or NULL. */
const member *members_find(const member *list, int count, const char *name, size_t len);

#endif
