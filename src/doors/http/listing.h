/* doors/http: what lists and exports share: the parameters of an address as filters of desks/list. */
#ifndef TOCSIN_DOORS_HTTP_LISTING_H
#define TOCSIN_DOORS_HTTP_LISTING_H

#include "desks/list/list.h"
#include "doors/http/request.h"

/* All parameters but those of the NULL-ended list `own` (may be NULL), which the handler reads itself. In the request's arena. */
int request_list_query(struct request *r, struct ledger *l, const struct register_decl *reg, const char *const *own, struct list_query *ret, struct error *err);

#endif
