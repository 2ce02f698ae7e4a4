/* Which policy is in force where: read from the register `adoption`, whose records carry the pack as it was adopted. */
#include <stdlib.h>
#include <string.h>

#include "ledger/ledger.h"

void adoptions_free(struct ledger *l) {
    for (size_t i = 0; i < l->n_adoptions; i++) {
        bool shared = false;
        for (size_t k = 0; k < i && !shared; k++) shared = l->adoptions[k].policy == l->adoptions[i].policy;
        if (!shared) policy_free(l->adoptions[i].policy);
    }
    for (size_t i = 0; i < l->n_adoptions; i++) {
        mem_free((char *)l->adoptions[i].region.s);
        mem_free((char *)l->adoptions[i].disease.s);
        mem_free((char *)l->adoptions[i].pack.s);
    }
    mem_free(l->adoptions);
    l->adoptions = NULL;
    l->n_adoptions = 0;
}

static struct text keep(struct text t) {
    char *s = mem_alloc(t.n + 1);
    if (s) memcpy(s, t.s, t.n);
    return (struct text){s, s ? t.n : 0};
}

/* The same text adopted twice is the same policy. */
static struct policy *known(const struct adoption *list, size_t n, struct text content) {
    for (size_t i = 0; i < n; i++)
        if (text_eq(list[i].policy->source_text, content)) return list[i].policy;
    return NULL;
}

int adoptions_load(struct ledger *l, struct error *err) {
    l->adoptions_read++;
    const struct register_decl *reg = register_find(l->catalog, TEXT("adoption"));
    if (!reg) return 0;
    struct ledger fresh = {0};
    struct arena a = {0};
    struct db_cursor *c = NULL;
    size_t cap = 0;
    char *dir = arena_printf(&a, "%s/policies", l->home);
    int rc = dir ? 0 : error_memory(err);
    if (!rc)
        rc = db_query(l->db, "SELECT \"id\",\"region\",\"disease\",\"pack\",\"from_day\",\"content\" FROM \"adoption\" ORDER BY \"id\"", NULL, 0, &c, err);
    const struct value *row;
    while (!rc && (rc = db_next(c, &row, err)) > 0) {
        rc = 0;
        if (!mem_room(&fresh.adoptions, &cap, fresh.n_adoptions + 1, sizeof *fresh.adoptions)) {
            rc = error_memory(err);
            break;
        }
        struct adoption *ad = &fresh.adoptions[fresh.n_adoptions];
        *ad = (struct adoption){.id = row[0].i, .from = (day)value_int_or(row[4], DAY_MIN)};
        ad->policy = known(fresh.adoptions, fresh.n_adoptions, value_view(row[5]));
        if (!ad->policy) ad->policy = known(l->adoptions, l->n_adoptions, value_view(row[5]));
        bool loaded = ad->policy != NULL;
        if (!loaded) rc = policy_parse(l->catalog, dir, value_view(row[5]), "adopted pack", l->zone_s, &ad->policy, err);
        if (rc < 0) break;
        ad->region = keep(value_view(row[1]));
        ad->disease = keep(value_view(row[2]));
        ad->pack = keep(value_view(row[3]));
        fresh.n_adoptions++;
        if (!ad->region.s || !ad->disease.s || !ad->pack.s) rc = error_memory(err);
    }
    db_cursor_close(c);
    arena_clear(&a);
    if (rc < 0) {
        /* only what was loaded here is ours to free */
        for (size_t i = 0; i < fresh.n_adoptions; i++)
            for (size_t k = 0; k < l->n_adoptions; k++)
                if (fresh.adoptions[i].policy == l->adoptions[k].policy) fresh.adoptions[i].policy = NULL;
        adoptions_free(&fresh);
        return rc;
    }
    for (size_t i = 0; i < l->n_adoptions; i++)
        for (size_t k = 0; k < fresh.n_adoptions; k++)
            if (fresh.adoptions[k].policy == l->adoptions[i].policy) l->adoptions[i].policy = NULL;
    adoptions_free(l);
    l->adoptions = fresh.adoptions;
    l->n_adoptions = fresh.n_adoptions;
    return 0;
}

const struct adoption *ledger_policy(const struct ledger *l, struct text disease, struct text region, day on) {
    const struct adoption *best = NULL;
    for (size_t i = 0; i < l->n_adoptions; i++) {
        const struct adoption *a = &l->adoptions[i];
        if (a->from > on || (disease.n && !text_eq(a->disease, disease)) || !region_within(region, a->region)) continue;
        /* the nearest up the tree wins; there, the latest; adopted on the same day, the one recorded last */
        if (!best || a->region.n > best->region.n || (a->region.n == best->region.n && a->from >= best->from)) best = a;
    }
    return best;
}

const struct adoption *ledger_policy_here(const struct ledger *l, struct text disease, day on) {
    const struct adoption *a = disease.n ? ledger_policy(l, disease, l->region, on) : NULL;
    for (size_t i = 0; !a && !disease.n && i < l->n_adoptions; i++)
        if (l->adoptions[i].from <= on) a = ledger_policy(l, l->adoptions[i].disease, l->region, on);
    return a;
}

const struct adoption *ledger_adoption(const struct ledger *l, int64_t id) {
    size_t low = 0, high = l->n_adoptions;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (l->adoptions[mid].id < id)
            low = mid + 1;
        else
            high = mid;
    }
    return low < l->n_adoptions && l->adoptions[low].id == id ? &l->adoptions[low] : NULL;
}
