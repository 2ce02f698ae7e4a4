/* base: one cell. What a record field holds in memory, a column in a store, a literal in a condition.
 * Field types map onto it so (see ledger/register.h): integer, decimal (scaled), boolean, date (day), instant,
 * duration (seconds) and reference (id) are INT; text, code, region and point are TEXT; sealed text is TEXT in the
 * clear on its way in and BLOB once sealed. */
#ifndef TOCSIN_BASE_VALUE_H
#define TOCSIN_BASE_VALUE_H

#include "base/text.h"

enum value_kind {
    VALUE_ABSENT = 0, /* not mentioned: a change leaves the field as it is; never stored */
    VALUE_NULL,
    VALUE_INT,
    VALUE_TEXT,
    VALUE_BLOB,
};

/* 16 bytes; s is borrowed. */
struct value {
    uint32_t kind; /* enum value_kind */
    uint32_t n;    /* bytes of s */
    union {
        int64_t i;
        const char *s;
    };
};

static inline struct value value_null(void) {
    return (struct value){.kind = VALUE_NULL};
}
static inline struct value value_int(int64_t i) {
    return (struct value){.kind = VALUE_INT, .i = i};
}
static inline struct value value_text(struct text t) {
    return (struct value){.kind = VALUE_TEXT, .n = (uint32_t)t.n, .s = t.s};
}
static inline struct value value_str(const char *s) {
    return value_text(text_of(s));
}
static inline struct value value_blob(const void *bytes, size_t n) {
    return (struct value){.kind = VALUE_BLOB, .n = (uint32_t)n, .s = (const char *)bytes};
}
/* Empty slice for anything but TEXT and BLOB. */
static inline struct text value_view(struct value v) {
    return v.kind == VALUE_TEXT || v.kind == VALUE_BLOB ? (struct text){v.s, v.n} : (struct text){"", 0};
}
static inline bool value_given(struct value v) {
    return v.kind > VALUE_NULL;
}
static inline int64_t value_int_or(struct value v, int64_t other) {
    return v.kind == VALUE_INT ? v.i : other;
}
bool value_eq(struct value a, struct value b); /* ABSENT equals NULL */
/* Deep copy into the arena; false when out of memory. */
bool value_copy(struct arena *a, struct value v, struct value *ret);

#endif
