#include "files/xlsx_write.h"

#include <stdio.h>
#include <string.h>
#include <xlsxwriter.h>

enum { ROWS_MAX = 1048576, COLUMNS_MAX = 16384, LISTS_MAX = 256, LIST_MAX = 65536, LIST_SHORT = 100 };

/* The allowed values of one column, when they are more than the 255 characters a rule holds: they go to a
 * hidden sheet. */
struct list {
    size_t column, n;
    struct text *items;
};

struct xlsx_writer {
    lxw_workbook *book;
    lxw_worksheet *sheet;
    lxw_format *bold, *text;
    lxw_row_t row;
    char title[XLSX_TITLE];
    char *directory;
    struct buf cell;
    struct list *lists;
    size_t lists_n;
    struct arena arena;
};

/* ---- text that XML can hold */

static bool escape_like(struct text t, size_t i) {
    if (t.n - i < 7 || t.s[i + 1] != 'x' || t.s[i + 6] != '_') return false;
    for (size_t k = i + 2; k < i + 6; k++)
        if (!strchr("0123456789abcdefABCDEF", t.s[k]) || !t.s[k]) return false;
    return true;
}

/* NUL-ended, valid UTF-8; what XML 1.0 cannot say is written _xHHHH_ as Excel does. */
const char *xlsx_text(struct buf *b, struct text t) {
    buf_reset(b);
    for (size_t i = 0; i < t.n;) {
        unsigned char c = (unsigned char)t.s[i];
        if (c == '_' && escape_like(t, i)) {
            buf_str(b, "_x005F_");
            i++;
        } else if (c >= 0x20 && c < 0x80) {
            buf_char(b, t.s[i++]);
        } else if (c == '\t' || c == '\n') {
            buf_char(b, t.s[i++]);
        } else {
            uint32_t u = text_codepoint(t, &i);
            char bytes[4];
            if (u == 0) u = 0xFFFD;
            if (u < 0x20 || u == 0xFFFE || u == 0xFFFF)
                buf_printf(b, "_x%04X_", (unsigned)u);
            else
                buf_add(b, bytes, text_encode(u, bytes));
        }
    }
    return buf_cstr(b);
}

/* Excel: at most 31 characters, none of []:*?/\ and no apostrophe at the ends. */
void xlsx_title(const char *sheet, char out[XLSX_TITLE]) {
    struct text t = text_of(sheet);
    size_t n = 0, units = 0;
    for (size_t i = 0; i < t.n && units < 31;) {
        char bytes[4];
        uint32_t u = text_codepoint(t, &i);
        units += u > 0xFFFF ? 2 : 1;
        if (u < 0x20 || (u < 0x80 && strchr("[]:*?/\\'", (int)u))) u = '_';
        size_t k = text_encode(u, bytes);
        if (units > 31) break;
        memcpy(out + n, bytes, k);
        n += k;
    }
    out[n] = '\0';
    if (!n) snprintf(out, XLSX_TITLE, "Sheet1");
}

/* ---- writing */

static int excel_failed(lxw_error e, struct error *err) {
    if (e == LXW_ERROR_MEMORY_MALLOC_FAILED) return error_memory(err);
    if (e == LXW_ERROR_MAX_STRING_LENGTH_EXCEEDED)
        return error_set(err, E_TOO_LARGE, NULL,
                         "a cell has more than 32767 characters, more than a workbook can hold");
    if (e == LXW_ERROR_WORKSHEET_INDEX_OUT_OF_RANGE)
        return error_set(err, E_TOO_LARGE, NULL, "more rows or columns than a workbook can hold: write CSV");
    return error_set(err, E_IO, NULL, "the workbook cannot be written: %s", lxw_strerror(e));
}

int xlsx_create(const char *file, const char *sheet, struct xlsx_writer **ret, struct error *err) {
    int rc = 0;
    struct xlsx_writer *w = mem_alloc(sizeof *w);
    if (!w) return error_memory(err);
    const char *slash = strrchr(file, '/');
    size_t n = slash ? (size_t)(slash - file) : 0;
    /* parts in the making lie beside the result, never on a small /tmp */
    w->directory = arena_str(&w->arena, ".");
    if (slash) w->directory = (char *)arena_text(&w->arena, n ? (struct text){file, n} : TEXT("/")).s;
    lxw_workbook_options options = {.constant_memory = LXW_TRUE, .tmpdir = w->directory};
    if (w->directory) w->book = workbook_new_opt(file, &options);
    /* the same rows give the same bytes: no clock in the file */
    lxw_doc_properties properties = {.title = "Tocsin", .created = 1577836800 /* 2020-01-01 */};
    if (w->book) workbook_set_properties(w->book, &properties);
    xlsx_title(sheet, w->title);
    if (w->book) w->sheet = workbook_add_worksheet(w->book, w->title);
    if (w->sheet) w->bold = workbook_add_format(w->book);
    if (w->bold) w->text = workbook_add_format(w->book);
    if (!w->text) {
        rc = error_set(err, E_MEMORY, NULL,
                       "the workbook cannot be started: no memory or no room for its parts");
        xlsx_abandon(w);
        return rc;
    }
    format_set_bold(w->bold);
    format_set_bg_color(w->bold, 0xE8EEF4);
    format_set_border(w->bold, LXW_BORDER_THIN);
    format_set_num_format(w->text, "@");
    *ret = w;
    return 0;
}

static int row_put(struct xlsx_writer *w, const struct text *cells, size_t n, lxw_format *format,
                   struct error *err) {
    if (w->row >= ROWS_MAX || n > COLUMNS_MAX)
        return excel_failed(LXW_ERROR_WORKSHEET_INDEX_OUT_OF_RANGE, err);
    for (size_t i = 0; i < n; i++) {
        if (cells[i].n == 0) continue;
        const char *s = xlsx_text(&w->cell, cells[i]);
        if (w->cell.failed) return error_set(err, w->cell.failed, NULL, "a cell does not fit into memory");
        lxw_error e = worksheet_write_string(w->sheet, w->row, (lxw_col_t)i, s, format);
        if (e != LXW_NO_ERROR) return excel_failed(e, err);
    }
    w->row++;
    return 0;
}

int xlsx_put(struct xlsx_writer *w, const struct text *cells, size_t n, struct error *err) {
    return row_put(w, cells, n, NULL, err);
}

/* Width on the screen: a Han character is two. */
static double width_of(struct text t) {
    double width = 0;
    for (size_t i = 0; i < t.n;) width += text_codepoint(t, &i) >= 0x1100 ? 2 : 1;
    return width < 8 ? 12 : width > 46 ? 50 : width + 4;
}

int xlsx_header(struct xlsx_writer *w, const struct text *cells, size_t n, struct error *err) {
    if (w->row) return error_set(err, E_USAGE, NULL, "the header must be the first row");
    for (size_t i = 0; i < n && i < COLUMNS_MAX; i++)
        /* typed-in numbers stay text: eighteen digits survive */
        worksheet_set_column(w->sheet, (lxw_col_t)i, (lxw_col_t)i, width_of(cells[i]), w->text);
    worksheet_freeze_panes(w->sheet, 1, 0);
    return row_put(w, cells, n, w->bold, err);
}

int xlsx_choices(struct xlsx_writer *w, size_t column, const struct text *choices, size_t n,
                 struct error *err) {
    if (column >= COLUMNS_MAX || w->lists_n >= LISTS_MAX || n > LIST_MAX)
        return error_set(err, E_TOO_LARGE, NULL, "more lists of choices than a template may have");
    if (n == 0) return 0;
    char *shorts[LIST_SHORT + 1] = {0};
    size_t characters = 0;
    bool fits = n <= LIST_SHORT;
    for (size_t i = 0; fits && i < n; i++) {
        for (size_t k = 0; k < choices[i].n; characters++) text_codepoint(choices[i], &k);
        characters++;
        fits = choices[i].n && characters < 250 && !memchr(choices[i].s, ',', choices[i].n) &&
               !memchr(choices[i].s, '"', choices[i].n);
        if (!fits) break;
        buf_reset(&w->cell);
        shorts[i] = arena_str(&w->arena, xlsx_text(&w->cell, choices[i]));
        if (!shorts[i]) return error_memory(err);
    }
    if (fits) {
        lxw_data_validation rule = {.validate = LXW_VALIDATION_TYPE_LIST, .value_list = shorts};
        lxw_error e = worksheet_data_validation_range(w->sheet, 1, (lxw_col_t)column, ROWS_MAX - 1,
                                                      (lxw_col_t)column, &rule);
        return e == LXW_NO_ERROR ? 0 : excel_failed(e, err);
    }
    struct list *lists = mem_realloc(w->lists, (w->lists_n + 1) * sizeof *lists);
    if (!lists) return error_memory(err);
    w->lists = lists;
    struct list l = {column, n, arena_alloc(&w->arena, n * sizeof *l.items)};
    if (!l.items) return error_memory(err);
    for (size_t i = 0; i < n; i++) {
        l.items[i] = arena_text(&w->arena, choices[i]);
        if (!l.items[i].s) return error_memory(err);
    }
    lists[w->lists_n++] = l;
    return 0;
}

/* ---- the end */

static int lists_put(struct xlsx_writer *w, struct error *err) {
    if (!w->lists_n) return 0;
    const char *name = strcmp(w->title, "choices") == 0 ? "choices1" : "choices";
    lxw_worksheet *sheet = workbook_add_worksheet(w->book, name);
    if (!sheet) return error_memory(err);
    worksheet_hide(sheet);
    size_t longest = 0;
    for (size_t i = 0; i < w->lists_n; i++) longest = w->lists[i].n > longest ? w->lists[i].n : longest;
    /* row after row: in constant memory there is no way back */
    for (size_t row = 0; row < longest; row++) {
        for (size_t i = 0; i < w->lists_n; i++) {
            if (row >= w->lists[i].n) continue;
            const char *s = xlsx_text(&w->cell, w->lists[i].items[row]);
            lxw_error e = worksheet_write_string(sheet, (lxw_row_t)row, (lxw_col_t)i, s, NULL);
            if (e != LXW_NO_ERROR) return excel_failed(e, err);
        }
    }
    for (size_t i = 0; i < w->lists_n; i++) {
        char letters[16], formula[64];
        lxw_col_to_name(letters, (lxw_col_t)i, LXW_TRUE);
        snprintf(formula, sizeof formula, "=%s!%s$1:%s$%zu", name, letters, letters, w->lists[i].n);
        lxw_data_validation rule = {.validate = LXW_VALIDATION_TYPE_LIST_FORMULA, .value_formula = formula};
        lxw_col_t column = (lxw_col_t)w->lists[i].column;
        lxw_error e = worksheet_data_validation_range(w->sheet, 1, column, ROWS_MAX - 1, column, &rule);
        if (e != LXW_NO_ERROR) return excel_failed(e, err);
    }
    return 0;
}

static void writer_free(struct xlsx_writer *w) {
    buf_clear(&w->cell);
    mem_free(w->lists);
    arena_clear(&w->arena);
    mem_free(w);
}

int xlsx_finish(struct xlsx_writer *w, struct error *err) {
    int rc = lists_put(w, err);
    if (rc < 0) {
        xlsx_abandon(w);
        return rc;
    }
    lxw_error e = workbook_close(w->book);
    if (e != LXW_NO_ERROR) rc = excel_failed(e, err);
    writer_free(w);
    return rc;
}

void xlsx_abandon(struct xlsx_writer *w) {
    if (!w) return;
    if (w->book) lxw_workbook_free(w->book);
    writer_free(w);
}
