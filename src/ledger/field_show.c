#include <stdio.h>
#include <string.h>

#include "ledger/region.h"
#include "ledger/register.h"

static int add_decimal(struct buf *out, int64_t v, int scale) {
    if (scale == 0) return buf_int(out, v);
    uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v, one = 1;
    for (int i = 0; i < scale; i++) one *= 10;
    if (v < 0) buf_char(out, '-');
    buf_int(out, (int64_t)(u / one));
    return buf_printf(out, ".%0*llu", scale, (unsigned long long)(u % one));
}

static int add_day(struct buf *out, int64_t v) {
    char s[DAY_TEXT];
    day_format((day)(v < DAY_MIN ? DAY_MIN : v > DAY_MAX ? DAY_MAX : v), s);
    return buf_str(out, s);
}

/* As people write it when that loses nothing, else in seconds. */
static int add_duration(struct buf *out, int64_t v) {
    char s[INSTANT_TEXT];
    int64_t back = 0;
    duration_format(v, s);
    if (duration_parse(text_of(s), &back) && back == v) return buf_str(out, s);
    buf_int(out, v);
    return buf_char(out, 's');
}

int field_format(const struct field *f, struct value v, int32_t zone_s, struct buf *out) {
    char s[INSTANT_TEXT];
    if (!value_given(v)) return out->failed;
    if (v.kind == VALUE_BLOB) return buf_str(out, "***");
    if (v.kind == VALUE_TEXT) return buf_text(out, value_view(v));
    switch (f->type) {
    case FIELD_DECIMAL:
        return add_decimal(out, v.i, f->scale);
    case FIELD_BOOLEAN:
        return buf_str(out, v.i ? "true" : "false");
    case FIELD_DATE:
        return add_day(out, v.i);
    case FIELD_INSTANT:
        instant_format(v.i, zone_s, s);
        return buf_str(out, s);
    case FIELD_DURATION:
        return add_duration(out, v.i);
    default:
        return buf_int(out, v.i);
    }
}

/* "2022-05-30 17:00", local: people of one jurisdiction share its zone. */
static int add_local_time(struct buf *out, instant t, int32_t zone_s) {
    day d = day_of_instant(t, zone_s);
    int64_t s = t - instant_of_day(d, zone_s);
    if (s < 0 || s >= DAY_S) s = 0;
    add_day(out, d);
    buf_printf(out, " %02d:%02d", (int)(s / 3600), (int)(s / 60 % 60));
    return s % 60 ? buf_printf(out, ":%02d", (int)(s % 60)) : out->failed; /* a form that comes back has lost nothing */
}

static int add_titles(const struct field *f, struct text t, bool zh, struct buf *out) {
    for (size_t from = 0; from <= t.n;) {
        const char *mark = f->multiple && from < t.n ? memchr(t.s + from, ';', t.n - from) : NULL;
        size_t to = mark ? (size_t)(mark - t.s) : t.n;
        struct text one = {t.s + from, to - from};
        const struct code *c = code_find(f->codes, one);
        if (from) buf_str(out, zh ? "、" : ", ");
        buf_text(out, c ? (zh ? c->zh : c->en) : one);
        from = to + 1;
    }
    return out->failed;
}

int field_display(const struct field *f, struct value v, int32_t zone_s, bool zh, struct buf *out) {
    if (v.kind == VALUE_TEXT && f->type == FIELD_CODE) return add_titles(f, value_view(v), zh, out);
    if (v.kind == VALUE_TEXT && f->type == FIELD_REGION) {
        char shown[REGION_MAX + 1];
        region_display(value_view(v), shown);
        return buf_str(out, shown);
    }
    if (v.kind == VALUE_INT && f->type == FIELD_BOOLEAN)
        return buf_str(out, zh ? (v.i ? "是" : "否") : (v.i ? "yes" : "no"));
    if (v.kind == VALUE_INT && f->type == FIELD_INSTANT) return add_local_time(out, v.i, zone_s);
    return field_format(f, v, zone_s, out);
}
