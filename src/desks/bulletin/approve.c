/* desks/bulletin: from figures to a public word. The report is a record of daily_report without an organisation; each step changes its
 * state through record_write, so access, moves, history and journal are those of every record. */
#include <string.h>

#include "desks/bulletin/bulletin.h"
#include "desks/node.h"

enum report_field { RF_ORGANISATION, RF_DAY, RF_WORK, RF_LATEST, RF_FIGURES, RF_AS_OF, RF_SUBMITTED, RF_FIRST, RF_SECOND, RF_FIELDS };
static const char *const report_fields[] = {"organisation", "day", "work", "latest", "figures", "as_of", "submitted_at", "first_approver", "second_approver", NULL};
enum { PART_MAX = 20000 }; /* characters of `work` and `latest` */

struct desk {
    struct ledger *l;
    const struct session *s;
    const struct register_decl *reg;
    int at[RF_FIELDS];
    struct arena a;
};

static int desk_open(struct desk *k, struct ledger *l, const struct session *s, struct error *err) {
    *k = (struct desk){.l = l, .s = s};
    return register_needs(l->catalog, "daily_report", report_fields, k->at, &k->reg, err);
}
/* The region's own report of a day whatever its state: the natural key allows one. */
static int find(struct desk *k, struct db *db, struct text region, day d, int64_t *ret_report, struct error *err) {
    struct value p[] = {value_text(region), value_int(d)}, v = value_null();
    int rc = db_scalar(db ? db : k->l->db, &k->a,
                       "SELECT MAX(\"id\") FROM \"daily_report\" WHERE \"organisation\" IS NULL AND \"region\" = ?1 AND \"day\" = ?2", p, 2,
                       &v, err);
    if (rc < 0) return rc;
    if (v.kind != VALUE_INT) return 0;
    *ret_report = v.i;
    return 1;
}

static int own_report(struct desk *k, struct db *db, int64_t report, struct record *ret, struct error *err) {
    int rc = record_get(k->l, db, k->s, k->reg, report, &k->a, ret, err);
    if (rc < 0) return rc;
    if (value_given(ret->values[k->at[RF_ORGANISATION]]) || !value_given(ret->values[k->at[RF_FIGURES]]))
        return error_set(err, E_USAGE, "daily_report", "record %lld is no frozen report of a region / 不是本地区定稿日报", (long long)report);
    return 0;
}

/* Words of one part of the page (INF-02), for the two text fields of the report. */
static struct text part_text(struct arena *a, const struct document *g, int part) {
    struct buf out = {0};
    size_t characters = 0;
    for (size_t i = 0; i < g->n; i++) {
        const struct document_block *b = &g->blocks[i];
        if (b->part != part || b->kind == BLOCK_TABLE || b->kind == BLOCK_CHART) continue;
        for (size_t pos = 0; pos < b->text.n; characters++) text_codepoint(b->text, &pos);
        if (++characters > PART_MAX) break;
        buf_text(&out, b->text);
        buf_char(&out, '\n');
    }
    struct text kept = arena_text(a, buf_view(&out));
    buf_clear(&out);
    return kept;
}

/* existing: the draft that is frozen again, NULL for a new report. */
static int freeze_draft(const struct desk *k, const struct bulletin *b, const struct record *existing, const struct register_decl *reg, struct arena *a,
                        struct draft **ret, struct error *err) {
    struct draft *d = draft_new(a, reg, existing ? DRAFT_CHANGE : DRAFT_CREATE);
    struct document g = {0};
    struct buf json = {0};
    int rc = d ? bulletin_page(b, NULL, true, &g, err) : error_memory(err);
    if (rc < 0) return rc;
    struct text work = part_text(a, &g, 2), latest = part_text(a, &g, 1), figures = {0};
    document_clear(&g);
    rc = bulletin_write_json(b, false, &json, err);
    if (!rc) figures = arena_text(a, buf_view(&json));
    buf_clear(&json);
    if (rc < 0) return rc;
    d->by_desk = true;
    d->id = existing ? existing->id : 0;
    d->version = existing ? existing->version : 0;
    d->region = arena_text(a, b->region);
    if (!work.s || !latest.s || !figures.s || !d->region.s) return error_memory(err);
    d->state = TEXT("submitted");
    d->values[k->at[RF_DAY]] = value_int(b->day);
    d->values[k->at[RF_WORK]] = value_text(work);
    d->values[k->at[RF_LATEST]] = value_text(latest);
    d->values[k->at[RF_FIGURES]] = value_text(figures);
    d->values[k->at[RF_AS_OF]] = value_int(b->as_of);
    d->values[k->at[RF_SUBMITTED]] = value_int(k->s->now);
    d->values[k->at[RF_FIRST]] = d->values[k->at[RF_SECOND]] = existing ? value_null() : (struct value){0};
    *ret = d;
    return 0;
}

int bulletin_freeze_draft(struct ledger *l, const struct session *s, const struct bulletin_query *q, const struct register_decl *reg, struct arena *a,
                          struct draft **ret, struct error *err) {
    struct desk k;
    struct bulletin b;
    struct record r;
    int64_t existing = 0;
    bulletin_init(&b);
    int rc = desk_open(&k, l, s, err);
    if (!rc && q->disease.n) rc = error_set(err, E_USAGE, "disease", "a report is frozen for all diseases together / 定稿须包括全部病种");
    if (!rc && q->as_of > s->now) rc = error_set(err, E_REFUSED, "as_of", "figures cannot be frozen as of a time to come / 数据截止时间不能晚于现在");
    if (!rc) rc = bulletin_compute(l, NULL, s, q, &b, err);
    if (!rc) rc = access_check(s, ACCESS_WRITE, k.reg, b.region, err);
    if (!rc) rc = find(&k, NULL, b.region, b.day, &existing, err);
    if (rc > 0) {
        rc = record_get(l, NULL, s, k.reg, existing, &k.a, &r, err);
        if (!rc && !text_is(r.state, "draft"))
            rc = error_set(err, E_CONFLICT, "day", "the report of this day is frozen already (state %.*s); only a draft is frozen again / 该日日报已定稿", (int)r.state.n, r.state.s);
    }
    b.state = TEXT("submitted");
    if (!rc) rc = freeze_draft(&k, &b, existing ? &r : NULL, reg, a, ret, err);
    bulletin_clear(&b);
    arena_clear(&k.a);
    return rc;
}

int bulletin_freeze(struct ledger *l, const struct session *s, const struct bulletin_query *q, int64_t *ret_report, struct error *err) {
    struct arena a = {0};
    struct draft *d = NULL;
    int rc = bulletin_freeze_draft(l, s, q, register_find(l->catalog, TEXT("daily_report")), &a, &d, err);
    if (!rc) rc = record_write(l, s, &d, 1, err);
    if (!rc) *ret_report = d->ret_id;
    arena_clear(&a);
    return rc;
}

static bool holds_role(const struct session *s, const char *role, struct text region) {
    for (size_t i = 0; i < s->n_grants; i++)
        if ((text_is(s->grants[i].role, role) || text_is(s->grants[i].role, "root")) && region_within(region, s->grants[i].region)) return true;
    return false;
}

/* Moves the report to a state; field >= 0 receives the account's name. */
static int step(struct desk *k, const struct record *r, const char *state, int field, struct error *err) {
    struct draft *d = draft_new(&k->a, k->reg, DRAFT_CHANGE);
    if (!d) return error_memory(err);
    d->by_desk = true;
    d->id = r->id;
    d->version = r->version; /* two approvers at once: one of them is told to look again */
    d->state = text_of(state);
    if (field >= 0) d->values[field] = value_text(k->s->account);
    return record_write(k->l, k->s, &d, 1, err);
}

int bulletin_approve(struct ledger *l, const struct session *s, int64_t report, struct error *err) {
    struct desk k;
    struct record r;
    int rc = desk_open(&k, l, s, err);
    if (!rc) rc = own_report(&k, NULL, report, &r, err);
    if (!rc && !holds_role(s, "approver", r.region)) rc = error_set(err, E_DENIED, "role", "approving a report needs the role approver / 审批日报须有审批人角色");
    if (!rc && s->account.n == 0) rc = error_set(err, E_DENIED, "account", "an approval needs an account / 审批须实名");
    if (!rc) {
        if (text_is(r.state, "submitted")) rc = step(&k, &r, "approved-first", k.at[RF_FIRST], err);
        else if (text_is(r.state, "approved-first")) {
            if (text_eq(value_view(r.values[k.at[RF_FIRST]]), s->account))
                rc = error_set(err, E_DENIED, "second_approver", "the second approval is another account's / 终审人不能与初审人相同");
            else rc = step(&k, &r, "approved", k.at[RF_SECOND], err);
        } else rc = error_set(err, E_REFUSED, "state", "a report in state %.*s is not waiting for approval / 该日报不在待审状态", (int)r.state.n, r.state.s);
    }
    arena_clear(&k.a);
    return rc;
}

static int move_from(struct ledger *l, const struct session *s, int64_t report, const char *const *from, const char *to, struct error *err) {
    struct desk k;
    struct record r;
    bool may = false;
    int rc = desk_open(&k, l, s, err);
    if (!rc) rc = own_report(&k, NULL, report, &r, err);
    for (size_t i = 0; !rc && from[i]; i++) may = may || text_is(r.state, from[i]);
    if (!rc && !may) rc = error_set(err, E_REFUSED, "state", "a report in state %.*s cannot become %s / 当前状态不允许此操作", (int)r.state.n, r.state.s, to);
    if (!rc) rc = step(&k, &r, to, -1, err);
    arena_clear(&k.a);
    return rc;
}
int bulletin_return(struct ledger *l, const struct session *s, int64_t report, struct error *err) {
    static const char *const from[] = {"submitted", "approved-first", "approved", NULL};
    return move_from(l, s, report, from, "draft", err);
}
int bulletin_withdraw(struct ledger *l, const struct session *s, int64_t report, struct error *err) {
    static const char *const from[] = {"submitted", "published", NULL};
    return move_from(l, s, report, from, "withdrawn", err);
}

int bulletin_find(struct ledger *l, struct db *db, struct text region, day d, int64_t *ret_report, struct error *err) {
    struct desk k;
    char code[REGION_MAX + 1] = "";
    struct text asked = region.n ? region : l->region;
    if (asked.n && !region_canonical(asked, code)) return error_set(err, E_UNKNOWN, "region", "not a region code / 不是行政区划代码");
    int rc = desk_open(&k, l, NULL, err);
    if (!rc) rc = find(&k, db, text_of(code), d, ret_report, err);
    arena_clear(&k.a);
    return rc;
}

static int frozen(struct desk *k, struct db *db, int64_t report, struct bulletin *ret, struct error *err) {
    struct record r;
    int rc = own_report(k, db, report, &r, err);
    if (!rc) rc = bulletin_read_json(value_view(r.values[k->at[RF_FIGURES]]), ret, err);
    if (rc < 0) return rc;
    ret->state = arena_text(&ret->arena, r.state);
    return ret->state.s ? 0 : error_memory(err);
}

int bulletin_frozen(struct ledger *l, struct db *db, const struct session *s, int64_t report, struct bulletin *ret, struct error *err) {
    struct desk k;
    int rc = desk_open(&k, l, s, err);
    if (!rc) rc = frozen(&k, db, report, ret, err);
    arena_clear(&k.a);
    return rc;
}

/* ---- one region's bulletin beside that of the region around it */

/* The report of a region and day that the public has seen: 1, 0 there is none. */
static int seen(struct desk *k, struct db *db, struct text region, day d, int64_t *ret_report, struct error *err) {
    struct value p[] = {value_text(region), value_int(d)}, v = value_null();
    int rc = db_scalar(db ? db : k->l->db, &k->a,
                       "SELECT MAX(\"id\") FROM \"daily_report\" WHERE \"organisation\" IS NULL AND \"region\" = ?1 AND \"day\" = ?2 AND "
                       "(\"state\" = 'published' OR (\"state\" = 'withdrawn' AND \"second_approver\" IS NOT NULL))", p, 2, &v, err);
    if (rc < 0) return rc;
    *ret_report = value_int_or(v, 0);
    return v.kind == VALUE_INT;
}

/* Does a region's own bulletin show what its row in the table of the region around it hides? */
static bool gives_away(const struct bulletin_row *row, const struct bulletin *own) {
    bool any = false;
    for (int j = 0; j < 2; j++) {
        bool hidden = row->fresh_total[j] == FIGURE_HIDDEN;
        if (hidden && own->fresh_class[j] != FIGURE_HIDDEN) return true;
        any = any || hidden;
    }
    return any && own->fresh_total != FIGURE_HIDDEN;
}

/* Of a frozen report what the public sees. What regions inside have told already cannot be hidden here: then the table of regions is left out. */
static int show(struct desk *k, struct db *db, int64_t k_min, struct bulletin *b, struct error *err) {
    bool told = false;
    int rc = bulletin_suppress(b, k_min, err);
    for (size_t i = 0; !rc && !told && i < b->n_regions; i++) {
        const struct bulletin_row *row = &b->regions[i];
        struct bulletin own;
        int64_t id = 0;
        if (row->fresh_total[0] != FIGURE_HIDDEN && row->fresh_total[1] != FIGURE_HIDDEN) continue;
        if ((rc = seen(k, db, row->code, b->day, &id, err)) <= 0) continue;
        bulletin_init(&own);
        rc = frozen(k, db, id, &own, err);
        if (!rc) rc = bulletin_suppress(&own, k_min, err);
        told = !rc && gives_away(row, &own);
        bulletin_clear(&own);
    }
    if (told) b->n_regions = 0;
    return rc;
}

/* Reports of other regions are compared, whatever the asker may see, and nothing of them leaves here. */
static int node_desk(struct desk *k, struct session *node, struct ledger *l, const struct session *s, struct error *err) {
    *node = node_session(TEXT("bulletin"), s->now, s->zh);
    return desk_open(k, l, node, err);
}

/* The bulletin around it is out and hides this region's figures. */
static int hidden_above(struct ledger *l, const struct session *s, int64_t report, struct error *err) {
    struct session node;
    struct bulletin own, around;
    struct desk k;
    struct text up = {0};
    int64_t id = 0;
    bulletin_init(&own);
    bulletin_init(&around);
    int rc = node_desk(&k, &node, l, s, err);
    if (!rc) rc = bulletin_frozen(l, NULL, s, report, &own, err);
    if (!rc) rc = show(&k, NULL, 0, &own, err);
    if (!rc) up = region_parent(own.region);
    if (!rc && up.n) rc = seen(&k, NULL, up, own.day, &id, err);
    if (rc > 0) rc = frozen(&k, NULL, id, &around, err);
    if (!rc && id) rc = show(&k, NULL, 0, &around, err);
    for (size_t i = 0; !rc && i < around.n_regions; i++)
        if (text_eq(around.regions[i].code, own.region) && gives_away(&around.regions[i], &own))
            rc = error_set(err, E_REFUSED, "region", "the bulletin of %.*s is out and hides the figures of this region: beside it this one would give small ones away / %.*s 的通报已对外发布并隐去了本地区数字,再发布本通报会使小数字可被推算", (int)up.n, up.s,
                           (int)up.n, up.s);
    arena_clear(&k.a);
    bulletin_clear(&own);
    bulletin_clear(&around);
    return rc;
}

int bulletin_publish(struct ledger *l, const struct session *s, int64_t report, struct error *err) {
    static const char *const from[] = {"approved", NULL};
    int rc = hidden_above(l, s, report, err);
    return rc < 0 ? rc : move_from(l, s, report, from, "published", err);
}

int bulletin_public(struct ledger *l, struct db *db, const struct session *s, int64_t report, int64_t k_min, struct bulletin *ret, struct error *err) {
    struct session node;
    struct bulletin b;
    struct desk k;
    bulletin_init(&b);
    int rc = node_desk(&k, &node, l, s, err);
    if (!rc) rc = bulletin_frozen(l, db, s, report, &b, err);
    if (!rc && !text_is(b.state, "approved") && !text_is(b.state, "published"))
        rc = error_set(err, E_REFUSED, "state", "nothing is public before both approvals; this report is %.*s / 未经两级审批不得对外发布", (int)b.state.n, b.state.s);
    if (!rc) rc = show(&k, db, k_min, &b, err);
    arena_clear(&k.a);
    if (rc < 0) {
        bulletin_clear(&b);
        return rc;
    }
    bulletin_clear(ret);
    *ret = b;
    return 0;
}

int bulletin_rederive(struct ledger *l, struct db *db, const struct session *s, int64_t report, struct buf *differences, struct error *err) {
    struct bulletin was, is;
    struct buf a = {0}, b = {0};
    bulletin_init(&was);
    bulletin_init(&is);
    int rc = bulletin_frozen(l, db, s, report, &was, err);
    if (!rc) {
        struct bulletin_query q = {.region = was.region, .day = was.day, .as_of = was.as_of};
        rc = bulletin_compute(l, db, s, &q, &is, err);
    }
    if (!rc) {
        /* what is no figure, and the running account of duties */
        is.state = was.state;
        is.region_zh = was.region_zh;
        is.region_en = was.region_en;
        memcpy(&is.duties, &was.duties, sizeof is.duties);
        if (was.day_before.controlled == FIGURE_NONE) is.day_before.controlled = FIGURE_NONE;
        rc = bulletin_write_json(&was, false, &a, err);
        if (!rc) rc = bulletin_write_json(&is, false, &b, err);
        if (!rc) rc = bulletin_compare_json(buf_view(&a), buf_view(&b), differences, err);
    }
    buf_clear(&a);
    buf_clear(&b);
    bulletin_clear(&was);
    bulletin_clear(&is);
    return rc;
}
