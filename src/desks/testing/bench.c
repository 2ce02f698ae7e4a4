#include "desks/testing/bench.h"

#include <stdio.h>
#include <string.h>

#include "desks/testing/lab_json.h"

struct bench {
    struct ledger *l;
    const struct session *s;
    bool zh;
    struct arena arena;
    json_t *list;
};

/* Rows of `before` AND what the session may see of a register AND `after`, each handed to `row`. */
static int rows(struct bench *x, const char *reg_name, const char *column, const char *before, const char *after, const struct value *params, size_t n,
                int (*row)(struct bench *x, const struct value *v, struct error *err), struct error *err) {
    const struct register_decl *reg = lab_register(x->l, reg_name, err);
    struct buf sql = {0};
    struct db_cursor *c = NULL;
    const struct value *v;
    if (!reg) return E_UNKNOWN;
    if (!access_anywhere(x->s, ACCESS_READ, reg)) return access_check(x->s, ACCESS_READ, reg, x->l->region, err);
    buf_str(&sql, before);
    access_sql(x->s, ACCESS_READ, reg, column, &sql);
    buf_str(&sql, after);
    int rc = sql.failed ? error_memory(err) : db_query(x->l->db, buf_cstr(&sql), params, n, &c, err);
    while (!rc && (rc = db_next(c, &v, err)) > 0) rc = row(x, v, err);
    db_cursor_close(c);
    buf_clear(&sql);
    return rc < 0 ? rc : 0;
}

static void put_text(json_t *o, const char *name, struct value v) {
    json_object_set_new(o, name, v.kind == VALUE_TEXT ? lab_text_json(value_view(v)) : json_null());
}

static void put_int(json_t *o, const char *name, struct value v) {
    json_object_set_new(o, name, v.kind == VALUE_INT ? json_integer((json_int_t)v.i) : json_null());
}

static void put_instant(const struct bench *x, json_t *o, const char *name, struct value v) {
    json_object_set_new(o, name, lab_instant_json(v.kind == VALUE_INT ? v.i : INSTANT_NONE, x->l->zone_s));
}

/* The answer {name: list}; frees what is left of it when it failed. */
static int answer(struct bench *x, int rc, const char *name, json_t **ret, struct error *err) {
    json_t *o = rc < 0 ? NULL : json_pack("{s:O}", name, x->list);
    if (!rc && !o) rc = error_memory(err);
    json_decref(x->list);
    arena_clear(&x->arena);
    if (!rc) *ret = o;
    return rc;
}

static int begin(struct bench *x, struct ledger *l, const struct session *s, struct error *err) {
    *x = (struct bench){.l = l, .s = s, .list = json_array()};
    return x->list ? 0 : error_memory(err);
}

/* ---- boxes */

#define BOXES "SELECT b.\"id\",b.\"barcode\",b.\"state\",b.\"sealed_at\",b.\"received_at\",b.\"tubes\",b.\"missing\",b.\"extra\",s.\"title\",b.\"laboratory\",y.\"title\"," \
              "(SELECT count(*) FROM \"tube\" t WHERE t.\"box\"=b.\"id\" AND t.\"state\"<>'spoiled')," \
              "(SELECT count(*) FROM \"tube\" t WHERE t.\"box\"=b.\"id\" AND t.\"state\"<>'spoiled' AND t.\"received_at\" IS NOT NULL) " \
              "FROM \"box\" b LEFT JOIN \"site\" s ON s.\"id\"=b.\"site\" LEFT JOIN \"laboratory\" y ON y.\"id\"=b.\"laboratory\" WHERE "

static int box_row(struct bench *x, const struct value *v, struct error *err) {
    json_t *o = json_object();
    put_int(o, "id", v[0]);
    put_text(o, "barcode", v[1]);
    put_text(o, "state", v[2]);
    put_instant(x, o, "sealed_at", v[3]);
    put_instant(x, o, "received_at", v[4]);
    put_int(o, "declared", v[5]);
    put_int(o, "missing", v[6]);
    put_int(o, "extra", v[7]);
    put_text(o, "site", v[8]);
    put_int(o, "laboratory", v[9]);
    put_text(o, "laboratory_title", v[10]);
    put_int(o, "listed", v[11]);
    put_int(o, "here", v[12]);
    return json_array_append_new(x->list, o) ? error_memory(err) : 0;
}

int bench_boxes(struct ledger *l, const struct session *s, int64_t laboratory, size_t limit, json_t **ret, struct error *err) {
    struct bench x;
    struct value params[] = {value_int(laboratory), value_int((int64_t)limit)};
    int rc = begin(&x, l, s, err);
    if (!rc) rc = rows(&x, "box", "b.\"region\"", BOXES "(?1=0 OR b.\"laboratory\"=?1) AND ", " ORDER BY CASE WHEN b.\"state\"='received' THEN 1 ELSE 0 END,b.\"id\" DESC LIMIT ?2", params, 2, box_row, err);
    return answer(&x, rc, "boxes", ret, err);
}

static int tube_row(struct bench *x, const struct value *v, struct error *err) {
    bool box_here = v[4].kind == VALUE_INT;
    json_t *o = json_pack("{s:s}", "outcome", v[3].kind == VALUE_INT ? "received" : box_here ? "missing" : "expected");
    put_int(o, "id", v[0]);
    put_text(o, "barcode", v[1]);
    put_int(o, "swabs", v[2]);
    put_instant(x, o, "received_at", v[3]);
    return json_array_append_new(x->list, o) ? error_memory(err) : 0;
}

int bench_box(struct ledger *l, const struct session *s, int64_t box, json_t **ret, struct error *err) {
    struct bench x;
    struct value id = value_int(box);
    json_t *found = NULL;
    int rc = begin(&x, l, s, err);
    if (!rc) rc = rows(&x, "box", "b.\"region\"", BOXES "b.\"id\"=?1 AND ", "", &id, 1, box_row, err);
    if (!rc && !json_array_size(x.list)) rc = error_set(err, E_UNKNOWN, "box", "there is no such box / 没有该转运箱");
    if (!rc) {
        found = json_incref(json_array_get(x.list, 0));
        json_array_clear(x.list);
        rc = rows(&x, "tube", "t.\"region\"", "SELECT t.\"id\",t.\"barcode\",t.\"swabs\",t.\"received_at\",b.\"received_at\" FROM \"tube\" t JOIN \"box\" b ON b.\"id\"=t.\"box\" WHERE t.\"box\"=?1 AND t.\"state\"<>'spoiled' AND ",
                  " ORDER BY t.\"barcode\" LIMIT 10000", &id, 1, tube_row, err);
    }
    rc = answer(&x, rc, "manifest", ret, err);
    if (!rc) json_object_update(*ret, found);
    json_decref(found);
    return rc;
}

/* ---- runs */

/* id, outcome, how many, of them not released */
static int counted(struct bench *x, int64_t run, json_t *o, struct error *err) {
    struct value p = value_int(run);
    struct db_cursor *c = NULL;
    const struct value *v;
    int64_t left = 0, tubes = 0;
    json_t *results = json_object();
    int rc = db_query(x->l->db, "SELECT r.\"outcome\",count(*),sum(CASE WHEN t.\"released_at\" IS NULL THEN 1 ELSE 0 END) FROM \"tube_result\" r JOIN \"tube\" t ON t.\"id\"=r.\"tube\" WHERE r.\"lab_run\"=?1 GROUP BY r.\"outcome\"",
                      &p, 1, &c, err);
    while (!rc && (rc = db_next(c, &v, err)) > 0) {
        char word[40];
        snprintf(word, sizeof word, "%.*s", (int)value_view(v[0]).n, value_view(v[0]).s);
        json_object_set_new(results, word, json_integer((json_int_t)v[1].i));
        tubes += v[1].i;
        left += value_int_or(v[2], 0);
        rc = 0;
    }
    db_cursor_close(c);
    json_object_set_new(o, "results", results);
    json_object_set_new(o, "tubes", json_integer((json_int_t)tubes));
    json_object_set_new(o, "unreleased", json_integer((json_int_t)left));
    return rc < 0 ? rc : 0;
}

/* May this session let it out; when not, why. */
static void put_release(const struct bench *x, const struct record *run, json_t *o) {
    struct error why = {0};
    char words[ERROR_MESSAGE_MAX + 200];
    bool left = json_integer_value(json_object_get(o, "unreleased")) > 0, released = value_given(record_cell(run, "reviewed_at")) && !left;
    int rc = released ? error_set(&why, E_REFUSED, "run", "all of it was released / 已全部发布") : access_check(x->s, ACCESS_WRITE, run->reg, run->region, &why);
    if (!rc) rc = lab_release_check(x->l, x->s, run, &why);
    json_object_set_new(o, "may_release", json_boolean(!rc));
    if (rc) error_words(why.code, why.message, x->zh, words, sizeof words);
    if (rc) json_object_set_new(o, "why_not", json_string(words));
}

static int run_json(struct bench *x, const struct record *r, json_t **ret, struct error *err) {
    static const char *const texts[] = {"plate", "instrument", "positive_control", "negative_control", "operator", "reviewer"}, *const times[] = {"started_at", "finished_at", "reviewed_at"};
    json_t *o = json_pack("{s:I, s:o}", "id", (json_int_t)r->id, "state", lab_text_json(r->state));
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) put_text(o, texts[i], record_cell(r, texts[i]));
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) put_instant(x, o, times[i], record_cell(r, times[i]));
    put_int(o, "laboratory", record_cell(r, "laboratory"));
    int rc = counted(x, r->id, o, err);
    put_release(x, r, o);
    if (rc < 0) json_decref(o);
    else *ret = o;
    return rc;
}

static int run_row(struct bench *x, const struct value *v, struct error *err) {
    return json_array_append_new(x->list, json_integer((json_int_t)v[0].i)) ? error_memory(err) : 0;
}

int bench_runs(struct ledger *l, const struct session *s, int64_t laboratory, size_t limit, bool zh, json_t **ret, struct error *err) {
    struct bench x;
    struct value params[] = {value_int(laboratory), value_int((int64_t)limit)};
    int rc = begin(&x, l, s, err);
    x.zh = zh;
    const struct register_decl *reg = rc ? NULL : lab_register(l, "lab_run", err);
    if (!rc) rc = reg ? rows(&x, "lab_run", "\"region\"", "SELECT \"id\" FROM \"lab_run\" WHERE (?1=0 OR \"laboratory\"=?1) AND ", " ORDER BY \"id\" DESC LIMIT ?2", params, 2, run_row, err) : E_UNKNOWN;
    for (size_t i = 0; !rc && i < json_array_size(x.list); i++) {
        struct record r;
        json_t *one = NULL;
        rc = record_get(l, l->db, s, reg, json_integer_value(json_array_get(x.list, i)), &x.arena, &r, err);
        if (!rc) rc = run_json(&x, &r, &one, err);
        if (!rc) json_array_set_new(x.list, i, one);
    }
    return answer(&x, rc, "runs", ret, err);
}

static json_t *ct_json(struct value v) {
    return v.kind == VALUE_INT ? json_real((double)v.i / 100) : json_null();
}

/* well, bar code, outcome, Ct of ORF1ab, N, control, tube, swabs, released, verdict */
static int well_row(struct bench *x, const struct value *v, struct error *err) {
    json_t *o = json_pack("{s:s, s:[o,o,o], s:b}", "role", "sample", "ct", ct_json(v[3]), ct_json(v[4]), ct_json(v[5]), "released", v[8].kind == VALUE_INT);
    put_text(o, "well", v[0]);
    put_text(o, "tube", v[1]);
    put_text(o, "result", v[2]);
    put_int(o, "id", v[6]);
    put_int(o, "swabs", v[7]);
    put_text(o, "verdict", v[9]);
    return json_array_append_new(x->list, o) ? error_memory(err) : 0;
}

int bench_run(struct ledger *l, const struct session *s, int64_t run, bool zh, json_t **ret, struct error *err) {
    struct bench x;
    struct record r;
    struct value id = value_int(run);
    json_t *head = NULL;
    int rc = begin(&x, l, s, err);
    x.zh = zh;
    const struct register_decl *reg = rc ? NULL : lab_register(l, "lab_run", err);
    if (!rc) rc = reg ? record_get(l, l->db, s, reg, run, &x.arena, &r, err) : E_UNKNOWN;
    if (!rc) rc = run_json(&x, &r, &head, err);
    if (!rc) rc = rows(&x, "tube_result", "r.\"region\"",
                       "SELECT r.\"well\",t.\"barcode\",r.\"outcome\",r.\"ct_orf\",r.\"ct_n\",r.\"ct_control\",t.\"id\",t.\"swabs\",t.\"released_at\",t.\"verdict\" FROM \"tube_result\" r JOIN \"tube\" t ON t.\"id\"=r.\"tube\" "
                       "WHERE r.\"lab_run\"=?1 AND ", " ORDER BY r.\"id\" LIMIT 1000", &id, 1, well_row, err);
    if (!rc) { /* written by lab_results as JSON; a run of before that says nothing of its controls */
        struct text t = record_text(&r, "control_wells");
        json_t *controls = t.n ? json_loadb(t.s, t.n, 0, NULL) : NULL;
        if (json_is_array(controls)) json_array_extend(x.list, controls);
        json_decref(controls);
    }
    rc = answer(&x, rc, "wells", ret, err);
    if (!rc) json_object_update(*ret, head);
    json_decref(head);
    return rc;
}

/* ---- recalled tubes */

static int recall_row(struct bench *x, const struct value *v, struct error *err) {
    json_t *o = json_pack("{s:{}}", "duties");
    put_int(o, "id", v[0]);
    put_text(o, "tube", v[1]);
    put_text(o, "result", v[2]);
    put_text(o, "verdict", v[3]);
    put_int(o, "size", v[4]);
    put_instant(x, o, "released_at", v[5]);
    put_instant(x, o, "traced_at", v[6]);
    put_text(o, "site", v[7]);
    put_text(o, "region", v[8]);
    put_int(o, "round", v[9]);
    return json_array_append_new(x->list, o) ? error_memory(err) : 0;
}

enum { MEMBERS_MAX = 20 };

static json_t *duty_counts(json_t *duties, struct text rule) {
    char word[80];
    snprintf(word, sizeof word, "%.*s", (int)rule.n, rule.s);
    json_t *o = json_object_get(duties, word);
    if (!o && !json_object_set_new(duties, word, json_pack("{s:i, s:i, s:i}", "open", 0, "overdue", 0, "done", 0))) o = json_object_get(duties, word);
    return o;
}

static void more(json_t *o, const char *name) {
    json_object_set_new(o, name, json_integer(json_integer_value(json_object_get(o, name)) + 1));
}

/* What is owed for one member since a swab of theirs; the last duty of a rule counts. */
static int member_duties(struct bench *x, int64_t person, json_t *duties, struct error *err) {
    struct { struct text rule, state; instant due; } last[16];
    size_t n = 0;
    struct value p = value_int(person);
    struct db_cursor *c = NULL;
    const struct value *v;
    int rc = db_query(x->l->db, "SELECT \"rule\",\"state\",\"due_at\" FROM \"obligation\" WHERE \"register\"='swab' AND " OBLIGATION_OF_HOLDER " ORDER BY \"id\"", &p, 1, &c, err);
    while (!rc && (rc = db_next(c, &v, err)) > 0) {
        size_t i = 0;
        struct text rule = value_view(v[0]);
        rc = 0;
        while (i < n && !text_eq(last[i].rule, rule)) i++;
        if (i == sizeof last / sizeof *last) continue;
        if (i == n) last[n++].rule = arena_text(&x->arena, rule);
        last[i].state = arena_text(&x->arena, value_view(v[1]));
        last[i].due = value_int_or(v[2], INSTANT_NONE);
        if (!last[i].rule.s || !last[i].state.s) rc = error_memory(err);
    }
    db_cursor_close(c);
    for (size_t i = 0; rc >= 0 && i < n; i++) {
        bool open = text_is(last[i].state, "open"), late = last[i].due != INSTANT_NONE && last[i].due < x->s->now;
        json_t *o = text_is(last[i].state, "cancelled") ? NULL : duty_counts(duties, last[i].rule);
        if (o) more(o, !open ? "done" : late ? "overdue" : "open");
    }
    return rc < 0 ? rc : 0;
}

static int members(struct bench *x, json_t *tube, struct error *err) {
    struct value p = value_int(json_integer_value(json_object_get(tube, "id")));
    int64_t people[MEMBERS_MAX];
    size_t n = 0;
    struct db_cursor *c = NULL;
    const struct value *v;
    int rc = db_query(x->l->db, "SELECT \"person\" FROM \"swab\" WHERE \"tube\"=?1 ORDER BY \"id\" LIMIT 20", &p, 1, &c, err);
    while (!rc && n < MEMBERS_MAX && (rc = db_next(c, &v, err)) > 0) people[n++] = v[0].i, rc = 0;
    db_cursor_close(c);
    json_object_set_new(tube, "members", json_integer((json_int_t)n));
    for (size_t i = 0; rc >= 0 && i < n; i++) rc = member_duties(x, people[i], json_object_get(tube, "duties"), err);
    return rc < 0 ? rc : 0;
}

int bench_recalls(struct ledger *l, const struct session *s, int64_t round, json_t **ret, struct error *err) {
    struct bench x;
    struct value params[] = {value_int(round), value_int(BENCH_RECALLS)};
    int rc = begin(&x, l, s, err);
    if (!rc) rc = rows(&x, "tube", "t.\"region\"",
                       "SELECT t.\"id\",t.\"barcode\",t.\"result\",t.\"verdict\",t.\"size\",t.\"released_at\",t.\"traced_at\",s.\"title\",t.\"region\",t.\"round\" FROM \"tube\" t LEFT JOIN \"site\" s ON s.\"id\"=t.\"site\" WHERE "
                       "(?1=0 OR t.\"round\"=?1) AND t.\"verdict\" IN ('recall','positive','inconclusive') AND ", " ORDER BY t.\"released_at\" DESC,t.\"id\" DESC LIMIT ?2", params, 2, recall_row, err);
    for (size_t i = 0; !rc && i < json_array_size(x.list); i++) rc = members(&x, json_array_get(x.list, i), err);
    return answer(&x, rc, "tubes", ret, err);
}
