/* Found contacts become records; see found.h. */
#include "desks/tracing/found.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/idmap.h"
#include "desks/tracing/inside.h"

enum { BATCH = 400 };

enum phase { PERSONS, CONTACTS, FINDINGS, REMOVALS, VENUES, INVESTIGATION, DONE };

struct tracing_taking {
    const struct session *s;
    struct visits *v;
    struct tracing_answer answer;
    struct tracing_accept accept;
    int64_t window_days;
    int32_t zone_s;
    const struct register_decl *person, *contact, *finding, *venue, *investigation, *place;
    struct record index;        /* the case */
    struct arena arena;
    struct idmap known;         /* person -> its contact of this case */
    struct idmap ranks;         /* contact -> how near its class is, as recorded */
    struct idmap first, last;   /* contact -> first_contact and last_contact as recorded; not in it: none */
    struct idmap general;       /* persons whose finding says that they came after only */
    struct idmap second;        /* persons whose finding is of a contact's contact */
    struct idmap exposed;       /* person -> first and last exposure of its finding */
    struct idmap held;          /* person -> its finding, those not current negative */
    struct contact_changes changes; /* against the findings that are current */
    char parameters[200];
    enum phase phase;
    size_t at;                  /* of the phase */
    struct draft *drafts[BATCH];
    uint32_t who[BATCH];        /* beside the drafts: which contact of the answer */
    size_t n;
    int64_t *persons, *contacts; /* by contact of the answer: its records; 0 none */
    struct tracing_accepted done;
};

/* ---- what there is already */

/* The nearer, the higher; a class of another kind is nobody's to raise. */
static int64_t rank_of(struct text class_of) {
    return text_is(class_of, "general") ? 1 : text_is(class_of, "secondary") ? 2 : 3;
}

static int known_contact(const struct record *r, void *arg) {
    struct tracing_taking *t = arg;
    bool made;
    int64_t person = record_int(r, "person", 0);
    struct idmap_slot *slot = idmap_put(&t->known, &t->arena, person, &made);
    if (!slot) return E_MEMORY;
    if (made || r->id < slot->value.i) slot->value.i = r->id;
    for (int k = 0; k < 2; k++) {
        int64_t on = record_int(r, k ? "last_contact" : "first_contact", INT64_MIN);
        slot = on == INT64_MIN ? slot : idmap_put(k ? &t->last : &t->first, &t->arena, r->id, &made);
        if (!slot) return E_MEMORY;
        if (on != INT64_MIN) slot->value.i = on;
    }
    slot = idmap_put(&t->ranks, &t->arena, r->id, &made);
    if (!slot) return E_MEMORY;
    slot->value.i = rank_of(record_text(r, "class"));
    return 0;
}

static int held_finding(const struct record *r, void *arg) {
    struct tracing_taking *t = arg;
    bool made;
    struct idmap_slot *slot = idmap_put(&t->held, &t->arena, record_int(r, "person", 0), &made);
    if (!slot) return E_MEMORY;
    slot->value.i = text_is(r->state, "current") ? r->id : -r->id;
    slot = idmap_put(&t->exposed, &t->arena, record_int(r, "person", 0), &made);
    if (!slot) return E_MEMORY;
    slot->value.p = arena_alloc(&t->arena, 2 * sizeof(instant));
    if (!slot->value.p) return E_MEMORY;
    ((instant *)slot->value.p)[0] = record_int(r, "first_exposure", INT64_MIN);
    ((instant *)slot->value.p)[1] = record_int(r, "last_exposure", INT64_MAX);
    if (text_is(record_text(r, "class"), "general") && !idmap_put(&t->general, &t->arena, record_int(r, "person", 0), &made)) return E_MEMORY;
    if (record_int(r, "degree", 1) > 1 && !idmap_put(&t->second, &t->arena, record_int(r, "person", 0), &made)) return E_MEMORY;
    return 0;
}

static int what_is_known(struct tracing_taking *t, struct ledger *l, struct error *err) {
    char where[64];
    struct record_filter f = {.where = where};
    snprintf(where, sizeof where, "index_case = %lld", (long long)t->index.id);
    int rc = record_list(l, l->db, t->s, t->contact, &f, known_contact, t, err);
    if (rc < 0) return rc;
    snprintf(where, sizeof where, "\"case\" = %lld", (long long)t->index.id);
    return record_list(l, l->db, t->s, t->finding, &f, held_finding, t, err);
}

/* ---- persons: a record's id, or a name of the visits, which then becomes the outside key of a new record */

static struct draft *person_draft(struct tracing_taking *t, struct text name, struct error *err) {
    struct draft *d = draft_new(&t->arena, t->person, DRAFT_UPSERT);
    if (!d) return error_memory(err), NULL;
    d->outside_key = arena_text(&t->arena, name);
    d->region = t->index.region;
    char *note = arena_printf(&t->arena, "known from the visits only / 仅见于出入记录: %.*s", (int)name.n, name.s);
    if (!note) return error_memory(err), NULL;
    int rc = draft_put(d, "note", value_text(text_of(note)), err);
    if (rc == 0 && register_field(t->person, TEXT("visits_name")) >= 0) rc = draft_put(d, "visits_name", value_text(d->outside_key), err);
    return rc < 0 ? NULL : d;
}

static bool wanted(const struct tracing_accept *a, struct text name) {
    for (size_t i = 0; i < a->n_names; i++)
        if (text_is(name, a->names[i])) return true;
    return a->n_names == 0;
}

/* Who only came after is taken when that is asked, or when it is on record so already. */
static bool wanted_so(const struct tracing_taking *t, const struct contact *c, int64_t person) {
    if (c->kind != CONTACT_GENERAL || t->accept.general || t->accept.n_names) return true;
    return person > 0 && idmap_find(&t->general, person);
}

/* Who is not on record is made; who lies in a region that the asker does not see is on record all the same. */
static int persons_fill(struct tracing_taking *t, struct ledger *l, struct error *err) {
    const struct contact_result *found = &t->answer.found;
    for (; t->at < found->n_contacts && t->n < BATCH; t->at++) {
        const struct contact *c = &found->contacts[t->at];
        struct text name = tracing_person(&t->answer, c->person);
        int64_t id = 0;
        if (!name.n || !wanted(&t->accept, name)) continue;
        int rc = tracing_person_named(l, name, &id, err);
        if (rc < 0) return rc;
        if (!wanted_so(t, c, id)) continue;
        t->done.taken++;
        if (id) {
            t->persons[t->at] = id;
            continue;
        }
        struct draft *d = person_draft(t, name, err);
        if (!d) return err->code;
        t->who[t->n] = (uint32_t)t->at;
        t->drafts[t->n++] = d;
    }
    return 0;
}

/* ---- one person found under several names: a card was merged into another */

static int by_place_start(const void *pa, const void *pb) {
    const struct contact_evidence *a = pa, *b = pb;
    if (a->place != b->place) return a->place < b->place ? -1 : 1;
    return (a->start > b->start) - (a->start < b->start);
}

/* Time together with what is in a chain of evidence: never a minute twice at one place. */
static int together(const struct contact_result *r, const struct contact *c, int64_t *ret, struct error *err) {
    struct contact_evidence *list = mem_alloc((c->n_evidence + 1) * sizeof *list);
    size_t n = 0;
    int64_t sum = 0;
    if (!list) return error_memory(err);
    for (uint32_t at = c->evidence; at && n < c->n_evidence; at = r->evidence[at - 1].next)
        if (r->evidence[at - 1].kind == CONTACT_MET) list[n++] = r->evidence[at - 1];
    if (n) qsort(list, n, sizeof *list, by_place_start);
    for (size_t i = 0; i < n;) {
        uint32_t place = list[i].place;
        for (int32_t until = INT32_MIN; i < n && list[i].place == place; i++) {
            int32_t from = list[i].start > until ? list[i].start : until;
            if (list[i].end > from) sum += list[i].end - from, until = list[i].end;
        }
    }
    mem_free(list);
    *ret = sum;
    return 0;
}

/* What was found under the second name goes to the first, the stronger: the days of both count. */
static int names_join(struct tracing_taking *t, struct error *err) {
    struct contact_result *r = &t->answer.found;
    struct idmap at = {0};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < r->n_contacts; i++) {
        bool made;
        struct idmap_slot *slot = t->persons[i] ? idmap_put(&at, &t->arena, t->persons[i], &made) : NULL;
        if (!t->persons[i]) continue;
        if (!slot) return error_memory(err);
        if (made) {
            slot->value.i = (int64_t)i;
            continue;
        }
        struct contact *a = &r->contacts[slot->value.i], *b = &r->contacts[i];
        uint32_t *end = &a->evidence;
        while (*end) end = &r->evidence[*end - 1].next;
        *end = b->evidence;
        a->n_evidence += b->n_evidence;
        if (b->first < a->first) a->first = b->first;
        if (b->last > a->last) a->last = b->last;
        if (b->kind < a->kind) a->kind = b->kind;
        if (b->degree < a->degree) a->degree = b->degree;
        a->score = 1 - (1 - a->score) * (1 - b->score);
        t->persons[i] = 0;
        rc = together(r, a, &a->overlap_s, err);
    }
    return rc;
}

/* ---- contacts */

static const char *const classes[] = {"close", "secondary", "general"};

/* The place on record is said of the draft. */
static int put_place(struct tracing_taking *t, struct ledger *l, struct draft *d, uint32_t place, struct error *err) {
    int64_t id;
    struct record r;
    struct text name = place == CONTACT_LINK_PLACE ? (struct text){"", 0} : visits_text(t->v, VISITS_PLACE, place);
    int rc = name.n ? tracing_place_named(l, name, &id, err) : 0;
    if (rc == 0 && id) rc = record_seek(l, l->db, t->s, t->place, id, &t->arena, &r, err);
    return rc > 0 ? draft_put(d, "place", value_int(id), err) : rc;
}

static day day_at(const struct tracing_taking *t, int32_t at) {
    return day_of_instant(t->answer.origin + at, t->zone_s);
}

/* How it was found, how they met and what they are to each other: by the newest piece of evidence; a household by any. */
struct manner {
    const char *source, *mode, *relation;
};
static struct manner manner_of(const struct tracing_taking *t, const struct contact *c) {
    static const struct manner links[CONTACT_KINDS] = {[CONTACT_HOUSEHOLD] = {"community", "living", "household"}, [CONTACT_ROOM] = {"unit", "room", NULL}, [CONTACT_UNIT] = {"unit", "work", NULL},
                                                        [CONTACT_ADDRESS] = {"community", "living", "household"}, [CONTACT_PHONE] = {"community", NULL, NULL}, [CONTACT_WORK] = {"unit", "work", "colleague"}};
    const struct contact_evidence *all = t->answer.found.evidence;
    struct manner m = {0};
    for (uint32_t at = c->evidence; at; at = all[at - 1].next)
        if (all[at - 1].kind == CONTACT_HOUSEHOLD || all[at - 1].kind == CONTACT_ADDRESS) return links[all[at - 1].kind];
    if (!c->evidence) return m;
    const struct contact_evidence *e = &all[c->evidence - 1];
    unsigned source = presence_source_of(e->attr);
    if (e->kind >= CONTACT_HOUSEHOLD) return links[e->kind];
    bool ride = source == PRESENCE_SEAT || (source == PRESENCE_ROUTE && visits_class(t->v, e->place) == TRACING_TRANSPORT);
    return (struct manner){ride ? "transport" : source == PRESENCE_TOLD || source == PRESENCE_ROUTE ? "investigation" : source == PRESENCE_REGISTER ? "unit" : "place-code",
                           ride ? "transport" : "room", NULL};
}

static struct draft *contact_draft(struct tracing_taking *t, struct ledger *l, const struct contact *c, int64_t person, struct error *err) {
    struct draft *d = draft_new(&t->arena, t->contact, DRAFT_CREATE);
    struct manner m = manner_of(t, c);
    if (!d) return error_memory(err), NULL;
    d->region = t->index.region;
    int rc = draft_put(d, "person", value_int(person), err);
    if (rc == 0) rc = draft_put(d, "index_case", value_int(t->index.id), err);
    if (rc == 0) rc = draft_put(d, "class", value_text(text_of(classes[c->kind])), err);
    if (rc == 0) rc = draft_put(d, "first_contact", value_int(day_at(t, c->first)), err);
    if (rc == 0) rc = draft_put(d, "last_contact", value_int(day_at(t, c->last > c->first ? c->last - 1 : c->last)), err);
    if (rc == 0) rc = draft_put(d, "found_at", value_int(t->s->now), err);
    if (rc == 0 && m.source) rc = draft_put(d, "source", value_text(text_of(m.source)), err);
    if (rc == 0 && m.mode) rc = draft_put(d, "mode", value_text(text_of(m.mode)), err);
    if (rc == 0 && m.relation) rc = draft_put(d, "relation", value_text(text_of(m.relation)), err);
    if (rc == 0 && c->evidence) rc = put_place(t, l, d, t->answer.found.evidence[c->evidence - 1].place, err);
    return rc < 0 ? NULL : d;
}

/* What is found of a record that is there: an earlier exposure moves its first contact, a later one its last, a nearer one its class: the plan owes more to who is close. Never the
 * other way: what a narrower question does not find may be true all the same, and a person decides. */
static struct draft *moved_draft(struct tracing_taking *t, const struct contact *c, int64_t id, struct error *err) {
    const struct idmap_slot *from = idmap_find(&t->first, id), *to = idmap_find(&t->last, id), *rank = idmap_find(&t->ranks, id);
    day first = day_at(t, c->first), last = day_at(t, c->last > c->first ? c->last - 1 : c->last);
    bool earlier = !from || first < from->value.i, later = !to || last > to->value.i, nearer = rank && rank->value.i < rank_of(text_of(classes[c->kind]));
    if (!earlier && !later && !nearer) return NULL;
    struct draft *d = draft_new(&t->arena, t->contact, DRAFT_CHANGE);
    if (!d) return error_memory(err), NULL;
    d->id = id;
    d->keep_key = true;
    int rc = earlier ? draft_put(d, "first_contact", value_int(first), err) : 0;
    if (rc == 0 && later) rc = draft_put(d, "last_contact", value_int(last), err);
    if (rc == 0 && nearer) rc = draft_put(d, "class", value_text(text_of(classes[c->kind])), err);
    return rc < 0 ? NULL : d;
}

static int contacts_fill(struct tracing_taking *t, struct ledger *l, struct error *err) {
    const struct contact_result *found = &t->answer.found;
    for (; t->at < found->n_contacts && t->n < BATCH; t->at++) {
        int64_t person = t->persons[t->at];
        const struct idmap_slot *slot = person ? idmap_find(&t->known, person) : NULL;
        struct draft *d = NULL;
        err->code = 0;
        if (!person) continue;
        if (slot) {
            t->done.contacts_known++;
            t->contacts[t->at] = slot->value.i;
            d = moved_draft(t, &found->contacts[t->at], slot->value.i, err);
        } else {
            d = contact_draft(t, l, &found->contacts[t->at], person, err);
        }
        if (!d && err->code) return err->code;
        if (d) t->who[t->n] = (uint32_t)t->at, t->drafts[t->n++] = d;
    }
    return 0;
}

/* ---- findings */

/* A line a piece: place, from, until, minutes, source. */
static char *evidence_text(struct tracing_taking *t, const struct contact *c) {
    static const char *const kinds[CONTACT_KINDS] = {"", ", came after", ", same household", ", same room", ", same unit", ", same address", ", same phone", ", same work unit"};
    struct buf b = {0};
    size_t n = 0;
    for (uint32_t at = c->evidence; at && n < TRACING_EVIDENCE_LINES && b.n < 7000; at = t->answer.found.evidence[at - 1].next, n++) {
        const struct contact_evidence *e = &t->answer.found.evidence[at - 1];
        struct text place = e->place == CONTACT_LINK_PLACE ? (struct text){"-", 1} : visits_text(t->v, VISITS_PLACE, e->place);
        char from[INSTANT_TEXT], to[INSTANT_TEXT];
        instant_format(t->answer.origin + e->start, t->zone_s, from);
        instant_format(t->answer.origin + e->end, t->zone_s, to);
        buf_text(&b, place);
        buf_printf(&b, ", %.16s, %.16s, %.0f min, %s%s\n", from, to, (double)e->overlap_s / 60, presence_source_word(presence_source_of(e->attr)), kinds[e->kind]);
    }
    if (n < c->n_evidence) buf_printf(&b, "... %u\n", c->n_evidence);
    char *out = b.failed ? NULL : arena_str(&t->arena, buf_cstr(&b));
    buf_clear(&b);
    return out;
}

static struct draft *finding_draft(struct tracing_taking *t, const struct contact *c, int64_t person, int64_t contact, struct error *err) {
    const struct idmap_slot *held = idmap_find(&t->held, person);
    bool back = held && held->value.i < 0; /* found again: what was said against it goes, which an upsert would leave */
    struct draft *d = draft_new(&t->arena, t->finding, back ? DRAFT_CHANGE : DRAFT_UPSERT);
    char *evidence = evidence_text(t, c);
    if (!d || !evidence) return error_memory(err), NULL;
    if (back) d->id = -held->value.i;
    d->region = t->index.region;
    d->state = TEXT("current");
    const struct { const char *name; struct value v; } cells[] = {
        {"case", value_int(t->index.id)}, {"person", value_int(person)}, {"class", value_text(text_of(classes[c->kind]))},
        {"degree", value_int(c->degree)}, {"first_exposure", value_int(t->answer.origin + c->first)}, {"last_exposure", value_int(t->answer.origin + c->last)},
        {"minutes", value_int(c->overlap_s / 60)}, {"score", value_int((int64_t)(c->score * 10000 + 0.5))}, {"evidence", value_text(text_of(evidence))},
        {"pieces", value_int(c->n_evidence)}, {"parameters", value_text(text_of(t->parameters))}, {"traced_at", value_int(t->s->now)}, {"removal_reason", value_null()}};
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++)
        if (draft_put(d, cells[i].name, cells[i].v, err) < 0) return NULL;
    if (contact && draft_put(d, "contact", value_int(contact), err) < 0) return NULL; /* else as it is */
    return d;
}

static int findings_fill(struct tracing_taking *t, struct ledger *l, struct error *err) {
    const struct contact_result *found = &t->answer.found;
    for (; t->at < found->n_contacts && t->n < BATCH; t->at++) {
        if (!t->persons[t->at]) continue;
        struct draft *d = finding_draft(t, &found->contacts[t->at], t->persons[t->at], t->contacts[t->at], err);
        if (!d) return err->code;
        t->drafts[t->n++] = d;
    }
    return 0;
}

/* Findings that this run does not bear out: proposed for removal, with the parameters that it ran with. */
static int removals_fill(struct tracing_taking *t, struct ledger *l, struct error *err) {
    for (; t->at < t->changes.n && t->n < BATCH; t->at++) {
        const struct contact_change *c = &t->changes.items[t->at];
        if (c->kind != CONTACT_REMOVED) continue;
        struct draft *d = draft_new(&t->arena, t->finding, DRAFT_CHANGE);
        char *why = arena_printf(&t->arena, "no longer found / 本次追踪未再发现: %s", t->parameters);
        if (!d || !why) return error_memory(err);
        d->id = idmap_find(&t->held, c->person)->value.i;
        d->state = TEXT("to-remove");
        if (draft_put(d, "removal_reason", value_text(text_of(why)), err) < 0) return err->code;
        t->drafts[t->n++] = d;
        t->done.to_remove++;
    }
    return 0;
}

/* ---- venues and the investigation */

static int venues_fill(struct tracing_taking *t, struct ledger *l, struct error *err) {
    int rc = 0;
    for (; rc == 0 && t->at < t->answer.found.n_venues && t->n < BATCH; t->at++) {
        const struct contact_venue *x = &t->answer.found.venues[t->at];
        struct draft *d = draft_new(&t->arena, t->venue, DRAFT_UPSERT);
        if (x->degree != 1) continue;
        struct text name = arena_text(&t->arena, visits_text(t->v, VISITS_PLACE, x->place));
        if (!d || !name.s) return error_memory(err);
        d->region = t->index.region;
        rc = draft_put(d, "case", value_int(t->index.id), err);
        if (rc == 0) rc = put_place(t, l, d, x->place, err);
        if (rc == 0) rc = draft_put(d, "place_text", value_text(name), err);
        if (rc == 0) rc = draft_put(d, "starts", value_int(t->answer.origin + x->from), err);
        if (rc == 0) rc = draft_put(d, "ends", value_int(t->answer.origin + x->to), err);
        if (rc == 0) rc = draft_put(d, "visits_a_day", value_int(x->crowd), err);
        t->drafts[t->n++] = d;
        t->done.venues++;
    }
    return rc;
}

static int first_id(const struct record *r, void *arg) {
    *(int64_t *)arg = r->id;
    return 1;
}

static int investigation_fill(struct tracing_taking *t, struct ledger *l, struct error *err) {
    char where[64];
    struct record_filter f = {.where = where, .limit = 1};
    int64_t id = 0;
    if (t->at++) return 0;
    snprintf(where, sizeof where, "\"case\" = %lld", (long long)t->index.id);
    int rc = record_list(l, l->db, t->s, t->investigation, &f, first_id, &id, err);
    if (rc < 0) return rc;
    struct draft *d = draft_new(&t->arena, t->investigation, id ? DRAFT_CHANGE : DRAFT_CREATE);
    if (!d) return error_memory(err);
    d->id = id;
    rc = 0;
    if (!id) {
        d->region = t->index.region;
        rc = draft_put(d, "case", value_int(t->index.id), err);
        if (rc == 0) rc = draft_put(d, "opened_at", value_int(t->s->now), err);
    }
    if (rc == 0) rc = draft_put(d, "traced_at", value_int(t->s->now), err);
    if (rc == 0 && t->window_days) rc = draft_put(d, "lookback_days", value_int(t->window_days > 60 ? 60 : t->window_days), err);
    t->drafts[t->n++] = d;
    return rc;
}

/* ---- all of it */

static int registers_find(struct tracing_taking *t, const struct ledger *l, struct error *err) {
    const struct { const char *name; const struct register_decl **at; } all[] = {{"person", &t->person}, {"contact", &t->contact}, {"finding", &t->finding},
                                                                               {"exposure_venue", &t->venue}, {"investigation", &t->investigation}, {"place", &t->place}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (!(*all[i].at = register_find(l->catalog, text_of(all[i].name))))
            return error_set(err, E_UNKNOWN, all[i].name, "the catalog lacks a register of tracing / 缺少追踪所需的登记册");
    return 0;
}

/* Who is new, who stays, who goes; of some picked by hand nobody goes, nor whose days cannot be seen any more. */
static int changes_make(struct tracing_taking *t, struct error *err) {
    size_t n = 0, n_before = 0;
    int64_t *now = mem_alloc((t->answer.found.n_contacts + 1) * sizeof *now), *before = mem_alloc((t->held.cap + 1) * sizeof *before);
    int rc = now && before ? 0 : error_memory(err);
    for (size_t i = 0; rc == 0 && i < t->answer.found.n_contacts; i++)
        if (t->persons[i]) now[n++] = t->persons[i];
    for (size_t i = 0; rc == 0 && i < t->held.cap; i++)
        if (t->held.slots[i].used && t->held.slots[i].value.i > 0) before[n_before++] = t->held.slots[i].key;
    if (rc == 0) rc = contact_changes_find(before, t->accept.n_names ? 0 : n_before, now, n, &t->changes, err);
    for (size_t i = 0; rc == 0 && i < t->changes.n; i++) {
        struct contact_change *c = &t->changes.items[i];
        const struct idmap_slot *slot = c->kind == CONTACT_REMOVED ? idmap_find(&t->exposed, c->person) : NULL;
        bool unseen = false;
        if (!slot) continue;
        if (t->answer.degree == 1 && idmap_find(&t->second, c->person)) unseen = true; /* contacts of contacts were not looked for */
        else rc = tracing_unseen(t->v, &t->answer, ((instant *)slot->value.p)[0], ((instant *)slot->value.p)[1], &unseen, err);
        if (unseen) c->kind = CONTACT_KEPT, t->changes.removed--, t->changes.kept++;
    }
    mem_free(now);
    mem_free(before);
    return rc;
}

int tracing_taking_new(struct ledger *l, const struct session *s, struct visits *v, const struct tracing_plan *p, struct tracing_answer *answer, const struct tracing_question *q,
                       const struct tracing_accept *a, struct tracing_taking **ret, struct error *err) {
    struct tracing_taking *t = mem_alloc(sizeof *t);
    const struct contact_rule *r = &p->options.rules[0];
    char from[INSTANT_TEXT], to[INSTANT_TEXT];
    if (!t) return tracing_answer_clear(answer), error_memory(err);
    *t = (struct tracing_taking){.s = s, .v = v, .answer = *answer, .accept = *a, .window_days = q->window_days, .zone_s = l->zone_s};
    *answer = (struct tracing_answer){0};
    size_t n = t->answer.found.n_contacts;
    int rc = registers_find(t, l, err);
    if (rc == 0 && n > TRACING_ACCEPT_MAX)
        rc = error_set(err, E_TOO_LARGE, NULL, "%zu contacts; narrow the question or treat places as venues / 接触者过多,请缩小范围或按风险场所处理", n);
    if (rc == 0) rc = record_get(l, l->db, s, register_find(l->catalog, TEXT("case")), p->one, &t->arena, &t->index, err);
    instant_format(t->answer.from, l->zone_s, from);
    instant_format(t->answer.to, l->zone_s, to);
    snprintf(t->parameters, sizeof t->parameters, "%.16s .. %.16s, %d min, +%d min, degree %d", from, to, r->overlap_s / 60, r->after_s / 60, p->options.degree);
    t->done.found = n;
    t->persons = arena_alloc(&t->arena, (n + 1) * sizeof *t->persons);
    t->contacts = arena_alloc(&t->arena, (n + 1) * sizeof *t->contacts);
    if (rc == 0 && (!t->persons || !t->contacts)) rc = error_memory(err);
    if (rc == 0) rc = what_is_known(t, l, err);
    if (rc < 0) tracing_taking_free(t);
    else *ret = t;
    return rc;
}

int tracing_taking_next(struct tracing_taking *t, struct ledger *l, struct draft ***ret, size_t *ret_n, struct error *err) {
    static int (*const fill[DONE])(struct tracing_taking *t, struct ledger *l, struct error *err) = {persons_fill, contacts_fill, findings_fill, removals_fill, venues_fill, investigation_fill};
    int rc = 0;
    t->n = 0;
    while (t->phase < DONE) {
        rc = fill[t->phase](t, l, err);
        if (rc < 0) return rc;
        if (t->n) {
            *ret = t->drafts;
            *ret_n = t->n;
            return 1;
        }
        if (t->phase == PERSONS && ((rc = names_join(t, err)) < 0 || (rc = changes_make(t, err)) < 0)) return rc;
        t->phase++;
        t->at = 0;
    }
    return 0;
}

void tracing_taking_took(struct tracing_taking *t) {
    for (size_t k = 0; k < t->n; k++) {
        const struct draft *d = t->drafts[k];
        bool created = d->outcome == OUTCOME_CREATED, changed = d->outcome == OUTCOME_CHANGED;
        if (d->outcome == OUTCOME_REJECTED) {
            if (!t->done.refused++) t->done.first = d->error;
            continue;
        }
        if (t->phase == PERSONS) t->persons[t->who[k]] = d->ret_id, t->done.persons_made += created;
        if (t->phase == CONTACTS && created) t->contacts[t->who[k]] = d->ret_id;
        if (t->phase == CONTACTS) t->done.contacts_made += created, t->done.contacts_moved += changed;
        if (t->phase == FINDINGS) t->done.findings_made += created, t->done.findings_changed += changed;
        if (t->phase == INVESTIGATION) t->done.investigation = d->ret_id ? d->ret_id : d->id;
    }
}

struct arena *tracing_taking_arena(struct tracing_taking *t) {
    return &t->arena;
}

void tracing_taking_result(const struct tracing_taking *t, struct tracing_accepted *ret) {
    *ret = t->done;
}

void tracing_taking_free(struct tracing_taking *t) {
    if (!t) return;
    tracing_answer_clear(&t->answer);
    contact_changes_clear(&t->changes);
    arena_clear(&t->arena);
    mem_free(t);
}

int tracing_accept_plan(struct ledger *l, const struct session *s, struct visits *v, const struct tracing_question *q, struct tracing_plan *ret, struct error *err) {
    struct tracing_plan plan = {0};
    struct record index = {0};
    struct arena a = {0};
    if (q->n_cases != 1 || q->n_persons) return error_set(err, E_USAGE, "case", "contacts are accepted for one case at a time / 一次只接受一个病例的接触者");
    if (q->reverse) return error_set(err, E_USAGE, "reverse", "who can have infected a case is no contact of it / 反向追踪的结果不登记为接触者");
    int rc = tracing_plan(l, s, v, q, &plan, err);
    if (rc == 0) rc = record_get(l, l->db, s, register_find(l->catalog, TEXT("case")), plan.one, &a, &index, err);
    if (rc == 0) rc = tracing_route_feed(l, s, v, record_int(&index, "person", 0), NULL, err);
    tracing_plan_clear(&plan);
    if (rc == 0) rc = tracing_plan(l, s, v, q, ret, err); /* the route may have made the person known to the visits */
    arena_clear(&a);
    return rc;
}

/* One transaction for what has gathered; what is refused alone is counted, the rest stands. */
static int apply(struct ledger *l, const struct session *s, struct tracing_taking *t, struct draft **drafts, size_t n, struct error *err) {
    int rc = ledger_begin(l, err);
    if (rc < 0) return rc;
    rc = ledger_end(l, record_apply(l, s, drafts, n, err), s->now, err);
    if (rc == 0) tracing_taking_took(t);
    return rc;
}

int tracing_accept(struct ledger *l, const struct session *s, struct visits *v, const struct tracing_question *q, const struct tracing_accept *a, struct tracing_accepted *ret,
                   struct error *err) {
    struct tracing_plan plan = {0};
    struct tracing_answer answer = {0};
    struct tracing_taking *t = NULL;
    struct draft **drafts;
    struct error own = {0};
    size_t n;
    if (!err) err = &own;
    int rc = tracing_accept_plan(l, s, v, q, &plan, err);
    if (rc == 0) rc = tracing_plan_journal(l, s, &plan, err);
    if (rc == 0) rc = tracing_find(l, s, v, &plan, &answer, err);
    if (rc == 0) rc = tracing_taking_new(l, s, v, &plan, &answer, q, a, &t, err);
    while (rc == 0 && (rc = tracing_taking_next(t, l, &drafts, &n, err)) > 0) rc = apply(l, s, t, drafts, n, err);
    if (rc == 0) tracing_taking_result(t, ret);
    tracing_taking_free(t);
    tracing_plan_clear(&plan);
    return rc;
}
