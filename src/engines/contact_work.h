/* engines: what the files of the contact engine share. */
#ifndef TOCSIN_ENGINES_CONTACT_WORK_H
#define TOCSIN_ENGINES_CONTACT_WORK_H

#include "engines/contact.h"

/* A joined stay of one whose contacts are sought, cut to its window. */
struct exposed {
    uint32_t place, person;
    int32_t start, end;
    uint16_t zone, row, attr;
    bool came, left;         /* whether start and end are its own: not the window's, nor where a seat becomes known */
};

/* Nothing of it lies in the window. A moment at its very end (came, and did not leave) is none either. */
static inline bool exposed_edge(const struct exposed *x) {
    return x->start == x->end && !(x->came && x->left);
}

struct seen_slot {
    uint32_t key;            /* person + 1; 0 empty */
    uint32_t at;             /* contact; SEEN_CASE: a case */
};
#define SEEN_CASE UINT32_MAX

/* Exposed stays of one place that lie together in time, those long enough sorted by start. */
struct cluster {
    const struct exposed *all;
    size_t n_all;
    size_t n;                /* long enough */
    size_t near;             /* spans come by time: where the first one near the one before stood */
    int32_t *start, *end;
    size_t hint;             /* rows mostly come in order of start: where the one before stood */
    int32_t *latest;         /* latest end of 0..i */
    uint32_t *latest_at;     /* whose */
    int32_t *chain_end;      /* end of the unbroken run that i lies in */
    uint32_t *person;
    size_t n_edges;
    int32_t *all_latest;     /* latest end of all[0..i] */
    int32_t *edge;           /* ascending: when those who really left did (in reverse: when those who really came did) */
    uint32_t *edge_person;
    size_t cap;
};

/* What is known of one person while many are asked. */
struct contact_sum {
    double dose;
    int32_t first, last;
    uint32_t overlap_s, evidence, n_evidence;
    uint8_t mark;            /* of this question, else the rest is nobody's */
    uint8_t degree;          /* 0: a case */
    uint8_t kind, filler;
};

/* A time in which somebody was near enough to one of those exposed. */
struct together {
    int32_t from, to;
    uint32_t through;
    uint16_t attr;
    uint8_t rows_apart;
};

struct contact_work {
    struct seen_slot *seen, *seen_kept; /* the table; kept: room for the first few sizes, one behind the other, so that a question after a large one clears a small one */
    size_t seen_cap, seen_n;
    struct presence_list list, joined;
    struct presence_ask *asks;
    size_t cap_asks;
    struct exposed *exposed;
    size_t n_exposed, cap_exposed;
    struct cluster cluster;
    const struct presence_source *s;
    const struct contact_options *o;
    struct contact_result *ret;
    uint8_t degree;          /* of the contacts being found */
    struct contact_rule rule;
    uint32_t place;
    double dose_per_s;
    struct linked *linked;      /* links of those asked, cut to their windows */
    size_t cap_linked;
    struct together *together;  /* of one person, where he or those exposed have several stays: before they are made one */
    size_t n_together, cap_together;
    bool gathering;
    bool several;               /* one of those exposed has several pieces at this place */
    struct exposed *pieces[2];  /* stays by seat, without the times in which more is known: of those exposed, of one of the others */
    size_t n_pieces[2], cap_pieces[2];
    struct exposed *stays;      /* his, as they are on record */
    size_t cap_stays;
    struct presence_when *when; /* spans of the place under way */
    size_t cap_when;
    bool dense;
    struct contact_sum *sums;   /* dense: by person */
    uint32_t n_sums;
    uint8_t mark;
    struct contact_work *helpers[CONTACT_THREADS_MAX - 1];
    struct contact_result own;  /* a helper's */
};

/* Finds contacts of exposed[from, to) (sorted by place and start, whole places). */
int contact_places(struct contact_work *w, struct exposed *exposed, size_t from, size_t to, struct error *err);
/* The slot of a person; grows. NULL out of memory. */
struct seen_slot *seen_get(struct contact_work *w, uint32_t person);
/* Adds a piece of evidence for a person, unless it is a case or of a lower degree. close: it makes a close contact by itself. */
int contact_note(struct contact_work *w, uint32_t person, const struct contact_evidence *e, double dose, bool close);
/* contact_link.c: the links of those asked. */
int contact_links(struct contact_work *w, size_t n_asks, const struct contact_link *links, size_t n);
/* Doses are multiples of 2^-50, so that their sums are exact (past 8 the score is 1 to four digits). */
static inline double quantum(double dose) {
    return (double)(int64_t)(dose * 0x1p50 + 0.5) * 0x1p-50;
}
/* asks is sorted: the window of a person; NULL. */
const struct presence_ask *ask_of(const struct presence_ask *asks, size_t n, uint32_t person);
/* qsort, but by insertion for a few. */
void presence_sort(struct presence *p, size_t n, int (*order)(const void *, const void *));

/* ---- contact_seats.c: who sat where */
int exposed_by_person(const void *a, const void *b);
int exposed_by_seat(const void *a, const void *b);
int exposed_by_start(const void *a, const void *b);
/* Stays by person or by seat: those that touch are made one, of one seat where seats are asked. Returns how many are left. */
size_t exposed_touching(struct exposed *x, size_t n, bool seats);
/* Of one person's stays at a place, one for each time in each seat: adds to w->pieces[which] what counts. While a ticket says which seat, a scan of the whole train says nothing; what is
 * known at an instant depends on that instant alone, so neither the edge of a window nor how stays are cut changes it. Leaves x by start. */
int exposed_parts(struct contact_work *w, int which, struct exposed *x, size_t n);
/* Times that touch made one, for each of those exposed or for all together; the nearest stands for the others. Returns how many are left. */
size_t together_join(struct together *t, size_t n, bool each);

/* ---- contact_sweep.c: many at once */
/* A new question: nobody is known, of persons below n. */
int sweep_begin(struct contact_work *w, uint32_t n_persons, struct error *err);
/* The stays of those asked into w->list; then, once exposed stays are made of them, who met those; then contacts of this degree into w->ret. */
int sweep_ask(struct contact_work *w, size_t n_asks, struct error *err);
int sweep_places(struct contact_work *w, struct error *err);
int sweep_collect(struct contact_work *w, struct error *err);
void sweep_free(struct contact_work *w);

#endif
