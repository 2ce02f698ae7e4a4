/* visits, inside a segment: what segment.c (the file) and segment_read.c (its rows) share. */
#ifndef TOCSIN_VISITS_SEGMENT_INSIDE_H
#define TOCSIN_VISITS_SEGMENT_INSIDE_H

#include "visits/segment.h"

enum { SEGMENT_LINE = 64 };

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
    bool known = !s->touched && last < s->n_chunks && last - c <= 1 && atomic_load_explicit(&s->checked[c], memory_order_relaxed) &&
                 atomic_load_explicit(&s->checked[last], memory_order_relaxed);
    return known || segment_check_span(s, from, n, err) == 0 ? s->section[k] + at : NULL;
}

/* Brings a byte of a section nearer, if there is one. */
static inline void segment_ahead(const struct segment *s, enum segment_section k, uint64_t at) {
    if (at < s->head.sections[k].bytes) __builtin_prefetch(s->section[k] + at);
}

#endif
