/* desks: people. One person, all that is known of them; two records of one person made one, and back; a person forgotten. */
#ifndef TOCSIN_DESKS_PERSON_H
#define TOCSIN_DESKS_PERSON_H

#include "ledger/obligation.h"

/* A record that refers to the person. */
struct person_child {
    const struct register_decl *reg;
    int64_t id;
    int field; /* the reference */
};

/* Everything that refers to a person, by register order and id. Arrays in the arena. Cost: one query per reference field to person. */
int person_children(struct ledger *l, struct db *db, int64_t person, struct arena *a, struct person_child **ret, size_t *ret_n, struct error *err);

/* Other persons who may be the same: they share a blind hash (document, phone or name). Of those that the session may read: nobody is told of others. */
struct person_twin {
    int64_t person;
    struct text number;
    bool document, phone, name;
};
int person_twins(struct ledger *l, struct db *db, const struct session *s, int64_t person, struct arena *a, struct person_twin **ret, size_t *ret_n, struct error *err);
/* The first of them by the document alone, for who has just recorded the person: 1, or 0 for none, at the cost of one look-up. In what words it is told. */
int person_same_document(struct ledger *l, struct db *db, const struct session *s, int64_t person, struct arena *a, struct person_twin *ret, struct error *err);
extern const struct similar person_same_words;

/* Who carries the same phone (address, name, document), the person too, ascending; of very many at least the first `limit`. n 0: the person has none. Only ids leave here. */
struct person_shared {
    enum field_blind kind;    /* asked for */
    int64_t *ids;             /* in the arena */
    size_t n;
};
int person_sharing(struct ledger *l, struct db *db, int64_t person, size_t limit, struct arena *a, struct person_shared *shared, size_t n, struct error *err);

/* Puts in place of each id who that person is now, after all merges; an id that nobody has stays. One question for 128, one more for each merge that leads on. */
int person_now(struct db *db, int64_t *ids, size_t n, struct error *err);

/* By clear text of a kind; ids in the arena, without who was merged away. */
int person_find(struct ledger *l, struct db *db, enum field_blind kind, struct text clear, struct arena *a, int64_t **ret, size_t *ret_n, struct error *err);

/* Makes `from` part of `into`: every record and duty follows (what a person owes once is one debt), and who looks for one finds the other; empty cells of `into` are not filled (nothing is guessed). E_CONFLICT when one of
 * them is merged or erased already, or both are the same. Undone by person_unmerge. ret_moved may be NULL. */
int person_merge(struct ledger *l, const struct session *s, int64_t into, int64_t from, int64_t *ret_moved, struct error *err);
/* Takes back what the merge moved and still is where it was moved to, also when that one was merged on since: merges are undone in any order. What was recorded
 * since and takes its person from something that goes (a stay of a contact, the five duties of the stay) goes with it. */
int person_unmerge(struct ledger *l, const struct session *s, int64_t person, int64_t *ret_moved, struct error *err);

/* Forgets who it was: destroys the key (and of those merged into it), what the lookup has of it and the clear cells that identify. What remains counts in
 * statistics. Needs a reason. E_CONFLICT: merged into another, who would still be known. Cannot be undone. */
int person_erase(struct ledger *l, const struct session *s, int64_t person, struct error *err);

#endif
