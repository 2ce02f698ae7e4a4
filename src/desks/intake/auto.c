/* The map of a list that comes without one: headers matched by name, titles and synonyms in both languages. */
#include <string.h>

#include "desks/intake/plan.h"

/* Cells that say "nothing" in lists people send. */
static const char *const nothing_words[] = {"na", "n/a", "#n/a", "null", "-", "--", "—", "——", "/", "不详"};

/* Letters and digits only, brackets and what is in them dropped when `bare`: "联系电话（必填）" -> "联系电话". */
static struct text header_fold(struct arena *a, struct text t, bool bare) {
    struct text f = map_fold(a, t);
    char *out = f.s ? arena_alloc(a, f.n + 1) : NULL;
    if (!out) return (struct text){NULL, 0};
    size_t n = 0;
    int depth = 0;
    for (size_t i = 0; i < f.n;) {
        size_t before = i;
        uint32_t c = text_codepoint(f, &i);
        if (bare && (c == '(' || c == '[' || c == 0x3010)) depth++;
        bool drop = depth > 0 || c == ' ' || c == '_' || c == '-' || c == '*' || c == ':' || c == '.' || c == '/' || c == 0x3001;
        if (bare && depth && (c == ')' || c == ']' || c == 0x3011)) depth--;
        if (drop) continue;
        memcpy(out + n, f.s + before, i - before);
        n += i - before;
    }
    return (struct text){out, n};
}

struct matcher {
    struct map *map;
    const struct text *headers;
    struct text *full, *bare;
    int *taken; /* by header: 1 matched */
    struct text *meant; /* by header: the word for what it was taken for; that word as a header means the same */
    size_t n;
};

static bool means(struct matcher *x, size_t h, struct text word) {
    struct text w = header_fold(&x->map->arena, word, false);
    return w.s && w.n && (text_eq(w, x->full[h]) || text_eq(w, x->bare[h]));
}

/* The word for a field: its name; of the person beside the record "person.name". */
static struct text word_of(struct matcher *x, const struct register_decl *reg, const struct field *f) {
    return reg == x->map->target ? f->name : arena_words(&x->map->arena, "%s.%s", reg->name.s, f->name.s);
}

/* pass 0: name and titles; pass 1: synonyms. */
static bool matches(struct matcher *x, size_t h, const struct register_decl *reg, const struct field *f, int pass) {
    if (pass == 0) return means(x, h, f->name) || means(x, h, f->zh) || means(x, h, f->en) || (reg != x->map->target && means(x, h, word_of(x, reg, f)));
    for (size_t i = 0; i < f->n_synonyms; i++)
        if (means(x, h, f->synonyms[i])) return true;
    return false;
}

/* The value of one column, by its position. */
static int value_of(struct matcher *x, size_t h, struct text word, struct plan_value *ret, struct error *err) {
    struct map *m = x->map;
    char *name = arena_printf(&m->arena, "@%zu", h + 1);
    struct plan_value v = {.source = SOURCE_FROM, .n_slots = 1, .by_field = -1, .create = -1, .record = -1, .group = -1, .times = 1, .take = 1};
    v.slots = name && word.s ? arena_alloc(&m->arena, sizeof *v.slots) : NULL;
    if (!v.slots) return error_memory(err);
    int rc = plan_slot(m, NULL, text_of(name), v.slots, err);
    if (rc == 0) *ret = v;
    x->taken[h] = 1;
    x->meant[h] = word;
    return rc;
}

static int take(struct matcher *x, struct plan_record *r, int field, size_t h, struct error *err) {
    struct plan_value v;
    const struct field *f = &r->reg->fields[field];
    int rc = value_of(x, h, word_of(x, r->reg, f), &v, err);
    if (rc < 0) return rc;
    if (f->type == FIELD_REFERENCE) {
        v.is_ref = true;
        v.target = register_find(x->map->catalog, f->target);
        /* lists name staff who have no account here: what they did is true all the same */
        if (text_is(f->target, "account") && !f->required) v.missing = MISSING_EMPTY;
    }
    r->fields[r->n_fields++] = (struct plan_field){field, v};
    return 0;
}

static bool has_field(const struct plan_record *r, int field) {
    for (size_t i = 0; i < r->n_fields; i++)
        if (r->fields[i].field == field) return true;
    return false;
}

static int match_register(struct matcher *x, struct plan_record *r, struct error *err) {
    r->name = r->reg->name;
    r->match = text_is(r->reg->name, "person");
    r->fields = arena_alloc(&x->map->arena, (r->reg->n_fields + 1) * sizeof *r->fields);
    if (!r->fields) return error_memory(err);
    for (int pass = 0; pass < 2; pass++)
        for (size_t h = 0; h < x->n; h++)
            for (size_t f = 0; !x->taken[h] && f < r->reg->n_fields; f++) {
                if (has_field(r, (int)f) || !matches(x, h, r->reg, &r->reg->fields[f], pass)) continue;
                int rc = take(x, r, (int)f, h, err);
                if (rc < 0) return rc;
            }
    return 0;
}

static int require(struct matcher *x, const struct plan_record *r, struct error *err) {
    char found[120] = "";
    size_t at = 0;
    for (size_t h = 0; h < x->n && at + 48 < sizeof found; h++) {
        size_t n = x->headers[h].n < 40 ? x->headers[h].n : 40;
        if (h) memcpy(found + at, ", ", 2), at += 2;
        memcpy(found + at, x->headers[h].n ? x->headers[h].s : "", n);
        at += n;
        found[at] = 0;
    }
    for (size_t i = 0; i < r->reg->n_fields; i++) {
        const struct field *f = &r->reg->fields[i];
        if (!f->required || has_field(r, (int)i) || f->fallback.kind != VALUE_ABSENT || f->copy_reference >= 0 || f->type == FIELD_REGION) continue;
        return error_set(err, E_INVALID, "header", "no column for the required field %s of %s (%s). Columns found: %s. When the names stand in a lower row, a map says so: header: 2 / "
                         "缺少必填列 %s;现有列: %s。列名不在第一行时请用映射注明 header: 2", f->name.s, r->reg->name.s, f->zh.n ? f->zh.s : f->en.n ? f->en.s : "", found,
                         f->zh.n ? f->zh.s : f->name.s, found);
    }
    return 0;
}

static int fold_headers(struct matcher *x, struct error *err) {
    struct arena *a = &x->map->arena;
    x->full = arena_alloc(a, (x->n + 1) * sizeof *x->full);
    x->bare = arena_alloc(a, (x->n + 1) * sizeof *x->bare);
    x->taken = arena_alloc(a, (x->n + 1) * sizeof *x->taken);
    x->meant = arena_alloc(a, (x->n + 1) * sizeof *x->meant);
    if (!x->full || !x->bare || !x->taken || !x->meant) return error_memory(err);
    for (size_t h = 0; h < x->n; h++) {
        x->full[h] = header_fold(a, x->headers[h], false);
        x->bare[h] = header_fold(a, x->headers[h], true);
        if (!x->full[h].s || !x->bare[h].s) return error_memory(err);
        if (!x->full[h].n) x->taken[h] = 1;
    }
    return 0;
}

/* The region is a column of the system, not a field; a code or a title. */
static int region_column(struct matcher *x, struct plan_record *r, struct error *err) {
    for (size_t h = 0; r->reg->region_field < 0 && !r->has_region && h < x->n; h++)
        for (size_t i = 0; !x->taken[h] && !r->has_region && i < r->reg->n_region_synonyms; i++) {
            if (!means(x, h, r->reg->region_synonyms[i])) continue;
            int rc = value_of(x, h, TEXT("region"), &r->region, err);
            if (rc < 0) return rc;
            r->has_region = true;
        }
    return 0;
}

/* A point in two columns, as most lists give it: both or neither. */
static int point_columns(struct matcher *x, struct plan_record *r, struct error *err) {
    static const char *const words[2][6] = {{"纬度", "緯度", "latitude", "lat", NULL}, {"经度", "經度", "longitude", "long", "lng", "lon"}};
    size_t at[2] = {x->n, x->n};
    for (size_t side = 0; side < 2; side++)
        for (size_t h = 0; h < x->n && at[side] == x->n; h++)
            for (size_t i = 0; i < 6 && words[side][i] && !x->taken[h]; i++)
                if (means(x, h, text_of(words[side][i]))) at[side] = h;
    for (size_t f = 0; at[0] < x->n && at[1] < x->n && f < r->reg->n_fields; f++) {
        if (r->reg->fields[f].type != FIELD_POINT || has_field(r, (int)f)) continue;
        int slots[2];
        struct plan_value v;
        for (size_t side = 0; side < 2; side++) {
            int rc = value_of(x, at[side], text_of(words[side][2]), &v, err);
            if (rc < 0) return rc;
            slots[side] = v.slots[0];
        }
        v.slots = arena_alloc(&x->map->arena, sizeof slots);
        if (!v.slots) return error_memory(err);
        memcpy(v.slots, slots, sizeof slots);
        v.source = SOURCE_JOIN;
        v.n_slots = 2;
        v.with = TEXT(", ");
        r->fields[r->n_fields++] = (struct plan_field){(int)f, v};
        return 0;
    }
    return 0;
}

/* The state is a column of the system too; exports carry it. */
static int state_column(struct matcher *x, struct plan_record *r, struct error *err) {
    static const char *const words[] = {"state", "状态", "管控状态", "狀態"};
    for (size_t h = 0; r->reg->n_states && h < x->n; h++)
        for (size_t i = 0; !x->taken[h] && !r->has_state && i < sizeof words / sizeof *words; i++) {
            if (!text_is(x->bare[h], words[i])) continue;
            int rc = value_of(x, h, TEXT("state"), &r->state, err);
            if (rc < 0) return rc;
            r->has_state = true;
        }
    return 0;
}

/* The column that carries the sender's own number of the record. */
static int key_column(struct matcher *x, struct plan_record *r, struct error *err) {
    static const char *const words[] = {"key", "outsidekey", "externalid", "externalkey", "外部编号", "来源编号"};
    for (size_t h = 0; h < x->n; h++)
        for (size_t i = 0; !x->taken[h] && !r->has_key && i < sizeof words / sizeof *words; i++) {
            if (!text_is(x->bare[h], words[i])) continue;
            int rc = value_of(x, h, TEXT("key"), &r->key, err);
            if (rc < 0) return rc;
            r->has_key = true;
        }
    return 0;
}

static int column(struct matcher *x, const char *const *words, struct plan_value *ret, bool *ret_has, struct error *err) {
    for (size_t h = 0; h < x->n && !*ret_has; h++)
        for (size_t i = 0; words[i] && !x->taken[h] && !*ret_has; i++) {
            if (!means(x, h, text_of(words[i]))) continue;
            int rc = value_of(x, h, text_of(words[0]), ret, err);
            if (rc < 0) return rc;
            *ret_has = true;
        }
    return 0;
}

/* A list that a node has written says which, and what it calls the record (desks/export). */
static int node_columns(struct matcher *x, struct plan_record *r, struct error *err) {
    static const char *const node[] = {"tocsin_node", "警钟节点", NULL}, *const id[] = {"id", "编号", NULL}, *const number[] = {"number", "号码", NULL},
                      *const region[] = {"region", "行政区划", NULL};
    int rc = column(x, node, &r->origin, &r->has_origin, err);
    if (rc < 0 || !r->has_origin) return rc;
    x->map->exact = true;
    rc = column(x, id, &r->id, &r->has_id, err);
    if (!rc) rc = column(x, number, &r->number, &r->has_number, err);
    for (size_t h = 0; h < x->n; h++) /* the state of a register without states, and the person beside the one who is named */
        if (means(x, h, TEXT("state")) || means(x, h, TEXT("状态"))) {
            x->taken[h] = !r->reg->n_states;
            x->meant[h] = TEXT("state");
        }
    return rc < 0 ? rc : column(x, region, &r->region, &r->has_region, err);
}

/* An export shows the person beside the one it names; the names are enough. */
static void leave_person(struct matcher *x) {
    const struct register_decl *person = register_find(x->map->catalog, TEXT("person"));
    struct text prefix = TEXT("person");
    for (size_t h = 0; person && h < x->n; h++)
        for (size_t f = 0; !x->taken[h] && f < person->n_fields; f++) {
            struct text rest = text_starts(x->full[h], prefix) ? (struct text){x->full[h].s + prefix.n, x->full[h].n - prefix.n} : x->full[h];
            struct text name = header_fold(&x->map->arena, person->fields[f].name, false);
            if (!matches(x, h, person, &person->fields[f], 0) && !(name.s && text_eq(rest, name))) continue;
            x->taken[h] = 1;
            x->meant[h] = word_of(x, person, &person->fields[f]);
        }
}

/* Gives every header its meaning; what is required may be missing. person: of the row, when there are columns of one. */
static int match_all(struct matcher *x, struct plan_record *ret_main, struct plan_record *ret_person, struct error *err) {
    struct map *m = x->map;
    struct plan_record main_record = {.reg = m->target}, person = {.reg = NULL};
    m->na = arena_alloc(&m->arena, sizeof nothing_words / sizeof *nothing_words * sizeof *m->na);
    if (!m->na) return error_memory(err);
    int rc = fold_headers(x, err);
    if (rc < 0 || (rc = node_columns(x, &main_record, err)) < 0) return rc;
    for (size_t i = 0; !m->exact && i < sizeof nothing_words / sizeof *nothing_words; i++) m->na[m->n_na++] = text_of(nothing_words[i]);
    if ((rc = match_register(x, &main_record, err)) < 0) return rc;
    if ((rc = region_column(x, &main_record, err)) < 0 || (rc = key_column(x, &main_record, err)) < 0) return rc;
    if ((rc = state_column(x, &main_record, err)) < 0 || (rc = point_columns(x, &main_record, err)) < 0) return rc;
    int pf = m->target->person_field;
    if (pf >= 0 && !has_field(&main_record, pf)) {
        person.reg = register_find(m->catalog, TEXT("person"));
        if (person.reg && (rc = match_register(x, &person, err)) < 0) return rc;
    }
    if (m->exact && pf >= 0 && has_field(&main_record, pf)) leave_person(x);
    *ret_main = main_record;
    *ret_person = person;
    return 0;
}

static int build(struct matcher *x, struct buf *unmatched, struct error *err) {
    struct map *m = x->map;
    struct plan_record main_record = {.reg = NULL}, person = {.reg = NULL};
    int rc = match_all(x, &main_record, &person, err);
    if (rc < 0) return rc;
    if (person.n_fields) {
        if ((rc = require(x, &person, err)) < 0) return rc;
        m->records[m->n_records++] = person;
        main_record.fields[main_record.n_fields++] =
            (struct plan_field){m->target->person_field, {.source = SOURCE_RECORD, .record = 0, .by_field = -1, .create = -1, .target = person.reg}};
    }
    if ((rc = require(x, &main_record, err)) < 0) return rc;
    if (!main_record.n_fields) return error_set(err, E_INVALID, "header", "no column of this list is a field of %s / 表头没有一列是该登记册的字段", m->target->name.s);
    m->records[m->n_records++] = main_record;
    for (size_t h = 0, listed = 0; unmatched && h < x->n; h++) {
        if (x->taken[h]) continue;
        if (listed++) buf_str(unmatched, ", ");
        buf_text(unmatched, x->headers[h]);
        size_t before = 0;
        for (size_t k = 0; k < h; k++) before += text_eq(x->full[k], x->full[h]);
        if (before) buf_printf(unmatched, "#%zu", before + 1); /* as a map calls it */
    }
    return unmatched && unmatched->failed ? error_set(err, unmatched->failed, NULL, "out of memory") : 0;
}

static int matcher_new(const struct catalog *c, const struct register_decl *target, struct text node, const struct text *headers, size_t n, struct matcher *ret,
                       struct error *err) {
    struct map *m = map_new(c);
    if (!m) return error_memory(err);
    m->target = target;
    m->node = arena_text(&m->arena, node);
    *ret = (struct matcher){.map = m, .headers = headers, .n = n};
    int rc = plan_slot(m, NULL, TEXT("part"), &m->part_slot, err);
    if (rc == 0) m->slots[m->part_slot].kind = SLOT_PART;
    if (rc < 0) map_free(m);
    return rc;
}

int map_auto(const struct catalog *c, const struct register_decl *target, struct text node, const struct text *headers, size_t n, struct map **ret,
             struct buf *unmatched, struct error *err) {
    struct matcher x;
    int rc = matcher_new(c, target, node, headers, n, &x, err);
    if (rc < 0) return rc;
    rc = build(&x, unmatched, err);
    if (rc < 0)
        map_free(x.map);
    else
        *ret = x.map;
    return rc;
}

int map_means(const struct catalog *c, const struct register_decl *target, struct text node, const struct text *headers, size_t n, struct arena *a, struct text **ret,
              struct error *err) {
    struct matcher x;
    struct plan_record main_record = {.reg = NULL}, person = {.reg = NULL};
    struct text *list = arena_alloc(a, (n + 1) * sizeof *list);
    if (!list) return error_memory(err);
    int rc = matcher_new(c, target, node, headers, n, &x, err);
    if (rc < 0) return rc;
    rc = match_all(&x, &main_record, &person, err);
    for (size_t h = 0; rc == 0 && h < n; h++) {
        list[h] = arena_text(a, x.meant[h]);
        if (!list[h].s) rc = error_memory(err);
    }
    map_free(x.map);
    if (rc == 0) *ret = list;
    return rc;
}
