/* desks: what the journal says, for those who watch over others: who changed and who looked at what, when and for which purpose (PRV-04).
 * Reads the journal; asks record for what the asker may see. */
#ifndef TOCSIN_DESKS_AUDIT_H
#define TOCSIN_DESKS_AUDIT_H

#include "ledger/ledger.h"

struct audit_filter {
    int verb;               /* enum journal_verb; 0: any */
    struct text reg, who;   /* empty: any */
    int64_t record;         /* 0: any */
    instant since;          /* INSTANT_NONE: from the beginning */
    instant until;          /* before this; 0 or INSTANT_NONE: to the end */
    size_t limit;           /* the newest so many; 0: all */
};

/* JOURNAL_... of a verb's name in any letter case; 0 when there is none. */
int audit_verb(struct text name);

/* Entries in order of time. Needs root or auditor; whose grant covers less than the node sees the entries of records that lie in his regions.
 * Cost: the entries between since and until, and of those the newest until there are `limit`. The entries come without their cells, borrowed until visit returns;
 * 0 goes on. */
int audit_list(struct ledger *l, struct db *db, const struct session *s, const struct audit_filter *f,
               int (*visit)(const struct journal_entry *e, void *arg), void *arg, struct error *err);

/* A page: at most f->limit entries (0: 100) before the number `before` (0: the newest), newest first, in the arena, without their cells. ret_next: `before` of
 * the next page, 0 at the end. A call looks at 200,000 entries at most, so a page may be short, even empty, with more to come. */
int audit_page(struct ledger *l, struct db *db, const struct session *s, const struct audit_filter *f, int64_t before, struct arena *a, struct journal_entry **ret,
               size_t *ret_n, int64_t *ret_next, struct error *err);

#endif
