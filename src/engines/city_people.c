/* The county before the outbreak: households with ages that fit, streets, schools with classes, workplaces with teams, and the units
 * that answer for it. Household sizes follow the 2020 census of China (mean 2.62, one and two persons above half). */
#include <stdio.h>
#include <string.h>

#include "engines/city.h"

enum { TEAM_MAX = 18, CLASS_MAX = 32, STREET_PERSONS = 900 };

bool city_grow(void **items, size_t n, size_t size) {
    /* Room doubles whenever n is a power of two (from 16): no capacity to keep beside each table. */
    if (n && (n < 16 || (n & (n - 1)))) return true;
    void *more = mem_realloc(*items, (n < 16 ? 16 : n * 2) * size);
    if (!more) return false;
    *items = more;
    return true;
}

static day birth_at_age(struct rng *r, day on, int years) {
    return on - (day)(years * 365.2425) - 1 - (day)rng_below(r, 365);
}

static int between(struct rng *r, int low, int high) {
    return low + (int)rng_below(r, (uint64_t)(high - low + 1));
}

struct builder {
    struct city *c;
    struct rng *r;
    struct error *err;
};

static struct city_person *person_add(struct builder *b, int32_t household, int surname, int sex, int years) {
    struct city *c = b->c;
    if (!city_grow((void **)&c->persons, c->n_persons, sizeof *c->persons)) {
        error_set(b->err, E_MEMORY, NULL, "out of memory after %zu persons of a city", c->n_persons);
        return NULL;
    }
    struct city_person *p = &c->persons[c->n_persons++];
    memset(p, 0, sizeof *p);
    p->household = household;
    p->organisation = p->team = p->guardian = -1;
    p->sex = (uint8_t)sex;
    p->birth = birth_at_age(b->r, c->options.first, years);
    city_name(b->r, surname, sex, p->name, sizeof p->name);
    uint64_t kind = rng_below(b->r, 200);
    if (kind == 0 && years >= 18) {
        p->document_kind = CITY_PASSPORT;
        snprintf(p->document, sizeof p->document, "E%08d", (int)rng_below(b->r, 100000000));
    } else if (years < 1 && kind < 80) {
        p->document_kind = CITY_NO_DOCUMENT;
    } else {
        p->document_kind = CITY_ID_CARD;
        city_id_card(b->r, c->options.region, p->birth, sex, p->document);
    }
    static const char *const heads[] = {"130", "131", "135", "136", "137", "138", "139", "150", "158", "159", "176", "186", "188", "199"};
    snprintf(p->phone, sizeof p->phone, "%s%08d", heads[rng_below(b->r, sizeof heads / sizeof *heads)], (int)rng_below(b->r, 100000000));
    return p;
}

static int occupation_of(struct rng *r, int years) {
    if (years < 3) return CITY_INFANT;
    if (years < 6) return CITY_KINDERGARTEN;
    if (years < 19) return CITY_STUDENT;
    if (years >= 62) return rng_below(r, 10) ? CITY_RETIRED : CITY_FARMER;
    static const struct { uint8_t what, weight; } work[] = {{CITY_WORKER, 26}, {CITY_OFFICE, 20}, {CITY_COMMERCE, 16}, {CITY_CATERING, 9},
                                                            {CITY_FARMER, 8},  {CITY_DRIVER, 5},  {CITY_MEDIC, 3},     {CITY_TEACHER, 4},
                                                            {CITY_HOMEMAKER, 9}};
    int u = (int)rng_below(r, 100);
    for (size_t i = 0; i < sizeof work / sizeof *work; i++) {
        u -= work[i].weight;
        if (u < 0) return work[i].what;
    }
    return CITY_HOMEMAKER;
}

/* One household of 1 to 5: a single, a couple, a couple with children, with a grandparent or two. */
static int household_add(struct builder *b) {
    struct city *c = b->c;
    struct rng *r = b->r;
    if (!city_grow((void **)&c->households, c->n_households, sizeof *c->households))
        return error_set(b->err, E_MEMORY, NULL, "out of memory after %zu households of a city", c->n_households);
    int32_t at = (int32_t)c->n_households++;
    c->households[at] = (struct city_household){.street = (int32_t)rng_below(r, (uint64_t)c->n_streets), .road = between(r, 0, 15),
        .building = between(r, 1, 260), .room = between(r, 1, 18) * 100 + between(r, 1, 4), .first = (int32_t)c->n_persons};
    static const int sizes[] = {25, 55, 78, 92, 100};
    int u = (int)rng_below(r, 100), size = 1;
    while (u >= sizes[size - 1]) size++;
    int father = city_surname(r), ages[5], sexes[5], surnames_of[5], n = 0;
    if (size == 1) {
        ages[n] = between(r, 20, 84), sexes[n] = 1 + (int)rng_below(r, 2), surnames_of[n++] = father;
    } else {
        int husband = size == 2 ? between(r, 24, 80) : between(r, 26, 52);
        ages[n] = husband, sexes[n] = CITY_MALE, surnames_of[n++] = father;
        ages[n] = husband - between(r, -2, 5), sexes[n] = CITY_FEMALE, surnames_of[n++] = city_surname(r);
        int children = size < 3 ? 0 : size == 3 ? 1 : 1 + (int)rng_below(r, 2);
        for (int i = 0; i < children; i++) {
            int oldest = ages[1] - 22 < 24 ? ages[1] - 22 : 24;
            ages[n] = oldest > 0 ? between(r, 0, oldest) : 0;
            sexes[n] = 1 + (int)rng_below(r, 2), surnames_of[n++] = father;
        }
        for (int sex = CITY_MALE; n < size; sex = CITY_FEMALE) {
            ages[n] = husband + between(r, 23, 30), sexes[n] = sex;
            surnames_of[n++] = sex == CITY_MALE ? father : city_surname(r);
        }
    }
    int32_t guardian = -1;
    for (int i = 0; i < n; i++) {
        struct city_person *p = person_add(b, at, surnames_of[i], sexes[i], ages[i]);
        if (!p) return E_MEMORY;
        p->occupation = (uint8_t)occupation_of(r, city_age(p, c->options.first));
        if (i < 2) guardian = (int32_t)c->n_persons - 1; /* the mother where there is one */
        else if (ages[i] < 14) p->guardian = guardian;
    }
    c->households[at].n = n;
    return 0;
}

static int32_t organisation_add(struct builder *b, enum city_organisation_kind kind, const char *department, const char *title) {
    struct city *c = b->c;
    if (!city_grow((void **)&c->organisations, c->n_organisations, sizeof *c->organisations))
        return error_set(b->err, E_MEMORY, NULL, "out of memory after %zu organisations of a city", c->n_organisations);
    struct city_organisation *o = &c->organisations[c->n_organisations];
    *o = (struct city_organisation){.kind = (uint8_t)kind, .street = (int32_t)rng_below(b->r, (uint64_t)c->n_streets)};
    snprintf(o->title, sizeof o->title, "%s", title);
    snprintf(o->department, sizeof o->department, "%s", department);
    o->reports_daily = kind == CITY_HOSPITAL || kind == CITY_CDC || (kind == CITY_DEPARTMENT && *department);
    city_unit_code(b->r, c->options.region, o->unit_code);
    snprintf(o->phone, sizeof o->phone, "0%d-%08d", between(b->r, 311, 999), 20000000 + (int)rng_below(b->r, 69999999));
    city_name(b->r, city_surname(b->r), 1 + (int)rng_below(b->r, 2), o->contact, sizeof o->contact);
    return (int32_t)c->n_organisations++;
}

/* The units that answer for the county, in a fixed order so that a story's first hospital is always organisation 0. */
static int organisations_make(struct builder *b) {
    static const struct { uint8_t kind; const char *department, *title; } fixed[] = {
        {CITY_HOSPITAL, "", "县人民医院"}, {CITY_HOSPITAL, "", "县中医医院"}, {CITY_CDC, "cdc", "县疾病预防控制中心"},
        {CITY_LABORATORY, "", "县疾控中心检验实验室"}, {CITY_LABORATORY, "", "康宁医学检验所"},
        {CITY_DEPARTMENT, "command", "县疫情防控指挥部"}, {CITY_DEPARTMENT, "health", "县卫生健康委员会"},
        {CITY_POLICE, "police", "县公安局"}, {CITY_DEPARTMENT, "community", "县社区防控组"}, {CITY_DEPARTMENT, "industry", "县工业和信息化局"},
        {CITY_DEPARTMENT, "transport", "县交通运输局"}, {CITY_DEPARTMENT, "education", "县教育局"}, {CITY_DEPARTMENT, "market", "县市场监督管理局"},
        {CITY_ISOLATION_SITE, "", "悦来酒店集中隔离点"}, {CITY_ISOLATION_SITE, "", "东湖宾馆集中隔离点"}, {CITY_ISOLATION_SITE, "", "党校集中隔离点"}};
    char title[64];
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
        int32_t at = organisation_add(b, fixed[i].kind, fixed[i].department, fixed[i].title);
        if (at < 0) return at;
    }
    for (int32_t s = 0; s < b->c->n_streets; s++) {
        static const struct { uint8_t kind; const char *tail; } each[] = {{CITY_CLINIC, "社区卫生服务中心"}, {CITY_COMMUNITY, "第一社区居委会"}};
        for (size_t k = 0; k < 2; k++) {
            snprintf(title, sizeof title, "%s%s", city_street(s), each[k].tail);
            int32_t at = organisation_add(b, each[k].kind, "", title);
            if (at < 0) return at;
            b->c->organisations[at].street = s;
        }
    }
    return 0;
}

/* The next school round the list; -1 when there is none. */
static int32_t school_after(const struct city *c, int32_t at) {
    for (size_t i = 1; i <= c->n_organisations; i++) {
        size_t k = ((size_t)(at + 1) + i - 1) % c->n_organisations;
        if (c->organisations[k].kind == CITY_SCHOOL) return (int32_t)k;
    }
    return -1;
}

/* Puts people of one occupation into places of about `size`, each cut into teams of at most `team`. */
static int places_fill(struct builder *b, int occupation, int kind, int size, int team, const char *const *tails, size_t n_tails) {
    static const char *const heads[] = {"明珠", "宏达", "永兴", "瑞丰", "嘉禾", "同创", "华盛", "锦绣", "新天地", "百汇", "金穗", "兴业", "恒通", "康泰", "东方"};
    enum { HEADS = sizeof heads / sizeof *heads };
    struct city *c = b->c;
    char title[96];
    int32_t place = -1;
    int in_place = 0, in_team = 0, number = 0;
    for (size_t i = 0; i < c->n_persons; i++) {
        struct city_person *p = &c->persons[i];
        if (p->occupation != occupation) continue;
        if (place < 0 || in_place >= size) {
            number++;
            if (occupation == CITY_MEDIC) {
                place = number % 3 ? number % 2 : (int32_t)(16 + 2 * (number % c->n_streets)); /* hospitals, then clinics */
            } else if (occupation == CITY_TEACHER && (place = school_after(c, place)) >= 0) {
                /* teachers go round the schools there are */
            } else {
                /* Every pair of words once, then with a number: titles must differ. */
                size_t words = kind == CITY_SCHOOL ? (size_t)c->n_streets : HEADS, at = (size_t)number - 1, round = at / (words * n_tails);
                const char *head = kind == CITY_SCHOOL ? city_street((int32_t)(at % words)) : heads[at % words];
                char tail[24] = "";
                if (round) snprintf(tail, sizeof tail, "(%zu)", round + 1);
                snprintf(title, sizeof title, "%s%s%s", head, tails[at / words % n_tails], tail);
                place = organisation_add(b, (enum city_organisation_kind)kind, "", title);
                if (place < 0) return place;
            }
            in_place = 0, in_team = team;
        }
        if (in_team >= team) c->n_teams++, in_team = 0;
        p->organisation = place;
        p->team = c->n_teams - 1;
        in_place++, in_team++;
    }
    return 0;
}

static int work_make(struct builder *b) {
    static const char *const factories[] = {"机械有限公司", "纺织有限公司", "电子科技有限公司", "食品有限公司", "建筑工程有限公司"};
    static const char *const offices[] = {"商务有限公司", "信息技术有限公司", "物业管理有限公司", "会计师事务所"};
    static const char *const shops[] = {"超市", "农贸市场", "商场", "建材市场"};
    static const char *const kitchens[] = {"饭店", "火锅店", "食堂", "小吃店"};
    static const char *const fleets[] = {"物流有限公司", "出租汽车公司", "快递站"};
    static const char *const farms[] = {"农业合作社", "蔬菜种植基地"};
    static const char *const schools[] = {"中心小学", "第一中学", "实验小学", "第二中学"};
    static const char *const nurseries[] = {"幼儿园", "中心幼儿园"};
    static const struct { uint8_t occupation, kind; int size, team; const char *const *tails; size_t n; } places[] = {
        {CITY_KINDERGARTEN, CITY_SCHOOL, 90, 25, nurseries, 2}, {CITY_STUDENT, CITY_SCHOOL, 420, CLASS_MAX, schools, 4},
        {CITY_TEACHER, CITY_SCHOOL, 40, 12, schools, 4}, {CITY_WORKER, CITY_ENTERPRISE, 80, TEAM_MAX, factories, 5},
        {CITY_OFFICE, CITY_ENTERPRISE, 45, 15, offices, 4}, {CITY_COMMERCE, CITY_ENTERPRISE, 30, 10, shops, 4},
        {CITY_CATERING, CITY_ENTERPRISE, 14, 14, kitchens, 4}, {CITY_DRIVER, CITY_ENTERPRISE, 24, 8, fleets, 3},
        {CITY_FARMER, CITY_ENTERPRISE, 40, 10, farms, 2}, {CITY_MEDIC, CITY_HOSPITAL, 40, 12, NULL, 0}};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        int rc = places_fill(b, places[i].occupation, places[i].kind, places[i].size, places[i].team, places[i].tails, places[i].n);
        if (rc < 0) return rc;
    }
    return 0;
}

/* persons by team: counting sort */
static int teams_index(struct builder *b) {
    struct city *c = b->c;
    c->team_first = mem_alloc(((size_t)c->n_teams + 2) * sizeof *c->team_first);
    c->members = mem_alloc((c->n_persons + 1) * sizeof *c->members);
    if (!c->team_first || !c->members) return error_set(b->err, E_MEMORY, NULL, "out of memory for the teams of a city");
    for (size_t i = 0; i < c->n_persons; i++)
        if (c->persons[i].team >= 0) c->team_first[c->persons[i].team + 2]++;
    for (int32_t t = 2; t <= c->n_teams; t++) c->team_first[t] += c->team_first[t - 1];
    for (size_t i = 0; i < c->n_persons; i++) {
        int32_t team = c->persons[i].team;
        if (team >= 0) c->members[c->team_first[team + 1]++] = (int32_t)i;
    }
    return 0;
}

int city_people(struct city *c, struct rng *r, struct error *err) {
    struct builder b = {.c = c, .r = r, .err = err};
    int streets = c->options.persons / STREET_PERSONS;
    c->n_streets = streets < 3 ? 3 : streets > CITY_STREETS_MAX ? CITY_STREETS_MAX : streets;
    int rc = organisations_make(&b);
    while (rc == 0 && c->n_persons < (size_t)c->options.persons) rc = household_add(&b);
    if (rc == 0) rc = work_make(&b);
    if (rc == 0) rc = teams_index(&b);
    return rc;
}
