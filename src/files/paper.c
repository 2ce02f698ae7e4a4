#include "files/paper.h"

const char *const paper_serif = "Noto Serif CJK SC", *const paper_sans = "Noto Sans CJK SC";

static cairo_status_t bytes_add(void *out, const unsigned char *bytes, unsigned int n) {
    return buf_add(out, bytes, n) < 0 ? CAIRO_STATUS_WRITE_ERROR : CAIRO_STATUS_SUCCESS;
}

void paper_open(struct paper *p, struct buf *out, const char *title, const char *author, instant at, int32_t zone_s) {
    char made[INSTANT_TEXT];
    p->out = out;
    p->before = out->n;
    p->surface = cairo_pdf_surface_create_for_stream(bytes_add, out, PAPER_WIDTH, PAPER_HEIGHT);
    p->c = cairo_create(p->surface);
    instant_format(at, zone_s, made);
    cairo_pdf_surface_set_metadata(p->surface, CAIRO_PDF_METADATA_TITLE, title);
    cairo_pdf_surface_set_metadata(p->surface, CAIRO_PDF_METADATA_AUTHOR, author);
    cairo_pdf_surface_set_metadata(p->surface, CAIRO_PDF_METADATA_CREATOR, "Tocsin");
    cairo_pdf_surface_set_metadata(p->surface, CAIRO_PDF_METADATA_CREATE_DATE, made);
    cairo_pdf_surface_set_metadata(p->surface, CAIRO_PDF_METADATA_MOD_DATE, made);
}

int paper_close(struct paper *p, struct error *err) {
    cairo_surface_finish(p->surface);
    cairo_status_t bad = cairo_status(p->c) ? cairo_status(p->c) : cairo_surface_status(p->surface);
    cairo_destroy(p->c);
    cairo_surface_destroy(p->surface);
    if (!bad && !p->out->failed) return 0;
    p->out->n = p->before;
    return error_set(err, p->out->failed ? p->out->failed : E_MEMORY, NULL, "the PDF could not be made: %s", cairo_status_to_string(bad));
}

PangoLayout *paper_layout(struct paper *p, struct paper_type t, const char *text, size_t n) {
    PangoLayout *l = pango_cairo_create_layout(p->c);
    PangoFontDescription *f = pango_font_description_new();
    pango_font_description_set_family_static(f, t.family);
    pango_font_description_set_weight(f, t.bold ? PANGO_WEIGHT_BOLD : PANGO_WEIGHT_NORMAL);
    pango_font_description_set_absolute_size(f, t.size * PANGO_SCALE);
    pango_layout_set_font_description(l, f);
    pango_context_set_language(pango_layout_get_context(l), pango_language_from_string(p->zh ? "zh-cn" : "en"));
    pango_layout_context_changed(l);
    pango_layout_set_text(l, text, (int)n);
    pango_font_description_free(f);
    return l;
}

double paper_width(PangoLayout *l) {
    PangoRectangle r;
    pango_layout_get_extents(l, NULL, &r);
    return r.width / (double)PANGO_SCALE;
}

void paper_line(struct paper *p, struct paper_type t, struct text s, double x, double y, double high, double align) {
    PangoLayout *l = paper_layout(p, t, s.s, s.n);
    PangoRectangle r;
    pango_layout_get_extents(l, NULL, &r);
    cairo_move_to(p->c, x - align * r.width / PANGO_SCALE, y + (high - r.height / (double)PANGO_SCALE) / 2);
    pango_cairo_show_layout(p->c, l);
    g_object_unref(l);
}

double paper_fitting(struct paper *p, const char *family, bool bold, struct text s, double most, double wide) {
    PangoLayout *l = paper_layout(p, (struct paper_type){family, most, bold}, s.s, s.n);
    double w = paper_width(l);
    g_object_unref(l);
    return w > wide ? most * wide / w : most;
}
