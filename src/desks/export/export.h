/* desks/export: records into files, streamed, any size, and empty forms. Doors ask; below are the ledger and the sheet writer.
 *
 * CSV, XLSX and JSON hold every field of the register (or those asked for), then, for a register about persons, the fields of the
 * person, so that what was exported can be imported again. References are written as the number, title or login of what they point to, else as its
 * id; the column tocsin_node says whose ids and numbers these are (docs/import.md).
 * Sealed fields are left out unless `open`, which needs ACCESS_OPEN and a purpose and is journalled record by record.
 * LINELIST: cases under the tag names of the R package linelist; with `open` the person's sealed fields behind them, under their own names. EPICONTACTS: that
 * list and the pairs from -> to beside it. */
#ifndef TOCSIN_DESKS_EXPORT_H
#define TOCSIN_DESKS_EXPORT_H

#include "desks/list/list.h"

enum export_format { EXPORT_CSV, EXPORT_XLSX, EXPORT_JSON, EXPORT_LINELIST, EXPORT_EPICONTACTS };

struct export_options {
    enum export_format format;
    const char *where;   /* condition over the register's fields; NULL: all */
    const char *columns; /* "number,onset,person.sex"; NULL: all */
    struct text region;  /* subtree; empty: all that the session may read */
    bool titles, zh;     /* titles instead of names, in this language; codes then as their titles too */
    bool open;
    bool bom;            /* CSV in pieces begins with a byte order mark, for spreadsheets */
    /* Who journals the looks of `open` instead of this desk: called for each record opened, with its register; whoever gives it must have all of a piece in
     * the journal before the piece goes out. NULL: journalled here, record by record. */
    int (*opened)(const struct register_decl *reg, int64_t id, void *arg, struct error *err);
    void *opened_arg;
    const struct list_query *query; /* filters as lists have them, instead of where and region; NULL: none */
};

/* Writes to path ("-" standard output; not for XLSX and EPICONTACTS, which makes PATH.linelist.csv and PATH.contacts.csv). ret_rows may be
 * NULL. Reads through db; opening sealed fields writes to the journal through l. Errors: E_UNKNOWN column, E_USAGE (a register that the format does not
 * fit), E_DENIED, those of sheet.h. */
int export_records(struct ledger *l, struct db *db, const struct session *s, const struct register_decl *reg, const struct export_options *o,
                   const char *path, int64_t *ret_rows, struct error *err);

/* The same piece by piece, in constant memory, for who reads slowly or comes back: o->query says which rows (in id order), `at` where the last piece
 * ended. CSV, XLSX, JSON (one array over all pieces), LINELIST, and EPICONTACTS, which of cases is that list and of links the pairs. Between pieces nothing is
 * held, but of XLSX the open workbook: export_place_clear. */
struct export_place {
    int64_t after;        /* id of the last row; the caller may begin with another than 0 */
    int64_t rows;
    bool headless;        /* CSV and LINELIST: no line of headers */
    bool begun, end;
    struct xlsx_stream *book; /* private */
};
void export_place_clear(struct export_place *at);
int export_piece(struct ledger *l, struct db *db, const struct session *s, const struct register_decl *reg, const struct export_options *o,
                 struct export_place *at, size_t rows, struct buf *out, struct error *err);

/* Fields that a person fills in: references to persons become the person's own fields. At most max; a column "region" comes behind them where the register
 * has no region field. */
size_t export_template_fields(const struct catalog *c, const struct register_decl *reg, const struct field **out, size_t max);
/* An empty form: header, drop-downs of code fields, dates explained. format CSV or XLSX. */
int export_template(const struct catalog *c, const struct register_decl *reg, enum export_format format, bool zh, const char *path, struct error *err);

/* ---- shared by the files of this exporter */
struct export_names; /* what references are called; a cache */
int export_names_new(struct ledger *l, struct db *db, const struct session *s, struct export_names **ret, struct error *err);
void export_names_free(struct export_names *n);
/* Number, else a title, login or code that no other record has, else the id; borrowed until the next call. Empty for id 0 or what is not visible. */
int export_name(struct export_names *n, struct text target, int64_t id, struct text *ret, struct error *err);
/* Opens the sealed cells of a record in place and says so to the journal; an erased one stays closed. Values must be the caller's own. */
int export_open(struct ledger *l, struct db *db, const struct session *s, const struct export_options *o, struct record *r, struct arena *a, struct error *err);
/* Zero when the session may read some of the register, else what access says (E_DENIED): nothing to see is no empty file. Opening needs a purpose. */
int export_allowed(const struct ledger *l, const struct session *s, const struct register_decl *reg, const struct export_options *o, struct error *err);
int export_linelist(struct ledger *l, struct db *db, const struct session *s, const struct register_decl *reg, const struct export_options *o,
                    const char *path, int64_t *ret_rows, struct error *err);
int export_linelist_piece(struct ledger *l, struct db *db, const struct session *s, const struct register_decl *reg, const struct export_options *o,
                          struct export_place *at, size_t rows, struct buf *out, struct error *err);

#endif
