/* Persons of several names in the visits; see same.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/idmap.h"
#include "desks/tracing/same.h"

enum { CHAIN = 64 /* merges that lead on */ };

/* ---- who has several */

struct card {
    int64_t who;             /* the card that it is now */
    uint32_t number;
};

struct looking {
    struct ledger *l;
    const struct visits *v;
    struct arena arena;
    struct idmap into;       /* a merged card -> into which */
    struct card *cards;
    size_t n, cap;
    struct error *err;
};

static int64_t who_now(const struct looking *x, int64_t id) {
    const struct idmap_slot *slot;
    for (int i = 0; i < CHAIN && (slot = idmap_find(&x->into, id)); i++) id = slot->value.i;
    return id;
}

static int name_add(struct looking *x, int64_t who, struct text name) {
    uint32_t number;
    if (!name.n || !visits_find(x->v, VISITS_PERSON, name, &number)) return 0;
    if (!mem_room(&x->cards, &x->cap, x->n + 1, sizeof *x->cards)) return error_memory(x->err);
    x->cards[x->n++] = (struct card){who, number};
    return 0;
}

static int number_add(struct looking *x, int64_t who, int64_t id) {
    char name[24];
    snprintf(name, sizeof name, "%lld", (long long)id);
    return name_add(x, who, text_of(name));
}

/* id, merged_into */
static int merge_row(struct looking *x, const struct value *v) {
    bool made;
    struct idmap_slot *slot = idmap_put(&x->into, &x->arena, v[0].i, &made);
    if (!slot) return error_memory(x->err);
    slot->value.i = value_int_or(v[1], 0);
    return 0;
}

/* id, visits_name */
static int card_row(struct looking *x, const struct value *v) {
    int64_t who = who_now(x, v[0].i);
    size_t before = x->n;
    int rc = number_add(x, who, v[0].i);
    if (rc == 0 && v[1].kind == VALUE_TEXT) rc = name_add(x, who, value_view(v[1]));
    if (rc == 0 && x->n > before && who != v[0].i) rc = number_add(x, who, who);
    return rc;
}

static int rows(struct looking *x, const char *sql, int (*row)(struct looking *x, const struct value *v)) {
    struct db_cursor *c = NULL;
    const struct value *v;
    int rc = db_query(x->l->db, sql, NULL, 0, &c, x->err);
    while (rc == 0 && (rc = db_next(c, &v, x->err)) > 0) rc = row(x, v);
    db_cursor_close(c);
    return rc;
}

static int by_who(const void *pa, const void *pb) {
    const struct card *a = pa, *b = pb;
    if (a->who != b->who) return a->who < b->who ? -1 : 1;
    return (a->number > b->number) - (a->number < b->number);
}

static int by_of(const void *pa, const void *pb) {
    const struct same_name *a = pa, *b = pb;
    if (a->of != b->of) return a->of < b->of ? -1 : 1;
    return (a->number > b->number) - (a->number < b->number);
}

/* As names.c decides, which of them are this person's. */
static int person_add(struct looking *x, int64_t who, struct same *ret) {
    uint32_t numbers[TRACING_NUMBERS];
    size_t n = 0;
    int rc = tracing_numbers(x->l, x->v, who, numbers, &n, x->err);
    for (size_t i = 0; rc == 0 && n > 1 && i < n; i++) {
        if (!mem_room(&ret->names, &ret->cap, ret->n + 1, sizeof *ret->names)) return error_memory(x->err);
        ret->names[ret->n++] = (struct same_name){numbers[i], numbers[0]};
    }
    return rc;
}

static struct same_name *slot_of(const struct same *x, uint32_t number) {
    size_t at = (size_t)((number * 0x9e3779b97f4a7c15ull) >> 32) & (x->n_slots - 1);
    while (x->slots[at].number != UINT32_MAX && x->slots[at].number != number) at = (at + 1) & (x->n_slots - 1);
    return &x->slots[at];
}

static int slots_make(struct same *x, struct error *err) {
    if (!x->n) return 0;
    for (x->n_slots = 64; x->n_slots < 4 * x->n;) x->n_slots *= 2;
    x->slots = mem_alloc(x->n_slots * sizeof *x->slots);
    if (!x->slots) return error_memory(err);
    memset(x->slots, 0xff, x->n_slots * sizeof *x->slots);
    for (size_t i = 0; i < x->n; i++) *slot_of(x, x->names[i].number) = x->names[i];
    qsort(x->names, x->n, sizeof *x->names, by_of);
    return 0;
}

int same_find(struct ledger *l, const struct visits *v, struct same *ret, struct error *err) {
    const struct register_decl *reg = register_find(l->catalog, TEXT("person"));
    struct looking x = {.l = l, .v = v, .err = err};
    bool merges = reg && register_field(reg, TEXT("merged_into")) >= 0, names = reg && register_field(reg, TEXT("visits_name")) >= 0;
    int rc = 0;
    if (!merges || !names) return 0;
    rc = rows(&x, "SELECT id, merged_into FROM person WHERE merged_into > 0", merge_row);
    if (rc == 0) rc = rows(&x, "SELECT id, visits_name FROM person WHERE merged_into > 0", card_row);
    if (rc == 0) rc = rows(&x, "SELECT id, visits_name FROM person WHERE visits_name > ''", card_row);
    if (rc == 0 && x.n) qsort(x.cards, x.n, sizeof *x.cards, by_who);
    for (size_t i = 0, k; rc == 0 && i < x.n; i = k) {
        bool several = false;
        for (k = i + 1; k < x.n && x.cards[k].who == x.cards[i].who; k++) several |= x.cards[k].number != x.cards[i].number;
        if (several) rc = person_add(&x, x.cards[i].who, ret);
    }
    if (rc == 0) rc = slots_make(ret, err);
    mem_free(x.cards);
    arena_clear(&x.arena);
    return rc;
}

uint32_t same_of(const struct same *x, uint32_t number) {
    const struct same_name *slot = x->n_slots ? slot_of(x, number) : NULL;
    return slot && slot->number == number ? slot->of : number;
}

/* ---- a source in which each has one */

/* One thread's. */
struct joined {
    const struct same *same;
    struct presence_source inner;
    bool owned;                 /* inner is another of the first */
    struct presence_ask *asks;
    size_t cap_asks;
    uint32_t *person;           /* of a span in which somebody has another number */
    uint16_t *attr;
    size_t cap_person, cap_attr;
};

static int by_person(const void *pa, const void *pb) {
    const struct presence_ask *a = pa, *b = pb;
    return (a->person > b->person) - (a->person < b->person);
}

/* The first of a person's names: [return, ...) with the same `of`. */
static size_t names_of(const struct same *x, uint32_t of) {
    size_t low = 0, high = x->n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (x->names[mid].of < of) low = mid + 1;
        else high = mid;
    }
    return low;
}

static int joined_persons(void *arg, const struct presence_ask *asks, size_t n, struct presence_list *out, struct error *err) {
    struct joined *x = arg;
    const struct same *s = x->same;
    size_t before = out->n, k = 0;
    bool several = false;
    for (size_t i = 0; i < n; i++) {
        size_t at = names_of(s, asks[i].person);
        bool alone = at == s->n || s->names[at].of != asks[i].person;
        do {
            if (!mem_room(&x->asks, &x->cap_asks, k + 1, sizeof *x->asks)) return error_memory(err);
            x->asks[k] = asks[i];
            if (!alone) x->asks[k].person = s->names[at++].number;
            k++;
        } while (!alone && at < s->n && s->names[at].of == asks[i].person);
        several |= !alone;
    }
    if (several) qsort(x->asks, k, sizeof *x->asks, by_person);
    int rc = x->inner.of_persons(x->inner.arg, several ? x->asks : asks, k, out, err);
    for (size_t i = before; several && i < out->n; i++) {
        const struct same_name *slot = slot_of(s, out->items[i].person);
        if (slot->number == UINT32_MAX) continue;
        out->items[i].person = slot->of;
        out->items[i].attr |= PRESENCE_JOINS;
    }
    return rc;
}

static int joined_at(void *arg, uint32_t place, const struct presence_when *when, size_t n, bool seats, bool *ret_loose, struct error *err) {
    struct joined *x = arg;
    return x->inner.at_place(x->inner.arg, place, when, n, seats, ret_loose, err);
}

static int joined_next(void *arg, struct presence_span *ret, struct error *err) {
    struct joined *x = arg;
    bool copied = false;
    int rc = x->inner.next(x->inner.arg, ret, err);
    for (size_t i = 0; rc == 1 && i < ret->n; i++) {
        const struct same_name *slot = slot_of(x->same, ret->person[i]);
        if (slot->number == UINT32_MAX) continue;
        if (!copied) {
            if (!mem_room(&x->person, &x->cap_person, ret->n, sizeof *x->person) || !mem_room(&x->attr, &x->cap_attr, ret->n, sizeof *x->attr)) return error_memory(err);
            memcpy(x->person, ret->person, ret->n * sizeof *x->person);
            memcpy(x->attr, ret->attr, ret->n * sizeof *x->attr);
            ret->person = x->person;
            ret->attr = x->attr;
            copied = true;
        }
        x->person[i] = slot->of;
        x->attr[i] |= PRESENCE_JOINS;
    }
    return rc;
}

static void joined_ahead(void *arg, const struct presence_stop *stops, size_t n) {
    struct joined *x = arg;
    x->inner.ahead(x->inner.arg, stops, n);
}

static uint32_t joined_crowd(void *arg, uint32_t place, int32_t from, int32_t to, uint32_t enough) {
    struct joined *x = arg;
    return x->inner.crowd(x->inner.arg, place, from, to, enough);
}

static uint8_t joined_class(void *arg, uint32_t place) {
    struct joined *x = arg;
    return x->inner.class_of(x->inner.arg, place);
}

static void joined_release(void *arg) {
    struct joined *x = arg;
    if (x->owned && x->inner.release) x->inner.release(x->inner.arg);
    mem_free(x->asks);
    mem_free(x->person);
    mem_free(x->attr);
    mem_free(x);
}

static int joined_another(void *arg, struct presence_source *ret, struct error *err);

static bool wrap(const struct same *s, const struct presence_source *inner, bool owned, struct presence_source *ret) {
    struct joined *x = mem_alloc(sizeof *x);
    if (!x) return false;
    *x = (struct joined){.same = s, .inner = *inner, .owned = owned};
    *ret = (struct presence_source){.arg = x, .origin = inner->origin, .n_persons = inner->n_persons, .n_places = inner->n_places, .of_persons = joined_persons, .at_place = joined_at,
                                    .next = joined_next, .ahead = inner->ahead ? joined_ahead : NULL, .crowd = inner->crowd ? joined_crowd : NULL, .class_of = joined_class,
                                    .another = inner->another ? joined_another : NULL, .release = joined_release};
    return true;
}

static int joined_another(void *arg, struct presence_source *ret, struct error *err) {
    struct joined *x = arg;
    struct presence_source inner;
    int rc = x->inner.another(x->inner.arg, &inner, err);
    if (rc < 0) return rc;
    if (wrap(x->same, &inner, true, ret)) return 0;
    if (inner.release) inner.release(inner.arg);
    return error_memory(err);
}

const struct presence_source *same_source(struct same *x, const struct presence_source *inner) {
    if (!x->n) return inner;
    return wrap(x, inner, false, &x->source) ? &x->source : NULL;
}

void same_clear(struct same *x) {
    if (x->source.arg) joined_release(x->source.arg);
    mem_free(x->names);
    mem_free(x->slots);
    *x = (struct same){0};
}
