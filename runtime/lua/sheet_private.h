/* sheet_private: what the binding of sheets (sheet.c) and what is computed with them
 * (sheet_computing.c) share. */
#ifndef FELLOWSHIP_LUA_SHEET_PRIVATE_H
#define FELLOWSHIP_LUA_SHEET_PRIVATE_H

#include <lauxlib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/intern.h"
#include "base/sheet.h"
#include "lua/box.h"

/* A sheet of its views, and of the jobs that compute with it, which may outlive them. */
typedef struct sheet_shared {
    sheet *sheet;
    int holders;
    bool busy; /* a job reads it: no other one begins, nothing is added */
} sheet_shared;

/* A sheet as scripts see it: whole, or by some of its columns. */
typedef struct sheet_view {
    box_head box;
    sheet_shared *shared;
    size_t labels;    /* columns */
    uint32_t *map;    /* the view's pattern of each of the sheet's; NULL of the whole one */
    intern tuples;    /* the view's patterns */
    uint32_t *counts; /* rows of each */
} sheet_view;

/* The view at `index`, with which nothing is being computed; raises when there is none. */
sheet_view *sheet_view_check(lua_State *L, int index);
size_t sheet_view_patterns(const sheet_view *v);
void sheet_shared_drop(sheet_shared *s);

/* Methods. */
extern const luaL_Reg sheet_computing[];

#endif
