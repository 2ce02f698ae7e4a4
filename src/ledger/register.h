/* ledger: registers as data. A catalog is read from registers/ and codes/ (YAML), checked whole, then frozen: any thread reads
 * it without locks. Everything else derives from it: tables, validation, templates, import, export, access, retention.
 * Knows nobody but base. The declared language is described in docs/registers.md. */
#ifndef TOCSIN_LEDGER_REGISTER_H
#define TOCSIN_LEDGER_REGISTER_H

#include "base/instant.h"
#include "base/value.h"
#include "base/yaml.h"

enum field_type {
    FIELD_TEXT,      /* TEXT */
    FIELD_CODE,      /* TEXT, one of a code list */
    FIELD_INTEGER,   /* INT */
    FIELD_DECIMAL,   /* INT, value * 10^scale */
    FIELD_BOOLEAN,   /* INT 0 1 */
    FIELD_DATE,      /* INT day */
    FIELD_INSTANT,   /* INT seconds */
    FIELD_DURATION,  /* INT seconds */
    FIELD_REGION,    /* TEXT canonical region code, see ledger/region.h */
    FIELD_POINT,     /* TEXT "lat,lon", 6 decimals, WGS 84 */
    FIELD_REFERENCE, /* INT id of a record of `target` */
    FIELD_TYPES
};

/* Checks that belong to a text field beyond its length. */
enum field_check { CHECK_NONE, CHECK_DOCUMENT, CHECK_ID_CARD, CHECK_UNIT_CODE, CHECK_PHONE };
/* How a sealed field can be found again: keyed hashes of its normal form (vault.h). */
enum field_blind { BLIND_NONE, BLIND_DOCUMENT, BLIND_PHONE, BLIND_NAME, BLIND_ADDRESS };

struct code {
    struct text code, zh, en, standard; /* standard: the code in the national or WHO list, may be empty */
    size_t n_synonyms;
    struct text *synonyms; /* other words that mean it on import, normalised (see code_find_any) */
    bool alone; /* where several codes may stand, this one stands alone */
};

struct codelist {
    struct text name, zh, en, source;
    size_t n;
    struct code *codes;
    void *index; /* private: normalised word -> code */
};

struct field {
    struct text name, zh, en; /* name: [a-z][a-z0-9_]*, a column name */
    struct text note_zh, note_en, standard;
    enum field_type type;
    bool required, sealed, indexed, multiple; /* multiple: codes joined by ';' */
    bool fixed;               /* once given it stays: another value is a conflict */
    bool other_person;        /* a reference that leads to somebody else than whom the record is about */
    int scale;                                /* decimals of FIELD_DECIMAL */
    bool has_min, has_max;
    int64_t min, max;         /* value range in stored units; for text the maximum length in code points */
    struct text unit;
    const struct codelist *codes;
    struct text target;       /* FIELD_REFERENCE: register name */
    enum field_check check;
    enum field_blind blind;
    int copy_reference, copy_field; /* default taken from the record that field `copy_reference` points to; -1 none */
    struct value fallback;    /* constant default; ABSENT none */
    size_t n_synonyms;
    struct text *synonyms;    /* column headers that mean this field, as written */
    int line;
};

struct state {
    struct text name, zh, en;
    bool initial, final;
};

struct move {
    int from, to; /* indexes of states; from -1 = any */
    size_t n_roles;
    struct text *roles; /* who may; empty = whoever may write */
    int sets;           /* a field of a code that the move itself writes; -1 none */
    struct value value;
};

/* A check between fields: a condition that must not be false (unknown passes), with its two messages. With `was` it is a check of
 * a change: it is asked only when the record as it was fulfils `was`. One of codes ("severity among none, unknown when classification is
 * asymptomatic") is a condition like the others, and says besides which codes a form should offer. */
struct rule_check {
    struct text condition, was, zh, en;
    int field, when;     /* of codes: the field that is narrowed, the field that narrows it; both -1 otherwise */
    struct text is;      /* its code */
    size_t n_among;
    struct text *among;  /* the codes that remain */
    int line, column;
    void *expr; /* struct expr *, bound by ledger/record.c at start */
};

/* A record moves another (ledger/effect.h). */
struct effect {
    struct text when, moves, to; /* condition over the record; one of its references, or a register about the same person; the state that the other enters */
    struct text back;            /* the state it goes back to; empty: it stays */
    struct text at, same, by;    /* of a register: which one of the person's, see there */
    int64_t within_s;
    int line;
};

/* What a record it refers to can hold of this register (ledger/hold.h). */
struct hold {
    struct text field, most, count, at, full, zh, en, *but;
    size_t n_but;
    int line;
};

/* People counted once in each of something (ledger/tally.h). */
struct tally_decl {
    struct text person, within, at, left_out, by[4];
    size_t n_by;
    int line;
};

/* Records counted in what they refer to, by cells of their own (ledger/count.h). */
struct count {
    struct text name, within, at, since, by, sum;
    int64_t every_s;
    int line;
};

/* Records that are probably one: the same key cells, their dates at most so many days apart (ledger/similar.h). */
struct similar {
    size_t n_key;
    int *key;                  /* field indexes, all given and equal */
    int within;                /* date or instant field; an empty one counts as near */
    int days;
    struct text except;        /* condition: such a record is nobody's double; empty: none */
    struct text settled;       /* condition on the later one: it stands by itself; empty: none */
    struct text zh, en, source;
    int line;
};

struct register_decl {
    struct text name, zh, en, desk, standard, source;
    size_t n_fields;
    struct field *fields;
    size_t n_states;
    struct state *states;      /* may be none */
    size_t n_moves;
    struct move *moves;
    size_t n_checks;
    struct rule_check *checks;
    size_t n_effects;
    struct effect *effects;    /* what making a record of this register does to others */
    size_t n_holds;
    struct hold *holds;
    struct tally_decl *tally;       /* or NULL */
    size_t n_counts;
    struct count *counts;
    size_t n_similar;
    struct similar *similar;   /* what is told as a probable double */
    struct text number_mask;   /* "C-{region}-{date}-{seq:4}" or empty; see record.c */
    size_t n_key;
    int *key;                  /* natural key: field indexes; a second record with the same key is the same record */
    bool key_region;           /* the record's region (system column) is part of the natural key, before the fields */
    size_t n_indexes;
    struct text *indexes;      /* further indexes: "person, onset" */
    struct text *index_where;  /* of each, what a row must be to stand in it, as SQL over its columns: "state" IN ('open'); empty: any row */
    int region_field;          /* field that gives the record its region; -1: given by the writer */
    size_t n_region_synonyms;
    struct text *region_synonyms; /* column headers that mean the record's region (a system column, never a field) */
    int person_field;          /* the reference to person that makes this a fact about somebody; -1 none */
    bool below;                /* who reads it below its region reads it too: a campaign of the city is every street's */
    int holder_field;          /* the reference whose duties a record's stand beside: person_field, or of a register about nobody what it says; -1 none */
    int date_field;            /* date or instant field the record belongs to for numbers and lists; -1: creation */
    size_t n_readers, n_writers, n_openers;
    struct text *readers, *writers, *openers; /* roles; openers may open sealed fields, with a purpose */
    const struct codelist *role_names;        /* list `role`; NULL: the catalog has none */
    int keep_days;             /* retention; 0 = for ever */
    int keep_from;             /* date or instant field it counts from; -1 = last change */
    struct text keep_basis;    /* why so long: law or plan */
    int order;                 /* position in the catalog */
    const char *file;
};

struct catalog {
    struct arena arena;
    size_t n_registers;
    struct register_decl *registers; /* sorted by name */
    size_t n_codelists;
    struct codelist *codelists;      /* sorted by name */
};

/* Reads every *.yaml under registers_dir (folders included) and codes_dir. Errors name file:line:column: unknown key, type, code list,
 * target register or field, duplicate field, reserved name, a state move between unknown states, a bad mask. Owned: catalog_free. */
int catalog_load(const char *registers_dir, const char *codes_dir, struct catalog **ret, struct error *err);
void catalog_free(struct catalog *c);
const struct register_decl *register_find(const struct catalog *c, struct text name); /* NULL when unknown */
int register_field(const struct register_decl *r, struct text name);                  /* index or -1 */
/* A field that a declaration may leave out: -1 when nothing is named. Sets *bad when it is not there, sealed, or of none of the types (bits 1 << enum field_type). */
int register_field_of(const struct register_decl *r, struct text name, uint32_t types, bool *bad);
void register_field_near(const struct register_decl *r, struct text name, struct error *err); /* adds to a refusal of `name` which field was probably meant */
int register_state(const struct register_decl *r, struct text name);                  /* index or -1 */
int register_initial(const struct register_decl *r);                                  /* index or -1 */
bool role_among(const struct text *roles, size_t n, struct text role);
/* What roles are called in one language, for people, as many as fit; one that is not in the list is its code. names may be NULL. In out. */
const char *role_words(const struct codelist *names, const struct text *roles, size_t n, bool zh, char *out, size_t size);

const struct codelist *codelist_find(const struct catalog *c, struct text name);
const struct code *code_find(const struct codelist *l, struct text code);       /* exact */
const struct code *code_find_any(const struct codelist *l, struct text word);   /* code, title or synonym; case, width, space folded */
/* The folding that code_find_any and header matching share: ASCII lower-cased, full-width forms made ASCII, white space, underscore and
 * hyphen removed. Writes at most max bytes; false when it does not fit. WORD_BYTES is enough for every word of a catalog. */
enum { WORD_BYTES = 256 };
bool word_fold(struct text t, char *out, size_t max, size_t *ret_n);

/* Desk code says at start-up which fields it needs: E_UNKNOWN names the first that is missing. names is NULL-ended;
 * ret_index receives one index per name. */
int register_needs(const struct catalog *c, const char *reg, const char *const *names, int *ret_index,
                   const struct register_decl **ret, struct error *err);

/* ---- field.c: text to value and back, per type. The check of a single cell; pure. */
/* Parses what a person or file wrote. Dates and instants as in instant.h plus 2022/5/30, 2022.5.30, 2022年5月30日 and 20220530; booleans 是/否/yes/no/1/0/true/
 * false/y/n; codes by code, title or synonym; full-width digits and letters folded; decimals with the field's scale. Empty gives NULL.
 * Texts are copied into the arena. Errors: E_INVALID with the field's name as `where` and without repeating sealed content.
 * Messages are "English / 中文". */
int field_parse(const struct field *f, struct text input, int32_t zone_s, struct arena *a, struct value *ret, struct error *err);
/* Checks an already typed value (range, length, code, check digit). */
int field_check_value(const struct field *f, struct value v, struct error *err);
/* Canonical text that field_parse reads back. Sealed blobs print as "***". */
int field_format(const struct field *f, struct value v, int32_t zone_s, struct buf *out);
/* The same for people: code titles in the language, 是/否, units not included. */
int field_display(const struct field *f, struct value v, int32_t zone_s, bool zh, struct buf *out);

/* ---- check.c: identity documents and the like; pure, sources in check.c. */
bool id_card_valid(struct text t);                /* GB 11643, 18 characters, upper-case X, real date */
bool id_card_birth(struct text t, day *ret_birth, int *ret_sex); /* sex 1 male 2 female */
bool unit_code_valid(struct text t);              /* GB 32100 */
/* Normal form of a phone (digits only, +86/0086 stripped); false when it is no mobile or landline number. */
bool phone_normal(struct text t, char out[24]);
/* Excel damage: "3.10115E+17" or 18 digits ending 000 whose check digit is off. */
bool id_card_damaged(struct text t);
/* A document number against its type (code of list document_type). Pure; *why (may be NULL) gets a constant "English / 中文" on refusal. */
bool document_valid(struct text type, struct text number, const char **why);

#endif
