/* desks/bulletin: what has changed. Past days whose figure is no longer what was frozen (REP-04), and the difference to yesterday record by record.
 *
 * A main figure is the number of records in a set, so its change is two lists: who entered, who left. Records not touched since
 * yesterday's report are compared with themselves a day earlier, as the pass meets them. Records touched since are looked up in the
 * journal as they stood then. What is left over was removed (undo of an import, erasure): counted, but there is no number to name. */
#include <string.h>

#include "desks/bulletin/figures.h"

static const char *const figure_names[FIGURES] = {"confirmed", "asymptomatic", "suspected", "active", "died", "observed", "uncontrolled"};

static unsigned case_sets(const struct case_fact *f, day d) {
    unsigned sets = 0;
    if (f->class < 0 || f->report == DAY_NONE || f->report > d) return 0;
    sets |= 1u << (f->class == CLASS_CONFIRMED ? FIGURE_CONFIRMED : f->class == CLASS_ASYMPTOMATIC ? FIGURE_ASYMPTOMATIC : FIGURE_SUSPECTED);
    if (f->class == CLASS_SUSPECTED) return sets;
    bool ended = f->ended != ENDED_NOT && (f->ended_day == DAY_NONE || f->ended_day <= d);
    if (!ended) sets |= 1u << FIGURE_ACTIVE;
    if (ended && f->ended == ENDED_DIED) sets |= 1u << FIGURE_DIED;
    return sets;
}
static unsigned contact_sets(struct text state) {
    if (text_is(state, "placed")) return 1u << FIGURE_OBSERVED;
    return text_is(state, "found") || text_is(state, "lost") ? 1u << FIGURE_UNCONTROLLED : 0;
}

static int change_note(const struct scope *sc, struct explain *e, unsigned before, unsigned after, int64_t id, struct text number, struct error *err) {
    int rc = 0;
    for (int i = 0; i < FIGURES && !rc; i++) {
        bool was = before >> i & 1, is = after >> i & 1;
        e->before[i] += was;
        e->after[i] += is;
        if (was != is) rc = numbers_add(is ? &e->in[i] : &e->out[i], sc->arena, 0, id, number, err);
    }
    return rc;
}

/* ---- before the passes: what is frozen */

static int frozen_read(const struct scope *sc, struct restate *r, struct text json, day d, instant as_of, struct error *err) {
    struct bulletin b;
    day back = sc->day - d;
    bulletin_init(&b);
    int rc = bulletin_read_json(json, &b, err);
    if (rc == E_SYNTAX) { /* a report that was typed in, not frozen by us, has no figures to compare with */
        if (err) *err = (struct error){0};
        return 0;
    }
    if (rc < 0) return rc;
    r->days[back] = (struct frozen_day){.there = true, .as_of = as_of, .was = b.fresh_total, .swabs_was = b.rounds.swabs};
    if (back == 1) {
        struct explain *e = &r->explain;
        e->since = as_of;
        e->frozen[FIGURE_CONFIRMED] = bulletin_class_total(&b.total, CLASS_CONFIRMED);
        e->frozen[FIGURE_ASYMPTOMATIC] = bulletin_class_total(&b.total, CLASS_ASYMPTOMATIC);
        e->frozen[FIGURE_SUSPECTED] = bulletin_class_total(&b.total, CLASS_SUSPECTED);
        e->frozen[FIGURE_ACTIVE] = b.active;
        e->frozen[FIGURE_DIED] = b.total_died;
        e->frozen[FIGURE_OBSERVED] = b.contacts.observed;
        e->frozen[FIGURE_UNCONTROLLED] = b.contacts.uncontrolled + b.contacts.lost;
    }
    bulletin_clear(&b);
    return 0;
}

int restate_load(const struct scope *sc, struct restate *r, struct error *err) {
    struct query q = {0};
    struct db_cursor *c = NULL;
    const struct value *row;
    int rc;
    if (sc->disease.n) return 0; /* frozen reports are of all diseases */
    query_add(&q, "SELECT \"day\", \"as_of\", \"figures\" FROM \"daily_report\" WHERE \"organisation\" IS NULL AND \"state\" NOT IN ('draft', 'withdrawn') "
                  "AND \"figures\" IS NOT NULL AND \"region\" = ");
    query_text(&q, sc->region);
    query_add(&q, " AND \"day\" >= ");
    query_int(&q, sc->day - RESTATE_DAYS);
    query_add(&q, " AND \"day\" < ");
    query_int(&q, sc->day);
    query_add(&q, " AND \"as_of\" <= ");
    query_int(&q, sc->as_of);
    query_add(&q, " ORDER BY \"day\", \"as_of\"");
    rc = query_run(&q, sc->db, &c, err);
    while (!rc && (rc = db_next(c, &row, err)) > 0) rc = frozen_read(sc, r, value_view(row[2]), (day)row[0].i, row[1].i, err);
    db_cursor_close(c);
    query_clear(&q);
    return rc;
}

/* ---- in the pass */

int restate_case(const struct scope *sc, struct restate *r, const struct case_fact *f, struct error *err) {
    struct explain *e = &r->explain;
    day back = sc->day - f->report;
    if (back >= 1 && back <= RESTATE_DAYS && r->days[back].there && (f->class == CLASS_CONFIRMED || f->class == CLASS_ASYMPTOMATIC)) {
        r->days[back].is++;
        r->days[back].late += f->created_at > r->days[back].as_of;
    }
    if (e->since == INSTANT_NONE || f->changed_at <= e->since)
        return change_note(sc, e, case_sets(f, sc->day - 1), case_sets(f, sc->day), f->id, f->number, err);
    if (f->created_at > e->since) return change_note(sc, e, 0, case_sets(f, sc->day), f->id, f->number, err);
    return 0; /* touched since: restate_finish */
}

/* ---- after the passes: records touched since yesterday's report */

struct touched {
    const struct scope *sc;
    struct restate *r;
    bool contact;
    int disease; /* field of contact */
};

static int sets_at(const struct touched *x, const struct record *r, day d, unsigned *ret_sets, int *ret_class, struct error *err) {
    struct case_fact f;
    *ret_sets = 0;
    *ret_class = -1;
    if (x->contact) {
        if (scope_holds(x->sc, r->region, value_view(r->values[x->disease]))) *ret_sets = contact_sets(r->state);
        return 0;
    }
    int rc = case_of_record(x->sc, r, &f, err);
    if (rc < 0 || !scope_holds(x->sc, f.region, f.disease)) return rc;
    *ret_sets = case_sets(&f, d);
    *ret_class = f.report != DAY_NONE && f.report <= d ? f.class : -1;
    return 0;
}

static int touched_note(const struct touched *x, const struct register_decl *reg, int64_t id, bool old, struct arena *a, struct error *err) {
    const struct scope *sc = x->sc;
    struct explain *e = &x->r->explain;
    struct record now, then;
    unsigned before = 0, after = 0;
    int was = -1, is = -1;
    int rc = record_as_of(sc->l, sc->db, reg, id, sc->as_of, a, &now, err);
    if (rc <= 0) return rc;
    rc = sets_at(x, &now, sc->day, &after, &is, err);
    if (!rc && old) {
        rc = record_as_of(sc->l, sc->db, reg, id, e->since, a, &then, err);
        if (rc > 0) rc = sets_at(x, &then, sc->day - 1, &before, &was, err);
    }
    if (rc < 0) return rc;
    if (!x->contact && was == CLASS_ASYMPTOMATIC && is == CLASS_CONFIRMED) e->conversions++;
    return change_note(sc, e, before, after, id, now.number, err);
}

/* Cases: those that were there (new ones met the pass). Contacts: all, new ones included. */
static int touched_walk(const struct touched *x, const char *name, struct error *err) {
    const struct scope *sc = x->sc;
    const struct register_decl *reg = register_find(sc->l->catalog, text_of(name));
    struct query q = {0};
    struct db_cursor *c = NULL;
    const struct value *row;
    struct buf ids = {0};
    struct arena a = {0};
    int rc;
    query_add(&q, x->contact ? "SELECT \"id\", \"created_at\", \"changed_at\", \"state\", \"number\", \"region\", \"disease\" FROM \"" : "SELECT \"id\", \"created_at\" FROM \"");
    query_add(&q, name);
    query_add(&q, "\" WHERE \"changed_at\" > ");
    query_int(&q, x->r->explain.since);
    query_add(&q, " AND \"created_at\" <= ");
    query_int(&q, x->contact ? sc->as_of : x->r->explain.since);
    query_add(&q, " ORDER BY \"id\"");
    rc = query_run(&q, sc->db, &c, err);
    while (!rc && (rc = db_next(c, &row, err)) > 0) {
        int64_t pair[2] = {row[0].i, row[1].i};
        if (x->contact && row[1].i > x->r->explain.since && row[2].i <= sc->as_of) { /* new, and as it stands */
            bool here = scope_holds(sc, value_view(row[5]), value_view(row[6]));
            rc = change_note(sc, &x->r->explain, 0, here ? contact_sets(value_view(row[3])) : 0, row[0].i, value_view(row[4]), err);
            continue;
        }
        rc = buf_add(&ids, pair, sizeof pair) < 0 ? error_memory(err) : 0;
    }
    db_cursor_close(c);
    query_clear(&q);
    for (size_t at = 0; !rc && at < ids.n; at += 2 * sizeof(int64_t)) {
        int64_t pair[2];
        memcpy(pair, ids.s + at, sizeof pair);
        arena_reset(&a);
        rc = touched_note(x, reg, pair[0], pair[1] <= x->r->explain.since, &a, err);
    }
    buf_clear(&ids);
    arena_clear(&a);
    return rc;
}

static int changes_fill(const struct scope *sc, struct explain *e, struct bulletin *b, struct error *err) {
    bool frozen = e->since != INSTANT_NONE;
    int n = frozen ? FIGURES : FIGURES_CASES; /* the state of a contact has no date: without a frozen report there is no yesterday */
    b->changes = arena_alloc(sc->arena, FIGURES * sizeof *b->changes);
    if (!b->changes) return error_memory(err);
    if (frozen) {
        e->after[FIGURE_OBSERVED] = b->contacts.observed;
        e->after[FIGURE_UNCONTROLLED] = b->contacts.uncontrolled + b->contacts.lost;
    }
    for (int i = 0; i < n; i++) {
        struct bulletin_change *c = &b->changes[b->n_changes++];
        *c = (struct bulletin_change){.figure = text_of(figure_names[i]), .before = frozen ? e->frozen[i] : e->before[i], .after = e->after[i]};
        c->entered = e->in[i].count;
        c->left = e->out[i].count;
        int rc = numbers_texts(&e->in[i], sc->arena, &c->in, &c->n_in, err);
        if (!rc) rc = numbers_texts(&e->out[i], sc->arena, &c->out, &c->n_out, err);
        if (rc < 0) return rc;
        int64_t gone = c->before + c->entered - c->left - c->after;
        if (gone > 0) c->left += gone;
        else c->entered -= gone;
    }
    if (frozen) b->conversions = e->conversions;
    b->previous_as_of = e->since;
    return 0;
}

int restate_finish(const struct scope *sc, struct restate *r, struct bulletin *b, struct error *err) {
    int rc = 0, field = 0;
    size_t n = 0;
    if (r->explain.since != INSTANT_NONE) {
        static const char *const names[] = {"disease", NULL};
        const struct register_decl *reg;
        rc = register_needs(sc->l->catalog, "contact", names, &field, &reg, err);
        struct touched cases = {.sc = sc, .r = r}, contacts = {.sc = sc, .r = r, .contact = true, .disease = field};
        if (!rc) rc = touched_walk(&cases, "case", err);
        if (!rc) rc = touched_walk(&contacts, "contact", err);
    }
    if (!rc) rc = changes_fill(sc, &r->explain, b, err);
    if (rc < 0) return rc;
    b->restated = arena_alloc(sc->arena, RESTATE_DAYS * sizeof *b->restated);
    if (!b->restated) return error_memory(err);
    for (int back = 1; back <= RESTATE_DAYS; back++) {
        const struct frozen_day *d = &r->days[back];
        bool near = back < ROUNDS_DAYS;
        if (!d->there || (d->was == d->is && d->late == 0 && (!near || d->swabs_was == r->swabs[back]))) continue;
        b->restated[n++] = (struct bulletin_restated){sc->day - back, d->was, d->is, d->late, near ? d->swabs_was : FIGURE_NONE, near ? r->swabs[back] : FIGURE_NONE};
    }
    b->n_restated = n;
    return 0;
}
