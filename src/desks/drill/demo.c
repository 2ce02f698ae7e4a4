/* Writes the made-up county as files; see demo.h. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "desks/drill/demo_rows.h"

static size_t column_of(const struct demo_table *t, const char *header) {
    size_t k = 0;
    while (t->headers[k] && strcmp(t->headers[k], header) != 0) k++;
    return k;
}

/* Turns the row that was just written into its faulty copy. */
static void row_spoil(struct demo_row *row, const struct demo_table *t, const struct demo_fault *f) {
    size_t k = column_of(t, f->column);
    if (k >= row->n) return;
    if (f->text) {
        row->cells[k] = text_of(f->text);
        return;
    }
    struct text copy = arena_text(&row->arena, row->cells[k]);
    if (!copy.s || !copy.n) return;
    char *last = (char *)copy.s + copy.n - 1; /* our own copy */
    *last = *last == '7' ? '3' : '7';
    row->cells[k] = copy;
}

static int row_put(struct demo_row *row, struct sheet_writer *w, struct error *err) {
    if (row->failed) return error_set(err, E_MEMORY, NULL, "out of memory for a row");
    return sheet_put(w, row->cells, row->n, err);
}

static int table_write(const char *dir, const struct demo_table *t, struct demo_row *row, struct demo_file *ret, struct error *err) {
    struct sheet_writer *w = NULL;
    struct text headers[DEMO_CELLS_MAX];
    size_t n_headers = 0, next = 0, total = t->count(row->c);
    char *path = arena_printf(&row->arena, "%s/%s", dir, t->name);
    int rc = path ? sheet_create(path, &t->shape, false, &w, err) : error_set(err, E_MEMORY, NULL, "out of memory for a path");
    if (rc < 0) return rc;
    for (; t->headers[n_headers]; n_headers++) headers[n_headers] = text_of(t->headers[n_headers]);
    rc = t->shape.format == SHEET_XLSX ? sheet_header(w, headers, n_headers, err) : sheet_put(w, headers, n_headers, err);
    *ret = (struct demo_file){.name = t->name, .register_name = t->register_name};
    for (size_t i = 0; rc == 0 && i < total; i++) {
        arena_reset(&row->arena);
        row->n = 0;
        t->row(row, i);
        rc = row_put(row, w, err);
        ret->rows++;
        if (rc < 0 || row->plain || next == t->n_faults || t->faults[next].row != i) continue;
        row_spoil(row, t, &t->faults[next++]);
        rc = row_put(row, w, err);
        ret->rows++;
        ret->wrong++;
    }
    if (rc == 0) return sheet_finish(w, err);
    sheet_abandon(w);
    return rc;
}

int demo_write(const char *dir, const struct demo_options *o, struct demo_result *ret, struct error *err) {
    struct city *c = NULL;
    struct rng untidy = {0};
    struct demo_result result = {0};
    int rc = city_make(&o->city, &c, err);
    if (rc < 0) return rc;
    struct demo_row row = {.c = c, .r = &untidy, .plain = o->plain};
    rng_seed(&untidy, o->city.seed ^ 0x756e74696479);
    if (mkdir(dir, 0777) < 0 && errno != EEXIST) {
        rc = error_set(err, error_from_errno(), dir, "the folder cannot be made: %s", strerror(errno));
        goto out;
    }
    for (size_t i = 0; rc == 0 && i < DEMO_FILES; i++) rc = table_write(dir, &demo_tables[i], &row, &result.files[i], err);
    if (rc == 0) rc = demo_shapes_write(dir, c, err);
    if (rc < 0) goto out;
    result.end = c->end;
    result.persons = c->n_persons;
    result.infections = c->n_infections;
    result.cases = c->n_cases;
    result.contacts = c->n_contacts;
    *ret = result;
out:
    arena_clear(&row.arena);
    city_free(c);
    return rc;
}
