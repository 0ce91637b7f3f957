/* signals: what ends a run from outside.
 *
 * Ctrl+C (SIGINT), SIGHUP and SIGTERM end it: the first begins nothing new and lets what is paid
 * for finish, a second stops, a third ends the process in the handler. After SIGTERM what is under
 * way is given up when it takes too long. Of an interactive run Ctrl+C ends what computes.
 *
 * A thread watches: when the loop does not turn, since Lua computes or waits in the system, it says
 * so, answers the first signal, and ends the process when the second one or the time of SIGTERM
 * would have done so. */
#ifndef FELLOWSHIP_HOST_SIGNALS_H
#define FELLOWSHIP_HOST_SIGNALS_H

#include <stdbool.h>

#include "lua/runtime.h"

/* Catches the signals and starts the watch; `drain` is called in the loop after the first signal,
 * so that no call begins any more. False when it cannot be had. One runtime at a time. */
bool signals_begin(runtime *rt, void (*drain)(lua_State *L));

/* Ends the watch; signals that come now end the process at once. Before the runtime's loop ends. */
void signals_end(void);

/* The exit status that the signal means that ended the run, 128 and its number; 0 for none. */
int signals_status(void);

/* Whether the program has said that it was interrupted. */
bool signals_told(void);

/* To be called when the run has ended, and is wound up: says what was given up, if anything. */
void signals_run_over(void);

#endif
