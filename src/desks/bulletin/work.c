/* desks/bulletin: what was done about the cases: contacts, tests, duties, and who has reported. */
#include <stdlib.h>
#include <string.h>

#include "desks/bulletin/figures.h"

enum { TEST_DAYS = 3, RULES_MAX = 256, UNITS_MAX = 2000, SOON_S = 3600 };

static bool in_day(const struct scope *sc, instant t) {
    return t >= sc->from && t < sc->to;
}
/* 1 when the value of the expression falls on the day. */
static void query_in_day(struct query *q, const struct scope *sc, const char *expression) {
    buf_printf(&q->sql, "SUM(CASE WHEN %s >= ", expression);
    query_int(q, sc->from);
    buf_printf(&q->sql, " AND %s < ", expression);
    query_int(q, sc->to);
    query_add(q, " THEN 1 ELSE 0 END)");
}
static void query_between(struct query *q, const char *column, instant from, instant to) {
    buf_printf(&q->sql, " AND %s >= ", column);
    query_int(q, from);
    buf_printf(&q->sql, " AND %s < ", column);
    query_int(q, to);
}
/* Registers without a disease of their own belong to that of their contact or case. */
static void query_disease_of(struct query *q, const struct scope *sc, bool cases) {
    if (sc->disease.n == 0) return;
    query_add(q, " AND (\"contact\" IN (SELECT \"id\" FROM \"contact\" WHERE \"disease\" = ");
    query_text(q, sc->disease);
    query_add(q, ")");
    if (cases) {
        query_add(q, " OR \"case\" IN (SELECT \"id\" FROM \"case\" WHERE \"disease\" = ");
        query_text(q, sc->disease);
        query_add(q, ")");
    }
    query_add(q, ")");
}

/* Different ids, gathered in any order. */
struct ids {
    struct buf b;
};
static int ids_add(struct ids *s, int64_t id, struct error *err) {
    return buf_add(&s->b, &id, sizeof id) < 0 ? error_memory(err) : 0;
}
static int by_id(const void *a, const void *b) {
    int64_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}
static int64_t ids_count(struct ids *s) {
    size_t n = s->b.n / sizeof(int64_t), distinct = 0;
    if (n) qsort(s->b.s, n, sizeof(int64_t), by_id);
    for (size_t i = 0; i < n; i++)
        distinct += i == 0 || by_id(s->b.s + (i - 1) * sizeof(int64_t), s->b.s + i * sizeof(int64_t)) != 0;
    return (int64_t)distinct;
}
static int ids_query(struct ids *s, struct query *q, struct db *db, struct error *err) {
    struct db_cursor *c = NULL;
    const struct value *row;
    int rc = query_run(q, db, &c, err);
    while (!rc && (rc = db_next(c, &row, err)) > 0) rc = row[0].kind == VALUE_INT ? ids_add(s, row[0].i, err) : 0;
    db_cursor_close(c);
    query_clear(q);
    return rc;
}

/* ---- contacts */

struct contacts {
    const struct scope *sc;
    struct bulletin *b;
    struct ids placed, released, overdue;
    struct numbers queue;
};

static void state_count(struct bulletin *b, struct text state, int64_t n) {
    if (text_is(state, "placed")) b->contacts.observed += n;
    else if (text_is(state, "found")) b->contacts.uncontrolled += n;
    else if (text_is(state, "lost")) b->contacts.lost += n;
    else if (text_is(state, "converted")) b->contacts.converted += n;
}

/* As moved_query, for a contact rebuilt from the journal: its last entry then is the move. */
static int contact_moved(struct contacts *x, const struct record *r, struct error *err) {
    const struct scope *sc = x->sc;
    struct arena a = {0};
    struct journal_entry e;
    struct value p[] = {value_int(r->id), value_int(sc->as_of)}, stays = value_null();
    int rc = r->entry ? journal_read(sc->db, r->entry, &a, &e, err) : 0;
    if (!rc && r->entry && in_day(sc, e.at)) {
        rc = db_scalar(sc->db, &a, "SELECT COUNT(*) FROM \"stay\" WHERE \"contact\" = ?1 AND \"created_at\" <= ?2", p, 2, &stays, err);
        if (!rc && value_int_or(stays, 0) == 0) rc = ids_add(text_is(r->state, "placed") ? &x->placed : &x->released, r->id, err);
    }
    arena_clear(&a);
    return rc;
}

static int contact_rebuilt(const struct record *r, void *arg, struct error *err) {
    static const char *const names[] = {"class", "found_at", "disease", NULL};
    struct contacts *x = arg;
    const struct scope *sc = x->sc;
    int at[3];
    const struct register_decl *reg;
    int rc = register_needs(sc->l->catalog, "contact", names, at, &reg, err);
    if (rc < 0 || !scope_holds(sc, r->region, value_view(r->values[at[2]]))) return rc;
    instant found = value_int_or(r->values[at[1]], r->created_at);
    bool secondary = text_is(value_view(r->values[at[0]]), "secondary"), today = in_day(sc, found);
    x->b->contacts.total++;
    x->b->contacts.total_secondary += secondary;
    x->b->contacts.found += today;
    x->b->contacts.found_secondary += today && secondary;
    state_count(x->b, r->state, 1);
    if (text_is(r->state, "found") || text_is(r->state, "lost")) rc = numbers_add(&x->queue, sc->arena, found, r->id, r->number, err);
    if (!rc && (text_is(r->state, "placed") || text_is(r->state, "released"))) rc = contact_moved(x, r, err);
    return rc;
}

/* Three narrow queries instead of one GROUP BY over everything: only the total must see every contact. */
static int contacts_total(struct contacts *x, struct error *err) {
    struct query q = {0};
    struct db_cursor *c = NULL;
    const struct value *row;
    query_add(&q, "SELECT COUNT(*), SUM(CASE WHEN \"class\" = 'secondary' THEN 1 ELSE 0 END) FROM \"contact\" WHERE ");
    query_scope(&q, x->sc, true);
    query_known(&q, x->sc, x->sc->later_contact);
    int rc = query_run(&q, x->sc->db, &c, err);
    if (!rc && (rc = db_next(c, &row, err)) > 0) {
        x->b->contacts.total += value_int_or(row[0], 0);
        x->b->contacts.total_secondary += value_int_or(row[1], 0);
        rc = 0;
    }
    db_cursor_close(c);
    query_clear(&q);
    return rc;
}
static int contacts_stock(struct contacts *x, struct error *err) {
    struct query q = {0};
    struct db_cursor *c = NULL;
    const struct value *row;
    query_add(&q, "SELECT \"state\", COUNT(*) FROM \"contact\" WHERE \"state\" IN ('found', 'placed', 'lost', 'converted') AND ");
    query_scope(&q, x->sc, true);
    query_known(&q, x->sc, x->sc->later_contact);
    query_add(&q, " GROUP BY \"state\"");
    int rc = query_run(&q, x->sc->db, &c, err);
    while (!rc && (rc = db_next(c, &row, err)) > 0) {
        state_count(x->b, value_view(row[0]), value_int_or(row[1], 0));
        rc = 0;
    }
    db_cursor_close(c);
    query_clear(&q);
    return rc;
}
/* Found on the day: by found_at, else by when it was recorded. */
static int contacts_found(struct contacts *x, bool dated, struct error *err) {
    struct query q = {0};
    struct db_cursor *c = NULL;
    const struct value *row;
    query_add(&q, "SELECT COUNT(*), SUM(CASE WHEN \"class\" = 'secondary' THEN 1 ELSE 0 END) FROM \"contact\" WHERE ");
    query_scope(&q, x->sc, true);
    if (!dated) query_add(&q, " AND \"found_at\" IS NULL");
    query_between(&q, dated ? "\"found_at\"" : "\"created_at\"", x->sc->from, x->sc->to);
    query_known(&q, x->sc, x->sc->later_contact);
    int rc = query_run(&q, x->sc->db, &c, err);
    if (!rc && (rc = db_next(c, &row, err)) > 0) {
        x->b->contacts.found += value_int_or(row[0], 0);
        x->b->contacts.found_secondary += value_int_or(row[1], 0);
        rc = 0;
    }
    db_cursor_close(c);
    query_clear(&q);
    return rc;
}
static int contacts_queue(struct contacts *x, struct error *err) {
    const struct scope *sc = x->sc;
    struct query q = {0};
    struct db_cursor *c = NULL;
    const struct value *row;
    query_add(&q, "SELECT \"number\", \"id\", COALESCE(\"found_at\", \"created_at\") FROM \"contact\" WHERE \"state\" IN ('found', 'lost') AND ");
    query_scope(&q, sc, true);
    query_known(&q, sc, sc->later_contact);
    query_add(&q, " ORDER BY COALESCE(\"found_at\", \"created_at\"), \"id\" LIMIT ");
    query_int(&q, BULLETIN_LIST_MAX);
    int rc = query_run(&q, sc->db, &c, err);
    while (!rc && (rc = db_next(c, &row, err)) > 0) rc = numbers_add(&x->queue, sc->arena, row[2].i, row[1].i, value_view(row[0]), err);
    db_cursor_close(c);
    query_clear(&q);
    return rc;
}

/* Stays of contacts: who was placed, released, is past the planned end. */
static int stay_rebuilt(const struct record *r, void *arg, struct error *err) {
    static const char *const names[] = {"contact", "kind", "started_at", "planned_end", "ended_at", NULL};
    struct contacts *x = arg;
    int at[5];
    const struct register_decl *reg;
    int rc = register_needs(x->sc->l->catalog, "stay", names, at, &reg, err);
    if (rc < 0 || !region_within(r->region, x->sc->region) || r->values[at[0]].kind != VALUE_INT || text_is(value_view(r->values[at[1]]), "hospital"))
        return rc;
    int64_t contact = r->values[at[0]].i;
    if (in_day(x->sc, value_int_or(r->values[at[2]], INT64_MIN))) rc = ids_add(&x->placed, contact, err);
    if (!rc && text_is(r->state, "released") && in_day(x->sc, value_int_or(r->values[at[4]], INT64_MIN))) rc = ids_add(&x->released, contact, err);
    if (!rc && text_is(r->state, "active") && value_int_or(r->values[at[3]], INT64_MAX) < x->sc->day) rc = ids_add(&x->overdue, contact, err);
    return rc;
}

static int stays_query(struct contacts *x, struct ids *out, const char *more, const char *column, struct error *err) {
    const struct scope *sc = x->sc;
    struct query q = {0};
    query_add(&q, "SELECT DISTINCT \"contact\" FROM \"stay\" WHERE ");
    query_scope(&q, sc, false);
    if (column) query_between(&q, column, sc->from, sc->to);
    else {
        query_add(&q, " AND \"planned_end\" < ");
        query_int(&q, sc->day);
    }
    query_add(&q, " AND \"contact\" IS NOT NULL AND \"kind\" <> 'hospital'");
    query_add(&q, more);
    query_disease_of(&q, sc, false);
    query_known(&q, sc, sc->later_other);
    return ids_query(out, &q, sc->db, err);
}

/* Contacts moved to a state on the day without a stay that says when: the move itself is the time. */
static int moved_query(struct contacts *x, struct ids *out, const char *state, struct error *err) {
    const struct scope *sc = x->sc;
    struct query q = {0};
    /* COALESCE keeps it from the index of states: the day's changes are far fewer than all released */
    buf_printf(&q.sql, "SELECT \"id\" FROM \"contact\" WHERE COALESCE(\"state\", '') = '%s' AND ", state);
    query_scope(&q, sc, true);
    query_between(&q, "\"changed_at\"", sc->from, sc->to);
    query_known(&q, sc, sc->later_contact);
    query_add(&q, " AND NOT EXISTS (SELECT 1 FROM \"stay\" WHERE \"stay\".\"contact\" = \"contact\".\"id\" AND \"stay\".\"created_at\" <= ");
    query_int(&q, sc->as_of);
    query_add(&q, ")");
    return ids_query(out, &q, sc->db, err);
}

static int contacts_compute(const struct scope *sc, struct bulletin *b, struct error *err) {
    struct contacts x = {.sc = sc, .b = b};
    const struct register_decl *contact = register_find(sc->l->catalog, TEXT("contact")), *stay = register_find(sc->l->catalog, TEXT("stay"));
    int rc = contact && stay ? 0 : error_set(err, E_UNKNOWN, "registers", "the report needs the registers contact and stay");
    if (!rc) rc = contacts_total(&x, err);
    if (!rc) rc = contacts_stock(&x, err);
    if (!rc) rc = contacts_found(&x, true, err);
    if (!rc) rc = contacts_found(&x, false, err);
    if (!rc) rc = contacts_queue(&x, err);
    if (!rc) rc = scope_rebuilt(sc, contact, contact_rebuilt, &x, err);
    if (!rc) rc = numbers_texts(&x.queue, sc->arena, &b->contacts.queue, &b->contacts.n_queue, err);
    if (!rc) rc = stays_query(&x, &x.placed, "", "\"started_at\"", err);
    if (!rc) rc = stays_query(&x, &x.released, " AND \"state\" = 'released'", "\"ended_at\"", err);
    if (!rc) rc = stays_query(&x, &x.overdue, " AND \"state\" = 'active'", NULL, err);
    if (!rc) rc = scope_rebuilt(sc, stay, stay_rebuilt, &x, err);
    if (!rc) rc = moved_query(&x, &x.placed, "placed", err);
    if (!rc) rc = moved_query(&x, &x.released, "released", err);
    if (!rc) {
        b->contacts.placed = ids_count(&x.placed);
        b->contacts.released = ids_count(&x.released);
        b->contacts.overdue = ids_count(&x.overdue);
    }
    buf_clear(&x.placed.b);
    buf_clear(&x.released.b);
    buf_clear(&x.overdue.b);
    return rc;
}

/* ---- tests */

struct tests {
    const struct scope *sc;
    struct bulletin *b;
};
static int test_rebuilt(const struct record *r, void *arg, struct error *err) {
    static const char *const names[] = {"sampled_at", "result_at", "result", NULL};
    struct tests *x = arg;
    int at[3];
    const struct register_decl *reg;
    int rc = register_needs(x->sc->l->catalog, "test", names, at, &reg, err);
    if (rc < 0 || !region_within(r->region, x->sc->region)) return rc;
    instant sampled = value_int_or(r->values[at[0]], INT64_MIN), known = value_int_or(r->values[at[1]], sampled);
    struct text result = value_view(r->values[at[2]]);
    if (sampled < x->sc->to - TEST_DAYS * DAY_S || sampled >= x->sc->to) return 0;
    x->b->tests.sampled += in_day(x->sc, sampled);
    x->b->tests.pending += text_is(result, "pending");
    if (text_is(result, "pending") || !in_day(x->sc, known)) return 0;
    x->b->tests.resulted++;
    x->b->tests.positive += text_is(result, "positive");
    return 0;
}

static int tests_compute(const struct scope *sc, struct bulletin *b, struct error *err) {
    struct tests x = {sc, b};
    struct query q = {0};
    struct db_cursor *c = NULL;
    const struct value *row;
    int rc;
    query_add(&q, "SELECT \"result\", COUNT(*), ");
    query_in_day(&q, sc, "\"sampled_at\"");
    query_add(&q, ", ");
    query_in_day(&q, sc, "COALESCE(\"result_at\", \"sampled_at\")");
    query_add(&q, " FROM \"test\" WHERE ");
    query_scope(&q, sc, false);
    query_between(&q, "\"sampled_at\"", sc->to - TEST_DAYS * DAY_S, sc->to);
    query_disease_of(&q, sc, true);
    query_known(&q, sc, sc->later_other);
    query_add(&q, " GROUP BY \"result\"");
    rc = query_run(&q, sc->db, &c, err);
    while (!rc && (rc = db_next(c, &row, err)) > 0) {
        struct text result = value_view(row[0]);
        rc = 0;
        b->tests.sampled += value_int_or(row[2], 0);
        if (text_is(result, "pending")) b->tests.pending += value_int_or(row[1], 0);
        else b->tests.resulted += value_int_or(row[3], 0);
        if (text_is(result, "positive")) b->tests.positive += value_int_or(row[3], 0);
    }
    db_cursor_close(c);
    query_clear(&q);
    const struct register_decl *reg = register_find(sc->l->catalog, TEXT("test"));
    if (!rc && reg) rc = scope_rebuilt(sc, reg, test_rebuilt, &x, err);
    return rc;
}

/* ---- duties */

static struct bulletin_rule *rule_of(const struct scope *sc, struct bulletin *b, struct text code) {
    for (size_t i = 0; i < b->duties.n_rules; i++)
        if (text_eq(b->duties.rules[i].code, code)) return &b->duties.rules[i];
    if (b->duties.n_rules == RULES_MAX) return NULL;
    if (!b->duties.rules) b->duties.rules = arena_alloc(sc->arena, RULES_MAX * sizeof *b->duties.rules);
    if (!b->duties.rules) return NULL;
    struct bulletin_rule *r = &b->duties.rules[b->duties.n_rules];
    *r = (struct bulletin_rule){.code = arena_text(sc->arena, code)};
    r->zh = r->en = r->code;
    for (size_t i = 0; i < sc->l->n_adoptions; i++) {
        const struct policy *p = sc->l->adoptions[i].policy;
        int at = p ? policy_rule(p, code) : -1;
        if (at < 0) continue;
        r->zh = arena_text(sc->arena, p->rules[at].zh); /* copied: policies may be loaded anew */
        r->en = arena_text(sc->arena, p->rules[at].en);
        break;
    }
    if (!r->code.s || !r->zh.s || !r->en.s) return NULL;
    b->duties.n_rules++;
    return r;
}
static void query_duties(struct query *q, const struct scope *sc) {
    query_scope(q, sc, false);
    query_add(q, " AND \"occurrence\" >= 0 AND \"raised_at\" <= ");
    query_int(q, sc->as_of);
    if (sc->disease.n == 0) return;
    query_add(q, " AND \"pack\" IN (SELECT \"id\" FROM \"adoption\" WHERE \"disease\" = ");
    query_text(q, sc->disease);
    query_add(q, ")");
}

static int duties_open(const struct scope *sc, struct bulletin *b, struct error *err) {
    struct query q = {0};
    struct db_cursor *c = NULL;
    const struct value *row;
    int rc;
    query_add(&q, "SELECT \"rule\", COUNT(*), SUM(CASE WHEN \"due_at\" >= ");
    query_int(&q, sc->as_of);
    query_add(&q, " AND \"due_at\" <= ");
    query_int(&q, sc->as_of + SOON_S);
    query_add(&q, " THEN 1 ELSE 0 END), SUM(CASE WHEN \"due_at\" < ");
    query_int(&q, sc->as_of);
    query_add(&q, " THEN 1 ELSE 0 END), SUM(CASE WHEN \"owner_kind\" = 0 THEN 1 ELSE 0 END), ");
    query_in_day(&q, sc, "\"raised_at\"");
    query_add(&q, " FROM \"obligation_open\" WHERE \"state\" = 'open' AND ");
    query_duties(&q, sc);
    query_add(&q, " GROUP BY \"rule\" ORDER BY \"rule\"");
    rc = query_run(&q, sc->db, &c, err);
    while (!rc && (rc = db_next(c, &row, err)) > 0) {
        struct bulletin_rule *r = rule_of(sc, b, value_view(row[0]));
        rc = r ? 0 : error_memory(err);
        if (rc < 0) break;
        r->open = value_int_or(row[1], 0);
        r->due_soon = value_int_or(row[2], 0);
        r->overdue = value_int_or(row[3], 0);
        r->no_owner = value_int_or(row[4], 0);
        b->duties.open += r->open;
        b->duties.due_soon += r->due_soon;
        b->duties.overdue += r->overdue;
        b->duties.no_owner += r->no_owner;
        b->duties.raised += value_int_or(row[5], 0);
    }
    db_cursor_close(c);
    query_clear(&q);
    return rc;
}

/* What was raised on the day is open now or was closed since it began; so the index of closing times serves both. */
static int duties_closed(const struct scope *sc, struct bulletin *b, struct error *err) {
    struct query q = {0};
    struct db_cursor *c = NULL;
    const struct value *row;
    int rc;
    query_add(&q, "SELECT \"rule\", \"state\", ");
    query_in_day(&q, sc, "\"raised_at\"");
    query_add(&q, ", SUM(CASE WHEN \"closed_at\" > ");
    query_int(&q, sc->as_of);
    query_add(&q, " THEN 1 ELSE 0 END), SUM(CASE WHEN \"closed_at\" <= ");
    query_int(&q, sc->as_of);
    query_add(&q, " AND \"closed_at\" < ");
    query_int(&q, sc->to);
    query_add(&q, " THEN 1 ELSE 0 END), SUM(CASE WHEN \"late\" = 1 AND \"closed_at\" <= ");
    query_int(&q, sc->as_of);
    query_add(&q, " AND \"closed_at\" < ");
    query_int(&q, sc->to);
    query_add(&q, " THEN 1 ELSE 0 END) FROM \"obligation\" WHERE \"closed_at\" >= ");
    query_int(&q, sc->from);
    query_add(&q, " AND ");
    query_duties(&q, sc);
    query_add(&q, " GROUP BY \"rule\", \"state\" ORDER BY \"rule\", \"state\"");
    rc = query_run(&q, sc->db, &c, err);
    while (!rc && (rc = db_next(c, &row, err)) > 0) {
        struct bulletin_rule *r = rule_of(sc, b, value_view(row[0]));
        struct text state = value_view(row[1]);
        int64_t later = value_int_or(row[3], 0), closed = value_int_or(row[4], 0);
        rc = r ? 0 : error_memory(err);
        if (rc < 0) break;
        b->duties.raised += value_int_or(row[2], 0);
        r->open += later;
        b->duties.open += later;
        if (text_is(state, "paid")) {
            r->paid += closed;
            b->duties.paid += closed;
            b->duties.paid_late += value_int_or(row[5], 0);
        } else if (text_is(state, "lapsed")) b->duties.lapsed += closed;
    }
    db_cursor_close(c);
    query_clear(&q);
    return rc;
}

/* ---- units that owe a report by 17:00 */

static int units_compute(const struct scope *sc, struct bulletin *b, struct error *err) {
    struct query q = {0};
    struct db_cursor *c = NULL;
    const struct value *row;
    struct bulletin_unit *late = arena_alloc(sc->arena, UNITS_MAX * sizeof *late);
    size_t n_late = 0;
    int rc;
    b->units = arena_alloc(sc->arena, UNITS_MAX * sizeof *b->units);
    if (!b->units || !late) return error_memory(err);
    query_add(&q, "SELECT \"id\", \"title\", \"region\", (SELECT MIN(COALESCE(r.\"submitted_at\", r.\"created_at\")) FROM \"daily_report\" r "
                  "WHERE r.\"organisation\" = \"organisation\".\"id\" AND r.\"state\" NOT IN ('draft', 'withdrawn') AND r.\"day\" = ");
    query_int(&q, sc->day);
    query_add(&q, " AND r.\"created_at\" <= ");
    query_int(&q, sc->as_of);
    query_add(&q, " AND COALESCE(r.\"submitted_at\", r.\"created_at\") <= ");
    query_int(&q, sc->as_of);
    query_add(&q, ") FROM \"organisation\" WHERE \"reports_daily\" = 1 AND ");
    query_scope(&q, sc, false);
    query_add(&q, " AND \"created_at\" <= ");
    query_int(&q, sc->as_of);
    query_add(&q, " ORDER BY \"id\"");
    rc = query_run(&q, sc->db, &c, err);
    while (!rc && (rc = db_next(c, &row, err)) > 0) {
        bool there = row[3].kind == VALUE_INT, is_late = there && row[3].i > sc->from + REPORT_DUE_S;
        rc = 0;
        b->units_expected++;
        b->units_reported += there;
        b->units_late += is_late;
        if ((there && !is_late) || b->n_units + n_late == UNITS_MAX) continue;
        struct bulletin_unit *u = is_late ? &late[n_late++] : &b->units[b->n_units++];
        *u = (struct bulletin_unit){arena_text(sc->arena, value_view(row[1])), arena_text(sc->arena, value_view(row[2])), row[0].i,
                                    there ? row[3].i : INSTANT_NONE};
        if (!u->title.s || !u->region.s) rc = error_memory(err);
    }
    db_cursor_close(c);
    query_clear(&q);
    if (!rc && n_late) memcpy(b->units + b->n_units, late, n_late * sizeof *late);
    b->n_units += n_late;
    return rc;
}

int work_compute(const struct scope *sc, struct bulletin *b, struct error *err) {
    int rc = contacts_compute(sc, b, err);
    if (!rc) rc = tests_compute(sc, b, err);
    if (!rc) rc = duties_open(sc, b, err);
    if (!rc) rc = duties_closed(sc, b, err);
    if (!rc) rc = units_compute(sc, b, err);
    int64_t asked = b->duties.paid + b->duties.lapsed + b->duties.overdue;
    b->duties.loop_ppm = asked ? b->duties.paid * 1000000 / asked : FIGURE_NONE;
    return rc;
}
