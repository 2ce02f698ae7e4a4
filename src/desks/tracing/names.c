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

/* Whose a name on a card is: a record's number is that record's, another name that of the card which had it first. Nobody sees where another was by writing that one's name on a card of his own. */
static int name_is_of(struct ledger *l, struct text name, int64_t person, struct arena *a, bool *ret, struct error *err) {
    struct value v = value_null(), id = value_null(), param = value_text(name);
    int64_t number;
    int rc = 0;
    if (text_int(name, &number)) {
        id = value_int(number);
        rc = db_scalar(l->db, a, "SELECT COALESCE(merged_into, id) FROM person WHERE id = ?1", &id, 1, &v, err);
    }
    if (rc >= 0 && v.kind != VALUE_INT) rc = db_scalar(l->db, a, "SELECT COALESCE(merged_into, id) FROM person WHERE visits_name = ?1 ORDER BY id LIMIT 1", &param, 1, &v, err);
    *ret = rc >= 0 && value_int_or(v, 0) == person;
    return rc < 0 ? rc : 0;
}

int tracing_numbers(struct ledger *l, const struct visits *v, int64_t person, uint32_t ret[TRACING_NUMBERS], size_t *ret_n, struct error *err) {
    struct value param = value_int(person);
    struct db_cursor *c = NULL;
    const struct value *cells;
    struct arena a = {0};
    struct text names[TRACING_NUMBERS];
    size_t n = 0, n_names = 0;
    int rc = 0;
    number_add_id(v, person, ret, &n);
    if (person > 0 && has_names(l)) rc = db_query(l->db, "SELECT id, visits_name FROM person WHERE id = ?1 OR merged_into = ?1", &param, 1, &c, err);
    while (c && rc == 0 && (rc = db_next(c, &cells, err)) > 0) {
        number_add_id(v, cells[0].i, ret, &n);
        rc = 0;
        if (cells[1].kind != VALUE_TEXT || n_names == TRACING_NUMBERS) continue;
        names[n_names] = arena_text(&a, value_view(cells[1]));
        if (!names[n_names++].s) rc = error_memory(err);
    }
    db_cursor_close(c);
    for (size_t i = 0; rc == 0 && i < n_names; i++) {
        bool own = false;
        rc = name_is_of(l, names[i], person, &a, &own, err);
        if (own) number_add(v, names[i], ret, &n);
    }
    arena_clear(&a);
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
