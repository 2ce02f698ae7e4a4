/* One row of a file through a compiled map: cells to slots, slots to typed records with their references still by name. */
#include <stdio.h>
#include <string.h>

#include "base/repair.h"
#include "desks/intake/plan.h"
#include "ledger/region.h"

enum { SENTENCE = 301 };

struct row {
    struct plan_env env;
    int32_t zone_s;
    size_t cap;
    struct map_result *out;
    struct map_reason note; /* of the value being read */
    struct text node;       /* that has written the record being read; empty: nobody's */
    bool own;               /* it is this one */
};

static void reason_fill(struct map_reason *r, const struct register_decl *reg, const struct field *f, int code, const char *en) {
    char words[SENTENCE], half[SENTENCE];
    error_words(code, en, true, words, sizeof words);
    error_words(code, en, false, half, sizeof half);
    r->code = code;
    r->field = f ? f->name : (struct text){"", 0};
    snprintf(r->zh, sizeof r->zh, "%s%s%s：%s", reg->zh.n ? reg->zh.s : reg->name.s, f ? " " : "", f ? (f->zh.n ? f->zh.s : f->name.s) : "", words);
    snprintf(r->en, sizeof r->en, "%s%s%s: %.300s", reg->name.s, f ? "." : "", f ? f->name.s : "", half);
}

static int note_add(struct row *w, const struct map_reason *r) {
    struct map_result *out = w->out;
    if (!out->notes) out->notes = arena_alloc(w->env.arena, MAP_NOTES_MAX * sizeof *out->notes);
    if (!out->notes) return E_MEMORY;
    if (out->n_notes < MAP_NOTES_MAX) out->notes[out->n_notes] = *r;
    out->n_notes++;
    return 0;
}

/* The row is refused for what w->note says. */
static int refuse(struct row *w, struct error *err) {
    w->out->reason = arena_alloc(w->env.arena, sizeof *w->out->reason);
    if (!w->out->reason) return error_memory(err);
    *w->out->reason = w->note;
    return 1;
}

/* How many of its cells may lead elsewhere. */
static size_t references(const struct plan_record *p) {
    size_t n = 0;
    for (size_t i = 0; i < p->n_fields; i++) {
        const struct plan_value *v = &p->fields[i].value;
        n += v->source == SOURCE_RECORD || v->is_ref || p->reg->fields[p->fields[i].field].type == FIELD_REGION;
    }
    return n;
}

static struct map_item *item_new(struct row *w, const struct plan_record *p, int index) {
    struct map_result *out = w->out;
    if (!arena_room(w->env.arena, &out->items, &w->cap, out->n + 1, sizeof *out->items)) return NULL;
    struct map_item *it = &out->items[out->n];
    *it = (struct map_item){.reg = p->reg, .record = index, .optional = p->optional, .only_new = p->only_new, .match = p->match, .keeps = p->keeps, .keep_to = p->keep_to};
    it->values = arena_alloc(w->env.arena, (p->reg->n_fields + 1) * sizeof *it->values);
    it->refs = arena_alloc(w->env.arena, (references(p) + 1) * sizeof *it->refs);
    it->outside_key = it->state = it->region = it->region_title = (struct text){"", 0};
    return it->values && it->refs ? it : NULL;
}

static int item_of(const struct row *w, int record, int part) {
    for (size_t i = w->out->n; i-- > 0;)
        if (w->out->items[i].record == record && (w->out->items[i].part == part || w->out->items[i].part < 0 || part < 0)) return (int)i;
    return -1;
}

static bool is_region(struct text t) {
    char code[REGION_MAX + 1];
    return region_canonical(t, code);
}

/* Free text keeps its full-width signs; short texts, numbers and codes lose them. */
static unsigned repairs_of(const struct field *f) {
    if (f->type != FIELD_TEXT) return REPAIR_DEFAULT & ~(unsigned)REPAIR_ROUNDED;
    if (f->check || f->blind) return REPAIR_DEFAULT;
    return REPAIR_PROSE;
}

/* Lines under a list that are about the list: their words where names stand, blanks between the signs left out. */
static bool is_about_the_list(struct text t) {
    static const char *const begins[] = {"合计", "总计", "小计", "共计", "总数", "累计", "汇总", "制表", "填表", "填报人", "审核人", "备注", "说明:", "说明：", "注:", "注："};
    static const char *const whole[] = {"total", "totals", "subtotal", "sub-total", "grandtotal", "average", "remark", "remarks", "note", "notes"};
    char s[24];
    size_t n = 0, at = 0;
    if (t.n > 200) return false;
    for (; at < t.n && n < sizeof s; at++) {
        char c = t.s[at];
        if (text_starts((struct text){t.s + at, t.n - at}, TEXT("　"))) at += 2;
        else if (c != ' ' && c != '\t') s[n++] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
    }
    struct text plain = {s, n}, word = {s, at == t.n && n && s[n - 1] == ':' ? n - 1 : n};
    for (size_t i = 0; i < sizeof begins / sizeof *begins; i++)
        if (text_starts(plain, text_of(begins[i]))) return true;
    for (size_t i = 0; at == t.n && i < sizeof whole / sizeof *whole; i++)
        if (text_is(word, whole[i])) return true;
    return false;
}

/* Undoes what spreadsheets and converters did to a cell; what cannot be undone is told, and refused where it is a number people are known by. */
static int repair(struct row *w, const struct register_decl *reg, const struct field *f, struct text *t, struct error *err) {
    unsigned done = 0;
    int rc = repair_cell(*t, repairs_of(f), w->env.arena, t, &done);
    if (rc < 0) return error_set(err, rc, f->name.s, "this cell cannot be read");
    if ((done & DAMAGE_ROUNDED) && f->check)
        return error_set(err, E_INVALID, f->name.s, "a spreadsheet has rounded this number; its last digits are lost");
    if (done & DAMAGE_FORMULA) return error_set(err, E_INVALID, f->name.s, "a spreadsheet had no value to show here; what belongs here is lost");
    if (f->blind == BLIND_NAME && is_about_the_list(*t)) return error_set(err, E_INVALID, f->name.s, "this line is about the list, a total or a remark, and nobody's");
    if (done & (REPAIR_WIDTH | REPAIR_PUNCTUATION | REPAIR_INVISIBLE | REPAIR_GLOSS | REPAIR_MOJIBAKE)) w->out->n_repairs++;
    if (!(done & (REPAIR_MOJIBAKE | REPAIR_GLOSS | DAMAGE_TEXT))) return 0;
    struct map_reason told = {0};
    reason_fill(&told, reg, f, E_SYNTAX, done & DAMAGE_TEXT ? "characters were lost before this list came" : "garbled characters were put right");
    return note_add(w, &told) < 0 ? error_memory(err) : 0;
}

/* What the text of a cell becomes in the record: a value, a reference to look up, or nothing. */
static int place(struct row *w, struct map_item *it, const struct field *f, int k, const struct plan_value *v, struct text t, int row_item, struct error *err) {
    struct map_ref ref = {.field = k, .by = BY_KEY, .target = v->target, .by_field = v->by_field, .text = t, .missing = v->missing, .row = row_item};
    if (f->type == FIELD_REGION && (v->by_title || !is_region(t))) {
        ref.by = BY_REGION;
        it->refs[it->n_refs++] = ref;
        return 0;
    }
    if (v->is_ref) {
        ref.by = v->by_field >= 0 ? BY_FIELD : v->n_key ? BY_KEY : BY_ANY;
        if (ref.by == BY_ANY && w->node.n && origin_reference(w->env.arena, w->node, w->own, &ref, err) < 0) return err->code;
        if (ref.by == BY_KEY && v->n_key) {
            int rc = value_pieces(v->key, v->n_key, &w->env, t, &ref.text, err);
            if (rc < 0) return rc;
        }
        it->refs[it->n_refs++] = ref;
        return 0;
    }
    if (w->node.n && f->type == FIELD_TEXT && !f->check) { /* as it was written */
        it->values[k] = value_text(t);
        return 0;
    }
    int rc = repair(w, it->reg, f, &t, err);
    return rc < 0 ? rc : field_parse(f, t, w->zone_s, w->env.arena, &it->values[k], err);
}

/* 1: the record cannot be made (w->note says why), 0 done, negative out of memory. */
static int cell(struct row *w, struct map_item *it, const struct plan_field *pf, int part, struct error *err) {
    const struct field *f = &it->reg->fields[pf->field];
    const struct plan_value *v = &pf->value;
    struct text t = {"", 0};
    struct error own = {0};
    int row_item = -1, rc = 0;
    if (v->source == SOURCE_RECORD) {
        row_item = item_of(w, v->record, part);
        if (row_item >= 0)
            it->refs[it->n_refs++] = (struct map_ref){.field = pf->field, .by = BY_ROW, .target = w->out->items[row_item].reg, .text = t, .row = row_item};
        else if (v->require)
            own = (struct error){.code = E_INVALID, .message = "is empty"};
    } else {
        rc = value_text_of(v, &w->env, f, &t, &own);
        if (rc == 0 && t.n) {
            if (v->create >= 0) row_item = item_of(w, v->create, part);
            rc = place(w, it, f, pf->field, v, t, row_item, &own);
        } else if (rc == 0 && v->require) {
            own = (struct error){.code = E_INVALID, .message = "is empty"};
        }
    }
    if (own.code == E_MEMORY || rc == E_MEMORY) return error_memory(err);
    if (!own.code && !rc) return 0;
    reason_fill(&w->note, it->reg, f, own.code ? own.code : rc, own.message);
    if (!v->bad_empty) return 1;
    it->values[pf->field] = (struct value){.kind = VALUE_ABSENT};
    return note_add(w, &w->note) < 0 ? error_memory(err) : 0;
}

/* A state as people write it: its name or a title; the name, or the text as it came. */
static struct text state_name(const struct register_decl *reg, struct text t) {
    for (size_t i = 0; i < reg->n_states; i++)
        if (text_eq(t, reg->states[i].zh) || text_eq(t, reg->states[i].en)) return reg->states[i].name;
    return t;
}

/* A row that a node has written: what it calls the record. 1: the row is refused. */
static int origin(struct row *w, struct map_item *it, const struct plan_record *p, struct error *err) {
    struct error own = {0};
    struct text id = {"", 0}, number = {"", 0};
    w->node = (struct text){"", 0};
    w->own = false;
    int rc = p->has_origin ? value_text_of(&p->origin, &w->env, NULL, &w->node, &own) : 0;
    if (rc == 0 && p->has_id) rc = value_text_of(&p->id, &w->env, NULL, &id, &own);
    if (rc == 0 && p->has_number) rc = value_text_of(&p->number, &w->env, NULL, &number, &own);
    if (rc < 0) return error_memory(err);
    if (!w->node.n) return 0;
    w->own = text_eq(w->node, w->env.map->node);
    if (w->own ? !text_int(id, &it->own_id) || it->own_id <= 0 : !id.n && !number.n) {
        reason_fill(&w->note, it->reg, NULL, E_INVALID, "the row names its node and no id of it / 本行写明了节点,却没有编号");
        return 1;
    }
    if (w->own) it->match = false;
    if (w->own || (!it->reg->number_mask.n && it->reg->n_key)) return 0; /* its own natural key tells it */
    return origin_key(w->env.arena, it->reg->number_mask.n && number.n ? number : id, w->node, &it->outside_key, err);
}

static int head(struct row *w, struct map_item *it, const struct plan_record *p, struct error *err) {
    struct error own = {0};
    const struct field *none = NULL;
    int rc = origin(w, it, p, err);
    if (rc) return rc;
    if (p->has_key) rc = value_text_of(&p->key, &w->env, NULL, &it->outside_key, &own);
    if (rc == 0 && p->has_state) rc = value_text_of(&p->state, &w->env, NULL, &it->state, &own);
    if (rc == 0 && p->has_region) {
        static const struct field any_region = {.name = {"region", 6}, .type = FIELD_REGION};
        rc = value_text_of(&p->region, &w->env, &any_region, &it->region, &own);
        if (rc == 0 && it->region.n && (p->region.by_title || !is_region(it->region))) {
            it->region_title = it->region;
            it->region = (struct text){"", 0};
        }
    }
    if (rc == E_MEMORY) return error_memory(err);
    if (rc == 0 && p->has_key && !it->outside_key.n) {
        reason_fill(&w->note, it->reg, none, E_INVALID, "its key is empty");
        snprintf(w->note.zh, sizeof w->note.zh, "%s：外部编号为空", it->reg->zh.n ? it->reg->zh.s : it->reg->name.s);
        return 1;
    }
    if (rc == 0 && it->state.n) it->state = state_name(it->reg, it->state);
    if (rc == 0 && it->state.n && register_state(it->reg, it->state) < 0) {
        reason_fill(&w->note, it->reg, none, E_UNKNOWN, "no such state");
        return 1;
    }
    if (rc == 0) return 0;
    reason_fill(&w->note, it->reg, none, rc, own.message);
    return 1;
}

/* One record for one part. 1: the row is refused. */
static int make(struct row *w, int index, int part, struct error *err) {
    const struct plan_record *p = &w->env.map->records[index];
    if (p->when && !when_holds(p->when, &w->env)) return 0;
    struct text self = w->env.self;
    if (p->has_gate) {
        struct error own = {0};
        struct text t = {"", 0};
        if (value_text_of(&p->gate, &w->env, NULL, &t, &own) < 0 || !t.n) return own.code == E_MEMORY ? error_memory(err) : 0;
        w->env.self = t;
    }
    struct map_item *it = item_new(w, p, index);
    if (!it) return error_memory(err);
    int rc = head(w, it, p, err);
    for (size_t i = 0; rc == 0 && i < p->n_fields; i++) rc = cell(w, it, &p->fields[i], part, err);
    w->env.self = self;
    if (rc < 0) return rc;
    if (rc > 0 && !p->optional) return refuse(w, err);
    if (rc > 0) return note_add(w, &w->note) < 0 ? error_memory(err) : 0;
    w->out->items[w->out->n++].part = part;
    return 0;
}

static size_t split_parts(struct text t, struct text by, struct text parts[MAP_PARTS_MAX]) {
    size_t n = 0, start = 0;
    for (size_t i = 0; i <= t.n && n < MAP_PARTS_MAX; i++) {
        bool end = i == t.n;
        if (!end && (i + by.n > t.n || memcmp(t.s + i, by.s, by.n))) continue;
        struct text one = text_trim((struct text){t.s + start, i - start});
        if (one.n) parts[n++] = one;
        start = i + by.n;
        if (!end) i += by.n - 1;
    }
    return n;
}

/* Regular matches one after another; the cell is cut at MAP_MATCH_MAX. NUL-ended copies are in the arena. */
static int match_parts(struct row *w, const regex_t *re, struct text t, struct text parts[MAP_PARTS_MAX], size_t *ret_n, struct error *err) {
    struct text s = arena_text(w->env.arena, (struct text){t.s, t.n < MAP_MATCH_MAX ? t.n : MAP_MATCH_MAX});
    if (!s.s) return error_memory(err);
    size_t n = 0, at = 0;
    regmatch_t g[2];
    while (at < s.n && n < MAP_PARTS_MAX && regexec(re, s.s + at, 2, g, at ? REG_NOTBOL : 0) == 0) {
        int k = re->re_nsub > 0 && g[1].rm_so >= 0 ? 1 : 0;
        struct text one = text_trim((struct text){s.s + at + g[k].rm_so, (size_t)(g[k].rm_eo - g[k].rm_so)});
        if (one.n) parts[n++] = one;
        at += g[0].rm_eo > 0 ? (size_t)g[0].rm_eo : 1;
    }
    *ret_n = n;
    return 0;
}

static int make_each(struct row *w, int index, struct error *err) {
    const struct plan_record *p = &w->env.map->records[index];
    struct text parts[MAP_PARTS_MAX], t = {"", 0};
    size_t n = 0;
    struct error own = {0};
    int rc = value_text_of(&p->each, &w->env, NULL, &t, &own);
    if (rc < 0) return error_memory(err);
    if (!p->each_pattern)
        n = split_parts(t, p->each_split, parts);
    else if ((rc = match_parts(w, p->each_pattern, t, parts, &n, err)) < 0)
        return rc;
    struct text *slot = &w->env.slots[w->env.map->part_slot];
    for (size_t i = 0; rc == 0 && i < n; i++) {
        bool twice = false;
        for (size_t k = 0; k < i; k++) twice = twice || text_eq(parts[k], parts[i]);
        *slot = parts[i];
        if (!twice) rc = make(w, index, (int)i, err);
    }
    *slot = (struct text){"", 0};
    return rc;
}

static int fill_slots(struct row *w, const struct map *m, const struct map_binding *b, const struct text *cells, size_t n, struct error *err) {
    for (size_t s = 0; s < m->n_slots; s++) {
        struct text t = {"", 0};
        if (b->index[s] >= 0 && (size_t)b->index[s] < n) t = m->exact ? origin_cell(cells[b->index[s]]) : text_trim(cells[b->index[s]]);
        if (m->n_na && t.n && value_na(m->na, m->n_na, t)) t = (struct text){"", 0};
        w->env.slots[s] = t.n ? t : (struct text){"", 0};
    }
    for (size_t i = 0; i < m->n_lets; i++) {
        struct error own = {0};
        struct text t = {"", 0};
        int rc = value_text_of(&m->lets[i].value, &w->env, NULL, &t, &own);
        if (rc == E_MEMORY) return error_memory(err);
        if (rc < 0 && !m->lets[i].value.bad_empty) {
            struct text name = m->slots[m->lets[i].slot].name;
            w->note = (struct map_reason){.code = rc, .field = name};
            char zh[SENTENCE], en[SENTENCE];
            error_words(rc, own.message, false, en, sizeof en);
            error_words(rc, own.message, true, zh, sizeof zh);
            snprintf(w->note.en, sizeof w->note.en, "column %.60s: %.300s", name.s, en);
            snprintf(w->note.zh, sizeof w->note.zh, "列 %.60s：%.300s", name.s, zh);
            return refuse(w, err);
        }
        w->env.slots[m->lets[i].slot] = t;
    }
    return 0;
}

static bool blank(const struct map *m, const struct text *cells, size_t n) {
    for (size_t i = 0; i < n; i++) {
        struct text t = text_trim(cells[i]);
        if (t.n) return m->comment.n && text_starts(t, m->comment);
    }
    return true;
}

static int choose_main(const struct map *m, const struct map_result *r) {
    for (size_t i = 0; i < r->n; i++)
        if (r->items[i].reg == m->target && !r->items[i].only_new) return (int)i;
    for (size_t i = 0; i < r->n; i++)
        if (!r->items[i].only_new && !r->items[i].optional) return (int)i;
    return 0;
}

int map_row(const struct map *m, const struct map_binding *b, const struct text *cells, size_t n, int64_t line, int32_t zone_s,
            struct arena *a, struct map_result *ret, enum map_outcome *ret_outcome, struct error *err) {
    struct map_result out = {0};
    bool starved = false;
    struct row w = {.env = {.map = m, .arena = a, .line = line, .starved = &starved, .self = {"", 0}}, .zone_s = zone_s, .out = &out};
    enum map_outcome outcome = MAP_ROW;
    if (blank(m, cells, n)) {
        *ret = out;
        *ret_outcome = MAP_SKIP;
        return 0;
    }
    w.env.slots = arena_alloc(a, (m->n_slots + 1) * sizeof *w.env.slots);
    w.cap = m->n_records; /* more where a record is made for each part of a cell */
    out.items = arena_alloc(a, (w.cap + 1) * sizeof *out.items);
    if (!w.env.slots || !out.items) return error_memory(err);
    int rc = fill_slots(&w, m, b, cells, n, err);
    if (rc == 0 && m->skip_if && when_holds(m->skip_if, &w.env)) {
        outcome = MAP_SKIP;
    } else {
        for (size_t i = 0; rc == 0 && i < m->n_records; i++)
            rc = m->records[i].has_each ? make_each(&w, (int)i, err) : make(&w, (int)i, -1, err);
        if (rc == 0 && !out.n) {
            w.note = (struct map_reason){.code = E_INVALID, .field = {"", 0}};
            snprintf(w.note.en, sizeof w.note.en, "no record of the map applies to this row");
            snprintf(w.note.zh, sizeof w.note.zh, "映射中没有适用于本行的记录");
            rc = refuse(&w, err);
        }
    }
    if (rc >= 0 && starved) rc = error_memory(err);
    if (rc < 0) return rc;
    if (rc > 0) outcome = MAP_REJECT;
    if (outcome == MAP_ROW) out.main = choose_main(m, &out);
    *ret = out;
    *ret_outcome = outcome;
    return 0;
}
