/* What a reference is called in a file. */
#include <stdio.h>
#include <string.h>

#include "desks/export/export.h"

enum { SLOTS = 4096, NAME_MAX_BYTES = 96 };

struct name_slot {
    int64_t id;
    size_t n;
    char s[NAME_MAX_BYTES];
};

struct export_names {
    struct ledger *l;
    struct db *db;
    const struct session *s;
    struct arena arena;
    struct name_slot slots[SLOTS]; /* ids are unique in the store: one cache for all registers */
};

int export_names_new(struct ledger *l, struct db *db, const struct session *s, struct export_names **ret, struct error *err) {
    struct export_names *n = mem_alloc(sizeof *n);
    if (!n) return error_set(err, E_MEMORY, NULL, "out of memory for names");
    n->l = l;
    n->db = db;
    n->s = s;
    *ret = n;
    return 0;
}

void export_names_free(struct export_names *n) {
    if (!n) return;
    arena_clear(&n->arena);
    mem_free(n);
}

static struct text name_of(const struct record *r) {
    static const char *const fields[] = {"title", "login", "code"};
    if (r->number.n) return r->number;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        int f = register_field(r->reg, text_of(fields[i]));
        if (f >= 0 && value_view(r->values[f]).n) return value_view(r->values[f]);
    }
    return (struct text){"", 0};
}

int export_name(struct export_names *n, struct text target, int64_t id, struct text *ret, struct error *err) {
    struct name_slot *slot = &n->slots[(uint64_t)id % SLOTS];
    if (!id) return *ret = (struct text){"", 0}, 0;
    if (slot->id != id) {
        const struct register_decl *reg = register_find(n->l->catalog, target);
        struct record r = {0};
        struct error unseen = {0};
        arena_reset(&n->arena);
        int rc = reg ? record_get(n->l, n->db, n->s, reg, id, &n->arena, &r, &unseen) : E_UNKNOWN;
        if (rc < 0 && rc != E_UNKNOWN && rc != E_DENIED) {
            if (err) *err = unseen;
            return rc;
        }
        struct text name = rc < 0 ? (struct text){"", 0} : name_of(&r);
        slot->id = id;
        if (rc == 0 && (!name.n || name.n > NAME_MAX_BYTES)) slot->n = (size_t)snprintf(slot->s, sizeof slot->s, "%lld", (long long)id);
        else memcpy(slot->s, name.s, slot->n = name.n);
    }
    *ret = (struct text){slot->s, slot->n};
    return 0;
}
