/* A wanted change, checked without a store. */
#include "ledger/record.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "ledger/apply.h"
#include "ledger/repeat.h"

struct draft *draft_room(struct arena *a) {
    struct draft *d = arena_raw(a, sizeof *d);
    if (!d) return NULL;
    memset(d, 0, offsetof(struct draft, error)); /* the words of a refusal are long, and nearly never said */
    d->error.code = 0;
    d->error.message[0] = d->error.where[0] = '\0';
    return d;
}

struct draft *draft_new(struct arena *a, const struct register_decl *reg, enum draft_verb verb) {
    struct draft *d = draft_room(a);
    if (!d) return NULL;
    d->values = arena_alloc(a, (reg->n_fields + 1) * sizeof *d->values); /* zero is VALUE_ABSENT */
    if (!d->values) return NULL;
    d->reg = reg;
    d->verb = verb;
    return d;
}

static int field_of(const struct register_decl *reg, struct text name, struct error *err) {
    int i = register_field(reg, name), n = (int)(name.n < 60 ? name.n : 60);
    if (i >= 0) return i;
    error_set(err, E_UNKNOWN, reg->name.s, "has no field %.*s / 没有字段 %.*s", n, name.s, n, name.s);
    register_field_near(reg, name, err);
    return E_UNKNOWN;
}

int draft_set(struct ledger *l, struct draft *d, struct arena *a, struct text field, struct text input, struct error *err) {
    int i = field_of(d->reg, field, err);
    return i < 0 ? i : field_parse(&d->reg->fields[i], input, l->zone_s, a, &d->values[i], err);
}

int draft_put(struct draft *d, const char *field, struct value v, struct error *err) {
    int i = field_of(d->reg, text_of(field), err);
    if (i < 0) return i;
    d->values[i] = v;
    return 0;
}

struct value record_cell(const struct record *r, const char *field) {
    int i = register_field(r->reg, text_of(field));
    return i < 0 ? value_null() : r->values[i];
}

static int check_cells(const struct draft *d, struct error *err) {
    for (size_t i = 0; i < d->reg->n_fields; i++) {
        struct value v = d->values[i];
        if (!value_given(v)) continue;
        int rc = field_check_value(&d->reg->fields[i], v, err);
        if (rc < 0) return rc;
        if (v.kind == VALUE_TEXT && v.n && memchr(v.s, 0, v.n))
            return error_set(err, E_INVALID, d->reg->fields[i].name.s, "holds a NUL byte / 含有空字符");
    }
    return 0;
}

/* An identity card says when its holder was born and which sex: filled when not given, refused when it contradicts. */
static int check_document(const struct reg_table *t, struct draft *d, struct error *err) {
    if (t->field_doc_no < 0 || d->values[t->field_doc_no].kind != VALUE_TEXT) return 0;
    struct text number = value_view(d->values[t->field_doc_no]);
    struct text type = t->field_doc_type >= 0 ? value_view(d->values[t->field_doc_type]) : (struct text){"", 0};
    const char *why = NULL;
    if (!document_valid(type, number, &why))
        return error_set(err, E_INVALID, d->reg->fields[t->field_doc_no].name.s, "%s", why ? why : "is no valid document number / 证件号码不合规定");
    day birth = 0;
    int sex = 0;
    if ((type.n && !text_is(type, "id-card")) || !id_card_birth(number, &birth, &sex)) return 0;
    int b = register_field(d->reg, TEXT("birth")), x = register_field(d->reg, TEXT("sex"));
    if (b >= 0 && !value_given(d->values[b])) d->values[b] = value_int(birth);
    if (x >= 0 && !value_given(d->values[x])) d->values[x] = value_str(sex == 1 ? "male" : "female");
    if (b >= 0 && d->values[b].i != birth)
        return error_set(err, E_INVALID, d->reg->fields[b].name.s, "differs from the birth date in the identity number / 与身份证号中的出生日期不符");
    return 0;
}

/* A check over a reference waits until the reference is known. */
static bool check_waits(const struct register_decl *reg, const struct expr *check) {
    uint64_t fields = expr_fields(check);
    for (size_t i = 0; i < reg->n_fields; i++)
        if (reg->fields[i].type == FIELD_REFERENCE && fields >> (i < 63 ? i : 63) & 1) return true;
    return false;
}

bool record_checks_wait(struct ledger *l, const struct register_decl *reg) {
    return l->tables[reg->order]->checks_wait;
}

static int check_fails(const struct register_decl *reg, const struct rule_check *c, struct error *err) {
    return error_set(err, E_INVALID, c->n_among ? reg->fields[c->field].name.s : reg->name.s, "%s / %s", c->en.s ? c->en.s : c->condition.s, c->zh.s ? c->zh.s : c->condition.s);
}

int record_check_change(struct ledger *l, const struct register_decl *reg, const struct expr_scope *was, const struct expr_scope *is, struct error *err) {
    const struct reg_table *t = l->tables[reg->order];
    for (size_t i = 0; i < reg->n_checks; i++)
        if (t->was[i] && expr_eval(t->was[i], was) == TRUTH_TRUE && expr_eval(t->checks[i], is) == TRUTH_FALSE) return check_fails(reg, &reg->checks[i], err);
    return 0;
}

int record_check(struct ledger *l, const struct register_decl *reg, const struct expr_scope *scope, bool linked, struct error *err) {
    const struct reg_table *t = l->tables[reg->order];
    for (size_t i = 0; i < reg->n_checks; i++) {
        if (t->was[i] || (!linked && check_waits(reg, t->checks[i]))) continue;
        if (expr_eval(t->checks[i], scope) != TRUTH_FALSE) continue;
        return check_fails(reg, &reg->checks[i], err);
    }
    return 0;
}

int record_required(const struct reg_table *t, const struct value *values, const uint32_t *links, bool copies_done, struct error *err) {
    for (size_t k = 0; k < t->required.n; k++) {
        size_t i = t->required.at[k];
        const struct field *f = &t->reg->fields[i];
        if (value_given(values[i]) || (links && links[i]) || (!copies_done && f->copy_reference >= 0)) continue;
        return error_set(err, E_INVALID, f->name.s, "is required and missing / 必填项%s缺失", f->zh.s ? f->zh.s : "");
    }
    return 0;
}

/* The natural key: every key cell, in order, typed and length-prefixed. False when all are empty. `region` counts when the
 * key names it: as given with the draft, since an inherited one follows from the key's references. */
bool record_natural_key(const struct register_decl *reg, struct text region, const struct value *values, int64_t *ret) {
    if (!reg->n_key) return false;
    char fixed[512];
    struct buf b = {0};
    bool any = false;
    size_t n = 0;
    if (reg->region_field >= 0 && values[reg->region_field].kind == VALUE_TEXT) region = value_view(values[reg->region_field]);
    if (reg->key_region && region.n <= REGION_MAX) {
        fixed[n++] = (char)region.n;
        if (region.n) memcpy(fixed + n, region.s, region.n);
        n += region.n;
    }
    for (size_t i = 0; i < reg->n_key; i++) {
        struct value v = values[reg->key[i]];
        struct text t = v.kind == VALUE_INT ? (struct text){(const char *)&v.i, sizeof v.i} : value_view(v);
        any = any || value_given(v);
        uint32_t head[2] = {value_given(v) ? v.kind : VALUE_NULL, (uint32_t)t.n};
        if (b.n || n + sizeof head + t.n > sizeof fixed) {
            if (!b.n) buf_add(&b, fixed, n);
            buf_add(&b, head, sizeof head);
            buf_text(&b, t);
            continue;
        }
        memcpy(fixed + n, head, sizeof head);
        memcpy(fixed + n + sizeof head, t.s, t.n);
        n += sizeof head + t.n;
    }
    if (any && !b.failed) *ret = digest_64(b.n ? buf_view(&b) : (struct text){fixed, n});
    any = any && !b.failed;
    buf_clear(&b);
    return any;
}

static bool key_is_known(const struct draft *d) {
    for (size_t i = 0; i < d->reg->n_key; i++) {
        const struct field *f = &d->reg->fields[d->reg->key[i]];
        if (d->links && d->links[d->reg->key[i]]) return false;
        if (f->copy_reference >= 0 && !value_given(d->values[d->reg->key[i]])) return false;
    }
    return true;
}

/* The cells of the journal entry that the creation will be, as far as they are known: not those of references and of what is copied from them,
 * and of sealed fields only what is sealed already. */
static int code_cells(const struct reg_table *t, struct draft *d, struct arena *a, struct error *err) {
    const struct register_decl *reg = d->reg;
    size_t n = 0, room = 0, given = 0, s = 0;
    for (size_t i = 0; i < reg->n_fields; i++) given += value_given(d->values[i]);
    d->n_coded = 0;
    d->coded = arena_raw(a, (given + 1) * sizeof *d->coded);
    if (!d->coded) return error_memory(err);
    for (size_t i = 0; i < reg->n_fields; i++) {
        struct value v = d->values[i];
        if (s < t->sealed.n && t->sealed.at[s] == i) {
            if (d->sealed) v = d->sealed[s];
            s++;
            if (v.kind != VALUE_BLOB) continue;
        }
        if (!value_given(v) || (d->links && d->links[i])) continue;
        d->coded[d->n_coded++] = (struct cell_at){(uint32_t)i, v};
        room += JOURNAL_CELL_HEAD + (v.kind == VALUE_INT ? 0 : v.n);
    }
    char *out = arena_raw(a, room + 1);
    if (!out) return error_memory(err);
    for (size_t k = 0; k < d->n_coded; k++) n += journal_cell_put(out + n, t->cell_code[d->coded[k].field], d->coded[k].v);
    d->cells = (struct text){out, n};
    return 0;
}

int64_t record_outside_key(const struct register_decl *reg, struct text word, struct arena *a) {
    size_t n = reg->name.n + 1 + word.n;
    char fixed[256], *s = n <= sizeof fixed ? fixed : arena_alloc(a, n);
    if (!s) return 0;
    memcpy(s, reg->name.s, reg->name.n);
    s[reg->name.n] = '\n';
    memcpy(s + reg->name.n + 1, word.s, word.n);
    return digest_64((struct text){s, n});
}

int record_prepare(struct ledger *l, struct draft *d, struct arena *a, struct rng *secret, instant now) {
    const struct register_decl *reg = d->reg;
    const struct reg_table *t = l->tables[reg->order];
    struct error *err = &d->error;
    bool whole = d->verb != DRAFT_CHANGE && d->verb != DRAFT_REMOVE;
    int rc = 0;
    if (d->prepared) return d->error.code;
    d->prepared = true;
    if (d->verb == DRAFT_REMOVE) return 0;
    if (whole)
        for (size_t k = 0; k < t->defaulted.n; k++) {
            size_t i = t->defaulted.at[k];
            if (d->values[i].kind == VALUE_ABSENT) d->values[i] = reg->fields[i].fallback;
        }
    rc = check_cells(d, err);
    if (!rc) rc = check_document(t, d, err);
    if (!rc && d->state.n && register_state(reg, d->state) < 0)
        rc = error_set(err, E_UNKNOWN, "state", "%s has no state %.*s / 没有该状态", reg->name.s, (int)(d->state.n < 40 ? d->state.n : 40), d->state.s);
    if (!rc && whole) {
        struct expr_scope scope = {.values = d->values, .state = d->state, .region = d->region, .now = now, .today = day_of_instant(now, l->zone_s)};
        rc = record_required(t, d->values, d->links, false, err);
        if (!rc) rc = record_check(l, reg, &scope, false, err);
    }
    if (!rc && d->outside_key.n) {
        d->key = record_outside_key(reg, d->outside_key, a);
        d->has_key = true;
        if (!d->key) rc = error_memory(err);
    } else if (!rc && whole) {
        d->late_key = !key_is_known(d);
        if (!d->late_key) d->has_key = record_natural_key(reg, d->region, d->values, &d->key);
    }
    if (!rc && whole) rc = seal_prepare(l, t, d, a, secret, err);
    if (!rc && whole) rc = code_cells(t, d, a, err);
    d->unfit = rc < 0;
    if (rc < 0) d->outcome = OUTCOME_REJECTED;
    return rc;
}

void record_unprepare(struct draft *d) {
    d->prepared = false;
    d->n_blind = 0;
    d->seal = NULL;
    d->wrapped = NULL;
    d->coded = NULL;
    d->n_coded = 0;
    d->sealed = NULL;
    d->cells = (struct text){0};
}

int record_write(struct ledger *l, const struct session *s, struct draft **drafts, size_t n, struct error *err) {
    return record_write_once(l, s, (struct text){"", 0}, drafts, n, err);
}

int record_write_once(struct ledger *l, const struct session *s, struct text key, struct draft **drafts, size_t n, struct error *err) {
    struct arena a = {0};
    int rc = 0;
    bool known = false;
    bool *here = arena_alloc(&a, n + 1);
    if (!here) return error_memory(err);
    for (size_t i = 0; !rc && i < n; i++) {
        here[i] = !drafts[i]->prepared;
        rc = record_prepare(l, drafts[i], &a, &l->secret, s->now);
        if (rc < 0 && err) *err = drafts[i]->error;
    }
    if (!rc && key.n) rc = repeat_print(l, key, drafts, n, err);
    bool own = !l->in_transaction;
    if (!rc && own) rc = ledger_begin(l, err);
    if (rc < 0) goto out;
    if (key.n) rc = repeat_find(l, s->account, key, drafts, n, &known, err);
    if (!rc && !known) rc = record_apply(l, s, drafts, n, err);
    for (size_t i = 0; !rc && i < n; i++)
        if (drafts[i]->outcome == OUTCOME_REJECTED) {
            rc = drafts[i]->error.code;
            if (err) *err = drafts[i]->error;
        }
    if (!rc && key.n && !known) rc = repeat_keep(l, s->account, key, drafts, n, s->now, err);
    if (!own) goto out;
    rc = ledger_end(l, rc, s->now, err);
out:
    for (size_t i = 0; i < n; i++)
        if (here[i]) record_unprepare(drafts[i]);
    arena_clear(&a);
    return rc;
}

struct expr_scope record_scope(const struct ledger *l, instant now, const struct record *r) {
    return (struct expr_scope){.values = r->values, .id = r->id, .number = r->number, .state = r->state, .region = r->region, .version = r->version,
                               .now = now, .today = day_of_instant(now, l->zone_s)};
}
