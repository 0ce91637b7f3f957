#include "base/cholesky.h"

#include <math.h>
#include <string.h>

bool cholesky_decompose(double *m, size_t n) {
    for (size_t j = 0; j < n; j++) {
        double d = m[j * n + j];
        for (size_t k = 0; k < j; k++) d -= m[j * n + k] * m[j * n + k];
        if (!(d > 0)) return false;
        d = m[j * n + j] = sqrt(d);
        for (size_t i = j + 1; i < n; i++) {
            double e = m[i * n + j];
            for (size_t k = 0; k < j; k++) e -= m[i * n + k] * m[j * n + k];
            m[i * n + j] = e / d;
        }
    }
    return true;
}

void cholesky_solve(const double *m, size_t n, double *g) {
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < i; k++) g[i] -= m[i * n + k] * g[k];
        g[i] /= m[i * n + i];
    }
    for (size_t i = n; i-- > 0;) {
        for (size_t k = i + 1; k < n; k++) g[i] -= m[k * n + i] * g[k];
        g[i] /= m[i * n + i];
    }
}

bool cholesky_invert(double *m, size_t n, double *scratch) {
    memcpy(scratch, m, n * n * sizeof *m);
    if (!cholesky_decompose(scratch, n)) return false;
    memset(m, 0, n * n * sizeof *m);
    for (size_t i = 0; i < n; i++) {
        m[i * n + i] = 1;
        cholesky_solve(scratch, n, m + i * n); /* a column, which is a row too */
    }
    return true;
}
