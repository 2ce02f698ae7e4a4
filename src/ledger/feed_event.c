/* From a journal entry to an event: where its record lay, before and after, and which duties it raised and closed. */
#include <stdio.h>
#include <string.h>

#include "ledger/feed.h"
#include "ledger/obligation.h"
#include "ledger/table.h"

static void put(char *out, size_t max, struct text t) {
    size_t n = t.n < max ? t.n : max - 1;
    memcpy(out, t.s ? t.s : "", n);
    out[n] = '\0';
}

/* Who looked, who was refused, who took data away: told to those who watch over others. */
static enum access_verb asks(const struct feed_event *e) {
    bool watched = e->verb == JOURNAL_OPEN || e->verb == JOURNAL_DENY || e->verb == JOURNAL_EXPORT;
    return watched || e->reg < 0 ? ACCESS_WATCH : ACCESS_READ;
}

static int cells_of(const struct ledger *l, struct text cells, struct feed_event *ret, char *region, bool *ret_region, struct error *err) {
    const struct reg_table *t = ret->reg >= 0 ? l->tables[ret->reg] : NULL;
    size_t pos = 0, code = 0;
    struct value v;
    int rc = 0;
    while (cells.n && (rc = journal_cells_next(cells, &pos, &code, &v, err)) > 0) {
        if (code == CELL_REGION) {
            put(region, REGION_MAX + 1, value_view(v));
            *ret_region = true;
        } else if (t && t->reg->holder_field >= 0 && v.kind == VALUE_INT && table_field_of(t, code) == t->reg->holder_field) {
            ret->holder = v.i;
        }
    }
    return rc;
}

static int late(const struct journal_entry *e, struct feed_event *ret, struct error *err) {
    struct feed_notes *n = mem_alloc(sizeof *n + sizeof *n->list);
    size_t k = 0;
    if (!n) return error_memory(err);
    n->refs = 1;
    n->n = 1;
    n->list[0] = (struct feed_note){.what = e->verb == JOURNAL_LAPSE ? FEED_LAPSED : FEED_ESCALATED, .record = e->record, .late = true, .due_at = INSTANT_NONE};
    while (k < e->reason.n && e->reason.s[k] != ' ') k++;
    put(n->list[0].rule, FEED_RULE_MAX, (struct text){e->reason.s, k});
    put(n->list[0].region, sizeof n->list[0].region, e->region);
    struct text level = e->reason; /* "rule level 2" */
    for (size_t i = e->reason.n; i > 0 && e->reason.s[i - 1] != ' '; i--) level = (struct text){e->reason.s + i - 1, e->reason.n - i + 1};
    int64_t number = 0;
    if (text_int(level, &number)) n->list[0].level = (int)number;
    ret->notes = n;
    return 0;
}

int feed_event_of(const struct ledger *l, const struct journal_entry *e, struct feed_event *ret, struct error *err) {
    const struct register_decl *reg = register_find(l->catalog, e->reg);
    bool has_after = false, has_before = false;
    char after[REGION_MAX + 1] = "", before[REGION_MAX + 1] = "";
    *ret = (struct feed_event){.seq = e->seq, .record = e->record, .import = e->import, .at = e->at, .version = e->version, .verb = (uint8_t)e->verb,
                               .reg = reg ? (int16_t)reg->order : -1, .noted = true};
    int rc = 0;
    switch (e->verb) {
    case JOURNAL_CREATE:
    case JOURNAL_CHANGE:
    case JOURNAL_MOVE:
    case JOURNAL_REMOVE:
        rc = cells_of(l, e->before, ret, before, &has_before, err);
        if (rc == 0) rc = cells_of(l, e->after, ret, after, &has_after, err);
        ret->noted = !reg || e->import != 0;
        break;
    case JOURNAL_LAPSE:
    case JOURNAL_ESCALATE: rc = late(e, ret, err); break;
    default: break;
    }
    if (rc < 0) return rc;
    ret->moved = has_before && has_after && strcmp(before, after) != 0;
    if (ret->moved) memcpy(ret->was, before, sizeof before);
    ret->placed = has_after || has_before || e->region.n || !reg || !e->record;
    if (has_after)
        memcpy(ret->region, after, sizeof after);
    else if (e->region.n)
        put(ret->region, sizeof ret->region, e->region);
    else if (has_before)
        memcpy(ret->region, before, sizeof before);
    else
        put(ret->region, sizeof ret->region, l->region);
    return 0;
}

int feed_event_place(const struct ledger *l, struct db *db, struct feed_event *e, struct error *err) {
    if (e->placed) return 0;
    const struct register_decl *reg = &l->catalog->registers[e->reg];
    struct value id = value_int(e->record), region = value_null();
    struct arena a = {0};
    char sql[160];
    snprintf(sql, sizeof sql, "SELECT \"region\" FROM \"%s\" WHERE \"id\" = ?1", reg->name.s);
    int rc = db_scalar(db, &a, sql, &id, 1, &region, err);
    if (rc == 0 && region.kind == VALUE_TEXT) put(e->region, sizeof e->region, value_view(region));
    e->placed = rc == 0;
    arena_clear(&a);
    return rc;
}

/* The person, or what else, that the record's duties are held for. */
static int holder_of(const struct ledger *l, struct db *db, struct feed_event *e, struct error *err) {
    const struct register_decl *reg = &l->catalog->registers[e->reg];
    if (!e->holder && reg->holder_field >= 0) {
        struct value id = value_int(e->record), person = value_null();
        struct arena a = {0};
        char sql[200];
        snprintf(sql, sizeof sql, "SELECT \"%s\" FROM \"%s\" WHERE \"id\" = ?1", reg->fields[reg->holder_field].name.s, reg->name.s);
        int rc = db_scalar(db, &a, sql, &id, 1, &person, err);
        e->holder = value_int_or(person, 0);
        arena_clear(&a);
        if (rc < 0) return rc;
    }
    if (!e->holder) e->holder = e->record;
    return 0;
}

/* false: this duty was neither raised nor closed by the event. */
static bool note_of(const struct obligation *o, const struct feed_event *e, struct feed_note *ret) {
    bool closed = o->closed_at == e->at;
    *ret = (struct feed_note){.record = o->record, .occurrence = o->duty.occurrence, .late = o->late, .due_at = o->duty.due_at};
    if (closed && o->paid_by == e->record && text_is(o->state, "paid"))
        ret->what = FEED_PAID;
    else if (closed && o->record == e->record && text_is(o->state, "cancelled"))
        ret->what = FEED_CANCELLED;
    else if (o->record == e->record && o->duty.raised_at == e->at)
        ret->what = FEED_RAISED;
    else
        return false;
    put(ret->rule, sizeof ret->rule, o->rule);
    put(ret->region, sizeof ret->region, o->region);
    return true;
}

int feed_event_note(const struct ledger *l, struct db *db, struct feed_event *e, struct error *err) {
    enum { NOTES_MAX = 200 }; /* of one event */
    char sql[1024];
    struct db_cursor *c = NULL;
    const struct value *row;
    struct feed_notes *n = NULL;
    if (e->noted) return 0;
    int rc = holder_of(l, db, e, err);
    if (rc < 0) return rc;
    struct value holder = value_int(e->holder);
    snprintf(sql, sizeof sql, "SELECT %s FROM \"obligation\" WHERE " OBLIGATION_OF_HOLDER, obligation_columns);
    rc = db_query(db, sql, &holder, 1, &c, err);
    while (rc == 0 && (rc = db_next(c, &row, err)) > 0) {
        struct obligation o;
        struct feed_note note;
        obligation_of_row(row, &o);
        rc = 0;
        if ((n && n->n >= NOTES_MAX) || !note_of(&o, e, &note)) continue;
        size_t have = n ? n->n : 0;
        struct feed_notes *grown = mem_realloc(n, sizeof *n + (have + 1) * sizeof *n->list);
        if (!grown) {
            rc = error_memory(err);
            break;
        }
        n = grown;
        n->refs = 1;
        n->n = have + 1;
        n->list[have] = note;
    }
    db_cursor_close(c);
    if (rc < 0) {
        mem_free(n);
        return rc;
    }
    e->notes = n;
    e->noted = true;
    return 0;
}

bool feed_event_seen(const struct access_view *v, struct feed_event *e) {
    enum access_verb verb = asks(e);
    bool here = access_view_sees(v, verb, e->reg, text_of(e->region));
    bool there = e->moved ? access_view_sees(v, verb, e->reg, text_of(e->was)) : here;
    if (!here && !there) return false;
    e->move = here && there ? FEED_STAYED : here ? FEED_ENTERED : FEED_LEFT;
    if (here) return true;
    memcpy(e->region, e->was, sizeof e->region); /* it left: not whither, nor what became of it */
    e->version = 0;
    e->notes = NULL;
    e->noted = true;
    return true;
}

void feed_notes_keep(struct feed_notes *n) {
    if (n) __atomic_add_fetch(&n->refs, 1, __ATOMIC_RELAXED);
}

void feed_notes_drop(struct feed_notes *n) {
    if (n && __atomic_sub_fetch(&n->refs, 1, __ATOMIC_ACQ_REL) == 0) mem_free(n);
}
