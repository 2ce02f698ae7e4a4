#include "check.h"

#include "base/digest.h"
#include "ledger/expr.h"

#include "store/db.h"
#include "stores.h"

/* One register with a field of every kind. */
enum {
    F_ONSET,
    F_CLOSED,
    F_AGE,
    F_TEMPERATURE,
    F_CT,
    F_CLASS,
    F_ROLES,
    F_NAME,
    F_NOTE,
    F_ABNORMAL,
    F_URGENT,
    F_DETECTED,
    F_HOLD,
    F_CASE,
    F_DATE,
    N
};

static struct code class_codes[] = {
    {.code = {"close", 5}}, {.code = {"secondary", 9}}, {.code = {"general", 7}}};
static struct code role_codes[] = {{.code = {"root", 4}}, {.code = {"tester", 6}}, {.code = {"test", 4}}};
static const struct codelist class_list = {.name = {"contact_class", 13}, .n = 3, .codes = class_codes};
static const struct codelist role_list = {.name = {"role", 4}, .n = 3, .codes = role_codes};
static struct field fields[N] = {
    [F_ONSET] = {.name = {"onset", 5}, .type = FIELD_DATE},
    [F_CLOSED] = {.name = {"closed", 6}, .type = FIELD_DATE},
    [F_AGE] = {.name = {"age", 3}, .type = FIELD_INTEGER},
    [F_TEMPERATURE] = {.name = {"temperature", 11}, .type = FIELD_DECIMAL, .scale = 1},
    [F_CT] = {.name = {"ct", 2}, .type = FIELD_DECIMAL, .scale = 2},
    [F_CLASS] = {.name = {"class", 5}, .type = FIELD_CODE, .codes = &class_list},
    [F_ROLES] = {.name = {"roles", 5}, .type = FIELD_CODE, .codes = &role_list, .multiple = true},
    [F_NAME] = {.name = {"name", 4}, .type = FIELD_TEXT, .sealed = true},
    [F_NOTE] = {.name = {"note", 4}, .type = FIELD_TEXT},
    [F_ABNORMAL] = {.name = {"abnormal", 8}, .type = FIELD_BOOLEAN},
    [F_URGENT] = {.name = {"urgent", 6}, .type = FIELD_BOOLEAN},
    [F_DETECTED] = {.name = {"detected_at", 11}, .type = FIELD_INSTANT},
    [F_HOLD] = {.name = {"hold", 4}, .type = FIELD_DURATION},
    [F_CASE] = {.name = {"case", 4}, .type = FIELD_REFERENCE, .target = {"case", 4}},
    [F_DATE] = {.name = {"date", 4}, .type = FIELD_DATE},
};
static struct state states[] = {{.name = {"found", 5}, .initial = true}, {.name = {"placed", 6}}};
static const struct register_decl reg = {.name = {"contact", 7},
                                         .n_fields = N,
                                         .fields = fields,
                                         .n_states = 2,
                                         .states = states,
                                         .region_field = -1,
                                         .person_field = -1,
                                         .date_field = -1};

enum { TODAY = 19142, NOW = TODAY * DAY_S + 3600 };

static void refused_with_the_column(void **state) {
    (void)state;
    static const struct {
        const char *text, *where, *says;
        int code;
    } bad[] = {
        {"", "column 1", "ends too early", E_SYNTAX},
        {"onset", "column 1", "true or false", E_INVALID},
        {"12", "column 1", "true or false", E_INVALID},
        {"NOT age", "column 5", "true or false", E_INVALID},
        {"abnormal AND age", "column 14", "true or false", E_INVALID},
        {"name = 'x'", "column 1", "sealed", E_INVALID},
        {"gender = 'm'", "column 1", "no field gender", E_UNKNOWN},
        {"note = '病人' AND gender = 1", "column 17", "no field gender", E_UNKNOWN},
        {"class = 'closest'", "column 9", "no code closest", E_UNKNOWN},
        {"class NOT IN ('close', 'x')", "column 24", "no code x", E_UNKNOWN},
        {"state = 'gone'", "column 9", "no state gone", E_UNKNOWN},
        {"onset = 'yesterday'", "column 9", "not a date", E_INVALID},
        {"onset = '2022-02-29'", "column 9", "not a date", E_INVALID},
        {"onset = note", "column 7", "a date is compared with a text", E_INVALID},
        {"onset = detected_at", "column 7", "a date is compared with an instant", E_INVALID},
        {"onset > 5", "column 7", "a date is compared with a number", E_INVALID},
        {"age = 'x'", "column 5", "a number is compared with a text", E_INVALID},
        {"abnormal = 1", "column 10", "a truth is compared with a number", E_INVALID},
        {"region = '!!'", "column 10", "no region code", E_INVALID},
        {"note > 'a'", "column 6", "order of texts", E_INVALID},
        {"abnormal < urgent", "column 10", "no order", E_INVALID},
        {"onset + note = onset", "column 7", "cannot be added", E_INVALID},
        {"onset * 2 = 1", "column 7", "cannot be multiplied", E_INVALID},
        {"onset + onset = onset", "column 7", "cannot be added", E_INVALID},
        {"onset + DURATION '2h' = onset", "column 7", "cannot be added", E_INVALID},
        {"roles > 'root'", "column 1", "several codes", E_INVALID},
        {"roles = note", "column 1", "several codes", E_INVALID},
        {"roles IN ('boss')", "column 11", "no code boss", E_UNKNOWN},
        {"note LIKE 'a%b'", "column 11", "two ends", E_UNSUPPORTED},
        {"note LIKE 'a_'", "column 11", "two ends", E_UNSUPPORTED},
        {"age LIKE '1%'", "column 5", "text field", E_INVALID},
        {"age IN (onset)", "column 9", "values only", E_INVALID},
        {"abnormal IN (TRUE)", "column 10", "truths", E_INVALID},
        {"age = 1 2", "column 9", "nothing more", E_SYNTAX},
        {"age = 1 = 1", "column 9", "nothing more", E_SYNTAX},
        {"age = 1; DROP TABLE contact", "column 8", "no meaning", E_SYNTAX},
        {"age = 1 -- x", "column 12", "no field x", E_UNKNOWN},
        {"note = 'x", "column 8", "closing", E_SYNTAX},
        {"(age = 1", "column 9", "')' is expected", E_SYNTAX},
        {"age BETWEEN 1 OR 2", "column 15", "AND is missing", E_SYNTAX},
        {"age NOT 1", "column 9", "IN, BETWEEN or LIKE", E_SYNTAX},
        {"age IS 1", "column 8", "IS NULL", E_SYNTAX},
        {"age = 99999999999999999999", "column 7", "64 bits", E_TOO_LARGE},
        {"age = 1x", "column 7", "runs into", E_SYNTAX},
        {"age = 1.", "column 7", "digits are missing", E_SYNTAX},
        {"age = 1.2.3", "column 7", "two points", E_SYNTAX},
        {"age IN ()", "column 9", "field or a value", E_SYNTAX},
        {"DATE '2022-13-01' = onset", "column 6", "exists", E_INVALID},
        {"count(*) > 1", "column 1", "no field count", E_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct arena a = {0};
        struct error err = {0};
        struct expr *e = NULL;
        int rc = expr_parse(&a, text_of(bad[i].text), &reg, 0, &e, &err);
        if (rc != bad[i].code || strcmp(err.where, bad[i].where) != 0 || !strstr(err.message, bad[i].says))
            fail_msg("%s: %d %s: %s", bad[i].text, rc, err.where, err.message);
        assert_null(e);
        arena_clear(&a);
    }
}

static void maxima_are_refused(void **state) {
    (void)state;
    struct arena a = {0};
    struct buf b = {0};
    struct expr *e = NULL;
    for (int i = 0; i < 40; i++) buf_str(&b, "(");
    buf_str(&b, "abnormal");
    for (int i = 0; i < 40; i++) buf_str(&b, ")");
    struct error err = {0};
    assert_int_equal(expr_parse(&a, buf_view(&b), &reg, 0, &e, &err), E_TOO_LARGE);
    buf_reset(&b);
    for (int i = 0; i < 200; i++) buf_str(&b, i ? " OR age = 1" : "age = 1");
    err = (struct error){0};
    assert_int_equal(expr_parse(&a, buf_view(&b), &reg, 0, &e, &err), E_TOO_LARGE);
    buf_reset(&b);
    for (int i = 0; i < 50000; i++) buf_str(&b, "NOT ");
    err = (struct error){0};
    assert_int_equal(expr_parse(&a, buf_view(&b), &reg, 0, &e, &err), E_TOO_LARGE);
    assert_int_equal(expr_parse(&a, buf_view(&b), &reg, 0, &e, NULL), E_TOO_LARGE);
    assert_null(e);
    buf_clear(&b);
    arena_clear(&a);
}

static enum truth eval(const char *text, const struct expr_scope *s) {
    struct arena a = {0};
    struct error err = {0};
    struct expr *e = NULL;
    int rc = expr_parse(&a, text_of(text), &reg, ZONE_CHINA_S, &e, &err);
    if (rc < 0) fail_msg("%s: %s at %s", text, err.message, err.where);
    enum truth t = expr_eval(e, s);
    arena_clear(&a);
    return t;
}

static void means_what_it_says(void **state) {
    (void)state;
    struct value v[N] = {0};
    for (int i = 0; i < N; i++) v[i] = value_null();
    v[F_ONSET] = value_int(TODAY - 2);
    v[F_TEMPERATURE] = value_int(373);
    v[F_CLASS] = value_str("close");
    v[F_ROLES] = value_str("root;tester");
    v[F_NOTE] = value_str("O'Neill 发热");
    v[F_ABNORMAL] = value_int(1);
    v[F_DETECTED] = value_int(NOW - 7200);
    v[F_CASE] = value_int(7);
    v[F_DATE] = value_int(TODAY);
    struct expr_scope s = {.values = v,
                           .id = 4,
                           .number = TEXT("C-1"),
                           .state = TEXT("found"),
                           .region = TEXT("5422"),
                           .version = 2,
                           .now = NOW,
                           .today = TODAY};
    static const char *const yes[] = {
        "abnormal",
        "abnormal = TRUE",
        "NOT abnormal = FALSE",
        "onset = TODAY - 2",
        "TODAY - onset >= 2",
        "onset < TODAY",
        "age IS NULL",
        "onset IS NOT NULL",
        "temperature >= 37.3",
        "temperature > 37.25",
        "temperature < 37.31",
        "temperature = 37.30",
        "temperature > 37",
        "class = 'close'",
        "Class In ('secondary', 'close')",
        "class NOT IN ('general')",
        "class <> 'general'",
        "class != 'general'",
        "roles = 'tester'",
        "roles <> 'test'",
        "roles IN ('test', 'root')",
        "note LIKE 'O''Neill%'",
        "note LIKE '%发热'",
        "note LIKE '%ill%'",
        "note NOT LIKE 'o%'",
        "note LIKE '%'",
        "detected_at < NOW",
        "NOW - detected_at = DURATION '2h'",
        "detected_at + DURATION '1h' < NOW",
        "NOW - detected_at BETWEEN '1h' AND '3h'",
        "onset BETWEEN '2022-05-01' AND '2022-06-30'",
        "onset = DATE '2022-05-28'",
        "case = 7",
        "\"case\" = 7",
        "state = 'found'",
        "state <> 'placed'",
        "region LIKE '54%'",
        "region = '542200'",
        "region IN ('31', '542200000000')",
        "number = 'C-1'",
        "id = 4 AND version > 1",
        "name IS NULL",
        "age > 3 OR abnormal",
        "NOT (age > 3 AND NOT abnormal)",
        "date = TODAY",
        "\"date\" = TODAY",
        "onset + 2 = TODAY",
        "2 + onset = TODAY",
        "onset + DURATION '2d' = TODAY",
        "- case = -7",
        "case IN (-7, 7)",
        "temperature * 2 = 74.6",
        "(abnormal) = (onset < TODAY)",
        "(age > 3) IS NULL",
        "(onset > TODAY) IS NOT NULL",
        "detected_at = INSTANT '2022-05-30T07:00:00+08:00'",
        "detected_at = '2022-05-30T07:00:00'",
        "NOT (class = 'secondary' OR class = 'general')",
        "temperature IN (37.30, 38.25)",
        "TRUE",
        "NULL IS NULL",
        "5 BETWEEN 4 AND 5.55",
        "37.3 BETWEEN temperature AND ct OR TRUE",
    };
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        if (eval(yes[i], &s) != TRUTH_TRUE) fail_msg("%s should be true", yes[i]);
    static const char *const unknown[] = {"age > 3",
                                          "age = NULL",
                                          "urgent",
                                          "NOT urgent",
                                          "abnormal AND urgent",
                                          "NULL",
                                          "age NOT IN (1)",
                                          "case NOT IN (1, NULL)",
                                          "note = NULL",
                                          "urgent = abnormal",
                                          "age BETWEEN 1 AND 2",
                                          "ct + 1 > 2"};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        if (eval(unknown[i], &s) != TRUTH_UNKNOWN) fail_msg("%s should be unknown", unknown[i]);
    static const char *const no[] = {"FALSE",
                                     "urgent AND FALSE",
                                     "age > 3 AND case = 8",
                                     "case BETWEEN 8 AND NULL",
                                     "temperature = 37.35",
                                     "case = 7.5"};
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        if (eval(no[i], &s) != TRUTH_FALSE) fail_msg("%s should be false", no[i]);
    v[F_NAME] = value_blob("\x01\x02", 2);
    assert_int_equal(eval("name IS NOT NULL", &s), TRUTH_TRUE);
}

static void knows_its_fields(void **state) {
    (void)state;
    struct arena a = {0};
    struct expr *e = NULL;
    struct error err = {0};
    assert_ok(expr_parse(&a, TEXT("onset < TODAY AND (age IS NULL OR abnormal)"), &reg, 0, &e, &err), err);
    assert_true(expr_fields(e) == (1u << F_ONSET | 1u << F_AGE | 1u << F_ABNORMAL));
    arena_clear(&a);
}

/* ---- the law: what we evaluate in memory is what the store selects */

static void random_number(struct rng *r, struct buf *b) {
    static const char *const leaves[] = {
        "age", "age", "temperature", "ct", "case", "id", "version",          "0",
        "1",   "2",   "37.3",        "36", "2.25", "-3", "(onset - closed)", "(TODAY - onset)"};
    size_t k = rng_below(r, 20);
    if (k < 16) {
        buf_str(b, leaves[k]);
        return;
    }
    static const char *const ops[] = {" + ", " - ", " * "};
    buf_str(b, "(");
    buf_str(b, leaves[rng_below(r, 16)]);
    buf_str(b, ops[rng_below(r, 3)]);
    buf_str(b, leaves[rng_below(r, 16)]);
    buf_str(b, ")");
}

static const char *pick(struct rng *r, const char *const *from, size_t n) {
    return from[rng_below(r, n)];
}
#define PICK(r, list) pick(r, list, sizeof(list) / sizeof *(list))

static void random_predicate(struct rng *r, struct buf *b) {
    static const char *const compare[] = {" = ", " <> ", " < ", " <= ", " > ", " >= ", " != "};
    static const char *const dates[] = {"onset",     "closed",    "TODAY", "date", "DATE '2022-05-30'",
                                        "onset + 1", "closed - 3"};
    static const char *const texts[] = {"note = 'ab'",
                                        "note <> ''",
                                        "note LIKE 'a%'",
                                        "note LIKE '%b'",
                                        "note LIKE '%热%'",
                                        "note LIKE '%%'",
                                        "note IN ('a', 'it''s', 'ab')",
                                        "note NOT IN ('a', NULL)",
                                        "note = 'it''s'",
                                        "note LIKE 'It%'",
                                        "note LIKE '%发热%'",
                                        "note NOT LIKE '%abc'",
                                        "note LIKE ''"};
    static const char *const codes[] = {"class = 'close'",
                                        "class <> 'close'",
                                        "class IN ('close', 'general')",
                                        "class NOT IN ('secondary')",
                                        "roles = 'test'",
                                        "roles <> 'root'",
                                        "roles IN ('test', 'root')",
                                        "roles NOT IN ('tester')",
                                        "state = 'found'",
                                        "state IN ('placed')",
                                        "region LIKE '54%'",
                                        "number IS NULL",
                                        "number = 'C-1'",
                                        "name IS NULL",
                                        "name IS NOT NULL"};
    static const char *const truths[] = {"abnormal",
                                         "urgent",
                                         "TRUE",
                                         "FALSE",
                                         "NULL",
                                         "abnormal = urgent",
                                         "abnormal <> TRUE",
                                         "urgent = NULL",
                                         "(age > 1) = urgent"};
    static const char *const times[] = {"detected_at",
                                        "NOW",
                                        "detected_at + hold",
                                        "NOW - hold",
                                        "INSTANT '2022-05-30T01:00Z'",
                                        "detected_at + DURATION '1h'"};
    switch (rng_below(r, 9)) {
    case 0:
        random_number(r, b);
        buf_str(b, PICK(r, compare));
        random_number(r, b);
        break;
    case 1:
        random_number(r, b);
        buf_str(b, rng_below(r, 2) ? " BETWEEN " : " NOT BETWEEN ");
        random_number(r, b);
        buf_str(b, " AND ");
        random_number(r, b);
        break;
    case 2:
        random_number(r, b);
        buf_str(b, rng_below(r, 2) ? " IN (1, 2.5, NULL, -3)" : " NOT IN (0, 36, 37.25)");
        break;
    case 3:
        buf_str(b, PICK(r, dates));
        buf_str(b, PICK(r, compare));
        buf_str(b, PICK(r, dates));
        break;
    case 4:
        buf_str(b, PICK(r, texts));
        break;
    case 5:
        buf_str(b, PICK(r, codes));
        break;
    case 6:
        buf_str(b, PICK(r, truths));
        break;
    case 7:
        buf_str(b, PICK(r, times));
        buf_str(b, PICK(r, compare));
        buf_str(b, PICK(r, times));
        break;
    default:
        random_number(r, b);
        buf_str(b, rng_below(r, 2) ? " IS NULL" : " IS NOT NULL");
    }
}

static void random_condition(struct rng *r, int depth, struct buf *b) {
    size_t k = depth > 0 ? rng_below(r, 6) : 5;
    if (k < 4) {
        buf_str(b, "(");
        random_condition(r, depth - 1, b);
        buf_str(b, k < 2 ? " AND " : " OR ");
        random_condition(r, depth - 1, b);
        buf_str(b, rng_below(r, 12) ? ")" : ") IS NULL");
    } else if (k == 4) {
        buf_str(b, "NOT ");
        random_condition(r, depth - 1, b);
    } else {
        random_predicate(r, b);
    }
}

static struct value random_cell(struct rng *r, int field) {
    static const char *const notes[] = {"", "a", "ab", "abc", "It's", "it's", "发热", "有发热", "b;ab"};
    static const char *const classes[] = {"close", "secondary", "general"};
    static const char *const roles[] = {"root", "tester", "test", "root;test", "tester;root", ""};
    if (rng_below(r, 4) == 0) return value_null();
    switch (fields[field].type) {
    case FIELD_DATE:
        return value_int(TODAY - 4 + (int64_t)rng_below(r, 8));
    case FIELD_INTEGER:
    case FIELD_REFERENCE:
        return value_int((int64_t)rng_below(r, 6) - 2);
    case FIELD_DECIMAL:
        return value_int(fields[field].scale == 1 ? 360 + (int64_t)rng_below(r, 20)
                                                  : (int64_t)rng_below(r, 400));
    case FIELD_BOOLEAN:
        return value_int((int64_t)rng_below(r, 2));
    case FIELD_INSTANT:
        return value_int(NOW - 7200 + 3600 * (int64_t)rng_below(r, 5));
    case FIELD_DURATION:
        return value_int(3600 * (int64_t)rng_below(r, 3));
    case FIELD_CODE:
        return value_str(field == F_ROLES ? PICK(r, roles) : PICK(r, classes));
    default:
        return field == F_NAME ? value_blob("\x01z", 2) : value_str(PICK(r, notes));
    }
}

enum { ROWS = 60 };
static struct value rows[ROWS][N];
static struct expr_scope scopes[ROWS];

static void table_of_rows(struct rng *r, struct db *db) {
    static const char *const columns[] = {"region", "id", "version", "state", "number"};
    enum { SYSTEM = 5 };
    struct error err = {0};
    struct db_column cols[SYSTEM + N];
    for (int i = 0; i < SYSTEM; i++)
        cols[i] = (struct db_column){columns[i], i == 1 || i == 2 ? COLUMN_INT : COLUMN_TEXT, false};
    for (int i = 0; i < N; i++) {
        bool text = fields[i].type == FIELD_CODE || fields[i].type == FIELD_TEXT;
        cols[SYSTEM + i] = (struct db_column){fields[i].name.s,
                                              fields[i].sealed ? COLUMN_BLOB
                                              : text           ? COLUMN_TEXT
                                                               : COLUMN_INT,
                                              false};
    }
    struct db_table table = {.name = "contact", .key = "id", .n_columns = SYSTEM + N, .columns = cols};
    const struct db_table *tables[] = {&table};
    struct buf plan = {0};
    assert_ok(db_migrate(db, tables, 1, true, &plan, &err), err);
    buf_clear(&plan);
    struct value cells[ROWS][SYSTEM + N];
    uint16_t all[SYSTEM + N];
    for (uint16_t i = 0; i < SYSTEM + N; i++) all[i] = i;
    for (int k = 0; k < ROWS; k++) {
        struct expr_scope *s = &scopes[k];
        *s = (struct expr_scope){.values = rows[k],
                                 .id = k + 1,
                                 .version = 1 + (int64_t)rng_below(r, 3),
                                 .now = NOW,
                                 .today = TODAY,
                                 .number = rng_below(r, 2) ? TEXT("C-1") : TEXT(""),
                                 .region = rng_below(r, 2) ? TEXT("5422") : TEXT("31"),
                                 .state = rng_below(r, 2) ? TEXT("found") : TEXT("placed")};
        cells[k][0] = value_text(s->region);
        cells[k][1] = value_int(s->id);
        cells[k][2] = value_int(s->version);
        cells[k][3] = value_text(s->state);
        cells[k][4] = s->number.n ? value_text(s->number) : value_null();
        for (int i = 0; i < N; i++) cells[k][SYSTEM + i] = rows[k][i] = random_cell(r, i);
    }
    assert_ok(db_begin(db, &err), err);
    assert_ok(db_batch(db, DB_INSERT, &table, all, SYSTEM + N, &cells[0][0], ROWS, NULL, &err), err);
    assert_ok(db_commit(db, &err), err);
}

static void same_as_the_store(struct db *db, const char *text, const struct expr *e, const char *sql) {
    struct buf b = {0};
    struct error err = {0};
    struct db_cursor *c = NULL;
    const struct value *row = NULL;
    buf_printf(&b,
               "SELECT CASE WHEN %s THEN 1 WHEN NOT %s THEN 0 ELSE 2 END FROM \"contact\" t ORDER BY \"id\"",
               sql, sql);
    if (db_query(db, buf_cstr(&b), NULL, 0, &c, &err) < 0) fail_msg("%s\n%s: %s", text, sql, err.message);
    for (int k = 0; k < ROWS; k++) {
        if (db_next(c, &row, &err) <= 0) fail_msg("%s\n%s: %s", text, sql, err.message);
        int ours = (int)expr_eval(e, &scopes[k]), theirs = (int)row[0].i;
        if (ours != theirs) fail_msg("row %d: %s\n%s: %d here, %d in the store", k, text, sql, ours, theirs);
    }
    db_cursor_close(c);
    buf_clear(&b);
}

static void agree_on(struct db *db) {
    struct rng r;
    rng_seed(&r, 20220530);
    table_of_rows(&r, db);
    int parsed = 0;
    for (int i = 0; i < 4000; i++) {
        struct buf text = {0}, sql = {0};
        struct arena a = {0};
        struct expr *e = NULL;
        struct error err = {0};
        random_condition(&r, 4, &text);
        int rc = expr_parse(&a, buf_view(&text), &reg, 0, &e, &err);
        if (rc < 0 && rc != E_TOO_LARGE) fail_msg("%s: %s at %s", buf_cstr(&text), err.message, err.where);
        if (rc == 0) {
            parsed++;
            assert_int_equal(expr_sql(e, NOW, TODAY, "t.", &sql), 0);
            same_as_the_store(db, buf_cstr(&text), e, buf_cstr(&sql));
        }
        buf_clear(&text);
        buf_clear(&sql);
        arena_clear(&a);
    }
    assert_true(parsed > 3000);
}

static void agrees_with_every_store(void **state) {
    (void)state;
    for (size_t i = 0; i < test_stores(); i++) {
        struct db *db = NULL;
        struct error err = {0};
        assert_ok(db_open(test_store_fresh(i), DB_WRITE, &db, &err), err);
        agree_on(db);
        db_close(db);
        test_store_drop(i);
    }
}

static void every_failed_allocation_is_an_error(void **state) {
    (void)state;
    struct text text = TEXT("class IN ('close', 'general') AND (onset >= TODAY - 3 OR note LIKE 'it''s%') "
                            "AND temperature BETWEEN 36 AND 37.35");
    for (long n = 1;; n++) {
        struct arena a = {0};
        struct error err = {0};
        struct expr *e = NULL;
        mem_fail_at(n, false);
        int rc = expr_parse(&a, text, &reg, 0, &e, &err);
        mem_fail_at(0, false);
        arena_clear(&a);
        if (rc == 0) break;
        assert_int_equal(rc, E_MEMORY);
        assert_null(e);
        assert_true(n < 200);
    }
}

int main(void) {
    struct error err = {0};
    if (digest_init(&err) < 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refused_with_the_column), cmocka_unit_test(maxima_are_refused),
        cmocka_unit_test(means_what_it_says),      cmocka_unit_test(knows_its_fields),
        cmocka_unit_test(agrees_with_every_store), cmocka_unit_test(every_failed_allocation_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
