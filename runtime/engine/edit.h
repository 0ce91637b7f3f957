/* edit: lines from standard input: edited on a terminal (libedit), or as they come from a pipe or
 * a file. One editor a process. It never waits while the loop could turn, except within a key that
 * asks for another one (incremental search, a quoted insert). */
#ifndef FELLOWSHIP_ENGINE_EDIT_H
#define FELLOWSHIP_ENGINE_EDIT_H

#include <stdbool.h>

#include "base/buf.h"
#include "engine/loop.h"

typedef struct edit edit;

/* What Tab does: `before` is the line up to the cursor (UTF-8, NUL terminated). Appends to `insert`
 * what the line goes on with, and to `list` what is shown when that is nothing. Both may stay
 * empty. */
typedef void edit_complete(void *arg, const char *before, buf *insert, buf *list);

enum edit_state {
    EDIT_MORE, /* no whole line yet */
    EDIT_LINE, /* edit_line has one */
    EDIT_END   /* end of input */
};

/* on_input(arg) is called in the loop when something may be there to feed. NULL when out of memory.
 * The caller frees it; that puts the terminal back as it was. */
edit *edit_new(loop *l, void (*on_input)(void *arg), edit_complete *complete, void *arg);
void edit_free(edit *e);

/* Whether lines are edited: both standard input and output are a terminal that can. */
bool edit_is_terminal(const edit *e);

/* Shows the prompt (ASCII, copied) and begins a line. A line that was begun is dropped. */
bool edit_begin(edit *e, const char *prompt);

/* Takes what was typed up to the end of a line. EDIT_MORE: feed again after on_input. */
enum edit_state edit_feed(edit *e);

/* The line that was fed, without its end; owned by the editor until edit_begin. */
const char *edit_line(const edit *e, size_t *len);

/* Takes the prompt and the line off the screen, so that something can be printed; the next
 * edit_show, edit_feed or edit_begin puts them back. */
void edit_hide(edit *e);
void edit_show(edit *e);

/* Ends the line that was begun, leaving it on the screen. */
void edit_stop(edit *e);

/* History: load takes entries of a file (none is no error) and appends to it what is added. */
void edit_load_history(edit *e, const char *path);
void edit_add_history(edit *e, const char *entry);

/* Puts the terminal back as it was; safe in a signal handler. */
void edit_restore_terminal(void);

#endif
