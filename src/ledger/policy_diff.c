/* Two packs side by side. What a person or a unit would notice is compared, texts and notes are not. */
#include "ledger/policy.h"

#include <stdlib.h>
#include <string.h>

static void write_parameter(struct buf *b, const struct parameter *a) {
    char s[INSTANT_TEXT];
    if (a->is_list) {
        for (size_t i = 0; i < a->n_list; i++) buf_printf(b, "%s%lld", i ? ", " : "", (long long)a->list[i]);
    } else if (text_is(a->unit, "duration")) {
        duration_format(a->value, s);
        buf_str(b, s);
        return;
    } else if (text_is(a->unit, "time")) {
        buf_printf(b, "%02d:%02d", (int)(a->value / 3600), (int)(a->value / 60 % 60));
        return;
    } else {
        buf_int(b, a->value);
    }
    buf_printf(b, " %s", a->unit.s);
}

static void write_days(struct buf *b, uint64_t days) {
    const char *comma = "";
    for (int k = 0; k < 64; k++) {
        if (!(days >> k & 1)) continue;
        int to = k;
        while (to < 63 && days >> (to + 1) & 1) to++;
        buf_printf(b, to > k + 1 ? "%s%d-%d" : "%s%d", comma, k, to);
        if (to > k + 1) k = to;
        comma = ",";
    }
}

static void write_owner(struct buf *b, const struct duty_rule *r, const struct owner_rule *o) {
    static const char *const words[] = {"nobody", "region", "department", "unit", "person"};
    static const char *const levels[] = {"", "province", "city", "county"};
    buf_str(b, words[o->kind]);
    if (o->department.n) buf_printf(b, " %s", o->department.s);
    if (o->field >= 0) buf_printf(b, " %s", r->on->fields[o->field].name.s);
    if (o->level) buf_printf(b, " %s", levels[o->level]);
}

static void write_facts(struct buf *b, const char *word, const struct fact_match *m, size_t n) {
    for (size_t i = 0; i < n; i++) {
        buf_printf(b, "; %s %s", word, m[i].reg->name.s);
        if (m[i].when) {
            buf_str(b, " if ");
            expr_sql(m[i].when, 0, 0, "", b);
        }
    }
}

static void write_rule(struct buf *b, const struct policy *p, const struct duty_rule *r) {
    char s[INSTANT_TEXT];
    buf_printf(b, "on %s", r->on->name.s);
    if (r->when) buf_printf(b, " when %s", r->when_text.s);
    if (r->timing == TIMING_WITHIN) {
        duration_format(r->within_s, s);
        buf_printf(b, "; within %s", s);
    } else {
        buf_str(b, r->timing == TIMING_DAILY ? "; daily" : "; days ");
        write_days(b, r->days);
        buf_printf(b, " by %02d:%02d%s", (int)(r->due_time_s / 3600), (int)(r->due_time_s / 60 % 60),
                   r->lapses ? ", lapses" : "");
    }
    if (r->from_field >= 0) buf_printf(b, " from %s", r->on->fields[r->from_field].name.s);
    for (size_t i = 0; i < r->n_owners; i++) {
        buf_str(b, i ? ", else " : "; owed by ");
        write_owner(b, r, &r->owners[i]);
    }
    write_facts(b, "paid by", r->pays, r->n_pays);
    write_facts(b, "cancelled by", r->cancels, r->n_cancels);
    for (size_t i = 0; i < r->n_escalations; i++) {
        duration_format(r->escalations[i].after_s, s);
        buf_printf(b, "; after %s to ", s);
        write_owner(b, r, &r->escalations[i].to);
    }
    if (r->guard_reg)
        buf_printf(b, "; guards %s %s", r->guard_reg->name.s, r->guard_reg->states[r->guard_state].name.s);
    for (size_t i = 0; i < r->n_requires; i++)
        buf_printf(b, "%s %s", i ? "," : " until", p->rules[r->requires[i]].code.s);
}

static void write_limit(struct buf *b, const struct limit *l) {
    if (!l->allowed)
        buf_str(b, "not allowed");
    else if (l->max_days)
        buf_printf(b, "at most %lld days", (long long)l->max_days);
    else
        buf_str(b, "allowed");
}

/* One list of (kind, name, words) for a pack, sorted by name inside each kind. */
struct item {
    int kind;
    struct text name, words;
};

static int item_cmp(const void *a, const void *b) {
    const struct item *x = a, *y = b;
    return x->kind != y->kind ? (x->kind > y->kind) - (x->kind < y->kind) : text_cmp(x->name, y->name);
}

static int items(const struct policy *p, struct arena *a, struct item **ret, size_t *ret_n,
                 struct error *err) {
    size_t n = p->n_parameters + p->n_rules + p->n_limits, at = 0;
    struct item *list = arena_alloc(a, (n + 1) * sizeof *list);
    struct buf b = {0};
    int rc = list ? 0 : E_MEMORY;
    for (size_t i = 0; !rc && i < n; i++) {
        size_t r = i - p->n_parameters, l = r - p->n_rules;
        struct item *it = &list[at++];
        buf_reset(&b);
        if (i < p->n_parameters) {
            *it = (struct item){.kind = 0, .name = p->parameters[i].name};
            write_parameter(&b, &p->parameters[i]);
        } else if (r < p->n_rules) {
            *it = (struct item){.kind = 1, .name = p->rules[r].code};
            write_rule(&b, p, &p->rules[r]);
        } else {
            *it = (struct item){.kind = 2};
            it->name = text_of(arena_printf(a, "%.*s%s%.*s", (int)p->limits[l].measure.n,
                                            p->limits[l].measure.s, p->limits[l].subject.n ? " " : "",
                                            (int)p->limits[l].subject.n, p->limits[l].subject.s));
            write_limit(&b, &p->limits[l]);
        }
        it->words = arena_text(a, buf_view(&b));
        it->name = arena_text(a, it->name);
        if (b.failed || !it->words.s || !it->name.s) rc = E_MEMORY;
    }
    buf_clear(&b);
    if (rc < 0) return error_set(err, rc, NULL, "out of memory");
    qsort(list, n, sizeof *list, item_cmp);
    *ret = list;
    *ret_n = n;
    return 0;
}

int policy_diff(const struct policy *before, const struct policy *after, struct arena *a,
                struct policy_change **ret, size_t *ret_n, struct error *err) {
    static const char *const kinds[] = {"parameter", "rule", "limit"};
    struct item *x = NULL, *y = NULL;
    size_t nx = 0, ny = 0, n = 0;
    int rc = items(before, a, &x, &nx, err);
    if (!rc) rc = items(after, a, &y, &ny, err);
    if (rc < 0) return rc;
    struct policy_change *list = arena_alloc(a, (nx + ny + 1) * sizeof *list);
    if (!list) return error_set(err, E_MEMORY, NULL, "out of memory");
    struct text none = {"", 0};
    for (size_t i = 0, j = 0; i < nx || j < ny;) {
        int c = i == nx ? 1 : j == ny ? -1 : item_cmp(&x[i], &y[j]);
        const struct item *it = c <= 0 ? &x[i] : &y[j];
        struct text was = c <= 0 ? x[i].words : none, is = c >= 0 ? y[j].words : none;
        if (!text_eq(was, is)) list[n++] = (struct policy_change){kinds[it->kind], it->name, was, is};
        i += c <= 0;
        j += c >= 0;
    }
    *ret = list;
    *ret_n = n;
    return 0;
}
