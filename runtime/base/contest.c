#include "base/contest.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cholesky.h"
#include "base/random.h"

/* Newton's method ends when no strength moves by more; where it would take more steps, the
 * likelihood is so flat that the strengths say nothing. */
#define CLOSE 1e-10
#define STEPS 200

/* ---- one fit ---- */

/* How many players are reached from player 0 by wins, or by losses. */
static size_t reach(size_t players, const double *wins, bool backward, size_t *queue) {
    size_t found = 1, *known = queue + players;
    memset(known, 0, players * sizeof *known);
    known[queue[0] = 0] = 1;
    for (size_t next = 0; next < found; next++)
        for (size_t i = queue[next], j = 0; j < players; j++)
            if (!known[j] && (backward ? wins[j * players + i] : wins[i * players + j]) > 0)
                known[queue[found++] = j] = 1;
    return found;
}

static bool is_connected(size_t players, const double *wins, size_t *seen) {
    return players > 0 && reach(players, wins, false, seen) == players &&
           reach(players, wins, true, seen) == players;
}

size_t contest_scratch(size_t players) {
    return players * players + 4 * players; /* matrix, gradient, tried strengths, two of indices */
}

/* The logarithm of the likelihood. */
static double likelihood(size_t players, const double *wins, const double *s) {
    double sum = 0;
    for (size_t i = 0; i < players; i++)
        for (size_t j = 0; j < players; j++) {
            double w = wins[i * players + j], d = s[i] - s[j];
            if (i != j && w > 0) sum -= w * (d > 0 ? log1p(exp(-d)) : log1p(exp(d)) - d);
        }
    return sum;
}

/* The gradient, and minus the Hessian with `pin` added everywhere: that holds the mean, which the
 * likelihood says nothing of, where it is. */
static void slopes(size_t players, const double *wins, const double *s, double *g, double *h) {
    memset(h, 0, players * players * sizeof *h);
    memset(g, 0, players * sizeof *g);
    double trace = 0;
    for (size_t i = 0; i < players; i++)
        for (size_t j = i + 1; j < players; j++) {
            double won = wins[i * players + j], lost = wins[j * players + i], n = won + lost;
            if (n == 0) continue;
            double p = 1 / (1 + exp(s[j] - s[i])), v = n * p * (1 - p);
            g[i] += won - n * p;
            g[j] -= won - n * p;
            h[i * players + i] += v;
            h[j * players + j] += v;
            h[i * players + j] -= v;
            h[j * players + i] -= v;
            trace += 2 * v;
        }
    double pin = trace / (double)(players * players);
    for (size_t k = 0; k < players * players; k++) h[k] += pin;
}

bool contest_solve(contest_fit *f, const double *wins) {
    size_t n = f->players;
    double *h = f->scratch, *g = h + n * n, *tried = g + n, *s = f->strength;
    if (!is_connected(n, wins, (size_t *)(void *)(tried + n))) return false;
    memset(s, 0, n * sizeof *s);
    double at = likelihood(n, wins, s);
    for (f->steps = 1; f->steps <= STEPS; f->steps++) {
        slopes(n, wins, s, g, h);
        if (!cholesky_decompose(h, n)) return false;
        cholesky_solve(h, n, g);
        double most = 0, part = 1, there;
        for (size_t i = 0; i < n; i++) most = fmax(most, fabs(g[i]));
        do { /* a whole step may leap too far where the likelihood is flat */
            for (size_t i = 0; i < n; i++) tried[i] = s[i] + part * g[i];
            there = likelihood(n, wins, tried);
        } while (!(there >= at - 1e-9 * fabs(at)) && (part /= 2) * most > CLOSE);
        memcpy(s, tried, n * sizeof *s);
        at = there;
        if (part * most <= CLOSE) break;
    }
    double mean = 0;
    for (size_t i = 0; i < n; i++) mean += s[i] / (double)n;
    for (size_t i = 0; i < n; i++) s[i] -= mean;
    return f->steps <= STEPS && isfinite(at);
}

/* ---- games ---- */

typedef struct game {
    uint32_t prompt;
    uint16_t won, lost;
    bool tie;
} game;

struct contest {
    game *games;
    size_t count, room;
    uint32_t prompts; /* the largest prompt's number, and one */
};

contest *contest_new(void) {
    return calloc(1, sizeof(contest));
}

void contest_free(contest *c) {
    if (c) free(c->games);
    free(c);
}

bool contest_add(contest *c, uint32_t prompt, uint16_t a, uint16_t b, enum contest_winner winner) {
    if (c->count == c->room) {
        size_t room = c->room ? 2 * c->room : 64;
        game *more = realloc(c->games, room * sizeof *more);
        if (!more) return false;
        c->games = more;
        c->room = room;
    }
    bool second = winner == CONTEST_B;
    c->games[c->count++] = (game){.prompt = prompt,
                                  .won = second ? b : a,
                                  .lost = second ? a : b,
                                  .tie = winner == CONTEST_TIE};
    if (prompt >= c->prompts) c->prompts = prompt + 1;
    return true;
}

size_t contest_games(const contest *c) {
    return c->count;
}

static void count_game(const game *g, size_t players, double *wins) {
    if (g->tie) {
        wins[g->won * players + g->lost] += 0.5;
        wins[g->lost * players + g->won] += 0.5;
    } else {
        wins[g->won * players + g->lost] += 1;
    }
}

void contest_wins(const contest *c, size_t players, double *wins) {
    memset(wins, 0, players * players * sizeof *wins);
    for (size_t i = 0; i < c->count; i++) count_game(&c->games[i], players, wins);
}

/* ---- the bootstrap ---- */

/* The games in the order of their prompts; those of the prompt p stand from starts[p] on. */
typedef struct by_prompt {
    game *games;
    size_t *starts;
    size_t prompts;
} by_prompt;

static int by_number(const void *x, const void *y) {
    uint32_t a = ((const game *)x)->prompt, b = ((const game *)y)->prompt;
    return (a > b) - (a < b);
}

static bool sort_games(const contest *c, by_prompt *s) {
    s->prompts = 0;
    s->games = malloc((c->count + 1) * sizeof *s->games);
    s->starts = malloc((c->count + 1) * sizeof *s->starts);
    if (!s->games || !s->starts) return false;
    memcpy(s->games, c->games, c->count * sizeof *s->games);
    qsort(s->games, c->count, sizeof *s->games, by_number);
    for (size_t i = 0; i < c->count; i++)
        if (i == 0 || s->games[i].prompt != s->games[i - 1].prompt) s->starts[s->prompts++] = i;
    s->starts[s->prompts] = c->count;
    return true;
}

static int by_size(const void *x, const void *y) {
    double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

static double quantile(const double *sorted, size_t n, double p) {
    double at = (double)(n - 1) * p, low = floor(at);
    size_t i = (size_t)low;
    return i + 1 >= n ? sorted[n - 1] : sorted[i] + (at - low) * (sorted[i + 1] - sorted[i]);
}

/* Fits resamples: fits[player * resamples + i] for those that have one. Returns how many have. */
static size_t resample(const by_prompt *s, contest_fit *f, size_t resamples, uint64_t seed,
                       double *wins, double *fits) {
    random_state r;
    random_seed(&r, seed, s->prompts);
    size_t fitted = 0;
    for (size_t round = 0; round < resamples; round++) {
        memset(wins, 0, f->players * f->players * sizeof *wins);
        for (size_t i = 0; i < s->prompts; i++) {
            size_t p = (size_t)random_upto(&r, s->prompts - 1);
            for (size_t g = s->starts[p]; g < s->starts[p + 1]; g++)
                count_game(&s->games[g], f->players, wins);
        }
        if (!contest_solve(f, wins)) continue;
        for (size_t i = 0; i < f->players; i++) fits[i * resamples + fitted] = f->strength[i];
        fitted++;
    }
    return fitted;
}

size_t contest_bootstrap(const contest *c, size_t players, size_t resamples, uint64_t seed,
                         double *low, double *high) {
    by_prompt s = {0};
    size_t fitted = SIZE_MAX, square = players * players;
    double *numbers = malloc(
        (square + players + contest_scratch(players) + players * resamples + 1) * sizeof *numbers);
    if (numbers && sort_games(c, &s) && s.prompts > 0) {
        double *fits = numbers + square + players + contest_scratch(players);
        contest_fit f = {.players = players,
                         .strength = numbers + square,
                         .scratch = numbers + square + players};
        fitted = resample(&s, &f, resamples, seed, numbers, fits);
        for (size_t i = 0; i < players && fitted > 0; i++) {
            qsort(fits + i * resamples, fitted, sizeof *fits, by_size);
            low[i] = quantile(fits + i * resamples, fitted, 0.025);
            high[i] = quantile(fits + i * resamples, fitted, 0.975);
        }
    } else if (numbers && s.starts && s.prompts == 0) {
        fitted = 0;
    }
    free(numbers);
    free(s.games);
    free(s.starts);
    return fitted;
}
