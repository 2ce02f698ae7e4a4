/* desks/bulletin: mass testing of the day. A swab belongs to the statistics day on which its tube was opened; results and verdicts to the day they were given, for tubes of the last
 * three days. Coverage is of the rounds that opened a tube on the day: people swabbed in them by its end, of those their scope (or campaign) says are to be tested.
 * Every tube goes through one function, whether it comes from its table or was rebuilt as it stood at as_of. */
#include <stdio.h>
#include <string.h>

#include "base/idmap.h"
#include "desks/bulletin/figures.h"

enum { ROUNDS_MAX = 64 };

struct tube {
    int64_t round, swabs;
    bool open;
    instant opened_at, result_at, released_at; /* INSTANT_NONE */
    struct text result, verdict;
};
struct rounds {
    const struct scope *sc;
    struct bulletin *b;
    struct restate *restate;
    int64_t of[ROUNDS_MAX], swabs[ROUNDS_MAX]; /* rounds of the day, person-times in them by its end */
    size_t n;
};

static const char *const tube_fields[] = {"round", "swabs", "opened_at", "result_at", "released_at", "result", "verdict", NULL};
enum { T_ROUND, T_SWABS, T_OPENED, T_RESULT_AT, T_RELEASED_AT, T_RESULT, T_VERDICT, TUBE_FIELDS };

static bool in_day(const struct scope *sc, instant t) {
    return t >= sc->from && t < sc->to;
}

static struct tube tube_of(const struct value *v, struct text state) {
    return (struct tube){.round = value_int_or(v[T_ROUND], 0), .swabs = value_int_or(v[T_SWABS], 0), .open = text_is(state, "open"), .opened_at = value_int_or(v[T_OPENED], INSTANT_NONE),
                         .result_at = value_int_or(v[T_RESULT_AT], INSTANT_NONE), .released_at = value_int_or(v[T_RELEASED_AT], INSTANT_NONE), .result = value_view(v[T_RESULT]), .verdict = value_view(v[T_VERDICT])};
}

static void tube_count(struct rounds *x, const struct tube *t) {
    const struct scope *sc = x->sc;
    struct bulletin_rounds *r = &x->b->rounds;
    bool positive = text_is(t->verdict, "positive");
    if (t->opened_at == INSTANT_NONE || t->opened_at >= sc->to || (t->open && !t->swabs)) return; /* opened for one who was refused */
    for (size_t i = 0; i < x->n; i++)
        if (x->of[i] == t->round) x->swabs[i] += t->swabs;
    if (t->opened_at < sc->to - ROUNDS_DAYS * DAY_S) return;
    x->restate->swabs[(sc->to - 1 - t->opened_at) / DAY_S] += t->swabs;
    if (in_day(sc, t->opened_at)) {
        r->tubes++;
        r->swabs += t->swabs;
    }
    if (in_day(sc, t->result_at) && !text_is(t->result, "pending")) {
        r->resulted++;
        r->positive_tubes += text_is(t->result, "positive");
    }
    if (in_day(sc, t->released_at) && (positive || text_is(t->verdict, "negative"))) {
        r->decided += t->swabs;
        r->positive += positive ? t->swabs : 0;
    }
}

/* A tube that was open at as_of had no number written yet: its swabs are counted. */
static int swabs_then(const struct scope *sc, int64_t tube, int64_t *ret, struct error *err) {
    struct arena a = {0};
    struct value p[] = {value_int(tube), value_int(sc->as_of)}, n = value_null();
    int rc = db_scalar(sc->db, &a, "SELECT COUNT(*) FROM \"swab\" WHERE \"tube\" = ?1 AND \"created_at\" <= ?2", p, 2, &n, err);
    if (!rc) *ret = value_int_or(n, 0);
    arena_clear(&a);
    return rc;
}

static int tube_rebuilt(const struct record *rec, void *arg, struct error *err) {
    struct rounds *x = arg;
    struct value v[TUBE_FIELDS];
    int at[TUBE_FIELDS];
    const struct register_decl *reg;
    int rc = register_needs(x->sc->l->catalog, "tube", tube_fields, at, &reg, err);
    if (rc < 0 || !region_within(rec->region, x->sc->region)) return rc;
    for (int i = 0; i < TUBE_FIELDS; i++) v[i] = rec->values[at[i]];
    struct tube t = tube_of(v, rec->state);
    if (v[T_SWABS].kind != VALUE_INT) rc = swabs_then(x->sc, rec->id, &t.swabs, err);
    if (!rc) tube_count(x, &t);
    return rc;
}

/* from, to: of opened_at. round 0: of any. */
static int tubes_walk(struct rounds *x, int64_t round, instant from, instant to, struct error *err) {
    const struct scope *sc = x->sc;
    struct query q = {0};
    struct db_cursor *c = NULL;
    const struct value *row;
    query_add(&q, "SELECT \"round\", COALESCE(\"swabs\", (SELECT COUNT(*) FROM \"swab\" w WHERE w.\"tube\" = \"tube\".\"id\" AND w.\"created_at\" <= ");
    query_int(&q, sc->as_of);
    query_add(&q, ")), \"opened_at\", \"result_at\", \"released_at\", \"result\", \"verdict\", \"state\" FROM \"tube\" WHERE ");
    query_scope(&q, sc, false);
    query_add(&q, round ? " AND \"round\" = " : " AND 0 = ");
    query_int(&q, round);
    query_add(&q, round ? " AND +\"opened_at\" >= " : " AND \"opened_at\" >= ");
    query_int(&q, from);
    query_add(&q, round ? " AND +\"opened_at\" < " : " AND \"opened_at\" < ");
    query_int(&q, to);
    query_known(&q, sc, sc->later_other);
    int rc = query_run(&q, sc->db, &c, err);
    while (!rc && (rc = db_next(c, &row, err)) > 0) {
        struct tube t = tube_of(row, value_view(row[TUBE_FIELDS]));
        tube_count(x, &t);
        rc = 0;
    }
    db_cursor_close(c);
    query_clear(&q);
    return rc;
}

/* How many a query with one number says. */
static int number_of(const struct scope *sc, struct query *q, int64_t none, int64_t *ret, struct error *err) {
    struct db_cursor *c = NULL;
    const struct value *row;
    int rc = query_run(q, sc->db, &c, err);
    if (!rc) rc = db_next(c, &row, err);
    if (rc > 0) *ret = value_int_or(row[0], none);
    db_cursor_close(c);
    query_clear(q);
    return rc < 0 ? rc : 0;
}

static int rounds_find(struct rounds *x, struct error *err) {
    const struct scope *sc = x->sc;
    struct query q = {0};
    struct db_cursor *c = NULL;
    const struct value *row;
    query_add(&q, "SELECT DISTINCT \"round\" FROM \"tube\" WHERE ");
    query_scope(&q, sc, false);
    query_add(&q, " AND \"opened_at\" >= ");
    query_int(&q, sc->from);
    query_add(&q, " AND \"opened_at\" < ");
    query_int(&q, sc->to);
    query_add(&q, " AND +\"created_at\" <= ");
    query_int(&q, sc->as_of);
    query_add(&q, " ORDER BY \"round\"");
    int rc = query_run(&q, sc->db, &c, err);
    while (!rc && x->n < ROUNDS_MAX && (rc = db_next(c, &row, err)) > 0) {
        x->of[x->n++] = row[0].i;
        rc = 0;
    }
    db_cursor_close(c);
    query_clear(&q);
    return rc;
}

/* Swabs of the round that are not somebody's first in it, in whatever tube: of tubes opened from `from` to the end of the day. */
static int repeated(const struct scope *sc, int64_t round, instant from, int64_t *ret, struct error *err) {
    struct query q = {0};
    query_add(&q, "SELECT COUNT(*) FROM \"swab\" w WHERE w.\"turn\" >= 2 AND w.\"round\" = ");
    query_int(&q, round);
    query_add(&q, " AND w.\"created_at\" <= ");
    query_int(&q, sc->as_of);
    query_add(&q, " AND EXISTS (SELECT 1 FROM \"tube\" WHERE \"id\" = w.\"tube\" AND ");
    query_scope(&q, sc, false);
    query_add(&q, " AND \"opened_at\" >= ");
    query_int(&q, from);
    query_add(&q, " AND \"opened_at\" < ");
    query_int(&q, sc->to);
    query_add(&q, ")");
    return number_of(sc, &q, 0, ret, err);
}

/* People to be tested in the subtree: what the scope says, else the campaign when all of it lies in there. FIGURE_NONE: nobody said. */
static int target_of(const struct scope *sc, int64_t round, int64_t *ret, struct error *err) {
    struct query q = {0};
    *ret = FIGURE_NONE;
    query_add(&q, "SELECT SUM(o.\"population\") FROM \"round_scope\" o JOIN \"round\" r ON r.\"campaign\" = o.\"campaign\" WHERE r.\"id\" = ");
    query_int(&q, round);
    query_add(&q, " AND (o.\"round\" IS NULL OR o.\"round\" = r.\"id\") AND o.\"mode\" = 'include' AND o.\"created_at\" <= ");
    query_int(&q, sc->as_of);
    query_add(&q, " AND COALESCE(o.\"area\", o.\"region\") >= ");
    query_text(&q, sc->region);
    if (sc->bounded) {
        query_add(&q, " AND COALESCE(o.\"area\", o.\"region\") < ");
        query_text(&q, text_of(sc->end));
    }
    int rc = number_of(sc, &q, FIGURE_NONE, ret, err);
    if (rc < 0 || *ret != FIGURE_NONE) return rc;
    query_add(&q, "SELECT \"population\" FROM \"campaign\" WHERE \"id\" = (SELECT \"campaign\" FROM \"round\" WHERE \"id\" = ");
    query_int(&q, round);
    query_add(&q, ") AND ");
    query_scope(&q, sc, false);
    return number_of(sc, &q, FIGURE_NONE, ret, err);
}

static int coverage(struct rounds *x, struct error *err) {
    struct bulletin_rounds *r = &x->b->rounds;
    int rc = 0;
    r->people = r->swabs;
    for (size_t i = 0; !rc && i < x->n; i++) {
        int64_t target = 0, again = 0, today = 0;
        rc = target_of(x->sc, x->of[i], &target, err);
        if (!rc) rc = repeated(x->sc, x->of[i], x->sc->from, &today, err);
        if (!rc) rc = repeated(x->sc, x->of[i], 0, &again, err);
        r->people -= today;
        if (rc < 0 || target == FIGURE_NONE) continue;
        r->target = (r->target == FIGURE_NONE ? 0 : r->target) + target;
        r->covered = (r->covered == FIGURE_NONE ? 0 : r->covered) + x->swabs[i] - again;
    }
    return rc;
}

/* Who asked to be tested on the day, cancelled ones left out. */
static int voluntary(const struct scope *sc, int64_t *ret, struct error *err) {
    struct query q = {0};
    query_add(&q, "SELECT COUNT(*) FROM \"voluntary_test\" WHERE ");
    query_scope(&q, sc, false);
    query_add(&q, " AND \"requested_at\" >= ");
    query_int(&q, sc->from);
    query_add(&q, " AND \"requested_at\" < ");
    query_int(&q, sc->to);
    query_add(&q, " AND \"created_at\" <= ");
    query_int(&q, sc->as_of);
    query_add(&q, " AND (\"state\" <> 'cancelled' OR \"changed_at\" > ");
    query_int(&q, sc->as_of);
    query_add(&q, ")");
    return number_of(sc, &q, 0, ret, err);
}

int rounds_compute(const struct scope *sc, struct restate *restate, struct bulletin *b, struct error *err) {
    struct rounds x = {.sc = sc, .b = b, .restate = restate};
    const struct register_decl *reg = register_find(sc->l->catalog, TEXT("tube"));
    if (!reg || sc->disease.n) return 0; /* a tube is not of one disease alone */
    int rc = rounds_find(&x, err);
    if (!rc) rc = tubes_walk(&x, 0, sc->to - ROUNDS_DAYS * DAY_S, sc->to, err);
    for (size_t i = 0; !rc && i < x.n; i++) rc = tubes_walk(&x, x.of[i], 0, sc->to - ROUNDS_DAYS * DAY_S, err);
    if (!rc) rc = scope_rebuilt(sc, reg, tube_rebuilt, &x, err);
    if (!rc) rc = coverage(&x, err);
    if (!rc) rc = voluntary(sc, &b->rounds.voluntary, err);
    return rc;
}
