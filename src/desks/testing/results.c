/* A plate's results: recorded by row, told to nobody yet. */
#include "desks/testing/laboratory.h"

#include <string.h>

enum { CONTROLS_TEXT = 6000 };
static const char *const ct_fields[PLATE_TARGETS] = {"ct_orf", "ct_n", "ct_control"};

struct entry_of {
    struct lab_line *line;
    struct draft *result, *tube; /* the second may be NULL */
    enum plate_call call;
};

struct results {
    struct ledger *l;
    const struct session *s;
    const struct lab_run *in;
    struct plate *p;
    struct lab_report *r;
    struct plate_rules rules;
    const struct register_decl *runs, *results;
    struct record run;
    bool made;           /* in this transaction: it has no results yet */
    struct entry_of *list;
    size_t n;
};

static int run_find(struct results *x, struct error *err) {
    const struct lab_run *in = x->in;
    struct arena *a = &x->r->arena;
    if (in->run) return record_get(x->l, x->l->db, x->s, x->runs, in->run, a, &x->run, err);
    if (!in->laboratory) return error_set(err, E_INVALID, "laboratory", "which laboratory / 须写明实验室");
    if (!in->plate.n) return error_set(err, E_INVALID, "plate", "which plate / 须写明板号");
    struct value *cells = arena_alloc(a, (x->runs->n_fields + 1) * sizeof *cells);
    struct draft *d = draft_new(a, x->runs, DRAFT_CREATE);
    if (!cells || !d) return error_memory(err);
    cells[register_field(x->runs, TEXT("laboratory"))] = value_int(in->laboratory);
    cells[register_field(x->runs, TEXT("plate"))] = value_text(in->plate);
    cells[register_field(x->runs, TEXT("started_at"))] = value_int(in->started_at);
    int rc = record_by_key(x->l, x->l->db, x->s, x->runs, cells, a, &x->run, err);
    if (rc) return rc < 0 ? rc : 0;
    for (size_t i = 0; i < x->runs->n_fields; i++)
        if (value_given(cells[i])) d->values[i] = cells[i];
    if (in->instrument.n) draft_put(d, "instrument", value_text(in->instrument), NULL);
    d->by_desk = true;
    x->made = true;
    rc = lab_apply(x->l, x->s, &d, 1, err);
    return rc < 0 ? rc : record_get(x->l, x->l->db, x->s, x->runs, d->ret_id, a, &x->run, err);
}

/* The wells of the controls as JSON, for who looks at the plate: they are no tubes, so nothing else keeps them. */
static int controls_note(struct results *x, struct draft *d, struct error *err) {
    static const char *const roles[] = {[PLATE_NEGATIVE] = "negative", [PLATE_POSITIVE] = "positive", [PLATE_STANDARD] = "standard"};
    struct buf b = {0};
    for (size_t i = 0; i < x->p->n_wells && b.n < CONTROLS_TEXT; i++) {
        const struct plate_well *w = &x->p->wells[i];
        if (w->role == PLATE_SAMPLE || w->refused) continue;
        buf_printf(&b, "%s{\"well\":\"%s\",\"role\":\"%s\",\"ct\":[", b.n ? "," : "[", w->well, roles[w->role]);
        for (int t = 0; t < PLATE_TARGETS; t++) {
            if (w->ct[t] < 0) buf_printf(&b, "%snull", t ? "," : "");
            else buf_printf(&b, "%s%d.%02d", t ? "," : "", (int)w->ct[t] / 100, (int)w->ct[t] % 100);
        }
        buf_str(&b, "]}");
    }
    struct text t = b.n && buf_char(&b, ']') >= 0 ? arena_text(&x->r->arena, (struct text){buf_cstr(&b), b.n}) : (struct text){"", 0};
    bool failed = b.failed || !t.s;
    buf_clear(&b);
    if (t.n) draft_put(d, "control_wells", value_text(t), NULL);
    return failed ? error_memory(err) : 0;
}

/* A run whose controls fail now gave results before: each of its tubes has again what another run says of it, or none. */
static int results_withdrawn(struct results *x, struct error *err) {
    static const char gave[] = "SELECT t.\"id\" FROM \"tube_result\" r JOIN \"tube\" t ON t.\"id\"=r.\"tube\" WHERE r.\"lab_run\"=?1 AND t.\"state\"='tested' AND t.\"result_at\"=r.\"resulted_at\" AND "
                               "t.\"result\"=r.\"outcome\" ORDER BY r.\"id\"";
    static const char others[] = "SELECT r.\"outcome\",r.\"resulted_at\" FROM \"tube_result\" r JOIN \"lab_run\" n ON n.\"id\"=r.\"lab_run\" WHERE r.\"tube\"=?1 AND n.\"id\"<>?2 AND n.\"state\"<>'failed' "
                                 "ORDER BY r.\"resulted_at\" DESC,r.\"id\" DESC LIMIT 1";
    const struct register_decl *tubes = lab_register(x->l, "tube", err);
    struct arena *a = &x->r->arena;
    struct value run = value_int(x->run.id);
    struct draft **drafts = NULL;
    struct db_cursor *c = NULL;
    const struct value *row;
    size_t n = 0, cap = 0;
    if (!tubes) return E_UNKNOWN;
    int rc = db_query(x->l->db, gave, &run, 1, &c, err);
    while (!rc && (rc = db_next(c, &row, err)) > 0) {
        struct draft *d = lab_change(a, &(struct record){.reg = tubes, .id = row[0].i});
        rc = d && arena_room(a, &drafts, &cap, n + 1, sizeof *drafts) ? 0 : error_memory(err);
        if (!rc) drafts[n++] = d;
    }
    db_cursor_close(c);
    for (size_t i = 0; rc >= 0 && i < n; i++) {
        struct value params[] = {value_int(drafts[i]->id), run}, outcome = value_str("pending"), at = value_null();
        rc = db_query(x->l->db, others, params, 2, &c, err);
        if (!rc && (rc = db_next(c, &row, err)) > 0) rc = value_copy(a, row[0], &outcome) ? 0 : error_memory(err), at = row[1];
        db_cursor_close(c);
        draft_put(drafts[i], "result", outcome, NULL);
        draft_put(drafts[i], "result_at", at, NULL);
        drafts[i]->back = at.kind == VALUE_NULL;
        if (drafts[i]->back) drafts[i]->state = TEXT("received");
    }
    return rc < 0 || !n ? rc : lab_apply(x->l, x->s, drafts, n, err);
}

/* Controls judge the run before any tube is looked at. */
static int run_judge(struct results *x, struct error *err) {
    struct lab_report *r = x->r;
    if (text_is(x->run.state, "failed")) return error_set(err, E_REFUSED, "run", "this run has failed: its tubes go on another plate / 该批次质控失败,须另行上机");
    if (value_given(record_cell(&x->run, "reviewed_at"))) return error_set(err, E_REFUSED, "run", "this run was released already / 该批次已审核发布");
    r->failed = plate_controls(x->p, &x->rules, &r->controls) < 0;
    struct draft *d = lab_change(&r->arena, &x->run);
    if (!d) return error_memory(err);
    bool negative = r->failed && strstr(r->controls.message, "negative"), positive = r->failed && !negative;
    d->state = r->failed ? TEXT("failed") : TEXT("valid");
    draft_put(d, "negative_control", value_text(negative ? TEXT("fail") : TEXT("pass")), NULL);
    draft_put(d, "positive_control", value_text(positive ? TEXT("fail") : TEXT("pass")), NULL);
    draft_put(d, "finished_at", value_int(x->in->resulted_at), NULL);
    struct text before = record_text(&x->run, "operator");
    if (!before.n) draft_put(d, "operator", value_text(x->s->account), NULL);
    else if (!lab_entered(before, x->s->account)) { /* none of them releases it */
        const char *all = arena_printf(&r->arena, "%.*s; %.*s", (int)before.n, before.s, (int)x->s->account.n, x->s->account.s);
        if (!all) return error_memory(err);
        draft_put(d, "operator", value_text(text_of(all)), NULL);
    }
    int rc = controls_note(x, d, err);
    if (!rc) rc = lab_apply(x->l, x->s, &d, 1, err);
    return rc < 0 || !r->failed || x->made ? rc : results_withdrawn(x, err);
}

/* What an earlier file said of the tube in this run. */
static int told_before(struct results *x, struct entry_of *e, const struct record *tube, const struct plate_well *w, bool *ret, struct error *err) {
    struct arena *a = &x->r->arena;
    struct record old;
    *ret = false;
    if (x->made) return 0;
    struct value *cells = arena_alloc(a, (x->results->n_fields + 1) * sizeof *cells);
    if (!cells) return error_memory(err);
    cells[register_field(x->results, TEXT("tube"))] = value_int(tube->id);
    cells[register_field(x->results, TEXT("lab_run"))] = value_int(x->run.id);
    int rc = record_by_key(x->l, x->l->db, x->s, x->results, cells, a, &old, err);
    if (rc <= 0) return rc;
    *ret = true;
    bool same = text_is(record_text(&old, "outcome"), plate_calls[e->call]);
    for (int t = 0; t < PLATE_TARGETS; t++) same = same && record_int(&old, ct_fields[t], CT_NEVER) == (w->ct[t] >= 0 ? w->ct[t] : CT_NEVER);
    if (same) e->line->outcome = LAB_AGAIN;
    else lab_refuse(e->line, E_CONFLICT, "tube", "this run gave it another result before / 本批次对该管已有不同结果");
    return 0;
}

/* Why this tube has no result here; NULL: it may have one. */
static const char *unfit(const struct results *x, const struct record *t) {
    struct value lab = record_cell(t, "laboratory");
    if (text_is(t->state, "spoiled")) return "this tube was spoiled / 该管已作废";
    if (!value_given(record_cell(t, "received_at"))) return "this tube was never received / 该管从未接收";
    if (lab.kind == VALUE_INT && lab.i != record_int(&x->run, "laboratory", 0)) return "this tube was received by another laboratory / 该管由另一实验室接收";
    if (record_int(t, "received_at", 0) > x->in->resulted_at) return "its result would be before it was received / 结果时间早于接收时间";
    if (record_int(t, "opened_at", 0) > x->in->resulted_at) return "its result would be before it was sampled / 结果时间早于采样时间";
    return NULL;
}

static int drafts_make(struct results *x, struct entry_of *e, const struct record *tube, const struct plate_well *w, struct error *err) {
    struct arena *a = &x->r->arena;
    struct draft *d = e->result = draft_new(a, x->results, DRAFT_CREATE);
    if (!d) return error_memory(err);
    d->by_desk = true;
    draft_put(d, "tube", value_int(tube->id), NULL);
    draft_put(d, "lab_run", value_int(x->run.id), NULL);
    if (w->well[0]) draft_put(d, "well", value_text(text_of(w->well)), NULL);
    draft_put(d, "outcome", value_text(text_of(plate_calls[e->call])), NULL);
    draft_put(d, "resulted_at", value_int(x->in->resulted_at), NULL);
    for (int t = 0; t < PLATE_TARGETS; t++)
        if (w->ct[t] >= 0) draft_put(d, ct_fields[t], value_int(w->ct[t]), NULL);
    if (record_int(tube, "result_at", INT64_MIN) > x->in->resulted_at) return 0; /* a later run was told before this one: it has the last word */
    if (!(e->tube = lab_change(a, tube))) return error_memory(err);
    draft_put(e->tube, "result", value_text(text_of(plate_calls[e->call])), NULL);
    draft_put(e->tube, "result_at", value_int(x->in->resulted_at), NULL);
    if (text_is(tube->state, "received")) e->tube->state = TEXT("tested");
    return 0;
}

/* The same tube in two wells: the same call is one result, two calls are none. */
static bool met(struct results *x, struct entry_of *e) {
    for (size_t i = 0; i < x->n; i++) {
        struct entry_of *other = &x->list[i];
        if (!text_eq(other->line->tube, e->line->tube)) continue;
        if (other->call == e->call && other->line->outcome != LAB_REFUSED) {
            e->line->outcome = LAB_AGAIN;
            return true;
        }
        static const char *const why = "two wells of this plate disagree about it / 本板两孔对该管结果不一致";
        lab_refuse(e->line, E_CONFLICT, "tube", why);
        if (other->line->outcome != LAB_REFUSED) lab_refuse(other->line, E_CONFLICT, "tube", why);
        other->result = other->tube = NULL;
        return true;
    }
    return false;
}

static int well_take(struct results *x, const struct plate_well *w, struct error *err) {
    struct lab_report *r = x->r;
    struct record tube;
    struct entry_of *e = &x->list[x->n];
    bool before = false;
    *e = (struct entry_of){.line = lab_line(r, w->tube, w->line, err), .call = plate_judge(&x->rules, w->ct)};
    if (!e->line) return E_MEMORY;
    e->line->call = plate_calls[e->call];
    bool twice = met(x, e);
    x->n++;
    if (twice) return 0;
    int rc = lab_tube(x->l, x->s, w->tube, &r->arena, &tube, err);
    if (rc < 0) return rc;
    if (!rc) return lab_refuse(e->line, E_UNKNOWN, "tube", "there is no tube with this bar code / 没有该管码的采样管"), 0;
    e->line->record = tube.id;
    const char *why = unfit(x, &tube);
    if (why) return lab_refuse(e->line, E_REFUSED, "tube", why), 0;
    rc = told_before(x, e, &tube, w, &before, err);
    if (rc < 0 || before) return rc;
    if (value_given(record_cell(&tube, "released_at"))) {
        bool same = text_is(record_text(&tube, "result"), plate_calls[e->call]);
        return lab_refuse(e->line, E_CONFLICT, "tube", same ? "its result was released already / 该管结果已发布" : "another result of it was released: correct it with a reason / 该管已发布不同结果,须以更正办理并说明理由"), 0;
    }
    return drafts_make(x, e, &tube, w, err);
}

static int take(struct results *x, struct error *err) {
    struct lab_report *r = x->r;
    size_t n = x->p->n_wells + x->p->n_refused;
    r->lines = arena_alloc(&r->arena, (n + 1) * sizeof *r->lines);
    x->list = arena_alloc(&r->arena, (n + 1) * sizeof *x->list);
    struct draft **drafts = arena_alloc(&r->arena, (2 * n + 1) * sizeof *drafts);
    if (!r->lines || !x->list || !drafts) return error_memory(err);
    int rc = run_find(x, err);
    if (rc < 0) return rc;
    r->record = x->run.id;
    rc = run_judge(x, err);
    if (rc < 0 || r->failed) return rc;
    for (size_t i = 0; i < x->p->n_refused; i++) {
        struct lab_line *bad = lab_line(r, x->p->refused[i].tube, x->p->refused[i].line, err);
        if (!bad) return E_MEMORY;
        lab_refuse(bad, x->p->refused[i].why.code, x->p->refused[i].why.where, x->p->refused[i].why.message);
    }
    for (size_t i = 0; i < x->p->n_wells; i++) {
        const struct plate_well *w = &x->p->wells[i];
        if (w->role == PLATE_SAMPLE && !w->refused && (rc = well_take(x, w, err)) < 0) return rc;
    }
    size_t k = 0;
    for (size_t i = 0; i < x->n; i++)
        for (int j = 0; j < 2; j++) {
            struct draft *d = j ? x->list[i].tube : x->list[i].result;
            if (d) drafts[k++] = d;
        }
    rc = record_apply(x->l, x->s, drafts, k, err);
    for (size_t i = 0; !rc && i < x->n; i++) {
        struct entry_of *e = &x->list[i];
        const struct draft *bad = !e->result ? NULL : e->result->outcome == OUTCOME_REJECTED ? e->result : e->tube && e->tube->outcome == OUTCOME_REJECTED ? e->tube : NULL;
        /* half a result would be none: the whole file comes again */
        if (bad) rc = error_set(err, bad->error.code, e->line->tube.s, "%s", bad->error.message);
        if (e->result) r->calls[e->call]++;
    }
    return rc;
}

int lab_results(struct ledger *l, const struct session *s, const struct lab_run *in, struct plate *p, struct lab_report *ret, struct error *err) {
    struct results x = {.l = l, .s = s, .in = in, .p = p, .r = ret};
    *ret = (struct lab_report){0};
    if (in->resulted_at > s->now) return error_set(err, E_INVALID, "resulted_at", "results are not of the future / 结果时间不能晚于现在");
    x.runs = lab_register(l, "lab_run", err);
    x.results = x.runs ? lab_register(l, "tube_result", err) : NULL;
    if (!x.results) return E_UNKNOWN;
    x.rules = (struct plate_rules){.positive_most = (int32_t)(100 * lab_parameter(l, s->now, "ct_positive", 40)), .control_most = (int32_t)(100 * lab_parameter(l, s->now, "ct_control", 35)),
                                   .targets_needed = (int)lab_parameter(l, s->now, "ct_targets", 2)};
    int rc = ledger_begin(l, err);
    if (rc < 0) return rc;
    rc = take(&x, err);
    lab_count(ret);
    return ledger_end(l, rc, s->now, err);
}
