/* The pure half of the pipeline: rows to prepared drafts. */
#include "desks/intake/batch.h"

#include <stdio.h>
#include <string.h>

#include "ledger/table.h"

int batch_room(struct batch *b, size_t rows) {
    b->rows = arena_alloc(&b->arena, rows * sizeof *b->rows);
    b->cap = b->rows ? rows : 0;
    return b->rows ? 0 : E_MEMORY;
}

int batch_add(struct batch *b, const struct text *cells, size_t n, int64_t line, bool damaged, struct row **ret) {
    if (!arena_room(&b->arena, &b->rows, &b->cap, b->n + 1, sizeof *b->rows)) return E_MEMORY;
    size_t bytes = 0;
    for (size_t i = 0; i < n; i++) bytes += cells[i].n + 1;
    struct row *r = &b->rows[b->n];
    *r = (struct row){.line = line, .n_cells = n, .damaged = damaged};
    r->cells = arena_alloc(&b->arena, (n + 1) * sizeof *r->cells);
    char *to = arena_alloc(&b->arena, bytes + 1);
    if (!r->cells || !to) return E_MEMORY;
    for (size_t i = 0; i < n; i++) {
        if (cells[i].n) memcpy(to, cells[i].s, cells[i].n);
        r->cells[i] = (struct text){to, cells[i].n};
        to += cells[i].n + 1;
    }
    b->n++;
    if (ret) *ret = r;
    return 0;
}

void row_refuse(struct batch *b, struct row *r, const struct map_reason *why) {
    static struct map_reason nothing = {.code = E_MEMORY, .field = {"", 0}, .zh = "内存不足", .en = "out of memory"};
    r->state = ROW_REJECTED;
    r->reason = arena_alloc(&b->arena, sizeof *r->reason);
    if (r->reason)
        *r->reason = *why;
    else
        r->reason = &nothing;
}

static int64_t title_key(const struct register_decl *reg, int field, struct text t, struct arena *a) {
    char name[160];
    struct text column = field < 0 ? TEXT("*") : reg->fields[field].name;
    struct text register_name = {reg->name.s, reg->name.n < 60 ? reg->name.n : 60};
    if (column.n > 90) column.n = 90;
    memcpy(name, register_name.s, register_name.n);
    name[register_name.n] = '\t';
    memcpy(name + register_name.n + 1, column.s, column.n);
    struct register_decl named = {.name = {name, register_name.n + 1 + column.n}};
    return record_outside_key(&named, t, a);
}

/* Hashes of what an item and its references are called: the writer has only to look them up. */
static void item_keys(struct map_item *it, struct arena *a) {
    if (it->outside_key.n) it->key = record_outside_key(it->reg, it->outside_key, a);
    for (size_t k = 0; k < it->n_refs; k++) {
        struct map_ref *ref = &it->refs[k];
        if (ref->by == BY_KEY)
            ref->key = record_outside_key(ref->target, ref->text, a);
        else if ((ref->by == BY_FIELD || ref->by == BY_ANY) && ref->target)
            ref->key = title_key(ref->target, ref->by == BY_FIELD ? ref->by_field : -1, ref->text, a);
    }
}

/* What a record without a key of its own is known by: "row:", the content as 16 hex digits, ":", occurrence, ":", item. */
struct text row_name(struct arena *a, int64_t content, uint32_t occurrence, size_t item) {
    char *s = arena_alloc(a, 64), digits[48];
    unsigned char bytes[8];
    if (!s) return (struct text){NULL, 0};
    for (int i = 0; i < 8; i++) bytes[i] = (unsigned char)((uint64_t)content >> (56 - 8 * i));
    memcpy(s, "row:", 4);
    hex_of(bytes, sizeof bytes, s + 4);
    size_t n = 20, k = sizeof digits;
    for (uint64_t v = item, first = 1; first || v; v /= 10, first = 0) digits[--k] = (char)('0' + v % 10);
    digits[--k] = ':';
    for (uint64_t v = occurrence, first = 1; first || v; v /= 10, first = 0) digits[--k] = (char)('0' + v % 10);
    digits[--k] = ':';
    memcpy(s + n, digits + k, sizeof digits - k); /* the rest is zero */
    return (struct text){s, n + sizeof digits - k};
}

static void add_value(struct buf *b, size_t i, struct value v) {
    struct text t = v.kind == VALUE_INT ? (struct text){(const char *)&v.i, sizeof v.i} : value_view(v);
    uint32_t head[3] = {(uint32_t)i, v.kind, (uint32_t)t.n};
    buf_add(b, head, sizeof head);
    buf_text(b, t);
}

/* What the row says, whatever the columns it does not use: the same row sent again is the same. */
static int64_t content_of(const struct map_result *r) {
    struct buf b = {0};
    for (size_t i = 0; i < r->n; i++) {
        const struct map_item *it = &r->items[i];
        buf_text(&b, it->reg->name);
        buf_char(&b, '\n');
        for (size_t f = 0; f < it->reg->n_fields; f++)
            if (value_given(it->values[f])) add_value(&b, f, it->values[f]);
        for (size_t k = 0; k < it->n_refs; k++) add_value(&b, (size_t)it->refs[k].field + 1000, value_text(it->refs[k].text));
        add_value(&b, 2000, value_text(it->outside_key));
        add_value(&b, 2001, value_text(it->region));
    }
    int64_t hash = b.failed ? 0 : digest_64(buf_view(&b));
    buf_clear(&b);
    return hash;
}

/* Notes what the row itself says nothing of: a list that only adds to known records must not put defaults over what they hold. */
static int look_at(struct batch *b, struct row *r, size_t i, const struct reg_table *t, const struct draft *d) {
    for (size_t k = 0; d->outside_key.n && k < t->required.n; k++) {
        size_t f = t->required.at[k];
        const struct field *at = &d->reg->fields[f];
        if (d->values[f].kind == VALUE_ABSENT && !(d->links && d->links[f]) && at->fallback.kind == VALUE_ABSENT && at->copy_reference < 0) r->partial[i] = true;
    }
    for (size_t k = 0; k < t->defaulted.n; k++) {
        size_t f = t->defaulted.at[k];
        if (d->values[f].kind != VALUE_ABSENT || (d->links && d->links[f])) continue;
        if (!r->defaulted[i]) r->defaulted[i] = arena_alloc(&b->arena, d->reg->n_fields);
        if (!r->defaulted[i]) return E_MEMORY;
        r->defaulted[i][f] = true;
    }
    return 0;
}

static int keep(struct batch *b, struct kept *ret, const struct draft *d) {
    size_t n = 0;
    for (size_t f = 0; f < d->reg->n_fields; f++) n += d->values[f].kind != VALUE_ABSENT;
    ret->cells = arena_raw(&b->arena, (n + 1) * sizeof *ret->cells);
    if (!ret->cells) return E_MEMORY;
    for (size_t f = 0; f < d->reg->n_fields; f++)
        if (d->values[f].kind != VALUE_ABSENT) ret->cells[ret->n++] = (struct cell_at){(uint32_t)f, d->values[f]};
    ret->has_key = d->has_key;
    return 0;
}

static int draft_of(const struct intake *in, struct batch *b, struct row *r, size_t i, struct draft **ret) {
    struct map_item *it = &r->result.items[i];
    struct draft *d = draft_room(&b->arena);
    if (!d) return E_MEMORY;
    item_keys(it, &b->arena);
    if (!it->outside_key.n && !it->reg->n_key) {
        r->own[i].name = row_name(&b->arena, r->content, 1, i);
        if (!r->own[i].name.s) return E_MEMORY;
        r->own[i].key = record_outside_key(it->reg, r->own[i].name, &b->arena);
    }
    d->reg = it->reg;
    d->verb = DRAFT_UPSERT;
    d->values = it->values;
    d->outside_key = it->outside_key;
    d->state = it->state;
    d->region = it->region;
    if (it->n_refs) {
        d->links = arena_alloc(&b->arena, (it->reg->n_fields + 1) * sizeof *d->links);
        if (!d->links) return E_MEMORY;
        for (size_t k = 0; k < it->n_refs; k++) d->links[it->refs[k].field] = LINK_OPEN;
    }
    if (look_at(b, r, i, in->ledger->tables[d->reg->order], d) < 0) return E_MEMORY;
    if (r->partial[i] || it->own_id) d->verb = DRAFT_CHANGE;
    if (record_prepare(in->ledger, d, &b->arena, &b->secret, in->session.now) == E_MEMORY) return E_MEMORY;
    if (keep(b, &r->kept[i], d) < 0) return E_MEMORY;
    if (it->match && it->reg == in->person) match_of(d, &r->matches[i]);
    *ret = d;
    return 0;
}

/* "en / 中文" of the ledger's messages becomes the two halves. */
void reason_of(struct map_reason *ret, const struct register_decl *reg, const struct error *e) {
    char en[301], zh[301];
    error_words(e->code, e->message, false, en, sizeof en);
    error_words(e->code, e->message, true, zh, sizeof zh);
    int f = register_field(reg, text_of(e->where));
    struct text field = f >= 0 ? reg->fields[f].name : (struct text){"", 0};
    *ret = (struct map_reason){.code = e->code, .field = field};
    snprintf(ret->en, sizeof ret->en, "%s%s%s: %s", reg->name.s, f >= 0 ? "." : "", field.s, en);
    snprintf(ret->zh, sizeof ret->zh, "%s%s%s：%s", reg->zh.n ? reg->zh.s : reg->name.s, f >= 0 ? " " : "",
             f >= 0 ? (reg->fields[f].zh.n ? reg->fields[f].zh.s : field.s) : "", zh);
}

/* What stands in a column without a name would vanish, and the cells before it may be in the wrong columns. */
static bool beyond_headers(const struct intake *in, const struct row *r) {
    for (size_t i = in->o.n_headers; map_header_row(in->map) && i < r->n_cells; i++)
        if (text_trim(r->cells[i]).n) return true;
    return false;
}

/* How often the file has said this so far. */
static int occurrence(struct intake *in, struct row *r) {
    if (r->state != ROW_OPEN || r->occurrence) return 0;
    struct idmap_slot *s = idmap_put(&in->seen, &in->seen_arena, r->content == INT64_MIN ? 0 : r->content, NULL);
    if (!s) return E_MEMORY;
    r->occurrence = (uint32_t)++s->value.i;
    return 0;
}

static int prepare_row(struct intake *in, struct batch *b, struct row *r) {
    enum map_outcome outcome = MAP_ROW;
    struct error err = {0};
    if (r->damaged) {
        static const struct map_reason damaged = {.code = E_SYNTAX, .field = {"", 0}, .zh = "本行无法读取：有不能解码的字节、空字符、未闭合的引号，或单元格过长、过多（上限1 MB、4,096格、整行4 MB）",
                                                  .en = "this row cannot be read: bytes that do not decode, a NUL, a quotation mark left open, or too large (more than 1 MB a cell, 4,096 cells or 4 MB a row)"};
        row_refuse(b, r, &damaged);
        return 0;
    }
    if (beyond_headers(in, r)) {
        static const struct map_reason more = {.code = E_SYNTAX, .field = {"", 0}, .zh = "本行单元格多于表头：是否有单元格内含分隔符而未加引号？",
                                               .en = "the row has more cells than there are headers: is there a separator inside a cell without quotation marks?"};
        row_refuse(b, r, &more);
        return 0;
    }
    int rc = map_row(in->map, in->binding, r->cells, r->n_cells, r->line, in->ledger->zone_s, &b->arena, &r->result, &outcome, &err);
    if (rc < 0) return rc;
    if (outcome == MAP_SKIP) r->state = ROW_SKIPPED;
    if (outcome == MAP_REJECT) {
        r->state = ROW_REJECTED;
        r->reason = r->result.reason;
    }
    if (outcome != MAP_ROW) return 0;
    if (!r->content) r->content = content_of(&r->result);
    size_t n = r->result.n;
    r->drafts = arena_alloc(&b->arena, (n + 1) * sizeof(struct draft *));
    r->kept = arena_alloc(&b->arena, (n + 1) * sizeof *r->kept);
    r->matches = arena_alloc(&b->arena, (n + 1) * sizeof(struct match));
    r->defaulted = arena_alloc(&b->arena, (n + 1) * sizeof(bool *));
    r->partial = arena_alloc(&b->arena, n + 1);
    r->own = arena_alloc(&b->arena, (n + 1) * sizeof *r->own);
    if (!r->own || !r->drafts || !r->kept || !r->matches || !r->defaulted || !r->partial) return E_MEMORY;
    for (size_t i = 0; i < n && r->state == ROW_OPEN; i++) {
        const struct map_item *it = &r->result.items[i];
        if ((rc = draft_of(in, b, r, i, &r->drafts[i])) < 0) return rc;
        if (r->drafts[i]->outcome != OUTCOME_REJECTED) continue;
        struct map_reason why;
        reason_of(&why, it->reg, &r->drafts[i]->error);
        if (!it->optional) {
            row_refuse(b, r, &why);
            continue;
        }
        if (!r->result.notes) r->result.notes = arena_alloc(&b->arena, MAP_NOTES_MAX * sizeof *r->result.notes);
        if (!r->result.notes) return E_MEMORY;
        if (r->result.n_notes < MAP_NOTES_MAX) r->result.notes[r->result.n_notes] = why;
        r->result.n_notes++;
        r->drafts[i] = NULL;
    }
    return occurrence(in, r);
}

void batch_prepare(struct intake *in, struct batch *b) {
    for (size_t i = 0; i < b->n && !b->rc; i++) b->rc = prepare_row(in, b, &b->rows[i]);
}
