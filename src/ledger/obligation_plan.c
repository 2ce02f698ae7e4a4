/* Which plan a fact stands under when several diseases are live at once (SUR-13): its own disease's. What carries no disease itself has that of
 * the record it refers to, else that of the case or contact its person is held by; what belongs to no disease (a unit's daily report) stands
 * under whichever plan in force speaks of it. */
#include "ledger/book.h"
#include "ledger/record_peek.h"

struct text book_disease(struct ledger *l, const struct record *r, int *ret_rc, struct error *err) {
    struct value own = record_cell(r, "disease");
    *ret_rc = 0;
    if (own.kind == VALUE_TEXT) return value_view(own);
    for (size_t i = 0; i < r->reg->n_fields; i++) {
        const struct field *field = &r->reg->fields[i];
        if (field->type != FIELD_REFERENCE || r->values[i].kind != VALUE_INT) continue;
        const struct register_decl *target = register_find(l->catalog, field->target);
        int d = target ? register_field(target, TEXT("disease")) : -1;
        if (d < 0) continue;
        const struct record *other = NULL;
        *ret_rc = record_peek(l, target, r->values[i].i, &other, err);
        if (*ret_rc < 0) break;
        if (other && other->values[d].kind == VALUE_TEXT) return value_view(other->values[d]);
    }
    return (struct text){"", 0};
}

static bool in_force(const struct ledger *l, const struct adoption *a, struct text region, day on) {
    return ledger_policy(l, a->disease, region, on) == a;
}

static bool many_diseases(const struct ledger *l) {
    for (size_t i = 1; i < l->n_adoptions; i++)
        if (!text_eq(l->adoptions[i].disease, l->adoptions[0].disease)) return true;
    return false;
}

/* What a person is held by: his cases and contacts that owe or owed something. The disease is what the record says now, or that of its plan. */
static int held_by(struct ledger *l, const struct book_row *row, struct text *ret, struct error *err) {
    int rc = 0;
    *ret = (struct text){"", 0};
    if (row->gone || text_is(row->o.state, "cancelled") || (!text_is(row->o.reg, "case") && !text_is(row->o.reg, "contact"))) return 0;
    const struct record *r = NULL;
    rc = record_peek(l, register_find(l->catalog, row->o.reg), row->o.record, &r, err);
    if (!rc && r) *ret = book_disease(l, r, &rc, err);
    const struct adoption *a = ret->n ? NULL : ledger_adoption(l, row->o.pack);
    if (a) *ret = a->disease;
    return rc;
}

static int64_t person_of(const struct record *r) {
    int f = r->reg->person_field;
    return f >= 0 ? value_int_or(r->values[f], 0) : 0;
}

/* Of the diseases a person is held by, the one whose plan this record's duties are under already, else the one that came last. */
static int disease_of_person(struct ledger *l, const struct record *r, struct text *ret, struct error *err) {
    struct book_slot *slot = NULL;
    struct text own = {"", 0};
    int64_t latest = 0, person = person_of(r);
    if (!person) return 0;
    int rc = book_slot_of(l, person, &slot, err);
    for (struct book_row *row = rc ? NULL : slot->rows; row && !own.n; row = row->next) {
        const struct adoption *a = row->gone || row->o.record != r->id || text_is(row->o.state, "cancelled") ? NULL : ledger_adoption(l, row->o.pack);
        if (a) own = a->disease;
    }
    for (struct book_row *row = rc ? NULL : slot->rows; !rc && row; row = row->next) {
        struct text held;
        rc = held_by(l, row, &held, err);
        bool ours = own.n && text_eq(held, own);
        if (!held.n || (row->o.record <= latest && !ours)) continue;
        latest = ours ? INT64_MAX : row->o.record;
        *ret = held;
    }
    return rc;
}

static bool speaks_of(const struct policy *p, const struct register_decl *reg) {
    for (size_t i = 0; p && i < p->n_rules; i++)
        if (p->rules[i].on == reg) return true;
    return false;
}

int book_plan(struct ledger *l, const struct session *s, const struct record *r, const struct adoption **ret, struct error *err) {
    day on = day_of_instant(s->now, l->zone_s);
    int rc = 0;
    *ret = NULL;
    struct text disease = book_disease(l, r, &rc, err);
    if (!rc && !disease.n && many_diseases(l)) rc = disease_of_person(l, r, &disease, err);
    if (rc < 0) return rc;
    const struct adoption *best = disease.n || !many_diseases(l) ? ledger_policy(l, disease, r->region, on) : NULL;
    for (size_t i = 0; !disease.n && many_diseases(l) && i < l->n_adoptions; i++) {
        const struct adoption *a = &l->adoptions[i];
        if (!speaks_of(a->policy, r->reg) || !in_force(l, a, r->region, on)) continue;
        if (!best || a->region.n > best->region.n || (a->region.n == best->region.n && a->from >= best->from)) best = a;
    }
    *ret = best;
    return 0;
}

/* Whether the person is held by this disease, or by none at all: then every plan has a say. */
static bool has_a_say(struct ledger *l, const struct book_slot *slot, struct text disease, const struct adoption *a, int *ret_rc, struct error *err) {
    bool any = false;
    if (disease.n) return text_eq(a->disease, disease);
    for (const struct book_row *row = slot ? slot->rows : NULL; row && !*ret_rc; row = row->next) {
        struct text held;
        *ret_rc = held_by(l, row, &held, err);
        if (text_eq(held, a->disease)) return true;
        any = any || held.n;
    }
    return !any;
}

int book_measure(struct ledger *l, const struct session *s, const struct record *r, struct error *err) {
    if (!text_is(r->reg->name, "measure")) return 0;
    static const char *const names[] = {"kind", "subject_class", "rule", "approver", "deviation_reason", "review", "starts", "ends"};
    struct value v[8];
    for (size_t i = 0; i < 8; i++) v[i] = record_cell(r, names[i]);
    struct measure_facts facts = {.kind = value_view(v[0]),
                                  .subject = value_view(v[1]),
                                  .rule = value_view(v[2]),
                                  .approver = value_view(v[3]),
                                  .reason = value_view(v[4]),
                                  .review = value_view(v[5]),
                                  .starts = (day)value_int_or(v[6], 0),
                                  .ends = (day)value_int_or(v[7], 0)};
    day on = day_of_instant(s->now, l->zone_s);
    struct book_slot *slot = NULL;
    struct error first = {0};
    int rc = 0, refused = 0;
    struct text disease = book_disease(l, r, &rc, err);
    if (!rc && !disease.n && many_diseases(l) && person_of(r)) rc = book_slot_of(l, person_of(r), &slot, err);
    /* allowed when a plan that limits this measure allows it, or none limits it */
    for (size_t i = 0; !rc && i < l->n_adoptions; i++) {
        const struct adoption *a = &l->adoptions[i];
        if (!has_a_say(l, slot, disease, a, &rc, err) || rc || !in_force(l, a, r->region, on) || !policy_limit(a->policy, facts.kind, facts.subject)) continue;
        int one = policy_measure(a->policy, &facts, s->zh, &first);
        if (one >= 0) return 0;
        refused = one;
    }
    return rc < 0 ? rc : refused ? error_set(err, first.code, first.where, "%s", first.message) : 0;
}
