/* What may come back from a damaged or hostile store: blocks, entries, cells. Whatever is read must lie
 * inside the input, and what was read whole must be written back as the same bytes or be refused. */
#include <stdlib.h>
#include <string.h>

#include "ledger/journal_block.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(struct text outer, struct text t) {
    if (t.n && (t.s < outer.s || t.s + t.n > outer.s + outer.n)) abort();
}

static void walk_cells(struct text cells) {
    size_t pos = 0, before, field;
    struct value v;
    int rc;
    do {
        before = pos;
        rc = journal_cells_next(cells, &pos, &field, &v, NULL);
        if (rc == 1) inside(cells, value_view(v));
        if (rc == 1 && pos <= before) abort(); /* it would never end */
    } while (rc == 1);
    if (rc != 0 && rc != E_CORRUPT) abort();
}

static void decode(struct text payload) {
    struct journal_entry e, again;
    if (entry_decode(payload, &e) < 0) return;
    inside(payload, e.reg);
    inside(payload, e.after);
    walk_cells(e.before);
    walk_cells(e.after);
    struct buf b = {0};
    entry_encode(&e, e.seq, &b);
    if (b.failed || entry_decode(buf_view(&b), &again) < 0 || again.record != e.record || again.at != e.at ||
        !text_eq(again.after, e.after))
        abort();
    buf_clear(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct text in = {(const char *)data, size}, payload;
    const unsigned char *hash;
    size_t pos = 0;
    walk_cells(in);
    decode(in);
    int rc;
    while ((rc = block_next(in, &pos, &payload, &hash)) == 1) {
        inside(in, payload);
        inside(in, (struct text){(const char *)hash, BLOCK_HASH});
        decode(payload);
    }
    if (rc != 0 && rc != E_CORRUPT) abort();
    return 0;
}
