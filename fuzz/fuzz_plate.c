/* Tables of PCR instruments: whatever the rows, a well has one tube, a Ct is one or the word for none, and a refusal says line and column in two languages. */
#include <stdlib.h>
#include <string.h>

#include "cells.h"
#include "desks/testing/plate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CELLS = 24 };

static void look(const struct plate *p) {
    static const struct plate_rules rules = {.positive_most = 4000, .control_most = 3500, .targets_needed = 2};
    struct error why = {0};
    for (size_t i = 0; i < p->n_wells; i++) {
        const struct plate_well *w = &p->wells[i];
        if ((w->tube.n == 0) != (w->role != PLATE_SAMPLE) || w->role == PLATE_STANDARD || w->tube.n > PLATE_TUBE_MAX) abort();
        for (int t = 0; t < PLATE_TARGETS; t++) {
            if (w->ct[t] < CT_NONE || w->ct[t] > CT_MAX || (w->ct[t] != CT_NONE && !p->measured[t])) abort();
            if (w->ct[t] == CT_NONE && p->measured[t] && !w->refused) abort();
        }
        for (size_t k = i + 1; k < p->n_wells; k++)
            if (w->well[0] && !strcmp(w->well, p->wells[k].well)) abort();
        if (plate_judge(&rules, w->ct) > CALL_INVALID) abort();
    }
    for (size_t i = 0; i < p->n_refused; i++)
        if (p->refused[i].line < 1 || !p->refused[i].why.where[0] || !strstr(p->refused[i].why.message, " / ")) abort();
    int rc = plate_controls(p, &rules, &why);
    if (rc != 0 && (rc != E_REFUSED || !why.where[0])) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct plate p;
    struct plate_options o = plate_options_usual;
    if (size && data[0] & 1) o = (struct plate_options){.dyes = {PLATE_ORF, PLATE_N, -1, PLATE_IC}, .blank_is_none = data[0] & 2};
    int rc = plate_begin(&p, &o, NULL);
    int64_t line = 0;
    for (size_t at = 0; rc == 0 && at < size;) {
        struct text cells[CELLS];
        size_t n = fuzz_row(data, size, &at, cells, CELLS);
        rc = plate_row(&p, cells, n, ++line, false, NULL);
    }
    if (rc == 0) rc = plate_end(&p, NULL);
    if (rc != 0 && rc != E_SYNTAX && rc != E_TOO_LARGE) abort();
    if (rc == 0) look(&p);
    plate_clear(&p);
    return 0;
}
