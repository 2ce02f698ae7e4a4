/* ZIP (APPNOTE 6.3.10, data descriptors after the parts) and SpreadsheetML (ECMA-376 part 1, inline strings), as little of both as a table needs. */
#include "files/xlsx_stream.h"

#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "files/xlsx_write.h"

enum { ROWS_MAX = 1048576, COLUMNS_MAX = 16384, CELL_MAX = 32767, SHEETS_MAX = 200, PARTS_MAX = SHEETS_MAX + 6, FLAGS = 0x0808 /* descriptor, UTF-8 */,
       DEFLATED = 8, VERSION = 20, DATE = 40 << 9 | 1 << 5 | 1 /* 2020-01-01: no clock in the file */ };
#define PART_BYTES_MAX (UINT64_C(3) << 30) /* of a sheet unpacked; then another begins */
#define BYTES_MAX (UINT64_C(0xFFFF0000))

struct part {
    char name[40];
    uint64_t offset, packed, size;
    uint32_t crc;
};

struct xlsx_stream {
    z_stream z;
    bool packing, open; /* the compressor is there; a part is open */
    struct part parts[PARTS_MAX];
    size_t n_parts, n_sheets, n_columns;
    uint32_t row;       /* of the open sheet */
    uint64_t offset;
    char title[XLSX_TITLE];
    struct text *header;
    struct arena arena;
    struct buf xml, cell;
};

static const char xml_head[] = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";
#define MAIN "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
#define RELATIONS "http://schemas.openxmlformats.org/package/2006/relationships"
#define OFFICE "http://schemas.openxmlformats.org/officeDocument/2006/relationships"

/* ---- ZIP */

static void put(struct xlsx_stream *x, struct buf *out, const void *bytes, size_t n) {
    buf_add(out, bytes, n);
    x->offset += n;
}

static void put_number(struct xlsx_stream *x, struct buf *out, uint64_t v, size_t bytes) {
    unsigned char little[8];
    for (size_t i = 0; i < bytes; i++) little[i] = (unsigned char)(v >> 8 * i);
    put(x, out, little, bytes);
}

/* What the local header and the central directory share, from the version needed on. */
static void put_common(struct xlsx_stream *x, struct buf *out, const struct part *p, bool known) {
    put_number(x, out, VERSION, 2);
    put_number(x, out, FLAGS, 2);
    put_number(x, out, DEFLATED, 2);
    put_number(x, out, 0, 2);
    put_number(x, out, DATE, 2);
    put_number(x, out, known ? p->crc : 0, 4);
    put_number(x, out, known ? p->packed : 0, 4);
    put_number(x, out, known ? p->size : 0, 4);
    put_number(x, out, strlen(p->name), 2);
    put_number(x, out, 0, 2);
}

static void part_begin(struct xlsx_stream *x, const char *name, struct buf *out) {
    struct part *p = &x->parts[x->n_parts];
    *p = (struct part){.offset = x->offset, .crc = (uint32_t)crc32(0, NULL, 0)};
    snprintf(p->name, sizeof p->name, "%s", name);
    put_number(x, out, 0x04034b50, 4);
    put_common(x, out, p, false);
    put(x, out, p->name, strlen(p->name));
    deflateReset(&x->z);
    x->open = true;
}

/* What is in x->xml goes into the open part. */
static int part_add(struct xlsx_stream *x, int flush, struct buf *out, struct error *err) {
    struct part *p = &x->parts[x->n_parts];
    unsigned char piece[16384];
    if (x->xml.failed || x->cell.failed) return error_set(err, E_MEMORY, NULL, "a row does not fit into memory / 内存不足");
    x->z.next_in = (unsigned char *)x->xml.s;
    x->z.avail_in = (unsigned)x->xml.n;
    p->crc = (uint32_t)crc32(p->crc, x->z.next_in, x->z.avail_in);
    p->size += x->xml.n;
    int rc = Z_OK;
    do {
        x->z.next_out = piece;
        x->z.avail_out = sizeof piece;
        rc = deflate(&x->z, flush);
        size_t n = sizeof piece - x->z.avail_out;
        p->packed += n;
        put(x, out, piece, n);
    } while (rc == Z_OK && (x->z.avail_in || !x->z.avail_out));
    buf_reset(&x->xml);
    if (out->failed) return error_set(err, out->failed, NULL, "a piece of a workbook does not fit into memory / 内存不足");
    if (x->offset > BYTES_MAX) return error_set(err, E_TOO_LARGE, NULL, "larger than a workbook may be: ask for CSV / 超出工作簿上限,请改用 CSV");
    return 0;
}

static int part_end(struct xlsx_stream *x, struct buf *out, struct error *err) {
    const struct part *p = &x->parts[x->n_parts];
    int rc = part_add(x, Z_FINISH, out, err);
    if (rc < 0) return rc;
    put_number(x, out, 0x08074b50, 4);
    put_number(x, out, p->crc, 4);
    put_number(x, out, p->packed, 4);
    put_number(x, out, p->size, 4);
    x->n_parts++;
    x->open = false;
    return 0;
}

static int directory(struct xlsx_stream *x, struct buf *out, struct error *err) {
    uint64_t begin = x->offset;
    for (size_t i = 0; i < x->n_parts; i++) {
        const struct part *p = &x->parts[i];
        put_number(x, out, 0x02014b50, 4);
        put_number(x, out, VERSION, 2);
        put_common(x, out, p, true);
        put_number(x, out, 0, 6); /* no remark, first disk, no attributes */
        put_number(x, out, 0, 4);
        put_number(x, out, p->offset, 4);
        put(x, out, p->name, strlen(p->name));
    }
    uint64_t size = x->offset - begin;
    put_number(x, out, 0x06054b50, 4);
    put_number(x, out, 0, 4);
    put_number(x, out, x->n_parts, 2);
    put_number(x, out, x->n_parts, 2);
    put_number(x, out, size, 4);
    put_number(x, out, begin, 4);
    put_number(x, out, 0, 2);
    return out->failed ? error_set(err, out->failed, NULL, "a piece of a workbook does not fit into memory / 内存不足") : 0;
}

/* ---- sheets */

static void escaped(struct buf *b, const char *s) {
    for (; *s; s++) {
        if (*s == '&') buf_str(b, "&amp;");
        else if (*s == '<') buf_str(b, "&lt;");
        else if (*s == '>') buf_str(b, "&gt;");
        else if (*s == '"') buf_str(b, "&quot;");
        else if (*s == '\r') buf_str(b, "&#13;");
        else buf_char(b, *s);
    }
}

static void put_name(struct buf *b, size_t column, uint32_t row) {
    char letters[8];
    size_t n = sizeof letters;
    for (size_t c = column + 1; c; c = (c - 1) / 26) letters[--n] = (char)('A' + (c - 1) % 26);
    buf_add(b, letters + n, sizeof letters - n);
    buf_printf(b, "%u", (unsigned)row);
}

static size_t units_of(struct text t) {
    size_t n = 0;
    for (size_t i = 0; i < t.n;) n += text_codepoint(t, &i) > 0xFFFF ? 2 : 1;
    return n;
}

static int put_row(struct xlsx_stream *x, const struct text *cells, size_t n, int style, struct buf *out, struct error *err) {
    if (n > COLUMNS_MAX) return error_set(err, E_TOO_LARGE, NULL, "more columns than a workbook can hold: ask for CSV / 列数超出工作簿上限,请改用 CSV");
    x->row++;
    buf_printf(&x->xml, "<row r=\"%u\">", (unsigned)x->row);
    for (size_t i = 0; i < n; i++) {
        if (!cells[i].n) continue;
        if (cells[i].n > CELL_MAX && units_of(cells[i]) > CELL_MAX)
            return error_set(err, E_TOO_LARGE, NULL, "a cell has more than 32767 characters, more than a workbook can hold: ask for CSV / 单元格超过 32767 字,请改用 CSV");
        buf_str(&x->xml, "<c r=\"");
        put_name(&x->xml, i, x->row);
        buf_printf(&x->xml, "\" s=\"%d\" t=\"inlineStr\"><is><t xml:space=\"preserve\">", style);
        escaped(&x->xml, xlsx_text(&x->cell, cells[i]));
        if (x->cell.failed) x->xml.failed = x->cell.failed; /* the next cell begins anew */
        buf_str(&x->xml, "</t></is></c>");
    }
    buf_str(&x->xml, "</row>\n");
    return part_add(x, Z_NO_FLUSH, out, err);
}

static int sheet_begin(struct xlsx_stream *x, struct buf *out, struct error *err) {
    char name[40];
    if (x->n_sheets == SHEETS_MAX) return error_set(err, E_TOO_LARGE, NULL, "larger than a workbook may be: ask for CSV / 超出工作簿上限,请改用 CSV");
    snprintf(name, sizeof name, "xl/worksheets/sheet%zu.xml", ++x->n_sheets);
    part_begin(x, name, out);
    x->row = 0;
    buf_printf(&x->xml, "%s<worksheet xmlns=\"" MAIN "\"><sheetViews><sheetView workbookViewId=\"0\"><pane ySplit=\"1\" topLeftCell=\"A2\" activePane=\"bottomLeft\" "
               "state=\"frozen\"/></sheetView></sheetViews><sheetFormatPr defaultRowHeight=\"15\"/><cols><col min=\"1\" max=\"%zu\" width=\"16\" style=\"0\" "
               "customWidth=\"1\"/></cols><sheetData>\n", xml_head, x->n_columns ? x->n_columns : 1);
    return put_row(x, x->header, x->n_columns, 1, out, err);
}

static int sheet_end(struct xlsx_stream *x, struct buf *out, struct error *err) {
    buf_str(&x->xml, "</sheetData></worksheet>\n");
    return part_end(x, out, err);
}

/* ---- the few parts around them */

static int part_whole(struct xlsx_stream *x, const char *name, struct buf *out, struct error *err) {
    part_begin(x, name, out);
    return part_end(x, out, err);
}

static int book(struct xlsx_stream *x, struct buf *out, struct error *err) {
    struct buf *b = &x->xml;
    buf_printf(b, "%s<styleSheet xmlns=\"" MAIN "\"><fonts count=\"2\"><font><sz val=\"11\"/><name val=\"Calibri\"/></font><font><b/><sz val=\"11\"/><name val=\"Calibri\"/></font></fonts>"
               "<fills count=\"2\"><fill><patternFill patternType=\"none\"/></fill><fill><patternFill patternType=\"gray125\"/></fill></fills><borders count=\"1\"><border><left/><right/><top/>"
               "<bottom/><diagonal/></border></borders><cellStyleXfs count=\"1\"><xf numFmtId=\"0\" fontId=\"0\" fillId=\"0\" borderId=\"0\"/></cellStyleXfs><cellXfs count=\"2\">"
               "<xf numFmtId=\"49\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\" applyNumberFormat=\"1\"/>"
               "<xf numFmtId=\"49\" fontId=\"1\" fillId=\"0\" borderId=\"0\" xfId=\"0\" applyNumberFormat=\"1\" applyFont=\"1\"/></cellXfs></styleSheet>\n", xml_head);
    int rc = part_whole(x, "xl/styles.xml", out, err);
    buf_printf(b, "%s<workbook xmlns=\"" MAIN "\" xmlns:r=\"" OFFICE "\"><sheets>", xml_head);
    for (size_t i = 1; i <= x->n_sheets; i++) {
        buf_str(b, "<sheet name=\"");
        if (i == 1) escaped(b, x->title);
        else buf_printf(b, "Sheet%zu", i);
        buf_printf(b, "\" sheetId=\"%zu\" r:id=\"rId%zu\"/>", i, i);
    }
    buf_str(b, "</sheets></workbook>\n");
    if (rc == 0) rc = part_whole(x, "xl/workbook.xml", out, err);
    buf_printf(b, "%s<Relationships xmlns=\"" RELATIONS "\">", xml_head);
    for (size_t i = 1; i <= x->n_sheets; i++) buf_printf(b, "<Relationship Id=\"rId%zu\" Type=\"" OFFICE "/worksheet\" Target=\"worksheets/sheet%zu.xml\"/>", i, i);
    buf_printf(b, "<Relationship Id=\"rId%zu\" Type=\"" OFFICE "/styles\" Target=\"styles.xml\"/></Relationships>\n", x->n_sheets + 1);
    if (rc == 0) rc = part_whole(x, "xl/_rels/workbook.xml.rels", out, err);
    buf_printf(b, "%s<Relationships xmlns=\"" RELATIONS "\"><Relationship Id=\"rId1\" Type=\"" OFFICE "/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>\n", xml_head);
    if (rc == 0) rc = part_whole(x, "_rels/.rels", out, err);
    buf_printf(b, "%s<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"><Default Extension=\"rels\" "
               "ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/><Default Extension=\"xml\" ContentType=\"application/xml\"/>"
               "<Override PartName=\"/xl/workbook.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml\"/>"
               "<Override PartName=\"/xl/styles.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml\"/>", xml_head);
    for (size_t i = 1; i <= x->n_sheets; i++)
        buf_printf(b, "<Override PartName=\"/xl/worksheets/sheet%zu.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml\"/>", i);
    buf_str(b, "</Types>\n");
    return rc < 0 ? rc : part_whole(x, "[Content_Types].xml", out, err);
}

/* ---- what is asked */

int xlsx_stream_new(const char *sheet, const struct text *header, size_t n, struct xlsx_stream **ret, struct error *err) {
    struct xlsx_stream *x = mem_alloc(sizeof *x);
    if (!x) return error_memory(err);
    x->n_columns = n;
    x->header = arena_alloc(&x->arena, (n + 1) * sizeof *x->header);
    bool good = x->header != NULL;
    for (size_t i = 0; good && i < n; i++) good = (x->header[i] = arena_text(&x->arena, header[i])).s != NULL;
    x->packing = good && deflateInit2(&x->z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) == Z_OK;
    if (!x->packing) {
        xlsx_stream_free(x);
        return error_memory(err);
    }
    xlsx_title(sheet, x->title);
    *ret = x;
    return 0;
}

int xlsx_stream_row(struct xlsx_stream *x, const struct text *cells, size_t n, struct buf *out, struct error *err) {
    int rc = 0;
    if (x->open && (x->row == ROWS_MAX || x->parts[x->n_parts].size > PART_BYTES_MAX)) rc = sheet_end(x, out, err);
    if (rc == 0 && !x->open) rc = sheet_begin(x, out, err);
    return rc < 0 ? rc : put_row(x, cells, n, 0, out, err);
}

int xlsx_stream_end(struct xlsx_stream *x, struct buf *out, struct error *err) {
    int rc = x->n_sheets ? 0 : sheet_begin(x, out, err);
    if (rc == 0) rc = sheet_end(x, out, err);
    if (rc == 0) rc = book(x, out, err);
    return rc < 0 ? rc : directory(x, out, err);
}

void xlsx_stream_free(struct xlsx_stream *x) {
    if (!x) return;
    if (x->packing) deflateEnd(&x->z);
    buf_clear(&x->xml);
    buf_clear(&x->cell);
    arena_clear(&x->arena);
    mem_free(x);
}
