#include "ledger/access_view.h"

#include <string.h>

#include "base/digest.h"

enum { SET_BITS = 256, SET_NONE = SET_BITS - 1 }; /* the last bit stands for "no register" */

/* No padding: views are compared bytewise. */
struct span {
    char region[REGION_MAX];
    uint64_t n; /* of the region's bytes */
    uint64_t least; /* bytes of the region that was asked for */
    uint64_t reads[SET_BITS / 64], above[SET_BITS / 64], watches[SET_BITS / 64]; /* above: of `reads`, those of wider regions too (register_decl.below) */
};

struct access_view {
    size_t n;
    struct span spans[];
};

static bool has(const uint64_t *set, int bit) {
    return set[bit / 64] >> (bit % 64) & 1;
}

static bool wanted(const struct access_selection *want, const struct register_decl *reg) {
    bool named = !want->n_registers;
    for (size_t i = 0; i < want->n_registers && !named; i++) named = text_eq(want->registers[i], reg->name);
    return named && (!want->desk.n || text_eq(want->desk, reg->desk));
}

static int check(const struct catalog *c, const struct access_selection *want, char region[REGION_MAX + 1], struct error *err) {
    bool desk = !want->desk.n;
    for (size_t i = 0; i < want->n_registers; i++)
        if (!register_find(c, want->registers[i]))
            return error_set(err, E_UNKNOWN, "register", "there is no register %.*s / 没有该登记册", (int)want->registers[i].n, want->registers[i].s);
    for (size_t i = 0; i < c->n_registers && !desk; i++) desk = text_eq(c->registers[i].desk, want->desk);
    if (!desk) return error_set(err, E_UNKNOWN, "desk", "no register belongs to desk %.*s / 没有该席位", (int)want->desk.n, want->desk.s);
    if (want->region.n && !region_canonical(want->region, region))
        return error_set(err, E_INVALID, "region", "%.*s is no region code / 不是行政区划代码", (int)want->region.n, want->region.s);
    if (c->n_registers >= SET_NONE) return error_set(err, E_TOO_LARGE, NULL, "more than %d registers", SET_NONE - 1);
    return 0;
}

/* Where the grant and the wish meet; false when nowhere. */
static bool meet(struct text grant, struct text wish, struct text *ret) {
    *ret = grant.n > wish.n ? grant : wish;
    return region_within(*ret, grant) && region_within(*ret, wish);
}

static bool span_of(const struct session *s, const struct grant *g, const struct catalog *c, const struct access_selection *want, struct text wish, struct span *ret) {
    struct text region;
    bool any = false, everything = !want->n_registers && !want->desk.n;
    *ret = (struct span){0};
    if (g->region.n > REGION_MAX || !meet(g->region, wish, &region)) return false;
    memcpy(ret->region, region.s, region.n);
    ret->n = region.n;
    ret->least = wish.n;
    for (size_t i = 0; i < c->n_registers; i++) {
        const struct register_decl *reg = &c->registers[i];
        uint64_t bit = UINT64_C(1) << (reg->order % 64);
        if (!wanted(want, reg)) continue;
        if (access_within_limit(s, ACCESS_READ, reg) && access_grants(g, ACCESS_READ, reg)) {
            ret->reads[reg->order / 64] |= bit;
            if (reg->below) ret->above[reg->order / 64] |= bit;
        }
        if (access_within_limit(s, ACCESS_WATCH, reg) && access_grants(g, ACCESS_WATCH, reg)) ret->watches[reg->order / 64] |= bit;
    }
    if (everything && access_within_limit(s, ACCESS_WATCH, NULL) && access_grants(g, ACCESS_WATCH, NULL)) ret->watches[SET_NONE / 64] |= UINT64_C(1) << (SET_NONE % 64);
    for (int k = 0; k < SET_BITS / 64; k++) any = any || ret->reads[k] || ret->watches[k];
    return any;
}

int access_view_new(const struct session *s, const struct catalog *c, const struct access_selection *want, struct access_view **ret, struct error *err) {
    char region[REGION_MAX + 1] = "";
    int rc = check(c, want, region, err);
    if (rc < 0) return rc;
    struct access_view *v = mem_alloc(sizeof *v + (s->n_grants + 1) * sizeof *v->spans);
    if (!v) return error_memory(err);
    for (size_t i = 0; i < s->n_grants; i++)
        if (span_of(s, &s->grants[i], c, want, text_of(region), &v->spans[v->n])) v->n++;
    if (!v->n) {
        access_view_free(v);
        return error_set(err, E_DENIED, NULL, "no role of this account may see any of that / 该账户的角色无权查看所选内容");
    }
    *ret = v;
    return 0;
}

void access_view_free(struct access_view *v) {
    mem_free(v);
}

bool access_view_sees(const struct access_view *v, enum access_verb verb, int reg_order, struct text region) {
    int bit = reg_order < 0 ? SET_NONE : reg_order;
    for (size_t i = 0; i < v->n; i++) {
        const struct span *span = &v->spans[i];
        if (has(verb == ACCESS_WATCH ? span->watches : span->reads, bit) && span->n <= region.n && memcmp(span->region, region.s, span->n) == 0) return true;
        if (verb == ACCESS_READ && has(span->above, bit) && region.n >= span->least && region.n < span->n && memcmp(span->region, region.s, region.n) == 0) return true;
    }
    return false;
}

static struct text bytes(const struct access_view *v) {
    return (struct text){(const char *)v->spans, v->n * sizeof *v->spans};
}

bool access_view_eq(const struct access_view *a, const struct access_view *b) {
    return text_eq(bytes(a), bytes(b));
}

int64_t access_view_hash(const struct access_view *v) {
    return digest_64(bytes(v));
}

size_t access_view_bytes(const struct access_view *v) {
    return sizeof *v + bytes(v).n;
}
