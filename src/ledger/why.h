/* ledger: what the journal says where the house itself gives the reason. Such a sentence is written in English, chained and signed as it stands; who reads it is
 * told it in their language, from the list in why.c. What a person gave as a reason is told as it was given. Stands beside record; used by whoever shows entries. */
#ifndef TOCSIN_LEDGER_WHY_H
#define TOCSIN_LEDGER_WHY_H

#include "ledger/ledger.h"

/* The reason (or purpose) of an entry with such a verb, as it is told: itself in English, or when it is no sentence of the house, or when the arena is full. A duty
 * that was late or handed over is called by the title its rule has in the plan in force now. Borrowed from `said` or the arena. Bounded: a sentence has few values. */
struct text why_told(const struct ledger *l, int verb, struct text said, bool zh, instant now, struct arena *a);

#endif
