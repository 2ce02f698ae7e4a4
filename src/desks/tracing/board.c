/* The figures of the tracing desk; see board.h. */
#include "desks/tracing/board.h"

#include <stdlib.h>
#include <string.h>

#include "base/idmap.h"
#include "base/series.h"
#include "desks/tracing/inside.h"

const char *const tracing_step_names[TRACING_STEPS] = {"onset-detected", "detected-reported", "detected-located", "reported-isolated", "isolated-treated"};

enum { STAY_DAYS = 60 /* nobody is held for longer */ };

/* A contact, and the first of each since it was found; INSTANT_NONE. */
struct follow {
    instant found, controlled, result;
    bool placed;
    struct follow *next; /* of the same person */
};

struct counting {
    struct ledger *l;
    const struct session *s;
    struct text region;
    struct arena arena;
    struct idmap persons;       /* person -> follow */
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

/* person, found_at, created_at, state, class */
static int contact_row(struct counting *c, const struct value *v, struct error *err) {
    struct tracing_board *b = c->b;
    struct text state = value_view(v[3]), class_of = value_view(v[4]);
    instant found = cell(v[1]) != INSTANT_NONE ? cell(v[1]) : cell(v[2]);
    bool general = text_is(class_of, "general"), made; /* told, not placed */
    if (!general && (text_is(state, "found") || text_is(state, "lost"))) { /* however long ago */
        b->queue++;
        b->queue_overdue += c->s->now - found > b->place_limit_s;
        int rc = series_add(&c->waiting, c->s->now > found ? c->s->now - found : 0, err);
        if (rc < 0) return rc;
    }
    if (found < b->from) return 0;
    b->contacts++;
    b->close += text_is(class_of, "close");
    b->secondary += text_is(class_of, "secondary");
    if (general) return 0;
    bool placed = !text_is(state, "found") && !text_is(state, "lost") && !text_is(state, "handed-over");
    struct idmap_slot *slot = idmap_put(&c->persons, &c->arena, value_int_or(v[0], 0), &made);
    struct follow *f = slot ? arena_alloc(&c->arena, sizeof *f) : NULL;
    if (!f) return error_memory(err);
    *f = (struct follow){.found = found, .controlled = INSTANT_NONE, .result = INSTANT_NONE, .placed = placed, .next = made ? NULL : slot->value.p};
    slot->value.p = f;
    return 0;
}

static struct follow *follow_of(const struct counting *c, struct value person) {
    const struct idmap_slot *slot = idmap_find(&c->persons, value_int_or(person, 0));
    return slot ? slot->value.p : NULL;
}

/* person, started_at, ended_at: what had ended before it was found controls nobody */
static int stay_row(struct counting *c, const struct value *v, struct error *err) {
    (void)err;
    for (struct follow *f = follow_of(c, v[0]); f; f = f->next)
        if ((cell(v[2]) == INSTANT_NONE || cell(v[2]) > f->found) && (f->controlled == INSTANT_NONE || cell(v[1]) < f->controlled)) f->controlled = cell(v[1]);
    return 0;
}

/* person, result_at */
static int test_row(struct counting *c, const struct value *v, struct error *err) {
    (void)err;
    for (struct follow *f = follow_of(c, v[0]); f; f = f->next)
        if (cell(v[1]) >= f->found && (f->result == INSTANT_NONE || cell(v[1]) < f->result)) f->result = cell(v[1]);
    return 0;
}

static int follows_count(struct counting *c, struct error *err) {
    struct tracing_board *b = c->b;
    int rc = 0;
    for (size_t i = 0; i < c->persons.cap; i++)
        for (const struct follow *f = c->persons.slots[i].used ? c->persons.slots[i].value.p : NULL; rc == 0 && f; f = f->next) {
            b->placed += f->placed;
            if (f->placed && f->controlled == INSTANT_NONE) b->placed_unknown++;
            else if (f->placed) rc = series_add(&c->placing, f->controlled > f->found ? f->controlled - f->found : 0, err); /* in control before being found: at once */
            b->tested += f->result != INSTANT_NONE;
            b->before_result += f->result != INSTANT_NONE && f->controlled != INSTANT_NONE && f->controlled <= f->result;
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
    if (text_is(state, "open")) r->open++, r->overdue += c->s->now > due; /* however long ago */
    if (cell(v[2]) < c->b->from) return 0;
    r->letters++;
    if (!text_is(state, "open")) r->replied++, r->in_time += cell(v[4]) != INSTANT_NONE && cell(v[4]) <= due;
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
    struct value since[] = {value_int(b.from)}, near[] = {value_int(b.from - 2 * DAY_S)}, before[] = {value_int(b.from - STAY_DAYS * DAY_S)};
    b.place_limit_s = tracing_parameter(l, (struct text){"", 0}, s->now, "place_contact_within", 3 * 3600);
    b.locate_limit_s = tracing_parameter(l, (struct text){"", 0}, s->now, "locate_case_within", 3600);
    int rc = query(&c, "person, found_at, created_at, state, class", "contact", "(found_at >= ?1 OR (found_at IS NULL AND created_at >= ?1) OR state IN ('found', 'lost'))", since, 1, contact_row, err);
    if (rc == 0) rc = query(&c, "person, started_at, ended_at", "stay", "started_at >= ?1 AND kind IN ('central', 'home', 'observation', 'hospital')", before, 1, stay_row, err);
    if (rc == 0) rc = query(&c, "person, result_at", "test", "sampled_at >= ?1 AND result_at IS NOT NULL", near, 1, test_row, err);
    if (rc == 0) rc = follows_count(&c, err);
    if (rc == 0) rc = query(&c, "onset, detected_at, reported_at, located_at, isolated_at, treated_at", "case", "detected_at >= ?1 AND state <> 'excluded'", since, 1, case_row, err);
    if (rc == 0) rc = query(&c, "direction, state, sent_at, due_at, replied_at, asked, done, controlled", "assistance", "(sent_at >= ?1 OR state = 'open')", since, 1, request_row, err);
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
