/* desks/tracing: who lives, sleeps, studies or works with whom, from registers membership (household, dormitory, class, workplace with office and seat row) and stay (the same
 * room of an isolation site or hospital), and by the same work unit, phone or address on two cards of register person, as links for engines/contact. Persons are record ids there and numbers of the visits here; who has no visit gets a number behind them. */
#ifndef TOCSIN_DESKS_TRACING_LINKS_H
#define TOCSIN_DESKS_TRACING_LINKS_H

#include "base/idmap.h"
#include "desks/tracing/tracing.h"

enum { TRACING_LINKS_MAX = 4000000 };

/* Zero but v and base. Owned: tracing_links_clear. */
struct tracing_links {
    struct visits *v;
    uint32_t base;           /* persons of the visits' reader; numbers from here on are names[number - base] */
    struct contact_link *items;
    size_t n, cap;
    struct arena arena;
    struct idmap numbers;    /* record -> number, of those met so far */
    struct text *names;
    size_t n_names, cap_names;
    size_t n_large;          /* units with more members than the policy's contact_unit_members, linked within offices only; addresses and phones on more than contact_shared_members cards */
};
/* Adds the links of these persons (record ids) in the plan's time, by its rules, as far as the session may read those registers. Any thread with a ledger of its own.
 * Cost: four indexed queries for 400 persons and one a household, room or unit; three and two look-ups a person for phone and address. Errors: E_TOO_LARGE, E_MEMORY, those of the store. */
int tracing_links_find(struct ledger *l, const struct session *s, const struct tracing_plan *p, const int64_t *persons, size_t n, struct tracing_links *out, struct error *err);
void tracing_links_clear(struct tracing_links *out);

#endif
