/* doors/files: the epidemic curve, drawn with cairo. Two panels share one time axis: date of report above, date of onset below. */
#include <math.h>
#include <pango/pangocairo.h>

#include "doors/files/bulletin_pdf.h"

static const double ink[ORIGINS][3] = {{0.12, 0.30, 0.47}, {0.89, 0.56, 0.16}, {0.62, 0.65, 0.68}};

static void label(cairo_t *c, const char *text, double size, double x, double y, double align) {
    PangoLayout *l = pango_cairo_create_layout(c);
    PangoFontDescription *f = pango_font_description_from_string("Noto Sans CJK SC");
    int w, h;
    pango_font_description_set_absolute_size(f, size * PANGO_SCALE);
    pango_layout_set_font_description(l, f);
    pango_layout_set_text(l, text, -1);
    pango_layout_get_pixel_size(l, &w, &h);
    PangoRectangle r;
    pango_layout_get_extents(l, NULL, &r);
    cairo_move_to(c, x - align * r.width / PANGO_SCALE, y - pango_layout_get_baseline(l) / (double)PANGO_SCALE);
    pango_cairo_show_layout(c, l);
    pango_font_description_free(f);
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

static void panel(cairo_t *c, int64_t (*curve)[ORIGINS], const char *title, double x, double y, double width, double height) {
    int64_t most = 1;
    for (int d = 0; d < CURVE_DAYS; d++) {
        int64_t v = curve[d][0] + curve[d][1] + curve[d][2];
        if (v > most) most = v;
    }
    int64_t step = step_of(most), top = (most + step - 1) / step * step;
    double slot = width / CURVE_DAYS, unit = height / (double)top;
    char number[32];
    cairo_set_line_width(c, 0.4);
    for (int64_t v = 0; v <= top; v += step) {
        double at = y + height - (double)v * unit;
        cairo_set_source_rgb(c, v ? 0.86 : 0.35, v ? 0.86 : 0.35, v ? 0.86 : 0.35);
        cairo_move_to(c, x, at);
        cairo_line_to(c, x + width, at);
        cairo_stroke(c);
        snprintf(number, sizeof number, "%lld", (long long)v);
        cairo_set_source_rgb(c, 0.35, 0.35, 0.35);
        label(c, number, 7.5, x - 4, at + 2.6, 1);
    }
    for (int d = 0; d < CURVE_DAYS; d++) {
        double at = y + height;
        for (int o = 0; o < ORIGINS; o++) {
            double h = (double)curve[d][o] * unit;
            if (curve[d][o] <= 0) continue;
            cairo_set_source_rgb(c, ink[o][0], ink[o][1], ink[o][2]);
            cairo_rectangle(c, x + d * slot + slot * 0.12, at - h, slot * 0.76, h);
            cairo_fill(c);
            at -= h;
        }
        int64_t v = curve[d][0] + curve[d][1] + curve[d][2];
        if (d == CURVE_DAYS - 1 && v > 0) {
            snprintf(number, sizeof number, "%lld", (long long)v);
            cairo_set_source_rgb(c, 0.1, 0.1, 0.1);
            label(c, number, 7.5, x + (d + 0.5) * slot, at - 2, 0.5);
        }
    }
    cairo_set_source_rgb(c, 0.1, 0.1, 0.1);
    label(c, title, 9, x, y - 7, 0);
}

void bulletin_draw_curve(void *cairo, const struct bulletin *b, bool zh, double x, double y, double width, double height) {
    static const char *const names[2][ORIGINS] = {{"Local", "Imported", "Origin unknown"}, {"本土", "境外输入", "来源待查"}};
    cairo_t *c = cairo;
    bool some_unknown = false;
    double left = x + 26, w = width - 30, gap = 26, axis = 16, h = (height - 2 * gap + 4 - axis) / 2;
    for (int d = 0; d < CURVE_DAYS; d++) some_unknown = some_unknown || b->report[d][ORIGIN_UNKNOWN] || b->onset[d][ORIGIN_UNKNOWN];
    cairo_save(c);
    panel(c, (int64_t(*)[ORIGINS])b->report, zh ? "按报告日期（例）" : "By date of report", left, y + gap - 4, w, h);
    panel(c, (int64_t(*)[ORIGINS])b->onset, zh ? "按发病日期（例）" : "By date of onset", left, y + 2 * gap - 4 + h, w, h);
    double base = y + 2 * gap - 4 + 2 * h, slot = w / CURVE_DAYS;
    for (int d = 0; d < CURVE_DAYS; d++) {
        struct civil date = civil_of_day(b->day - CURVE_DAYS + 1 + d);
        char text[32];
        bool named = (CURVE_DAYS - 1 - d) % 5 == 0 || (date.day == 1 && (CURVE_DAYS - 1 - d) % 5 >= 2 && (CURVE_DAYS - 1 - d) % 5 <= 3);
        cairo_set_source_rgb(c, 0.35, 0.35, 0.35);
        cairo_set_line_width(c, 0.4);
        cairo_move_to(c, left + (d + 0.5) * slot, base);
        cairo_line_to(c, left + (d + 0.5) * slot, base + (named ? 3.5 : 2));
        cairo_stroke(c);
        if (!named) continue;
        snprintf(text, sizeof text, zh ? "%d.%d" : "%d/%d", zh ? date.month : date.day, zh ? date.day : date.month);
        label(c, text, 7.5, left + (d + 0.5) * slot, base + 12, 0.5);
    }
    double at = left + w;
    if (!b->public_version)
        for (int o = some_unknown ? ORIGIN_UNKNOWN : ORIGIN_IMPORTED; o >= 0; o--) {
            double wide = zh ? (o == ORIGIN_LOCAL ? 18 : 34) : o == ORIGIN_LOCAL ? 20 : o == ORIGIN_IMPORTED ? 34 : 58;
            at -= wide;
            cairo_set_source_rgb(c, 0.1, 0.1, 0.1);
            label(c, names[zh][o], 8, at, y + gap - 14, 0);
            at -= 10;
            cairo_set_source_rgb(c, ink[o][0], ink[o][1], ink[o][2]);
            cairo_rectangle(c, at, y + gap - 20.5, 7, 7);
            cairo_fill(c);
            at -= 10;
        }
    cairo_restore(c);
}
