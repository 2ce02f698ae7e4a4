/* A source of stays over a plain array, for tests of what reads one. It hands out whatever pieces it was given, in a scrambled order. */
#ifndef TOCSIN_TESTS_PRESENCES_H
#define TOCSIN_TESTS_PRESENCES_H

#include "check.h"

#include "base/presence.h"

struct presences {
    struct presence *rows;
    size_t n, at;
    uint32_t place;
    struct presence_when when[512];
    size_t n_when;
    uint8_t classes[4096];
    bool seats;
    uint32_t person[7];
    int32_t start[7], end[7];
    uint16_t attr[7], zone[7], row[7];
};

static inline bool presences_within(const struct presence *p, int32_t from, int32_t to) {
    return p->start < to && (p->end > from || p->start >= from);
}

static inline int presences_of(void *arg, const struct presence_ask *asks, size_t n, struct presence_list *out, struct error *err) {
    struct presences *s = arg;
    for (size_t i = 0; i < n; i++)
        for (size_t k = s->n; k-- > 0;)
            if (s->rows[k].person == asks[i].person && presences_within(&s->rows[k], asks[i].from, asks[i].to) && presence_add(out, &s->rows[k]) < 0) return E_MEMORY;
    return 0;
}

static inline int presences_at(void *arg, uint32_t place, const struct presence_when *when, size_t n, bool seats, bool *ret_loose, struct error *err) {
    struct presences *s = arg;
    s->at = 0;
    s->place = place;
    for (size_t i = 0; i < n; i++) assert_true(when[i].from < when[i].to && (!i || when[i - 1].to < when[i].from));
    assert_true(n > 0 && n <= 512);
    memcpy(s->when, when, n * sizeof *when);
    s->n_when = n;
    s->seats = seats;
    *ret_loose = place % 3 == 0; /* both ways are exercised */
    return 0;
}

static inline int presences_next(void *arg, struct presence_span *ret, struct error *err) {
    struct presences *s = arg;
    size_t n = 0;
    for (; s->at < s->n && n < 7; s->at++) {
        const struct presence *p = &s->rows[(s->at * 7919) % s->n];
        bool within = false;
        for (size_t i = 0; i < s->n_when && !within; i++) within = presences_within(p, s->when[i].from, s->when[i].to);
        if (p->place != s->place || (!within && s->at % 5)) continue; /* now and then one outside */
        s->person[n] = p->person, s->start[n] = p->start, s->end[n] = p->end, s->zone[n] = p->zone, s->row[n] = p->row;
        /* marked where the law asks for it: when it touches another */
        bool touches = false;
        for (size_t i = 0; i < s->n && !touches; i++)
            touches = &s->rows[i] != p && s->rows[i].person == p->person && s->rows[i].place == p->place && s->rows[i].start <= p->end && p->start <= s->rows[i].end;
        s->attr[n++] = (uint16_t)(p->attr | (touches ? PRESENCE_JOINS : 0));
    }
    *ret = (struct presence_span){.n = n, .person = s->person, .start = s->start, .end = s->end, .attr = s->attr, .zone = s->seats ? s->zone : NULL, .row = s->seats ? s->row : NULL};
    return n > 0;
}

static inline uint32_t presences_crowd(void *arg, uint32_t place, int32_t from, int32_t to, uint32_t enough) {
    struct presences *s = arg;
    uint32_t most = 0;
    for (int32_t d = from / DAY_S; d <= (to - 1) / DAY_S; d++) {
        uint32_t n = 0;
        for (size_t i = 0; i < s->n; i++) n += s->rows[i].place == place && s->rows[i].start / DAY_S == d;
        if (n > most) most = n;
    }
    return most;
}

static inline int presences_another(void *arg, struct presence_source *ret, struct error *err);
static inline void presences_release(void *arg) {
    free(arg);
}

static inline uint8_t presences_class(void *arg, uint32_t place) {
    return ((struct presences *)arg)->classes[place];
}

/* n must not be a multiple of 7919. */
static inline struct presence_source presences_source(struct presences *s, uint32_t persons, uint32_t places) {
    return (struct presence_source){.arg = s, .n_persons = persons, .n_places = places, .of_persons = presences_of, .at_place = presences_at, .next = presences_next,
                                    .crowd = presences_crowd, .class_of = presences_class, .another = presences_another, .release = presences_release};
}

static inline int presences_another(void *arg, struct presence_source *ret, struct error *err) {
    struct presences *copy = malloc(sizeof *copy);
    assert_non_null(copy);
    memcpy(copy, arg, sizeof *copy);
    *ret = presences_source(copy, 0, 0);
    return 0;
}

#endif
