/* Visits of the people of a demonstration node, drawn round what is on record: each case at home, on its way, at work and in a shop; its contacts beside it; strangers who
 * scanned the same doors. Same node and seed, same visits. Nobody is real. */
#include <stdio.h>
#include <string.h>

#include "desks/tracing/inside.h"

enum { DAYS_BEFORE = 4, PLACES_MAX = 200, STRANGERS = 3000, ROWS_MAX = 400000 };

struct drawing {
    struct ledger *l;
    struct visits *v;
    struct rng r;
    struct visit *rows;
    size_t n;
    instant until;
    int64_t places[PLACES_MAX];
    uint8_t classes[PLACES_MAX];
    size_t n_places;
    uint32_t numbers[PLACES_MAX];
    uint32_t strangers[STRANGERS];
    struct error *err;
};

/* Places of the made-up county, beside the hospitals that its files name; coordinates within its map. */
static const struct { const char *title, *kind, *street, *point; } invented[] = {
    {"枫林农贸市场", "market", "001", "31.068210,122.985400"}, {"望江客运站", "station", "002", "31.012300,122.841200"}, {"望江第一小学", "school", "002", "31.027500,122.803600"},
    {"云溪电子厂", "factory", "003", "30.874100,122.902700"}, {"望江商场", "shop", "002", "31.031900,122.862800"}, {"老街火锅店", "restaurant", "002", "31.019800,122.856100"},
    {"枫林中学", "school", "001", "31.091700,123.021500"}, {"东湖写字楼", "workplace", "001", "31.052600,122.961300"}, {"云溪服装厂", "factory", "003", "30.891500,122.861900"},
    {"云溪超市", "shop", "003", "30.882200,122.931600"}, {"夕阳红养老院", "care-home", "001", "31.113900,122.992400"}, {"县政务服务中心", "workplace", "002", "31.024400,122.871700"},
    {"枫林快餐店", "restaurant", "001", "31.060900,122.999800"}, {"江畔电影院", "entertainment", "002", "31.036600,122.849300"}};

static int places_make(struct drawing *x, const struct session *s, const struct register_decl *reg, struct arena *a) {
    for (size_t i = 0; i < sizeof invented / sizeof *invented; i++) {
        struct draft *d = draft_new(a, reg, DRAFT_UPSERT);
        if (!d) return error_memory(x->err);
        d->outside_key = arena_words(a, "demo-place-%zu", i + 1);
        d->region = arena_words(a, "%.*s%s", (int)(x->l->region.n < 6 ? x->l->region.n : 6), x->l->region.s, invented[i].street);
        if (!d->outside_key.s || !d->region.s) return error_memory(x->err);
        int rc = draft_set(x->l, d, a, TEXT("title"), text_of(invented[i].title), x->err);
        if (rc == 0) rc = draft_set(x->l, d, a, TEXT("kind"), text_of(invented[i].kind), x->err);
        if (rc == 0) rc = draft_set(x->l, d, a, TEXT("point"), text_of(invented[i].point), x->err);
        if (rc == 0) rc = record_write(x->l, s, &d, 1, x->err);
        if (rc < 0) return rc;
    }
    return 0;
}

static int place_take(const struct record *r, void *arg) {
    struct drawing *x = arg;
    struct text kind = record_text(r, "kind");
    if (x->n_places == PLACES_MAX) return 1;
    if (text_is(kind, "hospital") || text_is(kind, "isolation-site") || text_is(kind, "test-site") || text_is(kind, "home")) return 0;
    x->classes[x->n_places] = tracing_class(kind);
    x->places[x->n_places++] = r->id;
    return 0;
}

static int name_of(struct drawing *x, enum visits_kind kind, int64_t id, uint32_t *ret) {
    char name[24];
    snprintf(name, sizeof name, "%lld", (long long)id);
    return visits_name(x->v, kind, text_of(name), ret, x->err);
}

static void stay(struct drawing *x, uint32_t person, uint32_t place, instant from, instant to, uint8_t source, uint16_t zone, uint16_t row) {
    if (x->n == ROWS_MAX || from >= x->until) return;
    x->rows[x->n++] = (struct visit){person, place, from, to < x->until ? to : x->until, source, 100, zone, row};
}

static instant at(const struct drawing *x, day d, int minute) {
    return instant_of_day(d, x->l->zone_s) + (int64_t)minute * 60;
}

static int between(struct drawing *x, int low, int high) {
    return low + (int)rng_below(&x->r, (uint64_t)(high - low + 1));
}

/* Which of the places is whose: the same every day. */
static size_t place_by(const struct drawing *x, int64_t person, unsigned salt) {
    uint64_t h = ((uint64_t)person * 0x9E3779B97F4A7C15u) ^ ((uint64_t)salt * 0xC2B2AE3D27D4EB4Fu);
    return (size_t)((h >> 33) % x->n_places);
}

static int bus(struct drawing *x, int64_t person, uint32_t *ret) {
    char name[24];
    snprintf(name, sizeof name, "公交%d路", (int)(1 + (uint64_t)person % 6));
    int rc = visits_name(x->v, VISITS_PLACE, text_of(name), ret, x->err);
    if (rc == 0) visits_set_class(x->v, *ret, TRACING_TRANSPORT);
    return rc;
}

static int case_draw(const struct record *r, void *arg) {
    struct drawing *x = arg;
    int64_t person = record_int(r, "person", 0);
    instant onset = tracing_when(x->l, r, "onset"), found = tracing_when(x->l, r, "detected_at"), isolated = tracing_when(x->l, r, "isolated_at");
    instant base = onset != INSTANT_NONE ? onset : found != INSTANT_NONE ? found : r->created_at, end = isolated != INSTANT_NONE ? isolated : x->until;
    uint32_t who, line;
    int rc = name_of(x, VISITS_PERSON, person, &who);
    if (rc == 0) rc = bus(x, person, &line);
    if (rc < 0) return rc;
    size_t work = place_by(x, person, 1);
    for (day d = day_of_instant(base, x->l->zone_s) - DAYS_BEFORE; at(x, d, 0) < end; d++) {
        instant stop = end;
        int ride = between(x, 470, 500), shop = between(x, 1080, 1110);
        const struct { uint32_t place; int from, to; uint8_t source; } parts[] = {
            {line, ride, ride + 25, PRESENCE_SEAT}, {x->numbers[work], 535, 1050, PRESENCE_TIMED}, {x->numbers[place_by(x, person, 2 + (unsigned)(d % 3))], shop, shop + between(x, 20, 50), PRESENCE_SCAN}};
        for (size_t k = 0; k < sizeof parts / sizeof *parts; k++)
            if (at(x, d, parts[k].from) < stop)
                stay(x, who, parts[k].place, at(x, d, parts[k].from), at(x, d, parts[k].to) < stop ? at(x, d, parts[k].to) : stop, parts[k].source, k ? 0 : 1, k ? 0 : (uint16_t)between(x, 1, 12));
    }
    return 0;
}

/* A contact beside its case, at work, for an hour or three. */
static int contact_draw(const struct record *r, void *arg) {
    struct drawing *x = arg;
    const struct register_decl *reg = register_find(x->l->catalog, TEXT("case"));
    struct session house = {0};
    struct arena a = {0};
    struct record kase;
    struct grant all = {.role = TEXT("root")};
    int64_t first = record_int(r, "first_contact", 0), last = record_int(r, "last_contact", first), person = record_int(r, "person", 0);
    uint32_t who;
    house.grants = &all, house.n_grants = 1, house.now = x->until;
    if (!reg || !first || record_get(x->l, x->l->db, &house, reg, record_int(r, "index_case", 0), &a, &kase, NULL) < 0) {
        arena_clear(&a);
        return 0;
    }
    int64_t of = record_int(&kase, "person", 0);
    arena_clear(&a);
    int rc = name_of(x, VISITS_PERSON, person, &who);
    for (int64_t d = first; rc == 0 && d <= last && d < first + 3; d++) {
        int from = between(x, 540, 840);
        stay(x, who, x->numbers[place_by(x, of, 1)], at(x, (day)d, from), at(x, (day)d, from + between(x, 40, 180)), PRESENCE_SCAN, 0, 0);
    }
    return rc;
}

static int strangers_draw(struct drawing *x) {
    char name[24];
    day today = day_of_instant(x->until, x->l->zone_s);
    uint32_t line[6];
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < STRANGERS; i++) {
        snprintf(name, sizeof name, "MA%05zu", i + 1); /* a code that only the door knows */
        rc = visits_name(x->v, VISITS_PERSON, text_of(name), &x->strangers[i], x->err);
    }
    for (int k = 0; rc == 0 && k < 6; k++) rc = bus(x, k, &line[k]);
    for (day d = today - 13; rc == 0 && d <= today; d++)
        for (size_t i = 0; i < STRANGERS; i++) {
            if (rng_below(&x->r, 3)) continue; /* one in three scans on a day */
            size_t p = rng_below(&x->r, 4) ? (size_t)rng_below(&x->r, x->n_places) : 0; /* the first place is the busy one */
            int from = between(x, 480, 1140);
            stay(x, x->strangers[i], x->numbers[p], at(x, d, from), at(x, d, from + between(x, 8, 60)), PRESENCE_SCAN, 0, 0);
            if (i % 20 == 0) stay(x, x->strangers[i], line[i / 20 % 6], at(x, d, between(x, 468, 500)), at(x, d, 520), PRESENCE_SEAT, (uint16_t)between(x, 1, 2), (uint16_t)between(x, 1, 12));
        }
    return rc;
}

int tracing_demo(struct ledger *l, const struct session *s, struct visits *v, uint64_t seed, uint64_t *ret_rows, struct error *err) {
    static const struct { const char *name; int (*run)(const struct record *r, void *arg); } passes[] = {{"place", place_take}, {"case", case_draw}, {"contact", contact_draw}};
    struct drawing *x = mem_alloc(sizeof *x);
    struct arena a = {0};
    struct text demo = {"", 0};
    if (!x) return error_memory(err);
    *x = (struct drawing){.l = l, .v = v, .until = s->now, .err = err};
    rng_seed(&x->r, seed);
    int rc = ledger_setting(l, l->db, "demo", &a, &demo, err);
    if (rc == 0 && !demo.n) rc = error_set(err, E_REFUSED, "demo", "only a node made with `tocsin init --demo` / 仅限以 init --demo 建立的节点");
    x->rows = rc == 0 ? mem_alloc(ROWS_MAX * sizeof *x->rows) : NULL;
    if (rc == 0 && !x->rows) rc = error_memory(err);
    const struct register_decl *places = register_find(l->catalog, TEXT("place"));
    if (rc == 0 && places) rc = places_make(x, s, places, &a);
    for (size_t k = 0; rc == 0 && k < sizeof passes / sizeof *passes; k++) {
        const struct register_decl *reg = register_find(l->catalog, text_of(passes[k].name));
        struct record_filter f = {0};
        rc = reg ? record_list(l, l->db, s, reg, &f, passes[k].run, x, err) : error_set(err, E_UNKNOWN, passes[k].name, "there is no such register / 没有该登记册");
        if (rc > 0) rc = 0;
        if (rc == 0 && k == 0 && !x->n_places) rc = error_set(err, E_UNKNOWN, "place", "no places are on record / 没有场所");
        for (size_t i = 0; rc == 0 && k == 0 && i < x->n_places; i++) {
            rc = name_of(x, VISITS_PLACE, x->places[i], &x->numbers[i]);
            if (rc == 0) visits_set_class(v, x->numbers[i], x->classes[i]);
        }
    }
    if (rc == 0) rc = strangers_draw(x);
    if (rc == 0) rc = visits_load(v, x->rows, x->n, NULL, err);
    if (rc == 0) rc = tracing_journal(l, s, JOURNAL_IMPORT, "visits of the demonstration", err);
    if (rc == 0) *ret_rows = x->n;
    mem_free(x->rows);
    mem_free(x);
    arena_clear(&a);
    return rc;
}
