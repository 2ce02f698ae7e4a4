/* Differences from a reference, and between two that are known by them; see genome.h. */
#include "engines/genome.h"

#include <stdlib.h>
#include <string.h>

/* The base of a letter: one of ACGT, else 0. */
static char base_of(char c) {
    switch (c) {
    case 'a': case 'A': return 'A';
    case 'c': case 'C': return 'C';
    case 'g': case 'G': return 'G';
    case 't': case 'T': case 'u': case 'U': return 'T';
    default: return 0;
    }
}

static int by_place(const void *pa, const void *pb) {
    const struct genome_snp *a = pa, *b = pb;
    return a->at != b->at ? (a->at > b->at) - (a->at < b->at) : (a->base > b->base) - (a->base < b->base);
}

static int by_from(const void *pa, const void *pb) {
    const struct genome_span *a = pa, *b = pb;
    return (a->from > b->from) - (a->from < b->from);
}

/* ---- reading lists */

static bool parts(char c) {
    return c == ',' || c == ';' || c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '|';
}

/* The next word of a list; false at its end. */
static bool word_next(struct text *rest, struct text *ret) {
    while (rest->n && parts(*rest->s)) rest->s++, rest->n--;
    size_t n = 0;
    while (n < rest->n && !parts(rest->s[n])) n++;
    *ret = (struct text){rest->s, n};
    rest->s += n;
    rest->n -= n;
    return n > 0;
}

static size_t words_count(struct text list) {
    struct text w;
    size_t n = 0;
    while (word_next(&list, &w)) n++;
    return n;
}

/* Digits at the beginning; 0 when there are none or too many. */
static uint32_t number_take(struct text *t) {
    uint32_t v = 0;
    size_t n = 0;
    while (n < t->n && n < 7 && t->s[n] >= '0' && t->s[n] <= '9') v = v * 10 + (uint32_t)(t->s[n++] - '0');
    t->s += n;
    t->n -= n;
    return v <= GENOME_LENGTH_MAX ? v : 0;
}

static int bad(struct text w, struct error *err) {
    return error_set(err, E_SYNTAX, "differences", "%.*s is no difference like C241T and no range like 1-54 / 不是 C241T 或 1-54 的写法", (int)(w.n < 40 ? w.n : 40), w.s);
}

static void spans_close_up(struct genome *g) {
    size_t kept = 0;
    if (g->n_unknown) qsort(g->unknown, g->n_unknown, sizeof *g->unknown, by_from);
    for (size_t i = 0; i < g->n_unknown; i++) {
        if (kept && g->unknown[i].from <= g->unknown[kept - 1].to) {
            if (g->unknown[i].to > g->unknown[kept - 1].to) g->unknown[kept - 1].to = g->unknown[i].to;
        } else g->unknown[kept++] = g->unknown[i];
    }
    g->n_unknown = kept;
}

int genome_read(struct text differences, struct text unknown, uint32_t length, struct arena *a, struct genome *ret, struct error *err) {
    struct genome g = {.length = length};
    struct text w, list = differences;
    size_t n = words_count(differences), m = words_count(unknown), kept = 0;
    g.snps = arena_alloc(a, (n + 1) * sizeof *g.snps);
    g.unknown = arena_alloc(a, (n + m + 1) * sizeof *g.unknown);
    if (!g.snps || !g.unknown) return error_memory(err);
    while (word_next(&list, &w)) {
        struct text t = w;
        if (t.n && base_of(*t.s)) t.s++, t.n--;
        uint32_t at = number_take(&t);
        if (!at || t.n != 1 || (length && at > length)) return bad(w, err);
        if (base_of(*t.s)) g.snps[g.n_snps++] = (struct genome_snp){at, base_of(*t.s)};
        else if (*t.s == 'N' || *t.s == 'n' || *t.s == '-') g.unknown[g.n_unknown++] = (struct genome_span){at, at + 1};
        else return bad(w, err);
    }
    list = unknown;
    while (word_next(&list, &w)) {
        struct text t = w;
        uint32_t from = number_take(&t), to = from;
        if (t.n && *t.s == '-') t.s++, t.n--, to = number_take(&t);
        if (!from || to < from || t.n || (length && to > length)) return bad(w, err);
        g.unknown[g.n_unknown++] = (struct genome_span){from, to + 1};
    }
    if (g.n_snps) qsort(g.snps, g.n_snps, sizeof *g.snps, by_place);
    for (size_t i = 0; i < g.n_snps; i++) {
        if (kept && g.snps[kept - 1].at == g.snps[i].at && g.snps[kept - 1].base != g.snps[i].base)
            return error_set(err, E_INVALID, "differences", "two bases at position %u / 同一位置有两个碱基", g.snps[i].at);
        if (!kept || g.snps[kept - 1].at != g.snps[i].at) g.snps[kept++] = g.snps[i];
    }
    g.n_snps = kept;
    spans_close_up(&g);
    *ret = g;
    return 0;
}

/* ---- from a sequence */

/* What stands against each base of the reference: its base, or 0 when that is not known. */
static int genome_from(const char *against, struct text reference, struct arena *a, struct genome *ret, struct error *err) {
    struct genome g = {.length = (uint32_t)reference.n};
    size_t snps = 0, spans = 0, known = 0;
    for (size_t i = 0; i < reference.n; i++) {
        char r = base_of(reference.s[i]);
        snps += against[i] && r && against[i] != r;
        spans += !against[i] && (i == 0 || against[i - 1]);
        known += against[i] != 0;
    }
    if (known < reference.n / 10 || snps > known / 5)
        return error_set(err, E_INVALID, "sequence", "%zu of %zu known bases differ: of another virus, or not aligned / 与参考序列差异过大", snps, known);
    g.snps = arena_alloc(a, (snps + 1) * sizeof *g.snps);
    g.unknown = arena_alloc(a, (spans + 1) * sizeof *g.unknown);
    if (!g.snps || !g.unknown) return error_memory(err);
    for (size_t i = 0; i < reference.n; i++) {
        char r = base_of(reference.s[i]);
        if (against[i] && r && against[i] != r) g.snps[g.n_snps++] = (struct genome_snp){(uint32_t)i + 1, against[i]};
        if (against[i]) continue;
        if (i == 0 || against[i - 1]) g.unknown[g.n_unknown++] = (struct genome_span){(uint32_t)i + 1, (uint32_t)i + 1};
        g.unknown[g.n_unknown - 1].to++;
    }
    *ret = g;
    return 0;
}

/* How many letters stand where the reference has the same, and how many are letters that say something. */
static bool agrees(struct text reference, const char *letters) {
    size_t same = 0, known = 0;
    for (size_t i = 0; i < reference.n; i++) {
        char c = base_of(letters[i]);
        known += c != 0;
        same += c && c == base_of(reference.s[i]);
    }
    return known && same >= known - known / 20;
}

enum step { STEP_BOTH, STEP_REFERENCE, STEP_LETTER };
enum { MISMATCH = 2, GAP = 3, FAR = INT32_MAX / 2 };

/* Rows: bases of the reference; columns: letters, within a band around the diagonal from corner to corner. Ends hang over freely. */
static int align(struct text reference, const char *letters, size_t n, char *against, struct error *err) {
    int64_t m = (int64_t)reference.n, low = (n < reference.n ? (int64_t)n - m : 0) - GENOME_BAND, high = (n > reference.n ? (int64_t)n - m : 0) + GENOME_BAND, width = high - low + 1;
    if (width > GENOME_BAND_MAX)
        return error_set(err, E_TOO_LARGE, "sequence", "%zu letters against %zu of the reference are too few or many to align / 长度与参考序列相差过大", n, reference.n);
    int32_t *before = mem_alloc((size_t)(width + 2) * sizeof *before), *now = mem_alloc((size_t)(width + 2) * sizeof *now), best = FAR;
    uint8_t *steps = mem_alloc((size_t)((m + 1) * width));
    int64_t end_i = 0, end_k = 0;
    int rc = before && now && steps ? 0 : error_memory(err);
    for (int64_t i = 0; rc == 0 && i <= m; i++) {
        int32_t *t = before;
        before = now;
        now = t;
        for (int64_t k = 0; k < width; k++) {
            int64_t j = i + low + k;
            int32_t cost = FAR;
            uint8_t step = STEP_BOTH;
            if (j >= 0 && j <= (int64_t)n) {
                if (i == 0 || j == 0) cost = 0;
                else {
                    char r = base_of(reference.s[i - 1]), c = base_of(letters[j - 1]);
                    cost = before[k] + (r && c && r != c ? MISMATCH : 0);
                    if (k + 1 < width && before[k + 1] + GAP < cost) cost = before[k + 1] + GAP, step = STEP_REFERENCE;
                    if (k && now[k - 1] + GAP < cost) cost = now[k - 1] + GAP, step = STEP_LETTER;
                }
                if ((i == m || j == (int64_t)n) && cost < best) best = cost, end_i = i, end_k = k;
            }
            now[k] = cost;
            steps[i * width + k] = step;
        }
    }
    memset(against, 0, reference.n);
    for (int64_t i = end_i, k = end_k; rc == 0 && i > 0 && i + low + k > 0;) {
        uint8_t step = steps[i * width + k];
        if (step == STEP_BOTH) against[i - 1] = base_of(letters[i + low + k - 1]), i--;
        else if (step == STEP_REFERENCE) i--, k++;
        else k--;
    }
    mem_free(before);
    mem_free(now);
    mem_free(steps);
    return rc;
}

int genome_of(struct text reference, struct text sequence, struct arena *a, struct genome *ret, struct error *err) {
    size_t n = 0;
    if (!reference.n || reference.n > GENOME_LENGTH_MAX || !sequence.n || sequence.n > GENOME_LENGTH_MAX)
        return error_set(err, E_INVALID, "sequence", "1 to %d letters / 应为 1 至 %d 个字母", GENOME_LENGTH_MAX, GENOME_LENGTH_MAX);
    for (size_t i = 0; i < sequence.n; i++) {
        char c = sequence.s[i];
        if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' || c == '.' || c == '*')) return error_set(err, E_INVALID, "sequence", "letter %zu is none / 第 %zu 个字符不是字母", i + 1, i + 1);
    }
    char *letters = mem_alloc(sequence.n), *against = mem_alloc(reference.n);
    int rc = letters && against ? 0 : error_memory(err);
    if (rc == 0 && sequence.n == reference.n && agrees(reference, sequence.s)) {
        for (size_t i = 0; i < reference.n; i++) against[i] = base_of(sequence.s[i]);
    } else if (rc == 0) {
        for (size_t i = 0; i < sequence.n; i++)
            if (sequence.s[i] != '-' && sequence.s[i] != '.' && sequence.s[i] != '*') letters[n++] = sequence.s[i];
        rc = n ? align(reference, letters, n, against, err) : error_set(err, E_INVALID, "sequence", "nothing but gaps / 全为空位");
    }
    if (rc == 0) rc = genome_from(against, reference, a, ret, err);
    mem_free(letters);
    mem_free(against);
    return rc;
}

void genome_write(const struct genome *g, struct text reference, struct buf *differences, struct buf *unknown) {
    for (size_t i = 0; i < g->n_snps; i++) {
        char r = g->snps[i].at <= reference.n ? base_of(reference.s[g->snps[i].at - 1]) : 0;
        if (i) buf_char(differences, ' ');
        if (r) buf_char(differences, r);
        buf_printf(differences, "%u%c", g->snps[i].at, g->snps[i].base);
    }
    for (size_t i = 0; i < g->n_unknown; i++) buf_printf(unknown, "%s%u-%u", i ? " " : "", g->unknown[i].from, g->unknown[i].to - 1);
}

/* ---- two of them */

struct walk {
    const struct genome *g;
    size_t snp, span;
};

/* Whether position `at`, not before the last one asked, is known. */
static bool known_at(struct walk *w, uint32_t at) {
    while (w->span < w->g->n_unknown && w->g->unknown[w->span].to <= at) w->span++;
    return w->span == w->g->n_unknown || at < w->g->unknown[w->span].from;
}

static uint64_t unknown_of_either(const struct genome *a, const struct genome *b) {
    uint64_t sum = 0;
    uint32_t until = 0;
    for (size_t i = 0, k = 0; i < a->n_unknown || k < b->n_unknown;) {
        bool first = k == b->n_unknown || (i < a->n_unknown && a->unknown[i].from <= b->unknown[k].from);
        struct genome_span s = first ? a->unknown[i++] : b->unknown[k++];
        uint32_t from = s.from > until ? s.from : until;
        if (s.to > from) sum += s.to - from, until = s.to;
    }
    return sum;
}

int32_t genome_distance(const struct genome *a, const struct genome *b) {
    struct walk x = {.g = a}, y = {.g = b};
    uint32_t length = a->length > b->length ? a->length : b->length;
    int32_t n = 0;
    if (length && unknown_of_either(a, b) > length / 2) return -1;
    while (x.snp < a->n_snps || y.snp < b->n_snps) {
        uint32_t pa = x.snp < a->n_snps ? a->snps[x.snp].at : UINT32_MAX, pb = y.snp < b->n_snps ? b->snps[y.snp].at : UINT32_MAX, at = pa < pb ? pa : pb;
        bool differ = pa != pb || a->snps[x.snp].base != b->snps[y.snp].base;
        x.snp += pa == at;
        y.snp += pb == at;
        if (differ && known_at(&x, at) && known_at(&y, at)) n++;
    }
    return n;
}
