/* The visit store against a plain list in memory: refused calls first, then that what was acknowledged is found, once, whatever happens in between. */
#include "check.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/digest.h"
#include "engines/contact.h"
#include "folder.h"
#include "stores.h"
#include "visits/visits.h"

enum { PERSONS = 60, PLACES = 25, DAYS = 6, FIRST = 19100, ROWS_MAX = 40000 };

static struct folder dir;
static char path[320];
static bool remote; /* the store of this moment is in PostgreSQL */

static int start(void **state) {
    folder_make(&dir);
    snprintf(path, sizeof path, "%s/visits", dir.path);
    return 0;
}

static int stop(void **state) {
    folder_remove(dir.path);
    return 0;
}

static struct visits *opened(struct visits_options o) {
    struct visits *v = NULL;
    struct error err = {0};
    o.dir = path;
    o.zone_s = ZONE_CHINA_S;
    assert_ok(visits_open(&o, &v, &err), err);
    return v;
}

static void fresh(void) {
    if (!remote) folder_remove(path);
    for (size_t i = 0; remote && i < test_stores(); i++)
        if (test_store_is_pg(i)) snprintf(path, sizeof path, "%s", test_store_fresh(i));
}

/* The same law on a folder and on PostgreSQL. */
static void on_both(void **state, void (*law)(void **state)) {
    law(state);
    for (size_t i = 0; i < test_stores(); i++) {
        if (!test_store_is_pg(i)) continue;
        remote = true;
        law(state);
        test_store_drop(i);
        remote = false;
        snprintf(path, sizeof path, "%s/visits", dir.path);
    }
}

static void names_make(struct visits *v) {
    char name[32];
    uint32_t id;
    struct error err = {0};
    for (uint32_t i = 0; i < PERSONS; i++) {
        snprintf(name, sizeof name, "P%u", i);
        assert_ok(visits_name(v, VISITS_PERSON, text_of(name), &id, &err), err);
        assert_int_equal(id, i);
    }
    for (uint32_t i = 0; i < PLACES; i++) {
        snprintf(name, sizeof name, "场所-%u", i);
        assert_ok(visits_name(v, VISITS_PLACE, text_of(name), &id, &err), err);
        assert_int_equal(id, i);
        visits_set_class(v, i, (uint8_t)(i % 7));
    }
}

/* ---- the list */
struct oracle {
    struct presence rows[ROWS_MAX]; /* pieces of days; times after midnight of FIRST */
    size_t n;
};
static struct oracle all;

static void oracle_add(struct oracle *o, const struct visit *r) {
    instant origin = instant_of_day(FIRST, ZONE_CHINA_S);
    int64_t at = r->start - origin, end = r->end - origin;
    do {
        int64_t midnight = (at >= 0 ? at / DAY_S : -((-at + DAY_S - 1) / DAY_S)) * DAY_S, until = end < midnight + DAY_S ? end : midnight + DAY_S;
        struct presence p = {r->person, r->place, (int32_t)at, (int32_t)until, presence_attr(r->source, r->confidence), r->zone, r->row, 0};
        bool known = false;
        for (size_t i = 0; i < o->n && !known; i++) known = memcmp(&o->rows[i], &p, sizeof p) == 0;
        if (!known) o->rows[o->n++] = p;
        at = until;
    } while (at < end);
}

static void oracle_forget(struct oracle *o, day from, day until) {
    size_t n = 0;
    for (size_t i = 0; i < o->n; i++) {
        int64_t at = o->rows[i].start;
        day d = FIRST + (day)(at >= 0 ? at / DAY_S : -((-at + DAY_S - 1) / DAY_S));
        if (d < from || d >= until) o->rows[n++] = o->rows[i];
    }
    o->n = n;
}

static struct visit drawn(struct rng *r) {
    instant from = instant_of_day(FIRST, ZONE_CHINA_S) + (int64_t)rng_below(r, DAYS * DAY_S);
    int64_t span = (int64_t)rng_below(r, rng_below(r, 4) ? 3600 : 2 * DAY_S);
    if (!rng_below(r, 8)) span = 0;
    return (struct visit){.person = (uint32_t)rng_below(r, PERSONS), .place = (uint32_t)rng_below(r, PLACES), .start = from, .end = from + span,
                          .source = (uint8_t)rng_below(r, PRESENCE_KINDS), .confidence = (uint8_t)(rng_below(r, 2) * 50 + 50),
                          .zone = (uint16_t)(rng_below(r, 5) ? 0 : 3), .row = (uint16_t)(rng_below(r, 5) ? 0 : 12)};
}

static int presence_order(const void *pa, const void *pb) {
    return memcmp(pa, pb, sizeof(struct presence));
}

static void plain(struct presence *p) {
    p->attr &= 0x7ff; /* without flags, which say where it is kept */
}

static size_t once(struct presence *p, size_t n) {
    size_t k = 0;
    qsort(p, n, sizeof *p, presence_order);
    for (size_t i = 0; i < n; i++)
        if (!k || presence_order(&p[k - 1], &p[i]) != 0) p[k++] = p[i];
    return k;
}

static bool within(const struct presence *p, int32_t from, int32_t to) {
    return p->start < to && (p->end > from || p->start >= from);
}

static size_t at_place(const struct presence_source *s, uint32_t place, int32_t from, int32_t to, struct presence *out) {
    struct presence_span span;
    struct error err = {0};
    bool loose;
    size_t n = 0;
    int rc;
    assert_ok(s->at_place(s->arg, place, &(struct presence_when){from, to}, 1, true, &loose, &err), err);
    while ((rc = s->next(s->arg, &span, &err)) == 1)
        for (size_t i = 0; i < span.n; i++) {
            struct presence p = {span.person[i], place, span.start[i], span.end[i], span.attr[i], span.zone ? span.zone[i] : 0, span.row ? span.row[i] : 0, 0};
            plain(&p);
            if (within(&p, from, to)) out[n++] = p;
        }
    assert_int_equal(rc, 0);
    return n;
}

static size_t of_person(const struct presence_source *s, uint32_t person, int32_t from, int32_t to, struct presence *out) {
    struct presence_list l = {0};
    struct error err = {0};
    struct presence_ask ask = {person, from, to};
    assert_ok(s->of_persons(s->arg, &ask, 1, &l, &err), err);
    for (size_t i = 0; i < l.n; i++) {
        out[i] = l.items[i];
        plain(&out[i]);
    }
    size_t n = l.n;
    presence_list_clear(&l);
    return n;
}

/* Every question by place and by person gives what the list gives. `merged`: and nothing twice. */
static void same_answers(struct visits *v, const struct oracle *o, uint64_t seed, bool merged) {
    static struct presence got[ROWS_MAX * 2], want[ROWS_MAX];
    struct visits_reader *r = NULL;
    struct error err = {0};
    struct rng rng = {0};
    rng_seed(&rng, seed);
    assert_ok(visits_reader_open(v, FIRST, &r, &err), err);
    const struct presence_source *s = visits_reader_source(r);
    for (uint32_t id = 0; id < PERSONS; id++)
        for (int whole = 0; whole < 2; whole++) {
            int32_t from = whole ? -3 * DAY_S : (int32_t)rng_below(&rng, DAYS * DAY_S), to = whole ? 20 * DAY_S : from + (int32_t)rng_below(&rng, 2 * DAY_S);
            for (int kind = 0; kind < 2; kind++) {
                if (kind && id >= PLACES) continue;
                size_t n = kind ? at_place(s, id, from, to, got) : of_person(s, id, from, to, got), w = 0;
                for (size_t i = 0; i < o->n; i++)
                    if ((kind ? o->rows[i].place : o->rows[i].person) == id && within(&o->rows[i], from, to)) want[w++] = o->rows[i];
                size_t distinct = once(got, n);
                if (merged) assert_int_equal(distinct, n);
                assert_int_equal(distinct, once(want, w));
                if (w) assert_memory_equal(got, want, w * sizeof *got);
            }
        }
    for (uint32_t place = 0; place < PLACES; place++) { /* of its fullest day, each stay once, wherever it lies */
        uint32_t most = 0;
        for (day d = -3; d < 20; d++) {
            size_t w = 0;
            for (size_t i = 0; i < o->n; i++)
                if (o->rows[i].place == place && within(&o->rows[i], d * DAY_S, (d + 1) * DAY_S)) want[w++] = o->rows[i];
            w = once(want, w);
            if (w > most) most = (uint32_t)w;
        }
        assert_int_equal(s->crowd(s->arg, place, -3 * DAY_S, 20 * DAY_S, 1), most);
        assert_true(s->crowd(s->arg, place, -3 * DAY_S, 20 * DAY_S, most + 1) >= most);
    }
    visits_reader_close(r);
}

/* ---- refused */
static void law_what_is_wrong_is_refused(void **state) {
    struct error err = {0};
    struct visits *v = NULL, *second = NULL;
    fresh();
    assert_int_equal(visits_open(&(struct visits_options){.dir = path}, &v, &err), E_UNKNOWN);
    err = (struct error){0};
    assert_int_equal(visits_open(&(struct visits_options){.dir = path, .read_only = true, .create = true}, &v, &err), E_UNKNOWN);
    v = opened((struct visits_options){.create = true});
    err = (struct error){0};
    if (!remote) assert_int_equal(visits_open(&(struct visits_options){.dir = path}, &second, &err), E_BUSY); /* in PostgreSQL many write */
    names_make(v);
    struct rng r = {0};
    rng_seed(&r, 1);
    struct visit good = drawn(&r), bad[6];
    for (int i = 0; i < 6; i++) bad[i] = good;
    bad[0].person = PERSONS;
    bad[1].place = PLACES;
    bad[2].end = bad[2].start - 1;
    bad[3].confidence = 101;
    bad[4].source = PRESENCE_KINDS;
    bad[5].end = bad[5].start + (int64_t)(VISITS_DAYS_MAX + 1) * DAY_S;
    for (int i = 0; i < 6; i++) {
        struct visit rows[2] = {good, bad[i]};
        err = (struct error){0};
        assert_int_equal(visits_append(v, rows, 2, &err), E_INVALID);
        assert_string_equal(err.where, "row 2");
        err = (struct error){0};
        assert_int_equal(visits_load(v, rows, 2, NULL, &err), E_INVALID);
    }
    char longer[VISITS_NAME_MAX + 2];
    uint32_t id;
    memset(longer, 'x', sizeof longer);
    assert_int_equal(visits_name(v, VISITS_PERSON, (struct text){longer, VISITS_NAME_MAX + 1}, &id, NULL), E_INVALID);
    assert_int_equal(visits_name(v, VISITS_PERSON, TEXT(""), &id, NULL), E_INVALID);
    assert_false(visits_find(v, VISITS_PERSON, TEXT("nobody"), &id));
    struct oracle *none = calloc(1, sizeof *none);
    same_answers(v, none, 1, true); /* nothing of a refused batch is there */
    free(none);
    visits_close(v);
    v = opened((struct visits_options){.read_only = true});
    err = (struct error){0};
    assert_int_equal(visits_append(v, &good, 1, &err), E_USAGE);
    visits_close(v);
    visits_close(NULL);
}

/* ---- found */
static void law_whatever_happens_in_between(void **state) {
    for (uint64_t seed = 1; seed <= (remote ? 2 : 6); seed++) { /* each question is a round trip there */
        struct rng r = {0};
        struct error err = {0};
        static struct visit batch[400];
        fresh();
        all.n = 0;
        rng_seed(&r, seed);
        struct visits_options o = {.create = true, .buffer_rows = seed % 2 ? 300 : 100000, .background = seed % 3 == 0};
        struct visits *v = opened(o);
        names_make(v);
        batch[0] = drawn(&r);
        assert_ok(visits_append(v, batch, 1, &err), err); /* the names are durable with it */
        oracle_add(&all, &batch[0]);
        for (int step = 0; step < 45; step++) {
            size_t n = 1 + rng_below(&r, step % 9 ? 40 : 400);
            for (size_t i = 0; i < n; i++) batch[i] = i && !rng_below(&r, 20) ? batch[i - 1] : drawn(&r);
            switch (rng_below(&r, 8)) {
            case 0:
                assert_ok(visits_load(v, batch, n, NULL, &err), err);
                for (size_t i = 0; i < n; i++) oracle_add(&all, &batch[i]);
                break;
            case 1: assert_ok(visits_flush(v, &err), err); break;
            case 2:
                visits_close(v);
                v = opened(o);
                break;
            default:
                assert_ok(visits_append(v, batch, n, &err), err);
                for (size_t i = 0; i < n; i++) oracle_add(&all, &batch[i]);
            }
            if (step % (remote ? 20 : 5) == 0) same_answers(v, &all, seed * 100 + (uint64_t)step, false);
        }
        struct visits *other = opened((struct visits_options){.read_only = true}); /* beside the writer */
        same_answers(other, &all, seed, false);
        visits_close(other);
        assert_ok(visits_flush(v, &err), err);
        same_answers(v, &all, seed + 50, false);
        uint32_t id = 0;
        assert_true(visits_find(v, VISITS_PLACE, TEXT("场所-24"), &id));
        assert_int_equal(id, 24);
        assert_int_equal(visits_class(v, 24), 24 % 7);
        assert_true(text_is(visits_text(v, VISITS_PERSON, 59), "P59"));
        visits_close(v);
    }
}

static void law_merged_days_hold_every_stay_once(void **state) {
    struct rng r = {0};
    struct error err = {0};
    static struct visit batch[500];
    fresh();
    all.n = 0;
    rng_seed(&r, 77);
    struct visits *v = opened((struct visits_options){.create = true});
    names_make(v);
    for (size_t i = 0; i < 500; i++) {
        batch[i] = drawn(&r);
        oracle_add(&all, &batch[i]);
    }
    for (int round = 0; round < 8; round++) { /* the same again and again, as a client does that got no answer */
        assert_ok(visits_append(v, batch, 500, &err), err);
        assert_ok(visits_flush(v, &err), err);
    }
    struct visits_status s;
    assert_ok(visits_status(v, true, &s, &err), err);
    for (size_t i = 0; i < s.n_days; i++) assert_true(s.days[i].files <= 4 && !s.days[i].damaged);
    assert_int_equal(s.rows, all.n);
    assert_int_equal(s.buffered, 0);
    visits_status_clear(&s);
    same_answers(v, &all, 3, true);
    visits_close(v);
}

/* ---- forgotten */
static bool folder_holds(const char *needle, size_t n) {
    DIR *d = opendir(path);
    bool found = false;
    for (struct dirent *e; (e = readdir(d));) {
        char file[700];
        struct buf b = {0};
        snprintf(file, sizeof file, "%s/%s", path, e->d_name);
        if (file_read(file, 64 << 20, &b, NULL) == 0) found |= b.n >= n && memmem(b.s, b.n, needle, n) != NULL;
        buf_clear(&b);
    }
    closedir(d);
    return found;
}

static void law_a_forgotten_day_is_gone_everywhere(void **state) {
    for (uint64_t seed = 1; seed <= (remote ? 2 : 4); seed++) {
        struct rng r = {0};
        struct error err = {0};
        uint64_t dropped = 0, expected;
        fresh();
        all.n = 0;
        rng_seed(&r, seed);
        struct visits_options o = {.create = true, .buffer_rows = 100000};
        struct visits *v = opened(o);
        names_make(v);
        /* somebody who was only there on the day that goes */
        struct visit once_only = {.start = instant_of_day(FIRST + 2, ZONE_CHINA_S) + 5000, .confidence = 100};
        once_only.end = once_only.start + 600;
        assert_ok(visits_name(v, VISITS_PERSON, TEXT("only-that-day"), &once_only.person, &err), err);
        for (int k = 0; k < 3; k++) {
            for (int i = 0; i < 200; i++) {
                struct visit row = drawn(&r);
                assert_ok(visits_append(v, &row, 1, &err), err);
                oracle_add(&all, &row);
            }
            if (k == 0) assert_ok(visits_append(v, &once_only, 1, &err), err);
            if (k < (int)seed - 1) assert_ok(visits_flush(v, &err), err);
        }
        assert_true(remote || folder_holds("only-that-day", 13));
        size_t before = all.n;
        struct visits_reader *earlier = NULL;
        if (!remote) assert_ok(visits_reader_open(v, FIRST, &earlier, &err), err); /* PostgreSQL waits for it */
        oracle_forget(&all, FIRST, FIRST + 4);
        expected = before - all.n + 1;
        assert_ok(visits_forget(v, FIRST, FIRST + 4, &dropped, &err), err);
        if (seed == 4 || remote) assert_int_equal(dropped, expected); /* written out before: equal ones counted once */
        assert_true(dropped >= expected);
        static struct presence seen[ROWS_MAX];
        if (earlier) assert_true(of_person(visits_reader_source(earlier), once_only.person, 0, 20 * DAY_S, seen) == 1); /* it asked before */
        visits_reader_close(earlier);
        assert_false(!remote && folder_holds("only-that-day", 13));
        uint32_t id;
        assert_false(visits_find(v, VISITS_PERSON, TEXT("only-that-day"), &id));
        same_answers(v, &all, seed, false);
        err = (struct error){0};
        assert_int_equal(visits_append(v, &once_only, 1, &err), E_INVALID); /* its number is nobody's now */
        once_only.person = all.rows[0].person, once_only.place = all.rows[0].place;
        err = (struct error){0};
        assert_int_equal(visits_append(v, &once_only, 1, &err), E_REFUSED);
        uint64_t left_out = 0;
        assert_ok(visits_load(v, &once_only, 1, &left_out, &err), err);
        assert_int_equal(left_out, 1);
        visits_close(v);
        v = opened(o);
        same_answers(v, &all, seed, false);
        assert_false(visits_find(v, VISITS_PERSON, TEXT("only-that-day"), &id));
        err = (struct error){0};
        assert_int_equal(visits_append(v, &once_only, 1, &err), E_REFUSED);
        visits_close(v);
    }
}

/* ---- damaged */
static void filled(struct visits_options o, uint64_t seed) {
    struct rng r = {0};
    struct error err = {0};
    fresh();
    all.n = 0;
    rng_seed(&r, seed);
    struct visits *v = opened(o);
    names_make(v);
    for (int i = 0; i < 60; i++) {
        struct visit rows[10];
        for (int k = 0; k < 10; k++) {
            rows[k] = drawn(&r);
            oracle_add(&all, &rows[k]);
        }
        assert_ok(visits_append(v, rows, 10, &err), err);
    }
    visits_close(v);
}

static void find_file(const char *head, const char *tail, char *out, size_t n) {
    DIR *d = opendir(path);
    *out = 0;
    for (struct dirent *e; (e = readdir(d));)
        if (strncmp(e->d_name, head, strlen(head)) == 0 && strstr(e->d_name, tail)) snprintf(out, n, "%s/%.200s", path, e->d_name);
    closedir(d);
    assert_true(*out);
}

static void flip(const char *file, off_t at) {
    int fd = open(file, O_RDWR);
    uint8_t byte = 0;
    assert_true(fd >= 0 && pread(fd, &byte, 1, at) == 1);
    byte ^= 16;
    assert_true(pwrite(fd, &byte, 1, at) == 1);
    close(fd);
}

static void a_damaged_day_is_reported_and_the_rest_served(void **state) {
    char file[700], pattern[32];
    for (int how = 0; how < 3; how++) {
        struct visits_options o = {.create = true};
        struct error err = {0};
        filled(o, 5);
        struct visits *v = opened(o);
        assert_ok(visits_flush(v, &err), err);
        visits_close(v);
        snprintf(pattern, sizeof pattern, "d%d", FIRST + 1);
        find_file(pattern, ".seg", file, sizeof file);
        if (how == 0) flip(file, 900);
        if (how == 1) assert_int_equal(truncate(file, 700), 0);
        if (how == 2) assert_int_equal(unlink(file), 0);
        v = opened(o);
        struct visits_status s;
        assert_ok(visits_status(v, true, &s, &err), err);
        for (size_t i = 0; i < s.n_days; i++) assert_int_equal(s.days[i].damaged, s.days[i].day == FIRST + 1);
        visits_status_clear(&s);
        struct visits_reader *r = NULL;
        assert_ok(visits_reader_open(v, FIRST, &r, &err), err);
        assert_int_equal(visits_reader_damaged(r, FIRST, FIRST + 9), 1);
        assert_int_equal(visits_reader_damaged(r, FIRST + 2, FIRST + 9), 0);
        static struct presence got[ROWS_MAX], want[ROWS_MAX];
        for (uint32_t p = 0; p < PLACES; p++) { /* the other days, in full */
            size_t n = at_place(visits_reader_source(r), p, 2 * DAY_S, 9 * DAY_S, got), w = 0;
            for (size_t i = 0; i < all.n; i++)
                if (all.rows[i].place == p && all.rows[i].start >= 2 * DAY_S) want[w++] = all.rows[i];
            size_t k = 0;
            for (size_t i = 0; i < n; i++)
                if (got[i].start >= 2 * DAY_S) got[k++] = got[i];
            assert_int_equal(once(got, k), once(want, w));
        }
        visits_reader_close(r);
        /* late arrivals of that day, and forgetting it, work as ever */
        struct visit row = {.start = instant_of_day(FIRST + 1, ZONE_CHINA_S), .confidence = 1};
        row.end = row.start + 5;
        assert_ok(visits_append(v, &row, 1, &err), err);
        assert_ok(visits_flush(v, &err), err);
        assert_ok(visits_forget(v, FIRST + 1, FIRST + 2, NULL, &err), err);
        oracle_forget(&all, FIRST + 1, FIRST + 2);
        same_answers(v, &all, 8, false);
        visits_close(v);
    }
}

static void a_torn_log_loses_nothing_that_was_acknowledged(void **state) {
    char file[700];
    struct visits_options o = {.create = true, .buffer_rows = 100000};
    struct stat st;
    filled(o, 6);
    find_file("log-", "", file, sizeof file);
    assert_int_equal(stat(file, &st), 0);
    /* rubbish behind the last frame, as a torn write leaves it: a frame's head and half of it */
    int fd = open(file, O_RDWR);
    uint8_t frame[200];
    off_t end = 0;
    for (off_t at = 0; at < st.st_size; at += 8) {
        uint64_t word;
        assert_true(pread(fd, &word, 8, at) == 8);
        if (word) end = at + 8;
    }
    assert_true(pread(fd, frame, sizeof frame, 0) == sizeof frame);
    assert_true(pwrite(fd, frame, sizeof frame, end + 64) > 0);
    close(fd);
    struct visits *v = opened(o);
    same_answers(v, &all, 1, false);
    struct rng r = {0};
    struct error err = {0};
    rng_seed(&r, 4);
    struct visit row = drawn(&r);
    assert_ok(visits_append(v, &row, 1, &err), err);
    oracle_add(&all, &row);
    visits_close(v);
    v = opened(o);
    same_answers(v, &all, 2, false);
    struct visits_status s;
    assert_ok(visits_status(v, false, &s, &err), err);
    assert_int_equal(s.log_damaged, 0);
    visits_status_clear(&s);
    visits_close(v);
    /* damage inside is counted, and what is good behind it is kept */
    flip(file, 5000);
    v = opened(o);
    assert_ok(visits_status(v, false, &s, &err), err);
    assert_int_equal(s.log_damaged, 1);
    assert_true(s.buffered >= all.n - 40 && s.buffered < all.n + 40);
    visits_status_clear(&s);
    visits_close(v);
    /* a damaged manifest is an error, not an empty store */
    find_file("manifest", "", file, sizeof file);
    flip(file, 20);
    v = NULL;
    assert_int_equal(visits_open(&(struct visits_options){.dir = path, .create = true}, &v, &err), E_CORRUPT);
}

static void a_failed_allocation_changes_nothing(void **state) {
    struct rng r = {0};
    struct error err = {0};
    fresh();
    all.n = 0;
    rng_seed(&r, 15);
    struct visits_options o = {.create = true, .buffer_rows = 100000};
    struct visits *v = opened(o);
    names_make(v);
    for (long n = 1; n < 140; n++) {
        struct visit rows[30];
        for (int k = 0; k < 30; k++) rows[k] = drawn(&r);
        err = (struct error){0};
        mem_fail_at(n, false);
        int rc = n % 3 == 0 ? visits_load(v, rows, 30, NULL, &err) : visits_append(v, rows, 30, &err);
        mem_fail_at(0, false);
        if (rc == 0 || n % 3 == 0) /* a load may be in half */
            for (int k = 0; rc == 0 && k < 30; k++) oracle_add(&all, &rows[k]);
        if (rc < 0) assert_int_equal(rc, E_MEMORY);
        if (n % 10 == 0) {
            mem_fail_at(n / 2, false);
            rc = visits_flush(v, NULL);
            mem_fail_at(0, false);
            assert_true(rc == 0 || rc == E_MEMORY);
        }
    }
    same_answers(v, &all, 1, false);
    assert_ok(visits_flush(v, &err), err);
    visits_close(v);
    for (long n = 1; n < 200; n++) {
        v = NULL;
        err = (struct error){0};
        o.dir = path;
        mem_fail_at(n, false);
        int rc = visits_open(&o, &v, &err);
        mem_fail_at(0, false);
        assert_true(rc == 0 || (rc == E_MEMORY && err.code == E_MEMORY));
        if (rc == 0) visits_close(v);
    }
    v = opened(o);
    same_answers(v, &all, 1, false);
    visits_close(v);
}

/* ---- together */
struct crew {
    struct visits *v;
    int number;
    atomic_bool *stop;
    atomic_int *acked;
    int failures;
};

static void *appender(void *arg) {
    struct crew *c = arg;
    for (int i = 0; i < (remote ? 40 : 300); i++) {
        struct visit rows[5];
        for (int k = 0; k < 5; k++) {
            instant at = instant_of_day(FIRST + i % DAYS, ZONE_CHINA_S) + i * 60 + k;
            rows[k] = (struct visit){.person = (uint32_t)c->number, .place = (uint32_t)(i % PLACES), .start = at, .end = at + 30, .confidence = (uint8_t)k};
        }
        if (visits_append(c->v, rows, 5, NULL) < 0) c->failures++;
        else atomic_fetch_add(&c->acked[c->number], 5);
    }
    return NULL;
}

static void *looker(void *arg) {
    struct crew *c = arg;
    uint64_t rounds = 0;
    while (!atomic_load(c->stop) || rounds < 3) {
        struct visits_reader *r = NULL;
        for (int p = 0; p < 3; p++) {
            int before = atomic_load(&c->acked[p]);
            if (visits_reader_open(c->v, FIRST, &r, NULL) < 0) {
                c->failures++;
                continue;
            }
            const struct presence_source *s = visits_reader_source(r);
            struct presence_list l = {0};
            struct presence_ask ask = {(uint32_t)p, 0, 20 * DAY_S};
            if (s->of_persons(s->arg, &ask, 1, &l, NULL) < 0 || l.n < (size_t)before) c->failures++; /* what was acknowledged is seen */
            size_t n = l.n;
            for (uint32_t place = 0; place < PLACES; place++) {
                struct presence_span span;
                bool loose;
                if (s->at_place(s->arg, place, &(struct presence_when){0, 20 * DAY_S}, 1, true, &loose, NULL) < 0) c->failures++;
                while (s->next(s->arg, &span, NULL) == 1)
                    for (size_t i = 0; i < span.n; i++) n -= span.person[i] == (uint32_t)p;
            }
            if (n != 0) c->failures++; /* both orders show the same moment */
            presence_list_clear(&l);
            visits_reader_close(r);
        }
        rounds++;
    }
    return NULL;
}

static void *keeper(void *arg) {
    struct crew *c = arg;
    while (!atomic_load(c->stop)) {
        if (visits_flush(c->v, NULL) < 0) c->failures++;
        struct visits_status s;
        if (visits_status(c->v, true, &s, NULL) < 0) c->failures++;
        else visits_status_clear(&s);
    }
    return NULL;
}

static void law_readers_and_appends_and_merges_at_once(void **state) {
    atomic_bool end = false;
    atomic_int acked[3] = {0, 0, 0};
    struct crew crew[6];
    pthread_t threads[6];
    struct error err = {0};
    fresh();
    struct visits *v = opened((struct visits_options){.create = true, .buffer_rows = 200, .background = true});
    names_make(v);
    for (int i = 0; i < 6; i++) {
        crew[i] = (struct crew){v, i, &end, acked, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, i < 3 ? appender : i < 5 ? looker : keeper, &crew[i]), 0);
    }
    for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
    atomic_store(&end, true);
    for (int i = 3; i < 6; i++) pthread_join(threads[i], NULL);
    for (int i = 0; i < 6; i++) assert_int_equal(crew[i].failures, 0);
    assert_ok(visits_forget(v, FIRST, FIRST + 1, NULL, &err), err);
    visits_close(v);
}

static void a_full_disk_is_said_and_nothing_is_lost(void **state) {
    struct error err = {0};
    fresh();
    filled((struct visits_options){.create = true, .buffer_rows = 100000}, 9);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) { /* a limit on the size of files stands for the disk */
        struct visits *v = NULL;
        struct rng r = {0};
        rng_seed(&r, 31);
        if (visits_open(&(struct visits_options){.dir = path, .buffer_rows = 10000000}, &v, NULL) < 0) _exit(2);
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &(struct rlimit){9000000, 9000000});
        int rc = 0;
        static struct visit rows[100000];
        for (int i = 0; i < 100000; i++) rows[i] = drawn(&r);
        for (int i = 0; rc == 0 && i < 6; i++) rc = visits_append(v, rows, 100000, &err);
        _exit(rc == E_FULL ? 0 : 3);
    }
    int status;
    waitpid(pid, &status, 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    struct visits *v = opened((struct visits_options){0});
    struct visits_status s;
    assert_ok(visits_status(v, true, &s, &err), err);
    assert_true(s.buffered + s.rows >= all.n);
    assert_int_equal(s.log_damaged, 0);
    visits_status_clear(&s);
    visits_close(v);
}

/* Whoever met whom in a folder met in PostgreSQL, with the same evidence and score. */
static void questions_have_the_same_answer_on_both(void **state) {
    struct error err = {0};
    struct rng r = {0};
    struct contact_result found[2] = {{0}, {0}};
    struct contact_common common[2] = {{0}, {0}};
    static struct visit rows[3000];
    bool any = false;
    for (size_t i = 0; i < test_stores(); i++) any |= test_store_is_pg(i);
    if (!any) skip();
    rng_seed(&r, 99);
    for (int i = 0; i < 3000; i++) rows[i] = drawn(&r);
    for (int round = 0; round < 12; round++) {
        struct contact_options o;
        struct contact_index cases[5];
        contact_options_init(&o);
        o.degree = 1 + round % 2;
        o.reverse = round / 2 % 2;
        for (int c = 0; c < 7; c++) o.rules[c] = (struct contact_rule){.overlap_s = 300 + 300 * (c % 3), .after_s = c % 2 ? 1200 : 0, .rows = c == 3 ? 2 : -1, .crowd = c == 5 ? 60 : 0, .weight = 1};
        for (int k = 0; k < 5; k++) cases[k] = (struct contact_index){(uint32_t)rng_below(&r, PERSONS), (int32_t)rng_below(&r, 3 * DAY_S), 4 * DAY_S};
        for (int k = 0; k < 2; k++) {
            struct visits_reader *reader = NULL;
            struct contact_work *w = contact_work_new();
            assert_non_null(w);
            static struct visits *kept[2];
            remote = k == 1;
            if (round == 0) {
                fresh();
                kept[k] = opened((struct visits_options){.create = true, .merge_rows = 150}); /* in the folder a day is several files */
                names_make(kept[k]);
                assert_ok(visits_load(kept[k], rows, 2000, NULL, &err), err);
                assert_ok(visits_append(kept[k], rows + 2000, 1000, &err), err);
            }
            assert_ok(visits_reader_open(kept[k], FIRST, &reader, &err), err);
            assert_ok(contact_find(visits_reader_source(reader), &o, cases, 1 + (size_t)round % 5, NULL, 0, w, &found[k], &err), err);
            assert_ok(contact_common(visits_reader_source(reader), &o, cases, NULL, 5, NULL, 0, 0, w, &common[k], &err), err);
            contact_sort(&found[k]);
            contact_work_free(w);
            visits_reader_close(reader);
            if (round == 11) visits_close(kept[k]);
        }
        assert_int_equal(found[0].n_contacts, found[1].n_contacts);
        assert_int_equal(found[0].n_venues, found[1].n_venues);
        for (size_t i = 0; i < found[0].n_contacts; i++) {
            const struct contact *a = &found[0].contacts[i], *b = &found[1].contacts[i];
            assert_true(a->person == b->person && a->degree == b->degree && a->kind == b->kind && a->overlap_s == b->overlap_s && a->first == b->first && a->last == b->last &&
                        a->score == b->score && a->n_evidence == b->n_evidence);
        }
        assert_int_equal(common[0].n_places, common[1].n_places);
        for (size_t i = 0; i < common[0].n_places; i++) assert_true(common[0].places[i].place == common[1].places[i].place && common[0].places[i].visitors == common[1].places[i].visitors);
        assert_int_equal(common[0].n_persons, common[1].n_persons);
        for (int k = 0; k < 2; k++) contact_common_clear(&common[k]);
    }
    for (int k = 0; k < 2; k++) contact_result_clear(&found[k]);
    remote = false;
    snprintf(path, sizeof path, "%s/visits", dir.path);
}

/* Two processes of two regions write into one schema: one number for one name, both found, a region each; forgetting by one is known to the other. */
static void two_writers_share_a_schema(void **state) {
    struct error err = {0};
    struct visits *a = NULL, *b = NULL;
    uint32_t id[4], same;
    remote = false;
    for (size_t i = 0; i < test_stores(); i++) remote |= test_store_is_pg(i);
    if (!remote) skip();
    fresh();
    struct visits_options o = {.dir = path, .create = true, .zone_s = ZONE_CHINA_S, .region = "310115'"};
    assert_int_equal(visits_open(&o, &a, &err), E_INVALID);
    err = (struct error){0};
    o.region = "310115";
    assert_ok(visits_open(&o, &a, &err), err);
    o.region = "310104";
    assert_ok(visits_open(&o, &b, &err), err);
    assert_ok(visits_name(a, VISITS_PERSON, TEXT("甲"), &id[0], &err), err);
    assert_ok(visits_name(b, VISITS_PERSON, TEXT("乙"), &id[1], &err), err);
    assert_ok(visits_name(b, VISITS_PERSON, TEXT("甲"), &same, &err), err);
    assert_int_equal(same, id[0]);
    assert_ok(visits_name(a, VISITS_PLACE, TEXT("医院"), &id[2], &err), err);
    assert_ok(visits_name(b, VISITS_PLACE, TEXT("商店"), &id[3], &err), err);
    instant at = instant_of_day(FIRST, ZONE_CHINA_S) + 3600;
    struct visit row = {.person = id[0], .place = id[2], .start = at, .end = at + 600, .confidence = 100};
    assert_ok(visits_append(a, &row, 1, &err), err);
    row = (struct visit){.person = id[0], .place = id[3], .start = at + DAY_S, .end = at + DAY_S + 600, .confidence = 100};
    assert_ok(visits_append(b, &row, 1, &err), err);
    static struct presence seen[ROWS_MAX];
    struct visits *both[] = {a, b};
    for (int k = 0; k < 2; k++) {
        struct visits_reader *r = NULL;
        assert_ok(visits_reader_open(both[k], FIRST, &r, &err), err);
        assert_int_equal(of_person(visits_reader_source(r), id[0], 0, 9 * DAY_S, seen), 2);
        assert_int_equal(at_place(visits_reader_source(r), id[2], 0, 9 * DAY_S, seen), 1);
        assert_int_equal(at_place(visits_reader_source(r), id[3], 0, 9 * DAY_S, seen), 1);
        visits_reader_close(r);
    }
    assert_ok(visits_forget(a, FIRST, FIRST + 1, NULL, &err), err);
    row.start = at, row.end = at + 5;
    assert_int_equal(visits_append(b, &row, 1, &err), E_REFUSED);
    assert_true(visits_text(b, VISITS_PLACE, id[2]).n == 0);
    visits_close(a);
    visits_close(b);
    remote = false;
    snprintf(path, sizeof path, "%s/visits", dir.path);
}

static void what_is_wrong_is_refused(void **state) {
    on_both(state, law_what_is_wrong_is_refused);
}

static void whatever_happens_in_between(void **state) {
    on_both(state, law_whatever_happens_in_between);
}

static void merged_days_hold_every_stay_once(void **state) {
    on_both(state, law_merged_days_hold_every_stay_once);
}

static void a_forgotten_day_is_gone_everywhere(void **state) {
    on_both(state, law_a_forgotten_day_is_gone_everywhere);
}

static void readers_and_appends_and_merges_at_once(void **state) {
    on_both(state, law_readers_and_appends_and_merges_at_once);
}

int main(void) {
    if (digest_init(NULL) < 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_wrong_is_refused),
        cmocka_unit_test(whatever_happens_in_between),
        cmocka_unit_test(merged_days_hold_every_stay_once),
        cmocka_unit_test(a_forgotten_day_is_gone_everywhere),
        cmocka_unit_test(questions_have_the_same_answer_on_both),
        cmocka_unit_test(two_writers_share_a_schema),
        cmocka_unit_test(a_damaged_day_is_reported_and_the_rest_served),
        cmocka_unit_test(a_torn_log_loses_nothing_that_was_acknowledged),
        cmocka_unit_test(a_failed_allocation_changes_nothing),
        cmocka_unit_test(readers_and_appends_and_merges_at_once),
        cmocka_unit_test(a_full_disk_is_said_and_nothing_is_lost),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
