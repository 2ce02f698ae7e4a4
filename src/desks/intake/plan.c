/* Compiling one value of a map: where it comes from and what happens to it. */
#include "desks/intake/plan.h"

#include <stdlib.h>
#include <string.h>

int plan_slot(struct map *m, const struct yaml *node, struct text name, int *ret, struct error *err) {
    struct plan_slot s = {.kind = SLOT_COLUMN, .occurrence = 1, .node = node};
    name = text_trim(name);
    if (name.n > 1 && name.s[name.n - 1] == '?') {
        s.optional = true;
        name.n--;
    }
    int64_t v = 0;
    if (name.n > 1 && name.s[0] == '@' && text_int((struct text){name.s + 1, name.n - 1}, &v)) {
        if (v < 1 || v > 100000) return yaml_error(node, err, E_INVALID, "a column's position counts from 1");
        s.position = (int)v;
    }
    for (size_t i = name.n; !s.position && i-- > 1;) {
        if (name.s[i] != '#') continue;
        if (text_int((struct text){name.s + i + 1, name.n - i - 1}, &v) && v >= 1 && v < 1000) {
            s.occurrence = (int)v;
            name.n = i;
        }
        break;
    }
    if (!name.n) return yaml_error(node, err, E_INVALID, "a column without a name");
    s.name = map_fold(&m->arena, name);
    if (!s.name.s) return error_memory(err);
    for (size_t i = 0; i < m->n_slots; i++) {
        struct plan_slot *old = &m->slots[i];
        if (!text_eq(old->name, s.name) || (old->kind == SLOT_COLUMN && old->occurrence != s.occurrence)) continue;
        old->optional = old->optional && s.optional;
        *ret = (int)i;
        return 0;
    }
    if (m->n_slots == MAP_COLUMNS_MAX) return yaml_error(node, err, E_TOO_LARGE, "more than %d columns", MAP_COLUMNS_MAX);
    m->slots[m->n_slots] = s;
    *ret = (int)m->n_slots++;
    return 0;
}

/* What is wrong with a pattern, in both languages. */
struct pattern_fault {
    int code;
    const char *en, *zh;
};
static const struct pattern_fault refers_back = {E_UNSUPPORTED, "refers back to a group", "引用了前面的分组"}, repeats = {E_UNSUPPORTED, "repeats more than 256 times", "重复超过 256 次"};

/* What regcomp says. */
static const struct pattern_fault *pattern_refused(int rc) {
    static const struct pattern_fault faults[] = {
        [REG_BADPAT] = {E_SYNTAX, "is no pattern", "不是正则表达式"},
        [REG_ECOLLATE] = {E_SYNTAX, "names a character that is not there", "[. .] 或 [= =] 中的字符不存在"},
        [REG_ECTYPE] = {E_SYNTAX, "names a class of characters that is not there", "[: :] 中的字符类不存在"},
        [REG_EESCAPE] = {E_SYNTAX, "ends with a backslash", "以反斜杠结尾"},
        [REG_ESUBREG] = {E_SYNTAX, "refers to a group that is not there", "引用的分组不存在"},
        [REG_EBRACK] = {E_SYNTAX, "[ without its ]", "[ 没有对应的 ]"},
        [REG_EPAREN] = {E_SYNTAX, "( without its )", "( 没有对应的 )"},
        [REG_EBRACE] = {E_SYNTAX, "{ without its }", "{ 没有对应的 }"},
        [REG_BADBR] = {E_SYNTAX, "{ } holds no numbers in order", "{ } 中不是由小到大的次数"},
        [REG_ERANGE] = {E_SYNTAX, "a range ends before it begins", "字符范围的终点先于起点"},
        [REG_ESPACE] = {E_MEMORY, "needs too much memory", "所需内存过多"},
        [REG_BADRPT] = {E_SYNTAX, "repeats nothing", "没有可重复的内容"},
    };
    return rc > 0 && (size_t)rc < sizeof faults / sizeof *faults && faults[rc].en ? &faults[rc] : &faults[REG_BADPAT];
}

/* Back references and large counted repetitions make matching explode. */
static const struct pattern_fault *pattern_danger(struct text p) {
    long product = 1;
    for (size_t i = 0; i < p.n; i++) {
        if (p.s[i] == '\\' && i + 1 < p.n) {
            i++;
            if (p.s[i] >= '1' && p.s[i] <= '9') return &refers_back;
        } else if (p.s[i] == '{') {
            long largest = 1;
            for (i++; i < p.n && p.s[i] != '}'; i++) {
                long n = 0;
                while (i < p.n && p.s[i] >= '0' && p.s[i] <= '9' && n < 10000) n = n * 10 + (p.s[i++] - '0');
                if (n > largest) largest = n;
                if (i >= p.n || p.s[i] == '}') break;
            }
            product *= largest;
            if (product > 256) return &repeats;
        }
    }
    return NULL;
}

int plan_pattern(struct map *m, const struct yaml *node, struct text pattern, regex_t **ret, struct error *err) {
    if (!pattern.n || pattern.n > MAP_PATTERN_MAX) return yaml_error(node, err, E_TOO_LARGE, "a pattern has 1 to %d bytes", MAP_PATTERN_MAX);
    const struct pattern_fault *fault = pattern_danger(pattern);
    struct text p = arena_text(&m->arena, pattern);
    regex_t *re = arena_alloc(&m->arena, sizeof *re);
    if (!p.s || !re) return error_memory(err);
    if (!mem_room(&m->patterns, &m->cap_patterns, m->n_patterns + 1, sizeof *m->patterns)) return error_memory(err);
    int rc = fault ? 0 : regcomp(re, p.s, REG_EXTENDED);
    if (rc) fault = pattern_refused(rc);
    if (fault) return yaml_error(node, err, fault->code, "pattern: %s / 模式有误:%s", fault->en, fault->zh);
    m->patterns[m->n_patterns++] = re;
    *ret = re;
    return 0;
}

/* A text or a list of texts. */
int plan_texts(struct map *m, const struct yaml *node, bool fold, struct text **ret, size_t *ret_n, struct error *err) {
    size_t n = node->kind == YAML_SCALAR ? 1 : node->n;
    if (node->kind == YAML_MAP) return yaml_error(node, err, E_INVALID, "a text or a list of texts is expected");
    struct text *t = arena_alloc(&m->arena, (n + 1) * sizeof *t);
    if (!t) return error_memory(err);
    for (size_t i = 0; i < n; i++) {
        const struct yaml *item = node->kind == YAML_SCALAR ? node : node->items[i];
        if (item->kind != YAML_SCALAR) return yaml_error(item, err, E_INVALID, "a text is expected");
        t[i] = fold ? map_fold(&m->arena, item->text) : item->text;
        if (!t[i].s) return error_memory(err);
    }
    *ret = t;
    *ret_n = n;
    return 0;
}

static int slots_of(struct map *m, const struct yaml *node, struct plan_value *v, struct error *err) {
    struct text *names = NULL;
    int rc = plan_texts(m, node, false, &names, &v->n_slots, err);
    if (rc < 0) return rc;
    if (!v->n_slots) return yaml_error(node, err, E_INVALID, "no column is named");
    v->slots = arena_alloc(&m->arena, v->n_slots * sizeof *v->slots);
    if (!v->slots) return error_memory(err);
    for (size_t i = 0; rc == 0 && i < v->n_slots; i++) rc = plan_slot(m, node, names[i], &v->slots[i], err);
    return rc;
}

static int template(struct map *m, const struct yaml *node, struct text t, struct plan_piece **ret, size_t *ret_n, struct error *err) {
    enum { PIECES_MAX = 32 };
    struct plan_piece *p = arena_alloc(&m->arena, PIECES_MAX * sizeof *p);
    char *literal = arena_alloc(&m->arena, t.n + 1);
    if (!p || !literal) return error_memory(err);
    size_t n = 0, at = 0, start = 0;
    for (size_t i = 0; i <= t.n; i++) {
        bool twice = i + 1 < t.n && t.s[i + 1] == t.s[i];
        if (i < t.n && (t.s[i] == '{' || t.s[i] == '}') && twice) {
            literal[at++] = t.s[i++];
            continue;
        }
        if (i < t.n && t.s[i] != '{') {
            literal[at++] = t.s[i];
            continue;
        }
        if (n == PIECES_MAX) return yaml_error(node, err, E_TOO_LARGE, "more than %d parts in a text", PIECES_MAX);
        p[n] = (struct plan_piece){.literal = {literal + start, at - start}, .slot = -1};
        start = at;
        if (i < t.n) {
            size_t end = i + 1;
            while (end < t.n && t.s[end] != '}') end++;
            if (end >= t.n) return yaml_error(node, err, E_SYNTAX, "{ without its }");
            p[n].slot = -2;
            if (end > i + 1) {
                int rc = plan_slot(m, node, (struct text){t.s + i + 1, end - i - 1}, &p[n].slot, err);
                if (rc < 0) return rc;
            }
            i = end;
        }
        n++;
    }
    *ret = p;
    *ret_n = n;
    return 0;
}

static int pair_cmp(const void *a, const void *b) {
    return text_cmp(((const struct plan_pair *)a)->from, ((const struct plan_pair *)b)->from);
}

static int table(struct map *m, const struct yaml *node, struct plan_value *v, struct error *err) {
    v->pairs = arena_alloc(&m->arena, (node->n + 1) * sizeof *v->pairs);
    if (!v->pairs) return error_memory(err);
    for (size_t i = 0; i < node->n; i++) {
        const struct yaml *to = node->items[i];
        if (to->kind != YAML_SCALAR) return yaml_error(to, err, E_INVALID, "a code is expected");
        struct text from = map_fold(&m->arena, node->keys[i]->text);
        if (!from.s) return error_memory(err);
        if (text_is(from, "*")) {
            v->has_star = true;
            v->star = to->text;
        } else if (!from.n) {
            v->has_empty = true;
            v->empty = to->text;
        } else {
            v->pairs[v->n_pairs++] = (struct plan_pair){from, to->text};
        }
    }
    qsort(v->pairs, v->n_pairs, sizeof *v->pairs, pair_cmp);
    for (size_t i = 1; i < v->n_pairs; i++)
        if (text_eq(v->pairs[i - 1].from, v->pairs[i].from))
            return yaml_error(node, err, E_INVALID, "%.60s stands twice in the table (upper and lower case are the same)", v->pairs[i].from.s);
    return 0;
}

static int replaces(struct map *m, const struct yaml *node, struct plan_value *v, struct error *err) {
    v->replaces = arena_alloc(&m->arena, (node->n + 1) * sizeof *v->replaces);
    if (!v->replaces) return error_memory(err);
    for (size_t i = 0; i < node->n; i++) {
        if (node->items[i]->kind != YAML_SCALAR) return yaml_error(node->items[i], err, E_INVALID, "a text is expected");
        int rc = plan_pattern(m, node->keys[i], node->keys[i]->text, &v->replaces[i].pattern, err);
        if (rc < 0) return rc;
        v->replaces[v->n_replaces++].with = node->items[i]->text;
    }
    return 0;
}

static int matches(struct map *m, const struct yaml *node, struct plan_value *v, struct error *err) {
    struct text *t = NULL;
    int rc = plan_texts(m, node, false, &t, &v->n_matches, err);
    if (rc < 0) return rc;
    v->matches = arena_alloc(&m->arena, (v->n_matches + 1) * sizeof *v->matches);
    if (!v->matches) return error_memory(err);
    for (size_t i = 0; rc == 0 && i < v->n_matches; i++) rc = plan_pattern(m, node, t[i], &v->matches[i], err);
    return rc;
}

static int dates(struct map *m, const struct yaml *node, struct plan_value *v, struct error *err) {
    int rc = plan_texts(m, node, false, &v->dates, &v->n_dates, err);
    for (size_t i = 0; rc == 0 && i < v->n_dates; i++)
        if (!date_format_known(v->dates[i])) rc = yaml_error(node, err, E_UNKNOWN, "date format %.60s is not known", v->dates[i].s);
    return rc;
}

static int word_of(const struct yaml *map, const char *key, const char *const *words, int *ret, struct error *err) {
    const struct yaml *node = yaml_get(map, key);
    if (!node) return 0;
    for (int i = 0; node->kind == YAML_SCALAR && words[i]; i++)
        if (text_is(node->text, words[i])) {
            *ret = i;
            return 0;
        }
    return yaml_error(node, err, E_INVALID, "%s must be one of the words in docs/import.md", key);
}

static int decimal_of(const struct yaml *map, const char *key, double *ret, bool *given, struct error *err) {
    const struct yaml *node = yaml_get(map, key);
    if (!node) return 0;
    char *end = NULL;
    if (node->kind == YAML_SCALAR && node->text.n) *ret = strtod(node->text.s, &end);
    if (!end || *end) return yaml_error(node, err, E_INVALID, "%s must be a number", key);
    *given = true;
    return 0;
}

/* The parts that change the text; the order of evaluation is value.c's, whatever the order in the file. */
static int changes(struct map *m, const struct yaml *node, struct plan_value *v, struct error *err) {
    static const char *const numbers[] = {"none", "first", "rest", "low", "high", "middle", NULL};
    static const char *const partials[] = {"none", "first", "middle", "last", NULL};
    static const char *const bads[] = {"reject", "empty", NULL};
    const struct yaml *n = NULL;
    int number = 0, partial = 0, bad = 0, rc = 0;
    int64_t take = 0, year = 0;
    v->group = -1;
    v->plus = 0;
    v->times = 1;
    if ((n = yaml_get(node, "na")) && (rc = plan_texts(m, n, true, &v->na, &v->n_na, err)) < 0) return rc;
    v->own_na = n != NULL;
    if ((n = yaml_get(node, "strip")) && (rc = plan_texts(m, n, false, &v->strips, &v->n_strips, err)) < 0) return rc;
    if ((n = yaml_get(node, "match")) && (rc = matches(m, n, v, err)) < 0) return rc;
    n = NULL;
    if ((rc = yaml_text(node, "split", false, &v->split, err)) < 0) return rc;
    if ((rc = yaml_int(node, "take", false, &take, err)) < 0) return rc;
    if (take < -1000 || take > 1000) return yaml_error(yaml_get(node, "take"), err, E_INVALID, "take must be between -1,000 and 1,000");
    v->take = take ? (int)take : 1;
    if (v->n_matches && take >= 0 && !v->split.n && yaml_get(node, "take")) {
        if (take > 9) return yaml_error(yaml_get(node, "take"), err, E_INVALID, "a pattern has groups 0 to 9");
        v->group = (int)take;
    }
    if ((rc = yaml_map(node, "replace", false, &n, err)) < 0 || (n && (rc = replaces(m, n, v, err)) < 0)) return rc;
    n = NULL;
    if ((rc = yaml_bool(node, "upper", false, &v->upper, err)) < 0) return rc;
    if ((rc = yaml_bool(node, "lower", false, &v->lower, err)) < 0) return rc;
    if ((rc = word_of(node, "number", numbers, &number, err)) < 0) return rc;
    v->number = (enum value_number)number;
    if ((rc = decimal_of(node, "times", &v->times, &v->scaled, err)) < 0) return rc;
    if ((rc = decimal_of(node, "plus", &v->plus, &v->scaled, err)) < 0) return rc;
    if ((rc = yaml_bool(node, "round", false, &v->rounded, err)) < 0) return rc;
    v->scaled = v->scaled || v->rounded;
    if ((rc = yaml_map(node, "map", false, &n, err)) < 0 || (n && (rc = table(m, n, v, err)) < 0)) return rc;
    if ((n = yaml_get(node, "date")) && (rc = dates(m, n, v, err)) < 0) return rc;
    if ((rc = yaml_int(node, "year", false, &year, err)) < 0) return rc;
    v->year = year > 1582 && year < 10000 ? (int)year : 0;
    if ((rc = word_of(node, "partial", partials, &partial, err)) < 0) return rc;
    v->partial = "\0fml"[partial];
    if ((rc = yaml_text(node, "at", false, &v->at, err)) < 0) return rc;
    if ((rc = yaml_text(node, "zone", false, &v->zone, err)) < 0) return rc;
    if (v->at.n > 8 || v->zone.n > 6) return yaml_error(node, err, E_INVALID, "at is HH:MM and zone is +HH:MM");
    if ((rc = yaml_text(node, "default", false, &v->fallback, err)) < 0) return rc;
    if ((rc = yaml_bool(node, "require", false, &v->require, err)) < 0) return rc;
    if ((rc = word_of(node, "bad", bads, &bad, err)) < 0) return rc;
    v->bad_empty = bad == 1;
    return 0;
}

static int reference(struct map *m, const struct yaml *node, const struct field *f, struct plan_value *v, struct error *err) {
    static const char *const keys[] = {"register", "key", "by", "missing", "with", NULL};
    static const char *const missing[] = {"reject", "empty", "create", NULL};
    struct text name = {"", 0}, by = {"", 0}, key = {"", 0};
    int policy = 0;
    int rc = yaml_only(node, keys, err);
    if (rc < 0 || (rc = yaml_text(node, "register", false, &name, err)) < 0 || (rc = yaml_text(node, "by", false, &by, err)) < 0 ||
        (rc = yaml_text(node, "key", false, &key, err)) < 0 || (rc = word_of(node, "missing", missing, &policy, err)) < 0)
        return rc;
    v->missing = (enum map_missing)policy;
    v->by_field = -1;
    v->create = -1;
    if (f && f->type == FIELD_REGION) {
        v->by_title = true;
        if (policy == 2 || key.n) return yaml_error(node, err, E_INVALID, "a region is found by its title; it cannot be created by a row");
        return 0;
    }
    if (!f || f->type != FIELD_REFERENCE) return yaml_error(node, err, E_INVALID, "this field is not a reference");
    v->is_ref = true;
    v->target = register_find(m->catalog, name.n ? name : f->target);
    if (!v->target || !text_eq(v->target->name, f->target))
        return yaml_error(node, err, E_UNKNOWN, "field %s refers to register %s", f->name.s, f->target.s);
    if ((by.n == 0) == (key.n == 0)) return yaml_error(node, err, E_INVALID, "a reference names its target by `key` or by `by`");
    if (by.n) {
        v->by_field = register_field(v->target, by);
        if (v->by_field < 0) return yaml_error(node, err, E_UNKNOWN, "register %s has no field %s", v->target->name.s, by.s);
        const struct field *t = &v->target->fields[v->by_field];
        if (t->sealed || (t->type != FIELD_TEXT && t->type != FIELD_CODE)) return yaml_error(node, err, E_INVALID, "%s is not a text that can be looked up", by.s);
        return 0;
    }
    return template(m, node, key, &v->key, &v->n_key, err);
}

static int source(struct map *m, const struct yaml *node, struct plan_value *v, struct error *err) {
    static const char *const names[] = {"from", "join", "text", "value", "record"};
    const struct yaml *found = NULL;
    int which = -1;
    for (int i = 0; i < 5; i++) {
        const struct yaml *n = yaml_get(node, names[i]);
        if (!n) continue;
        if (found) return yaml_error(n, err, E_INVALID, "a value comes from one place: from, join, text, value or record");
        found = n;
        which = i;
    }
    if (!found) return yaml_error(node, err, E_INVALID, "from, join, text, value or record is missing");
    v->source = (enum value_source)which;
    if (which <= SOURCE_JOIN) return slots_of(m, found, v, err);
    if (found->kind != YAML_SCALAR) return yaml_error(found, err, E_INVALID, "a text is expected");
    if (which == SOURCE_TEXT) return template(m, found, found->text, &v->pieces, &v->n_pieces, err);
    v->constant = found->text;
    if (which != SOURCE_RECORD) return 0;
    for (v->record = 0; v->record < (int)m->n_records; v->record++)
        if (text_eq(m->records[v->record].name, found->text)) return 0;
    return yaml_error(found, err, E_UNKNOWN, "record %s is not given above", found->text.s);
}

/* A plain word is a column; a map is the whole of it. */
int plan_value(struct map *m, const struct yaml *node, const struct field *f, struct plan_value *ret, struct error *err) {
    static const char *const keys[] = {"from", "join", "text", "value", "record", "with", "na", "strip", "match", "split", "take", "replace",
                                       "upper", "lower", "number", "times", "plus", "round", "map", "date", "year", "partial", "at", "zone", "default",
                                       "require", "bad", "ref", "when", NULL};
    struct plan_value v = {.node = node, .by_field = -1, .create = -1, .record = -1, .group = -1, .times = 1, .with = TEXT(" ")};
    int rc = 0;
    if (node->kind == YAML_SCALAR) {
        v.take = 1;
        rc = slots_of(m, node, &v, err);
    } else {
        if ((rc = yaml_only(node, keys, err)) < 0 || (rc = source(m, node, &v, err)) < 0) return rc;
        if ((rc = yaml_text(node, "with", false, &v.with, err)) < 0 || (rc = changes(m, node, &v, err)) < 0) return rc;
        const struct yaml *ref = NULL, *when = yaml_get(node, "when");
        struct plan_when *w = NULL;
        if (when && (rc = when_parse(m, when, &w, err)) < 0) return rc;
        v.when = w;
        if ((rc = yaml_map(node, "ref", false, &ref, err)) < 0) return rc;
        if (ref) rc = reference(m, ref, f, &v, err);
        if (rc == 0 && v.source == SOURCE_RECORD) {
            if (!f || f->type != FIELD_REFERENCE || !text_eq(m->records[v.record].reg->name, f->target))
                return yaml_error(node, err, E_INVALID, "record %s is not what this field refers to", v.constant.s);
        }
    }
    if (rc == 0) *ret = v;
    return rc;
}
