/* files: any bytes as a workbook. Input that starts with PK is a zip as it is; anything else is cut at
 * its NUL bytes into the XML of sheet, shared strings, styles, workbook and relations, and packed (stored),
 * so that the fuzzer reaches behind the zip. */
#include <string.h>
#include <zlib.h>

#include "files/sheet_bytes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REL "http://schemas.openxmlformats.org/officeDocument/2006/relationships"

enum { PARTS = 5 };

static const struct {
    const char *name, *usual;
} parts[PARTS] = {
    {"xl/worksheets/sheet1.xml", "<worksheet><sheetData><row r=\"1\"><c r=\"A1\" t=\"s\" "
                                 "s=\"1\"><v>0</v></c></row></sheetData></worksheet>"},
    {"xl/sharedStrings.xml", "<sst><si><t>a</t></si></sst>"},
    {"xl/styles.xml",
     "<styleSheet><cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"14\"/></cellXfs></styleSheet>"},
    {"xl/workbook.xml", "<workbook><sheets><sheet name=\"s\" r:id=\"r1\"/></sheets></workbook>"},
    {"xl/_rels/workbook.xml.rels",
     "<Relationships><Relationship Id=\"r1\" Type=\"" REL "/worksheet\" Target=\"worksheets/sheet1.xml\"/>"
     "<Relationship Id=\"r2\" Type=\"" REL "/sharedStrings\" Target=\"sharedStrings.xml\"/>"
     "<Relationship Id=\"r3\" Type=\"" REL "/styles\" Target=\"styles.xml\"/></Relationships>"},
};

static void u16(struct buf *b, unsigned v) {
    char bytes[2] = {(char)v, (char)(v >> 8)};
    buf_add(b, bytes, 2);
}

static void u32(struct buf *b, size_t v) {
    u16(b, (unsigned)(v & 0xFFFF));
    u16(b, (unsigned)(v >> 16 & 0xFFFF));
}

/* What the local header and the directory say alike. */
static void entry(struct buf *b, const char *name, struct text t) {
    u16(b, 20);
    u16(b, 0);
    u16(b, 0); /* stored */
    u32(b, 0);
    u32(b, crc32(0, (const unsigned char *)t.s, (unsigned)t.n));
    u32(b, t.n);
    u32(b, t.n);
    u16(b, (unsigned)strlen(name));
    u16(b, 0);
}

static void pack(struct buf *b, const struct text bytes[PARTS]) {
    size_t offsets[PARTS], directory;
    for (size_t i = 0; i < PARTS; i++) {
        offsets[i] = b->n;
        buf_add(b, "PK\x03\x04", 4);
        entry(b, parts[i].name, bytes[i]);
        buf_str(b, parts[i].name);
        buf_text(b, bytes[i]);
    }
    directory = b->n;
    for (size_t i = 0; i < PARTS; i++) {
        buf_add(b, "PK\x01\x02", 4);
        u16(b, 20);
        entry(b, parts[i].name, bytes[i]);
        u16(b, 0);
        u16(b, 0);
        u16(b, 0);
        u32(b, 0);
        u32(b, offsets[i]);
        buf_str(b, parts[i].name);
    }
    size_t length = b->n - directory;
    buf_add(b, "PK\x05\x06\0\0\0\0", 8);
    u16(b, PARTS);
    u16(b, PARTS);
    u32(b, length);
    u32(b, directory);
    u16(b, 0);
}

static void read_all(const void *data, size_t size) {
    struct sheet *s = NULL;
    struct error err = {0};
    int rc = sheet_open_bytes(data, size, &(struct sheet_options){.max_bytes = 64 << 20}, &s, &err);
    if (rc < 0 && !err.code) __builtin_trap();
    if (rc < 0) return;
    const struct text *cells;
    size_t n;
    int64_t line;
    bool damaged;
    while ((rc = sheet_next(s, &cells, &n, &line, &damaged, &err)) > 0) {
        if (n > SHEET_COLUMNS_MAX || (n == 0 && !damaged)) __builtin_trap();
        for (size_t i = 0; i < n; i++)
            if (cells[i].n > SHEET_CELL_MAX || !text_utf8_valid(cells[i])) __builtin_trap();
    }
    if (rc < 0 && !err.code) __builtin_trap();
    sheet_close(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size >= 2 && data[0] == 'P' && data[1] == 'K') {
        read_all(data, size);
        return 0;
    }
    struct text bytes[PARTS];
    const char *at = (const char *)data, *end = at + size;
    for (size_t i = 0; i < PARTS; i++) {
        const char *stop = at < end ? memchr(at, 0, (size_t)(end - at)) : NULL;
        if (!stop) stop = end;
        bytes[i] = stop > at ? (struct text){at, (size_t)(stop - at)} : text_of(parts[i].usual);
        at = stop < end ? stop + 1 : end;
    }
    struct buf b = {0};
    pack(&b, bytes);
    if (!b.failed) read_all(b.s, b.n);
    buf_clear(&b);
    return 0;
}
