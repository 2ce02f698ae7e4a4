#include "files/form.h"

#include <zint.h>

#include "files/paper.h"

static const double left = 16 * MM, right = PAPER_WIDTH - 16 * MM, top = 14 * MM, foot = PAPER_HEIGHT - 14 * MM;
enum { BAR_MM = 92, BAR_HIGH_MM = 15, QR_MM = 30 };

/* Modules of a code as filled rectangles within (x, y, wide, high); the quiet zone is the paper around it. */
static int code_draw(struct paper *p, int symbology, struct text code, double x, double y, double wide, double high, struct error *err) {
    struct zint_symbol *z = ZBarcode_Create();
    int rc = 0;
    if (!z) return error_memory(err);
    z->symbology = symbology;
    z->show_hrt = 0;
    if (ZBarcode_Encode(z, (const unsigned char *)code.s, (int)code.n) >= ZINT_ERROR || ZBarcode_Buffer_Vector(z, 0) >= ZINT_ERROR)
        rc = error_set(err, E_INVALID, "code", "no bar code can say %.*s: %s / 无法生成条码", (int)code.n, code.s, z->errtxt);
    for (const struct zint_vector_rect *r = rc ? NULL : z->vector->rectangles; r; r = r->next)
        cairo_rectangle(p->c, x + r->x * wide / z->vector->width, y + r->y * high / z->vector->height, r->width * wide / z->vector->width, r->height * high / z->vector->height);
    if (!rc) cairo_fill(p->c);
    ZBarcode_Delete(z);
    return rc;
}

static void rule(struct paper *p, double x1, double y1, double x2, double y2, double thick) {
    cairo_set_line_width(p->c, thick);
    cairo_move_to(p->c, x1, y1);
    cairo_line_to(p->c, x2, y2);
    cairo_stroke(p->c);
}

static int head(struct paper *p, const struct form *f, struct text code, struct error *err) {
    struct paper_type big = {paper_sans, 18, true}, words = {paper_serif, 11, false}, number = {paper_sans, 14, true};
    double wide = right - left - QR_MM * MM - 6 * MM;
    paper_line(p, big, text_of(f->title), left, top, 24, 0);
    int rc = code_draw(p, BARCODE_QRCODE, code, right - QR_MM * MM, top, QR_MM * MM, QR_MM * MM, err);
    if (!rc) rc = code_draw(p, BARCODE_CODE128, code, left, top + 30, BAR_MM * MM, BAR_HIGH_MM * MM, err);
    p->y = top + 30 + BAR_HIGH_MM * MM + 2;
    number.size = paper_fitting(p, paper_sans, true, code, number.size, BAR_MM * MM);
    paper_line(p, number, code, left + BAR_MM * MM / 2, p->y, 20, 0.5);
    p->y += 26;
    for (int i = 0; i < FORM_LINES; i++) {
        if (!f->lines[i].n) continue;
        words.size = paper_fitting(p, paper_serif, false, f->lines[i], 11, wide + QR_MM * MM);
        paper_line(p, words, f->lines[i], left, p->y, 18, 0);
        p->y += 18;
    }
    p->y += 6;
    return rc;
}

static void table(struct paper *p, const struct form *f) {
    struct paper_type title = {paper_sans, 10.5, true}, number = {paper_sans, 10.5, false};
    double first = 10 * MM, all = 0, x = left + first, begins = p->y, header = 22, high = (foot - 26 - begins - header) / (double)f->rows;
    if (high > 18 * MM) high = 18 * MM;
    double ends = begins + header + high * (double)f->rows;
    for (size_t c = 0; c < f->n_columns; c++) all += f->columns[c].share;
    rule(p, left, begins, left, ends, 0.9);
    for (size_t c = 0; c < f->n_columns; c++) {
        double wide = (right - left - first) * f->columns[c].share / all;
        title.size = paper_fitting(p, paper_sans, true, f->columns[c].title, 10.5, wide - 4);
        paper_line(p, title, f->columns[c].title, x + wide / 2, begins, header, 0.5);
        rule(p, x, begins, x, ends, 0.45);
        x += wide;
    }
    rule(p, right, begins, right, ends, 0.9);
    rule(p, left, begins, right, begins, 0.9);
    for (size_t r = 0; r <= f->rows; r++) {
        double y = begins + header + high * (double)r;
        char text[8];
        int n = snprintf(text, sizeof text, "%zu", r + 1);
        rule(p, left, y, right, y, r == f->rows ? 0.9 : 0.45);
        if (r < f->rows) paper_line(p, number, (struct text){text, (size_t)n}, left + first / 2, y, high, 0.5);
    }
    p->y = ends;
}

static bool shaped(const struct form *f) {
    bool good = f->n_pages >= 1 && f->n_pages <= FORM_PAGES_MAX && f->n_columns >= 1 && f->n_columns <= FORM_COLUMNS_MAX && f->rows >= 1 && f->rows <= FORM_ROWS_MAX;
    for (size_t i = 0; good && i < f->n_pages; i++) {
        good = f->codes[i].n >= 1 && f->codes[i].n <= FORM_CODE_MAX;
        for (size_t k = 0; good && k < f->codes[i].n; k++) good = f->codes[i].s[k] >= ' ' && f->codes[i].s[k] <= '~';
    }
    for (size_t c = 0; good && c < f->n_columns; c++) good = f->columns[c].share > 0;
    return good;
}

int form_write_pdf(const struct form *f, struct buf *out, struct error *err) {
    struct paper p = {.zh = f->zh};
    struct error why = {0};
    int rc = 0;
    if (!shaped(f)) return error_set(err, E_INVALID, "form", "from 1 to %d pages, %d rows, codes of printable ASCII / 页数、行数或管码不合规定", FORM_PAGES_MAX, FORM_ROWS_MAX);
    paper_open(&p, out, f->title, "Tocsin", f->at, f->zone_s);
    cairo_set_source_rgb(p.c, 0, 0, 0);
    for (size_t i = 0; !rc && i < f->n_pages; i++) {
        rc = head(&p, f, f->codes[i], &why);
        if (rc < 0) break;
        table(&p, f);
        if (f->foot.n) paper_line(&p, (struct paper_type){paper_serif, paper_fitting(&p, paper_serif, false, f->foot, 10, right - left), false}, f->foot, left, foot - 18, 18, 0);
        cairo_show_page(p.c);
    }
    int closed = paper_close(&p, err);
    if (rc < 0) {
        out->n = p.before;
        if (err) *err = why;
        return rc;
    }
    return closed;
}
