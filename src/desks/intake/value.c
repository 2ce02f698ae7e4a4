/* Evaluating one value of a row, in this fixed order: source, na, strip, match or split and take, replace, case, number, times and plus, map, date, default. */
#include "desks/intake/plan.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct text NOTHING = {"", 0};

static size_t fold_space(struct text t, size_t i) {
    unsigned char c = (unsigned char)t.s[i];
    if (c == ' ' || (c >= '\t' && c <= '\r')) return 1;
    if (t.n - i >= 3 && memcmp(t.s + i, "\xE3\x80\x80", 3) == 0) return 3;
    if (t.n - i >= 2 && memcmp(t.s + i, "\xC2\xA0", 2) == 0) return 2;
    return 0;
}

struct text map_fold(struct arena *a, struct text t) {
    t = text_trim(t);
    bool plain = true;
    for (size_t i = 0; plain && i < t.n; i++) {
        unsigned char c = (unsigned char)t.s[i];
        plain = (c > ' ' && c < 'A') || (c > 'Z' && c < 0x80) || (c == ' ' && t.s[i - 1] != ' ');
    }
    if (plain) return t.n ? t : NOTHING;
    char *out = arena_alloc(a, t.n + 1);
    if (!out) return (struct text){NULL, 0};
    size_t n = 0;
    for (size_t i = 0; i < t.n;) {
        size_t space = fold_space(t, i);
        if (space) {
            if (n && out[n - 1] != ' ') out[n++] = ' ';
            i += space;
            continue;
        }
        size_t before = i;
        uint32_t c = text_codepoint(t, &i);
        if (c >= 0xFF01 && c <= 0xFF5E) c -= 0xFEE0;
        if (c >= 'A' && c <= 'Z') c += 32;
        if (c == 0xFFFD && i - before == 1)
            out[n++] = t.s[before]; /* a byte that is no UTF-8 stays what it is */
        else
            n += text_encode(c, out + n);
    }
    return (struct text){out, n};
}

bool value_na(const struct text *na, size_t n, struct text t) {
    if (t.n > 40) return false;
    for (size_t i = 0; i < n; i++) {
        if (na[i].n != t.n) continue;
        size_t k = 0;
        while (k < t.n && (na[i].s[k] == t.s[k] || (t.s[k] >= 'A' && t.s[k] <= 'Z' && na[i].s[k] == (t.s[k] | 32)))) k++;
        if (k == t.n) return true;
    }
    return false;
}

/* Empty when every column it uses is empty, so that "tw:{id}" is no key without an id. */
int value_pieces(const struct plan_piece *p, size_t n, const struct plan_env *env, struct text self, struct text *ret, struct error *err) {
    size_t bytes = 0;
    bool any = false, used = false;
    for (size_t i = 0; i < n; i++) {
        struct text t = p[i].slot == -1 ? NOTHING : p[i].slot == -2 ? self : env->slots[p[i].slot];
        bytes += p[i].literal.n + t.n;
        used = used || p[i].slot != -1;
        any = any || t.n;
    }
    if (used && !any) {
        *ret = NOTHING;
        return 0;
    }
    char *out = arena_alloc(env->arena, bytes + 1);
    if (!out) return error_memory(err);
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        struct text t = p[i].slot == -1 ? NOTHING : p[i].slot == -2 ? self : env->slots[p[i].slot];
        memcpy(out + at, p[i].literal.n ? p[i].literal.s : "", p[i].literal.n);
        at += p[i].literal.n;
        memcpy(out + at, t.n ? t.s : "", t.n);
        at += t.n;
    }
    *ret = (struct text){out, at};
    return 0;
}

static int source(const struct plan_value *v, const struct plan_env *env, struct text *ret, struct error *err) {
    *ret = NOTHING;
    if (v->source == SOURCE_CONST) *ret = v->constant;
    if (v->source == SOURCE_TEXT) return value_pieces(v->pieces, v->n_pieces, env, env->self, ret, err);
    if (v->source == SOURCE_FROM)
        for (size_t i = 0; i < v->n_slots && !ret->n; i++) {
            struct text t = env->slots[v->slots[i]];
            if (!value_na(v->na, v->n_na, t)) *ret = t;
        }
    if (v->source != SOURCE_JOIN) return 0;
    size_t bytes = 0, at = 0;
    for (size_t i = 0; i < v->n_slots; i++) bytes += env->slots[v->slots[i]].n + v->with.n;
    char *out = arena_alloc(env->arena, bytes + 1);
    if (!out) return error_memory(err);
    for (size_t i = 0; i < v->n_slots; i++) {
        struct text t = env->slots[v->slots[i]];
        if (!t.n || value_na(v->na, v->n_na, t)) continue;
        if (at && v->with.n) memcpy(out + at, v->with.s, v->with.n), at += v->with.n;
        memcpy(out + at, t.s, t.n);
        at += t.n;
    }
    *ret = (struct text){out, at};
    return 0;
}

/* regexec wants a NUL; cells are cut at MAP_MATCH_MAX. */
static int match(const struct plan_value *v, const struct plan_env *env, struct text *t, struct error *err) {
    struct text cut = {t->s, t->n < MAP_MATCH_MAX ? t->n : MAP_MATCH_MAX};
    struct text s = arena_text(env->arena, cut);
    if (!s.s) return error_memory(err);
    for (size_t i = 0; i < v->n_matches; i++) {
        regmatch_t g[10];
        if (regexec(v->matches[i], s.s, 10, g, 0)) continue;
        size_t want = v->group >= 0 ? (size_t)v->group : v->matches[i]->re_nsub > 0 ? 1 : 0;
        if (want > v->matches[i]->re_nsub || g[want].rm_so < 0) continue;
        *t = text_trim((struct text){s.s + g[want].rm_so, (size_t)(g[want].rm_eo - g[want].rm_so)});
        return 0;
    }
    *t = NOTHING;
    return 0;
}

static struct text part(struct text t, struct text by, int take) {
    int n = 1, want = take;
    for (size_t i = 0; i + by.n <= t.n; i++)
        if (memcmp(t.s + i, by.s, by.n) == 0) {
            n++;
            i += by.n - 1;
        }
    if (want < 0) want = n + 1 + want;
    if (want < 1 || want > n) return NOTHING;
    size_t start = 0;
    int at = 1;
    for (size_t i = 0; i + by.n <= t.n; i++) {
        if (memcmp(t.s + i, by.s, by.n)) continue;
        if (at++ == want) return text_trim((struct text){t.s + start, i - start});
        start = i + by.n;
        i += by.n - 1;
    }
    return text_trim((struct text){t.s + start, t.n - start});
}

static int replace(const struct plan_replace *r, const struct plan_env *env, struct text *t, struct error *err) {
    struct text cut = {t->s, t->n < MAP_MATCH_MAX ? t->n : MAP_MATCH_MAX};
    struct text s = arena_text(env->arena, cut);
    char *out = arena_alloc(env->arena, cut.n + (cut.n + 1) * r->with.n + 1);
    if (!s.s || !out) return error_memory(err);
    size_t n = 0, at = 0;
    regmatch_t g[1];
    while (at <= s.n && regexec(r->pattern, s.s + at, 1, g, at ? REG_NOTBOL : 0) == 0) {
        size_t start = at + (size_t)g[0].rm_so, end = at + (size_t)g[0].rm_eo;
        memcpy(out + n, s.s + at, start - at);
        n += start - at;
        memcpy(out + n, r->with.n ? r->with.s : "", r->with.n);
        n += r->with.n;
        if (end == start) { /* an empty match: step over one byte */
            if (start >= s.n) {
                at = s.n + 1;
                break;
            }
            out[n++] = s.s[start];
            end = start + 1;
        }
        at = end;
    }
    if (at < s.n) {
        memcpy(out + n, s.s + at, s.n - at);
        n += s.n - at;
    }
    *t = text_trim((struct text){out, n});
    return 0;
}

/* Full-width digits become plain ones. */
static int half_width(const struct plan_env *env, struct text *t, struct error *err) {
    bool wide = false;
    for (size_t i = 0; i < t->n; i++) wide = wide || (unsigned char)t->s[i] == 0xEF;
    if (!wide) return 0;
    char *out = arena_alloc(env->arena, t->n + 1);
    if (!out) return error_memory(err);
    size_t n = 0;
    for (size_t i = 0; i < t->n;) {
        size_t before = i;
        uint32_t c = text_codepoint(*t, &i);
        if (c >= 0xFF01 && c <= 0xFF5E) c -= 0xFEE0;
        if (c == 0xFFFD && i - before == 1)
            out[n++] = t->s[before];
        else
            n += text_encode(c, out + n);
    }
    *t = (struct text){out, n};
    return 0;
}

static bool number_at(struct text t, size_t from, size_t *ret_start, size_t *ret_end, double *ret) {
    size_t i = from;
    while (i < t.n && (t.s[i] < '0' || t.s[i] > '9')) i++;
    if (i >= t.n) return false;
    size_t start = i;
    if (start > 0 && t.s[start - 1] == '-' && (start == 1 || t.s[start - 2] == ' ') && from == 0) start--;
    while (i < t.n && ((t.s[i] >= '0' && t.s[i] <= '9') || (t.s[i] == '.' && i + 1 < t.n && t.s[i + 1] >= '0' && t.s[i + 1] <= '9'))) i++;
    char s[40];
    if (i - start >= sizeof s) return false;
    memcpy(s, t.s + start, i - start);
    s[i - start] = 0;
    *ret = strtod(s, NULL);
    *ret_start = start;
    *ret_end = i;
    return true;
}

static bool contains(struct text t, const char *s) {
    size_t n = strlen(s);
    for (size_t i = 0; i + n <= t.n; i++)
        if (memcmp(t.s + i, s, n) == 0) return true;
    return false;
}

static int print_number(const struct plan_env *env, double x, struct text *t, struct error *err) {
    char *s = arena_printf(env->arena, fabs(x) < 1e15 && x == floor(x) ? "%.0f" : "%.10g", x);
    if (!s) return error_memory(err);
    *t = text_of(s);
    return 0;
}

/* "20 to 29", "20-29", "80+", "<5", "20s", "20多岁": the ends of a band. */
static int number(const struct plan_value *v, const struct plan_env *env, struct text *t, struct error *err) {
    size_t start = 0, end = 0, start2 = 0, end2 = 0;
    double low = 0, high = 0;
    int rc = half_width(env, t, err);
    if (rc < 0) return rc;
    if (!number_at(*t, 0, &start, &end, &low)) {
        if (v->number != NUMBER_REST) *t = NOTHING;
        return 0;
    }
    if (v->number == NUMBER_REST) {
        *t = text_trim((struct text){t->s + end, t->n - end});
        return 0;
    }
    if (v->number != NUMBER_FIRST && low < 0) low = -low;
    high = low;
    if (number_at(*t, end, &start2, &end2, &high)) {
    } else if (contains(*t, "<") || contains(*t, "≤") || contains(*t, "under") || contains(*t, "以下")) {
        high = low;
        low = 0;
    } else if (end < t->n && (t->s[end] == 's' || contains(*t, "多岁") || contains(*t, "余岁") || contains(*t, "多歲"))) {
        high = low + 9;
    }
    double x = v->number == NUMBER_HIGH ? high : v->number == NUMBER_MIDDLE ? floor((low + high) / 2) : low;
    return print_number(env, x, t, err);
}

static int scale(const struct plan_value *v, const struct plan_env *env, struct text *t, struct error *err) {
    char s[64];
    char *end = NULL;
    int rc = half_width(env, t, err);
    if (rc < 0) return rc;
    if (t->n >= sizeof s) return error_set(err, E_INVALID, NULL, "is not a number / 不是数字");
    memcpy(s, t->s, t->n);
    s[t->n] = 0;
    double x = strtod(s, &end);
    if (*end || !isfinite(x)) return error_set(err, E_INVALID, NULL, "is not a number / 不是数字");
    x = x * v->times + v->plus;
    if (v->rounded) x = floor(x + 0.5);
    if (fabs(x) > 1e15) return error_set(err, E_INVALID, NULL, "is out of range");
    return print_number(env, x, t, err);
}

static int look_up(const struct plan_value *v, const struct plan_env *env, struct text *t, struct error *err) {
    struct text key = map_fold(env->arena, *t);
    if (!key.s) return error_memory(err);
    size_t low = 0, high = v->n_pairs;
    while (low < high) {
        size_t mid = (low + high) / 2;
        int c = text_cmp(key, v->pairs[mid].from);
        if (c == 0) {
            *t = v->pairs[mid].to;
            return 0;
        }
        if (c < 0)
            high = mid;
        else
            low = mid + 1;
    }
    if (v->has_star && !text_is(v->star, "=")) *t = v->star;
    return 0;
}

static int date(const struct plan_value *v, const struct plan_env *env, const struct field *f, struct text *t, struct error *err) {
    const struct map *m = env->map;
    size_t n = v->n_dates ? v->n_dates : m->n_dates;
    const struct text *formats = v->n_dates ? v->dates : m->dates;
    bool wanted = v->n_dates || (f && (f->type == FIELD_DATE || f->type == FIELD_INSTANT));
    if (!n || !wanted) return 0;
    int rc = half_width(env, t, err);
    if (rc < 0) return rc;
    char out[40];
    size_t i = 0;
    while (i < n && !map_date(*t, formats[i], v->year, v->partial, out)) i++;
    if (i == n) return error_set(err, E_INVALID, NULL, "is not a date in the map's formats");
    bool has_time = strchr(out, 'T') != NULL;
    if (f && f->type == FIELD_DATE) out[10] = 0; /* the date as it was written, in whatever zone */
    bool instant_wanted = !f || f->type == FIELD_INSTANT;
    const char *zone_text = has_time && strlen(out) == 19 && v->zone.n ? v->zone.s : "";
    char *s = instant_wanted && !has_time && v->at.n ? arena_printf(env->arena, "%sT%s%s", out, v->at.s, v->zone.n ? v->zone.s : "")
                                                     : arena_printf(env->arena, "%s%s", out, instant_wanted ? zone_text : "");
    if (!s) return error_memory(err);
    *t = text_of(s);
    return 0;
}

static int letters(const struct plan_value *v, const struct plan_env *env, struct text *t, struct error *err) {
    struct text s = arena_text(env->arena, *t);
    if (!s.s) return error_memory(err);
    char *c = (char *)(uintptr_t)s.s;
    for (size_t i = 0; i < s.n; i++) {
        if (v->upper && c[i] >= 'a' && c[i] <= 'z') c[i] = (char)(c[i] - 32);
        if (v->lower && c[i] >= 'A' && c[i] <= 'Z') c[i] = (char)(c[i] + 32);
    }
    *t = s;
    return 0;
}

static int change(const struct plan_value *v, const struct plan_env *env, const struct field *f, struct text *t, struct error *err) {
    int rc = 0;
    for (size_t i = 0; i < v->n_strips; i++)
        if (text_starts(*t, v->strips[i])) {
            *t = text_trim((struct text){t->s + v->strips[i].n, t->n - v->strips[i].n});
            break;
        }
    if (v->n_matches && t->n && (rc = match(v, env, t, err)) < 0) return rc;
    if (v->split.n && t->n) *t = part(*t, v->split, v->take);
    for (size_t i = 0; i < v->n_replaces && t->n; i++)
        if ((rc = replace(&v->replaces[i], env, t, err)) < 0) return rc;
    if ((v->upper || v->lower) && t->n && (rc = letters(v, env, t, err)) < 0) return rc;
    if (v->number && t->n && (rc = number(v, env, t, err)) < 0) return rc;
    if (v->scaled && t->n && (rc = scale(v, env, t, err)) < 0) return rc;
    if (t->n && (v->n_pairs || v->has_star)) rc = look_up(v, env, t, err);
    if (rc < 0) return rc;
    if (!t->n && v->has_empty) *t = v->empty;
    return t->n ? date(v, env, f, t, err) : 0;
}

int value_text_of(const struct plan_value *v, const struct plan_env *env, const struct field *f, struct text *ret, struct error *err) {
    struct text t = NOTHING;
    *ret = NOTHING;
    if (v->when && !when_holds(v->when, env)) return 0;
    int rc = source(v, env, &t, err);
    if (rc < 0) return rc;
    if (v->source != SOURCE_CONST) {
        if (v->own_na && value_na(v->na, v->n_na, t)) t = NOTHING;
        rc = change(v, env, f, &t, err);
        if (rc < 0) return rc;
    }
    if (!t.n) t = v->fallback.s ? v->fallback : NOTHING;
    *ret = t;
    return 0;
}
