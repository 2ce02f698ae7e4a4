/* A run's results pass the second person and reach everybody in the tubes; a wrong one is corrected; whoever is to be held is listed with the address. */
#include "desks/testing/laboratory.h"

#include <stdio.h>
#include <string.h>

/* What a member is told: a pool that is not negative decides nobody, its members are sampled singly. */
static struct text verdict_of(struct text outcome, int64_t size) {
    bool doubtful = text_is(outcome, "positive") || text_is(outcome, "inconclusive");
    return doubtful && size > 1 ? TEXT("recall") : outcome;
}

/* ---- release */

bool lab_entered(struct text operators, struct text account) {
    for (size_t at = 0; at <= operators.n;) {
        size_t end = at;
        while (end < operators.n && operators.s[end] != ';') end++;
        if (text_eq(text_trim((struct text){operators.s + at, end - at}), account)) return true;
        at = end + 1;
    }
    return false;
}

int lab_release_check(const struct ledger *l, const struct session *s, const struct record *run, struct error *err) {
    if (text_is(run->state, "failed")) return error_set(err, E_REFUSED, "run", "its controls failed: nothing is released / 质控失败的批次不得发布");
    if (!text_is(run->state, "valid")) return error_set(err, E_REFUSED, "run", "no results were entered / 该批次尚无结果");
    if (lab_parameter(l, s->now, "result_people", 2) > 1 && lab_entered(record_text(run, "operator"), s->account))
        return error_set(err, E_REFUSED, "reviewer", "another person than who entered the results releases them / 审核人不能是检测人本人");
    return 0;
}

static int review(struct ledger *l, const struct session *s, int64_t id, struct arena *a, struct draft **ret, struct error *err) {
    const struct register_decl *runs = lab_register(l, "lab_run", err);
    struct record run;
    int rc = runs ? record_get(l, l->db, s, runs, id, a, &run, err) : E_UNKNOWN;
    if (!rc) rc = lab_release_check(l, s, &run, err);
    if (rc < 0) return rc;
    if (!(*ret = lab_change(a, &run))) return error_memory(err);
    if (!value_given(record_cell(&run, "reviewed_at"))) draft_put(*ret, "reviewed_at", value_int(s->now), NULL);
    if (!value_given(record_cell(&run, "reviewer"))) draft_put(*ret, "reviewer", value_text(s->account), NULL);
    return 0;
}

/* The tubes that this run had the last word on and that are not released yet. */
static int tubes_of(struct ledger *l, const struct session *s, int64_t run, struct lab_report *r, struct draft **drafts, size_t *n, struct error *err) {
    static const char *const sql = "SELECT t.\"id\",t.\"barcode\",t.\"size\",t.\"result\",t.\"released_at\",r.\"outcome\",r.\"resulted_at\",t.\"result_at\",t.\"version\",t.\"state\" "
                                   "FROM \"tube_result\" r JOIN \"tube\" t ON t.\"id\" = r.\"tube\" WHERE r.\"lab_run\" = ?1 ORDER BY r.\"id\"";
    const struct register_decl *tubes = lab_register(l, "tube", err);
    struct value p = value_int(run);
    struct db_cursor *c = NULL;
    const struct value *row;
    if (!tubes) return E_UNKNOWN;
    int rc = db_query(l->db, sql, &p, 1, &c, err);
    while (!rc && (rc = db_next(c, &row, err)) > 0) {
        rc = r->n < LAB_TUBES_MAX ? 0 : error_set(err, E_TOO_LARGE, "run", "more tubes than a run has / 超过一个批次的管数");
        struct lab_line *x = rc < 0 ? NULL : lab_line(r, value_view(row[1]), (int64_t)r->n + 1, err);
        if (!x) {
            if (!rc) rc = E_MEMORY;
            break;
        }
        struct record tube = {.reg = tubes, .id = row[0].i};
        struct text outcome = arena_text(&r->arena, value_view(row[5]));
        x->record = row[0].i;
        x->call = outcome.s;
        if (row[4].kind == VALUE_INT) {
            x->outcome = LAB_AGAIN;
        } else if (text_is(value_view(row[9]), "spoiled")) {
            lab_refuse(x, E_REFUSED, "tube", "this tube was spoiled / 该管已作废");
        } else if (!text_eq(outcome, value_view(row[3])) || row[6].i != value_int_or(row[7], 0)) {
            lab_refuse(x, E_CONFLICT, "tube", "a later run has the last word on it / 以后一批次的结果为准");
        } else {
            struct draft *d = lab_change(&r->arena, &tube);
            if (!d || !outcome.s) rc = error_memory(err);
            if (rc < 0) break;
            struct text verdict = verdict_of(outcome, value_int_or(row[2], 1));
            r->recalled += text_is(verdict, "recall");
            d->version = (int32_t)row[8].i;
            d->state = TEXT("released");
            draft_put(d, "verdict", value_text(verdict), NULL);
            draft_put(d, "released_at", value_int(s->now), NULL);
            x->outcome = LAB_TAKEN;
            drafts[(*n)++] = d;
        }
    }
    db_cursor_close(c);
    return rc < 0 ? rc : 0;
}

static int release(struct ledger *l, const struct session *s, int64_t run, struct lab_report *r, struct error *err) {
    struct draft **drafts = arena_alloc(&r->arena, (LAB_TUBES_MAX + 1) * sizeof *drafts), *reviewed = NULL;
    size_t n = 0;
    r->record = run;
    r->lines = arena_alloc(&r->arena, LAB_TUBES_MAX * sizeof *r->lines);
    if (!drafts || !r->lines) return error_memory(err);
    int rc = review(l, s, run, &r->arena, &reviewed, err);
    if (rc < 0) return rc;
    drafts[n++] = reviewed;
    rc = tubes_of(l, s, run, r, drafts, &n, err);
    return rc < 0 ? rc : lab_apply(l, s, drafts, n, err);
}

int lab_release(struct ledger *l, const struct session *s, int64_t run, struct lab_report *ret, struct error *err) {
    *ret = (struct lab_report){0};
    int rc = ledger_begin(l, err);
    if (rc < 0) return rc;
    rc = release(l, s, run, ret, err);
    lab_count(ret);
    return ledger_end(l, rc, s->now, err);
}

/* ---- correction */

/* As a release: by another than who entered what it had. */
static int correct_check(struct ledger *l, const struct session *s, int64_t tube, struct error *err) {
    static const char sql[] = "SELECT n.\"operator\" FROM \"tube_result\" r JOIN \"lab_run\" n ON n.\"id\" = r.\"lab_run\" WHERE r.\"tube\" = ?1 ORDER BY r.\"id\"";
    struct value id = value_int(tube);
    struct db_cursor *c = NULL;
    const struct value *row;
    bool own = false;
    if (lab_parameter(l, s->now, "result_people", 2) < 2) return 0;
    int rc = db_query(l->db, sql, &id, 1, &c, err);
    while (!rc && (rc = db_next(c, &row, err)) > 0) own = own || lab_entered(value_view(row[0]), s->account), rc = 0;
    db_cursor_close(c);
    return rc < 0 ? rc : !own ? 0 : error_set(err, E_REFUSED, "reviewer", "another person than who entered its results corrects them / 更正人不能是录入该管结果的检测人");
}

static int correct(struct ledger *l, const struct session *s, struct text barcode, struct text outcome, struct arena *a, struct error *err) {
    const struct codelist *list = codelist_find(l->catalog, TEXT("test_result"));
    struct record tube;
    if (!list || !code_find(list, outcome) || text_is(outcome, "recall") || text_is(outcome, "pending"))
        return error_set(err, E_INVALID, "verdict", "negative, positive, inconclusive or invalid / 应为 negative、positive、inconclusive 或 invalid");
    int rc = lab_tube(l, s, barcode, a, &tube, err);
    if (rc < 0) return rc;
    if (!rc) return error_set(err, E_UNKNOWN, "tube", "there is no tube with this bar code / 没有该管码的采样管");
    if (!value_given(record_cell(&tube, "released_at"))) return error_set(err, E_REFUSED, "tube", "nothing was released of it / 该管尚未发布结果");
    if ((rc = correct_check(l, s, tube.id, err)) < 0) return rc;
    struct text verdict = verdict_of(outcome, record_int(&tube, "size", 1));
    bool told = text_eq(record_text(&tube, "verdict"), verdict); /* its members hear nothing new */
    if (told && text_eq(record_text(&tube, "result"), outcome)) return error_set(err, E_CONFLICT, "verdict", "it says so already / 已是该结果");
    struct draft *d = lab_change(a, &tube);
    if (!d) return error_memory(err);
    draft_put(d, "result", value_text(outcome), NULL);
    if (!told) draft_put(d, "verdict", value_text(verdict), NULL);
    if (!told) draft_put(d, "released_at", value_int(s->now), NULL);
    return lab_apply(l, s, &d, 1, err);
}

int lab_correct(struct ledger *l, const struct session *s, struct text tube, struct text verdict, struct error *err) {
    struct arena a = {0};
    if (!text_trim(s->reason).n) return error_set(err, E_INVALID, "reason", "a correction says why / 更正须写明理由");
    int rc = ledger_begin(l, err);
    if (rc < 0) return rc;
    rc = ledger_end(l, correct(l, s, tube, verdict, &a, err), s->now, err);
    arena_clear(&a);
    return rc;
}
