/* visits, inside the room: the list of what counts. A store is the files its manifest names; everything else in the folder is a leftover.
 * Written as a whole to manifest.tmp, synced, renamed, folder synced: the change of the manifest is the change of the store.
 *     tocsin visits 1
 *     zone 28800
 *     generation 17                       last number given to a file
 *     log 5                               first log that still counts
 *     names names-00000003 4711 120 37    file, its good bytes, persons, places
 *     forgotten 18993 19007               days [from, until) that are gone and stay gone
 *     segment 19010 d19010-00000012.seg 401234 3600123
 *     end CRC */
#ifndef TOCSIN_VISITS_MANIFEST_H
#define TOCSIN_VISITS_MANIFEST_H

#include "base/instant.h"

enum { MANIFEST_NAME_MAX = 32, MANIFEST_BYTES_MAX = 8 << 20, MANIFEST_FORGOTTEN_MAX = 4096 };

struct manifest_segment {
    day day;
    char name[MANIFEST_NAME_MAX];
    uint64_t rows, bytes;
};

struct day_range {
    day from, until;
};

struct manifest {
    int32_t zone_s;
    uint64_t generation;
    uint32_t log;
    char names[MANIFEST_NAME_MAX];
    uint64_t names_bytes;
    uint32_t n_persons, n_places;
    size_t n_forgotten, n_segments;
    struct day_range *forgotten;         /* ascending, not touching */
    struct manifest_segment *segments;   /* by day, then as added */
};

/* Owned: manifest_clear. Errors: E_UNKNOWN (no such store), E_CORRUPT, E_UNSUPPORTED, E_MEMORY. */
int manifest_read(const char *dir, struct manifest *ret, struct error *err);
int manifest_parse(struct text t, struct manifest *ret, struct error *err);
int manifest_write(const char *dir, const struct manifest *m, struct error *err);
int manifest_copy(const struct manifest *m, struct manifest *ret);
void manifest_clear(struct manifest *m);

bool manifest_forgot(const struct manifest *m, day d);
int manifest_forget(struct manifest *m, struct day_range r); /* joins it to what is forgotten; E_MEMORY, E_TOO_LARGE */
int manifest_add(struct manifest *m, const struct manifest_segment *s);
void manifest_remove(struct manifest *m, const char *name);
/* Makes renames and unlinks in a folder durable. */
int folder_sync(const char *dir, struct error *err);

#endif
