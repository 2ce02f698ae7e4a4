/* Maps of strangers' tables of where people were: one row may hold several visits. */
#include <string.h>

#include "base/yaml.h"
#include "desks/tracing/inside.h"

static const char *const words[TRACING_COLUMNS] = {"person", "place", "start", "end", "class", "source", "confidence", "zone", "row", "other", "distance"};

static int group_read(struct tracing_map *m, const struct yaml *one, struct error *err) {
    static const char *const allowed[] = {"person", "place", "start", "end", "class", "source", "confidence", "zone", "row", "other", "distance", "route", "by", NULL};
    struct text *names = m->names[m->n];
    struct tracing_telling *told = &m->told[m->n];
    int rc = yaml_only(one, allowed, err);
    if (rc == 0) rc = yaml_text(one, "route", false, &told->route, err);
    if (rc == 0) rc = yaml_text(one, "by", false, &told->by, err);
    for (int c = 0; rc == 0 && c < TRACING_COLUMNS; c++) rc = yaml_text(one, words[c], c == COLUMN_PERSON, &names[c], err);
    if (rc == 0 && told->route.n) {
        if (!told->by.n && m->by == DAY_MIN) rc = yaml_error(one, err, E_INVALID, "a route needs the column by which it was told, or a day for all / 轨迹须注明报告日期");
        m->n++;
        return rc;
    }
    if (rc == 0 && !names[COLUMN_START].n && !names[COLUMN_END].n) rc = yaml_error(one, err, E_INVALID, "a visit needs start or end / 缺少开始或结束");
    if (rc == 0 && !names[COLUMN_PLACE].n && !names[COLUMN_OTHER].n) rc = yaml_error(one, err, E_INVALID, "a visit needs place or other / 缺少场所或对方");
    m->n++;
    return rc;
}

int tracing_map_read(const char *path, struct tracing_map *ret, struct error *err) {
    static const char *const allowed[] = {"visits", "dates", "split", "by", "source", NULL};
    struct tracing_map m = {.by = DAY_MIN};
    struct yaml *root = NULL;
    const struct yaml *list = NULL;
    struct text dates = {"", 0}, source = {"", 0}, by = {"", 0};
    int rc = yaml_read(&m.arena, path, &root, err);
    if (rc == 0) rc = yaml_only(root, allowed, err);
    if (rc == 0) rc = yaml_text(root, "dates", false, &dates, err);
    if (rc == 0) rc = yaml_text(root, "split", false, &m.split, err);
    if (rc == 0) rc = yaml_text(root, "source", false, &source, err); /* of the list, for the reader */
    if (rc == 0 && dates.n && !text_is(dates, "day-first") && !text_is(dates, "iso")) rc = yaml_error(yaml_get(root, "dates"), err, E_INVALID, "dates are iso or day-first / 日期写法应为 iso 或 day-first");
    if (rc == 0) rc = yaml_text(root, "by", false, &by, err);
    if (rc == 0 && by.n && !day_parse(by, &m.by)) rc = yaml_error(yaml_get(root, "by"), err, E_INVALID, "not a date: write 2020-04-30 / 日期写法应为 2020-04-30");
    m.how.day_first = text_is(dates, "day-first");
    if (rc == 0) rc = yaml_list(root, "visits", true, &list, err);
    if (rc == 0 && (list->n == 0 || list->n > TRACING_GROUPS_MAX)) rc = yaml_error(list, err, E_INVALID, "1 to %d visits a row / 每行 1 至 %d 条", TRACING_GROUPS_MAX, TRACING_GROUPS_MAX);
    for (size_t i = 0; rc == 0 && i < list->n; i++) rc = group_read(&m, list->items[i], err);
    if (rc < 0) tracing_map_clear(&m);
    else *ret = m;
    return rc;
}

static int column_find(struct text name, const char *what, const struct text *cells, size_t n, int *ret, struct error *err) {
    *ret = -1;
    for (size_t i = 0; i < n && name.n && *ret < 0; i++)
        if (text_eq(text_trim(cells[i]), name)) *ret = (int)i;
    if (!name.n || *ret >= 0) return 0;
    return error_set(err, E_SYNTAX, what, "the table has no column \"%.*s\" / 表中没有该列", (int)name.n, name.s);
}

int tracing_map_header(struct tracing_map *m, const struct text *cells, size_t n, struct error *err) {
    int rc = 0;
    for (size_t g = 0; rc == 0 && g < m->n; g++) {
        for (int c = 0; rc == 0 && c < TRACING_COLUMNS; c++) {
            struct text name = m->names[g][c];
            if (c == COLUMN_PERSON && text_is(name, TRACING_NUMBERED)) m->columns[g][c] = -1;
            else rc = column_find(name, words[c], cells, n, &m->columns[g][c], err);
        }
        if (rc == 0) rc = column_find(m->told[g].route, "route", cells, n, &m->told[g].route_at, err);
        if (rc == 0) rc = column_find(m->told[g].by, "by", cells, n, &m->told[g].by_at, err);
    }
    return rc;
}

void tracing_map_clear(struct tracing_map *m) {
    arena_clear(&m->arena);
    m->n = 0;
}
