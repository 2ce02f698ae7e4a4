/* Routes told in words: any bytes give stops of the text with times in order, or nothing. */
#include <stdlib.h>

#include "desks/tracing/told.h"
#include "desks/tracing/tracing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int hold(const struct told_stop *s, void *arg) {
    const struct told_how *how = arg;
    if (!s->place.n || s->place.n > VISITS_NAME_MAX || !text_utf8_valid(s->place)) abort();
    if (s->end < s->start || s->end - s->start > (int64_t)(VISITS_DAYS_MAX + 1) * DAY_S || s->class_of >= VISITS_CLASSES || s->confidence > 100) abort();
    if (s->start < instant_of_day(day_of_civil((struct civil){1583, 1, 1}), how->zone_s)) abort();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const int64_t dwell_s[CONTACT_CLASSES] = {1800};
    struct told_how how = {.zone_s = ZONE_CHINA_S, .by = 18300 + (size ? data[0] : 0), .dwell_s = dwell_s};
    if (told_read(&how, (struct text){(const char *)data, size}, hold, &how) < 0) abort();
    return 0;
}
