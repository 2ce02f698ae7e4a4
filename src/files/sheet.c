#include "files/sheet.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "files/csv.h"
#include "files/source.h"
#include "files/sheet_bytes.h"
#include "files/xlsx.h"

struct sheet {
    struct source *src;
    struct csv *csv;
    struct xlsx *xlsx;
    struct sheet_info info;
    struct arena kept;
    struct skipped { struct text *cells; size_t n; } *skipped;
    size_t n_skipped;
    int failed; /* after an error there are no more rows, only the error again */
};

/* What people have instead of a table, told by its first bytes; and what to do about it. */
static const struct {
    const char *magic;
    size_t n;
    const char *advice;
} others[] = {
    {"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", 8,
     "this is an old Excel workbook (.xls) or one with a password: open it in Excel or WPS and save it as "
     ".xlsx without one"},
    {"%PDF", 4, "this is a PDF: ask for the list as .xlsx or .csv"},
    {"\x89PNG", 4, "this is a picture: ask for the list as .xlsx or .csv"},
    {"\xFF\xD8\xFF", 3, "this is a picture: ask for the list as .xlsx or .csv"},
    {"Rar!", 4, "this is a RAR archive: unpack it first"},
    {"7z\xBC\xAF\x27\x1C", 6, "this is a 7z archive: unpack it first"},
    {"BZh", 3, "this is a bzip2 archive: unpack it first"},
    {"\xFD"
     "7zXZ",
     5, "this is an xz archive: unpack it first"},
    {"\x28\xB5\x2F\xFD", 4, "this is a zstd archive: unpack it first"},
    {"SQLite format 3", 15, "this is a SQLite database, not a table"},
};

static int refuse_others(struct text head, struct error *err) {
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (text_starts(head, (struct text){others[i].magic, others[i].n}))
            return error_set(err, E_UNSUPPORTED, NULL, "%s", others[i].advice);
    /* web pages under the name of .xls: what many systems call "export to Excel" */
    struct text t = text_trim(head);
    static const char *const marks[] = {"<html", "<!doctype", "<table", "<?xml", "<meta", "<head"};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (t.n >= strlen(marks[i]) && strncasecmp(t.s, marks[i], strlen(marks[i])) == 0)
            return error_set(err, E_UNSUPPORTED, NULL,
                             "this is a web page or XML under the name of a table: open it in Excel or WPS "
                             "and save it as .xlsx");
    return 0;
}

/* What is skipped is kept, for whoever writes the same shape, up to a megabyte. */
static int skip(struct sheet *s, struct skipped *row, struct error *err) {
    struct arena passing = {0};
    bool room = s->kept.used < (size_t)1 << 20;
    int rc = sheet_next_kept(s, room ? &s->kept : &passing, &row->cells, &row->n, err);
    if (!room) *row = (struct skipped){0};
    arena_clear(&passing);
    return rc;
}

/* src is given. */
static int sheet_start(struct source *src, const struct sheet_options *o, struct sheet **ret,
                       struct error *err) {
    static const struct sheet_options none = {0};
    struct sheet *s = mem_alloc(sizeof *s);
    if (!s) {
        source_close(src);
        return error_memory(err);
    }
    if (!o) o = &none;
    s->src = src;
    struct text head = source_head(src);
    int rc = refuse_others(head, err);
    if (rc < 0) goto out;
    if (text_starts(head, TEXT("PK\x03\x04")) || text_starts(head, TEXT("PK\x05\x06")))
        rc = xlsx_open(src, o, &s->info, &s->xlsx, err);
    else
        rc = csv_open(src, o, &s->info, &s->csv, err);
    if (rc == 0 && o->skip_rows && !(s->skipped = arena_alloc(&s->kept, o->skip_rows * sizeof *s->skipped))) rc = error_memory(err);
    for (size_t i = 0; rc == 0 && i < o->skip_rows; i++) rc = skip(s, &s->skipped[s->n_skipped++], err);
    if (rc < 0) goto out;
    *ret = s;
    s = NULL;
out:
    sheet_close(s);
    return rc;
}

int sheet_open(const char *path, const struct sheet_options *o, struct sheet **ret, struct error *err) {
    struct source *src = NULL;
    int rc = source_open(path, &src, err);
    if (rc < 0) return rc;
    rc = sheet_start(src, o, ret, err);
    if (rc < 0) error_within(err, path);
    return rc;
}

int sheet_open_bytes(const void *bytes, size_t n, const struct sheet_options *o, struct sheet **ret,
                     struct error *err) {
    struct source *src = NULL;
    int rc = source_open_bytes(bytes, n, &src, err);
    return rc < 0 ? rc : sheet_start(src, o, ret, err);
}

const struct sheet_info *sheet_about(const struct sheet *s) {
    return &s->info;
}

int sheet_next(struct sheet *s, const struct text **ret_cells, size_t *ret_n, int64_t *ret_line,
               bool *ret_damaged, struct error *err) {
    if (s->failed) return error_set(err, s->failed, NULL, "the file could not be read further");
    int rc = s->csv ? csv_next(s->csv, ret_cells, ret_n, ret_line, ret_damaged, err)
                    : xlsx_next(s->xlsx, ret_cells, ret_n, ret_line, ret_damaged, err);
    if (rc < 0) s->failed = rc;
    return rc;
}

int sheet_next_kept(struct sheet *s, struct arena *a, struct text **ret, size_t *ret_n, struct error *err) {
    const struct text *cells = NULL;
    size_t n = 0;
    int64_t line;
    bool damaged;
    int rc = sheet_next(s, &cells, &n, &line, &damaged, err);
    if (rc < 0) return rc;
    if (rc == 0) return error_set(err, E_SYNTAX, "file", "the file has no row / 文件没有数据行");
    struct text *kept = arena_alloc(a, (n + 1) * sizeof *kept);
    if (!kept) return error_memory(err);
    for (size_t k = 0; k < n; k++)
        if (!(kept[k] = arena_text(a, cells[k])).s) return error_memory(err);
    *ret = kept;
    *ret_n = n;
    return 0;
}

bool sheet_skipped(const struct sheet *s, size_t i, const struct text **ret_cells, size_t *ret_n) {
    if (i >= s->n_skipped) return false;
    *ret_cells = s->skipped[i].cells;
    *ret_n = s->skipped[i].n;
    return true;
}

void sheet_progress(const struct sheet *s, int64_t *ret_done_bytes, int64_t *ret_total_bytes) {
    int64_t total = source_total(s->src), done = source_done(s->src);
    if (s->xlsx) {
        int64_t read, all;
        xlsx_progress(s->xlsx, &read, &all);
        done = all > 0 ? (int64_t)((double)total * ((double)read / (double)all)) : total;
    }
    *ret_done_bytes = done < total ? done : total;
    *ret_total_bytes = total;
}

void sheet_close(struct sheet *s) {
    if (!s) return;
    csv_close(s->csv);
    xlsx_close(s->xlsx);
    source_close(s->src);
    arena_clear(&s->kept);
    mem_free(s);
}
