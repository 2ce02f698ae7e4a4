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

static int stored(struct referring *x) {
    struct buf sql = {0};
    struct db_cursor *c = NULL;
    const struct value *row;
    struct value id = value_int(x->id);
    buf_printf(&sql, "SELECT %s FROM \"%s\" WHERE \"%s\" = ?1", x->t->columns, x->t->reg->name.s, x->t->reg->fields[x->f].name.s);
    int rc = sql.failed ? error_memory(x->err) : db_query(x->l->db, buf_cstr(&sql), &id, 1, &c, x->err);
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

static int in_batch(struct referring *x) {
    const struct entry *e = x->l->apply ? apply_table_of(x->l->apply, x->t->reg)->first : NULL;
    int rc = 0;
    for (; !rc && e; e = e->next) {
        const struct value v = e->record.values[x->f];
        if (e->write == ENTRY_DELETE || e->write == ENTRY_NEVER || v.kind != VALUE_INT || v.i != x->id) continue;
        rc = keep(x, &e->record);
    }
    return rc;
}

static int by_id(const void *a, const void *b) {
    const struct record *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

int record_referring(struct ledger *l, const struct register_decl *reg, size_t f, int64_t id, struct arena *a, struct record **ret, size_t *ret_n, struct error *err) {
    struct referring x = {.l = l, .t = l->tables[reg->order], .f = f, .id = id, .a = a, .err = err};
    int rc = stored(&x);
    if (!rc) rc = in_batch(&x);
    if (rc < 0) return rc;
    if (x.n) qsort(x.list, x.n, sizeof *x.list, by_id);
    *ret = x.list;
    *ret_n = x.n;
    return 0;
}
