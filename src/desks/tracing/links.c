/* Who lives, sleeps, studies or works with whom, by registers membership and stay and by what stands on two cards of register person, as links for the contact engine. Reads as far as the
 * asker's right goes. */
#include <stdlib.h>
#include <string.h>

#include "desks/person.h"
#include "desks/tracing/inside.h"
#include "desks/tracing/links.h"

enum { TOGETHER = 400, UNIT_SIGNS = 4 /* a shorter name of a work unit (退休, 个体) is none */ };

/* A person's part in a household, class or room, as it stands in a register. */
struct part {
    int64_t person, place, row;
    instant from, to;
    struct text unit, region, section;
    uint8_t kind;            /* enum contact_kind */
    bool whole;              /* who is in it shares a room, whatever its sections */
};

struct parts {
    struct part *items;
    size_t n, cap;
};

struct linking {
    struct ledger *l;
    const struct session *s;
    const struct tracing_plan *p;
    struct tracing_links *out;
    struct arena arena;
    struct parts own, members;
    struct error *err;
};

static int order(const struct part *a, const struct part *b) {
    if (a->kind != b->kind) return a->kind < b->kind ? -1 : 1;
    if (a->place != b->place) return a->place < b->place ? -1 : 1;
    int c = text_cmp(a->unit, b->unit);
    return c ? c : text_cmp(a->region, b->region);
}

static int by_unit(const void *pa, const void *pb) {
    const struct part *a = pa, *b = pb;
    int c = order(a, b);
    return c ? c : (a->person > b->person) - (a->person < b->person);
}

static int part_add(struct linking *x, struct parts *to, const struct part *p) {
    if (!mem_room(&to->items, &to->cap, to->n + 1, sizeof *to->items)) return error_memory(x->err);
    to->items[to->n] = *p;
    to->items[to->n].unit = arena_text(&x->arena, p->unit);
    to->items[to->n].region = arena_text(&x->arena, p->region);
    to->items[to->n].section = arena_text(&x->arena, p->section);
    return to->items[to->n++].unit.s ? 0 : error_memory(x->err);
}

/* person, kind, unit, place, region, section, seat_row, since, until */
static int membership_row(struct linking *x, const struct value *v, struct parts *to) {
    struct text kind = value_view(v[1]);
    instant since = v[7].kind == VALUE_INT ? instant_of_day((day)v[7].i, x->l->zone_s) : INT64_MIN, until = v[8].kind == VALUE_INT ? instant_of_day((day)v[8].i + 1, x->l->zone_s) : INT64_MAX;
    struct part p = {.person = value_int_or(v[0], 0), .place = value_int_or(v[3], 0), .row = value_int_or(v[6], 0), .from = since, .to = until, .unit = value_view(v[2]),
                     .region = value_view(v[4]), .section = value_view(v[5])};
    p.kind = text_is(kind, "household") ? CONTACT_HOUSEHOLD : text_is(kind, "dormitory") ? CONTACT_ROOM : CONTACT_UNIT;
    p.whole = text_is(kind, "class");
    return p.to > x->p->from && p.from < x->p->to ? part_add(x, to, &p) : 0;
}

/* person, place, room, started_at, ended_at */
static int stay_row(struct linking *x, const struct value *v, struct parts *to) {
    struct part p = {.person = value_int_or(v[0], 0), .place = value_int_or(v[1], 0), .from = value_int_or(v[3], INT64_MIN), .to = value_int_or(v[4], INT64_MAX), .unit = text_trim(value_view(v[2])),
                     .kind = CONTACT_ROOM};
    return p.unit.n && p.to > x->p->from && p.from < x->p->to ? part_add(x, to, &p) : 0;
}

/* id, work_unit */
static int card_row(struct linking *x, const struct value *v, struct parts *to) {
    struct part p = {.person = value_int_or(v[0], 0), .from = INT64_MIN, .to = INT64_MAX, .unit = value_view(v[1]), .kind = CONTACT_WORK};
    size_t signs = 0;
    for (size_t pos = 0; pos < p.unit.n; signs++) text_codepoint(p.unit, &pos);
    return signs >= UNIT_SIGNS ? part_add(x, to, &p) : 0;
}

/* Those asked: own AND person IN (...); who belongs to the same: members, ?1 its unit, ?2 its place, ?3 its region. */
static const struct source {
    const char *reg, *columns, *person, *own, *members;
    size_t n_params;
    int (*row)(struct linking *x, const struct value *v, struct parts *to);
} sources[] = {
    {"membership", "person, kind, unit, place, region, section, seat_row, since, until", "person", "", "unit = ?1 AND COALESCE(place, 0) = ?2 AND region = ?3", 3, membership_row},
    {"stay", "person, place, room, started_at, ended_at", "person", "place IS NOT NULL AND room IS NOT NULL AND ", "room = ?1 AND place = ?2", 2, stay_row},
    {"person", "id, work_unit", "id", "merged_into IS NULL AND work_unit IS NOT NULL AND ", "merged_into IS NULL AND work_unit = ?1", 1, card_row},
};

static int rows_read(struct linking *x, const struct source *s, const struct register_decl *reg, const char *condition, const struct value *params, size_t n, struct parts *to) {
    struct db_cursor *c = NULL;
    const struct value *v;
    struct buf sql = {0};
    buf_printf(&sql, "SELECT %s FROM %s WHERE %s AND ", s->columns, s->reg, condition);
    access_sql(x->s, ACCESS_READ, reg, "region", &sql);
    int rc = sql.failed ? error_memory(x->err) : db_query(x->l->db, buf_cstr(&sql), params, n, &c, x->err);
    while (rc == 0 && (rc = db_next(c, &v, x->err)) > 0) rc = s->row(x, v, to);
    db_cursor_close(c);
    buf_clear(&sql);
    return rc;
}

static void in_list(struct buf *b, const int64_t *ids, size_t n) {
    buf_str(b, " IN (");
    for (size_t i = 0; i < n; i++) buf_printf(b, "%s%lld", i ? "," : "", (long long)ids[i]);
    buf_str(b, ")");
}

/* What those asked belong to. */
static int own_read(struct linking *x, const struct source *s, const struct register_decl *reg, const int64_t *persons, size_t n) {
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < n; i += TOGETHER) {
        struct buf b = {0};
        buf_printf(&b, "%s%s", s->own, s->person);
        in_list(&b, persons + i, n - i < TOGETHER ? n - i : TOGETHER);
        rc = b.failed ? error_memory(x->err) : rows_read(x, s, reg, buf_cstr(&b), NULL, 0, &x->own);
        buf_clear(&b);
    }
    return rc;
}

/* ---- numbers of the visits; who is not there gets one behind them */
static int number_of(struct linking *x, int64_t person, uint32_t *ret) {
    struct tracing_links *out = x->out;
    bool made;
    uint32_t number, numbers[TRACING_NUMBERS];
    size_t n = 0;
    struct idmap_slot *slot = idmap_put(&out->numbers, &out->arena, person, &made);
    if (!slot) return error_memory(x->err);
    if (made) {
        int rc = tracing_numbers(x->l, out->v, person, numbers, &n, x->err);
        if (rc < 0) return rc;
        number = n ? numbers[0] : UINT32_MAX;
        if (number >= out->base) {
            struct text name = arena_words(&out->arena, "%lld", (long long)person);
            if (!name.s || !mem_room(&out->names, &out->cap_names, out->n_names + 1, sizeof *out->names)) return error_memory(x->err);
            number = out->base + (uint32_t)out->n_names;
            out->names[out->n_names++] = name;
        }
        slot->value.i = number;
    }
    *ret = (uint32_t)slot->value.i;
    return 0;
}

static int32_t moment(const struct linking *x, instant t) {
    instant zero = instant_of_day(x->p->origin, visits_zone(x->out->v)), low = x->p->from - DAY_S, high = x->p->to + DAY_S;
    return (int32_t)((t < low ? low : t > high ? high : t) - zero);
}

static int link_add(struct linking *x, const struct part *a, const struct part *b) {
    struct tracing_links *out = x->out;
    struct contact_link k = {.from = moment(x, a->from > b->from ? a->from : b->from), .to = moment(x, a->to < b->to ? a->to : b->to), .kind = a->kind, .rows_apart = 255, .close = x->p->ties.close[a->kind]};
    if (a->person == b->person || k.from >= k.to) return 0;
    if (a->kind == CONTACT_UNIT) {
        bool known = a->section.n && b->section.n;
        if (known && !text_eq(a->section, b->section)) return 0; /* another office */
        if (a->row && b->row) {
            int64_t apart = a->row > b->row ? a->row - b->row : b->row - a->row;
            k.rows_apart = (uint8_t)(apart < 254 ? apart : 254);
        }
        k.close = k.close && (a->whole || known) && (k.rows_apart == 255 || k.rows_apart <= x->p->ties.seat_rows);
    }
    if (out->n >= TRACING_LINKS_MAX) return error_set(x->err, E_TOO_LARGE, "membership", "more than %d links by registers; ask for fewer / 登记关系过多,请缩小范围", TRACING_LINKS_MAX);
    if (!mem_room(&out->items, &out->cap, out->n + 1, sizeof *out->items)) return error_memory(x->err);
    int rc = number_of(x, a->person, &k.a);
    if (rc == 0) rc = number_of(x, b->person, &k.b);
    if (rc == 0) out->items[out->n++] = k;
    return rc;
}

/* own: those asked who belong to one unit. */
static int unit_link(struct linking *x, const struct source *s, const struct register_decl *reg, const struct part *own, size_t n) {
    struct value params[3] = {value_text(own->unit), value_int(own->place), value_text(own->region)};
    x->members.n = 0;
    int rc = rows_read(x, s, reg, s->members, params, s->n_params, &x->members);
    size_t members = 0;
    for (size_t i = 0; i < x->members.n; i++) members += x->members.items[i].kind == own->kind;
    bool large = (own->kind == CONTACT_UNIT || own->kind == CONTACT_WORK) && members > (size_t)x->p->ties.unit_members;
    if (rc == 0 && large) x->out->n_large++;
    for (size_t i = 0; rc == 0 && i < n; i++)
        for (size_t k = 0; rc == 0 && k < x->members.n; k++) {
            const struct part *b = &x->members.items[k];
            if (b->kind == own->kind && (!large || (own[i].section.n && b->section.n))) rc = link_add(x, &own[i], b);
        }
    return rc;
}

/* ---- the same phone or address on two cards: values that only the vault can compare */

/* id, address_region */
static int carrier_row(struct linking *x, const struct value *v, struct parts *to) {
    return part_add(x, to, &(struct part){.person = value_int_or(v[0], 0), .from = INT64_MIN, .to = INT64_MAX, .region = value_view(v[1])});
}

static const struct source carriers = {"person", "id, address_region", "id", "merged_into IS NULL AND ", NULL, 0, carrier_row};

/* The same words in two towns are two addresses; a card without a region may be in either. */
static bool same_town(struct text a, struct text b) {
    return region_within(a, b) || region_within(b, a);
}

static int carriers_link(struct linking *x, const struct register_decl *reg, const struct part *own, const struct person_shared *with) {
    struct buf b = {0};
    if (with->n < 2) return 0;
    if (with->n > (size_t)x->p->ties.shared_members) {
        x->out->n_large++;
        return 0;
    }
    x->members.n = 0;
    buf_printf(&b, "%s%s", carriers.own, carriers.person);
    in_list(&b, with->ids, with->n);
    int rc = b.failed ? error_memory(x->err) : rows_read(x, &carriers, reg, buf_cstr(&b), NULL, 0, &x->members);
    for (size_t i = 0; rc == 0 && i < x->members.n; i++) {
        struct part one = *own;
        one.kind = with->kind == BLIND_PHONE ? CONTACT_PHONE : CONTACT_ADDRESS;
        if (one.kind == CONTACT_PHONE || same_town(own->region, x->members.items[i].region)) rc = link_add(x, &one, &x->members.items[i]);
    }
    buf_clear(&b);
    return rc;
}

static int shared_find(struct linking *x, const int64_t *persons, size_t n) {
    const struct register_decl *reg = register_find(x->l->catalog, text_of(carriers.reg));
    const int32_t *daily_s = x->p->options.daily_s;
    struct arena a = {0};
    if (!reg || !access_anywhere(x->s, ACCESS_READ, reg) || (!daily_s[CONTACT_PHONE] && !daily_s[CONTACT_ADDRESS])) return 0;
    x->own.n = 0;
    int rc = own_read(x, &carriers, reg, persons, n);
    for (size_t i = 0; rc == 0 && i < x->own.n; i++) {
        struct person_shared with[] = {{.kind = BLIND_PHONE}, {.kind = BLIND_ADDRESS}};
        arena_reset(&a);
        rc = person_sharing(x->l, NULL, x->own.items[i].person, (size_t)x->p->ties.shared_members + 1, &a, with, 2, x->err);
        if (rc == 0 && daily_s[CONTACT_PHONE]) rc = carriers_link(x, reg, &x->own.items[i], &with[0]);
        if (rc == 0 && daily_s[CONTACT_ADDRESS]) rc = carriers_link(x, reg, &x->own.items[i], &with[1]);
    }
    arena_clear(&a);
    return rc;
}

int tracing_links_find(struct ledger *l, const struct session *s, const struct tracing_plan *p, const int64_t *persons, size_t n, struct tracing_links *out, struct error *err) {
    struct linking x = {.l = l, .s = s, .p = p, .out = out, .err = err};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof sources / sizeof *sources; i++) {
        const struct register_decl *reg = register_find(l->catalog, text_of(sources[i].reg));
        if (!reg || !access_anywhere(s, ACCESS_READ, reg)) continue;
        x.own.n = 0;
        rc = own_read(&x, &sources[i], reg, persons, n);
        if (rc == 0 && x.own.n) qsort(x.own.items, x.own.n, sizeof *x.own.items, by_unit);
        for (size_t k = 0, m; rc == 0 && k < x.own.n; k = m) {
            for (m = k + 1; m < x.own.n && order(&x.own.items[k], &x.own.items[m]) == 0; m++) continue;
            if (p->options.daily_s[x.own.items[k].kind] > 0) rc = unit_link(&x, &sources[i], reg, x.own.items + k, m - k);
        }
    }
    if (rc == 0) rc = shared_find(&x, persons, n);
    mem_free(x.own.items);
    mem_free(x.members.items);
    arena_clear(&x.arena);
    return rc;
}

void tracing_links_clear(struct tracing_links *out) {
    mem_free(out->items);
    mem_free(out->names);
    arena_clear(&out->arena);
    *out = (struct tracing_links){0};
}
