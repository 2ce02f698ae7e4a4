/* The scheduler's pass: what is late lapses and escalates, and the standing duties of the day are made. */
#include <stdio.h>
#include <string.h>

#include "ledger/book.h"

static int note(struct ledger *l, const struct session *s, enum journal_verb verb, const struct obligation *o, struct error *err) {
    char reason[ERROR_WHERE_MAX];
    snprintf(reason, sizeof reason, "%.*s level %d", (int)o->rule.n, o->rule.s, o->duty.level);
    struct journal_entry e = {
        .at = s->now,
        .verb = verb,
        .actor = s->account,
        .reason = text_of(reason),
        .reg = o->reg,
        .record = o->record,
        .region = o->region,
    };
    return journal_append(&l->journal, &e, NULL, err);
}

struct woken {
    struct arena arena;
    struct obligation **list;
    size_t n, cap;
    struct book_row **made; /* duties of a day, by standing ones */
    size_t n_made, cap_made;
    struct wake_report report;
};

static int wake_standing(struct ledger *l, const struct session *s, const struct duty_rule *rule, struct obligation *o, struct woken *w, struct error *err) {
    struct book_slot *slot = NULL;
    struct duty made;
    int rc = 0;
    /* bounded by the days since the last pass */
    while (!rc && duty_daily(rule, &o->duty, s->now, l->zone_s, &made)) {
        struct obligation day_row = *o;
        day_row.duty = made;
        day_row.state = TEXT("open");
        day_row.closed_at = INSTANT_NONE;
        day_row.paid_by = 0;
        day_row.late = false;
        rc = book_add(l, &day_row, err);
        if (!rc) rc = book_slot_of(l, o->holder, &slot, err);
        if (!rc && !mem_room(&w->made, &w->cap_made, w->n_made + 1, sizeof *w->made)) rc = error_memory(err);
        if (!rc) w->made[w->n_made++] = slot->rows; /* the newest is the first */
        w->report.raised++;
    }
    return rc;
}

/* One duty whose time has come: as it is afterwards. */
static int wake_one(struct ledger *l, const struct session *s, struct obligation *o, struct woken *w, struct error *err) {
    struct wake_report *report = &w->report;
    const struct adoption *adoption = ledger_adoption(l, o->pack);
    o->duty.rule = adoption ? policy_rule(adoption->policy, o->rule) : -1;
    const struct duty_rule *rule = book_rule(l, o);
    int rc = 0;
    report->woken++;
    if (!rule) {
        o->duty.wake_at = INSTANT_NONE; /* its pack is gone; it stays open and is listed, but no clock runs */
        return 0;
    }
    if (o->duty.occurrence == -1) return wake_standing(l, s, rule, o, w, err);
    int level = o->duty.level;
    uint64_t missed = o->duty.missed;
    duty_wake(rule, &o->duty, s->now, l->zone_s);
    if (o->duty.missed != missed) {
        report->lapsed += __builtin_popcountll(o->duty.missed & ~missed);
        rc = note(l, s, JOURNAL_LAPSE, o, err);
    }
    if (!rc && o->duty.level > level) {
        /* a superior is told; who owes stays who owed */
        report->escalated += o->duty.level - level;
        rc = note(l, s, JOURNAL_ESCALATE, o, err);
    }
    if (!duty_open(&o->duty)) {
        o->state = o->duty.missed ? TEXT("lapsed") : TEXT("paid");
        o->closed_at = s->now;
        o->duty.wake_at = INSTANT_NONE;
    }
    return rc;
}

/* The pages to look at; *page becomes the last of them. */
static int pages_due(struct ledger *l, const struct value params[3], int64_t *page, size_t *ret_n, struct error *err) {
    struct db_cursor *c = NULL;
    const struct value *row;
    size_t n = 0;
    int rc = db_query(l->db, duty_pages_sql, params, 3, &c, err);
    while (!rc && (rc = db_next(c, &row, err)) > 0) {
        *page = row[0].i;
        n++;
        rc = 0;
    }
    db_cursor_close(c);
    *ret_n = n;
    return rc;
}

static int keep(struct ledger *l, struct woken *w, const struct value *row, struct error *err) {
    struct obligation o, *kept = arena_alloc(&w->arena, sizeof *kept);
    if (!kept || !mem_room(&w->list, &w->cap, w->n + 1, sizeof *w->list)) return error_memory(err);
    obligation_of_row(row, &o);
    w->list[w->n++] = kept;
    return obligation_copy(l, &w->arena, &o, kept, err);
}

int obligation_wake(struct ledger *l, const struct session *s, size_t limit, int64_t *page, struct wake_report *ret, struct error *err) {
    struct woken w = {0};
    struct db_cursor *c = NULL;
    const struct value *row;
    size_t pages = limit / DUTY_PAGE + 1, n = 0;
    int64_t last = *page;
    struct value params[] = {value_int(s->now), value_int(*page), value_int((int64_t)pages)};
    int rc = pages_due(l, params, &last, &n, err);
    if (!rc && n) rc = db_query(l->db, duty_due_sql, params, 3, &c, err);
    while (!rc && c && (rc = db_next(c, &row, err)) > 0) rc = keep(l, &w, row, err);
    db_cursor_close(c);
    /* moments that are over; what is still to come on these pages is written down again */
    struct value over[] = {value_int(s->now), value_int(*page), value_int(last)};
    if (!rc && n) rc = db_run(l->db, "DELETE FROM \"duty_wake\" WHERE \"at\" <= ?1 AND \"page\" > ?2 AND \"page\" <= ?3", over, 3, NULL, err);
    for (size_t i = 0; !rc && i < w.n; i++)
        if (w.list[i]->duty.wake_at != INSTANT_NONE) rc = wake_one(l, s, w.list[i], &w, err);
    if (!rc) rc = book_told_before(l, s, w.made, w.n_made, err);
    if (!rc) rc = obligation_write(l, DB_UPDATE, DUTY_CLOCK, w.list, w.n, s->now, err);
    mem_free(w.list);
    mem_free(w.made);
    arena_clear(&w.arena);
    if (rc < 0) return rc;
    w.report.more = n == pages;
    *page = last;
    *ret = w.report;
    return 0;
}
