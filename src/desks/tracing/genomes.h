/* desks/tracing: genomes of cases as records: sequences of a FASTA file, each named by the number or id of its case or by its key elsewhere, against a reference. Chains compare them (chains.h). */
#ifndef TOCSIN_DESKS_TRACING_GENOMES_H
#define TOCSIN_DESKS_TRACING_GENOMES_H

#include "desks/tracing/tracing.h"

enum { TRACING_GENOMES_BYTES = 1 << 30 };

struct tracing_genomes {
    size_t sequences, made, changed, same, refused;
};
/* Files may be gzip. key (NULL: none) is what stands before a name to make the outside key of its case ("nextstrain:"). Every sequence becomes a record of register genome under its name; the same again changes nothing. What cannot be taken (no such case for the asker, not of this virus, no
 * letters) is told one by one (refused may be NULL) and left out. Cost: 40 ms a sequence of 30,000 bases that is not aligned. Errors: those of source_open, E_TOO_LARGE, E_INVALID (the reference). */
int tracing_genomes_import(struct ledger *l, const struct session *s, const char *reference, const char *path, const char *key, void (*refused)(struct text name, const struct error *why, void *arg),
                           void *arg, struct tracing_genomes *ret, struct error *err);

#endif
