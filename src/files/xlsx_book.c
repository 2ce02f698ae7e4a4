#include "files/xlsx_book.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files/sheet.h"
#include "files/xlsx_value.h"

enum {
    SHEETS_MAX = 4096,
    RELATIONS_MAX = 65536,
    FORMATS_MAX = 65536,
    STRINGS_BYTES_MAX = 1 << 30,
    PART_MAX = 512
};

struct relation {
    const char *id, *type, *target;
};

/* What the parsers of the small parts gather. */
struct reading {
    struct book *book;
    struct relation *relations;
    size_t relations_n, relations_cap;
    struct {
        unsigned long id;
        unsigned char format;
    } * codes; /* custom number formats */
    size_t codes_n, codes_cap;
    size_t sheets_cap;
    bool in_styles, in_phonetic, in_text;
    size_t string_start;
};

/* Room for one more of an array that no real workbook has more than max of; false when it fails for that. list: the address of the array. */
static bool one_more(struct xml *x, void *list, size_t n, size_t *cap, size_t size, size_t max) {
    if (n < max && mem_room(list, cap, n + 1, size)) return true;
    if (n >= max)
        xml_fail(x, E_TOO_LARGE, "the workbook lists more than any real one does");
    else
        xml_fail(x, E_MEMORY, "out of memory");
    return false;
}

/* Runs one part through hooks: 1, or 0 when the zip has no such part. */
static int part_read(struct zip *z, const char *part, struct reading *r,
                     void (*start)(struct xml *, const char *, const char **),
                     void (*end)(struct xml *, const char *), void (*text)(struct xml *, const char *, int),
                     struct error *err) {
    struct xml x = {.user = r, .start = start, .end = end, .text = text};
    int rc = zip_enter(z, part, err);
    if (rc <= 0) return rc;
    rc = xml_init(&x, err);
    if (rc == 0)
        while ((rc = xml_feed(&x, z, part, err)) > 0) continue;
    if (rc == 0) rc = 1;
    xml_clear(&x);
    return rc;
}

/* ---- relations: Id -> part */

static void relation_start(struct xml *x, const char *name, const char **atts) {
    struct reading *r = x->user;
    if (strcmp(name, "Relationship") != 0) return;
    const char *id = xml_att(atts, "Id"), *type = xml_att(atts, "Type"), *target = xml_att(atts, "Target");
    const char *mode = xml_att(atts, "TargetMode");
    if (!id || !type || !target || (mode && strcmp(mode, "External") == 0)) return;
    if (!one_more(x, &r->relations, r->relations_n, &r->relations_cap, sizeof *r->relations, RELATIONS_MAX)) return;
    struct arena *a = &r->book->arena;
    r->relations[r->relations_n] = (struct relation){arena_str(a, id), arena_str(a, type), arena_str(a, target)};
    if (!r->relations[r->relations_n].id || !r->relations[r->relations_n].type || !r->relations[r->relations_n].target)
        xml_fail(x, E_MEMORY, "out of memory");
    else
        r->relations_n++;
}

static bool ends_with(const char *s, const char *tail) {
    size_t n = strlen(s), k = strlen(tail);
    return n >= k && strcmp(s + n - k, tail) == 0;
}

/* "worksheets/sheet1.xml" seen from "xl/workbook.xml" is "xl/worksheets/sheet1.xml"; "/xl/..." is from the
 * root. */
static void resolve(const char *from, const char *target, char out[PART_MAX]) {
    const char *slash = strrchr(from, '/');
    int base = slash ? (int)(slash - from) + 1 : 0;
    if (target[0] == '/') {
        target++;
        base = 0;
    }
    while (strncmp(target, "./", 2) == 0) target += 2;
    while (strncmp(target, "../", 3) == 0) {
        target += 3;
        if (base) base--;
        while (base > 0 && from[base - 1] != '/') base--;
    }
    snprintf(out, PART_MAX, "%.*s%s", base, from, target);
}

static const char *relation_target(const struct reading *r, const char *id, const char *type_tail) {
    for (size_t i = 0; i < r->relations_n; i++)
        if ((!id || strcmp(r->relations[i].id, id) == 0) && ends_with(r->relations[i].type, type_tail))
            return r->relations[i].target;
    return NULL;
}

/* ---- workbook.xml */

static void book_start(struct xml *x, const char *name, const char **atts) {
    struct reading *r = x->user;
    struct book *b = r->book;
    if (strcmp(name, "workbookPr") == 0) {
        const char *v = xml_att(atts, "date1904");
        b->from_1904 = v && (strcmp(v, "1") == 0 || strcmp(v, "true") == 0);
        return;
    }
    if (strcmp(name, "sheet") != 0) return;
    const char *title = xml_att(atts, "name"), *id = xml_att(atts, "id"), *state = xml_att(atts, "state");
    if (!title || !id) return;
    if (!one_more(x, &b->sheets, b->sheets_n, &r->sheets_cap, sizeof *b->sheets, SHEETS_MAX)) return;
    b->sheets[b->sheets_n] = (struct book_sheet){.name = arena_str(&b->arena, title),
                                                 .relation = arena_str(&b->arena, id),
                                                 .hidden = state && strcmp(state, "visible") != 0};
    if (!b->sheets[b->sheets_n].name || !b->sheets[b->sheets_n].relation)
        xml_fail(x, E_MEMORY, "out of memory");
    else
        b->sheets_n++;
}

/* ---- styles.xml */

static void style_start(struct xml *x, const char *name, const char **atts) {
    struct reading *r = x->user;
    struct book *b = r->book;
    if (strcmp(name, "numFmt") == 0) {
        const char *id = xml_att(atts, "numFmtId"), *code = xml_att(atts, "formatCode");
        if (!id || !code) return;
        if (!one_more(x, &r->codes, r->codes_n, &r->codes_cap, sizeof *r->codes, FORMATS_MAX)) return;
        r->codes[r->codes_n].id = strtoul(id, NULL, 10);
        r->codes[r->codes_n++].format = format_of_code(text_of(code));
    } else if (strcmp(name, "cellXfs") == 0) {
        r->in_styles = true;
    } else if (r->in_styles && strcmp(name, "xf") == 0) {
        if (!one_more(x, &b->formats, b->formats_n, &b->formats_cap, 1, FORMATS_MAX)) return;
        const char *v = xml_att(atts, "numFmtId");
        unsigned long id = v ? strtoul(v, NULL, 10) : 0;
        unsigned char format = format_of_builtin(id);
        for (size_t i = 0; i < r->codes_n; i++)
            if (r->codes[i].id == id) format = r->codes[i].format;
        b->formats[b->formats_n++] = format;
    }
}

static void style_end(struct xml *x, const char *name) {
    if (strcmp(name, "cellXfs") == 0) ((struct reading *)x->user)->in_styles = false;
}

/* ---- sharedStrings.xml */

static void string_start(struct xml *x, const char *name, const char **atts) {
    struct reading *r = x->user;
    if (strcmp(name, "si") == 0)
        r->string_start = r->book->strings.n;
    else if (strcmp(name, "rPh") == 0)
        r->in_phonetic = true;
    else if (strcmp(name, "t") == 0)
        r->in_text = !r->in_phonetic;
}

static void string_text(struct xml *x, const char *s, int n) {
    struct reading *r = x->user;
    struct buf *b = &r->book->strings;
    if (!r->in_text) return;
    size_t room = SHEET_CELL_MAX + 1 - (b->n - r->string_start); /* one more than a cell may be: the rows with it are refused */
    if (buf_add(b, s, (size_t)n < room ? (size_t)n : room) < 0) xml_fail(x, b->failed, "the shared strings do not fit into memory");
}

static void string_end(struct xml *x, const char *name) {
    struct reading *r = x->user;
    struct book *b = r->book;
    if (strcmp(name, "t") == 0) {
        r->in_text = false;
    } else if (strcmp(name, "rPh") == 0) {
        r->in_phonetic = false;
    } else if (strcmp(name, "si") == 0) {
        if (!one_more(x, &b->string_ends, b->strings_n, &b->strings_cap, sizeof *b->string_ends, STRINGS_BYTES_MAX / 16)) return;
        if (b->strings.s && b->strings.n - r->string_start <= SHEET_CELL_MAX)
            b->strings.n = r->string_start +
                           book_unescape(b->strings.s + r->string_start, b->strings.n - r->string_start);
        b->string_ends[b->strings_n++] = (uint32_t)b->strings.n;
    }
}

size_t book_unescape(char *s, size_t n) {
    if (n < 7 || !memmem(s, n, "_x", 2)) return n;
    size_t to = 0;
    for (size_t i = 0; i < n;) {
        unsigned c = 0, k = 0;
        if (s[i] == '_' && n - i >= 7 && s[i + 1] == 'x' && s[i + 6] == '_') {
            for (k = 0; k < 4; k++) {
                char h = s[i + 2 + k];
                int v = h >= '0' && h <= '9'   ? h - '0'
                        : h >= 'A' && h <= 'F' ? h - 'A' + 10
                        : h >= 'a' && h <= 'f' ? h - 'a' + 10
                                               : -1;
                if (v < 0) break;
                c = c << 4 | (unsigned)v;
            }
        }
        if (k == 4 && c && (c < 0xD800 || c >= 0xE000)) {
            to += text_encode(c, s + to);
            i += 7;
        } else {
            s[to++] = s[i++];
        }
    }
    return to;
}

struct text book_string(const struct book *b, uint64_t i) {
    if (i >= b->strings_n) return (struct text){NULL, 0};
    uint32_t from = i ? b->string_ends[i - 1] : 0;
    return (struct text){b->strings.s ? b->strings.s + from : "", b->string_ends[i] - from};
}

/* ---- all of it */

static int not_a_workbook(struct zip *z, struct error *err) {
    if (zip_enter(z, "xl/workbook.bin", NULL) > 0)
        return error_set(err, E_UNSUPPORTED, NULL, "this is a binary workbook (.xlsb): save it as .xlsx");
    if (zip_enter(z, "content.xml", NULL) > 0)
        return error_set(err, E_UNSUPPORTED, NULL, "this is an OpenDocument file: save it as .xlsx");
    if (zip_enter(z, "word/document.xml", NULL) > 0)
        return error_set(err, E_UNSUPPORTED, NULL,
                         "this is a Word document: ask for the list as .xlsx or .csv");
    return error_set(err, E_UNSUPPORTED, NULL,
                     "this is a zip archive without a workbook in it: unpack it first");
}

static int book_parts(struct book *b, struct zip *z, struct reading *r, struct error *err) {
    char workbook[PART_MAX] = "xl/workbook.xml", part[PART_MAX], rels[PART_MAX];
    int rc = part_read(z, "_rels/.rels", r, relation_start, NULL, NULL, err);
    if (rc < 0) return rc;
    const char *target = relation_target(r, NULL, "/officeDocument");
    if (target) resolve("", target, workbook);
    rc = part_read(z, workbook, r, book_start, NULL, NULL, err);
    if (rc <= 0) return rc < 0 ? rc : not_a_workbook(z, err);
    r->relations_n = 0;
    const char *slash = strrchr(workbook, '/');
    int base = slash ? (int)(slash - workbook) + 1 : 0;
    if (snprintf(rels, sizeof rels, "%.*s_rels/%s.rels", base, workbook, workbook + base) >= PART_MAX)
        return error_set(err, E_SYNTAX, NULL, "a part of the workbook has too long a name");
    rc = part_read(z, rels, r, relation_start, NULL, NULL, err);
    if (rc <= 0)
        return rc < 0 ? rc : error_set(err, E_SYNTAX, rels, "the workbook does not say where its sheets are");
    for (size_t i = 0; i < b->sheets_n; i++) {
        target = relation_target(r, b->sheets[i].relation, "/worksheet");
        if (!target) continue;
        resolve(workbook, target, part);
        b->sheets[i].part = arena_str(&b->arena, part);
        if (!b->sheets[i].part) return error_memory(err);
    }
    target = relation_target(r, NULL, "/styles");
    if (target) {
        resolve(workbook, target, part);
        rc = part_read(z, part, r, style_start, style_end, NULL, err);
        if (rc < 0) return rc;
    }
    target = relation_target(r, NULL, "/sharedStrings");
    if (!target) return 0;
    resolve(workbook, target, part);
    rc = part_read(z, part, r, string_start, string_end, string_text, err);
    return rc < 0 ? rc : 0;
}

int book_read(struct book *b, struct zip *z, struct error *err) {
    struct reading r = {.book = b};
    b->strings.max = STRINGS_BYTES_MAX;
    int rc = book_parts(b, z, &r, err);
    mem_free(r.relations);
    mem_free(r.codes);
    return rc;
}

void book_clear(struct book *b) {
    arena_clear(&b->arena);
    mem_free(b->sheets);
    buf_clear(&b->strings);
    mem_free(b->string_ends);
    mem_free(b->formats);
    *b = (struct book){0};
}
