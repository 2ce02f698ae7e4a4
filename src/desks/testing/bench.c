#include "desks/testing/bench.h"

#include <stdio.h>
#include <string.h>

#include "desks/testing/lab_json.h"

struct bench {
    struct ledger *l;
    const struct session *s;
    bool zh;
    int64_t asked;     /* the box */
    int64_t all;       /* tubes there are, of which the list has some */
    struct arena arena;
    json_t *list;
    json_t *by_id;     /* of the runs or tubes of the list: what is counted for each */
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
    json_decref(x->by_id);
    arena_clear(&x->arena);
    if (!rc) *ret = o;
    return rc;
}

static int begin(struct bench *x, struct ledger *l, const struct session *s, struct error *err) {
    *x = (struct bench){.l = l, .s = s, .list = json_array(), .by_id = json_object()};
    return x->list && x->by_id ? 0 : error_memory(err);
}

/* What is counted for one of the list, made when it is not there. */
static json_t *of_id(struct bench *x, int64_t id) {
    char key[24];
    snprintf(key, sizeof key, "%lld", (long long)id);
    json_t *o = json_object_get(x->by_id, key);
    if (!o && !json_object_set_new(x->by_id, key, json_object())) o = json_object_get(x->by_id, key);
    return o;
}

static void more(json_t *o, const char *name, int64_t n) {
    json_object_set_new(o, name, json_integer(json_integer_value(json_object_get(o, name)) + (json_int_t)n));
}

/* before, the ids of the list as (1,2,...), after: one question for all of them. */
static int rows_of_list(struct bench *x, const char *before, const char *after, int (*row)(struct bench *x, const struct value *v, struct error *err), struct error *err) {
    struct buf sql = {0};
    struct db_cursor *c = NULL;
    const struct value *v;
    buf_printf(&sql, "%s(0", before);
    for (size_t i = 0; i < json_array_size(x->list); i++) buf_printf(&sql, ",%lld", (long long)json_integer_value(json_object_get(json_array_get(x->list, i), "id")));
    buf_printf(&sql, ")%s", after);
    int rc = sql.failed ? error_memory(err) : db_query(x->l->db, buf_cstr(&sql), NULL, 0, &c, err);
    while (!rc && (rc = db_next(c, &v, err)) > 0) rc = row(x, v, err);
    db_cursor_close(c);
    buf_clear(&sql);
    return rc < 0 ? rc : 0;
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

/* box: the one asked about */
enum { T_ID, T_BARCODE, T_SWABS, T_RECEIVED, T_BOX_HERE, T_BOX, T_CAME_IN, T_PACKED, T_CAME };

static int tube_row(struct bench *x, const struct value *v, struct error *err) {
    bool listed = value_int_or(v[T_BOX], 0) == x->asked, here = v[T_RECEIVED].kind == VALUE_INT, elsewhere = listed && v[T_CAME_IN].kind == VALUE_INT;
    json_t *o = json_pack("{s:s}", "outcome", !listed ? "extra" : elsewhere ? "elsewhere" : here ? "received" : v[T_BOX_HERE].kind == VALUE_INT ? "missing" : "expected");
    put_int(o, "id", v[T_ID]);
    put_text(o, "barcode", v[T_BARCODE]);
    put_int(o, "swabs", v[T_SWABS]);
    put_instant(x, o, "received_at", v[T_RECEIVED]);
    if (!listed) put_text(o, "packed_in", v[T_PACKED]);
    if (elsewhere) put_text(o, "came_in", v[T_CAME]);
    return json_array_append_new(x->list, o) ? error_memory(err) : 0;
}

int bench_box(struct ledger *l, const struct session *s, int64_t box, json_t **ret, struct error *err) {
    struct bench x;
    struct value id = value_int(box);
    json_t *found = NULL;
    int rc = begin(&x, l, s, err);
    x.asked = box;
    if (!rc) rc = rows(&x, "box", "b.\"region\"", BOXES "b.\"id\"=?1 AND ", "", &id, 1, box_row, err);
    if (!rc && !json_array_size(x.list)) rc = error_set(err, E_UNKNOWN, "box", "there is no such box / 没有该转运箱");
    if (!rc) {
        found = json_incref(json_array_get(x.list, 0));
        json_array_clear(x.list);
        rc = rows(&x, "tube", "t.\"region\"", "SELECT t.\"id\",t.\"barcode\",t.\"swabs\",t.\"received_at\",b.\"received_at\",t.\"box\",t.\"came_in\",p.\"barcode\",c.\"barcode\" FROM (SELECT \"id\" FROM \"tube\" WHERE \"box\"=?1 UNION SELECT "
                  "\"id\" FROM \"tube\" WHERE \"came_in\"=?1) k JOIN \"tube\" t ON t.\"id\"=k.\"id\" JOIN \"box\" b ON b.\"id\"=?1 LEFT JOIN \"box\" p ON p.\"id\"=t.\"box\" LEFT JOIN \"box\" c ON "
                  "c.\"id\"=t.\"came_in\" WHERE t.\"state\"<>'spoiled' AND ",
                  " ORDER BY t.\"barcode\" LIMIT 10000", &id, 1, tube_row, err);
    }
    rc = answer(&x, rc, "manifest", ret, err);
    if (!rc) json_object_update(*ret, found);
    json_decref(found);
    return rc;
}

/* ---- runs */

/* run, outcome, how many, of them not released */
static int counted_row(struct bench *x, const struct value *v, struct error *err) {
    json_t *o = of_id(x, v[0].i), *results = json_object_get(o, "results");
    char word[40];
    if (!results && !json_object_set_new(o, "results", json_object())) results = json_object_get(o, "results");
    if (!results) return error_memory(err);
    snprintf(word, sizeof word, "%.*s", (int)value_view(v[1]).n, value_view(v[1]).s);
    json_object_set_new(results, word, json_integer((json_int_t)v[2].i));
    more(o, "tubes", v[2].i);
    more(o, "unreleased", value_int_or(v[3], 0));
    return 0;
}

#define COUNTED "SELECT r.\"lab_run\",r.\"outcome\",count(*),sum(CASE WHEN t.\"released_at\" IS NULL AND t.\"state\"<>'spoiled' THEN 1 ELSE 0 END) FROM \"tube_result\" r JOIN \"tube\" t ON t.\"id\"=r.\"tube\" WHERE r.\"lab_run\" IN "

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

static int run_json(struct bench *x, const struct record *r, json_t *o, struct error *err) {
    static const char *const texts[] = {"plate", "instrument", "positive_control", "negative_control", "operator", "reviewer"}, *const times[] = {"started_at", "finished_at", "reviewed_at"};
    json_object_set_new(o, "state", lab_text_json(r->state));
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) put_text(o, texts[i], record_cell(r, texts[i]));
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) put_instant(x, o, times[i], record_cell(r, times[i]));
    put_int(o, "laboratory", record_cell(r, "laboratory"));
    json_object_set_new(o, "results", json_object());
    json_object_set_new(o, "tubes", json_integer(0));
    json_object_set_new(o, "unreleased", json_integer(0));
    if (json_object_update(o, of_id(x, r->id))) return error_memory(err);
    put_release(x, r, o);
    return 0;
}

static int run_row(struct bench *x, const struct value *v, struct error *err) {
    return json_array_append_new(x->list, json_pack("{s:I}", "id", (json_int_t)v[0].i)) ? error_memory(err) : 0;
}

/* What the list's runs say; their counts are asked together. */
static int runs_fill(struct bench *x, const struct register_decl *reg, struct record *ret, struct error *err) {
    struct record r;
    int rc = rows_of_list(x, COUNTED, " GROUP BY r.\"lab_run\",r.\"outcome\"", counted_row, err);
    for (size_t i = 0; !rc && i < json_array_size(x->list); i++) {
        json_t *o = json_array_get(x->list, i);
        rc = record_get(x->l, x->l->db, x->s, reg, json_integer_value(json_object_get(o, "id")), &x->arena, &r, err);
        if (!rc) rc = run_json(x, &r, o, err);
    }
    if (!rc && ret) *ret = r;
    return rc;
}

int bench_runs(struct ledger *l, const struct session *s, int64_t laboratory, size_t limit, bool zh, json_t **ret, struct error *err) {
    struct bench x;
    struct value params[] = {value_int(laboratory), value_int((int64_t)limit)};
    int rc = begin(&x, l, s, err);
    x.zh = zh;
    const struct register_decl *reg = rc ? NULL : lab_register(l, "lab_run", err);
    if (!rc) rc = reg ? rows(&x, "lab_run", "\"region\"", "SELECT \"id\" FROM \"lab_run\" WHERE (?1=0 OR \"laboratory\"=?1) AND ", " ORDER BY \"id\" DESC LIMIT ?2", params, 2, run_row, err) : E_UNKNOWN;
    if (!rc) rc = runs_fill(&x, reg, NULL, err);
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
    if (!rc) rc = reg ? run_row(&x, &id, err) : E_UNKNOWN;
    if (!rc) rc = runs_fill(&x, reg, &r, err);
    if (!rc) head = json_incref(json_array_get(x.list, 0));
    if (!rc) json_array_clear(x.list);
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
    json_t *o = json_pack("{s:{}, s:i}", "duties", "members", 0);
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

/* tube, its members */
static int members_row(struct bench *x, const struct value *v, struct error *err) {
    return json_object_set_new(of_id(x, v[0].i), "members", json_integer((json_int_t)v[1].i)) ? error_memory(err) : 0;
}

/* tube, rule, and of the last duty of each member under it: those open, overdue, done */
static int duties_row(struct bench *x, const struct value *v, struct error *err) {
    static const char *const how[] = {"open", "overdue", "done"};
    json_t *o = of_id(x, v[0].i), *duties = json_object_get(o, "duties"), *of = json_object();
    char word[80];
    if (!duties && !json_object_set_new(o, "duties", json_object())) duties = json_object_get(o, "duties");
    snprintf(word, sizeof word, "%.*s", (int)value_view(v[1]).n, value_view(v[1]).s);
    for (int k = 0; k < 3; k++) json_object_set_new(of, how[k], json_integer((json_int_t)value_int_or(v[2 + k], 0)));
    return duties && !json_object_set_new(duties, word, of) ? 0 : error_memory(err);
}

/* Duties of everybody in these tubes, found by the holder's key; the last one of a person and rule counts, cancelled ones do not. */
static int duties_of_list(struct bench *x, struct error *err) {
    static const char tail[] = " AND o.\"register\"='swab') d WHERE d.k=1 AND d.state<>'cancelled' GROUP BY d.tube,d.rule";
    char head[1000];
    snprintf(head, sizeof head,
             "SELECT d.tube,d.rule,sum(CASE WHEN d.state='open' AND (d.due IS NULL OR d.due>=%lld) THEN 1 ELSE 0 END),sum(CASE WHEN d.state='open' AND d.due<%lld THEN 1 ELSE 0 END),"
             "sum(CASE WHEN d.state<>'open' THEN 1 ELSE 0 END) FROM (SELECT w.\"tube\" AS tube,o.\"rule\" AS rule,o.\"state\" AS state,o.\"due_at\" AS due,row_number() OVER (PARTITION BY w.\"id\",o.\"rule\" ORDER BY "
             "o.\"id\" DESC) AS k FROM \"swab\" w CROSS JOIN \"obligation\" o WHERE o.\"id\">=CAST(w.\"person\" AS BIGINT)*65536 AND o.\"id\"<CAST(w.\"person\" AS BIGINT)*65536+65536 AND w.\"tube\" IN ",
             (long long)x->s->now, (long long)x->s->now);
    return rows_of_list(x, head, tail, duties_row, err);
}

static int all_row(struct bench *x, const struct value *v, struct error *err) {
    (void)err;
    x->all = value_int_or(v[0], 0);
    return 0;
}

#define RECALLED "(?1=0 OR t.\"round\"=?1) AND t.\"verdict\" IN ('recall','positive','inconclusive') AND "
#define UNTRACED "t.\"verdict\"='recall' AND t.\"traced_at\" IS NULL"

int bench_recalls(struct ledger *l, const struct session *s, int64_t round, json_t **ret, struct error *err) {
    struct bench x;
    struct value params[] = {value_int(round), value_int(BENCH_RECALLS)};
    int rc = begin(&x, l, s, err);
    if (!rc) rc = rows(&x, "tube", "t.\"region\"", "SELECT count(*) FROM \"tube\" t WHERE " RECALLED, "", params, 1, all_row, err);
    if (!rc) rc = rows(&x, "tube", "t.\"region\"",
                       "SELECT t.\"id\",t.\"barcode\",t.\"result\",t.\"verdict\",t.\"size\",t.\"released_at\",t.\"traced_at\",s.\"title\",t.\"region\",t.\"round\" FROM \"tube\" t LEFT JOIN \"site\" s ON s.\"id\"=t.\"site\" WHERE " RECALLED,
                       " ORDER BY CASE WHEN " UNTRACED " THEN 0 ELSE 1 END,CASE WHEN " UNTRACED " THEN t.\"released_at\" END,t.\"released_at\" DESC,t.\"id\" DESC LIMIT ?2", params, 2, recall_row, err);
    if (!rc) rc = rows_of_list(&x, "SELECT \"tube\",count(*) FROM \"swab\" WHERE \"tube\" IN ", " GROUP BY \"tube\"", members_row, err);
    if (!rc) rc = duties_of_list(&x, err);
    for (size_t i = 0; !rc && i < json_array_size(x.list); i++) {
        json_t *o = json_array_get(x.list, i);
        if (json_object_update(o, of_id(&x, json_integer_value(json_object_get(o, "id"))))) rc = error_memory(err);
    }
    int64_t all = x.all;
    rc = answer(&x, rc, "tubes", ret, err);
    return rc < 0 ? rc : json_object_set_new(*ret, "all", json_integer((json_int_t)all)) ? error_memory(err) : 0;
}
