/* desks/testing: how a person learns the own result without an account. A ticket is a keyed hash of the person, made by the node's vault and kept nowhere:
 * 32 letters that nobody can guess (128 bits) and that show nothing of the person. Whoever holds it is told the person's last results, released ones and that
 * others are still at work; who has none, a made-up ticket and a forgotten person are told the very same. */
#ifndef TOCSIN_DESKS_TESTING_TICKET_H
#define TOCSIN_DESKS_TESTING_TICKET_H

#include "ledger/record.h"

enum { TICKET_CHARS = 32, TICKET_RESULTS = 5, TICKET_ANSWER_MAX = 1000, TICKET_TOGETHER = 50 };

void ticket_make(const struct vault *v, int64_t person, char out[TICKET_CHARS + 1]);
/* The person, or an id that nobody has: a ticket that is not ours costs and shows what one of a person without swabs does. */
int64_t ticket_person(const struct vault *v, struct text ticket);
/* For somebody at the table: needs a purpose and the right to read the person; that the ticket was given out is journalled. On the writer's ledger, in a
 * transaction of its own. */
int ticket_issue(struct ledger *l, const struct session *s, int64_t person, char out[TICKET_CHARS + 1], struct error *err);
/* One who asks: whose results, and where they go as JSON; what goes wrong with the buffer stays in it. */
struct ticket_ask {
    int64_t person;
    struct buf *out;
};
/* The last TICKET_RESULTS swabs and tests of each person, newest first: when, what, when it was told; nothing that was not released. db: any connection.
 * At most TICKET_ANSWER_MAX bytes each. Three statements for up to TICKET_TOGETHER who ask, by index, whatever their tickets are worth. */
int ticket_results(struct ledger *l, struct db *db, const struct ticket_ask *asks, size_t n, struct error *err);

#endif
