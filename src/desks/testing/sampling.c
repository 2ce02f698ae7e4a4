#include "desks/testing/sampling.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "desks/testing/testing.h"
#include "ledger/lookup.h"

enum { TABLES = 1 << 12, ROUNDS = 1 << 6, TUBES = 1 << 16, FRESH_S = 10, EARLY_S = 86400 };

const char *const sampling_words[] = {
#define X(name, word, zh, en) word,
    SAMPLING_REASONS(X)
#undef X
};
static const char *const messages[] = {
#define X(name, word, zh, en) en " / " zh,
    SAMPLING_REASONS(X)
#undef X
};

struct known {
    int64_t id;
    instant until;
    bool open;
    instant closed_at; /* not open: since when at the latest */
};
struct table_known {
    struct known k;
    bool single;
    char region[REGION_MAX + 1];
};
struct round_known {
    struct known k;
    int64_t size, most;  /* most: by the plan of today */
    instant starts, ends;
    bool closed;
    char disease[64], region[REGION_MAX + 1];
};
struct tube_known {
    int64_t key, id, table, round, size;
    char kind[12];
};
struct sampling {
    pthread_mutex_t lock;
    struct table_known tables[TABLES];
    struct round_known rounds[ROUNDS];
    struct tube_known tubes[TUBES];
};

int sampling_new(struct sampling **ret, struct error *err) {
    struct sampling *x = mem_alloc(sizeof *x);
    if (!x) return error_memory(err);
    pthread_mutex_init(&x->lock, NULL);
    *ret = x;
    return 0;
}

void sampling_free(struct sampling *x) {
    if (!x) return;
    pthread_mutex_destroy(&x->lock);
    mem_free(x);
}

static void refuse(struct sampling_row *r, enum sampling_reason reason, const char *where) {
    r->reason = reason;
    r->error = (struct error){0};
    error_set(&r->error, reason == SAMPLING_DUPLICATE || reason == SAMPLING_OTHER_ROUND ? E_CONFLICT : reason < SAMPLING_NO_TABLE ? E_REFUSED : E_INVALID, where, "%s",
              messages[reason]);
}

/* ---- tables and rounds, as they were some seconds ago */

static int table_read(struct ledger *l, int64_t id, instant now, void *ret, struct error *err) {
    static const char sql[] = "SELECT t.\"region\",t.\"state\",s.\"kind\",s.\"state\",t.\"changed_at\",s.\"changed_at\" FROM \"site_table\" t JOIN \"site\" s ON s.\"id\"=t.\"site\" WHERE t.\"id\"=?1";
    struct value param = value_int(id);
    struct db_cursor *c = NULL;
    const struct value *row = NULL;
    struct table_known t = {.k = {.id = id, .until = now + FRESH_S, .closed_at = INSTANT_NONE}};
    int rc = db_query(l->db, sql, &param, 1, &c, err);
    if (!rc && (rc = db_next(c, &row, err)) > 0) {
        struct text region = value_view(row[0]);
        bool table = text_is(value_view(row[1]), "open"), site = text_is(value_view(row[3]), "open");
        t.k.open = table && site;
        if (!t.k.open) t.k.closed_at = table || (!site && row[5].i < row[4].i) ? row[5].i : row[4].i; /* whichever was first */
        t.single = text_is(value_view(row[2]), "isolation");
        snprintf(t.region, sizeof t.region, "%.*s", (int)region.n, region.s);
        rc = 0;
    }
    db_cursor_close(c);
    if (rc < 0) return rc;
    memcpy(ret, &t, sizeof t);
    return 0;
}

static int round_read(struct ledger *l, int64_t id, instant now, void *ret, struct error *err) {
    static const char sql[] = "SELECT r.\"state\",r.\"starts_at\",r.\"ends_at\",r.\"tube_size\",c.\"disease\",r.\"region\",r.\"changed_at\",c.\"state\",c.\"changed_at\" FROM \"round\" r JOIN \"campaign\" c ON c.\"id\"=r.\"campaign\" "
                              "WHERE r.\"id\"=?1";
    struct value param = value_int(id);
    struct db_cursor *c = NULL;
    const struct value *row = NULL;
    struct round_known k = {.k = {.id = id, .until = now + FRESH_S, .closed_at = INSTANT_NONE}};
    int rc = db_query(l->db, sql, &param, 1, &c, err);
    if (!rc && (rc = db_next(c, &row, err)) > 0) {
        bool open = text_is(value_view(row[0]), "open"), over = text_is(value_view(row[7]), "finished") || text_is(value_view(row[7]), "cancelled");
        k.k.open = open && !over;
        k.closed = (open && over) || text_is(value_view(row[0]), "closed");
        k.starts = value_int_or(row[1], 0);
        k.ends = value_int_or(row[2], INSTANT_NONE);
        k.k.closed_at = open ? row[8].i : row[6].i; /* with its campaign */
        if (open && over) k.ends = INSTANT_NONE;
        k.size = value_int_or(row[3], 10);
        struct text disease = value_view(row[4]), region = value_view(row[5]);
        snprintf(k.disease, sizeof k.disease, "%.*s", (int)disease.n, disease.s);
        snprintf(k.region, sizeof k.region, "%.*s", (int)region.n, region.s);
        k.most = testing_pool_most(l, disease, region, now);
        rc = 0;
    }
    db_cursor_close(c);
    if (rc < 0) return rc;
    memcpy(ret, &k, sizeof k);
    return 0;
}

/* From its slot while that is fresh, else read. Both structs begin with what is known of either. */
static int known_of(struct sampling *x, struct ledger *l, void *slot, size_t size, int64_t id, instant now, int (*find)(struct ledger *, int64_t, instant, void *, struct error *), void *ret,
                    struct error *err) {
    const struct known *k = ret;
    pthread_mutex_lock(&x->lock);
    memcpy(ret, slot, size);
    pthread_mutex_unlock(&x->lock);
    if (k->id == id && k->until >= now && k->until <= now + FRESH_S) return 0;
    int rc = find(l, id, now, ret, err);
    if (rc < 0 || !k->open) return rc; /* one that is opened now is open at once */
    pthread_mutex_lock(&x->lock);
    memcpy(slot, ret, size);
    pthread_mutex_unlock(&x->lock);
    return 0;
}

/* What is told late is taken as it would have been at its time: a round may begin early, and go on after the end it was to have. */
static bool round_takes(const struct round_known *k, instant at) {
    if (at < k->starts - EARLY_S) return false; /* of another day, another round */
    return k->k.open || (k->closed && (at < k->k.closed_at || (k->ends != INSTANT_NONE && at <= k->ends)));
}

/* So of a table, whose site closes in the evening while devices are still without a line. */
static bool table_takes(const struct known *k, instant at) {
    return k->open || at < k->closed_at;
}

/* ---- tubes: what is fixed of them never changes */

static void tube_remember(struct sampling *x, const struct draft *d, const int *f, int64_t id) {
    struct tube_known t = {.key = d->key, .id = id, .table = value_int_or(d->values[f[0]], 0), .round = value_int_or(d->values[f[1]], 0), .size = value_int_or(d->values[f[2]], 0)};
    struct text kind = value_view(d->values[f[3]]);
    snprintf(t.kind, sizeof t.kind, "%.*s", (int)kind.n, kind.s);
    pthread_mutex_lock(&x->lock);
    x->tubes[(uint64_t)t.key % TUBES] = t;
    pthread_mutex_unlock(&x->lock);
}

static bool tube_known(struct sampling *x, int64_t key, struct tube_known *ret) {
    pthread_mutex_lock(&x->lock);
    *ret = x->tubes[(uint64_t)key % TUBES];
    pthread_mutex_unlock(&x->lock);
    return ret->id && ret->key == key;
}

/* ---- drafts */

struct making {
    struct sampling *x;
    struct ledger *l;
    const struct session *s;
    struct arena *a;
    const struct register_decl *person, *tube, *swab;
    int p[10], t[8], w[8]; /* fields, in the order of the lists below */
    struct draft **drafts;
    size_t n;
    int64_t skew;
};

static const char *const person_fields[] = {"doc_type", "doc_no", "name", "phone", "sex", "birth", "address", "community", "guardian", NULL};
static const char *const tube_fields[] = {"site_table", "round", "size", "kind", "barcode", "opened_at", NULL};
static const char *const swab_fields[] = {"person", "tube", "round", "turn", "swabbed_at", "clock_off", NULL};
enum { T_TABLE, T_ROUND, T_SIZE, T_KIND, T_BARCODE, T_OPENED };
enum { W_PERSON, W_TUBE, W_ROUND, W_TURN, W_AT, W_OFF };

static struct draft *add(struct making *m, const struct register_decl *reg) {
    struct draft *d = draft_new(m->a, reg, DRAFT_ENSURE);
    if (d) m->drafts[m->n++] = d;
    return d;
}

static int link_to(struct making *m, struct draft *d, int field, const struct draft *to, struct error *err) {
    if (!d->links && !(d->links = arena_alloc(m->a, (d->reg->n_fields + 1) * sizeof *d->links))) return error_memory(err);
    for (size_t i = 0; i < m->n; i++)
        if (m->drafts[i] == to) d->links[field] = (uint32_t)(i + 1);
    return 0;
}

static int person_draft(struct making *m, struct sampling_row *r, const char *region, struct error *err) {
    const struct text words[] = {r->doc_type, r->doc_no, r->name, r->phone, r->sex, r->birth, r->address, r->community, r->guardian};
    char key[SAMPLING_KEY];
    if (!sampling_key(m->l, r, key)) {
        refuse(r, SAMPLING_NO_PERSON, "person");
        return 0;
    }
    struct draft *d = add(m, m->person);
    if (!d) return error_memory(err);
    d->outside_key = arena_text(m->a, text_of(key));
    d->region = arena_text(m->a, text_of(region));
    if (!d->outside_key.s || !d->region.s) return error_memory(err);
    for (size_t i = 0; person_fields[i]; i++) {
        struct error why = {0};
        if (!words[i].n || (!r->doc_no.n && i < 1)) continue;
        if (field_parse(&m->person->fields[m->p[i]], words[i], m->l->zone_s, m->a, &d->values[m->p[i]], &why) < 0) {
            m->n--;
            r->reason = SAMPLING_PERSON;
            r->error = why;
            return 0;
        }
    }
    r->of_person = d;
    return 0;
}

/* The tube of this row: remembered, opened by a row before it, or to be opened. */
static int tube_draft(struct making *m, struct sampling_row *rows, size_t i, const char *region, int64_t *ret_id, struct error *err) {
    struct sampling_row *r = &rows[i];
    struct tube_known k;
    int64_t table = r->table, round = r->round, size = r->size, key = 0;
    struct text kind = r->kind;
    struct value *values = arena_alloc(m->a, (m->tube->n_fields + 1) * sizeof *values);
    if (!values) return error_memory(err);
    values[m->t[T_BARCODE]] = value_text(r->barcode);
    if (record_natural_key(m->tube, (struct text){"", 0}, values, &key) && tube_known(m->x, key, &k)) {
        enum sampling_reason why = k.round != round ? SAMPLING_OTHER_ROUND : k.table != table ? SAMPLING_OTHER_TABLE : k.size != size ? SAMPLING_OTHER_SIZE
                                 : !text_is(kind, k.kind) ? SAMPLING_OTHER_KIND : SAMPLING_NONE;
        if (why) refuse(r, why, "tube");
        *ret_id = k.id;
        return 0;
    }
    for (size_t b = i; b-- > 0;)
        if (rows[b].of_tube && text_eq(rows[b].barcode, r->barcode) && rows[b].table == table && rows[b].round == round && rows[b].size == size && text_eq(rows[b].kind, kind)) {
            r->of_tube = rows[b].of_tube;
            return 0;
        }
    struct draft *d = add(m, m->tube);
    if (!d) return error_memory(err);
    d->values = values;
    d->region = arena_text(m->a, text_of(region));
    values[m->t[T_TABLE]] = value_int(table);
    values[m->t[T_ROUND]] = value_int(round);
    values[m->t[T_SIZE]] = value_int(size);
    values[m->t[T_KIND]] = value_text(kind);
    values[m->t[T_OPENED]] = value_int(r->swabbed_at);
    r->of_tube = d;
    return d->region.s ? 0 : error_memory(err);
}

/* Swabbed again: the turn after the last one when that one is to be repeated or spoiled. What is sent again has the turn that it has in that tube, whatever came since. A single tube
 * asks this by itself: whoever is recalled comes to one, and no table has to say so. */
static int turn_of(struct making *m, const struct sampling_row *r, int64_t *ret, struct error *err) {
    static const char sql[] = "SELECT w.\"turn\",w.\"result\",t.\"state\",t.\"barcode\" FROM \"swab\" w JOIN \"tube\" t ON t.\"id\"=w.\"tube\" WHERE w.\"person\"=?1 AND w.\"round\"=?2 "
                              "ORDER BY w.\"turn\" DESC";
    struct value params[] = {value_int(r->person), value_int(r->round)};
    struct db_cursor *c = NULL;
    const struct value *row = NULL;
    bool last = true, same = false, more = r->again || r->size == 1;
    *ret = 1;
    if (!r->person) return 0;
    int rc = db_query(m->l->db, sql, params, 2, &c, err);
    for (; !rc && !same && (rc = db_next(c, &row, err)) > 0; last = false, rc = 0) {
        struct text result = value_view(row[1]);
        bool over = text_is(value_view(row[2]), "spoiled") || text_is(result, "recall") || text_is(result, "inconclusive") || text_is(result, "invalid");
        same = text_eq(value_view(row[3]), r->barcode);
        if (same || (last && more)) *ret = value_int_or(row[0], 1) + (over && !same ? 1 : 0);
    }
    db_cursor_close(c);
    return rc < 0 ? rc : 0;
}

/* What the clock of a device is off by; seconds are none. */
static int64_t skew_of(instant sent_at, instant now) {
    int64_t off = sent_at == INSTANT_NONE ? 0 : sent_at - now;
    return off > SAMPLING_SKEW_S || off < -SAMPLING_SKEW_S ? off : 0;
}

/* By the plan that was in force when it was swabbed: the tube is there, whatever another plan says since. */
static bool too_many(const struct ledger *l, const struct round_known *k, const struct sampling_row *r) {
    if (!k->most || r->size <= k->most) return false;
    int64_t then = testing_pool_most(l, text_of(k->disease), text_of(k->region), r->swabbed_at);
    return then && r->size > then;
}

static int row_check(struct making *m, struct sampling_row *r, struct table_known *t, struct error *err) {
    struct round_known k;
    if (!r->barcode.n) return refuse(r, SAMPLING_INVALID, "tube"), 0;
    int rc = known_of(m->x, m->l, &m->x->tables[(uint64_t)r->table % TABLES], sizeof *t, r->table, m->s->now, table_read, t, err);
    if (!rc) rc = known_of(m->x, m->l, &m->x->rounds[(uint64_t)r->round % ROUNDS], sizeof k, r->round, m->s->now, round_read, &k, err);
    if (rc < 0) return rc;
    if (r->swabbed_at == INSTANT_NONE) r->swabbed_at = m->s->now + m->skew;
    r->swabbed_at -= m->skew;
    if (!r->kind.n) r->kind = r->size == 1 || t->single ? TEXT("single") : TEXT("pool");
    if (!r->size) r->size = text_is(r->kind, "single") ? 1 : k.size;
    if (!table_takes(&t->k, r->swabbed_at))
        refuse(r, SAMPLING_NO_TABLE, "table");
    else if (r->swabbed_at > m->s->now + SAMPLING_SKEW_S)
        refuse(r, SAMPLING_FUTURE, "swabbed_at");
    else if (!round_takes(&k, r->swabbed_at))
        refuse(r, SAMPLING_NO_ROUND, "round");
    else if (t->single && r->size != 1)
        refuse(r, SAMPLING_SINGLE, "size");
    else if (too_many(m->l, &k, r))
        refuse(r, SAMPLING_SIZE, "size");
    return 0;
}

static int row_drafts(struct making *m, struct sampling_row *rows, size_t i, struct error *err) {
    struct sampling_row *r = &rows[i];
    struct table_known t;
    int64_t tube = 0, turn = 1;
    size_t before = m->n;
    if (r->reason) return 0;
    int rc = row_check(m, r, &t, err);
    if (!rc && !r->reason && !r->person) rc = person_draft(m, r, t.region, err);
    if (!rc && !r->reason) rc = tube_draft(m, rows, i, t.region, &tube, err);
    if (!rc && !r->reason && (r->again || r->size == 1 || r->merged)) rc = turn_of(m, r, &turn, err);
    if (rc < 0) return rc;
    if (r->reason) { /* nothing of it is made */
        m->n = before;
        r->of_person = r->of_tube = NULL;
        return 0;
    }
    struct draft *d = add(m, m->swab);
    if (!d) return error_memory(err);
    d->region = arena_text(m->a, text_of(t.region));
    if (!d->region.s) return error_memory(err);
    if (r->of_person)
        rc = link_to(m, d, m->w[W_PERSON], r->of_person, err);
    else
        d->values[m->w[W_PERSON]] = value_int(r->person);
    if (!rc && !tube) rc = link_to(m, d, m->w[W_TUBE], r->of_tube, err);
    if (tube) d->values[m->w[W_TUBE]] = value_int(tube);
    d->values[m->w[W_ROUND]] = value_int(r->round);
    d->values[m->w[W_TURN]] = value_int(turn);
    d->values[m->w[W_AT]] = value_int(r->swabbed_at);
    if (m->skew) d->values[m->w[W_OFF]] = value_int(m->skew);
    r->swab = d;
    return rc;
}

/* ---- all of it */

int sampling_drafts(struct sampling *x, struct ledger *l, const struct catalog *c, const struct session *s, instant sent_at, struct sampling_row *rows, size_t n,
                    struct arena *a, struct draft ***ret, size_t *ret_n, struct error *err) {
    struct making m = {.x = x, .l = l, .s = s, .a = a};
    int rc = n > SAMPLING_ROWS_MAX ? error_set(err, E_TOO_LARGE, "swabs", "at most %d swabs at once / 一次最多 %d 条", SAMPLING_ROWS_MAX, SAMPLING_ROWS_MAX) : 0;
    if (!rc) rc = register_needs(c, "person", person_fields, m.p, &m.person, err);
    if (!rc) rc = register_needs(c, "tube", tube_fields, m.t, &m.tube, err);
    if (!rc) rc = register_needs(c, "swab", swab_fields, m.w, &m.swab, err);
    m.skew = skew_of(sent_at, s->now);
    if (!rc && (m.skew > SAMPLING_SKEW_MAX_S || m.skew < -SAMPLING_SKEW_MAX_S)) return error_set(err, E_INVALID, "sent_at", "the device's clock is off by more than a year / 设备时钟相差一年以上");
    if (!rc) m.drafts = arena_alloc(a, (3 * n + 1) * sizeof *m.drafts);
    if (!rc && !m.drafts) rc = error_memory(err);
    for (size_t i = 0; i < n; i++) rows[i].of_person = rows[i].of_tube = rows[i].swab = NULL;
    for (size_t i = 0; !rc && i < n; i++) rc = row_drafts(&m, rows, i, err);
    if (rc < 0) return rc;
    *ret = m.drafts;
    *ret_n = m.n;
    return 0;
}

/* ---- what became of them */

static enum sampling_reason tube_reason(const struct error *e) {
    struct text where = text_of(e->where);
    if (e->code != E_CONFLICT) return SAMPLING_INVALID;
    if (text_is(where, "round")) return SAMPLING_OTHER_ROUND;
    if (text_is(where, "size")) return SAMPLING_OTHER_SIZE;
    if (text_is(where, "kind")) return SAMPLING_OTHER_KIND;
    return SAMPLING_OTHER_TABLE;
}

static void judge(struct sampling_row *r) {
    const struct draft *bad = r->of_person && r->of_person->outcome == OUTCOME_REJECTED ? r->of_person : r->of_tube && r->of_tube->outcome == OUTCOME_REJECTED ? r->of_tube : r->swab;
    if (bad->outcome != OUTCOME_REJECTED) return;
    enum sampling_reason why = bad == r->of_person ? SAMPLING_PERSON : bad == r->of_tube ? tube_reason(&bad->error) : SAMPLING_INVALID;
    if (bad == r->swab && text_is(text_of(bad->error.where), "tube"))
        why = bad->error.code == E_CONFLICT ? SAMPLING_DUPLICATE : bad->error.code == E_REFUSED ? SAMPLING_TUBE_CLOSED : SAMPLING_INVALID;
    refuse(r, why, why == SAMPLING_DUPLICATE ? "person" : bad->error.where);
    if (why == SAMPLING_PERSON || why == SAMPLING_INVALID) r->error = bad->error;
}

void sampling_judge(struct sampling *x, struct sampling_row *rows, size_t n) {
    int t[sizeof tube_fields / sizeof *tube_fields];
    for (size_t i = 0; i < n; i++) {
        struct sampling_row *r = &rows[i];
        if (!r->swab) continue;
        judge(r);
        struct draft *d = r->of_tube;
        if (!d || !d->ret_id || d->outcome == OUTCOME_REJECTED || !d->has_key) continue;
        for (size_t k = 0; tube_fields[k]; k++) t[k] = register_field(d->reg, text_of(tube_fields[k]));
        tube_remember(x, d, t, d->ret_id);
    }
}

static int say(struct ledger *l, struct sampling_row *r, const char *sql, struct value param, struct value other, struct arena *a, struct error *err) {
    struct db_cursor *c = NULL;
    const struct value *row = NULL;
    struct value params[] = {param, other};
    char when[INSTANT_TEXT] = "";
    int rc = db_query(l->db, sql, params, other.kind == VALUE_NULL ? 1 : 2, &c, err);
    if (!rc && (rc = db_next(c, &row, err)) > 0) {
        struct text tube = value_view(row[0]), table = value_view(row[1]), site = value_view(row[2]);
        if (row[3].kind == VALUE_INT) instant_format(row[3].i, l->zone_s, when);
        const char *words = messages[r->reason], *zh = strstr(words, " / ");
        struct error was = r->error;
        int n = zh ? (int)(zh - words) : 0;
        r->error = (struct error){0};
        error_set(&r->error, was.code, was.where[0] ? was.where : NULL, "%.*s: tube %.*s, table %.*s of %.*s, %s / %s: 采样管 %.*s, %.*s %.*s 台, %s", n, words, (int)tube.n,
                  tube.s, (int)table.n, table.s, (int)site.n, site.s, when, zh ? zh + 3 : "", (int)tube.n, tube.s, (int)site.n, site.s, (int)table.n, table.s, when);
        rc = 0;
    }
    db_cursor_close(c);
    return rc;
}

int sampling_explain(struct ledger *l, struct sampling_row *rows, size_t n, struct arena *a, struct error *err) {
    static const char from[] = "SELECT t.\"barcode\",b.\"label\",s.\"title\",%s FROM \"tube\" t LEFT JOIN \"site_table\" b ON b.\"id\"=t.\"site_table\" LEFT JOIN \"site\" s ON s.\"id\"=t.\"site\"";
    int rc = 0;
    for (size_t i = 0; !rc && i < n; i++) {
        struct sampling_row *r = &rows[i];
        char sql[500];
        size_t k;
        int64_t who = r->person ? r->person : r->of_person ? r->of_person->ret_id : 0;
        if (r->reason == SAMPLING_DUPLICATE) {
            k = (size_t)snprintf(sql, sizeof sql, from, "w.\"swabbed_at\"");
            snprintf(sql + k, sizeof sql - k, " JOIN \"swab\" w ON w.\"tube\"=t.\"id\" WHERE w.\"person\"=?1 AND w.\"round\"=?2 ORDER BY w.\"turn\" DESC LIMIT 1");
            rc = say(l, r, sql, value_int(who), value_int(r->round), a, err);
        } else if (r->reason >= SAMPLING_TUBE_CLOSED && r->reason <= SAMPLING_OTHER_KIND) {
            k = (size_t)snprintf(sql, sizeof sql, from, "t.\"opened_at\"");
            snprintf(sql + k, sizeof sql - k, " WHERE t.\"barcode\"=?1 LIMIT 1");
            rc = say(l, r, sql, value_text(r->barcode), value_null(), a, err);
        }
    }
    return rc;
}

/* ---- alone with the ledger */

int sampling_take(struct sampling *x, struct ledger *l, const struct session *s, instant sent_at, struct sampling_row *rows, size_t n, struct arena *a, struct error *err) {
    struct draft **drafts = NULL;
    size_t k = 0;
    int rc = sampling_who(l, &(struct sampling_batch){rows, n}, 1, a, err);
    if (!rc) rc = sampling_drafts(x, l, l->catalog, s, sent_at, rows, n, a, &drafts, &k, err);
    if (rc < 0) return rc;
    bool own = !l->in_transaction;
    if (own && (rc = ledger_begin(l, err)) < 0) return rc;
    rc = record_apply(l, s, drafts, k, err);
    if (own) rc = ledger_end(l, rc, s->now, err);
    if (!rc) sampling_judge(x, rows, n);
    return rc ? rc : sampling_explain(l, rows, n, a, err);
}

instant sampling_moment(instant told, instant sent_at, instant now) {
    if (told == INSTANT_NONE) return now;
    told -= skew_of(sent_at, now);
    return told > now && told <= now + SAMPLING_SKEW_S ? now : told;
}

int sampling_close(struct ledger *l, const struct session *s, struct text barcode, int64_t table, instant at, int64_t *ret_swabs, struct error *err) {
    static const char *const fields[] = {"barcode", "swabs", "closed_at", "opened_at", NULL};
    const struct register_decl *reg = NULL;
    struct arena a = {0};
    struct record tube;
    int f[4];
    struct value v = value_null(), n = value_null(), last = value_null();
    int64_t key = 0, *ids = NULL;
    size_t n_ids = 0;
    int rc = register_needs(l->catalog, "tube", fields, f, &reg, err);
    if (rc < 0) return rc;
    struct draft *d = draft_new(&a, reg, DRAFT_CHANGE);
    if (!d) rc = error_memory(err);
    if (!rc) d->values[f[0]] = value_text(barcode);
    if (!rc && record_natural_key(reg, (struct text){"", 0}, d->values, &key)) rc = lookup_find(l->db, lookup_key(reg->name), key, 1, &a, &ids, &n_ids, err);
    if (!rc && !n_ids) rc = error_set(err, E_UNKNOWN, "barcode", "there is no tube %.*s / 没有此采样管", (int)(barcode.n < 60 ? barcode.n : 60), barcode.s);
    if (!rc) v = value_int(ids[0]);
    if (!rc) rc = record_get(l, l->db, s, reg, ids[0], &a, &tube, err);
    if (!rc && table && record_int(&tube, "site_table", table) != table) rc = error_set(err, E_CONFLICT, "table", "%s", messages[SAMPLING_OTHER_TABLE]);
    if (!rc && !text_is(tube.state, "open")) rc = error_set(err, E_REFUSED, "barcode", "%s", messages[SAMPLING_TUBE_CLOSED]);
    if (!rc && at > s->now + SAMPLING_SKEW_S) rc = error_set(err, E_INVALID, "closed_at", "closed in the future: the clock of the device is off / 封管时间在将来: 请校正设备时钟");
    if (!rc) rc = db_scalar(l->db, &a, "SELECT count(*) FROM \"swab\" WHERE \"tube\"=?1", &v, 1, &n, err);
    if (!rc) rc = db_scalar(l->db, &a, "SELECT max(\"swabbed_at\") FROM \"swab\" WHERE \"tube\"=?1", &v, 1, &last, err);
    if (!rc && !value_int_or(n, 0)) rc = error_set(err, E_REFUSED, "barcode", "the tube is empty: take it back as spoiled / 空管请作废");
    if (!rc) {
        int64_t opened = value_int_or(tube.values[f[3]], at);
        if (value_int_or(last, at) > at) at = last.i; /* not before the last was in it */
        d->id = ids[0];
        d->state = TEXT("closed");
        d->values[f[1]] = n;
        d->values[f[2]] = value_int(opened > at && opened - at <= SAMPLING_SKEW_S ? opened : at); /* a device that is seconds ahead opened it */
        rc = record_write(l, s, &d, 1, err);
    }
    if (!rc) *ret_swabs = n.i;
    arena_clear(&a);
    return rc;
}
