/* visits, inside a segment: what segment.c (the file) and segment_read.c (its rows) share. */
#ifndef TOCSIN_VISITS_SEGMENT_INSIDE_H
#define TOCSIN_VISITS_SEGMENT_INSIDE_H

#include "visits/segment.h"

enum { SEGMENT_LINE = 64 };
enum { CHUNK_UNKNOWN, CHUNK_GOOD, CHUNK_ASKED };

int segment_damaged(struct segment *s, struct error *err, const char *what);
/* Checks bytes [from, from + n) of the body, those not yet checked. */
int segment_check_span(struct segment *s, uint64_t from, uint64_t n, struct error *err);

/* Bytes [at, at + n) of a section, checked; NULL with err when they are not there or damaged. */
static inline const uint8_t *segment_need(struct segment *s, enum segment_section k, uint64_t at, uint64_t n, struct error *err) {
    if (n > s->head.sections[k].bytes || at > s->head.sections[k].bytes - n) {
        segment_damaged(s, err, "a day of visits points outside itself");
        return NULL;
    }
    uint64_t from = s->head.sections[k].offset + at - SEGMENT_HEAD;
    size_t c = (size_t)(from / SEGMENT_CHUNK), last = (size_t)((from + n + 7) / SEGMENT_CHUNK);
    bool known = !s->touched && last < s->n_chunks && last - c <= 1 && atomic_load_explicit(&s->checked[c], memory_order_relaxed) == CHUNK_GOOD &&
                 atomic_load_explicit(&s->checked[last], memory_order_relaxed) == CHUNK_GOOD;
    return known || segment_check_span(s, from, n, err) == 0 ? s->section[k] + at : NULL;
}

/* Asks the disk for a chunk that nobody has read yet; those asked for together are read together. */
void segment_fetch(struct segment *s, size_t chunk);

/* Brings a byte of a section nearer, if there is one. */
static inline void segment_ahead(struct segment *s, enum segment_section k, uint64_t at) {
    if (at >= s->head.sections[k].bytes) return;
    size_t c = (size_t)((s->head.sections[k].offset + at - SEGMENT_HEAD) / SEGMENT_CHUNK);
    if (atomic_load_explicit(&s->checked[c], memory_order_relaxed) == CHUNK_UNKNOWN) segment_fetch(s, c);
    else __builtin_prefetch(s->section[k] + at);
}

#endif
