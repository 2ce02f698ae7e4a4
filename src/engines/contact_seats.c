/* Who sat where: what several stays of one person at one place say together. */
#include <stdlib.h>

#include "engines/contact_work.h"

int exposed_by_seat(const void *pa, const void *pb) {
    const struct exposed *a = pa, *b = pb;
    if (a->person != b->person) return a->person < b->person ? -1 : 1;
    if (a->zone != b->zone) return a->zone < b->zone ? -1 : 1;
    if (a->row != b->row) return a->row < b->row ? -1 : 1;
    return a->start != b->start ? (a->start < b->start ? -1 : 1) : (a->end > b->end) - (a->end < b->end);
}

int exposed_by_person(const void *pa, const void *pb) {
    const struct exposed *a = pa, *b = pb;
    if (a->person != b->person) return a->person < b->person ? -1 : 1;
    return a->start != b->start ? (a->start < b->start ? -1 : 1) : (a->end > b->end) - (a->end < b->end);
}

int exposed_by_start(const void *pa, const void *pb) {
    const struct exposed *a = pa, *b = pb;
    if (a->start != b->start) return a->start < b->start ? -1 : 1;
    if (a->person != b->person) return a->person < b->person ? -1 : 1;
    if (a->zone != b->zone) return a->zone < b->zone ? -1 : 1;
    return (a->row > b->row) - (a->row < b->row);
}

size_t exposed_touching(struct exposed *x, size_t n, bool seats) {
    size_t k = 0;
    for (size_t i = 0; i < n; i++) {
        struct exposed *p = &x[k ? k - 1 : 0];
        if (!k || p->person != x[i].person || x[i].start > p->end || (seats && (p->zone != x[i].zone || p->row != x[i].row))) {
            x[k++] = x[i];
            continue;
        }
        if (x[i].start == p->start) p->came &= x[i].came;
        if (x[i].end > p->end) p->end = x[i].end, p->left = x[i].left;
        else if (x[i].end == p->end) p->left &= x[i].left;
    }
    return k;
}

/* b says of the same person's seat what a says, and more. */
static bool tells_more(const struct exposed *b, const struct exposed *a) {
    return (!a->zone || a->zone == b->zone) && (!a->row || a->row == b->row) && (a->zone != b->zone || a->row != b->row);
}

static int piece_add(struct contact_work *w, int which, struct exposed x, int32_t start, int32_t end) {
    if (!mem_room(&w->pieces[which], &w->cap_pieces[which], w->n_pieces[which] + 1, sizeof *w->pieces[which])) return E_MEMORY;
    x.came &= start == x.start, x.left &= end == x.end;
    x.start = start, x.end = end;
    w->pieces[which][w->n_pieces[which]++] = x;
    return 0;
}

int exposed_parts(struct contact_work *w, int which, struct exposed *x, size_t n) {
    int rc = 0;
    qsort(x, n, sizeof *x, exposed_by_start);
    for (size_t i = 0, low = 0; rc == 0 && i < n; i++) {
        const struct exposed *a = &x[i];
        int32_t at = a->start, until = a->end > at ? a->end : at + 1;
        while (low < i && x[low].end <= at) low++;
        for (size_t k = low; rc == 0 && k < n && x[k].start < until && at < until; k++) {
            const struct exposed *b = &x[k];
            if (b->end <= at || b->start == b->end || !tells_more(b, a)) continue;
            if (b->start > at) rc = piece_add(w, which, *a, at, b->start);
            at = b->end;
        }
        if (rc == 0 && at < until) rc = piece_add(w, which, *a, at, a->end);
    }
    return rc;
}

static int by_through(const void *pa, const void *pb) {
    const struct together *a = pa, *b = pb;
    if (a->through != b->through) return a->through < b->through ? -1 : 1;
    if (a->from != b->from) return a->from < b->from ? -1 : 1;
    if (a->to != b->to) return a->to < b->to ? -1 : 1;
    return a->rows_apart != b->rows_apart ? (int)a->rows_apart - (int)b->rows_apart : (int)a->attr - (int)b->attr;
}

static int by_from(const void *pa, const void *pb) {
    const struct together *a = pa, *b = pb;
    return a->from != b->from ? (a->from < b->from ? -1 : 1) : by_through(pa, pb);
}

size_t together_join(struct together *t, size_t n, bool each) {
    size_t k = 0;
    if (n) qsort(t, n, sizeof *t, each ? by_through : by_from);
    for (size_t i = 0; i < n; i++) {
        struct together *one = &t[k ? k - 1 : 0];
        if (!k || t[i].from > one->to || (each && t[i].through != one->through)) {
            t[k++] = t[i];
            continue;
        }
        if (t[i].to > one->to) one->to = t[i].to;
        if (t[i].rows_apart < one->rows_apart) one->rows_apart = t[i].rows_apart, one->through = t[i].through;
    }
    return k;
}
