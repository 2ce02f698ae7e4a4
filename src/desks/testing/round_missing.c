/* Who of a round is swabbed, who has a reason, who is missing. Of one person: swabbed first, then what the street noted (register untested), then a stay that holds them, else missing.
 * Reasons are those of today, of a round that is over those of its end: who came home since was away in it all the same.
 * Numbers come from the counters that are kept beside the swabs (ledger/tally.h); only those with a reason, who are few, are looked at. */
#include <stdio.h>
#include <string.h>

#include "desks/testing/round.h"

const char *const round_why_words[ROUND_WHYS] = {
#define X(name, word) word,
    ROUND_WHY(X)
#undef X
};

enum { P_ROUND, P_FROM, P_TO, P_TODAY, P_CAMPAIGN, P_COMMUNITY, P_WHY, P_AFTER, P_LIMIT, P_REGION, P_HOME, P_WORK, PARAMS };

/* Of person p, as word; a person swabbed is swabbed, whatever else was noted. %s: the stays y that hold somebody. */
static const char why_format[] =
    "CASE WHEN EXISTS(SELECT 1 FROM \"swab\" w WHERE w.\"person\"=p.\"id\" AND w.\"round\"=?1) THEN 'swabbed' ELSE COALESCE("
    "(SELECT u.\"reason\" FROM \"untested\" u WHERE u.\"person\"=p.\"id\" AND (u.\"round\"=?1 OR (u.\"round\" IS NULL AND u.\"since\"<=?4 AND (u.\"until\" IS NULL OR u.\"until\">=?4))) ORDER BY u.\"id\" DESC LIMIT 1),"
    "CASE WHEN EXISTS(SELECT 1 FROM \"stay\" y WHERE y.\"person\"=p.\"id\" AND %s) THEN 'isolated' END,'missing') END";

/* Who may have a reason. */
static const char reason_format[] = "p.\"id\" IN (SELECT u.\"person\" FROM \"untested\" u WHERE u.\"round\"=?1 OR (u.\"round\" IS NULL AND u.\"since\"<=?4) UNION SELECT y.\"person\" FROM \"stay\" y WHERE %s)";

struct asked {
    struct value params[PARAMS];
    const char *why, *with_reason; /* in the arena */
};

/* A scope row concerns a person: every part it names fits. A zone is a street, a county, or the building or compound of its name where it lies; a rejected one is nobody's. */
static const char scope_row[] = "(o.\"round\" IS NULL OR o.\"round\"=?1) AND (o.\"area\" IS NULL OR substr(p.\"region\",1,length(o.\"area\"))=o.\"area\") AND (o.\"community\" IS NULL OR "
                                "o.\"community\"=p.\"community\") AND (o.\"occupation\" IS NULL OR o.\"occupation\"=p.\"occupation\") AND (o.\"zone\" IS NULL OR EXISTS(SELECT 1 FROM \"zone_proposal\" z WHERE "
                                "z.\"id\"=o.\"zone\" AND z.\"state\"<>'rejected' AND CASE z.\"scope\" WHEN 'county' THEN substr(p.\"region\",1,6)=substr(z.\"region\",1,6) WHEN 'street' THEN "
                                "substr(p.\"region\",1,9)=substr(z.\"region\",1,9) ELSE substr(p.\"region\",1,length(z.\"region\"))=z.\"region\" AND (p.\"community\"=z.\"place_text\" OR "
                                "p.\"community\"=(SELECT l.\"title\" FROM \"place\" l WHERE l.\"id\"=z.\"place\")) END))";

/* Its campaign, and when its reasons are those of: now, or its end. */
static int round_read(struct ledger *l, const struct session *s, int64_t round, struct arena *a, struct asked *ret, struct error *err) {
    static const char held[] = "y.\"kind\" IN ('central','hospital','observation') AND ";
    const struct register_decl *reg = register_find(l->catalog, TEXT("round"));
    struct record r;
    if (!reg) return error_set(err, E_UNKNOWN, "round", "there is no such register / 没有该登记册");
    int rc = record_get(l, l->db, s, reg, round, a, &r, err);
    if (rc < 0) return rc;
    instant at = record_int(&r, "ends_at", INT64_MAX);
    bool over = at <= s->now;
    if (!over) at = s->now;
    const char *stays = over ? arena_printf(a, "%sy.\"started_at\"<%lld AND (y.\"ended_at\">=%lld OR (y.\"ended_at\" IS NULL AND y.\"state\"='active'))", held, (long long)at, (long long)at)
                             : arena_printf(a, "%sy.\"state\"='active'", held);
    ret->params[P_CAMPAIGN] = value_int(record_int(&r, "campaign", 0));
    ret->params[P_TODAY] = value_int(day_of_instant(over ? at - 1 : at, l->zone_s));
    ret->why = stays ? arena_printf(a, why_format, stays) : NULL;
    ret->with_reason = stays ? arena_printf(a, reason_format, stays) : NULL;
    return ret->why && ret->with_reason ? 0 : error_memory(err);
}

/* The tail of a WHERE over p, people or groups of them: those of the subtree within the scope of the campaign (everybody, when it has none). */
static int scope_sql(struct ledger *l, const struct session *s, const struct value *params, struct arena *a, struct buf *sql, struct error *err) {
    const struct register_decl *person = register_find(l->catalog, TEXT("person"));
    struct value n[2] = {value_null(), value_null()};
    static const char count[] = "SELECT count(*) FROM \"round_scope\" WHERE \"campaign\"=?1 AND \"mode\"='%s' AND (\"round\" IS NULL OR \"round\"=?2)";
    const struct value asked[] = {params[P_CAMPAIGN], params[P_ROUND]};
    int rc = 0;
    for (int k = 0; !rc && k < 2; k++) {
        char text[200];
        snprintf(text, sizeof text, count, k ? "exclude" : "include");
        rc = db_scalar(l->db, a, text, asked, 2, &n[k], err);
    }
    if (rc < 0) return rc;
    buf_str(sql, " AND ?4=?4 AND ?5=?5 AND ");
    access_sql(s, ACCESS_READ, person, "p.\"region\"", sql);
    if (params[P_FROM].n) buf_str(sql, " AND p.\"region\">=?2 AND p.\"region\"<?3");
    else buf_str(sql, " AND ?2=?3");
    if (value_int_or(n[0], 0)) buf_printf(sql, " AND EXISTS(SELECT 1 FROM \"round_scope\" o WHERE o.\"campaign\"=?5 AND o.\"mode\"='include' AND %s)", scope_row);
    if (value_int_or(n[1], 0)) buf_printf(sql, " AND NOT EXISTS(SELECT 1 FROM \"round_scope\" o WHERE o.\"campaign\"=?5 AND o.\"mode\"='exclude' AND %s)", scope_row);
    return sql->failed ? error_memory(err) : 0;
}

static int begin(struct ledger *l, const struct session *s, int64_t round, struct text street, char end[REGION_MAX + 2], struct asked *ret, struct arena *a, struct error *err) {
    const struct register_decl *swab = register_find(l->catalog, TEXT("swab")), *person = register_find(l->catalog, TEXT("person"));
    if (!swab || !person || !access_anywhere(s, ACCESS_READ, swab) || !access_anywhere(s, ACCESS_READ, person))
        return error_set(err, E_DENIED, "swab", "this account may not read it / 该账户无权查看");
    for (int i = 0; i < PARAMS; i++) ret->params[i] = value_str("");
    ret->params[P_ROUND] = value_int(round);
    if (street.n && region_end(street, end)) ret->params[P_FROM] = value_text(street), ret->params[P_TO] = value_str(end);
    return round_read(l, s, round, a, ret, err);
}

static enum round_why why_of(struct text word) {
    for (int k = 0; k < ROUND_WHYS; k++)
        if (text_is(word, round_why_words[k])) return (enum round_why)k;
    return WHY_OTHER;
}

/* Three counts of each group, one below the other: who there is, who is swabbed, who of the others has a reason. */
static int coverage_sql(const struct asked *x, bool buildings, struct text scope, struct buf *sql, struct error *err) {
    const char *community = buildings ? "COALESCE(p.\"community\",'')" : "''";
    buf_str(sql, "SELECT x.r,x.c,x.w,sum(x.n) FROM (");
    for (int k = 0; k < 2; k++)
        buf_printf(sql, "SELECT p.\"region\" AS r,%s AS c,'%s' AS w,p.n AS n FROM \"swab_tally\" p WHERE p.within=%s%.*s UNION ALL ", community, k ? "swabbed" : "people", k ? "?1" : "0", (int)scope.n, scope.s);
    buf_printf(sql, "SELECT q.r,q.c,q.w,1 FROM (SELECT p.\"region\" AS r,%s AS c,%s AS w FROM \"person\" p WHERE p.\"merged_into\" IS NULL AND %s%.*s) q WHERE q.w NOT IN ('swabbed','missing')", community,
               x->why, x->with_reason, (int)scope.n, scope.s);
    buf_str(sql, ") x GROUP BY x.r,x.c,x.w HAVING sum(x.n)<>0 ORDER BY x.r,x.c");
    return sql->failed ? error_memory(err) : 0;
}

struct covered {
    struct round_row *list;
    size_t n, cap;
};

static int covered_row(struct covered *of, struct text street, struct text community, struct arena *a, struct error *err) {
    if (of->n && text_eq(of->list[of->n - 1].street, street) && text_eq(of->list[of->n - 1].community, community)) return 0;
    if (!arena_room(a, &of->list, &of->cap, of->n + 1, sizeof *of->list)) return error_memory(err);
    struct round_row *r = &of->list[of->n++];
    *r = (struct round_row){.street = arena_text(a, street), .community = arena_text(a, community)};
    return r->street.s && r->community.s ? 0 : error_memory(err);
}

int round_coverage(struct ledger *l, const struct session *s, int64_t round, struct text street, bool buildings, struct arena *a, struct round_row **ret, size_t *ret_n, struct error *err) {
    struct asked x;
    char end[REGION_MAX + 2] = "";
    struct buf sql = {0}, scope = {0};
    struct db_cursor *c = NULL;
    const struct value *row = NULL;
    struct covered of = {0};
    int rc = begin(l, s, round, street, end, &x, a, err);
    if (!rc) rc = scope_sql(l, s, x.params, a, &scope, err);
    if (!rc) rc = coverage_sql(&x, buildings, buf_view(&scope), &sql, err);
    if (!rc) rc = db_query(l->db, buf_cstr(&sql), x.params, P_COMMUNITY, &c, err);
    while (!rc && (rc = db_next(c, &row, err)) > 0) {
        int64_t n = value_int_or(row[3], 0);
        rc = covered_row(&of, value_view(row[0]), value_view(row[1]), a, err);
        if (rc < 0) break;
        struct round_row *r = &of.list[of.n - 1];
        if (text_is(value_view(row[2]), "people")) r->people += n, r->of[WHY_MISSING] += n;
        else r->of[why_of(value_view(row[2]))] += n, r->of[WHY_MISSING] -= n;
    }
    db_cursor_close(c);
    buf_clear(&sql);
    buf_clear(&scope);
    if (rc < 0) return rc;
    *ret = of.list;
    *ret_n = of.n;
    return 0;
}

/* ---- the people themselves */

struct page {
    struct ledger *l;
    const struct session *s;
    struct asked of;
    struct text scope;        /* condition over p */
    enum round_why why;
    bool one;                 /* of one building only */
    int64_t *ids;
    size_t n, limit;
    char region[REGION_MAX + 1]; /* of the group read last */
    struct buf community;
    char work[80];
};

static int page_query(struct page *x, const char *sql, struct error *err) {
    struct db_cursor *c = NULL;
    const struct value *row = NULL;
    int rc = db_query(x->l->db, sql, x->of.params, PARAMS, &c, err);
    while (!rc && x->n < x->limit && (rc = db_next(c, &row, err)) > 0) x->ids[x->n++] = row[0].i, rc = 0;
    db_cursor_close(c);
    return rc < 0 ? rc : 0;
}

/* Those with a reason, who are few, whole: by id. */
static int page_of_reason(struct page *x, struct error *err) {
    struct buf sql = {0};
    buf_printf(&sql, "SELECT p.\"id\" FROM \"person\" p WHERE p.\"merged_into\" IS NULL AND %s%.*s AND %s AND p.\"id\">?8 AND %s=?7 AND ?10=?11 AND ?11=?12 ORDER BY p.\"id\" LIMIT ?9", x->of.with_reason,
               (int)x->scope.n, x->scope.s, x->one ? "COALESCE(p.\"community\",'')=?6" : "?6=?6", x->of.why);
    x->of.params[P_REGION] = x->of.params[P_HOME] = x->of.params[P_WORK] = value_str("");
    int rc = sql.failed ? error_memory(err) : page_query(x, buf_cstr(&sql), err);
    buf_clear(&sql);
    return rc;
}

/* Of one occupation in one building of one street, by id. Who is swabbed is found in indexes alone; only the others are looked at. */
static int page_of_group(struct page *x, struct error *err) {
    struct buf sql = {0};
    buf_printf(&sql, "SELECT p.\"id\" FROM \"person\" k CROSS JOIN \"person\" p WHERE k.\"id\"<>0 AND k.\"region\"=?10 AND %s AND %s AND k.\"id\">?8 AND %s EXISTS(SELECT 1 FROM \"swab\" v WHERE v.\"person\"=k.\"id\" AND v.\"round\"=?1) AND "
               "p.\"id\"=k.\"id\" AND p.\"merged_into\" IS NULL%.*s AND ?6=?6 AND %s=?7 ORDER BY k.\"id\" LIMIT ?9", x->of.params[P_HOME].n ? "k.\"community\"=?11" : "k.\"community\" IS NULL AND ?11=?11",
               x->of.params[P_WORK].n ? "k.\"occupation\"=?12" : "k.\"occupation\" IS NULL AND ?12=?12", x->why == WHY_SWABBED ? "" : "NOT",
               (int)x->scope.n, x->scope.s, x->of.why);
    int rc = sql.failed ? error_memory(err) : page_query(x, buf_cstr(&sql), err);
    buf_clear(&sql);
    return rc;
}

/* The next group, an occupation in a building, in the order of the codes, in which somebody is to be found by the counters: 1, or 0 at the end. */
static int next_group(struct page *x, bool from_it, struct error *err) {
    static const char swabbed[] = "COALESCE((SELECT sum(z.n) FROM \"swab_tally\" z WHERE z.within=?1 AND z.region=p.region AND z.community=p.community AND z.occupation=p.occupation),0)";
    struct buf sql = {0};
    struct db_cursor *c = NULL;
    const struct value *row = NULL;
    buf_printf(&sql, "SELECT p.\"region\",p.\"community\",p.\"occupation\" FROM \"swab_tally\" p WHERE p.within=0 AND (p.region,p.community,p.occupation)%s(?10,?11,?12)%.*s AND %s AND ?7=?7 AND ?8=?8 AND ?9=?9 AND p.n>%s%s "
               "ORDER BY p.region,p.community,p.occupation LIMIT 1", from_it ? ">=" : ">", (int)x->scope.n, x->scope.s, x->one ? "p.community=?6" : "?6=?6", x->why == WHY_SWABBED ? "0 AND 0<" : "", swabbed);
    int rc = sql.failed ? error_memory(err) : db_query(x->l->db, buf_cstr(&sql), x->of.params, PARAMS, &c, err);
    if (!rc && (rc = db_next(c, &row, err)) > 0) {
        struct text region = value_view(row[0]), work = value_view(row[2]);
        snprintf(x->work, sizeof x->work, "%.*s", (int)work.n, work.s);
        snprintf(x->region, sizeof x->region, "%.*s", (int)region.n, region.s);
        buf_reset(&x->community);
        buf_text(&x->community, value_view(row[1]));
        if (x->community.failed) rc = error_memory(err);
    }
    db_cursor_close(c);
    buf_clear(&sql);
    if (rc <= 0) return rc;
    x->of.params[P_REGION] = value_str(x->region);
    x->of.params[P_HOME] = value_text(buf_view(&x->community));
    x->of.params[P_WORK] = value_str(x->work);
    return 1;
}

/* Where the person lives after whom the page begins: there it goes on. Who is gone or moved is passed over from the start of the page's subtree. */
static int page_begin(struct page *x, struct arena *a, struct error *err) {
    struct value id = x->of.params[P_AFTER];
    struct db_cursor *c = NULL;
    const struct value *row = NULL;
    x->of.params[P_REGION] = x->of.params[P_HOME] = x->of.params[P_WORK] = value_str("");
    if (!id.i) return 0;
    int rc = db_query(x->l->db, "SELECT \"region\",COALESCE(\"community\",''),COALESCE(\"occupation\",'') FROM \"person\" WHERE \"id\"=?1", &id, 1, &c, err);
    if (!rc && (rc = db_next(c, &row, err)) > 0) {
        x->of.params[P_REGION] = value_text(arena_text(a, value_view(row[0])));
        x->of.params[P_HOME] = value_text(arena_text(a, value_view(row[1])));
        x->of.params[P_WORK] = value_text(arena_text(a, value_view(row[2])));
        rc = x->of.params[P_REGION].s && x->of.params[P_HOME].s && x->of.params[P_WORK].s ? 0 : error_memory(err);
    }
    db_cursor_close(c);
    return rc < 0 ? rc : 0;
}

static int page_of_groups(struct page *x, struct arena *a, struct error *err) {
    int64_t all = x->of.params[P_LIMIT].i, after = x->of.params[P_AFTER].i;
    int rc = page_begin(x, a, err);
    struct value region = x->of.params[P_REGION], home = x->of.params[P_HOME], work = x->of.params[P_WORK];
    for (bool first = true; !rc && x->n < x->limit; first = false) {
        rc = next_group(x, first, err);
        if (rc <= 0) break;
        bool same = value_eq(x->of.params[P_REGION], region) && value_eq(x->of.params[P_HOME], home) && value_eq(x->of.params[P_WORK], work);
        x->of.params[P_AFTER] = value_int(first && same ? after : 0);
        x->of.params[P_LIMIT] = value_int(all - (int64_t)x->n);
        rc = page_of_group(x, err);
    }
    return rc < 0 ? rc : 0;
}

int round_people(struct ledger *l, const struct session *s, int64_t round, struct text street, struct text community, enum round_why why, int64_t after, size_t limit,
                 int64_t *ret_ids, size_t *ret_n, struct error *err) {
    struct page x = {.l = l, .s = s, .why = why, .one = community.s != NULL, .ids = ret_ids, .limit = limit};
    char end[REGION_MAX + 2] = "";
    struct arena a = {0};
    struct buf scope = {0};
    int rc = begin(l, s, round, street, end, &x.of, &a, err);
    x.of.params[P_COMMUNITY] = value_text(community.s ? community : TEXT(""));
    x.of.params[P_WHY] = value_str(round_why_words[why]);
    x.of.params[P_AFTER] = value_int(after);
    x.of.params[P_LIMIT] = value_int((int64_t)limit);
    if (!rc) rc = scope_sql(l, s, x.of.params, &a, &scope, err);
    x.scope = buf_view(&scope);
    if (!rc) rc = why == WHY_MISSING || why == WHY_SWABBED ? page_of_groups(&x, &a, err) : page_of_reason(&x, err);
    buf_clear(&x.community);
    buf_clear(&scope);
    arena_clear(&a);
    if (rc < 0) return rc;
    *ret_n = x.n;
    return 0;
}
