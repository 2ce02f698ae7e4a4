#include "files/xlsx.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files/xlsx_book.h"
#include "files/xlsx_value.h"

/* A piece of XML holds some hundred rows. They wait here, sparse, and are spread out one at a time. */
struct cell {
    uint32_t column;
    struct text text;
};

struct row {
    int64_t line;
    size_t cells_from, cells_n;
    bool damaged;
};

struct xlsx {
    struct zip *zip;
    struct book book;
    struct xml xml;
    const char *part;
    bool ended;
    struct row *rows; /* complete ones; rows[rows_n] is the one being read */
    size_t rows_n, rows_at, rows_cap;
    struct cell *cells;
    size_t cells_n, cells_cap;
    struct arena texts[2]; /* of this piece, and for the rest of a row that goes on in the next */
    unsigned turn;
    /* the cell being read */
    bool in_row, in_cell, in_value, in_inline, in_phonetic, formula;
    uint32_t column;
    int64_t line;
    char type; /* n number, s shared, t text, b boolean, e error */
    unsigned char format;
    size_t row_bytes;
    struct buf value;
    struct text *spread;
    int64_t read, total;
};

/* ---- from XML to rows */

static bool room(struct xml *x, void *array, size_t n, size_t *cap, size_t size) {
    if (mem_room(array, cap, n + 1, size)) return true;
    xml_fail(x, E_MEMORY, "out of memory");
    return false;
}

/* "AB12": column 27, counted from 0; the digits are the row, which is known. */
static bool column_of(const char *ref, uint32_t *ret) {
    uint32_t c = 0;
    size_t n = 0;
    for (; ref[n] >= 'A' && ref[n] <= 'Z' && n < 4; n++) c = c * 26 + (uint32_t)(ref[n] - 'A' + 1);
    if (n == 0 || n > 3) return false;
    *ret = c - 1;
    return true;
}

static void cell_start(struct xml *x, struct xlsx *s, const char **atts) {
    const char *ref = NULL, *type = NULL, *style = NULL;
    for (; *atts; atts += 2) {
        if (atts[0][1]) continue;
        if (atts[0][0] == 'r') ref = atts[1];
        if (atts[0][0] == 't') type = atts[1];
        if (atts[0][0] == 's') style = atts[1];
    }
    s->column++; /* from the one before; UINT32_MAX at the start of a row */
    if (ref && !column_of(ref, &s->column)) {
        xml_fail(x, E_SYNTAX, "a cell has no place");
        return;
    }
    s->type = 'n';
    if (type) {
        if (strcmp(type, "s") == 0)
            s->type = 's';
        else if (strcmp(type, "b") == 0)
            s->type = 'b';
        else if (strcmp(type, "n") != 0)
            s->type = 't'; /* str, inlineStr, e, d: as written */
    }
    size_t k = style ? strtoul(style, NULL, 10) : 0;
    s->format = k < s->book.formats_n ? s->book.formats[k] : FORMAT_PLAIN;
    s->in_cell = true;
    s->formula = false;
    buf_reset(&s->value);
}

static void sheet_start(struct xml *x, const char *name, const char **atts) {
    struct xlsx *s = x->user;
    if (name[0] == 'c' && !name[1] && s->in_row) {
        cell_start(x, s, atts);
    } else if (s->in_cell) {
        if (strcmp(name, "v") == 0)
            s->in_value = true;
        else if (strcmp(name, "f") == 0)
            s->formula = true;
        else if (strcmp(name, "is") == 0)
            s->in_inline = true;
        else if (strcmp(name, "rPh") == 0)
            s->in_phonetic = true;
        else if (strcmp(name, "t") == 0 && s->in_inline && !s->in_phonetic)
            s->in_value = true;
    } else if (strcmp(name, "row") == 0) {
        const char *r = xml_att(atts, "r");
        if (!room(x, &s->rows, s->rows_n, &s->rows_cap, sizeof *s->rows)) return;
        s->line = r ? strtoll(r, NULL, 10) : s->line + 1;
        s->rows[s->rows_n] = (struct row){.line = s->line, .cells_from = s->cells_n};
        s->in_row = true;
        s->column = UINT32_MAX;
        s->row_bytes = 0;
    }
}

static void sheet_text(struct xml *x, const char *text, int n) {
    struct xlsx *s = x->user;
    if (!s->in_value) return;
    size_t room = SHEET_CELL_MAX + 1 - s->value.n; /* one more than allowed tells cell_end */
    if (buf_add(&s->value, text, (size_t)n < room ? (size_t)n : room) < 0) xml_fail(x, s->value.failed, "out of memory");
}

static void cell_end(struct xml *x, struct xlsx *s) {
    char number[XLSX_VALUE_TEXT];
    bool shared = false;
    s->in_cell = false;
    if (s->value.n == 0 && s->formula && s->type == 'n') { /* a program wrote it and nothing has worked it out yet: that is not empty */
        s->type = 'e';
        if (buf_str(&s->value, "#VALUE!") < 0) xml_fail(x, E_MEMORY, "out of memory");
    }
    struct text t = buf_view(&s->value);
    if (t.n == 0) return;
    switch (s->type) {
    case 's': {
        int64_t i = -1;
        struct text found = {NULL, 0};
        if (text_int(text_trim(t), &i) && i >= 0) found = book_string(&s->book, (uint64_t)i);
        if (!found.s) s->rows[s->rows_n].damaged = true;
        t = found;
        shared = true;
        break;
    }
    case 'b':
        t = t.s[0] == '1' || t.s[0] == 't' ? TEXT("TRUE") : TEXT("FALSE");
        break;
    case 'n': {
        t = text_trim(t);
        size_t n = xlsx_number(t, s->format, s->book.from_1904, number);
        if (n) t = (struct text){number, n};
        break;
    }
    default:
        if (t.n <= SHEET_CELL_MAX) t.n = book_unescape(s->value.s, s->value.n);
    }
    if (t.n == 0) return;
    if (t.n > SHEET_CELL_MAX) { /* the row is refused, the rest of the sheet is read */
        s->rows[s->rows_n].damaged = true;
        for (t.n = SHEET_CELL_MAX; ((unsigned char)t.s[t.n] & 0xC0) == 0x80;) t.n--;
    }
    s->row_bytes += t.n;
    if (s->column >= SHEET_COLUMNS_MAX || s->row_bytes > SHEET_ROW_MAX) {
        s->rows[s->rows_n].damaged = true;
        return;
    }
    if (!room(x, &s->cells, s->cells_n, &s->cells_cap, sizeof *s->cells)) return;
    if (!shared && !(t = arena_text(&s->texts[s->turn], t)).s) {
        xml_fail(x, E_MEMORY, "out of memory");
        return;
    }
    s->cells[s->cells_n++] = (struct cell){s->column, t};
}

static void sheet_end(struct xml *x, const char *name) {
    struct xlsx *s = x->user;
    if (name[0] == 'c' && !name[1] && s->in_cell) {
        cell_end(x, s);
    } else if (s->in_cell) {
        if (strcmp(name, "v") == 0 || strcmp(name, "t") == 0)
            s->in_value = false;
        else if (strcmp(name, "is") == 0)
            s->in_inline = false;
        else if (strcmp(name, "rPh") == 0)
            s->in_phonetic = false;
    } else if (strcmp(name, "row") == 0 && s->in_row) {
        struct row *r = &s->rows[s->rows_n];
        s->in_row = false;
        r->cells_n = s->cells_n - r->cells_from;
        if (r->cells_n || r->damaged) s->rows_n++;
    }
}

/* Throws away the rows that were given out and keeps the beginning of the one being read. */
static int piece_reset(struct xlsx *s, struct error *err) {
    size_t from = s->in_row ? s->rows[s->rows_n].cells_from : s->cells_n;
    unsigned next = s->turn ^ 1;
    size_t kept = s->cells_n - from;
    for (size_t i = 0; i < kept; i++) {
        s->cells[i] = s->cells[from + i];
        s->cells[i].text = arena_text(&s->texts[next], s->cells[i].text);
        if (!s->cells[i].text.s) return error_memory(err);
    }
    arena_reset(&s->texts[s->turn]);
    s->turn = next;
    s->cells_n = kept;
    if (s->in_row) {
        s->rows[0] = s->rows[s->rows_n];
        s->rows[0].cells_from = 0;
    }
    s->rows_n = s->rows_at = 0;
    return 0;
}

/* 1 when a row waits, 0 at the end of the sheet. */
static int more_rows(struct xlsx *s, struct error *err) {
    while (s->rows_at == s->rows_n) {
        if (s->ended) return 0;
        int rc = piece_reset(s, err);
        if (rc < 0) return rc;
        rc = xml_feed(&s->xml, s->zip, s->part, err);
        if (rc < 0) return rc;
        s->read = XML_GetCurrentByteIndex(s->xml.parser);
        s->ended = rc == 0;
    }
    return 1;
}

int xlsx_next(struct xlsx *s, const struct text **ret_cells, size_t *ret_n, int64_t *ret_line,
              bool *ret_damaged, struct error *err) {
    int rc = more_rows(s, err);
    if (rc <= 0) return rc;
    const struct row *r = &s->rows[s->rows_at++];
    size_t n = 0;
    for (size_t i = 0; i < r->cells_n; i++) {
        const struct cell *c = &s->cells[r->cells_from + i];
        while (n <= c->column) s->spread[n++] = (struct text){"", 0};
        s->spread[c->column] = c->text;
    }
    *ret_cells = s->spread;
    *ret_n = n;
    *ret_line = r->line;
    *ret_damaged = r->damaged;
    return 1;
}

/* ---- choosing the sheet */

static int enter(struct xlsx *s, const struct book_sheet *sheet, struct error *err) {
    xml_clear(&s->xml);
    s->xml = (struct xml){.user = s, .start = sheet_start, .end = sheet_end, .text = sheet_text};
    s->part = sheet->part;
    s->in_row = s->in_cell = s->in_value = s->in_inline = s->in_phonetic = s->ended = false;
    s->rows_n = s->rows_at = s->cells_n = 0;
    s->line = s->read = 0;
    int rc = zip_enter(s->zip, sheet->part, err);
    if (rc < 0) return rc;
    if (rc == 0) return error_set(err, E_SYNTAX, sheet->part, "a sheet of the workbook is missing");
    s->total = zip_size(s->zip);
    return xml_init(&s->xml, err);
}

static int named(const struct xlsx *s, const char *name, const struct book_sheet **ret, struct error *err) {
    struct buf names = {.max = 300};
    for (size_t i = 0; i < s->book.sheets_n; i++) {
        const struct book_sheet *b = &s->book.sheets[i];
        if (!b->part) continue;
        if (strcmp(b->name, name) == 0) {
            *ret = b;
            buf_clear(&names);
            return 0;
        }
        buf_printf(&names, "%s%s", names.n ? ", " : "", b->name);
    }
    names.failed = 0;
    int rc = error_set(err, E_UNKNOWN, NULL, "the workbook has no sheet \"%.100s\"; it has %.300s", name,
                       buf_cstr(&names));
    buf_clear(&names);
    return rc;
}

/* Visible sheets before hidden ones; those without a row are passed over. */
static int first_with_rows(struct xlsx *s, const struct book_sheet **ret, struct error *err) {
    for (int hidden = 0; hidden < 2; hidden++) {
        for (size_t i = 0; i < s->book.sheets_n; i++) {
            const struct book_sheet *b = &s->book.sheets[i];
            if (!b->part || b->hidden != hidden) continue;
            int rc = enter(s, b, err);
            if (rc == 0) rc = more_rows(s, err);
            if (rc < 0) return rc;
            if (rc > 0) {
                *ret = b;
                return 0;
            }
        }
    }
    return error_set(err, E_SYNTAX, NULL, "the workbook has no rows");
}

/* Other visible sheets with rows: nobody asked for them, and nobody should think that they were read. Leaves the reader at the first row of `found`. */
static int name_unread(struct xlsx *s, const struct book_sheet *found, char *out, size_t room, struct error *err) {
    size_t at = 0;
    bool moved = false;
    for (size_t i = 0; i < s->book.sheets_n; i++) {
        const struct book_sheet *b = &s->book.sheets[i];
        struct error none = {0};
        if (!b->part || b->hidden || b == found) continue;
        moved = true;
        int rc = enter(s, b, &none);
        if (rc == 0) rc = more_rows(s, &none);
        if (rc == E_MEMORY) return error_set(err, rc, none.where, "%s", none.message);
        size_t n = strlen(b->name);
        if (rc <= 0 || at + n + 3 > room) continue;
        at += (size_t)snprintf(out + at, room - at, "%s%s", at ? ", " : "", b->name);
    }
    return moved ? enter(s, found, err) : 0;
}

int xlsx_open(struct source *src, const struct sheet_options *o, struct sheet_info *info, struct xlsx **ret,
              struct error *err) {
    const struct book_sheet *found = NULL;
    struct xlsx *s = mem_alloc(sizeof *s);
    if (!s) return error_memory(err);
    int rc = 0;
    s->spread = mem_alloc(SHEET_COLUMNS_MAX * sizeof *s->spread);
    if (!s->spread) {
        rc = error_memory(err);
        goto out;
    }
    rc = zip_open(src, o->max_bytes > 0 ? o->max_bytes : (int64_t)4 << 30, &s->zip, err);
    if (rc < 0) goto out;
    rc = book_read(&s->book, s->zip, err);
    if (rc < 0) goto out;
    if (o->sheet) {
        rc = named(s, o->sheet, &found, err);
        if (rc == 0) rc = enter(s, found, err);
    } else {
        rc = first_with_rows(s, &found, err);
    }
    if (rc < 0) goto out;
    *info = (struct sheet_info){.format = SHEET_XLSX, .encoding = "UTF-8", .delimiter = ',', .confidence = 1};
    snprintf(info->sheet, sizeof info->sheet, "%s", found->name);
    if (!o->sheet) rc = name_unread(s, found, info->unread, sizeof info->unread, err);
    if (rc < 0) goto out;
    *ret = s;
    s = NULL;
out:
    xlsx_close(s);
    return rc;
}

void xlsx_progress(const struct xlsx *s, int64_t *ret_done, int64_t *ret_total) {
    *ret_done = s->ended ? s->total : s->read;
    *ret_total = s->total;
}

void xlsx_close(struct xlsx *s) {
    if (!s) return;
    xml_clear(&s->xml);
    zip_close(s->zip);
    book_clear(&s->book);
    arena_clear(&s->texts[0]);
    arena_clear(&s->texts[1]);
    mem_free(s->rows);
    mem_free(s->cells);
    buf_clear(&s->value);
    mem_free(s->spread);
    mem_free(s);
}
