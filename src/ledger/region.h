/* ledger: region codes. Canonical form: GB/T 2260 and the 12-digit statistical code with trailing empty levels cut: "31" province,
 * "3101" city, "310115" county, "310115001" street, "310115001003" village; other places use letters first ("TW", "KR11", "SG").
 * A subtree is then a prefix: region_within("310115001", "31"). The root "" holds everything. Knows nobody but base. */
#ifndef TOCSIN_LEDGER_REGION_H
#define TOCSIN_LEDGER_REGION_H

#include "base/text.h"

enum { REGION_MAX = 16 };
/* Trims, upper-cases, cuts trailing zero levels ("310000" -> "31", "310115000000" -> "310115"). false when it is no region code. */
bool region_canonical(struct text t, char out[REGION_MAX + 1]);
bool region_within(struct text region, struct text subtree);
/* 0 root, 1 province, 2 city, 3 county, 4 street, 5 village. */
int region_level(struct text region);
/* The enclosing region one level up; root for level 1. */
struct text region_parent(struct text region);
/* Smallest text that is greater than everything in the subtree, for range scans: "31" -> "32". false for the root. */
bool region_end(struct text subtree, char out[REGION_MAX + 2]);
/* "31" -> "310000", "310115001" -> "310115001": as the standard writes it, at least six digits. */
void region_display(struct text region, char out[REGION_MAX + 1]);

#endif
