#include "ledger/access.h"

#include <string.h>

static const char *const verb_words[] = {
    [ACCESS_READ] = "reading", [ACCESS_WRITE] = "writing", [ACCESS_OPEN] = "opening sealed fields of", [ACCESS_WATCH] = "watching over"};

static void verb_roles(const struct register_decl *reg, enum access_verb verb, const struct text **ret,
                       size_t *ret_n) {
    switch (verb) {
    case ACCESS_READ:
        *ret = reg->readers;
        *ret_n = reg->n_readers;
        return;
    case ACCESS_WRITE:
        *ret = reg->writers;
        *ret_n = reg->n_writers;
        return;
    case ACCESS_OPEN:
        *ret = reg->openers;
        *ret_n = reg->n_openers;
        return;
    case ACCESS_WATCH: break;
    }
    *ret = NULL;
    *ret_n = 0;
}

/* A grant whose region is no canonical text gives nothing: it can then neither match by accident nor reach
 * the SQL. */
static bool region_sane(struct text region) {
    if (region.n > REGION_MAX) return false;
    for (size_t i = 0; i < region.n; i++) {
        char c = region.s[i];
        if (!(c >= '0' && c <= '9') && !(c >= 'A' && c <= 'Z')) return false;
    }
    return true;
}

bool access_grants(const struct grant *g, enum access_verb verb, const struct register_decl *reg) {
    if (!region_sane(g->region)) return false;
    if (text_is(g->role, "root")) return true;
    if ((verb == ACCESS_READ || verb == ACCESS_WATCH) && text_is(g->role, "auditor")) return true;
    if (verb == ACCESS_WATCH) return false;
    const struct text *roles;
    size_t n;
    verb_roles(reg, verb, &roles, &n);
    return g->role.n > 0 && role_among(roles, n, g->role);
}

/* Looking at a sealed field is journalled with its purpose, so nobody is above giving one, not even root. */
static bool purpose_given(const struct session *s, enum access_verb verb) {
    return verb != ACCESS_OPEN || text_trim(s->purpose).n > 0;
}

bool access_within_limit(const struct session *s, enum access_verb verb, const struct register_decl *reg) {
    const struct session_limit *l = s->limit;
    return !l || ((l->verbs & (1u << verb)) && (!l->n_registers || (reg && role_among(l->registers, l->n_registers, reg->name))));
}

/* Whether a record of a wider region is read by those within it too. */
static bool above(enum access_verb verb, const struct register_decl *reg) {
    return verb == ACCESS_READ && reg && reg->below;
}

int access_check(const struct session *s, enum access_verb verb, const struct register_decl *reg,
                 struct text region, struct error *err) {
    bool granted = false;
    if (!access_within_limit(s, verb, reg))
        return error_set(err, E_DENIED, NULL, "this token is not for %s register %.*s / 此令牌不含该登记册的此项权限", verb_words[verb], (int)reg->name.n, reg->name.s);
    for (size_t i = 0; i < s->n_grants && !granted; i++)
        granted = (region_within(region, s->grants[i].region) || (above(verb, reg) && region_within(s->grants[i].region, region))) && access_grants(&s->grants[i], verb, reg);
    if (granted && purpose_given(s, verb)) return 0;
    if (granted)
        return error_set(err, E_DENIED, NULL, "opening sealed fields of register %.*s needs a purpose / 查看加密字段须说明目的: --purpose TEXT",
                         (int)reg->name.n, reg->name.s);
    /* The same words whether the record exists or not, and without its region. */
    const struct text *roles;
    size_t n;
    verb_roles(reg, verb, &roles, &n);
    const struct text root = TEXT("root");
    char en[160], zh[160];
    return error_set(err, E_DENIED, NULL, "%s register %.*s there needs one of these roles over that region: %s / 对%s的此项操作须有该地区的角色之一: %s", verb_words[verb],
                     (int)reg->name.n, reg->name.s, role_words(reg->role_names, n ? roles : &root, n ? n : 1, false, en, sizeof en), reg->zh.n ? reg->zh.s : reg->name.s,
                     role_words(reg->role_names, n ? roles : &root, n ? n : 1, true, zh, sizeof zh));
}

/* True when an earlier or wider grant already covers the i-th. */
static bool covered(const struct session *s, size_t i, enum access_verb verb,
                    const struct register_decl *reg) {
    struct text mine = s->grants[i].region;
    for (size_t k = 0; k < s->n_grants; k++) {
        struct text other = s->grants[k].region;
        if (k == i || !region_within(mine, other) || !access_grants(&s->grants[k], verb, reg)) continue;
        if (other.n < mine.n || k < i) return true;
    }
    return false;
}

int access_sql(const struct session *s, enum access_verb verb, const struct register_decl *reg,
               const char *column, struct buf *out) {
    if (!access_anywhere(s, verb, reg)) return buf_str(out, "1=0");
    for (size_t i = 0; i < s->n_grants; i++)
        if (s->grants[i].region.n == 0 && access_grants(&s->grants[i], verb, reg)) return buf_str(out, "1=1");
    const char *before = "(";
    for (size_t i = 0; i < s->n_grants; i++) {
        struct text region = s->grants[i].region;
        char end[REGION_MAX + 2];
        if (!access_grants(&s->grants[i], verb, reg) || covered(s, i, verb, reg) || !region_end(region, end))
            continue;
        buf_printf(out, "%s%s >= '%.*s' AND %s < '%s'", before, column, (int)region.n, region.s, column, end);
        before = " OR ";
        for (size_t n = 0; above(verb, reg) && n < region.n; n++) buf_printf(out, "%s%s = '%.*s'", before, column, (int)n, region.s);
    }
    return buf_char(out, ')');
}

bool access_anywhere(const struct session *s, enum access_verb verb, const struct register_decl *reg) {
    if (!purpose_given(s, verb) || !access_within_limit(s, verb, reg)) return false;
    for (size_t i = 0; i < s->n_grants; i++)
        if (access_grants(&s->grants[i], verb, reg)) return true;
    return false;
}

int access_scope_sql(const struct session *s, const char *column, struct buf *out) {
    const char *before = "(";
    if (s->limit && s->limit->n_registers) return buf_str(out, "1=0");
    for (size_t i = 0; i < s->n_grants; i++) {
        const struct grant *g = &s->grants[i];
        char end[REGION_MAX + 2];
        if (!g->role.n || text_is(g->role, "guest") || !region_sane(g->region)) continue;
        if (region_end(g->region, end))
            buf_printf(out, "%s%s >= '%.*s' AND %s < '%s'", before, column, (int)g->region.n, g->region.s, column, end);
        else
            buf_printf(out, "%s1=1", before);
        before = " OR ";
    }
    return before[0] == '(' ? buf_str(out, "1=0") : buf_char(out, ')');
}

size_t access_regions(const struct session *s, enum access_verb verb, const struct register_decl *reg, struct text *out) {
    size_t n = 0;
    if (!purpose_given(s, verb)) return 0;
    for (size_t i = 0; i < s->n_grants; i++)
        if (access_grants(&s->grants[i], verb, reg) && !covered(s, i, verb, reg)) out[n++] = s->grants[i].region;
    return n;
}

bool session_copy(const struct session *s, struct arena *a, struct session *ret) {
    struct session own = *s;
    struct grant *grants = arena_alloc(a, (s->n_grants + 1) * sizeof *grants);
    own.account = arena_text(a, s->account);
    own.purpose = arena_text(a, s->purpose);
    own.reason = arena_text(a, s->reason);
    bool whole = grants && own.account.s && own.purpose.s && own.reason.s;
    for (size_t i = 0; whole && i < s->n_grants; i++) {
        grants[i] = (struct grant){.role = arena_text(a, s->grants[i].role), .region = arena_text(a, s->grants[i].region)};
        whole = grants[i].role.s && grants[i].region.s;
    }
    own.grants = grants;
    if (whole && s->limit) {
        struct session_limit *limit = arena_alloc(a, sizeof *limit);
        struct text *registers = arena_alloc(a, (s->limit->n_registers + 1) * sizeof *registers);
        whole = limit && registers;
        for (size_t i = 0; whole && i < s->limit->n_registers; i++) whole = (registers[i] = arena_text(a, s->limit->registers[i])).s != NULL;
        if (whole) *limit = (struct session_limit){.verbs = s->limit->verbs, .n_registers = s->limit->n_registers, .registers = registers};
        own.limit = limit;
    }
    if (whole) *ret = own;
    return whole;
}
