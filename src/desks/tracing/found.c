/* Found contacts become records; see found.h. */
#include "desks/tracing/found.h"

#include <stdio.h>
#include <string.h>

#include "base/idmap.h"
#include "desks/tracing/inside.h"

enum { BATCH = 400 };

struct taking {
    struct ledger *l;
    const struct session *s;
    struct visits *v;
    const struct tracing_answer *a;
    const struct tracing_plan *plan;
    const struct register_decl *person, *contact, *finding, *venue, *investigation, *place;
    struct record index;        /* the case */
    struct arena arena;
    struct idmap known;         /* person -> its contact of this case */
    struct idmap last;          /* contact -> last_contact + 1 as recorded, 0 none */
    struct idmap held;          /* person -> its finding, removed ones too */
    struct idmap found;         /* persons of this run */
    char parameters[200];
    struct draft *drafts[BATCH];
    size_t n;
    int64_t persons[BATCH], contacts[BATCH]; /* beside the drafts of findings */
    struct tracing_accepted *ret;
};

static int memory(struct error *err) {
    return error_set(err, E_MEMORY, NULL, "out of memory / 内存不足");
}

static int cell(struct taking *t, struct draft *d, const char *field, struct value v, struct error *err) {
    int f = register_field(d->reg, text_of(field));
    (void)t;
    if (f < 0) return error_set(err, E_UNKNOWN, field, "register %s has no such field / 登记册无此字段", d->reg->name.s);
    d->values[f] = v;
    return 0;
}

/* One transaction for what has gathered; what is refused alone is counted, the rest stands. */
static int flush(struct taking *t, struct error *err) {
    struct ledger *l = t->l;
    int rc = 0;
    for (size_t i = 0; i < t->n; i++) record_prepare(l, t->drafts[i], &t->arena, &l->secret, t->s->now); /* its refusal is in the draft */
    if (t->n) rc = ledger_begin(l, err);
    if (t->n && rc == 0) {
        rc = record_apply(l, t->s, t->drafts, t->n, err);
        if (rc < 0) ledger_rollback(l);
        else rc = ledger_commit(l, t->s->now, err);
    }
    for (size_t i = 0; rc == 0 && i < t->n; i++) {
        if (t->drafts[i]->outcome != OUTCOME_REJECTED) continue;
        if (!t->ret->refused++) t->ret->first = t->drafts[i]->error;
    }
    return rc;
}

/* ---- what there is already */

static int known_contact(const struct record *r, void *arg) {
    struct taking *t = arg;
    bool made;
    int64_t person = tracing_cell(r, "person", 0);
    struct idmap_slot *slot = idmap_put(&t->known, &t->arena, person, &made);
    if (!slot) return E_MEMORY;
    if (made || r->id < slot->value.i) slot->value.i = r->id;
    slot = idmap_put(&t->last, &t->arena, r->id, &made);
    if (!slot) return E_MEMORY;
    slot->value.i = tracing_cell(r, "last_contact", -1) + 1;
    return 0;
}

static int held_finding(const struct record *r, void *arg) {
    struct taking *t = arg;
    bool made;
    struct idmap_slot *slot = idmap_put(&t->held, &t->arena, tracing_cell(r, "person", 0), &made);
    if (!slot) return E_MEMORY;
    slot->value.i = text_is(r->state, "current") ? r->id : -r->id;
    return 0;
}

static int what_is_known(struct taking *t, struct error *err) {
    char where[64];
    struct record_filter f = {.where = where};
    snprintf(where, sizeof where, "index_case = %lld", (long long)t->index.id);
    int rc = record_list(t->l, t->l->db, t->s, t->contact, &f, known_contact, t, err);
    if (rc < 0) return rc;
    snprintf(where, sizeof where, "\"case\" = %lld", (long long)t->index.id);
    return record_list(t->l, t->l->db, t->s, t->finding, &f, held_finding, t, err);
}

/* ---- persons: a record's id, or a name of the visits, which then becomes the outside key of a new record */

static struct draft *person_draft(struct taking *t, struct text name, struct error *err) {
    struct draft *d = draft_new(&t->arena, t->person, DRAFT_UPSERT);
    if (!d) return memory(err), NULL;
    d->outside_key = arena_text(&t->arena, name);
    d->region = t->index.region;
    char *note = arena_printf(&t->arena, "known from the visits only / 仅见于出入记录: %.*s", (int)name.n, name.s);
    if (!note) return memory(err), NULL;
    return cell(t, d, "note", value_text(text_of(note)), err) < 0 ? NULL : d;
}

static bool wanted(const struct tracing_accept *a, struct text name) {
    for (size_t i = 0; i < a->n_names; i++)
        if (text_is(name, a->names[i])) return true;
    return a->n_names == 0;
}

/* The persons of the contacts, in order; 0: not taken. Those who are not on record are made. */
static int persons_find(struct taking *t, const struct tracing_accept *a, int64_t *persons, struct error *err) {
    const struct contact_result *found = &t->a->found;
    uint32_t *who = mem_alloc(BATCH * sizeof *who);
    int rc = who ? 0 : memory(err);
    for (size_t i = 0; rc == 0 && i <= found->n_contacts; i++) {
        if (t->n == BATCH || (i == found->n_contacts && t->n)) {
            rc = flush(t, err);
            for (size_t k = 0; rc == 0 && k < t->n; k++) {
                persons[who[k]] = t->drafts[k]->outcome == OUTCOME_REJECTED ? 0 : t->drafts[k]->ret_id;
                t->ret->persons_made += t->drafts[k]->outcome == OUTCOME_CREATED;
            }
            t->n = 0;
        }
        if (rc < 0 || i == found->n_contacts) break;
        const struct contact *c = &found->contacts[i];
        struct text name = visits_text(t->v, VISITS_PERSON, c->person);
        struct record r;
        int64_t id = 0;
        if (!name.n || !wanted(a, name) || (c->kind == CONTACT_GENERAL && !a->general && !a->n_names)) continue;
        t->ret->taken++;
        if (text_int(name, &id) && record_get(t->l, t->l->db, t->s, t->person, id, &t->arena, &r, NULL) == 0) {
            persons[i] = id;
            continue;
        }
        struct draft *d = person_draft(t, name, err);
        if (!d) rc = err->code;
        else who[t->n] = (uint32_t)i, t->drafts[t->n++] = d;
    }
    mem_free(who);
    return rc;
}

/* ---- contacts */

static const char *const classes[] = {"close", "secondary", "general"};

static int64_t place_id(struct taking *t, uint32_t place) {
    int64_t id;
    struct record r;
    struct text name = place == CONTACT_LINK_PLACE ? (struct text){"", 0} : visits_text(t->v, VISITS_PLACE, place);
    return name.n && text_int(name, &id) && record_get(t->l, t->l->db, t->s, t->place, id, &t->arena, &r, NULL) == 0 ? id : 0;
}

static day day_at(const struct taking *t, int32_t at) {
    return day_of_instant(t->a->origin + at, t->l->zone_s);
}

static const char *source_code(uint16_t attr) {
    switch (presence_source_of(attr)) {
    case PRESENCE_SEAT: return "transport";
    case PRESENCE_TOLD: return "investigation";
    case PRESENCE_REGISTER: return "unit";
    default: return "place-code";
    }
}

static struct draft *contact_draft(struct taking *t, const struct contact *c, int64_t person, struct error *err) {
    struct draft *d = draft_new(&t->arena, t->contact, DRAFT_CREATE);
    const struct contact_evidence *e = c->evidence ? &t->a->found.evidence[c->evidence - 1] : NULL;
    if (!d) return memory(err), NULL;
    d->region = t->index.region;
    int rc = cell(t, d, "person", value_int(person), err);
    if (rc == 0) rc = cell(t, d, "index_case", value_int(t->index.id), err);
    if (rc == 0) rc = cell(t, d, "class", value_text(text_of(classes[c->kind])), err);
    if (rc == 0) rc = cell(t, d, "first_contact", value_int(day_at(t, c->first)), err);
    if (rc == 0) rc = cell(t, d, "last_contact", value_int(day_at(t, c->last > c->first ? c->last - 1 : c->last)), err);
    if (rc == 0) rc = cell(t, d, "found_at", value_int(t->s->now), err);
    if (rc == 0 && e) rc = cell(t, d, "source", value_text(text_of(source_code(e->attr))), err);
    if (rc == 0 && e) rc = cell(t, d, "mode", value_text(text_of(presence_source_of(e->attr) == PRESENCE_SEAT ? "transport" : "room")), err);
    int64_t place = e ? place_id(t, e->place) : 0;
    if (rc == 0 && place) rc = cell(t, d, "place", value_int(place), err);
    return rc < 0 ? NULL : d;
}

/* A later exposure moves the last contact of a record that is there. */
static struct draft *moved_draft(struct taking *t, const struct contact *c, int64_t id, struct error *err) {
    const struct idmap_slot *slot = idmap_find(&t->last, id);
    day last = day_at(t, c->last > c->first ? c->last - 1 : c->last);
    if (!slot || slot->value.i > last) return NULL; /* as late already */
    struct draft *d = draft_new(&t->arena, t->contact, DRAFT_CHANGE);
    if (!d) return memory(err), NULL;
    d->id = id;
    d->keep_key = true;
    return cell(t, d, "last_contact", value_int(last), err) < 0 ? NULL : d;
}

static int contacts_write(struct taking *t, const int64_t *persons, int64_t *contacts, struct error *err) {
    const struct contact_result *found = &t->a->found;
    uint32_t who[BATCH];
    int rc = 0;
    t->n = 0;
    for (size_t i = 0; rc == 0 && i <= found->n_contacts; i++) {
        if (t->n == BATCH || (i == found->n_contacts && t->n)) {
            rc = flush(t, err);
            for (size_t k = 0; rc == 0 && k < t->n; k++) {
                if (t->drafts[k]->outcome == OUTCOME_CREATED) t->ret->contacts_made++, contacts[who[k]] = t->drafts[k]->ret_id;
                t->ret->contacts_moved += t->drafts[k]->outcome == OUTCOME_CHANGED;
            }
            t->n = 0;
        }
        if (rc < 0 || i == found->n_contacts) break;
        if (!persons[i]) continue;
        const struct idmap_slot *slot = idmap_find(&t->known, persons[i]);
        struct draft *d = NULL;
        err->code = 0;
        if (slot) {
            t->ret->contacts_known++;
            contacts[i] = slot->value.i;
            d = moved_draft(t, &found->contacts[i], slot->value.i, err);
        } else {
            d = contact_draft(t, &found->contacts[i], persons[i], err);
        }
        if (d) who[t->n] = (uint32_t)i, t->drafts[t->n++] = d;
        else rc = err->code;
    }
    return rc;
}

/* ---- findings */

/* A line a piece: place, from, until, minutes, source. */
static char *evidence_text(struct taking *t, const struct contact *c) {
    static const char *const words[] = {
#define X(name, word, zh) word,
        PRESENCE_SOURCES(X)
#undef X
    };
    static const char *const kinds[] = {"", ", came after", ", by a register"};
    struct buf b = {0};
    size_t n = 0;
    for (uint32_t at = c->evidence; at && n < TRACING_EVIDENCE_LINES && b.n < 7000; at = t->a->found.evidence[at - 1].next, n++) {
        const struct contact_evidence *e = &t->a->found.evidence[at - 1];
        struct text place = e->place == CONTACT_LINK_PLACE ? (struct text){"-", 1} : visits_text(t->v, VISITS_PLACE, e->place);
        char from[INSTANT_TEXT], to[INSTANT_TEXT];
        unsigned source = presence_source_of(e->attr);
        instant_format(t->a->origin + e->start, t->l->zone_s, from);
        instant_format(t->a->origin + e->end, t->l->zone_s, to);
        buf_text(&b, place);
        buf_printf(&b, ", %.16s, %.16s, %.0f min, %s%s\n", from, to, (double)e->overlap_s / 60, source < PRESENCE_KINDS ? words[source] : "", kinds[e->kind]);
    }
    if (n < c->n_evidence) buf_printf(&b, "... %u\n", c->n_evidence);
    char *out = b.failed ? NULL : arena_str(&t->arena, buf_cstr(&b));
    buf_clear(&b);
    return out;
}

static struct draft *finding_draft(struct taking *t, const struct contact *c, int64_t person, int64_t contact, struct error *err) {
    struct draft *d = draft_new(&t->arena, t->finding, DRAFT_UPSERT);
    char *evidence = evidence_text(t, c);
    if (!d || !evidence) return memory(err), NULL;
    d->region = t->index.region;
    d->state = TEXT("current");
    const struct { const char *name; struct value v; } cells[] = {
        {"case", value_int(t->index.id)}, {"person", value_int(person)}, {"contact", contact ? value_int(contact) : value_null()}, {"class", value_text(text_of(classes[c->kind]))},
        {"degree", value_int(c->degree)}, {"first_exposure", value_int(t->a->origin + c->first)}, {"last_exposure", value_int(t->a->origin + c->last)},
        {"minutes", value_int(c->overlap_s / 60)}, {"score", value_int((int64_t)(c->score * 10000 + 0.5))}, {"evidence", value_text(text_of(evidence))},
        {"pieces", value_int(c->n_evidence)}, {"parameters", value_text(text_of(t->parameters))}, {"traced_at", value_int(t->s->now)}, {"removal_reason", value_null()}};
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++)
        if (cell(t, d, cells[i].name, cells[i].v, err) < 0) return NULL;
    return d;
}

static int findings_flush(struct taking *t, struct error *err) {
    int rc = flush(t, err);
    for (size_t k = 0; rc == 0 && k < t->n; k++) {
        t->ret->findings_made += t->drafts[k]->outcome == OUTCOME_CREATED;
        t->ret->findings_changed += t->drafts[k]->outcome == OUTCOME_CHANGED;
    }
    t->n = 0;
    return rc;
}

static int findings_write(struct taking *t, const int64_t *persons, const int64_t *contacts, struct error *err) {
    const struct contact_result *found = &t->a->found;
    int rc = 0;
    t->n = 0;
    for (size_t i = 0; rc == 0 && i < found->n_contacts; i++) {
        if (!persons[i]) continue;
        struct draft *d = finding_draft(t, &found->contacts[i], persons[i], contacts[i], err);
        if (!d) return err->code;
        t->drafts[t->n++] = d;
        if (t->n == BATCH) rc = findings_flush(t, err);
    }
    return rc == 0 && t->n ? findings_flush(t, err) : rc;
}

/* Findings that this run does not bear out: proposed for removal, with the parameters that it ran with. */
static int removals_propose(struct taking *t, struct error *err) {
    int rc = 0;
    t->n = 0;
    for (size_t i = 0; rc == 0 && i < t->held.cap; i++) {
        const struct idmap_slot *slot = &t->held.slots[i];
        if (!slot->used || slot->value.i <= 0 || idmap_find(&t->found, slot->key)) continue;
        struct draft *d = draft_new(&t->arena, t->finding, DRAFT_CHANGE);
        char *why = arena_printf(&t->arena, "no longer found / 本次追踪未再发现: %s", t->parameters);
        if (!d || !why) return memory(err);
        d->id = slot->value.i;
        d->state = TEXT("to-remove");
        rc = cell(t, d, "removal_reason", value_text(text_of(why)), err);
        t->drafts[t->n++] = d;
        t->ret->to_remove++;
        if (rc == 0 && t->n == BATCH) rc = flush(t, err), t->n = 0;
    }
    if (rc == 0 && t->n) rc = flush(t, err);
    t->n = 0;
    return rc;
}

/* ---- venues and the investigation */

static int venues_write(struct taking *t, struct error *err) {
    int rc = 0;
    t->n = 0;
    for (size_t i = 0; rc == 0 && i < t->a->found.n_venues; i++) {
        const struct contact_venue *x = &t->a->found.venues[i];
        struct draft *d = draft_new(&t->arena, t->venue, DRAFT_UPSERT);
        int64_t place = place_id(t, x->place);
        if (x->degree != 1) continue;
        if (!d) return memory(err);
        d->region = t->index.region;
        rc = cell(t, d, "case", value_int(t->index.id), err);
        if (rc == 0 && place) rc = cell(t, d, "place", value_int(place), err);
        if (rc == 0) rc = cell(t, d, "place_text", value_text(arena_text(&t->arena, visits_text(t->v, VISITS_PLACE, x->place))), err);
        if (rc == 0) rc = cell(t, d, "starts", value_int(t->a->origin + x->from), err);
        if (rc == 0) rc = cell(t, d, "ends", value_int(t->a->origin + x->to), err);
        if (rc == 0) rc = cell(t, d, "visits_a_day", value_int(x->crowd), err);
        t->drafts[t->n++] = d;
        t->ret->venues++;
        if (rc == 0 && t->n == BATCH) rc = flush(t, err), t->n = 0;
    }
    if (rc == 0 && t->n) rc = flush(t, err);
    t->n = 0;
    return rc;
}

static int first_id(const struct record *r, void *arg) {
    *(int64_t *)arg = r->id;
    return 1;
}

static int investigation_note(struct taking *t, const struct tracing_question *q, struct error *err) {
    char where[64];
    struct record_filter f = {.where = where, .limit = 1};
    int64_t id = 0;
    snprintf(where, sizeof where, "\"case\" = %lld", (long long)t->index.id);
    int rc = record_list(t->l, t->l->db, t->s, t->investigation, &f, first_id, &id, err);
    if (rc < 0) return rc;
    struct draft *d = draft_new(&t->arena, t->investigation, id ? DRAFT_CHANGE : DRAFT_CREATE);
    if (!d) return memory(err);
    d->id = id;
    rc = 0;
    if (!id) {
        d->region = t->index.region;
        rc = cell(t, d, "case", value_int(t->index.id), err);
        if (rc == 0) rc = cell(t, d, "opened_at", value_int(t->s->now), err);
    }
    if (rc == 0) rc = cell(t, d, "traced_at", value_int(t->s->now), err);
    if (rc == 0 && q->window_days) rc = cell(t, d, "lookback_days", value_int(q->window_days > 60 ? 60 : q->window_days), err);
    t->drafts[0] = d;
    t->n = 1;
    if (rc == 0) rc = flush(t, err);
    t->ret->investigation = id ? id : d->ret_id;
    t->n = 0;
    return rc;
}

/* ---- all of it */

static int registers_find(struct taking *t, struct error *err) {
    const struct { const char *name; const struct register_decl **at; } all[] = {{"person", &t->person}, {"contact", &t->contact}, {"finding", &t->finding},
                                                                               {"exposure_venue", &t->venue}, {"investigation", &t->investigation}, {"place", &t->place}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (!(*all[i].at = register_find(t->l->catalog, text_of(all[i].name))))
            return error_set(err, E_UNKNOWN, all[i].name, "the catalog lacks a register of tracing / 缺少追踪所需的登记册");
    return 0;
}

static int take_all(struct taking *t, const struct tracing_question *q, const struct tracing_accept *a, struct error *err) {
    size_t n = t->a->found.n_contacts;
    int64_t *persons = mem_alloc((n ? n : 1) * sizeof *persons), *contacts = mem_alloc((n ? n : 1) * sizeof *contacts);
    int rc = persons && contacts ? 0 : memory(err);
    bool made;
    if (rc == 0) rc = what_is_known(t, err);
    if (rc == 0) rc = persons_find(t, a, persons, err);
    for (size_t i = 0; rc == 0 && i < n; i++)
        if (persons[i] && !idmap_put(&t->found, &t->arena, persons[i], &made)) rc = memory(err);
    if (rc == 0) rc = contacts_write(t, persons, contacts, err);
    if (rc == 0) rc = findings_write(t, persons, contacts, err);
    if (rc == 0 && !a->n_names) rc = removals_propose(t, err);
    if (rc == 0) rc = venues_write(t, err);
    if (rc == 0) rc = investigation_note(t, q, err);
    mem_free(persons);
    mem_free(contacts);
    return rc;
}

int tracing_accept(struct ledger *l, const struct session *s, struct visits *v, const struct tracing_question *q, const struct tracing_accept *a, struct tracing_accepted *ret,
                   struct error *err) {
    struct tracing_plan plan = {0};
    struct tracing_answer answer = {0};
    struct tracing_accepted done = {0};
    struct taking t = {.l = l, .s = s, .v = v, .a = &answer, .plan = &plan, .ret = &done};
    struct error own = {0};
    if (!err) err = &own;
    if (q->n_cases != 1 || q->n_persons) return error_set(err, E_USAGE, "case", "contacts are accepted for one case at a time / 一次只接受一个病例的接触者");
    int rc = registers_find(&t, err);
    if (rc == 0) rc = tracing_plan(l, s, v, q, &plan, err);
    if (rc == 0) rc = record_get(l, l->db, s, register_find(l->catalog, TEXT("case")), plan.one, &t.arena, &t.index, err);
    if (rc == 0) rc = tracing_route_feed(l, s, v, tracing_cell(&t.index, "person", 0), NULL, err);
    tracing_plan_clear(&plan);
    if (rc == 0) rc = tracing_plan(l, s, v, q, &plan, err); /* the route may have made the person known to the visits */
    if (rc == 0) rc = tracing_plan_journal(l, s, &plan, err);
    if (rc == 0) rc = tracing_find(v, &plan, &answer, err);
    if (rc == 0 && answer.found.n_contacts > TRACING_ACCEPT_MAX)
        rc = error_set(err, E_TOO_LARGE, NULL, "%zu contacts; narrow the question or treat places as venues / 接触者过多,请缩小范围或按风险场所处理", answer.found.n_contacts);
    if (rc == 0) {
        const struct contact_rule *r = &plan.options.rules[0];
        char from[INSTANT_TEXT], to[INSTANT_TEXT];
        instant_format(answer.from, l->zone_s, from);
        instant_format(answer.to, l->zone_s, to);
        snprintf(t.parameters, sizeof t.parameters, "%.16s .. %.16s, %d min, +%d min, degree %d", from, to, r->overlap_s / 60, r->after_s / 60, plan.options.degree);
        done.found = answer.found.n_contacts;
        rc = take_all(&t, q, a, err);
    }
    tracing_answer_clear(&answer);
    tracing_plan_clear(&plan);
    arena_clear(&t.arena);
    if (rc == 0) *ret = done;
    return rc;
}
