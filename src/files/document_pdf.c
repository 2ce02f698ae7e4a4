/* files: the paper of an official document. Lengths of GB/T 9704-2012 are given there in mm; below they are points. */
#include <string.h>

#include "files/document.h"
#include "files/paper.h"

static const double area_left = 28 * MM, area_top = 37 * MM, area_width = 156 * MM, area_height = 225 * MM;
enum { COLUMNS_MAX = 16 };

static void ink_black(struct paper *p) {
    cairo_set_source_rgb(p->c, 0, 0, 0);
}
static void ink_red(struct paper *p) {
    cairo_set_source_rgb(p->c, 0.88, 0.05, 0.05);
}
static void line_across(struct paper *p, double y, double thick) {
    cairo_set_line_width(p->c, thick);
    cairo_move_to(p->c, area_left, y);
    cairo_line_to(p->c, area_left + area_width, y);
    cairo_stroke(p->c);
}

/* Page number: 14 pt, 7 mm under the text area, outside edge, one character in. */
static void page_end(struct paper *p) {
    char text[32];
    int n = snprintf(text, sizeof text, "— %d —", p->page);
    bool odd = p->page % 2;
    ink_black(p);
    paper_line(p, (struct paper_type){paper_serif, 14, false}, (struct text){text, (size_t)n}, odd ? area_left + area_width - 14 : area_left + 14,
             area_top + area_height + 7 * MM, 14, odd ? 1 : 0);
    cairo_show_page(p->c);
}
static void page_new(struct paper *p) {
    if (p->page) page_end(p);
    p->page++;
    p->y = area_top;
}
static double room(const struct paper *p) {
    return area_top + area_height - p->y;
}
static void need(struct paper *p, double high) {
    if (room(p) < high - 0.5 && p->y > area_top) page_new(p);
}

/* Paragraph on the line grid, justified, broken over pages; keep: points that must fit after its first line. */
static void paragraph(struct paper *p, struct paper_type t, struct text s, double indent, double pitch, bool justify, double keep) {
    PangoLayout *l = paper_layout(p, t, s.s, s.n);
    pango_layout_set_width(l, (int)(area_width * PANGO_SCALE));
    pango_layout_set_wrap(l, PANGO_WRAP_WORD_CHAR);
    pango_layout_set_indent(l, (int)(indent * PANGO_SCALE));
    pango_layout_set_justify(l, justify);
    int lines = pango_layout_get_line_count(l), at = 0;
    PangoLayoutIter *it = pango_layout_get_iter(l);
    do {
        PangoRectangle r;
        pango_layout_iter_get_line_extents(it, NULL, &r);
        /* neither a first line alone at the foot of a page nor a last one alone at the head */
        double wanted = pitch + (at == 0 ? keep : 0);
        if (lines > 1 && (at == 0 || at == lines - 2) && pitch * 2 > wanted) wanted = pitch * 2;
        if (lines == 3 && at == 0) wanted = pitch * 3;
        need(p, wanted);
        double base = (pango_layout_iter_get_baseline(it) - r.y) / (double)PANGO_SCALE;
        cairo_move_to(p->c, area_left + r.x / (double)PANGO_SCALE, p->y + (pitch - r.height / (double)PANGO_SCALE) / 2 + base);
        pango_cairo_show_layout_line(p->c, pango_layout_iter_get_line_readonly(it));
        p->y += pitch;
        at++;
    } while (pango_layout_iter_next_line(it));
    pango_layout_iter_free(it);
    g_object_unref(l);
}

/* ---- head */

/* Centred lines that break into pieces of about equal length. */
static void centred(struct paper *p, struct paper_type t, struct text s, double pitch) {
    PangoLayout *l = paper_layout(p, t, s.s, s.n);
    double w = paper_width(l), wide = area_width - 2 * t.size;
    const char *aside = w > wide ? memmem(s.s, s.n, "（", strlen("（")) : NULL;
    if (aside && aside > s.s) { /* a title breaks where its sense does */
        size_t n = (size_t)(aside - s.s);
        g_object_unref(l);
        centred(p, t, (struct text){s.s, n}, pitch);
        centred(p, t, (struct text){aside, s.n - n}, pitch);
        return;
    }
    int lines = (int)(w / wide) + 1;
    pango_layout_set_width(l, (int)((lines > 1 ? w / lines + 2 * t.size : area_width) * PANGO_SCALE));
    pango_layout_set_alignment(l, PANGO_ALIGN_CENTER);
    double left = area_left + (area_width - pango_layout_get_width(l) / (double)PANGO_SCALE) / 2;
    PangoLayoutIter *it = pango_layout_get_iter(l);
    do {
        PangoRectangle r;
        pango_layout_iter_get_line_extents(it, NULL, &r);
        cairo_move_to(p->c, left + r.x / (double)PANGO_SCALE, p->y + (pango_layout_iter_get_baseline(it) - r.y) / (double)PANGO_SCALE);
        pango_cairo_show_layout_line(p->c, pango_layout_iter_get_line_readonly(it));
        p->y += pitch;
    } while (pango_layout_iter_next_line(it));
    pango_layout_iter_free(it);
    g_object_unref(l);
}

static void head(struct paper *p, const struct document *g) {
    double size = paper_fitting(p, paper_serif, true, g->issuer, p->zh ? 46 : 30, area_width - 4 * MM);
    page_new(p);
    /* the standard leaves 35 mm above the issuing body for copy number, secrecy and urgency; a report has none, so half of it */
    p->y = area_top + 17 * MM;
    ink_red(p);
    paper_line(p, (struct paper_type){paper_serif, size, true}, g->issuer, area_left + area_width / 2, p->y, size * 1.2, 0.5);
    p->y += size * 1.2 + p->pitch;
    ink_black(p);
    paper_line(p, (struct paper_type){paper_serif, p->size, false}, g->number, area_left + area_width / 2, p->y, p->pitch, 0.5);
    p->y += p->pitch + 4 * MM - (p->pitch - p->size) / 2;
    ink_red(p);
    line_across(p, p->y, 0.6 * MM);
    ink_black(p);
    p->y += 2 * p->pitch * 0.7;
    centred(p, (struct paper_type){paper_serif, p->zh ? 22 : 18, true}, g->title, p->zh ? 33 : 26);
    p->y += p->pitch * 0.6;
    if (g->to.n == 0) return;
    PangoLayout *l = paper_layout(p, (struct paper_type){paper_serif, p->size, false}, g->to.s, g->to.n);
    double w = paper_width(l);
    g_object_unref(l);
    paper_line(p, (struct paper_type){paper_serif, p->size, false}, g->to, area_left, p->y, p->pitch, 0);
    paper_line(p, (struct paper_type){paper_serif, p->size, false}, p->zh ? TEXT("：") : TEXT(":"), area_left + w, p->y, p->pitch, 0);
    p->y += p->pitch;
}

/* ---- tables: three rules, figures right under right */

static void table_row(struct paper *p, const struct document_block *t, size_t row, const double *x, const double *w, double high, struct paper_type type) {
    for (size_t c = 0; c < t->columns; c++) {
        struct text s = t->cells[row * t->columns + c];
        struct paper_type fit = type;
        fit.size = paper_fitting(p, type.family, type.bold, s, type.size, w[c] - 4);
        if (c == 0) paper_line(p, fit, s, x[0] + 4, p->y, high, 0);
        else paper_line(p, fit, s, x[c] + w[c] - 4, p->y, high, 1);
    }
    p->y += high;
}

static void table(struct paper *p, const struct document_block *t) {
    double x[COLUMNS_MAX], w[COLUMNS_MAX] = {0}, sum = 0, high = 20;
    struct paper_type cell = {paper_serif, 10.5, false}, top = {paper_sans, 10, true}, caption = {paper_sans, 11, true}, strong = {paper_serif, 10.5, true};
    if (t->columns > COLUMNS_MAX || t->rows == 0) return;
    for (size_t r = 0; r < t->rows; r++)
        for (size_t c = 0; c < t->columns; c++) {
            PangoLayout *l = paper_layout(p, r ? cell : top, t->cells[r * t->columns + c].s, t->cells[r * t->columns + c].n);
            double wide = paper_width(l) + 10;
            if (wide > w[c]) w[c] = wide;
            g_object_unref(l);
        }
    /* a very long first column gives way; what is left over goes to the columns evenly */
    for (size_t c = 1; c < t->columns; c++) sum += w[c];
    if (w[0] > area_width / 2 && w[0] > area_width - sum) w[0] = area_width - sum > area_width / 2 ? area_width - sum : area_width / 2;
    sum += w[0];
    if (sum > area_width) { /* smaller type for the whole table, never for single cells */
        cell.size *= area_width / sum;
        strong.size *= area_width / sum;
        top.size *= area_width / sum;
    }
    for (size_t c = 0; c < t->columns; c++) {
        if (sum <= area_width) w[c] += (area_width - sum) / (double)t->columns;
        else w[c] *= area_width / sum;
        x[c] = c ? x[c - 1] + w[c - 1] : area_left;
    }
    p->y += 4;
    need(p, 22 + high * (t->rows <= 12 ? (double)t->rows : 4) + 6); /* short tables stay whole */
    paper_line(p, caption, t->text, area_left + area_width / 2, p->y, 20, 0.5);
    p->y += 22;
    for (size_t r = 0; r < t->rows; r++) {
        if (r > 1 && room(p) < high + 2) {
            line_across(p, p->y, 0.9);
            page_new(p);
            p->y += 4;
            line_across(p, p->y, 0.9);
            table_row(p, t, 0, x, w, high, top);
            line_across(p, p->y, 0.45);
        }
        bool last = t->sums && r + 1 == t->rows;
        if (r == 0) line_across(p, p->y, 0.9);
        if (last) line_across(p, p->y, 0.45);
        table_row(p, t, r, x, w, high, r == 0 ? top : last ? strong : cell);
        if (r == 0) line_across(p, p->y, 0.45);
    }
    line_across(p, p->y, 0.9);
    p->y += 8;
}

enum { CHART_MM = 76, CHART_LEAST_MM = 50 };
/* Lower rather than on the next page. */
static double chart_height(const struct paper *p) {
    double left = room(p) - 30;
    return left >= CHART_MM * MM || left < CHART_LEAST_MM * MM ? CHART_MM * MM : left;
}

static void chart(struct paper *p, const struct document *g, const struct document_block *k) {
    double high = chart_height(p);
    p->y += 4;
    need(p, high + 24);
    document_draw_chart(p->c, &g->chart, p->zh, area_left, p->y, area_width, high);
    ink_black(p);
    p->y += high + 2;
    paper_line(p, (struct paper_type){paper_sans, 11, true}, k->text, area_left + area_width / 2, p->y, 20, 0.5);
    p->y += 26;
}

/* ---- foot */

static void signature(struct paper *p, const struct document *g) {
    struct paper_type t = {paper_serif, p->size, false};
    PangoLayout *l = paper_layout(p, t, g->date.s, g->date.n), *m = paper_layout(p, t, g->issuer.s, g->issuer.n);
    double date = paper_width(l), issuer = paper_width(m), right = area_left + area_width - 4 * p->size;
    g_object_unref(l);
    g_object_unref(m);
    p->y += p->pitch;
    need(p, 2 * p->pitch);
    double middle = right - date / 2;
    if (middle + issuer / 2 > area_left + area_width) middle = area_left + area_width - issuer / 2;
    paper_line(p, t, g->issuer, middle, p->y, p->pitch, 0.5);
    p->y += p->pitch;
    paper_line(p, t, g->date, right, p->y, p->pitch, 1);
    p->y += p->pitch;
}

/* 版记: foot of the last page; thick, thin, thick. */
static void imprint(struct paper *p, const struct document *g) {
    struct paper_type t = {paper_serif, 14, false};
    double high = 24, lines = g->copies.n ? 2 : 1, top;
    need(p, lines * high + 8);
    top = area_top + area_height - lines * high;
    ink_black(p);
    line_across(p, top, 0.35 * MM);
    if (g->copies.n) {
        struct text word = p->zh ? TEXT("抄送：") : TEXT("Copies: ");
        PangoLayout *l = paper_layout(p, t, word.s, word.n);
        double w = paper_width(l);
        g_object_unref(l);
        paper_line(p, t, word, area_left + 14, top, high, 0);
        t.size = paper_fitting(p, paper_serif, false, g->copies, 14, area_width - w - 28);
        paper_line(p, t, g->copies, area_left + 14 + w, top, high, 0);
        t.size = 14;
        line_across(p, top + high, 0.25 * MM);
        top += high;
    }
    t.size = paper_fitting(p, paper_serif, false, g->issuer, 14, area_width * 0.55);
    paper_line(p, t, g->issuer, area_left + 14, top, high, 0);
    t.size = 14;
    paper_line(p, t, g->printed, area_left + area_width - 14, top, high, 1);
    line_across(p, top + high, 0.35 * MM);
}

/* What must follow a heading on its page: a few lines, or the whole of a short table or chart. */
static double follows(const struct paper *p, const struct document *g, size_t i) {
    double above = 0;
    for (size_t k = i + 1; k < g->n; k++) {
        const struct document_block *b = &g->blocks[k];
        if (b->kind == BLOCK_HEADING || b->kind == BLOCK_SUBHEADING) {
            above += p->pitch;
            continue;
        }
        if (b->kind == BLOCK_TABLE) return above + 32 + 20 * (b->rows <= 12 ? (double)b->rows : 4);
        if (b->kind == BLOCK_CHART) return above + CHART_LEAST_MM * MM + 36;
        break;
    }
    return above + 3 * p->pitch;
}

static void body(struct paper *p, const struct document *g) {
    double indent = p->zh ? 2 * p->size : 0;
    for (size_t i = 0; i < g->n; i++) {
        const struct document_block *k = &g->blocks[i];
        switch (k->kind) {
        case BLOCK_HEADING:
            if (!p->zh) p->y += p->pitch * 0.5;
            paragraph(p, (struct paper_type){paper_sans, p->zh ? p->size : p->size * 1.15, true}, k->text, indent, p->pitch, false, follows(p, g, i));
            break;
        case BLOCK_SUBHEADING:
            paragraph(p, (struct paper_type){paper_serif, p->size, true}, k->text, indent, p->pitch, false, follows(p, g, i));
            break;
        case BLOCK_PARAGRAPH:
            paragraph(p, (struct paper_type){paper_serif, p->size, false}, k->text, indent, p->pitch, true, 0);
            break;
        case BLOCK_NOTE:
            paragraph(p, (struct paper_type){paper_serif, p->zh ? 12 : 10, false}, k->text, p->zh ? 24 : 0, p->zh ? 20 : 15, false, 0);
            break;
        case BLOCK_TABLE:
            table(p, k);
            break;
        case BLOCK_CHART:
            chart(p, g, k);
            break;
        }
    }
}

int document_write_pdf(const struct document *d, struct buf *out, struct error *err) {
    struct paper p = {.zh = d->zh};
    p.size = d->zh ? area_width / 28 : 12;
    p.pitch = d->zh ? area_height / 22 : 18;
    paper_open(&p, out, d->title.s, d->issuer.s, d->at, d->zone_s);
    head(&p, d);
    body(&p, d);
    signature(&p, d);
    imprint(&p, d);
    page_end(&p);
    return paper_close(&p, err);
}
