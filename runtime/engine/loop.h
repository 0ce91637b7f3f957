/* loop.h: the one event loop (libuv). Timers, polls and wakes are owned by whoever made
 * them and freed by their _free, which is safe from inside a callback: the memory of a uv handle
 * goes in its close callback, and loop_free waits for those. */
#ifndef FELLOWSHIP_ENGINE_LOOP_H
#define FELLOWSHIP_ENGINE_LOOP_H

#include <stdbool.h>
#include <stdint.h>

typedef struct loop loop;
typedef struct loop_timer loop_timer;
typedef struct loop_poll loop_poll;
typedef struct loop_wake loop_wake;

enum { LOOP_READ = 1, LOOP_WRITE = 2, LOOP_GONE = 4 }; /* GONE: the other side has closed it */

/* NULL when the loop cannot be had. */
loop *loop_new(void);

/* Frees the loop after every handle has closed; pending work is waited for. */
void loop_free(loop *l);

/* libuv's own, for engines that have handles of other kinds, which close theirs themselves. */
struct uv_loop_s *loop_uv(loop *l);

/* Milliseconds of a steady clock, as of the start of this turn of the loop. */
uint64_t loop_now(loop *l);

/* The same clock, read anew: loop_now stands still while Lua computes. */
uint64_t loop_clock(loop *l);

/* One turn: waits for something to happen if `wait`, and runs the callbacks that are due. */
void loop_turn(loop *l, bool wait);

/* Calls fn(arg) once, ms milliseconds after the last start. NULL when out of memory. */
loop_timer *loop_timer_new(loop *l, void (*fn)(void *arg), void *arg);
void loop_timer_start(loop_timer *t, uint64_t ms);
void loop_timer_stop(loop_timer *t);
void loop_timer_free(loop_timer *t);

/* Calls fn(arg, fd, events) while fd is ready for what loop_poll_set last asked for. On an error of
 * the descriptor both events are reported. NULL, or false, when fd cannot be watched. */
loop_poll *loop_poll_new(loop *l, int fd, void (*fn)(void *arg, int fd, int events), void *arg);
bool loop_poll_set(loop_poll *p, int events);
void loop_poll_free(loop_poll *p);

/* Calls fn(arg) in the loop soon after loop_wake_send, which any thread may call. */
loop_wake *loop_wake_new(loop *l, void (*fn)(void *arg), void *arg);
void loop_wake_send(loop_wake *w);
void loop_wake_free(loop_wake *w);

/* Runs work(arg) on a worker thread, then done(arg) in the loop. false when out of memory. */
bool loop_work(loop *l, void (*work)(void *arg), void (*done)(void *arg), void *arg);

#endif
