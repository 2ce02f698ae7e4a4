/* Taking an import back, from the journal: what it created goes, what it changed gets its cells of before, what others touched since stays. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/idmap.h"
#include "desks/intake/import.h"
#include "ledger/table.h"

struct touched {
    const struct register_decl *reg;
    int64_t id, last_seq;
    bool created, keep;
    const char *why;
    struct value *before; /* [n_fields], ABSENT = not changed; the cells before the first change */
    struct text state, region;
};

struct undo {
    struct ledger *l;
    const struct session *s;
    struct session opener; /* reads sealed cells of before; nothing of it leaves this file */
    int64_t import;
    struct arena arena;
    struct idmap by_id;
    struct touched **list;
    size_t n, cap;
    void (*kept)(void *arg, const struct register_decl *reg, int64_t id, const char *why);
    void *arg;
    struct intake_undone out;
    struct error *err;
};

static struct touched *touch(struct undo *u, const struct register_decl *reg, int64_t id) {
    bool fresh = false;
    struct idmap_slot *slot = idmap_put(&u->by_id, &u->arena, id, &fresh);
    if (!slot) return NULL;
    if (!fresh) return slot->value.p;
    struct touched *t = arena_alloc(&u->arena, sizeof *t);
    if (!t) return NULL;
    t->before = arena_alloc(&u->arena, (reg->n_fields + 1) * sizeof *t->before);
    if (!t->before) return NULL;
    t->reg = reg;
    t->id = id;
    slot->value.p = t;
    if (!arena_room(&u->arena, &u->list, &u->cap, u->n + 1, sizeof *u->list)) return NULL;
    u->list[u->n++] = t;
    return t;
}

static int take_before(struct undo *u, struct touched *t, struct text cells) {
    const struct reg_table *table = u->l->tables[t->reg->order];
    size_t pos = 0, code = 0;
    struct value v;
    int rc = 0;
    while ((rc = journal_cells_next(cells, &pos, &code, &v, u->err)) > 0) {
        struct value own;
        if (!value_copy(&u->arena, v, &own)) return error_memory(u->err);
        int f = table_field_of(table, code);
        if (code == CELL_STATE && !t->state.n) t->state = value_view(own);
        if (code == CELL_REGION && !t->region.n) t->region = value_view(own);
        if (f >= 0 && t->before[f].kind == VALUE_ABSENT) t->before[f] = own.kind == VALUE_ABSENT ? value_null() : own;
    }
    return rc;
}

static int visit(const struct journal_entry *e, void *arg) {
    struct undo *u = arg;
    if (e->import != u->import || text_is(e->reg, "import")) return 0;
    const struct register_decl *reg = register_find(u->l->catalog, e->reg);
    if (!reg || (e->verb != JOURNAL_CREATE && e->verb != JOURNAL_CHANGE && e->verb != JOURNAL_MOVE)) return 0;
    struct touched *t = touch(u, reg, e->record);
    if (!t) return error_memory(u->err);
    t->last_seq = e->seq;
    if (e->verb == JOURNAL_CREATE) t->created = true;
    return t->created ? 0 : take_before(u, t, e->before);
}

/* The stretch of the journal that the import wrote: its record was made before and completed after. */
static int range(struct undo *u, int64_t newest, int64_t *ret_from, int64_t *ret_to) {
    int64_t to = 0;
    for (int64_t seq = newest; seq > 0;) {
        struct journal_entry e = {0};
        int rc = journal_read(u->l->db, seq, &u->arena, &e, u->err);
        if (rc < 0) return rc;
        if (e.import == u->import && !to) to = seq;
        *ret_from = seq;
        seq = e.previous;
    }
    *ret_to = to ? to : u->l->journal.next;
    return 0;
}

/* The cells of a record as they were: sealed ones opened with the key of whom it was about then. */
static int open_cells(struct undo *u, const struct touched *t, struct value *cells) {
    const struct register_decl *reg = t->reg;
    bool any = false;
    for (size_t i = 0; i < reg->n_fields; i++) any = any || (reg->fields[i].sealed && cells[i].kind == VALUE_BLOB);
    if (!any) return 0;
    struct record r = {0};
    int rc = record_get(u->l, u->l->db, &u->opener, reg, t->id, &u->arena, &r, u->err);
    if (rc < 0) return rc;
    struct value *values = arena_alloc(&u->arena, (reg->n_fields + 1) * sizeof *values);
    if (!values) return error_memory(u->err);
    for (size_t i = 0; i < reg->n_fields; i++)
        values[i] = reg->fields[i].sealed || ((int)i == reg->person_field && cells[i].kind == VALUE_INT) ? cells[i] : r.values[i];
    r.values = values;
    rc = record_open(u->l, u->l->db, &u->opener, &r, &u->arena, u->err);
    for (size_t i = 0; rc == 0 && i < reg->n_fields; i++)
        if (reg->fields[i].sealed && cells[i].kind == VALUE_BLOB) cells[i] = r.values[i];
    return rc;
}

/* Changed since, and changed back (another import was taken back): it says what the import left. */
static int says_the_same(struct undo *u, const struct touched *t, int64_t entry, bool *ret) {
    enum { STEPS = 100 };
    const struct register_decl *reg = t->reg;
    struct touched then = {.reg = reg, .id = t->id}; /* its cells of before the first change since, where there was one */
    struct value *now = arena_alloc(&u->arena, (reg->n_fields + 1) * sizeof *now);
    struct record r = {0};
    then.before = arena_alloc(&u->arena, (reg->n_fields + 1) * sizeof *then.before);
    if (!now || !then.before) return error_memory(u->err);
    for (int i = 0; entry > t->last_seq; i++) {
        struct journal_entry e = {0};
        struct touched one = {.reg = reg, .id = t->id, .before = arena_alloc(&u->arena, (reg->n_fields + 1) * sizeof *one.before)};
        int rc = one.before ? journal_read(u->l->db, entry, &u->arena, &e, u->err) : error_memory(u->err);
        if (rc == 0 && (i == STEPS || (e.verb != JOURNAL_CHANGE && e.verb != JOURNAL_MOVE))) return 0;
        if (rc == 0) rc = take_before(u, &one, e.before);
        if (rc < 0) return rc;
        for (size_t f = 0; f < reg->n_fields; f++)
            if (one.before[f].kind != VALUE_ABSENT) then.before[f] = one.before[f];
        if (one.state.n) then.state = one.state;
        if (one.region.n) then.region = one.region;
        entry = e.previous;
    }
    if (entry != t->last_seq) return 0;
    int rc = record_get(u->l, u->l->db, &u->opener, reg, t->id, &u->arena, &r, u->err);
    for (size_t f = 0; rc == 0 && f < reg->n_fields; f++) now[f] = then.before[f].kind == VALUE_ABSENT ? then.before[f] : r.values[f];
    if (rc == 0) rc = open_cells(u, t, now);
    if (rc == 0) rc = open_cells(u, t, then.before);
    bool same = rc == 0 && (!then.state.n || text_eq(then.state, r.state)) && (!then.region.n || text_eq(then.region, r.region));
    for (size_t f = 0; same && f < reg->n_fields; f++)
        same = value_given(now[f]) == value_given(then.before[f]) && (!value_given(now[f]) || value_eq(now[f], then.before[f]));
    *ret = same;
    return rc;
}

static int check_current(struct undo *u, struct touched *t) {
    struct value id = value_int(t->id), params[1] = {id};
    struct db_cursor *c = NULL;
    const struct value *row = NULL;
    char sql[160];
    snprintf(sql, sizeof sql, "SELECT \"entry\" FROM \"%s\" WHERE \"id\"=?1", t->reg->name.s);
    int rc = db_query(u->l->db, sql, params, 1, &c, u->err);
    if (rc == 0) rc = db_next(c, &row, u->err);
    if (rc == 0) {
        t->keep = true;
        t->why = "it is gone already / 记录已不存在";
    }
    int64_t entry = rc > 0 ? value_int_or(row[0], 0) : t->last_seq;
    db_cursor_close(c);
    if (rc < 0 || entry == t->last_seq) return rc < 0 ? rc : 0;
    bool same = false;
    rc = says_the_same(u, t, entry, &same);
    t->keep = !same;
    t->why = "somebody changed it since / 之后已被他人修改";
    return rc;
}

/* Marks records of the import that something which stays refers to. *ret_any: one more was found. */
static int check_field(struct undo *u, const struct register_decl *reg, const struct field *f, int64_t low, int64_t high, bool *ret_any) {
    char sql[320];
    struct value params[] = {value_int(low), value_int(high)};
    struct db_cursor *c = NULL;
    const struct value *row = NULL;
    snprintf(sql, sizeof sql, "SELECT \"id\",\"%s\" FROM \"%s\" WHERE \"%s\">=?1 AND \"%s\"<=?2", f->name.s, reg->name.s, f->name.s, f->name.s);
    int rc = db_query(u->l->db, sql, params, 2, &c, u->err);
    while (rc == 0 && (rc = db_next(c, &row, u->err)) > 0) {
        rc = 0;
        struct idmap_slot *to = idmap_find(&u->by_id, value_int_or(row[1], 0)), *from = idmap_find(&u->by_id, value_int_or(row[0], 0));
        struct touched *target = to ? to->value.p : NULL;
        const struct touched *source = from ? from->value.p : NULL;
        if (!target || target->keep || !target->created || !text_eq(target->reg->name, f->target)) continue;
        if (source && source->created && !source->keep) continue; /* it goes too */
        if (source && !source->created && !source->keep && source->before[f - reg->fields].kind != VALUE_ABSENT) continue; /* gets its old target back */
        target->keep = *ret_any = true;
        target->why = "something that stays refers to it / 仍被其他记录引用";
    }
    db_cursor_close(c);
    return rc;
}

static int check_referred(struct undo *u) {
    const struct catalog *c = u->l->catalog;
    int64_t low = INT64_MAX, high = INT64_MIN;
    for (size_t i = 0; i < u->n; i++) {
        if (!u->list[i]->created) continue;
        low = u->list[i]->id < low ? u->list[i]->id : low;
        high = u->list[i]->id > high ? u->list[i]->id : high;
    }
    bool any = low <= high;
    for (int round = 0; any && round < 64; round++) {
        any = false;
        for (size_t g = 0; g < c->n_registers; g++)
            for (size_t f = 0; f < c->registers[g].n_fields; f++) {
                if (c->registers[g].fields[f].type != FIELD_REFERENCE) continue;
                int rc = check_field(u, &c->registers[g], &c->registers[g].fields[f], low, high, &any);
                if (rc < 0) return rc;
            }
    }
    return 0;
}

static int draft_of(struct undo *u, struct touched *t, struct draft **ret) {
    int rc = t->created ? 0 : open_cells(u, t, t->before);
    if (rc < 0) return rc;
    struct draft *d = draft_new(&u->arena, t->reg, t->created ? DRAFT_REMOVE : DRAFT_CHANGE);
    if (!d) return error_memory(u->err);
    d->id = t->id; /* any version: nobody but this transaction can have changed it since check_current, by cells that follow others */
    if (!t->created) {
        memcpy(d->values, t->before, t->reg->n_fields * sizeof *d->values);
        d->state = t->state;
        d->back = true;
        if (t->reg->region_field < 0) d->region = t->region;
    }
    *ret = d;
    return 0;
}

static void keep(struct undo *u, const struct touched *t, const char *why) {
    u->out.kept++;
    if (u->kept) u->kept(u->arg, t->reg, t->id, why);
}

static int newest_first(const void *a, const void *b) {
    const struct touched *x = *(const struct touched *const *)a, *y = *(const struct touched *const *)b;
    return (x->id < y->id) - (x->id > y->id);
}

/* Changes first, so that nothing refers any more to what is removed after them. */
static int apply(struct undo *u, bool removals) {
    enum { CHUNK = 4000 };
    struct draft **drafts = arena_alloc(&u->arena, CHUNK * sizeof(struct draft *));
    struct touched **of = arena_alloc(&u->arena, CHUNK * sizeof(struct touched *));
    int rc = drafts && of ? 0 : error_memory(u->err);
    for (size_t i = 0; rc == 0 && i < u->n;) {
        size_t n = 0;
        for (; rc == 0 && i < u->n && n < CHUNK; i++) {
            if (u->list[i]->keep || u->list[i]->created != removals) continue;
            of[n] = u->list[i];
            rc = draft_of(u, u->list[i], &drafts[n]);
            if (rc == 0) rc = record_prepare(u->l, drafts[n], &u->arena, &u->l->secret, u->s->now) == E_MEMORY ? error_memory(u->err) : 0;
            n++;
        }
        if (rc == 0 && n) rc = record_apply(u->l, u->s, drafts, n, u->err);
        for (size_t k = 0; rc == 0 && k < n; k++) {
            if (drafts[k]->outcome == OUTCOME_REJECTED)
                keep(u, of[k], drafts[k]->error.message);
            else if (removals)
                u->out.removed++;
            else
                u->out.restored++;
        }
    }
    return rc;
}

static int close_import(struct undo *u, const struct register_decl *reg) {
    struct draft *d = draft_new(&u->arena, reg, DRAFT_CHANGE);
    if (!d) return error_memory(u->err);
    d->id = u->import;
    draft_put(d, "undone_at", value_int(u->s->now), NULL);
    return record_write(u->l, u->s, &d, 1, u->err);
}

static int run(struct undo *u, const struct register_decl *reg, int64_t newest) {
    int64_t from = 0, to = 0;
    int rc = range(u, newest, &from, &to);
    if (rc == 0) rc = journal_scan(u->l->db, from, to, visit, u, u->err);
    if (rc < 0) return rc;
    if (u->n) qsort(u->list, u->n, sizeof *u->list, newest_first);
    for (size_t i = 0; rc == 0 && i < u->n; i++) rc = check_current(u, u->list[i]);
    if (rc == 0) rc = check_referred(u);
    for (size_t i = 0; rc == 0 && i < u->n; i++)
        if (u->list[i]->keep) keep(u, u->list[i], u->list[i]->why);
    if (rc == 0) rc = apply(u, false);
    if (rc == 0) rc = apply(u, true);
    return rc == 0 ? close_import(u, reg) : rc;
}

int intake_undo(struct ledger *l, const struct session *s, int64_t import, void (*kept)(void *arg, const struct register_decl *reg, int64_t id, const char *why),
                void *arg, struct intake_undone *ret, struct error *err) {
    static const struct grant everything = {.role = {"root", 4}, .region = {"", 0}};
    struct error own = {0};
    struct session acting = *s;
    acting.import = 0;
    struct undo u = {.l = l, .s = &acting, .opener = *s, .import = import, .kept = kept, .arg = arg, .err = err ? err : &own};
    const struct register_decl *reg = register_find(l->catalog, TEXT("import"));
    struct record r = {0};
    u.opener.n_grants = 1;
    u.opener.grants = &everything;
    u.opener.purpose = TEXT("undo of an import");
    if (!reg) return error_set(err, E_UNKNOWN, "import", "this node has no register of imports");
    if (!acting.reason.n) acting.reason = TEXT("undo of an import");
    int rc = record_get(l, l->db, s, reg, import, &u.arena, &r, u.err);
    if (rc == 0) rc = access_check(s, ACCESS_WRITE, reg, r.region, u.err);
    if (rc == 0 && record_cell(&r, "undone_at").kind == VALUE_INT) rc = error_set(u.err, E_CONFLICT, "import", "it was undone before / 该批导入已撤销");
    if (rc == 0) rc = ledger_begin(l, u.err);
    if (rc < 0) goto out;
    rc = run(&u, reg, r.entry);
    rc = ledger_end(l, rc, s->now, u.err);
    if (rc == 0 && ret) *ret = u.out;
out:
    arena_clear(&u.arena);
    return rc;
}
