/* Imports in tests: a file or a small text table through a map into a test ledger, with what came back. */
#ifndef TOCSIN_TESTS_IMPORTS_H
#define TOCSIN_TESTS_IMPORTS_H

#include "desks/intake/import.h"
#include "files/sheet.h"
#include "ledgers.h"

struct import_run {
    struct intake_counts n;
    int64_t rejects, duplicates;
    int64_t reject_line;          /* of the first */
    struct map_reason reason;     /* of the first */
    char cells[512];              /* of the first, joined by | */
    int64_t left, right;          /* the first pair that could be one person */
    char unused[1024];
};

static void import_rejected(void *arg, const struct intake_reject *r) {
    struct import_run *x = arg;
    if (getenv("TOCSIN_TEST_LOUD")) fprintf(stderr, "# line %lld: %s | %s\n", (long long)r->line, r->reason->en, r->reason->zh);
    if (x->rejects++) return;
    x->reject_line = r->line;
    x->reason = *r->reason;
    size_t at = 0;
    for (size_t i = 0; i < r->n && at + 1 < sizeof x->cells; i++)
        at += (size_t)snprintf(x->cells + at, sizeof x->cells - at, "%s%.*s", i ? "|" : "", (int)(r->cells[i].n > 60 ? 60 : r->cells[i].n), r->cells[i].s);
}

static void import_noted(void *arg, const struct intake_note *n) {
    struct import_run *x = arg;
    if (getenv("TOCSIN_TEST_LOUD")) fprintf(stderr, "# note, line %lld: %.300s\n", (long long)n->line, n->en);
    if (n->kind == NOTE_UNMATCHED) snprintf(x->unused, sizeof x->unused, "%.1000s", n->en);
    if (n->kind != NOTE_DUPLICATE || x->duplicates++) return;
    x->left = n->record;
    x->right = n->other;
}

static const char *import_home(const char *path) {
    static char full[4][512];
    static int turn;
    const char *home = getenv("TOCSIN_HOME");
    char *p = full[turn++ % 4];
    snprintf(p, 512, "%s/%s", home ? home : ".", path);
    return p;
}

/* Real data lies outside the repository; NULL, told loudly, when it is not there. */
static inline const char *import_shared(const char *path) {
    static char full[512];
    const char *shared = getenv("TOCSIN_SHARED");
    snprintf(full, sizeof full, "%s/data/%s", shared ? shared : import_home("../shared"), path);
    if (access(full, R_OK) == 0) return full;
    print_message("SKIPPED: %s is not there (set TOCSIN_SHARED)\n", full);
    return NULL;
}

static inline struct map *import_map(struct test_ledger *t, const char *name) {
    struct map *m = NULL;
    struct error err = {0};
    char path[300];
    snprintf(path, sizeof path, "examples/maps/%s.yaml", name);
    assert_ok(map_read(t->l->catalog, import_home(path), &m, &err), err);
    return m;
}

struct import_table {
    struct intake *in;
    struct intake_options o;
    const struct map *map;
    int header_row;
    int64_t line;
    int rc;
};

static inline int import_cells(struct test_ledger *t, struct import_table *x, const struct text *cells, size_t n, int64_t line, bool damaged, struct error *err) {
    x->line++;
    if (x->in) return intake_row(x->in, cells, n, line, damaged, err);
    if (x->line < x->header_row) return 0;
    x->o.headers = cells;
    x->o.n_headers = n;
    return intake_new(t->l, &t->s, &x->o, &x->in, err);
}

static inline int import_end(struct import_table *x, struct import_run *run, int rc, struct error *err) {
    if (rc == 0 && !x->in) rc = error_set(err, E_INVALID, NULL, "no header");
    if (rc == 0) rc = intake_finish(x->in, err);
    if (x->in) intake_progress(x->in, &run->n);
    intake_free(x->in);
    if (rc == 0) assert_int_equal(run->n.rows, run->n.created + run->n.changed + run->n.unchanged + run->n.rejected);
    if (rc == 0) assert_int_equal(run->rejects, run->n.rejected);
    return rc;
}

static inline struct import_table import_table(const struct map *m, const struct register_decl *target, struct import_run *run, bool dry) {
    struct import_table x = {.header_row = m ? map_header_row(m) : 1};
    *run = (struct import_run){0};
    x.o = (struct intake_options){.target = target, .map = m, .file = "test.csv", .dry_run = dry, .rejected = import_rejected, .noted = import_noted, .arg = run};
    return x;
}

/* Lines by \n, cells by ';' ("," too when there is no ';' in the header); nothing is quoted. */
static inline int import_text(struct test_ledger *t, const struct map *m, const char *reg, const char *table, int workers, size_t batch, bool dry,
                              struct import_run *run, struct error *err) {
    struct import_table x = import_table(m, reg ? register_find(t->l->catalog, text_of(reg)) : NULL, run, dry);
    char delimiter = memchr(table, ';', strcspn(table, "\n")) ? ';' : ',';
    int rc = 0;
    x.o.workers = workers;
    x.o.batch_rows = batch;
    int64_t line = 0;
    for (const char *s = table; rc == 0 && *s;) {
        struct text cells[64];
        size_t n = 0, len = strcspn(s, "\n");
        for (size_t from = 0, i = 0; i <= len && n < 64; i++)
            if (i == len || s[i] == delimiter) {
                cells[n++] = (struct text){s + from, i - from};
                from = i + 1;
            }
        rc = import_cells(t, &x, cells, n, ++line, false, err);
        s += len + (s[len] == '\n');
    }
    return import_end(&x, run, rc, err);
}

static inline int import_file(struct test_ledger *t, const char *path, const struct map *m, const char *reg, struct import_run *run, struct error *err) {
    struct import_table x = import_table(m, reg ? register_find(t->l->catalog, text_of(reg)) : NULL, run, false);
    struct sheet *s = NULL;
    const struct text *cells = NULL;
    size_t n = 0;
    int64_t line = 0;
    bool damaged = false;
    int rc = sheet_open(path, NULL, &s, err);
    while (rc == 0 && (rc = sheet_next(s, &cells, &n, &line, &damaged, err)) > 0) rc = import_cells(t, &x, cells, n, line, damaged, err);
    rc = import_end(&x, run, rc, err);
    sheet_close(s);
    return rc;
}

#endif
