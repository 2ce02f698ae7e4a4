#include "base/near.h"

#include <string.h>
#include <strings.h>

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

/* Optimal string alignment (Damerau 1964, without a second change of the same letters), capital or small the same. */
static size_t slips(struct text a, struct text b) {
    size_t row[3][NEAR_MAX + 1];
    for (size_t j = 0; j <= b.n; j++) row[0][j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        size_t *now = row[i % 3], *before = row[(i + 2) % 3], *earlier = row[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            bool same = strncasecmp(a.s + i - 1, b.s + j - 1, 1) == 0;
            now[j] = least(least(before[j], now[j - 1]) + 1, before[j - 1] + !same);
            if (i > 1 && j > 1 && !strncasecmp(a.s + i - 1, b.s + j - 2, 1) && !strncasecmp(a.s + i - 2, b.s + j - 1, 1)) now[j] = least(now[j], earlier[j - 2] + 1);
        }
    }
    return row[a.n % 3][b.n];
}

void near_try(struct near *n, struct text known) {
    if (!n->typed.n || !known.n || n->typed.n > NEAR_MAX || known.n > NEAR_MAX) return;
    bool begins = n->typed.n >= 3 && known.n > n->typed.n && !strncasecmp(known.s, n->typed.s, n->typed.n);
    size_t far = begins ? 1 : slips(n->typed, known);
    if (far > (n->typed.n + 1) / 3 || far >= known.n || (n->best.n && far >= n->slips)) return;
    n->best = known;
    n->slips = far;
}

void near_tell(const struct near *n, struct error *err) {
    if (n->best.n) error_meant(err, (int)n->best.n, n->best.s);
}
