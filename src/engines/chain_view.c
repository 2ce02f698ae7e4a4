/* A part of the chains to look at; see chain.h. */
#include <string.h>

#include "engines/chain_work.h"

struct walk {
    const struct chain_input *in;
    const struct chain_result *r;
    const struct chain_look *look;
    uint32_t *first, *next;  /* children of each: index + 1 */
    uint32_t *back, *later;  /* candidate links that name it: index of the candidate + 1; who the infectee is */
    uint32_t *whose;
    uint8_t *state;          /* 1 taken, 2 may not be shown, 3 outside the time */
    struct chain_part part;
    size_t cap_edges;
};

static int children_index(struct walk *w, struct error *err) {
    const struct chain_result *r = w->r;
    size_t n = r->n ? r->n : 1, m = r->n_candidates ? r->n_candidates : 1;
    w->first = mem_alloc(n * sizeof *w->first);
    w->next = mem_alloc(n * sizeof *w->next);
    w->back = mem_alloc(n * sizeof *w->back);
    w->later = mem_alloc(m * sizeof *w->later);
    w->whose = mem_alloc(m * sizeof *w->whose);
    w->state = mem_alloc(n);
    w->part.nodes = mem_alloc((w->look->max_nodes ? w->look->max_nodes : 1) * sizeof *w->part.nodes);
    if (!w->first || !w->next || !w->back || !w->later || !w->whose || !w->state || !w->part.nodes) return error_memory(err);
    for (size_t j = r->n; j-- > 0;) {
        const struct chain_node *x = &r->nodes[j];
        if (x->parent != CHAIN_NONE) w->next[j] = w->first[x->parent], w->first[x->parent] = (uint32_t)j + 1;
        for (uint32_t k = 0; k < x->n_candidates; k++) {
            uint32_t c = x->candidates + k, i = r->candidates[c].infector;
            if (r->candidates[c].chance < w->look->candidates) break; /* best first */
            w->whose[c] = (uint32_t)j;
            w->later[c] = w->back[i];
            w->back[i] = c + 1;
        }
    }
    return 0;
}

static void take(struct walk *w, uint32_t j) {
    const struct chain_look *k = w->look;
    if (w->state[j]) return;
    day d = chain_day(&w->in->cases[j]);
    if (j != k->centre && d != CHAIN_NO_DAY && ((k->from != CHAIN_NO_DAY && d < k->from) || (k->to != CHAIN_NO_DAY && d >= k->to))) {
        w->state[j] = 3;
        return;
    }
    if (k->seen && !k->seen(j, k->arg)) {
        w->state[j] = 2;
        w->part.hidden++;
        return;
    }
    if (w->part.n_nodes == k->max_nodes) {
        w->part.more = true;
        return;
    }
    w->state[j] = 1;
    w->part.nodes[w->part.n_nodes++] = j;
}

static void neighbours(struct walk *w, uint32_t j) {
    const struct chain_node *x = &w->r->nodes[j];
    if (x->parent != CHAIN_NONE) take(w, x->parent);
    for (uint32_t k = 0; k < x->n_candidates && w->r->candidates[x->candidates + k].chance >= w->look->candidates; k++) take(w, w->r->candidates[x->candidates + k].infector);
    for (uint32_t k = w->first[j]; k; k = w->next[k - 1]) take(w, k - 1);
    for (uint32_t c = w->back[j]; c; c = w->later[c - 1]) take(w, w->whose[c - 1]);
}

static int edge_add(struct walk *w, struct chain_edge e, struct error *err) {
    if (!mem_room(&w->part.edges, &w->cap_edges, w->part.n_edges + 1, sizeof *w->part.edges)) return error_memory(err);
    w->part.edges[w->part.n_edges++] = e;
    return 0;
}

/* Links between those that are shown. */
static int edges(struct walk *w, struct error *err) {
    int rc = 0;
    for (size_t n = 0; rc == 0 && n < w->part.n_nodes; n++) {
        uint32_t j = w->part.nodes[n];
        const struct chain_node *x = &w->r->nodes[j];
        double chance = 0;
        for (uint32_t k = 0; rc == 0 && k < x->n_candidates; k++) {
            const struct chain_candidate *c = &w->r->candidates[x->candidates + k];
            if (c->infector == x->parent) chance = c->chance;
            else if (c->chance >= w->look->candidates && w->state[c->infector] == 1) rc = edge_add(w, (struct chain_edge){c->infector, j, c->chance, CHAIN_BY_NOBODY}, err);
        }
        if (rc == 0 && x->parent != CHAIN_NONE && w->state[x->parent] == 1) rc = edge_add(w, (struct chain_edge){x->parent, j, chance, x->by}, err);
    }
    return rc;
}

int chain_look(const struct chain_input *in, const struct chain_result *r, const struct chain_look *look, struct chain_part *ret, struct error *err) {
    struct walk w = {.in = in, .r = r, .look = look};
    if ((look->centre != CHAIN_NONE && look->centre >= r->n) || look->steps < 0) return error_set(err, E_INVALID, "centre", "no such case in the chains / 传播链中没有该病例");
    int rc = children_index(&w, err);
    if (rc == 0 && look->centre != CHAIN_NONE) take(&w, look->centre);
    for (size_t t = 0; rc == 0 && look->centre == CHAIN_NONE && t < r->n_trees && !w.part.more; t++) take(&w, r->trees[t].root);
    for (size_t head = 0, step = 0; rc == 0 && step < (size_t)look->steps && head < w.part.n_nodes; step++)
        for (size_t end = w.part.n_nodes; head < end; head++) neighbours(&w, w.part.nodes[head]);
    if (rc == 0) rc = edges(&w, err);
    mem_free(w.first), mem_free(w.next), mem_free(w.back), mem_free(w.later), mem_free(w.whose), mem_free(w.state);
    if (rc < 0) chain_part_clear(&w.part);
    else *ret = w.part;
    return rc;
}

void chain_part_clear(struct chain_part *p) {
    mem_free(p->nodes);
    mem_free(p->edges);
    *p = (struct chain_part){0};
}
