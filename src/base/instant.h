/* base: time. An instant is int64 seconds since 1970-01-01T00:00:00Z; a day is an int32 civil day number
 * (0 = 1970-01-01) in the jurisdiction's calendar. The zone is a fixed offset east of UTC in seconds (28,800 for
 * China): see docs/decisions. "Now" is always an argument; only doors read the clock. */
#ifndef TOCSIN_BASE_INSTANT_H
#define TOCSIN_BASE_INSTANT_H

#include "base/text.h"

typedef int64_t instant;
typedef int32_t day;

enum { DAY_S = 86400, ZONE_CHINA_S = 8 * 3600 };
#define INSTANT_NONE INT64_MIN
#define DAY_MIN ((day)-141427) /* 1582-10-15, first Gregorian day */
#define DAY_MAX ((day)2932896) /* 9999-12-31 */

struct civil {
    int year, month, day; /* month 1..12, day 1..31 */
};

day day_of_civil(struct civil c); /* proleptic Gregorian; c must be a date that exists */
struct civil civil_of_day(day d);
bool civil_valid(struct civil c); /* also refuses years outside 1583..9999 */
day day_of_instant(instant t, int32_t zone_s);
instant instant_of_day(day d, int32_t zone_s); /* 00:00 local, the first second of the day */

/* Strict ISO 8601. day: YYYY-MM-DD. instant: YYYY-MM-DD[T ]HH:MM[:SS[.fff]][Z|+hh:mm|+hhmm|+hh]; without a zone it is local
 * (zone_s); a bare date is its 00:00 local. false when it is not one, or the date does not exist. */
bool day_parse(struct text t, day *ret);
bool instant_parse(struct text t, int32_t zone_s, instant *ret);
/* "2022-05-30" and "2022-05-30T17:00:00+08:00"; out is NUL-ended. */
enum { DAY_TEXT = 12, INSTANT_TEXT = 32 };
void day_format(day d, char out[DAY_TEXT]);
void instant_format(instant t, int32_t zone_s, char out[INSTANT_TEXT]);
/* Duration: "90s", "30m", "2h", "7d" or ISO 8601 "PT2H", "P7D", or bare seconds. */
bool duration_parse(struct text t, int64_t *ret_s);
void duration_format(int64_t s, char out[INSTANT_TEXT]); /* "2h", "1d6h", "-30m" */

/* The wall clock, for doors only. */
instant instant_now(void);
/* Monotonic nanoseconds, for progress and benchmarks. */
int64_t monotonic_ns(void);

#endif
