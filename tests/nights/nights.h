/* What the nights share: a life of a node in numbered steps that depend only on a seed and on what the store holds, so that any node that
 * went through the same steps, with or without bad nights, holds the same; and the checks of a store after a bad night. Used by the victim
 * (nights/victim.c, killed) and by the tests (which look at what is left); nothing here calls cmocka. Failures are words in `why`. */
#ifndef TOCSIN_TESTS_NIGHTS_H
#define TOCSIN_TESTS_NIGHTS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "desks/duty.h"
#include "desks/node.h"
#include "desks/person.h"
#include "ledger/obligation.h"
#include "ledger/table.h"

enum { NIGHT_STEP_S = 97, NIGHT_RESULTS = 128, NIGHT_WHY = 400 };

struct night {
    struct ledger *l;
    uint64_t seed;
    struct arena a; /* of one step */
    struct rng rng;
    struct session s;
    char reason[32], key[32];
    struct error unread; /* the store failed while the step was thought out */
    /* results of the step */
    struct draft *drafts[NIGHT_RESULTS];
    size_t n;
};

/* The list of contacts that the victim imports: id, name, phone, last. */
#define NIGHT_MAP                                                                                            \
    "register: contact\n"                                                                                   \
    "records:\n"                                                                                            \
    "  - {register: person, key: 'c:{id}', fields: {name: name, phone: phone}}\n"                            \
    "  - register: contact\n"                                                                               \
    "    key: 'c:{id}'\n"                                                                                    \
    "    fields: {person: {record: person}, disease: {value: covid-19}, class: {value: close}, last_contact: last}\n"

static inline instant night_at(int64_t step) {
    return 1653876000 + step * NIGHT_STEP_S; /* from 2022-05-30 10:00 in China */
}

static inline int64_t night_int(struct night *t, const char *sql, const struct value *p, size_t n) {
    struct value v = value_null();
    if (db_scalar(t->l->db, &t->a, sql, p, n, &v, &t->unread) < 0) return -1;
    return value_int_or(v, 0);
}

/* Any record of the register; 0 when there is none. */
static inline int64_t night_pick(struct night *t, const char *reg) {
    int64_t n = night_int(t, arena_printf(&t->a, "SELECT COUNT(*) FROM \"%s\"", reg), NULL, 0);
    struct value skip = value_int(n > 0 ? (int64_t)rng_below(&t->rng, (uint64_t)n) : 0);
    return n > 0 ? night_int(t, arena_printf(&t->a, "SELECT \"id\" FROM \"%s\" ORDER BY \"id\" LIMIT 1 OFFSET ?1", reg), &skip, 1) : 0;
}

static inline int64_t night_of(struct night *t, const char *reg, const char *column, int64_t id) {
    struct value v = value_int(id);
    return night_int(t, arena_printf(&t->a, "SELECT \"%s\" FROM \"%s\" WHERE \"id\" = ?1", column, reg), &v, 1);
}

static inline struct draft *night_draft(struct night *t, const char *reg, enum draft_verb verb, int64_t id) {
    struct draft *d = draft_new(&t->a, register_find(t->l->catalog, text_of(reg)), verb);
    d->id = id;
    t->drafts[t->n++] = d;
    return d;
}

static inline void night_set(struct draft *d, const char *field, struct value v) {
    int i = register_field(d->reg, text_of(field));
    if (i < 0) {
        fprintf(stderr, "night: %s has no field %s\n", d->reg->name.s, field);
        abort();
    }
    d->values[i] = v;
}

static inline void night_link(struct night *t, struct draft *d, const char *field, size_t to) {
    if (!d->links) d->links = arena_alloc(&t->a, d->reg->n_fields * sizeof *d->links);
    d->links[register_field(d->reg, text_of(field))] = (uint32_t)to + 1;
}

static inline size_t night_person(struct night *t) {
    static const char *const family[] = {"王", "李", "张", "刘", "陈", "杨", "赵", "黄"}, *const given[] = {"伟", "芳", "娜", "敏", "静", "强"};
    struct draft *d = night_draft(t, "person", DRAFT_CREATE, 0);
    night_set(d, "name", value_str(arena_printf(&t->a, "%s%s", family[rng_below(&t->rng, 8)], given[rng_below(&t->rng, 6)])));
    night_set(d, "phone", value_str(arena_printf(&t->a, "138%08llu", (unsigned long long)rng_below(&t->rng, 100000000))));
    if (rng_below(&t->rng, 2)) night_set(d, "sex", value_str("female"));
    return t->n - 1;
}

static inline void night_contact(struct night *t, int64_t index, int64_t person) {
    day today = day_of_instant(t->s.now, ZONE_CHINA_S);
    size_t p = person ? 0 : night_person(t);
    struct draft *d = night_draft(t, "contact", DRAFT_UPSERT, 0);
    if (person)
        night_set(d, "person", value_int(person));
    else
        night_link(t, d, "person", p);
    night_set(d, "index_case", value_int(index));
    night_set(d, "class", value_str(rng_below(&t->rng, 4) ? "close" : "secondary"));
    night_set(d, "last_contact", value_int(today - (int64_t)rng_below(&t->rng, 4)));
    night_set(d, "found_at", value_int(t->s.now));
}

static inline void night_case(struct night *t) {
    size_t p = night_person(t);
    struct draft *d = night_draft(t, "case", DRAFT_CREATE, 0);
    night_link(t, d, "person", p);
    night_set(d, "disease", value_str("covid-19"));
    night_set(d, "classification", value_str(rng_below(&t->rng, 2) ? "confirmed" : "asymptomatic"));
    night_set(d, "detected_at", value_int(t->s.now - (int64_t)rng_below(&t->rng, 7200)));
    night_set(d, "report_date", value_int(day_of_instant(t->s.now, ZONE_CHINA_S)));
}

static inline void night_move(struct night *t, const char *reg, const char *state) {
    int64_t id = night_pick(t, reg);
    if (!id) return;
    struct draft *d = night_draft(t, reg, DRAFT_CHANGE, id);
    d->state = text_of(state);
    if (strcmp(state, "released") == 0 && strcmp(reg, "stay") == 0) night_set(d, "ended_at", value_int(t->s.now));
}

/* Fills the drafts of one step; none: there is nothing to do it to. */
static inline void night_wish(struct night *t, int64_t step) {
    static const char *const done[] = {"reported_at", "core_information_at", "investigated_at", "isolated_at"};
    int64_t index = night_pick(t, "case"), contact = night_pick(t, "contact");
    struct draft *d;
    if (step == 0) {
        d = night_draft(t, "organisation", DRAFT_CREATE, 0);
        night_set(d, "title", value_str("疾控中心"));
        night_set(d, "kind", value_str("cdc"));
        night_set(d, "department", value_str("cdc"));
        return;
    }
    switch (rng_below(&t->rng, 20)) {
    case 0:
    case 1:
        night_case(t);
        break;
    case 2:
    case 3:
    case 4:
        if (index) night_contact(t, index, 0);
        break;
    case 5: /* somebody known, perhaps the same edge again */
        if (index && contact) night_contact(t, index, night_of(t, "contact", "person", contact));
        break;
    case 6:
    case 7:
        if (!contact) break;
        d = night_draft(t, "test", DRAFT_UPSERT, 0);
        night_set(d, "person", value_int(night_of(t, "contact", "person", contact)));
        night_set(d, "contact", value_int(contact));
        night_set(d, "sampled_at", value_int(t->s.now));
        night_set(d, "result", value_str(rng_below(&t->rng, 8) ? "negative" : "pending"));
        break;
    case 8:
        if (!contact) break;
        d = night_draft(t, "health_check", DRAFT_UPSERT, 0);
        night_set(d, "person", value_int(night_of(t, "contact", "person", contact)));
        night_set(d, "checked_at", value_int(t->s.now));
        night_set(d, "temperature", value_int(360 + (int64_t)rng_below(&t->rng, 20)));
        break;
    case 9:
    case 10:
        if (!contact) break;
        d = night_draft(t, "stay", DRAFT_CREATE, 0);
        night_set(d, "person", value_int(night_of(t, "contact", "person", contact)));
        night_set(d, "contact", value_int(contact));
        night_set(d, "kind", value_str(rng_below(&t->rng, 3) ? "central" : "health-monitoring"));
        night_set(d, "started_at", value_int(t->s.now));
        break;
    case 11:
        night_move(t, "stay", rng_below(&t->rng, 2) ? "released" : "transferred");
        break;
    case 12:
        night_move(t, "contact", rng_below(&t->rng, 3) ? "placed" : "released");
        break;
    case 13:
        if (!index) break;
        d = night_draft(t, "case", DRAFT_CHANGE, index);
        night_set(d, done[rng_below(&t->rng, 4)], rng_below(&t->rng, 6) ? value_int(t->s.now) : value_null());
        break;
    case 14:
        if (!contact) break;
        d = night_draft(t, "measure", DRAFT_CREATE, 0);
        night_set(d, "person", value_int(night_of(t, "contact", "person", contact)));
        night_set(d, "contact", value_int(contact));
        night_set(d, "kind", value_str("control-order"));
        night_set(d, "legal_basis", value_str("传染病防治法"));
        night_set(d, "issuer", value_int(night_pick(t, "organisation")));
        night_set(d, "order_no", value_str(t->reason));
        night_set(d, "starts", value_int(day_of_instant(t->s.now, ZONE_CHINA_S)));
        night_set(d, "ends", value_int(day_of_instant(t->s.now, ZONE_CHINA_S) + 1));
        break;
    case 15:
        if ((index = night_pick(t, "test"))) night_draft(t, "test", DRAFT_REMOVE, index);
        break;
    case 16:
        if (!(index = night_pick(t, "person"))) break;
        d = night_draft(t, "person", DRAFT_CHANGE, index);
        night_set(d, "phone", value_str(arena_printf(&t->a, "139%08llu", (unsigned long long)rng_below(&t->rng, 100000000))));
        break;
    case 17: /* a wide transaction */
        for (int i = 0; index && i < 24; i++) night_contact(t, index, 0);
        break;
    }
}

/* Does one step. 0 done (t->drafts tell what), 1 nothing came of it, negative: the store failed and err says how. */
static inline int night_step(struct night *t, int64_t step, struct error *err) {
    arena_reset(&t->a);
    rng_seed(&t->rng, t->seed * 1000003u + (uint64_t)step);
    t->s = node_session(TEXT("storm"), night_at(step), false);
    snprintf(t->reason, sizeof t->reason, "step %lld", (long long)step);
    snprintf(t->key, sizeof t->key, "key-%llu-%lld", (unsigned long long)t->seed, (long long)step);
    t->s.reason = text_of(t->reason);
    t->n = 0;
    t->unread = (struct error){0};
    struct error why = {0};
    int rc = 0;
    uint64_t kind = rng_below(&t->rng, 40);
    if (kind == 0 && step) {
        struct wake_report woken;
        rc = duty_tick(t->l, &t->s, &woken, &why);
    } else if (kind == 1 && step) {
        int64_t into = night_pick(t, "person"), from = night_pick(t, "person");
        if (!into && !t->unread.code) return 1;
        rc = t->unread.code ? t->unread.code : person_merge(t->l, &t->s, into, from, NULL, &why);
    } else {
        night_wish(t, step);
        if (!t->n && !t->unread.code) return 1;
        rc = t->unread.code ? t->unread.code : kind < 10 ? record_write_once(t->l, &t->s, text_of(t->key), t->drafts, t->n, &why) : record_write(t->l, &t->s, t->drafts, t->n, &why);
    }
    if (rc >= 0) return 0;
    t->n = 0;
    if (t->unread.code) why = t->unread;
    switch (rc) {
    case E_INVALID:
    case E_UNKNOWN:
    case E_CONFLICT:
    case E_REFUSED:
        return 1;
    default:
        if (err) *err = why;
        return rc;
    }
}

/* The step after the last one that the journal knows. Passes of the clock have reasons of their own and may be done again. */
static inline int64_t night_next(struct ledger *l) {
    struct arena a = {0};
    struct value next = value_null();
    int64_t step = -1;
    if (db_scalar(l->db, &a, "SELECT \"next\" FROM \"journal_tip\" WHERE \"id\" = 1", NULL, 0, &next, NULL) < 0) return -1;
    for (int64_t seq = value_int_or(next, 1) - 1; seq > 0 && step < 0; seq--) {
        struct journal_entry e;
        if (journal_read(l->db, seq, &a, &e, NULL) < 0) return -1;
        if (text_starts(e.reason, TEXT("step "))) step = atoll(e.reason.s + 5);
        arena_reset(&a);
    }
    arena_clear(&a);
    return step + 1;
}

/* A hash of all that a record says, in the clear. -1 when it is not there, -2 when it cannot be read. */
static inline int64_t night_digest(struct ledger *l, struct text reg, int64_t id, int32_t *ret_version, struct error *err) {
    struct arena a = {0};
    struct session s = node_session(TEXT("storm"), night_at(0), false);
    struct record r;
    struct buf b = {0};
    s.purpose = TEXT("check");
    int64_t digest = -2;
    const struct register_decl *decl = register_find(l->catalog, reg);
    int rc = record_get(l, NULL, &s, decl, id, &a, &r, err);
    if (!rc) rc = record_open(l, NULL, &s, &r, &a, err);
    if (!rc) {
        buf_printf(&b, "%lld %d %lld %lld ", (long long)r.id, (int)r.version, (long long)r.created_at, (long long)r.changed_at);
        buf_text(&b, r.region);
        buf_text(&b, r.state);
        buf_text(&b, r.number);
        for (size_t i = 0; i < decl->n_fields; i++) {
            struct value v = r.values[i];
            buf_printf(&b, "|%d:", value_given(v) ? v.kind : VALUE_NULL);
            if (v.kind == VALUE_INT)
                buf_int(&b, v.i);
            else
                buf_text(&b, value_view(v));
        }
        digest = digest_64(buf_view(&b)) & INT64_MAX;
        *ret_version = r.version;
    } else if (rc == E_UNKNOWN) {
        digest = -1;
    }
    buf_clear(&b);
    arena_clear(&a);
    return digest;
}

#endif
