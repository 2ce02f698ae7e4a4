/* A city to be sampled, as the benches of the evening and of many rounds need it: people on record, rounds that are open, a table for each connection or queue. */
#ifndef TOCSIN_BENCH_SAMPLED_H
#define TOCSIN_BENCH_SAMPLED_H

#include "bench.h"
#include "engines/city.h"
#include "engines/town.h"

enum { SAMPLED_TABLES = 512, SAMPLED_STREETS = 40, SAMPLED_ROUNDS = 64, SAMPLED_PIECE = 2000 };
#define SAMPLED_START 1662111000 /* 2022-09-02T17:30+08:00 */

struct sampled {
    int64_t persons;        /* how many; person i has ids[i] and card i */
    int64_t *ids;
    char (*cards)[24];
    int64_t campaign, n_rounds, rounds[SAMPLED_ROUNDS], tables[SAMPLED_TABLES];
};

static inline void sampled_street(long i, char out[16]) {
    snprintf(out, 16, "310115%03ld", i % SAMPLED_STREETS + 1);
}

/* The people are those of engine town. */
static inline void sampled_people(struct bench_node *node, struct sampled *c) {
    struct town_parameters p;
    struct town *t = NULL;
    struct rng r;
    char path[256];
    snprintf(path, sizeof path, "%s/scenarios/city.yaml", getenv("TOCSIN_HOME") ? getenv("TOCSIN_HOME") : ".");
    must(town_parameters_read(path, &p, &err), "parameters");
    must(town_make(&p, 9, (uint32_t)c->persons, SAMPLED_STREETS, 2, &t, &err), "town");
    rng_seed(&r, 9);
    c->ids = mem_alloc((size_t)c->persons * sizeof *c->ids);
    c->cards = mem_alloc((size_t)c->persons * sizeof *c->cards);
    if (!c->ids || !c->cards) exit(1);
    mem_bulk(true);
    db_bulk(node->l->db, true);
    for (int64_t from = 0; from < c->persons; from += SAMPLED_PIECE) {
        struct arena a = {0};
        struct draft *drafts[SAMPLED_PIECE];
        size_t n = (size_t)(from + SAMPLED_PIECE < c->persons ? SAMPLED_PIECE : c->persons - from);
        for (size_t i = 0; i < n; i++) {
            const struct town_person *who = &t->persons[from + (int64_t)i];
            char name[28], street[16];
            struct draft *d = drafts[i] = bench_draft(node, &a, "person");
            city_name(&r, city_surname(&r), who->sex, name, sizeof name);
            snprintf(c->cards[from + (int64_t)i], sizeof *c->cards, "E%09d", (int)from + (int)i); /* none is twice, as drawn identity numbers may be */
            sampled_street(who->region, street);
            set(d, "name", value_str(arena_str(&a, name)));
            set(d, "doc_type", value_str("passport"));
            set(d, "doc_no", value_str(c->cards[from + (int64_t)i]));
            set(d, "address_region", value_str(arena_str(&a, street)));
        }
        bench_apply(node, drafts, n);
        for (size_t i = 0; i < n; i++) c->ids[from + (int64_t)i] = drafts[i]->ret_id;
        arena_clear(&a);
    }
    db_bulk(node->l->db, false);
    mem_bulk(false);
    town_free(t);
}

/* A campaign whose n_rounds are all open, and eight tables a site. */
static inline void sampled_ground(struct bench_node *node, struct sampled *c) {
    struct arena a = {0};
    struct draft *d = bench_draft(node, &a, "campaign");
    set(d, "title", value_str("九月首轮"));
    set(d, "starts_at", value_int(SAMPLED_START - 3600));
    c->campaign = bench_write(node, d);
    d = bench_draft(node, &a, "round_scope");
    set(d, "campaign", value_int(c->campaign));
    set(d, "area", value_str("310115"));
    bench_write(node, d);
    for (int64_t i = 0; i < c->n_rounds; i++) {
        d = bench_draft(node, &a, "round");
        set(d, "campaign", value_int(c->campaign));
        set(d, "seq", value_int(i + 1));
        set(d, "starts_at", value_int(SAMPLED_START - 3600));
        c->rounds[i] = bench_write(node, d);
        d = draft_new(&a, bench_register(node, "round"), DRAFT_CHANGE);
        d->id = c->rounds[i];
        d->state = TEXT("open");
        bench_write(node, d);
    }
    for (int i = 0; i < SAMPLED_TABLES; i++) {
        char street[16];
        sampled_street(i, street);
        if (i % 8 == 0) {
            d = bench_draft(node, &a, "site");
            d->region = text_of(arena_str(&a, street));
            set(d, "title", value_str(arena_printf(&a, "采样点%d", i / 8)));
            c->tables[i] = bench_write(node, d); /* the site, for now */
        } else {
            c->tables[i] = c->tables[i - 1];
        }
    }
    for (int i = 0; i < SAMPLED_TABLES; i++) {
        d = bench_draft(node, &a, "site_table");
        set(d, "site", value_int(c->tables[i]));
        set(d, "label", value_str(arena_printf(&a, "%d", i % 8 + 1)));
        c->tables[i] = bench_write(node, d);
    }
    arena_clear(&a);
}

static inline void sampled_free(struct sampled *c) {
    mem_free(c->ids);
    mem_free(c->cards);
}

#endif
