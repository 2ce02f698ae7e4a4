#include "desks/person.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/idmap.h"
#include "ledger/lookup.h"

enum { TWINS = 200, MERGES = 16 /* one after the other */, NUMBERS = 20 /* turns of a round */ };

static const struct register_decl *people(const struct ledger *l) {
    return register_find(l->catalog, TEXT("person"));
}

static int query_ids(struct db *db, const char *sql, const struct value *params, size_t n, struct arena *a, int64_t **ret, size_t *ret_n, struct error *err) {
    struct db_cursor *c = NULL;
    const struct value *row;
    size_t k = 0, cap = 0;
    int64_t *ids = NULL;
    int rc = db_query(db, sql, params, n, &c, err);
    while (!rc && (rc = db_next(c, &row, err)) > 0) {
        rc = 0;
        if (!arena_room(a, &ids, &cap, k + 1, sizeof *ids)) {
            rc = error_memory(err);
            break;
        }
        ids[k++] = row[0].i;
    }
    db_cursor_close(c);
    if (rc < 0) return rc;
    *ret = ids;
    *ret_n = k;
    return 0;
}

struct children {
    struct arena *a;
    struct person_child *items;
    size_t n, cap;
};

static int child_add(struct children *x, struct person_child c, struct error *err) {
    if (!arena_room(x->a, &x->items, &x->cap, x->n + 1, sizeof *x->items)) return error_memory(err);
    x->items[x->n++] = c;
    return 0;
}

static int add_children(struct db *db, const struct register_decl *reg, int field, int64_t person, struct children *x, struct error *err) {
    char sql[256];
    struct value param = value_int(person);
    int64_t *ids = NULL;
    size_t k = 0;
    snprintf(sql, sizeof sql, "SELECT \"id\" FROM \"%s\" WHERE \"%s\" = ?1 ORDER BY \"id\"", reg->name.s, reg->fields[field].name.s);
    int rc = query_ids(db, sql, &param, 1, x->a, &ids, &k, err);
    for (size_t i = 0; !rc && i < k; i++) rc = child_add(x, (struct person_child){reg, ids[i], field}, err);
    return rc;
}

int person_children(struct ledger *l, struct db *db, int64_t person, struct arena *a, struct person_child **ret, size_t *ret_n, struct error *err) {
    struct children x = {.a = a};
    for (size_t r = 0; r < l->catalog->n_registers; r++) {
        const struct register_decl *reg = &l->catalog->registers[r];
        for (size_t i = 0; i < reg->n_fields; i++) {
            if (reg->fields[i].type != FIELD_REFERENCE || !text_is(reg->fields[i].target, "person")) continue;
            if (reg == people(l)) continue; /* merged_into is the merge itself */
            int rc = add_children(db ? db : l->db, reg, (int)i, person, &x, err);
            if (rc < 0) return rc;
        }
    }
    *ret = x.items;
    *ret_n = x.n;
    return 0;
}

enum { TOGETHER = 128 };

struct merged {
    int64_t *ids;
    const int64_t *was;
    size_t n;
    bool any;
};

static int merged_row(void *arg, const struct value *row, struct error *err) {
    struct merged *m = arg;
    (void)err;
    for (size_t i = 0; i < m->n; i++)
        if (m->was[i] == row[0].i) m->ids[i] = row[1].i, m->any = true;
    return 0;
}

/* The sign keeps a young table's statistics from choosing the index of those that were merged. */
static int merged_once(struct db *db, int64_t *ids, size_t n, bool *ret_any, struct error *err) {
    int64_t was[TOGETHER], asked[TOGETHER];
    memcpy(was, ids, n * sizeof *was);
    memcpy(asked, ids, n * sizeof *asked);
    struct merged m = {.ids = ids, .was = was, .n = n};
    int rc = db_query_in(db, "SELECT \"id\",\"merged_into\" FROM \"person\" WHERE \"id\"", " AND +\"merged_into\" IS NOT NULL", asked, ids_distinct(asked, n), merged_row, &m, err);
    *ret_any = m.any;
    return rc;
}

int person_now(struct db *db, int64_t *ids, size_t n, struct error *err) {
    int rc = 0;
    for (size_t from = 0; !rc && from < n; from += TOGETHER) {
        bool any = true;
        for (int round = 0; !rc && any && round < MERGES; round++) {
            any = false;
            rc = merged_once(db, ids + from, n - from < TOGETHER ? n - from : TOGETHER, &any, err);
        }
    }
    return rc;
}

static int id_cmp(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Who carries this hash, ascending; those that were merged are who they were merged into. Of very many the first `limit`. */
static int carriers(struct db *db, enum field_blind kind, int64_t hash, size_t limit, struct arena *a, int64_t **ret, size_t *ret_n, struct error *err) {
    int64_t *ids = NULL;
    size_t n = 0, k = 0;
    int rc = lookup_find(db, lookup_blind(kind), hash, limit, a, &ids, &n, err);
    if (!rc) rc = person_now(db, ids, n, err);
    if (rc < 0) return rc;
    if (n) qsort(ids, n, sizeof *ids, id_cmp);
    for (size_t i = 0; i < n; i++)
        if (!k || ids[k - 1] != ids[i]) ids[k++] = ids[i];
    *ret = ids;
    *ret_n = k;
    return 0;
}

int person_find(struct ledger *l, struct db *db, enum field_blind kind, struct text clear, struct arena *a, int64_t **ret, size_t *ret_n, struct error *err) {
    int64_t hash = 0;
    *ret_n = 0;
    *ret = NULL;
    return vault_blind(l->vault, kind, clear, &hash) ? carriers(db ? db : l->db, kind, hash, 0, a, ret, ret_n, err) : 0;
}

/* The clear text of the person's blind-indexed fields, through the vault and not through access: only hashes leave here. */
static int blind_hashes(struct ledger *l, struct db *db, const struct record *r, struct arena *a, int *kinds, int64_t *hashes, size_t *ret_n, struct error *err) {
    struct session inside = {.account = TEXT("system"), .n_grants = 1, .grants = &(struct grant){.role = TEXT("root")}, .purpose = TEXT("matching")};
    struct record copy = *r;
    copy.values = arena_alloc(a, r->reg->n_fields * sizeof *copy.values);
    if (!copy.values) return error_memory(err);
    memcpy(copy.values, r->values, r->reg->n_fields * sizeof *copy.values);
    size_t n = 0;
    int rc = record_open(l, db, &inside, &copy, a, err);
    for (size_t i = 0; !rc && i < r->reg->n_fields && n < 8; i++) {
        const struct field *f = &r->reg->fields[i];
        if (f->blind && copy.values[i].kind == VALUE_TEXT && vault_blind(l->vault, f->blind, value_view(copy.values[i]), &hashes[n])) kinds[n++] = (int)f->blind;
    }
    if (rc < 0) return rc;
    *ret_n = n;
    return 0;
}

int person_sharing(struct ledger *l, struct db *db, int64_t person, size_t limit, struct arena *a, struct person_shared *shared, size_t n, struct error *err) {
    struct session inside = {.account = TEXT("system"), .n_grants = 1, .grants = &(struct grant){.role = TEXT("root")}};
    struct record r;
    int kinds[8];
    int64_t hashes[8];
    size_t n_hashes = 0;
    for (size_t i = 0; i < n; i++) shared[i].n = 0;
    int rc = record_get(l, db, &inside, people(l), person, a, &r, err);
    if (rc == 0) rc = blind_hashes(l, db, &r, a, kinds, hashes, &n_hashes, err);
    for (size_t i = 0; rc == 0 && i < n; i++)
        for (size_t k = 0; rc == 0 && k < n_hashes; k++)
            if (kinds[k] == (int)shared[i].kind) rc = carriers(db ? db : l->db, shared[i].kind, hashes[k], limit, a, &shared[i].ids, &shared[i].n, err);
    return rc;
}

const struct similar person_same_words = {.zh = {"证件相同，可能是同一人（person merge）", sizeof "证件相同，可能是同一人（person merge）" - 1},
                                          .en = {"the same document, so perhaps the same person (person merge)", sizeof "the same document, so perhaps the same person (person merge)" - 1}};

/* Whom the session may not read is left out. */
static int twins_seen(struct ledger *l, struct db *db, const struct session *s, struct arena *a, struct person_twin *twins, size_t *n, struct error *err) {
    size_t kept = 0;
    int rc = 0;
    for (size_t i = 0; rc >= 0 && i < *n; i++) {
        struct record r;
        rc = record_seek(l, db, s, people(l), twins[i].person, a, &r, err);
        if (rc <= 0) continue;
        twins[kept] = twins[i];
        twins[kept++].number = r.number;
    }
    *n = kept;
    return rc < 0 ? rc : 0;
}

/* only: by this kind alone; BLIND_NONE: by any. */
static int twins_by(struct ledger *l, struct db *db, const struct session *s, int64_t person, enum field_blind only, struct arena *a, struct person_twin **ret, size_t *ret_n,
                    struct error *err) {
    struct session inside = {.account = TEXT("system"), .n_grants = 1, .grants = &(struct grant){.role = TEXT("root")}};
    struct record r;
    int kinds[8];
    int64_t hashes[8];
    size_t n = 0, n_twins = 0, cap = 0;
    struct person_twin *twins = NULL;
    int rc = record_get(l, db, &inside, people(l), person, a, &r, err);
    if (!rc) rc = blind_hashes(l, db, &r, a, kinds, hashes, &n, err);
    for (size_t i = 0; !rc && i < n; i++) {
        int64_t *ids = NULL;
        size_t k = 0;
        if (kinds[i] == BLIND_ADDRESS || (only && kinds[i] != (int)only)) continue; /* who lives there is not who it is */
        rc = carriers(db ? db : l->db, (enum field_blind)kinds[i], hashes[i], TWINS, a, &ids, &k, err);
        for (size_t j = 0; !rc && j < k; j++) {
            size_t t = 0;
            if (ids[j] == person) continue;
            while (t < n_twins && twins[t].person != ids[j]) t++;
            if (!arena_room(a, &twins, &cap, t + 1, sizeof *twins)) return error_memory(err);
            if (t == n_twins) twins[n_twins++] = (struct person_twin){.person = ids[j]};
            if (kinds[i] == BLIND_DOCUMENT) twins[t].document = true;
            if (kinds[i] == BLIND_PHONE) twins[t].phone = true;
            if (kinds[i] == BLIND_NAME) twins[t].name = true;
        }
    }
    if (!rc) rc = twins_seen(l, db, s, a, twins, &n_twins, err);
    if (rc < 0) return rc;
    *ret = twins;
    *ret_n = n_twins;
    return 0;
}

int person_twins(struct ledger *l, struct db *db, const struct session *s, int64_t person, struct arena *a, struct person_twin **ret, size_t *ret_n, struct error *err) {
    return twins_by(l, db, s, person, BLIND_NONE, a, ret, ret_n, err);
}

int person_same_document(struct ledger *l, struct db *db, const struct session *s, int64_t person, struct arena *a, struct person_twin *ret, struct error *err) {
    struct person_twin *twins = NULL;
    size_t n = 0;
    int rc = twins_by(l, db, s, person, BLIND_DOCUMENT, a, &twins, &n, err);
    if (rc < 0 || !n) return rc;
    *ret = twins[0];
    return 1;
}

/* ---- merge */

/* The field that numbers what a person has of a kind (turns of a round): the integer of a key that has the person; -1 none. */
static int number_field(const struct person_child *c) {
    int number = -1;
    bool of_person = false;
    for (size_t i = 0; i < c->reg->n_key; i++) {
        if (c->reg->fields[c->reg->key[i]].type == FIELD_INTEGER) number = c->reg->key[i];
        of_person |= c->reg->key[i] == c->field;
    }
    return of_person ? number : -1;
}

/* The first number that is free among what `to` has, or the record's own: it is found as his from now on. False: it keeps what it has. */
static bool renumber(struct ledger *l, const struct session *s, const struct person_child *c, int number, int64_t to, struct draft *d, struct arena *a, int *rc, struct error *err) {
    struct record r;
    bool free = false;
    if ((*rc = record_get(l, l->db, s, c->reg, c->id, a, &r, err)) < 0) return false;
    struct value *values = arena_alloc(a, (c->reg->n_fields + 1) * sizeof *values);
    if (!values) return *rc = error_memory(err), false;
    memcpy(values, r.values, c->reg->n_fields * sizeof *values);
    values[c->field] = value_int(to);
    for (int64_t k = 1; !*rc && !free && k <= NUMBERS; k++) {
        int64_t key = 0, *ids = NULL;
        size_t n = 0;
        values[number] = value_int(k);
        if (!record_natural_key(c->reg, (struct text){"", 0}, values, &key)) return false;
        *rc = lookup_find(l->db, lookup_key(c->reg->name), key, 1, a, &ids, &n, err);
        free = !*rc && (!n || ids[0] == c->id);
    }
    if (free) d->values[number] = values[number];
    return free;
}

static int change_reference(struct ledger *l, const struct session *s, const struct person_child *c, int64_t to, struct arena *a, struct error *err) {
    struct draft *d = draft_new(a, c->reg, DRAFT_CHANGE);
    int number = number_field(c), rc = 0;
    if (!d) return error_memory(err);
    d->id = c->id;
    d->unfix = number >= 0 && renumber(l, s, c, number, to, d, a, &rc, err);
    d->keep_key = !d->unfix;
    d->values[c->field] = value_int(to);
    return rc < 0 ? rc : record_write(l, s, &d, 1, err);
}

static int set_merged(struct ledger *l, const struct session *s, int64_t person, struct value into, struct arena *a, struct error *err) {
    struct draft *d = draft_new(a, people(l), DRAFT_CHANGE);
    if (!d) return error_memory(err);
    d->id = person;
    int rc = draft_put(d, "merged_into", into, err);
    return rc < 0 ? rc : record_write(l, s, &d, 1, err);
}

static bool is_merged(const struct record *r) {
    return record_cell(r, "merged_into").kind == VALUE_INT;
}

/* The list of what was moved travels in the journal entry: register, id and field of each. */
static int note_merge(struct ledger *l, const struct session *s, enum journal_verb verb, int64_t into, int64_t from, const struct person_child *list, size_t n,
                      struct error *err) {
    struct buf cells = {0};
    journal_cells(&cells, 1, value_int(into));
    for (size_t i = 0; i < n; i++) {
        journal_cells(&cells, 2, value_text(list[i].reg->name));
        journal_cells(&cells, 3, value_int(list[i].id));
        journal_cells(&cells, 4, value_text(list[i].reg->fields[list[i].field].name));
    }
    journal_cells_end(&cells);
    int64_t seq = 0;
    struct journal_entry e = {.at = s->now, .verb = verb, .actor = s->account, .reason = s->reason, .reg = TEXT("person"), .record = from, .after = buf_view(&cells)};
    int rc = cells.failed ? error_memory(err) : journal_append(&l->journal, &e, &seq, err);
    buf_clear(&cells);
    char name[48], digits[24];
    snprintf(name, sizeof name, "merge:%lld", (long long)from);
    snprintf(digits, sizeof digits, "%lld", (long long)seq);
    return rc ? rc : ledger_set(l, name, text_of(verb == JOURNAL_MERGE ? digits : ""), err);
}

static int known_still(struct ledger *l, int64_t person, struct error *err) {
    struct vault_key key;
    int rc = vault_person_key(l->vault, l->db, person, &key, err);
    explicit_bzero(&key, sizeof key);
    return rc != E_UNKNOWN ? rc : error_set(err, E_CONFLICT, "person", "%lld was erased: nobody can be merged with who is not known / %lld 的个人信息已删除,不能合并", (long long)person, (long long)person);
}

int person_merge(struct ledger *l, const struct session *s, int64_t into, int64_t from, int64_t *ret_moved, struct error *err) {
    struct arena a = {0};
    struct record target, source;
    struct person_child *list = NULL;
    size_t n = 0;
    if (into == from) return error_set(err, E_CONFLICT, "person", "cannot be merged into itself / 不能并入自身");
    int rc = ledger_begin(l, err);
    if (rc < 0) return rc;
    rc = record_get(l, l->db, s, people(l), into, &a, &target, err);
    if (!rc) rc = record_get(l, l->db, s, people(l), from, &a, &source, err);
    if (!rc) rc = access_check(s, ACCESS_WRITE, people(l), target.region, err);
    if (!rc) rc = access_check(s, ACCESS_WRITE, people(l), source.region, err);
    if (!rc && (is_merged(&target) || is_merged(&source))) rc = error_set(err, E_CONFLICT, "person", "is merged into another already / 已并入他人");
    if (!rc) rc = known_still(l, into, err);
    if (!rc) rc = known_still(l, from, err);
    if (!rc) rc = person_children(l, l->db, from, &a, &list, &n, err);
    for (size_t i = 0; !rc && i < n; i++) rc = change_reference(l, s, &list[i], into, &a, err);
    if (!rc) rc = book_rehold(l, from, into, NULL, 0, err);
    if (!rc) rc = book_replay(l, s, into, err);
    if (!rc) rc = set_merged(l, s, from, value_int(into), &a, err);
    if (!rc) rc = note_merge(l, s, JOURNAL_MERGE, into, from, list, n, err);
    rc = ledger_end(l, rc, s->now, err);
    if (!rc && ret_moved) *ret_moved = (int64_t)n;
    arena_clear(&a);
    return rc;
}

/* Reads back what note_merge wrote. */
static int read_merge(struct ledger *l, int64_t from, struct arena *a, int64_t *ret_into, instant *ret_at, struct children *ret, struct error *err) {
    char name[48];
    struct text seq_text = {0};
    int64_t seq = 0;
    snprintf(name, sizeof name, "merge:%lld", (long long)from);
    int rc = ledger_setting(l, l->db, name, a, &seq_text, err);
    if (rc < 0) return rc;
    if (!seq_text.n || !text_int(seq_text, &seq)) return error_set(err, E_CONFLICT, "person", "was not merged / 该人员未被合并");
    struct journal_entry e;
    rc = journal_read(l->db, seq, a, &e, err);
    if (!rc) *ret_at = e.at;
    struct person_child c = {0};
    size_t pos = 0, code = 0;
    struct value v;
    while (!rc && (rc = journal_cells_next(e.after, &pos, &code, &v, err)) > 0) {
        rc = 0;
        if (code == 1) *ret_into = v.i;
        if (code == 2) c.reg = register_find(l->catalog, value_view(v));
        if (code == 3) c.id = v.i;
        if (code != 4 || !c.reg) continue;
        c.field = register_field(c.reg, value_view(v));
        if (c.field >= 0) rc = child_add(ret, c, err);
        if (rc < 0) break;
    }
    return rc;
}

/* Records made since the merge that took their person from the one moved: a stay of a contact, a test of it. */
static int add_copies(struct ledger *l, const struct person_child *moved, const struct register_decl *reg, int field, instant since, struct children *x, struct error *err) {
    const struct field *f = &reg->fields[field];
    struct value params[] = {value_int(moved->id), value_int(since)};
    char sql[256];
    int64_t *ids = NULL;
    size_t k = 0;
    if (f->copy_reference < 0 || f->copy_field != moved->field || !text_eq(reg->fields[f->copy_reference].target, moved->reg->name)) return 0;
    snprintf(sql, sizeof sql, "SELECT \"id\" FROM \"%s\" WHERE \"%s\" = ?1 AND \"created_at\" >= ?2 ORDER BY \"id\"", reg->name.s, reg->fields[f->copy_reference].name.s);
    int rc = query_ids(l->db, sql, params, 2, x->a, &ids, &k, err);
    for (size_t i = 0; !rc && i < k; i++) {
        bool known = false;
        for (size_t j = 0; j < x->n && !known; j++) known = x->items[j].reg == reg && x->items[j].id == ids[i] && x->items[j].field == field;
        if (!known) rc = child_add(x, (struct person_child){reg, ids[i], field}, err);
    }
    return rc;
}

/* What goes with those that go, and with these again. */
static int add_all_copies(struct ledger *l, instant since, struct children *x, struct error *err) {
    int rc = 0;
    for (size_t i = 0; !rc && i < x->n; i++) {
        struct person_child moved = x->items[i];
        for (size_t r = 0; !rc && r < l->catalog->n_registers; r++) {
            const struct register_decl *reg = &l->catalog->registers[r];
            for (size_t f = 0; !rc && f < reg->n_fields; f++) rc = add_copies(l, &moved, reg, (int)f, since, x, err);
        }
    }
    return rc;
}

int person_unmerge(struct ledger *l, const struct session *s, int64_t person, int64_t *ret_moved, struct error *err) {
    struct arena a = {0};
    struct record source, target;
    struct children list = {.a = &a};
    int64_t into = 0, now = 0, moved = 0;
    instant at = 0;
    int rc = ledger_begin(l, err);
    if (rc < 0) return rc;
    rc = record_get(l, l->db, s, people(l), person, &a, &source, err);
    if (!rc) rc = read_merge(l, person, &a, &into, &at, &list, err);
    if (!rc) rc = add_all_copies(l, at, &list, err);
    if (!rc) rc = record_get(l, l->db, s, people(l), into, &a, &target, err);
    now = into; /* who was merged on since: what came with him is there */
    if (!rc) rc = person_now(l->db, &now, 1, err);
    for (size_t i = 0; !rc && i < list.n; i++) {
        const struct person_child *c = &list.items[i];
        struct record r;
        struct error gone = {0};
        if (record_get(l, l->db, s, c->reg, c->id, &a, &r, &gone) < 0) continue; /* removed since */
        int64_t held = value_int_or(r.values[c->field], 0);
        if (held != into && held != now) continue; /* moved on since, or back */
        rc = change_reference(l, s, c, person, &a, err);
        moved++;
    }
    if (!rc) rc = book_replay(l, s, person, err);
    if (!rc) rc = book_replay(l, s, into, err);
    if (!rc && now != into) rc = book_replay(l, s, now, err);
    if (!rc) rc = set_merged(l, s, person, value_null(), &a, err);
    if (!rc) rc = note_merge(l, s, JOURNAL_UNMERGE, into, person, NULL, 0, err);
    rc = ledger_end(l, rc, s->now, err);
    if (!rc && ret_moved) *ret_moved = moved;
    arena_clear(&a);
    return rc;
}

/* ---- erasure */

/* Out of the lookup without a trace, while the person can still be opened. */
static int erase_found(struct ledger *l, const struct record *r, struct arena *a, struct error *err) {
    int kinds[8];
    int64_t hashes[8];
    struct lookup_entry gone[9];
    size_t n = 0;
    int rc = blind_hashes(l, l->db, r, a, kinds, hashes, &n, err);
    for (size_t i = 0; i < n; i++) gone[i] = lookup_entry_of(lookup_blind((enum field_blind)kinds[i]), hashes[i], r->id);
    if (r->key) gone[n++] = lookup_entry_of(lookup_key(r->reg->name), r->key, r->id); /* the key under which others know him: who comes again is somebody new */
    return rc ? rc : lookup_drop(l->lookup, l->db, gone, n, true, err);
}

static int erase_one(struct ledger *l, const struct session *s, const struct record *r, struct arena *a, struct error *err) {
    struct value param = value_int(r->id);
    int may = access_check(s, ACCESS_WRITE, r->reg, r->region, err);
    if (may < 0) return may;
    struct draft *d = draft_new(a, r->reg, DRAFT_CHANGE);
    if (!d) return error_memory(err);
    d->id = r->id;
    bool any = false;
    for (size_t i = 0; i < r->reg->n_fields; i++)
        if (!record_outlives(&r->reg->fields[i]) && value_given(r->values[i])) {
            d->values[i] = value_null();
            any = true;
        }
    int rc = any ? erase_found(l, r, a, err) : 0;
    if (!rc && any) rc = record_write(l, s, &d, 1, err);
    if (!rc) rc = db_run(l->db, "DELETE FROM \"vault_key\" WHERE \"person\" = ?1", &param, 1, NULL, err);
    struct journal_entry e = {.at = s->now, .verb = JOURNAL_ERASE, .actor = s->account, .reason = s->reason, .reg = TEXT("person"), .record = r->id, .region = r->region};
    if (!rc) rc = journal_append(&l->journal, &e, NULL, err);
    return rc;
}

/* With all who were merged into the person, and into those. */
static int erase_all(struct ledger *l, const struct session *s, const struct record *r, int depth, struct arena *a, struct error *err) {
    struct value param = value_int(r->id);
    int64_t *merged = NULL;
    size_t n = 0;
    int rc = query_ids(l->db, "SELECT \"id\" FROM \"person\" WHERE \"merged_into\" = ?1", &param, 1, a, &merged, &n, err);
    if (!rc) rc = erase_one(l, s, r, a, err);
    for (size_t i = 0; !rc && i < n && depth; i++) {
        struct record other;
        rc = record_get(l, l->db, s, people(l), merged[i], a, &other, err);
        if (!rc) rc = erase_all(l, s, &other, depth - 1, a, err);
    }
    return rc;
}

int person_erase(struct ledger *l, const struct session *s, int64_t person, struct error *err) {
    struct arena a = {0};
    struct record r;
    if (!text_trim(s->reason).n) return error_set(err, E_USAGE, "--reason", "erasing a person needs a reason / 删除个人信息须说明理由");
    int rc = ledger_begin(l, err);
    if (rc < 0) return rc;
    rc = record_get(l, l->db, s, people(l), person, &a, &r, err);
    int64_t into = rc ? 0 : value_int_or(record_cell(&r, "merged_into"), 0);
    if (into) rc = error_set(err, E_CONFLICT, "person", "is merged into %lld, who is the same: erase that one, or undo the merge first / 已并入 %lld,为同一人:请删除后者,或先撤销合并", (long long)into, (long long)into);
    if (!rc) rc = erase_all(l, s, &r, MERGES, &a, err);
    rc = ledger_end(l, rc, s->now, err);
    arena_clear(&a);
    return rc;
}
