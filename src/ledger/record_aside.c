/* A list that means a known person or record may say otherwise of it: what is known stays, and what the list said is kept beside it. */
#include <string.h>

#include "ledger/apply.h"

static int clear_of(struct apply *x, const struct record *r, size_t field, struct buf *out, struct error *err) {
    struct text clear;
    if (!r->reg->fields[field].sealed) return field_format(&r->reg->fields[field], r->values[field], x->l->zone_s, out) < 0 ? error_memory(err) : 0;
    int rc = seal_open(x, r, field, &clear, err);
    return rc ? rc : buf_text(out, clear) < 0 ? error_memory(err) : 0;
}

/* Is the piece one of those that "; " parts? */
static bool has_piece(struct text list, struct text piece) {
    for (size_t at = 0; at + piece.n <= list.n; at++) {
        bool begins = at == 0 || (at >= 2 && list.s[at - 2] == ';' && list.s[at - 1] == ' ');
        bool ends = at + piece.n == list.n || (at + piece.n + 1 < list.n && list.s[at + piece.n] == ';' && list.s[at + piece.n + 1] == ' ');
        if (begins && ends && memcmp(list.s + at, piece.s, piece.n) == 0) return true;
    }
    return false;
}

static int note(struct buf *list, const struct field *f, struct text value, bool *ret_any, struct error *err) {
    struct buf piece = {0};
    buf_printf(&piece, "%s=", f->name.s);
    buf_text(&piece, value);
    if (!piece.failed && !has_piece(buf_view(list), buf_view(&piece))) {
        if (list->n) buf_str(list, "; ");
        buf_text(list, buf_view(&piece));
        *ret_any = true;
    }
    int rc = piece.failed || list->failed ? error_memory(err) : 0;
    buf_clear(&piece);
    return rc;
}

/* What differs from what is known of this field, if it does. */
static int other_word(struct apply *x, const struct draft *d, const struct record *r, size_t i, const bool *changed, struct buf *known, struct buf *given, struct error *err) {
    bool old = d->aside_old >> i & 1;
    buf_reset(known);
    buf_reset(given);
    if (!value_given(r->values[i]) || (old ? !changed[i] : !value_given(d->values[i]))) return 0;
    int rc = clear_of(x, r, i, known, err);
    if (rc < 0) return rc;
    if (old) return buf_text(given, buf_view(known)) < 0 ? error_memory(err) : 0;
    if (field_format(&r->reg->fields[i], d->values[i], x->l->zone_s, given) < 0) return error_memory(err);
    if (text_eq(buf_view(known), buf_view(given))) buf_reset(given);
    return 0;
}

static int64_t characters(struct text t) {
    int64_t n = 0;
    for (size_t i = 0; i < t.n; i++) n += ((unsigned char)t.s[i] & 0xC0) != 0x80;
    return n;
}

int apply_aside(struct apply *x, struct draft *d, const struct record *r, struct value *wanted, bool *changed, struct error *err) {
    struct buf list = {0}, known = {0}, given = {0};
    size_t to = (size_t)d->aside_to;
    bool opened = false, any = false, same = false;
    int rc = 0;
    for (size_t i = 0; !rc && i < r->reg->n_fields && i < 64; i++) {
        if (!((d->aside | d->aside_old) >> i & 1)) continue;
        rc = other_word(x, d, r, i, changed, &known, &given, err);
        if (rc < 0 || !given.n) continue;
        if (!opened) rc = clear_of(x, r, to, &list, err);
        opened = true;
        if (!rc) rc = note(&list, &r->reg->fields[i], buf_view(&given), &any, err);
    }
    if (!rc && any && r->reg->fields[to].has_max && characters(buf_view(&list)) > r->reg->fields[to].max)
        rc = error_set(err, E_INVALID, r->reg->fields[to].name.s, "more is said otherwise than can be kept: settle what is known first / 另报信息过多,请先核实");
    if (!rc && any) {
        struct value v = value_text(arena_text(&x->arena, buf_view(&list)));
        rc = !v.s ? error_memory(err) : r->reg->fields[to].sealed ? seal_change(x, r, to, v, &wanted[to], &same, err) : 0;
        if (!rc && !r->reg->fields[to].sealed) wanted[to] = v;
        changed[to] = !rc;
    }
    d->ret_aside = !rc && any;
    buf_clear(&list);
    buf_clear(&known);
    buf_clear(&given);
    return rc ? rc : any;
}
