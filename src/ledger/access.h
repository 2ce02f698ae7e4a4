/* ledger: who may do what where. Decided here only, under every door. Roles over a region subtree; sealed fields need a role among the
 * register's openers and a purpose, and every opening is journalled by the caller. Pure; knows register and region. */
#ifndef TOCSIN_LEDGER_ACCESS_H
#define TOCSIN_LEDGER_ACCESS_H

#include "ledger/region.h"
#include "ledger/register.h"

/* WATCH: to be told who looked at what (root and auditor). */
enum access_verb { ACCESS_READ, ACCESS_WRITE, ACCESS_OPEN, ACCESS_WATCH };

/* One role held over one region subtree. */
struct grant {
    struct text role;
    struct text region; /* "" is everywhere */
};

/* What a machine token leaves of its account's rights. */
struct session_limit {
    unsigned verbs;                /* bits 1 << enum access_verb */
    size_t n_registers;
    const struct text *registers;  /* none: all of them */
};

/* Who acts, in what right, why and when. Given to every desk call; nothing in the ledger knows another clock. */
struct session {
    struct text account;
    size_t n_grants;
    const struct grant *grants;
    struct text purpose;  /* needed to open sealed fields */
    struct text reason;   /* for the journal */
    instant now;
    int64_t import;       /* import the changes belong to; 0 none */
    bool zh;              /* language of messages */
    const struct session_limit *limit; /* NULL: everything the grants give */
};

/* A deep copy for what outlives the asker's request; false when out of memory. */
bool session_copy(const struct session *s, struct arena *a, struct session *ret);
/* Role "root" may everything in its region, "auditor" reads every register in its region; ACCESS_OPEN needs a purpose from everybody. A grant whose region is
 * not canonical gives nothing. A limit is asked before all grants, root's too. E_DENIED says which role is missing, never whether the record exists. */
int access_check(const struct session *s, enum access_verb verb, const struct register_decl *reg, struct text region, struct error *err);
/* The region subtrees in which the session may use the verb, as an SQL condition on column `region` ("(region >= '31' AND region < '32' OR ...)" ; "1=1" for root;
 * "1=0" for none). */
int access_sql(const struct session *s, enum access_verb verb, const struct register_decl *reg, const char *column, struct buf *out);
/* The union of all regions in which the session holds any role but guest: for what belongs to no register (duties, counts); nothing when
 * the session is limited to some registers. */
int access_scope_sql(const struct session *s, const char *column, struct buf *out);
/* Whether one grant gives the verb in its region; of ACCESS_WATCH reg may be NULL. */
bool access_grants(const struct grant *g, enum access_verb verb, const struct register_decl *reg);
/* Whether the session's limit leaves the verb; of what belongs to no register (reg NULL) nothing is left to who is limited to some. */
bool access_within_limit(const struct session *s, enum access_verb verb, const struct register_decl *reg);
bool access_anywhere(const struct session *s, enum access_verb verb, const struct register_decl *reg);
/* The same subtrees as access_sql (without the wider regions whose records a register lets be read below), one by one: disjoint and canonical, "" alone for everywhere, none for nowhere. out has room for s->n_grants; borrowed from the
 * grants. Returns how many. */
size_t access_regions(const struct session *s, enum access_verb verb, const struct register_decl *reg, struct text *out);

#endif
