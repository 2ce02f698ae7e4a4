/* Declared files from anybody: a register and a code list. What loads must be frozen sound: every index
 * inside its array. */
#include <stdlib.h>

#include "ledger/catalog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char colours[] = "codelist: colour\nzh: 颜色\nen: Colour\nsource: fuzz\ncodes:\n"
                              "  - {code: red, zh: 红, en: Red}\n  - {code: blue, zh: 蓝, en: Blue}\n";

static void need(bool holds) {
    if (!holds) abort();
}

static void sound(const struct register_decl *r) {
    int n = (int)r->n_fields, states = (int)r->n_states, initial = 0;
    need(n > 0 && r->region_field < n && r->person_field < n && r->date_field < n && r->keep_from < n);
    for (size_t i = 0; i < r->n_key; i++)
        need(r->key[i] >= 0 && r->key[i] < n && !r->fields[r->key[i]].sealed);
    for (size_t i = 0; i < r->n_moves; i++)
        need(r->moves[i].from < states && r->moves[i].to >= 0 && r->moves[i].to < states);
    for (int i = 0; i < states; i++) initial += r->states[i].initial;
    need(states == 0 || initial == 1);
    for (int i = 0; i < n; i++) {
        const struct field *f = &r->fields[i];
        need(name_valid(f->name) && (f->type != FIELD_CODE || f->codes) && f->copy_reference < n);
        need(register_field(r, f->name) == i && !(f->has_min && f->has_max && f->min > f->max));
        if (value_given(f->fallback)) need(field_check_value(f, f->fallback, NULL) == 0);
    }
}

static void try_register(struct catalog *c, struct text t) {
    struct yaml *root = NULL;
    struct register_decl r;
    struct error err = {0};
    if (yaml_parse(&c->arena, t, "r.yaml", &root, &err) < 0 || register_declare(c, root, &r, &err) < 0)
        return;
    c->registers = &r;
    c->n_registers = 1;
    if (register_resolve(c, root, &r, &err) == 0) sound(&r);
}

static void try_codelist(struct arena *a, struct text t) {
    struct yaml *root = NULL;
    struct codelist l = {0};
    struct error err = {0};
    if (yaml_parse(a, t, "c.yaml", &root, &err) < 0 || codelist_declare(a, root, &l, &err) < 0) return;
    for (size_t i = 0; i < l.n; i++) {
        need(code_find(&l, l.codes[i].code) == &l.codes[i] &&
             code_find_any(&l, l.codes[i].zh) == &l.codes[i]);
        for (size_t k = 0; k < l.codes[i].n_synonyms; k++)
            need(code_find_any(&l, l.codes[i].synonyms[k]) == &l.codes[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct catalog c = {0};
    struct codelist list = {0};
    struct yaml *root = NULL;
    struct text t = {(const char *)data, size};
    if (yaml_parse(&c.arena, TEXT(colours), "colour.yaml", &root, NULL) == 0 &&
        codelist_declare(&c.arena, root, &list, NULL) == 0) {
        c.codelists = &list;
        c.n_codelists = 1;
        try_register(&c, t);
        try_codelist(&c.arena, t);
    }
    arena_clear(&c.arena);
    return 0;
}
