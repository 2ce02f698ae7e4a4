#include "base/value.h"

#include <string.h>

bool value_eq(struct value a, struct value b) {
    if (!value_given(a) || !value_given(b)) return !value_given(a) && !value_given(b);
    if (a.kind != b.kind) return false;
    if (a.kind == VALUE_INT) return a.i == b.i;
    return a.n == b.n && (a.n == 0 || memcmp(a.s, b.s, a.n) == 0);
}

bool value_copy(struct arena *a, struct value v, struct value *ret) {
    if (v.kind == VALUE_TEXT || v.kind == VALUE_BLOB) {
        struct text t = arena_text(a, value_view(v));
        if (!t.s) return false;
        v.s = t.s;
    }
    *ret = v;
    return true;
}
