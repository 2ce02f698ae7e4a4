/* base: text that was decoded by the wrong table. Comes from repair only.
 * Three tables are confused in practice: UTF-8 read as GBK ("涓枃"), UTF-8 read as Windows-1252 ("ä¸­æ–‡"),
 * GBK read as Latin-1 ("ÖÐÎÄ"). Where the bytes are all still there the text is read back. Where some are
 * not, or GBK lost one byte and every pair after it is shifted ("称返目刂?" was "…品的控…"), the loss is
 * told. */
#ifndef TOCSIN_BASE_MOJIBAKE_H
#define TOCSIN_BASE_MOJIBAKE_H

#include "base/text.h"

enum mojibake { MOJIBAKE_NONE, MOJIBAKE_REPAIRED, MOJIBAKE_LOST };

/* t holds at least one byte beyond ASCII. *ret lives in the arena and is set when the result is
 * MOJIBAKE_REPAIRED. Negative: E_MEMORY. Text that is as it should be costs a few nanoseconds a character. */
int mojibake_undo(struct text t, struct arena *a, struct text *ret);

#endif
