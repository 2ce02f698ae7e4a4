/* desks/bulletin: the epidemic curve by class, as recorded now. */
#include <string.h>

#include "desks/bulletin/figures.h"

static int64_t (*days_of(struct arena *a, size_t n))[CLASSES] {
    int64_t(*list)[CLASSES] = arena_alloc(a, n * sizeof *list);
    if (list) memset(list, 0, n * sizeof *list);
    return list;
}

/* One pass: every day that a case was reported or fell ill on, with its class. Rows are few: the store groups them. */
static int count(const struct scope *sc, const char *date, int64_t (*days)[CLASSES], struct bulletin_curve *curve, struct error *err) {
    struct query q = {0};
    struct db_cursor *c = NULL;
    const struct value *row;
    query_add(&q, "SELECT \"");
    query_add(&q, date);
    query_add(&q, "\",\"classification\",\"state\",COUNT(*),SUM(CASE WHEN \"onset\" IS NULL THEN 1 ELSE 0 END) FROM \"case\" WHERE ");
    query_scope(&q, sc, true);
    query_add(&q, " AND \"");
    query_add(&q, date);
    query_add(&q, "\" >= ");
    query_int(&q, curve->from);
    query_add(&q, " AND \"");
    query_add(&q, date);
    query_add(&q, "\" <= ");
    query_int(&q, curve->from + (day)curve->n - 1);
    query_add(&q, " AND \"report_date\" <= "); /* who fell ill but was reported later was not known that day */
    query_int(&q, sc->day);
    query_add(&q, " GROUP BY 1, 2, 3");
    int rc = query_run(&q, sc->db, &c, err);
    while (!rc && (rc = db_next(c, &row, err)) > 0) {
        int class = class_of_case(value_view(row[1]), value_view(row[2]));
        rc = 0;
        if (class < 0) continue;
        days[row[0].i - curve->from][class] += value_int_or(row[3], 0);
        if (days == curve->report) curve->without_onset[class] += value_int_or(row[4], 0);
    }
    db_cursor_close(c);
    query_clear(&q);
    return rc;
}

int bulletin_curve(struct ledger *l, struct db *db, const struct session *s, const struct bulletin_query *query, size_t n, struct arena *a, struct bulletin_curve *ret,
                   struct error *err) {
    static const char *const needed[] = {"classification", "onset", "report_date", NULL};
    struct scope sc = {.l = l, .db = db ? db : l->db, .zone_s = l->zone_s, .day = query->day, .as_of = s->now, .arena = a, .disease = query->disease};
    struct text asked = query->region.n ? query->region : l->region;
    const struct register_decl *reg;
    char code[REGION_MAX + 1] = "";
    int index[3];
    if (n < 1 || n > CURVE_DAYS_MAX) return error_set(err, E_USAGE, "days", "from 1 to %d / 应为 1 至 %d", CURVE_DAYS_MAX, CURVE_DAYS_MAX);
    int rc = register_needs(l->catalog, "case", needed, index, &reg, err);
    if (!rc && asked.n && !region_canonical(asked, code)) rc = error_set(err, E_UNKNOWN, "region", "%.*s is no region code / 不是行政区划代码", (int)(asked.n > 20 ? 20 : asked.n), asked.s);
    if (rc < 0) return rc;
    sc.region = text_of(code);
    sc.bounded = region_end(sc.region, sc.end);
    rc = access_check(s, ACCESS_READ, reg, sc.region, err);
    if (!rc && query->day > day_of_instant(s->now, l->zone_s)) rc = error_set(err, E_REFUSED, "day", "the day has not begun: a report counts what happened / 统计日尚未开始");
    struct bulletin_curve curve = {.from = query->day - (day)n + 1, .n = n, .report = rc ? NULL : days_of(a, n), .onset = rc ? NULL : days_of(a, n)};
    if (!rc && (!curve.report || !curve.onset)) rc = error_memory(err);
    bool own = !rc && db_snapshot(sc.db, NULL) == 0; /* both counts of one state of the store */
    if (!rc) rc = count(&sc, "report_date", curve.report, &curve, err);
    if (!rc) rc = count(&sc, "onset", curve.onset, &curve, err);
    if (own) db_snapshot_end(sc.db);
    if (!rc) *ret = curve;
    return rc;
}
