#include "ledger/tally.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/count.h"
#include "ledger/obligation.h"

enum { COLUMNS_MAX = TALLY_BY_MAX + 4 };

/* ---- declaration */

int tally_declare(struct catalog *c, const struct yaml *root, struct register_decl *r, struct error *err) {
    static const char *const keys[] = {"of", "once_in", "at", "by", "left_out", NULL};
    const struct yaml *map = NULL, *by = NULL;
    int rc = yaml_map(root, "tally", false, &map, err);
    if (rc || !map) return rc;
    struct tally_decl *y = arena_alloc(&c->arena, sizeof *y);
    if (!y) return error_memory(err);
    rc = yaml_only(map, keys, err);
    if (!rc) rc = yaml_text(map, "of", true, &y->person, err);
    if (!rc) rc = yaml_text(map, "once_in", true, &y->within, err);
    if (!rc) rc = yaml_text(map, "at", true, &y->at, err);
    if (!rc) rc = yaml_text(map, "left_out", false, &y->left_out, err);
    if (!rc) rc = yaml_list(map, "by", true, &by, err);
    if (!rc && by->n > TALLY_BY_MAX) rc = yaml_error(by, err, E_TOO_LARGE, "a tally goes by at most %d fields / 计数最多按 %d 个字段", TALLY_BY_MAX, TALLY_BY_MAX);
    for (size_t i = 0; !rc && i < by->n; i++) y->by[y->n_by++] = by->items[i]->text;
    static const enum field_type types[] = {FIELD_REFERENCE, FIELD_REFERENCE, FIELD_INSTANT};
    const struct text named[] = {y->person, y->within, y->at};
    for (int i = 0; !rc && i < 3; i++) {
        int f = register_field(r, named[i]);
        if (f < 0 || r->fields[f].type != types[i] || !r->fields[f].required)
            rc = yaml_error(map, err, E_UNKNOWN, "%s is no required %s of this register / 不是本登记册的必填字段或类型不符", named[i].s, i < 2 ? "reference" : "instant");
    }
    y->line = map->line;
    if (!rc) r->tally = y;
    return rc;
}

static int columns_of(struct arena *a, const struct register_decl *reg, struct tally_bound *b, struct error *err) {
    struct db_column *columns = arena_alloc(a, COLUMNS_MAX * sizeof *columns);
    char *name = arena_printf(a, "%s_tally", reg->name.s);
    struct buf key = {0};
    size_t n = 0;
    if (!columns || !name) return error_memory(err);
    columns[n++] = (struct db_column){"within", COLUMN_INT, true};
    columns[n++] = (struct db_column){"region", COLUMN_TEXT, true};
    buf_str(&key, "within, region");
    for (size_t i = 0; i < b->n_by; i++) {
        columns[n++] = (struct db_column){b->people->fields[b->by[i]].name.s, COLUMN_TEXT, true};
        buf_printf(&key, ", %s", columns[n - 1].name);
    }
    columns[n++] = (struct db_column){"day", COLUMN_INT, true};
    columns[n++] = (struct db_column){"n", COLUMN_INT, true};
    buf_str(&key, ", day");
    b->table = (struct db_table){.name = name, .key = key.failed ? NULL : arena_str(a, buf_cstr(&key)), .clustered = true, .n_columns = n, .columns = columns};
    buf_clear(&key);
    return b->table.key ? 0 : error_memory(err);
}

int tally_bind(struct arena *a, struct reg_table *t, struct error *err) {
    const struct register_decl *reg = t->reg;
    const struct tally_decl *y = reg->tally;
    if (!y) return 0;
    struct tally_bound *b = arena_alloc(a, sizeof *b);
    if (!b) return error_memory(err);
    *b = (struct tally_bound){.members = reg, .person = register_field(reg, y->person), .within = register_field(reg, y->within), .at = register_field(reg, y->at), .left_out = -1};
    b->people = t->targets[b->person];
    if (y->left_out.n) b->left_out = register_field(b->people, y->left_out);
    bool bad = y->left_out.n && b->left_out < 0;
    for (size_t i = 0; i < y->n_by; i++) {
        int f = b->by[b->n_by++] = register_field(b->people, y->by[i]);
        bad |= f < 0 || b->people->fields[f].sealed || (b->people->fields[f].type != FIELD_TEXT && b->people->fields[f].type != FIELD_CODE);
        if (bad) break;
    }
    if (bad) return error_set(err, E_UNKNOWN, reg->file, "line %d: tally names a field that %s does not have, or that is sealed or no text / 计数字段不存在、已加密或非文本", y->line, b->people->name.s);
    t->tally = b;
    return columns_of(a, reg, b, err);
}

/* ---- whom a call concerns */

/* One person in one round (within 0: on record). What the person counted for before and counts for now is a group, as text: its cells, each behind its length. */
struct pair {
    int64_t person, within;
    instant was, is;          /* of the first member; INSTANT_NONE: none */
    bool again;               /* not only made: asked again when all is written */
};
struct soul {
    int64_t id;
    struct text was, is;      /* group; s NULL: counts nowhere */
    bool moved;
};
struct delta {
    struct text group;
    int64_t within, n;
    day on;
    struct delta *next;
};
struct tally_one {
    const struct tally_bound *b;
    struct pair *pairs;
    struct soul *souls;
    size_t n_pairs, cap_pairs, n_souls, cap_souls;
    struct idmap by_person;   /* id -> index of souls + 1 */
    struct idmap deltas;      /* digest -> struct delta */
    struct text last;         /* the group met last, and its digest: neighbours of a list are of one group */
    int64_t last_digest;
    struct tally_one *next;
};
struct tally_change {
    struct tally_one *first;
};

static int pair_add(struct apply *x, struct tally_one *o, const struct value *cells, bool made, struct error *err) {
    const struct value *v = cells + RECORD_SYSTEM_COLUMNS;
    if (v[o->b->person].kind != VALUE_INT || v[o->b->within].kind != VALUE_INT) return 0;
    if (!arena_room(&x->arena, &o->pairs, &o->cap_pairs, o->n_pairs + 1, sizeof *o->pairs)) return error_memory(err);
    o->pairs[o->n_pairs++] = (struct pair){v[o->b->person].i, v[o->b->within].i, INSTANT_NONE, made ? value_int_or(v[o->b->at], INSTANT_NONE) : INSTANT_NONE, !made};
    return 0;
}

static bool cell_same(const struct entry *e, int field) {
    return value_eq(e->stored[RECORD_SYSTEM_COLUMNS + field], e->cells[RECORD_SYSTEM_COLUMNS + field]);
}

static int members_touched(struct apply *x, struct tally_one *o, struct error *err) {
    const struct tally_bound *b = o->b;
    int rc = 0;
    for (struct entry *e = apply_table_of(x, b->members)->first; e && !rc; e = e->next) {
        if (e->write == ENTRY_NEVER || e->write == ENTRY_CLEAN) continue;
        if (e->write == ENTRY_UPDATE && cell_same(e, b->person) && cell_same(e, b->within) && cell_same(e, b->at)) continue;
        if (e->write != ENTRY_INSERT) rc = pair_add(x, o, e->stored, false, err);
        if (!rc && e->write != ENTRY_DELETE) rc = pair_add(x, o, e->cells, e->write == ENTRY_INSERT, err);
    }
    return rc;
}

static struct soul *soul_of(struct apply *x, struct tally_one *o, int64_t id, bool *ret_new, struct error *err) {
    struct idmap_slot *slot = idmap_put(&o->by_person, &x->arena, id, ret_new);
    if (!slot || !arena_room(&x->arena, &o->souls, &o->cap_souls, o->n_souls + 1, sizeof *o->souls)) {
        error_memory(err);
        return NULL;
    }
    if (*ret_new) {
        o->souls[o->n_souls] = (struct soul){.id = id};
        slot->value.i = (int64_t)++o->n_souls;
    }
    return &o->souls[slot->value.i - 1];
}

static bool group_same(const struct tally_bound *b, const struct entry *e) {
    bool same = value_eq(e->stored[COL_REGION], e->cells[COL_REGION]) && (b->left_out < 0 || cell_same(e, b->left_out));
    for (size_t i = 0; same && i < b->n_by; i++) same = cell_same(e, b->by[i]);
    return same;
}

static int people_touched(struct apply *x, struct tally_one *o, struct error *err) {
    for (struct entry *e = apply_table_of(x, o->b->people)->first; e; e = e->next) {
        bool fresh = false;
        if (e->write == ENTRY_NEVER || e->write == ENTRY_CLEAN || (e->write == ENTRY_UPDATE && group_same(o->b, e))) continue;
        struct soul *p = soul_of(x, o, e->record.id, &fresh, err);
        if (!p) return E_MEMORY;
        p->moved = true;
    }
    return 0;
}

/* ---- what they count for */

static void group_add(struct buf *out, struct value v) {
    struct text t = value_view(v);
    buf_int(out, (int64_t)t.n);
    buf_char(out, ':');
    buf_text(out, t);
}

/* cells: region, by..., left out. */
static int group_of(struct apply *x, struct tally_one *o, const struct value *cells, struct text *ret, struct error *err) {
    const struct tally_bound *b = o->b;
    struct buf out = x->cells;
    *ret = (struct text){NULL, 0};
    if (b->left_out >= 0 && value_given(cells[1 + b->n_by])) return 0;
    buf_reset(&out);
    for (size_t i = 0; i <= b->n_by; i++) group_add(&out, cells[i]);
    if (!out.failed && !(o->last.s && text_eq(buf_view(&out), o->last))) {
        o->last = arena_text(&x->arena, buf_view(&out));
        if (o->last.s) o->last_digest = digest_64(o->last);
    }
    *ret = out.failed ? (struct text){NULL, 0} : o->last;
    x->cells = out;
    return ret->s ? 0 : error_memory(err);
}

static int group_of_entry(struct apply *x, struct tally_one *o, const struct value *cells, struct text *ret, struct error *err) {
    const struct tally_bound *b = o->b;
    struct value row[TALLY_BY_MAX + 2];
    row[0] = cells[COL_REGION];
    for (size_t i = 0; i < b->n_by; i++) row[1 + i] = cells[RECORD_SYSTEM_COLUMNS + b->by[i]];
    if (b->left_out >= 0) row[1 + b->n_by] = cells[RECORD_SYSTEM_COLUMNS + b->left_out];
    return group_of(x, o, row, ret, err);
}

static int stored_row(struct apply *x, const struct value *row, void *arg, struct error *err) {
    struct tally_one *o = arg;
    struct idmap_slot *slot = idmap_find(&o->by_person, row[0].i);
    struct soul *p = slot ? &o->souls[slot->value.i - 1] : NULL;
    int rc = p ? group_of(x, o, row + 1, &p->was, err) : 0;
    if (p) p->is = p->was;
    return rc;
}

/* id, region, by..., left out: what stored_row reads. */
static void person_columns(const struct tally_bound *b, struct buf *out) {
    buf_str(out, "\"id\",\"region\"");
    for (size_t i = 0; i < b->n_by; i++) buf_printf(out, ",\"%s\"", b->people->fields[b->by[i]].name.s);
    if (b->left_out >= 0) buf_printf(out, ",\"%s\"", b->people->fields[b->left_out].name.s);
}

bool tally_ahead(struct apply *x, const struct register_decl *people, struct buf *columns) {
    for (size_t r = 0; r < x->l->catalog->n_registers && !x->told_for; r++) {
        const struct tally_bound *b = x->l->tables[r]->tally;
        if (b && b->people == people) x->told_for = b;
    }
    if (!x->told_for || x->told_for->people != people) return false;
    person_columns(x->told_for, columns);
    return true;
}

int tally_tell(struct apply *x, const struct value *row, struct error *err) {
    size_t n = 2 + x->told_for->n_by + (x->told_for->left_out >= 0);
    struct value *kept = arena_alloc(&x->arena, n * sizeof *kept);
    struct idmap_slot *slot = kept ? idmap_put(&x->told, &x->arena, row[0].i, NULL) : NULL;
    if (!slot) return error_memory(err);
    for (size_t i = 0; i < n; i++) {
        kept[i] = row[i];
        if (row[i].kind != VALUE_TEXT) continue;
        struct text t = arena_text(&x->arena, value_view(row[i]));
        if (!t.s) return error_memory(err);
        kept[i] = value_text(t);
    }
    slot->value.p = kept;
    return 0;
}

/* The group of everybody concerned: as it stands in the store, and as this call leaves it. */
static int groups(struct apply *x, struct tally_one *o, struct error *err) {
    const struct tally_bound *b = o->b;
    int64_t *ids = arena_alloc(&x->arena, (o->n_souls + 1) * sizeof *ids);
    struct buf select = {0};
    size_t n = 0;
    int rc = ids ? 0 : error_memory(err);
    for (size_t i = 0; !rc && i < o->n_souls; i++) {
        int64_t id = o->souls[i].id;
        struct idmap_slot *told = x->told_for == b ? idmap_find(&x->told, id) : NULL;
        if (told) rc = stored_row(x, told->value.p, o, err);
        else if (id < x->first_id) ids[n++] = id;
    }
    buf_str(&select, "SELECT ");
    person_columns(b, &select);
    buf_printf(&select, " FROM \"%s\" WHERE \"id\"", b->people->name.s);
    if (!rc) rc = select.failed ? error_memory(err) : apply_fetch(x, buf_cstr(&select), "", ids, n, stored_row, o, err);
    buf_clear(&select);
    for (struct entry *e = apply_table_of(x, b->people)->first; e && !rc; e = e->next) {
        struct idmap_slot *slot = idmap_find(&o->by_person, e->record.id);
        if (!slot) continue;
        struct text *is = &o->souls[slot->value.i - 1].is;
        *is = (struct text){NULL, 0};
        if (e->write == ENTRY_INSERT || e->write == ENTRY_UPDATE) rc = group_of_entry(x, o, e->cells, is, err);
    }
    return rc;
}

static int pair_cmp(const void *a, const void *b) {
    const struct pair *x = a, *y = b;
    if (x->within != y->within) return x->within < y->within ? -1 : 1;
    return (x->person > y->person) - (x->person < y->person);
}

static instant sooner(instant a, instant b) {
    return a == INSTANT_NONE || (b != INSTANT_NONE && b < a) ? b : a;
}

static void pairs_unite(struct tally_one *o) {
    size_t n = 0;
    if (o->n_pairs) qsort(o->pairs, o->n_pairs, sizeof *o->pairs, pair_cmp);
    for (size_t i = 0; i < o->n_pairs; i++) {
        struct pair *p = &o->pairs[i];
        if (!n || pair_cmp(&o->pairs[n - 1], p)) {
            o->pairs[n++] = *p;
            continue;
        }
        o->pairs[n - 1].again |= p->again;
        o->pairs[n - 1].is = sooner(o->pairs[n - 1].is, p->is);
    }
    o->n_pairs = n;
}

struct asked {
    struct tally_one *o;
    int64_t within;
    bool after;
};

static int first_row(struct apply *x, const struct value *row, void *arg, struct error *err) {
    struct asked *q = arg;
    struct pair key = {.person = row[0].i, .within = q->within};
    struct pair *p = bsearch(&key, q->o->pairs, q->o->n_pairs, sizeof key, pair_cmp);
    (void)x;
    (void)err;
    if (!p) return 0;
    if (q->after) p->is = value_int_or(row[1], INSTANT_NONE);
    else p->was = value_int_or(row[1], INSTANT_NONE);
    return 0;
}

/* The first member of each pair, round by round; after: only of those that were not just made. */
static int firsts(struct apply *x, struct tally_one *o, bool after, struct error *err) {
    const struct register_decl *m = o->b->members;
    int64_t *ids = arena_alloc(&x->arena, (o->n_pairs + 1) * sizeof *ids);
    const char *person = m->fields[o->b->person].name.s;
    char head[300], tail[80];
    int rc = ids ? 0 : error_memory(err);
    snprintf(tail, sizeof tail, " GROUP BY \"%s\"", person);
    for (size_t from = 0, to; !rc && from < o->n_pairs; from = to) {
        struct asked q = {o, o->pairs[from].within, after};
        size_t n = 0;
        for (to = from; to < o->n_pairs && o->pairs[to].within == q.within; to++) {
            if (after && o->pairs[to].again) o->pairs[to].is = INSTANT_NONE;
            if (after ? o->pairs[to].again : o->pairs[to].person < x->first_id) ids[n++] = o->pairs[to].person;
        }
        snprintf(head, sizeof head, "SELECT \"%s\",min(\"%s\") FROM \"%s\" WHERE \"%s\"=%lld AND \"%s\"", person, m->fields[o->b->at].name.s, m->name.s, m->fields[o->b->within].name.s, (long long)q.within, person);
        rc = apply_fetch(x, head, tail, ids, n, first_row, &q, err);
    }
    return rc;
}

static int more_row(struct apply *x, const struct value *row, void *arg, struct error *err) {
    struct tally_one *o = arg;
    if (!arena_room(&x->arena, &o->pairs, &o->cap_pairs, o->n_pairs + 1, sizeof *o->pairs)) return error_memory(err);
    o->pairs[o->n_pairs++] = (struct pair){row[0].i, row[1].i, INSTANT_NONE, INSTANT_NONE, true};
    return 0;
}

/* Who moves takes every round with him. */
static int moved_pairs(struct apply *x, struct tally_one *o, struct error *err) {
    const struct register_decl *m = o->b->members;
    int64_t *ids = arena_alloc(&x->arena, (o->n_souls + 1) * sizeof *ids);
    char select[200];
    size_t n = 0;
    if (!ids) return error_memory(err);
    for (size_t i = 0; i < o->n_souls; i++)
        if (o->souls[i].moved && o->souls[i].id < x->first_id) ids[n++] = o->souls[i].id;
    snprintf(select, sizeof select, "SELECT DISTINCT \"%s\",\"%s\" FROM \"%s\" WHERE \"%s\"", m->fields[o->b->person].name.s, m->fields[o->b->within].name.s, m->name.s, m->fields[o->b->person].name.s);
    return apply_fetch(x, select, "", ids, n, more_row, o, err);
}

static int one_before(struct apply *x, const struct tally_bound *b, struct tally_one **ret, struct error *err) {
    struct tally_one *o = arena_alloc(&x->arena, sizeof *o);
    if (!o) return error_memory(err);
    o->b = b;
    int rc = members_touched(x, o, err);
    if (!rc) rc = people_touched(x, o, err);
    if (!rc && o->n_souls) rc = moved_pairs(x, o, err);
    pairs_unite(o);
    for (size_t i = 0; !rc && i < o->n_pairs; i++) {
        bool fresh = false;
        if (!soul_of(x, o, o->pairs[i].person, &fresh, err)) rc = E_MEMORY;
    }
    if (!rc && o->n_souls) rc = groups(x, o, err);
    if (!rc) rc = firsts(x, o, false, err);
    for (size_t i = 0; !rc && i < o->n_pairs; i++)
        if (!o->pairs[i].again) o->pairs[i].is = sooner(o->pairs[i].is, o->pairs[i].was);
    *ret = o;
    return rc;
}

int tally_before(struct apply *x, struct tally_change **ret, struct error *err) {
    struct tally_change *t = arena_alloc(&x->arena, sizeof *t);
    int rc = t ? 0 : error_memory(err);
    for (size_t r = 0; !rc && r < x->l->catalog->n_registers; r++) {
        const struct tally_bound *b = x->l->tables[r]->tally;
        struct tally_one *o = NULL;
        if (!b || (!x->tables[r].first && !apply_table_of(x, b->people)->first)) continue;
        rc = one_before(x, b, &o, err);
        if (rc < 0) break;
        o->next = t->first;
        t->first = o;
    }
    if (!rc) *ret = t;
    return rc;
}

/* ---- the difference */

static int delta_add(struct apply *x, struct tally_one *o, struct text group, int64_t within, day on, int64_t n, struct error *err) {
    if (!group.s) return 0;
    uint64_t h = (uint64_t)(group.s == o->last.s ? o->last_digest : digest_64(group)) ^ (uint64_t)within * 0x9e3779b97f4a7c15u ^ (uint64_t)(uint32_t)on << 32;
    struct idmap_slot *slot = idmap_put(&o->deltas, &x->arena, (int64_t)(h >> 1), NULL);
    if (!slot) return error_memory(err);
    struct delta *d = slot->value.p;
    while (d && (d->within != within || d->on != on || !text_eq(d->group, group))) d = d->next;
    if (!d) {
        d = arena_alloc(&x->arena, sizeof *d);
        if (!d) return error_memory(err);
        *d = (struct delta){group, within, 0, on, slot->value.p};
        slot->value.p = d;
    }
    d->n += n;
    return 0;
}

static int differences(struct apply *x, struct tally_one *o, struct error *err) {
    int rc = 0;
    for (size_t i = 0; !rc && i < o->n_souls; i++) {
        const struct soul *p = &o->souls[i];
        if (!p->moved) continue;
        rc = delta_add(x, o, p->was, 0, 0, -1, err);
        if (!rc) rc = delta_add(x, o, p->is, 0, 0, 1, err);
    }
    for (size_t i = 0; !rc && i < o->n_pairs; i++) {
        const struct pair *q = &o->pairs[i];
        const struct soul *p = &o->souls[idmap_find(&o->by_person, q->person)->value.i - 1];
        int32_t zone = x->l->zone_s;
        if (q->was != INSTANT_NONE) rc = delta_add(x, o, p->was, q->within, day_of_instant(q->was, zone), -1, err);
        if (!rc && q->is != INSTANT_NONE) rc = delta_add(x, o, p->is, q->within, day_of_instant(q->is, zone), 1, err);
    }
    return rc;
}

/* Cells of a group, back from its text. */
static void group_cells(struct text group, size_t n, struct value *ret) {
    for (size_t i = 0; i < n; i++) {
        size_t bytes = 0;
        while (group.n && *group.s != ':') bytes = bytes * 10 + (size_t)(*group.s++ - '0'), group.n--;
        ret[i] = value_text((struct text){group.s + 1, bytes});
        group.s += bytes + 1;
        group.n -= bytes + 1;
    }
}

/* Some rows at once, in few shapes of statement. */
enum { UPSERT_ROWS = 32 };

static int add_some(struct db *db, const struct db_table *t, const struct value *rows, size_t n, struct error *err) {
    struct buf sql = {0};
    buf_printf(&sql, "INSERT INTO \"%s\" VALUES ", t->name);
    for (size_t i = 0; i < n * t->n_columns; i++) buf_printf(&sql, "%s?%zu%s", i % t->n_columns ? "," : i ? ",(" : "(", i + 1, (i + 1) % t->n_columns ? "" : ")");
    buf_printf(&sql, " ON CONFLICT (%s) DO UPDATE SET n = \"%s\".n + excluded.n", t->key, t->name);
    int rc = sql.failed ? error_memory(err) : db_run(db, buf_cstr(&sql), rows, n * t->n_columns, NULL, err);
    buf_clear(&sql);
    return rc;
}

int tally_add(struct db *db, const struct db_table *t, const struct value *rows, size_t n, struct error *err) {
    int rc = 0;
    for (; !rc && n >= UPSERT_ROWS; n -= UPSERT_ROWS, rows += UPSERT_ROWS * t->n_columns) rc = add_some(db, t, rows, UPSERT_ROWS, err);
    for (size_t i = 0; !rc && i < n; i++) rc = add_some(db, t, rows + i * t->n_columns, 1, err);
    return rc;
}

int tally_after(struct apply *x, struct tally_change *t, struct error *err) {
    int rc = 0;
    for (struct tally_one *o = t->first; o && !rc; o = o->next) {
        const struct db_table *table = &o->b->table;
        struct value rows[UPSERT_ROWS * COLUMNS_MAX];
        size_t n = 0, width = table->n_columns;
        rc = firsts(x, o, true, err);
        if (!rc) rc = differences(x, o, err);
        for (size_t s = 0; !rc && s < o->deltas.cap; s++)
            for (struct delta *d = o->deltas.slots[s].used ? o->deltas.slots[s].value.p : NULL; d && !rc; d = d->next) {
                struct value *row = rows + n * width;
                if (!d->n) continue;
                row[0] = value_int(d->within);
                group_cells(d->group, width - 3, row + 1);
                row[width - 2] = value_int(d->on);
                row[width - 1] = value_int(d->n);
                if (++n < UPSERT_ROWS) continue;
                rc = tally_add(x->l->db, table, rows, n, err);
                n = 0;
            }
        if (!rc) rc = tally_add(x->l->db, table, rows, n, err);
    }
    return rc;
}

/* ---- from the records */

/* SELECT of the table's rows as the records say, n times `sign`. */
static void counted_sql(const struct ledger *l, const struct tally_bound *b, int sign, struct buf *sql) {
    const struct register_decl *m = b->members;
    struct buf by = {0};
    const char *person = m->fields[b->person].name.s, *within = m->fields[b->within].name.s, *alone = b->left_out >= 0 ? b->people->fields[b->left_out].name.s : NULL;
    for (size_t i = 0; i < b->n_by; i++) buf_printf(&by, ",COALESCE(p.\"%s\",'')", b->people->fields[b->by[i]].name.s);
    for (int round = 0; round < 2; round++) {
        buf_printf(sql, "%sSELECT %s,p.\"region\"%s,%s,%d*count(*) FROM \"%s\" p", round ? " UNION ALL " : "", round ? "x.r" : "0", buf_cstr(&by), round ? "x.d" : "0", sign, b->people->name.s);
        if (round)
            buf_printf(sql, " JOIN (SELECT \"%s\" AS i,\"%s\" AS r,(min(\"%s\")+%d)/%d AS d FROM \"%s\" GROUP BY \"%s\",\"%s\") x ON x.i=p.\"id\"", person, within, m->fields[b->at].name.s, (int)l->zone_s,
                       DAY_S, m->name.s, person, within);
        if (alone) buf_printf(sql, " WHERE p.\"%s\" IS NULL", alone);
        buf_printf(sql, " GROUP BY p.\"region\"%s", buf_cstr(&by));
        if (round) buf_str(sql, ",x.r,x.d");
    }
    sql->failed |= by.failed;
    buf_clear(&by);
}

/* The tables of counters, two a register and that of duties, and what the records say of each. */
enum { COUNTERS = 2 };

static const struct db_table *counters_of(const struct ledger *l, size_t i, int sign, struct buf *sql) {
    if (i == COUNTERS * l->catalog->n_registers) {
        duty_count_sql(sign, sql);
        return duty_count_table();
    }
    const struct reg_table *t = l->tables[i / COUNTERS];
    if (i % COUNTERS) {
        if (t->count_table) count_sql(t, l->zone_s, sign, sql);
        return t->count_table;
    }
    if (t->tally) counted_sql(l, t->tally, sign, sql);
    return t->tally ? &t->tally->table : NULL;
}

static int rebuild(struct ledger *l, const struct db_table *t, struct text select, struct error *err) {
    struct buf sql = {0};
    buf_printf(&sql, "DELETE FROM \"%s\"", t->name);
    int rc = sql.failed ? error_memory(err) : db_run(l->db, buf_cstr(&sql), NULL, 0, NULL, err);
    buf_reset(&sql);
    buf_printf(&sql, "INSERT INTO \"%s\" ", t->name);
    buf_text(&sql, select);
    if (!rc) rc = sql.failed ? error_memory(err) : db_run(l->db, buf_cstr(&sql), NULL, 0, NULL, err);
    buf_clear(&sql);
    return rc;
}

int tally_rebuild(struct ledger *l, struct error *err) {
    int rc = 0;
    for (size_t i = 0; !rc && i <= COUNTERS * l->catalog->n_registers; i++) {
        struct buf select = {0};
        const struct db_table *t = counters_of(l, i, 1, &select);
        if (t) rc = select.failed ? error_memory(err) : rebuild(l, t, buf_view(&select), err);
        buf_clear(&select);
    }
    return rc;
}

static int differs(struct db *db, const struct db_table *t, struct text select, int64_t *ret, struct error *err) {
    struct arena a = {0};
    struct buf sql = {0};
    struct value n = value_null();
    buf_str(&sql, "SELECT count(*) FROM (SELECT sum(y.n) AS n FROM (SELECT ");
    for (size_t i = 0; i < t->n_columns; i++) buf_printf(&sql, "%s\"%s\"", i ? "," : "", t->columns[i].name);
    buf_printf(&sql, " FROM \"%s\" UNION ALL %.*s) y GROUP BY %s HAVING sum(y.n)<>0) z", t->name, (int)select.n, select.s, t->key);
    int rc = sql.failed ? error_memory(err) : db_scalar(db, &a, buf_cstr(&sql), NULL, 0, &n, err);
    if (!rc) *ret += value_int_or(n, 0);
    buf_clear(&sql);
    arena_clear(&a);
    return rc;
}

int tally_differs(struct ledger *l, struct db *db, int64_t *ret, struct error *err) {
    int64_t all = 0;
    int rc = 0;
    for (size_t i = 0; !rc && i <= COUNTERS * l->catalog->n_registers; i++) {
        struct buf select = {0};
        const struct db_table *t = counters_of(l, i, -1, &select);
        if (t) rc = select.failed ? error_memory(err) : differs(db, t, buf_view(&select), &all, err);
        buf_clear(&select);
    }
    if (!rc) *ret = all;
    return rc;
}

int tally_edition(const struct ledger *l, struct buf *ret, struct error *err) {
    for (size_t r = 0; r < l->catalog->n_registers; r++) {
        const struct tally_bound *b = l->tables[r]->tally;
        const struct register_decl *reg = l->tables[r]->reg;
        if (b) buf_printf(ret, "%s %s of %d %d %d %d;", b->table.name, b->table.key, b->person, b->within, b->at, b->left_out);
        for (size_t i = 0; i < reg->n_counts; i++) {
            const struct count *k = &reg->counts[i];
            buf_printf(ret, "%s %s in %s at %s since %s by %s sum %s %d;", reg->name.s, k->name.s, k->within.s, k->at.s, k->since.n ? k->since.s : "-", k->by.n ? k->by.s : "-", k->sum.n ? k->sum.s : "-", (int)k->every_s);
        }
    }
    buf_str(ret, "duties 1;");
    return ret->failed ? error_memory(err) : 0;
}
