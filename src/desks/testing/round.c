#include "desks/testing/round.h"

#include <stdio.h>
#include <string.h>

const char *const round_queue_words[] = {"unknown", "free", "busy", "jammed"};
const char *const round_stage_words[ROUND_STAGES] = {"fill", "ship", "test", "release", "whole"};

static const struct register_decl *may_read(struct ledger *l, const struct session *s, const char *name, struct error *err) {
    const struct register_decl *reg = register_find(l->catalog, text_of(name));
    if (reg && access_anywhere(s, ACCESS_READ, reg)) return reg;
    error_set(err, reg ? E_DENIED : E_UNKNOWN, name, reg ? "this account may not read it / 该账户无权查看" : "there is no such register / 没有该登记册");
    return NULL;
}

static int round_there(struct ledger *l, const struct session *s, int64_t round, struct arena *a, struct error *err) {
    const struct register_decl *reg = may_read(l, s, "round", err);
    struct record r;
    return reg ? record_get(l, l->db, s, reg, round, a, &r, err) : err ? err->code : E_DENIED;
}

static int times_of(struct ledger *l, int64_t round, struct round_figures *f, struct error *err) {
    struct value id = value_int(round);
    struct db_cursor *c = NULL;
    const struct value *v;
    f->starts_at = f->ends_at = INSTANT_NONE;
    int rc = db_query(l->db, "SELECT r.\"starts_at\",COALESCE(r.\"ends_at\",c.\"ends_at\") FROM \"round\" r JOIN \"campaign\" c ON c.\"id\"=r.\"campaign\" WHERE r.\"id\"=?1", &id, 1, &c, err);
    if (!rc && (rc = db_next(c, &v, err)) > 0) f->starts_at = value_int_or(v[0], INSTANT_NONE), f->ends_at = value_int_or(v[1], INSTANT_NONE);
    db_cursor_close(c);
    return rc < 0 ? rc : 0;
}

/* ---- the round */

enum { F_ROUND, F_FROM, F_TO, F_UNTIL, PARAMS };

/* Columns of a tube that the figures are made of; a tube not closed yet has its swabs counted. */
static int tubes_sql(struct ledger *l, const struct session *s, struct text street, struct buf *sql, struct error *err) {
    const struct register_decl *reg = may_read(l, s, "tube", err);
    if (!reg) return err ? err->code : E_DENIED;
    buf_str(sql, "SELECT \"state\",\"opened_at\",\"closed_at\",\"received_at\",\"result_at\",\"released_at\",\"result\",\"verdict\",COALESCE(\"swabs\",(SELECT count(*) FROM \"swab\" w WHERE "
                 "w.\"tube\"=t.\"id\")) FROM \"tube\" t WHERE \"round\"=?1 AND \"opened_at\"<?4 AND ");
    access_sql(s, ACCESS_READ, reg, "t.\"region\"", sql);
    if (street.n) buf_str(sql, " AND t.\"region\">=?2 AND t.\"region\"<?3");
    else buf_str(sql, " AND ?2=?3");
    return sql->failed ? error_memory(err) : 0;
}

/* A stage counts when both its ends are known, and the later one lies before `until`. */
static int stage(struct series *x, struct value from, struct value to, instant until, struct error *err) {
    if (from.kind != VALUE_INT || to.kind != VALUE_INT || to.i >= until || to.i < from.i) return 0;
    return series_add(x, to.i - from.i, err);
}

static int add_tube(struct round_figures *f, struct series x[ROUND_STAGES], const struct value *row, instant now, instant until, struct error *err) {
    int64_t swabs = value_int_or(row[8], 0), at = value_int_or(row[2], value_int_or(row[1], 0));
    struct text state = value_view(row[0]), verdict = value_view(row[7]);
    bool received = row[3].kind == VALUE_INT && row[3].i < until, tested = row[4].kind == VALUE_INT && row[4].i < until, released = row[5].kind == VALUE_INT && row[5].i < until;
    if (!swabs && text_is(state, "open")) return 0; /* opened for one who was refused */
    f->tubes++;
    f->swabs += swabs;
    if (at > now - 3600 && at <= now) f->last_hour += swabs;
    f->tubes_open += text_is(state, "open");
    f->tubes_spoiled += text_is(state, "spoiled");
    f->received += received;
    f->tested += tested;
    f->released += released;
    f->positive_tubes += tested && text_is(value_view(row[6]), "positive");
    if (released && text_is(verdict, "recall")) f->people_recalled += swabs;
    if (released && text_is(verdict, "positive")) f->people_positive += swabs;
    if (released && (text_is(verdict, "positive") || text_is(verdict, "negative"))) f->people_decided += swabs;
    int rc = stage(&x[STAGE_FILL], row[1], row[2], until, err);
    if (!rc) rc = stage(&x[STAGE_SHIP], row[2], row[3], until, err);
    if (!rc) rc = stage(&x[STAGE_TEST], row[3], row[4], until, err);
    if (!rc) rc = stage(&x[STAGE_RELEASE], row[4], row[5], until, err);
    return rc ? rc : stage(&x[STAGE_WHOLE], row[1], row[5], until, err);
}

/* Who was swabbed a second time is counted once: a second turn is rare, and only those are looked at. Counted in the tubes that the session may read, as the swabs are: a number
 * tells the laboratory of no person. */
static int repeated(struct ledger *l, const struct session *s, const struct value *params, struct text street, struct round_figures *f, struct arena *a, struct error *err) {
    const struct register_decl *reg = may_read(l, s, "tube", err);
    struct buf sql = {0};
    struct value n = value_null();
    if (!reg) return err ? err->code : E_DENIED;
    buf_str(&sql, "SELECT count(*) FROM \"swab\" w JOIN \"tube\" t ON t.\"id\"=w.\"tube\" WHERE t.\"round\"=?1 AND t.\"opened_at\"<?4 AND t.\"kind\"='single' AND w.\"turn\">1 AND ");
    access_sql(s, ACCESS_READ, reg, "t.\"region\"", &sql);
    buf_str(&sql, street.n ? " AND t.\"region\">=?2 AND t.\"region\"<?3" : " AND ?2=?3");
    int rc = sql.failed ? error_memory(err) : db_scalar(l->db, a, buf_cstr(&sql), params, PARAMS, &n, err);
    buf_clear(&sql);
    f->people = f->swabs - value_int_or(n, 0);
    return rc;
}

/* What the scope says, else the campaign. */
static int target_of(struct ledger *l, const struct value *params, bool whole, struct arena *a, int64_t *ret, struct error *err) {
    static const char in_scope[] = "SELECT sum(o.\"population\") FROM \"round_scope\" o JOIN \"round\" r ON r.\"campaign\"=o.\"campaign\" WHERE r.\"id\"=?1 AND (o.\"round\" IS NULL OR o.\"round\"=?1) AND "
                                   "o.\"mode\"='include' AND (?4=?4) AND (?2=?3 OR (o.\"area\">=?2 AND o.\"area\"<?3))";
    static const char of_campaign[] = "SELECT c.\"population\" FROM \"campaign\" c JOIN \"round\" r ON r.\"campaign\"=c.\"id\" WHERE r.\"id\"=?1";
    struct value v = value_null();
    int rc = db_scalar(l->db, a, in_scope, params, PARAMS, &v, err);
    if (!rc && v.kind != VALUE_INT && whole) rc = db_scalar(l->db, a, of_campaign, params, 1, &v, err);
    if (!rc) *ret = value_int_or(v, 0);
    return rc;
}

static void subtree(struct text street, char end[REGION_MAX + 2], struct value *from, struct value *to) {
    *from = *to = value_str("");
    if (!street.n || !region_end(street, end)) return;
    *from = value_text(street);
    *to = value_str(end);
}

int round_figures_of(struct ledger *l, const struct session *s, int64_t round, struct text street, instant until, struct round_figures *ret, struct error *err) {
    struct round_figures f = {0};
    struct series x[ROUND_STAGES] = {0};
    struct arena a = {0};
    struct buf sql = {0};
    struct db_cursor *c = NULL;
    const struct value *row = NULL;
    char end[REGION_MAX + 2] = "";
    struct value params[PARAMS] = {value_int(round), value_null(), value_null(), value_int(until == INSTANT_NONE ? INT64_MAX : until)};
    subtree(street, end, &params[F_FROM], &params[F_TO]);
    int rc = round_there(l, s, round, &a, err);
    if (!rc) rc = tubes_sql(l, s, street, &sql, err);
    if (!rc) rc = db_query(l->db, buf_cstr(&sql), params, PARAMS, &c, err);
    while (!rc && (rc = db_next(c, &row, err)) > 0) rc = add_tube(&f, x, row, s->now, params[F_UNTIL].i, err);
    db_cursor_close(c);
    if (!rc) rc = repeated(l, s, params, street, &f, &a, err);
    if (!rc) rc = target_of(l, params, !street.n, &a, &f.target, err);
    if (!rc) rc = times_of(l, round, &f, err);
    for (int k = 0; !rc && k < ROUND_STAGES; k++) {
        series_sort(&x[k]);
        f.stages[k].n = (int64_t)x[k].n;
        if (!x[k].n) continue;
        f.stages[k].p50_s = series_rank(&x[k], 50);
        f.stages[k].p90_s = series_rank(&x[k], 90);
    }
    for (int k = 0; k < ROUND_STAGES; k++) series_clear(&x[k]);
    buf_clear(&sql);
    arena_clear(&a);
    if (!rc) *ret = f;
    return rc;
}

void round_pace(const struct round_figures *f, instant now, double *ret_planned, double *ret_needed) {
    instant from = now > f->starts_at ? now : f->starts_at;
    bool known = f->target > 0 && f->ends_at != INSTANT_NONE;
    int64_t left = f->target > f->people ? f->target - f->people : 0;
    *ret_planned = known && f->ends_at > f->starts_at ? 3600.0 * (double)f->target / (double)(f->ends_at - f->starts_at) : -1;
    *ret_needed = !known ? -1 : !left ? 0 : f->ends_at > from ? 3600.0 * (double)left / (double)(f->ends_at - from) : -1;
}

/* ---- its sites */

enum round_queue round_queue_of(const struct round_site *x, instant now, double *ret_wait_min) {
    *ret_wait_min = 0;
    if (x->reported_at == INSTANT_NONE || x->reported_at < now - 3600) return QUEUE_UNKNOWN;
    *ret_wait_min = x->wait_min >= 0 ? (double)x->wait_min : x->last_hour > 0 ? 60.0 * (double)x->waiting / (double)x->last_hour : 0;
    return *ret_wait_min < 25 ? QUEUE_FREE : *ret_wait_min < 50 ? QUEUE_BUSY : QUEUE_JAMMED;
}

static int queue_of(struct ledger *l, struct round_site *site, struct arena *a, struct error *err) {
    struct value id = value_int(site->site);
    struct db_cursor *c = NULL;
    const struct value *row = NULL;
    (void)a;
    int rc = db_query(l->db, "SELECT \"waiting\",\"wait_minutes\",\"reported_at\" FROM \"queue_report\" WHERE \"site\"=?1 ORDER BY \"site\" DESC,\"reported_at\" DESC LIMIT 1", &id, 1, &c, err);
    if (!rc && (rc = db_next(c, &row, err)) > 0) {
        site->waiting = value_int_or(row[0], -1);
        site->wait_min = value_int_or(row[1], -1);
        site->reported_at = value_int_or(row[2], INSTANT_NONE);
        rc = 0;
    }
    db_cursor_close(c);
    return rc;
}

int round_sites(struct ledger *l, const struct session *s, int64_t round, size_t limit, struct arena *a, struct round_site **ret, size_t *ret_n, struct error *err) {
    const struct register_decl *reg = may_read(l, s, "tube", err), *sites = reg ? may_read(l, s, "site", err) : NULL;
    struct round_site *list = arena_alloc(a, (limit + 1) * sizeof *list);
    struct buf sql = {0};
    struct db_cursor *c = NULL;
    const struct value *row = NULL;
    struct value params[] = {value_int(round), value_int(s->now - 3600), value_int(s->now), value_int((int64_t)limit)};
    size_t n = 0;
    if (!sites) return err ? err->code : E_DENIED;
    int rc = list ? round_there(l, s, round, a, err) : error_memory(err);
    if (rc < 0) return rc;
    buf_str(&sql, "SELECT s.\"id\",s.\"title\",s.\"region\",s.\"point\",s.\"tables\",x.n,x.h,s.\"state\" FROM \"site\" s LEFT JOIN (SELECT t.\"site\" AS site,sum(t.n) AS n,sum(CASE WHEN t.at>?2 AND t.at<=?3 THEN t.n ELSE 0 END) AS h FROM "
                  "(SELECT \"site\",COALESCE(\"swabs\",(SELECT count(*) FROM \"swab\" w WHERE w.\"tube\"=u.\"id\")) AS n,COALESCE(\"closed_at\",\"opened_at\") AS at FROM \"tube\" u WHERE \"round\"=?1 AND ");
    access_sql(s, ACCESS_READ, reg, "u.\"region\"", &sql);
    buf_str(&sql, ") t GROUP BY t.\"site\") x ON x.site=s.\"id\" WHERE x.site IS NOT NULL OR (s.\"state\"='open' AND EXISTS(SELECT 1 FROM \"round\" r WHERE r.\"id\"=?1 AND r.\"state\" IN ('planned','open')) AND ");
    access_sql(s, ACCESS_READ, sites, "s.\"region\"", &sql);
    buf_str(&sql, ") ORDER BY COALESCE(x.n,0) DESC,s.\"id\" LIMIT ?4");
    rc = sql.failed ? error_memory(err) : db_query(l->db, buf_cstr(&sql), params, 4, &c, err);
    while (!rc && n < limit && (rc = db_next(c, &row, err)) > 0) {
        struct round_site *x = &list[n++];
        *x = (struct round_site){.site = row[0].i, .title = arena_text(a, value_view(row[1])), .region = arena_text(a, value_view(row[2])), .point = arena_text(a, value_view(row[3])),
                                 .tables = value_int_or(row[4], 0), .open = text_is(value_view(row[7]), "open"), .swabs = value_int_or(row[5], 0), .last_hour = value_int_or(row[6], 0), .waiting = -1, .wait_min = -1, .reported_at = INSTANT_NONE};
        rc = x->title.s && x->region.s && x->point.s ? 0 : error_memory(err);
    }
    db_cursor_close(c);
    buf_clear(&sql);
    for (size_t i = 0; rc >= 0 && i < n; i++) rc = queue_of(l, &list[i], a, err);
    if (rc < 0) return rc;
    *ret = list;
    *ret_n = n;
    return 0;
}

int round_hours(struct ledger *l, const struct session *s, int64_t round, int64_t site, instant *ret_from, int64_t hours[ROUND_HOURS_MAX], size_t *ret_n, struct error *err) {
    const struct register_decl *reg = may_read(l, s, "tube", err);
    struct buf sql = {0};
    struct arena a = {0};
    struct db_cursor *c = NULL;
    const struct value *row = NULL;
    struct value params[] = {value_int(round), value_int(site)};
    instant from = INSTANT_NONE;
    size_t n = 0;
    if (!reg) return err ? err->code : E_DENIED;
    int rc = round_there(l, s, round, &a, err);
    buf_str(&sql, "SELECT h,sum(n) FROM (SELECT COALESCE(\"closed_at\",\"opened_at\")/3600 AS h,COALESCE(\"swabs\",(SELECT count(*) FROM \"swab\" w WHERE w.\"tube\"=u.\"id\")) AS n FROM \"tube\" u WHERE "
                  "\"round\"=?1 AND (?2=0 OR \"site\"=?2) AND ");
    access_sql(s, ACCESS_READ, reg, "u.\"region\"", &sql);
    buf_str(&sql, ") x GROUP BY h ORDER BY h");
    memset(hours, 0, ROUND_HOURS_MAX * sizeof *hours);
    if (!rc) rc = sql.failed ? error_memory(err) : db_query(l->db, buf_cstr(&sql), params, 2, &c, err);
    while (!rc && (rc = db_next(c, &row, err)) > 0) {
        int64_t h = value_int_or(row[0], 0);
        if (from == INSTANT_NONE) from = h * 3600;
        rc = 0;
        if (h - from / 3600 >= ROUND_HOURS_MAX) break;
        hours[h - from / 3600] = value_int_or(row[1], 0);
        n = (size_t)(h - from / 3600) + 1;
    }
    db_cursor_close(c);
    buf_clear(&sql);
    arena_clear(&a);
    if (rc < 0) return rc;
    *ret_from = from;
    *ret_n = n;
    return 0;
}
