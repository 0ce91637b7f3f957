#include "host/signals.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/printable.h"
#include "engine/edit.h"
#include "lua/interrupt.h"
#include "lua/task.h"

/* Milliseconds. Whoever sends SIGTERM most often sends SIGKILL after ten seconds (docker stop). */
enum {
    GIVE_UP = 9000, /* after SIGTERM: calls under way */
    ANSWER = 600,   /* after a signal: the watch speaks where the loop has not */
    SECOND = 2000,  /* after a second signal: the watch ends a process that does not turn */
    STALL = 5000,   /* of computing without a turn while calls are under way: the watch says so */
    LOOK = 1000,    /* how often the watch looks, */
    LOOK_CLOSELY = 100, /* and after a signal */
    PLACE = 200         /* that it waits for the script to say where it is */
};

static runtime *caught;
static void (*begin_drain)(lua_State *L);
static loop_wake *wake;
static loop_timer *limit;
static atomic_int ended_by;  /* the first signal */
static atomic_bool answered; /* the loop has taken note of it, and told so */
static atomic_bool over;     /* the run is: it is being wound up */

static struct {
    pthread_t thread, main;
    sem_t signalled;
    atomic_bool running;
} watch;

/* ---- handlers ---- */

static void leave(int number) {
    edit_restore_terminal();
    _exit(128 + number);
}

/* Wakes the loop and the watch. */
static void spread(void) {
    if (wake) loop_wake_send(wake);
    if (watch.running) sem_post(&watch.signalled);
}

static void on_signal(int number) {
    int problem = errno;
    if (number == SIGINT && caught->interactive) {
        if (++caught->presses > 3) leave(number); /* nobody listens */
        interrupt_running(caught);
    } else {
        if (!ended_by) ended_by = number;
        if (++caught->interrupts > 2) leave(number);
    }
    spread();
    errno = problem;
}

/* The watch wants to know where the script is. */
static void on_question(int number) {
    (void)number;
    interrupt_ask_place(caught);
}

/* A pipe without reader and a file past its limit are errors of their writes. A handler, unlike
 * SIG_IGN, is not passed on to the programs that a script starts. */
static void on_failed_write(int number) {
    (void)number;
}

/* ---- in the loop ---- */

static const char *name_of(int number) {
    return number == SIGTERM ? "terminated" : number == SIGHUP ? "hung up" : "interrupted";
}

/* "3 calls under way are" */
static const char *under_way(char text[64], size_t count, const char *one, const char *many) {
    snprintf(text, 64, "%zu call%s under way %s", count, count == 1 ? "" : "s",
             count == 1 ? one : many);
    return text;
}

static void on_limit(void *arg) {
    (void)arg;
    caught->interrupts = 2;
}

static void tell_interrupt(void) {
    char calls[64];
    if (caught->committed == 0)
        printable_say("\n%s", name_of(ended_by));
    else if (ended_by == SIGTERM)
        printable_say("\nterminated; %s %d s to finish (a second signal stops at once)",
                      under_way(calls, caught->committed, "has", "have"), GIVE_UP / 1000);
    else
        printable_say("\n%s; %s finished and stored%s", name_of(ended_by),
                      under_way(calls, caught->committed, "is", "are"),
                      ended_by == SIGINT ? " (press Ctrl+C again to stop at once)" : "");
}

static void on_wake(void *arg) {
    (void)arg;
    if (caught->presses > 0) task_hear_interrupt(caught);
    if (caught->interrupts == 0 || answered) return;
    answered = true;
    begin_drain(caught->L);
    tell_interrupt();
    if (ended_by == SIGTERM) loop_timer_start(limit, GIVE_UP);
}

/* ---- the watch ---- */

static uint64_t now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* Waits for a signal for so many milliseconds. */
static void pause_watch(int ms) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += ms % 1000 * 1000000L;
    until.tv_sec += ms / 1000 + until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    while (sem_clockwait(&watch.signalled, CLOCK_MONOTONIC, &until) < 0 && errno == EINTR) {
    }
}

/* The processor time of the main thread: a machine that is busy with others is no stall. */
static uint64_t computed_ms(void) {
    clockid_t clock;
    struct timespec t = {0};
    if (pthread_getcpuclockid(watch.main, &clock) == 0) clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* What the watch knows of the loop and of the signals. */
typedef struct sight {
    uint64_t now;
    unsigned turns;
    uint64_t turned, computed; /* when the loop was last seen turning or waiting, on both clocks */
    uint64_t first, second;    /* when the signals were seen; 0 for not yet */
    bool stall_told, answer_told;
} sight;

/* "BEFORE script.lua:12 computes and lets nothing else go on AFTER" */
static void say_stalled(const char *before, const char *after) {
    const char *place = NULL;
    pthread_kill(watch.main, SIGURG);
    for (int waited = 0; !place && waited < PLACE; waited += 20) {
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
        place = interrupt_take_place();
    }
    printable_say("\n%s%s %s and lets nothing else go on%s", before, place ? place : "the script",
                  place ? "computes" : "computes, or waits in the system,", after);
}

static void look_at_stall(sight *s) {
    size_t count = caught->under_way;
    if (s->stall_told || s->first || count == 0 || over) return;
    if (computed_ms() - s->computed < STALL) return;
    s->stall_told = true;
    char calls[64], after[128];
    snprintf(after, sizeof after, ", for %d s: %s still", STALL / 1000,
             under_way(calls, count, "stands", "stand"));
    say_stalled("", after);
}

static void answer(sight *s, int by) {
    char before[40];
    snprintf(before, sizeof before, "%s, but ", name_of(by));
    s->answer_told = true;
    say_stalled(before, by == SIGTERM  ? "; it is ended soon"
                        : by == SIGINT ? "; press Ctrl+C again to end it"
                                       : "");
}

static void look_at_signals(sight *s) {
    int by = ended_by, count = caught->interrupts;
    if (count > 0 && !s->first) s->first = s->now;
    if (count > 1 && !s->second) s->second = s->now;
    if (!s->first) return;
    uint64_t since = s->now - s->first;
    if (!answered && !s->answer_told && !over && since >= ANSWER) answer(s, by);
    if (by == SIGTERM && since > GIVE_UP + (answered ? SECOND : 0)) {
        printable_say("ended, since it does not end by itself");
        leave(by);
    }
    bool stuck = s->now - s->turned >= SECOND;
    if (s->second && stuck && s->now - s->second >= (over ? GIVE_UP : SECOND)) leave(by);
}

static void *watch_loop(void *arg) {
    (void)arg;
    sight s = {0};
    while (watch.running) {
        unsigned turns = caught->turns;
        s.now = now_ms();
        if (caught->waiting || turns != s.turns || !s.turned) {
            s.turned = s.now;
            s.computed = computed_ms();
            s.stall_told = false;
        }
        s.turns = turns;
        look_at_signals(&s);
        look_at_stall(&s);
        pause_watch(s.first ? LOOK_CLOSELY : LOOK);
    }
    return NULL;
}

static bool begin_watch(void) {
    sigset_t all, before; /* signals are the main thread's */
    watch.main = pthread_self();
    if (sem_init(&watch.signalled, 0, 0) < 0) return false;
    watch.running = true;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    watch.running = pthread_create(&watch.thread, NULL, watch_loop, NULL) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return watch.running;
}

/* ---- from outside ---- */

static void handle(int number, void (*handler)(int)) {
    struct sigaction before, action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    sigaction(number, NULL, &before);
    if (number == SIGHUP && before.sa_handler == SIG_IGN) return; /* nohup */
    sigaction(number, &action, NULL);
}

bool signals_begin(runtime *rt, void (*drain)(lua_State *L)) {
    caught = rt;
    begin_drain = drain;
    wake = loop_wake_new(rt->loop, on_wake, NULL);
    limit = loop_timer_new(rt->loop, on_limit, NULL);
    if (!wake || !limit || !begin_watch()) return false;
    handle(SIGURG, on_question);
    handle(SIGPIPE, on_failed_write);
    handle(SIGXFSZ, on_failed_write);
    handle(SIGINT, on_signal);
    handle(SIGTERM, on_signal);
    handle(SIGHUP, on_signal);
    return true;
}

void signals_end(void) {
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGURG};
    for (size_t i = 0; caught && i < sizeof numbers / sizeof *numbers; i++) {
        struct sigaction now;
        sigaction(numbers[i], NULL, &now);
        if (now.sa_handler != SIG_IGN) signal(numbers[i], SIG_DFL);
    }
    if (watch.running) {
        watch.running = false;
        sem_post(&watch.signalled);
        pthread_join(watch.thread, NULL);
    }
    loop_timer_free(limit);
    loop_wake_free(wake);
    wake = NULL;
    limit = NULL;
}

void signals_run_over(void) {
    over = true;
    char calls[64];
    if (caught->interrupts > 0 && caught->committed > 0)
        printable_say("%s given up; what is paid of that is asked for again by a rerun",
                      under_way(calls, caught->committed, "is", "are"));
}

int signals_status(void) {
    return caught && caught->interrupts > 0 ? 128 + ended_by : 0;
}

bool signals_told(void) {
    return answered;
}
