/* desks/testing: what the laboratory found, as JSON for every door (command line with --json, HTTP), and plates read from files and from JSON. */
#ifndef TOCSIN_DESKS_TESTING_LAB_JSON_H
#define TOCSIN_DESKS_TESTING_LAB_JSON_H

#include <jansson.h>

#include "desks/testing/laboratory.h"

/* null for no text, for INSTANT_NONE. */
json_t *lab_text_json(struct text t);
json_t *lab_instant_json(instant at, int32_t zone_s);
/* What is to be done about a tube that did not come, is not of this box, or was refused; empty for the others. */
enum { LAB_WORDS_MAX = ERROR_MESSAGE_MAX + 200 };
const char *lab_line_words(const struct lab_line *x, bool zh, char words[LAB_WORDS_MAX]);
json_t *lab_report_json(const struct lab_report *r, bool zh);
json_t *lab_recall_json(const struct lab_recall *r, int32_t zone_s);
json_t *lab_waiting_json(const struct lab_waiting *w);
/* A plate from a file (CSV in any encoding, XLSX), to its end. plate_clear also on failure. Errors: those of sheet_open and plate_row. */
int plate_read(const char *path, const struct plate_options *o, struct plate *p, struct error *err);
/* From [{"well", "tube", "role", "ct": {"orf", "n", "ic"}}]: a number, null for no amplification, or the instrument's word; a target that no well has was not
 * measured. The row of a refusal is its place from 1. */
int plate_read_json(const json_t *wells, struct plate *p, struct error *err);

#endif
