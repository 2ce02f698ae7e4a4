/* desks/intake: the import pipeline. A door hands over rows of UTF-8 cells; they become records through a map (or by their headers), the
 * persons they mean are found, and everything is written with its obligations and journal, a batch a transaction.
 * Law: rows = created + changed + unchanged + rejected; one outcome a row, that of its main record. One bad row never kills the file and
 * leaves nothing behind; it goes back to the door through `rejected` with its cells and the reason. Blank rows, comment rows and rows the
 * map skips are counted apart. A row whose reference points to a row further down waits and is tried again at the end.
 *
 * Threads: a worker maps rows and prepares records (pure), a writer matches and writes; the caller's thread reads rows and is the only one that
 * `rejected` and `noted` are called on. The rows in flight are bounded (4 batches). All functions are to be called from one thread, the one that owns the
 * ledger; from the first row to finish, cancel or free the writer alone uses it. */
#ifndef TOCSIN_DESKS_INTAKE_IMPORT_H
#define TOCSIN_DESKS_INTAKE_IMPORT_H

#include "desks/intake/map.h"
#include "ledger/record.h"

struct intake;

struct intake_reject {
    int64_t line;
    size_t n;
    const struct text *cells;         /* as they came; borrowed for the call */
    const struct map_reason *reason;
};

enum intake_note_kind {
    NOTE_UNMATCHED,  /* columns that nothing uses; text lists them */
    NOTE_CELL,       /* a cell was left empty, an optional record dropped */
    NOTE_REFERENCE,  /* a reference was left empty: its target is not there */
    NOTE_DUPLICATE,  /* this person could be that one */
    NOTE_OTHERWISE,  /* a known person, of whom the row says another name, birth, sex or phone: kept in its field also_given */
    NOTE_SIMILAR,    /* this record is probably that one (ledger/similar.h): stored all the same */
};
struct intake_note {
    enum intake_note_kind kind;
    int64_t line;
    struct text field;
    const char *zh, *en;
    int64_t record, other; /* NOTE_DUPLICATE, NOTE_SIMILAR: the two records; NOTE_OTHERWISE: the person */
};

struct intake_options {
    const struct register_decl *target; /* what the list is of; the map's own when NULL */
    const struct map *map;              /* borrowed; NULL: by the headers */
    size_t n_headers;
    const struct text *headers;
    const char *unread;                 /* names of sheets of the workbook that are not read: told; NULL or empty: none */
    const char *file;                   /* its name, for the import record */
    struct text digest;                 /* of its bytes, or empty */
    const char *map_name;
    bool dry_run;                       /* everything but the writes: one transaction, rolled back at the end */
    bool pieces;                        /* dry run beside other writers: a transaction a batch, each rolled back. What an earlier batch would have
                                           made is unknown to a later one: rows that refer to it stay in `waiting`, persons may count as new twice */
    size_t batch_rows;                  /* 0: 10,000 */
    const _Atomic size_t *batch_now;    /* asked at every row when given: others may wait for their turn to write */
    int workers;                        /* 0: one; -1: none, all in the caller's thread */
    void (*rejected)(void *arg, const struct intake_reject *r);
    void (*noted)(void *arg, const struct intake_note *n);
    void (*advanced)(void *arg);        /* rows more were decided; on the caller's thread too, inside intake_row and intake_finish */
    void *arg;
};

struct intake_counts {
    int64_t rows, created, changed, unchanged, rejected;
    int64_t skipped;    /* blank, comment, or told to skip: not among rows */
    int64_t waiting;    /* read, not yet decided */
    int64_t read;       /* handed over */
    int64_t records;    /* written (created or changed), of all registers */
    int64_t matched;    /* persons found to be known */
    int64_t candidates; /* persons that could be others */
    int64_t similar;    /* records that are probably others */
    int64_t repaired;   /* cells put right (base/repair.h) */
    int64_t notes;
    int64_t elapsed_ns;
    int64_t import;     /* id of the import record; 0 in a dry run */
};

/* Checks headers and map before any row is read, and records the import. session is copied, its texts are borrowed. Owned: intake_free. */
int intake_new(struct ledger *l, const struct session *s, const struct intake_options *o, struct intake **ret, struct error *err);
/* One row; damaged: its bytes did not decode, it is refused. Negative only when the whole import must stop: what is committed stays. */
int intake_row(struct intake *in, const struct text *cells, size_t n, int64_t line, bool damaged, struct error *err);
/* Writes what is waiting, tries again what refers to later rows, completes the import record. */
int intake_finish(struct intake *in, struct error *err);
/* Instead of finish: rows not yet committed are dropped, the import record says how far it came. What is stored can be undone. */
int intake_cancel(struct intake *in, struct error *err);
/* The part of a file of which `part` has been read that is decided: the reader is some batches ahead. */
double intake_decided(const struct intake_counts *c, double part);
/* How far it has come. What is counted is on disk: of a large list the batch just written is not among it, until it is. */
void intake_progress(struct intake *in, struct intake_counts *ret);
/* After finish or at any moment: then the rows not yet committed are dropped. */
void intake_free(struct intake *in);

/* Takes an import back: removes the records it created, restores the cells it changed. Records that others changed since stay as they are and are
 * told to `kept`; so are those that something else refers to. E_CONFLICT when it was undone before; E_UNKNOWN. One transaction. */
struct intake_undone {
    int64_t removed, restored, kept;
};
int intake_undo(struct ledger *l, const struct session *s, int64_t import,
                void (*kept)(void *arg, const struct register_decl *reg, int64_t id, const char *why), void *arg, struct intake_undone *ret,
                struct error *err);

#endif
