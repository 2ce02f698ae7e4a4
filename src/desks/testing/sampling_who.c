/* Who the people of swabs are, all rows together: by document, by the key under which a table recorded somebody without one, after all merges. */
#include <stdio.h>
#include <stdlib.h>

#include "desks/intake/match.h"
#include "desks/person.h"
#include "desks/testing/sampling.h"
#include "ledger/lookup.h"

/* Hashes are the vault's: nothing can be read from them. */
bool sampling_key(const struct ledger *l, const struct sampling_row *r, char out[SAMPLING_KEY]) {
    int64_t document;
    if (r->doc_no.n && vault_blind(l->vault, BLIND_DOCUMENT, r->doc_no, &document)) return snprintf(out, SAMPLING_KEY, "document %016llx", (unsigned long long)document) > 0;
    if (r->temporary.n) return snprintf(out, SAMPLING_KEY, "temporary %016llx", (unsigned long long)vault_print(l->vault, r->temporary)) > 0;
    if (!r->guardian_doc.n || !r->name.n || !vault_blind(l->vault, BLIND_DOCUMENT, r->guardian_doc, &document)) return false;
    return snprintf(out, SAMPLING_KEY, "ward %016llx %016llx", (unsigned long long)document, (unsigned long long)vault_print(l->vault, r->name)) > 0;
}

/* Nobody says who it is where no row can mean anybody. */
static bool asks(const struct sampling_row *r) {
    return !r->reason && (r->person || r->doc_no.n || r->temporary.n || r->guardian_doc.n);
}

bool sampling_asks(const struct sampling_row *rows, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (asks(&rows[i])) return true;
    return false;
}

struct asked {
    struct ledger *l;
    struct arena *a;
    struct sampling_row **rows; /* that mean somebody */
    size_t n;
};

static int by_document(struct asked *x, struct error *err) {
    struct match *match = arena_alloc(x->a, (x->n + 1) * sizeof *match);
    struct sampling_row **whose = arena_alloc(x->a, (x->n + 1) * sizeof *whose);
    size_t k = 0;
    if (!match || !whose) return error_memory(err);
    for (size_t i = 0; i < x->n; i++) {
        match[k] = (struct match){.sex = {"", 0}, .has_document = true};
        if (!x->rows[i]->person && x->rows[i]->doc_no.n && vault_blind(x->l->vault, BLIND_DOCUMENT, x->rows[i]->doc_no, &match[k].document)) whose[k++] = x->rows[i];
    }
    int rc = k ? match_persons(x->l, match, k, x->a, err) : 0;
    for (size_t i = 0; !rc && i < k; i++) whose[i]->person = match[i].id;
    return rc;
}

/* Who has no document of his own is known by the key under which the table recorded him. */
static int by_key(struct asked *x, struct error *err) {
    const struct register_decl *reg = register_find(x->l->catalog, TEXT("person"));
    for (size_t i = 0; reg && i < x->n; i++) {
        struct sampling_row *r = x->rows[i];
        char key[SAMPLING_KEY];
        int64_t *ids = NULL;
        size_t n = 0;
        if (r->person || r->doc_no.n || !sampling_key(x->l, r, key)) continue;
        int rc = lookup_find(x->l->db, lookup_key(reg->name), record_outside_key(reg, text_of(key), x->a), 1, x->a, &ids, &n, err);
        if (rc < 0) return rc;
        if (n) r->person = ids[0];
    }
    return 0;
}

static int merged_row(void *arg, const struct value *row, struct error *err) {
    struct asked *x = arg;
    (void)err;
    for (size_t i = 0; i < x->n; i++) x->rows[i]->merged |= x->rows[i]->person == row[0].i;
    return 0;
}

static int by_id(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Whoever was merged into another is that one. */
static int after_merges(struct asked *x, struct error *err) {
    int64_t *ids = arena_alloc(x->a, (x->n + 1) * sizeof *ids);
    if (!ids) return error_memory(err);
    for (size_t i = 0; i < x->n; i++) ids[i] = x->rows[i]->person;
    int rc = person_now(x->l->db, ids, x->n, err);
    for (size_t i = 0; !rc && i < x->n; i++) x->rows[i]->person = ids[i];
    return rc;
}

static int others_merged_in(struct asked *x, struct error *err) {
    int64_t *ids = arena_alloc(x->a, (x->n + 1) * sizeof *ids);
    size_t n = 0;
    if (!ids) return error_memory(err);
    for (size_t i = 0; i < x->n; i++) ids[i] = x->rows[i]->person;
    qsort(ids, x->n, sizeof *ids, by_id);
    for (size_t i = 0; i < x->n; i++)
        if (ids[i] && (!n || ids[n - 1] != ids[i])) ids[n++] = ids[i];
    return n ? db_query_in(x->l->db, "SELECT \"merged_into\" FROM \"person\" WHERE \"merged_into\"", "", ids, n, merged_row, x, err) : 0;
}

int sampling_who(struct ledger *l, const struct sampling_batch *batches, size_t n, struct arena *a, struct error *err) {
    struct asked x = {.l = l, .a = a};
    size_t rows = 0;
    for (size_t b = 0; b < n; b++) rows += batches[b].n;
    if (!(x.rows = arena_alloc(a, (rows + 1) * sizeof(struct sampling_row *)))) return error_memory(err);
    for (size_t b = 0; b < n; b++)
        for (size_t i = 0; i < batches[b].n; i++)
            if (asks(&batches[b].rows[i])) x.rows[x.n++] = &batches[b].rows[i];
    bool alone = x.n && !db_steady(l->db); /* runs of the lookup may be merged between two of its questions */
    int rc = alone ? db_snapshot(l->db, err) : 0;
    if (!rc && x.n) rc = by_key(&x, err);
    if (!rc && x.n) rc = after_merges(&x, err);
    if (!rc && x.n) rc = by_document(&x, err); /* who has that document now, after all merges */
    if (!rc && x.n) rc = others_merged_in(&x, err);
    if (alone) db_snapshot_end(l->db);
    return rc;
}
