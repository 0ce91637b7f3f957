#include "engine/edit.h"

#include <errno.h>
#include <fcntl.h>
#include <histedit.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

#include "base/printable.h"
#include "base/utf8.h"

#define HISTORY_MOST 2000
#define READ_SIZE    4096
#define ESCAPE       27
#define CONTROL(c)   ((c)&31)
#define TAB_STOP     8

struct edit {
    EditLine *el; /* NULL when lines are not edited */
    History *history;
    char *history_path;
    loop_poll
        *poll; /* NULL where the descriptor cannot be watched: a file, or one that is shared */
    loop_wake *wake; /* the window changed, or the program goes on after Ctrl+Z */
    int fd;          /* standard input */
    buf typed, line;
    size_t taken; /* bytes of `typed` that were used */
    bool ended, begun, hidden;
    char *prompt;
    void (*on_input)(void *);
    edit_complete *complete;
    void *arg;
};

/* What signal handlers may touch. */
static struct termios before;
static volatile sig_atomic_t changed_terminal, window_changed, continued;
static loop_wake *signal_wake;

void edit_restore_terminal(void) {
    if (changed_terminal) tcsetattr(STDIN_FILENO, TCSANOW, &before);
}

/* ---- input ---- */

/* Reads what is there; waits for it only if `wait`. */
static void fill(edit *e, bool wait) {
    if (e->ended) return;
    struct pollfd p = {.fd = e->fd, .events = POLLIN};
    while (wait && poll(&p, 1, -1) < 0 && errno == EINTR) {
    }
    for (;;) {
        if (!buf_reserve(&e->typed, READ_SIZE)) return;
        ssize_t n = read(e->fd, e->typed.data + e->typed.len, READ_SIZE);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) return;
        if (n <= 0) {
            e->ended = true;
            return;
        }
        e->typed.len += (size_t)n;
        if (n < READ_SIZE || !e->poll) return;
    }
}

static void on_readable(void *arg, int fd, int events) {
    (void)fd, (void)events;
    edit *e = arg;
    fill(e, false);
    (void)loop_poll_set(e->poll, 0); /* until the next feed finds too little */
    e->on_input(e->arg);
}

/* Bytes of the key that comes next; 0 while part of it is missing. A lone Escape waits for what
 * follows: libedit would wait itself, and hold up everything. */
static size_t next_key(const edit *e) {
    const char *s = e->typed.data + e->taken;
    size_t len = e->typed.len - e->taken;
    if (len == 0) return 0;
    if (e->ended) return 1;
    unsigned char c = (unsigned char)s[0];
    if (c == ESCAPE) {
        if (len < 2) return 0;
        if (s[1] == 'O') return len < 3 ? 0 : 3;
        if (s[1] != '[') return 2;
        for (size_t i = 2; i < len; i++) {
            if (s[i] >= 0x40 && s[i] <= 0x7e) return i + 1;
        }
        return 0;
    }
    if (c == CONTROL('X')) return len < 2 ? 0 : 2;
    size_t whole = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;
    return len < whole ? 0 : whole;
}

/* libedit's source of characters. Bytes that are no UTF-8 become U+FFFD. */
static int get_character(EditLine *el, wchar_t *out) {
    edit *e;
    el_get(el, EL_CLIENTDATA, &e);
    while (e->taken == e->typed.len && !e->ended) fill(e, true);
    if (e->taken == e->typed.len) return 0;
    const char *s = e->typed.data + e->taken, *end = e->typed.data + e->typed.len;
    size_t len = utf8_sequence(s, end);
    *out = len ? (wchar_t)utf8_decode(s, len) : 0xfffd;
    e->taken += len ? len : 1;
    return 1;
}

static void drop_taken(edit *e) {
    if (e->taken == 0) return;
    memmove(e->typed.data, e->typed.data + e->taken, e->typed.len - e->taken);
    e->typed.len -= e->taken;
    e->taken = 0;
}

/* ---- the screen ---- */

static int columns(void) {
    struct winsize size;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : 80;
}

/* The row of the cursor below the one where the prompt begins. */
static int cursor_row(const edit *e) {
    const LineInfoW *line = el_wline(e->el);
    int width = columns(), row = 0, column = (int)strlen(e->prompt);
    for (const wchar_t *c = line->buffer; c < line->cursor; c++) {
        if (*c == L'\n') {
            row++;
            column = 0;
            continue;
        }
        int w = *c == L'\t' ? TAB_STOP - column % TAB_STOP : wcwidth(*c);
        if (w < 0) w = 2; /* as ^X */
        if (column + w > width) {
            row++;
            column = 0;
        }
        column += w;
        if (column >= width) {
            row++;
            column = 0;
        }
    }
    return row;
}

void edit_hide(edit *e) {
    if (!e->el || !e->begun || e->hidden) return;
    int row = cursor_row(e);
    if (row > 0) fprintf(stdout, "\033[%dA", row);
    fputs("\r\033[J", stdout);
    fflush(stdout);
    e->hidden = true;
}

void edit_show(edit *e) {
    if (!e->el || !e->begun || !e->hidden) return;
    e->hidden = false;
    el_set(e->el, EL_REFRESH);
}

static void on_signal_wake(void *arg) {
    edit *e = arg;
    if (!e->el || !e->begun) {
        window_changed = continued = 0; /* looked at when a line begins */
        return;
    }
    if (continued) { /* the shell has put the terminal back meanwhile */
        continued = 0;
        el_set(e->el, EL_PREP_TERM, 0);
        el_set(e->el, EL_PREP_TERM, 1);
        e->hidden = true;
        edit_show(e);
    }
    if (window_changed) {
        window_changed = 0;
        edit_hide(e);
        el_resize(e->el);
        edit_show(e);
    }
}

static void on_signal(int number) {
    int problem = errno;
    if (number == SIGCONT)
        continued = 1;
    else
        window_changed = 1;
    loop_wake_send(signal_wake);
    errno = problem;
}

/* Between lines nothing is echoed: what is typed then waits unseen for the next prompt. */
static void be_silent(void) {
    struct termios t = before;
    t.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    t.c_cc[VMIN] = 1;
    t.c_cc[VTIME] = 0;
    tcsetattr(STDIN_FILENO, TCSADRAIN, &t);
}

/* ---- libedit's questions ---- */

static char *tell_prompt(EditLine *el) {
    edit *e;
    el_get(el, EL_CLIENTDATA, &e);
    return e->prompt;
}

static void show(const buf *list) {
    buf text = {0};
    if (printable_append(&text, list->data, list->len)) fwrite(text.data, 1, text.len, stdout);
    buf_free(&text);
}

static unsigned char on_tab(EditLine *el, int key) {
    (void)key;
    edit *e;
    el_get(el, EL_CLIENTDATA, &e);
    const LineInfo *line = el_line(el);
    buf text = {0}, insert = {0}, list = {0};
    unsigned char result = CC_ERROR;
    if (buf_append(&text, line->buffer, (size_t)(line->cursor - line->buffer)) &&
        buf_append_char(&text, '\0')) {
        e->complete(e->arg, text.data, &insert, &list);
        if (insert.len > 0 && buf_append_char(&insert, '\0')) {
            if (el_insertstr(el, insert.data) == 0) result = CC_REFRESH;
        } else if (list.len > 0) {
            edit_hide(e);
            show(&list);
            edit_show(e);
            result = CC_NORM;
        }
    }
    buf_free(&text);
    buf_free(&insert);
    buf_free(&list);
    return result;
}

/* ---- beginning and end ---- */

/* Opens standard input once more: the loop makes what it watches non-blocking, and its description
 * is shared with output, and with the shell. A terminal of another user (su) cannot be opened by
 * its name. -1 where there is no other description to be had. */
static int reopen_input(void) {
    int fd = open("/proc/self/fd/0", O_RDONLY | O_NOCTTY | O_CLOEXEC);
    return fd < 0 && isatty(STDIN_FILENO) ? open("/dev/tty", O_RDONLY | O_CLOEXEC) : fd;
}

static bool can_edit(void) {
    const char *term = getenv("TERM");
    return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && term && *term &&
           strcmp(term, "dumb") != 0;
}

static void use_utf8(void) {
    setlocale(LC_CTYPE, "");
    if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0) setlocale(LC_CTYPE, "C.UTF-8");
}

static bool open_editor(edit *e, loop *l) {
    if (tcgetattr(STDIN_FILENO, &before) != 0) return true; /* lines come as from a pipe */
    use_utf8();
    e->el = el_init("fellowship", stdin, stdout, stderr);
    e->history = history_init();
    e->wake = loop_wake_new(l, on_signal_wake, e);
    if (!e->el || !e->history || !e->wake) return false;
    changed_terminal = 1;
    HistEvent ev;
    history(e->history, &ev, H_SETSIZE, HISTORY_MOST);
    history(e->history, &ev, H_SETUNIQUE, 1);
    el_set(e->el, EL_CLIENTDATA, e);
    el_set(e->el, EL_SIGNAL, 0);
    el_set(e->el, EL_EDITOR, "emacs");
    el_set(e->el, EL_PROMPT, tell_prompt);
    el_set(e->el, EL_HIST, history, e->history);
    el_set(e->el, EL_GETCFN, get_character);
    el_wset(e->el, EL_ADDFN, L"complete", L"completes the word", on_tab); /* el_set leaks both */
    el_set(e->el, EL_BIND, "^I", "complete", NULL);
    el_set(e->el, EL_BIND, "^R", "em-inc-search-prev", NULL);
    el_source(e->el, NULL); /* ~/.editrc */
    signal_wake = e->wake;
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigaction(SIGWINCH, &action, NULL);
    sigaction(SIGCONT, &action, NULL);
    be_silent();
    return true;
}

edit *edit_new(loop *l, void (*on_input)(void *arg), edit_complete *complete, void *arg) {
    edit *e = calloc(1, sizeof *e);
    if (!e) return NULL;
    e->on_input = on_input;
    e->complete = complete;
    e->arg = arg;
    e->fd = reopen_input();
    if (e->fd >= 0)
        e->poll = loop_poll_new(l, e->fd, on_readable, e);
    else
        e->fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0); /* a socket: waited for as it is */
    if (e->fd < 0) e->ended = true;
    if (can_edit() && !open_editor(e, l)) {
        edit_free(e);
        return NULL;
    }
    return e;
}

void edit_free(edit *e) {
    if (!e) return;
    if (e->wake) {
        signal(SIGWINCH, SIG_DFL);
        signal(SIGCONT, SIG_DFL);
        signal_wake = NULL;
    }
    edit_stop(e);
    if (e->el) el_end(e->el);
    if (e->history) history_end(e->history);
    edit_restore_terminal();
    changed_terminal = 0;
    loop_wake_free(e->wake);
    loop_poll_free(e->poll);
    if (e->fd >= 0) close(e->fd);
    buf_free(&e->typed);
    buf_free(&e->line);
    free(e->prompt);
    free(e->history_path);
    free(e);
}

bool edit_is_terminal(const edit *e) {
    return e->el != NULL;
}

/* ---- lines ---- */

bool edit_begin(edit *e, const char *prompt) {
    char *copy = strdup(prompt);
    if (!copy) return false;
    edit_stop(e);
    free(e->prompt);
    e->prompt = copy;
    buf_clear(&e->line);
    e->begun = true;
    e->hidden = false;
    if (e->el) el_set(e->el, EL_UNBUFFERED, 1); /* shows the prompt */
    return true;
}

void edit_stop(edit *e) {
    if (!e->begun) return;
    e->begun = e->hidden = false;
    if (!e->el) return;
    el_set(e->el, EL_UNBUFFERED, 0);
    be_silent();
}

/* A line of input that is not edited; the last one may lack its end. */
static enum edit_state feed_plain(edit *e) {
    const char *s = e->typed.data + e->taken;
    size_t len = e->typed.len - e->taken;
    const char *end = len ? memchr(s, '\n', len) : NULL;
    if (!end && !e->ended) return EDIT_MORE;
    if (!end && len == 0) return EDIT_END;
    size_t whole = end ? (size_t)(end - s) : len;
    if (!buf_append(&e->line, s, whole)) return EDIT_END;
    e->taken += whole + (end ? 1 : 0);
    return EDIT_LINE;
}

static enum edit_state feed_keys(edit *e) {
    while (next_key(e) > 0) {
        edit_show(e);
        bool end_key = e->typed.data[e->taken] == CONTROL('D');
        int count = 0;
        const char *line = el_gets(e->el, &count);
        if (!line || count <= 0) continue;
        if (count == 1 && line[0] == CONTROL('D') && end_key) return EDIT_END;
        if (line[count - 1] != '\n' && line[count - 1] != '\r') continue;
        return buf_append(&e->line, line, (size_t)count - 1) ? EDIT_LINE : EDIT_END;
    }
    return e->ended ? EDIT_END : EDIT_MORE;
}

enum edit_state edit_feed(edit *e) {
    enum edit_state state;
    for (;;) {
        state = e->el ? feed_keys(e) : feed_plain(e);
        drop_taken(e);
        if (state != EDIT_MORE || e->poll) break;
        fill(e, true);
    }
    if (state == EDIT_MORE && !loop_poll_set(e->poll, LOOP_READ)) state = EDIT_END;
    if (state != EDIT_MORE) edit_stop(e);
    return state;
}

const char *edit_line(const edit *e, size_t *len) {
    *len = e->line.len;
    return e->line.data ? e->line.data : "";
}

/* ---- history ---- */

void edit_load_history(edit *e, const char *path) {
    if (!e->history) return;
    HistEvent ev;
    history(e->history, &ev, H_LOAD, path);
    free(e->history_path);
    e->history_path = strdup(path);
    /* What several sessions have added beyond the bound goes when the next one begins. */
    if (history(e->history, &ev, H_GETSIZE) == 0 && ev.num >= HISTORY_MOST)
        history(e->history, &ev, H_SAVE, path);
}

void edit_add_history(edit *e, const char *entry) {
    if (!e->history || !*entry) return;
    HistEvent ev;
    history(e->history, &ev, H_ENTER, entry);
    if (!e->history_path) return;
    int fd = open(e->history_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) return; /* a history that cannot be kept is no reason to stop */
    FILE *f = fdopen(fd, "a");
    if (!f) {
        close(fd);
        return;
    }
    fseek(f, 0, SEEK_END); /* libedit begins an empty file with its mark */
    history(e->history, &ev, H_NSAVE_FP, (size_t)0, f); /* it writes one more than it is told */
    fclose(f);
}
