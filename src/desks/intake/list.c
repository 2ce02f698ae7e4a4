#include "desks/intake/list.h"

#include <stdio.h>
#include <string.h>

enum { COMMENTS_MAX = 1000 };

static int keep_comment(struct intake_list *l, struct arena *a, struct error *err) {
    size_t n = l->n_comments; /* a few rows: each time one more */
    if (n >= COMMENTS_MAX) return error_set(err, E_TOO_LARGE, "header", "more than %d comments before the names of the columns / 表头之前的注释行过多", COMMENTS_MAX);
    struct list_row *more = arena_alloc(a, (n + 1) * sizeof *more);
    if (!more) return error_memory(err);
    if (n) memcpy(more, l->comments, n * sizeof *more);
    more[n] = (struct list_row){l->headers, l->n_headers};
    l->comments = more;
    l->n_comments++;
    return 0;
}

/* Where the columns to be filled are: by name, or "@3". */
static int find_fill(struct intake_list *l, const struct map *m, struct arena *a, struct error *err) {
    size_t n = 0;
    const struct text *names = map_fill(m, &n);
    if (!n) return 0;
    l->fill = arena_alloc(a, n * sizeof *l->fill);
    if (!l->fill) return error_memory(err);
    for (size_t i = 0; i < n; i++) {
        int64_t at = 0;
        bool position = names[i].n > 1 && names[i].s[0] == '@' && text_int((struct text){names[i].s + 1, names[i].n - 1}, &at);
        size_t k = position && at > 0 && at <= SHEET_COLUMNS_MAX ? (size_t)at - 1 : SHEET_COLUMNS_MAX;
        for (size_t h = 0; !position && h < l->n_headers && k == SHEET_COLUMNS_MAX; h++) {
            struct text folded = map_fold(a, l->headers[h]);
            if (!folded.s) return error_memory(err);
            if (text_eq(folded, names[i])) k = h;
        }
        if (k == SHEET_COLUMNS_MAX) return error_set(err, E_INVALID, "header", "there is no column %.*s to fill / 没有要填充的列 %.*s", (int)names[i].n, names[i].s, (int)names[i].n, names[i].s);
        l->fill[l->n_fill++] = (struct list_fill){.at = k};
    }
    return 0;
}

int intake_list_next(struct intake_list *l, const struct text **ret_cells, size_t *ret_n, int64_t *ret_line, bool *ret_damaged, struct error *err) {
    int rc = sheet_next(l->sheet, ret_cells, ret_n, ret_line, ret_damaged, err);
    if (rc <= 0 || !l->n_fill) return rc;
    size_t n = *ret_n, most = n, said = 0;
    for (size_t i = 0; i < n; i++) said += text_trim((*ret_cells)[i]).n;
    if (!said) return rc; /* a blank row is none */
    for (size_t i = 0; i < l->n_fill; i++)
        if (l->fill[i].at >= most) most = l->fill[i].at + 1;
    if (!mem_room(&l->row, &l->cap_row, most, sizeof *l->row)) return error_memory(err);
    for (size_t i = 0; i < most; i++) l->row[i] = i < n ? (*ret_cells)[i] : TEXT("");
    for (size_t i = 0; i < l->n_fill; i++) {
        struct list_fill *f = &l->fill[i];
        struct text *cell = &l->row[f->at];
        if (text_trim(*cell).n) {
            buf_reset(&f->last);
            if (buf_text(&f->last, *cell) < 0) return error_memory(err);
        } else {
            *cell = buf_view(&f->last);
            if (cell->n && f->at >= n) n = f->at + 1;
        }
    }
    *ret_cells = l->row;
    *ret_n = n;
    return 1;
}

static bool is_comment(const struct map *m, const struct text *cells, size_t n) {
    struct text mark = m ? map_comment(m) : TEXT("");
    return mark.n && n && text_starts(text_trim(cells[0]), mark);
}

int intake_list_open(const char *path, const struct map *map, const char *sheet, struct arena *a, struct intake_list *ret, struct error *err) {
    struct intake_list l = {.headless = map && map_header_row(map) == 0};
    int row = map ? map_header_row(map) : 1;
    struct sheet_options how = {.sheet = sheet ? sheet : map ? map_sheet(map) : NULL, .encoding = map ? map_encoding(map) : NULL};
    if (row > 1) how.skip_rows = (size_t)row - 1;
    int rc = sheet_open(path, &how, &l.sheet, err);
    while (rc == 0 && !l.headless) {
        rc = sheet_next_kept(l.sheet, a, &l.headers, &l.n_headers, err);
        if (rc < 0 || !is_comment(map, l.headers, l.n_headers)) break;
        rc = keep_comment(&l, a, err);
    }
    if (rc == 0 && map) rc = find_fill(&l, map, a, err);
    if (rc < 0)
        intake_list_close(&l);
    else
        *ret = l;
    return rc;
}

void intake_list_close(struct intake_list *l) {
    for (size_t i = 0; i < l->n_fill; i++) buf_clear(&l->fill[i].last);
    mem_free(l->row);
    sheet_close(l->sheet);
    *l = (struct intake_list){0};
}

static size_t width_of(const struct intake_list *l, size_t n) {
    size_t width = l->n_headers > n ? l->n_headers : n;
    return width < SHEET_COLUMNS_MAX - 2 ? width : SHEET_COLUMNS_MAX - 2;
}

int intake_refused_open(const struct intake_list *l, const char *path, bool safe, bool zh, struct sheet_writer **ret, struct error *err) {
    struct text cells[SHEET_COLUMNS_MAX];
    struct sheet_writer *w = NULL;
    size_t n = width_of(l, 0);
    int rc = sheet_create(path, sheet_about(l->sheet), safe, &w, err);
    const struct text *above = NULL;
    size_t n_above = 0, k = 0;
    for (; rc == 0 && sheet_skipped(l->sheet, k, &above, &n_above); k++) rc = sheet_put(w, above, n_above, err);
    for (size_t i = 0; rc == 0 && i < l->n_comments; i++, k++) rc = sheet_put(w, l->comments[i].cells, l->comments[i].n, err);
    if (n) memcpy(cells, l->headers, n * sizeof *cells);
    cells[n] = zh ? TEXT("原行号") : TEXT("row");
    cells[n + 1] = zh ? TEXT("退回原因") : TEXT("reason");
    if (rc == 0 && !l->headless) rc = k ? sheet_put(w, cells, n + 2, err) : sheet_header(w, cells, n + 2, err);
    if (rc < 0 && w) sheet_abandon(w);
    if (rc == 0) *ret = w;
    return rc;
}

int intake_refused_put(const struct intake_list *l, struct sheet_writer *w, const struct intake_reject *r, bool zh, struct error *err) {
    struct text cells[SHEET_COLUMNS_MAX];
    char line[24];
    size_t width = width_of(l, r->n); /* a row longer than the headers keeps its cells; its reason then stands further right */
    for (size_t k = 0; k < width; k++) cells[k] = k < r->n ? sheet_fitting(w, r->cells[k]) : (struct text){"", 0};
    snprintf(line, sizeof line, "%lld", (long long)r->line);
    cells[width] = text_of(line);
    cells[width + 1] = text_of(zh ? r->reason->zh : r->reason->en);
    return sheet_put(w, cells, width + 2, err);
}
