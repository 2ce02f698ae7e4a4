/* files: the document in memory. */
#include "files/document.h"

void document_clear(struct document *d) {
    if (!d) return;
    mem_free(d->blocks);
    arena_clear(&d->arena);
    *d = (struct document){0};
}

struct document_block *document_add(struct document *d, enum document_block_kind kind, int part, struct text text) {
    if (d->n == d->cap) {
        size_t cap = d->cap ? d->cap * 2 : 32;
        struct document_block *more = mem_realloc(d->blocks, cap * sizeof *more);
        if (!more) {
            d->failed = true;
            return NULL;
        }
        d->blocks = more;
        d->cap = cap;
    }
    struct document_block *b = &d->blocks[d->n++];
    *b = (struct document_block){.kind = kind, .part = part, .text = text};
    return b;
}
