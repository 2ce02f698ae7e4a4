/* desks/intake: who a row means. A person is the same when the document number is (blind index, keyed hash); or when phone and name (by pinyin)
 * are and nothing stands against it: no two document numbers, another sex, or an age of another generation (a family has one phone, and names that sound alike).
 * Same name, birth date and sex is only a candidate: told, never merged in silence.
 * Look-ups go to the store in sorted batches. Reads through the ledger's write connection, inside the caller's transaction. */
#ifndef TOCSIN_DESKS_INTAKE_MATCH_H
#define TOCSIN_DESKS_INTAKE_MATCH_H

#include "ledger/record.h"

enum match_kind { MATCH_NONE, MATCH_DOCUMENT, MATCH_PHONE_NAME };

/* One person asked for. The hashes are record_prepare's (draft->blind). */
struct match {
    bool has_document, has_phone, has_name, has_birth;
    int64_t document, phone, name;
    day birth;
    struct text sex;
    bool has_age;
    int64_t age; /* in years */
    /* result */
    enum match_kind kind;
    int64_t id;         /* the person it is; 0: a new one */
    int64_t candidate;  /* a person it could also be; 0: none */
    bool family;        /* that has the phone and the name, and something stands against it */
};

/* Do they say of one thing what cannot be said of one person? What either leaves out stands against nothing. */
bool match_against(const struct match *a, const struct match *b);
/* What a leaves out and b says. */
void match_learn(struct match *a, const struct match *b);

/* Takes what a prepared person draft knows. */
void match_of(const struct draft *d, struct match *ret);
/* Fills the results of n. Names carried by very many people are compared with the first 50 of them, phones with the first 200. Cost: about one indexed look-up per key.
 * Errors: E_STORE, E_MEMORY. */
int match_persons(struct ledger *l, struct match *m, size_t n, struct arena *a, struct error *err);

/* Sets a person draft up as a change of who it means: what is known stays, the other word is noted beside it (record.h: aside). */
void match_as_known(struct draft *d, enum match_kind kind);

#endif
