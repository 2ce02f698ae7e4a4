/* Duties after the facts: what is owed since a record was changed may have been paid before; records without a disease of their own stand under that of
 * the record they refer to or of their person, and go with it when it is corrected. */
#include <stdlib.h>
#include <string.h>

#include "base/idmap.h"
#include "ledger/book.h"
#include "ledger/record_peek.h"
#include "ledger/table.h"

/* ---- the facts that there are */

struct records {
    struct record *list;
    size_t n, cap;
};

static int add(struct records *x, struct arena *a, const struct record *more, size_t n, struct error *err) {
    for (size_t i = 0; i < n; i++) {
        size_t k = x->n;
        while (k > 0 && x->list[k - 1].id > more[i].id) k--;
        if (k > 0 && x->list[k - 1].id == more[i].id) continue;
        if (!arena_room(a, &x->list, &x->cap, x->n + 1, sizeof *x->list)) return error_memory(err);
        memmove(x->list + k + 1, x->list + k, (x->n - k) * sizeof *x->list);
        x->list[k] = more[i];
        x->n++;
    }
    return 0;
}

/* The record itself, as the transaction sees it. */
static int add_self(struct ledger *l, struct records *x, struct arena *a, const struct register_decl *reg, int64_t id, struct error *err) {
    const struct record *r = NULL;
    struct record own;
    if (l->apply) {
        int rc = record_peek(l, reg, id, &r, err);
        return rc || !r ? rc : add(x, a, r, 1, err);
    }
    struct error none = {0};
    struct session inside = {.account = TEXT("system"), .n_grants = 1, .grants = &(struct grant){.role = TEXT("root")}};
    int rc = record_get(l, l->db, &inside, reg, id, a, &own, &none);
    if (rc == E_UNKNOWN) return 0;
    if (rc < 0) return error_set(err, rc, none.where, "%s", none.message);
    return add(x, a, &own, 1, err);
}

/* The days that a fact of a region can be of to count. */
static struct record_days days_of(const struct ledger *l, const struct duty_rule *rule, const struct fact_match *m, const struct obligation *o) {
    struct record_days d = {.field = m->date_field, .from = DAY_MIN, .to = DAY_MAX};
    if (o->duty.occurrence > 0) d.from = o->duty.occurrence, d.to = o->duty.occurrence + duty_window(rule);
    if (o->duty.occurrence <= 0 && m->since && rule->timing == TIMING_WITHIN) d.from = day_of_instant(o->duty.due_at - rule->within_s - m->back_s, l->zone_s);
    return d;
}

/* What may pay or cancel this duty by one match of its rule. */
static int add_matching(struct ledger *l, struct records *x, struct arena *a, const struct duty_rule *rule, const struct fact_match *m, const struct obligation *o,
                        struct error *err) {
    struct record *found = NULL;
    size_t n = 0;
    int field = m->by >= 0 ? m->by : m->reg->holder_field, rc = 0;
    struct record_days days = days_of(l, rule, m, o);
    if (m->by == FACT_BY_REGION) {
        rc = record_of_region(l, m->reg, o->region, &days, a, &found, &n, err);
        return rc ? rc : add(x, a, found, n, err);
    }
    if (m->by == FACT_BY_SELF || field < 0) return add_self(l, x, a, m->reg, m->by == FACT_BY_SELF ? o->record : o->holder, err);
    if (m->by == FACT_BY_PERSON && field != m->reg->person_field && days.field >= 0 && m->since && !m->n_until)
        rc = record_referring_days(l, m->reg, (size_t)field, o->holder, &days, a, &found, &n, err); /* a site has many reports */
    else
        rc = record_referring(l, m->reg, (size_t)field, m->by >= 0 ? o->record : o->holder, a, &found, &n, err);
    return rc ? rc : add(x, a, found, n, err);
}

static int gather(struct ledger *l, const struct obligation *o, struct arena *a, struct records *ret, struct error *err) {
    const struct duty_rule *rule = book_rule(l, o);
    int rc = 0;
    for (size_t i = 0; !rc && rule && i < rule->n_pays; i++) rc = add_matching(l, ret, a, rule, &rule->pays[i], o, err);
    for (size_t i = 0; !rc && rule && i < rule->n_cancels; i++) rc = add_matching(l, ret, a, rule, &rule->cancels[i], o, err);
    return rc;
}

/* As if each fact came at its own time. in_time: only those that it could not pay late. */
static void pay_all(struct ledger *l, const struct session *s, const struct records *facts, bool in_time, struct obligation *o) {
    for (size_t i = 0; i < facts->n; i++) {
        struct obligation was = *o;
        struct session then = *s;
        then.now = facts->list[i].changed_at;
        book_pay(l, &then, &facts->list[i], NULL, o);
        if (in_time && (o->late || text_is(o->state, "cancelled"))) *o = was;
    }
}

/* Works one duty out from nothing. keep: what it says is paid stays so whatever the facts say. */
static int replay_row(struct ledger *l, const struct session *s, struct obligation *o, bool keep, struct arena *a, struct error *err) {
    const struct duty_rule *rule = book_rule(l, o);
    struct book_row *row = (struct book_row *)o; /* its first member */
    struct records facts = {0};
    bool timed = row->timed;
    row->timed = false;
    if (!rule || text_is(o->state, "cancelled") || text_is(o->state, "standing")) return 0;
    int rc = gather(l, o, a, &facts, err);
    if (rc < 0) return rc;
    struct obligation was = *o;
    o->duty.paid = 0;
    o->late = false;
    o->paid_by = 0;
    duty_settle(rule, &o->duty, l->zone_s);
    book_close_if_done(o, s->now);
    if (timed && rule->timing != TIMING_DAYS) pay_all(l, s, &facts, true, o);
    pay_all(l, s, &facts, false, o);
    if (keep && (was.duty.paid & ~o->duty.paid)) {
        o->duty.paid |= was.duty.paid;
        if (!o->paid_by) o->paid_by = was.paid_by;
        o->late = o->late || was.late;
        duty_settle(rule, &o->duty, l->zone_s);
        if (!text_is(o->state, "cancelled")) book_close_if_done(o, s->now);
    }
    bool late = o->late, same = o->duty.paid == was.duty.paid && text_eq(o->state, was.state);
    int64_t paid_by = o->paid_by;
    if (same) *o = was; /* the same facts: when it was closed stays true, and late or not unless the time of one was corrected */
    if (same && timed) o->late = late, o->paid_by = paid_by;
    if (!same || o->late != was.late || o->paid_by != was.paid_by) book_touch(l, o);
    return 0;
}

int book_replay(struct ledger *l, const struct session *s, int64_t holder, struct error *err) {
    struct book_slot *slot = NULL;
    struct arena a = {0};
    int rc = book_slot_of(l, holder, &slot, err);
    for (struct book_row *row = rc ? NULL : slot->rows; !rc && row; row = row->next) {
        if (!row->gone) rc = replay_row(l, s, &row->o, false, &a, err);
        arena_reset(&a);
    }
    arena_clear(&a);
    return rc;
}

/* Could a fact that is there have paid it? One of a day to come cannot. */
static bool may_be_paid(const struct ledger *l, const struct session *s, const struct obligation *o) {
    const struct duty_rule *rule = book_rule(l, o);
    int64_t gone = (int64_t)day_of_instant(s->now, l->zone_s) - o->duty.anchor;
    if (!rule || rule->timing != TIMING_DAYS) return rule != NULL;
    uint64_t open = o->duty.owed & ~o->duty.paid & ~o->duty.missed;
    return gone >= 0 && (gone >= 63 ? open : open & (((uint64_t)2 << gone) - 1)) != 0;
}

/* The record as it is, as if it were recorded again: its duties are owed, those that it no longer obliges are not. */
static int look_again(struct ledger *l, const struct session *s, const struct register_decl *reg, int64_t id, struct error *err) {
    const struct record *r = NULL;
    int rc = record_peek(l, reg, id, &r, err);
    if (rc < 0 || !r) return rc;
    struct record as_is = *r;
    return book_fact(l, s, &as_is, &as_is, err);
}

/* Of what a person owes once: paid the moment it was raised, by what had paid the same for another record already. It is that debt, not another one. */
static bool paid_already(const struct ledger *l, const struct book_slot *slot, const struct book_row *row) {
    const struct duty_rule *rule = book_rule(l, &row->o);
    if (row->stored || !rule || !rule->per_person || !text_is(row->o.state, "paid")) return false;
    for (const struct book_row *other = slot->rows; other; other = other->next)
        if (other != row && !other->gone && text_is(other->o.state, "paid") && text_eq(other->o.rule, row->o.rule) && other->o.pack == row->o.pack) return true;
    return false;
}

static int catch_up(struct ledger *l, const struct session *s, int64_t holder, struct records *again, struct arena *a, struct error *err) {
    struct book_slot *slot = NULL;
    struct arena facts = {0};
    int rc = book_slot_of(l, holder, &slot, err);
    for (struct book_row *row = rc ? NULL : slot->rows; !rc && row; row = row->next) {
        bool anew = row->anew && !row->gone, redo = row->redo;
        if (row->again && !row->gone) {
            struct record one = {.reg = register_find(l->catalog, row->o.reg), .id = row->o.record};
            rc = add(again, a, &one, 1, err);
        }
        row->anew = row->redo = row->again = false;
        if (!rc && anew && (redo || may_be_paid(l, s, &row->o))) rc = replay_row(l, s, &row->o, !redo, &facts, err);
        row->gone = row->gone || (!rc && anew && paid_already(l, slot, row));
        arena_reset(&facts);
    }
    arena_clear(&facts);
    return rc;
}

int book_catch_up(struct ledger *l, const struct session *s, const int64_t *holders, size_t n, struct error *err) {
    struct records again = {0};
    struct arena a = {0};
    int rc = 0;
    l->book->anew = false;
    for (size_t h = 0; !rc && h < n; h++) rc = catch_up(l, s, holders[h], &again, &a, err);
    for (size_t i = 0; !rc && i < again.n; i++) rc = again.list[i].reg ? look_again(l, s, again.list[i].reg, again.list[i].id, err) : 0;
    arena_clear(&a);
    return rc;
}

int book_others(struct ledger *l, const struct session *s, const struct record *r, int64_t holder, struct error *err) {
    const struct register_decl *reg = r->reg;
    struct record_days days = {.field = reg->date_field, .to = DAY_MAX};
    struct record *found = NULL;
    struct arena a = {0};
    size_t n = 0;
    int rc = 0, f = reg->holder_field;
    bool dated = f != reg->person_field && days.field >= 0 && r->values[days.field].kind == VALUE_INT;
    if (dated) days.from = reg->fields[days.field].type == FIELD_DATE ? (day)r->values[days.field].i : day_of_instant(r->values[days.field].i, l->zone_s);
    if (f >= 0 && l->apply) rc = dated ? record_referring_days(l, reg, (size_t)f, holder, &days, &a, &found, &n, err) : record_referring(l, reg, (size_t)f, holder, &a, &found, &n, err);
    /* twice: the one that holds the debt of all says first what it says itself */
    for (size_t i = 0; !rc && n > 1 && i < 2 * n; i++) rc = look_again(l, s, reg, found[i % n].id, err);
    if (!rc && n == 1) rc = look_again(l, s, reg, found[0].id, err);
    arena_clear(&a);
    return rc;
}

/* ---- duties that no fact raised: a day's own, and those of another plan */

struct hits {
    struct arena arena;
    struct idmap ids;
};

static int hit(void *arg, const struct value *row, struct error *err) {
    struct hits *h = arg;
    return idmap_put(&h->ids, &h->arena, row[0].i, NULL) ? 0 : error_memory(err);
}

/* By what a match ties facts to the duty; 0: not by an id. */
static int64_t tied_to(const struct fact_match *m, const struct obligation *o) {
    return m->by >= 0 ? o->record : m->by == FACT_BY_PERSON && m->reg->holder_field >= 0 ? o->holder : 0;
}

/* Who of them has a fact of these days that may count. */
static int ask(struct ledger *l, const struct fact_match *m, struct book_row *const *rows, size_t n, struct hits *ret, struct error *err) {
    int64_t *ids = mem_alloc((n + 1) * sizeof *ids);
    struct buf head = {0}, tail = {0};
    day first = DAY_MAX, last = DAY_MIN;
    size_t k = 0;
    if (!ids) return error_memory(err);
    for (size_t i = 0; i < n; i++) {
        int64_t id = tied_to(m, &rows[i]->o);
        if (id) ids[k++] = id;
        if (rows[i]->o.duty.anchor < first) first = rows[i]->o.duty.anchor;
        if (rows[i]->o.duty.anchor > last) last = rows[i]->o.duty.anchor;
    }
    const char *field = m->reg->fields[m->by >= 0 ? m->by : m->reg->holder_field].name.s;
    buf_printf(&head, "SELECT \"%s\" FROM \"%s\" WHERE \"%s\"", field, m->reg->name.s, field);
    bool reaches_back = rows[0]->o.duty.occurrence <= 0 && (!m->since || m->back_s || m->n_until);
    if (m->date_field >= 0 && !reaches_back) {
        bool date = m->reg->fields[m->date_field].type == FIELD_DATE;
        const char *name = m->reg->fields[m->date_field].name.s;
        int64_t end = (int64_t)last + DUTY_DAYS_MAX;
        buf_printf(&tail, " AND \"%s\" >= %lld AND \"%s\" < %lld", name, (long long)(date ? first : instant_of_day(first, l->zone_s)), name,
                   (long long)(date ? end : instant_of_day((day)end, l->zone_s)));
    }
    int rc = head.failed || tail.failed ? error_memory(err) : k ? db_query_in(l->db, buf_cstr(&head), buf_cstr(&tail), ids, ids_distinct(ids, k), hit, ret, err) : 0;
    buf_clear(&head);
    buf_clear(&tail);
    mem_free(ids);
    return rc;
}

int book_told_before(struct ledger *l, const struct session *s, struct book_row *const *made, size_t n, struct error *err) {
    int rc = 0;
    for (size_t from = 0, to; !rc && from < n; from = to) {
        const struct duty_rule *rule = book_rule(l, &made[from]->o);
        struct hits hits = {0};
        struct arena a = {0};
        bool others = false; /* tied by what no list of ids finds */
        for (to = from + 1; to < n && book_rule(l, &made[to]->o) == rule;) to++;
        for (size_t i = 0; !rc && rule && i < rule->n_pays; i++) {
            const struct fact_match *m = &rule->pays[i];
            if (tied_to(m, &made[from]->o))
                rc = ask(l, m, made + from, to - from, &hits, err);
            else if (m->by != FACT_BY_SELF || made[from]->o.duty.occurrence > 0)
                others = true;
        }
        for (size_t i = 0; !rc && rule && i < rule->n_cancels; i++)
            if (tied_to(&rule->cancels[i], &made[from]->o)) rc = ask(l, &rule->cancels[i], made + from, to - from, &hits, err);
        for (size_t i = from; !rc && rule && i < to; i++) {
            struct obligation *o = &made[i]->o;
            if (others || idmap_find(&hits.ids, o->holder) || idmap_find(&hits.ids, o->record)) rc = replay_row(l, s, o, true, &a, err);
            arena_reset(&a);
        }
        arena_clear(&a);
        arena_clear(&hits.arena);
    }
    return rc;
}

static int by_rule(const void *a, const void *b) {
    const struct obligation *x = *(const struct obligation *const *)a, *y = *(const struct obligation *const *)b;
    if (x->pack != y->pack) return (x->pack > y->pack) - (x->pack < y->pack);
    return (x->duty.rule > y->duty.rule) - (x->duty.rule < y->duty.rule);
}

int book_raised(struct ledger *l, const struct session *s, struct obligation *const *list, size_t n, struct error *err) {
    struct arena a = {0};
    struct book_row **rows = arena_alloc(&a, (n + 1) * sizeof *rows);
    struct obligation **of = arena_alloc(&a, (n + 1) * sizeof *of);
    size_t k = 0;
    int rc = rows && of ? 0 : error_memory(err);
    for (size_t i = 0; !rc && i < n; i++) {
        const struct duty_rule *rule = book_rule(l, list[i]);
        if (rule && rule->from_before && text_is(list[i]->state, "open") && may_be_paid(l, s, list[i])) of[k++] = list[i];
    }
    if (k) qsort(of, k, sizeof *of, by_rule);
    for (size_t i = 0; !rc && i < k; i++) {
        if (!(rows[i] = arena_alloc(&a, sizeof *rows[i]))) rc = error_memory(err);
        else *rows[i] = (struct book_row){.o = *of[i], .dirty = true}; /* whoever raised it writes it */
    }
    if (!rc) rc = book_told_before(l, s, rows, k, err);
    for (size_t i = 0; !rc && i < k; i++) *of[i] = rows[i]->o;
    arena_clear(&a);
    return rc;
}

/* ---- a corrected disease */

static bool obliges(const struct ledger *l, const struct register_decl *reg) {
    for (size_t i = 0; i < l->n_adoptions; i++) {
        const struct policy *p = l->adoptions[i].policy;
        for (size_t k = 0; p && k < p->n_rules; k++)
            if (p->rules[k].on == reg) return true;
    }
    return false;
}

/* Records of registers with duties that refer to this one by any field (to_person: by the field of their person) and name no disease themselves. */
static int add_led(struct ledger *l, const struct register_decl *target, int64_t id, bool to_person, struct arena *a, struct records *ret, struct error *err) {
    int rc = 0;
    for (size_t r = 0; !rc && r < l->catalog->n_registers; r++) {
        const struct register_decl *reg = &l->catalog->registers[r];
        if (!obliges(l, reg)) continue;
        for (size_t f = 0; !rc && f < reg->n_fields; f++) {
            struct record *found = NULL;
            size_t n = 0;
            if (to_person ? (int)f != reg->person_field : reg->fields[f].type != FIELD_REFERENCE || l->tables[reg->order]->targets[f] != target) continue;
            rc = record_referring(l, reg, f, id, a, &found, &n, err);
            for (size_t i = 0; !rc && i < n; i++)
                if (!value_given(record_cell(&found[i], "disease"))) rc = add(ret, a, &found[i], 1, err);
        }
    }
    return rc;
}

int book_follow(struct ledger *l, const struct session *s, const struct record *r, const struct record *before, struct error *err) {
    int f = register_field(r->reg, TEXT("disease")), rc = 0;
    struct records led = {0};
    struct arena a = {0};
    if (f < 0 || value_eq(r->values[f], before->values[f])) return 0;
    rc = add_led(l, r->reg, r->id, false, &a, &led, err);
    size_t direct = led.n;
    int64_t *persons = rc ? NULL : arena_alloc(&a, (direct + 1) * sizeof *persons);
    if (!rc && !persons) rc = error_memory(err);
    for (size_t i = 0; !rc && i < direct; i++) persons[i] = obligation_holder(&led.list[i]);
    if (!rc) persons[direct] = obligation_holder(r);
    for (size_t i = 0; !rc && i <= direct; i++) {
        bool asked = false;
        for (size_t k = 0; k < i; k++) asked = asked || persons[k] == persons[i];
        if (!asked) rc = add_led(l, NULL, persons[i], true, &a, &led, err);
    }
    /* each as if it were recorded again as it is: the duties of its new plan are owed, those of the old one are not */
    for (size_t i = 0; !rc && i < led.n; i++)
        if (led.list[i].id != r->id) rc = book_fact(l, s, &led.list[i], &led.list[i], err);
    arena_clear(&a);
    return rc;
}
