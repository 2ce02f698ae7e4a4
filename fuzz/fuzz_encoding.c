/* files: any bytes have an encoding or are no text, and decode to UTF-8 the same whole and in pieces.
 */
#include <string.h>

#include "files/encoding.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Feeds step bytes at a time into an output of cap bytes at a time. */
static void decode(const char *name, struct text t, size_t step, size_t cap, struct buf *ret) {
    struct decoder *d = NULL;
    char *out = mem_alloc(cap);
    if (!out || decoder_open(name, &d, NULL) < 0) __builtin_trap();
    size_t at = 0, end = 0;
    while (at < t.n) {
        end = end + step < t.n ? end + step : t.n;
        size_t used = 1, k = 1;
        while (at < end && (used || k)) {
            k = decoder_run(d, t.s + at, end - at, end == t.n, &used, out, cap);
            if (used > end - at || k > cap) __builtin_trap();
            buf_add(ret, out, k);
            at += used;
            if (!used && !k && end == t.n) __builtin_trap(); /* the last bytes must go somewhere */
        }
    }
    decoder_close(d);
    mem_free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const names[] = {"GB18030", "UTF-16LE", "UTF-16BE", "BIG5", "CP1252"};
    struct text t = {(const char *)data, size};
    struct encoding_guess g = {0};
    struct error err = {0};
    if (encoding_detect(t, true, &g, &err) < 0) {
        if (!err.code) __builtin_trap();
    } else if (!g.name[0] || g.bom_n > size || g.confidence <= 0 || g.confidence > 1) {
        __builtin_trap();
    }
    const char *name = names[size % 5];
    struct buf whole = {0}, pieces = {0};
    decode(name, t, size + 1, 65536, &whole);
    decode(name, t, 1 + size % 7, 16, &pieces);
    if (!text_eq(buf_view(&whole), buf_view(&pieces)) || !text_utf8_valid(buf_view(&whole))) __builtin_trap();
    buf_clear(&whole);
    buf_clear(&pieces);
    return 0;
}
