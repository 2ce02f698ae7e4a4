/* A city to be sampled, as the benches of the evening, of many rounds and of many devices need it: people on record, rounds that are open, a table for each connection or queue. And afterwards:
 * what was acknowledged, looked for in the store. */
#ifndef TOCSIN_BENCH_SAMPLED_H
#define TOCSIN_BENCH_SAMPLED_H

#include "base/idmap.h"
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

/* ---- none lost, none double */

static inline long sampled_member(struct text body, const char *name) {
    const char *at = memmem(body.s, body.n, name, strlen(name));
    return at ? atol(at + strlen(name)) : 0;
}

/* The next id of a swab that the answer tells, in the order of the people asked for: it is that person's from now on. False: there is none, or another one was told before. */
static inline bool sampled_told(struct text *rest, int64_t *swab_of) {
    static const char name[] = "\"swab\":";
    const char *at = memmem(rest->s, rest->n, name, sizeof name - 1), *end = rest->s + rest->n;
    if (!at) return false;
    at += sizeof name - 1;
    *rest = (struct text){at, (size_t)(end - at)};
    int64_t id = atoll(at);
    if (*swab_of > 0 && *swab_of != id) return false;
    *swab_of = id;
    return true;
}

struct sampled_found {
    int64_t sent, acknowledged; /* by people */
    int64_t stored, lost, twice, other, unknown, tubes_too_full; /* other: under another number than was told; unknown: of nobody who was sent */
};

/* swab_of: of each person 0 not sent, -1 sent, else the id that was told. The node is open; tubes hold ten. */
static inline void sampled_reconcile(struct bench_node *node, const struct sampled *c, const int64_t *swab_of, struct sampled_found *ret) {
    struct idmap at = {0};
    struct arena a = {0};
    struct db_cursor *cursor = NULL;
    const struct value *row;
    struct sampled_found f = {0};
    bool *seen = mem_alloc((size_t)c->persons);
    if (!seen) exit(1);
    for (int64_t i = 0; i < c->persons; i++) {
        struct idmap_slot *slot = idmap_put(&at, &a, c->ids[i], NULL);
        if (!slot) exit(1);
        slot->value.i = i;
        f.sent += swab_of[i] != 0;
        f.acknowledged += swab_of[i] > 0;
    }
    must(db_query(node->l->db, "SELECT \"id\",\"person\" FROM \"swab\"", NULL, 0, &cursor, &err), "swabs");
    for (int rc; (rc = db_next(cursor, &row, &err)) != 0;) {
        must(rc, "swabs");
        struct idmap_slot *slot = idmap_find(&at, row[1].i);
        int64_t i = slot ? slot->value.i : -1;
        f.stored++;
        if (i < 0 || !swab_of[i]) f.unknown++;
        else if (seen[i]) f.twice++;
        else if (swab_of[i] > 0 && swab_of[i] != row[0].i) f.other++;
        if (i >= 0) seen[i] = true;
    }
    db_cursor_close(cursor);
    for (int64_t i = 0; i < c->persons; i++) f.lost += swab_of[i] > 0 && !seen[i];
    f.tubes_too_full = bench_count(node->l, "SELECT COUNT(*) FROM (SELECT \"tube\" FROM \"swab\" GROUP BY \"tube\" HAVING COUNT(*) > 10) AS x");
    mem_free(seen);
    arena_clear(&a);
    *ret = f;
}

/* Whether anything of that is a fault. */
static inline bool sampled_wrong(const struct sampled_found *f) {
    return f->lost || f->twice || f->other || f->unknown || f->tubes_too_full || f->stored != f->acknowledged;
}

static inline void sampled_free(struct sampled *c) {
    mem_free(c->ids);
    mem_free(c->cards);
}

#endif
