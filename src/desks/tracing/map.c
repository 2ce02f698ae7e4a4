/* Maps of strangers' tables of where people were: one row may hold several visits. */
#include <string.h>

#include "base/yaml.h"
#include "desks/tracing/inside.h"

const char *const tracing_words[TRACING_COLUMNS] = {"person", "place", "start", "end", "class", "source", "confidence", "zone", "row", "other", "distance", "signal"};

/* A column, or a list of columns. */
static int cell_read(const struct yaml *one, const char *key, bool required, struct tracing_cell *ret, struct error *err) {
    const struct yaml *node = yaml_get(one, key);
    if (!node || node->kind != YAML_LIST) {
        int rc = yaml_text(one, key, required, &ret->names[0], err);
        ret->n = rc == 0 && ret->names[0].n;
        return rc;
    }
    if (node->n == 0 || node->n > TRACING_JOINED_MAX) return yaml_error(node, err, E_INVALID, "1 to %d columns / 1 至 %d 列", TRACING_JOINED_MAX, TRACING_JOINED_MAX);
    for (size_t i = 0; i < node->n; i++) {
        if (node->items[i]->kind != YAML_SCALAR || !node->items[i]->text.n) return yaml_error(node->items[i], err, E_INVALID, "the name of a column is expected / 须为列名");
        ret->names[ret->n++] = node->items[i]->text;
    }
    return 0;
}

static int group_read(struct tracing_map *m, const struct yaml *one, struct error *err) {
    static const char *const allowed[] = {"person", "place", "start", "end", "class", "source", "confidence", "zone", "row", "other", "distance", "signal", "route", "by", NULL};
    struct tracing_cell *cells = m->cells[m->n];
    struct tracing_telling *told = &m->told[m->n];
    int rc = yaml_only(one, allowed, err);
    if (rc == 0) rc = yaml_text(one, "route", false, &told->route, err);
    if (rc == 0) rc = yaml_text(one, "by", false, &told->by, err);
    for (int c = 0; rc == 0 && c < TRACING_COLUMNS; c++) rc = cell_read(one, tracing_words[c], c == COLUMN_PERSON, &cells[c], err);
    if (rc == 0 && told->route.n) {
        if (!told->by.n && m->by == DAY_MIN) rc = yaml_error(one, err, E_INVALID, "a route needs the column by which it was told, or a day for all / 轨迹须注明报告日期");
        m->n++;
        return rc;
    }
    if (rc == 0 && !cells[COLUMN_START].n && !cells[COLUMN_END].n) rc = yaml_error(one, err, E_INVALID, "a visit needs start or end / 缺少开始或结束");
    if (rc == 0 && !cells[COLUMN_PLACE].n && !cells[COLUMN_OTHER].n) rc = yaml_error(one, err, E_INVALID, "a visit needs place or other / 缺少场所或对方");
    m->n++;
    return rc;
}

/* One of some words; *ret is its number, or stays. */
static int choice_read(const struct yaml *root, const char *key, const char *const *choices, int *ret, struct error *err) {
    struct text t = {"", 0};
    struct buf all = {0};
    int rc = yaml_text(root, key, false, &t, err);
    if (rc < 0 || !t.n) return rc;
    for (int i = 0; choices[i]; i++) {
        if (text_is(t, choices[i])) {
            *ret = i;
            buf_clear(&all);
            return 0;
        }
        buf_printf(&all, "%s%s", i ? ", " : "", choices[i]);
    }
    rc = yaml_error(yaml_get(root, key), err, E_INVALID, "one of %s / 须为其中之一", all.failed ? "" : buf_cstr(&all));
    buf_clear(&all);
    return rc;
}

static int duration_read(const struct yaml *root, const char *key, int64_t least, int64_t *ret, struct error *err) {
    struct text t = {"", 0};
    int rc = yaml_text(root, key, false, &t, err);
    if (rc < 0 || !t.n) return rc;
    return duration_parse(t, ret) && *ret >= least && *ret <= VISITS_DAYS_MAX * DAY_S ? 0 : yaml_error(yaml_get(root, key), err, E_INVALID, "a duration is expected (20s, 5m, 1h) / 须为时长 (20s、5m、1h)");
}

/* What numbers of a time column count, and since when. */
static int counting_read(const struct yaml *root, struct tracing_how *how, struct error *err) {
    struct text origin = {"", 0};
    int rc = yaml_text(root, "origin", false, &origin, err);
    how->step_s = 1;
    how->counted = rc == 0 && origin.n;
    if (how->counted && !instant_parse(origin, how->zone_s, &how->origin)) rc = yaml_error(yaml_get(root, "origin"), err, E_INVALID, "not a moment: write 2017-10-12T07:00 / 须为时刻,如 2017-10-12T07:00");
    if (rc == 0 && !how->counted && yaml_get(root, "step")) rc = yaml_error(yaml_get(root, "step"), err, E_INVALID, "steps need an origin / step 须与 origin 一起给出");
    return rc == 0 ? duration_read(root, "step", 1, &how->step_s, err) : rc;
}

static int nothing_read(const struct yaml *root, struct tracing_map *m, struct error *err) {
    const struct yaml *list = NULL;
    int rc = yaml_list(root, "nothing", false, &list, err);
    if (rc < 0 || !list) return rc;
    if (list->n > TRACING_NOTHING_MAX) return yaml_error(list, err, E_INVALID, "at most %d words / 至多 %d 个", TRACING_NOTHING_MAX, TRACING_NOTHING_MAX);
    for (size_t i = 0; i < list->n; i++) {
        if (list->items[i]->kind != YAML_SCALAR) return yaml_error(list->items[i], err, E_INVALID, "a word is expected / 须为词语");
        m->nothing[m->n_nothing++] = list->items[i]->text;
    }
    return 0;
}

static int shape_read(const struct yaml *root, struct tracing_map *m, struct error *err) {
    static const char *const dates[] = {"iso", "day-first", "month-first", NULL}, *const delimiters[] = {"comma", "semicolon", "tab", "bar", "space", NULL};
    struct text source = {"", 0}, by = {"", 0};
    int order = DATES_ISO, delimiter = -1;
    bool header = true;
    int rc = choice_read(root, "dates", dates, &order, err);
    if (rc == 0) rc = choice_read(root, "delimiter", delimiters, &delimiter, err);
    if (rc == 0) rc = yaml_bool(root, "header", false, &header, err);
    if (rc == 0) rc = yaml_text(root, "split", false, &m->split, err);
    if (rc == 0) rc = yaml_text(root, "people", false, &m->people, err);
    if (rc == 0) rc = yaml_text(root, "source", false, &source, err); /* of the list, for the reader */
    if (rc == 0) rc = yaml_text(root, "by", false, &by, err);
    if (rc == 0 && by.n && !day_parse(by, &m->by)) rc = yaml_error(yaml_get(root, "by"), err, E_INVALID, "not a date: write 2020-04-30 / 日期写法应为 2020-04-30");
    if (rc == 0) rc = counting_read(root, &m->how, err);
    if (rc == 0) rc = duration_read(root, "interval", 0, &m->interval_s, err);
    if (rc == 0) rc = yaml_int(root, "weakest", false, &m->how.weakest, err);
    if (rc == 0) rc = nothing_read(root, m, err);
    m->how.dates = (enum tracing_dates)order;
    m->delimiter = delimiter < 0 ? 0 : ",;\t| "[delimiter];
    m->headless = !header;
    return rc;
}

int tracing_map_read(const char *path, int32_t zone_s, struct tracing_map *ret, struct error *err) {
    static const char *const allowed[] = {"visits", "dates", "split", "people", "by", "source", "header", "delimiter", "origin", "step", "interval", "weakest", "nothing", NULL};
    struct tracing_map m = {.by = DAY_MIN, .how.zone_s = zone_s, .interval_s = -1};
    struct yaml *root = NULL;
    const struct yaml *list = NULL;
    int rc = yaml_read(&m.arena, path, &root, err);
    if (rc == 0) rc = yaml_only(root, allowed, err);
    if (rc == 0) rc = shape_read(root, &m, err);
    if (rc == 0) rc = yaml_list(root, "visits", true, &list, err);
    if (rc == 0 && (list->n == 0 || list->n > TRACING_GROUPS_MAX)) rc = yaml_error(list, err, E_INVALID, "1 to %d visits a row / 每行 1 至 %d 条", TRACING_GROUPS_MAX, TRACING_GROUPS_MAX);
    for (size_t i = 0; rc == 0 && i < list->n; i++) rc = group_read(&m, list->items[i], err);
    if (rc < 0) tracing_map_clear(&m);
    else *ret = m;
    return rc;
}

/* By its name, or in a list without a header by its number from 1. */
static int column_find(const struct tracing_map *m, struct text name, const char *what, const struct text *cells, size_t n, int *ret, struct error *err) {
    int64_t number;
    *ret = -1;
    if (m->headless && name.n && text_int(name, &number) && number >= 1 && number <= (int64_t)n) *ret = (int)number - 1;
    for (size_t i = 0; !m->headless && i < n && name.n && *ret < 0; i++)
        if (text_eq(text_trim(cells[i]), name)) *ret = (int)i;
    if (!name.n || *ret >= 0) return 0;
    return error_set(err, E_SYNTAX, what, "the table has no column \"%.*s\" / 表中没有该列", (int)name.n, name.s);
}

int tracing_map_header(struct tracing_map *m, const struct text *cells, size_t n, struct error *err) {
    int rc = 0;
    for (size_t g = 0; rc == 0 && g < m->n; g++) {
        for (int c = 0; rc == 0 && c < TRACING_COLUMNS; c++) {
            struct tracing_cell *k = &m->cells[g][c];
            if (c == COLUMN_PERSON && text_is(k->names[0], TRACING_NUMBERED)) k->at[0] = -1;
            else
                for (size_t i = 0; rc == 0 && i < k->n; i++) rc = column_find(m, k->names[i], tracing_words[c], cells, n, &k->at[i], err);
        }
        if (rc == 0) rc = column_find(m, m->told[g].route, "route", cells, n, &m->told[g].route_at, err);
        if (rc == 0) rc = column_find(m, m->told[g].by, "by", cells, n, &m->told[g].by_at, err);
    }
    return rc;
}

void tracing_map_clear(struct tracing_map *m) {
    arena_clear(&m->arena);
    m->n = 0;
}
