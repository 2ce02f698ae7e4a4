/* desks/testing: what lies on the laboratory's bench, read for a screen: boxes against their manifests, runs and their plates well by well, recalled tubes and how far
 * their members are held and sampled again. From the doors (HTTP); beside: laboratory.h, which writes all of it. Reads only, within what the session may see; opens nothing
 * sealed. Every function gives JSON, owned by the caller (json_decref); E_DENIED when the session may not read the register, E_UNKNOWN, E_MEMORY. */
#ifndef TOCSIN_DESKS_TESTING_BENCH_H
#define TOCSIN_DESKS_TESTING_BENCH_H

#include <jansson.h>

#include "desks/testing/laboratory.h"

enum { BENCH_BOXES = 500, BENCH_RUNS = 200, BENCH_RECALLS = LAB_RECALL_TUBES };

/* Boxes on their way first, then those received, newest first; at most `limit`. laboratory 0: all. declared: tubes by the paper; listed: tubes packed into it; here: those of
 * them that were received; missing, extra: told at the receipt. Cost: two counts by index a box. */
int bench_boxes(struct ledger *l, const struct session *s, int64_t laboratory, size_t limit, json_t **ret, struct error *err);
/* One box with its tubes: of the manifest received, missing (the box is here), expected, or come elsewhere (came_in: in which box); extra: not of the manifest (packed_in: the box
 * whose manifest has it, null where none has). */
int bench_box(struct ledger *l, const struct session *s, int64_t box, json_t **ret, struct error *err);
/* Runs, newest first, with counts of results and whether this session may release them, and why not (zh: in Chinese). */
int bench_runs(struct ledger *l, const struct session *s, int64_t laboratory, size_t limit, bool zh, json_t **ret, struct error *err);
/* One run with its wells: tubes with call and Ct, controls with Ct. A failed run has its controls only. */
int bench_run(struct ledger *l, const struct session *s, int64_t run, bool zh, json_t **ret, struct error *err);
/* Tubes of a round (0: of all) whose members are to be held or were found positive, BENCH_RECALLS of `all` there are: those that nobody traces yet, the longest known first, then the others, newest first: members, and what is owed for them, by rule: open, overdue, done. No names.
 * Cost: an index of such tubes, then one question for all members, one for all their duties, each found by key. */
int bench_recalls(struct ledger *l, const struct session *s, int64_t round, json_t **ret, struct error *err);

#endif
