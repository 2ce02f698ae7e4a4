/* What the laboratory's functions found, as every door shows it; and plates as files. */
#include <stdio.h>
#include <string.h>

#include "desks/testing/lab_json.h"
#include "files/sheet.h"

json_t *lab_text_json(struct text t) {
    return t.s ? json_stringn(t.s, t.n) : json_null();
}

json_t *lab_instant_json(instant at, int32_t zone_s) {
    char text[INSTANT_TEXT];
    if (at == INSTANT_NONE) return json_null();
    instant_format(at, zone_s, text);
    return json_string(text);
}

static void put_error(json_t *o, const struct error *e, bool zh) {
    char words[ERROR_MESSAGE_MAX + 200];
    error_words(e->code, e->message, zh, words, sizeof words);
    json_object_set_new(o, "code", json_string(error_name(e->code)));
    json_object_set_new(o, "where", json_string(e->where));
    json_object_set_new(o, "detail", json_string(words));
}

const char *lab_line_words(const struct lab_line *x, bool zh, char words[LAB_WORDS_MAX]) {
    words[0] = 0;
    if (x->outcome == LAB_REFUSED) error_words(x->why.code, x->why.message, zh, words, LAB_WORDS_MAX);
    if (x->outcome == LAB_MISSING)
        snprintf(words, LAB_WORDS_MAX, "%s", zh ? "未到:送检待办未了结,到后无论在哪个箱都可扫码接收" : "did not come: its shipping stays owed; scan it when it comes, in whichever box");
    if (x->outcome == LAB_EXTRA && x->packed_in.n)
        snprintf(words, LAB_WORDS_MAX, zh ? "清单在转运箱 %.*s:已在此接收,该箱不再算缺管;请问清为何换箱" : "packed into box %.*s: taken here and no longer missing there; ask how it changed boxes",
                 (int)(x->packed_in.n < 60 ? x->packed_in.n : 60), x->packed_in.s);
    if (x->outcome == LAB_EXTRA && !x->packed_in.n)
        snprintf(words, LAB_WORDS_MAX, "%s", zh ? "不在任何清单上:已接收;请采样点补登装箱,并查有无同批漏登" : "on no manifest: taken; ask the site which box it was packed into, and whether others were left out");
    return words;
}

json_t *lab_report_json(const struct lab_report *r, bool zh) {
    json_t *rows = json_array(), *counts = json_object(), *calls = json_object();
    for (size_t i = 0; i < r->n; i++) {
        const struct lab_line *x = &r->lines[i];
        json_t *o = json_pack("{s:I, s:o, s:s}", "row", (json_int_t)x->line, "tube", lab_text_json(x->tube), "outcome", lab_outcomes[x->outcome]);
        if (x->call) json_object_set_new(o, "result", json_string(x->call));
        if (x->record) json_object_set_new(o, "id", json_integer(x->record));
        char words[LAB_WORDS_MAX];
        if (x->outcome == LAB_REFUSED) put_error(o, &x->why, zh);
        else if (*lab_line_words(x, zh, words)) json_object_set_new(o, "detail", json_string(words));
        if (x->outcome == LAB_EXTRA) json_object_set_new(o, "packed_in", x->packed_in.n ? lab_text_json(x->packed_in) : json_null());
        json_array_append_new(rows, o);
    }
    for (int k = 0; k < LAB_OUTCOMES; k++) json_object_set_new(counts, lab_outcomes[k], json_integer((json_int_t)r->counts[k]));
    for (int k = 0; k <= CALL_INVALID; k++) json_object_set_new(calls, plate_calls[k], json_integer((json_int_t)r->calls[k]));
    json_t *o = json_pack("{s:I, s:b, s:o, s:o, s:I, s:I, s:I, s:o}", "id", (json_int_t)r->record, "failed", r->failed, "counts", counts, "results", calls, "declared", (json_int_t)r->declared,
                          "listed", (json_int_t)r->listed, "recalled", (json_int_t)r->recalled, "rows", rows);
    if (r->failed) {
        json_t *why = json_object();
        put_error(why, &r->controls, zh);
        json_object_set_new(o, "controls", why);
    }
    return o;
}

json_t *lab_recall_json(const struct lab_recall *r, int32_t zone_s) {
    json_t *list = json_array();
    for (size_t i = 0; i < r->n; i++) {
        const struct lab_member *m = &r->members[i];
        json_array_append_new(list, json_pack("{s:o, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "tube", lab_text_json(m->barcode), "person", (json_int_t)m->person, "swab", (json_int_t)m->swab,
                                              "name", lab_text_json(m->name), "phone", lab_text_json(m->phone), "address", lab_text_json(m->address), "community", lab_text_json(m->community), "region",
                                              lab_text_json(m->region), "swabbed_at", lab_instant_json(m->swabbed_at, zone_s), "hold", lab_text_json(m->hold), "resample", lab_text_json(m->resample)));
    }
    return json_pack("{s:I, s:o}", "tubes", (json_int_t)r->n_tubes, "members", list);
}

json_t *lab_waiting_json(const struct lab_waiting *w) {
    json_t *stages = json_array(), *tubes = json_array();
    for (int k = 0; k < LAB_STAGES; k++) {
        const struct lab_stage *x = &w->stages[k];
        json_array_append_new(stages, json_pack("{s:s, s:I, s:I, s:I, s:I}", "stage", round_stage_words[k], "tubes", (json_int_t)x->tubes, "oldest_s", (json_int_t)x->oldest_s, "limit_s",
                                                (json_int_t)x->limit_s, "late", (json_int_t)x->late));
    }
    for (size_t i = 0; i < w->n; i++)
        json_array_append_new(tubes, json_pack("{s:o, s:I, s:s, s:I, s:b}", "tube", lab_text_json(w->list[i].barcode), "id", (json_int_t)w->list[i].tube, "stage", round_stage_words[w->list[i].stage],
                                               "waits_s", (json_int_t)w->list[i].waits_s, "late", w->list[i].late));
    return json_pack("{s:o, s:o}", "stages", stages, "tubes", tubes);
}

int plate_read(const char *path, const struct plate_options *o, struct plate *p, struct error *err) {
    struct sheet *sheet = NULL;
    const struct text *cells;
    size_t n;
    int64_t line;
    bool damaged;
    int rc = plate_begin(p, o, err);
    if (!rc) rc = sheet_open(path, NULL, &sheet, err);
    while (!rc && (rc = sheet_next(sheet, &cells, &n, &line, &damaged, err)) > 0) rc = plate_row(p, cells, n, line, damaged, err);
    sheet_close(sheet);
    return rc < 0 ? rc : plate_end(p, err);
}

/* {"well":"A1","tube":"8001","role":"sample","ct":{"orf":22.5,"n":null}}: as a row of a table, so that one reader judges both */
static int well_cells(const json_t *w, char texts[6][40], struct text cells[6], struct error *err) {
    static const char *const names[] = {"tube", "well", "role", "orf", "n", "ic"};
    const json_t *ct = json_object_get(w, "ct");
    if (!json_is_object(w) || (ct && !json_is_object(ct))) return error_set(err, E_SYNTAX, "/wells", "a well is an object with tube and ct / 每孔应为含 tube 与 ct 的对象");
    for (int i = 0; i < 6; i++) {
        const json_t *v = json_object_get(i < 3 ? w : ct, names[i]);
        if (i >= 3 && v && json_is_null(v)) snprintf(texts[i], 40, "--");
        else if (i >= 3 && json_is_number(v)) snprintf(texts[i], 40, "%.2f", json_number_value(v));
        else if (json_is_string(v)) snprintf(texts[i], 40, "%.39s", json_string_value(v));
        else if (!v || json_is_null(v)) texts[i][0] = 0;
        else return error_set(err, E_SYNTAX, "/wells", "a text was expected, or a number as Ct / 应为文本,Ct 应为数值");
        if (json_is_string(v) && json_string_length(v) > 39) return error_set(err, E_TOO_LARGE, "/wells", "longer than any bar code / 超过条码长度");
        cells[i] = text_of(texts[i]);
    }
    return 0;
}

int plate_read_json(const json_t *wells, struct plate *p, struct error *err) {
    static const struct text all[6] = {{"tube", 4}, {"position", 8}, {"role", 4}, {"orf1ab", 6}, {"n", 1}, {"ic", 2}};
    struct text header[6];
    bool has[6] = {true};
    size_t i;
    const json_t *w;
    char texts[6][40];
    struct text cells[6], row[6];
    int rc = plate_begin(p, &plate_options_usual, err);
    if (!rc && !json_is_array(wells)) rc = error_set(err, E_SYNTAX, "/wells", "is no array / 应为数组");
    if (!rc && json_array_size(wells) > PLATE_WELLS_MAX) rc = error_set(err, E_TOO_LARGE, "/wells", "more than %d wells / 超过 %d 孔", PLATE_WELLS_MAX, PLATE_WELLS_MAX);
    json_array_foreach(wells, i, w) { /* the columns that somebody uses: a target nobody measured is no gap */
        const json_t *ct = json_object_get(w, "ct");
        has[1] = has[1] || json_object_get(w, "well");
        has[2] = has[2] || json_object_get(w, "role");
        has[3] = has[3] || json_object_get(ct, "orf");
        has[4] = has[4] || json_object_get(ct, "n");
        has[5] = has[5] || json_object_get(ct, "ic");
    }
    size_t n = 0;
    for (int k = 0; k < 6; k++)
        if (has[k]) header[n++] = all[k];
    if (!rc) rc = plate_row(p, header, n, 0, false, err);
    for (i = 0; !rc && i < json_array_size(wells); i++) {
        rc = well_cells(json_array_get(wells, i), texts, cells, err);
        n = 0;
        for (int k = 0; k < 6; k++)
            if (has[k]) row[n++] = cells[k];
        if (!rc) rc = plate_row(p, row, n, (int64_t)i + 1, !text_utf8_valid(cells[0]), err);
    }
    return rc < 0 ? rc : plate_end(p, err);
}
