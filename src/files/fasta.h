/* files: sequences with their names (FASTA): ">name anything" and lines of letters. From the tracing desk; over bytes in memory. */
#ifndef TOCSIN_FILES_FASTA_H
#define TOCSIN_FILES_FASTA_H

#include "base/text.h"

/* The next sequence: its name is the first word after '>', up to a blank or '|' (borrowed from rest); its letters, without blanks and line ends, replace what is in ret. True, or false at the
 * end; what stands before the first '>' is passed over. Look at ret->failed. */
bool fasta_next(struct text *rest, struct text *ret_name, struct buf *ret);

#endif
