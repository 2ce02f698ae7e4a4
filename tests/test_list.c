/* desks/list: pages of a register. Refusals first; then the laws: pages together are what a reader with a pencil would have listed, forwards and
 * backwards, whoever asks, however it is sorted and filtered, also while others write; and nobody ever sees a row beyond his regions. */
#include "desks/list/list.h"
#include "ledger/table.h"
#include "ledgers.h"

enum { ROWS = 3600, DAY_FIRST = 19100 };
static const char *const classes[] = {"confirmed", "asymptomatic", "suspected"};

struct row { /* the reader's own copy */
    char region[40];
    int64_t id, changed_at, report_date; /* report_date -1: none */
    int class;
    bool icu;
};
static struct row rows[ROWS + 64];
static struct arena asking; /* pages */
static size_t n_rows;

/* Streets and villages of three districts; the third has only old rows. */
static void region_of(struct rng *r, size_t i, char out[40]) {
    unsigned district = i < ROWS / 6 && i % 2 ? 3 : 1 + (unsigned)rng_below(r, 2);
    unsigned street = 1 + (unsigned)rng_below(r, 6), village = (unsigned)rng_below(r, 5);
    if (village) snprintf(out, 40, "3101%02u%03u%03u", district, street, village);
    else snprintf(out, 40, "3101%02u%03u", district, street);
}

static void rows_store(struct test_ledger *t, const struct row *from, size_t n, enum db_verb verb) {
    const struct register_decl *reg = register_find(t->l->catalog, TEXT("case"));
    const struct reg_table *table = t->l->tables[reg->order];
    struct error err = {0};
    uint16_t columns[] = {COL_REGION, COL_ID, COL_VERSION, COL_CREATED_AT, COL_CHANGED_AT, COL_ENTRY, 0, 0, 0, 0};
    static const char *const fields[] = {"report_date", "classification", "icu", "disease"};
    for (int i = 0; i < 4; i++) columns[6 + i] = (uint16_t)(RECORD_SYSTEM_COLUMNS + register_field(reg, text_of(fields[i])));
    struct value *cells = calloc(n * 10, sizeof *cells);
    for (size_t i = 0; i < n; i++) {
        struct value own[10] = {value_str(from[i].region), value_int(from[i].id), value_int(1), value_int(1650000000), value_int(from[i].changed_at), value_int(1),
                                from[i].report_date < 0 ? value_null() : value_int(from[i].report_date), value_str(classes[from[i].class]), value_int(from[i].icu),
                                value_str("covid-19")};
        memcpy(cells + i * 10, own, sizeof own);
    }
    assert_ok(db_begin(t->l->db, &err), err);
    assert_ok(db_batch(t->l->db, verb, &table->table, columns, 10, cells, n, NULL, &err), err);
    t->damaged = true; /* rows that no entry made */
    assert_ok(db_commit(t->l->db, &err), err);
    free(cells);
}

static void rows_make(struct test_ledger *t) {
    struct rng r = {0};
    rng_seed(&r, 7);
    n_rows = ROWS;
    for (size_t i = 0; i < ROWS; i++) {
        struct row *x = &rows[i];
        region_of(&r, i, x->region);
        x->id = 1000 + 3 * (int64_t)i;
        x->changed_at = 1650000000 + (int64_t)i + (int64_t)rng_below(&r, 400);
        x->report_date = rng_below(&r, 12) ? DAY_FIRST + (int64_t)(i / 200) : -1;
        x->class = (int)(rng_below(&r, 40) ? rng_below(&r, 2) : 2);
        x->icu = rng_below(&r, 4) == 0;
    }
    rows_store(t, rows, ROWS, DB_INSERT);
}

/* ---- asking */

struct who {
    struct session s;
    struct grant g[3];
};

static void who_is(struct who *w, const char *role, const char *region, const char *more) {
    *w = (struct who){.g = {{text_of(role), text_of(region)}, {text_of(role), text_of(more ? more : "")}}};
    w->s = (struct session){.account = TEXT("asker"), .n_grants = more ? 2 : 1, .now = test_at("2022-05-30T08:00:00+08:00")};
    w->s.grants = w->g;
}

static int ask(struct test_ledger *t, const struct session *s, const char *reg, const char *const *words, struct list_page *ret, struct error *err) {
    struct list_param params[16];
    struct list_query q;
    size_t n = 0;
    for (; words[2 * n]; n++) params[n] = (struct list_param){text_of(words[2 * n]), text_of(words[2 * n + 1])};
    *err = (struct error){0};
    int rc = list_query_parse(t->l, register_find(t->l->catalog, text_of(reg)), params, n, &asking, &q, err);
    return rc < 0 ? rc : list_page(t->l, NULL, s, &q, &asking, ret, err);
}
#define ASK(t, s, reg, page, err, ...) ask(t, s, reg, (const char *const[]){__VA_ARGS__, NULL, NULL}, page, err)

/* ---- refusals */

static void what_is_asked_wrongly_is_refused_by_name(void **state) {
    (void)state;
    for (size_t store = 0; store < test_stores(); store++) {
        struct test_ledger t;
        struct list_page page;
        struct error err;
        struct who w;
        test_ledger_make(&t, store, NULL, "2022-05-30T08:00:00+08:00");
        who_is(&w, "tracer", "3101", NULL);
        static const struct { const char *name, *value, *where; int code; } cases[] = {
            {"nothing", "1", "nothing", E_USAGE}, {"classification", "worse", "classification", E_INVALID},
            {"classification", "confirmed' OR 1=1 --", "classification", E_INVALID}, {"classification\" = '' OR 1=1 --", "x", NULL, E_USAGE},
            {"state", "open", "state", E_INVALID}, {"sort", "onset", "sort", E_INVALID}, {"sort", "id\" DESC; DROP TABLE \"case\"; --", "sort", E_INVALID},
            {"sort", "-person", "sort", E_INVALID}, {"fields", "number,nothing", "fields", E_INVALID}, {"limit", "0", "limit", E_INVALID}, {"limit", "501", "limit", E_INVALID},
            {"limit", "many", "limit", E_INVALID}, {"cursor", "AAAA", "cursor", E_INVALID}, {"cursor", "' OR 1=1", "cursor", E_INVALID}, {"count", "all", "count", E_INVALID},
            {"where", "onset >", NULL, E_SYNTAX}, {"where", "onset = 'x' OR 1=1; DROP TABLE \"case\"", NULL, 0}, {"region", "12345", "region", E_INVALID},
            {"report_date", "2022-02-30", "report_date", E_INVALID}, {"report_date", "..", "report_date", E_INVALID}, {"id", "1,x", "id", E_INVALID},
            {"generation", "many", "generation", E_INVALID}, {"icu", "perhaps", "icu", E_INVALID}, {"icu.given", "perhaps", "icu.given", E_INVALID},
            {"point", "1,2", "point", E_INVALID}, {"person.sex", "male", "person.sex", E_USAGE}, {"person.name", "", "person.name", E_INVALID},
            {"changed_since", "", "changed_since", E_INVALID}, {"disease", ",", "disease", E_INVALID}, {"hospital", "*", "hospital", E_INVALID}, {"hospital", "\xFF", "hospital", E_INVALID},
        };
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            int rc = ASK(&t, &w.s, "case", &page, &err, cases[i].name, cases[i].value);
            if (rc >= 0 || (cases[i].code && rc != cases[i].code)) fail_msg("%s=%s: %d %s", cases[i].name, cases[i].value, rc, err.message);
            if (cases[i].where) assert_string_equal(err.where, cases[i].where);
        }
        assert_int_equal(ASK(&t, &w.s, "case", &page, &err, "icu", "true", "icu", "false"), E_INVALID); /* twice */
        char many[2400] = "1";
        for (int i = 0; i < 1000; i++) strcat(many, ",1");
        assert_int_equal(ASK(&t, &w.s, "case", &page, &err, "id", many), E_INVALID);
        test_ledger_drop(&t);
    }
}

static void who_may_not_read_gets_nothing_not_even_a_hint(void **state) {
    (void)state;
    for (size_t store = 0; store < test_stores(); store++) {
        struct test_ledger t;
        struct list_page page;
        struct error err, other;
        struct who w;
        test_ledger_make(&t, store, NULL, "2022-05-30T08:00:00+08:00");
        rows_make(&t);
        who_is(&w, "guest", "3101", NULL);
        assert_int_equal(ASK(&t, &w.s, "case", &page, &err, "icu", "true"), E_DENIED);
        assert_int_equal(ASK(&t, &w.s, "case", &page, &other, "id", "999999999"), E_DENIED);
        assert_string_equal(err.message, other.message);
        /* sealed fields: neither filtered, nor used in a condition, without the right and a purpose */
        who_is(&w, "command", "", NULL); /* reads persons, opens nothing */
        assert_int_equal(ASK(&t, &w.s, "person", &page, &err, "name", "李娜"), E_DENIED);
        assert_int_equal(ASK(&t, &w.s, "case", &page, &err, "person.doc_no", "E123"), E_DENIED);
        assert_true(ASK(&t, &w.s, "person", &page, &err, "where", "name = '李娜'") < 0);
        who_is(&w, "tracer", "", NULL);
        assert_int_equal(ASK(&t, &w.s, "person", &page, &err, "name", "李娜"), E_DENIED); /* no purpose */
        assert_non_null(strstr(err.message, "purpose"));
        test_ledger_drop(&t);
    }
}

static void a_cursor_is_of_one_query_and_one_account(void **state) {
    (void)state;
    for (size_t store = 0; store < test_stores(); store++) {
        struct test_ledger t;
        struct list_page page, next;
        struct error err;
        struct who w;
        test_ledger_make(&t, store, NULL, "2022-05-30T08:00:00+08:00");
        rows_make(&t);
        who_is(&w, "tracer", "310101", NULL);
        assert_ok(ASK(&t, &w.s, "case", &page, &err, "sort", "-changed_at", "limit", "5"), err);
        char *cursor = arena_str(&t.a, page.next.s);
        assert_int_equal(page.n, 5);
        assert_true(page.more);
        assert_int_equal(page.previous.n, 0);
        assert_ok(ASK(&t, &w.s, "case", &next, &err, "sort", "-changed_at", "limit", "7", "fields", "icu", "cursor", cursor), err);
        assert_int_equal(next.n, 7);
        assert_int_equal(ASK(&t, &w.s, "case", &next, &err, "sort", "changed_at", "cursor", cursor), E_INVALID);
        assert_int_equal(ASK(&t, &w.s, "case", &next, &err, "sort", "-changed_at", "icu", "true", "cursor", cursor), E_INVALID);
        assert_int_equal(ASK(&t, &w.s, "contact", &next, &err, "sort", "-changed_at", "cursor", cursor), E_INVALID);
        struct session other = w.s;
        other.account = TEXT("other");
        assert_int_equal(ASK(&t, &other, "case", &next, &err, "sort", "-changed_at", "cursor", cursor), E_INVALID);
        for (size_t i = 0; cursor[i]; i++) { /* not one character may change */
            char kept = cursor[i];
            cursor[i] = kept == 'A' ? 'B' : 'A';
            assert_int_equal(ASK(&t, &w.s, "case", &next, &err, "sort", "-changed_at", "cursor", cursor), E_INVALID);
            cursor[i] = kept;
        }
        cursor[strlen(cursor) - 2] = 0;
        assert_int_equal(ASK(&t, &w.s, "case", &next, &err, "sort", "-changed_at", "cursor", cursor), E_INVALID);
        test_ledger_drop(&t);
    }
}

/* ---- the reader with a pencil */

struct wish {
    const char *words[24];
    size_t n;
    int sort; /* 0 id, 1 changed_at, 2 report_date */
    bool down;
    int class, icu; /* -1: any */
    int64_t day_from, day_to, since;
    bool dated, undated;
    const char *region;
    char text[8][40];
};

static bool sees(const struct session *s, const char *region) {
    for (size_t i = 0; i < s->n_grants; i++)
        if (region_within(text_of(region), s->grants[i].region)) return true;
    return false;
}

static bool wanted(const struct wish *w, const struct row *r) {
    if (w->class >= 0 && r->class != w->class) return false;
    if (w->icu >= 0 && r->icu != w->icu) return false;
    if ((w->day_from || w->day_to) && r->report_date < 0) return false;
    if (w->day_from && r->report_date < w->day_from) return false;
    if (w->day_to && r->report_date > w->day_to) return false;
    if (w->since && r->changed_at < w->since) return false;
    if ((w->dated && r->report_date < 0) || (w->undated && r->report_date >= 0)) return false;
    return !w->region || region_within(text_of(r->region), text_of(w->region));
}

static const struct wish *sorting;
static int in_order(const void *a, const void *b) {
    const struct row *x = *(const struct row *const *)a, *y = *(const struct row *const *)b;
    int64_t i = sorting->sort == 1 ? x->changed_at : sorting->sort == 2 ? x->report_date : 0, k = sorting->sort == 1 ? y->changed_at : sorting->sort == 2 ? y->report_date : 0;
    if (sorting->sort == 2 && (i < 0) != (k < 0)) return i < 0 ? 1 : -1;
    if (i == k) i = x->id, k = y->id;
    int c = (i > k) - (i < k);
    return sorting->down ? -c : c;
}

static size_t by_hand(const struct session *s, const struct wish *w, const struct row **out) {
    size_t n = 0;
    for (size_t i = 0; i < n_rows; i++)
        if (sees(s, rows[i].region) && wanted(w, &rows[i])) out[n++] = &rows[i];
    sorting = w;
    qsort(out, n, sizeof *out, in_order);
    return n;
}

static void word(struct wish *w, const char *name, const char *value) {
    w->words[2 * w->n] = name;
    w->words[2 * w->n++ + 1] = value;
    w->words[2 * w->n] = w->words[2 * w->n + 1] = NULL;
}

static void wish_make(struct rng *r, struct wish *w) {
    static const char *const sorts[] = {"id", "changed_at", "report_date", "-id", "-changed_at", "-report_date"};
    static const char *const regions[] = {"3101", "310101", "310102003", "310102003001", "310103", "32", "310101001,310102"};
    *w = (struct wish){.class = -1, .icu = -1};
    size_t k = rng_below(r, 6);
    w->sort = (int)k % 3, w->down = k >= 3;
    word(w, "sort", sorts[k]);
    if (!rng_below(r, 3)) word(w, "classification", classes[w->class = (int)rng_below(r, 3)]);
    if (!rng_below(r, 4)) word(w, "icu", (w->icu = (int)rng_below(r, 2)) ? "true" : "false");
    if (!rng_below(r, 4)) {
        w->day_from = DAY_FIRST + (int64_t)rng_below(r, 12), w->day_to = w->day_from + (int64_t)rng_below(r, 6);
        char from[DAY_TEXT], to[DAY_TEXT];
        day_format((day)w->day_from, from);
        day_format((day)w->day_to, to);
        bool open = !rng_below(r, 3);
        if (open) w->day_to = 0;
        snprintf(w->text[0], 40, "%s..%s", from, open ? "" : to);
        word(w, "report_date", w->text[0]);
    } else if (!rng_below(r, 5)) {
        w->dated = rng_below(r, 2), w->undated = !w->dated;
        word(w, "report_date.given", w->dated ? "true" : "false");
    }
    if (!rng_below(r, 5)) {
        w->since = 1650000000 + (int64_t)rng_below(r, ROWS);
        instant_format(w->since, ZONE_CHINA_S, w->text[1]);
        word(w, "changed_since", w->text[1]);
    }
    if (!rng_below(r, 4)) {
        size_t g = rng_below(r, 6);
        word(w, "region", w->region = regions[g]);
    }
    snprintf(w->text[2], 40, "%d", 1 + (int)rng_below(r, rng_below(r, 3) ? 40 : 500));
    word(w, "limit", w->text[2]);
}

static void who_make(struct rng *r, struct who *w) {
    static const char *const places[] = {"", "31", "3101", "310101", "310102", "310103", "310101002", "310102003004", "310103006", "44"};
    const char *first = places[rng_below(r, 10)], *second = rng_below(r, 4) ? NULL : places[1 + rng_below(r, 9)];
    static const char *const roles[] = {"tracer", "command", "auditor", "root"};
    who_is(w, roles[rng_below(r, 4)], first, second);
}

/* Walks the pages from one end to the other and back and compares with what was found by hand. */
static void pages_are_what_is_there(struct test_ledger *t, const struct session *s, struct wish *w) {
    static const struct row *hand[ROWS + 64];
    static int64_t seen[ROWS + 64];
    size_t n = by_hand(s, w, hand), at = 0, pages = 0;
    struct list_page page = {0};
    struct error err;
    const char *cursor = NULL, *last = NULL;
    size_t words = w->n;
    do {
        w->n = words;
        if (cursor) word(w, "cursor", cursor);
        int rc = ask(t, s, "case", w->words, &page, &err);
        if (rc < 0) fail_msg("%s %s", err.where, err.message);
        for (size_t i = 0; i < page.n; i++, at++) {
            if (at >= n || page.rows[i].id != hand[at]->id)
                fail_msg("sort %s row %zu of %zu on page %zu is %lld, by hand %lld", w->words[1], at, n, pages, (long long)page.rows[i].id, at < n ? (long long)hand[at]->id : -1);
            assert_true(sees(s, arena_printf(&asking, "%.*s", (int)page.rows[i].region.n, page.rows[i].region.s)));
            seen[at] = page.rows[i].id;
        }
        last = cursor;
        cursor = page.next.n ? page.next.s : NULL;
        if (++pages > 4000) fail_msg("the pages do not end");
    } while (cursor);
    if (at != n) fail_msg("sort %s: %zu rows of %zu", w->words[1], at, n);
    /* back from the last page */
    if (last) {
        at -= page.n;
        for (cursor = page.previous.n ? page.previous.s : NULL; cursor; cursor = page.previous.n ? page.previous.s : NULL) {
            w->n = words;
            word(w, "cursor", cursor);
            assert_ok(ask(t, s, "case", w->words, &page, &err), err);
            if (page.n > at) fail_msg("more rows on the way back");
            at -= page.n;
            for (size_t i = 0; i < page.n; i++) assert_int_equal(page.rows[i].id, seen[at + i]);
        }
        assert_int_equal(at, 0);
    }
    w->n = words;
}

static void pages_together_are_the_list(void **state) {
    (void)state;
    for (size_t store = 0; store < test_stores(); store++) {
        struct test_ledger t;
        struct rng r = {0};
        test_ledger_make(&t, store, NULL, "2022-05-30T08:00:00+08:00");
        rows_make(&t);
        rng_seed(&r, 40 + store);
        for (int i = 0; i < 60; i++) {
            struct wish w;
            struct who who;
            wish_make(&r, &w);
            who_make(&r, &who);
            pages_are_what_is_there(&t, &who.s, &w);
            arena_reset(&asking);
        }
        test_ledger_drop(&t);
    }
}

/* Others write between the pages: what was there throughout and did not move comes exactly once. */
static void writes_between_pages_lose_and_double_nothing(void **state) {
    (void)state;
    static const char *const sorts[] = {"-id", "id", "-changed_at", "report_date"};
    for (size_t store = 0; store < test_stores(); store++) {
        struct test_ledger t;
        struct who who;
        struct error err;
        test_ledger_make(&t, store, NULL, "2022-05-30T08:00:00+08:00");
        rows_make(&t);
        who_is(&who, "tracer", "310102003", NULL);
        for (size_t k = 0; k < 4; k++) {
            unsigned char times[ROWS + 64] = {0};
            struct list_page page = {0};
            const char *cursor = NULL;
            int64_t fresh = 500000 + 1000 * (int64_t)k;
            for (int turn = 0; turn == 0 || cursor; turn++) {
                assert_ok(ASK(&t, &who.s, "case", &page, &err, "sort", sorts[k], "limit", "9", cursor ? "cursor" : NULL, cursor), err);
                for (size_t i = 0; i < page.n; i++)
                    if (page.rows[i].id < 500000) times[(page.rows[i].id - 1000) / 3]++;
                cursor = page.next.n ? page.next.s : NULL;
                struct row made = {.id = fresh++, .changed_at = 1650000000 + turn * 37, .report_date = turn % 3 ? DAY_FIRST + turn : -1};
                snprintf(made.region, sizeof made.region, "310102003%s", turn % 2 ? "001" : "");
                rows_store(&t, &made, 1, DB_INSERT);
            }
            for (size_t i = 0; i < n_rows; i++)
                if (times[i] != sees(&who.s, rows[i].region)) fail_msg("sort %s: row %zu came %d times", sorts[k], i, times[i]);
        }
        test_ledger_drop(&t);
    }
}

/* ---- what a row shows */

static void sealed_cells_are_masked_and_found_by_who_may_open(void **state) {
    (void)state;
    for (size_t store = 0; store < test_stores(); store++) {
        struct test_ledger t;
        struct list_page page;
        struct error err;
        struct who who;
        test_ledger_make(&t, store, NULL, "2022-05-30T08:00:00+08:00");
        int64_t here = test_record(&t, "person", "name", "李娜", "doc_type", "passport", "doc_no", "E12345678", "address_region", "310115001");
        int64_t there = test_record(&t, "person", "name", "李娜", "doc_type", "passport", "doc_no", "E87654321", "address_region", "320102001");
        int64_t fall = test_record(&t, "case", "person", test_id(&t, here), "disease", "covid-19", "classification", "confirmed", "report_date", "2022-05-29");
        (void)there;
        who_is(&who, "tracer", "31", NULL);
        who.s.purpose = TEXT("tracing");
        assert_ok(ASK(&t, &who.s, "person", &page, &err, "name", "李 娜"), err);
        assert_int_equal(page.n, 1); /* the other one lives where this role opens nothing */
        assert_int_equal(page.rows[0].id, here);
        const struct register_decl *person = register_find(t.l->catalog, TEXT("person"));
        for (size_t i = 0; i < person->n_fields; i++) {
            struct value v = page.rows[0].values[i];
            if (person->fields[i].sealed) assert_true(v.kind == VALUE_NULL || text_is(value_view(v), "***"));
        }
        assert_ok(ASK(&t, &who.s, "case", &page, &err, "person.doc_no", "e12345678"), err);
        assert_int_equal(page.n, 1);
        assert_int_equal(page.rows[0].id, fall);
        assert_ok(ASK(&t, &who.s, "case", &page, &err, "person.doc_no", "E87654321"), err);
        assert_int_equal(page.n, 0);
        struct record one;
        assert_ok(record_get(t.l, NULL, &who.s, register_find(t.l->catalog, TEXT("case")), fall, &t.a, &one, &err), err);
        assert_ok(ASK(&t, &who.s, "case", &page, &err, "number", arena_printf(&t.a, "C-1,%.*s", (int)one.number.n, one.number.s)), err);
        assert_int_equal(page.n, 1);
        /* sparse: what was not asked for is absent */
        assert_ok(ASK(&t, &who.s, "case", &page, &err, "fields", "disease,report_date"), err);
        const struct register_decl *reg = register_find(t.l->catalog, TEXT("case"));
        for (size_t i = 0; i < reg->n_fields; i++) {
            bool asked = text_is(reg->fields[i].name, "disease") || text_is(reg->fields[i].name, "report_date");
            assert_int_equal(page.rows[0].values[i].kind != VALUE_ABSENT, asked);
        }
        test_ledger_drop(&t);
    }
}

static void a_count_is_made_when_asked_for(void **state) {
    (void)state;
    for (size_t store = 0; store < test_stores(); store++) {
        struct test_ledger t;
        struct list_page page;
        struct error err;
        struct who who;
        test_ledger_make(&t, store, NULL, "2022-05-30T08:00:00+08:00");
        rows_make(&t);
        static const char *const places[] = {"", "310101", "310103006"};
        for (int i = 0; i < 3; i++) {
            struct wish all = {.class = 0, .icu = -1};
            static const struct row *hand[ROWS + 64];
            who_is(&who, "tracer", places[i], NULL);
            assert_ok(ASK(&t, &who.s, "case", &page, &err, "classification", "confirmed", "limit", "1"), err);
            assert_int_equal(page.count, -1);
            assert_ok(ASK(&t, &who.s, "case", &page, &err, "classification", "confirmed", "limit", "1", "count", i ? "exact" : "estimate"), err);
            assert_int_equal(page.count, by_hand(&who.s, &all, hand));
            assert_false(page.count_bounded);
        }
        test_ledger_drop(&t);
    }
}

static int64_t walked[ROWS + 64];
static size_t n_walked;
static int note(const struct record *r, void *arg) {
    (void)arg;
    walked[n_walked++] = r->id;
    return 0;
}

static void a_walk_goes_on_where_it_stopped(void **state) {
    (void)state;
    for (size_t store = 0; store < test_stores(); store++) {
        struct test_ledger t;
        struct error err = {0};
        struct who who;
        struct list_query q;
        static const struct row *hand[ROWS + 64];
        struct wish all = {.class = 1, .icu = -1, .region = "3101"};
        test_ledger_make(&t, store, NULL, "2022-05-30T08:00:00+08:00");
        rows_make(&t);
        who_is(&who, "tracer", "310101", "310102002");
        struct list_param params[] = {{TEXT("classification"), TEXT("asymptomatic")}, {TEXT("region"), TEXT("3101")}};
        assert_ok(list_query_parse(t.l, register_find(t.l->catalog, TEXT("case")), params, 2, &t.a, &q, &err), err);
        size_t n = by_hand(&who.s, &all, hand);
        n_walked = 0;
        int64_t last = 0;
        for (size_t before = 1; before != n_walked;) {
            before = n_walked;
            assert_ok(list_walk(t.l, NULL, &who.s, &q, last, 100, note, NULL, &last, &err), err);
        }
        assert_int_equal(n_walked, n);
        for (size_t i = 0; i < n; i++) assert_int_equal(walked[i], hand[i]->id);
        test_ledger_drop(&t);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_asked_wrongly_is_refused_by_name),
        cmocka_unit_test(who_may_not_read_gets_nothing_not_even_a_hint),
        cmocka_unit_test(a_cursor_is_of_one_query_and_one_account),
        cmocka_unit_test(pages_together_are_the_list),
        cmocka_unit_test(writes_between_pages_lose_and_double_nothing),
        cmocka_unit_test(sealed_cells_are_masked_and_found_by_who_may_open),
        cmocka_unit_test(a_count_is_made_when_asked_for),
        cmocka_unit_test(a_walk_goes_on_where_it_stopped),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_clear(&asking);
    return failed;
}
