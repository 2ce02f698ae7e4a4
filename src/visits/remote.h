/* visits, inside the room: the same store in PostgreSQL, for a province on a cluster that it has already. Tables of the schema that the URL names:
 *     visits_state      one row: version, zone, generation (rises with every forgetting)
 *     visits_person     number, name; visits_place: number, name, class, region
 *     visits_part       which regions have which days
 *     visits_forgotten  days [from_day, until_day) that are gone and stay gone
 *     visits_visit      pieces of stays, partitioned by region, and within it by day: visits_REGION_dDAY, with two covering indexes
 * A row lies in the region of its place, and that is the region of the process that first named it. Many processes write; one forgetting waits for appends under way
 * (the row of visits_state) and for readers (an advisory lock), ten seconds at most. Names and their numbers are kept in memory as in a folder. */
#ifndef TOCSIN_VISITS_REMOTE_H
#define TOCSIN_VISITS_REMOTE_H

#include <libpq-fe.h>

#include "visits/visits.h"

enum { REMOTE_IDLE_MAX = 8, REGION_TEXT = 13, REMOTE_WAIT_MS = 10000 };

struct visits;

/* Days that a region has. */
struct remote_part {
    char region[REGION_TEXT];
    day day;
};
struct remote_parts {
    struct remote_part *items;
    size_t n, cap;
};

struct remote {
    char *url, region[REGION_TEXT];
    pthread_mutex_t lock;        /* all below */
    PGconn *idle[REMOTE_IDLE_MAX];
    int n_idle;
    int64_t generation;
    struct remote_parts parts;   /* that are known to be there */
    char (*regions)[REGION_TEXT]; /* of places, by number */
    size_t cap_regions;
};

bool remote_url(const char *dir);
int remote_open(struct visits *v, const struct visits_options *o, struct error *err);
void remote_close(struct remote *r);

/* ---- remote.c: connections */
int remote_take(struct visits *v, PGconn **ret, struct error *err);
void remote_give(struct visits *v, PGconn *c);
/* Error of the connection's last answer. */
int remote_error(PGconn *c, const PGresult *res, struct error *err);
/* Runs SQL without parameters. */
int remote_run(PGconn *c, const char *sql, struct error *err);
/* One statement with binary parameters and answer; NULL and err on failure. types: 'i' int4, 'l' int8, 't' text, 'I' int4[]; PQclear the answer. */
struct remote_value {
    char type;
    const void *at;
    size_t n;       /* bytes of text, elements of an array */
};
struct remote_params {
    Oid types[16];
    const char *values[16];
    int lengths[16], formats[16], n;
    int64_t numbers[16];
    struct buf arrays[16];
};
int remote_params(struct remote_params *p, const struct remote_value *values, int n);
void remote_params_clear(struct remote_params *p);
PGresult *remote_ask(PGconn *c, const char *sql, const struct remote_value *values, int n, struct error *err);
int64_t remote_int(const PGresult *res, int row, int column);

/* ---- remote_names.c. Under v->names_lock where they change names. */
int remote_names(struct visits *v, enum visits_kind kind, const struct text *names, size_t n, uint32_t *ret, struct error *err);
int remote_names_learn(struct visits *v, PGconn *c, bool anew, struct error *err);
const char *remote_region(const struct visits *v, uint32_t place);
/* Writes classes that were changed; inside a transaction. */
int remote_classes(struct visits *v, PGconn *c, struct error *err);

/* ---- remote_write.c */
int remote_append(struct visits *v, const struct visit *rows, size_t n, struct error *err);
int remote_load(struct visits *v, const struct visit *rows, size_t n, uint64_t *ret_forgotten, struct error *err);
int remote_forget(struct visits *v, day from, day until, uint64_t *ret_rows, struct error *err);
/* What others have forgotten meanwhile. */
int remote_learn(struct visits *v, struct error *err);
int remote_status(struct visits *v, struct visits_status *ret, struct error *err);
void remote_table(const char *region, day d, char out[64]);
int remote_parts_read(PGconn *c, struct remote_parts *ret, struct error *err);

/* ---- remote_read.c */
struct remote_reader;
int remote_reader_open(struct visits *v, day origin, struct remote_reader **ret, struct presence_source *source, struct error *err);
void remote_reader_close(struct remote_reader *r);

#endif
