/* Two packs side by side. What a person or a unit would notice is compared, texts and notes are not. */
#include "ledger/policy.h"

#include <stdlib.h>
#include <string.h>

/* Where the words go, and in which language. */
struct writer {
    struct buf b;
    bool zh;
};

static const char *word(const struct writer *w, const char *zh, const char *en) {
    return w->zh ? zh : en;
}

static const char *named(const struct writer *w, struct text zh, struct text name) {
    return w->zh && zh.n ? zh.s : name.s;
}

static const char *unit_word(const struct writer *w, struct text unit) {
    static const char *const words[][2] = {{"day", "天"},        {"person", "人"}, {"percent", "%"}, {"room", "间"},          {"case", "例"},
                                           {"swab", "份"},       {"cycle", "循环"}, {"hour", "小时"}, {"time-per-day", "次/日"}, {"dose", "剂"}};
    for (size_t i = 0; w->zh && i < sizeof words / sizeof *words; i++)
        if (text_is(unit, words[i][0])) return words[i][1];
    return unit.s;
}

static void write_parameter(struct writer *w, const struct parameter *a) {
    struct buf *b = &w->b;
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
    buf_printf(b, " %s", unit_word(w, a->unit));
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

static void write_owner(struct writer *w, const struct duty_rule *r, const struct owner_rule *o) {
    static const char *const words[2][5] = {{"nobody", "region", "department", "unit", "person"}, {"无人", "地区", "部门", "单位", "个人"}};
    static const char *const levels[2][4] = {{"", "province", "city", "county"}, {"", "省级", "市级", "县级"}};
    buf_str(&w->b, words[w->zh][o->kind]);
    if (o->department.n) buf_printf(&w->b, " %s", o->department.s);
    if (o->field >= 0) buf_printf(&w->b, " %s", named(w, r->on->fields[o->field].zh, r->on->fields[o->field].name));
    if (o->level) buf_printf(&w->b, " %s", levels[w->zh][o->level]);
}

static void write_facts(struct writer *w, const char *what, const struct fact_match *m, size_t n) {
    for (size_t i = 0; i < n; i++) {
        buf_printf(&w->b, word(w, ";%s %s", "; %s %s"), what, named(w, m[i].reg->zh, m[i].reg->name));
        if (m[i].when) {
            buf_str(&w->b, word(w, " 且 ", " if "));
            expr_sql(m[i].when, 0, 0, "", &w->b);
        }
        const struct field *since = m[i].since_field != m[i].date_field ? &m[i].reg->fields[m[i].since_field] : NULL;
        if (since) buf_printf(&w->b, word(w, " (%s在其后)", " (%s since)"), named(w, since->zh, since->name));
    }
}

static void write_rule(struct writer *w, const struct policy *p, const struct duty_rule *r) {
    struct buf *b = &w->b;
    char s[INSTANT_TEXT];
    buf_printf(b, word(w, "因 %s", "on %s"), named(w, r->on->zh, r->on->name));
    if (r->when) buf_printf(b, word(w, " 且 %s", " when %s"), r->when_text.s);
    if (r->timing == TIMING_WITHIN) {
        duration_format(r->within_s, s);
        buf_printf(b, word(w, ";%s 内", "; within %s"), s);
    } else {
        if (r->timing == TIMING_DAILY && r->every > 1)
            buf_printf(b, word(w, ";每 %d 天一次", "; once in %d days"), r->every);
        else
            buf_str(b, r->timing == TIMING_DAILY ? word(w, ";每日", "; daily") : word(w, ";第 ", "; days "));
        write_days(b, r->days);
        buf_printf(b, word(w, "%s %02d:%02d 前%s", "%s by %02d:%02d%s"), r->timing == TIMING_DAILY ? "" : word(w, " 天", ""), (int)(r->due_time_s / 3600),
                   (int)(r->due_time_s / 60 % 60), r->lapses ? word(w, ",过时不补", ", lapses") : "");
    }
    if (r->from_field >= 0) buf_printf(b, word(w, ",自%s起", " from %s"), named(w, r->on->fields[r->from_field].zh, r->on->fields[r->from_field].name));
    for (size_t i = 0; i < r->n_owners; i++) {
        buf_str(b, i ? word(w, ",否则 ", ", else ") : word(w, ";责任主体 ", "; owed by "));
        write_owner(w, r, &r->owners[i]);
    }
    write_facts(w, word(w, "办结凭", "paid by"), r->pays, r->n_pays);
    write_facts(w, word(w, "取消凭", "cancelled by"), r->cancels, r->n_cancels);
    for (size_t i = 0; i < r->n_escalations; i++) {
        duration_format(r->escalations[i].after_s, s);
        buf_printf(b, word(w, ";逾期 %s 上报 ", "; after %s to "), s);
        write_owner(w, r, &r->escalations[i].to);
    }
    if (r->guard_reg)
        buf_printf(b, word(w, ";把守 %s %s", "; guards %s %s"), named(w, r->guard_reg->zh, r->guard_reg->name),
                   named(w, r->guard_reg->states[r->guard_state].zh, r->guard_reg->states[r->guard_state].name));
    for (size_t i = 0; i < r->n_requires; i++)
        buf_printf(b, "%s %s", i ? "," : word(w, ",须先完成", " until"), named(w, p->rules[r->requires[i]].zh, p->rules[r->requires[i]].code));
}

static void write_limit(struct writer *w, const struct limit *l) {
    if (!l->allowed)
        buf_str(&w->b, word(w, "不得采取", "not allowed"));
    else if (l->max_days)
        buf_printf(&w->b, word(w, "至多 %lld 天", "at most %lld days"), (long long)l->max_days);
    else
        buf_str(&w->b, word(w, "允许", "allowed"));
}

/* One list of (kind, name, words) for a pack, sorted by name inside each kind. */
struct item {
    int kind;
    struct text name, title, words;
};

static int item_cmp(const void *a, const void *b) {
    const struct item *x = a, *y = b;
    return x->kind != y->kind ? (x->kind > y->kind) - (x->kind < y->kind) : text_cmp(x->name, y->name);
}

static int items(const struct policy *p, bool zh, struct arena *a, struct item **ret, size_t *ret_n,
                 struct error *err) {
    size_t n = p->n_parameters + p->n_rules + p->n_limits, at = 0;
    struct item *list = arena_alloc(a, (n + 1) * sizeof *list);
    struct writer w = {.zh = zh};
    int rc = list ? 0 : E_MEMORY;
    for (size_t i = 0; !rc && i < n; i++) {
        size_t r = i - p->n_parameters, l = r - p->n_rules;
        struct item *it = &list[at++];
        buf_reset(&w.b);
        if (i < p->n_parameters) {
            *it = (struct item){.kind = 0, .name = p->parameters[i].name, .title = zh ? p->parameters[i].zh : p->parameters[i].en};
            write_parameter(&w, &p->parameters[i]);
        } else if (r < p->n_rules) {
            *it = (struct item){.kind = 1, .name = p->rules[r].code, .title = zh ? p->rules[r].zh : p->rules[r].en};
            write_rule(&w, p, &p->rules[r]);
        } else {
            *it = (struct item){.kind = 2, .title = zh ? p->limits[l].zh : p->limits[l].en};
            it->name = arena_words(a, "%.*s%s%.*s", (int)p->limits[l].measure.n, p->limits[l].measure.s, p->limits[l].subject.n ? " " : "",
                                   (int)p->limits[l].subject.n, p->limits[l].subject.s);
            write_limit(&w, &p->limits[l]);
        }
        it->words = arena_text(a, buf_view(&w.b));
        it->title = arena_text(a, it->title);
        it->name = arena_text(a, it->name);
        if (w.b.failed || !it->words.s || !it->title.s || !it->name.s) rc = E_MEMORY;
    }
    buf_clear(&w.b);
    if (rc < 0) return error_set(err, rc, NULL, "out of memory");
    qsort(list, n, sizeof *list, item_cmp);
    *ret = list;
    *ret_n = n;
    return 0;
}

int policy_diff(const struct policy *before, const struct policy *after, bool zh, struct arena *a, struct policy_change **ret, size_t *ret_n, struct error *err) {
    static const char *const kinds[] = {"parameter", "rule", "limit"};
    struct item *x = NULL, *y = NULL;
    size_t nx = 0, ny = 0, n = 0;
    int rc = items(before, zh, a, &x, &nx, err);
    if (!rc) rc = items(after, zh, a, &y, &ny, err);
    if (rc < 0) return rc;
    struct policy_change *list = arena_alloc(a, (nx + ny + 1) * sizeof *list);
    if (!list) return error_memory(err);
    struct text none = {"", 0};
    for (size_t i = 0, j = 0; i < nx || j < ny;) {
        int c = i == nx ? 1 : j == ny ? -1 : item_cmp(&x[i], &y[j]);
        const struct item *it = c <= 0 ? &x[i] : &y[j];
        struct text was = c <= 0 ? x[i].words : none, is = c >= 0 ? y[j].words : none;
        if (!text_eq(was, is)) list[n++] = (struct policy_change){kinds[it->kind], it->name, it->title, was, is};
        i += c <= 0;
        j += c >= 0;
    }
    *ret = list;
    *ret_n = n;
    return 0;
}
