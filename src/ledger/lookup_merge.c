/* The lookup, kept short: four runs of a level become one of the next. A shard at a time, so that a transaction can stop after any of them. */
#include <stdlib.h>
#include <string.h>

#include "ledger/lookup_run.h"

enum { GROUP = 1 << 20 /* entries held in memory before they are written */ };

/* A part of a run whose entries stand in another now. */
struct used {
    uint32_t run;
    unsigned shard;
};

struct merging {
    struct lookup *x;
    struct db *db;
    struct arena a, part;
    struct lookup_shard all[LOOKUP_SHARDS];
    struct lookup_entry *e; /* merged and not yet written, of shards of one level */
    size_t n, cap;
    unsigned level;
    uint32_t run;
    struct used *used;
    size_t n_used, cap_used;
    uint64_t moved;
};

static int used_cmp(const void *a, const void *b) {
    const struct used *x = a, *y = b;
    if (x->run != y->run) return x->run < y->run ? -1 : 1;
    return (x->shard > y->shard) - (x->shard < y->shard);
}

static int write_group(struct merging *m, struct error *err) {
    if (!m->n) return 0;
    int rc = lookup_run_write(m->db, &m->a, m->all, m->run, m->level, m->e, m->n, err);
    m->n = 0;
    return rc;
}

/* Neighbouring shards of a run go together. */
static int remove_used(struct merging *m, struct error *err) {
    int rc = 0;
    if (m->n_used) qsort(m->used, m->n_used, sizeof *m->used, used_cmp);
    for (size_t i = 0, k; !rc && i < m->n_used; i = k) {
        for (k = i + 1; k < m->n_used && m->used[k].run == m->used[i].run && m->used[k].shard == m->used[k - 1].shard + 1;) k++;
        rc = lookup_run_remove(m->db, m->used[i].run, m->used[i].shard, m->used[k - 1].shard, err);
    }
    return rc;
}

static int room(struct merging *m, size_t more, struct error *err) {
    if (m->n + more > m->cap) {
        size_t cap = m->n + more + (m->n + more) / 2;
        struct lookup_entry *grown = mem_realloc(m->e, cap * sizeof *grown);
        if (!grown) return error_memory(err);
        m->e = grown;
        m->cap = cap;
    }
    return 0;
}

/* Two sorted lists into one, without doubles. */
static size_t two(const struct lookup_entry *a, size_t n_a, const struct lookup_entry *b, size_t n_b, struct lookup_entry *to) {
    size_t i = 0, k = 0, n = 0;
    while (i < n_a && k < n_b) {
        int c = lookup_compare(&a[i], &b[k]);
        to[n++] = c <= 0 ? a[i] : b[k];
        i += c <= 0;
        k += c >= 0;
    }
    if (i < n_a) memcpy(to + n, a + i, (n_a - i) * sizeof *to);
    n += n_a - i;
    if (k < n_b) memcpy(to + n, b + k, (n_b - k) * sizeof *to);
    return n + n_b - k;
}

/* The lists, shortest first would be best; they are of like length. Halves until one is left. */
static int all_into_one(struct merging *m, struct lookup_entry **list, size_t *count, size_t n, struct error *err) {
    for (; n > 1; n = (n + 1) / 2)
        for (size_t i = 0; i < n; i += 2) {
            if (i + 1 == n) {
                list[i / 2] = list[i];
                count[i / 2] = count[i];
                continue;
            }
            struct lookup_entry *to = arena_alloc(&m->part, (count[i] + count[i + 1] + 1) * sizeof *to);
            if (!to) return error_memory(err);
            count[i / 2] = two(list[i], count[i], list[i + 1], count[i + 1], to);
            list[i / 2] = to;
        }
    return 0;
}

/* The lowest level of which the shard has too many runs; -1: none. */
static int full_level(const struct lookup_shard *s) {
    unsigned count[256] = {0};
    for (size_t i = 0; i < s->n; i++) count[s->runs[i].level]++;
    for (int level = 0; level < 256; level++)
        if (count[level] >= LOOKUP_TIER) return level;
    return -1;
}

static int use(struct merging *m, const struct lookup_run *run, unsigned shard, struct error *err) {
    if (!mem_room(&m->used, &m->cap_used, m->n_used + 1, sizeof *m->used)) return error_memory(err);
    m->used[m->n_used++] = (struct used){run->run, shard};
    return 0;
}

static int merge_shard(struct merging *m, unsigned shard, unsigned level, struct error *err) {
    struct lookup_shard *s = &m->all[shard];
    struct lookup_entry *list[LOOKUP_RUNS_MAX];
    size_t count[LOOKUP_RUNS_MAX], n = 0, kept = 0;
    int rc = 0;
    unsigned next = level < 255 ? level + 1 : 255;
    if (m->n && (m->level != next || m->n >= GROUP || lookup_shard_of(m->e[m->n - 1].place) >= shard)) rc = write_group(m, err);
    arena_reset(&m->part);
    for (size_t i = 0; !rc && i < s->n; i++) {
        if (s->runs[i].level != level) {
            s->runs[kept++] = s->runs[i];
            continue;
        }
        rc = lookup_run_read(m->db, &m->part, &s->runs[i], shard, &list[n], &count[n], err);
        if (!rc) rc = use(m, &s->runs[i], shard, err);
        m->moved += s->runs[i].n;
        n++;
    }
    if (!rc) rc = all_into_one(m, list, count, n, err);
    if (!rc) rc = room(m, count[0], err);
    if (rc < 0) return rc;
    s->n = kept;
    s->changed = true;
    m->level = next;
    memcpy(m->e + m->n, list[0], count[0] * sizeof *m->e);
    m->n += count[0];
    return 0;
}

int lookup_merge(struct lookup *x, struct db *db, struct error *err) {
    struct merging *m = mem_alloc(sizeof *m);
    if (!m) return error_memory(err);
    m->x = x;
    m->db = db;
    uint64_t budget = LOOKUP_PAID * x->added;
    int rc = lookup_shards_read(db, &m->a, NULL, m->all, err);
    bool any = true;
    while (!rc && any && m->moved < budget) {
        any = false;
        m->run = 0;
        for (unsigned i = 0; !rc && i < LOOKUP_SHARDS && m->moved < budget; i++) {
            unsigned shard = (unsigned)((x->head.cursor + i) % LOOKUP_SHARDS);
            int level = full_level(&m->all[shard]);
            if (level < 0) continue;
            if (!m->run) rc = lookup_run_new(x, &m->run, err);
            if (!rc) rc = merge_shard(m, shard, (unsigned)level, err);
            any = true;
            if (m->moved >= budget) x->head.cursor = (shard + 1) % LOOKUP_SHARDS;
        }
        if (!rc) rc = write_group(m, err); /* a second round may read what the first one made */
        if (!rc) rc = remove_used(m, err);
        m->n_used = 0;
    }
    if (!rc) rc = lookup_shards_write(x, db, m->all, err);
    x->added = 0;
    mem_free(m->e);
    mem_free(m->used);
    arena_clear(&m->a);
    arena_clear(&m->part);
    mem_free(m);
    return rc;
}

int lookup_clean(struct lookup *x, struct db *db, uint64_t budget, struct error *err) {
    struct arena a = {0}, part = {0};
    struct lookup_shard all[LOOKUP_SHARDS];
    uint64_t read = 0;
    int rc = lookup_shards_read(db, &a, NULL, all, err);
    for (unsigned i = 0; !rc && i < LOOKUP_SHARDS; i++)
        for (size_t r = 0; !rc && r < all[i].n && read < budget; r++) {
            struct lookup_run *run = &all[i].runs[r];
            struct lookup_entry *e = NULL;
            size_t n = 0;
            if (!run->stale) continue;
            arena_reset(&part);
            rc = lookup_run_read(db, &part, run, i, &e, &n, err);
            if (!rc) rc = lookup_filter_write(db, &part, run->run, i, e, n, err);
            run->stale = false;
            all[i].changed = true;
            read += n;
        }
    if (!rc) rc = lookup_shards_write(x, db, all, err);
    x->dropped = x->traceless = false;
    arena_clear(&part);
    arena_clear(&a);
    return rc;
}
