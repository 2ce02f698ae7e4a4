/* Tubes on their way: how many in each stage, how long the oldest has been there, which are late by the plan. How long stages took is in round.h. */
#include "desks/testing/laboratory.h"

#include <string.h>

/* row: opened, closed, received, result; what is not released is in the stage after the last that is noted. */
static enum round_stage stage_of(const struct value *row, instant *ret_since) {
    enum round_stage at = STAGE_FILL;
    *ret_since = value_int_or(row[0], 0);
    for (int k = 1; k <= STAGE_RELEASE; k++)
        if (row[k].kind == VALUE_INT) at = (enum round_stage)k, *ret_since = row[k].i;
    return at;
}

/* The list keeps those that have waited longest, in order. */
static int keep(struct lab_waiting *w, struct text barcode, int64_t id, enum round_stage stage, int64_t waits_s, bool late, struct error *err) {
    size_t at = w->n;
    while (at > 0 && w->list[at - 1].waits_s < waits_s) at--;
    if (at >= LAB_WAITING_LISTED) return 0;
    struct text own = arena_text(&w->arena, barcode);
    if (!own.s) return error_memory(err);
    size_t last = w->n < LAB_WAITING_LISTED ? w->n : LAB_WAITING_LISTED - 1;
    memmove(&w->list[at + 1], &w->list[at], (last - at) * sizeof *w->list);
    w->list[at] = (struct lab_tube_waiting){.tube = id, .barcode = own, .stage = stage, .waits_s = waits_s, .late = late};
    w->n = last + 1;
    return 0;
}

/* From its opening to the result, by the kind of its campaign (rules result-round, result-must, result-voluntary). */
static int64_t result_within(const struct ledger *l, instant now, struct text kind) {
    return lab_parameter(l, now, text_is(kind, "must") ? "lab_must_within" : text_is(kind, "voluntary") ? "lab_voluntary_within" : "lab_round_within", 0);
}

void lab_waiting_clear(struct lab_waiting *w) {
    if (w) arena_clear(&w->arena);
}

int lab_waiting_of(struct ledger *l, struct db *db, const struct session *s, int64_t round, struct lab_waiting *ret, struct error *err) {
    const struct register_decl *reg = lab_register(l, "tube", err);
    struct buf sql = {0};
    struct db_cursor *c = NULL;
    const struct value *row;
    struct value p = value_int(round);
    int64_t whole_s = -1;
    *ret = (struct lab_waiting){0};
    if (!reg) return E_UNKNOWN;
    if (!access_anywhere(s, ACCESS_READ, reg)) return access_check(s, ACCESS_READ, reg, l->region, err);
    for (int k = 0; k < LAB_STAGES; k++) ret->stages[k].oldest_s = -1;
    ret->stages[STAGE_SHIP].limit_s = lab_parameter(l, s->now, "sample_transport_within", 0);
    ret->stages[STAGE_FILL].limit_s = ret->stages[STAGE_SHIP].limit_s; /* a tube that nobody closes goes to no laboratory either */
    buf_str(&sql, "SELECT \"opened_at\",\"closed_at\",\"received_at\",\"result_at\",\"id\",\"barcode\",\"campaign_kind\" FROM \"tube\" WHERE \"round\" = ?1 AND \"released_at\" IS NULL AND \"state\" <> 'spoiled' AND "
                  "(\"state\" <> 'open' OR EXISTS(SELECT 1 FROM \"swab\" w WHERE w.\"tube\" = \"tube\".\"id\")) AND "); /* opened for one who was refused: nothing waits in it */
    access_sql(s, ACCESS_READ, reg, "region", &sql);
    int rc = sql.failed ? error_memory(err) : db_query(db, buf_cstr(&sql), &p, 1, &c, err);
    while (!rc && (rc = db_next(c, &row, err)) > 0) {
        instant since;
        enum round_stage stage = stage_of(row, &since);
        struct lab_stage *x = &ret->stages[stage];
        if (whole_s < 0) whole_s = result_within(l, s->now, value_view(row[6])); /* the tubes of a round are of one campaign */
        int64_t waits_s = s->now > since ? s->now - since : 0;
        bool late = (x->limit_s && waits_s > x->limit_s) || (whole_s && s->now - value_int_or(row[0], s->now) > whole_s);
        x->tubes++;
        if (waits_s > x->oldest_s) x->oldest_s = waits_s;
        x->late += late;
        rc = keep(ret, value_view(row[5]), row[4].i, stage, waits_s, late, err);
    }
    db_cursor_close(c);
    buf_clear(&sql);
    return rc < 0 ? rc : 0;
}
