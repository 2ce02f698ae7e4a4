/* ledger, private to obligation*.c: the book of one transaction. */
#ifndef TOCSIN_LEDGER_BOOK_H
#define TOCSIN_LEDGER_BOOK_H

#include "ledger/obligation.h"

struct book_row {
    struct obligation o; /* first: book_touch casts back */
    struct book_row *next, *next_changed;
    bool dirty;  /* in the list of changed rows */
    bool stored; /* the store has it */
    bool gone;   /* to be deleted */
};

struct book_slot {
    int64_t holder; /* 0: empty slot */
    struct book_row *rows;
    size_t n;
    bool loaded;
};

struct organisation_entry {
    struct text region, department;
    int64_t id;
};

struct obligation_book {
    struct arena arena; /* a transaction */
    struct book_slot *slots;
    size_t n_slots, used;
    struct book_row *changed;
    struct arena owners; /* organisations, until owner_forget */
    struct organisation_entry *organisations; /* sorted by department, region */
    size_t n_organisations;
    bool organisations_known;
};

int book_slot_of(struct ledger *l, int64_t holder, struct book_slot **ret, struct error *err);
int book_add(struct ledger *l, const struct obligation *o, struct error *err);
/* The plan that a record stands under; NULL in ret: none (obligation_plan.c). */
int book_plan(struct ledger *l, const struct session *s, const struct record *r, const struct adoption **ret, struct error *err);

#endif
