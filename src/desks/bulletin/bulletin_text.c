/* desks/bulletin: the page for terminals and plain files. */
#include <string.h>

#include "desks/bulletin/bulletin.h"

enum { BARS = 8 };

/* Cells a code point takes on a terminal: East Asian wide and full-width forms take two (Unicode UAX 11). */
static int cell_width(uint32_t c) {
    if (c < 0x1100) return 1;
    if (c == 0x2014 || c == 0x201c || c == 0x201d || c == 0x2026) return 2; /* in Chinese text fonts draw them wide */
    return (c >= 0x1100 && c <= 0x115f) || (c >= 0x2e80 && c <= 0xa4cf) || (c >= 0xac00 && c <= 0xd7a3) || (c >= 0xf900 && c <= 0xfaff) ||
                   (c >= 0xfe30 && c <= 0xfe6f) || (c >= 0xff00 && c <= 0xff60) || (c >= 0xffe0 && c <= 0xffe6) || (c >= 0x20000 && c <= 0x3fffd)
               ? 2
               : 1;
}
static int text_width(struct text t) {
    int w = 0;
    for (size_t pos = 0; pos < t.n;) w += cell_width(text_codepoint(t, &pos));
    return w;
}
static void spaces(struct buf *out, int n) {
    for (int i = 0; i < n; i++) buf_char(out, ' ');
}
/* May not begin a line (避头). */
static bool clings(uint32_t c) {
    static const uint32_t closers[] = {0x3001, 0x3002, 0xff0c, 0xff1b, 0xff1a, 0xff09, 0x201d, 0x300b, 0x3015, 0xff1f, 0xff01, ',', '.', ';', ':', ')'};
    for (size_t i = 0; i < sizeof closers / sizeof *closers; i++)
        if (closers[i] == c) return true;
    return false;
}

/* Fills lines: Chinese breaks anywhere but before closing marks, Latin words and numbers stay whole. */
static void wrap(struct buf *out, struct text t, int width, int first, int rest) {
    size_t pos = 0;
    int at = first;
    spaces(out, first);
    while (pos < t.n) {
        size_t end = pos, next = pos;
        int w = 0;
        uint32_t c = text_codepoint(t, &next);
        w = cell_width(c);
        end = next;
        /* a run without a break opportunity */
        while (end < t.n) {
            size_t after = end;
            uint32_t d = text_codepoint(t, &after);
            bool joined = clings(d) || (cell_width(c) == 1 && c != ' ' && cell_width(d) == 1 && d != ' ');
            if (!joined) break;
            w += cell_width(d);
            end = after;
            c = d;
        }
        if (at + w > width && at > rest) {
            buf_char(out, '\n');
            spaces(out, rest);
            at = rest;
            if (t.s[pos] == ' ') {
                pos++;
                continue;
            }
        }
        buf_add(out, t.s + pos, end - pos);
        at += w;
        pos = end;
    }
    buf_char(out, '\n');
}

static void centre(struct buf *out, struct text t, int width) {
    int w = text_width(t);
    spaces(out, w < width ? (width - w) / 2 : 0);
    buf_text(out, t);
    buf_char(out, '\n');
}
static void rule(struct buf *out, const char *s, int width) {
    for (int i = 0; i < width; i++) buf_str(out, s);
    buf_char(out, '\n');
}

static void table_write(struct buf *out, const struct document_block *t, int width) {
    int widths[16] = {0}, sum = 0;
    size_t columns = t->columns > 16 ? 16 : t->columns;
    for (size_t r = 0; r < t->rows; r++)
        for (size_t c = 0; c < columns; c++) {
            int w = text_width(t->cells[r * t->columns + c]);
            if (w > widths[c]) widths[c] = w;
        }
    for (size_t c = 0; c < columns; c++) sum += widths[c] + 2;
    int space = sum > width ? 1 : 2;
    if (space == 1) sum -= (int)columns;
    for (size_t r = 0; r < t->rows; r++) {
        for (size_t c = 0; c < columns; c++) {
            struct text cell = t->cells[r * t->columns + c];
            int gap = widths[c] - text_width(cell);
            spaces(out, space);
            if (c > 0) spaces(out, gap);
            buf_text(out, cell);
            if (c == 0) spaces(out, gap);
        }
        buf_char(out, '\n');
        if (r == 0) {
            spaces(out, space);
            rule(out, "─", sum - space);
        }
    }
}

/* Two rows of bars: by report (local below, imported above are told apart by their own lines). */
static void curve_line(struct buf *out, const char *label, int label_width, int64_t (*curve)[ORIGINS], const int *origins, size_t n, int64_t most) {
    static const char *const bars[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    int64_t sum = 0;
    spaces(out, 2);
    buf_str(out, label);
    spaces(out, label_width - text_width(text_of(label)));
    for (int d = 0; d < CURVE_DAYS; d++) {
        int64_t v = 0;
        for (size_t i = 0; i < n; i++) v += curve[d][origins[i]];
        sum += v;
        int64_t height = most > 0 ? (v * BARS + most - 1) / most : 0;
        buf_str(out, v == 0 ? "·" : bars[height < 1 ? 1 : height > BARS ? BARS : height]);
    }
    buf_printf(out, " %lld\n", (long long)sum);
}
static void curve_write(struct buf *out, const struct bulletin *b, bool zh) {
    int64_t most = 0;
    char from[DAY_TEXT], to[DAY_TEXT];
    const int local[] = {ORIGIN_LOCAL, ORIGIN_UNKNOWN}, imported[] = {ORIGIN_IMPORTED}, all[] = {ORIGIN_LOCAL, ORIGIN_IMPORTED, ORIGIN_UNKNOWN};
    for (int d = 0; d < CURVE_DAYS; d++) {
        int64_t report = b->report[d][0] + b->report[d][1] + b->report[d][2], onset = b->onset[d][0] + b->onset[d][1] + b->onset[d][2];
        if (report > most) most = report;
        if (onset > most) most = onset;
    }
    int64_t(*report)[ORIGINS] = (int64_t(*)[ORIGINS])b->report, (*onset)[ORIGINS] = (int64_t(*)[ORIGINS])b->onset;
    if (b->public_version) {
        curve_line(out, zh ? "按报告" : "by report", 20, report, all, 3, most);
        curve_line(out, zh ? "按发病" : "by onset", 20, onset, all, 3, most);
    } else {
        curve_line(out, zh ? "按报告 本土" : "by report, local", 20, report, local, 2, most);
        curve_line(out, zh ? "按报告 输入" : "by report, imported", 20, report, imported, 1, most);
        curve_line(out, zh ? "按发病 本土" : "by onset, local", 20, onset, local, 2, most);
        curve_line(out, zh ? "按发病 输入" : "by onset, imported", 20, onset, imported, 1, most);
    }
    day_format(b->day - CURVE_DAYS + 1, from);
    day_format(b->day, to);
    spaces(out, 22);
    buf_str(out, from);
    spaces(out, CURVE_DAYS - 20);
    buf_str(out, to);
    buf_char(out, '\n');
}

int bulletin_write_text(const struct bulletin *b, const struct bulletin_words *words, bool zh, int width, struct buf *out, struct error *err) {
    struct document p = {0};
    size_t before = out->n;
    int rc;
    if (width <= 0) width = 80;
    if (width < 40) width = 40;
    if ((rc = bulletin_page(b, words, zh, &p, err)) < 0) return rc;
    centre(out, p.issuer, width);
    centre(out, p.number, width);
    rule(out, "━", width);
    centre(out, p.title, width);
    buf_char(out, '\n');
    if (p.to.n) {
        buf_text(out, p.to);
        buf_str(out, zh ? "：\n" : ":\n");
    }
    for (size_t i = 0; i < p.n; i++) {
        const struct document_block *k = &p.blocks[i];
        switch (k->kind) {
        case BLOCK_HEADING:
            buf_char(out, '\n');
            wrap(out, k->text, width, 0, 0);
            break;
        case BLOCK_SUBHEADING:
            wrap(out, k->text, width, 0, 0);
            break;
        case BLOCK_PARAGRAPH:
            wrap(out, k->text, width, zh ? 4 : 2, 0);
            break;
        case BLOCK_NOTE:
            wrap(out, k->text, width, 2, 2);
            break;
        case BLOCK_TABLE:
            buf_char(out, '\n');
            centre(out, k->text, width);
            table_write(out, k, width);
            buf_char(out, '\n');
            break;
        case BLOCK_CHART:
            buf_char(out, '\n');
            curve_write(out, b, zh);
            centre(out, k->text, width);
            buf_char(out, '\n');
            break;
        }
    }
    buf_char(out, '\n');
    spaces(out, width - text_width(p.issuer) - 2);
    buf_text(out, p.issuer);
    buf_char(out, '\n');
    spaces(out, width - text_width(p.date) - 2);
    buf_text(out, p.date);
    buf_char(out, '\n');
    document_clear(&p);
    if (!out->failed) return 0;
    out->n = before;
    return error_set(err, out->failed, NULL, "the report does not fit in memory");
}

int bulletin_write_pdf(const struct bulletin *b, const struct bulletin_words *words, bool zh, struct buf *out, struct error *err) {
    struct document p = {0};
    int rc = bulletin_page(b, words, zh, &p, err);
    if (rc < 0) return rc;
    rc = document_write_pdf(&p, out, err);
    document_clear(&p);
    return rc;
}
