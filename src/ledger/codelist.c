#include <string.h>

#include "ledger/catalog.h"

/* Open-addressing table from folded word to code, at most half full; built once, then only read. */
struct slot {
    struct text word;
    const struct code *code;
};
struct code_index {
    size_t mask;
    struct slot slots[];
};

bool word_fold(struct text t, char *out, size_t max, size_t *ret_n) {
    size_t n = 0;
    for (size_t pos = 0; pos < t.n;) {
        unsigned char first = (unsigned char)t.s[pos];
        uint32_t c = first;
        if (first < 0x80)
            pos++;
        else
            c = text_codepoint(t, &pos);
        if (c >= 0xFF01 && c <= 0xFF5E) c -= 0xFEE0; /* full-width forms */
        if (c >= 'A' && c <= 'Z') c += 'a' - 'A';
        if (c <= ' ' || c == '_' || c == '-' || c == 0xA0 || c == 0x3000 || c == 0xFEFF || c == 0x200B)
            continue;
        char bytes[4];
        size_t k = text_encode(c, bytes);
        if (n + k > max) return false;
        memcpy(out + n, bytes, k);
        n += k;
    }
    *ret_n = n;
    return true;
}

static uint64_t word_hash(struct text t) {
    uint64_t h = 1469598103934665603u; /* FNV-1a */
    for (size_t i = 0; i < t.n; i++) h = (h ^ (unsigned char)t.s[i]) * 1099511628211u;
    return h ^ (h >> 29);
}

static struct slot *slot_for(struct code_index *x, struct text word) {
    size_t at = word_hash(word) & x->mask;
    while (x->slots[at].code && !text_eq(x->slots[at].word, word)) at = (at + 1) & x->mask;
    return &x->slots[at];
}

static int index_word(struct arena *a, struct codelist *l, const struct code *code, struct text word,
                      const struct yaml *place, struct error *err) {
    char folded[WORD_BYTES];
    size_t n = 0;
    if (!word_fold(word, folded, sizeof folded, &n) || n == 0)
        return yaml_error(place, err, E_INVALID, "'%.40s' is empty or longer than %d bytes as a word", word.s,
                          WORD_BYTES);
    struct slot *s = slot_for(l->index, (struct text){folded, n});
    if (s->code == code) return 0;
    if (s->code)
        return yaml_error(place, err, E_INVALID, "'%.60s' already means code %s in list %s", word.s,
                          s->code->code.s, l->name.s);
    s->word = arena_text(a, (struct text){folded, n});
    if (!s->word.s) return error_set(err, E_MEMORY, place->file, "out of memory");
    s->code = code;
    return 0;
}

/* Letters and digits, then also . _ - : what is stored, exported and joined with ';'. */
static bool code_valid(struct text t) {
    if (t.n == 0 || t.n > CODE_MAX_CHARS) return false;
    for (size_t i = 0; i < t.n; i++) {
        char c = t.s[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && (i == 0 || !(c == '.' || c == '_' || c == '-'))) return false;
    }
    return true;
}

static int declare_code(struct arena *a, const struct yaml *node, struct code *ret, struct error *err) {
    static const char *const keys[] = {"code", "zh", "en", "standard", "synonyms", "alone", NULL};
    int rc = yaml_only(node, keys, err);
    if (!rc) rc = declare_text(node, "code", true, &ret->code, err);
    if (!rc && !code_valid(ret->code))
        rc = yaml_error(yaml_get(node, "code"), err, E_INVALID,
                        "code '%.40s' must be letters, digits, '.', '_' and '-', at most %d", ret->code.s,
                        CODE_MAX_CHARS);
    if (!rc) rc = declare_text(node, "zh", true, &ret->zh, err);
    if (!rc) rc = declare_text(node, "en", true, &ret->en, err);
    if (!rc) rc = declare_text(node, "standard", false, &ret->standard, err);
    if (!rc) rc = declare_words(a, node, "synonyms", &ret->synonyms, &ret->n_synonyms, err);
    if (!rc) rc = yaml_bool(node, "alone", false, &ret->alone, err);
    return rc;
}

/* Codes first, so that a title or synonym that is another entry's code is told as the mistake it is. */
static int build_index(struct arena *a, const struct yaml *codes, struct codelist *l, struct error *err) {
    size_t words = 0, room = 8;
    for (size_t i = 0; i < l->n; i++) words += 3 + l->codes[i].n_synonyms;
    while (room < 2 * words) room *= 2;
    struct code_index *x = arena_alloc(a, sizeof *x + room * sizeof(struct slot));
    if (!x) return error_set(err, E_MEMORY, codes->file, "out of memory");
    x->mask = room - 1;
    l->index = x;
    int rc = 0;
    for (size_t i = 0; !rc && i < l->n; i++) {
        const struct yaml *place = yaml_get(codes->items[i], "code");
        for (size_t k = 0; !rc && k < i; k++)
            if (text_eq(l->codes[k].code, l->codes[i].code))
                rc = yaml_error(place, err, E_INVALID, "code %s is declared twice", l->codes[i].code.s);
        if (!rc) rc = index_word(a, l, &l->codes[i], l->codes[i].code, place, err);
    }
    for (size_t i = 0; !rc && i < l->n; i++) {
        const struct code *c = &l->codes[i];
        const struct yaml *node = codes->items[i], *synonyms = yaml_get(node, "synonyms");
        rc = index_word(a, l, c, c->zh, yaml_get(node, "zh"), err);
        if (!rc) rc = index_word(a, l, c, c->en, yaml_get(node, "en"), err);
        for (size_t k = 0; !rc && k < c->n_synonyms; k++)
            rc = index_word(a, l, c, c->synonyms[k],
                            synonyms->kind == YAML_LIST ? synonyms->items[k] : synonyms, err);
    }
    return rc;
}

int codelist_declare(struct arena *a, const struct yaml *root, struct codelist *ret, struct error *err) {
    static const char *const keys[] = {"codelist", "zh", "en", "source", "codes", NULL};
    const struct yaml *codes = NULL;
    int rc = yaml_only(root, keys, err);
    if (!rc) rc = declare_text(root, "codelist", true, &ret->name, err);
    if (!rc && !name_valid(ret->name))
        rc = yaml_error(yaml_get(root, "codelist"), err, E_INVALID,
                        "a code list's name is [a-z][a-z0-9_]*, at most %d", NAME_MAX_CHARS);
    if (!rc) rc = declare_text(root, "zh", true, &ret->zh, err);
    if (!rc) rc = declare_text(root, "en", true, &ret->en, err);
    if (!rc) rc = declare_text(root, "source", true, &ret->source, err);
    if (!rc) rc = yaml_list(root, "codes", true, &codes, err);
    if (rc) return rc;
    if (codes->n == 0) return yaml_error(codes, err, E_INVALID, "a code list needs at least one code");
    ret->n = codes->n;
    ret->codes = arena_alloc(a, codes->n * sizeof *ret->codes);
    if (!ret->codes) return error_set(err, E_MEMORY, root->file, "out of memory");
    for (size_t i = 0; !rc && i < codes->n; i++) rc = declare_code(a, codes->items[i], &ret->codes[i], err);
    return rc ? rc : build_index(a, codes, ret, err);
}

static const struct code *look_up(const struct codelist *l, struct text word) {
    const struct code_index *x = l->index;
    size_t at = word_hash(word) & x->mask;
    while (x->slots[at].code) {
        if (text_eq(x->slots[at].word, word)) return x->slots[at].code;
        at = (at + 1) & x->mask;
    }
    return NULL;
}

const struct code *code_find_any(const struct codelist *l, struct text word) {
    char folded[WORD_BYTES];
    size_t n = 0;
    if (!l->index || word.n > 4 * WORD_BYTES || !word_fold(word, folded, sizeof folded, &n) || n == 0)
        return NULL;
    return look_up(l, (struct text){folded, n});
}

/* Through the same index: the word's code must then be the word itself, so a synonym does not pass. Lists
 * that were made by hand, without an index, are walked. */
const struct code *code_find(const struct codelist *l, struct text code) {
    if (l->index) {
        const struct code *c = code_find_any(l, code);
        return c && text_eq(c->code, code) ? c : NULL;
    }
    for (size_t i = 0; i < l->n; i++)
        if (text_eq(l->codes[i].code, code)) return &l->codes[i];
    return NULL;
}
