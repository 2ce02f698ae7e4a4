/* An import as a job: looked at, checked, run, undone. The upload is read from the spool as often as needed; refused rows go to a file of its shape. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "desks/intake/list.h"
#include "desks/job/inside.h"
#include "files/sheet.h"

enum {
    FIRST_ROWS = 100,          /* checked when a file arrives */
    REASONS_SHOWN = 100,       /* the rest is in the file of refused rows */
    NOTES_SHOWN = 20,
    SUGGESTIONS_MAX = 12,
    BATCH_SHARED = 500,        /* rows of one transaction while others wait for their turn */
    BATCH_ALONE = 10000,
    QUIET_NS = 1000000000,     /* nobody waited for so long: transactions grow again */
    WHOLE_BYTES_MAX = 1 << 20, /* a larger file is checked in pieces: one transaction would keep everybody out */
};

enum mode { MODE_FIRST, MODE_CHECK, MODE_RUN };

struct taking {
    struct job_run *x;
    enum mode mode;
    struct intake_list list;
    struct intake *in;
    struct sheet_writer *refused;
    struct map *map;
    const struct register_decl *reg;
    struct arena arena;
    json_t *reasons, *notes;
    int64_t n_refused, waited, waited_ns;
    _Atomic size_t batch;
    int rc; /* of writing the refused rows */
    struct error *err;
};

static json_t *json_of(struct text t) {
    return json_stringn(t.s ? t.s : "", t.n);
}

/* ---- refused rows */

static void refused_put(struct taking *t, const struct intake_reject *r) {
    char path[JOB_PATH_BYTES];
    if (t->rc < 0 || t->mode == MODE_FIRST) return;
    job_path(t->x->jobs, t->x->job->id, "errors", path);
    if (!t->refused) t->rc = intake_refused_open(&t->list, path, true, t->x->s.zh, &t->refused, t->err);
    if (t->rc == 0) t->rc = intake_refused_put(&t->list, t->refused, r, t->x->s.zh, t->err);
}

static void row_refused(void *arg, const struct intake_reject *r) {
    struct taking *t = arg;
    const char *reason = t->x->s.zh ? r->reason->zh : r->reason->en;
    refused_put(t, r);
    if (t->n_refused++ >= REASONS_SHOWN) return;
    json_array_append_new(t->reasons, json_pack("{s:I, s:o, s:s}", "row", (json_int_t)r->line, "field", json_of(r->reason->field), "reason", reason));
}

static void row_noted(void *arg, const struct intake_note *n) {
    struct taking *t = arg;
    const char *words = t->x->s.zh ? n->zh : n->en;
    if (json_array_size(t->notes) >= NOTES_SHOWN) return;
    json_t *o = json_pack("{s:o, s:s}", "field", json_of(n->field), "note", words ? words : "");
    if (n->line) json_object_set_new(o, "row", json_integer(n->line));
    json_array_append_new(t->notes, o);
}

/* ---- reading the upload */

/* A map of this node by its bare name: DIR/maps/NAME.yaml, else one that came with the program. */
static int map_named(struct taking *t, struct text name) {
    char path[JOB_PATH_BYTES];
    const struct ledger *l = t->x->l;
    struct stat st;
    for (size_t i = 0; i < name.n; i++)
        if (!(name.s[i] >= 'a' && name.s[i] <= 'z') && !(name.s[i] >= '0' && name.s[i] <= '9') && name.s[i] != '-' && name.s[i] != '_')
            return error_set(t->err, E_UNKNOWN, "map", "there is no such map / 没有该映射");
    snprintf(path, sizeof path, "%s/maps/%.*s.yaml", l->dir, (int)name.n, name.s);
    if (stat(path, &st) != 0) snprintf(path, sizeof path, "%s/examples/maps/%.*s.yaml", l->home, (int)name.n, name.s);
    if (stat(path, &st) != 0) return error_set(t->err, E_UNKNOWN, "map", "there is no such map / 没有该映射");
    return map_read(l->catalog, path, &t->map, t->err);
}

static int upload_open(struct taking *t) {
    struct job_run *x = t->x;
    char path[JOB_PATH_BYTES];
    struct text reg = job_param(x, "register"), map = job_param(x, "map"), source = job_param(x, "map_text"), sheet = job_param(x, "sheet");
    int rc = 0;
    if (source.n)
        rc = map_parse(x->l->catalog, source, "map", &t->map, t->err);
    else if (map.n)
        rc = map_named(t, map);
    if (rc < 0) return rc;
    if (reg.n && !(t->reg = register_find(x->l->catalog, reg))) return error_set(t->err, E_UNKNOWN, "register", "there is no such register / 没有该登记册");
    if (t->map && t->reg && map_target(t->map) != t->reg) return error_set(t->err, E_USAGE, "map", "this map makes another register / 映射不属于该登记册");
    if (t->map) t->reg = map_target(t->map);
    job_path(x->jobs, x->job->id, "upload", path);
    return intake_list_open(path, t->map, sheet.n ? sheet.s : NULL, &t->arena, &t->list, t->err);
}

/* Columns whose meaning the asker has chosen: his words stand for the headers, and everything else is as without a map. */
static int columns_map(struct taking *t) {
    struct text columns = job_param(t->x, "columns");
    struct buf unknown = {.max = 1 << 16};
    char node[LEDGER_NODE_BYTES];
    size_t n = 0;
    if (!columns.n || t->map || !t->reg) return 0;
    struct text *words = arena_alloc(&t->arena, (t->list.n_headers + 1) * sizeof *words);
    if (!words) return error_memory(t->err);
    for (size_t i = 0, start = 0; i <= columns.n; i++) {
        if (i < columns.n && columns.s[i] != ',') continue;
        if (n < t->list.n_headers) words[n] = (struct text){columns.s + start, i - start};
        start = i + 1;
        n++;
    }
    if (n != t->list.n_headers) return error_set(t->err, E_INVALID, "columns", "%zu meanings for %zu columns / 列数与含义数不符", n, t->list.n_headers);
    ledger_node(t->x->l, node);
    int rc = map_auto(t->x->l->catalog, t->reg, text_of(node), words, n, &t->map, &unknown, t->err);
    if (rc == 0 && unknown.n) rc = error_set(t->err, E_UNKNOWN, "columns", "no meaning of a column here, or given twice: %.200s / 此处无此列含义，或重复", buf_cstr(&unknown));
    buf_clear(&unknown);
    return rc;
}

static void taking_end(struct taking *t) {
    if (t->refused) sheet_abandon(t->refused);
    intake_list_close(&t->list);
    map_free(t->map);
    json_decref(t->reasons);
    json_decref(t->notes);
    arena_clear(&t->arena);
}

/* ---- taking rows */

/* Others wait: short transactions; nobody for a while: long ones, which cost less a row. */
static void pace(struct taking *t) {
    struct ledger_gate *gate = t->x->l->gate;
    int64_t waited = gate ? ledger_gate_waited(gate) : 0, now = monotonic_ns();
    size_t batch = t->batch;
    if (waited != t->waited) {
        t->waited = waited;
        t->waited_ns = now;
        t->batch = BATCH_SHARED;
    } else if (gate && now - t->waited_ns > QUIET_NS && batch < BATCH_ALONE) {
        t->waited_ns = now;
        t->batch = batch * 2 < BATCH_ALONE ? batch * 2 : BATCH_ALONE;
    }
}

static void progress(void *arg) {
    struct taking *t = arg;
    int64_t done = 0, total = 0;
    struct intake_counts c;
    sheet_progress(t->list.sheet, &done, &total);
    intake_progress(t->in, &c);
    t->x->job->done = (int64_t)(intake_decided(&c, 1) * (double)done); /* what is read ahead is not done */
    t->x->job->total = total;
    t->x->job->rows = c.rows + c.waiting;
    job_advanced(t->x);
}

static int rows_take(struct taking *t) {
    const struct text *cells = NULL;
    size_t n = 0;
    int64_t line = 0, taken = 0;
    bool damaged = false;
    int rc;
    while ((rc = intake_list_next(&t->list, &cells, &n, &line, &damaged, t->err)) > 0) {
        if (t->mode == MODE_FIRST && taken == FIRST_ROWS) break;
        if ((++taken & 127) == 0) {
            pace(t);
            progress(t);
            rc = job_going(t->x, t->err);
            if (rc < 0) return rc;
        }
        rc = intake_row(t->in, cells, n, line, damaged, t->err);
        if (rc == 0) rc = t->rc;
        if (rc < 0) return rc;
    }
    if (rc >= 0) rc = job_going(t->x, t->err);
    if (rc >= 0) rc = intake_finish(t->in, t->err);
    progress(t);
    return rc < 0 ? rc : t->rc;
}

static json_t *counts_json(struct taking *t, const struct intake_counts *c) {
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:O, s:O, s:s}", "rows", (json_int_t)c->rows, "created", (json_int_t)c->created, "changed",
                     (json_int_t)c->changed, "unchanged", (json_int_t)c->unchanged, "refused", (json_int_t)c->rejected, "skipped", (json_int_t)c->skipped, "undecided",
                     (json_int_t)c->waiting, "records", (json_int_t)c->records, "persons_known", (json_int_t)c->matched, "repaired", (json_int_t)c->repaired, "reasons",
                     t->reasons, "notes", t->notes, "register", t->reg ? t->reg->name.s : "");
}

/* Which imports this upload has become: kept before the first row is written, so that after any end the rows can be taken back. */
static int import_note(struct job_run *x, int64_t id, const char *member, json_t *value, struct error *err) {
    json_t *list = json_deep_copy(json_object_get(x->job->result, "imports"));
    if (!list) list = json_array();
    json_t *last = json_array_get(list, json_array_size(list) - 1);
    if (!last || json_integer_value(json_object_get(last, "id")) != id) {
        last = json_pack("{s:I, s:b, s:b}", "id", (json_int_t)id, "whole", 0, "undone", 0);
        json_array_append_new(list, last);
    }
    if (member) json_object_set_new(last, member, value);
    return list && last ? job_result(x, "imports", list, err) : error_memory(err);
}

static int refused_close(struct taking *t, json_t **ret_file) {
    struct sheet_writer *w = t->refused;
    char path[JOB_PATH_BYTES], name[256];
    struct text file = job_param(t->x, "file");
    if (file.n > 3 && !memcmp(file.s + file.n - 3, ".gz", 3)) file.n -= 3;
    size_t dot = file.n;
    t->refused = NULL;
    if (!w) return 0;
    int rc = sheet_finish(w, t->err);
    if (rc < 0) return rc;
    job_path(t->x->jobs, t->x->job->id, "errors", path);
    chmod(path, 0600);
    while (dot > 0 && file.s[dot - 1] != '.') dot--;
    if (!dot) dot = file.n + 1;
    snprintf(name, sizeof name, "%.*s-errors.%s", (int)(dot - 1 < 200 ? dot - 1 : 200), file.s,
             sheet_about(t->list.sheet)->format == SHEET_XLSX ? "xlsx" : sheet_about(t->list.sheet)->gzip ? "csv.gz" : "csv");
    *ret_file = json_pack("{s:s}", "file", name);
    return 0;
}

static int take(struct taking *t, json_t **ret) {
    struct job_run *x = t->x;
    struct intake_counts c = {0};
    json_t *file = NULL;
    intake_progress(t->in, &c);
    int rc = t->mode == MODE_RUN ? import_note(x, c.import, NULL, NULL, t->err) : 0;
    if (rc == 0) rc = rows_take(t);
    struct error ignored = {0};
    bool cut = rc < 0;
    if (cut && t->mode == MODE_RUN) intake_cancel(t->in, &ignored); /* the record says how far it came */
    intake_progress(t->in, &c);
    int closed = refused_close(t, &file);
    if (rc == 0) rc = closed;
    if (file) {
        int kept = job_result(x, "errors", file, t->err);
        if (rc == 0) rc = kept;
    }
    *ret = counts_json(t, &c);
    if (!*ret) return error_memory(t->err);
    if (t->mode == MODE_RUN) json_object_set_new(*ret, "import", json_integer(c.import));
    if (t->mode == MODE_RUN && !cut) {
        int kept = import_note(x, c.import, "whole", json_true(), t->err);
        if (rc == 0) rc = kept;
    }
    return rc;
}

static int run_mode(struct job_run *x, enum mode mode, json_t **ret, struct error *err) {
    static const struct text none = {"", 0};
    struct taking t = {.x = x, .mode = mode, .reasons = json_array(), .notes = json_array(), .batch = BATCH_SHARED, .err = err};
    char path[JOB_PATH_BYTES];
    struct stat st = {0};
    struct text digest = job_param(x, "digest"), file = job_param(x, "file"), map = job_param(x, "map");
    int rc = t.reasons && t.notes ? upload_open(&t) : error_memory(err);
    if (rc == 0) rc = columns_map(&t);
    job_path(x->jobs, x->job->id, "upload", path);
    stat(path, &st);
    if (rc == 0 && !t.reg) rc = error_set(err, E_USAGE, "register", "say which register, or a map / 请指明登记册或映射");
    t.waited = x->l->gate ? ledger_gate_waited(x->l->gate) : 0;
    t.waited_ns = monotonic_ns();
    if (!x->l->gate) t.batch = BATCH_ALONE;
    struct intake_options o = {.target = t.reg, .map = t.map, .n_headers = t.list.n_headers, .headers = t.list.headers, .unread = sheet_about(t.list.sheet)->unread, .file = file.n ? file.s : "-", .digest = digest.n ? digest : none,
                               .map_name = map.n ? map.s : NULL, .dry_run = mode != MODE_RUN, .pieces = mode == MODE_CHECK && st.st_size > WHOLE_BYTES_MAX, .batch_now = &t.batch,
                               .rejected = row_refused, .noted = row_noted, .advanced = progress, .arg = &t};
    if (rc == 0) rc = intake_new(x->l, &x->s, &o, &t.in, err);
    if (rc == 0) rc = take(&t, ret);
    intake_free(t.in);
    taking_end(&t);
    return rc;
}

/* ---- what the file could be */

struct guess {
    const char *map; /* NULL: by its headers */
    const struct register_decl *reg;
    size_t unmatched, at;
};

static size_t count_list(const struct buf *b) {
    size_t n = b->n ? 1 : 0;
    for (size_t i = 0; i < b->n; i++) n += b->s[i] == ',';
    return n;
}

static int suggest_registers(struct taking *t, json_t *list, struct guess *best) {
    const struct catalog *c = t->x->l->catalog;
    for (size_t i = 0; i < c->n_registers && json_array_size(list) < SUGGESTIONS_MAX; i++) {
        const struct register_decl *reg = &c->registers[i];
        struct buf unmatched = {.max = 1 << 16};
        struct error why = {0};
        struct map *m = NULL;
        if (!access_anywhere(&t->x->s, ACCESS_WRITE, reg)) continue;
        char node[LEDGER_NODE_BYTES];
        ledger_node(t->x->l, node);
        int rc = map_auto(c, reg, text_of(node), t->list.headers, t->list.n_headers, &m, &unmatched, &why);
        size_t left = count_list(&unmatched);
        if (rc == 0 && left < t->list.n_headers) {
            json_array_append_new(list, json_pack("{s:s, s:I, s:s}", "register", reg->name.s, "matched", (json_int_t)(t->list.n_headers - left), "unmatched", buf_cstr(&unmatched)));
            if (!best->reg || left < best->unmatched) *best = (struct guess){.reg = reg, .unmatched = left};
        }
        map_free(m);
        buf_clear(&unmatched);
        if (rc == E_MEMORY) return error_memory(t->err);
    }
    return 0;
}

/* Maps of the node whose columns are all there. */
static void suggest_maps(struct taking *t, json_t *list) {
    char path[JOB_PATH_BYTES], full[JOB_PATH_BYTES + 300];
    for (int k = 0; k < 2; k++) {
        struct dirent *e;
        snprintf(path, sizeof path, k ? "%s/examples/maps" : "%s/maps", k ? t->x->l->home : t->x->l->dir);
        DIR *d = opendir(path);
        while (d && (e = readdir(d)) && json_array_size(list) < 2 * SUGGESTIONS_MAX) {
            size_t n = strlen(e->d_name);
            struct map *m = NULL;
            struct map_binding *b = NULL;
            if (n < 6 || strcmp(e->d_name + n - 5, ".yaml") != 0) continue;
            snprintf(full, sizeof full, "%s/%s", path, e->d_name);
            if (map_read(t->x->l->catalog, full, &m, NULL) == 0 && map_header_row(m) == 1 && access_anywhere(&t->x->s, ACCESS_WRITE, map_target(m)) &&
                map_bind(m, t->list.headers, t->list.n_headers, &b, NULL) == 0)
                json_array_append_new(list, json_pack("{s:s, s:s#}", "register", map_target(m)->name.s, "map", e->d_name, (int)n - 5));
            map_unbind(b);
            map_free(m);
        }
        if (d) closedir(d);
    }
}

/* What each column is taken for, as the register it is read as. */
static int tell_means(struct taking *t, json_t *look) {
    struct text *words = NULL;
    char node[LEDGER_NODE_BYTES];
    json_t *means = json_array();
    ledger_node(t->x->l, node);
    int rc = means ? map_means(t->x->l->catalog, t->reg, text_of(node), t->list.headers, t->list.n_headers, &t->arena, &words, t->err) : error_memory(t->err);
    for (size_t i = 0; rc == 0 && i < t->list.n_headers; i++) json_array_append_new(means, json_of(words[i]));
    json_object_set_new(look, "register", json_string(t->reg->name.s));
    json_object_set_new(look, "means", means);
    return rc;
}

static int look(struct job_run *x, struct error *err) {
    struct taking t = {.x = x, .err = err};
    struct guess best = {0};
    json_t *suggestions = json_array(), *headers = json_array(), *first = NULL;
    int rc = suggestions && headers ? upload_open(&t) : error_memory(err);
    for (size_t i = 0; rc == 0 && i < t.list.n_headers; i++) json_array_append_new(headers, json_of(t.list.headers[i]));
    if (rc == 0) rc = suggest_registers(&t, suggestions, &best);
    if (rc == 0) suggest_maps(&t, suggestions);
    const struct sheet_info *about = rc == 0 ? sheet_about(t.list.sheet) : NULL;
    const char delimiter[2] = {about ? about->delimiter : 0, 0};
    json_t *result = rc < 0 ? NULL
                            : json_pack("{s:s, s:s, s:f, s:s, s:s, s:b, s:O, s:O}", "format", about->format == SHEET_XLSX ? "xlsx" : "csv", "encoding", about->encoding, "confidence",
                                        about->confidence, "delimiter", delimiter, "sheet", about->sheet, "gzip", about->gzip, "headers", headers, "suggestions", suggestions);
    if (rc == 0 && !result) rc = error_memory(err);
    if (rc == 0 && !t.reg && best.reg) { /* what it looks most like, until the asker says otherwise */
        pthread_mutex_lock(&x->jobs->lock);
        json_object_set_new(x->job->params, "register", json_string(best.reg->name.s));
        json_object_set_new((json_t *)x->params, "register", json_string(best.reg->name.s));
        pthread_mutex_unlock(&x->jobs->lock);
        t.reg = best.reg;
    }
    if (rc == 0 && t.reg && !t.map) rc = tell_means(&t, result);
    const struct register_decl *reg = t.reg;
    taking_end(&t);
    if (rc == 0 && reg) {
        struct error why = {0};
        char words[ERROR_MESSAGE_MAX];
        int checked = run_mode(x, MODE_FIRST, &first, &why);
        error_words(checked, why.message, x->s.zh, words, sizeof words);
        if (checked < 0) json_object_set_new(result, "trouble", json_string(words));
        if (first) json_object_set_new(result, "first_rows", first);
    }
    if (rc == 0)
        rc = job_result(x, "look", result, err);
    json_decref(suggestions);
    json_decref(headers);
    return rc;
}

static int check(struct job_run *x, struct error *err) {
    json_t *result = NULL;
    int rc = run_mode(x, MODE_CHECK, &result, err);
    int kept = result ? job_result(x, "check", result, err) : 0;
    return rc < 0 ? rc : kept;
}

static int run(struct job_run *x, struct error *err) {
    const json_t *last = NULL, *list = json_object_get(x->job->result, "imports");
    json_t *result = NULL;
    if (json_array_size(list)) last = json_array_get(list, json_array_size(list) - 1);
    if (last && json_is_true(json_object_get(last, "whole")) && !json_is_true(json_object_get(last, "undone")))
        return error_set(err, E_REFUSED, "import", "it was imported already; undo it first / 已导入,请先撤销");
    int rc = run_mode(x, MODE_RUN, &result, err);
    int kept = result ? job_result(x, "run", result, err) : 0;
    return rc < 0 ? rc : kept;
}

/* ---- taking it back */

struct undoing {
    struct job_run *x;
    json_t *kept;
};

static void kept(void *arg, const struct register_decl *reg, int64_t id, const char *why) {
    struct undoing *u = arg;
    char words[200];
    if (json_array_size(u->kept) >= REASONS_SHOWN) return;
    error_words(E_CONFLICT, why, u->x->s.zh, words, sizeof words);
    json_array_append_new(u->kept, json_pack("{s:s, s:I, s:s}", "register", reg->name.s, "id", (json_int_t)id, "why", words));
}

static int undo(struct job_run *x, struct error *err) {
    struct undoing u = {.x = x, .kept = json_array()};
    struct intake_undone total = {0};
    json_t *list = json_deep_copy(json_object_get(x->job->result, "imports"));
    bool any = false;
    int rc = u.kept ? 0 : error_memory(err);
    for (size_t i = json_array_size(list); rc == 0 && i-- > 0;) {
        json_t *one = json_array_get(list, i);
        struct intake_undone n = {0};
        if (json_is_true(json_object_get(one, "undone"))) continue;
        rc = intake_undo(x->l, &x->s, json_integer_value(json_object_get(one, "id")), kept, &u, &n, err);
        if (rc == E_CONFLICT) { /* undone elsewhere */
            rc = 0;
            if (err) *err = (struct error){0};
        }
        if (rc < 0) break;
        any = true;
        total.removed += n.removed;
        total.restored += n.restored;
        total.kept += n.kept;
        json_object_set_new(one, "undone", json_true());
        rc = job_result(x, "imports", json_deep_copy(list), err);
    }
    json_decref(list);
    if (rc == 0 && !any) rc = error_set(err, E_REFUSED, "import", "there is nothing to take back / 没有可撤销的导入");
    if (rc == 0)
        rc = job_result(x, "undo", json_pack("{s:I, s:I, s:I, s:O}", "removed", (json_int_t)total.removed, "restored", (json_int_t)total.restored, "kept",
                                             (json_int_t)total.kept, "kept_records", u.kept), err);
    json_decref(u.kept);
    return rc;
}

const struct job_step job_import_steps[] = {
    {"import", "look", look, true}, {"import", "check", check, true}, {"import", "run", run, true}, {"import", "undo", undo, true}, {0}};
