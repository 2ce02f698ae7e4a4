#include "desks/testing/forecast.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "desks/testing/round.h"

enum { STREET = 9, COUNTY = 6, CITY = 4, PROVINCE = 2, SITES_READ = 20000, GROUPS_MAX = 4000 };

struct group {
    char code[10];
    double people, swabs, left, last_hour, tables, samplers, waiting, lon, lat, points;
};

struct telling {
    struct ledger *l;
    const struct session *s;
    int64_t round;
    struct arena a;
    size_t digits, n;               /* of a code; groups */
    struct group *groups;
    struct round_figures done;
    struct round_site *sites;
    size_t n_sites;
    struct testing_campaign t;
    instant begins, deadline, from; /* from: hours count from here, now or when the round begins */
    bool over;                      /* closed or called off: nobody is swabbed any more */
    int64_t in_labs;                /* tubes of this round that a laboratory has and has not tested */
    double opens, closes, scoped;   /* scoped: people that the scope names an area for */
    bool assumed, given;            /* samplers by rule; vehicles said by the asker */
    int64_t lab_ids[CAMPAIGN_LABS_MAX];
    struct text lab_points[CAMPAIGN_LABS_MAX];
    json_t *teams;
    double team_samplers, vehicles; /* vehicles: couriers that are ready */
    struct road { double hours, n; } *roads; /* [groups * laboratories]: sum of what was driven, and how often */
};

/* Rows of `sql`, to which what the session may see of a register is added for {see}; parameters as given. */
static int rows(struct telling *f, const char *reg_name, const char *column, const char *before, const char *after, const struct value *params, size_t n,
                int (*row)(struct telling *f, const struct value *v, struct error *err), struct error *err) {
    const struct register_decl *reg = register_find(f->l->catalog, text_of(reg_name));
    struct buf sql = {0};
    struct db_cursor *c = NULL;
    const struct value *v;
    if (!reg) return 0;
    buf_str(&sql, before);
    access_sql(f->s, ACCESS_READ, reg, column, &sql);
    buf_str(&sql, after);
    int rc = sql.failed ? error_memory(err) : db_query(f->l->db, buf_cstr(&sql), params, n, &c, err);
    while (rc == 0 && (rc = db_next(c, &v, err)) > 0) rc = row(f, v, err);
    db_cursor_close(c);
    buf_clear(&sql);
    return rc;
}

static struct group *group_of(struct telling *f, struct text region) {
    char code[10] = "";
    snprintf(code, sizeof code, "%.*s", (int)(region.n < f->digits ? region.n : f->digits), region.s ? region.s : "");
    for (size_t i = 0; i < f->n; i++)
        if (!strcmp(f->groups[i].code, code)) return &f->groups[i];
    if (f->n == GROUPS_MAX) return &f->groups[GROUPS_MAX - 1];
    memcpy(f->groups[f->n].code, code, sizeof code);
    return &f->groups[f->n++];
}

/* As the register has it: latitude first. */
static bool point_read(struct text t, double *lon, double *lat) {
    char word[64];
    snprintf(word, sizeof word, "%.*s", (int)(t.n < sizeof word ? t.n : sizeof word - 1), t.s ? t.s : "");
    return sscanf(word, "%lf%*[ ,]%lf", lat, lon) == 2;
}

/* ---- what is there */

static int round_row(struct telling *f, const struct value *v, struct error *err) {
    (void)err;
    f->begins = value_int_or(v[0], f->s->now);
    f->deadline = value_int_or(v[1], value_int_or(v[2], INSTANT_NONE));
    f->t.c.per_tube = fmax(1, (double)value_int_or(v[3], value_int_or(v[4], 10)));
    f->over = text_is(value_view(v[5]), "closed") || text_is(value_view(v[5]), "cancelled");
    f->from = f->begins > f->s->now && !f->over ? f->begins : f->s->now;
    return 0;
}

/* region, point, tables said, tables recorded, opens, closes */
static int site_row(struct telling *f, const struct value *v, struct error *err) {
    struct group *g = group_of(f, value_view(v[0]));
    double lon, lat;
    (void)err;
    g->tables += (double)(value_int_or(v[3], 0) > 0 ? value_int_or(v[3], 0) : value_int_or(v[2], 0));
    if (point_read(value_view(v[1]), &lon, &lat)) g->lon += lon, g->lat += lat, g->points++;
    if (v[4].kind == VALUE_INT) f->opens = fmin(f->opens, (double)v[4].i / 3600);
    if (v[5].kind == VALUE_INT) f->closes = fmax(f->closes, (double)v[5].i / 3600);
    return 0;
}

static int shift_row(struct telling *f, const struct value *v, struct error *err) {
    (void)err;
    group_of(f, value_view(v[0]))->samplers += (double)value_int_or(v[1], 0);
    return 0;
}

/* region, tubes, state */
static int tube_row(struct telling *f, const struct value *v, struct error *err) {
    (void)err;
    if (text_is(value_view(v[2]), "received")) f->in_labs += value_int_or(v[1], 0);
    else group_of(f, value_view(v[0]))->waiting += (double)value_int_or(v[1], 0);
    return 0;
}

/* id, title, point, tubes a day, turnaround in seconds */
static int lab_row(struct telling *f, const struct value *v, struct error *err) {
    int n = f->t.c.n_labs;
    if (n == CAMPAIGN_LABS_MAX || value_int_or(v[3], 0) <= 0) return 0;
    f->lab_ids[n] = v[0].i;
    f->t.lab[n] = arena_text(&f->a, value_view(v[1]));
    f->lab_points[n] = arena_text(&f->a, value_view(v[2]));
    f->t.labs[n] = (struct campaign_lab){.tubes_h = fmax(0.1, (double)v[3].i / 24), .turnaround_h = fmin(72, (double)value_int_or(v[4], 6 * 3600) / 3600)};
    f->t.c.n_labs++;
    return f->t.lab[n].s && f->lab_points[n].s ? 0 : error_memory(err);
}

static int lab_waiting_row(struct telling *f, const struct value *v, struct error *err) {
    (void)err;
    for (int j = 0; j < f->t.c.n_labs; j++)
        if (v[0].kind == VALUE_INT && f->lab_ids[j] == v[0].i) f->t.labs[j].waiting = (double)value_int_or(v[1], 0);
    return 0;
}

/* vehicles, tubes a trip, loading in seconds */
static int courier_row(struct telling *f, const struct value *v, struct error *err) {
    (void)err;
    f->vehicles = (double)value_int_or(v[0], 0);
    if (v[1].kind == VALUE_INT) f->t.c.trip_tubes = (double)v[1].i;
    if (v[2].kind == VALUE_INT) f->t.c.stop_h = (double)v[2].i / 3600;
    return 0;
}

/* region of the site, laboratory, seconds on the road */
static int road_row(struct telling *f, const struct value *v, struct error *err) {
    struct group *g = group_of(f, value_view(v[0]));
    (void)err;
    for (int j = 0; j < f->t.c.n_labs; j++)
        if (f->lab_ids[j] == v[1].i) {
            struct road *r = &f->roads[(size_t)(g - f->groups) * CAMPAIGN_LABS_MAX + (size_t)j];
            r->hours += fmin(48, (double)v[2].i / 3600);
            r->n++;
        }
    return 0;
}

static int team_row(struct telling *f, const struct value *v, struct error *err) {
    if (json_array_size(f->teams) == FORECAST_TEAMS) return 0;
    json_t *team = json_pack("{s:I, s:o, s:I}", "team", (json_int_t)v[0].i, "title", json_stringn(value_view(v[1]).s, value_view(v[1]).n), "samplers", (json_int_t)value_int_or(v[2], 0));
    if (json_array_append_new(f->teams, team)) return error_memory(err);
    f->team_samplers += (double)value_int_or(v[2], 0);
    return 0;
}

/* area, population */
static int scope_row(struct telling *f, const struct value *v, struct error *err) {
    struct text area = value_view(v[0]);
    double people = (double)value_int_or(v[1], 0), tables = 0;
    (void)err;
    f->scoped += people;
    if (area.n >= f->digits) {
        group_of(f, area)->people += people;
        return 0;
    }
    for (size_t i = 0; i < f->n; i++) /* a larger area: its streets by their tables */
        if (!strncmp(f->groups[i].code, area.s, area.n)) tables += f->groups[i].tables;
    if (tables == 0) { /* where nobody can be swabbed yet they are left all the same */
        group_of(f, area)->people += people;
        return 0;
    }
    for (size_t i = 0; i < f->n; i++)
        if (!strncmp(f->groups[i].code, area.s, area.n)) f->groups[i].people += people * f->groups[i].tables / tables;
    return 0;
}

static int read_sites(struct telling *f, struct error *err) {
    struct value now[] = {value_int(f->from)};
    int rc = rows(f, "site", "s.\"region\"",
                  "SELECT s.\"region\",s.\"point\",s.\"tables\",COUNT(t.\"id\"),s.\"opens\",s.\"closes\" FROM \"site\" s LEFT JOIN \"site_table\" t ON t.\"site\"=s.\"id\" AND t.\"state\"='open' WHERE s.\"state\"='open' AND ",
                  " GROUP BY s.\"id\",s.\"region\",s.\"point\",s.\"tables\",s.\"opens\",s.\"closes\" ORDER BY s.\"region\",s.\"id\"", NULL, 0, site_row, err);
    if (rc == 0) rc = rows(f, "sampler_shift", "h.\"region\"",
                           "SELECT s.\"region\",COUNT(*) FROM \"sampler_shift\" h JOIN \"site_table\" t ON t.\"id\"=h.\"site_table\" JOIN \"site\" s ON s.\"id\"=t.\"site\" WHERE h.\"starts_at\"<=?1 AND "
                           "(h.\"ends_at\" IS NULL OR h.\"ends_at\">?1) AND ", " GROUP BY s.\"region\" ORDER BY s.\"region\"", now, 1, shift_row, err);
    return rc;
}

static int read_all(struct telling *f, struct error *err) {
    struct value round[] = {value_int(f->round)};
    int rc = rows(f, "round", "r.\"region\"", "SELECT r.\"starts_at\",r.\"ends_at\",c.\"ends_at\",r.\"tube_size\",c.\"tube_size\",r.\"state\" FROM \"round\" r JOIN \"campaign\" c ON c.\"id\"=r.\"campaign\" WHERE r.\"id\"=?1 AND ", "",
                  round, 1, round_row, err);
    if (rc == 0) rc = read_sites(f, err);
    for (size_t i = 0; rc == 0 && i < f->n_sites; i++) {
        struct group *g = group_of(f, f->sites[i].region);
        g->swabs += (double)f->sites[i].swabs;
        g->last_hour += (double)f->sites[i].last_hour;
    }
    if (rc == 0) rc = rows(f, "tube", "c.region", "SELECT c.region,sum(c.n),c.word FROM \"tube_count\" c WHERE c.within=?1 AND c.what='opened' AND c.word IN ('open','closed','received') AND ",
                           " GROUP BY c.region,c.word HAVING sum(c.n)<>0 ORDER BY c.region,c.word", round, 1, tube_row, err);
    if (rc == 0) rc = rows(f, "laboratory", "\"region\"", "SELECT \"id\",\"title\",\"point\",\"tubes_per_day\",\"turnaround\" FROM \"laboratory\" WHERE \"state\"='open' AND ", " ORDER BY \"tubes_per_day\" DESC,\"id\"", NULL, 0,
                           lab_row, err);
    if (rc == 0) rc = rows(f, "tube", "c.region", "SELECT c.within,sum(c.n) FROM \"tube_count\" c WHERE c.within IN (SELECT \"id\" FROM \"laboratory\" WHERE \"state\"='open') AND c.what='bench' AND c.word='received' AND ",
                           " GROUP BY c.within", NULL, 0, lab_waiting_row, err); /* of every round: a laboratory tests one after the other */
    if (rc == 0) rc = rows(f, "mobile_team", "\"region\"", "SELECT \"id\",\"title\",\"samplers\" FROM \"mobile_team\" WHERE \"state\"='ready' AND \"samplers\">0 AND ", " ORDER BY \"samplers\" DESC,\"id\"", NULL, 0, team_row, err);
    if (rc == 0) rc = rows(f, "courier", "\"region\"", "SELECT COUNT(*),SUM(\"capacity\")/NULLIF(COUNT(\"capacity\"),0),SUM(\"loading\")/NULLIF(COUNT(\"loading\"),0) FROM \"courier\" WHERE \"state\"='ready' AND ", "", NULL, 0,
                           courier_row, err);
    if (rc == 0) rc = rows(f, "transport_route", "t.\"region\"", "SELECT s.\"region\",t.\"laboratory\",t.\"travel\" FROM \"transport_route\" t JOIN \"site\" s ON s.\"id\"=t.\"site\" WHERE s.\"state\"='open' AND ",
                           " ORDER BY t.\"id\"", NULL, 0, road_row, err);
    if (rc == 0) rc = rows(f, "tube", "o.\"area\"", /* the areas that the session sees tubes of, as their target is counted */
                           "SELECT o.\"area\",o.\"population\" FROM \"round_scope\" o JOIN \"round\" r ON r.\"campaign\"=o.\"campaign\" WHERE r.\"id\"=?1 AND (o.\"round\" IS NULL OR o.\"round\"=?1) AND o.\"mode\"='include' AND "
                           "o.\"area\" IS NOT NULL AND o.\"population\" IS NOT NULL AND ", " ORDER BY o.\"id\"", round, 1, scope_row, err);
    return rc;
}

/* ---- from that to a plan of what is left */

static void spread_people(struct telling *f) {
    double tables = 0;
    for (size_t i = 0; i < f->n; i++) tables += f->groups[i].tables;
    double rest = fmax(0, (double)f->done.target - f->scoped);
    for (size_t i = 0; i < f->n && tables > 0; i++) f->groups[i].people += rest * f->groups[i].tables / tables;
}

static double people_to_swab(const struct telling *f) {
    return f->over ? 0 : fmax(0, (double)(f->done.target - f->done.people));
}

/* Who is left of each street; together as many as of the whole round. People go to whichever site they like: what was swabbed in one street beyond its own people was of the others. */
static void people_left(struct telling *f) {
    double all = 0, tables = 0, left = people_to_swab(f);
    for (size_t i = 0; i < f->n; i++) all += f->groups[i].left = fmax(0, f->groups[i].people - f->groups[i].swabs), tables += f->groups[i].tables;
    for (size_t i = 0; i < f->n; i++) {
        struct group *g = &f->groups[i];
        if (all > left) g->left *= left / all;
        else g->left += (left - all) * (tables > 0 ? g->tables / tables : 1.0 / (double)f->n); /* swabbed again, not instead of somebody else */
    }
}

/* Streets with somebody to swab beyond the samplers there are: they have to be served together. */
static bool too_few(const struct telling *f) {
    double samplers = f->team_samplers, tables = 0, served = 0;
    for (size_t i = 0; i < f->n; i++) samplers += f->groups[i].samplers, tables += f->groups[i].tables, served += f->groups[i].left > 0;
    return served > (samplers > f->team_samplers ? samplers : f->team_samplers + tables * f->t.c.per_table);
}

static int make_areas(struct telling *f, struct error *err) {
    struct campaign *c = &f->t.c;
    double samplers = 0, hours = fmin(1, fmax(1.0 / 60, (double)(f->s->now - f->begins) / 3600));
    for (size_t i = 0; i < f->n; i++) samplers += f->groups[i].samplers;
    f->assumed = samplers == 0;
    f->t.areas = arena_alloc(&f->a, f->n * sizeof *f->t.areas);
    f->t.area = arena_alloc(&f->a, f->n * sizeof *f->t.area);
    if (!f->t.areas || !f->t.area) return error_memory(err);
    c->samplers = 0;
    for (size_t i = 0; i < f->n; i++) {
        struct group *g = &f->groups[i];
        struct campaign_area *a = &f->t.areas[i];
        if (f->assumed) g->samplers = g->tables * c->per_table;
        *a = (struct campaign_area){.people = g->left, .tables = fmax(g->tables, ceil(g->samplers / c->per_table)), .samplers = g->samplers, .waiting = g->waiting};
        if (a->people > 0 && a->tables < 1) a->tables = 1; /* no site there: a team could open one table */
        if (g->samplers > 0 && g->last_hour > 0) a->rate = fmin(fmax(g->last_hour / hours / g->samplers, c->rate / 10), 400);
        f->t.area[i].name = text_of(g->code);
        c->samplers += g->samplers;
    }
    c->n_areas = (int)f->n;
    c->samplers += f->team_samplers;
    if (c->samplers < 1 && people_to_swab(f) > 0) return error_set(err, E_REFUSED, "site", "no table is open / 没有开放的采样台");
    c->samplers = fmax(1, c->samplers);
    double benches = 0;
    for (int j = 0; j < c->n_labs; j++) benches += f->t.labs[j].waiting;
    if (f->in_labs > benches) f->t.labs[0].waiting += (double)f->in_labs - benches; /* of a laboratory that is not said or not open any more */
    return 0;
}

static int make_roads(struct telling *f, struct error *err) {
    struct campaign *c = &f->t.c;
    f->t.travel_h = arena_alloc(&f->a, (size_t)c->n_areas * (size_t)c->n_labs * sizeof *f->t.travel_h);
    if (!f->t.travel_h) return error_memory(err);
    for (int z = 0; z < c->n_areas; z++)
        for (int j = 0; j < c->n_labs; j++) {
            const struct group *g = &f->groups[z];
            double lon, lat;
            const struct road *r = &f->roads[(size_t)z * CAMPAIGN_LABS_MAX + (size_t)j];
            if (r->n > 0) { /* as driven */
                f->t.travel_h[z * c->n_labs + j] = r->hours / r->n;
                continue;
            }
            bool known = g->points > 0 && point_read(f->lab_points[j], &lon, &lat);
            f->t.travel_h[z * c->n_labs + j] = known ? testing_road_h(g->lon / g->points, g->lat / g->points, lon, lat, TESTING_SPEED_KMH) : TESTING_ROAD_MINUTES / 60.0;
        }
    return 0;
}

static void make_hours(struct telling *f, double couriers) {
    struct campaign *c = &f->t.c;
    double tubes = 0;
    c->start_h = (double)((f->from + f->l->zone_s) % DAY_S) / 3600;
    if (f->opens < f->closes) c->open_h = f->opens, c->close_h = fmin(24, f->closes);
    c->deadline_h = f->deadline != INSTANT_NONE && f->deadline > f->from ? fmin((double)(f->deadline - f->from) / 3600, CAMPAIGN_NEVER) : 0;
    for (int z = 0; z < c->n_areas; z++) tubes += f->t.areas[z].people / c->per_tube + f->t.areas[z].waiting;
    c->couriers = couriers > 0 ? couriers : f->vehicles > 0 ? f->vehicles : testing_couriers(tubes);
    c->areas = f->t.areas;
    c->labs = f->t.labs;
    c->travel_h = f->t.travel_h;
}

/* ---- what is told */

static double member(const json_t *j, const char *name) {
    return json_number_value(json_object_get(j, name));
}

/* Teams go where most samplers are wanted; what they bring is taken off there. */
static void send_teams(struct telling *f, const json_t *areas, double *want) {
    for (size_t z = 0; z < f->n; z++) want[z] = member(json_array_get(areas, z), "samplers") - f->groups[z].samplers;
    for (size_t i = 0; i < json_array_size(f->teams); i++) {
        json_t *team = json_array_get(f->teams, i);
        size_t to = 0;
        for (size_t z = 1; z < f->n; z++)
            if (want[z] > want[to]) to = z;
        json_object_set_new(team, "to", want[to] >= 1 ? json_string(f->groups[to].code) : json_null());
        if (want[to] >= 1) want[to] -= member(team, "samplers");
    }
}

struct jam { const struct round_site *site; double wait; enum round_queue state; };

static int longest_first(const void *a, const void *b) {
    const struct jam *x = a, *y = b;
    return x->wait != y->wait ? (x->wait < y->wait) - (x->wait > y->wait) : (x->site > y->site) - (x->site < y->site);
}

static json_t *jams(struct telling *f) {
    json_t *list = json_array();
    struct jam *of = arena_alloc(&f->a, (f->n_sites + 1) * sizeof *of);
    size_t n = 0;
    for (size_t i = 0; of && i < f->n_sites; i++) {
        struct jam jam = {.site = &f->sites[i]};
        jam.state = round_queue_of(jam.site, f->s->now, &jam.wait);
        if (jam.state >= QUEUE_BUSY) of[n++] = jam;
    }
    if (n) qsort(of, n, sizeof *of, longest_first);
    for (size_t i = 0; i < n && i < FORECAST_JAMS; i++) {
        const struct round_site *x = of[i].site;
        enum round_queue state = of[i].state;
        double wait = of[i].wait;
        json_array_append_new(list, json_pack("{s:I, s:o, s:o, s:I, s:f, s:s}", "site", (json_int_t)x->site, "title", json_stringn(x->title.s, x->title.n), "region", json_stringn(x->region.s, x->region.n), "waiting",
                                              (json_int_t)x->waiting, "wait_minutes", round(wait), "state", round_queue_words[state]));
    }
    return list;
}

/* Who is not through before the deadline, all of them once it is past, or, without one, half an hour after the best plan would have them. */
static json_t *behind(const struct telling *f, const json_t *plan) {
    json_t *list = json_array();
    const json_t *now = json_object_get(json_object_get(plan, "as_is"), "areas"), *best = json_object_get(plan, "areas");
    for (size_t z = 0; z < f->n; z++) {
        const json_t *a = json_array_get(now, z), *b = json_array_get(best, z), *h = json_object_get(a, "sampled_hours");
        bool past = f->deadline != INSTANT_NONE && f->deadline <= f->s->now;
        double limit = past ? 0 : f->t.c.deadline_h > 0 ? f->t.c.deadline_h : member(b, "sampled_hours") + 0.5;
        if (f->t.areas[z].people <= 0 || (json_is_number(h) && json_number_value(h) <= limit)) continue;
        json_array_append_new(list, json_pack("{s:s, s:f, s:f, s:f, s:O, s:O}", "area", f->groups[z].code, "left", f->t.areas[z].people, "last_hour", f->groups[z].last_hour, "samplers", f->groups[z].samplers, "sampled_hours", h,
                                              "could_be_hours", json_object_get(b, "sampled_hours")));
    }
    return list;
}

static json_t *done_json(const struct telling *f) {
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "target", (json_int_t)f->done.target, "swabs", (json_int_t)f->done.swabs, "people", (json_int_t)f->done.people, "tubes", (json_int_t)f->done.tubes, "received",
                     (json_int_t)f->done.received, "tested", (json_int_t)f->done.tested, "released", (json_int_t)f->done.released);
}

static int told(struct telling *f, json_t **ret, struct error *err) {
    json_t *plan = NULL, *top = NULL;
    double *want = arena_alloc(&f->a, f->n * sizeof *want);
    char at[INSTANT_TEXT];
    int rc = want ? testing_campaign_plan(&f->t, &plan, err) : error_memory(err);
    if (rc < 0) return rc;
    send_teams(f, json_object_get(plan, "areas"), want);
    instant_format(f->from, f->l->zone_s, at);
    top = json_pack("{s:I, s:s, s:b, s:o, s:b, s:b, s:o, s:o, s:O, s:o, s:o}", "round", (json_int_t)f->round, "at", at, "finished", 0, "done", done_json(f), "samplers_assumed", f->assumed, "couriers_assumed", !f->given && f->vehicles == 0, "deadline_hours",
                    f->t.c.deadline_h > 0 ? json_real(f->t.c.deadline_h) : json_null(), "jams", jams(f), "teams", f->teams, "behind", behind(f, plan), "plan", plan);
    if (!top) return error_memory(err);
    *ret = top;
    return 0;
}

static int finished(struct telling *f, json_t **ret, struct error *err) {
    char at[INSTANT_TEXT];
    instant_format(f->s->now, f->l->zone_s, at);
    *ret = json_pack("{s:I, s:s, s:b, s:o, s:o, s:o, s:o}", "round", (json_int_t)f->round, "at", at, "finished", 1, "done", done_json(f), "jams", jams(f), "teams", json_array(), "behind", json_array());
    return *ret ? 0 : error_memory(err);
}

/* What else a laboratory has on its bench is of other rounds. */
static bool to_do(const struct telling *f) {
    double waiting = 0;
    for (size_t i = 0; i < f->n; i++) waiting += f->groups[i].waiting;
    return people_to_swab(f) > 0 || waiting > 0 || f->in_labs > 0;
}

static int gather(struct telling *f, size_t digits, struct error *err) {
    f->digits = digits;
    f->n = 0;
    f->scoped = f->team_samplers = 0;
    f->in_labs = 0;
    f->t.c.n_labs = 0;
    f->opens = 24, f->closes = 0;
    memset(f->groups, 0, GROUPS_MAX * sizeof *f->groups);
    memset(f->roads, 0, (size_t)GROUPS_MAX * CAMPAIGN_LABS_MAX * sizeof *f->roads);
    json_array_clear(f->teams);
    int rc = read_all(f, err);
    if (rc == 0) spread_people(f), people_left(f);
    return rc;
}

static int telling(struct telling *f, double couriers, json_t **ret, struct error *err) {
    campaign_init(&f->t.c);
    f->t.burst_at = 17.5, f->t.burst_h = 2, f->t.burst_share = 0.5;
    f->groups = arena_alloc(&f->a, GROUPS_MAX * sizeof *f->groups);
    f->t.labs = arena_alloc(&f->a, CAMPAIGN_LABS_MAX * sizeof *f->t.labs);
    f->t.lab = arena_alloc(&f->a, CAMPAIGN_LABS_MAX * sizeof *f->t.lab);
    f->roads = arena_alloc(&f->a, (size_t)GROUPS_MAX * CAMPAIGN_LABS_MAX * sizeof *f->roads);
    if (!f->groups || !f->roads || !f->t.labs || !f->t.lab || !f->teams) return error_memory(err);
    int rc = round_figures_of(f->l, f->s, f->round, TEXT(""), INSTANT_NONE, &f->done, err);
    if (rc == 0) rc = round_sites(f->l, f->s, f->round, SITES_READ, &f->a, &f->sites, &f->n_sites, err);
    if (rc == 0) rc = gather(f, STREET, err);
    if (rc == 0 && (f->n > FORECAST_AREAS || too_few(f))) rc = gather(f, COUNTY, err);
    if (rc == 0 && too_few(f)) rc = gather(f, CITY, err);
    if (rc == 0 && too_few(f)) rc = gather(f, PROVINCE, err);
    if (rc < 0) return rc;
    if (f->done.target <= 0) return error_set(err, E_REFUSED, "population", "nobody said how many people this round is to test: in the campaign or its scope / 检测行动或检测范围未写明应检人数");
    if (!to_do(f)) return finished(f, ret, err);
    if (f->n == 0 && people_to_swab(f) == 0) group_of(f, TEXT(""));
    if (f->n == 0 || f->n > CAMPAIGN_AREAS_MAX) return error_set(err, E_REFUSED, "site", "no site is open / 没有开放的采样点");
    if (f->t.c.n_labs == 0) return error_set(err, E_REFUSED, "laboratory", "no laboratory with a capacity is open / 没有写明检测能力的开放实验室");
    rc = make_areas(f, err);
    if (rc == 0) rc = make_roads(f, err);
    if (rc < 0) return rc;
    f->given = couriers > 0;
    make_hours(f, couriers);
    return told(f, ret, err);
}

int testing_forecast(struct ledger *l, const struct session *s, int64_t round, double couriers, json_t **ret, struct error *err) {
    struct telling f = {.l = l, .s = s, .round = round, .deadline = INSTANT_NONE, .teams = json_array()};
    int rc = telling(&f, couriers, ret, err);
    json_decref(f.teams);
    arena_clear(&f.a);
    return rc;
}
