/* desks/tracing: a route as people write it down, in Chinese: "1月18日乘G1234次列车(5车厢)从武汉到郑州，20日上午在丹尼斯百货购物，22日8:30至9:10到郑州市人民医院就诊". From here its
 * places with days and times go into the visits, as somebody told them. Pure; fuzzed.
 *
 * What is read. Days as 2020年1月18日, 1月18日, 18日, 2020-01-18, 1.18, 1/18, 次日, and spans of them (18日至20日); times as 8:30, 8时30分, 下午3点半, spans of them, and parts of a
 * day (上午). A day holds until the next one is named. Places stand behind a word of going or being (到, 在, 前往, 返回, 入住, 从 ...) or alone ("1.19 武汉大学"); trains and flights by their
 * number, with carriage and row of the seat. What has no name of its own (家中, 医院, 超市) is nobody else's place and is left out; whoever cannot be read is not guessed at.
 *
 * A day without a year is the last such day up to `by`. */
#ifndef TOCSIN_DESKS_TRACING_TOLD_H
#define TOCSIN_DESKS_TRACING_TOLD_H

#include "base/instant.h"

struct told_stop {
    struct text place;       /* of the text; a number of a train or flight in capitals */
    instant start, end;
    uint8_t class_of;        /* what its name says it is (tracing_class); 0: a name that says nothing, as "武汉" or half a sentence does */
    uint8_t confidence;      /* percent: 50 a day or a part of it, 70 a moment, 90 from when to when */
    uint16_t zone, row;
};

struct told_how {
    int32_t zone_s;
    day by;                  /* when it was told */
    const int64_t *dwell_s;  /* of a moment without an end, by class of place */
};

/* Reads one text of up to 64 KB and hands out its stops in order; a stop is the caller's until he returns, a negative answer of his ends the reading and is returned. The
 * same place of the same time is handed out once a mention. Simplified characters and half-width digits (base/repair) are expected. */
int told_read(const struct told_how *how, struct text t, int (*stop)(const struct told_stop *s, void *arg), void *arg);
/* What kind of place a name says it is: "郑州市人民医院" a hospital, "河南省信阳市" an area; 0. */
uint8_t told_class(struct text place);

#endif
