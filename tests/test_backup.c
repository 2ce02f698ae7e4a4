/* A backup is the same store again: into either kind of store, from this program or an older one; what cannot be taken is refused whole and leaves nothing. */
#include "ledgers.h"
#include "lookups.h"

#include <zlib.h>

#include "desks/backup.h"
#include "desks/duty.h"
#include "desks/person.h"

static const char *const NOW = "2022-05-30T10:00";

static const char *house(void) {
    const char *home = getenv("TOCSIN_HOME");
    return home ? home : ".";
}

static void verify(struct ledger *l) {
    struct error err = {0};
    struct journal_verdict v;
    assert_ok(journal_verify(l->db, l->journal.keys.public_key, true, NULL, NULL, &v, &err), err);
    if (v.bad_seq) fail_msg("%s", v.what);
}

static void exact(struct ledger *l) {
    char why[160] = "";
    if (lookups_exact(l, why, sizeof why)) fail_msg("%s", why);
}

static int64_t make_case(struct test_ledger *t, int64_t person) {
    return test_record(t, "case", "person", test_id(t, person), "disease", "covid-19", "classification", "confirmed", "report_date", "2022-05-29");
}

static bool there(const char *folder, const char *name) {
    char path[300];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return access(path, F_OK) == 0;
}

/* ---- the same again */

static void a_backup_is_the_same_store_again(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, NULL, NOW) {
        struct error err = {0};
        int64_t a = test_record(&t, "person", "name", "张伟", "phone", "13800138000");
        make_case(&t, a);
        char *file = arena_printf(&t.a, "%s/backup.gz", t.dir), *key = arena_printf(&t.a, "%s/node/tocsin.key", t.dir);
        struct backup_report wrote, read;
        assert_ok(backup_write(t.l, file, &wrote, &err), err);
        struct ledger_options o = t.o;
        o.dir = arena_printf(&t.a, "%s/again", t.dir);
        o.store = NULL; /* whatever it came from, into SQLite */
        assert_ok(backup_restore(&o, file, key, &read, &err), err);
        assert_true(read.rows == wrote.rows && read.tables == wrote.tables);
        assert_int_equal(backup_restore(&o, file, key, &read, &err), E_CONFLICT); /* never over a node */
        assert_true(there(o.dir, "tocsin.yaml") && there(o.dir, "tocsin.db") && there(o.dir, "tocsin.key"));
        err = (struct error){0};
        struct ledger *again = NULL;
        assert_ok(ledger_open(&o, &again, &err), err);
        struct record r;
        t.s.purpose = TEXT("check");
        assert_ok(record_get(again, NULL, &t.s, register_find(again->catalog, TEXT("person")), a, &t.a, &r, &err), err);
        assert_ok(record_open(again, NULL, &t.s, &r, &t.a, &err), err);
        assert_true(text_is(value_view(r.values[register_field(r.reg, TEXT("name"))]), "张伟"));
        exact(again);
        ledger_close(again);
    }
}

/* Back into the kind of store it came from, which the node has meanwhile left. */
static void the_lookup_comes_back_with_the_records(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, NULL, NOW) {
        struct error err = {0};
        struct backup_report report;
        for (int i = 0; i < 60; i++) {
            char phone[24], passport[24];
            snprintf(phone, sizeof phone, "138001380%02d", i);
            snprintf(passport, sizeof passport, "E123456%02d", i);
            int64_t p = test_record(&t, "person", "name", i % 2 ? "张伟" : "李娜", "phone", phone, "doc_type", "passport", "doc_no", passport);
            if (i % 3 == 0) make_case(&t, p);
        }
        int64_t gone = test_record(&t, "person", "name", "王芳", "phone", "13700137000");
        t.s.reason = TEXT("asked for it");
        assert_ok(person_erase(t.l, &t.s, gone, &err), err);
        struct lookups before = {0}, after = {0};
        assert_ok(lookups_stored(t.l->db, &before, &err), err);
        char *file = arena_printf(&t.a, "%s/backup.gz", t.dir), *key = arena_printf(&t.a, "%s/kept.key", t.dir), *old = arena_printf(&t.a, "%s/node/tocsin.key", t.dir);
        assert_int_equal(rename(old, key), 0);
        assert_ok(backup_write(t.l, file, &report, &err), err);
        ledger_close(t.l);
        t.l = NULL;
        struct ledger_options o = t.o;
        o.dir = arena_printf(&t.a, "%s/again", t.dir);
        o.store = arena_str(&t.a, test_store_fresh(t.store));
        assert_ok(backup_restore(&o, file, key, &report, &err), err);
        assert_ok(ledger_open(&o, &t.l, &err), err);
        assert_ok(lookups_stored(t.l->db, &after, &err), err);
        assert_int_equal(before.n, after.n);
        assert_memory_equal(before.e, after.e, before.n * sizeof *before.e);
        exact(t.l);
        /* who was known is known, who was forgotten is not; and new ones are found beside them */
        int64_t *found = NULL;
        size_t n = 0;
        assert_ok(person_find(t.l, NULL, BLIND_PHONE, TEXT("13800138007"), &t.a, &found, &n, &err), err);
        assert_int_equal(n, 1);
        n = 1;
        assert_ok(person_find(t.l, NULL, BLIND_PHONE, TEXT("13700137000"), &t.a, &found, &n, &err), err);
        assert_int_equal(n, 0);
        test_record(&t, "person", "name", "赵六", "phone", "13800138007");
        assert_ok(person_find(t.l, NULL, BLIND_PHONE, TEXT("13800138007"), &t.a, &found, &n, &err), err);
        assert_int_equal(n, 2);
        exact(t.l);
        free(before.e);
        free(after.e);
    }
}

/* ---- of older programs: tests/backups holds files they wrote, their keys and their duties as `sqlite3 -list` printed them */

static const char *number(char out[24], struct value v, bool zero) {
    if (v.kind != VALUE_INT && !zero) return "";
    snprintf(out, 24, "%lld", (long long)value_int_or(v, 0));
    return out;
}

static int dump_duties(struct ledger *l, struct buf *out, struct error *err) {
    struct db_cursor *c = NULL;
    const struct value *row;
    char sql[700];
    snprintf(sql, sizeof sql, "SELECT %s FROM \"obligation\" ORDER BY \"holder\",\"rule\",\"record\",\"occurrence\"", obligation_words);
    int rc = db_query(l->db, sql, NULL, 0, &c, err);
    while (!rc && (rc = db_next(c, &row, err)) > 0) {
        rc = 0;
        for (size_t i = 0; i < OB_ID; i++) {
            struct value v = row[i];
            char digits[24];
            bool time = i == OB_DUE_AT || i == OB_WAKE_AT || i == OB_CLOSED_AT;
            if (i == OB_WAKE_AT && v.kind == VALUE_INT && v.i == 253402300799) v = value_null();
            if (i) buf_char(out, '|');
            if (v.kind == VALUE_TEXT)
                buf_text(out, value_view(v));
            else
                buf_str(out, number(digits, v, !time));
        }
        buf_char(out, '\n');
    }
    db_cursor_close(c);
    return rc;
}

static struct {
    const char *name, *duties;
} const older[] = {
    {"2026-11-21", "2026-11-21"},       /* duties in words, blind hashes in a table */
    {"2026-11-22-words", "2026-11-22"}, /* the same with empty cells */
    {"2026-11-22", "2026-11-22"},       /* duties in numbers, blind hashes in a table */
};

static int64_t person_by_phone(struct test_ledger *t, const char *phone) {
    struct error err = {0};
    int64_t *found = NULL;
    size_t n = 0;
    assert_ok(person_find(t->l, NULL, BLIND_PHONE, text_of(phone), &t->a, &found, &n, &err), err);
    assert_int_equal(n, 1);
    return found[0];
}

static void a_backup_of_an_older_program_is_taken(void **state) {
    (void)state;
    for (size_t store = 0; store < test_stores(); store++)
        for (size_t i = 0; i < sizeof older / sizeof *older; i++) {
            struct test_ledger t = {.store = store};
            struct error err = {0};
            struct backup_report report;
            struct buf wanted = {0}, got = {0};
            snprintf(t.dir, sizeof t.dir, "/tmp/tocsin-test-XXXXXX");
            assert_non_null(mkdtemp(t.dir));
            char *file = arena_printf(&t.a, "%s/tests/backups/%s.gz", house(), older[i].name), *key = arena_printf(&t.a, "%s/tests/backups/%s.key", house(), older[i].name);
            char *duties = arena_printf(&t.a, "%s/tests/backups/%s.duties", house(), older[i].duties);
            assert_true(file && key && duties);
            t.o = (struct ledger_options){.dir = arena_printf(&t.a, "%s/node", t.dir), .store = arena_str(&t.a, test_store_fresh(store)), .home = house()};
            assert_ok(file_read(duties, 1 << 20, &wanted, &err), err);
            assert_ok(backup_restore(&t.o, file, key, &report, &err), err);
            assert_ok(ledger_open(&t.o, &t.l, &err), err);
            t.s = node_session(TEXT("tester"), test_at("2022-06-01T09:00"), false);
            verify(t.l);
            exact(t.l);
            assert_ok(dump_duties(t.l, &got, &err), err);
            assert_string_equal(buf_cstr(&got), buf_cstr(&wanted));
            /* the loop goes on: a stay places the contact who had none, and the clock calls what is late */
            int64_t late = test_count(&t, "SELECT COUNT(*) FROM \"obligation_open\" WHERE \"rule\" = 'place-contact'");
            int64_t wang = person_by_phone(&t, "13700137000");
            struct value who = value_int(wang), contact = value_null();
            assert_ok(db_scalar(t.l->db, &t.a, "SELECT \"id\" FROM \"contact\" WHERE \"person\" = ?1", &who, 1, &contact, &err), err);
            test_record(&t, "stay", "contact", test_id(&t, contact.i), "kind", "central", "started_at", "2022-06-01T08:00");
            assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"obligation_open\" WHERE \"rule\" = 'place-contact'"), late - 1);
            struct wake_report woken;
            assert_ok(duty_tick(t.l, &t.s, &woken, &err), err);
            assert_true(woken.woken > 0 && woken.raised > 0);
            /* and what it writes now, it reads */
            char *again = arena_printf(&t.a, "%s/again.gz", t.dir);
            assert_ok(backup_write(t.l, again, &report, &err), err);
            struct ledger_options o = {.dir = arena_printf(&t.a, "%s/third", t.dir), .home = house()};
            assert_ok(backup_restore(&o, again, key, &report, &err), err);
            verify(t.l);
            exact(t.l);
            buf_clear(&wanted);
            buf_clear(&got);
            test_ledger_drop(&t);
        }
}

/* ---- a backup taken to pieces and put together with others */

struct pieces {
    struct arena a;
    struct text list[20000];
    size_t n;
};

static void pieces_read(struct pieces *p, const char *file) {
    gzFile gz = gzopen(file, "rb");
    char head[sizeof BACKUP_MAGIC - 1];
    assert_non_null(gz);
    assert_int_equal(gzread(gz, head, sizeof head), (int)sizeof head);
    p->n = 0;
    for (bool end = false; !end;) {
        uint64_t n = 0;
        for (int shift = 0, c = 0x80; c & 0x80; shift += 7) {
            c = gzgetc(gz);
            assert_true(c >= 0);
            n |= (uint64_t)(c & 0x7F) << shift;
        }
        char *bytes = arena_alloc(&p->a, n + 1);
        assert_int_equal(gzread(gz, bytes, (unsigned)n), (int)n);
        assert_true(p->n < sizeof p->list / sizeof *p->list);
        p->list[p->n] = (struct text){bytes, n};
        end = text_is(p->list[p->n++], "end");
    }
    gzclose(gz);
}

static void pieces_write(const struct pieces *p, const char *file) {
    struct digest d = {0};
    unsigned char digest[DIGEST_BYTES];
    gzFile gz = gzopen(file, "wb1");
    assert_non_null(gz);
    gzwrite(gz, BACKUP_MAGIC, sizeof BACKUP_MAGIC - 1);
    for (size_t i = 0; i < p->n; i++) {
        struct buf b = {0};
        buf_varint(&b, p->list[i].n);
        buf_text(&b, p->list[i]);
        if (b.n) gzwrite(gz, b.s, (unsigned)b.n);
        digest_add(&d, (struct text){b.s, b.n - p->list[i].n});
        digest_add(&d, p->list[i]);
        buf_clear(&b);
    }
    digest_end(&d, digest);
    gzwrite(gz, digest, sizeof digest);
    assert_int_equal(gzclose(gz), Z_OK);
}

/* The piece with the columns of a table. */
static struct text *columns_of(struct pieces *p, const char *table) {
    for (size_t i = 0; i + 2 < p->n; i++)
        if (text_is(p->list[i], "table") && text_is(p->list[i + 1], table)) return &p->list[i + 2];
    fail_msg("no table %s", table);
    return NULL;
}

static void put_instead(struct pieces *p, struct text *columns, const char *name, const char *other) {
    char *text = arena_str(&p->a, arena_text(&p->a, *columns).s), *at = strstr(text, name);
    assert_non_null(at);
    struct text made = arena_text(&p->a, text_of(arena_printf(&p->a, "%.*s%s%s", (int)(at - text), text, other, at + strlen(name))));
    *columns = made;
}

static void refused(struct test_ledger *t, const char *file, const char *key, int code, const char *word) {
    struct error err = {0};
    struct backup_report report;
    char zh[480];
    struct ledger_options o = t->o;
    o.dir = arena_printf(&t->a, "%s/refused", t->dir);
    o.store = NULL;
    int rc = backup_restore(&o, file, key, &report, &err);
    if (rc != code || !strstr(err.message, word)) fail_msg("%d %s, wanted %d %s", rc, err.message, code, word);
    error_words(err.code, err.message, true, zh, sizeof zh);
    assert_true((unsigned char)zh[0] >= 0x80 || strstr(zh, "含") != NULL || strstr(zh, "备份") != NULL); /* said in Chinese too */
    assert_false(there(o.dir, "tocsin.yaml") || there(o.dir, "tocsin.db") || there(o.dir, "tocsin.key"));
}

static void what_cannot_be_taken_is_refused_whole(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, "covid-2022-v9", NOW) {
        struct error err = {0};
        struct backup_report report;
        int64_t a = test_record(&t, "person", "name", "张伟", "phone", "13800138000");
        make_case(&t, a);
        char *good = arena_printf(&t.a, "%s/backup.gz", t.dir), *file = arena_printf(&t.a, "%s/other.gz", t.dir), *key = arena_printf(&t.a, "%s/node/tocsin.key", t.dir);
        assert_ok(backup_write(t.l, good, &report, &err), err);
        static struct pieces p;
        /* a field that holds values and that nobody here declares */
        pieces_read(&p, good);
        put_instead(&p, columns_of(&p, "case"), "classification", "shoe_size");
        pieces_write(&p, file);
        refused(&t, file, key, E_CONFLICT, "case.shoe_size");
        /* a register */
        pieces_read(&p, good);
        columns_of(&p, "case")[-1] = TEXT("shoe");
        pieces_write(&p, file);
        refused(&t, file, key, E_CONFLICT, "holds shoe");
        /* one byte less */
        struct buf b = {0};
        assert_ok(file_read(good, 1 << 26, &b, &err), err);
        for (size_t cut = 1; cut < b.n; cut = cut * 3 + 20) {
            FILE *f = fopen(file, "wb");
            fwrite(b.s, 1, b.n - cut, f);
            fclose(f);
            refused(&t, file, key, cut + 20 >= b.n ? E_SYNTAX : E_CORRUPT, "");
        }
        buf_clear(&b);
        FILE *f = fopen(file, "wb");
        fputs("name,phone\n", f);
        fclose(f);
        refused(&t, file, key, E_SYNTAX, "is no backup");
        /* the key of somebody else */
        struct ledger_options stranger = {.dir = arena_printf(&t.a, "%s/stranger", t.dir), .home = t.o.home, .region = "310115"};
        assert_ok(ledger_init(&stranger, &err), err);
        refused(&t, good, arena_printf(&t.a, "%s/stranger/tocsin.key", t.dir), E_CORRUPT, "not signed by this key");
        refused(&t, good, good, E_CRYPTO, "");
        refused(&t, good, arena_printf(&t.a, "%s/nothing", t.dir), E_IO, "");
        /* a store that is a node's: it keeps what it has */
        int64_t persons = test_count(&t, "SELECT COUNT(*) FROM \"person\""), entries = test_count(&t, "SELECT MAX(\"first\" + \"n\") FROM \"journal\"");
        struct ledger_options o = t.o;
        o.dir = arena_printf(&t.a, "%s/beside", t.dir);
        assert_int_equal(backup_restore(&o, good, key, &report, &err), E_CONFLICT);
        assert_false(there(o.dir, "tocsin.yaml"));
        err = (struct error){0};
        assert_int_equal(backup_restore(&o, good, arena_printf(&t.a, "%s/stranger/tocsin.key", t.dir), &report, &err), E_CONFLICT);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"person\""), persons);
        assert_int_equal(test_count(&t, "SELECT MAX(\"first\" + \"n\") FROM \"journal\""), entries);
        verify(t.l);
        /* a column that nobody declares and that is empty everywhere costs nothing */
        pieces_read(&p, good);
        put_instead(&p, columns_of(&p, "case"), "outcome_date", "shoe_size");
        pieces_write(&p, file);
        o.dir = arena_printf(&t.a, "%s/empty", t.dir);
        o.store = NULL;
        err = (struct error){0};
        assert_ok(backup_restore(&o, file, key, &report, &err), err);
        arena_clear(&p.a);
    }
}

/* ---- registers that changed since */

static const char before_it[] = "register: bicycle\nzh: 共享单车\nen: Bicycle\ndesk: mobility\nkeep: {days: 90, from: bought, basis: PIPL 19}\nreaders: [tracer]\nwriters: [tracer]\nfields:\n"
                                "  - {name: frame, zh: 车架号, en: Frame, type: text, max: 20}\n"
                                "  - {name: colour, zh: 颜色, en: Colour, type: text, max: 20}\n"
                                "  - {name: bought, zh: 购入日期, en: Bought, type: date}\n";
/* a field before the others, one between them */
static const char after_it[] = "register: bicycle\nzh: 共享单车\nen: Bicycle\ndesk: mobility\nkeep: {days: 90, from: bought, basis: PIPL 19}\nreaders: [tracer]\nwriters: [tracer]\nfields:\n"
                               "  - {name: maker, zh: 厂家, en: Maker, type: text, max: 20}\n"
                               "  - {name: frame, zh: 车架号, en: Frame, type: text, max: 20}\n"
                               "  - {name: bell, zh: 车铃, en: Bell, type: text, max: 20}\n"
                               "  - {name: colour, zh: 颜色, en: Colour, type: text, max: 20}\n"
                               "  - {name: bought, zh: 购入日期, en: Bought, type: date}\n";

static void link_folder(const char *home, const char *name) {
    char top[1024], from[1200], to[200];
    assert_non_null(realpath(house(), top));
    snprintf(from, sizeof from, "%s/%s", top, name);
    snprintf(to, sizeof to, "%s/%s", home, name);
    assert_int_equal(symlink(from, to), 0);
}

static void declare(const char *home, const char *yaml) {
    char path[200];
    snprintf(path, sizeof path, "%s/registers/bicycle.yaml", home);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    fputs(yaml, f);
    assert_int_equal(fclose(f), 0);
}

static int hear(const struct journal_entry *e, void *arg) {
    (void)e;
    ++*(int *)arg;
    return 0;
}

static void a_field_declared_since_does_not_read_the_journal_of_another(void **state) {
    (void)state;
    static const char *const folders[] = {"registers/ledger", "registers/intake", "registers/tracing", "registers/testing", "registers/isolation", "registers/command", "policies", "codes"};
    struct test_ledger t;
    EACH_STORE(t, NULL, NOW) {
        struct error err = {0};
        struct backup_report report;
        char *home = arena_printf(&t.a, "%s/home", t.dir), *file = arena_printf(&t.a, "%s/backup.gz", t.dir);
        mkdir(home, 0700);
        mkdir(arena_printf(&t.a, "%s/registers", home), 0700);
        for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) link_folder(home, folders[i]);
        declare(home, before_it);
        ledger_close(t.l);
        t.l = NULL;
        struct ledger_options o = {.dir = arena_printf(&t.a, "%s/old", t.dir), .home = home, .region = "310115"};
        assert_ok(ledger_init(&o, &err), err);
        assert_ok(ledger_open(&o, &t.l, &err), err);
        int64_t id = test_record(&t, "bicycle", "frame", "F-1", "colour", "red", "bought", "2022-05-01");
        struct draft *d = test_draft(&t, "bicycle", DRAFT_CHANGE, "colour", "blue", NULL);
        d->id = id;
        assert_ok(test_write(&t, d, &err), err);
        assert_ok(backup_write(t.l, file, &report, &err), err);
        ledger_close(t.l);
        t.l = NULL;
        declare(home, after_it);
        o.dir = arena_printf(&t.a, "%s/new", t.dir);
        o.store = arena_str(&t.a, test_store_fresh(t.store));
        assert_ok(backup_restore(&o, file, arena_printf(&t.a, "%s/old/tocsin.key", t.dir), &report, &err), err);
        assert_ok(ledger_open(&o, &t.l, &err), err);
        const struct register_decl *reg = register_find(t.l->catalog, TEXT("bicycle"));
        struct record r;
        int heard = 0;
        assert_int_equal(record_as_of(t.l, NULL, reg, id, t.s.now, &t.a, &r, &err), 1);
        assert_true(text_is(value_view(r.values[register_field(reg, TEXT("frame"))]), "F-1"));
        assert_true(text_is(value_view(r.values[register_field(reg, TEXT("colour"))]), "blue"));
        assert_false(value_given(r.values[register_field(reg, TEXT("maker"))]) || value_given(r.values[register_field(reg, TEXT("bell"))]));
        assert_ok(record_history(t.l, NULL, &t.s, reg, id, hear, &heard, &err), err);
        assert_int_equal(heard, 2);
        d = test_draft(&t, "bicycle", DRAFT_CHANGE, "bell", "loud", "maker", "Forever", NULL);
        d->id = id;
        assert_ok(test_write(&t, d, &err), err);
        assert_int_equal(record_as_of(t.l, NULL, reg, id, t.s.now, &t.a, &r, &err), 1);
        assert_true(text_is(value_view(r.values[register_field(reg, TEXT("bell"))]), "loud"));
        assert_true(text_is(value_view(r.values[register_field(reg, TEXT("bought"))]), "") || r.values[register_field(reg, TEXT("bought"))].kind == VALUE_INT);
        verify(t.l);
    }
}

/* ---- making a node again */

static void an_init_that_was_cut_is_made_again(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, "covid-2022-v9", NOW) {
        struct error err = {0};
        struct node_report report;
        make_case(&t, test_record(&t, "person", "name", "张伟"));
        int64_t duties = test_count(&t, "SELECT COUNT(*) FROM \"obligation_open\"");
        ledger_close(t.l);
        t.l = NULL;
        struct node_options n = {.ledger = t.o, .policy = "covid-2022-v9", .regions = "/dev/null", .now = test_at(NOW)};
        assert_int_equal(node_init(&n, &report, &err), E_CONFLICT); /* it is there */
        char *config = arena_printf(&t.a, "%s/node/tocsin.yaml", t.dir);
        assert_int_equal(unlink(config), 0);
        /* of another region, or with another key, it is not ours */
        err = (struct error){0};
        n.ledger.region = "310104";
        assert_int_equal(node_init(&n, &report, &err), E_CONFLICT);
        n.ledger = t.o;
        n.ledger.dir = arena_printf(&t.a, "%s/stranger", t.dir);
        err = (struct error){0};
        assert_int_equal(node_init(&n, &report, &err), E_CONFLICT);
        assert_true(access(config, F_OK) != 0);
        n.ledger = t.o;
        err = (struct error){0};
        assert_ok(node_init(&n, &report, &err), err);
        assert_ok(ledger_open(&t.o, &t.l, &err), err);
        assert_int_equal(t.l->n_adoptions, 1);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"obligation_open\""), duties);
        verify(t.l);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_cannot_be_taken_is_refused_whole),
        cmocka_unit_test(a_backup_is_the_same_store_again),
        cmocka_unit_test(the_lookup_comes_back_with_the_records),
        cmocka_unit_test(a_backup_of_an_older_program_is_taken),
        cmocka_unit_test(a_field_declared_since_does_not_read_the_journal_of_another),
        cmocka_unit_test(an_init_that_was_cut_is_made_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
