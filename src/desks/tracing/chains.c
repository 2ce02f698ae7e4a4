/* Cases and contacts into the engine of chains; see chains.h. */
#include "desks/tracing/chains.h"

#include <stdlib.h>
#include <string.h>

#include "base/idmap.h"
#include "desks/tracing/inside.h"
#include "engines/genome.h"

/* A score of four decimals that are all 0. */
#define LEAST_SCORE 0.00005

/* What a meeting counts for without a finding: our own assumptions, told in docs/tracing.md. */
static double class_score(struct text class_of, struct text relation) {
    if (text_is(relation, "family") || text_is(relation, "household")) return 0.5;
    if (text_is(class_of, "close")) return 0.2;
    return text_is(class_of, "secondary") ? 0.03 : 0.05;
}

struct loading {
    struct ledger *l;
    struct chains *c;
    struct idmap index;         /* case id -> index + 1 */
    struct idmap by_person;     /* person -> index + 1 of the first case; `next` links the others */
    struct idmap scores;        /* contact id -> score x 10000 */
    uint32_t *next;
    struct chain_case *cases;
    struct text *lineages;
    struct genome **sequences;  /* by case; NULL: none */
    uint32_t *sequenced;        /* the cases that have one */
    size_t n_sequenced;
    size_t n, cap;
    struct chain_meeting *meetings;
    size_t n_meetings, cap_meetings;
    struct chain_genomes *genomes;
    size_t n_genomes, cap_genomes;
    struct chain_choice *choices;
    size_t n_choices, cap_choices;
};

static day day_cell(struct value v) {
    return v.kind == VALUE_INT ? (day)v.i : CHAIN_NO_DAY;
}
static day day_of(const struct loading *x, struct value v) {
    return v.kind == VALUE_INT ? day_of_instant(v.i, x->l->zone_s) : CHAIN_NO_DAY;
}

static uint32_t index_of(const struct loading *x, int64_t id) {
    const struct idmap_slot *s = id ? idmap_find(&x->index, id) : NULL;
    return s ? (uint32_t)s->value.i - 1 : CHAIN_NONE;
}

/* id, number, region, person, onset, report_date, COALESCE(detected_at, reported_at), isolated_at, treated_at, controlled, origin, classification, lineage */
static int case_row(struct loading *x, const struct value *v, struct error *err) {
    struct chains *c = x->c;
    size_t old = x->cap, cap = x->cap;
    bool made;
    if (x->n == CHAINS_CASES_MAX) return error_set(err, E_TOO_LARGE, "case", "more than %d cases of one disease / 病例过多", CHAINS_CASES_MAX);
    int rc = mem_room(&x->cases, &x->cap, x->n + 1, sizeof *x->cases) ? 0 : error_memory(err);
    if (rc == 0 && x->cap != old) { /* the others beside it */
        void *numbers = mem_realloc(c->numbers, x->cap * sizeof *c->numbers), *regions = numbers ? mem_realloc(c->regions, x->cap * sizeof *c->regions) : NULL;
        if (numbers) c->numbers = numbers;
        if (regions) c->regions = regions;
        void *lineages = regions ? mem_realloc(x->lineages, x->cap * sizeof *x->lineages) : NULL;
        if (lineages) x->lineages = lineages;
        void *classes = lineages ? mem_realloc(c->class_of, x->cap) : NULL;
        if (classes) c->class_of = classes;
        void *next = classes ? mem_realloc(x->next, x->cap * sizeof *x->next) : NULL;
        if (!next) return x->cap = cap, error_memory(err);
        x->next = next;
    }
    if (rc < 0) return rc;
    uint32_t i = (uint32_t)x->n++;
    day found = day_of(x, v[6]), isolated = day_of(x, v[7]), treated = day_of(x, v[8]);
    if (isolated == CHAIN_NO_DAY || (treated != CHAIN_NO_DAY && treated < isolated)) isolated = treated;
    struct text kind = value_view(v[11]);
    x->cases[i] = (struct chain_case){.id = value_int_or(v[0], 0), .onset = day_cell(v[4]), .reported = day_cell(v[5]) != CHAIN_NO_DAY ? day_cell(v[5]) : found, .isolated = isolated,
                                      .controlled = v[9].kind == VALUE_INT && v[9].i, .imported = text_is(value_view(v[10]), "imported")};
    c->numbers[i] = arena_text(&c->arena, value_view(v[1]));
    c->regions[i] = arena_text(&c->arena, value_view(v[2]));
    x->lineages[i] = arena_text(&c->arena, value_view(v[12]));
    c->class_of[i] = text_is(kind, "suspected") ? 0 : text_is(kind, "confirmed") || text_is(kind, "clinical") ? 1 : text_is(kind, "asymptomatic") || text_is(kind, "carrier") ? 2 : 3;
    struct idmap_slot *s = idmap_put(&x->index, &c->arena, x->cases[i].id, &made);
    if (!s) return error_memory(err);
    s->value.i = i + 1;
    s = idmap_put(&x->by_person, &c->arena, value_int_or(v[3], 0), &made);
    if (!s) return error_memory(err);
    x->next[i] = made ? 0 : (uint32_t)s->value.i;
    s->value.i = i + 1;
    return 0;
}

/* contact, score */
static int finding_row(struct loading *x, const struct value *v, struct error *err) {
    bool made;
    struct idmap_slot *s = idmap_put(&x->scores, &x->c->arena, value_int_or(v[0], 0), &made);
    if (!s) return error_memory(err);
    s->value.i = value_int_or(v[1], 0);
    return 0;
}

static int genomes_add(struct loading *x, uint32_t a, uint32_t b, int32_t differences, struct error *err) {
    int rc = mem_room(&x->genomes, &x->cap_genomes, x->n_genomes + 1, sizeof *x->genomes) ? 0 : error_memory(err);
    if (rc == 0) x->genomes[x->n_genomes++] = (struct chain_genomes){a, b, differences};
    return rc;
}

/* case, length, differences, unknown: the latest of a case counts; one that cannot be read says nothing. */
static int genome_row(struct loading *x, const struct value *v, struct error *err) {
    uint32_t i = index_of(x, value_int_or(v[0], 0));
    struct genome *g = i == CHAIN_NONE ? NULL : arena_alloc(&x->c->arena, sizeof *g);
    if (i == CHAIN_NONE) return 0;
    if (!g) return error_memory(err);
    int rc = genome_read(value_view(v[2]), value_view(v[3]), (uint32_t)value_int_or(v[1], 0), &x->c->arena, g, NULL);
    if (rc == E_MEMORY) return error_memory(err);
    if (rc < 0) return x->c->genomes_unread++, 0;
    if (!x->sequences[i]) x->sequenced[x->n_sequenced++] = i;
    x->sequences[i] = g;
    return 0;
}

/* Genomes that are near speak for two cases nobody saw together. */
static int near_genomes(struct loading *x, struct error *err) {
    int rc = 0;
    if (x->n_sequenced > CHAINS_GENOMES_COMPARED) return 0;
    for (size_t i = 0; rc == 0 && i < x->n_sequenced; i++)
        for (size_t k = i + 1; rc == 0 && k < x->n_sequenced; k++) {
            uint32_t a = x->sequenced[i], b = x->sequenced[k];
            day da = chain_day(&x->cases[a]), db = chain_day(&x->cases[b]);
            if (da == CHAIN_NO_DAY || db == CHAIN_NO_DAY || da - db >= CHAIN_SI_DAYS || db - da >= CHAIN_SI_DAYS) continue;
            int32_t d = genome_distance(x->sequences[a], x->sequences[b]);
            if (d >= 0 && d <= CHAINS_GENOMES_NEAR) rc = genomes_add(x, a, b, d, err);
        }
    return rc;
}

static int meeting_add(struct loading *x, struct chain_meeting m, struct error *err) {
    int rc = mem_room(&x->meetings, &x->cap_meetings, x->n_meetings + 1, sizeof *x->meetings) ? 0 : error_memory(err);
    int32_t d = x->sequences[m.a] && x->sequences[m.b] ? genome_distance(x->sequences[m.a], x->sequences[m.b]) : -1;
    if (rc == 0) x->meetings[x->n_meetings++] = m;
    if (rc == 0 && d >= 0) return genomes_add(x, m.a, m.b, d, err);
    if (rc == 0 && x->lineages[m.a].n && x->lineages[m.b].n && !text_eq(x->lineages[m.a], x->lineages[m.b])) {
        rc = genomes_add(x, m.a, m.b, 20, err); /* another lineage: as good as excluded */
    }
    return rc;
}

/* id, index_case, person, first_contact, last_contact, class, relation */
static int contact_row(struct loading *x, const struct value *v, struct error *err) {
    uint32_t a = index_of(x, value_int_or(v[1], 0));
    const struct idmap_slot *other = idmap_find(&x->by_person, value_int_or(v[2], 0)), *score = idmap_find(&x->scores, value_int_or(v[0], 0));
    int rc = 0;
    if (a == CHAIN_NONE || !other) return 0;
    for (uint32_t own = (uint32_t)other->value.i; own; own = x->next[own - 1]) /* cards that were made one: nobody met himself, and so none of his other cases */
        if (own - 1 == a) return 0;
    double p = !score ? class_score(value_view(v[5]), value_view(v[6])) : score->value.i > 0 ? (double)score->value.i / 10000 : LEAST_SCORE;
    for (uint32_t b = (uint32_t)other->value.i; rc == 0 && b; b = x->next[b - 1])
        if (b - 1 != a) rc = meeting_add(x, (struct chain_meeting){a, b - 1, day_cell(v[3]), day_cell(v[4]), p > 1 ? 1 : p}, err);
    return rc;
}

static int choice_add(struct loading *x, uint32_t infectee, uint32_t infector, struct error *err) {
    if (infectee == CHAIN_NONE || infectee == infector) return 0;
    int rc = mem_room(&x->choices, &x->cap_choices, x->n_choices + 1, sizeof *x->choices) ? 0 : error_memory(err);
    if (rc == 0) x->choices[x->n_choices++] = (struct chain_choice){infectee, infector};
    return rc;
}

/* infectee, infector */
static int stated_row(struct loading *x, const struct value *v, struct error *err) {
    uint32_t infector = index_of(x, value_int_or(v[1], 0));
    return infector == CHAIN_NONE ? 0 : choice_add(x, index_of(x, value_int_or(v[0], 0)), infector, err);
}
/* infectee, infector, kind */
static int chosen_row(struct loading *x, const struct value *v, struct error *err) {
    uint32_t infector = index_of(x, value_int_or(v[1], 0));
    if (text_is(value_view(v[2]), "case") && infector == CHAIN_NONE) return 0; /* a case that is not here */
    return choice_add(x, index_of(x, value_int_or(v[0], 0)), infector, err);
}

static int query(struct loading *x, const char *sql, const char *reg, int (*row)(struct loading *x, const struct value *v, struct error *err), struct error *err) {
    struct db_cursor *cursor = NULL;
    const struct value *v;
    struct value p = value_text(x->c->disease);
    if (!register_find(x->l->catalog, text_of(reg))) return 0;
    int rc = db_query(x->l->db, sql, &p, strstr(sql, "?1") ? 1 : 0, &cursor, err);
    while (rc == 0 && (rc = db_next(cursor, &v, err)) > 0) rc = row(x, v, err);
    db_cursor_close(cursor);
    return rc;
}

static int by_id(const void *a, const void *b) {
    const int64_t *x = a, *y = b;
    return (x[0] > y[0]) - (x[0] < y[0]);
}

static int ids_sort(struct chains *c, struct error *err) {
    size_t n = c->input.n;
    int64_t *pairs = mem_alloc((n ? n : 1) * 2 * sizeof *pairs);
    c->by_id = mem_alloc((n ? n : 1) * sizeof *c->by_id);
    if (!pairs || !c->by_id) {
        mem_free(pairs);
        return error_memory(err);
    }
    for (size_t i = 0; i < n; i++) pairs[2 * i] = c->input.cases[i].id, pairs[2 * i + 1] = (int64_t)i;
    if (n) qsort(pairs, n, 2 * sizeof *pairs, by_id);
    for (size_t i = 0; i < n; i++) c->by_id[i] = (uint32_t)pairs[2 * i + 1];
    mem_free(pairs);
    return 0;
}

static void options_of(const struct ledger *l, struct text disease, instant now, struct chain_options *o) {
    chain_options_init(o);
    o->si_mean_days = (double)tracing_parameter(l, disease, now, "serial_interval_mean", (int64_t)(o->si_mean_days * DAY_S)) / DAY_S;
    o->si_sd_days = (double)tracing_parameter(l, disease, now, "serial_interval_sd", (int64_t)(o->si_sd_days * DAY_S)) / DAY_S;
    o->mutations_per_day = (double)tracing_parameter(l, disease, now, "mutations_per_year", (int64_t)(o->mutations_per_day * 365 + 0.5)) / 365;
    o->cut_days = (int)tracing_parameter(l, disease, now, "chain_cut_days", o->cut_days);
    o->today = day_of_instant(now, l->zone_s);
}

int chains_stamp(struct ledger *l, int64_t *ret, struct error *err) {
    struct arena a = {0};
    struct value v = value_null();
    int rc = db_scalar(l->db, &a, "SELECT \"first\" + \"n\" FROM \"journal\" ORDER BY \"first\" DESC LIMIT 1", NULL, 0, &v, err);
    if (rc == 0) *ret = value_int_or(v, 0);
    arena_clear(&a);
    return rc;
}

int chains_disease_known(const struct ledger *l, struct text disease, struct error *err) {
    const struct codelist *list = codelist_find(l->catalog, TEXT("disease"));
    if (!list || code_find(list, disease)) return 0;
    return error_set(err, E_UNKNOWN, "disease", "there is no disease \"%.*s\" in the list / 病种代码不存在", (int)(disease.n < 60 ? disease.n : 60), disease.s);
}

int chains_disease(struct ledger *l, struct arena *a, struct text *ret, struct error *err) {
    struct value v = value_null();
    int rc = db_scalar(l->db, a, "SELECT disease FROM \"case\" GROUP BY disease ORDER BY COUNT(*) DESC, disease LIMIT 1", NULL, 0, &v, err);
    if (rc == 0) *ret = value_view(v);
    return rc;
}

int chains_build(struct ledger *l, struct text disease, instant now, struct chains **ret, struct error *err) {
    struct chains *c = mem_alloc(sizeof *c);
    struct loading x = {.l = l, .c = c};
    if (!c) return error_memory(err);
    c->disease = arena_text(&c->arena, disease);
    c->at = now;
    options_of(l, disease, now, &c->options);
    int rc = chains_stamp(l, &c->as_of_seq, err);
    if (rc == 0)
        rc = query(&x, "SELECT id, number, region, person, onset, report_date, COALESCE(detected_at, reported_at), isolated_at, treated_at, controlled, origin, classification, lineage FROM \"case\" "
                       "WHERE disease = ?1 AND state <> 'excluded' AND classification <> 'excluded' ORDER BY id", "case", case_row, err);
    x.sequences = rc == 0 ? arena_alloc(&c->arena, (x.n + 1) * sizeof *x.sequences) : NULL;
    x.sequenced = rc == 0 ? arena_alloc(&c->arena, (x.n + 1) * sizeof *x.sequenced) : NULL;
    if (rc == 0 && (!x.sequences || !x.sequenced)) rc = error_memory(err);
    if (rc == 0) rc = query(&x, "SELECT \"case\", length, differences, \"unknown\" FROM genome ORDER BY id", "genome", genome_row, err);
    c->genomes = x.n_sequenced;
    if (rc == 0) rc = near_genomes(&x, err);
    /* of a finding that is doubted or taken back too: its contact stands, and does not count for more than was found */
    if (rc == 0) rc = query(&x, "SELECT contact, score FROM finding WHERE contact IS NOT NULL AND score IS NOT NULL ORDER BY id", "finding", finding_row, err);
    if (rc == 0)
        rc = query(&x, "SELECT id, index_case, person, first_contact, last_contact, class, relation FROM contact WHERE disease = ?1 AND index_case IS NOT NULL AND person IN (SELECT person FROM \"case\") "
                       "ORDER BY id", "contact", contact_row, err);
    /* the later one counts: what the card says, then links on record, then the choice made here */
    if (rc == 0) rc = query(&x, "SELECT id, source_case FROM \"case\" WHERE disease = ?1 AND source_case IS NOT NULL ORDER BY id", "case", stated_row, err);
    if (rc == 0) rc = query(&x, "SELECT infectee, infector FROM link ORDER BY id", "link", stated_row, err);
    if (rc == 0) rc = query(&x, "SELECT infectee, infector, kind FROM source_choice ORDER BY id", "source_choice", chosen_row, err);
    c->input = (struct chain_input){x.cases, x.n, x.meetings, x.n_meetings, x.genomes, x.n_genomes, x.choices, x.n_choices};
    if (rc == 0) rc = chain_build(&c->options, &c->input, &c->result, err);
    if (rc == 0) rc = ids_sort(c, err);
    mem_free(x.next);
    mem_free(x.lineages);
    if (rc < 0) chains_free(c);
    else *ret = c;
    return rc;
}

void chains_free(struct chains *c) {
    if (!c) return;
    mem_free((void *)c->input.cases);
    mem_free((void *)c->input.meetings);
    mem_free((void *)c->input.genomes);
    mem_free((void *)c->input.choices);
    mem_free(c->numbers);
    mem_free(c->regions);
    mem_free(c->class_of);
    mem_free(c->by_id);
    chain_result_clear(&c->result);
    arena_clear(&c->arena);
    mem_free(c);
}

uint32_t chains_find(const struct chains *c, int64_t id) {
    size_t low = 0, high = c->input.n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (c->input.cases[c->by_id[mid]].id < id) low = mid + 1;
        else high = mid;
    }
    return low < c->input.n && c->input.cases[c->by_id[low]].id == id ? c->by_id[low] : CHAIN_NONE;
}

bool chains_seen(const struct ledger *l, const struct session *s, const struct chains *c, uint32_t index) {
    const struct register_decl *reg = register_find(l->catalog, TEXT("case"));
    return reg && access_check(s, ACCESS_READ, reg, c->regions[index], NULL) == 0;
}
