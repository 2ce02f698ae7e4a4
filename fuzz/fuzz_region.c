/* Region codes from anywhere: whatever is taken must be stable and lie in its own parents. */
#include <stdlib.h>

#include "ledger/region.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char out[REGION_MAX + 1], again[REGION_MAX + 1], end[REGION_MAX + 2];
    struct text in = {(const char *)data, size};
    region_level(in);
    region_parent(in);
    region_end(in, end);
    region_display(in, again);
    if (!region_canonical(in, out)) return 0;
    struct text region = text_of(out);
    if (!region_canonical(region, again) || !text_is(region, again)) abort();
    for (struct text up = region; up.n; up = region_parent(up)) {
        if (!region_within(region, up)) abort();
        if (!region_end(up, end) || text_cmp(region, text_of(end)) >= 0) abort();
    }
    return 0;
}
