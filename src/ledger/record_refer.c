/* Who refers to a record: read from the store, and from the batch that is being applied, which the store does not know yet. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/apply.h"

struct referring {
    struct ledger *l;
    const struct reg_table *t;
    size_t f;
    int64_t id;
    struct arena *a;
    struct record *list;
    size_t n, cap;
    struct error *err;
};

static int keep(struct referring *x, const struct record *r) {
    if (!arena_room(x->a, &x->list, &x->cap, x->n + 1, sizeof *x->list)) return error_memory(x->err);
    x->list[x->n++] = *r;
    return 0;
}

/* The entry of a record that this call has touched. */
static const struct entry *touched(const struct apply *x, int64_t id) {
    struct idmap_slot *slot = x ? idmap_find(&x->loaded, id) : NULL;
    const struct entry *e = slot ? slot->value.p : NULL;
    return e && e->write != ENTRY_CLEAN ? e : NULL;
}

static int stored(struct referring *x, const char *where, const struct value *params, size_t n) {
    struct buf sql = {0};
    struct db_cursor *c = NULL;
    const struct value *row;
    buf_printf(&sql, "SELECT %s FROM \"%s\" WHERE %s", x->t->columns, x->t->reg->name.s, where);
    int rc = sql.failed ? error_memory(x->err) : db_query(x->l->db, buf_cstr(&sql), params, n, &c, x->err);
    while (!rc && (rc = db_next(c, &row, x->err)) > 0) {
        struct record r;
        rc = 0;
        if (touched(x->l->apply, row[COL_ID].i)) continue;
        rc = table_record(x->t, row, x->a, &r, x->err);
        if (!rc) rc = keep(x, &r);
    }
    db_cursor_close(c);
    buf_clear(&sql);
    return rc;
}

/* ---- of persons: a batch asks for those of its next drafts too, more of them each time it has to ask */

enum { AHEAD_MAX = 1024 };

struct told {
    struct record *list; /* as the store has them */
    size_t n, cap;
};

static int tell(void *arg, const struct value *row, struct error *err) {
    struct referring *x = arg;
    struct apply *apply = x->l->apply;
    struct record r;
    int rc = table_record(x->t, row, &apply->arena, &r, err);
    struct idmap_slot *slot = rc ? NULL : idmap_find(&apply_table_of(apply, x->t->reg)->of_person, r.values[x->f].i);
    struct told *told = slot ? slot->value.p : NULL;
    if (rc < 0 || !told) return rc;
    if (!arena_room(&apply->arena, &told->list, &told->cap, told->n + 1, sizeof *told->list)) return error_memory(err);
    told->list[told->n++] = r;
    return 0;
}

static int places(struct apply *x, struct error *err) {
    for (size_t i = 0; i < x->n_persons; i++)
        if (!idmap_put(&x->person_at, &x->arena, x->persons[i], NULL)) return error_memory(err);
    for (size_t i = x->n_persons; i-- > 0;) idmap_find(&x->person_at, x->persons[i])->value.i = (int64_t)i;
    return 0;
}

static int ask(struct referring *x) {
    struct apply *apply = x->l->apply;
    struct apply_table *at = apply_table_of(apply, x->t->reg);
    int rc = apply->person_at.n ? 0 : places(apply, x->err);
    struct idmap_slot *place = rc ? NULL : idmap_find(&apply->person_at, x->id);
    size_t next = place ? (size_t)place->value.i : apply->n_persons, n = 0;
    int64_t ids[AHEAD_MAX];
    struct buf head = {0};
    if (rc < 0) return rc;
    at->ahead = !place ? 1 : at->ahead ? at->ahead * 2 : 1;
    if (at->ahead > AHEAD_MAX) at->ahead = AHEAD_MAX;
    ids[n++] = x->id;
    while (n < at->ahead && next < apply->n_persons) {
        int64_t id = apply->persons[next++];
        if (id != x->id && !idmap_find(&at->of_person, id)) ids[n++] = id;
    }
    n = ids_distinct(ids, n);
    for (size_t i = 0; !rc && i < n; i++) { /* a slot moves when the map grows: what it points to does not */
        struct idmap_slot *slot = idmap_put(&at->of_person, &apply->arena, ids[i], NULL);
        if (!slot || !(slot->value.p = arena_alloc(&apply->arena, sizeof(struct told)))) rc = error_memory(x->err);
    }
    const char *field = x->t->reg->fields[x->f].name.s;
    buf_printf(&head, "SELECT %s FROM \"%s\" WHERE \"%s\"", x->t->columns, x->t->reg->name.s, field);
    if (!rc) rc = head.failed ? error_memory(x->err) : db_query_in(x->l->db, buf_cstr(&head), "", ids, n, tell, x, x->err);
    buf_clear(&head);
    return rc;
}

static int of_person(struct referring *x) {
    struct idmap *known = &apply_table_of(x->l->apply, x->t->reg)->of_person;
    int rc = idmap_find(known, x->id) ? 0 : ask(x);
    const struct told *told = rc ? NULL : idmap_find(known, x->id)->value.p;
    for (size_t i = 0; !rc && i < told->n; i++)
        if (!touched(x->l->apply, told->list[i].id)) rc = keep(x, &told->list[i]);
    return rc;
}

/* Those that the open call has made or changed and that fit. */
static int in_batch(struct referring *x, bool (*fits)(const struct referring *x, const struct record *r, const void *arg), const void *arg) {
    const struct entry *e = x->l->apply ? apply_table_of(x->l->apply, x->t->reg)->first : NULL;
    int rc = 0;
    for (; !rc && e; e = e->next) {
        if (e->write != ENTRY_DELETE && e->write != ENTRY_NEVER && fits(x, &e->record, arg)) rc = keep(x, &e->record);
    }
    return rc;
}

/* The same for a person: what the call has touched since it was last asked is put under whom it is about. */
static int of_person_in_batch(struct referring *x) {
    struct apply_table *at = apply_table_of(x->l->apply, x->t->reg);
    for (struct entry *e = at->indexed ? at->indexed->next : at->first; e && e->record.values; e = e->next) {
        struct value person = e->record.values[x->f];
        bool fresh = false;
        struct idmap_slot *slot = person.kind == VALUE_INT ? idmap_put(&at->people, &x->l->apply->arena, person.i, &fresh) : NULL;
        if (person.kind == VALUE_INT && !slot) return error_memory(x->err);
        at->indexed = e;
        if (!slot) continue;
        e->same = fresh ? NULL : slot->value.p;
        slot->value.p = e;
    }
    struct idmap_slot *slot = idmap_find(&at->people, x->id);
    int rc = 0;
    for (const struct entry *e = slot ? slot->value.p : NULL; !rc && e; e = e->same)
        if (e->write != ENTRY_DELETE && e->write != ENTRY_NEVER) rc = keep(x, &e->record);
    return rc;
}

static bool refers(const struct referring *x, const struct record *r, const void *arg) {
    (void)arg;
    return r->values[x->f].kind == VALUE_INT && r->values[x->f].i == x->id;
}

static int by_id(const void *a, const void *b) {
    const struct record *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

static void give(struct referring *x, struct record **ret, size_t *ret_n) {
    if (x->n) qsort(x->list, x->n, sizeof *x->list, by_id);
    *ret = x->list;
    *ret_n = x->n;
}

int record_referring(struct ledger *l, const struct register_decl *reg, size_t f, int64_t id, struct arena *a, struct record **ret, size_t *ret_n, struct error *err) {
    struct referring x = {.l = l, .t = l->tables[reg->order], .f = f, .id = id, .a = a, .err = err};
    char where[160];
    struct value param = value_int(id);
    snprintf(where, sizeof where, "\"%s\" = ?1", reg->fields[f].name.s);
    bool person = l->apply && (int)f == reg->person_field;
    int rc = person ? of_person(&x) : stored(&x, where, &param, 1);
    if (!rc) rc = person ? of_person_in_batch(&x) : in_batch(&x, refers, NULL);
    if (!rc) give(&x, ret, ret_n);
    return rc;
}

struct of_region {
    struct text region;
    int field;
    int64_t from, to;
};

static struct of_region of_days(const struct ledger *l, const struct register_decl *reg, struct text region, const struct record_days *days) {
    bool date = days->field >= 0 && reg->fields[days->field].type == FIELD_DATE;
    return (struct of_region){region, days->field, date ? days->from : instant_of_day(days->from, l->zone_s), date ? days->to : instant_of_day(days->to, l->zone_s)};
}

static bool of_time(const struct of_region *o, const struct record *r) {
    return o->field < 0 || (r->values[o->field].kind == VALUE_INT && r->values[o->field].i >= o->from && r->values[o->field].i < o->to);
}

static bool refers_then(const struct referring *x, const struct record *r, const void *arg) {
    return refers(x, r, NULL) && of_time(arg, r);
}

int record_referring_days(struct ledger *l, const struct register_decl *reg, size_t f, int64_t id, const struct record_days *days, struct arena *a, struct record **ret, size_t *ret_n,
                          struct error *err) {
    struct referring x = {.l = l, .t = l->tables[reg->order], .f = f, .id = id, .a = a, .err = err};
    struct of_region o = of_days(l, reg, (struct text){"", 0}, days);
    struct value params[] = {value_int(id), value_int(o.from), value_int(o.to)};
    const char *name = reg->fields[days->field].name.s;
    char where[256];
    snprintf(where, sizeof where, "\"%s\" = ?1 AND \"%s\" >= ?2 AND \"%s\" < ?3", reg->fields[f].name.s, name, name);
    int rc = stored(&x, where, params, 3);
    if (!rc) rc = in_batch(&x, refers_then, &o);
    if (!rc) give(&x, ret, ret_n);
    return rc;
}

static bool fits(const struct referring *x, const struct record *r, const void *arg) {
    const struct of_region *o = arg;
    (void)x;
    return text_eq(r->region, o->region) && of_time(o, r);
}

int record_of_region(struct ledger *l, const struct register_decl *reg, struct text region, const struct record_days *days, struct arena *a, struct record **ret,
                     size_t *ret_n, struct error *err) {
    struct referring x = {.l = l, .t = l->tables[reg->order], .a = a, .err = err};
    struct of_region o = of_days(l, reg, region, days);
    struct value params[] = {value_text(region), value_int(o.from), value_int(o.to)};
    const char *name = o.field < 0 ? "" : reg->fields[o.field].name.s;
    char where[256];
    int at = snprintf(where, sizeof where, "\"region\" = ?1");
    if (o.field >= 0) snprintf(where + at, sizeof where - (size_t)at, " AND \"%s\" >= ?2 AND \"%s\" < ?3", name, name);
    int rc = stored(&x, where, params, o.field < 0 ? 1 : 3);
    if (!rc) rc = in_batch(&x, fits, &o);
    if (!rc) give(&x, ret, ret_n);
    return rc;
}

/* ---- who is somebody else */

/* Nobody is his own contact. Only what is written now is looked at: a merge of persons (keep_key, unfix) may make two that met one, and what it leaves stays as it was recorded. */
int apply_others(struct apply *x, const struct draft *d, const struct value *values, const struct value *old, struct error *err) {
    const struct register_decl *reg = d->reg;
    const struct reg_table *t = x->l->tables[reg->order];
    if (reg->person_field < 0 || d->keep_key || d->unfix) return 0;
    struct value person = values[reg->person_field];
    for (size_t k = 0; k < t->references.n; k++) {
        size_t i = t->references.at[k];
        if (!reg->fields[i].other_person || values[i].kind != VALUE_INT || (old && value_eq(values[i], old[i]) && value_eq(person, old[reg->person_field]))) continue;
        struct value other = values[i];
        if (!text_is(t->targets[i]->name, "person")) {
            const struct record *r = NULL;
            int rc = record_peek(x->l, t->targets[i], values[i].i, &r, err);
            if (rc < 0) return rc;
            other = r && r->reg->person_field >= 0 ? r->values[r->reg->person_field] : value_null();
        }
        if (other.kind == VALUE_INT && value_eq(other, person))
            return error_set(err, E_INVALID, reg->fields[i].name.s, "is about the same person; %s is somebody else / 所指即为本人,%s须为他人", reg->fields[i].en.s, reg->fields[i].zh.s);
    }
    return 0;
}
