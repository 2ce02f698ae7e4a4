/* base/repair: any cell, any flags: UTF-8 stays UTF-8, nothing is reported as done without a change. */
#include "base/repair.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena a = {0};
    struct text in = {(const char *)data, size}, out = {0};
    unsigned flags = size ? data[0] & 0x5Fu : REPAIR_DEFAULT, done = 0;
    if (size % 3 == 0) flags = REPAIR_DEFAULT;
    if (repair_cell(in, flags, &a, &out, &done) < 0) __builtin_trap();
    bool changed =
        done & (REPAIR_WIDTH | REPAIR_PUNCTUATION | REPAIR_INVISIBLE | REPAIR_GLOSS | REPAIR_MOJIBAKE);
    if (changed == text_eq(in, out)) __builtin_trap();
    if (text_utf8_valid(in) && !text_utf8_valid(out)) __builtin_trap();
    if (out.n > in.n) __builtin_trap();
    arena_clear(&a);
    return 0;
}
