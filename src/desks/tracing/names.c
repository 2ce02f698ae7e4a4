/* What a person of the registers is called in the visits: by the id of the record, or, when a door's platform has names of its own, as the record's visits_name says; and what those were called who were
 * merged into it. */
#include <stdio.h>
#include <string.h>

#include "desks/tracing/inside.h"

static bool has_names(const struct ledger *l) {
    const struct register_decl *reg = register_find(l->catalog, TEXT("person"));
    return reg && register_field(reg, TEXT("visits_name")) >= 0;
}

static void number_add(const struct visits *v, struct text name, uint32_t ret[TRACING_NUMBERS], size_t *n) {
    uint32_t id;
    bool known = *n == TRACING_NUMBERS || !name.n || !visits_find(v, VISITS_PERSON, name, &id);
    for (size_t i = 0; i < *n && !known; i++) known = ret[i] == id;
    if (!known) ret[(*n)++] = id;
}

static void number_add_id(const struct visits *v, int64_t person, uint32_t ret[TRACING_NUMBERS], size_t *n) {
    char name[24];
    snprintf(name, sizeof name, "%lld", (long long)person);
    number_add(v, text_of(name), ret, n);
}

int tracing_numbers(struct ledger *l, const struct visits *v, int64_t person, uint32_t ret[TRACING_NUMBERS], size_t *ret_n, struct error *err) {
    struct value param = value_int(person);
    struct db_cursor *c = NULL;
    const struct value *cells;
    size_t n = 0;
    int rc = 0;
    number_add_id(v, person, ret, &n);
    if (person > 0 && has_names(l)) rc = db_query(l->db, "SELECT id, visits_name FROM person WHERE id = ?1 OR merged_into = ?1", &param, 1, &c, err);
    while (c && rc == 0 && (rc = db_next(c, &cells, err)) > 0) {
        number_add_id(v, cells[0].i, ret, &n);
        if (cells[1].kind == VALUE_TEXT) number_add(v, value_view(cells[1]), ret, &n);
        rc = 0;
    }
    db_cursor_close(c);
    if (rc == 0) *ret_n = n;
    return rc;
}

int tracing_person_named(struct ledger *l, struct text name, int64_t *ret, struct error *err) {
    struct value param = value_text(name), v = value_null();
    struct arena a = {0};
    int rc = 0;
    *ret = 0;
    if (text_int(name, ret)) return 0;
    if (has_names(l)) rc = db_scalar(l->db, &a, "SELECT COALESCE(merged_into, id) FROM person WHERE visits_name = ?1 ORDER BY id LIMIT 1", &param, 1, &v, err);
    *ret = rc >= 0 ? value_int_or(v, 0) : 0;
    arena_clear(&a);
    return rc < 0 ? rc : 0;
}
