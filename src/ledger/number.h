/* ledger: human numbers by mask, "C-{region}-{date}-{seq:4}" -> C-310115-20220530-0007. The sequence counts per text before it; counters
 * are read once a transaction and written at its end (table `counter`). */
#ifndef TOCSIN_LEDGER_NUMBER_H
#define TOCSIN_LEDGER_NUMBER_H

#include "ledger/ledger.h"

const struct db_table *counter_table(void);
struct number_book;
int number_open(struct number_book **ret, struct error *err);
void number_close(struct number_book *b);
void number_reset(struct number_book *b);
int number_flush(struct number_book *b, struct db *db, struct error *err);
/* The next number in the arena. Placeholders: {region} {date} {year} {seq:N}. */
int number_next(struct number_book *b, struct db *db, struct text mask, struct text region, day on, struct arena *a, struct text *ret, struct error *err);

/* Whether a word has the shape of a number of this mask. Pure. */
bool number_fits(struct text mask, struct text word);

#endif
