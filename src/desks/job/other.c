/* The other long jobs: what a plan would change and changing it, the proof of the journal and of the records. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "desks/job/inside.h"
#include "desks/bulletin/bulletin.h"
#include "desks/export/export.h"
#include "desks/plan.h"
#include "ledger/proof.h"

enum { CHANGES_SHOWN = 500 };

/* ---- policies */

static const char *const effects[PLAN_EFFECTS] = {[PLAN_GAIN] = "gain", [PLAN_LOSE] = "lose", [PLAN_SOONER] = "sooner", [PLAN_LATER] = "later"};

static json_t *diff_json(const struct plan_diff *d, json_t *changes) {
    json_t *rules = json_array(), *total = json_object();
    for (size_t i = 0; i < d->n; i++) {
        json_t *one = json_pack("{s:s#}", "rule", d->rules[i].rule.s, (int)d->rules[i].rule.n);
        for (int e = 0; e < PLAN_EFFECTS; e++) json_object_set_new(one, effects[e], json_integer(d->rules[i].n[e]));
        json_array_append_new(rules, one);
    }
    for (int e = 0; e < PLAN_EFFECTS; e++) json_object_set_new(total, effects[e], json_integer(d->total[e]));
    json_t *o = json_pack("{s:I, s:o, s:o}", "records", (json_int_t)d->records, "total", total, "rules", rules);
    if (changes) json_object_set(o, "changes", changes);
    return o;
}

struct comparing {
    struct job_run *x;
    json_t *changes;
    struct error *err;
};

static int change_visit(const struct plan_change *c, void *arg) {
    struct comparing *k = arg;
    k->x->job->rows++;
    int rc = job_going(k->x, k->err);
    if (rc < 0 || json_array_size(k->changes) >= CHANGES_SHOWN) return rc;
    json_t *o = json_pack("{s:s, s:s, s:I, s:s#, s:s#, s:s#}", "effect", effects[c->effect], "register", c->reg->name.s, "id", (json_int_t)c->record, "number", c->number.s ? c->number.s : "",
                          (int)c->number.n, "region", c->region.s ? c->region.s : "", (int)c->region.n, "rule", c->rule.s, (int)c->rule.n);
    char words[INSTANT_TEXT];
    if (c->old_due != INSTANT_NONE) {
        instant_format(c->old_due, k->x->l->zone_s, words);
        json_object_set_new(o, "old_due", json_string(words));
    }
    if (c->new_due != INSTANT_NONE) {
        instant_format(c->new_due, k->x->l->zone_s, words);
        json_object_set_new(o, "new_due", json_string(words));
    }
    json_array_append_new(k->changes, o);
    return 0;
}

static int region_of(const struct job_run *x, char out[REGION_MAX + 1], struct error *err) {
    struct text t = job_param(x, "region");
    snprintf(out, REGION_MAX + 1, "%.*s", (int)x->l->region.n, x->l->region.s);
    if (t.n && !region_canonical(t, out)) return error_set(err, E_INVALID, "region", "no region code / 不是行政区划代码");
    return 0;
}

/* No path can be made of it. */
static int pack_name(const struct job_run *x, struct text *ret, struct error *err) {
    struct text t = job_param(x, "policy");
    bool plain = t.n > 0 && t.n <= 80;
    for (size_t i = 0; i < t.n && plain; i++) plain = (t.s[i] >= 'a' && t.s[i] <= 'z') || (t.s[i] >= '0' && t.s[i] <= '9') || t.s[i] == '-';
    if (!plain) return error_set(err, E_UNKNOWN, "policy", "there is no such policy / 没有该方案");
    *ret = t;
    return 0;
}

/* What is compared lies in the asker's own region: nobody learns of duties elsewhere. */
static int in_scope(const struct job_run *x, struct text region, struct error *err) {
    for (size_t i = 0; i < x->s.n_grants && access_within_limit(&x->s, ACCESS_READ, NULL); i++)
        if (x->s.grants[i].role.n && !text_is(x->s.grants[i].role, "guest") && region_within(region, x->s.grants[i].region)) return 0;
    return error_set(err, E_DENIED, "region", "this region is not among the account's own / 该区划不在本账户辖区内");
}

static int diff(struct job_run *x, struct error *err) {
    char dir[JOB_PATH_BYTES], region[REGION_MAX + 1];
    struct policy *p = NULL;
    struct text pack = {"", 0};
    struct plan_diff d = {0};
    struct db *db = NULL;
    struct comparing k = {.x = x, .changes = json_array(), .err = err};
    snprintf(dir, sizeof dir, "%s/policies", x->l->home);
    int rc = k.changes ? region_of(x, region, err) : error_memory(err);
    if (rc == 0) rc = in_scope(x, text_of(region), err);
    if (rc == 0) rc = pack_name(x, &pack, err);
    if (rc == 0) rc = policy_load(x->l->catalog, dir, pack, x->l->zone_s, &p, err);
    if (rc == 0) rc = ledger_reader(x->l, &db, err); /* beside the writers, not among them */
    if (rc == 0) rc = ledger_refresh(x->l, err);
    if (rc == 0) rc = plan_compare(x->l, db, &x->s, p, text_of(region), change_visit, &k, &d, err);
    if (rc == 0) rc = job_result(x, "diff", diff_json(&d, k.changes), err);
    plan_diff_clear(&d);
    policy_free(p);
    db_close(db);
    json_decref(k.changes);
    return rc;
}

static int adopt(struct job_run *x, struct error *err) {
    char region[REGION_MAX + 1];
    struct text from = job_param(x, "from");
    struct plan_adoption a = {.reason = job_param(x, "reason"), .approver = job_param(x, "approver"), .from = day_of_instant(x->s.now, x->l->zone_s)};
    struct plan_diff d = {0};
    int64_t id = 0;
    int rc = region_of(x, region, err);
    if (rc == 0) rc = pack_name(x, &a.pack, err);
    a.region = text_of(region);
    if (rc == 0 && from.n && !day_parse(from, &a.from)) rc = error_set(err, E_INVALID, "from", "no date / 不是日期");
    if (rc == 0 && !text_trim(a.reason).n) rc = error_set(err, E_INVALID, "reason", "adopting a plan needs a reason / 采用方案须说明理由");
    if (rc == 0) rc = plan_adopt(x->l, &x->s, &a, &id, &d, err);
    if (rc == 0) {
        json_t *o = diff_json(&d, NULL);
        json_object_set_new(o, "adoption", json_integer(id));
        rc = job_result(x, "adopt", o, err);
    }
    plan_diff_clear(&d);
    return rc;
}

/* ---- reports of a day */

static int query_of(const struct job_run *x, char region[REGION_MAX + 1], struct bulletin_query *q, struct error *err) {
    struct text t = job_param(x, "region");
    *region = 0;
    if (t.n && !region_canonical(t, region)) return error_set(err, E_INVALID, "region", "no region code / 不是行政区划代码");
    *q = (struct bulletin_query){.region = text_of(region), .disease = job_param(x, "disease"), .as_of = x->s.now};
    return day_parse(job_param(x, "day"), &q->day) ? 0 : error_set(err, E_INVALID, "day", "no date / 不是日期");
}

static int report_draft(struct job_run *x, struct error *err) {
    char region[REGION_MAX + 1];
    struct bulletin_query q;
    struct bulletin b;
    struct buf json = {0};
    struct db *db = NULL;
    bulletin_init(&b);
    int rc = query_of(x, region, &q, err);
    if (rc == 0) rc = ledger_reader(x->l, &db, err);
    if (rc == 0) rc = bulletin_compute(x->l, db, &x->s, &q, &b, err);
    if (rc == 0) rc = bulletin_write_json(&b, false, &json, err);
    json_t *figures = rc == 0 ? json_loadb(json.s, json.n, 0, NULL) : NULL;
    if (rc == 0 && !figures) rc = error_memory(err);
    if (rc == 0) rc = job_result(x, "draft", json_pack("{s:o}", "figures", figures), err);
    buf_clear(&json);
    bulletin_clear(&b);
    db_close(db);
    return rc;
}

static int report_freeze(struct job_run *x, struct error *err) {
    char region[REGION_MAX + 1];
    struct bulletin_query q;
    int64_t id = 0;
    int rc = query_of(x, region, &q, err);
    if (rc == 0) rc = bulletin_freeze(x->l, &x->s, &q, &id, err);
    return rc < 0 ? rc : job_result(x, "freeze", json_pack("{s:I}", "report", (json_int_t)id), err);
}

/* ---- exports to a file: workbooks, and what is fetched later */

static int export_run(struct job_run *x, struct error *err) {
    static const struct {
        const char *name, *ending;
        enum export_format format;
    } forms[] = {{"csv", "csv", EXPORT_CSV}, {"xlsx", "xlsx", EXPORT_XLSX}, {"json", "json", EXPORT_JSON}, {"linelist", "csv", EXPORT_LINELIST}};
    struct text name = job_param(x, "register"), format = job_param(x, "format"), region = job_param(x, "region"), where = job_param(x, "where"), columns = job_param(x, "columns");
    const struct register_decl *reg = register_find(x->l->catalog, name);
    struct export_options o = {.where = where.n ? where.s : NULL, .columns = columns.n ? columns.s : NULL, .titles = text_is(job_param(x, "titles"), "true"), .zh = x->s.zh,
                               .open = text_is(job_param(x, "open"), "true")};
    char path[JOB_PATH_BYTES], code[REGION_MAX + 1] = "", file[256];
    struct db *db = NULL;
    int64_t rows = 0;
    size_t f = 0;
    while (f < sizeof forms / sizeof *forms && !text_is(format, forms[f].name)) f++;
    if (!reg) return error_set(err, E_UNKNOWN, "register", "there is no such register / 没有该登记册");
    if (f == sizeof forms / sizeof *forms) return error_set(err, E_USAGE, "format", "csv, xlsx, json or linelist / 应为 csv、xlsx、json 或 linelist");
    if (region.n && !region_canonical(region, code)) return error_set(err, E_INVALID, "region", "no region code / 不是行政区划代码");
    if (!access_anywhere(&x->s, ACCESS_READ, reg)) return error_set(err, E_DENIED, "register", "no role of this account may read it / 该账户的角色无权查看该登记册");
    o.format = forms[f].format;
    o.region = text_of(code);
    job_path(x->jobs, x->job->id, "result", path);
    int rc = ledger_refresh(x->l, err);
    if (rc == 0) rc = ledger_reader(x->l, &db, err);
    if (rc == 0) rc = export_records(x->l, db, &x->s, reg, &o, path, &rows, err);
    db_close(db);
    if (rc < 0) return rc;
    chmod(path, 0600);
    snprintf(file, sizeof file, "%.*s.%s", (int)name.n, name.s, forms[f].ending);
    x->job->rows = rows;
    return job_result(x, "result", json_pack("{s:s, s:I}", "file", file, "rows", (json_int_t)rows), err);
}

/* ---- the journal */

struct verifying {
    struct job_run *x;
    struct error *err;
    int64_t entries; /* of the journal, which was read first */
};

static int verified(int64_t entries, void *arg) {
    struct verifying *k = arg;
    k->x->job->done = k->x->job->rows = entries;
    return job_going(k->x, k->err);
}

static int held_against(int64_t read, void *arg) {
    struct verifying *k = arg;
    k->x->job->done = k->entries + read;
    return job_going(k->x, k->err);
}

static json_t *findings(const struct job_run *x, const struct proof_report *r) {
    json_t *list = json_array();
    for (size_t i = 0; i < r->n; i++) {
        const struct proof_finding *f = &r->list[i];
        char both[PROOF_WORDS], what[PROOF_WORDS];
        proof_words(f, both, sizeof both);
        error_words(E_CORRUPT, both, x->s.zh, what, sizeof what);
        json_array_append_new(list, json_pack("{s:s, s:I, s:s%, s:s, s:s}", "register", f->reg->name.s, "id", (json_int_t)f->id, "number", f->number.n ? f->number.s : "", f->number.n, "field", f->field,
                                              "what", what));
    }
    return json_pack("{s:b, s:I, s:o, s:b}", "whole", r->n == 0, "rows", (json_int_t)r->rows, "findings", list, "more", r->more);
}

static int verify(struct job_run *x, struct error *err) {
    struct journal_verdict v = {0};
    struct proof_report r = {0};
    bool records = text_is(job_param(x, "records"), "true");
    struct verifying k = {x, err, 0};
    struct db *db = NULL;
    char head[2 * DIGEST_BYTES + 1];
    int rc = 0;
    bool may = false;
    for (size_t i = 0; i < x->s.n_grants; i++)
        may = may || (access_within_limit(&x->s, ACCESS_WATCH, NULL) && access_grants(&x->s.grants[i], ACCESS_WATCH, NULL) && region_within(x->l->region, x->s.grants[i].region));
    if (!may) return error_set(err, E_DENIED, "journal", "reading the journal needs the role auditor over the node / 核验流水须有全域审计角色");
    rc = ledger_reader(x->l, &db, err);
    if (rc == 0) rc = journal_verify(db, x->l->journal.keys.public_key, true, verified, &k, &v, err);
    k.entries = v.entries;
    records = records && !v.bad_seq;
    if (rc == 0 && records) rc = proof_records(x->l, db, held_against, &k, &r, err);
    if (rc == 0) {
        hex_of(v.head, sizeof v.head, head);
        rc = job_result(x, "verify", json_pack("{s:b, s:I, s:I, s:I, s:s, s:s, s:o*}", "whole", v.bad_seq == 0 && !r.n, "entries", (json_int_t)v.entries, "blocks",
                                               (json_int_t)v.blocks, "bad_entry", (json_int_t)v.bad_seq, "what", v.what, "head", head, "records", records ? findings(x, &r) : NULL), err);
    }
    proof_clear(&r);
    db_close(db);
    return rc;
}

const struct job_step job_other_steps[] = {{"policy", "diff", diff, true}, {"policy", "adopt", adopt, false}, {"report", "draft", report_draft, true},
                                           {"report", "freeze", report_freeze, false}, {"export", "run", export_run, true}, {"audit", "verify", verify, true}, {0}};
