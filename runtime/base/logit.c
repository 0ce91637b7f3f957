#include "base/logit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cholesky.h"

/* A fit ends when no coefficient moves by more. */
#define CLOSE    1e-9
#define STEPS    100
#define HALVINGS 40
#define SWEEPS   200 /* of coordinate descent, in one step with a lasso */

logit *logit_new(size_t width) {
    logit *f = calloc(1, sizeof *f);
    double *numbers = calloc(3 * width + 2 * width * width + 1, sizeof *numbers);
    if (!f || !numbers) {
        free(f);
        free(numbers);
        return NULL;
    }
    *f = (logit){.width = width, .b = numbers};
    f->before = f->b + width;
    f->gradient = f->before + width;
    f->hessian = f->gradient + width;
    f->scratch = f->hessian + width * width;
    return f;
}

void logit_free(logit *f) {
    if (f) free(f->b);
    free(f);
}

void logit_restart(logit *f) {
    f->steps = f->halvings = 0;
    f->converged = false;
}

void logit_begin(logit *f) {
    f->likelihood = 0;
    memset(f->gradient, 0, f->width * sizeof *f->gradient);
    memset(f->hessian, 0, f->width * f->width * sizeof *f->hessian);
}

static double dot(const double *x, const double *b, size_t width) {
    double sum = 0;
    for (size_t i = 0; i < width; i++) sum += x[i] * b[i];
    return sum;
}

double logit_chance(const double *x, const double *b, size_t width) {
    return 1 / (1 + exp(-dot(x, b, width)));
}

void logit_row(logit *f, const double *x, double y, double weight) {
    size_t w = f->width;
    double d = dot(x, f->b, w), e = exp(-fabs(d)), p = (d >= 0 ? 1 : e) / (1 + e);
    f->likelihood += weight * (y * d - (d > 0 ? d : 0) - log1p(e));
    double slope = weight * (y - p), bend = weight * p * (1 - p);
    for (size_t i = 0; i < w; i++) {
        if (x[i] == 0) continue;
        f->gradient[i] += slope * x[i];
        for (size_t j = 0; j <= i; j++) f->hessian[i * w + j] += bend * x[i] * x[j];
    }
}

static void mirror(double *matrix, size_t w) {
    for (size_t i = 0; i < w; i++)
        for (size_t j = 0; j < i; j++) matrix[j * w + i] = matrix[i * w + j];
}

/* The likelihood with its priors. */
static double objective(const logit *f) {
    double sum = f->likelihood;
    for (size_t i = 0; i < f->width; i++)
        sum -= f->ridge / 2 * f->b[i] * f->b[i] + f->lasso * fabs(f->b[i]);
    return sum;
}

/* Newton's step from b, left in `before`: b + (H + ridge)^-1 (g - ridge b). */
static bool newton(logit *f) {
    size_t w = f->width;
    memcpy(f->scratch, f->hessian, w * w * sizeof *f->scratch);
    for (size_t i = 0; i < w; i++) {
        f->scratch[i * w + i] += f->ridge;
        f->before[i] = f->gradient[i] - f->ridge * f->b[i];
    }
    if (!cholesky_decompose(f->scratch, w)) return false;
    cholesky_solve(f->scratch, w, f->before);
    for (size_t i = 0; i < w; i++) f->before[i] += f->b[i];
    return true;
}

/* The same with a lasso: the quadratic's maximum by coordinate descent (Friedman, Hastie and
 * Tibshirani 2010). */
static bool newton_lasso(logit *f) {
    size_t w = f->width;
    memcpy(f->before, f->b, w * sizeof *f->b);
    for (unsigned sweep = 0; sweep < SWEEPS; sweep++) {
        double most = 0;
        for (size_t i = 0; i < w; i++) {
            double curve = f->hessian[i * w + i] + f->ridge, slope = f->gradient[i];
            if (!(curve > 0)) continue;
            for (size_t j = 0; j < w; j++)
                slope -= f->hessian[i * w + j] * (f->before[j] - f->b[j]);
            slope -= f->ridge * f->before[i];
            double free = slope + curve * f->before[i], size = fabs(free) - f->lasso;
            double to = size > 0 ? copysign(size, free) / curve : 0;
            most = fmax(most, fabs(to - f->before[i]));
            f->before[i] = to;
        }
        if (most <= CLOSE / 10) return true;
    }
    return true;
}

/* Halfway back to where the last step came from. */
static bool retreat(logit *f) {
    double most = 0;
    for (size_t i = 0; i < f->width; i++) {
        double half = (f->b[i] - f->before[i]) / 2;
        f->b[i] = f->before[i] + half;
        most = fmax(most, fabs(half));
    }
    if (++f->halvings < HALVINGS && most > CLOSE) return true;
    f->converged = most <= CLOSE;
    return false;
}

bool logit_step(logit *f) {
    mirror(f->hessian, f->width);
    double now = objective(f);
    if (f->steps > 0 && !(now >= f->at - 1e-9 * fabs(f->at))) return retreat(f);
    if (f->steps++ == STEPS || !(f->lasso > 0 ? newton_lasso(f) : newton(f))) return false;
    f->at = now;
    f->halvings = 0;
    double most = 0;
    for (size_t i = 0; i < f->width; i++) {
        double to = f->before[i];
        most = fmax(most, fabs(to - f->b[i]));
        f->before[i] = f->b[i];
        f->b[i] = to;
    }
    f->converged = most <= CLOSE;
    return !f->converged && isfinite(most);
}
