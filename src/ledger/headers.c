#include <stdlib.h>

#include "ledger/catalog.h"

/* One word that a column header may be, and the field it would mean; -1 is the record's region. */
struct header_word {
    struct text folded;
    const struct yaml *at;
    int field;
};

struct words {
    struct arena scratch;
    struct header_word *word;
    size_t n;
};

static int add_word(struct words *w, struct text word, int field, const struct yaml *at, struct error *err) {
    char folded[WORD_BYTES];
    size_t n = 0;
    if (!word_fold(word, folded, sizeof folded, &n) || n == 0)
        return yaml_error(at, err, E_INVALID, "'%.40s' is empty or longer than %d bytes as a column header",
                          word.s, WORD_BYTES);
    struct text kept = arena_text(&w->scratch, (struct text){folded, n});
    if (!kept.s) return error_set(err, E_MEMORY, at->file, "out of memory");
    w->word[w->n++] = (struct header_word){kept, at, field};
    return 0;
}

static int add_words(struct words *w, const struct text *words, size_t n, int field, const struct yaml *at,
                     struct error *err) {
    int rc = 0;
    for (size_t i = 0; !rc && i < n; i++)
        rc = add_word(w, words[i], field, at && at->kind == YAML_LIST ? at->items[i] : at, err);
    return rc;
}

/* Equal words stand together, in the order they are written. */
static int by_word(const void *a, const void *b) {
    const struct header_word *x = a, *y = b;
    int c = text_cmp(x->folded, y->folded);
    if (!c) c = (x->at->line > y->at->line) - (x->at->line < y->at->line);
    return c ? c : (x->at->column > y->at->column) - (x->at->column < y->at->column);
}

static int collect(struct words *w, const struct yaml *root, const struct register_decl *r,
                   struct error *err) {
    const struct yaml *list = yaml_get(root, "fields");
    int rc =
        add_words(w, r->region_synonyms, r->n_region_synonyms, -1, yaml_get(root, "region_synonyms"), err);
    for (size_t i = 0; !rc && i < r->n_fields; i++) {
        const struct field *f = &r->fields[i];
        const struct yaml *node = list->items[i];
        rc = add_word(w, f->name, (int)i, yaml_get(node, "name"), err);
        if (!rc) rc = add_word(w, f->zh, (int)i, yaml_get(node, "zh"), err);
        if (!rc) rc = add_word(w, f->en, (int)i, yaml_get(node, "en"), err);
        if (!rc) rc = add_words(w, f->synonyms, f->n_synonyms, (int)i, yaml_get(node, "synonyms"), err);
    }
    return rc;
}

int headers_check(const struct yaml *root, const struct register_decl *r, struct error *err) {
    struct words w = {0};
    size_t most = r->n_region_synonyms;
    for (size_t i = 0; i < r->n_fields; i++) most += 3 + r->fields[i].n_synonyms;
    w.word = mem_alloc(most * sizeof *w.word);
    if (!w.word) return error_set(err, E_MEMORY, root->file, "out of memory");
    int rc = collect(&w, root, r, err);
    if (!rc) qsort(w.word, w.n, sizeof *w.word, by_word);
    for (size_t i = 1; !rc && i < w.n; i++) {
        const struct header_word *a = &w.word[i - 1], *b = &w.word[i];
        if (a->field != b->field && text_eq(a->folded, b->folded))
            rc = yaml_error(b->at, err, E_INVALID, "header '%.60s' already means %s", b->folded.s,
                            a->field < 0 ? "the record's region" : r->fields[a->field].name.s);
    }
    mem_free(w.word);
    arena_clear(&w.scratch);
    return rc;
}
