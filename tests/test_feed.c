/* Events: every committed entry is seen exactly once, in order, by each reader who may see it, over any number of disconnections; nothing else is. */
#include "ledgers.h"

#include <pthread.h>

#include "base/idmap.h"
#include "ledger/feed.h"
#include "ledger/queue.h"
#include "ledger/table.h"

static const char *const NOW = "2022-05-30T10:00";

/* ---- readers */

struct reader {
    struct feed_listener w; /* first: wake casts back */
    struct feed *f;
    struct db *db;
    struct session s;
    struct grant grants[2];
    pthread_mutex_t lock;
    pthread_cond_t told;
    bool woken;
    struct feed_event *seen;
    size_t n, cap;
};

static void reader_wake(struct feed_listener *w) {
    struct reader *r = (struct reader *)w;
    pthread_mutex_lock(&r->lock);
    r->woken = true;
    pthread_cond_signal(&r->told);
    pthread_mutex_unlock(&r->lock);
}

static void reader_make(struct reader *r, struct test_ledger *t, struct feed *f, const char *role, const char *region) {
    struct error err = {0};
    *r = (struct reader){.f = f, .w = {.wake = reader_wake}, .lock = PTHREAD_MUTEX_INITIALIZER, .told = PTHREAD_COND_INITIALIZER};
    r->grants[0] = (struct grant){.role = text_of(role), .region = text_of(region)};
    r->s = (struct session){.account = TEXT("reader"), .n_grants = 1, .grants = r->grants, .now = t->s.now};
    assert_ok(ledger_reader(t->l, &r->db, &err), err);
}

static void reader_drop(struct reader *r) {
    feed_leave(r->f, &r->w);
    db_close(r->db);
    free(r->seen);
}

static void reader_join(struct reader *r, int64_t after) {
    struct error err = {0};
    assert_ok(feed_join(r->f, r->db, &r->s, NULL, after, &r->w, &err), err);
}

static void reader_add(struct reader *r, const struct feed_event *e) {
    if (r->n == r->cap) {
        r->cap = r->cap ? r->cap * 2 : 64;
        r->seen = realloc(r->seen, r->cap * sizeof *r->seen);
        if (!r->seen) abort();
    }
    r->seen[r->n++] = *e;
}

static void reader_sleep(struct reader *r) {
    if (!feed_wait(r->f, &r->w)) return;
    pthread_mutex_lock(&r->lock);
    while (!r->woken) pthread_cond_wait(&r->told, &r->lock);
    r->woken = false;
    pthread_mutex_unlock(&r->lock);
}

/* Reads until the listener has passed an event. Duties are counted and given back. */
static size_t reader_until(struct reader *r, int64_t last, size_t *ret_notes) {
    size_t notes = 0, before = r->n;
    while (r->w.after < last) {
        struct error err = {0};
        struct feed_event out[8];
        size_t n = 0;
        int rc = feed_read(r->f, r->db, &r->w, out, 8, &n, &err);
        if (rc < 0) fail_msg("%s", err.message);
        for (size_t i = 0; i < n; i++) {
            size_t pos = 0;
            while (feed_note_next(&r->w, &out[i], &pos)) notes++;
        }
        for (size_t i = 0; i < n; i++) reader_add(r, &out[i]);
        feed_release(out, n);
        if (rc == 0 && r->w.after < last) reader_sleep(r);
    }
    if (ret_notes) *ret_notes = notes;
    return r->n - before;
}

static int64_t tip(struct test_ledger *t) {
    return test_count(t, "SELECT \"next\" FROM \"journal_tip\"") - 1;
}

static struct feed *start(struct test_ledger *t, size_t ring) {
    struct error err = {0};
    struct feed *f = NULL;
    struct feed_options o = {.ring = ring, .poll_ms = 50, .pause_ms = 1, .beat_ms = 200};
    assert_ok(feed_start(t->l, &o, &f, &err), err);
    return f;
}

static int64_t person_in(struct test_ledger *t, const char *region) {
    struct error err = {0};
    struct draft *d = test_draft(t, "person", DRAFT_CREATE, "name", "李娜", "phone", "13800138000", "address_region", region, NULL);
    assert_ok(test_write(t, d, &err), err);
    return d->ret_id;
}

static void move_to(struct test_ledger *t, int64_t id, const char *region) {
    struct error err = {0};
    struct draft *d = test_draft(t, "person", DRAFT_CHANGE, "address_region", region, NULL);
    d->id = id;
    assert_ok(test_write(t, d, &err), err);
}

/* ---- refusals */

static int join(struct feed *f, struct reader *r, struct access_selection want, int64_t after) {
    struct error err = {0};
    int rc = feed_join(f, r->db, &r->s, &want, after, &r->w, &err);
    if (rc == 0) feed_leave(f, &r->w);
    return rc;
}

static void who_may_see_nothing_is_refused(void **state) {
    struct test_ledger t;
    (void)state;
    EACH_STORE(t, NULL, NOW) {
        struct feed *f = start(&t, 0);
        struct reader guest, nobody, tracer;
        struct text unknown = TEXT("no_such"), person = TEXT("person"), account = TEXT("account");
        reader_make(&guest, &t, f, "guest", "310115");
        reader_make(&nobody, &t, f, "tracer", "3101'15");
        reader_make(&tracer, &t, f, "tracer", "310115001");
        struct access_selection all = {0};
        assert_int_equal(join(f, &guest, (struct access_selection){.n_registers = 1, .registers = &person}, -1), E_DENIED);
        assert_int_equal(join(f, &nobody, all, -1), E_DENIED);
        assert_int_equal(join(f, &tracer, (struct access_selection){.n_registers = 1, .registers = &unknown}, -1), E_UNKNOWN);
        assert_int_equal(join(f, &tracer, (struct access_selection){.desk = unknown}, -1), E_UNKNOWN);
        assert_int_equal(join(f, &tracer, (struct access_selection){.region = TEXT("x y")}, -1), E_INVALID);
        assert_int_equal(join(f, &tracer, (struct access_selection){.region = TEXT("320000")}, -1), E_DENIED);
        assert_int_equal(join(f, &tracer, (struct access_selection){.n_registers = 1, .registers = &account}, -1), E_DENIED);
        assert_int_equal(join(f, &tracer, all, tip(&t) + 1), E_CONFLICT);
        assert_int_equal(join(f, &tracer, (struct access_selection){.n_registers = 1, .registers = &person, .region = TEXT("310115")}, -1), 0);
        feed_end(f);
        assert_int_equal(join(f, &tracer, all, -1), E_BUSY);
        reader_drop(&guest);
        reader_drop(&nobody);
        reader_drop(&tracer);
        feed_stop(f);
        feed_stop(NULL);
    }
}

/* The compiled view says what access_check says. */
static void a_view_means_what_access_means(void **state) {
    static const char *const roles[] = {"root", "auditor", "tracer", "guest", "reporter", "isolator", "", "command"};
    static const char *const regions[] = {"", "31", "310115", "310115001", "310116", "3"};
    struct test_ledger t;
    struct rng random = {0};
    (void)state;
    rng_seed(&random, 7);
    test_ledger_make(&t, 0, NULL, NOW);
    for (int round = 0; round < 200; round++) {
        struct grant grants[3];
        struct access_view *v = NULL;
        struct access_selection all = {0};
        struct session s = {.n_grants = rng_below(&random, 4), .grants = grants, .purpose = TEXT("x")};
        for (size_t i = 0; i < s.n_grants; i++) grants[i] = (struct grant){.role = text_of(roles[rng_below(&random, 8)]), .region = text_of(regions[rng_below(&random, 6)])};
        int rc = access_view_new(&s, t.l->catalog, &all, &v, NULL);
        for (size_t g = 0; g < t.l->catalog->n_registers; g++)
            for (size_t k = 0; k < 6; k++) {
                const struct register_decl *reg = &t.l->catalog->registers[g];
                bool may = access_check(&s, ACCESS_READ, reg, text_of(regions[k]), NULL) == 0;
                assert_int_equal(rc == 0 && access_view_sees(v, ACCESS_READ, reg->order, text_of(regions[k])), may);
                bool watches = access_check(&s, ACCESS_WATCH, reg, text_of(regions[k]), NULL) == 0;
                assert_int_equal(rc == 0 && access_view_sees(v, ACCESS_WATCH, reg->order, text_of(regions[k])), watches);
            }
        access_view_free(v);
    }
    /* a register that is read below, of the region that was asked for */
    struct grant street = {.role = TEXT("tester"), .region = TEXT("310115001")};
    struct session s = {.n_grants = 1, .grants = &street};
    struct access_selection city = {.region = TEXT("3101")};
    struct access_view *v = NULL;
    assert_int_equal(access_view_new(&s, t.l->catalog, &city, &v, NULL), 0);
    int campaign = register_find(t.l->catalog, TEXT("campaign"))->order, swab = register_find(t.l->catalog, TEXT("swab"))->order;
    static const char *const seen[] = {"3101", "310115", "310115001"}, *const unseen[] = {"31", "310116", ""};
    for (size_t i = 0; i < 3; i++) {
        assert_true(access_view_sees(v, ACCESS_READ, campaign, text_of(seen[i])));
        assert_int_equal(access_view_sees(v, ACCESS_READ, swab, text_of(seen[i])), i == 2);
        assert_false(access_view_sees(v, ACCESS_READ, campaign, text_of(unseen[i])));
    }
    access_view_free(v);
    test_ledger_drop(&t);
}

/* ---- what is told */

static void who_a_record_leaves_is_told_so_and_no_more(void **state) {
    struct test_ledger t;
    (void)state;
    EACH_STORE(t, NULL, NOW) {
        struct feed *f = start(&t, 4); /* the rest comes from the journal */
        struct reader a, b, county;
        int64_t from = tip(&t);
        reader_make(&a, &t, f, "tracer", "310115001");
        reader_make(&b, &t, f, "tracer", "310115002");
        reader_make(&county, &t, f, "tracer", "310115");
        int64_t id = person_in(&t, "310115001");
        move_to(&t, id, "310115002");
        struct error err = {0};
        struct draft *d = test_draft(&t, "person", DRAFT_CHANGE, "phone", "13900139000", NULL);
        d->id = id;
        assert_ok(test_write(&t, d, &err), err);
        move_to(&t, id, "310115001");
        for (int lap = 0; lap < 2; lap++) {
            reader_join(&a, from);
            reader_join(&b, from);
            reader_join(&county, from);
            assert_int_equal(reader_until(&a, from + 4, NULL), 3);
            assert_int_equal(reader_until(&b, from + 4, NULL), 3);
            assert_int_equal(reader_until(&county, from + 4, NULL), 4);
            const struct feed_event *e = a.seen + a.n - 3;
            assert_true(e[0].verb == JOURNAL_CREATE && e[0].move == FEED_STAYED && e[0].version == 1 && e[0].record == id);
            assert_true(e[1].verb == JOURNAL_CHANGE && e[1].move == FEED_LEFT && e[1].version == 0);
            assert_string_equal(e[1].region, "310115001");
            assert_true(e[2].move == FEED_ENTERED && e[2].version == 4 && e[2].seq == from + 4);
            e = b.seen + b.n - 3;
            assert_true(e[0].move == FEED_ENTERED && e[1].move == FEED_STAYED && e[2].move == FEED_LEFT);
            for (int i = 0; i < 3; i++) assert_string_equal(e[i].region, "310115002");
            for (int i = 0; i < 4; i++) assert_int_equal(county.seen[county.n - 4 + (size_t)i].move, FEED_STAYED);
            feed_leave(f, &a.w);
            feed_leave(f, &b.w);
            feed_leave(f, &county.w);
        }
        reader_drop(&a);
        reader_drop(&b);
        reader_drop(&county);
        feed_stop(f);
    }
}

/* Looking at sealed fields is told to those who watch; an entry of old that does not say where lies where its record is. */
static void looks_are_told_to_auditors(void **state) {
    struct test_ledger t;
    (void)state;
    EACH_STORE(t, NULL, NOW) {
        struct error err = {0};
        struct feed *f = start(&t, 0);
        struct reader tracer, auditor, other;
        reader_make(&tracer, &t, f, "tracer", "310115");
        reader_make(&auditor, &t, f, "auditor", "310115001");
        reader_make(&other, &t, f, "auditor", "310115002");
        int64_t id = person_in(&t, "310115001"), from = tip(&t);
        t.s.purpose = TEXT("tracing");
        assert_ok(ledger_opened(t.l, &t.s, register_find(t.l->catalog, TEXT("person")), id, &err), err);
        struct journal_entry old = {.at = t.s.now, .verb = JOURNAL_CHANGE, .actor = TEXT("x"), .reg = TEXT("person"), .record = id, .version = 2};
        t.damaged = true; /* a change that no table has */
        assert_ok(ledger_begin(t.l, &err), err);
        assert_ok(journal_append(&t.l->journal, &old, NULL, &err), err);
        assert_ok(ledger_commit(t.l, t.s.now, &err), err);
        reader_join(&tracer, from);
        reader_join(&auditor, from);
        reader_join(&other, from);
        assert_int_equal(reader_until(&tracer, from + 2, NULL), 1);
        assert_int_equal(tracer.seen[0].verb, JOURNAL_CHANGE);
        assert_int_equal(reader_until(&auditor, from + 2, NULL), 2);
        assert_int_equal(auditor.seen[0].verb, JOURNAL_OPEN);
        assert_int_equal(reader_until(&other, from + 2, NULL), 0);
        reader_drop(&tracer);
        reader_drop(&auditor);
        reader_drop(&other);
        feed_stop(f);
    }
}

/* A case raises duties, a late one escalates: both are told with it, to whoever asked. */
static void duties_are_told_with_the_fact(void **state) {
    struct test_ledger t;
    (void)state;
    EACH_STORE(t, "covid-2022-v9", NOW) {
        struct error err = {0};
        struct feed *f = start(&t, 0);
        struct reader asks, plain, behind;
        size_t notes = 0;
        int64_t from = tip(&t);
        reader_make(&asks, &t, f, "tracer", "310115");
        reader_make(&plain, &t, f, "tracer", "310115");
        reader_make(&behind, &t, f, "tracer", "310115");
        asks.w.duties = behind.w.duties = true;
        reader_join(&asks, -1);
        reader_join(&plain, -1);
        int64_t who = person_in(&t, "310115001");
        test_record(&t, "case", "person", test_id(&t, who), "disease", "covid-19", "classification", "confirmed", "report_date", "2022-05-30", "detected_at", NOW);
        int64_t raised = test_count(&t, "SELECT COUNT(*) FROM \"obligation\" WHERE \"holder\" <> 0 AND \"state\" = 'open'");
        assert_true(raised > 0);
        reader_until(&asks, tip(&t), &notes);
        assert_true(notes > 0 && (int64_t)notes <= raised);
        size_t told = notes;
        reader_until(&plain, tip(&t), &notes);
        assert_int_equal(notes, 0);
        reader_join(&behind, from);
        reader_until(&behind, tip(&t), &notes);
        assert_int_equal(notes, told);
        /* a day later much is late */
        struct session later = t.s;
        struct wake_report report;
        int64_t page = -1;
        later.now += DAY_S;
        assert_ok(ledger_begin(t.l, &err), err);
        assert_ok(obligation_wake(t.l, &later, 1000, &page, &report, &err), err);
        assert_ok(ledger_commit(t.l, later.now, &err), err);
        reader_until(&plain, tip(&t), &notes);
        assert_true(notes > 0);
        assert_true(plain.seen[plain.n - 1].verb == JOURNAL_ESCALATE || plain.seen[plain.n - 1].verb == JOURNAL_LAPSE);
        reader_drop(&asks);
        reader_drop(&plain);
        reader_drop(&behind);
        feed_stop(f);
    }
}

/* Another process writes to the same store and tells nobody. */
static void what_others_commit_is_seen_too(void **state) {
    struct test_ledger t;
    (void)state;
    EACH_STORE(t, NULL, NOW) {
        struct error err = {0};
        struct feed *f = start(&t, 0);
        struct reader r;
        struct test_ledger other = t;
        other.l = NULL;
        other.a = (struct arena){0};
        reader_make(&r, &t, f, "tracer", "310115");
        reader_join(&r, -1);
        assert_ok(ledger_open(&t.o, &other.l, &err), err);
        int64_t id = person_in(&other, "310115001");
        assert_int_equal(reader_until(&r, tip(&t), NULL), 1);
        assert_int_equal(r.seen[0].record, id);
        ledger_close(other.l);
        arena_clear(&other.a);
        reader_drop(&r);
        feed_stop(f);
    }
}

/* ---- the law */

enum { WRITERS = 3, EACH = 60, READERS = 6, PLACES = 4 };
static const char *const places[PLACES] = {"310115001", "310115002", "310115003001", "310115"};

struct writing {
    struct test_ledger *t;
    struct ledger_queue *q;
    uint64_t seed;
};

static void *write_main(void *arg) {
    struct writing *w = arg;
    struct rng random = {0};
    struct arena a = {0};
    int64_t last = 0;
    rng_seed(&random, w->seed);
    for (int i = 0; i < EACH; i++) {
        struct error err = {0};
        struct draft *d = draft_new(&a, register_find(w->t->l->catalog, TEXT("person")), last && rng_below(&random, 3) ? DRAFT_CHANGE : DRAFT_CREATE);
        d->id = d->verb == DRAFT_CHANGE ? last : 0;
        if (d->verb == DRAFT_CREATE) d->values[register_field(d->reg, TEXT("name"))] = value_str("张伟");
        d->values[register_field(d->reg, TEXT("address_region"))] = value_str(places[rng_below(&random, PLACES)]);
        struct submission s = {.session = &w->t->s, .drafts = &d, .n = 1, .arena = &a};
        if (ledger_submit_wait(w->q, &s, &err) < 0) abort();
        last = d->ret_id;
    }
    arena_clear(&a);
    return NULL;
}

struct listening {
    struct reader r;
    uint64_t seed;
    int64_t from;
    const int64_t *until; /* 0 until the writers are done */
    int64_t joins;
};

static void *listen_main(void *arg) {
    struct listening *x = arg;
    struct reader *r = &x->r;
    struct rng random = {0};
    int64_t last = x->from;
    rng_seed(&random, x->seed);
    for (bool joined = false;;) {
        int64_t until = __atomic_load_n(x->until, __ATOMIC_ACQUIRE);
        struct feed_event out[8];
        size_t n = 0;
        struct error err = {0};
        if (!joined && feed_join(r->f, r->db, &r->s, NULL, last, &r->w, &err) < 0) abort();
        joined = true;
        int rc = feed_read(r->f, r->db, &r->w, out, 1 + rng_below(&random, 8), &n, &err);
        if (rc < 0) abort();
        bool cut = rng_below(&random, 4) == 0;
        size_t got = cut ? rng_below(&random, n + 1) : n; /* the rest never reaches the client */
        for (size_t i = 0; i < got; i++) reader_add(r, &out[i]);
        if (got) last = out[got - 1].seq;
        if (got == n) last = r->w.after; /* a heartbeat says how far he is */
        feed_release(out, n);
        if (until && last >= until) break;
        if (cut) {
            feed_leave(r->f, &r->w);
            joined = false;
            x->joins++;
        } else if (rc == 0) {
            reader_sleep(r);
        }
    }
    feed_leave(r->f, &r->w);
    return NULL;
}

/* Where each record lies, learnt from the journal without the feed's help. */
struct oracle {
    struct test_ledger *t;
    struct listening *x;
    struct idmap at;
    struct arena a;
    size_t k;
};

static int oracle_visit(const struct journal_entry *e, void *arg) {
    struct oracle *o = arg;
    const struct register_decl *reg = register_find(o->t->l->catalog, e->reg);
    struct value v, region = value_null();
    size_t pos = 0, code = 0;
    while (journal_cells_next(e->after, &pos, &code, &v, NULL) > 0)
        if (code == CELL_REGION && !value_copy(&o->a, v, &region)) fail_msg("out of memory");
    bool fresh = false;
    struct idmap_slot *slot = idmap_put(&o->at, &o->a, e->record, &fresh);
    struct text was = fresh ? (struct text){0} : text_of(slot->value.p), now = region.kind == VALUE_TEXT ? value_view(region) : was;
    slot->value.p = arena_str(&o->a, arena_printf(&o->a, "%.*s", (int)now.n, now.s));
    bool here = access_check(&o->x->r.s, ACCESS_READ, reg, now, NULL) == 0;
    bool there = fresh ? here : access_check(&o->x->r.s, ACCESS_READ, reg, was, NULL) == 0;
    if (!here && !there) return 0;
    if (o->k >= o->x->r.n) fail_msg("event %lld was not told", (long long)e->seq);
    const struct feed_event *got = &o->x->r.seen[o->k++];
    if (got->seq != e->seq) fail_msg("event %lld was told where %lld belongs", (long long)got->seq, (long long)e->seq);
    assert_int_equal(got->record, e->record);
    assert_int_equal(got->move, here && there ? FEED_STAYED : here ? FEED_ENTERED : FEED_LEFT);
    assert_true(text_eq(text_of(got->region), here ? now : was));
    assert_int_equal(access_check(&o->x->r.s, ACCESS_READ, reg, text_of(got->region), NULL), 0);
    return 0;
}

static void every_entry_is_seen_once_over_disconnections(void **state) {
    static const char *const who[READERS][2] = {{"tracer", "310115001"}, {"tracer", "310115002"}, {"isolator", "310115003"},
                                                {"tracer", "310115"},    {"root", ""},            {"auditor", "310115003001"}};
    struct test_ledger t;
    (void)state;
    EACH_STORE(t, NULL, NOW) {
        struct error err = {0};
        struct feed *f = start(&t, 16);
        struct queue_options o = {.committed = feed_wake, .committed_arg = f};
        struct ledger_queue *q = NULL;
        struct writing writers[WRITERS];
        static struct listening readers[READERS];
        pthread_t write[WRITERS], listen[READERS];
        int64_t from = tip(&t), until = 0;
        assert_ok(ledger_queue_start(t.l, &o, &q, &err), err);
        for (size_t i = 0; i < READERS; i++) {
            readers[i] = (struct listening){.seed = i, .from = from, .until = &until};
            reader_make(&readers[i].r, &t, f, who[i][0], who[i][1]);
            if (pthread_create(&listen[i], NULL, listen_main, &readers[i]) != 0) fail_msg("no thread");
        }
        for (size_t i = 0; i < WRITERS; i++) {
            writers[i] = (struct writing){.t = &t, .q = q, .seed = 100 + i};
            if (pthread_create(&write[i], NULL, write_main, &writers[i]) != 0) fail_msg("no thread");
        }
        for (size_t i = 0; i < WRITERS; i++) pthread_join(write[i], NULL);
        ledger_queue_stop(q);
        __atomic_store_n(&until, tip(&t), __ATOMIC_RELEASE);
        for (size_t i = 0; i < READERS; i++) pthread_join(listen[i], NULL);
        for (size_t i = 0; i < READERS; i++) {
            struct oracle x = {.t = &t, .x = &readers[i]};
            assert_ok(journal_scan(t.l->db, from + 1, INT64_MAX, oracle_visit, &x, &err), err);
            assert_int_equal(x.k, readers[i].r.n);
            assert_true(readers[i].joins > 0);
            arena_clear(&x.a);
            reader_drop(&readers[i].r);
        }
        feed_stop(f);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_may_see_nothing_is_refused),
        cmocka_unit_test(a_view_means_what_access_means),
        cmocka_unit_test(who_a_record_leaves_is_told_so_and_no_more),
        cmocka_unit_test(looks_are_told_to_auditors),
        cmocka_unit_test(duties_are_told_with_the_fact),
        cmocka_unit_test(what_others_commit_is_seen_too),
        cmocka_unit_test(every_entry_is_seen_once_over_disconnections),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
