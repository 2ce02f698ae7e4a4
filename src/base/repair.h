/* base: what goes wrong in a cell on its way through spreadsheets and converters, and the way back.
 * Pure text: knows nothing of registers. Comes from desks/intake, one call a cell.
 * A repair is made only where the damage has one lossless inverse; what cannot be undone is reported, never
 * guessed. */
#ifndef TOCSIN_BASE_REPAIR_H
#define TOCSIN_BASE_REPAIR_H

#include "base/text.h"

/* Low bits: asked for in `flags`, and set in *ret_done when that repair changed the text.
 * High bits: only reported. */
enum repair_bit {
    REPAIR_WIDTH = 1 << 0,       /* full-width digits and letters to ASCII: "１３８" -> "138" */
    REPAIR_PUNCTUATION = 1 << 1, /* full-width signs and the ideographic space to ASCII: "（" -> "(" */
    REPAIR_INVISIBLE = 1 << 2,   /* zero-width and direction marks, BOM, soft hyphen, control characters
                                    removed; NBSP to a space */
    REPAIR_GLOSS = 1 << 3,       /* pinyin in brackets after a Han character: "當(dāng)前" -> "當前" */
    REPAIR_MOJIBAKE = 1 << 4,    /* UTF-8 read as GBK or Windows-1252, GBK read as Latin-1: read back */
    REPAIR_SIMPLIFIED = 1 << 5,  /* traditional to simplified Chinese by OpenCC (t2s) */
    REPAIR_ROUNDED = 1 << 6,     /* look for numbers a spreadsheet rounded; changes nothing */

    DAMAGE_TEXT = 1 << 16, /* characters were lost: U+FFFD, mojibake with holes, GBK shifted by one byte */
    DAMAGE_ROUNDED =
        1 << 17, /* "4.40105E+17", or an 18-digit number ending in 000 whose check digit is wrong */
    DAMAGE_ROUNDED_MAYBE =
        1 << 18, /* 16 or more digits, all zero after the fifteenth, nothing else speaks against it */
    DAMAGE_FORMULA = 1 << 19, /* "#REF!", "########": what a formula that failed, or a column too narrow, left in place of the value */
};

/* For identifiers, names, codes; and for free text, whose full-width punctuation is right as it stands. */
#define REPAIR_DEFAULT                                                                                       \
    (REPAIR_WIDTH | REPAIR_PUNCTUATION | REPAIR_INVISIBLE | REPAIR_GLOSS | REPAIR_MOJIBAKE | REPAIR_ROUNDED)
#define REPAIR_PROSE (REPAIR_WIDTH | REPAIR_INVISIBLE | REPAIR_GLOSS | REPAIR_MOJIBAKE)
#define DAMAGE_ANY (DAMAGE_TEXT | DAMAGE_ROUNDED | DAMAGE_FORMULA)

/* Repairs one cell. *ret is `in` itself when nothing changed, else lives in the arena; *ret_done holds the
 * bits of what was done and seen. Bytes that are not UTF-8 are kept and reported as DAMAGE_TEXT. About 20 ns
 * and no allocation for a cell that needs nothing. Threads: any; OpenCC and the tables open once, lazily.
 * Errors: E_MEMORY; E_UNSUPPORTED when REPAIR_SIMPLIFIED is asked and OpenCC's data is not installed. */
int repair_cell(struct text in, unsigned flags, struct arena *a, struct text *ret, unsigned *ret_done);

#endif
