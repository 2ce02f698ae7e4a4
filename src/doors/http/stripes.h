/* doors/http: a table of a fixed size into which many threads look at once, by keyed hash: sets of a few ways, and a lock for every so many sets. What a way holds
 * is the table's own (rate.c, h_tickets.c). */
#ifndef TOCSIN_DOORS_HTTP_STRIPES_H
#define TOCSIN_DOORS_HTTP_STRIPES_H

#include <pthread.h>

#include "base/text.h"

enum { STRIPES = 64 };

struct stripes {
    pthread_mutex_t locks[STRIPES];
    unsigned char key[32];
};

void stripes_init(struct stripes *s);
void stripes_clear(struct stripes *s);
/* Never 0, which says that a way is empty. Nobody outside can work out which names fall together. */
int64_t stripes_hash(const struct stripes *s, struct text name);
/* The set of a hash, of so many, and its lock, held. */
pthread_mutex_t *stripes_lock(struct stripes *s, int64_t hash, size_t sets, size_t *ret_set);

#endif
