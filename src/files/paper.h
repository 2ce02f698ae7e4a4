/* files, private to what is laid out on paper (document_pdf.c, form.c): a PDF surface with lines of type on it. Points; y grows downwards. */
#ifndef TOCSIN_FILES_PAPER_H
#define TOCSIN_FILES_PAPER_H

#include <cairo-pdf.h>
#include <pango/pangocairo.h>

#include "base/instant.h"

#define MM (72.0 / 25.4)
#define PAPER_WIDTH (210 * MM)
#define PAPER_HEIGHT (297 * MM)
extern const char *const paper_serif, *const paper_sans;

struct paper {
    cairo_t *c;
    cairo_surface_t *surface;
    bool zh;
    int page;
    double y;      /* top of the next line, from the page's top */
    double size;   /* of the body */
    double pitch;  /* of its lines */
    struct buf *out;
    size_t before; /* of out, before the file began */
};

struct paper_type {
    const char *family;
    double size;
    bool bold;
};

/* A4, written to `out` as it is made; the same bytes for the same calls: the file's date is `at`. Always close it. */
void paper_open(struct paper *p, struct buf *out, const char *title, const char *author, instant at, int32_t zone_s);
/* E_MEMORY, and out as it was before. */
int paper_close(struct paper *p, struct error *err);

PangoLayout *paper_layout(struct paper *p, struct paper_type t, const char *text, size_t n); /* owned: g_object_unref */
double paper_width(PangoLayout *l);
/* One line of text; align 0 left, 0.5 centre, 1 right of x. y is the top of a line box `high` points high. */
void paper_line(struct paper *p, struct paper_type t, struct text s, double x, double y, double high, double align);
/* The largest size at which s is at most `wide`; never above `most`. */
double paper_fitting(struct paper *p, const char *family, bool bold, struct text s, double most, double wide);

#endif
