/* What must be true of a store after any night, and all that a node holds as sorted lines, to be compared with a node that had good nights. */
#ifndef TOCSIN_TESTS_NIGHT_CHECKS_H
#define TOCSIN_TESTS_NIGHT_CHECKS_H

#include "base/idmap.h"
#include "../lookups.h"
#include "ledger/proof.h"
#include "nights.h"

struct night_seen { /* what the journal says of a record */
    const struct register_decl *reg;
    int64_t seq;
    int32_t version;
    bool removed, met;
};

struct night_walk {
    struct ledger *l;
    struct arena a;
    struct idmap records;
    int64_t live;
    char *why;
};

static inline int night_bad(char *why, const char *format, ...) __attribute__((format(printf, 2, 3)));
static inline int night_bad(char *why, const char *format, ...) {
    va_list args;
    va_start(args, format);
    if (!why[0]) vsnprintf(why, NIGHT_WHY, format, args);
    va_end(args);
    return -1;
}

static inline int night_entry(const struct journal_entry *e, void *arg) {
    struct night_walk *w = arg;
    if (e->verb != JOURNAL_CREATE && e->verb != JOURNAL_CHANGE && e->verb != JOURNAL_MOVE && e->verb != JOURNAL_REMOVE) return 0;
    struct idmap_slot *slot = idmap_put(&w->records, &w->a, e->record, NULL);
    struct night_seen *seen = slot->value.p;
    if (e->verb == JOURNAL_CREATE) {
        if (seen) return night_bad(w->why, "the journal makes record %lld twice", (long long)e->record);
        slot->value.p = seen = arena_alloc(&w->a, sizeof *seen);
        seen->reg = register_find(w->l->catalog, e->reg);
    } else if (!seen || seen->removed || e->previous != seen->seq) {
        return night_bad(w->why, "entry %lld of record %lld follows no other", (long long)e->seq, (long long)e->record);
    }
    if (e->verb != JOURNAL_REMOVE && e->version != seen->version + 1)
        return night_bad(w->why, "record %lld goes from version %d to %d", (long long)e->record, (int)seen->version, (int)e->version);
    seen->seq = e->seq;
    seen->version = e->version;
    seen->removed = e->verb == JOURNAL_REMOVE;
    return 0;
}

/* Duties of one record against what its policy says now. */
static inline int night_duties(struct night_walk *w, const struct record *r, instant now) {
    struct ledger *l = w->l;
    struct arena a = {0};
    struct db_cursor *c = NULL;
    const struct value *row;
    struct error err = {0};
    struct duty wanted[64];
    bool found[64] = {false};
    char sql[700];
    const struct adoption *ad = ledger_policy(l, (struct text){"", 0}, r->region, day_of_instant(now, l->zone_s));
    struct expr_scope scope = {.values = r->values, .id = r->id, .number = r->number, .state = r->state, .region = r->region, .version = r->version,
                               .now = now, .today = day_of_instant(now, l->zone_s)};
    size_t n = ad ? policy_duties(ad->policy, r->reg, &scope, r->created_at, l->zone_s, wanted, 64) : 0;
    int person = r->reg->person_field;
    struct value holder = value_int(person >= 0 && value_int_or(r->values[person], 0) ? r->values[person].i : r->id);
    snprintf(sql, sizeof sql, "SELECT %s FROM \"obligation\" WHERE " OBLIGATION_OF_HOLDER, obligation_columns);
    int rc = db_query(l->db, sql, &holder, 1, &c, &err);
    while (!rc && (rc = db_next(c, &row, &err)) > 0) {
        struct obligation o;
        obligation_of_row(row, &o);
        rc = 0;
        bool own = o.record == r->id && text_eq(o.reg, r->reg->name), obliged = false;
        for (size_t i = 0; i < n; i++) {
            const struct duty_rule *rule = &ad->policy->rules[wanted[i].rule];
            if (!text_eq(rule->code, o.rule)) continue;
            if (own && (o.duty.occurrence == wanted[i].occurrence || o.duty.occurrence > 0)) obliged = true;
            if ((own && o.duty.occurrence == wanted[i].occurrence) || rule->per_person) found[i] = true;
        }
        if (own && !obliged && o.duty.occurrence <= 0 && (text_is(o.state, "open") || text_is(o.state, "standing")))
            rc = night_bad(w->why, "%.30s of %s %lld is open and nothing obliges it", o.rule.s, r->reg->name.s, (long long)r->id);
    }
    db_cursor_close(c);
    for (size_t i = 0; !rc && i < n; i++) {
        bool stands = false; /* what a region owes once, another adoption of it may stand for */
        if (!found[i]) rc = book_region_stands(l, &ad->policy->rules[wanted[i].rule], r, &stands, &err);
        book_reset(l);
        if (!rc && !found[i] && !stands)
            rc = night_bad(w->why, "%s %lld lost its duty %s", r->reg->name.s, (long long)r->id, ad->policy->rules[wanted[i].rule].code.s);
    }
    arena_clear(&a);
    return rc ? night_bad(w->why, "duties of %lld: %s", (long long)r->id, err.message) : 0;
}

struct night_records {
    struct night_walk *w;
    instant now;
    bool duties;
};

static inline int night_record(const struct record *r, void *arg) {
    struct night_records *x = arg;
    struct idmap_slot *slot = idmap_find(&x->w->records, r->id);
    struct night_seen *seen = slot ? slot->value.p : NULL;
    if (!seen || seen->removed) return night_bad(x->w->why, "%s %lld stands in no journal", r->reg->name.s, (long long)r->id);
    if (seen->met) return night_bad(x->w->why, "id %lld is there twice", (long long)r->id);
    if (seen->reg != r->reg || seen->version != r->version || seen->seq != r->entry)
        return night_bad(x->w->why, "%s %lld is at version %d of entry %lld, the journal at %d of %lld", r->reg->name.s, (long long)r->id, (int)r->version,
                         (long long)r->entry, (int)seen->version, (long long)seen->seq);
    seen->met = true;
    x->w->live--;
    return x->duties ? night_duties(x->w, r, x->now) : 0;
}

static inline int night_count(struct ledger *l, const char *sql, int64_t *ret, struct error *err) {
    struct arena a = {0};
    struct value v = value_null();
    int rc = db_scalar(l->db, &a, sql, NULL, 0, &v, err);
    *ret = value_int_or(v, 0);
    arena_clear(&a);
    return rc;
}

/* Each must count nothing. */
static const struct {
    const char *what, *sql;
} night_laws[] = {
    {"a person without a key", "SELECT COUNT(*) FROM \"person\" p WHERE NOT EXISTS (SELECT 1 FROM \"vault_key\" k WHERE k.\"person\" = p.\"id\")"},
    {"a case number given twice", "SELECT COUNT(*) - COUNT(DISTINCT \"number\") FROM \"case\""},
    {"a contact number given twice", "SELECT COUNT(*) - COUNT(DISTINCT \"number\") FROM \"contact\""},
    {"a contact key twice", "SELECT COUNT(\"key\") - COUNT(DISTINCT \"key\") FROM \"contact\""},
    {"a person key twice", "SELECT COUNT(\"key\") - COUNT(DISTINCT \"key\") FROM \"person\""},
    {"a contact of nobody", "SELECT COUNT(*) FROM \"contact\" c WHERE NOT EXISTS (SELECT 1 FROM \"person\" p WHERE p.\"id\" = c.\"person\")"},
    {"a duty that is paid and missed", "SELECT COUNT(*) FROM \"obligation\" WHERE (\"paid\" & \"missed\") <> 0"},
    {"a duty paid or missed that was not owed", "SELECT COUNT(*) FROM \"obligation\" WHERE ((\"paid\" | \"missed\") & ~\"owed\") <> 0"},
    {"an open duty that owes nothing", "SELECT COUNT(*) FROM \"obligation\" WHERE \"state\" = 'open' AND (\"owed\" & ~\"paid\" & ~\"missed\") = 0"},
    {"a closed duty that owes", "SELECT COUNT(*) FROM \"obligation\" WHERE \"state\" IN ('paid', 'lapsed') AND (\"owed\" & ~\"paid\" & ~\"missed\") <> 0"},
    {"a paid duty that missed", "SELECT COUNT(*) FROM \"obligation\" WHERE \"state\" = 'paid' AND \"missed\" <> 0"},
    {"a duty that the clock would not find", "SELECT COUNT(*) FROM \"obligation\" WHERE (\"state\" IN ('open', 'standing')) <> (\"wake_at\" IS NOT NULL)"},
    {"a duty twice", "SELECT COUNT(*) FROM (SELECT 1 FROM \"obligation\" GROUP BY \"holder\",\"rule\",\"record\",\"occurrence\" HAVING COUNT(*) > 1) x"},
    {"an open duty on a page that the clock would not look at in time",
     "SELECT COUNT(*) FROM \"obligation\" o WHERE o.\"state\" IN ('open', 'standing') AND NOT EXISTS "
     "(SELECT 1 FROM \"duty_wake\" w WHERE w.\"page\" = o.\"holder\" / 16 AND w.\"at\" <= o.\"wake_at\")"},
    {"an id beyond the next one", "SELECT COUNT(*) FROM \"contact\" WHERE \"id\" >= (SELECT CAST(\"value\" AS BIGINT) FROM \"node\" WHERE \"name\" = 'next_id')"},
};

/* 0 when the store is whole; else why says what is not. `duties`: one pack was in force all the time, so they can be worked out anew. */
static inline int night_check(struct ledger *l, instant now, bool duties, char *why) {
    struct error err = {0};
    struct journal_verdict v;
    struct night_walk w = {.l = l, .why = why};
    struct session s = node_session(TEXT("storm"), now, false);
    why[0] = '\0';
    int rc = journal_verify(l->db, l->journal.keys.public_key, true, NULL, NULL, &v, &err);
    if (!rc && v.bad_seq) rc = night_bad(why, "journal: %s", v.what);
    if (!rc) rc = journal_scan(l->db, 1, INT64_MAX, night_entry, &w, &err);
    for (size_t i = 0; i < w.records.cap; i++)
        if (w.records.slots[i].used && !((struct night_seen *)w.records.slots[i].value.p)->removed) w.live++;
    struct night_records x = {.w = &w, .now = now, .duties = duties};
    for (size_t i = 0; !rc && i < l->catalog->n_registers; i++) {
        struct record_filter all = {0};
        rc = record_list(l, l->db, &s, &l->catalog->registers[i], &all, night_record, &x, &err);
    }
    if (!rc && w.live) rc = night_bad(why, "%lld records of the journal are not there", (long long)w.live);
    for (size_t i = 0; !rc && i < sizeof night_laws / sizeof *night_laws; i++) {
        int64_t n = 0;
        rc = night_count(l, night_laws[i].sql, &n, &err);
        if (!rc && n) rc = night_bad(why, "%s (%lld)", night_laws[i].what, (long long)n);
    }
    char found[160] = "";
    if (!rc && lookups_exact(l, found, sizeof found)) rc = night_bad(why, "%s", found);
    struct proof_report proof = {0};
    if (!rc) rc = proof_records(l, l->db, NULL, NULL, &proof, &err);
    if (!rc && proof.n) {
        char what[PROOF_WORDS];
        proof_words(&proof.list[0], what, sizeof what);
        rc = night_bad(why, "%s", what);
    }
    proof_clear(&proof);
    if (rc && !why[0]) night_bad(why, "%s %s", err.message, err.where);
    arena_clear(&w.a);
    return rc ? -1 : 0;
}

/* ---- everything as lines */

struct night_lines {
    struct arena a;
    char **s;
    size_t n, cap;
    struct ledger *l;
};

static inline void night_line(struct night_lines *x, char *line) {
    if (x->n == x->cap) {
        x->cap = x->cap ? x->cap * 2 : 4096;
        x->s = realloc(x->s, x->cap * sizeof *x->s);
    }
    x->s[x->n++] = line ? line : (char *)""; /* no memory for it: then the dumps differ */
}

static inline int night_dump_record(const struct record *r, void *arg) {
    struct night_lines *x = arg;
    struct error err = {0};
    int32_t version = 0;
    int64_t digest = night_digest(x->l, r->reg->name, r->id, &version, &err);
    night_line(x, arena_printf(&x->a, "%s %lld version %d entry %lld key %lld number %.*s state %.*s %llx %s", r->reg->name.s, (long long)r->id, (int)version,
                               (long long)r->entry, (long long)r->key, (int)r->number.n, r->number.s, (int)r->state.n, r->state.s,
                               (unsigned long long)digest, err.message));
    return 0;
}

static inline int night_dump_sql(struct night_lines *x, const char *name, const char *sql, struct error *err) {
    struct db_cursor *c = NULL;
    const struct value *row;
    int rc = db_query(x->l->db, sql, NULL, 0, &c, err);
    while (!rc && (rc = db_next(c, &row, err)) > 0) {
        struct buf b = {0};
        buf_str(&b, name);
        for (size_t i = 0; i < db_columns(c); i++) {
            buf_char(&b, ' ');
            if (row[i].kind == VALUE_INT)
                buf_int(&b, row[i].i);
            else
                buf_text(&b, value_view(row[i]));
        }
        night_line(x, arena_str(&x->a, buf_cstr(&b)));
        buf_clear(&b);
        rc = 0;
    }
    db_cursor_close(c);
    return rc;
}

static inline int night_by_line(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static inline int night_by_holder(const void *a, const void *b) {
    const struct lookup_entry *x = a, *y = b;
    return (x->holder > y->holder) - (x->holder < y->holder);
}

/* By how many values of a kind each record is found; the hashes themselves differ between nodes. */
static inline int night_dump_lookup(struct night_lines *x, struct error *err) {
    struct lookups all = {0};
    int rc = lookups_stored(x->l->db, &all, err);
    if (all.n) qsort(all.e, all.n, sizeof *all.e, night_by_holder);
    for (size_t i = 0, k; !rc && i < all.n; i = k) {
        for (k = i + 1; k < all.n && all.e[k].holder == all.e[i].holder;) k++;
        night_line(x, arena_printf(&x->a, "lookup %d %lld %zu", (int)(all.e[i].holder >> LOOKUP_HOLDER_BITS), (long long)lookup_holder(all.e[i]), k - i));
    }
    free(all.e);
    return rc;
}

/* Owned: night_lines_clear. Keys and sealed bytes differ between nodes and are not in it; what they seal is. The adoption is: by its id only. */
static inline int night_dump(struct ledger *l, struct night_lines *ret, struct error *err) {
    struct session s = node_session(TEXT("storm"), night_at(0), false);
    char sql[700];
    ret->l = l;
    int rc = 0;
    for (size_t i = 0; !rc && i < l->catalog->n_registers; i++) {
        struct record_filter all = {0};
        rc = record_list(l, l->db, &s, &l->catalog->registers[i], &all, night_dump_record, ret, err);
    }
    snprintf(sql, sizeof sql, "SELECT %s FROM \"obligation\"", obligation_words);
    if (!rc) rc = night_dump_sql(ret, "obligation", sql, err);
    if (!rc) rc = night_dump_sql(ret, "counter", "SELECT \"name\",\"next\" FROM \"counter\"", err);
    if (!rc) rc = night_dump_sql(ret, "key", "SELECT \"person\" FROM \"vault_key\"", err);
    if (!rc) rc = night_dump_lookup(ret, err);
    if (!rc) rc = night_dump_sql(ret, "repeat", "SELECT \"key\",\"item\",\"id\",\"version\",\"outcome\" FROM \"repeat\"", err);
    if (!rc) rc = night_dump_sql(ret, "next", "SELECT \"value\" FROM \"node\" WHERE \"name\" = 'next_id'", err);
    if (!rc) rc = night_dump_sql(ret, "journal", "SELECT \"next\" FROM \"journal_tip\"", err);
    qsort(ret->s, ret->n, sizeof *ret->s, night_by_line);
    return rc;
}

static inline void night_lines_clear(struct night_lines *x) {
    arena_clear(&x->a);
    free(x->s);
    *x = (struct night_lines){0};
}

/* 0 when both hold the same; else why names the first difference. */
static inline int night_same(const struct night_lines *a, const struct night_lines *b, char *why) {
    why[0] = '\0';
    for (size_t i = 0; i < a->n || i < b->n; i++) {
        const char *x = i < a->n ? a->s[i] : "(nothing)", *y = i < b->n ? b->s[i] : "(nothing)";
        if (strcmp(x, y) != 0) return night_bad(why, "%.180s <> %.180s", x, y);
    }
    return 0;
}

#endif
