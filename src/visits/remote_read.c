/* Reading from PostgreSQL: one snapshot a reader, the questions of one call in one round trip, each to the table of its region and day. */
#include "visits/inside.h"
#include "visits/remote.h"

#include <stdio.h>

enum { SPAN_ROWS = 512, ASKS_MAX = 5000, DAYS_KNOWN = 64 };

struct remote_reader {
    struct visits *v;
    PGconn *c;
    day origin;
    struct remote_parts parts;     /* by day, then region */
    /* the place under way */
    struct presence_list list;
    size_t at;
    /* the span handed out */
    uint32_t person[SPAN_ROWS];
    int32_t start[SPAN_ROWS], end[SPAN_ROWS];
    uint16_t attr[SPAN_ROWS], zone[SPAN_ROWS], row[SPAN_ROWS];
    /* stays a day of one place */
    uint32_t counted;
    size_t n_counts;
    struct { day day; uint32_t n; } counts[DAYS_KNOWN];
};

static day day_of(const struct remote_reader *r, int64_t at) {
    return r->origin + (day)(at >= 0 ? at / DAY_S : -((-at + DAY_S - 1) / DAY_S));
}

static size_t first_part(const struct remote_reader *r, day d) {
    size_t i = 0;
    while (i < r->parts.n && r->parts.items[i].day < d) i++;
    return i;
}

/* Sends one question; the answers are read by answers_read in the order of the questions. */
static int question_send(struct remote_reader *r, const char *sql, const struct remote_value *values, int n, struct error *err) {
    struct remote_params p;
    int rc = remote_params(&p, values, n);
    if (rc < 0) error_set(err, rc, NULL, "no memory for a question to PostgreSQL / 内存不足");
    else if (PQsendQueryParams(r->c, sql, p.n, p.types, p.values, p.lengths, p.formats, 1) != 1) rc = remote_error(r->c, NULL, err);
    remote_params_clear(&p);
    return rc;
}

static int rows_take(struct remote_reader *r, const PGresult *res, day d) {
    int32_t shift = (int32_t)((int64_t)(d - r->origin) * DAY_S);
    int rc = 0;
    for (int i = 0; rc == 0 && i < PQntuples(res); i++) {
        struct presence p = {.person = (uint32_t)remote_int(res, i, 0), .place = (uint32_t)remote_int(res, i, 1), .start = (int32_t)remote_int(res, i, 2) + shift,
                             .end = (int32_t)remote_int(res, i, 3) + shift, .attr = (uint16_t)(remote_int(res, i, 4) | PRESENCE_JOINS), .zone = (uint16_t)remote_int(res, i, 5),
                             .row = (uint16_t)remote_int(res, i, 6)};
        rc = presence_add(&r->list, &p);
    }
    return rc;
}

/* Answers to n questions about the days given, in order, into r->list; counts into r->counts when `counting`. */
static int answers_read(struct remote_reader *r, const day *days, size_t n, bool counting, struct error *err) {
    int rc = PQpipelineSync(r->c) == 1 ? 0 : remote_error(r->c, NULL, err);
    size_t k = 0;
    for (bool over = false; !over;) {
        PGresult *res = PQgetResult(r->c);
        ExecStatusType t = PQresultStatus(res);
        if (!res) {
            if (PQstatus(r->c) != CONNECTION_OK) return rc < 0 ? rc : remote_error(r->c, NULL, err);
            continue; /* between two answers */
        }
        if (t == PGRES_PIPELINE_SYNC) over = true;
        else if (t == PGRES_TUPLES_OK && rc == 0 && k < n) {
            if (counting) r->counts[r->n_counts++].day = days[k], r->counts[r->n_counts - 1].n = (uint32_t)remote_int(res, 0, 0);
            else if (rows_take(r, res, days[k]) < 0) rc = error_set(err, E_MEMORY, NULL, "no memory for stays / 内存不足");
            k++;
        } else if (t != PGRES_TUPLES_OK && rc == 0) rc = remote_error(r->c, res, err);
        PQclear(res);
    }
    return rc;
}

#define WHAT "SELECT person, place, start_s, end_s, attr, zone, seat FROM \"%s\" WHERE "

static int of_persons(void *arg, const struct presence_ask *asks, size_t n, struct presence_list *out, struct error *err) {
    struct remote_reader *r = arg;
    uint32_t *ids = mem_alloc((n < ASKS_MAX ? n + 1 : ASKS_MAX) * sizeof *ids);
    day *days = mem_alloc((r->parts.n + 1) * sizeof *days);
    int rc = ids && days ? 0 : error_set(err, E_MEMORY, NULL, "no memory for the stays of persons / 内存不足");
    for (size_t at = 0, k; rc == 0 && at < n; at += k) {
        int32_t from = INT32_MAX, to = INT32_MIN;
        size_t sent = 0;
        k = n - at < ASKS_MAX ? n - at : ASKS_MAX;
        for (size_t i = 0; i < k; i++) {
            ids[i] = asks[at + i].person;
            if (asks[at + i].from < from) from = asks[at + i].from;
            if (asks[at + i].to > to) to = asks[at + i].to;
        }
        if (from >= to) continue;
        r->list.n = 0;
        for (size_t i = first_part(r, day_of(r, from)); rc == 0 && i < r->parts.n && r->parts.items[i].day <= day_of(r, (int64_t)to - 1); i++) {
            char sql[240], table[64];
            remote_table(r->parts.items[i].region, r->parts.items[i].day, table);
            snprintf(sql, sizeof sql, WHAT "person = ANY($1)", table);
            rc = question_send(r, sql, &(struct remote_value){'I', ids, k}, 1, err);
            if (rc == 0) days[sent++] = r->parts.items[i].day;
        }
        int read = answers_read(r, days, sent, false, rc == 0 ? err : NULL);
        if (rc == 0) rc = read;
        /* each in the time it was asked for: asks are in order of person */
        for (size_t i = 0; rc == 0 && i < r->list.n; i++) {
            const struct presence *p = &r->list.items[i];
            size_t low = 0, high = k;
            while (low < high) {
                size_t middle = (low + high) / 2;
                if (asks[at + middle].person < p->person) low = middle + 1;
                else high = middle;
            }
            bool sorted = low < k && asks[at + low].person == p->person;
            for (size_t q = sorted ? low : 0; rc == 0 && q < k && (!sorted || asks[at + q].person == p->person); q++)
                if (asks[at + q].person == p->person && p->start < asks[at + q].to && (p->end > asks[at + q].from || p->start >= asks[at + q].from)) rc = presence_add(out, p);
            if (rc < 0) error_set(err, rc, NULL, "no memory for the stays of persons / 内存不足");
        }
    }
    mem_free(ids);
    mem_free(days);
    return rc;
}

static int at_place(void *arg, uint32_t place, const struct presence_when *when, size_t n, bool seats, bool *ret_loose, struct error *err) {
    struct remote_reader *r = arg;
    const char *region = remote_region(r->v, place);
    size_t sent = 0, cap = 0;
    day *days = NULL;
    int rc = 0;
    *ret_loose = true;
    r->list.n = r->at = 0;
    for (size_t k = 0; rc == 0 && k < n; k++) {
        if (when[k].from >= when[k].to) continue;
        day last = day_of(r, (int64_t)when[k].to - 1);
        for (size_t i = first_part(r, day_of(r, when[k].from)); rc == 0 && i < r->parts.n && r->parts.items[i].day <= last; i++) {
            char sql[300], table[64];
            int64_t shift = (int64_t)(r->parts.items[i].day - r->origin) * DAY_S, before = k ? (int64_t)when[k - 1].to - shift : 0, from = when[k].from - shift, to = when[k].to - shift;
            if (strcmp(r->parts.items[i].region, region) != 0) continue;
            uint32_t f = from < 0 ? 0 : from > DAY_S ? DAY_S : (uint32_t)from, t = to > DAY_S ? DAY_S + 1 : (uint32_t)to, b = before < 0 ? 0 : before > DAY_S ? DAY_S + 1 : (uint32_t)before;
            remote_table(region, r->parts.items[i].day, table);
            snprintf(sql, sizeof sql, WHAT "place = $1 AND start_s < $2 AND (end_s > $3 OR start_s >= $3) AND start_s >= $4", table);
            if (!mem_room(&days, &cap, sent + 1, sizeof *days)) {
                rc = error_memory(err);
                break;
            }
            struct remote_value values[] = {{'i', &place, 1}, {'i', &t, 1}, {'i', &f, 1}, {'i', &b, 1}};
            rc = question_send(r, sql, values, 4, err);
            if (rc == 0) days[sent++] = r->parts.items[i].day;
        }
    }
    int read = answers_read(r, days, sent, false, rc == 0 ? err : NULL);
    mem_free(days);
    return rc < 0 ? rc : read;
}

static int next(void *arg, struct presence_span *ret, struct error *err) {
    struct remote_reader *r = arg;
    size_t n = 0;
    for (; n < SPAN_ROWS && r->at < r->list.n; n++, r->at++) {
        const struct presence *p = &r->list.items[r->at];
        r->person[n] = p->person, r->start[n] = p->start, r->end[n] = p->end, r->attr[n] = p->attr, r->zone[n] = p->zone, r->row[n] = p->row;
    }
    *ret = (struct presence_span){.n = n, .person = r->person, .start = r->start, .end = r->end, .attr = r->attr, .zone = r->zone, .row = r->row};
    return n > 0;
}

/* Days whose count is not known are asked for, all at once. A failure counts as nobody: the next call tells it. */
static uint32_t crowd(void *arg, uint32_t place, int32_t from, int32_t to, uint32_t enough) {
    struct remote_reader *r = arg;
    const char *region = remote_region(r->v, place);
    day days[DAYS_KNOWN];
    size_t sent = 0;
    uint32_t most = 0;
    if (from >= to) return 0;
    day first = day_of(r, from), last = day_of(r, (int64_t)to - 1);
    if (r->counted != place || r->n_counts > DAYS_KNOWN / 2) r->counted = place, r->n_counts = 0;
    for (size_t i = first_part(r, first); i < r->parts.n && r->parts.items[i].day <= last && r->n_counts + sent < DAYS_KNOWN; i++) {
        char sql[160], table[64];
        bool known = strcmp(r->parts.items[i].region, region) != 0;
        for (size_t k = 0; k < r->n_counts && !known; k++) known = r->counts[k].day == r->parts.items[i].day;
        if (known) continue;
        remote_table(region, r->parts.items[i].day, table);
        snprintf(sql, sizeof sql, "SELECT count(*) FROM \"%s\" WHERE place = $1", table);
        if (question_send(r, sql, &(struct remote_value){'i', &place, 1}, 1, NULL) < 0) break;
        days[sent++] = r->parts.items[i].day;
    }
    if (sent) (void)answers_read(r, days, sent, true, NULL);
    for (size_t k = 0; k < r->n_counts; k++)
        if (r->counts[k].day >= first && r->counts[k].day <= last && r->counts[k].n > most) most = r->counts[k].n;
    return most;
}

static uint8_t class_of(void *arg, uint32_t place) {
    return visits_class(((struct remote_reader *)arg)->v, place);
}

int remote_reader_open(struct visits *v, day origin, struct remote_reader **ret, struct presence_source *source, struct error *err) {
    struct remote_reader *r = mem_alloc(sizeof *r);
    if (!r) return error_set(err, E_MEMORY, NULL, "no memory to read visits / 内存不足");
    r->v = v;
    r->origin = origin;
    r->counted = UINT32_MAX;
    int rc = remote_take(v, &r->c, err);
    /* the lock before the snapshot: what is forgotten while it is waited for must not be seen */
    if (rc == 0) rc = remote_run(r->c, "SELECT pg_advisory_lock_shared(7283743)", err);
    if (rc == 0) rc = remote_run(r->c, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", err);
    if (rc == 0) rc = remote_parts_read(r->c, &r->parts, err);
    if (rc == 0) {
        pthread_mutex_lock(&v->names_lock);
        rc = remote_names_learn(v, r->c, false, err);
        pthread_mutex_unlock(&v->names_lock);
    }
    if (rc == 0 && PQenterPipelineMode(r->c) != 1) rc = remote_error(r->c, NULL, err);
    if (rc < 0) {
        remote_reader_close(r);
        return rc;
    }
    *source = (struct presence_source){.arg = r, .origin = instant_of_day(origin, v->zone_s), .n_persons = visits_count(v, VISITS_PERSON), .n_places = visits_count(v, VISITS_PLACE),
                                       .of_persons = of_persons, .at_place = at_place, .next = next, .crowd = crowd, .class_of = class_of};
    *ret = r;
    return 0;
}

void remote_reader_close(struct remote_reader *r) {
    if (!r) return;
    if (r->c) {
        bool pipeline = PQpipelineStatus(r->c) == PQ_PIPELINE_OFF || PQexitPipelineMode(r->c) == 1;
        if (pipeline) PQclear(PQexec(r->c, "ROLLBACK"));
        if (pipeline) PQclear(PQexec(r->c, "SELECT pg_advisory_unlock_all()"));
        if (pipeline) remote_give(r->v, r->c);
        else PQfinish(r->c);
    }
    presence_list_clear(&r->list);
    mem_free(r->parts.items);
    mem_free(r);
}
