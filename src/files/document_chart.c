/* files: stacked bars a day, drawn with cairo; the panels share one time axis. */
#include <pango/pangocairo.h>

#include "files/document.h"

static const double ink[CHART_SERIES_MAX][3] = {{0.12, 0.30, 0.47}, {0.89, 0.56, 0.16}, {0.62, 0.65, 0.68}};

static PangoLayout *label_new(cairo_t *c, const char *text, double size) {
    PangoLayout *l = pango_cairo_create_layout(c);
    PangoFontDescription *f = pango_font_description_from_string("Noto Sans CJK SC");
    pango_font_description_set_absolute_size(f, size * PANGO_SCALE);
    pango_layout_set_font_description(l, f);
    pango_layout_set_text(l, text ? text : "", -1);
    pango_font_description_free(f);
    return l;
}
static double label_width(cairo_t *c, const char *text, double size) {
    PangoLayout *l = label_new(c, text, size);
    PangoRectangle r;
    pango_layout_get_extents(l, NULL, &r);
    g_object_unref(l);
    return r.width / (double)PANGO_SCALE;
}
/* y is the baseline; align 0 left, 0.5 centre, 1 right of x. */
static void label(cairo_t *c, const char *text, double size, double x, double y, double align) {
    PangoLayout *l = label_new(c, text, size);
    cairo_move_to(c, x - align * label_width(c, text, size), y - pango_layout_get_baseline(l) / (double)PANGO_SCALE);
    pango_cairo_show_layout(c, l);
    g_object_unref(l);
}

/* 1, 2 or 5 times a power of ten, so that about four lines cover `most`. */
static int64_t step_of(int64_t most) {
    int64_t step = 1;
    for (;;) {
        if (most <= 4 * step) return step;
        if (most <= 8 * step) return 2 * step;
        if (most <= 20 * step) return 5 * step;
        step *= 10;
    }
}

static int64_t day_total(const struct document_chart *g, size_t panel, size_t d) {
    int64_t v = 0;
    for (size_t o = 0; o < g->series; o++) v += g->values[panel][d * g->series + o];
    return v;
}

static void panel_draw(cairo_t *c, const struct document_chart *g, size_t panel, double x, double y, double width, double height) {
    int64_t most = 1;
    for (size_t d = 0; d < g->days; d++)
        if (day_total(g, panel, d) > most) most = day_total(g, panel, d);
    int64_t step = step_of(most), top = (most + step - 1) / step * step;
    double slot = width / (double)g->days, unit = height / (double)top;
    char number[32];
    cairo_set_line_width(c, 0.4);
    for (int64_t v = 0; v <= top; v += step) {
        double at = y + height - (double)v * unit, grey = v ? 0.86 : 0.35;
        cairo_set_source_rgb(c, grey, grey, grey);
        cairo_move_to(c, x, at);
        cairo_line_to(c, x + width, at);
        cairo_stroke(c);
        snprintf(number, sizeof number, "%lld", (long long)v);
        cairo_set_source_rgb(c, 0.35, 0.35, 0.35);
        label(c, number, 7.5, x - 4, at + 2.6, 1);
    }
    for (size_t d = 0; d < g->days; d++) {
        double at = y + height;
        for (size_t o = 0; o < g->series; o++) {
            double h = (double)g->values[panel][d * g->series + o] * unit;
            if (h <= 0) continue;
            cairo_set_source_rgb(c, ink[o][0], ink[o][1], ink[o][2]);
            cairo_rectangle(c, x + (double)d * slot + slot * 0.12, at - h, slot * 0.76, h);
            cairo_fill(c);
            at -= h;
        }
        bool clear = d == 0 || day_total(g, panel, d - 1) <= day_total(g, panel, d); /* a taller neighbour would cross the figure */
        if (d + 1 == g->days && at < y + height && clear) {
            snprintf(number, sizeof number, "%lld", (long long)day_total(g, panel, d));
            cairo_set_source_rgb(c, 0.1, 0.1, 0.1);
            label(c, number, 7.5, x + ((double)d + 0.5) * slot, at - 2, 0.5);
        }
    }
    cairo_set_source_rgb(c, 0.1, 0.1, 0.1);
    label(c, g->titles[panel].s, 9, x, y - 7, 0);
}

void document_draw_chart(void *cairo, const struct document_chart *g, bool zh, double x, double y, double width, double height) {
    cairo_t *c = cairo;
    if (g->days == 0 || g->days > CHART_DAYS_MAX || g->series > CHART_SERIES_MAX || g->panels == 0 || g->panels > CHART_PANELS_MAX) return;
    double left = x + 26, w = width - 30, gap = 26, axis = 12, h = (height - gap * (double)g->panels - axis) / (double)g->panels;
    double slot = w / (double)g->days, base = y;
    cairo_save(c);
    for (size_t i = 0; i < g->panels; i++) {
        base += gap;
        panel_draw(c, g, i, left, base, w, h);
        base += h;
    }
    for (size_t d = 0; d < g->days; d++) {
        size_t back = g->days - 1 - d;
        struct civil date = civil_of_day(g->last - (day)back);
        char text[32];
        bool named = back % 5 == 0;
        cairo_set_source_rgb(c, 0.35, 0.35, 0.35);
        cairo_set_line_width(c, 0.4);
        cairo_move_to(c, left + ((double)d + 0.5) * slot, base);
        cairo_line_to(c, left + ((double)d + 0.5) * slot, base + (named ? 3.5 : 2));
        cairo_stroke(c);
        if (!named) continue;
        snprintf(text, sizeof text, zh ? "%d.%d" : "%d/%d", zh ? date.month : date.day, zh ? date.day : date.month);
        label(c, text, 7.5, left + ((double)d + 0.5) * slot, base + 12, 0.5);
    }
    double at = left + w;
    for (size_t o = g->series; o-- > 0;) {
        if (!g->names[o].n) continue;
        at -= label_width(c, g->names[o].s, 8);
        cairo_set_source_rgb(c, 0.1, 0.1, 0.1);
        label(c, g->names[o].s, 8, at, y + gap - 14, 0);
        at -= 10;
        cairo_set_source_rgb(c, ink[o][0], ink[o][1], ink[o][2]);
        cairo_rectangle(c, at, y + gap - 20.5, 7, 7);
        cairo_fill(c);
        at -= 10;
    }
    cairo_restore(c);
}
