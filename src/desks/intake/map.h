/* desks/intake: the mapping language. A map (YAML, docs/import.md) says how the rows of a foreign list become records of our
 * registers: which columns, which translation, which date format, which key in the sender's system. Compiled once
 * against the catalog, then frozen: any thread evaluates rows with it. Pure: no store, no clock. Knows the ledger's registers only.
 * Maxima: 64 records, 128 computed columns, 512 distinct columns, 64 parts a row, patterns of 256 bytes over cells of 4,096 bytes. */
#ifndef TOCSIN_DESKS_INTAKE_MAP_H
#define TOCSIN_DESKS_INTAKE_MAP_H

#include "ledger/register.h"

enum { MAP_RECORDS_MAX = 64, MAP_LETS_MAX = 128, MAP_COLUMNS_MAX = 512, MAP_PARTS_MAX = 64, MAP_PATTERN_MAX = 256, MAP_MATCH_MAX = 4096, MAP_NOTES_MAX = 4 };

struct map;

/* What to do with a reference that points to nothing. */
enum map_missing { MISSING_REJECT, MISSING_EMPTY, MISSING_CREATE };
/* How a reference names its target. */
enum map_by {
    BY_ROW,    /* another record of the same row: `row` */
    BY_KEY,    /* outside key in `text` */
    BY_FIELD,  /* the text field `by_field` of the target equals `text` */
    BY_ANY,    /* number, outside key or title, in this order (lists without a map) */
    BY_ID,     /* `id`, of this node */
    BY_REGION, /* title of a region; the field is a region code, not a reference */
};

struct map_ref {
    int field;                        /* of the record */
    enum map_by by;
    const struct register_decl *target;
    int by_field;
    struct text text;
    int64_t id;
    enum map_missing missing;
    int row;                          /* BY_ROW: index of the item; MISSING_CREATE: index of the item to create; else -1 */
    int64_t key;                      /* set by batch_prepare: hash of what it names, when it names something by a word */
};

/* One record that a row asks for. values are in the clear and typed; cells a row says nothing of are ABSENT. */
struct map_item {
    const struct register_decl *reg;
    int record, part;          /* which entry of `records` made it, from which part of an `each` (-1: the whole row) */
    bool optional;             /* its failure is a note, not the row's */
    bool only_new;             /* an existing one is left alone */
    bool match;                /* a person: look for the same one by document, phone and name */
    bool keeps;                /* an existing one keeps what is known; the other word is noted in field keep_to */
    int keep_to;
    struct value *values;      /* [reg->n_fields] */
    int64_t own_id;            /* the row was written by this node: this record; else 0 */
    struct text outside_key;   /* empty: none */
    int64_t key;               /* set by batch_prepare: its hash */
    struct text state, region; /* empty: none */
    struct text region_title;  /* region is to be looked up by title; else empty */
    size_t n_refs;
    struct map_ref *refs;
};

/* Why a row was refused, for the error file. zh and en name the field by its title and never repeat sealed content. */
struct map_reason {
    int code;
    struct text field;
    char zh[400], en[400];
};

enum map_outcome { MAP_ROW, MAP_SKIP, MAP_REJECT };

struct map_result {
    size_t n;
    struct map_item *items; /* parents before those that refer to them */
    int main;               /* the record whose outcome is the row's */
    struct map_reason *reason; /* why it was refused; else NULL */
    size_t n_repairs;       /* cells put right: width, signs, invisible characters, glosses, garbling */
    size_t n_notes;         /* cells left empty by `bad: empty`, optional records dropped */
    struct map_reason *notes; /* the first MAP_NOTES_MAX of them */
};

/* Compiles. Errors name file:line:column: unknown key, register, field, record, date format; a bad pattern; a loop. Owned: map_free. */
int map_parse(const struct catalog *c, struct text source, const char *file, struct map **ret, struct error *err);
int map_read(const struct catalog *c, const char *path, struct map **ret, struct error *err);
void map_free(struct map *m);

/* The map for a list without one: headers matched by name, titles and synonyms (case, width, spaces and brackets folded) of
 * the register, then of person when the register has a person field. `unmatched` (may be NULL) receives the other headers, comma
 * separated. A required field that no header and no default gives is E_INVALID, with the headers found. node: what this node is called
 * (ledger_node): a list with the column tocsin_node was written by a node; rows of this one mean the records they name, those of another
 * are known by its name for them and link to nothing else. */
int map_auto(const struct catalog *c, const struct register_decl *target, struct text node, const struct text *headers, size_t n, struct map **ret,
             struct buf *unmatched, struct error *err);
/* What each header would mean to map_auto, whether or not what is required is there: a word, empty for none. The name of a field, "person.name" for
 * one of the person beside it, "key", "region", "state", "latitude", "longitude"; of a node's list also "tocsin_node", "id", "number". Such a word in
 * place of the header means the same. ret lives in `a`. */
int map_means(const struct catalog *c, const struct register_decl *target, struct text node, const struct text *headers, size_t n, struct arena *a, struct text **ret,
              struct error *err);

const struct register_decl *map_target(const struct map *m);
int map_header_row(const struct map *m); /* row of the file that holds the headers, from 1; 0 = there is none */
/* How the list is to be read: NULL when it tells itself. */
const char *map_encoding(const struct map *m); /* as iconv calls it */
const char *map_sheet(const struct map *m);    /* of a workbook */
struct text map_comment(const struct map *m);  /* rows that begin with this are skipped, also before the headers; empty: none */
const struct text *map_fill(const struct map *m, size_t *ret_n); /* columns, folded, whose empty cells say what the row above says */
/* The YAML it was compiled from; empty for an automatic one. */
struct text map_source(const struct map *m);

/* Where the map's columns are in this file. E_INVALID names the columns that are missing and the headers found. Owned: map_unbind. */
struct map_binding;
int map_bind(const struct map *m, const struct text *headers, size_t n, struct map_binding **ret, struct error *err);
void map_unbind(struct map_binding *b);
/* Headers that the map does not use, comma separated. */
int map_unused(const struct map *m, const struct map_binding *b, const struct text *headers, size_t n, struct buf *out);

/* Evaluates one row into the arena (everything in `ret` lives there). A refused row is a result; negative only for E_MEMORY.
 * zone_s reads instants that carry no zone. Cost: proportional to the cells used. */
int map_row(const struct map *m, const struct map_binding *b, const struct text *cells, size_t n, int64_t line, int32_t zone_s,
            struct arena *a, struct map_result *ret, enum map_outcome *ret_outcome, struct error *err);

/* Folds a word for comparison: trimmed, ASCII lower case, full width to half width, runs of space to one. */
struct text map_fold(struct arena *a, struct text t);
/* Reads a date or date-time by a format ("dd/mm/yyyy", "yyyy年m月d日", "excel", "r", ...). Writes ISO 8601. */
bool map_date(struct text t, struct text format, int year, char partial, char out[40]);

#endif
