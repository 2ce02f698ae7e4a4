/* Appending to PostgreSQL, loading, forgetting. Every one of them first looks at the generation in visits_state: an append shares that row, a forgetting holds it alone. */
#include "visits/inside.h"
#include "visits/remote.h"
#include "visits/segment_sort.h"

#include <stdio.h>

void remote_table(const char *region, day d, char out[64]) {
    snprintf(out, 64, "visits_%s_d%s%d", region, d < 0 ? "m" : "", d < 0 ? -d : d);
}

/* ---- what is known of days */
static bool part_known(const struct remote *r, const char *region, day d) {
    for (size_t i = 0; i < r->parts.n; i++)
        if (r->parts.items[i].day == d && strcmp(r->parts.items[i].region, region) == 0) return true;
    return false;
}

static int part_put(struct remote_parts *l, const char *region, day d) {
    if (!mem_room(&l->items, &l->cap, l->n + 1, sizeof *l->items)) return E_MEMORY;
    struct remote_part *p = &l->items[l->n++];
    snprintf(p->region, sizeof p->region, "%s", region);
    p->day = d;
    return 0;
}

int remote_parts_read(PGconn *c, struct remote_parts *ret, struct error *err) {
    PGresult *res = remote_ask(c, "SELECT region, day FROM visits_part ORDER BY day, region", NULL, 0, err);
    int rc = res ? 0 : E_STORE;
    ret->n = 0;
    for (int i = 0; rc == 0 && i < PQntuples(res); i++) {
        char region[REGION_TEXT];
        snprintf(region, sizeof region, "%.*s", PQgetlength(res, i, 0), PQgetvalue(res, i, 0));
        rc = part_put(ret, region, (day)remote_int(res, i, 1));
    }
    PQclear(res);
    return rc == E_MEMORY ? error_set(err, rc, NULL, "no memory for the days of the visit store / 内存不足") : rc;
}

/* Begins a transaction; what others have forgotten meanwhile is learned. Under `lock` of the store where it changes what is known. */
static int begin(struct visits *v, PGconn *c, bool alone, struct error *err) {
    struct remote *r = v->remote;
    int rc = remote_run(c, alone ? "BEGIN; SELECT pg_advisory_xact_lock(7283743)" : "BEGIN", err);
    PGresult *res = rc == 0 ? remote_ask(c, alone ? "SELECT generation FROM visits_state FOR UPDATE" : "SELECT generation FROM visits_state FOR SHARE", NULL, 0, err) : NULL;
    if (rc < 0 || !res || !PQntuples(res)) {
        PQclear(res);
        return rc < 0 ? rc : err && err->code ? err->code : E_STORE;
    }
    int64_t generation = remote_int(res, 0, 0);
    PQclear(res);
    pthread_mutex_lock(&v->names_lock);
    if (generation != r->generation || v->manifest.log == 0) {
        res = remote_ask(c, "SELECT from_day, until_day FROM visits_forgotten ORDER BY 1", NULL, 0, err);
        rc = res ? 0 : E_STORE;
        pthread_mutex_lock(&v->lock);
        for (int i = 0; rc == 0 && i < PQntuples(res); i++) rc = manifest_forget(&v->manifest, (struct day_range){(day)remote_int(res, i, 0), (day)remote_int(res, i, 1)});
        pthread_mutex_unlock(&v->lock);
        PQclear(res);
        if (rc == 0) rc = remote_names_learn(v, c, true, err);
        if (rc == 0) {
            pthread_mutex_lock(&r->lock);
            rc = remote_parts_read(c, &r->parts, err);
            if (rc == 0) r->generation = generation;
            pthread_mutex_unlock(&r->lock);
            v->manifest.log = 1; /* forgotten days are known */
        }
    }
    pthread_mutex_unlock(&v->names_lock);
    return rc;
}

static bool forgot(struct visits *v, day d) {
    pthread_mutex_lock(&v->lock);
    bool gone = manifest_forgot(&v->manifest, d);
    pthread_mutex_unlock(&v->lock);
    return gone;
}

/* ---- partitions */
static int indexes_make(PGconn *c, const char *table, struct error *err) {
    char sql[600];
    snprintf(sql, sizeof sql, "CREATE UNIQUE INDEX \"%s_place\" ON \"%s\"(place, start_s, person, end_s, attr, zone, seat); "
                              "CREATE INDEX \"%s_person\" ON \"%s\"(person, start_s) INCLUDE (place, end_s, attr, zone, seat)", table, table, table, table);
    return remote_run(c, sql, err);
}

static int attach(PGconn *c, const char *region, day d, const char *table, struct error *err) {
    char sql[400];
    snprintf(sql, sizeof sql, "ALTER TABLE \"visits_%s\" ATTACH PARTITION \"%s\" FOR VALUES IN (%d); INSERT INTO visits_part VALUES ('%s', %d)", region, table, d, region, d);
    return remote_run(c, sql, err);
}

/* The table of a day, empty and without indexes, not yet attached; *ret_new false when it is there already. Holds the lock of all who make one until the transaction ends. */
static int part_make(PGconn *c, const char *region, day d, bool *ret_new, struct error *err) {
    char sql[700], table[64];
    snprintf(sql, sizeof sql, "SELECT pg_advisory_xact_lock(7283744)");
    int rc = remote_run(c, sql, err);
    uint32_t day_number = (uint32_t)d;
    struct remote_value values[] = {{'t', region, strlen(region)}, {'i', &day_number, 1}};
    PGresult *res = rc == 0 ? remote_ask(c, "SELECT EXISTS (SELECT 1 FROM visits_part WHERE region = $1), EXISTS (SELECT 1 FROM visits_part WHERE region = $1 AND day = $2), "
                                            "to_regclass('\"visits_' || $1 || '\"') IS NOT NULL", values, 2, err) : NULL;
    if (!res) return err && err->code ? err->code : E_STORE;
    bool part = PQgetvalue(res, 0, 1)[0], whole = PQgetvalue(res, 0, 2)[0];
    PQclear(res);
    *ret_new = !part;
    if (part) return 0;
    if (!whole) {
        snprintf(sql, sizeof sql, "CREATE TABLE \"visits_%s\" (LIKE visits_visit) PARTITION BY LIST (day); ALTER TABLE visits_visit ATTACH PARTITION \"visits_%s\" FOR VALUES IN ('%s')",
                 region, region, region);
        rc = remote_run(c, sql, err);
    }
    remote_table(region, d, table);
    snprintf(sql, sizeof sql, "CREATE TABLE \"%s\" (LIKE visits_visit, CHECK (region = '%s' AND day = %d))", table, region, d);
    return rc == 0 ? remote_run(c, sql, err) : rc;
}

static int part_ready(struct visits *v, PGconn *c, const char *region, day d, struct error *err) {
    struct remote *r = v->remote;
    char table[64];
    bool fresh = false;
    pthread_mutex_lock(&r->lock);
    bool known = part_known(r, region, d);
    pthread_mutex_unlock(&r->lock);
    if (known) return 0;
    int rc = part_make(c, region, d, &fresh, err);
    remote_table(region, d, table);
    if (rc == 0 && fresh) rc = indexes_make(c, table, err);
    if (rc == 0 && fresh) rc = attach(c, region, d, table, err);
    return rc;
}

/* After the commit: these days are there. */
static void part_learn(struct visits *v, const char *region, day d) {
    struct remote *r = v->remote;
    pthread_mutex_lock(&r->lock);
    if (!part_known(r, region, d)) (void)part_put(&r->parts, region, d); /* unknown, it is asked again */
    pthread_mutex_unlock(&r->lock);
}

/* ---- append */
static int row_error(struct error *err, size_t i, int code, const char *what) {
    char where[32];
    snprintf(where, sizeof where, "row %zu", i + 1);
    return error_set(err, code, where, "%s", what);
}

static int rows_insert(struct visits *v, PGconn *c, const struct buffer_row *rows, size_t n, struct error *err) {
    uint32_t *columns = mem_alloc(n * 8 * sizeof *columns);
    struct text *regions = mem_alloc(n * sizeof *regions);
    int rc = columns && regions ? 0 : error_set(err, E_MEMORY, NULL, "no memory for visits / 内存不足");
    if (rc == 0) {
        for (size_t i = 0; i < n; i++) {
            const struct segment_row *r = &rows[i].row;
            const uint32_t cells[8] = {(uint32_t)rows[i].day, r->place, r->person, (uint32_t)r->start, (uint32_t)r->end, r->attr, r->zone, r->row};
            for (size_t k = 0; k < 8; k++) columns[k * n + i] = cells[k];
            regions[i] = text_of(remote_region(v, r->place));
        }
        struct remote_value values[9] = {{'T', regions, n}};
        for (size_t k = 0; k < 8; k++) values[k + 1] = (struct remote_value){'I', columns + k * n, n};
        PGresult *res = remote_ask(c, "INSERT INTO visits_visit SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING", values, 9, err);
        if (!res) rc = err && err->code ? err->code : E_STORE;
        PQclear(res);
    }
    mem_free(columns);
    mem_free(regions);
    return rc;
}

int remote_append(struct visits *v, const struct visit *rows, size_t n, struct error *err) {
    struct group g = {0};
    PGconn *c = NULL;
    struct error mine = {0};
    size_t *row_of = mem_alloc(n * sizeof *row_of);
    int rc = row_of ? 0 : error_set(&mine, E_MEMORY, NULL, "no memory for visits / 内存不足");
    for (size_t i = 0; rc == 0 && i < n; i++) {
        struct frame_row r = visit_frame_row(&rows[i]);
        row_of[i] = g.n_pieces;
        if (pieces_add(&g, v->zone_s, &r) < 0) rc = error_set(&mine, E_MEMORY, NULL, "no memory for visits / 内存不足");
    }
    if (rc == 0) rc = remote_take(v, &c, &mine);
    if (rc == 0) rc = begin(v, c, false, &mine);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        if (!names_text(&v->persons, rows[i].person).n || !names_text(&v->places, rows[i].place).n) rc = row_error(&mine, i, E_INVALID, "an unknown person or place / 人员或场所编号不存在");
        for (size_t k = row_of[i]; rc == 0 && k < (i + 1 < n ? row_of[i + 1] : g.n_pieces); k++) {
            if (forgot(v, g.pieces[k].day)) rc = row_error(&mine, i, E_REFUSED, "a day that is forgotten / 该日记录已按规定清除,不再接收");
            else rc = part_ready(v, c, remote_region(v, rows[i].place), g.pieces[k].day, &mine);
        }
    }
    if (rc == 0) rc = remote_classes(v, c, &mine);
    if (rc == 0) rc = rows_insert(v, c, g.pieces, g.n_pieces, &mine);
    if (rc == 0) rc = remote_run(c, "COMMIT", &mine);
    for (size_t k = 0; rc == 0 && k < g.n_pieces; k++)
        if (!k || g.pieces[k].day != g.pieces[k - 1].day || g.pieces[k].row.place != g.pieces[k - 1].row.place) part_learn(v, remote_region(v, g.pieces[k].row.place), g.pieces[k].day);
    remote_give(v, c);
    mem_free(row_of);
    mem_free(g.pieces);
    if (rc < 0 && err && !err->code) *err = mine;
    return rc;
}

/* ---- load */
struct slot {
    char region[REGION_TEXT];
    day day;
    struct segment_row *rows;
    size_t n, cap;
};
struct slots {
    struct slot *items;
    size_t n, cap, last;
};

static struct slot *slot_of(struct slots *l, const char *region, day d) {
    if (l->last < l->n && l->items[l->last].day == d && strcmp(l->items[l->last].region, region) == 0) return &l->items[l->last];
    for (size_t i = 0; i < l->n; i++)
        if (l->items[i].day == d && strcmp(l->items[i].region, region) == 0) return &l->items[l->last = i];
    if (!mem_room(&l->items, &l->cap, l->n + 1, sizeof *l->items)) return NULL;
    struct slot *s = &l->items[l->last = l->n++];
    *s = (struct slot){.day = d};
    snprintf(s->region, sizeof s->region, "%s", region);
    return s;
}

static int slot_add(struct slots *l, const char *region, const struct buffer_row *p) {
    struct slot *s = slot_of(l, region, p->day);
    if (!s) return E_MEMORY;
    if (!mem_room(&s->rows, &s->cap, s->n + 1, sizeof *s->rows)) return E_MEMORY;
    s->rows[s->n++] = p->row;
    return 0;
}

static uint8_t *big32(uint8_t *at, uint32_t v) {
    at[0] = (uint8_t)(v >> 24), at[1] = (uint8_t)(v >> 16), at[2] = (uint8_t)(v >> 8), at[3] = (uint8_t)v;
    return at + 4;
}

/* Binary COPY into `table`, rows in order of place and start, each once. */
static int slot_copy(PGconn *c, const struct slot *s, const struct segment_row *rows, size_t n, const char *table, struct error *err) {
    static const char head[19] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", tail[2] = "\377\377";
    enum { BATCH = 1 << 20 };
    char sql[120];
    struct buf b = {0};
    size_t length = strlen(s->region);
    snprintf(sql, sizeof sql, "COPY \"%s\" FROM STDIN WITH (FORMAT binary)", table);
    int rc = remote_run(c, sql, err);
    if (rc < 0) return rc;
    int bad = buf_add(&b, head, sizeof head);
    for (size_t i = 0; bad == 0 && i < n; i++) {
        const struct segment_row *r = &rows[i];
        const uint32_t cells[8] = {(uint32_t)s->day, r->place, r->person, (uint32_t)r->start, (uint32_t)r->end, r->attr & (uint32_t)~PRESENCE_JOINS, r->zone, r->row};
        uint8_t row[100], *at = row;
        *at++ = 0, *at++ = 9;
        at = big32(at, (uint32_t)length);
        memcpy(at, s->region, length);
        at += length;
        for (int k = 0; k < 8; k++) at = big32(big32(at, 4), cells[k]);
        bad = buf_add(&b, row, (size_t)(at - row));
        if (bad == 0 && b.n > BATCH) {
            bad = PQputCopyData(c, b.s, (int)b.n) == 1 ? 0 : E_STORE;
            buf_reset(&b);
        }
    }
    if (bad == 0) bad = buf_add(&b, tail, 2);
    if (bad == 0) bad = PQputCopyData(c, b.s, (int)b.n) == 1 ? 0 : E_STORE;
    PQputCopyEnd(c, bad ? "given up" : NULL);
    for (PGresult *res; (res = PQgetResult(c)); PQclear(res))
        if (PQresultStatus(res) != PGRES_COMMAND_OK && rc == 0) rc = remote_error(c, res, err);
    buf_clear(&b);
    return bad == E_MEMORY ? error_set(err, E_MEMORY, NULL, "no memory for visits / 内存不足") : rc;
}

static int slot_write(struct visits *v, PGconn *c, const struct slot *s, struct error *err) {
    struct day_order o = {0};
    char table[64];
    bool fresh = false;
    int rc = day_order_make(s->rows, s->n, names_count(&v->persons), names_count(&v->places), &o);
    if (rc < 0) return error_set(err, rc, NULL, "no memory for a day of visits / 内存不足");
    remote_table(s->region, s->day, table);
    rc = part_make(c, s->region, s->day, &fresh, err);
    if (rc == 0 && fresh) {
        rc = slot_copy(c, s, o.rows, o.n, table, err);
        if (rc == 0) rc = indexes_make(c, table, err);
        if (rc == 0) rc = attach(c, s->region, s->day, table, err);
    } else if (rc == 0) {
        rc = remote_run(c, "CREATE TEMP TABLE IF NOT EXISTS visits_late (LIKE visits_visit) ON COMMIT DROP; TRUNCATE visits_late", err);
        if (rc == 0) rc = slot_copy(c, s, o.rows, o.n, "visits_late", err);
        if (rc == 0) rc = remote_run(c, "INSERT INTO visits_visit SELECT * FROM visits_late ON CONFLICT DO NOTHING", err);
    }
    day_order_clear(&o);
    return rc;
}

int remote_load(struct visits *v, const struct visit *rows, size_t n, uint64_t *ret_forgotten, struct error *err) {
    struct group cut = {0};
    struct slots l = {0};
    PGconn *c = NULL;
    struct error mine = {0};
    uint64_t forgotten = 0;
    int rc = remote_take(v, &c, &mine);
    if (rc == 0) rc = begin(v, c, false, &mine);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        struct frame_row r = visit_frame_row(&rows[i]);
        size_t gone = 0;
        cut.n_pieces = 0;
        rc = pieces_add(&cut, v->zone_s, &r);
        for (size_t k = 0; rc == 0 && k < cut.n_pieces; k++) {
            gone += forgot(v, cut.pieces[k].day);
            rc = slot_add(&l, remote_region(v, rows[i].place), &cut.pieces[k]);
        }
        forgotten += gone == cut.n_pieces;
        if (rc < 0) error_set(&mine, rc, NULL, "no memory for visits / 内存不足");
    }
    if (rc == 0) rc = remote_classes(v, c, &mine);
    for (size_t i = 0; rc == 0 && i < l.n; i++) {
        if (!forgot(v, l.items[i].day)) rc = slot_write(v, c, &l.items[i], &mine);
    }
    if (rc == 0) rc = remote_run(c, "COMMIT", &mine);
    for (size_t i = 0; i < l.n; i++) {
        if (rc == 0 && !forgot(v, l.items[i].day)) part_learn(v, l.items[i].region, l.items[i].day);
        mem_free(l.items[i].rows);
    }
    mem_free(l.items);
    mem_free(cut.pieces);
    remote_give(v, c);
    if (rc == 0 && ret_forgotten) *ret_forgotten = forgotten;
    if (rc < 0 && err && !err->code) *err = mine;
    return rc;
}

/* ---- forget */
static int part_drop(PGconn *c, const struct remote_part *p, uint64_t *rows, struct error *err) {
    char sql[240], table[64];
    remote_table(p->region, p->day, table);
    snprintf(sql, sizeof sql, "SELECT count(*) FROM \"%s\"", table);
    PGresult *res = remote_ask(c, sql, NULL, 0, err);
    if (!res) return err && err->code ? err->code : E_STORE;
    *rows += (uint64_t)remote_int(res, 0, 0);
    PQclear(res);
    snprintf(sql, sizeof sql, "DROP TABLE \"%s\"; DELETE FROM visits_part WHERE region = '%s' AND day = %d", table, p->region, p->day);
    return remote_run(c, sql, err);
}

int remote_forget(struct visits *v, day from, day until, uint64_t *ret_rows, struct error *err) {
    struct remote_parts parts = {0};
    struct error mine = {0};
    PGconn *c = NULL;
    char sql[200];
    uint64_t rows = 0;
    int rc = remote_take(v, &c, &mine);
    if (rc == 0) rc = begin(v, c, true, &mine);
    if (rc == 0) rc = remote_parts_read(c, &parts, &mine);
    for (size_t i = 0; rc == 0 && i < parts.n; i++)
        if (parts.items[i].day >= from && parts.items[i].day < until) rc = part_drop(c, &parts.items[i], &rows, &mine);
    snprintf(sql, sizeof sql, "INSERT INTO visits_forgotten VALUES (%d, %d); UPDATE visits_state SET generation = generation + 1", from, until);
    if (rc == 0) rc = remote_run(c, sql, &mine);
    if (rc == 0)
        rc = remote_run(c, "UPDATE visits_person p SET name = NULL WHERE name IS NOT NULL AND NOT EXISTS (SELECT 1 FROM visits_visit x WHERE x.person = p.id); "
                           "UPDATE visits_place p SET name = NULL WHERE name IS NOT NULL AND NOT EXISTS (SELECT 1 FROM visits_visit x WHERE x.place = p.id)", &mine);
    if (rc == 0) rc = remote_run(c, "COMMIT", &mine);
    if (rc == 0) rc = begin(v, c, false, &mine); /* learns what went */
    remote_give(v, c);
    mem_free(parts.items);
    if (rc == 0 && ret_rows) *ret_rows = rows;
    if (rc < 0 && err && !err->code) *err = mine;
    return rc;
}

int remote_learn(struct visits *v, struct error *err) {
    PGconn *c = NULL;
    int rc = remote_take(v, &c, err);
    if (rc == 0) rc = begin(v, c, false, err);
    remote_give(v, c);
    return rc;
}

/* ---- what there is */
int remote_status(struct visits *v, struct visits_status *ret, struct error *err) {
    struct remote_parts parts = {0};
    struct visits_status s = {.persons = visits_count(v, VISITS_PERSON), .places = visits_count(v, VISITS_PLACE), .forgotten_until = DAY_MIN};
    PGconn *c = NULL;
    int rc = remote_take(v, &c, err);
    if (rc == 0) rc = begin(v, c, false, err);
    if (rc == 0) rc = remote_parts_read(c, &parts, err);
    if (rc == 0 && !(s.days = arena_alloc(&s.arena, (parts.n + 1) * sizeof *s.days))) rc = error_memory(err);
    for (size_t i = 0; rc == 0 && i < parts.n; i++) {
        char sql[240], table[64];
        remote_table(parts.items[i].region, parts.items[i].day, table);
        snprintf(sql, sizeof sql, "SELECT count(*), pg_total_relation_size('\"%s\"') FROM \"%s\"", table, table);
        PGresult *res = remote_ask(c, sql, NULL, 0, err);
        if (!res) {
            rc = err && err->code ? err->code : E_STORE;
            break;
        }
        if (!s.n_days || s.days[s.n_days - 1].day != parts.items[i].day) s.days[s.n_days++] = (struct visits_day){.day = parts.items[i].day};
        struct visits_day *d = &s.days[s.n_days - 1];
        d->files++;
        d->rows += (uint64_t)remote_int(res, 0, 0);
        d->bytes += (uint64_t)remote_int(res, 0, 1);
        s.rows += (uint64_t)remote_int(res, 0, 0);
        s.bytes += (uint64_t)remote_int(res, 0, 1);
        PQclear(res);
    }
    pthread_mutex_lock(&v->lock);
    for (size_t i = 0; i < v->manifest.n_forgotten; i++) s.forgotten_until = v->manifest.forgotten[i].until;
    pthread_mutex_unlock(&v->lock);
    remote_give(v, c);
    mem_free(parts.items);
    if (rc < 0) visits_status_clear(&s);
    else *ret = s;
    return rc;
}
