#include "ledger/proof.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/idmap.h"
#include "ledger/table.h"

enum { SHELVES = 1 << 16, TOGETHER = 100000, PROGRESS_EVERY = 1 << 16 };
/* What is hashed beside the cells that the journal has numbers for; none of these is one of those. */
enum { CELL_ENTRY = 5, CELL_MADE = 6, CELL_CHANGED = 7 };
/* Cells of a record that is followed: the first three, then its fields. */
enum { AT_REGION, AT_STATE, AT_NUMBER, AT_FIELDS };

struct shelf {
    uint64_t sum[2];
    uint32_t rows, entries;
};

struct bits {
    unsigned char *p;
    size_t n; /* bytes */
};

struct followed {
    int64_t id, import, entry, key;
    instant made, changed;
    int32_t version;
    bool there, seen;
    struct text number;
    uint64_t cells[];
};

struct proof {
    struct ledger *l;
    struct db *db;
    unsigned char secret[crypto_shorthash_siphashx24_KEYBYTES];
    struct buf scratch;
    struct shelf *shelves;
    struct bits last, alive; /* entries that rows point to; ids of rows */
    int16_t **field_of;      /* register, journal number -> field, -1 none */
    size_t *n_codes;
    const struct reg_table *t; /* of the entry or row at hand */
    /* the shelves that are followed, or NULL: all are summed */
    const unsigned char *wanted;
    struct arena a;
    struct idmap *records; /* by register */
    struct proof_report *report;
    struct error *err;
    int (*progress)(int64_t, void *);
    void *arg;
    int64_t read;
};

static size_t shelf_of(int64_t id) {
    return (size_t)((uint64_t)id * 0x9E3779B97F4A7C15u >> 48);
}

static void bit_set(struct bits *b, int64_t at) {
    if (at >= 0 && (uint64_t)at / 8 < b->n) b->p[at / 8] |= (unsigned char)(1 << at % 8);
}

static bool bit_of(const struct bits *b, int64_t at) {
    return at >= 0 && (uint64_t)at / 8 < b->n && b->p[at / 8] >> at % 8 & 1;
}

static int told(struct proof *x) {
    return ++x->read % PROGRESS_EVERY == 0 && x->progress ? x->progress(x->read, x->arg) : 0;
}

/* ---- hashes */

static void hash(struct proof *x, int64_t id, uint32_t code, int kind, const void *bytes, size_t n, uint64_t out[2]) {
    struct { int64_t id; uint32_t code, reg; int64_t kind; } head = {id, code, (uint32_t)x->t->reg->order, kind};
    buf_reset(&x->scratch);
    buf_add(&x->scratch, &head, sizeof head);
    buf_add(&x->scratch, bytes, n);
    crypto_shorthash_siphashx24((unsigned char *)out, (const unsigned char *)x->scratch.s, x->scratch.n, x->secret);
}

/* Nothing is zero. */
static void hash_value(struct proof *x, int64_t id, uint32_t code, struct value v, uint64_t out[2]) {
    out[0] = out[1] = 0;
    if (!value_given(v)) return;
    if (v.kind == VALUE_INT) hash(x, id, code, VALUE_INT, &v.i, sizeof v.i, out);
    else hash(x, id, code, v.kind, v.s, v.n, out);
}

static uint64_t hash_one(struct proof *x, int64_t id, uint32_t code, struct value v) {
    uint64_t h[2];
    hash_value(x, id, code, v, h);
    return h[0];
}

static void add(struct shelf *s, const uint64_t h[2], bool plus) {
    s->sum[0] += plus ? h[0] : 0 - h[0];
    s->sum[1] += plus ? h[1] : 0 - h[1];
}

static void add_value(struct proof *x, int64_t id, uint32_t code, struct value v, bool plus) {
    uint64_t h[2];
    if (!value_given(v)) return;
    hash_value(x, id, code, v, h);
    add(&x->shelves[shelf_of(id)], h, plus);
}

static void add_pair(struct proof *x, int64_t id, uint32_t code, int64_t first, int64_t second, bool plus) {
    int64_t pair[2] = {first, second};
    uint64_t h[2];
    hash(x, id, code, VALUE_INT, pair, sizeof pair, h);
    add(&x->shelves[shelf_of(id)], h, plus);
}

/* ---- where a cell of the journal belongs */

static int codes_read(struct proof *x, struct error *err) {
    size_t n = x->l->catalog->n_registers;
    x->field_of = arena_alloc(&x->report->arena, (n + 1) * sizeof *x->field_of);
    x->n_codes = arena_alloc(&x->report->arena, (n + 1) * sizeof *x->n_codes);
    x->records = arena_alloc(&x->report->arena, (n + 1) * sizeof *x->records);
    if (!x->field_of || !x->n_codes || !x->records) return error_memory(err);
    for (size_t r = 0; r < n; r++) {
        const struct reg_table *t = x->l->tables[r];
        size_t most = CELL_FIRST_FIELD;
        for (size_t i = 0; i < t->reg->n_fields; i++)
            if (t->cell_code[i] >= most) most = t->cell_code[i] + 1;
        x->field_of[r] = arena_alloc(&x->report->arena, most * sizeof **x->field_of);
        if (!x->field_of[r]) return error_memory(err);
        x->n_codes[r] = most;
        for (size_t k = 0; k < most; k++) x->field_of[r][k] = -1;
        for (size_t i = 0; i < t->reg->n_fields; i++) x->field_of[r][t->cell_code[i]] = (int16_t)i;
    }
    return 0;
}

/* Its field, or -1: of every register, or declared no more. */
static int field_of(const struct proof *x, size_t code) {
    size_t r = x->t->reg->order;
    return code >= CELL_FIRST_FIELD && code < x->n_codes[r] ? x->field_of[r][code] : -1;
}

static bool tells_of_a_record(struct proof *x, const struct journal_entry *e) {
    if (e->verb != JOURNAL_CREATE && e->verb != JOURNAL_CHANGE && e->verb != JOURNAL_MOVE && e->verb != JOURNAL_REMOVE) return false;
    if (x->t && text_eq(x->t->reg->name, e->reg)) return true;
    const struct register_decl *reg = register_find(x->l->catalog, e->reg);
    x->t = reg ? x->l->tables[reg->order] : NULL;
    return reg != NULL;
}

/* ---- everything, summed */

static int sum_cells(struct proof *x, const struct journal_entry *e, struct text cells, bool plus) {
    size_t pos = 0, code = 0;
    struct value v;
    int rc = 0;
    if (!cells.n) return 0;
    while ((rc = journal_cells_next(cells, &pos, &code, &v, x->err)) > 0) {
        if (code == CELL_KEY) {
            if (e->verb == JOURNAL_CREATE && bit_of(&x->last, e->seq)) add_value(x, e->record, CELL_KEY, v, plus);
        } else if (code < CELL_FIRST_FIELD || field_of(x, code) >= 0) {
            add_value(x, e->record, (uint32_t)code, v, plus);
        }
    }
    return rc;
}

/* What the entry put there is taken away, what it took is given back: rows were added before. */
static int sum_entry(const struct journal_entry *e, void *arg) {
    struct proof *x = arg;
    int rc = told(x);
    x->report->entries++;
    if (rc < 0 || !tells_of_a_record(x, e)) return rc;
    x->shelves[shelf_of(e->record)].entries++;
    if (e->verb == JOURNAL_CREATE && bit_of(&x->alive, e->record)) add_pair(x, e->record, CELL_MADE, e->at, e->import, false);
    if (e->verb != JOURNAL_REMOVE) add_pair(x, e->record, CELL_ENTRY, e->version, e->seq, false);
    if (e->verb != JOURNAL_CREATE) add_pair(x, e->record, CELL_ENTRY, e->verb == JOURNAL_REMOVE ? e->version : e->version - 1, e->previous, true);
    if (bit_of(&x->last, e->seq)) add_value(x, e->record, CELL_CHANGED, value_int(e->at), false);
    rc = sum_cells(x, e, e->before, true);
    if (!rc) rc = sum_cells(x, e, e->after, false);
    return rc ? rc : x->scratch.failed ? error_memory(x->err) : 0;
}

static int sum_row(struct proof *x, const struct value *row) {
    const struct reg_table *t = x->t;
    int64_t id = value_int_or(row[COL_ID], 0), version = value_int_or(row[COL_VERSION], -1);
    x->shelves[shelf_of(id)].rows++;
    bit_set(&x->alive, id);
    bit_set(&x->last, value_int_or(row[COL_ENTRY], -1));
    add_pair(x, id, CELL_ENTRY, version, value_int_or(row[COL_ENTRY], -1), true);
    add_pair(x, id, CELL_MADE, value_int_or(row[COL_CREATED_AT], -1), value_int_or(row[COL_IMPORT], 0), true);
    add_value(x, id, CELL_CHANGED, row[COL_CHANGED_AT], true);
    if (value_view(row[COL_REGION]).n) add_value(x, id, CELL_REGION, row[COL_REGION], true);
    if (row[COL_STATE].kind != VALUE_TEXT || row[COL_STATE].n) add_value(x, id, CELL_STATE, row[COL_STATE], true);
    if (row[COL_NUMBER].kind != VALUE_TEXT || row[COL_NUMBER].n) add_value(x, id, CELL_NUMBER, row[COL_NUMBER], true);
    if (version == 1) add_value(x, id, CELL_KEY, row[COL_KEY], true);
    for (size_t i = 0; i < t->reg->n_fields; i++) add_value(x, id, t->cell_code[i], row[RECORD_SYSTEM_COLUMNS + i], true);
    return x->scratch.failed ? error_memory(x->err) : 0;
}

/* ---- some, followed one by one */

static int find(struct proof *x, enum proof_kind kind, int64_t id, struct text number, const char *field, int64_t entry) {
    struct proof_report *r = x->report;
    if (r->n == PROOF_MOST) {
        r->more = true;
        return 0;
    }
    struct text kept = arena_text(&r->arena, number);
    if (!kept.s) return error_memory(x->err);
    r->list[r->n++] = (struct proof_finding){kind, x->t->reg, id, entry, kept, field};
    return 0;
}

static struct followed *follow(struct proof *x, int64_t id, bool make) {
    struct idmap *m = &x->records[x->t->reg->order];
    struct idmap_slot *slot = make ? idmap_put(m, &x->a, id, NULL) : idmap_find(m, id);
    if (!slot || slot->value.p || !make) return slot ? slot->value.p : NULL;
    struct followed *f = arena_alloc(&x->a, sizeof *f + (AT_FIELDS + x->t->reg->n_fields) * sizeof *f->cells);
    if (f) f->id = id;
    slot->value.p = f;
    return f;
}

/* Where the hash of a journal's cell is kept; NULL: not followed. */
static uint64_t *place_of(const struct proof *x, struct followed *f, size_t code, const char **ret_name) {
    static const char *const names[] = {"region", "state", "number"};
    int at = code >= CELL_REGION && code <= CELL_NUMBER ? (int)code - CELL_REGION : field_of(x, code) < 0 ? -1 : AT_FIELDS + field_of(x, code);
    if (at < 0) return NULL;
    *ret_name = at < AT_FIELDS ? names[at] : x->t->reg->fields[at - AT_FIELDS].name.s;
    return &f->cells[at];
}

static int follow_cells(struct proof *x, struct followed *f, const struct journal_entry *e, struct text cells, bool after) {
    size_t pos = 0, code = 0;
    const char *name = "";
    struct value v;
    int rc = 0;
    if (!cells.n) return 0;
    while ((rc = journal_cells_next(cells, &pos, &code, &v, x->err)) > 0) {
        uint64_t *at = place_of(x, f, code, &name), h = at ? hash_one(x, f->id, (uint32_t)code, v) : 0;
        rc = 0;
        if (code == CELL_KEY && e->verb == JOURNAL_CREATE) f->key = v.i;
        if (code == CELL_NUMBER && after && !(f->number = arena_text(&x->a, value_view(v))).s) return error_memory(x->err);
        if (at && after) *at = h;
        else if (at && *at != h) rc = find(x, PROOF_BEFORE, f->id, f->number, name, e->seq);
        if (rc < 0) return rc;
    }
    return rc;
}

static int follow_entry(const struct journal_entry *e, void *arg) {
    struct proof *x = arg;
    int rc = told(x);
    if (rc < 0 || !x->wanted[shelf_of(e->record)] || !tells_of_a_record(x, e)) return rc;
    struct followed *f = follow(x, e->record, true);
    if (!f) return error_memory(x->err);
    int32_t was = e->verb == JOURNAL_REMOVE ? e->version : e->version - 1;
    if (e->verb == JOURNAL_CREATE) {
        f->made = e->at;
        f->import = e->import;
    } else {
        if (f->version != was) rc = find(x, PROOF_BEFORE, f->id, f->number, "version", e->seq);
        if (!rc && f->entry != e->previous) rc = find(x, PROOF_BEFORE, f->id, f->number, "entry", e->seq);
    }
    f->there = e->verb != JOURNAL_REMOVE;
    f->version = e->version;
    f->entry = e->seq;
    f->changed = e->at;
    if (!rc) rc = follow_cells(x, f, e, e->before, false);
    if (!rc) rc = follow_cells(x, f, e, e->after, true);
    return rc ? rc : x->scratch.failed ? error_memory(x->err) : 0;
}

static int compare(struct proof *x, const struct followed *f, const struct value *row) {
    const struct reg_table *t = x->t;
    struct value region = value_view(row[COL_REGION]).n ? row[COL_REGION] : value_null();
    struct value state = row[COL_STATE].kind == VALUE_TEXT && !row[COL_STATE].n ? value_null() : row[COL_STATE];
    struct value number = row[COL_NUMBER].kind == VALUE_TEXT && !row[COL_NUMBER].n ? value_null() : row[COL_NUMBER];
    int64_t none = -1;
    const struct { const char *name; bool same; } system[] = {
        {"region", f->cells[AT_REGION] == hash_one(x, f->id, CELL_REGION, region)},
        {"version", f->version == value_int_or(row[COL_VERSION], none)},
        {"state", f->cells[AT_STATE] == hash_one(x, f->id, CELL_STATE, state)},
        {"number", f->cells[AT_NUMBER] == hash_one(x, f->id, CELL_NUMBER, number)},
        {"key", f->version != 1 || f->key == value_int_or(row[COL_KEY], 0)},
        {"created_at", f->made == value_int_or(row[COL_CREATED_AT], none)},
        {"changed_at", f->changed == value_int_or(row[COL_CHANGED_AT], none)},
        {"import", f->import == value_int_or(row[COL_IMPORT], 0)},
        {"entry", f->entry == value_int_or(row[COL_ENTRY], none)}};
    int rc = 0;
    for (size_t i = 0; !rc && i < sizeof system / sizeof *system; i++)
        if (!system[i].same) rc = find(x, PROOF_CELL, f->id, f->number, system[i].name, f->entry);
    for (size_t i = 0; !rc && i < t->reg->n_fields; i++)
        if (f->cells[AT_FIELDS + i] != hash_one(x, f->id, t->cell_code[i], row[RECORD_SYSTEM_COLUMNS + i]))
            rc = find(x, PROOF_CELL, f->id, f->number, t->reg->fields[i].name.s, f->entry);
    return rc;
}

static int follow_row(struct proof *x, const struct value *row) {
    int64_t id = value_int_or(row[COL_ID], 0);
    if (!x->wanted[shelf_of(id)]) return 0;
    struct followed *f = follow(x, id, false);
    if (!f || !f->there) return find(x, PROOF_STRANGER, id, value_view(row[COL_NUMBER]), "", f ? f->entry : 0);
    if (f->seen) return find(x, PROOF_TWICE, id, f->number, "", f->entry);
    f->seen = true;
    int rc = compare(x, f, row);
    return rc ? rc : x->scratch.failed ? error_memory(x->err) : 0;
}

static int not_there(struct proof *x) {
    int rc = 0;
    for (size_t r = 0; r < x->l->catalog->n_registers; r++) {
        x->t = x->l->tables[r];
        for (size_t i = 0; !rc && i < x->records[r].cap; i++) {
            const struct followed *f = x->records[r].slots[i].used ? x->records[r].slots[i].value.p : NULL;
            if (f && f->there && !f->seen) rc = find(x, PROOF_MISSING, f->id, f->number, "", f->entry);
        }
    }
    return rc;
}

/* ---- passes */

static int each_row(struct proof *x, int (*visit)(struct proof *x, const struct value *row)) {
    int rc = 0;
    for (size_t r = 0; !rc && r < x->l->catalog->n_registers; r++) {
        struct db_cursor *c = NULL;
        struct buf sql = {0};
        const struct value *row;
        x->t = x->l->tables[r];
        buf_printf(&sql, "SELECT %s FROM \"%s\"", x->t->columns, x->t->reg->name.s);
        rc = sql.failed ? error_memory(x->err) : db_query(x->db, buf_cstr(&sql), NULL, 0, &c, x->err);
        while (!rc && (rc = db_next(c, &row, x->err)) > 0) {
            rc = told(x);
            if (!rc) rc = visit(x, row);
        }
        db_cursor_close(c);
        buf_clear(&sql);
    }
    return rc;
}

static int bits_make(struct proof *x, struct bits *b, size_t n) {
    b->p = mem_alloc(n);
    b->n = b->p ? n : 0;
    return b->p ? 0 : error_memory(x->err);
}

static int sum_all(struct proof *x) {
    struct value next = value_null();
    int rc = db_snapshot(x->db, x->err);
    if (rc < 0) return rc;
    rc = db_scalar(x->db, &x->a, "SELECT \"next\" FROM \"journal_tip\" WHERE \"id\" = 1", NULL, 0, &next, x->err);
    size_t n = (size_t)value_int_or(next, 0) / 8 + 1; /* each record has an entry at least: there are no more ids than entries */
    if (!rc) rc = bits_make(x, &x->last, n);
    if (!rc) rc = bits_make(x, &x->alive, n);
    if (!rc) rc = each_row(x, sum_row);
    x->t = NULL;
    if (!rc) rc = journal_scan(x->db, 1, INT64_MAX, sum_entry, x, x->err);
    db_snapshot_end(x->db);
    for (size_t i = 0; i < SHELVES; i++) {
        x->report->rows += x->shelves[i].rows;
        x->report->shelves += x->shelves[i].sum[0] || x->shelves[i].sum[1];
    }
    return rc;
}

static int follow_some(struct proof *x) {
    memset(x->records, 0, x->l->catalog->n_registers * sizeof *x->records);
    arena_reset(&x->a);
    x->t = NULL;
    int rc = db_snapshot(x->db, x->err);
    if (rc < 0) return rc;
    rc = journal_scan(x->db, 1, INT64_MAX, follow_entry, x, x->err);
    if (!rc) rc = each_row(x, follow_row);
    db_snapshot_end(x->db);
    return rc ? rc : not_there(x);
}

static int follow_all(struct proof *x) {
    unsigned char *wanted = mem_alloc(SHELVES);
    int rc = wanted ? 0 : error_memory(x->err);
    x->wanted = wanted;
    for (size_t i = 0; !rc && i < SHELVES;) {
        size_t many = 0, n = 0;
        memset(wanted, 0, SHELVES);
        for (; i < SHELVES && many < TOGETHER; i++) {
            const struct shelf *s = &x->shelves[i];
            if (!s->sum[0] && !s->sum[1]) continue;
            wanted[i] = 1;
            many += s->rows + s->entries;
            n++;
        }
        if (n && x->report->n == PROOF_MOST) x->report->more = true;
        if (!n || x->report->n == PROOF_MOST) break;
        rc = follow_some(x);
    }
    x->wanted = NULL;
    mem_free(wanted);
    return rc;
}

static int finding_cmp(const void *a, const void *b) {
    const struct proof_finding *x = a, *y = b;
    if (x->reg != y->reg) return x->reg->order < y->reg->order ? -1 : 1;
    return x->id != y->id ? (x->id > y->id) - (x->id < y->id) : (x->entry > y->entry) - (x->entry < y->entry);
}

int proof_records(struct ledger *l, struct db *db, int (*progress)(int64_t read, void *arg), void *arg, struct proof_report *ret, struct error *err) {
    struct proof_report r = {0};
    struct error own = {0};
    struct proof x = {.l = l, .db = db, .report = &r, .err = err ? err : &own, .progress = progress, .arg = arg};
    randombytes_buf(x.secret, sizeof x.secret);
    x.shelves = mem_alloc(SHELVES * sizeof *x.shelves);
    r.list = arena_alloc(&r.arena, PROOF_MOST * sizeof *r.list);
    int rc = x.shelves && r.list ? codes_read(&x, x.err) : error_memory(x.err);
    if (!rc) rc = sum_all(&x);
    if (!rc) rc = follow_all(&x);
    if (!rc && progress) rc = progress(x.read, arg);
    if (!rc && r.n) qsort(r.list, r.n, sizeof *r.list, finding_cmp);
    mem_free(x.shelves);
    mem_free(x.last.p);
    mem_free(x.alive.p);
    buf_clear(&x.scratch);
    arena_clear(&x.a);
    if (rc < 0) proof_clear(&r);
    else *ret = r;
    return rc;
}

void proof_clear(struct proof_report *r) {
    if (r) arena_clear(&r->arena);
}

void proof_words(const struct proof_finding *f, char *out, size_t n) {
    const struct register_decl *reg = f->reg;
    char who[160];
    const char *zh = reg->zh.s ? reg->zh.s : reg->name.s;
    long long id = (long long)f->id, entry = (long long)f->entry;
    snprintf(who, sizeof who, "%lld%s%.*s%s", id, f->number.n ? " (" : "", (int)(f->number.n < 60 ? f->number.n : 60), f->number.n ? f->number.s : "", f->number.n ? ")" : "");
    switch (f->kind) {
    case PROOF_CELL:
        snprintf(out, n, "%s %s: %s is not what entry %lld and those before it say / %s %s:%s 与第 %lld 条及之前的流水不符", reg->name.s, who, f->field, entry, zh, who, f->field, entry);
        break;
    case PROOF_STRANGER:
        snprintf(out, n, "%s %s stands in its table, but not in the journal / %s %s:表中有此记录,流水中没有", reg->name.s, who, zh, who);
        break;
    case PROOF_MISSING:
        snprintf(out, n, "%s %s is missing from its table, and nothing removed it / %s %s:表中缺此记录,流水中并未删除", reg->name.s, who, zh, who);
        break;
    case PROOF_TWICE:
        snprintf(out, n, "%s %s stands in its table twice / %s %s:表中有两条", reg->name.s, who, zh, who);
        break;
    case PROOF_BEFORE:
        snprintf(out, n, "%s %s: %s was not what the journal said when entry %lld changed it / %s %s:第 %lld 条更改时,%s 已与流水不符", reg->name.s, who, f->field, entry, zh, who, entry,
                 f->field);
        break;
    }
}
