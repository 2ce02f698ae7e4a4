/* Connections to PostgreSQL, and the tables. */
#include "visits/inside.h"
#include "visits/remote.h"

#include <stdio.h>
#include <stdlib.h>

enum { OID_INT4 = 23, OID_INT8 = 20, OID_TEXT = 25, OID_INT4_ARRAY = 1007, OID_TEXT_ARRAY = 1009, VERSION = 1 };

bool remote_url(const char *dir) {
    return strncmp(dir, "postgresql://", 13) == 0 || strncmp(dir, "postgres://", 11) == 0;
}

int remote_error(PGconn *c, const PGresult *res, struct error *err) {
    const char *state = res ? PQresultErrorField(res, PG_DIAG_SQLSTATE) : NULL, *said = res ? PQresultErrorMessage(res) : PQerrorMessage(c);
    int code = E_STORE;
    if (state && strcmp(state, "53100") == 0) code = E_FULL;
    else if (state && strcmp(state, "53200") == 0) code = E_MEMORY;
    else if (state && (strcmp(state, "55P03") == 0 || strcmp(state, "40P01") == 0)) code = E_BUSY;
    else if (state && (strcmp(state, "22021") == 0 || strcmp(state, "22P05") == 0)) code = E_INVALID;
    return error_set(err, code, "postgresql", "the visit store: %.*s / 出入记录库(PostgreSQL)出错", (int)strcspn(said, "\n"), said);
}

int remote_run(PGconn *c, const char *sql, struct error *err) {
    PGresult *res = PQexec(c, sql);
    ExecStatusType t = PQresultStatus(res);
    int rc = t == PGRES_COMMAND_OK || t == PGRES_TUPLES_OK || t == PGRES_COPY_IN ? 0 : remote_error(c, res, err);
    PQclear(res);
    return rc;
}

/* ---- parameters */
static void big32(struct buf *b, uint32_t v) {
    uint8_t at[4] = {(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};
    buf_add(b, at, 4);
}

int remote_params(struct remote_params *p, const struct remote_value *values, int n) {
    *p = (struct remote_params){.n = n};
    for (int i = 0; i < n; i++) {
        const struct remote_value *v = &values[i];
        struct buf *b = &p->arrays[i];
        b->max = (size_t)1 << 30;
        p->formats[i] = 1;
        if (v->type == 'i') p->types[i] = OID_INT4, big32(b, *(const uint32_t *)v->at);
        else if (v->type == 'l') {
            uint64_t x = (uint64_t)*(const int64_t *)v->at;
            p->types[i] = OID_INT8;
            big32(b, (uint32_t)(x >> 32));
            big32(b, (uint32_t)x);
        } else if (v->type == 't') p->types[i] = OID_TEXT, buf_add(b, v->at, v->n);
        else { /* arrays: dimensions, nulls, type of an element, length, lower bound, then each with its length */
            bool text = v->type == 'T';
            p->types[i] = text ? OID_TEXT_ARRAY : OID_INT4_ARRAY;
            big32(b, v->n ? 1 : 0);
            big32(b, 0);
            big32(b, text ? OID_TEXT : OID_INT4);
            if (v->n) big32(b, (uint32_t)v->n), big32(b, 1);
            for (size_t k = 0; k < v->n; k++) {
                const struct text *t = text ? (const struct text *)v->at + k : NULL;
                big32(b, text ? (uint32_t)t->n : 4);
                if (text) buf_text(b, *t);
                else big32(b, ((const uint32_t *)v->at)[k]);
            }
        }
        if (b->failed) return b->failed;
        p->values[i] = b->s ? b->s : "";
        p->lengths[i] = (int)b->n;
    }
    return 0;
}

void remote_params_clear(struct remote_params *p) {
    for (int i = 0; i < p->n; i++) buf_clear(&p->arrays[i]);
}

PGresult *remote_ask(PGconn *c, const char *sql, const struct remote_value *values, int n, struct error *err) {
    struct remote_params p;
    PGresult *res = NULL;
    int rc = remote_params(&p, values, n);
    if (rc < 0) error_set(err, rc, NULL, "no memory for a question to PostgreSQL / 内存不足");
    else {
        res = PQexecParams(c, sql, p.n, p.types, p.values, p.lengths, p.formats, 1);
        if (PQresultStatus(res) != PGRES_COMMAND_OK && PQresultStatus(res) != PGRES_TUPLES_OK) {
            remote_error(c, res, err);
            PQclear(res);
            res = NULL;
        }
    }
    remote_params_clear(&p);
    return res;
}

int64_t remote_int(const PGresult *res, int row, int column) {
    const uint8_t *at = (const uint8_t *)PQgetvalue(res, row, column);
    int n = PQgetlength(res, row, column);
    uint64_t v = n && at[0] & 0x80 ? UINT64_MAX : 0;
    for (int i = 0; i < n; i++) v = v << 8 | at[i];
    return (int64_t)v;
}

/* ---- connections */
int remote_take(struct visits *v, PGconn **ret, struct error *err) {
    struct remote *r = v->remote;
    PGconn *c = NULL;
    char sql[160];
    pthread_mutex_lock(&r->lock);
    if (r->n_idle) c = r->idle[--r->n_idle];
    pthread_mutex_unlock(&r->lock);
    if (c && PQstatus(c) == CONNECTION_OK) {
        *ret = c;
        return 0;
    }
    PQfinish(c);
    c = PQconnectdb(r->url);
    if (PQstatus(c) != CONNECTION_OK) {
        error_set(err, E_STORE, "postgresql", "no connection to the visit store: %.*s / 无法连接出入记录库", (int)strcspn(PQerrorMessage(c), "\n"), PQerrorMessage(c));
        PQfinish(c);
        return E_STORE;
    }
    snprintf(sql, sizeof sql, "SET client_min_messages = warning; SET lock_timeout = %d; SET synchronous_commit = on; SET jit = off", REMOTE_WAIT_MS);
    int rc = remote_run(c, sql, err);
    if (rc < 0) PQfinish(c);
    else *ret = c;
    return rc;
}

void remote_give(struct visits *v, PGconn *c) {
    struct remote *r = v->remote;
    if (!c) return;
    if (PQtransactionStatus(c) != PQTRANS_IDLE) PQclear(PQexec(c, "ROLLBACK"));
    bool keep = PQstatus(c) == CONNECTION_OK && PQtransactionStatus(c) == PQTRANS_IDLE;
    pthread_mutex_lock(&r->lock);
    if (keep && r->n_idle < REMOTE_IDLE_MAX) r->idle[r->n_idle++] = c, c = NULL;
    pthread_mutex_unlock(&r->lock);
    PQfinish(c);
}

/* ---- the tables */
static const char schema[] =
    "CREATE TABLE IF NOT EXISTS visits_state(one int PRIMARY KEY, version int NOT NULL, zone_s int NOT NULL, generation bigint NOT NULL);"
    "CREATE TABLE IF NOT EXISTS visits_person(id int PRIMARY KEY, name text UNIQUE);"
    "CREATE TABLE IF NOT EXISTS visits_place(id int PRIMARY KEY, name text UNIQUE, class int NOT NULL, region text NOT NULL);"
    "CREATE TABLE IF NOT EXISTS visits_forgotten(from_day int NOT NULL, until_day int NOT NULL);"
    "CREATE TABLE IF NOT EXISTS visits_part(region text NOT NULL, day int NOT NULL, PRIMARY KEY (region, day));"
    "CREATE TABLE IF NOT EXISTS visits_visit(region text NOT NULL, day int NOT NULL, place int NOT NULL, person int NOT NULL, start_s int NOT NULL, end_s int NOT NULL, "
    "attr int NOT NULL, zone int NOT NULL, seat int NOT NULL) PARTITION BY LIST (region);";

static int state_read(struct visits *v, PGconn *c, struct error *err) {
    PGresult *res = remote_ask(c, "SELECT version, zone_s, generation FROM visits_state WHERE one = 1", NULL, 0, err);
    int rc = res ? 0 : E_STORE;
    if (rc == 0 && !PQntuples(res)) rc = error_set(err, E_UNKNOWN, "postgresql", "there is no visit store here / 此处没有出入记录库");
    if (rc == 0 && remote_int(res, 0, 0) != VERSION)
        rc = error_set(err, E_UNSUPPORTED, "postgresql", "a visit store of version %d; this program reads %d / 出入记录库版本不符", (int)remote_int(res, 0, 0), VERSION);
    if (rc == 0) {
        v->zone_s = v->manifest.zone_s = (int32_t)remote_int(res, 0, 1);
        v->remote->generation = remote_int(res, 0, 2);
    }
    PQclear(res);
    return rc;
}

static int tables_make(const struct visits_options *o, PGconn *c, struct error *err) {
    uint32_t zone = (uint32_t)o->zone_s;
    int rc = remote_run(c, "BEGIN; SELECT pg_advisory_xact_lock(7283741)", err); /* two that begin at once */
    if (rc == 0) rc = remote_run(c, schema, err);
    PGresult *res = rc == 0 ? remote_ask(c, "INSERT INTO visits_state VALUES (1, 1, $1, 1) ON CONFLICT DO NOTHING", &(struct remote_value){'i', &zone, 1}, 1, err) : NULL;
    if (rc == 0 && !res) rc = E_STORE;
    PQclear(res);
    return rc == 0 ? remote_run(c, "COMMIT", err) : rc;
}

int remote_open(struct visits *v, const struct visits_options *o, struct error *err) {
    struct remote *r = mem_alloc(sizeof *r);
    PGconn *c = NULL;
    const char *region = o->region ? o->region : "";
    size_t n = strlen(o->dir), kept = strspn(region, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    if (!r || !(r->url = mem_alloc(n + 1))) {
        mem_free(r);
        return error_set(err, E_MEMORY, NULL, "no memory for the visit store / 内存不足");
    }
    memcpy(r->url, o->dir, n + 1);
    pthread_mutex_init(&r->lock, NULL);
    v->remote = r;
    if (region[kept] || kept >= REGION_TEXT) return error_set(err, E_INVALID, "region", "a region is up to 12 digits / 行政区划代码至多 12 位");
    snprintf(r->region, sizeof r->region, "%s", region);
    int rc = remote_take(v, &c, err);
    if (rc < 0) return rc;
    PGresult *res = remote_ask(c, "SELECT to_regclass('visits_state') IS NOT NULL", NULL, 0, err);
    bool there = res && PQgetvalue(res, 0, 0)[0];
    rc = res ? 0 : E_STORE;
    PQclear(res);
    if (rc == 0 && !there) rc = o->create && !o->read_only ? tables_make(o, c, err) : error_set(err, E_UNKNOWN, "postgresql", "there is no visit store here / 此处没有出入记录库");
    if (rc == 0) rc = state_read(v, c, err);
    if (rc == 0) rc = remote_names_learn(v, c, true, err);
    remote_give(v, c);
    return rc;
}

void remote_close(struct remote *r) {
    if (!r) return;
    for (int i = 0; i < r->n_idle; i++) PQfinish(r->idle[i]);
    pthread_mutex_destroy(&r->lock);
    mem_free(r->parts.items);
    mem_free(r->regions);
    mem_free(r->url);
    mem_free(r);
}
