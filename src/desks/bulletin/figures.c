/* desks/bulletin: the figures of a day. One pass over the cases of the subtree counts them all; work.c adds what was done about them,
 * restate.c what has changed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/series.h"
#include "desks/bulletin/figures.h"

/* The cells of a case that figures need: system columns first, then fields. */
enum case_cell {
    CC_ID, CC_NUMBER, CC_REGION, CC_STATE, CC_CREATED, CC_CHANGED, CC_SYSTEM,
    CC_DISEASE = CC_SYSTEM, CC_CLASS, CC_ORIGIN, CC_DISCOVERY, CC_CONTROLLED, CC_SEVERITY, CC_OUTCOME, CC_OUTCOME_DATE, CC_DEATH_DATE, CC_ONSET,
    CC_REPORT, CC_DETECTED, CC_REPORTED, CC_ISOLATED, CC_TREATED, CC_CELLS
};
static const char *const system_names[] = {"id", "number", "region", "state", "created_at", "changed_at"};
static const char *const field_names[] = {"disease",     "classification", "origin",      "discovery",  "controlled", "severity",
                                          "outcome",     "outcome_date",   "death_date",  "onset",      "report_date", "detected_at",
                                          "reported_at", "isolated_at",    "treated_at",  NULL};
enum { ROWS_MAX = 2000, LINES_MAX = 128 };

/* Everything a pass adds to. */
struct tally {
    const struct scope *sc;
    struct bulletin *b;
    struct restate *restate;
    const struct codelist *diseases;
    size_t cap_rows, cap_diseases;
    char last_region[REGION_MAX + 1]; /* of the row found last: cases come in runs */
    struct bulletin_row *last_row;
    struct series times[2][STEPS]; /* day, week */
};

int class_of_case(struct text code, struct text state) {
    if (text_is(state, "excluded")) return -1;
    if (text_is(code, "confirmed") || text_is(code, "clinical")) return CLASS_CONFIRMED;
    if (text_is(code, "asymptomatic") || text_is(code, "carrier")) return CLASS_ASYMPTOMATIC;
    return text_is(code, "suspected") ? CLASS_SUSPECTED : -1;
}
static day day_cell(struct value v) {
    return v.kind == VALUE_INT ? (day)v.i : DAY_NONE;
}

static void case_of_cells(const struct scope *sc, const struct value *v, struct case_fact *f) {
    struct text origin = value_view(v[CC_ORIGIN]), outcome = value_view(v[CC_OUTCOME]);
    *f = (struct case_fact){.id = v[CC_ID].i};
    f->number = value_view(v[CC_NUMBER]);
    f->region = value_view(v[CC_REGION]);
    f->disease = value_view(v[CC_DISEASE]);
    f->discovery = value_view(v[CC_DISCOVERY]);
    f->severity = value_view(v[CC_SEVERITY]);
    f->class = class_of_case(value_view(v[CC_CLASS]), value_view(v[CC_STATE]));
    f->origin = text_is(origin, "local") ? ORIGIN_LOCAL : text_is(origin, "imported") ? ORIGIN_IMPORTED : ORIGIN_UNKNOWN;
    f->controlled = v[CC_CONTROLLED].kind == VALUE_INT ? v[CC_CONTROLLED].i != 0 : -1;
    f->report = day_cell(v[CC_REPORT]);
    f->onset = day_cell(v[CC_ONSET]);
    f->ended = text_is(outcome, "recovered") ? ENDED_RECOVERED : text_is(outcome, "released") ? ENDED_RELEASED : text_is(outcome, "died") ? ENDED_DIED : ENDED_NOT;
    f->ended_day = day_cell(v[CC_OUTCOME_DATE]);
    if (f->ended == ENDED_DIED && v[CC_DEATH_DATE].kind == VALUE_INT) f->ended_day = day_cell(v[CC_DEATH_DATE]);
    f->created_at = v[CC_CREATED].i;
    f->changed_at = v[CC_CHANGED].i;
    f->steps[0] = f->onset == DAY_NONE ? INSTANT_NONE : instant_of_day(f->onset, sc->zone_s) + DAY_S / 2;
    for (int i = 1; i < FACT_STEPS; i++) f->steps[i] = value_int_or(v[CC_DETECTED + i - 1], INSTANT_NONE);
}

int case_of_record(const struct scope *sc, const struct record *r, struct case_fact *ret, struct error *err) {
    int index[CC_CELLS - CC_SYSTEM];
    const struct register_decl *reg;
    struct value v[CC_CELLS];
    int rc = register_needs(sc->l->catalog, "case", field_names, index, &reg, err);
    if (rc < 0) return rc;
    v[CC_ID] = value_int(r->id);
    v[CC_NUMBER] = value_text(r->number);
    v[CC_REGION] = value_text(r->region);
    v[CC_STATE] = value_text(r->state);
    v[CC_CREATED] = value_int(r->created_at);
    v[CC_CHANGED] = value_int(r->changed_at);
    for (int i = CC_SYSTEM; i < CC_CELLS; i++) v[i] = r->values[index[i - CC_SYSTEM]];
    case_of_cells(sc, v, ret);
    return 0;
}

/* ---- rows of breakdowns */

static struct bulletin_row *row_add(struct arena *a, struct bulletin_row **rows, size_t *n, size_t *cap, struct text code) {
    if (*n == ROWS_MAX || !arena_room(a, rows, cap, *n + 1, sizeof **rows)) return NULL;
    struct bulletin_row *r = &(*rows)[*n];
    *r = (struct bulletin_row){.code = arena_text(a, code)};
    r->zh = r->en = r->code;
    if (!r->code.s) return NULL;
    ++*n;
    return r;
}

/* The row of a case's region: the child of the report's region above it; the region itself when it is not located further. */
static struct bulletin_row *region_row(struct tally *t, struct text region) {
    struct bulletin *b = t->b;
    struct text child = region, up;
    if (t->last_row && text_is(region, t->last_region)) return t->last_row;
    if (child.n > t->sc->region.n)
        while ((up = region_parent(child)).n > t->sc->region.n) child = up;
    struct bulletin_row *r = NULL;
    for (size_t i = 0; i < b->n_regions && !r; i++)
        if (text_eq(b->regions[i].code, child)) r = &b->regions[i];
    if (!r) {
        r = row_add(t->sc->arena, &b->regions, &b->n_regions, &t->cap_rows, child);
        if (!r) return NULL;
        if (text_eq(child, t->sc->region)) {
            r->zh = TEXT("未细分到下级");
            r->en = TEXT("not located further");
        }
    }
    if (region.n <= REGION_MAX) {
        memcpy(t->last_region, region.s, region.n);
        t->last_region[region.n] = '\0';
        t->last_row = r;
    }
    return r;
}

static struct bulletin_row *disease_row(struct tally *t, struct text disease) {
    struct bulletin *b = t->b;
    for (size_t i = 0; i < b->n_diseases; i++)
        if (text_eq(b->diseases[i].code, disease)) return &b->diseases[i];
    struct bulletin_row *r = row_add(t->sc->arena, &b->diseases, &b->n_diseases, &t->cap_diseases, disease);
    const struct code *c = r ? code_find(t->diseases, disease) : NULL;
    if (c) r->zh = c->zh, r->en = c->en;
    return r;
}

/* By code, "not located further" last: the order of cases must not show. */
static void rows_sort(struct bulletin_row *rows, size_t n, struct text last) {
    for (size_t i = 1; i < n; i++) {
        struct bulletin_row r = rows[i];
        bool final = text_eq(r.code, last);
        size_t at = i;
        for (; at > 0 && !final && (text_eq(rows[at - 1].code, last) || text_cmp(rows[at - 1].code, r.code) > 0); at--) rows[at] = rows[at - 1];
        rows[at] = r;
    }
}

/* The line of a code; the last line takes what is not given. */
static void line_count(struct bulletin_count *lines, size_t n, struct text code) {
    for (size_t i = 0; i + 1 < n; i++)
        if (text_eq(lines[i].code, code)) {
            lines[i].n++;
            return;
        }
    lines[n - 1].n++;
}
static int lines_of(const struct scope *sc, const char *list, struct bulletin_count **ret, size_t *ret_n, struct error *err) {
    const struct codelist *l = codelist_find(sc->l->catalog, text_of(list));
    size_t n = l ? l->n : 0;
    if (n > LINES_MAX) n = LINES_MAX;
    struct bulletin_count *lines = arena_alloc(sc->arena, (n + 1) * sizeof *lines);
    if (!lines) return error_memory(err);
    for (size_t i = 0; i < n; i++) lines[i] = (struct bulletin_count){l->codes[i].code, l->codes[i].zh, l->codes[i].en, 0};
    lines[n] = (struct bulletin_count){TEXT(""), TEXT("未填"), TEXT("not stated"), 0};
    *ret = lines;
    *ret_n = n + 1;
    return 0;
}

/* ---- counting */

/* Median: the mean of the two in the middle when n is even. P90: nearest rank. */
static struct bulletin_time series_time(struct series *s) {
    struct bulletin_time t = {.n = (int64_t)s->n};
    if (s->n == 0) return t;
    series_sort(s);
    t.median_s = s->n % 2 ? s->items[s->n / 2] : (s->items[s->n / 2 - 1] + s->items[s->n / 2]) / 2;
    t.p90_s = series_rank(s, 90);
    return t;
}

static int times_count(struct tally *t, const struct case_fact *f, struct error *err) {
    day back = t->sc->day - f->report;
    int rc = 0;
    if (back < 0 || back >= TIMES_DAYS) return 0;
    for (int i = 0; i < STEPS && !rc; i++) {
        if (f->steps[i] == INSTANT_NONE || f->steps[i + 1] == INSTANT_NONE) continue;
        rc = series_add(&t->times[1][i], f->steps[i + 1] - f->steps[i], err);
        if (!rc && back == 0) rc = series_add(&t->times[0][i], f->steps[i + 1] - f->steps[i], err);
    }
    return rc;
}

static void outcome_count(struct bulletin *b, const struct case_fact *f, day d) {
    bool dated = f->ended_day != DAY_NONE;
    if (f->ended == ENDED_NOT || (dated && f->ended_day > d)) {
        b->active++;
        if (f->class == CLASS_CONFIRMED) line_count(b->severities, b->n_severities, f->severity);
        return;
    }
    bool today = dated && f->ended_day == d;
    int64_t *const total[] = {NULL, &b->total_recovered, &b->total_released, &b->total_died};
    int64_t *const fresh[] = {NULL, &b->recovered, &b->released, &b->died};
    ++*total[f->ended];
    *fresh[f->ended] += today;
}

static void control_count(const struct case_fact *f, int64_t *yes, int64_t *no, int64_t *unknown) {
    *(f->controlled < 0 ? unknown : f->controlled ? yes : no) += 1;
}

/* One case, known at as_of, in the scope. */
static int case_count(struct tally *t, const struct case_fact *f, struct error *err) {
    const struct scope *sc = t->sc;
    struct bulletin *b = t->b;
    if (f->report == DAY_NONE || f->report > sc->day) return 0;
    day back = sc->day - f->report;
    int rc = restate_case(sc, t->restate, f, err);
    if (rc < 0) return rc;
    if (f->class < 0) {
        b->excluded += back == 0;
        return 0;
    }
    struct bulletin_row *region = region_row(t, f->region), *disease = disease_row(t, f->disease);
    if (!region || !disease) return error_memory(err);
    b->total.n[f->class][f->origin]++;
    region->total.n[f->class][f->origin]++;
    disease->total.n[f->class][f->origin]++;
    if (back == 0) {
        b->fresh.n[f->class][f->origin]++;
        region->fresh.n[f->class][f->origin]++;
        disease->fresh.n[f->class][f->origin]++;
    }
    if (back == 1) b->day_before.fresh.n[f->class][f->origin]++;
    if (f->class == CLASS_SUSPECTED) return 0;
    outcome_count(b, f, sc->day);
    if (back < CURVE_DAYS) b->report[CURVE_DAYS - 1 - back][f->origin]++;
    if (f->onset != DAY_NONE && f->onset <= sc->day && sc->day - f->onset < CURVE_DAYS) b->onset[CURVE_DAYS - 1 - (sc->day - f->onset)][f->origin]++;
    b->yesterday_total += back == 1;
    if (back == 1) control_count(f, &b->day_before.controlled, &b->day_before.uncontrolled, &b->day_before.control_unknown);
    if (back == 0) {
        line_count(b->routes, b->n_routes, f->discovery);
        control_count(f, &b->controlled, &b->uncontrolled, &b->control_unknown);
    }
    return times_count(t, f, err);
}

static int case_rebuilt(const struct record *r, void *arg, struct error *err) {
    struct tally *t = arg;
    struct case_fact f;
    int rc = case_of_record(t->sc, r, &f, err);
    if (rc < 0 || !scope_holds(t->sc, f.region, f.disease)) return rc;
    return case_count(t, &f, err);
}

/* What only a case of the last days is asked for. */
static bool recent_only(int cell) {
    return cell == CC_DISCOVERY || cell == CC_CONTROLLED || cell >= CC_DETECTED;
}

/* Nearly all cases of a year are old: of them half of the cells are not read. One without a day of report counts nowhere. */
static int cases_pass(struct tally *t, bool recent, struct error *err) {
    const struct scope *sc = t->sc;
    struct query q = {0};
    struct db_cursor *c = NULL;
    const struct value *row;
    struct case_fact f;
    query_add(&q, "SELECT ");
    for (int i = 0; i < CC_CELLS; i++) {
        const char *name = i < CC_SYSTEM ? system_names[i] : field_names[i - CC_SYSTEM];
        buf_printf(&q.sql, !recent && recent_only(i) ? "%sNULL" : "%s\"%s\"", i ? "," : "", name);
    }
    query_add(&q, " FROM \"case\" WHERE ");
    query_add(&q, recent ? "\"report_date\" > " : "+\"report_date\" <= ");
    query_int(&q, sc->day - TIMES_DAYS);
    query_add(&q, " AND ");
    query_scope(&q, sc, true);
    query_known(&q, sc, sc->later_case);
    int rc = query_run(&q, sc->db, &c, err);
    while (!rc && (rc = db_next(c, &row, err)) > 0) {
        case_of_cells(sc, row, &f);
        rc = case_count(t, &f, err);
    }
    db_cursor_close(c);
    query_clear(&q);
    return rc;
}

static int cases_compute(struct tally *t, const struct register_decl *reg, struct error *err) {
    const struct scope *sc = t->sc;
    int rc = cases_pass(t, false, err);
    if (!rc) rc = cases_pass(t, true, err);
    if (!rc) rc = scope_rebuilt(sc, reg, case_rebuilt, t, err);
    for (int i = 0; i < STEPS && !rc; i++) {
        t->b->times_day[i] = series_time(&t->times[0][i]);
        t->b->times_week[i] = series_time(&t->times[1][i]);
    }
    return rc;
}

/* ---- what is asked */

static int text_get(struct db *db, struct arena *a, const char *sql, const struct value *params, size_t n, struct text *ret, struct error *err) {
    struct value v = value_null();
    int rc = db_scalar(db, a, sql, params, n, &v, err);
    if (!rc && value_view(v).n) *ret = arena_text(a, value_view(v));
    return rc;
}

static int region_resolve(struct scope *sc, const struct bulletin_query *query, struct bulletin *b, struct error *err) {
    char code[REGION_MAX + 1], shown[REGION_MAX + 1];
    struct text asked = query->region.n ? query->region : sc->l->region;
    struct value found = value_null(), p;
    int rc = 0;
    if (asked.n && !region_canonical(asked, code))
        return error_set(err, E_UNKNOWN, "region", "%.*s is no region code / 不是行政区划代码", (int)(asked.n > 20 ? 20 : asked.n), asked.s);
    sc->region = asked.n ? arena_text(sc->arena, text_of(code)) : TEXT("");
    if (!sc->region.s) return error_memory(err);
    sc->bounded = region_end(sc->region, sc->end);
    p = value_text(sc->region);
    if (sc->region.n) rc = db_scalar(sc->db, sc->arena, "SELECT \"id\" FROM \"region\" WHERE \"code\" = ?1 LIMIT 1", &p, 1, &found, err);
    if (!rc && found.kind != VALUE_INT && !text_eq(sc->region, sc->l->region) && sc->region.n) {
        struct query q = {0};
        struct db_cursor *c = NULL;
        const struct value *row;
        query_add(&q, "SELECT \"id\" FROM \"case\" WHERE ");
        query_scope(&q, sc, false);
        query_add(&q, " LIMIT 1");
        rc = query_run(&q, sc->db, &c, err);
        if (!rc) rc = db_next(c, &row, err);
        db_cursor_close(c);
        query_clear(&q);
        if (rc == 0) rc = error_set(err, E_UNKNOWN, "region", "no region %s is known here / 本节点没有该区划", code);
        if (rc > 0) rc = 0;
    }
    if (rc < 0) return rc;
    region_display(sc->region, shown);
    b->region = sc->region;
    b->region_zh = b->region_en = sc->region.n ? arena_text(sc->arena, text_of(shown)) : TEXT("全域");
    if (!sc->region.n) b->region_en = TEXT("all regions");
    if (found.kind == VALUE_INT) {
        rc = text_get(sc->db, sc->arena, "SELECT \"title\" FROM \"region\" WHERE \"code\" = ?1 LIMIT 1", &p, 1, &b->region_zh, err);
        b->region_en = b->region_zh;
        if (!rc) rc = text_get(sc->db, sc->arena, "SELECT \"title_en\" FROM \"region\" WHERE \"code\" = ?1 LIMIT 1", &p, 1, &b->region_en, err);
    }
    return rc;
}

static int disease_resolve(struct scope *sc, const struct bulletin_query *query, const struct codelist *list, struct bulletin *b, struct error *err) {
    if (query->disease.n == 0) return 0;
    const struct code *c = list ? code_find_any(list, query->disease) : NULL;
    if (!c) return error_set(err, E_UNKNOWN, "disease", "%.*s is no disease of the code list / 疾病代码表中没有该病种", (int)(query->disease.n > 60 ? 60 : query->disease.n), query->disease.s);
    sc->disease = b->disease = c->code;
    b->disease_zh = c->zh;
    b->disease_en = c->en;
    return 0;
}

/* Sub-regions of the register, so that a quiet one shows its zero. */
static int regions_list(struct tally *t, struct error *err) {
    const struct scope *sc = t->sc;
    struct query q = {0};
    struct db_cursor *c = NULL;
    const struct value *row;
    int rc;
    query_add(&q, "SELECT \"code\", \"title\", \"title_en\" FROM \"region\" WHERE ");
    if (sc->region.n) {
        query_add(&q, "\"parent\" = ");
        query_text(&q, sc->region);
    } else query_add(&q, "(\"parent\" IS NULL OR \"parent\" = '')");
    query_add(&q, " AND (\"valid_to\" IS NULL OR \"valid_to\" >= ");
    query_int(&q, sc->day);
    query_add(&q, ") ORDER BY \"code\"");
    rc = query_run(&q, sc->db, &c, err);
    while (!rc && (rc = db_next(c, &row, err)) > 0) {
        rc = 0;
        if (t->b->n_regions >= ROWS_MAX / 2) break;
        struct bulletin_row *r = row_add(sc->arena, &t->b->regions, &t->b->n_regions, &t->cap_rows, value_view(row[0]));
        if (!r) rc = error_memory(err);
        else {
            r->zh = r->en = arena_text(sc->arena, value_view(row[1]));
            if (value_view(row[2]).n) r->en = arena_text(sc->arena, value_view(row[2]));
            if (!r->zh.s || !r->en.s) rc = error_memory(err);
        }
    }
    db_cursor_close(c);
    query_clear(&q);
    return rc;
}

/* Whether anything was written after as_of: exactly for the registers that have an index of change times; for the others by the newest blocks
 * of the journal, which is enough because its clock goes forward but for a store that was run on past instants. */
static int later_find(struct scope *sc, struct error *err) {
    static const char *const sql[] = {"SELECT MAX(\"changed_at\") FROM \"case\"", "SELECT MAX(\"changed_at\") FROM \"contact\"",
                                      "SELECT MAX(\"at\") FROM (SELECT \"at\" FROM \"journal\" ORDER BY \"first\" DESC LIMIT 200) AS newest"};
    bool *const later[] = {&sc->later_case, &sc->later_contact, &sc->later_other};
    struct arena a = {0};
    int rc = 0;
    for (int i = 0; i < 3 && !rc; i++) {
        struct value v = value_null();
        rc = db_scalar(sc->db, &a, sql[i], NULL, 0, &v, err);
        *later[i] = !rc && value_int_or(v, INT64_MIN) > sc->as_of;
    }
    arena_clear(&a);
    return rc;
}

int bulletin_compute(struct ledger *l, struct db *db, const struct session *s, const struct bulletin_query *query, struct bulletin *ret,
                     struct error *err) {
    struct bulletin b;
    struct scope sc = {.l = l, .db = db ? db : l->db, .zone_s = l->zone_s, .day = query->day, .as_of = query->as_of ? query->as_of : s->now};
    struct restate restate = {.explain.since = INSTANT_NONE};
    struct tally t = {.sc = &sc, .b = &b, .restate = &restate, .diseases = codelist_find(l->catalog, TEXT("disease"))};
    int index[CC_CELLS - CC_SYSTEM], rc;
    const struct register_decl *reg;
    bulletin_init(&b);
    sc.arena = &b.arena;
    sc.from = instant_of_day(query->day, l->zone_s);
    sc.to = sc.from + DAY_S;
    b.day = query->day;
    b.as_of = sc.as_of;
    b.zone_s = l->zone_s;
    b.serial = query->day - day_of_civil((struct civil){civil_of_day(query->day).year, 1, 1}) + 1;
    rc = register_needs(l->catalog, "case", field_names, index, &reg, err);
    if (!rc) rc = region_resolve(&sc, query, &b, err);
    if (!rc) rc = access_check(s, ACCESS_READ, reg, sc.region, err);
    if (!rc) rc = disease_resolve(&sc, query, t.diseases, &b, err);
    if (!rc && query->day > day_of_instant(sc.as_of, l->zone_s))
        rc = error_set(err, E_REFUSED, "day", "the day has not begun: a report counts what happened / 统计日尚未开始");
    bool own = !rc && db_snapshot(sc.db, NULL) == 0; /* else the caller has one open, or a transaction */
    if (!rc) rc = later_find(&sc, err);
    if (!rc) rc = lines_of(&sc, "discovery_route", &b.routes, &b.n_routes, err);
    if (!rc) rc = lines_of(&sc, "severity", &b.severities, &b.n_severities, err);
    if (!rc) rc = regions_list(&t, err);
    if (!rc) rc = restate_load(&sc, &restate, err);
    if (!rc) rc = cases_compute(&t, reg, err);
    if (!rc) {
        rows_sort(b.regions, b.n_regions, sc.region);
        rows_sort(b.diseases, b.n_diseases, TEXT("-"));
    }
    if (!rc) rc = work_compute(&sc, &b, err);
    if (!rc) rc = rounds_compute(&sc, &restate, &b, err);
    if (!rc) rc = restate_finish(&sc, &restate, &b, err);
    if (own) db_snapshot_end(sc.db);
    for (int i = 0; i < 2 * STEPS; i++) series_clear(&t.times[i / STEPS][i % STEPS]);
    if (rc < 0) {
        bulletin_clear(&b);
        return rc;
    }
    bulletin_margins(&b);
    bulletin_clear(ret);
    *ret = b;
    return 0;
}
