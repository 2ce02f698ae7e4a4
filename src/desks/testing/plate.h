/* desks/testing: what a PCR instrument says of one plate. Rows of its table (CSV or XLSX through files/sheet, or a program's own) become wells with a Ct
 * a target; wells become calls under the plan's numbers. Pure: no store, no clock. Tables come in two shapes, told by their header, which may stand
 * below a preamble of at most PLATE_PREAMBLE rows: a row a well and target (QuantStudio, 7500, CFX, LightCycler), or a row a well with a column a
 * target (宏石 SLAN and most laboratory systems). */
#ifndef TOCSIN_DESKS_TESTING_PLATE_H
#define TOCSIN_DESKS_TESTING_PLATE_H

#include "base/text.h"

enum { PLATE_WELLS_MAX = 384, PLATE_COLUMNS_MAX = 64, PLATE_PREAMBLE = 100, PLATE_TUBE_MAX = 60, PLATE_REFUSED_MAX = 1000 };
/* Ct in hundredths of a cycle. */
enum { CT_MAX = 6000, CT_NEVER = -1 /* measured, no amplification */, CT_NONE = -2 /* not measured */ };

enum plate_target { PLATE_ORF, PLATE_N, PLATE_IC, PLATE_TARGETS }; /* ORF1ab, N, the internal control; the others are left unread and counted */
enum plate_role { PLATE_SAMPLE, PLATE_NEGATIVE, PLATE_POSITIVE, PLATE_STANDARD };

struct plate_well {
    char well[4];                /* "A01" to "P24"; "" when the table has none */
    enum plate_role role;
    struct text tube;            /* as written, in the plate's arena; empty for a control */
    int32_t ct[PLATE_TARGETS];
    int64_t line;                /* where it first stands */
    bool refused;                /* one of its rows was: it says nothing */
};

/* Why a row was not taken. Both languages are inside the message ("English / 中文"). */
struct plate_refusal {
    int64_t line;
    struct text tube;
    struct error why;            /* where: the column */
};

struct plate_options {
    /* which target a dye is, for tables that name dyes only; -1 unknown. Order of plate_dyes. */
    int dyes[4];
    bool blank_is_none;          /* an empty Ct means no amplification; otherwise such a row is refused, because it may as well have been lost */
};
enum plate_dye { DYE_FAM, DYE_VIC /* HEX, JOE */, DYE_ROX, DYE_CY5 };

struct plate {
    struct arena arena;
    struct plate_options options;
    /* the header, once found */
    bool found;
    int well, well_number, tube, target, ct, role; /* columns; -1 none */
    int ct_of[PLATE_TARGETS];
    bool measured[PLATE_TARGETS];
    int64_t rows;                /* seen before the header, then rows of wells */
    size_t n_wells;
    struct plate_well wells[PLATE_WELLS_MAX];
    size_t n_refused, refusals_left_out;
    struct plate_refusal *refused; /* [PLATE_REFUSED_MAX], in the arena */
    int64_t other_targets;       /* rows of targets that are none of ours */
};

extern const struct plate_options plate_options_usual; /* no dyes, blanks refused */
/* "FAM=ORF1ab,VIC=N,CY5=IC" into o->dyes; E_USAGE. */
int plate_dyes(struct text t, struct plate_options *o, struct error *err);
int plate_begin(struct plate *p, const struct plate_options *o, struct error *err); /* cleared by plate_clear, also on failure */
void plate_clear(struct plate *p);
/* One row of the table. A row that is wrong is a refusal in p, not an error; E_SYNTAX: no header within the preamble; E_MEMORY; E_TOO_LARGE: more wells than
 * a plate has. */
int plate_row(struct plate *p, const struct text *cells, size_t n, int64_t line, bool damaged, struct error *err);
/* After the last row: E_SYNTAX when there was no header. Wells that miss a target the others have are refused. */
int plate_end(struct plate *p, struct error *err);
int plate_refuse(struct plate *p, int64_t line, struct text tube, int code, const char *where, const char *message, struct error *err);
/* Header names of a Ct-table and a well "A1" "a01" "H12" for doors that have no table. */
bool plate_well_name(struct text t, char out[4]);
bool plate_ct(struct text t, bool blank_is_none, int32_t *ret);

/* ---- what it means: numbers of the plan in force */
struct plate_rules {
    int32_t positive_most;       /* amplified at or before this Ct counts; later is inconclusive */
    int32_t control_most;        /* the positive control must amplify every target by then */
    int targets_needed;          /* of ORF1ab and N, for a positive */
};
enum plate_call { CALL_NEGATIVE, CALL_POSITIVE, CALL_INCONCLUSIVE, CALL_INVALID };
extern const char *const plate_calls[]; /* codes of list test_result */
/* A well that amplified nothing of the virus is negative only when its internal control, if the plate has one, amplified. */
enum plate_call plate_judge(const struct plate_rules *rules, const int32_t ct[PLATE_TARGETS]);
/* Whether the controls of a plate hold: at least one negative without any of the virus, at least one positive with all of it in time, none that fails.
 * 0, or E_REFUSED naming the well and what is wrong: such a run gives no results. */
int plate_controls(const struct plate *p, const struct plate_rules *rules, struct error *err);

#endif
