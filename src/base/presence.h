/* base: who was where from when to when, as columns, and the interface through which an engine pulls them. The room visits fills it from its
 * files, tests from plain arrays; an engine never knows which. Persons and places are dense numbers from 0; times are int32 seconds after
 * the `origin` of the source; stays are [start, end). */
#ifndef TOCSIN_BASE_PRESENCE_H
#define TOCSIN_BASE_PRESENCE_H

#include "base/instant.h"

/* How a stay is known. The order is stored: add at the end. */
#define PRESENCE_SOURCES(X)                                                                    \
    X(SCAN, "scan", "扫场所码")            /* a place code, read once */                       \
    X(TIMED, "timed", "进出计时")          /* came and went, both measured */                  \
    X(SEAT, "seat", "乘坐")                /* a seat on a vehicle */                           \
    X(TOLD, "told", "流调自述")            /* told in the interview */                         \
    X(BAND, "wristband", "手环")           /* carried device */                                \
    X(REGISTER, "register", "登记")        /* lives, works or studies there by a register */   \
    X(PROXIMITY, "proximity", "近距离感应") /* metre distance between two devices */ \
    X(ROUTE, "route", "轨迹登记")          /* an entry of a route in the registers says so, as long as it does */
enum presence_source_kind {
#define X(name, word, zh) PRESENCE_##name,
    PRESENCE_SOURCES(X)
#undef X
    PRESENCE_KINDS
};

/* The word of a source, "" of none. */
const char *presence_source_word(unsigned source);

/* What is known of a stay besides its times, in 16 bits: source 0..3, confidence in percent 4..10, then flags. */
enum {
    PRESENCE_JOINS = 1 << 11,  /* may touch or overlap another stay of the same person at the same place; two stays of which neither has it, do not */
    PRESENCE_FROM = 1 << 12,   /* goes on from the day before: split at midnight */
    PRESENCE_TO = 1 << 13,     /* goes on into the next day */
    PRESENCE_SEATED = 1 << 14, /* zone or row is known */
};
static inline uint16_t presence_attr(unsigned source, unsigned confidence) {
    return (uint16_t)((source & 15) | (confidence & 127) << 4);
}
static inline unsigned presence_source_of(uint16_t attr) {
    return attr & 15;
}
static inline unsigned presence_confidence_of(uint16_t attr) {
    return attr >> 4 & 127;
}

/* One stay. zone: carriage, floor or hall, row: of seats; 0 when not known. */
struct presence {
    uint32_t person, place;
    int32_t start, end;
    uint16_t attr, zone, row, filler;
};

/* Some stays at one place, in any order, valid until the next call. zone and row are NULL when no stay of the span has any, or nobody wants them. */
struct presence_span {
    size_t n;
    const uint32_t *person;
    const int32_t *start, *end;
    const uint16_t *attr, *zone, *row;
};

/* Whose stays are wanted, from when to when. */
struct presence_ask {
    uint32_t person;
    int32_t from, to;
};

/* A span of time that is asked for: [from, to). */
struct presence_when {
    int32_t from, to;
};

/* A place at a time of interest. */
struct presence_stop {
    uint32_t place;
    int32_t from, to;
};

/* Owned list of stays. Zero-initialise; presence_list_clear frees. */
struct presence_list {
    struct presence *items;
    size_t n, cap;
};
int presence_add(struct presence_list *l, const struct presence *p); /* E_MEMORY */
void presence_list_clear(struct presence_list *l);

/* A source of stays: one thread at a time; `another` gives one to a second thread. Calls return 0 or a negative code with err filled. */
struct presence_source {
    void *arg;
    instant origin;
    uint32_t n_persons, n_places; /* ids are below */
    /* Appends to out every stay of the asked persons that has an instant in [from, to) (a stay without length counts as its start). Asked in ascending
     * order of person for speed. Stays come as stored: pieces of one stay are not joined, not clipped. */
    int (*of_persons)(void *arg, const struct presence_ask *asks, size_t n, struct presence_list *out, struct error *err);
    /* Begins with the stays at a place that have an instant in one of the n > 0 spans, which are ascending and apart and stay valid until the next at_place. Each stay
     * comes once, however many spans it has a part in. seats: zone and row are wanted. *ret_loose: take every stay as if it had PRESENCE_JOINS. */
    int (*at_place)(void *arg, uint32_t place, const struct presence_when *when, size_t n, bool seats, bool *ret_loose, struct error *err);
    /* The next span of stays: 1, or 0 at the end. May hold stays outside the times asked. */
    int (*next)(void *arg, struct presence_span *ret, struct error *err);
    /* Brings nearer what at_place of these places will read, all of them together; NULL: nothing is gained by it. At most some hundred stops. */
    void (*ahead)(void *arg, const struct presence_stop *stops, size_t n);
    /* The largest number of stays at the place in one day of [from, to): each once when there are `enough` of them; of fewer, what was recorded twice may count twice. Cheap for the place and the days
     * of the last at_place. */
    uint32_t (*crowd)(void *arg, uint32_t place, int32_t from, int32_t to, uint32_t enough);
    uint8_t (*class_of)(void *arg, uint32_t place); /* below 32; 0: not known */
    /* The same stays at the same moment for another thread; NULL: there is none. Ended by `release` with its arg. */
    int (*another)(void *arg, struct presence_source *ret, struct error *err);
    void (*release)(void *arg);
};

#endif
