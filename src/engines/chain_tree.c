/* Parents, generations, trees and what cannot be; see chain.h. */
#include <stdlib.h>
#include <string.h>

#include "engines/chain_work.h"

struct faults {
    struct chain_contradiction *items;
    size_t n, cap;
};

static int fault_add(struct faults *f, enum chain_fault kind, uint32_t infector, uint32_t infectee, int32_t days, struct error *err) {
    if (!mem_room(&f->items, &f->cap, f->n + 1, sizeof *f->items)) return error_memory(err);
    f->items[f->n++] = (struct chain_contradiction){kind, infector, infectee, days};
    return 0;
}

static const struct chain_pair *pair_find(const struct chain_pair *p, size_t n, uint32_t infector, uint32_t infectee) {
    size_t low = 0, high = n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        bool before = p[mid].infectee != infectee ? p[mid].infectee < infectee : p[mid].infector < infector;
        if (before) low = mid + 1;
        else high = mid;
    }
    return low < n && p[low].infectee == infectee && p[low].infector == infector ? &p[low] : NULL;
}

/* ---- parents */

static void parents(const struct chain_options *o, const struct chain_input *in, struct chain_result *r) {
    for (size_t j = 0; j < r->n; j++) {
        struct chain_node *node = &r->nodes[j];
        node->parent = CHAIN_NONE;
        if (!node->n_candidates || r->candidates[node->candidates].chance < o->accept) continue;
        node->parent = r->candidates[node->candidates].infector;
        node->by = CHAIN_BY_MACHINE;
    }
    for (size_t i = 0; i < in->n_choices; i++) {
        if (in->choices[i].infector == in->choices[i].infectee) continue;
        r->nodes[in->choices[i].infectee].parent = in->choices[i].infector;
        r->nodes[in->choices[i].infectee].by = CHAIN_BY_ANALYST;
    }
}

/* Circles are opened at their member with the earliest day, lowest id first: whoever is first cannot have been infected by the others. */
static int loops_open(const struct chain_input *in, struct chain_result *r, struct faults *f, struct error *err) {
    uint32_t *seen = mem_alloc((r->n ? r->n : 1) * sizeof *seen); /* round in which it was met, + 1 */
    int rc = seen ? 0 : error_memory(err);
    for (uint32_t j = 0; rc == 0 && j < r->n; j++) {
        uint32_t at = j;
        while (at != CHAIN_NONE && !seen[at]) {
            seen[at] = j + 1;
            at = r->nodes[at].parent;
        }
        if (at == CHAIN_NONE || seen[at] != j + 1) continue;
        uint32_t first = at;
        for (uint32_t k = r->nodes[at].parent; k != at; k = r->nodes[k].parent) {
            day a = chain_day(&in->cases[k]), b = chain_day(&in->cases[first]);
            if (a < b || (a == b && in->cases[k].id < in->cases[first].id)) first = k;
        }
        rc = fault_add(f, CHAIN_LOOP, r->nodes[first].parent, first, 0, err);
        r->nodes[first].parent = CHAIN_NONE;
    }
    mem_free(seen);
    return rc;
}

/* Parents before children; generations, and the root of each in `tree` for now. */
static int order_make(struct chain_result *r, uint32_t **ret, struct error *err) {
    size_t n = r->n, tail = 0;
    uint32_t *order = mem_alloc((n ? n : 1) * sizeof *order), *next = mem_alloc((n ? n : 1) * sizeof *next), *first = mem_alloc((n ? n : 1) * sizeof *first);
    if (!order || !next || !first) {
        mem_free(order), mem_free(next), mem_free(first);
        return error_memory(err);
    }
    for (size_t j = n; j-- > 0;) {
        uint32_t p = r->nodes[j].parent;
        if (p == CHAIN_NONE) continue;
        r->nodes[p].children++;
        next[j] = first[p];
        first[p] = (uint32_t)j + 1;
    }
    for (size_t j = 0; j < n; j++)
        if (r->nodes[j].parent == CHAIN_NONE) r->nodes[j].tree = (uint32_t)j, order[tail++] = (uint32_t)j;
    for (size_t head = 0; head < tail; head++)
        for (uint32_t k = first[order[head]]; k; k = next[k - 1]) {
            r->nodes[k - 1].generation = r->nodes[order[head]].generation + 1;
            r->nodes[k - 1].tree = r->nodes[order[head]].tree;
            order[tail++] = k - 1;
        }
    for (size_t i = tail; i-- > 0;) {
        const struct chain_node *x = &r->nodes[order[i]];
        if (x->parent != CHAIN_NONE) r->nodes[x->parent].descendants += x->descendants + 1;
    }
    mem_free(next);
    mem_free(first);
    *ret = order;
    return 0;
}

/* ---- what cannot be */

static int check_link(const struct chain_input *in, const struct chain_pair *pairs, size_t n_pairs, const struct chain_result *r, uint32_t j, struct faults *f, struct error *err) {
    const struct chain_node *node = &r->nodes[j];
    uint32_t i = node->parent;
    if (i == CHAIN_NONE) return 0;
    const struct chain_case *a = &in->cases[i], *b = &in->cases[j];
    const struct chain_pair *p = pair_find(pairs, n_pairs, i, j);
    int rc = 0;
    int32_t days = chain_day(a) != CHAIN_NO_DAY && chain_day(b) != CHAIN_NO_DAY ? chain_day(b) - chain_day(a) : 0;
    if (b->imported) rc = fault_add(f, CHAIN_IMPORTED, i, j, days, err);
    if (rc == 0 && a->onset != CHAIN_NO_DAY && b->onset != CHAIN_NO_DAY && days < 0) rc = fault_add(f, CHAIN_ONSET_BEFORE, i, j, days, err);
    if (rc == 0 && days > r->long_days) rc = fault_add(f, CHAIN_LONG_GAP, i, j, days, err);
    if (rc == 0 && p && !p->never && p->first != CHAIN_NO_DAY && a->isolated != CHAIN_NO_DAY && p->first > a->isolated)
        rc = fault_add(f, CHAIN_AFTER_ISOLATION, i, j, p->first - a->isolated, err);
    if (rc == 0 && (!p || p->never) && node->by == CHAIN_BY_ANALYST) rc = fault_add(f, CHAIN_NEVER_MET, i, j, days, err);
    return rc;
}

static int by_infectee(const void *x, const void *y) {
    const struct chain_contradiction *a = x, *b = y;
    if (a->infectee != b->infectee) return a->infectee < b->infectee ? -1 : 1;
    if (a->kind != b->kind) return a->kind < b->kind ? -1 : 1;
    return (a->infector > b->infector) - (a->infector < b->infector);
}

/* ---- trees */

/* Sorted with the id of the root beside it: qsort takes no argument. */
struct sorted {
    struct chain_tree t;
    int64_t id;
};
static int by_size(const void *x, const void *y) {
    const struct sorted *a = x, *b = y;
    if (a->t.size != b->t.size) return a->t.size > b->t.size ? -1 : 1;
    if (a->t.first != b->t.first) return a->t.first < b->t.first ? -1 : 1;
    return (a->id > b->id) - (a->id < b->id);
}

static void tree_count(const struct chain_input *in, const struct chain_result *r, uint32_t j, struct chain_tree *t) {
    const struct chain_case *c = &in->cases[j];
    day d = chain_day(c);
    t->size++;
    if (r->nodes[j].generation > t->generations) t->generations = r->nodes[j].generation;
    if (d != CHAIN_NO_DAY && (t->first == CHAIN_NO_DAY || d < t->first)) t->first = d;
    if (d != CHAIN_NO_DAY && d > t->last) t->last = d; /* NO_DAY is below every day */
    day found = c->reported != CHAIN_NO_DAY ? c->reported : c->onset;
    if (!c->controlled && found > t->last_outside) t->last_outside = found;
    uint32_t p = r->nodes[j].parent;
    if (p != CHAIN_NONE && d != CHAIN_NO_DAY && chain_day(&in->cases[p]) != CHAIN_NO_DAY && d - chain_day(&in->cases[p]) > r->long_days) t->long_gaps++;
}

static int trees_make(const struct chain_options *o, const struct chain_input *in, const uint32_t *order, struct chain_result *r, struct error *err) {
    size_t n = 0;
    for (size_t j = 0; j < r->n; j++) n += r->nodes[j].parent == CHAIN_NONE;
    struct sorted *s = mem_alloc((n ? n : 1) * sizeof *s);
    uint32_t *slot = mem_alloc((r->n ? r->n : 1) * sizeof *slot);
    r->trees = mem_alloc((n ? n : 1) * sizeof *r->trees);
    if (!s || !slot || !r->trees) {
        mem_free(s), mem_free(slot);
        return error_memory(err);
    }
    for (size_t k = 0; k < r->n; k++) {
        uint32_t j = order[k], root = r->nodes[j].tree;
        if (root == j) {
            slot[j] = (uint32_t)r->n_trees;
            s[r->n_trees++] = (struct sorted){{.root = j, .first = CHAIN_NO_DAY, .last = CHAIN_NO_DAY, .last_outside = CHAIN_NO_DAY}, in->cases[j].id};
        }
        tree_count(in, r, j, &s[slot[root]].t);
    }
    qsort(s, n, sizeof *s, by_size);
    for (size_t i = 0; i < n; i++) {
        r->trees[i] = s[i].t;
        r->trees[i].open = s[i].t.last_outside != CHAIN_NO_DAY && o->today != CHAIN_NO_DAY && o->today - s[i].t.last_outside <= o->cut_days;
        slot[s[i].t.root] = (uint32_t)i;
    }
    for (size_t j = 0; j < r->n; j++) r->nodes[j].tree = slot[r->nodes[j].tree];
    mem_free(s);
    mem_free(slot);
    return 0;
}

int chain_trees(const struct chain_options *o, const struct chain_input *in, const struct chain_pair *pairs, size_t n_pairs, struct chain_result *r, struct error *err) {
    struct faults f = {0};
    uint32_t *order = NULL;
    int rc = 0;
    parents(o, in, r);
    for (uint32_t j = 0; rc == 0 && j < r->n; j++) rc = check_link(in, pairs, n_pairs, r, j, &f, err);
    if (rc == 0) rc = loops_open(in, r, &f, err);
    if (rc == 0) rc = order_make(r, &order, err);
    if (rc == 0) rc = trees_make(o, in, order, r, err);
    if (rc == 0 && f.n) qsort(f.items, f.n, sizeof *f.items, by_infectee);
    mem_free(order);
    if (rc < 0) {
        mem_free(f.items);
        return rc;
    }
    r->contradictions = f.items;
    r->n_contradictions = f.n;
    return 0;
}
