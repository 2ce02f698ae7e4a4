/* desks/bulletin: figures as JSON. One walk over the struct serves both directions. Hidden figures are written as null with their name in
 * "withheld" semantics: null = withheld, absent = cannot be derived. */
#include <inttypes.h>
#include <stdio.h>
#include <jansson.h>
#include <string.h>

#include "desks/bulletin/bulletin.h"

enum { JSON_MAX = 16 << 20, ITEMS_MAX = 100000, FORMAT_VERSION = 1 };
#define FIGURE_MAX INT64_C(1000000000000) /* sums of many stay far from overflow */

struct codec {
    bool reading;
    struct arena *arena;
    json_t *at;   /* object being written or read */
    int failed;
    char where[ERROR_WHERE_MAX];
};

static void codec_fail(struct codec *c, int code, const char *name) {
    if (c->failed) return;
    c->failed = code;
    snprintf(c->where, sizeof c->where, "/%s", name);
}

static void code_int(struct codec *c, const char *name, int64_t *n) {
    if (c->failed) return;
    if (!c->reading) {
        if (*n == FIGURE_NONE) return;
        if (json_object_set_new(c->at, name, *n == FIGURE_HIDDEN ? json_null() : json_integer(*n)) < 0) codec_fail(c, E_MEMORY, name);
        return;
    }
    json_t *v = json_object_get(c->at, name);
    if (!v) *n = FIGURE_NONE;
    else if (json_is_null(v)) *n = FIGURE_HIDDEN;
    else if (json_is_integer(v) && json_integer_value(v) >= 0 && json_integer_value(v) <= FIGURE_MAX) *n = json_integer_value(v);
    else codec_fail(c, E_SYNTAX, name);
}
/* Signed seconds and instants: no reserved values but INSTANT_NONE, which is absent. */
static void code_signed(struct codec *c, const char *name, int64_t *n) {
    if (c->failed) return;
    if (!c->reading) {
        if (*n != INSTANT_NONE && json_object_set_new(c->at, name, json_integer(*n)) < 0) codec_fail(c, E_MEMORY, name);
        return;
    }
    json_t *v = json_object_get(c->at, name);
    if (!v) *n = INSTANT_NONE;
    else if (json_is_integer(v) && json_integer_value(v) >= -FIGURE_MAX && json_integer_value(v) <= FIGURE_MAX) *n = json_integer_value(v);
    else codec_fail(c, E_SYNTAX, name);
}
static void code_instant(struct codec *c, const char *name, int32_t zone_s, instant *t) {
    char text[INSTANT_TEXT];
    if (c->failed) return;
    if (!c->reading) {
        if (*t == INSTANT_NONE) return;
        instant_format(*t, zone_s, text);
        if (json_object_set_new(c->at, name, json_string(text)) < 0) codec_fail(c, E_MEMORY, name);
        return;
    }
    json_t *v = json_object_get(c->at, name);
    *t = INSTANT_NONE;
    if (v && (!json_is_string(v) || !instant_parse(text_of(json_string_value(v)), zone_s, t))) codec_fail(c, E_SYNTAX, name);
}
static void code_day(struct codec *c, const char *name, day *d) {
    char text[DAY_TEXT];
    if (c->failed) return;
    if (!c->reading) {
        day_format(*d, text);
        if (json_object_set_new(c->at, name, json_string(text)) < 0) codec_fail(c, E_MEMORY, name);
        return;
    }
    json_t *v = json_object_get(c->at, name);
    if (!json_is_string(v) || !day_parse(text_of(json_string_value(v)), d)) codec_fail(c, E_SYNTAX, name);
}
static void code_bool(struct codec *c, const char *name, bool *b) {
    if (c->failed) return;
    if (c->reading) *b = json_is_true(json_object_get(c->at, name));
    else if (json_object_set_new(c->at, name, json_boolean(*b)) < 0) codec_fail(c, E_MEMORY, name);
}

static json_t *text_write(struct text t) {
    return json_stringn(t.s ? t.s : "", t.n);
}
static bool text_read(struct codec *c, json_t *v, struct text *t) {
    if (!json_is_string(v)) return false;
    *t = arena_text(c->arena, (struct text){json_string_value(v), json_string_length(v)});
    if (!t->s) c->failed = E_MEMORY;
    return true;
}
static void code_text(struct codec *c, const char *name, struct text *t) {
    if (c->failed) return;
    if (!c->reading) {
        if (json_object_set_new(c->at, name, text_write(*t)) < 0) codec_fail(c, E_MEMORY, name);
    } else if (!text_read(c, json_object_get(c->at, name), t)) codec_fail(c, E_SYNTAX, name);
}

/* Goes into a named object; returns what codec_out must restore. NULL after a failure. */
static json_t *codec_in(struct codec *c, const char *name) {
    json_t *outer = c->at, *inner;
    if (c->failed) return NULL;
    if (c->reading) {
        inner = json_object_get(outer, name);
        if (!json_is_object(inner)) codec_fail(c, E_SYNTAX, name);
    } else {
        inner = json_object();
        if (!inner || json_object_set_new(outer, name, inner) < 0) codec_fail(c, E_MEMORY, name);
    }
    if (c->failed) return NULL;
    c->at = inner;
    return outer;
}

/* A list of n items of `size` bytes; each is coded by `item`, which sees its own object. */
static void code_list(struct codec *c, const char *name, void **items, size_t *n, size_t size, void (*item)(struct codec *c, void *item)) {
    json_t *outer = c->at, *list;
    if (c->failed) return;
    if (c->reading) {
        list = json_object_get(outer, name);
        if (!json_is_array(list) || json_array_size(list) > ITEMS_MAX) {
            codec_fail(c, E_SYNTAX, name);
            return;
        }
        *n = json_array_size(list);
        *items = arena_alloc(c->arena, *n * size + 1);
        if (!*items) {
            codec_fail(c, E_MEMORY, name);
            return;
        }
    } else {
        list = json_array();
        if (!list || json_object_set_new(outer, name, list) < 0) {
            codec_fail(c, E_MEMORY, name);
            return;
        }
    }
    for (size_t i = 0; i < *n && !c->failed; i++) {
        if (c->reading) {
            c->at = json_array_get(list, i);
            if (!json_is_object(c->at)) codec_fail(c, E_SYNTAX, name);
        } else {
            c->at = json_object();
            if (!c->at || json_array_append_new(list, c->at) < 0) codec_fail(c, E_MEMORY, name);
        }
        if (!c->failed) item(c, (char *)*items + i * size);
    }
    c->at = outer;
}
#define CODE_LIST(c, name, items, n, item)                                                                                               \
    do {                                                                                                                                 \
        void *list_ = (items);                                                                                                           \
        code_list((c), (name), &list_, &(n), sizeof *(items), (item));                                                                   \
        (items) = list_;                                                                                                                 \
    } while (0)

static void code_texts(struct codec *c, const char *name, struct text **items, size_t *n) {
    json_t *list;
    if (c->failed) return;
    if (!c->reading) {
        list = json_array();
        if (!list || json_object_set_new(c->at, name, list) < 0) codec_fail(c, E_MEMORY, name);
        for (size_t i = 0; i < *n && !c->failed; i++)
            if (json_array_append_new(list, text_write((*items)[i])) < 0) codec_fail(c, E_MEMORY, name);
        return;
    }
    list = json_object_get(c->at, name);
    if (!json_is_array(list) || json_array_size(list) > ITEMS_MAX) {
        codec_fail(c, E_SYNTAX, name);
        return;
    }
    *n = json_array_size(list);
    *items = arena_alloc(c->arena, *n * sizeof **items + 1);
    if (!*items) codec_fail(c, E_MEMORY, name);
    for (size_t i = 0; i < *n && !c->failed; i++)
        if (!text_read(c, json_array_get(list, i), &(*items)[i])) codec_fail(c, E_SYNTAX, name);
}

/* ---- the figures, once */

static const char *const class_names[CLASSES] = {"confirmed", "asymptomatic", "suspected"};
static const char *const origin_names[ORIGINS] = {"local", "imported", "unknown"};
static const char *const step_names[STEPS] = {"onset_detected", "detected_reported", "reported_isolated", "isolated_treated"};

static void code_cases(struct codec *c, const char *name, struct bulletin_cases *cases) {
    json_t *outer = codec_in(c, name);
    if (!outer) return;
    for (int i = 0; i < CLASSES; i++) {
        json_t *middle = codec_in(c, class_names[i]);
        for (int j = 0; j < ORIGINS; j++) code_int(c, origin_names[j], &cases->n[i][j]);
        if (middle) c->at = middle;
    }
    c->at = outer;
}
static void code_margin(struct codec *c, const char *name, const char *const *names, int64_t *n, int count) {
    json_t *outer = codec_in(c, name);
    for (int i = 0; i < count; i++) code_int(c, names[i], &n[i]);
    if (outer) c->at = outer;
}
static void code_row(struct codec *c, void *item) {
    struct bulletin_row *r = item;
    code_text(c, "code", &r->code);
    code_text(c, "zh", &r->zh);
    code_text(c, "en", &r->en);
    code_cases(c, "new", &r->fresh);
    code_margin(c, "new_total", class_names, r->fresh_total, CLASSES);
    code_cases(c, "cumulative", &r->total);
}
static void code_count(struct codec *c, void *item) {
    struct bulletin_count *r = item;
    code_text(c, "code", &r->code);
    code_text(c, "zh", &r->zh);
    code_text(c, "en", &r->en);
    code_int(c, "n", &r->n);
}
static void code_rule(struct codec *c, void *item) {
    struct bulletin_rule *r = item;
    code_text(c, "code", &r->code);
    code_text(c, "zh", &r->zh);
    code_text(c, "en", &r->en);
    code_int(c, "open", &r->open);
    code_int(c, "due_within_1h", &r->due_soon);
    code_int(c, "overdue", &r->overdue);
    code_int(c, "without_owner", &r->no_owner);
    code_int(c, "paid", &r->paid);
}
static void code_unit(struct codec *c, void *item) {
    struct bulletin_unit *u = item;
    code_text(c, "title", &u->title);
    code_text(c, "region", &u->region);
    code_signed(c, "organisation", &u->organisation);
    code_instant(c, "submitted_at", 0, &u->submitted_at);
}
static void code_restated(struct codec *c, void *item) {
    struct bulletin_restated *r = item;
    code_day(c, "day", &r->day);
    code_int(c, "was", &r->was);
    code_int(c, "is", &r->is);
    code_int(c, "late", &r->late);
    code_int(c, "swabs_was", &r->swabs_was);
    code_int(c, "swabs_is", &r->swabs_is);
}
static void code_change(struct codec *c, void *item) {
    struct bulletin_change *r = item;
    code_text(c, "figure", &r->figure);
    code_int(c, "before", &r->before);
    code_int(c, "after", &r->after);
    code_int(c, "entered", &r->entered);
    code_int(c, "left", &r->left);
    code_texts(c, "in", &r->in, &r->n_in);
    code_texts(c, "out", &r->out, &r->n_out);
}
static void code_times(struct codec *c, const char *name, struct bulletin_time *times) {
    json_t *outer = codec_in(c, name);
    for (int i = 0; i < STEPS && outer; i++) {
        json_t *middle = codec_in(c, step_names[i]);
        if (!middle) break;
        code_int(c, "n", &times[i].n);
        code_signed(c, "median_s", &times[i].median_s);
        code_signed(c, "p90_s", &times[i].p90_s);
        c->at = middle;
    }
    if (outer) c->at = outer;
}
static void code_curve(struct codec *c, const char *name, int64_t (*curve)[ORIGINS]) {
    json_t *outer = codec_in(c, name);
    for (int o = 0; o < ORIGINS && outer; o++) {
        json_t *list = c->reading ? json_object_get(c->at, origin_names[o]) : json_array();
        if (!list || (!c->reading && json_object_set_new(c->at, origin_names[o], list) < 0)) {
            codec_fail(c, c->reading ? E_SYNTAX : E_MEMORY, name);
            break;
        }
        for (size_t d = 0; d < CURVE_DAYS && !c->failed; d++) {
            if (!c->reading) {
                if (json_array_append_new(list, json_integer(curve[d][o])) < 0) codec_fail(c, E_MEMORY, name);
            } else {
                const json_t *v = json_array_get(list, d);
                if (!json_is_integer(v) || json_integer_value(v) < 0 || json_integer_value(v) > FIGURE_MAX) codec_fail(c, E_SYNTAX, name);
                else curve[d][o] = json_integer_value(v);
            }
        }
    }
    if (outer) c->at = outer;
}

static void code_head(struct codec *c, struct bulletin *b) {
    int64_t version = FORMAT_VERSION, zone_s = b->zone_s;
    code_int(c, "format", &version);
    if (version != FORMAT_VERSION) codec_fail(c, E_SYNTAX, "format");
    code_text(c, "region", &b->region);
    code_text(c, "region_zh", &b->region_zh);
    code_text(c, "region_en", &b->region_en);
    code_text(c, "disease", &b->disease);
    code_text(c, "disease_zh", &b->disease_zh);
    code_text(c, "disease_en", &b->disease_en);
    code_day(c, "day", &b->day);
    code_signed(c, "zone_s", &zone_s);
    if (zone_s < -14 * 3600 || zone_s > 14 * 3600 || zone_s % 60) codec_fail(c, E_SYNTAX, "zone_s");
    else b->zone_s = (int32_t)zone_s;
    code_instant(c, "as_of", b->zone_s, &b->as_of);
    if (c->reading && b->as_of == INSTANT_NONE) codec_fail(c, E_SYNTAX, "as_of");
    code_text(c, "state", &b->state);
    code_bool(c, "public", &b->public_version);
    code_int(c, "k", &b->k);
    code_int(c, "serial", &b->serial);
}

/* Absent in the public version, and in reports from before there was it. */
static void code_day_before(struct codec *c, struct bulletin *b) {
    if (c->reading && !json_object_get(c->at, "day_before")) b->day_before.controlled = FIGURE_NONE;
    if (b->day_before.controlled == FIGURE_NONE) return;
    json_t *outer = codec_in(c, "day_before");
    code_cases(c, "new", &b->day_before.fresh);
    code_int(c, "found_under_control", &b->day_before.controlled);
    code_int(c, "found_in_community", &b->day_before.uncontrolled);
    code_int(c, "control_unknown", &b->day_before.control_unknown);
    if (outer) c->at = outer;
}

static void code_case_figures(struct codec *c, struct bulletin *b) {
    json_t *outer = codec_in(c, "cases");
    if (!outer) return;
    code_cases(c, "new", &b->fresh);
    code_margin(c, "new_by_class", class_names, b->fresh_class, CLASSES);
    code_margin(c, "new_by_origin", origin_names, b->fresh_origin, ORIGINS);
    code_int(c, "new_infections", &b->fresh_total);
    code_int(c, "new_infections_yesterday", &b->yesterday_total);
    code_cases(c, "cumulative", &b->total);
    code_int(c, "found_under_control", &b->controlled);
    code_int(c, "found_in_community", &b->uncontrolled);
    code_int(c, "control_unknown", &b->control_unknown);
    code_day_before(c, b);
    code_int(c, "conversions", &b->conversions);
    code_int(c, "excluded", &b->excluded);
    code_int(c, "active", &b->active);
    code_int(c, "recovered", &b->recovered);
    code_int(c, "released", &b->released);
    code_int(c, "died", &b->died);
    code_int(c, "recovered_cumulative", &b->total_recovered);
    code_int(c, "released_cumulative", &b->total_released);
    code_int(c, "died_cumulative", &b->total_died);
    CODE_LIST(c, "discovery", b->routes, b->n_routes, code_count);
    CODE_LIST(c, "severity", b->severities, b->n_severities, code_count);
    CODE_LIST(c, "regions", b->regions, b->n_regions, code_row);
    CODE_LIST(c, "diseases", b->diseases, b->n_diseases, code_row);
    code_times(c, "times_day", b->times_day);
    code_times(c, "times_week", b->times_week);
    code_curve(c, "curve_onset", b->onset);
    code_curve(c, "curve_report", b->report);
    c->at = outer;
}

/* Absent where no round was under way: so it is in reports from before there were rounds. */
static void code_rounds(struct codec *c, struct bulletin_rounds *r) {
    if (c->reading ? !json_object_get(c->at, "rounds") : !r->tubes && !r->voluntary && !r->resulted && !r->decided) return;
    json_t *outer = codec_in(c, "rounds");
    code_int(c, "person_times", &r->swabs);
    code_int(c, "people", &r->people);
    code_int(c, "tubes", &r->tubes);
    code_int(c, "tubes_resulted", &r->resulted);
    code_int(c, "tubes_positive", &r->positive_tubes);
    code_int(c, "people_decided", &r->decided);
    code_int(c, "people_positive", &r->positive);
    code_int(c, "target", &r->target);
    code_int(c, "covered", &r->covered);
    code_int(c, "voluntary", &r->voluntary);
    if (outer) c->at = outer;
}

static void code_work_figures(struct codec *c, struct bulletin *b) {
    json_t *outer = codec_in(c, "contacts");
    code_int(c, "found", &b->contacts.found);
    code_int(c, "found_secondary", &b->contacts.found_secondary);
    code_int(c, "cumulative", &b->contacts.total);
    code_int(c, "cumulative_secondary", &b->contacts.total_secondary);
    code_int(c, "observed", &b->contacts.observed);
    code_int(c, "placed", &b->contacts.placed);
    code_int(c, "released", &b->contacts.released);
    code_int(c, "converted", &b->contacts.converted);
    code_int(c, "overdue", &b->contacts.overdue);
    code_int(c, "uncontrolled", &b->contacts.uncontrolled);
    code_int(c, "lost", &b->contacts.lost);
    code_texts(c, "queue", &b->contacts.queue, &b->contacts.n_queue);
    if (outer) c->at = outer;
    outer = codec_in(c, "tests");
    code_int(c, "sampled", &b->tests.sampled);
    code_int(c, "resulted", &b->tests.resulted);
    code_int(c, "positive", &b->tests.positive);
    code_int(c, "pending", &b->tests.pending);
    if (outer) c->at = outer;
    code_rounds(c, &b->rounds);
    outer = codec_in(c, "obligations");
    code_int(c, "open", &b->duties.open);
    code_int(c, "due_within_1h", &b->duties.due_soon);
    code_int(c, "overdue", &b->duties.overdue);
    code_int(c, "without_owner", &b->duties.no_owner);
    code_int(c, "raised", &b->duties.raised);
    code_int(c, "paid", &b->duties.paid);
    code_int(c, "paid_late", &b->duties.paid_late);
    code_int(c, "lapsed", &b->duties.lapsed);
    code_int(c, "closed_loop_ppm", &b->duties.loop_ppm);
    CODE_LIST(c, "rules", b->duties.rules, b->duties.n_rules, code_rule);
    if (outer) c->at = outer;
    outer = codec_in(c, "units");
    code_int(c, "expected", &b->units_expected);
    code_int(c, "reported", &b->units_reported);
    code_int(c, "late", &b->units_late);
    CODE_LIST(c, "list", b->units, b->n_units, code_unit);
    if (outer) c->at = outer;
    CODE_LIST(c, "restated", b->restated, b->n_restated, code_restated);
    code_instant(c, "previous_as_of", b->zone_s, &b->previous_as_of);
    CODE_LIST(c, "changes", b->changes, b->n_changes, code_change);
}

static int codec_end(const struct codec *c, struct error *err) {
    if (!c->failed) return 0;
    return error_set(err, c->failed, c->where, c->failed == E_MEMORY ? "out of memory" : "not the figures of a report");
}

static int dump_add(const char *bytes, size_t n, void *out) {
    return buf_add(out, bytes, n) < 0 ? -1 : 0;
}

int bulletin_write_json(const struct bulletin *b, bool pretty, struct buf *out, struct error *err) {
    struct bulletin copy = *b; /* the walk takes a writable struct; writing changes nothing of it */
    struct codec c = {.at = json_object()};
    size_t before = out->n;
    int rc;
    if (!c.at) return error_memory(err);
    json_t *top = c.at;
    code_head(&c, &copy);
    code_case_figures(&c, &copy);
    code_work_figures(&c, &copy);
    rc = codec_end(&c, err);
    if (rc == 0 && json_dump_callback(top, dump_add, out, pretty ? JSON_INDENT(2) : JSON_COMPACT) < 0) {
        out->n = before;
        rc = error_set(err, out->failed ? out->failed : E_MEMORY, NULL, "the figures do not fit in memory");
    }
    json_decref(top);
    return rc;
}

int bulletin_read_json(struct text json, struct bulletin *ret, struct error *err) {
    struct bulletin b;
    json_error_t at;
    int rc;
    if (json.n > JSON_MAX) return error_set(err, E_TOO_LARGE, NULL, "figures of %zu bytes / 数据过大", json.n);
    json_t *top = json_loadb(json.s ? json.s : "", json.n, JSON_REJECT_DUPLICATES, &at);
    if (!json_is_object(top)) {
        json_decref(top);
        return error_set(err, E_SYNTAX, NULL, "the figures are no JSON object: line %d", at.line);
    }
    bulletin_init(&b);
    struct codec c = {.reading = true, .arena = &b.arena, .at = top};
    code_head(&c, &b);
    code_case_figures(&c, &b);
    code_work_figures(&c, &b);
    rc = codec_end(&c, err);
    json_decref(top);
    if (rc < 0) bulletin_clear(&b);
    else {
        bulletin_clear(ret);
        *ret = b;
    }
    return rc;
}

/* ---- comparing two trees */

static void leaf_print(const json_t *v, struct buf *out) {
    if (!v || json_dump_callback(v, dump_add, out, JSON_ENCODE_ANY | JSON_COMPACT) < 0) buf_str(out, "absent");
}
/* Returns the number of differences; `path` ends with the node's own name. */
static size_t tree_compare(const json_t *a, const json_t *b, char *path, size_t n, struct buf *out) {
    size_t differ = 0, room = 512;
    const char *key;
    json_t *v;
    if (json_is_object(a) && json_is_object(b)) {
        json_object_foreach((json_t *)a, key, v) {
            int len = snprintf(path + n, room - n, "/%s", key);
            differ += tree_compare(v, json_object_get(b, key), path, len > 0 && n + (size_t)len < room ? n + (size_t)len : n, out);
        }
        json_object_foreach((json_t *)b, key, v) {
            if (json_object_get(a, key)) continue;
            int len = snprintf(path + n, room - n, "/%s", key);
            differ += tree_compare(NULL, v, path, len > 0 && n + (size_t)len < room ? n + (size_t)len : n, out);
        }
    } else if (json_is_array(a) && json_is_array(b)) {
        size_t most = json_array_size(a) > json_array_size(b) ? json_array_size(a) : json_array_size(b);
        for (size_t i = 0; i < most; i++) {
            int len = snprintf(path + n, room - n, "/%zu", i);
            differ += tree_compare(json_array_get(a, i), json_array_get(b, i), path, len > 0 && n + (size_t)len < room ? n + (size_t)len : n, out);
        }
    } else if (!json_equal(a, b)) {
        differ = 1;
        if (out) {
            buf_add(out, path, n);
            buf_str(out, ": ");
            leaf_print(a, out);
            buf_str(out, ", again ");
            leaf_print(b, out);
            buf_char(out, '\n');
        }
    }
    return differ;
}

int bulletin_compare_json(struct text a, struct text b, struct buf *differences, struct error *err) {
    json_error_t at;
    char path[520] = "";
    json_t *x = json_loadb(a.s ? a.s : "", a.n, 0, &at), *y = json_loadb(b.s ? b.s : "", b.n, 0, &at);
    int rc;
    if (!x || !y) rc = error_set(err, E_SYNTAX, NULL, "the figures are no JSON: %s", at.text);
    else rc = tree_compare(x, y, path, 0, differences) == 0;
    json_decref(x);
    json_decref(y);
    return rc;
}
