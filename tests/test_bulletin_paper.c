/* The report on paper: disclosure control, JSON, text and PDF, from figures made by hand. Refusals first. */
#include <jansson.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/digest.h"
#include "check.h"
#include "desks/bulletin/bulletin.h"

static struct text texts[8];
#define T(literal) {(literal), sizeof(literal) - 1} /* a constant, for static tables */

/* A copy the report may change. */
static void *keep(struct bulletin *b, const void *from, size_t n) {
    void *to = arena_alloc(&b->arena, n);
    assert_non_null(to);
    return memcpy(to, from, n);
}

/* A county in the third week of an outbreak; small enough to read, with every part of the report in use. */
static void sample(struct bulletin *b) {
    bulletin_init(b);
    b->region = TEXT("310115"), b->region_zh = TEXT("临江县"), b->region_en = TEXT("Linjiang County");
    day_parse(TEXT("2022-05-30"), &b->day);
    b->as_of = instant_of_day(b->day + 1, ZONE_CHINA_S) + 9 * 3600;
    b->serial = 150;
    b->fresh = (struct bulletin_cases){{{38, 6, 1}, {21, 9, 0}, {3, 1, 0}}};
    b->total = (struct bulletin_cases){{{612, 71, 2}, {287, 55, 0}, {14, 2, 0}}};
    b->yesterday_total = 81;
    b->controlled = 58, b->uncontrolled = 15, b->control_unknown = 2;
    b->conversions = 4, b->excluded = 1;
    static struct bulletin_count routes[] = {{T("isolation"), T("隔离管控"), T("isolation"), 41},
                                             {T("contact"), T("密接排查"), T("contact tracing"), 17},
                                             {T("screening"), T("核酸筛查"), T("screening"), 12},
                                             {T("clinic"), T("主动就诊"), T("clinic"), 5}};
    static struct bulletin_count severities[] = {{T("mild"), T("轻型"), T("mild"), 402},
                                                 {T("moderate"), T("普通型"), T("moderate"), 88},
                                                 {T("severe"), T("重型"), T("severe"), 7},
                                                 {T("critical"), T("危重型"), T("critical"), 2}};
    b->routes = keep(b, routes, sizeof routes), b->n_routes = 4;
    b->severities = keep(b, severities, sizeof severities), b->n_severities = 4;
    static const struct {
        const char *code, *zh, *en;
        int64_t fresh[CLASSES][ORIGINS], total[CLASSES][ORIGINS];
    } places[] = {
        {"310115001", "城关镇", "Chengguan", {{20, 4, 1}, {11, 5, 0}, {2, 1, 0}}, {{320, 41, 2}, {150, 30, 0}, {8, 2, 0}}},
        {"310115002", "青石乡", "Qingshi", {{9, 2, 0}, {6, 4, 0}, {1, 0, 0}}, {{166, 20, 0}, {80, 15, 0}, {4, 0, 0}}},
        {"310115003", "河口镇", "Hekou", {{7, 0, 0}, {3, 0, 0}, {0, 0, 0}}, {{90, 8, 0}, {41, 7, 0}, {2, 0, 0}}},
        {"310115004", "云岭乡", "Yunling", {{2, 0, 0}, {1, 0, 0}, {0, 0, 0}}, {{36, 2, 0}, {16, 3, 0}, {0, 0, 0}}},
    };
    static struct bulletin_row rows[4], diseases[2];
    for (int i = 0; i < 4; i++) {
        rows[i] = (struct bulletin_row){.code = text_of(places[i].code), .zh = text_of(places[i].zh), .en = text_of(places[i].en)};
        memcpy(rows[i].fresh.n, places[i].fresh, sizeof rows[i].fresh.n);
        memcpy(rows[i].total.n, places[i].total, sizeof rows[i].total.n);
    }
    b->regions = rows, b->n_regions = 4;
    diseases[0] = (struct bulletin_row){.code = TEXT("covid-19"), .zh = TEXT("新型冠状病毒感染"), .en = TEXT("COVID-19"), .fresh = b->fresh, .total = b->total};
    diseases[1] = (struct bulletin_row){.code = TEXT("influenza"), .zh = TEXT("流行性感冒"), .en = TEXT("Influenza")};
    diseases[1].fresh.n[0][0] = 12, diseases[0].fresh.n[0][0] -= 12;
    diseases[1].total.n[0][0] = 96, diseases[0].total.n[0][0] -= 96;
    b->diseases = diseases, b->n_diseases = 2;
    b->active = 604, b->recovered = 27, b->released = 11, b->died = 1;
    b->total_recovered = 301, b->total_released = 116, b->total_died = 6;
    for (int i = 0; i < STEPS; i++) {
        b->times_day[i] = (struct bulletin_time){60 - 7 * i, 3600 * (20 - 5 * i), 3600 * (60 - 11 * i)};
        b->times_week[i] = (struct bulletin_time){430 - 31 * i, 3600 * (22 - 5 * i) + 900, 3600 * (71 - 12 * i)};
    }
    b->times_week[2].median_s = -5400;
    for (int d = 0; d < CURVE_DAYS; d++) {
        int64_t up = d * d / 11, down = d > 22 ? (d - 22) * (d - 22) : 0;
        b->report[d][ORIGIN_LOCAL] = d == CURVE_DAYS - 1 ? 59 : up > down ? up - down + d % 3 : d % 3;
        b->report[d][ORIGIN_IMPORTED] = d == CURVE_DAYS - 1 ? 15 : d % 7;
        b->report[d][ORIGIN_UNKNOWN] = d == CURVE_DAYS - 1;
        b->onset[d][ORIGIN_LOCAL] = d > 26 ? (30 - d) * 6 : (d + 3) * (d + 3) / 13;
        b->onset[d][ORIGIN_IMPORTED] = (d + 2) % 6;
    }
    b->contacts.found = 1204, b->contacts.found_secondary = 377, b->contacts.total = 18233, b->contacts.total_secondary = 6120;
    b->contacts.observed = 7210, b->contacts.placed = 1188, b->contacts.released = 902, b->contacts.converted = 431;
    b->contacts.overdue = 3, b->contacts.uncontrolled = 16, b->contacts.lost = 1;
    texts[0] = TEXT("T-310115-20220530-0031"), texts[1] = TEXT("T-310115-20220530-0044"), texts[2] = TEXT("T-310115-20220530-0101");
    b->contacts.queue = texts, b->contacts.n_queue = 3;
    b->tests.sampled = 48211, b->tests.resulted = 47005, b->tests.positive = 66, b->tests.pending = 1302;
    b->duties.open = 9127, b->duties.due_soon = 212, b->duties.overdue = 37, b->duties.no_owner = 0, b->duties.raised = 8713;
    b->duties.paid = 9981, b->duties.paid_late = 114, b->duties.lapsed = 6, b->duties.loop_ppm = 995710;
    static struct bulletin_rule rules[] = {{T("place-contact"), T("接触者落实管控"), T("place the contact"), 17, 9, 4, 0, 1188},
                                           {T("central-tests"), T("集中隔离核酸检测"), T("tests in central quarantine"), 6102, 131, 21, 0, 5570},
                                           {T("health-checks"), T("每日健康监测"), T("daily health check"), 2970, 72, 12, 0, 3180},
                                           {T("release"), T("按期解除隔离"), T("release in time"), 38, 0, 0, 0, 43}};
    b->duties.rules = rules, b->duties.n_rules = 4;
    b->units_expected = 21, b->units_reported = 19, b->units_late = 1;
    static struct bulletin_unit units[3];
    units[0] = (struct bulletin_unit){TEXT("云岭乡卫生院"), TEXT("310115004"), 71, INSTANT_NONE};
    units[1] = (struct bulletin_unit){TEXT("县第二中学"), TEXT("310115001"), 78, INSTANT_NONE};
    units[2] = (struct bulletin_unit){TEXT("临江客运站"), TEXT("310115001"), 80, instant_of_day(b->day, ZONE_CHINA_S) + 18 * 3600 + 1260};
    b->units = keep(b, units, sizeof units), b->n_units = 3;
    static struct bulletin_restated restated[] = {{0, 81, 83, 2, 0, 0}, {0, 77, 76, 0, 0, 0}};
    restated[0].day = b->day - 1, restated[1].day = b->day - 4;
    b->restated = keep(b, restated, sizeof restated), b->n_restated = 2;
    static struct bulletin_change changes[2];
    texts[3] = TEXT("C-310115-20220530-0001"), texts[4] = TEXT("C-310115-20220530-0002"), texts[5] = TEXT("C-310115-20220517-0012");
    changes[0] = (struct bulletin_change){TEXT("confirmed"), 638, 685, 48, 1, 2, 1, texts + 3, texts + 5};
    changes[1] = (struct bulletin_change){TEXT("active"), 567, 604, 76, 39, 2, 0, texts + 3, NULL};
    b->changes = changes, b->n_changes = 2;
    b->previous_as_of = instant_of_day(b->day, ZONE_CHINA_S) + 9 * 3600;
    bulletin_margins(b);
}

/* ---- refusals */

static void refuses_bad_json(void **state) {
    static const char *const bad[] = {"", "[]", "{}", "{\"format\":2}", "{\"format\":1,\"region\":7}", "null", "{\"format\":1,\"format\":1}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct bulletin b;
        struct error err = {0};
        bulletin_init(&b);
        b.day = 77;
        assert_int_equal(bulletin_read_json(text_of(bad[i]), &b, &err), E_SYNTAX);
        assert_int_equal(b.day, 77);
    }
}

/* ---- suppression: an independent attacker lists every table that fits what is visible */

struct attack {
    const int64_t *cells;
    const bool *hide;
    int64_t most;
    int64_t x[3][3];
    bool seen[12][64];
};
/* Tries all inner cells; a table fits when each visible cell, margin included, is as shown. */
static void attack_from(struct attack *a, size_t rows, size_t columns, size_t at) {
    size_t w = columns + 1;
    if (at < rows * columns) {
        size_t i = at / columns, j = at % columns, c = i * w + j;
        for (int64_t v = a->hide[c] ? 0 : a->cells[c]; v <= (a->hide[c] ? a->most : a->cells[c]); v++) {
            a->x[i][j] = v;
            attack_from(a, rows, columns, at + 1);
        }
        return;
    }
    int64_t all[16] = {0};
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++) {
            all[i * w + j] = a->x[i][j];
            all[i * w + columns] += a->x[i][j];
            all[rows * w + j] += a->x[i][j];
            all[rows * w + columns] += a->x[i][j];
        }
    for (size_t c = 0; c < (rows + 1) * w; c++)
        if (!a->hide[c] && all[c] != a->cells[c]) return;
    for (size_t c = 0; c < (rows + 1) * w; c++)
        if (all[c] < 64) a->seen[c][all[c]] = true;
}

static void suppression_never_leaks(void **state) {
    struct rng r = {0};
    size_t tables = 0, hidden = 0;
    rng_seed(&r, 20220530);
    for (int round = 0; round < 1500; round++) {
        size_t rows = 2, columns = 1 + rng_below(&r, 2), w = columns + 1, n = (rows + 1) * w;
        int64_t cells[12] = {0}, k = 3;
        bool hide[12] = {false}, pinned[12] = {false};
        for (size_t i = 0; i < rows; i++)
            for (size_t j = 0; j < columns; j++) {
                int64_t v = rng_below(&r, 3) ? (int64_t)rng_below(&r, 4) : (int64_t)rng_below(&r, 8);
                cells[i * w + j] = v;
                cells[i * w + columns] += v;
                cells[rows * w + j] += v;
                cells[rows * w + columns] += v;
            }
        if (round % 2)
            for (size_t j = 0; j <= columns; j++) pinned[rows * w + j] = true;
        bool safe = suppress_table(cells, rows, columns, k, pinned, hide);
        struct attack a = {.cells = cells, .hide = hide, .most = 14};
        attack_from(&a, rows, columns, 0);
        tables++;
        for (size_t c = 0; c < n; c++) {
            size_t possible = 0;
            int64_t low, high;
            if (cells[c] > 0 && cells[c] < k && !pinned[c]) assert_true(hide[c] || !safe);
            if (pinned[c]) assert_false(hide[c]);
            /* nothing is not small: what a visible 0 is made of is visible */
            if (safe && c / w < rows && c % w < columns && (cells[c / w * w + columns] == 0 && !hide[c / w * w + columns])) assert_false(hide[c]);
            if (safe && c / w < rows && c % w < columns && (cells[rows * w + c % w] == 0 && !hide[rows * w + c % w])) assert_false(hide[c]);
            if (!hide[c] || cells[c] == 0 || cells[c] >= k || !safe) continue;
            for (int v = 0; v < 64; v++) possible += a.seen[c][v];
            assert_true(possible >= 2);
            hidden++;
            /* without pinned margins the whole width is kept */
            if (round % 2 == 0) assert_true(possible >= (size_t)k);
            /* and the audit agrees with the attacker as far as the attacker looked */
            suppress_range(cells, rows, columns, hide, c / w, c % w, &low, &high);
            for (int v = 0; v < 14; v++)
                if (a.seen[c][v]) assert_true(v >= low && v <= high);
        }
    }
    assert_true(tables == 1500 && hidden > 1000);
}

/* A big random table: what is hidden stays open, what is big stays mostly visible, totals still add up. */
static void suppression_scales(void **state) {
    enum { R = 40, C = 6, W = C + 1 };
    static int64_t cells[(R + 1) * W];
    static bool hide[(R + 1) * W];
    struct rng r = {0};
    rng_seed(&r, 7);
    for (size_t i = 0; i < R; i++)
        for (size_t j = 0; j < C; j++) {
            int64_t v = (int64_t)rng_below(&r, 10) ? (int64_t)rng_below(&r, 300) : (int64_t)rng_below(&r, 5);
            cells[i * W + j] = v;
            cells[i * W + C] += v;
            cells[R * W + j] += v;
            cells[R * W + C] += v;
        }
    assert_true(suppress_table(cells, R, C, 5, NULL, hide));
    size_t n = 0;
    for (size_t c = 0; c < (R + 1) * W; c++) {
        int64_t low, high;
        n += hide[c];
        if (!hide[c] || cells[c] == 0 || cells[c] >= 5) continue;
        suppress_range(cells, R, C, hide, c / W, c % W, &low, &high);
        assert_true(low <= cells[c] && high >= cells[c] && high - low >= 5);
    }
    assert_true(n > 20 && n < R * W / 3);
}

/* A figure that is not one, hidden already or never said: nothing is worked out from it, and what stands
 * beside it is not told. */
static void suppression_of_what_is_no_figure(void **state) {
    static const int64_t no_figure[] = {FIGURE_HIDDEN, FIGURE_NONE};
    for (size_t i = 0; i < 2; i++) {
        int64_t cells[] = {no_figure[i], 0, 0, 12, 0, 3, 0, 3, 12, 3, 0, 15};
        bool hide[12] = {false};
        struct bulletin b;
        struct error err = {0};
        assert_false(suppress_table(cells, 2, 3, 10, NULL, hide));
        sample(&b);
        b.fresh.n[0][0] = no_figure[i];
        assert_ok(bulletin_suppress(&b, 0, &err), err);
        for (int c = 0; c < 2; c++)
            for (int o = 0; o < ORIGINS; o++) assert_int_equal(b.fresh.n[c][o], FIGURE_HIDDEN);
        assert_int_equal(b.fresh_total, FIGURE_HIDDEN);
        bulletin_clear(&b);
        sample(&b);
        b.controlled = FIGURE_NONE, b.uncontrolled = b.control_unknown = 0; /* frozen before it was said */
        assert_ok(bulletin_suppress(&b, 0, &err), err);
        assert_int_equal(b.controlled, FIGURE_NONE);
        bulletin_clear(&b);
    }
}

static bool text_holds(const struct buf *b, const char *s) {
    return memmem(b->s, b->n, s, strlen(s)) != NULL;
}

static void public_version_holds_no_small_cell(void **state) {
    struct bulletin b;
    struct buf json = {0}, text = {0};
    struct error err = {0};
    sample(&b);
    assert_ok(bulletin_suppress(&b, 0, &err), err);
    for (int c = 0; c < 2; c++)
        for (int o = 0; o < ORIGINS; o++) assert_true(b.fresh.n[c][o] == FIGURE_HIDDEN || b.fresh.n[c][o] == 0 || b.fresh.n[c][o] >= 5);
    for (size_t i = 0; i < b.n_regions; i++)
        for (int c = 0; c < 2; c++) assert_true(b.regions[i].fresh_total[c] <= 0 || b.regions[i].fresh_total[c] >= 5);
    assert_int_equal(b.died, FIGURE_HIDDEN);
    assert_int_equal(b.total_died, 5);
    assert_int_equal(b.regions[3].fresh_total[0], FIGURE_HIDDEN);
    for (int d = 0; d < CURVE_DAYS; d++) assert_int_equal(b.report[d][0] % 5, 0);
    assert_ok(bulletin_write_json(&b, true, &json, &err), err);
    assert_false(text_holds(&json, "day_before")); /* small numbers too, and the difference to what was published would tell them */
    assert_ok(bulletin_write_text(&b, NULL, true, 80, &text, &err), err);
    static const char *const secrets[] = {"C-310115", "T-310115", "云岭乡卫生院", "县第二中学"};
    for (size_t i = 0; i < 4; i++) {
        assert_false(text_holds(&json, secrets[i]));
        assert_false(text_holds(&text, secrets[i]));
    }
    buf_clear(&json);
    buf_clear(&text);
    bulletin_clear(&b);
}

/* A total that is visibly 0 has parts that are visibly 0, in the day's table and in those by area and disease; no part that is not 0 shows for it. */
static void nothing_is_not_small(void **state) {
    struct rng r = {0};
    struct error err = {0};
    size_t nothing = 0, stars = 0;
    rng_seed(&r, 20220528);
    for (int round = 0; round < 400; round++) {
        struct bulletin b;
        sample(&b);
        for (int c = 0; c < CLASSES; c++)
            for (int o = 0; o < ORIGINS; o++) {
                b.fresh.n[c][o] = rng_below(&r, 3) ? 0 : (int64_t)rng_below(&r, 9);
                for (size_t i = 0; i < b.n_regions; i++) b.regions[i].fresh.n[c][o] = rng_below(&r, 3) ? 0 : (int64_t)rng_below(&r, 30);
            }
        struct bulletin_cases was = b.fresh;
        assert_ok(bulletin_suppress(&b, 0, &err), err);
        for (int c = 0; c < CLASSES; c++) {
            for (int o = 0; o < ORIGINS; o++) {
                if (b.fresh_class[c] == 0) assert_int_equal(b.fresh.n[c][o], 0);
                if (b.fresh.n[c][o] == 0) assert_int_equal(was.n[c][o], 0);
                for (size_t i = 0; i < b.n_regions; i++)
                    if (b.regions[i].fresh_total[c] == 0) assert_int_equal(b.regions[i].fresh.n[c][o], 0);
                stars += b.fresh.n[c][o] == FIGURE_HIDDEN;
            }
            nothing += b.fresh_class[c] == 0;
        }
        bulletin_clear(&b);
    }
    assert_true(nothing > 100 && stars > 100);
}

/* ---- JSON */

/* A report frozen before boards asked for the day before says nothing about it, and is not made to say that it was nought. */
static void day_before_may_be_unsaid(void **state) {
    struct bulletin a, b;
    struct buf json = {0}, again = {0};
    struct error err = {0};
    sample(&a);
    a.day_before.fresh.n[CLASS_CONFIRMED][ORIGIN_LOCAL] = 7, a.day_before.controlled = 4, a.day_before.uncontrolled = 3;
    assert_ok(bulletin_write_json(&a, false, &json, &err), err);
    bulletin_init(&b);
    assert_ok(bulletin_read_json(buf_view(&json), &b, &err), err);
    assert_memory_equal(&a.day_before, &b.day_before, sizeof a.day_before);
    json_t *tree = json_loadb(json.s, json.n, 0, NULL);
    assert_int_equal(json_object_del(json_object_get(tree, "cases"), "day_before"), 0);
    char *older = json_dumps(tree, JSON_COMPACT);
    bulletin_clear(&b);
    bulletin_init(&b);
    assert_ok(bulletin_read_json(text_of(older), &b, &err), err);
    assert_int_equal(b.day_before.controlled, FIGURE_NONE);
    assert_ok(bulletin_write_json(&b, false, &again, &err), err);
    assert_false(text_holds(&again, "day_before"));
    free(older);
    json_decref(tree);
    buf_clear(&json);
    buf_clear(&again);
    bulletin_clear(&a);
    bulletin_clear(&b);
}

static void json_round_trip(void **state) {
    struct bulletin a, b;
    struct buf first = {0}, second = {0}, differ = {0};
    struct error err = {0};
    for (int public = 0; public < 2; public++) {
        sample(&a);
        if (public) assert_ok(bulletin_suppress(&a, 0, &err), err);
        bulletin_init(&b);
        buf_reset(&first), buf_reset(&second);
        assert_ok(bulletin_write_json(&a, false, &first, &err), err);
        assert_ok(bulletin_read_json(buf_view(&first), &b, &err), err);
        assert_ok(bulletin_write_json(&b, false, &second, &err), err);
        assert_string_equal(buf_cstr(&first), buf_cstr(&second));
        assert_int_equal(bulletin_compare_json(buf_view(&first), buf_view(&second), &differ, &err), 1);
        assert_int_equal(differ.n, 0);
        b.fresh.n[0][0]++;
        buf_reset(&second);
        assert_ok(bulletin_write_json(&b, false, &second, &err), err);
        assert_int_equal(bulletin_compare_json(buf_view(&first), buf_view(&second), &differ, &err), 0);
        assert_true(text_holds(&differ, "/cases/new/confirmed/local: "));
        buf_reset(&differ);
        bulletin_clear(&a);
        bulletin_clear(&b);
    }
    buf_clear(&first), buf_clear(&second), buf_clear(&differ);
}

static void no_memory_is_an_error(void **state) {
    struct bulletin a;
    sample(&a);
    for (long n = 1; n < 4000; n += n < 40 ? 1 : 13) {
        struct buf text = {0};
        struct error err = {0};
        mem_fail_at(n, true);
        int rc = bulletin_write_text(&a, NULL, true, 80, &text, &err);
        mem_fail_at(0, false);
        assert_true(rc == 0 || rc == E_MEMORY);
        if (rc < 0) assert_int_equal(text.n, 0);
        buf_clear(&text);
        if (rc == 0) break;
    }
    bulletin_clear(&a);
}

/* ---- text and PDF */

static int display_width(const char *s, size_t n) {
    struct text t = {s, n};
    int w = 0;
    for (size_t pos = 0; pos < n;) {
        uint32_t c = text_codepoint(t, &pos);
        w += c >= 0x2e80 ? 2 : 1;
    }
    return w;
}

static void text_reads_well(void **state) {
    struct bulletin b;
    struct buf out = {0};
    struct error err = {0};
    sample(&b);
    for (int zh = 0; zh < 2; zh++) {
        buf_reset(&out);
        assert_ok(bulletin_write_text(&b, NULL, zh, 80, &out, &err), err);
        if (getenv("TOCSIN_SHOW")) fputs(buf_cstr(&out), stderr);
        assert_true(text_utf8_valid(buf_view(&out)));
        for (const char *s = buf_cstr(&out); *s;) {
            const char *end = strchr(s, '\n');
            assert_true(display_width(s, (size_t)(end - s)) <= 84);
            s = end + 1;
        }
    }
    assert_true(text_holds(&out, "临江县新增感染者75例（本土59例、境外输入15例、来源待查1"));
    assert_true(text_holds(&out, "99.6%"));
    buf_clear(&out);
    bulletin_clear(&b);
}

static void write_file(const char *path, const struct buf *b) {
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(b->s, 1, b->n, f), b->n);
    fclose(f);
}

/* ---- the curve in the PDF: the bars as they are drawn, in the order of the days, by what fills them */

struct bars {
    int series[400];
    double height[400];
    size_t n;
};

/* The filled rectangles of the curve's three colours in one page's drawing. */
static void bars_of_page(const char *page, struct bars *ret) {
    static const double ink[3][3] = {{0.12, 0.30, 0.47}, {0.89, 0.56, 0.16}, {0.62, 0.65, 0.68}};
    int series = -1;
    for (const char *line = page; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        double v[4];
        int at = 0;
        if (sscanf(line, "%lf %lf %lf rg%n", &v[0], &v[1], &v[2], &at) == 3 && at) {
            series = -1;
            for (int k = 0; k < 3; k++)
                if (fabs(v[0] - ink[k][0]) + fabs(v[1] - ink[k][1]) + fabs(v[2] - ink[k][2]) < 0.001) series = k;
            line += at;
            at = 0;
        }
        if (series < 0 || sscanf(line, "%lf %lf %lf %lf re f%n", &v[0], &v[1], &v[2], &v[3], &at) != 4 || !at) continue;
        assert_true(ret->n < 400);
        ret->series[ret->n] = series;
        ret->height[ret->n++] = fabs(v[3]);
    }
}

static void bars_of_pdf(const struct buf *pdf, struct bars *ret) {
    static char page[1 << 20];
    const char *end = pdf->s + pdf->n;
    ret->n = 0;
    for (const char *at = pdf->s; (at = memmem(at, (size_t)(end - at), "\nstream\n", 8)); at++) {
        uLongf n = sizeof page - 1;
        if (uncompress((Bytef *)page, &n, (const Bytef *)at + 8, (uLong)(end - at - 8)) != Z_OK) continue;
        page[n] = 0;
        bars_of_page(page, ret);
    }
}

static void the_curve_is_drawn(void **state) {
    struct bulletin b;
    struct buf pdf = {0};
    struct error err = {0};
    (void)state;
    for (int public = 0; public < 2; public++) {
        struct bars got;
        size_t at = 0;
        sample(&b);
        if (public) assert_ok(bulletin_suppress(&b, 0, &err), err);
        buf_reset(&pdf);
        assert_ok(bulletin_write_pdf(&b, NULL, true, &pdf, &err), err);
        bars_of_pdf(&pdf, &got);
        for (int panel = 0; panel < 2; panel++) {
            double cases = 0, points = 0;
            size_t first = at;
            for (int twice = 0; twice < 2; twice++) {
                at = first;
                for (int d = 0; d < CURVE_DAYS; d++)
                    for (int o = 0; o < ORIGINS; o++) {
                        int64_t v = panel ? b.onset[d][o] : b.report[d][o];
                        if (v <= 0) continue;
                        assert_true(at < got.n);
                        assert_int_equal(got.series[at], o);
                        if (twice) assert_true(fabs(got.height[at] - points / cases * (double)v) < 0.01);
                        cases += twice ? 0 : (double)v;
                        points += twice ? 0 : got.height[at];
                        at++;
                    }
            }
            assert_true(points > 100); /* to be seen */
        }
        size_t bars = at;
        for (; at < got.n; at++) assert_true(!public && fabs(got.height[at] - 7) < 0.01); /* the squares of the legend */
        assert_true(bars > 20 && got.n - bars <= ORIGINS && (public || got.n > bars));
        bulletin_clear(&b);
    }
    buf_clear(&pdf);
}

static void pdf_is_a_document(void **state) {
    struct bulletin b;
    struct buf first = {0}, second = {0};
    struct error err = {0};
    char dir[] = "/tmp/bulletin.XXXXXX", path[128], command[300];
    static char extracted[1 << 18];
    const char *keep = getenv("TOCSIN_SHOW_DIR");
    assert_non_null(mkdtemp(dir));
    for (int kind = 0; kind < 3; kind++) {
        static const char *const names[] = {"zh", "en", "public"};
        sample(&b);
        if (kind == 2) assert_ok(bulletin_suppress(&b, 0, &err), err);
        buf_reset(&first), buf_reset(&second);
        assert_ok(bulletin_write_pdf(&b, NULL, kind != 1, &first, &err), err);
        assert_ok(bulletin_write_pdf(&b, NULL, kind != 1, &second, &err), err);
        assert_int_equal(first.n, second.n);
        assert_memory_equal(first.s, second.s, first.n);
        assert_memory_equal(first.s, "%PDF-", 5);
        assert_true(text_holds(&first, "%%EOF"));
        snprintf(path, sizeof path, "%s/%s.pdf", keep ? keep : dir, names[kind]);
        write_file(path, &first);
        if (system("command -v pdftotext >/dev/null 2>&1") == 0) {
            snprintf(command, sizeof command, "pdftotext -layout %s -", path);
            FILE *f = popen(command, "r");
            assert_non_null(f);
            extracted[fread(extracted, 1, sizeof extracted - 1, f)] = 0;
            assert_int_equal(pclose(f), 0);
            assert_non_null(strstr(extracted, kind == 1 ? "Linjiang County" : "临江县"));
            assert_non_null(strstr(extracted, kind == 1 ? "1. Latest information" : "一、疫情最新信息"));
            assert_non_null(strstr(extracted, "— 1 —") ? "" : strstr(extracted, "—1—"));
            if (kind == 0) assert_non_null(strstr(extracted, "疫情日报〔2022〕150号"));
            if (kind == 2) assert_null(strstr(extracted, "C-310115"));
        }
        if (!keep) unlink(path);
        bulletin_clear(&b);
    }
    rmdir(dir);
    buf_clear(&first), buf_clear(&second);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_bad_json),     cmocka_unit_test(suppression_never_leaks),
        cmocka_unit_test(suppression_scales),   cmocka_unit_test(suppression_of_what_is_no_figure),
        cmocka_unit_test(public_version_holds_no_small_cell),
        cmocka_unit_test(nothing_is_not_small),
        cmocka_unit_test(day_before_may_be_unsaid), cmocka_unit_test(json_round_trip),      cmocka_unit_test(no_memory_is_an_error),
        cmocka_unit_test(text_reads_well),      cmocka_unit_test(the_curve_is_drawn),    cmocka_unit_test(pdf_is_a_document),
    };
    return cmocka_run_group_tests_name("bulletin_paper", tests, NULL, NULL);
}
