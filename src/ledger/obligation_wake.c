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

static int wake_standing(struct ledger *l, const struct session *s, const struct duty_rule *rule, struct obligation *o, struct wake_report *ret,
                         struct error *err) {
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
        ret->raised++;
    }
    return rc;
}

int obligation_wake(struct ledger *l, const struct session *s, size_t limit, struct wake_report *ret, struct error *err) {
    struct wake_report report = {0};
    struct arena a = {0};
    struct db_cursor *c = NULL;
    struct value *cells = NULL;
    size_t n = 0;
    static const uint16_t columns[] = {OB_HOLDER, OB_RULE, OB_RECORD, OB_OCCURRENCE, OB_MISSED, OB_DUE_AT, OB_WAKE_AT, OB_LEVEL, OB_STATE, OB_CLOSED_AT};
    enum { WIDTH = sizeof columns / sizeof *columns };
    char sql[1024];
    snprintf(sql, sizeof sql, "SELECT %s FROM \"obligation\" WHERE \"wake_at\" IS NOT NULL AND \"wake_at\" <= ?1 ORDER BY \"wake_at\" LIMIT ?2",
             obligation_columns);
    struct value params[] = {value_int(s->now), value_int((int64_t)limit)};
    int rc = db_query(l->db, sql, params, 2, &c, err);
    cells = rc ? NULL : mem_realloc(NULL, (limit + 1) * WIDTH * sizeof *cells);
    if (!rc && !cells) rc = error_set(err, E_MEMORY, NULL, "out of memory");
    const struct value *row;
    while (!rc && n < limit && (rc = db_next(c, &row, err)) > 0) {
        rc = 0;
        struct obligation o;
        obligation_of_row(row, &o);
        const struct adoption *adoption = ledger_adoption(l, o.pack);
        o.duty.rule = adoption ? policy_rule(adoption->policy, o.rule) : -1;
        const struct duty_rule *rule = book_rule(l, &o);
        report.woken++;
        if (!rule) {
            o.duty.wake_at = INSTANT_NONE; /* its pack is gone; it stays open and is listed, but no clock runs */
        } else if (o.duty.occurrence == -1) {
            rc = wake_standing(l, s, rule, &o, &report, err);
        } else {
            int level = o.duty.level;
            uint64_t missed = o.duty.missed;
            duty_wake(rule, &o.duty, s->now, l->zone_s);
            if (o.duty.missed != missed) {
                report.lapsed += __builtin_popcountll(o.duty.missed & ~missed);
                rc = note(l, s, JOURNAL_LAPSE, &o, err);
            }
            if (!rc && o.duty.level > level) {
                /* a superior is told; who owes stays who owed */
                report.escalated += o.duty.level - level;
                rc = note(l, s, JOURNAL_ESCALATE, &o, err);
            }
            if (!duty_open(&o.duty)) {
                o.state = o.duty.missed ? TEXT("lapsed") : TEXT("paid");
                o.closed_at = s->now;
                o.duty.wake_at = INSTANT_NONE;
            }
        }
        struct value full[OB_COLUMNS];
        obligation_to_row(&o, full);
        for (size_t k = 0; !rc && k < WIDTH; k++)
            if (!value_copy(&a, full[columns[k]], &cells[n * WIDTH + k])) rc = error_set(err, E_MEMORY, NULL, "out of memory");
        n++;
    }
    db_cursor_close(c);
    if (!rc && n) rc = db_batch(l->db, DB_UPDATE, obligation_table(), columns, WIDTH, cells, n, NULL, err);
    mem_free(cells);
    arena_clear(&a);
    if (rc < 0) return rc;
    report.more = n == limit;
    *ret = report;
    return 0;
}
