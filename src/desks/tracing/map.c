/* Maps of strangers' tables of where people were: one row may hold several visits. */
#include <string.h>

#include "base/yaml.h"
#include "desks/tracing/inside.h"

static const char *const words[TRACING_COLUMNS] = {"person", "place", "start", "end", "class", "source", "confidence", "zone", "row", "other", "distance"};

static int group_read(struct tracing_map *m, const struct yaml *one, struct error *err) {
    static const char *const allowed[] = {"person", "place", "start", "end", "class", "source", "confidence", "zone", "row", "other", "distance", NULL};
    struct text *names = m->names[m->n];
    int rc = yaml_only(one, allowed, err);
    for (int c = 0; rc == 0 && c < TRACING_COLUMNS; c++) rc = yaml_text(one, words[c], c == COLUMN_PERSON, &names[c], err);
    if (rc == 0 && !names[COLUMN_START].n && !names[COLUMN_END].n) rc = yaml_error(one, err, E_INVALID, "a visit needs start or end / 缺少开始或结束");
    if (rc == 0 && !names[COLUMN_PLACE].n && !names[COLUMN_OTHER].n) rc = yaml_error(one, err, E_INVALID, "a visit needs place or other / 缺少场所或对方");
    m->n++;
    return rc;
}

int tracing_map_read(const char *path, struct tracing_map *ret, struct error *err) {
    static const char *const allowed[] = {"visits", "dates", "split", "source", NULL};
    struct tracing_map m = {0};
    struct yaml *root = NULL;
    const struct yaml *list = NULL;
    struct text dates = {"", 0}, source = {"", 0};
    int rc = yaml_read(&m.arena, path, &root, err);
    if (rc == 0) rc = yaml_only(root, allowed, err);
    if (rc == 0) rc = yaml_text(root, "dates", false, &dates, err);
    if (rc == 0) rc = yaml_text(root, "split", false, &m.split, err);
    if (rc == 0) rc = yaml_text(root, "source", false, &source, err); /* of the list, for the reader */
    if (rc == 0 && dates.n && !text_is(dates, "day-first") && !text_is(dates, "iso")) rc = yaml_error(yaml_get(root, "dates"), err, E_INVALID, "dates are iso or day-first / 日期写法应为 iso 或 day-first");
    m.how.day_first = text_is(dates, "day-first");
    if (rc == 0) rc = yaml_list(root, "visits", true, &list, err);
    if (rc == 0 && (list->n == 0 || list->n > TRACING_GROUPS_MAX)) rc = yaml_error(list, err, E_INVALID, "1 to %d visits a row / 每行 1 至 %d 条", TRACING_GROUPS_MAX, TRACING_GROUPS_MAX);
    for (size_t i = 0; rc == 0 && i < list->n; i++) rc = group_read(&m, list->items[i], err);
    if (rc < 0) tracing_map_clear(&m);
    else *ret = m;
    return rc;
}

int tracing_map_header(struct tracing_map *m, const struct text *cells, size_t n, struct error *err) {
    for (size_t g = 0; g < m->n; g++)
        for (int c = 0; c < TRACING_COLUMNS; c++) {
            m->columns[g][c] = -1;
            for (size_t i = 0; i < n && m->names[g][c].n && m->columns[g][c] < 0; i++)
                if (text_eq(text_trim(cells[i]), m->names[g][c])) m->columns[g][c] = (int)i;
            if (m->names[g][c].n && m->columns[g][c] < 0)
                return error_set(err, E_SYNTAX, words[c], "the table has no column \"%.*s\" / 表中没有该列", (int)m->names[g][c].n, m->names[g][c].s);
        }
    return 0;
}

void tracing_map_clear(struct tracing_map *m) {
    arena_clear(&m->arena);
    m->n = 0;
}
