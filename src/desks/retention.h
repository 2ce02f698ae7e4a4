/* desks: forgetting in time. Each register says how long it is kept, from which date, and on what ground (register.h); what is past its time leaves
 * the store. A person goes last, when nothing refers to it any more: then the key is destroyed, so that the sealed text in the journal and in old
 * backups cannot be opened by anybody. Every purge is journalled with its ground. */
#ifndef TOCSIN_DESKS_RETENTION_H
#define TOCSIN_DESKS_RETENTION_H

#include "ledger/record.h"

struct retention_count {
    const struct register_decl *reg;
    int64_t due;    /* records past their time */
    int64_t purged; /* of those, gone now; the others are still referred to */
};

struct retention_report {
    struct arena arena;
    size_t n;
    struct retention_count *registers; /* in catalog order, those with a limit */
};

/* What would go at s->now (apply false), or goes. In transactions of at most 5,000 records. Owned: retention_report_clear. */
int retention_run(struct ledger *l, const struct session *s, bool apply, struct retention_report *ret, struct error *err);
void retention_report_clear(struct retention_report *r);

#endif
