#include "check.h"

#include <glob.h>
#include <iconv.h>
#include <unistd.h>
#include <zlib.h>

#include "base/digest.h"
#include "files/sheet_bytes.h"

static char dir[64];

static const char *in_dir(const char *name) {
    static char path[4][160];
    static unsigned turn;
    char *p = path[turn++ % 4];
    snprintf(p, 160, "%s/%s", dir, name);
    return p;
}

static const char *file_of(const char *name, struct text bytes) {
    const char *path = in_dir(name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes.s, 1, bytes.n, f), bytes.n);
    assert_int_equal(fclose(f), 0);
    return path;
}

/* Rows as one text, cells in [], rows closed by /, damaged ones marked !. */
static struct text rows_of(struct sheet *s, struct arena *a, struct error *err) {
    struct buf b = {0};
    const struct text *cells;
    size_t n;
    int64_t line;
    bool damaged;
    int rc;
    while ((rc = sheet_next(s, &cells, &n, &line, &damaged, err)) > 0) {
        for (size_t i = 0; i < n; i++) {
            buf_char(&b, '[');
            buf_text(&b, cells[i]);
            buf_char(&b, ']');
        }
        buf_printf(&b, "%s%lld/", damaged ? "!" : "", (long long)line);
    }
    if (rc < 0) buf_printf(&b, "%s", error_name(rc));
    struct text t = arena_text(a, buf_view(&b));
    buf_clear(&b);
    return t;
}

static void expect(struct text bytes, const struct sheet_options *o, const char *rows) {
    struct arena a = {0};
    struct error err = {0};
    struct sheet *s = NULL;
    assert_ok(sheet_open_bytes(bytes.s, bytes.n, o, &s, &err), err);
    struct text got = rows_of(s, &a, &err);
    if (!text_is(got, rows)) fail_msg("got  %.*s\nwant %s", (int)got.n, got.s, rows);
    sheet_close(s);
    arena_clear(&a);
}

static int open_code(struct text bytes) {
    struct error err = {0};
    struct sheet *s = NULL;
    int rc = sheet_open_bytes(bytes.s, bytes.n, NULL, &s, &err);
    assert_int_equal(rc, err.code);
    if (rc < 0) assert_null(s);
    sheet_close(s);
    return rc;
}

static void what_is_no_table_is_refused(void **state) {
    (void)state;
    struct sheet *s = NULL;
    struct error err = {0};
    assert_int_equal(sheet_open(in_dir("missing.csv"), NULL, &s, &err), E_IO);
    assert_non_null(strstr(err.where, "missing.csv"));
    err = (struct error){0};
    assert_int_equal(sheet_open(dir, NULL, &s, &err), E_IO);
    assert_null(s);
    assert_int_equal(open_code(TEXT("")), E_SYNTAX);
    assert_int_equal(open_code(TEXT("\xEF\xBB\xBF")), E_SYNTAX);
    assert_int_equal(open_code(TEXT("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1 and more")), E_UNSUPPORTED);
    assert_int_equal(open_code(TEXT("\x7F"
                                    "ELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3E\0")),
                     E_UNSUPPORTED);
    assert_int_equal(open_code(TEXT("<html><table><tr><td>x")), E_UNSUPPORTED);
    assert_int_equal(open_code(TEXT("%PDF-1.7")), E_UNSUPPORTED);
    struct rng r;
    rng_seed(&r, 1);
    char noise[4096];
    for (size_t i = 0; i < sizeof noise; i++) noise[i] = (char)rng_below(&r, 256);
    assert_int_equal(open_code((struct text){noise, sizeof noise}), E_UNSUPPORTED);
}

/* A list of four lines and more whose third row is `odd`: it is told as damaged, and what comes behind it stands in its own line. */
static void third_is_refused(const struct buf *odd, int64_t next_line, size_t *ret_cells) {
    struct buf b = {0};
    struct error err = {0};
    struct sheet *s = NULL;
    const struct text *cells;
    size_t n, bytes = 0;
    int64_t line;
    bool damaged;
    buf_str(&b, "a,b\r\n1,2\r\n");
    buf_text(&b, buf_view(odd));
    buf_str(&b, "\r\n3,\"4\n\"\r\n5,6\r\n");
    assert_false(b.failed);
    assert_ok(sheet_open_bytes(b.s, b.n, NULL, &s, &err), err);
    for (int64_t k = 1; k <= 2; k++) assert_true(sheet_next(s, &cells, &n, &line, &damaged, &err) == 1 && !damaged && line == k);
    assert_int_equal(sheet_next(s, &cells, &n, &line, &damaged, &err), 1);
    assert_true(damaged && line == 3 && n > 0 && n <= SHEET_COLUMNS_MAX);
    for (size_t i = 0; i < n; i++) {
        assert_true(cells[i].n <= SHEET_CELL_MAX && text_utf8_valid(cells[i]));
        bytes += cells[i].n;
    }
    assert_true(bytes <= SHEET_ROW_MAX);
    *ret_cells = n;
    assert_int_equal(sheet_next(s, &cells, &n, &line, &damaged, &err), 1);
    assert_true(!damaged && n == 2 && text_is(cells[1], "4\n"));
    assert_int_equal(line, next_line);
    assert_true(sheet_next(s, &cells, &n, &line, &damaged, &err) == 1 && !damaged && line == next_line + 2 && text_is(cells[1], "6"));
    assert_int_equal(sheet_next(s, &cells, &n, &line, &damaged, &err), 0);
    sheet_close(s);
    buf_clear(&b);
}

static void a_row_too_large_costs_itself(void **state) {
    (void)state;
    static const size_t sizes[] = {SHEET_ROW_MAX - 100, SHEET_ROW_MAX + 1, SHEET_ROW_MAX * 2, SHEET_ROW_MAX * 6};
    struct buf odd = {0};
    size_t n;
    for (int i = 0; i <= SHEET_COLUMNS_MAX; i++) buf_str(&odd, "张,"); /* one cell more than allowed */
    third_is_refused(&odd, 4, &n);
    assert_int_equal(n, SHEET_COLUMNS_MAX);
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        buf_reset(&odd); /* cells of a thousand bytes, without quotes */
        while (odd.n < sizes[k] && !odd.failed) buf_printf(&odd, "%999d,", 7);
        if (sizes[k] > SHEET_ROW_MAX) third_is_refused(&odd, 4, &n);
        buf_reset(&odd); /* one cell, no end to it */
        while (odd.n < sizes[k] && !odd.failed) buf_str(&odd, "张三");
        third_is_refused(&odd, 4, &n);
        assert_int_equal(n, 1);
        buf_reset(&odd); /* quoted, with commas, quotes and line ends inside */
        buf_str(&odd, "x,\"");
        int64_t lines = 0;
        for (; odd.n < sizes[k] && !odd.failed; lines++) buf_printf(&odd, "李,\"\"%99d\r\n", 7);
        buf_str(&odd, "\",y");
        if (odd.n <= 4 * SHEET_ROW_MAX) third_is_refused(&odd, 4 + lines, &n);
        if (odd.n <= SHEET_ROW_MAX) assert_int_equal(n, 3);
    }
    buf_clear(&odd);
}

/* One bad row costs itself: a cell that is too long is cut and its row told as damaged, a NUL does not make a list another encoding. */
static void one_bad_row_does_not_end_the_file(void **state) {
    (void)state;
    struct buf b = {0};
    struct error err = {0};
    struct sheet *s = NULL;
    const struct text *cells;
    size_t n;
    int64_t line;
    bool damaged;
    buf_str(&b, "姓名,b\n\"");
    for (int i = 0; i < SHEET_CELL_MAX / 3 + 2; i++) buf_str(&b, "张");
    buf_str(&b, "\",2\n李");
    buf_char(&b, 0);
    buf_str(&b, "娜,3\n王芳,4\n");
    assert_ok(sheet_open_bytes(b.s, b.n, NULL, &s, &err), err);
    assert_string_equal(sheet_about(s)->encoding, "UTF-8");
    assert_int_equal(sheet_next(s, &cells, &n, &line, &damaged, &err), 1);
    assert_false(damaged);
    assert_int_equal(sheet_next(s, &cells, &n, &line, &damaged, &err), 1);
    assert_true(damaged && n == 2 && cells[0].n <= SHEET_CELL_MAX && text_utf8_valid(cells[0]) && text_is(cells[1], "2"));
    assert_int_equal(sheet_next(s, &cells, &n, &line, &damaged, &err), 1);
    assert_true(damaged && text_is(cells[1], "3"));
    assert_int_equal(sheet_next(s, &cells, &n, &line, &damaged, &err), 1);
    assert_true(!damaged && text_is(cells[0], "王芳") && line == 4);
    assert_int_equal(sheet_next(s, &cells, &n, &line, &damaged, &err), 0);
    sheet_close(s);
    /* the header itself: a row among the first bytes */
    static const char head[] = "姓名,联系电话\na\0b,13800138000\n王芳,13900139000\n";
    err = (struct error){0};
    assert_ok(sheet_open_bytes(head, sizeof head - 1, NULL, &s, &err), err);
    assert_string_equal(sheet_about(s)->encoding, "UTF-8");
    assert_int_equal(sheet_next(s, &cells, &n, &line, &damaged, &err), 1);
    assert_true(text_is(cells[0], "姓名"));
    assert_int_equal(sheet_next(s, &cells, &n, &line, &damaged, &err), 1);
    assert_true(damaged);
    sheet_close(s);
    buf_clear(&b);
}

/* Wherever a NUL got into a table, of a few rows or of many: the encoding is what it was, and only the row that holds it is damaged. */
static void a_nul_costs_its_row(void **state) {
    (void)state;
    static const struct { const char *name, *head, *row; } lists[] = {
        {"UTF-8", "person,place,start\n", "a%d,x,2022-05-28T10:00\n"}, {"UTF-8", "姓名,场所,开始时间\n", "王小%d,农贸市场,2022-05-28\n"}, {"GB18030", "姓名,场所,开始时间\n", "王小%d,农贸市场,2022-05-28\n"},
        {"BIG5", "姓名,場所,開始時間\n", "王小%d,農貿市場國際廣場體育館,2022-05-28\n"}, {"CP1252", "name,place,start\n", "M\xc3\xbcller %d,Caf\xc3\xa9 R\xc3\xb6mer,2022-05-28\n"}};
    static const int sizes[] = {2, 40};
    for (size_t k = 0; k < 2 * sizeof lists / sizeof *lists; k++) {
        struct buf utf8 = {0}, holed = {0};
        char bytes[8192], *from, *to = bytes;
        buf_str(&utf8, lists[k / 2].head);
        for (int i = 0; i < sizes[k % 2]; i++) buf_printf(&utf8, lists[k / 2].row, i);
        size_t in = utf8.n, room = sizeof bytes;
        iconv_t cd = iconv_open(lists[k / 2].name, "UTF-8");
        assert_true(cd != (iconv_t)-1);
        from = (char *)utf8.s;
        assert_int_equal(iconv(cd, &from, &in, &to, &room), 0);
        iconv_close(cd);
        size_t all = (size_t)(to - bytes), lines = 1 + (size_t)sizes[k % 2];
        for (size_t at = 0; at < all; at += 1 + at / 200) {
            struct error err = {0};
            struct sheet *s = NULL;
            const struct text *cells;
            size_t n, row = 1, seen = 0;
            int64_t line;
            bool damaged;
            for (size_t i = 0; i < at; i++) row += bytes[i] == '\n';
            buf_reset(&holed);
            buf_add(&holed, bytes, at);
            buf_char(&holed, 0);
            buf_add(&holed, bytes + at, all - at);
            if (sheet_open_bytes(holed.s, holed.n, NULL, &s, &err) < 0 || strcmp(sheet_about(s)->encoding, lists[k / 2].name)) fail_msg("%s of %zu rows, a NUL at %zu: %s %s", lists[k / 2].name, lines, at, err.message, s ? sheet_about(s)->encoding : "");
            while (sheet_next(s, &cells, &n, &line, &damaged, &err) == 1) {
                assert_int_equal(damaged, line == (int64_t)row);
                if (!damaged) assert_true(n == 3 && (line == 1 || text_is(cells[2], k < 2 ? "2022-05-28T10:00" : "2022-05-28")));
                seen++;
            }
            assert_int_equal(seen, lines);
            sheet_close(s);
        }
        buf_clear(&utf8);
        buf_clear(&holed);
    }
}

/* A stray quote in a file larger than the cap of a row: one row is told as damaged, all others are read. */
static void a_quote_never_closed_costs_one_row(void **state) {
    (void)state;
    struct buf b = {0};
    struct error err = {0};
    struct sheet *s = NULL;
    size_t rows = 0, broken = 0, n;
    for (int i = 0; i < 600000; i++) buf_printf(&b, i == 10 ? "\"%d,abcdef\n" : "%d,abcdefgh\n", i);
    assert_true(b.n > 2 * SHEET_ROW_MAX);
    assert_ok(sheet_open_bytes(b.s, b.n, NULL, &s, &err), err);
    const struct text *cells;
    int64_t line;
    bool damaged;
    while (sheet_next(s, &cells, &n, &line, &damaged, &err) > 0) {
        assert_int_equal(n, 2);
        broken += damaged;
        if (damaged) assert_int_equal(line, 11);
        rows++;
    }
    assert_int_equal(err.code, 0);
    assert_int_equal(rows, 600000);
    assert_int_equal(broken, 1);
    sheet_close(s);
    buf_clear(&b);
}

static void cells_of_csv(void **state) {
    (void)state;
    expect(TEXT("a,b\n1,2\n"), NULL, "[a][b]1/[1][2]2/");
    expect(TEXT("a,b\r\n1,\r\n,2"), NULL, "[a][b]1/[1][]2/[][2]3/");
    expect(TEXT("a,b\r1,2\r"), NULL, "[a][b]1/[1][2]2/");
    expect(TEXT("a,b\n\n\r\n1,2,3\n4\n"), NULL, "[a][b]1/[1][2][3]4/[4]5/");
    expect(TEXT("\"a\"\"b\",\"c\nd\"\ne,f\n"), NULL, "[a\"b][c\nd]1/[e][f]3/");
    expect(TEXT("a,b\n\"x\"y,z\"w\"\n\"\",\"\"\"\"\n"), NULL, "[a][b]1/[xy][z\"w\"]2/[][\"]3/");
    expect(TEXT("sep=;\na;b,c\n"), NULL, "[a][b,c]2/");
    expect(TEXT("name;v\nx;1,5\ny;2,5\n"), NULL, "[name][v]1/[x][1,5]2/[y][2,5]3/");
    expect(TEXT("title\na|b\n1|2\n"), &(struct sheet_options){.skip_rows = 1}, "[a][b]2/[1][2]3/");
    expect(TEXT("only\n"), NULL, "[only]1/");
    /* a quote never closed costs its own row, not the rest of the file */
    expect(TEXT("a,b\n\"x,1\ny,2\n"), NULL, "[a][b]1/[\"x][1]!2/[y][2]3/");
    /* bytes that do not decode are told per row */
    expect(TEXT("姓名,电话\n张三,1\n李\xE5,2\n王五,3\n"), NULL,
           "[姓名][电话]1/[张三][1]2/[李\xEF\xBF\xBD][2]!3/[王五][3]4/");
}

static struct text encoded(struct arena *a, const char *to, struct text t) {
    iconv_t cd = iconv_open(to, "UTF-8");
    assert_true(cd != (iconv_t)-1);
    size_t cap = t.n * 4 + 16, in_left = t.n, out_left = cap;
    char *out = arena_alloc(a, cap), *at = out, *from = (char *)t.s;
    assert_non_null(out);
    assert_true(iconv(cd, &from, &in_left, &at, &out_left) != (size_t)-1);
    iconv_close(cd);
    return (struct text){out, cap - out_left};
}

static struct text gzipped(struct arena *a, struct text t) {
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    size_t cap = deflateBound(&z, t.n) + 32;
    z.next_out = arena_alloc(a, cap);
    assert_non_null(z.next_out);
    char *out = (char *)z.next_out;
    z.avail_out = (uInt)cap;
    z.next_in = (unsigned char *)t.s;
    z.avail_in = (uInt)t.n;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    return (struct text){out, cap - z.avail_out};
}

/* Every encoding x byte order mark x delimiter x line end x gzip: found out by itself, read back equal. */
static void every_shape_is_found_by_content(void **state) {
    (void)state;
    static const struct {
        const char *name, *bom;
        size_t bom_n;
        bool western, traditional;
    } shapes[] = {
        {"UTF-8", "", 0, false, false},
        {"UTF-8", "\xEF\xBB\xBF", 3, false, false},
        {"UTF-16LE", "\xFF\xFE", 2, false, false},
        {"UTF-16BE", "\xFE\xFF", 2, false, false},
        {"UTF-16LE", "", 0, false, false},
        {"UTF-16BE", "", 0, false, false},
        {"GB18030", "", 0, false, false},
        {"GB18030", "\x84\x31\x95\x33", 4, false, false},
        {"BIG5", "", 0, false, true},
        {"CP1252", "", 0, true, false},
    };
    static const char *const ends[] = {"\n", "\r\n", "\r"};
    static const char delimiters[] = ",;\t|";
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        for (size_t d = 0; d < 4; d++) {
            for (size_t e = 0; e < 3; e++) {
                struct arena a = {0};
                struct buf b = {0}, want = {0};
                for (int row = 0; row < 40; row++) {
                    const char *name = shapes[i].western       ? "José Müller"
                                       : shapes[i].traditional ? "陳大文於臺北"
                                                               : "张伟一家在重庆市";
                    buf_printf(&b, "%s%d%c\"%s%c x\"%c138%08d%s", name, row, delimiters[d], name,
                               delimiters[d], delimiters[d], row * 7919, ends[e]);
                    buf_printf(&want, "[%s%d][%s%c x][138%08d]%d/", name, row, name, delimiters[d],
                               row * 7919, row + 1);
                }
                struct text body = encoded(&a, shapes[i].name, buf_view(&b));
                char *joined = arena_alloc(&a, body.n + 8);
                assert_non_null(joined);
                memcpy(joined, shapes[i].bom, shapes[i].bom_n);
                memcpy(joined + shapes[i].bom_n, body.s, body.n);
                struct text plain = {joined, shapes[i].bom_n + body.n};
                for (int gzip = 0; gzip < 2; gzip++) {
                    struct text t = gzip ? gzipped(&a, plain) : plain;
                    struct sheet *s = NULL;
                    struct error err = {0};
                    const char *path = file_of("shape.txt", t);
                    assert_ok(sheet_open(path, NULL, &s, &err), err);
                    const struct sheet_info *about = sheet_about(s);
                    struct text got = rows_of(s, &a, &err);
                    assert_string_equal(about->encoding, shapes[i].name);
                    assert_int_equal(about->delimiter, delimiters[d]);
                    assert_int_equal(about->crlf, e == 1);
                    assert_int_equal(about->gzip, gzip);
                    assert_int_equal(about->bom, shapes[i].bom_n > 0);
                    if (!text_eq(got, buf_view(&want)))
                        fail_msg("%s: %.*s", about->encoding, (int)got.n, got.s);
                    int64_t done = 0, total = 0;
                    sheet_progress(s, &done, &total);
                    assert_int_equal(done, total);
                    sheet_close(s);
                }
                buf_clear(&b);
                buf_clear(&want);
                arena_clear(&a);
            }
        }
    }
}

static void cut_gzip_is_refused(void **state) {
    (void)state;
    struct arena a = {0};
    struct buf b = {0};
    for (int i = 0; i < 100000; i++) buf_printf(&b, "row %d,%d\n", i, i * 31);
    struct text t = gzipped(&a, buf_view(&b));
    for (size_t cut = 1; cut < t.n; cut = cut * 3 + 1) {
        struct sheet *s = NULL;
        struct error err = {0};
        int rc = sheet_open_bytes(t.s, t.n - cut, NULL, &s, &err);
        if (rc == 0) {
            struct text got = rows_of(s, &a, &err);
            assert_true(got.n > 6 && memcmp(got.s + got.n - 6, "SYNTAX", 6) == 0);
        } else {
            assert_int_equal(rc, E_SYNTAX);
        }
        sheet_close(s);
    }
    struct sheet *s = NULL;
    struct error err = {0};
    assert_int_equal(sheet_open_bytes(t.s, t.n, &(struct sheet_options){.max_bytes = 1000}, &s, &err),
                     E_TOO_LARGE);
    buf_clear(&b);
    arena_clear(&a);
}

/* ASCII for a megabyte, then one Chinese name: the encoding is found where it matters. */
static void late_characters_decide_the_encoding(void **state) {
    (void)state;
    struct arena a = {0};
    for (int gb = 0; gb < 2; gb++) {
        for (size_t before = 1000; before < 3000000; before = before * 4 + 13) {
            struct buf b = {0};
            size_t rows = 0;
            while (b.n < before && !b.failed) {
                buf_printf(&b, "%zu,abc\n", b.n);
                rows++;
            }
            const char *name = gb ? "\xD5\xC5\xC8\xFD,\xC0\xEE\xCB\xC4\n" : "张三,李四\n";
            for (int i = 0; i < 50000; i++) buf_str(&b, name);
            struct sheet *s = NULL;
            struct error err = {0};
            assert_ok(sheet_open_bytes(b.s, b.n, NULL, &s, &err), err);
            const struct text *cells;
            size_t n, seen = 0, names = 0;
            int64_t line;
            bool damaged;
            while (sheet_next(s, &cells, &n, &line, &damaged, &err) > 0) {
                assert_int_equal(n, 2);
                assert_false(damaged);
                assert_int_equal(line, ++seen);
                names += text_is(cells[0], "张三") && text_is(cells[1], "李四");
            }
            assert_int_equal(err.code, 0);
            assert_int_equal(seen, rows + 50000);
            assert_int_equal(names, 50000);
            assert_string_equal(sheet_about(s)->encoding, gb ? "GB18030" : "UTF-8");
            sheet_close(s);
            buf_clear(&b);
        }
    }
    arena_clear(&a);
}

/* ---- real files */

/* Counts the simplest way: a quote toggles, a line end outside quotes ends a row that has a byte. */
static size_t naive_rows(struct text t) {
    size_t rows = 0, in_row = 0;
    bool quoted = false;
    for (size_t i = 0; i < t.n; i++) {
        char c = t.s[i];
        if (c == '"') quoted = !quoted;
        if ((c == '\n' || c == '\r') && !quoted) {
            rows += in_row > 0;
            in_row = 0;
        } else {
            in_row++;
        }
    }
    return rows + (in_row > 0);
}

static void unpacked(const char *path, struct buf *b) {
    char chunk[65536];
    gzFile f = gzopen(path, "rb"); /* reads plain files as they are */
    assert_non_null(f);
    for (int k; (k = gzread(f, chunk, sizeof chunk)) > 0;) buf_add(b, chunk, (size_t)k);
    gzclose(f);
}

static void every_real_table_opens(void **state) {
    (void)state;
    const char *home = getenv("TOCSIN_HOME") ? getenv("TOCSIN_HOME") : ".", *shared = getenv("TOCSIN_SHARED");
    char pattern[256];
    glob_t found = {0};
    static const char *const kinds[] = {"*.csv", "*.csv.gz", "*.tsv"};
    for (size_t i = 0; i < 3; i++) {
        if (shared)
            snprintf(pattern, sizeof pattern, "%s/data/*/%s", shared, kinds[i]);
        else
            snprintf(pattern, sizeof pattern, "%s/../shared/data/*/%s", home, kinds[i]);
        glob(pattern, i ? GLOB_APPEND : 0, NULL, &found);
    }
    if (!found.gl_pathc) {
        print_message("# SKIPPED: no real line lists at %s; set TOCSIN_SHARED\n", pattern);
        globfree(&found);
        skip();
    }
    size_t all = 0;
    for (size_t i = 0; i < found.gl_pathc; i++) {
        const char *path = found.gl_pathv[i];
        struct buf b = {0};
        struct error err = {0};
        struct sheet *s = NULL;
        unpacked(path, &b);
        assert_ok(sheet_open(path, NULL, &s, &err), err);
        const struct text *cells;
        size_t n, rows = 0, header = 0, ragged = 0, broken = 0;
        int64_t line;
        bool damaged;
        int rc;
        while ((rc = sheet_next(s, &cells, &n, &line, &damaged, &err)) > 0) {
            if (!rows++) header = n;
            ragged += n != header;
            broken += damaged;
        }
        assert_ok(rc, err);
        if (rows != naive_rows(buf_view(&b)) || header < 2 || ragged * 10 > rows ||
            broken) /* 43 rows of one are short */
            fail_msg("%s: %zu rows (naive %zu), %zu columns, %zu ragged, %zu damaged, delimiter %d, %s", path,
                     rows, naive_rows(buf_view(&b)), header, ragged, broken, sheet_about(s)->delimiter,
                     sheet_about(s)->encoding);
        all += rows;
        sheet_close(s);
        buf_clear(&b);
    }
    print_message("# %zu real files, %zu rows\n", found.gl_pathc, all);
    globfree(&found);
}

static int group_start(void **state) {
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/tocsin-sheet-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int group_end(void **state) {
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", dir);
    return system(command) == 0 ? 0 : -1;
}

int main(void) {
    struct error err = {0};
    if (digest_init(&err) < 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_table_is_refused),
        cmocka_unit_test(a_row_too_large_costs_itself),
        cmocka_unit_test(cut_gzip_is_refused),
        cmocka_unit_test(cells_of_csv),
        cmocka_unit_test(every_shape_is_found_by_content),
        cmocka_unit_test(late_characters_decide_the_encoding),
        cmocka_unit_test(every_real_table_opens), cmocka_unit_test(one_bad_row_does_not_end_the_file), cmocka_unit_test(a_nul_costs_its_row),
        cmocka_unit_test(a_quote_never_closed_costs_one_row),
    };
    return cmocka_run_group_tests(tests, group_start, group_end);
}
