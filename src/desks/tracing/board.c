/* The figures of the tracing desk; see board.h. */
#include "desks/tracing/board.h"

#include <stdlib.h>
#include <string.h>

#include "base/idmap.h"
#include "base/series.h"
#include "desks/tracing/inside.h"

const char *const tracing_step_names[TRACING_STEPS] = {"onset-detected", "detected-reported", "detected-located", "reported-isolated", "isolated-treated"};

struct person_times {
    instant controlled, result; /* the first of each; INSTANT_NONE */
};

struct counting {
    struct ledger *l;
    const struct session *s;
    struct text region;
    struct arena arena;
    struct idmap persons;       /* person -> person_times */
    struct tracing_board *b;
    struct series placing, waiting, steps[TRACING_STEPS];
};

static struct tracing_span span_of(struct series *s, int64_t limit_s) {
    struct tracing_span t = {.n = s->n, .p50 = -1, .p90 = -1, .max = -1};
    if (!s->n) return t;
    series_sort(s);
    t.p50 = series_rank(s, 50) / 60;
    t.p90 = series_rank(s, 90) / 60;
    t.max = series_rank(s, 100) / 60;
    for (size_t i = 0; i < s->n; i++) t.within += limit_s > 0 && s->items[i] <= limit_s;
    return t;
}

/* "columns FROM register WHERE what the asker may see, in the region, and `more`". A register the asker may not read gives no rows. */
static int query(struct counting *c, const char *columns, const char *name, const char *more, const struct value *params, size_t n,
                 int (*row)(struct counting *c, const struct value *v, struct error *err), struct error *err) {
    const struct register_decl *reg = register_find(c->l->catalog, text_of(name));
    struct buf sql = {0};
    struct db_cursor *cursor = NULL;
    const struct value *v;
    char end[REGION_MAX + 2];
    if (!reg) return 0;
    buf_printf(&sql, "SELECT %s FROM \"%s\" WHERE ", columns, name);
    access_sql(c->s, ACCESS_READ, reg, "region", &sql);
    if (c->region.n && region_end(c->region, end)) buf_printf(&sql, " AND region >= '%.*s' AND region < '%s'", (int)c->region.n, c->region.s, end);
    buf_printf(&sql, " AND %s", more);
    int rc = sql.failed ? error_memory(err) : db_query(c->l->db, buf_cstr(&sql), params, n, &cursor, err);
    while (rc == 0 && (rc = db_next(cursor, &v, err)) > 0) rc = row(c, v, err);
    db_cursor_close(cursor);
    buf_clear(&sql);
    return rc;
}

static instant cell(struct value v) {
    return value_int_or(v, INSTANT_NONE);
}

static struct person_times *times_of(struct counting *c, int64_t person) {
    bool made;
    struct idmap_slot *slot = idmap_put(&c->persons, &c->arena, person, &made);
    if (!slot) return NULL;
    if (made) {
        struct person_times *t = slot->value.p = arena_alloc(&c->arena, sizeof *t);
        if (!t) return NULL;
        t->controlled = t->result = INSTANT_NONE;
    }
    return slot->value.p;
}

static int stay_row(struct counting *c, const struct value *v, struct error *err) {
    struct person_times *t = times_of(c, value_int_or(v[0], 0));
    if (!t) return error_memory(err);
    if (t->controlled == INSTANT_NONE || cell(v[1]) < t->controlled) t->controlled = cell(v[1]);
    return 0;
}

static int test_row(struct counting *c, const struct value *v, struct error *err) {
    struct idmap_slot *slot = idmap_find(&c->persons, value_int_or(v[0], 0));
    struct person_times *t = slot ? slot->value.p : times_of(c, value_int_or(v[0], 0));
    if (!t) return error_memory(err);
    if (t->result == INSTANT_NONE || cell(v[1]) < t->result) t->result = cell(v[1]);
    return 0;
}

/* person, found_at, created_at, state, class */
static int contact_row(struct counting *c, const struct value *v, struct error *err) {
    struct tracing_board *b = c->b;
    struct text state = value_view(v[3]), class_of = value_view(v[4]);
    instant found = cell(v[1]) != INSTANT_NONE ? cell(v[1]) : cell(v[2]);
    struct idmap_slot *slot = idmap_find(&c->persons, value_int_or(v[0], 0));
    struct person_times none = {INSTANT_NONE, INSTANT_NONE}, *t = slot ? slot->value.p : &none;
    int rc = 0;
    b->contacts++;
    b->close += text_is(class_of, "close");
    b->secondary += text_is(class_of, "secondary");
    if (text_is(class_of, "general")) return 0; /* told, not placed */
    if (text_is(state, "found") || text_is(state, "lost")) {
        b->queue++;
        b->queue_overdue += c->s->now - found > b->place_limit_s;
        rc = series_add(&c->waiting, c->s->now > found ? c->s->now - found : 0, err);
    } else if (!text_is(state, "handed-over")) {
        b->placed++;
        if (t->controlled == INSTANT_NONE) b->placed_unknown++;
        else rc = series_add(&c->placing, t->controlled > found ? t->controlled - found : 0, err); /* in control before being found: at once */
    }
    if (t->result != INSTANT_NONE && t->result >= found) {
        b->tested++;
        b->before_result += t->controlled != INSTANT_NONE && t->controlled <= t->result;
    }
    return rc;
}

/* onset, detected, reported, located, isolated, treated */
static int case_row(struct counting *c, const struct value *v, struct error *err) {
    static const int ends[TRACING_STEPS][2] = {{0, 1}, {1, 2}, {1, 3}, {2, 4}, {4, 5}};
    instant at[6];
    int rc = 0;
    for (int i = 0; i < 6; i++) at[i] = cell(v[i]);
    if (v[0].kind == VALUE_INT) at[0] = instant_of_day((day)v[0].i, c->l->zone_s) + DAY_S / 2; /* noon, as the bulletin counts */
    if (at[3] == INSTANT_NONE) at[3] = at[4]; /* who is isolated has been located */
    c->b->cases++;
    for (int k = 0; rc == 0 && k < TRACING_STEPS; k++) {
        instant from = at[ends[k][0]], to = at[ends[k][1]];
        if (from != INSTANT_NONE && to != INSTANT_NONE) rc = series_add(&c->steps[k], to > from ? to - from : 0, err);
    }
    return rc;
}

/* direction, state, sent_at, due_at, replied_at, asked, done, controlled */
static int request_row(struct counting *c, const struct value *v, struct error *err) {
    struct tracing_requests *r = text_is(value_view(v[0]), "inbound") ? &c->b->inbound : &c->b->outbound;
    struct text state = value_view(v[1]);
    (void)err;
    int64_t limit = tracing_parameter(c->l, (struct text){"", 0}, c->s->now, "assistance_reply_within", DAY_S);
    instant due = cell(v[3]) != INSTANT_NONE ? cell(v[3]) : cell(v[2]) + limit;
    if (text_is(state, "withdrawn")) return 0;
    r->letters++;
    if (text_is(state, "open")) r->open++, r->overdue += c->s->now > due;
    else r->replied++, r->in_time += cell(v[4]) != INSTANT_NONE && cell(v[4]) <= due;
    r->asked += value_int_or(v[5], 0);
    r->done += value_int_or(v[6], 0);
    r->controlled += value_int_or(v[7], 0);
    return 0;
}

static int count_row(struct counting *c, const struct value *v, struct error *err) {
    (void)err;
    size_t *const at[] = {&c->b->investigations_open, &c->b->to_remove, &c->b->venues_open, &c->b->proposals_open};
    *at[value_int_or(v[0], 0)] = (size_t)value_int_or(v[1], 0);
    return 0;
}

int tracing_board_of(struct ledger *l, const struct session *s, struct text region, int days, struct tracing_board *ret, struct error *err) {
    struct tracing_board b = {.from = s->now - (int64_t)days * DAY_S};
    struct counting c = {.l = l, .s = s, .region = region, .b = &b};
    const struct register_decl *reg = register_find(l->catalog, TEXT("contact"));
    if (!reg) return error_set(err, E_UNKNOWN, "contact", "this catalog has no contacts / 没有接触者登记册");
    if (!access_anywhere(s, ACCESS_READ, reg)) return access_check(s, ACCESS_READ, reg, l->region, err);
    struct value since[] = {value_int(b.from)}, near[] = {value_int(b.from - 2 * DAY_S)};
    b.place_limit_s = tracing_parameter(l, (struct text){"", 0}, s->now, "place_contact_within", 3 * 3600);
    b.locate_limit_s = tracing_parameter(l, (struct text){"", 0}, s->now, "locate_case_within", 3600);
    int rc = query(&c, "person, started_at", "stay", "started_at >= ?1 AND kind IN ('central', 'home', 'observation', 'hospital')", near, 1, stay_row, err);
    if (rc == 0) rc = query(&c, "person, result_at", "test", "sampled_at >= ?1 AND result_at IS NOT NULL", near, 1, test_row, err);
    if (rc == 0) rc = query(&c, "person, found_at, created_at, state, class", "contact", "found_at >= ?1", since, 1, contact_row, err);
    if (rc == 0) rc = query(&c, "onset, detected_at, reported_at, located_at, isolated_at, treated_at", "case", "detected_at >= ?1 AND state <> 'excluded'", since, 1, case_row, err);
    if (rc == 0) rc = query(&c, "direction, state, sent_at, due_at, replied_at, asked, done, controlled", "assistance", "sent_at >= ?1", since, 1, request_row, err);
    if (rc == 0) rc = query(&c, "0, COUNT(*)", "investigation", "state = 'open'", NULL, 0, count_row, err);
    if (rc == 0) rc = query(&c, "1, COUNT(*)", "finding", "state = 'to-remove'", NULL, 0, count_row, err);
    if (rc == 0) rc = query(&c, "2, COUNT(*)", "exposure_venue", "state = 'found'", NULL, 0, count_row, err);
    if (rc == 0) rc = query(&c, "3, COUNT(*)", "zone_proposal", "state = 'proposed'", NULL, 0, count_row, err);
    b.placing = span_of(&c.placing, b.place_limit_s);
    b.waiting = span_of(&c.waiting, b.place_limit_s);
    for (int k = 0; k < TRACING_STEPS; k++) b.steps[k] = span_of(&c.steps[k], k == STEP_DETECTED_LOCATED ? b.locate_limit_s : 0), series_clear(&c.steps[k]);
    series_clear(&c.placing);
    series_clear(&c.waiting);
    arena_clear(&c.arena);
    if (rc == 0) *ret = b;
    return rc;
}
