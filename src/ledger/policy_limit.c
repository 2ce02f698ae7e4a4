/* The section limits, and the check of a measure against them (九不准: no arbitrary extra measures). */
#include "ledger/policy_pack.h"

#include <stdio.h>
#include <string.h>

/* "central-isolation close": a kind of measure and, when it is for some only, the subject. */
static int limit_name(struct pack *k, const struct pack_entry *e, struct limit *l) {
    struct text t = e->name;
    const char *space = memchr(t.s, ' ', t.n);
    l->measure = (struct text){t.s, space ? (size_t)(space - t.s) : t.n};
    if (space) l->subject = text_trim((struct text){space, t.n - l->measure.n});
    const struct codelist *kinds = codelist_find(k->catalog, TEXT("measure_kind")),
                          *subjects = codelist_find(k->catalog, TEXT("subject_class"));
    if (kinds && !code_find(kinds, l->measure))
        return yaml_error(e->key, k->err, E_UNKNOWN, "list measure_kind has no code %.*s", (int)l->measure.n,
                          l->measure.s);
    if (subjects && l->subject.n && !code_find(subjects, l->subject))
        return yaml_error(e->key, k->err, E_UNKNOWN, "list subject_class has no code %.*s", (int)l->subject.n,
                          l->subject.s);
    return 0;
}

int pack_limits(struct pack *k) {
    static const char *const keys[] = {"zh",     "en",     "allowed",   "max_days", "note",
                                       "source", "clause", "certainty", "verified", NULL};
    struct policy *p = k->p;
    p->limits = arena_alloc(k->arena, (p->n_limits + 1) * sizeof *p->limits);
    if (!p->limits) return pack_memory(k);
    int rc = 0;
    for (size_t i = 0; !rc && i < p->n_limits; i++) {
        const struct pack_entry *e = &k->limits[i];
        struct limit *l = &p->limits[i];
        l->allowed = true;
        l->from = e->from;
        rc = limit_name(k, e, l);
        if (!rc) rc = yaml_only(e->map, keys, k->err);
        if (!rc) rc = yaml_text(e->merged, "zh", true, &l->zh, k->err);
        if (!rc) rc = yaml_text(e->merged, "en", true, &l->en, k->err);
        if (!rc) rc = yaml_bool(e->merged, "allowed", false, &l->allowed, k->err);
        if (!rc) rc = pack_days(k, e->merged, "max_days", &l->max_days);
        if (!rc && !l->allowed && l->max_days)
            rc = yaml_error(yaml_get(e->merged, "max_days"), k->err, E_INVALID,
                            "what is not allowed has no days");
    }
    return rc;
}

const struct limit *policy_limit(const struct policy *p, struct text measure, struct text subject) {
    const struct limit *general = NULL;
    for (size_t i = 0; i < p->n_limits; i++) {
        const struct limit *l = &p->limits[i];
        if (!text_eq(l->measure, measure)) continue;
        if (text_eq(l->subject, subject)) return l;
        if (!l->subject.n) general = l;
    }
    return general;
}

static int refuse(const struct policy *p, const struct limit *l, bool zh, struct error *err,
                  const char *why) {
    struct text source = l->from.source.n ? l->from.source : p->from.source, title = zh ? l->zh : l->en;
    return error_set(err, E_REFUSED, p->name.s, zh ? "%s:%s(依据:%s)" : "%s: %s (source: %s)", title.s, why,
                     source.s);
}

int policy_measure(const struct policy *p, const struct measure_facts *m, bool zh, struct error *err) {
    const struct limit *l = policy_limit(p, m->kind, m->subject);
    if (!l) return 0;
    char why[160];
    int64_t days = (int64_t)m->ends - m->starts;
    if (l->allowed && (!l->max_days || days <= l->max_days)) return 0;
    bool approved = text_trim(m->approver).n && text_trim(m->reason).n;
    if (l->allowed) {
        if (approved) return 0;
        snprintf(why, sizeof why,
                 zh ? "%lld 天超过方案的 %lld 天,须有批准人和理由"
                    : "%lld days are longer than the %lld of the plan and need an approver and a reason",
                 (long long)days, (long long)l->max_days);
        return refuse(p, l, zh, err, why);
    }
    if (approved && policy_rule(p, m->rule) >= 0 && text_trim(m->review).n) return 0;
    return refuse(
        p, l, zh, err,
        zh ? "方案不允许,须有方案条款、批准人、理由和复核意见"
           : "the plan does not allow it; it needs a rule of the plan, an approver, a reason and a review");
}
