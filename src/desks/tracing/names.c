/* What a person or a place of the registers is called in the visits: by the id of the record, or, when a door's platform has names of its own, as the record's visits_name says; and what those persons
 * were called who were merged into it. */
#include <stdio.h>
#include <string.h>

#include "desks/person.h"
#include "desks/tracing/inside.h"

static bool has_names(const struct ledger *l, const char *which) {
    const struct register_decl *reg = register_find(l->catalog, text_of(which));
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

/* A record's number is that record's, another name that of the card which had it first: nobody sees where another was by writing that one's name on a card of his own. Whoever was merged is who he is now. */
static int card_named(struct ledger *l, const char *which, struct text name, int64_t *ret, struct error *err) {
    struct value v = value_null(), id = value_null(), param = value_text(name);
    struct arena a = {0};
    char sql[120], own[24];
    int64_t number;
    int rc = 0;
    *ret = 0;
    if (!register_find(l->catalog, text_of(which))) return 0;
    if (text_int(name, &number) && snprintf(own, sizeof own, "%lld", (long long)number) > 0 && text_is(name, own)) { /* 0012 and +12 are names of a platform */
        id = value_int(number);
        snprintf(sql, sizeof sql, "SELECT id FROM %s WHERE id = ?1", which);
        rc = db_scalar(l->db, &a, sql, &id, 1, &v, err);
    }
    snprintf(sql, sizeof sql, "SELECT id FROM %s WHERE visits_name = ?1 ORDER BY id LIMIT 1", which);
    if (rc >= 0 && v.kind != VALUE_INT && has_names(l, which)) rc = db_scalar(l->db, &a, sql, &param, 1, &v, err);
    *ret = value_int_or(v, 0);
    arena_clear(&a);
    return rc < 0 ? rc : 0;
}

int tracing_person_named(struct ledger *l, struct text name, int64_t *ret, struct error *err) {
    int64_t now;
    int rc = card_named(l, "person", name, &now, err);
    if (rc == 0 && now) rc = person_now(l->db, &now, 1, err);
    if (rc == 0) *ret = now;
    return rc;
}

int tracing_place_named(struct ledger *l, struct text name, int64_t *ret, struct error *err) {
    return card_named(l, "place", name, ret, err);
}

int tracing_place_called(struct ledger *l, int64_t place, char ret[VISITS_NAME_MAX + 1], struct error *err) {
    struct value id = value_int(place), v = value_null();
    struct arena a = {0};
    int64_t whose = 0;
    int rc = has_names(l, "place") ? db_scalar(l->db, &a, "SELECT visits_name FROM place WHERE id = ?1", &id, 1, &v, err) : 0;
    struct text name = value_view(v);
    if (rc >= 0 && name.n) rc = card_named(l, "place", name, &whose, err);
    if (whose == place && name.n <= VISITS_NAME_MAX) snprintf(ret, VISITS_NAME_MAX + 1, "%.*s", (int)name.n, name.s);
    else snprintf(ret, VISITS_NAME_MAX + 1, "%lld", (long long)place);
    arena_clear(&a);
    return rc < 0 ? rc : 0;
}

int tracing_place_learn(struct ledger *l, struct visits *v, uint32_t place, struct error *err) {
    const struct register_decl *reg = register_find(l->catalog, TEXT("place"));
    struct value id = value_null(), kind = value_null();
    struct arena a = {0};
    int64_t which = 0;
    if (visits_class(v, place) || !visits_writable(v) || !reg || register_field(reg, TEXT("kind")) < 0) return 0;
    int rc = tracing_place_named(l, visits_text(v, VISITS_PLACE, place), &which, err);
    if (rc == 0 && which) {
        id = value_int(which);
        rc = db_scalar(l->db, &a, "SELECT kind FROM place WHERE id = ?1", &id, 1, &kind, err);
    }
    uint8_t class_of = rc >= 0 ? tracing_class(value_view(kind)) : 0;
    if (class_of) visits_set_class(v, place, class_of);
    arena_clear(&a);
    return rc < 0 ? rc : 0;
}

int tracing_numbers(struct ledger *l, const struct visits *v, int64_t person, uint32_t ret[TRACING_NUMBERS], size_t *ret_n, struct error *err) {
    /* who was merged into it, and into those */
    static const char everybody[] = "WITH RECURSIVE m(id) AS (SELECT CAST(?1 AS BIGINT) UNION SELECT p.id FROM person p JOIN m ON p.merged_into = m.id) "
                                    "SELECT p.id, p.visits_name FROM m JOIN person p ON p.id = m.id ORDER BY p.id";
    struct value param = value_int(person);
    struct db_cursor *c = NULL;
    const struct value *cells;
    struct arena a = {0};
    struct text names[TRACING_NUMBERS];
    size_t n = 0, n_names = 0;
    int rc = 0;
    if (person > 0) number_add_id(v, person, ret, &n);
    if (person > 0 && has_names(l, "person")) rc = db_query(l->db, everybody, &param, 1, &c, err);
    while (c && rc == 0 && (rc = db_next(c, &cells, err)) > 0) {
        number_add_id(v, cells[0].i, ret, &n);
        rc = 0;
        if (cells[1].kind != VALUE_TEXT || n_names == TRACING_NUMBERS) continue;
        names[n_names] = arena_text(&a, value_view(cells[1]));
        if (!names[n_names++].s) rc = error_memory(err);
    }
    db_cursor_close(c);
    for (size_t i = 0; rc == 0 && i < n_names; i++) {
        int64_t whose = 0;
        rc = tracing_person_named(l, names[i], &whose, err);
        if (whose == person) number_add(v, names[i], ret, &n);
    }
    arena_clear(&a);
    if (rc == 0) *ret_n = n;
    return rc;
}
