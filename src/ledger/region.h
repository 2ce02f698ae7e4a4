/* ledger: region codes. Canonical form: GB/T 2260 and the 12-digit statistical code with trailing empty levels cut: "31" province,
 * "3101" city, "310115" county, "310115001" street, "310115001003" village; other places use letters first ("TW", "KR11", "SG").
 * A subtree is then a prefix: region_within("310115001", "31"). The root "" holds everything. Knows nobody but base. */
#ifndef TOCSIN_LEDGER_REGION_H
#define TOCSIN_LEDGER_REGION_H

#include "base/text.h"

enum { REGION_MAX = 16 };
/* Trims, upper-cases, cuts trailing zero levels ("310000" -> "31", "310115000000" -> "310115"; a city without counties writes
 * "441900", which is "4419"), drops the hyphen of ISO 3166-2 ("KR-11" -> "KR11"). false when it is no region code, or empty. */
bool region_canonical(struct text t, char out[REGION_MAX + 1]);
bool region_within(struct text region, struct text subtree);
/* 0 root, 1 province, 2 city, 3 county, 4 street, 5 village. Elsewhere 1 country, then letters of a subdivision, then pairs of digits. */
int region_level(struct text region);
/* The enclosing region one level up, zero levels skipped ("441900003" -> "4419"); root for level 1. A prefix of the argument. */
struct text region_parent(struct text region);
/* The text where a range scan of the subtree ends (exclusive): "31" -> "32", "39" -> "3A". Region codes of the subtree are below it and all
 * later ones are not, bytewise and under any collation that puts digits before letters. false for the root. */
bool region_end(struct text subtree, char out[REGION_MAX + 2]);
/* "31" -> "310000", "310115001" -> "310115001": as the standard writes it, at least six digits. */
void region_display(struct text region, char out[REGION_MAX + 1]);

#endif
