/* engines: how far two genomes are from each other. A sequence against a reference, or a list of differences from it, in; substitutions and what is not known of it out; then the
 * nucleotides in which two of them differ where both are known. Pure. The tracing desk gives the distances to engines/chain.
 *
 * Insertions and deletions are not counted, ambiguous bases, N and gaps are not known: what is compared are substitutions, as in Jombart et al. 2014,
 * doi:10.1371/journal.pcbi.1003457. A sequence that is as long as the reference is taken as aligned to it where that agrees, else it is aligned: global with free ends, in a
 * band (Needleman & Wunsch 1970, doi:10.1016/0022-2836(70)90057-4; mismatch 2, gap base 3, N free). */
#ifndef TOCSIN_ENGINES_GENOME_H
#define TOCSIN_ENGINES_GENOME_H

#include "base/error.h"
#include "base/text.h"

enum { GENOME_LENGTH_MAX = 400000, GENOME_BAND = 200 /* bases on either side, besides the difference of the lengths */, GENOME_BAND_MAX = 4000 };

/* Positions count from 1, as in C241T. */
struct genome_snp {
    uint32_t at;
    char base;
};
struct genome_span {
    uint32_t from, to;       /* [from, to) */
};
struct genome {
    uint32_t length;         /* of the reference; 0: not said */
    struct genome_snp *snps; /* by position, each once */
    size_t n_snps;
    struct genome_span *unknown; /* by position, apart */
    size_t n_unknown;
};

/* "C241T, A23403G" (the first letter may be missing; N says not known) and "1-54, 29837-29903" (a single position too), parted by commas, semicolons or blanks, in any order; lists in
 * the arena. E_SYNTAX names the word; E_INVALID: two bases at one position. */
int genome_read(struct text differences, struct text unknown, uint32_t length, struct arena *a, struct genome *ret, struct error *err);
/* Of a sequence of letters (any case; '-' and '.' are gaps). E_INVALID: it is longer than GENOME_LENGTH_MAX, or no letters, or agrees with less than 80 % of the reference; E_TOO_LARGE: lengths
 * too different to align. Cost: the length, or the length times the band in time and memory (30,000 bases: 40 ms, 14 MB). */
int genome_of(struct text reference, struct text sequence, struct arena *a, struct genome *ret, struct error *err);
/* The canonical text of both lists. */
void genome_write(const struct genome *g, struct text reference, struct buf *differences, struct buf *unknown);

/* Nucleotides in which they differ; -1 when less than half of the longer length is known of both. Cost: the lists. */
int32_t genome_distance(const struct genome *a, const struct genome *b);

#endif
