/* A trace against what was found before: before anything is taken. */
#include <stdio.h>

#include "base/idmap.h"
#include "desks/tracing/found.h"
#include "desks/tracing/inside.h"

int tracing_unseen(struct visits *v, const struct tracing_answer *a, instant first, instant last, bool *ret, struct error *err) {
    instant from = first > a->from ? first : a->from, to = last < a->to ? last : a->to;
    *ret = from <= to && a->damaged > 0;
    return *ret || from > to ? 0 : visits_forgot(v, day_of_instant(from, visits_zone(v)), day_of_instant(to, visits_zone(v)) + 1, ret, err);
}

struct held {
    int64_t *persons;
    struct holding {
        instant from, to;
        int64_t degree;
    } *about;              /* beside each */
    size_t n, cap;
    instant traced_at;
    struct arena arena;
    struct idmap general;  /* who only came after, and is on record so */
};

static int held_one(const struct record *r, void *arg) {
    struct held *h = arg;
    instant at = record_int(r, "traced_at", 0);
    bool made;
    if (!text_is(r->state, "current")) return 0;
    size_t cap = h->cap; /* of both */
    if (!mem_room(&h->about, &cap, h->n + 1, sizeof *h->about) || !mem_room(&h->persons, &h->cap, h->n + 1, sizeof *h->persons)) return E_MEMORY;
    h->about[h->n] = (struct holding){record_int(r, "first_exposure", INT64_MIN), record_int(r, "last_exposure", INT64_MAX), record_int(r, "degree", 1)};
    h->persons[h->n++] = record_int(r, "person", 0);
    if (text_is(record_text(r, "class"), "general") && !idmap_put(&h->general, &h->arena, record_int(r, "person", 0), &made)) return E_MEMORY;
    if (at > h->traced_at) h->traced_at = at;
    return 0;
}

/* The record that a name of the visits stands for; a negative number of its own when there is none. */
static int record_of(struct ledger *l, const struct session *s, const struct register_decl *person, struct text name, uint32_t number, int64_t *ret, struct error *err) {
    struct arena a = {0};
    struct record r = {.id = -(int64_t)number - 1};
    int64_t id;
    int rc = tracing_person_named(l, name, &id, err);
    if (rc == 0 && id) r.id = id;
    else if (rc == 0) rc = record_by_number(l, l->db, s, person, name, &a, &r, err);
    arena_clear(&a);
    *ret = r.id;
    return rc < 0 && rc != E_UNKNOWN ? rc : 0;
}

int tracing_since_of(struct ledger *l, const struct session *s, int64_t which, const struct tracing_answer *a, struct tracing_since *ret, struct error *err) {
    const struct register_decl *finding = register_find(l->catalog, TEXT("finding")), *person = register_find(l->catalog, TEXT("person"));
    struct tracing_since x = {0};
    struct held h = {0};
    struct contact_changes c = {0};
    size_t n = a->found.n_contacts, n_now = 0;
    char where[64];
    struct record_filter f = {.where = where};
    *ret = x;
    if (!which || a->n_asked != 1 || !finding || !person || !access_anywhere(s, ACCESS_READ, finding)) return 0;
    snprintf(where, sizeof where, "\"case\" = %lld", (long long)which);
    int64_t *now = mem_alloc((n + 1) * sizeof *now), *by_contact = mem_alloc((n + 1) * sizeof *by_contact);
    int rc = now && by_contact ? record_list(l, l->db, s, finding, &f, held_one, &h, err) : error_memory(err);
    x.any = h.n > 0;
    x.traced_at = h.traced_at;
    if (rc < 0 || !x.any) goto out;
    for (size_t i = 0; i < n; i++) {
        const struct contact *k = &a->found.contacts[i];
        if (k->kind == CONTACT_GENERAL && !h.general.n) continue;
        rc = record_of(l, s, person, tracing_person(a, k->person), k->person, &by_contact[i], err);
        if (rc < 0) goto out;
        if (k->kind != CONTACT_GENERAL || idmap_find(&h.general, by_contact[i])) now[n_now++] = by_contact[i];
    }
    rc = contact_changes_find(h.persons, h.n, now, n_now, &c, err);
    if (rc < 0) goto out;
    x.fresh = mem_alloc(n + 1);
    x.gone = mem_alloc((c.removed + 1) * sizeof *x.gone);
    if (!x.fresh || !x.gone) {
        rc = error_memory(err);
        goto out;
    }
    for (size_t i = 0; i < c.n; i++) {
        bool unseen = false, other = false;
        if (c.items[i].kind != CONTACT_REMOVED) continue;
        for (size_t k = 0; k < h.n && rc == 0 && !unseen && !other; k++) {
            if (h.persons[k] != c.items[i].person) continue;
            other = a->degree == 1 && h.about[k].degree > 1; /* contacts of contacts were not looked for */
            if (!other) rc = tracing_unseen(a->v, a, h.about[k].from, h.about[k].to, &unseen, err);
        }
        if (rc < 0) goto out;
        if (other) x.kept++;
        else if (unseen) x.unseen++;
        else x.gone[x.removed++] = c.items[i].person;
    }
    x.added = c.added;
    x.kept += c.kept + x.unseen;
    for (size_t i = 0; i < n; i++) { /* by_contact in c.items, sorted by person */
        size_t low = 0, high = c.n;
        if (a->found.contacts[i].kind == CONTACT_GENERAL) continue;
        while (low < high) {
            size_t mid = low + (high - low) / 2;
            if (c.items[mid].person < by_contact[i]) low = mid + 1;
            else high = mid;
        }
        x.fresh[i] = low < c.n && c.items[low].person == by_contact[i] && c.items[low].kind == CONTACT_ADDED;
    }
out:
    contact_changes_clear(&c);
    mem_free(h.persons);
    mem_free(h.about);
    arena_clear(&h.arena);
    mem_free(now);
    mem_free(by_contact);
    if (rc < 0) tracing_since_clear(&x);
    else *ret = x;
    return rc;
}

void tracing_since_clear(struct tracing_since *x) {
    mem_free(x->fresh);
    mem_free(x->gone);
    *x = (struct tracing_since){0};
}
