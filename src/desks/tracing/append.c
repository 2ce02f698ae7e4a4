/* Visits as they come in; see append.h. */
#include "desks/tracing/append.h"

static int named(struct visits *v, enum visits_kind kind, struct text name, uint32_t *ret, struct error *err) {
    return visits_find(v, kind, name, ret) ? 0 : visits_name(v, kind, name, ret, err); /* most are known, and finding takes no lock */
}

static int one_add(struct tracing_rows *x, const struct tracing_row *r, struct text person, size_t given, struct error *err) {
    struct visit v = {.start = r->start, .end = r->end, .source = r->source, .confidence = r->confidence, .zone = r->zone, .row = r->row};
    if (!mem_room(&x->rows, &x->cap, x->n + 1, sizeof *x->rows) || !mem_room(&x->given, &x->cap_given, x->n + 1, sizeof *x->given)) return error_memory(err);
    bool fresh = !visits_find(x->v, VISITS_PLACE, r->place, &v.place);
    int rc = named(x->v, VISITS_PERSON, person, &v.person, err);
    if (rc == 0 && fresh) rc = visits_name(x->v, VISITS_PLACE, r->place, &v.place, err);
    if (rc == 0 && fresh && x->l && !r->class_of && !r->other.n) rc = tracing_place_learn(x->l, x->v, v.place, err);
    if (rc < 0) return rc;
    if (r->class_of && visits_class(x->v, v.place) != r->class_of) visits_set_class(x->v, v.place, r->class_of);
    if (r->dwells) tracing_dwell(&x->how, x->v, &v);
    x->given[x->n] = given;
    x->rows[x->n++] = v;
    return 0;
}

int tracing_rows_add(struct tracing_rows *x, const int columns[TRACING_COLUMNS], const struct text *cells, size_t n, size_t given, struct error *err) {
    struct tracing_row r;
    size_t before = x->n;
    int rc = tracing_row_read(&x->how, columns, cells, n, &r, err);
    if (rc < 0 || r.far) return rc; /* too far apart: no exposure */
    rc = one_add(x, &r, r.person, given, err);
    if (rc == 0 && r.other.n) rc = one_add(x, &r, r.other, given, err); /* two who were near each other */
    if (rc < 0) x->n = before;
    return rc;
}

int tracing_rows_sift(struct tracing_rows *x, int (*gone)(void *arg, size_t given), void *arg, size_t *ret, struct error *err) {
    size_t kept = 0, before = x->n, told = SIZE_MAX;
    int32_t zone_s = visits_zone(x->v);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < before; i++) {
        const struct visit *v = &x->rows[i];
        bool forgot = false;
        rc = visits_forgot(x->v, day_of_instant(v->start, zone_s), day_of_instant(v->end > v->start ? v->end - 1 : v->end, zone_s) + 1, &forgot, err);
        if (rc == 0 && forgot && x->given[i] != told && gone(arg, told = x->given[i]) < 0) rc = error_memory(err);
        if (rc == 0 && !forgot) x->given[kept] = x->given[i], x->rows[kept++] = x->rows[i];
    }
    if (rc < 0) return rc;
    *ret = before - kept;
    x->n = kept;
    return 0;
}

void tracing_rows_clear(struct tracing_rows *x) {
    mem_free(x->rows);
    mem_free(x->given);
    x->rows = NULL;
    x->given = NULL;
    x->n = x->cap = x->cap_given = 0;
}

static int contacts_of(const struct catalog *c, const struct register_decl **ret, struct error *err) {
    *ret = register_find(c, TEXT("contact"));
    return *ret ? 0 : error_set(err, E_UNKNOWN, "contact", "this catalog has no contacts / 没有接触者登记册");
}

int tracing_may_append(const struct catalog *c, const struct session *s, struct error *err) {
    const struct register_decl *reg;
    int rc = contacts_of(c, &reg, err);
    if (rc < 0 || access_anywhere(s, ACCESS_WRITE, reg)) return rc;
    rc = access_check(s, ACCESS_WRITE, reg, TEXT(""), err);
    return rc < 0 ? rc : E_DENIED;
}

int tracing_may_forget(const struct catalog *c, const struct session *s, struct text region, struct error *err) {
    const struct register_decl *reg;
    int rc = contacts_of(c, &reg, err);
    return rc < 0 ? rc : access_check(s, ACCESS_WRITE, reg, region, err);
}
