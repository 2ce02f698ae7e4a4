/* Facts in any order leave the same debts: what is owed, paid and missed at the end does not depend on what was told first, one by one or in batches, with
 * corrections, withdrawn imports and a clock that looks in between. */
#include "duties.h"
#include "imports.h"

#include "base/digest.h"
#include "desks/duty.h"

static const char *const NOW = "2022-08-15T10:00";

enum { FACTS_MAX = 40, PEOPLE = 3, CELLS = 12 };

/* One fact of person `who`; its cells in words. A correction or withdrawal names the fact (its label) that it is about and comes after it. */
struct fact {
    const char *label, *reg;
    int who;
    const char *about; /* NULL: a new fact */
    const char *cells[CELLS];
};

#define DAY14 "2022-08-14"
static const struct fact story[] = {
    /* the first: a contact, found twice, placed, tested, looked after; one test was somebody else's, one came back wrong */
    {"contact-a", "contact", 0, NULL, {"disease", "covid-19", "last_contact", "2022-08-13", "found_at", "2022-08-15T07:00", "class", "close"}},
    {"contact-b", "contact", 0, NULL, {"disease", "covid-19", "last_contact", DAY14, "found_at", "2022-08-15T08:00", "class", "close"}},
    {"stay", "stay", 0, NULL, {"kind", "central", "started_at", "2022-08-15T08:30", "exposure", "2022-08-13"}},
    {"test-1", "test", 0, NULL, {"sampled_at", "2022-08-15T09:00", "kind", "pcr", "result", "negative", "result_at", "2022-08-15T09:30"}},
    {"test-old", "test", 0, NULL, {"sampled_at", "2022-07-15T09:00", "kind", "pcr", "result", "negative", "result_at", "2022-07-15T09:30"}},
    {"test-wrong", "test", 0, NULL, {"sampled_at", "2022-08-15T06:00", "kind", "pcr", "result", "positive", "result_at", "2022-08-15T08:50"}},
    {"test-wrong:right", "test", 0, "test-wrong", {"result", "negative"}},
    {"check-1", "health_check", 0, NULL, {"checked_at", "2022-08-15T09:10", "temperature", "36.5"}},
    {"check-unseen", "health_check", 0, NULL, {"checked_at", "2022-08-15T09:40", "temperature", "36.5"}},
    {"check-unseen:gone", "health_check", 0, "check-unseen", {NULL}},
    /* the second: in hospital since before his positive test, with an order of last month and one of today; his case came a month ago */
    {"hospital", "stay", 1, NULL, {"kind", "hospital", "started_at", "2022-08-14T20:00"}},
    {"positive", "test", 1, NULL, {"sampled_at", "2022-08-14T22:00", "kind", "pcr", "result", "positive", "result_at", "2022-08-15T09:00"}},
    {"home-of-july", "stay", 1, NULL, {"kind", "home", "started_at", "2022-07-01T08:00", "ended_at", "2022-07-10T08:00", "exposure", "2022-06-30"}},
    {"contact-c", "contact", 1, NULL, {"disease", "covid-19", "last_contact", DAY14, "found_at", "2022-08-15T06:00", "class", "close"}},
    {"contact-c:later", "contact", 1, "contact-c", {"last_contact", "2022-08-15"}},
    {"order-of-july", "measure", 1, NULL, {"kind", "control-order", "legal_basis", "test", "issuer", "@", "starts", "2022-07-01", "ends", "2022-07-08"}},
    {"must", "must_test", 1, NULL, {"unit", "@", "post", "inbound", "since", "2022-08-01"}},
    {"must-test", "test", 1, NULL, {"sampled_at", "2022-08-15T05:00", "kind", "antigen", "result", "negative", "result_at", "2022-08-15T05:30"}},
    /* the third: an exposure that was told wrong, a fever that was tested before it was told, a hospital that comes to nothing */
    {"contact-d", "contact", 2, NULL, {"disease", "covid-19", "last_contact", "2022-08-15", "found_at", "2022-08-15T09:00", "class", "close"}},
    {"contact-e", "contact", 2, NULL, {"disease", "covid-19", "last_contact", "2022-08-12", "found_at", "2022-08-15T05:00", "class", "close"}},
    {"contact-d:gone", "contact", 2, "contact-d", {NULL}},
    {"fever", "fever_visit", 2, NULL, {"hospital", "@", "kind", "fever-clinic", "visited_at", "2022-08-15T06:00"}},
    {"fever-test", "test", 2, NULL, {"sampled_at", "2022-08-15T06:20", "kind", "pcr", "result", "negative", "result_at", "2022-08-15T08:20"}},
    {"home", "stay", 2, NULL, {"kind", "home", "started_at", "2022-08-15T09:30", "exposure", "2022-08-12"}},
    {"home-wrong", "stay", 2, NULL, {"kind", "central", "started_at", "2022-08-15T09:40", "exposure", "2022-08-15"}},
    {"home-wrong:gone", "stay", 2, "home-wrong", {NULL}},
    {"late-check", "health_check", 2, NULL, {"checked_at", "2022-08-15T09:50", "temperature", "36.5"}},
    {"check-of-another", "health_check", 0, NULL, {"checked_at", "2022-08-15T09:55", "temperature", "36.5"}},
    {"check-of-another:right", "health_check", 0, "check-of-another", {"person", "#2"}},
};
enum { STORY = sizeof story / sizeof *story };

struct telling {
    int64_t people[PEOPLE], unit;
    int64_t ids[STORY]; /* of what each made */
};

static size_t by_label(const char *label) {
    for (size_t i = 0; i < STORY; i++)
        if (strcmp(story[i].label, label) == 0) return i;
    fail_msg("no fact %s", label);
    return 0;
}

static struct draft *draft_of(struct test_ledger *t, const struct telling *x, const struct fact *f) {
    struct error err = {0};
    const struct register_decl *reg = register_find(t->l->catalog, text_of(f->reg));
    bool gone = f->about && !f->cells[0];
    struct draft *d = draft_new(&t->a, reg, gone ? DRAFT_REMOVE : f->about ? DRAFT_CHANGE : DRAFT_CREATE);
    if (f->about) d->id = x->ids[by_label(f->about)];
    if (!f->about) assert_ok(draft_set(t->l, d, &t->a, TEXT("person"), text_of(test_id(t, x->people[f->who])), &err), err);
    for (size_t i = 0; i + 1 < CELLS && f->cells[i]; i += 2) {
        const char *v = f->cells[i + 1];
        if (v[0] == '@') v = test_id(t, x->unit);
        if (v[0] == '#') v = test_id(t, x->people[v[1] - '0']);
        assert_ok(draft_set(t->l, d, &t->a, text_of(f->cells[i]), text_of(v), &err), err);
    }
    return d;
}

/* A random order in which what is about a fact comes after it. */
static void shuffle(struct rng *r, size_t *order) {
    for (size_t i = 0; i < STORY; i++) order[i] = i;
    for (size_t i = STORY; i > 1; i--) {
        size_t k = rng_below(r, i), kept = order[i - 1];
        order[i - 1] = order[k];
        order[k] = kept;
    }
    for (size_t i = 0; i < STORY; i++)
        for (size_t k = i + 1; story[order[i]].about && k < STORY; k++)
            if (order[k] == by_label(story[order[i]].about)) {
                size_t kept = order[i];
                order[i] = order[k];
                order[k] = kept;
                break;
            }
}

static const char *label_of(const struct telling *x, int64_t record) {
    for (size_t i = 0; i < STORY; i++)
        if (x->ids[i] == record && !story[i].about) return story[i].label;
    return "?";
}

/* What each of them owes: sorted lines "person rule record state anchor owed paid missed due". A debt of several records names any of them; when it is
 * closed its clock has stopped. */
static int line_cmp(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static const char *debts(struct test_ledger *t, const struct telling *x, int64_t after) {
    struct error err = {0};
    struct db_cursor *c = NULL;
    const struct value *row;
    struct value first = value_int(after);
    char *lines[400];
    size_t n = 0;
    assert_ok(db_query(t->l->db, arena_printf(&t->a, "SELECT %s FROM \"obligation\" WHERE \"holder\" > ?1", obligation_columns), &first, 1, &c, &err), err);
    while (n < 400 && db_next(c, &row, &err) > 0) {
        struct obligation o;
        obligation_of_row(row, &o);
        const struct adoption *a = ledger_adoption(t->l, o.pack);
        const struct duty_rule *rule = &a->policy->rules[policy_rule(a->policy, o.rule)];
        if (text_is(o.state, "cancelled")) continue;
        assert_true(obligation_is_open(&o) || !duty_open(&o.duty));
        int who = -1;
        for (int p = 0; p < PEOPLE; p++)
            if (x->people[p] == o.holder) who = p;
        /* a debt of a contact that was withdrawn passes to another of the person, or to nobody when that one is under control by then: it is not owed either way */
        if (who == 2 && rule->per_person && text_is(o.state, "paid")) continue;
        char *line = arena_printf(&t->a, "%d %.*s %s %.*s", who, (int)o.rule.n, o.rule.s, rule->per_person ? "-" : label_of(x, o.record), (int)o.state.n, o.state.s);
        if (text_is(o.state, "open"))
            line = arena_printf(&t->a, "%s %d %llx %llx %llx %lld", line, (int)o.duty.anchor, (unsigned long long)o.duty.owed, (unsigned long long)o.duty.paid,
                                (unsigned long long)o.duty.missed, (long long)o.duty.due_at);
        lines[n++] = line;
    }
    db_cursor_close(c);
    for (size_t i = 0; i < STORY; i++) { /* and whether its contacts are under control */
        struct record r;
        if (story[i].about || strcmp(story[i].reg, "contact") != 0) continue;
        int rc = record_get(t->l, t->l->db, &t->s, register_find(t->l->catalog, TEXT("contact")), x->ids[i], &t->a, &r, &err);
        if (!rc) lines[n++] = arena_printf(&t->a, "%d %s %.*s", story[i].who, story[i].label, (int)r.state.n, r.state.s);
    }
    qsort(lines, n, sizeof *lines, line_cmp);
    struct buf b = {0};
    for (size_t i = 0; i < n; i++)
        buf_printf(&b, "%s\n", lines[i]);
    const char *kept = arena_text(&t->a, buf_view(&b)).s;
    buf_clear(&b);
    return kept;
}

static void tick(struct test_ledger *t) {
    struct error err = {0};
    struct wake_report r;
    assert_ok(duty_tick(t->l, &t->s, &r, &err), err);
}

static const char *tell(struct test_ledger *t, const size_t *order, size_t batch, struct rng *clock) {
    struct error err = {0};
    struct telling x = {0};
    x.unit = test_record(t, "organisation", "title", arena_printf(&t->a, "单位%lld", (long long)test_count(t, "SELECT COUNT(*) FROM \"organisation\"")), "kind", "cdc");
    for (int p = 0; p < PEOPLE; p++) x.people[p] = test_record(t, "person", "name", "某人");
    for (size_t i = 0; i < STORY;) {
        struct draft *d[STORY];
        size_t n = 0;
        /* of what the batch makes no word in the same batch: it has no id yet */
        for (; i + n < STORY && n < batch; n++) {
            const struct fact *f = &story[order[i + n]];
            bool here = false;
            for (size_t k = 0; k < n && f->about; k++) here = here || order[i + k] == by_label(f->about);
            if (here) break;
            d[n] = draft_of(t, &x, f);
        }
        assert_ok(record_write(t->l, &t->s, d, n, &err), err);
        for (size_t k = 0; k < n; k++) {
            if (d[k]->outcome == OUTCOME_REJECTED) fail_msg("%s: %s %s", story[order[i + k]].label, d[k]->error.where, d[k]->error.message);
            x.ids[order[i + k]] = d[k]->ret_id;
        }
        i += n;
        if (clock && rng_below(clock, 4) == 0) tick(t);
    }
    if (clock) duties_agree(t);
    tick(t);
    return debts(t, &x, x.unit);
}

static void any_order_leaves_the_same_debts(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, "covid-2022-v9", NOW) {
        size_t order[STORY];
        struct rng r;
        for (size_t i = 0; i < STORY; i++) order[i] = i;
        const char *expected = tell(&t, order, 1, NULL);
        if (getenv("TOCSIN_TEST_LOUD")) fprintf(stderr, "%s", expected);
        /* by what was done before it was owed */
        assert_non_null(strstr(expected, "1 transfer-abnormal - paid\n"));
        assert_non_null(strstr(expected, "2 fever-test fever paid\n"));
        assert_non_null(strstr(expected, "1 must-test must paid\n"));
        /* what is of July pays nothing of August; what was withdrawn pays nothing */
        assert_null(strstr(expected, "0 transfer-abnormal"));
        /* who is in a room is under control, although the stay names no contact */
        assert_non_null(strstr(expected, "0 contact-a placed\n"));
        assert_non_null(strstr(expected, "1 contact-c placed\n"));
        rng_seed(&r, 20220815);
        for (int k = 0; k < 60; k++) {
            shuffle(&r, order);
            const char *got = tell(&t, order, k % 3 == 0 ? 1 : 1 + rng_below(&r, 12), k & 1 ? &r : NULL);
            if (strcmp(expected, got) == 0) continue;
            for (size_t i = 0; i < STORY; i++) print_message("%s\n", story[order[i]].label);
            print_message("---- expected\n%s", expected);
            print_message("---- got\n%s", got);
            fail_msg("order %d leaves other debts", k);
        }
    }
}

/* A stay that is taken back leaves its contact as it was before, and owed; one of two stays does not. Whoever entered it. */
static void a_withdrawn_stay_gives_its_contact_back(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, "covid-2022-v9", NOW) {
        const struct register_decl *contacts = register_find(t.l->catalog, TEXT("contact")), *stays = register_find(t.l->catalog, TEXT("stay"));
        for (int named = 0; named < 2; named++) {
            struct error err = {0};
            struct record r;
            int64_t person = test_record(&t, "person", "name", "某人");
            int64_t contact = test_record(&t, "contact", "person", test_id(&t, person), "disease", "covid-19", "last_contact", DAY14, "found_at", "2022-08-15T07:00", "class", "close");
            const char *field = named ? "contact" : "person", *of = test_id(&t, named ? contact : person);
            int64_t first = test_record(&t, "stay", field, of, "kind", "hospital", "started_at", "2022-08-15T08:00");
            int64_t second = test_record(&t, "stay", field, of, "kind", "central", "started_at", "2022-08-15T09:00");
            static const char *const then[] = {"placed", "placed", "found"};
            for (int k = 0; k < 3; k++) {
                struct draft *d = draft_new(&t.a, stays, DRAFT_REMOVE);
                d->id = k == 1 ? first : second;
                if (k) assert_ok(record_write(t.l, &t.s, &d, 1, &err), err);
                assert_ok(record_get(t.l, t.l->db, &t.s, contacts, contact, &t.a, &r, &err), err);
                assert_true(text_is(r.state, then[k]));
            }
            assert_int_equal(test_count(&t, arena_printf(&t.a, "SELECT COUNT(*) FROM \"obligation\" WHERE \"rule\" = 'place-contact' AND \"state\" = 'open' AND \"record\" = %lld", (long long)contact)), 1);
        }
    }
}

/* ---- files */

struct list {
    const char *reg, *header, *rows[4]; /* a row: %s is what tells the people of this time from those of another */
};
static const struct list lists[] = {
    {"contact", "姓名,证件类型,证件号码,疾病名称,末次接触时间,排查到时间",
     {"甲,护照,%s01,covid-19,2022-08-13,2022-08-15 07:00", "乙,护照,%s02,covid-19,2022-08-14,2022-08-15 07:30", "甲,护照,%s01,covid-19,2022-08-12,2022-08-15 08:00"}},
    {"stay", "姓名,证件类型,证件号码,管理方式,开始时间,末次暴露日期,解除时间",
     {"甲,护照,%s01,central,2022-08-15 08:30,2022-08-13,", "丙,护照,%s03,hospital,2022-08-14 20:00,,", "乙,护照,%s02,home,2022-07-01 08:00,2022-06-30,2022-07-10 08:00"}},
    {"test", "姓名,证件类型,证件号码,采样时间,检测类型,检测结果,结果时间",
     {"丙,护照,%s03,2022-08-14 22:00,pcr,positive,2022-08-15 09:00", "甲,护照,%s01,2022-08-15 09:00,pcr,negative,2022-08-15 09:30",
      "甲,护照,%s01,2022-07-15 09:00,pcr,negative,2022-07-15 09:30"}},
    {"health_check", "姓名,证件类型,证件号码,监测时间,体温", {"甲,护照,%s01,2022-08-15 09:10,36.5", "丙,护照,%s03,2022-08-15 09:20,36.6"}},
    /* this one is a mistake, and is undone */
    {"stay", "姓名,证件类型,证件号码,管理方式,开始时间,末次暴露日期", {"乙,护照,%s02,central,2022-08-15 08:00,2022-08-14", "甲,护照,%s01,hospital,2022-08-15 09:00,"}},
};
enum { LISTS = sizeof lists / sizeof *lists, MISTAKE = LISTS - 1 };

static int64_t take(struct test_ledger *t, const struct list *list, const char *who) {
    struct error err = {0};
    struct import_run run;
    struct buf b = {0};
    buf_printf(&b, "%s\n", list->header);
    for (size_t i = 0; i < 4 && list->rows[i]; i++) {
        const char *at = strstr(list->rows[i], "%s");
        buf_printf(&b, "%.*s%s%s\n", (int)(at - list->rows[i]), list->rows[i], who, at + 2);
    }
    assert_ok(import_text(t, NULL, list->reg, buf_cstr(&b), -1, 0, false, &run, &err), err);
    assert_int_equal(run.rejects, 0);
    buf_clear(&b);
    return run.n.import;
}

static const char *take_all(struct test_ledger *t, const int *order, int n, int k) {
    struct error err = {0};
    struct telling nobody = {0};
    struct intake_undone undone;
    int64_t before = test_count(t, "SELECT MAX(\"id\") FROM \"person\""), mistake = 0;
    const char *who = arena_printf(&t->a, "E%06d", k);
    for (int i = 0; i < n; i++) {
        int64_t import = take(t, &lists[order[i]], who);
        if (order[i] == MISTAKE) mistake = import;
    }
    if (mistake) assert_ok(intake_undo(t->l, &t->s, mistake, NULL, NULL, &undone, &err), err);
    duties_agree(t);
    return debts(t, &nobody, before);
}

static void files_come_in_any_order(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, "covid-2022-v9", NOW) {
        static const int plain[] = {0, 1, 2, 3};
        int order[LISTS];
        struct rng r;
        test_record(&t, "person", "name", "此前");
        const char *expected = take_all(&t, plain, 4, 0);
        if (getenv("TOCSIN_TEST_LOUD")) fprintf(stderr, "%s", expected);
        assert_non_null(strstr(expected, "transfer-abnormal - paid\n"));
        assert_non_null(strstr(expected, "place-contact - open")); /* a stay of July places nobody in August */
        rng_seed(&r, 20220816);
        for (int k = 1; k <= 24; k++) {
            for (int i = 0; i < LISTS; i++) order[i] = i;
            for (int i = LISTS; i > 1; i--) {
                int other = (int)rng_below(&r, (uint64_t)i), kept = order[i - 1];
                order[i - 1] = order[other];
                order[other] = kept;
            }
            const char *got = take_all(&t, order, LISTS, k);
            if (strcmp(expected, got) != 0) fail_msg("files %d %d %d %d %d leave other debts:\n%s---- expected\n%s", order[0], order[1], order[2], order[3], order[4], got, expected);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_withdrawn_stay_gives_its_contact_back),
        cmocka_unit_test(any_order_leaves_the_same_debts),
        cmocka_unit_test(files_come_in_any_order),
    };
    test_ledger_law = duties_agree;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
