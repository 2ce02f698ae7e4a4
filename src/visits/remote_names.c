/* Names and their numbers: given out under a lock of the database, so that they come in order; kept in memory. */
#include "visits/inside.h"
#include "visits/remote.h"

#include <stdio.h>

static const char *const tables[] = {"visits_person", "visits_place"};

const char *remote_region(const struct visits *v, uint32_t place) {
    return place < v->remote->cap_regions ? v->remote->regions[place] : v->remote->region;
}

static int region_set(struct remote *r, uint32_t place, struct text region) {
    if (!mem_room(&r->regions, &r->cap_regions, (size_t)place + 1, sizeof *r->regions)) return E_MEMORY;
    snprintf(r->regions[place], REGION_TEXT, "%.*s", (int)region.n, region.s);
    return 0;
}

/* Rows of number, name, class, region into memory; those known already may be holes by now. */
static int rows_take(struct visits *v, enum visits_kind kind, const PGresult *res) {
    struct names *m = kind == VISITS_PERSON ? &v->persons : &v->places;
    int rc = 0;
    for (int i = 0; rc == 0 && i < PQntuples(res); i++) {
        uint32_t id = (uint32_t)remote_int(res, i, 0);
        struct text name = {PQgetvalue(res, i, 1), (size_t)PQgetlength(res, i, 1)};
        uint8_t class_of = kind == VISITS_PLACE ? (uint8_t)remote_int(res, i, 2) : 0;
        while (rc == 0 && names_count(m) < id) rc = names_append(m, (struct text){"", 0}, 0);
        if (rc == 0 && kind == VISITS_PLACE) rc = region_set(v->remote, id, (struct text){PQgetvalue(res, i, 3), (size_t)PQgetlength(res, i, 3)});
        if (rc < 0) break;
        if (names_count(m) == id) rc = names_append(m, name, class_of);
        else {
            if (!name.n) names_forget(m, id);
            names_set_class(m, id, class_of);
        }
    }
    return rc;
}

int remote_names_learn(struct visits *v, PGconn *c, bool anew, struct error *err) {
    int rc = 0;
    for (int kind = 0; rc == 0 && kind < 2; kind++) {
        char sql[160];
        uint32_t from = anew ? 0 : names_count(kind == VISITS_PERSON ? &v->persons : &v->places);
        snprintf(sql, sizeof sql, "SELECT id, coalesce(name, '')%s FROM %s WHERE id >= $1 ORDER BY id LIMIT 200000", kind == VISITS_PLACE ? ", class, region" : "", tables[kind]);
        for (int got = 1; rc == 0 && got;) {
            PGresult *res = remote_ask(c, sql, &(struct remote_value){'i', &from, 1}, 1, err);
            if (!res) return err && err->code ? err->code : E_STORE;
            rc = rows_take(v, (enum visits_kind)kind, res);
            got = PQntuples(res);
            if (got) from = (uint32_t)remote_int(res, got - 1, 0) + 1;
            PQclear(res);
        }
    }
    for (size_t i = 0; i + 5 <= v->changes.n; i += 5) { /* not yet written: still true here */
        uint32_t place;
        memcpy(&place, v->changes.s + i, 4);
        names_set_class(&v->places, place, (uint8_t)v->changes.s[i + 4]);
    }
    return rc < 0 ? error_set(err, rc, NULL, "no memory for names / 内存不足") : 0;
}

/* New ones of the names get the next numbers; all are answered. */
static int names_give(struct visits *v, PGconn *c, enum visits_kind kind, const struct text *names, size_t n, struct error *err) {
    char sql[400];
    int rc = remote_run(c, "BEGIN; SELECT pg_advisory_xact_lock(7283742)", err);
    if (kind == VISITS_PERSON)
        snprintf(sql, sizeof sql, "INSERT INTO visits_person SELECT coalesce((SELECT max(id) FROM visits_person), -1) + row_number() OVER (ORDER BY k), name FROM "
                                  "(SELECT name, min(k) AS k FROM unnest($1) WITH ORDINALITY AS u(name, k) WHERE NOT EXISTS (SELECT 1 FROM visits_person p WHERE p.name = u.name) GROUP BY name) AS w");
    else
        snprintf(sql, sizeof sql, "INSERT INTO visits_place SELECT coalesce((SELECT max(id) FROM visits_place), -1) + row_number() OVER (ORDER BY k), name, 0, $2 FROM "
                                  "(SELECT name, min(k) AS k FROM unnest($1) WITH ORDINALITY AS u(name, k) WHERE NOT EXISTS (SELECT 1 FROM visits_place p WHERE p.name = u.name) GROUP BY name) AS w");
    struct remote_value values[] = {{'T', names, n}, {'t', v->remote->region, strlen(v->remote->region)}};
    PGresult *res = rc == 0 ? remote_ask(c, sql, values, kind == VISITS_PERSON ? 1 : 2, err) : NULL;
    if (rc == 0 && !res) rc = err && err->code ? err->code : E_STORE;
    PQclear(res);
    if (rc == 0) rc = remote_run(c, "COMMIT", err);
    if (rc == 0) rc = remote_names_learn(v, c, false, err);
    return rc;
}

int remote_names(struct visits *v, enum visits_kind kind, const struct text *names, size_t n, uint32_t *ret, struct error *err) {
    struct names *m = kind == VISITS_PERSON ? &v->persons : &v->places;
    struct text *unknown = NULL;
    size_t k = 0;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        if (!names[i].n || names[i].n > NAME_MAX_BYTES) return error_set(err, E_INVALID, NULL, "a name is empty or longer than 200 bytes / 名称为空或过长");
        ret[i] = names_find(m, names[i]);
        if (ret[i] != NAME_NONE) continue;
        if (!unknown && !(unknown = mem_alloc((n - i) * sizeof *unknown))) return error_set(err, E_MEMORY, NULL, "no memory for names / 内存不足");
        unknown[k++] = names[i];
    }
    if (k && v->read_only) rc = error_set(err, E_USAGE, NULL, "the visit store is open for reading only / 出入记录库以只读方式打开");
    if (k && rc == 0) {
        PGconn *c = NULL;
        pthread_mutex_lock(&v->names_lock);
        rc = remote_take(v, &c, err);
        if (rc == 0) rc = names_give(v, c, kind, unknown, k, err);
        remote_give(v, c);
        pthread_mutex_unlock(&v->names_lock);
        for (size_t i = 0; rc == 0 && i < n; i++)
            if (ret[i] == NAME_NONE && (ret[i] = names_find(m, names[i])) == NAME_NONE) rc = error_set(err, E_INVALID, NULL, "a name that cannot be kept / 名称无法保存");
    }
    mem_free(unknown);
    return rc;
}

int remote_classes(struct visits *v, PGconn *c, struct error *err) {
    struct buf changes = {0};
    int rc = 0;
    pthread_mutex_lock(&v->names_lock);
    rc = buf_text(&changes, buf_view(&v->changes));
    if (rc == 0) buf_reset(&v->changes);
    pthread_mutex_unlock(&v->names_lock);
    size_t n = changes.n / 5;
    uint32_t *ids = n ? mem_alloc(n * 2 * sizeof *ids) : NULL;
    if (rc == 0 && n && !ids) rc = E_MEMORY;
    if (rc == 0 && n) {
        for (size_t i = 0; i < n; i++) {
            memcpy(&ids[i], changes.s + i * 5, 4);
            ids[n + i] = names_class(&v->places, ids[i]); /* the latest */
        }
        struct remote_value values[] = {{'I', ids, n}, {'I', ids + n, n}};
        PGresult *res = remote_ask(c, "UPDATE visits_place SET class = u.class FROM unnest($1, $2) AS u(id, class) WHERE visits_place.id = u.id", values, 2, err);
        if (!res) rc = err && err->code ? err->code : E_STORE;
        PQclear(res);
    }
    if (rc < 0 && n) { /* they must go with a later append */
        pthread_mutex_lock(&v->names_lock);
        buf_text(&v->changes, buf_view(&changes));
        pthread_mutex_unlock(&v->names_lock);
    }
    mem_free(ids);
    buf_clear(&changes);
    return rc < 0 ? error_set(err, rc, NULL, "no memory for classes of places / 内存不足") : 0;
}
