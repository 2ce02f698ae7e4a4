/* Visits as they come in; see append.h. */
#include "desks/tracing/append.h"

static int named(struct visits *v, enum visits_kind kind, struct text name, uint32_t *ret, struct error *err) {
    return visits_find(v, kind, name, ret) ? 0 : visits_name(v, kind, name, ret, err); /* most are known, and finding takes no lock */
}

static int one_add(struct tracing_rows *x, const struct tracing_row *r, struct text person, struct error *err) {
    struct visit v = {.start = r->start, .end = r->end, .source = r->source, .confidence = r->confidence, .zone = r->zone, .row = r->row};
    if (!mem_room(&x->rows, &x->cap, x->n + 1, sizeof *x->rows)) return error_memory(err);
    int rc = named(x->v, VISITS_PERSON, person, &v.person, err);
    if (rc == 0) rc = named(x->v, VISITS_PLACE, r->place, &v.place, err);
    if (rc < 0) return rc;
    if (r->class_of && visits_class(x->v, v.place) != r->class_of) visits_set_class(x->v, v.place, r->class_of);
    if (r->dwells) tracing_dwell(&x->how, x->v, &v);
    x->rows[x->n++] = v;
    return 0;
}

int tracing_rows_add(struct tracing_rows *x, const int columns[TRACING_COLUMNS], const struct text *cells, size_t n, struct error *err) {
    struct tracing_row r;
    size_t before = x->n;
    int rc = tracing_row_read(&x->how, columns, cells, n, &r, err);
    if (rc < 0 || r.far) return rc; /* too far apart: no exposure */
    rc = one_add(x, &r, r.person, err);
    if (rc == 0 && r.other.n) rc = one_add(x, &r, r.other, err); /* two who were near each other */
    if (rc < 0) x->n = before;
    return rc;
}

void tracing_rows_clear(struct tracing_rows *x) {
    mem_free(x->rows);
    x->rows = NULL;
    x->n = x->cap = 0;
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
