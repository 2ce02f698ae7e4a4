/* files: the document in memory. */
#include "files/document.h"

void document_clear(struct document *d) {
    if (!d) return;
    mem_free(d->blocks);
    arena_clear(&d->arena);
    *d = (struct document){0};
}

struct document_block *document_add(struct document *d, enum document_block_kind kind, int part, struct text text) {
    if (!mem_room(&d->blocks, &d->cap, d->n + 1, sizeof *d->blocks)) {
        d->failed = true;
        return NULL;
    }
    struct document_block *b = &d->blocks[d->n++];
    *b = (struct document_block){.kind = kind, .part = part, .text = text};
    return b;
}
