#include "desks/testing/round.h"

#include <stdio.h>
#include <string.h>

#include "ledger/count.h"

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

enum { F_ROUND, F_FROM, F_TO, F_UNTIL, F_HOUR, PARAMS, SLOT_S = 600 /* of swab_count */ };

/* The counters of a register (ledger/count.h) for the round, the subtree and the time; columns: what, word, span, n, of the last hour. Counted where the session may read tubes, the
 * swabs too: a number tells the laboratory of no person. */
static int counters_sql(struct ledger *l, const struct session *s, const char *table, bool subtree, struct buf *sql, struct error *err) {
    const struct register_decl *reg = may_read(l, s, "tube", err);
    if (!reg) return err ? err->code : E_DENIED;
    /* of the slot that the hour begins in, the part within it */
    buf_printf(sql, "SELECT what,word,span,sum(n),sum(CASE WHEN slot>=?5 THEN n WHEN slot>?5-%d THEN n*(slot+%d-?5)/%d ELSE 0 END) FROM \"%s\" c WHERE within=?1 AND slot<?4 AND ", SLOT_S, SLOT_S, SLOT_S, table);
    access_sql(s, ACCESS_READ, reg, "c.region", sql);
    buf_str(sql, subtree ? " AND region>=?2 AND region<?3" : " AND ?2=?3");
    buf_str(sql, " GROUP BY what,word,span HAVING sum(n)<>0 ORDER BY what,span");
    return sql->failed ? error_memory(err) : 0;
}

/* Tubes opened for one who was then refused, and nobody since. */
static int opened_for_nobody(struct ledger *l, const struct session *s, const struct value *params, bool subtree, struct round_figures *f, struct arena *a, struct error *err) {
    const struct register_decl *reg = may_read(l, s, "tube", err);
    struct buf sql = {0};
    struct value n = value_null();
    if (!reg) return err ? err->code : E_DENIED;
    buf_str(&sql, "SELECT count(*) FROM \"tube\" u WHERE u.\"round\"=?1 AND u.\"state\" IN ('open') AND u.\"opened_at\"<?4 AND NOT EXISTS(SELECT 1 FROM \"swab\" w WHERE w.\"tube\"=u.\"id\") AND ");
    access_sql(s, ACCESS_READ, reg, "u.\"region\"", &sql);
    buf_str(&sql, subtree ? " AND u.\"region\">=?2 AND u.\"region\"<?3" : " AND ?2=?3");
    int rc = sql.failed ? error_memory(err) : db_scalar(l->db, a, buf_cstr(&sql), params, F_UNTIL + 1, &n, err);
    f->tubes -= value_int_or(n, 0);
    f->tubes_open -= value_int_or(n, 0);
    buf_clear(&sql);
    return rc;
}

static void add_tubes(struct round_figures *f, struct text what, struct text word, int64_t n) {
    if (text_is(what, "opened")) {
        f->tubes += n;
        f->tubes_open += text_is(word, "open") ? n : 0;
        f->tubes_spoiled += text_is(word, "spoiled") ? n : 0;
    }
    f->received += text_is(what, "received") ? n : 0;
    f->released += text_is(what, "released") ? n : 0;
    f->tested += text_is(what, "tested") ? n : 0;
    f->positive_tubes += text_is(what, "tested") && text_is(word, "positive") ? n : 0;
}

static void add_swabs(struct round_figures *f, struct text what, struct text word, int64_t n, int64_t last_hour) {
    bool positive = text_is(word, "positive");
    if (text_is(what, "swabbed")) {
        f->swabs += n;
        f->last_hour += last_hour;
        f->people += text_is(word, "1") ? n : 0; /* who was swabbed again is counted once */
    }
    if (!text_is(what, "told")) return;
    f->people_recalled += text_is(word, "recall") ? n : 0;
    f->people_positive += positive ? n : 0;
    f->people_decided += positive || text_is(word, "negative") ? n : 0;
}

/* Steps of a stage in rising order, and how many in each: nearest rank in them. */
struct steps {
    struct { int64_t span, n; } *list;
    size_t n, cap;
};

static int64_t step_rank(const struct steps *x, int64_t all, int percent) {
    int64_t rank = (all * percent + 99) / 100;
    size_t i = 0;
    while (i + 1 < x->n && (rank -= x->list[i].n) > 0) i++;
    return count_span_middle(x->list[i].span);
}

static int add_step(struct steps x[ROUND_STAGES], struct text what, int64_t span, int64_t n, struct error *err) {
    for (int k = 0; k < ROUND_STAGES; k++) {
        if (!text_is(what, round_stage_words[k])) continue;
        if (!mem_room(&x[k].list, &x[k].cap, x[k].n + 1, sizeof *x[k].list)) return error_memory(err);
        x[k].list[x[k].n].span = span;
        x[k].list[x[k].n++].n = n;
    }
    return 0;
}

static int add_counters(struct ledger *l, const struct session *s, const struct value *params, bool subtree, struct round_figures *f, struct steps x[ROUND_STAGES], struct error *err) {
    static const char *const tables[] = {"tube_count", "swab_count"};
    int rc = 0;
    for (int k = 0; rc >= 0 && k < 2; k++) {
        struct buf sql = {0};
        struct db_cursor *c = NULL;
        const struct value *v;
        rc = counters_sql(l, s, tables[k], subtree, &sql, err);
        if (!rc) rc = db_query(l->db, buf_cstr(&sql), params, PARAMS, &c, err);
        while (!rc && (rc = db_next(c, &v, err)) > 0) {
            struct text what = value_view(v[0]), word = value_view(v[1]);
            int64_t n = value_int_or(v[3], 0);
            if (k) add_swabs(f, what, word, n, value_int_or(v[4], 0));
            else add_tubes(f, what, word, n);
            rc = k ? 0 : add_step(x, what, value_int_or(v[2], 0), n, err);
        }
        db_cursor_close(c);
        buf_clear(&sql);
    }
    return rc < 0 ? rc : 0;
}

/* What the scope says, else the campaign; of what the session sees: who sees one street has the people of that street, and those of the campaign are not his. */
static int target_of(struct ledger *l, const struct session *s, const struct value *params, bool whole, struct arena *a, int64_t *ret, struct error *err) {
    static const char in_scope[] = "SELECT sum(o.\"population\") FROM \"round_scope\" o JOIN \"round\" r ON r.\"campaign\"=o.\"campaign\" WHERE r.\"id\"=?1 AND (o.\"round\" IS NULL OR o.\"round\"=?1) AND "
                                   "o.\"mode\"='include' AND (?4=?4) AND (?2=?3 OR (o.\"area\">=?2 AND o.\"area\"<?3)) AND ";
    static const char of_campaign[] = "SELECT c.\"population\" FROM \"campaign\" c JOIN \"round\" r ON r.\"campaign\"=c.\"id\" WHERE r.\"id\"=?1";
    const struct register_decl *tube = register_find(l->catalog, TEXT("tube"));
    struct value v = value_null(), region = value_null();
    struct buf sql = {0};
    int rc = db_scalar(l->db, a, "SELECT \"region\" FROM \"round\" WHERE \"id\"=?1", params, 1, &region, err);
    bool all = !rc && tube && access_check(s, ACCESS_READ, tube, value_view(region), NULL) == 0;
    buf_str(&sql, in_scope);
    if (all) buf_str(&sql, "1=1");
    else access_sql(s, ACCESS_READ, tube, "o.\"area\"", &sql);
    if (!rc) rc = sql.failed ? error_memory(err) : db_scalar(l->db, a, buf_cstr(&sql), params, F_UNTIL + 1, &v, err);
    buf_clear(&sql);
    if (!rc && v.kind != VALUE_INT && whole && all) rc = db_scalar(l->db, a, of_campaign, params, 1, &v, err);
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
    struct steps x[ROUND_STAGES] = {0};
    struct arena a = {0};
    char end[REGION_MAX + 2] = "";
    struct value params[PARAMS] = {value_int(round), value_null(), value_null(), value_int(until == INSTANT_NONE ? INT64_MAX : until), value_int(s->now - 3600)};
    subtree(street, end, &params[F_FROM], &params[F_TO]);
    int rc = round_there(l, s, round, &a, err);
    if (!rc) rc = add_counters(l, s, params, street.n > 0, &f, x, err);
    if (!rc) rc = opened_for_nobody(l, s, params, street.n > 0, &f, &a, err);
    if (!rc) rc = target_of(l, s, params, !street.n, &a, &f.target, err);
    if (!rc) rc = times_of(l, round, &f, err);
    for (int k = 0; k < ROUND_STAGES; k++) {
        for (size_t i = 0; i < x[k].n; i++) f.stages[k].n += x[k].list[i].n;
        if (x[k].n) f.stages[k].p50_s = step_rank(&x[k], f.stages[k].n, 50), f.stages[k].p90_s = step_rank(&x[k], f.stages[k].n, 90);
        mem_free(x[k].list);
    }
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

/* Swabs by site and time: of closed tubes as counted beside them, of open ones, few, as they lie in them. Columns: site, at, n; the conditions are over c and u. */
static int by_site_sql(struct ledger *l, const struct session *s, const char *one, struct buf *sql, struct error *err) {
    const struct register_decl *reg = may_read(l, s, "tube", err);
    if (!reg) return err ? err->code : E_DENIED;
    buf_str(sql, "(SELECT CAST(c.word AS BIGINT) AS site,c.slot AS at,c.n AS n FROM \"tube_count\" c WHERE c.within=?1 AND c.what='site' AND c.word<>'' AND ");
    access_sql(s, ACCESS_READ, reg, "c.region", sql);
    buf_printf(sql, "%s%s UNION ALL SELECT u.\"site\",u.\"opened_at\",1 FROM \"tube\" u JOIN \"swab\" w ON w.\"tube\"=u.\"id\" WHERE u.\"round\"=?1 AND u.\"state\" IN ('open') AND ", *one ? " AND c.word=" : "", one);
    access_sql(s, ACCESS_READ, reg, "u.\"region\"", sql);
    buf_printf(sql, "%s%s)", *one ? " AND CAST(u.\"site\" AS TEXT)=" : "", one);
    return sql->failed ? error_memory(err) : 0;
}

enum { S_ID, S_TITLE, S_REGION, S_POINT, S_TABLES, S_SWABS, S_LAST, S_STATE, S_WAITING, S_WAIT_MIN, S_REPORTED };

/* The last report of each site beside what it did. */
static int sites_sql(struct ledger *l, const struct session *s, const struct register_decl *sites, struct buf *sql, struct error *err) {
    buf_str(sql, "SELECT k.*,q.\"waiting\",q.\"wait_minutes\",q.\"reported_at\" FROM (SELECT s.\"id\" AS id,s.\"title\" AS title,s.\"region\" AS region,s.\"point\" AS point,s.\"tables\" AS tables,COALESCE(x.n,0) AS n,x.h AS h,"
                 "s.\"state\" AS state FROM \"site\" s LEFT JOIN (SELECT y.site AS site,sum(y.n) AS n,sum(CASE WHEN y.at>?2 AND y.at<=?3 THEN y.n ELSE 0 END) AS h FROM ");
    int rc = by_site_sql(l, s, "", sql, err);
    buf_str(sql, " y GROUP BY y.site) x ON x.site=s.\"id\" WHERE x.site IS NOT NULL OR (s.\"state\"='open' AND EXISTS(SELECT 1 FROM \"round\" r WHERE r.\"id\"=?1 AND r.\"state\" IN ('planned','open')) AND ");
    access_sql(s, ACCESS_READ, sites, "s.\"region\"", sql);
    buf_str(sql, ") ORDER BY COALESCE(x.n,0) DESC,s.\"id\" LIMIT ?4) k LEFT JOIN \"queue_report\" q ON q.\"id\"=(SELECT z.\"id\" FROM \"queue_report\" z WHERE z.\"site\"=k.id ORDER BY z.\"site\" DESC,"
                 "z.\"reported_at\" DESC LIMIT 1) ORDER BY k.n DESC,k.id");
    return rc ? rc : sql->failed ? error_memory(err) : 0;
}

int round_sites(struct ledger *l, const struct session *s, int64_t round, size_t limit, struct arena *a, struct round_site **ret, size_t *ret_n, struct error *err) {
    const struct register_decl *sites = may_read(l, s, "site", err);
    struct round_site *list = arena_alloc(a, (limit + 1) * sizeof *list);
    struct buf sql = {0};
    struct db_cursor *c = NULL;
    const struct value *row = NULL;
    struct value params[] = {value_int(round), value_int(s->now - 3600), value_int(s->now), value_int((int64_t)limit)};
    size_t n = 0;
    if (!sites) return err ? err->code : E_DENIED;
    int rc = list ? round_there(l, s, round, a, err) : error_memory(err);
    if (!rc) rc = sites_sql(l, s, sites, &sql, err);
    if (!rc) rc = db_query(l->db, buf_cstr(&sql), params, 4, &c, err);
    while (!rc && n < limit && (rc = db_next(c, &row, err)) > 0) {
        struct round_site *x = &list[n++];
        *x = (struct round_site){.site = row[S_ID].i, .title = arena_text(a, value_view(row[S_TITLE])), .region = arena_text(a, value_view(row[S_REGION])), .point = arena_text(a, value_view(row[S_POINT])),
                                 .tables = value_int_or(row[S_TABLES], 0), .open = text_is(value_view(row[S_STATE]), "open"), .swabs = value_int_or(row[S_SWABS], 0), .last_hour = value_int_or(row[S_LAST], 0),
                                 .waiting = value_int_or(row[S_WAITING], -1), .wait_min = value_int_or(row[S_WAIT_MIN], -1), .reported_at = value_int_or(row[S_REPORTED], INSTANT_NONE)};
        rc = x->title.s && x->region.s && x->point.s ? 0 : error_memory(err);
    }
    db_cursor_close(c);
    buf_clear(&sql);
    if (rc < 0) return rc;
    *ret = list;
    *ret_n = n;
    return 0;
}

/* Of all sites by the time of the swab; of one by the time its tube was closed. */
static int hours_sql(struct ledger *l, const struct session *s, bool one, struct buf *sql, struct error *err) {
    const struct register_decl *reg = may_read(l, s, "tube", err);
    int rc = reg ? 0 : err ? err->code : E_DENIED;
    buf_str(sql, "SELECT y.at/3600,sum(y.n) FROM ");
    if (!rc && one) rc = by_site_sql(l, s, "CAST(?2 AS TEXT)", sql, err);
    if (!rc && !one) {
        buf_str(sql, "(SELECT c.slot AS at,c.n AS n FROM \"swab_count\" c WHERE c.within=?1 AND c.what='swabbed' AND ?2=?2 AND ");
        access_sql(s, ACCESS_READ, reg, "c.region", sql);
        buf_str(sql, ")");
    }
    buf_str(sql, " y GROUP BY y.at/3600 HAVING sum(y.n)<>0 ORDER BY 1");
    return rc ? rc : sql->failed ? error_memory(err) : 0;
}

int round_hours(struct ledger *l, const struct session *s, int64_t round, int64_t site, instant *ret_from, int64_t hours[ROUND_HOURS_MAX], size_t *ret_n, struct error *err) {
    struct buf sql = {0};
    struct arena a = {0};
    struct db_cursor *c = NULL;
    const struct value *row = NULL;
    struct value params[] = {value_int(round), value_int(site)};
    instant from = INSTANT_NONE;
    size_t n = 0;
    int rc = round_there(l, s, round, &a, err);
    if (!rc) rc = hours_sql(l, s, site != 0, &sql, err);
    memset(hours, 0, ROUND_HOURS_MAX * sizeof *hours);
    if (!rc) rc = db_query(l->db, buf_cstr(&sql), params, 2, &c, err);
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
