/* Tables in files: rows and bytes a second of reading and writing, against the targets of
 * docs/performance.md. bench_sheet [rows]: exits 1 when a target is missed. */
#include <iconv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/digest.h"
#include "base/instant.h"
#include "base/repair.h"
#include "files/sheet_bytes.h"

static bool missed;

static void fail(const char *what, const struct error *err) {
    fprintf(stderr, "%s: %s %s\n", what, err->message, err->where);
    exit(1);
}

/* A contact list of twelve columns as districts send them. */
static void list_of(struct buf *b, size_t rows, bool quoted, bool chinese) {
    static const char *const names[] = {"张伟", "王芳", "李娜", "刘洋", "陈建国", "杨晓梅"};
    static const char *const places[] = {"重庆市渝北区龙溪街道", "上海市浦东新区", "拉萨市城关区",
                                         "济南市历下区"};
    struct rng r;
    rng_seed(&r, 1);
    b->max = (size_t)4 << 30;
    const char *q = quoted ? "\"" : "";
    for (size_t i = 0; i < rows; i++) {
        const char *name = chinese ? names[rng_below(&r, 6)] : "Zhang Wei",
                   *place = chinese ? places[rng_below(&r, 4)] : "Longxi, Yubei";
        const char *p = chinese ? q : "\"";
        buf_printf(
            b, "%zu,%s%s%s,%sM%s,%s%d%s,1381%07d,%s%s%s,2022-05-%02d,close,C-%06d,%s31011519%08d%s,,ok\r\n",
            i, q, name, q, q, q, q, 20 + (int)rng_below(&r, 60), q, (int)rng_below(&r, 9999999), p, place, p,
            1 + (int)rng_below(&r, 30), (int)rng_below(&r, 999999), q, (int)rng_below(&r, 99999999), q);
    }
    if (b->failed) exit(1);
}

static double read_rows(const void *bytes, size_t n, const struct sheet_options *o, size_t *ret_rows,
                        size_t *ret_cells) {
    struct sheet *s = NULL;
    struct error err = {0};
    int64_t start = monotonic_ns(), line;
    if (sheet_open_bytes(bytes, n, o, &s, &err) < 0) fail("open", &err);
    const struct text *cells;
    size_t k, rows = 0, all = 0;
    bool damaged;
    int rc;
    while ((rc = sheet_next(s, &cells, &k, &line, &damaged, &err)) > 0) {
        rows++;
        all += k;
        if (damaged) rows = 0;
    }
    if (rc < 0) fail("read", &err);
    sheet_close(s);
    *ret_rows = rows;
    *ret_cells = all;
    return (double)(monotonic_ns() - start) / 1e9;
}

/* The best of three; a target of 0 is none. */
static void report(const char *what, const void *bytes, size_t n, double mb_target, double rows_target) {
    size_t rows = 0, cells = 0;
    double best = 1e9;
    for (int i = 0; i < 3; i++) {
        double s = read_rows(bytes, n, NULL, &rows, &cells);
        best = s < best ? s : best;
    }
    double mb = (double)n / 1e6 / best, rate = (double)rows / best;
    bool ok = mb >= mb_target || (rows_target > 0 && rate >= rows_target);
    printf("%-34s %9zu rows %8.1f MB %6.3f s %7.0f MB/s %6.2f M rows/s%s\n", what, rows, (double)n / 1e6,
           best, mb, rate / 1e6, ok ? "" : "  MISSED");
    missed = missed || !ok;
}

static void recode(const struct buf *in, const char *to, struct buf *out) {
    iconv_t cd = iconv_open(to, "UTF-8");
    char chunk[65536], *from = in->s;
    size_t left = in->n;
    out->max = (size_t)4 << 30;
    while (left) {
        char *at = chunk;
        size_t room = sizeof chunk;
        iconv(cd, &from, &left, &at, &room);
        buf_add(out, chunk, sizeof chunk - room);
    }
    iconv_close(cd);
}

static void gzip(const struct buf *in, struct buf *out) {
    z_stream z = {0};
    char chunk[65536];
    deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
    z.next_in = (unsigned char *)in->s;
    z.avail_in = (uInt)in->n;
    do {
        z.next_out = (unsigned char *)chunk;
        z.avail_out = sizeof chunk;
        deflate(&z, Z_FINISH);
        buf_add(out, chunk, sizeof chunk - z.avail_out);
    } while (z.avail_out == 0);
    deflateEnd(&z);
}

static void csv(size_t rows) {
    struct buf b = {0}, other = {0};
    list_of(&b, rows, false, false);
    report("CSV UTF-8, English, 2 quoted", b.s, b.n, 300, 1.5e6);
    buf_reset(&b);
    list_of(&b, rows, false, true);
    report("CSV UTF-8, Chinese", b.s, b.n, 300, 1.5e6);
    recode(&b, "GB18030", &other);
    report("CSV GB18030", other.s, other.n, 100, 0);
    buf_reset(&other);
    recode(&b, "UTF-16LE", &other);
    report("CSV UTF-16LE", other.s, other.n, 100, 0);
    buf_reset(&other);
    gzip(&b, &other);
    report("CSV UTF-8, gzip", other.s, other.n, 0, 0);
    buf_reset(&b);
    list_of(&b, rows, true, true);
    report("CSV UTF-8, Chinese, quoted", b.s, b.n, 300, 1.5e6);
    buf_clear(&b);
    buf_clear(&other);
}

static void workbook(const char *path) {
    struct error err = {0};
    struct sheet_writer *w = NULL;
    struct buf b = {0};
    char number[32];
    int64_t start = monotonic_ns();
    if (sheet_create(path, &(struct sheet_info){.format = SHEET_XLSX, .sheet = "密接"}, true, &w, &err) < 0)
        fail("create", &err);
    for (int i = 0; i < 100000; i++) {
        snprintf(number, sizeof number, "31011519900307%04d", i % 10000);
        struct text row[] = {TEXT("张伟"), text_of(number), TEXT("2022-05-30"), TEXT("重庆市渝北区龙溪街道"),
                             TEXT("close")};
        if (sheet_put(w, row, 5, &err) < 0) fail("put", &err);
    }
    if (sheet_finish(w, &err) < 0) fail("finish", &err);
    double wrote = (double)(monotonic_ns() - start) / 1e9, best = 1e9;
    if (file_read(path, 1 << 28, &b, &err) < 0) fail("read", &err);
    size_t rows, cells;
    for (int i = 0; i < 3; i++) {
        double s = read_rows(b.s, b.n, NULL, &rows, &cells);
        best = s < best ? s : best;
    }
    bool ok = best <= 0.4 && rows == 100000 && cells == 500000;
    printf("XLSX 100,000 rows x 5: written in %.2f s (%.1f MB), read in %.3f s%s\n", wrote, (double)b.n / 1e6,
           best, ok ? "" : "  MISSED");
    missed = missed || !ok;
    buf_clear(&b);
}

static void repairs(void) {
    static const struct {
        const char *what, *cell;
        double target;
    } kinds[] = {
        {"ASCII, nothing to do", "13800138000", 40},
        {"Han, nothing to do", "重庆市渝北区", 150},
        {"full-width digits", "１３８００１３８０００", 0},
        {"gloss", "當(dāng)前", 0},
        {"mojibake", "ä¸­æ–‡", 0},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct arena a = {0};
        struct text t, in = text_of(kinds[i].cell);
        unsigned done;
        int64_t start = monotonic_ns();
        for (int k = 0; k < 1000000; k++) {
            repair_cell(in, REPAIR_DEFAULT, &a, &t, &done);
            if (a.used > 1 << 16) arena_reset(&a);
        }
        double ns = (double)(monotonic_ns() - start) / 1e6;
        bool ok = !kinds[i].target || ns <= kinds[i].target;
        printf("repair: %-26s %7.1f ns a cell%s\n", kinds[i].what, ns, ok ? "" : "  MISSED");
        missed = missed || !ok;
        arena_clear(&a);
    }
}

int main(int argc, char **argv) {
    char path[64];
    size_t rows = argc > 1 ? (size_t)atoll(argv[1]) : 1000000;
    if (digest_init(NULL) < 0) return 1;
    csv(rows);
    snprintf(path, sizeof path, "/tmp/tocsin-bench-%ld.xlsx", (long)getpid());
    workbook(path);
    unlink(path);
    repairs();
    return missed;
}
