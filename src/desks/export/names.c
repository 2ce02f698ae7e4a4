/* What a reference is called in a file. */
#include <stdio.h>
#include <string.h>

#include "base/idmap.h"
#include "desks/export/export.h"

enum { SLOTS = 4096, NAME_MAX_BYTES = 96 };

struct name_slot {
    int64_t id;
    size_t n;
    char s[NAME_MAX_BYTES];
};

struct doubles {
    struct idmap titles;
    bool known;
};

struct export_names {
    struct ledger *l;
    struct db *db;
    const struct session *s;
    struct arena arena, kept;
    struct doubles *doubles; /* by register */
    struct name_slot slots[SLOTS]; /* ids are unique in the store: one cache for all registers */
};

int export_names_new(struct ledger *l, struct db *db, const struct session *s, struct export_names **ret, struct error *err) {
    struct export_names *n = mem_alloc(sizeof *n);
    if (!n) return error_set(err, E_MEMORY, NULL, "out of memory for names");
    n->l = l;
    n->db = db;
    n->s = s;
    n->doubles = arena_alloc(&n->kept, (l->catalog->n_registers + 1) * sizeof *n->doubles);
    if (!n->doubles) {
        export_names_free(n);
        return error_set(err, E_MEMORY, NULL, "out of memory for names");
    }
    *ret = n;
    return 0;
}

void export_names_free(struct export_names *n) {
    if (!n) return;
    arena_clear(&n->arena);
    arena_clear(&n->kept);
    mem_free(n);
}

/* ret_field: which field it is of; -1 its number. */
static struct text name_of(const struct record *r, int *ret_field) {
    static const char *const fields[] = {"title", "login", "code"};
    *ret_field = -1;
    if (r->number.n) return r->number;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        int f = register_field(r->reg, text_of(fields[i]));
        if (f >= 0 && value_view(r->values[f]).n) return *ret_field = f, value_view(r->values[f]);
    }
    return (struct text){"", 0};
}

/* The titles that two records of a register have, read once. */
static int doubles_of(struct export_names *n, const struct register_decl *reg, int field, struct doubles **ret, struct error *err) {
    struct doubles *d = &n->doubles[reg->order];
    struct db_cursor *c = NULL;
    const struct value *row;
    char sql[200];
    *ret = d;
    if (d->known) return 0;
    snprintf(sql, sizeof sql, "SELECT \"%s\" FROM \"%s\" GROUP BY \"%s\" HAVING COUNT(*)>1", reg->fields[field].name.s, reg->name.s, reg->fields[field].name.s);
    int rc = db_query(n->db, sql, NULL, 0, &c, err);
    while (!rc && (rc = db_next(c, &row, err)) > 0)
        rc = idmap_put(&d->titles, &n->kept, digest_64(value_view(row[0])), NULL) ? 0 : error_set(err, E_MEMORY, NULL, "out of memory for names");
    db_cursor_close(c);
    d->known = !rc;
    return rc;
}

/* A title that two records have, or that reads as an id, names neither. */
static int only_one(struct export_names *n, const struct record *r, struct text name, int field, bool *ret, struct error *err) {
    struct doubles *d = NULL;
    int64_t number;
    *ret = !text_int(name, &number);
    int rc = *ret ? doubles_of(n, r->reg, field, &d, err) : 0;
    if (!rc && d) *ret = !idmap_find(&d->titles, digest_64(name));
    return rc;
}

int export_name(struct export_names *n, struct text target, int64_t id, struct text *ret, struct error *err) {
    struct name_slot *slot = &n->slots[(uint64_t)id % SLOTS];
    if (!id) return *ret = (struct text){"", 0}, 0;
    if (slot->id != id) {
        const struct register_decl *reg = register_find(n->l->catalog, target);
        struct record r = {0};
        struct error unseen = {0};
        int field = -1;
        arena_reset(&n->arena);
        int rc = reg ? record_get(n->l, n->db, n->s, reg, id, &n->arena, &r, &unseen) : E_UNKNOWN;
        if (rc < 0 && rc != E_UNKNOWN && rc != E_DENIED) {
            if (err) *err = unseen;
            return rc;
        }
        struct text name = rc < 0 ? (struct text){"", 0} : name_of(&r, &field);
        bool alone = true;
        if (rc == 0 && field >= 0) rc = only_one(n, &r, name, field, &alone, err);
        if (!alone) name = (struct text){"", 0};
        if (rc < 0 && rc != E_UNKNOWN && rc != E_DENIED) return rc;
        slot->id = id;
        if (rc == 0 && (!name.n || name.n > NAME_MAX_BYTES)) slot->n = (size_t)snprintf(slot->s, sizeof slot->s, "%lld", (long long)id);
        else memcpy(slot->s, name.s, slot->n = name.n);
    }
    *ret = (struct text){slot->s, slot->n};
    return 0;
}
