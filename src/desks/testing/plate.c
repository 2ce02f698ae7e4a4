#include "desks/testing/plate.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"

const struct plate_options plate_options_usual = {.dyes = {-1, -1, -1, -1}};
const char *const plate_calls[] = {"negative", "positive", "inconclusive", "invalid"};

/* ---- words: folded to small letters without space, '_', '-', brackets, '*' and '.'; full width as half width */

enum { WORD = 64 };

static bool dropped(uint32_t c) {
    static const uint32_t none[] = {' ', '\t', '_', '-', '.', '*', '(', ')', '[', ']', ':', '#', 0x3000, 0xFEFF, 0xA0, 0};
    for (size_t i = 0; none[i]; i++)
        if (none[i] == c) return true;
    return false;
}

/* "" when it is longer than any of our words. */
static const char *fold(struct text t, char out[WORD]) {
    size_t at = 0, n = 0;
    while (at < t.n) {
        uint32_t c = text_codepoint(t, &at);
        char piece[4];
        if (c >= 0xFF01 && c <= 0xFF5E) c -= 0xFEE0;
        if (c >= 'A' && c <= 'Z') c += 'a' - 'A';
        if (c == 0x0442 || c == 0x0422) c = 't'; /* the Cyrillic letter that ABI writes in "Cт" */
        if (dropped(c)) continue;
        size_t w = text_encode(c, piece);
        if (n + w >= WORD) return memset(out, 0, 1);
        memcpy(out + n, piece, w);
        n += w;
    }
    out[n] = 0;
    return out;
}

static bool among(const char *word, const char *const *list) {
    for (; *list; list++)
        if (!strcmp(word, *list)) return true;
    return false;
}

static const char *const wells[] = {"wellposition", "wellpos", "position", "pos", "孔位", "孔", "孔号", "位置", "孔位置", NULL};
static const char *const well_numbers[] = {"well", "wellnumber", "孔序号", NULL}; /* "Well" holds A1 on some instruments, 1 to 96 on others */
static const char *const tubes[] = {"sample", "samplename", "sampleid", "name", "tube", "tubeid", "barcode", "tubecode", "样本编号", "样本名称", "样品编号", "样品名称", "标本编号",
                                    "管号", "采样管编号", "采样管号", "条码", "样本条码", "样本id", "样本号", "样品号", "编号", NULL};
static const char *const targets[] = {"target", "targetname", "detector", "detectorname", "assay", "gene", "目标基因", "目标", "靶标", "靶基因", "基因", "检测项目",
                                      "fluor", "channel", "reporter", "dye", "filtercombination", "通道", "荧光通道", "荧光", NULL};
static const char *const cts[] = {"ct", "cq", "cp", "ct值", "cq值", "cp值", "crossingpoint", "ctvalue", NULL};
static const char *const roles[] = {"task", "content", "sampletype", "type", "role", "样本类型", "样品类型", "样本属性", "类型", "属性", NULL};
static const char *const of_target[PLATE_TARGETS][16] = {
    {"orf1ab", "orf", "orf1", "orf1a/b", "orf1a", "rdrp", "orf1ab基因", "orf基因", NULL},
    {"n", "n基因", "ngene", "gene:n", "n1", "核衣壳", NULL},
    {"ic", "internalcontrol", "内标", "内参", "内对照", "内标基因", "内参基因", "rnasep", "rnp", "rp", "actin", "gapdh", "ms2", "is", NULL},
};
static const char *const of_dye[][4] = {{"fam", NULL}, {"vic", "hex", "joe", NULL}, {"rox", "texasred", NULL}, {"cy5", NULL}};
static const char *const of_role[][20] = {
    [PLATE_SAMPLE] = {"unknown", "unkn", "unk", "sample", "u", "样本", "样品", "待测", "待测样本", "未知", "标本", NULL},
    [PLATE_NEGATIVE] = {"ntc", "nc", "negative", "neg", "negctrl", "negativecontrol", "negcontrol", "blank", "阴性对照", "阴控", "阴性质控", "阴性", "空白", "空白对照", "nac", NULL},
    [PLATE_POSITIVE] = {"pc", "positive", "pos", "posctrl", "positivecontrol", "poscontrol", "阳性对照", "阳控", "阳性质控", "阳性", "弱阳性对照", "ptc", NULL},
    [PLATE_STANDARD] = {"std", "standard", "s", "标准品", "标准", NULL},
};

static int target_of(const struct plate_options *o, const char *word) {
    for (int t = 0; t < PLATE_TARGETS; t++)
        if (among(word, of_target[t])) return t;
    for (int d = 0; d < 4; d++)
        if (among(word, of_dye[d])) return o->dyes[d];
    return -1;
}

/* "orf1abct", "ctn", "ct值n": the column of one target. */
static int column_target(const struct plate_options *o, const char *word) {
    static const char *const marks[] = {"ct值", "cq值", "ct", "cq", "cp", "值", NULL};
    size_t n = strlen(word);
    int t = target_of(o, word);
    for (size_t i = 0; t < 0 && marks[i]; i++) {
        size_t m = strlen(marks[i]);
        char rest[WORD];
        if (n > m && !strncmp(word, marks[i], m)) t = target_of(o, word + m);
        if (t >= 0 || n <= m || strcmp(word + n - m, marks[i]) != 0) continue;
        memcpy(rest, word, n - m);
        rest[n - m] = 0;
        t = target_of(o, rest);
    }
    return t;
}

static int role_of(const char *word, enum plate_role *ret) {
    for (int r = 0; r < 4; r++)
        if (among(word, of_role[r])) {
            *ret = (enum plate_role)r;
            return 1;
        }
    return 0;
}

int plate_dyes(struct text t, struct plate_options *o, struct error *err) {
    for (size_t at = 0; at < t.n;) {
        size_t end = at, eq;
        char dye[WORD], target[WORD];
        while (end < t.n && t.s[end] != ',') end++;
        for (eq = at; eq < end && t.s[eq] != '=';) eq++;
        int d = -1, to = -1;
        fold((struct text){t.s + at, eq - at}, dye);
        if (eq < end) fold((struct text){t.s + eq + 1, end - eq - 1}, target);
        for (int i = 0; i < 4; i++)
            if (among(dye, of_dye[i])) d = i;
        for (int i = 0; eq < end && i < PLATE_TARGETS; i++)
            if (among(target, of_target[i])) to = i;
        if (d < 0 || to < 0) return error_set(err, E_USAGE, "dyes", "FAM=ORF1ab,VIC=N,CY5=IC or the like / 应如 FAM=ORF1ab,VIC=N,CY5=IC");
        o->dyes[d] = to;
        at = end + 1;
    }
    return 0;
}

/* ---- cells */

static bool name_parts(struct text t, int *row, int *column) {
    int64_t v;
    t = text_trim(t);
    if (t.n < 2 || t.n > 3) return false;
    char c = t.s[0];
    if (c >= 'a' && c <= 'z') c = (char)(c - 'a' + 'A');
    if (c < 'A' || c > 'P' || t.s[1] == '-' || t.s[1] == '+' || !text_int((struct text){t.s + 1, t.n - 1}, &v) || v < 1 || v > 24) return false;
    *row = c - 'A';
    *column = (int)v - 1;
    return true;
}

static void name_put(int row, int column, char out[4]) {
    out[0] = (char)('A' + row);
    out[1] = (char)('0' + (column + 1) / 10);
    out[2] = (char)('0' + (column + 1) % 10);
    out[3] = 0;
}

bool plate_well_name(struct text t, char out[4]) {
    int row, column;
    if (!name_parts(t, &row, &column)) return false;
    name_put(row, column, out);
    return true;
}

static bool never(const char *word) {
    static const char *const words[] = {"undetermined", "undet", "noct", "nocq", "nan", "n/a", "na", "未检出", "无", "无ct", "无ct值", "notdetected", "nd", "neg", "none", "/", NULL};
    return among(word, words);
}

bool plate_ct(struct text t, bool blank_is_none, int32_t *ret) {
    char word[WORD];
    t = text_trim(t);
    if (!t.n) {
        if (blank_is_none) *ret = CT_NEVER;
        return blank_is_none;
    }
    bool dashes = true;
    for (size_t i = 0; i < t.n; i++) dashes = dashes && t.s[i] == '-';
    if (dashes || never(fold(t, word))) {
        *ret = CT_NEVER;
        return true;
    }
    bool beyond = t.s[0] == '>'; /* ">40": did not amplify in the cycles there were */
    size_t i = beyond;
    int32_t v = 0;
    int decimals = -1;
    while (i < t.n && t.s[i] == ' ') i++;
    size_t first = i;
    for (; i < t.n; i++) {
        if ((t.s[i] == '.' || t.s[i] == ',') && decimals < 0 && i > first) {
            decimals = 0;
            continue;
        }
        if (t.s[i] < '0' || t.s[i] > '9' || v > CT_MAX * 10) return false;
        if (decimals >= 2) { /* the rest is noise of the instrument's software */
            decimals++;
            continue;
        }
        v = v * 10 + (t.s[i] - '0');
        if (decimals >= 0) decimals++;
    }
    if (i == first || decimals == 0 || decimals > 15) return false;
    for (int k = decimals < 0 ? 0 : decimals; k < 2; k++) v *= 10;
    if (v > CT_MAX) return false;
    *ret = beyond || v == 0 ? CT_NEVER : v; /* some write 0 where nothing amplified */
    return true;
}

/* ---- rows */

int plate_begin(struct plate *p, const struct plate_options *o, struct error *err) {
    *p = (struct plate){.options = *o, .well = -1, .well_number = -1, .tube = -1, .target = -1, .ct = -1, .role = -1, .ct_of = {-1, -1, -1}};
    p->refused = arena_alloc(&p->arena, PLATE_REFUSED_MAX * sizeof *p->refused);
    return p->refused ? 0 : error_memory(err);
}

void plate_clear(struct plate *p) {
    if (p) arena_clear(&p->arena);
}

int plate_refuse(struct plate *p, int64_t line, struct text tube, int code, const char *where, const char *message, struct error *err) {
    if (p->n_refused == PLATE_REFUSED_MAX) {
        p->refusals_left_out++;
        return 0;
    }
    struct plate_refusal *r = &p->refused[p->n_refused];
    *r = (struct plate_refusal){.line = line, .tube = arena_text(&p->arena, tube)};
    if (!r->tube.s) return error_memory(err);
    error_set(&r->why, code, where, "%s", message);
    p->n_refused++;
    return 0;
}

/* A header has a tube or a well, and Ct values: in one column beside a target, or in a column a target. */
static bool header(struct plate *p, const struct text *cells, size_t n) {
    struct plate h = *p;
    bool any = false;
    for (size_t i = 0; i < n && i < PLATE_COLUMNS_MAX; i++) {
        char word[WORD];
        int c = (int)i, t;
        fold(cells[i], word);
        if (!word[0]) continue;
        if (h.well < 0 && among(word, wells)) h.well = c;
        else if (h.well_number < 0 && among(word, well_numbers)) h.well_number = c;
        else if (h.tube < 0 && among(word, tubes)) h.tube = c;
        else if (h.ct < 0 && among(word, cts)) h.ct = c;
        else if (h.role < 0 && among(word, roles)) h.role = c;
        else if (among(word, targets)) {
            if (h.target < 0 || word[0] == 't' || word[0] == 'g') h.target = c; /* the target's own name before its dye's */
        } else if ((t = column_target(&p->options, word)) >= 0 && h.ct_of[t] < 0) {
            h.ct_of[t] = c;
            h.measured[t] = any = true;
        }
    }
    bool tall = h.ct >= 0 && h.target >= 0;
    if (h.tube < 0 || (!tall && !any)) return false;
    if (tall)
        for (int t = 0; t < PLATE_TARGETS; t++) h.ct_of[t] = -1, h.measured[t] = false;
    h.found = true;
    h.rows = 0;
    *p = h;
    return true;
}

static struct text cell(const struct text *cells, size_t n, int column) {
    return column >= 0 && (size_t)column < n ? text_trim(cells[column]) : (struct text){"", 0};
}

/* Which well a row is of: by its position, else by its number along the rows of a 96-well plate; a table without wells goes by tube. */
static int well_of(const struct plate *p, const struct text *cells, size_t n, char out[4]) {
    struct text name = cell(cells, n, p->well), number = cell(cells, n, p->well_number);
    int64_t v;
    out[0] = 0;
    if (!name.n) name = number;
    if (!name.n) return p->well < 0 && p->well_number < 0 ? 0 : -1;
    if (plate_well_name(name, out)) return 0;
    if (!text_int(name, &v) || v < 1 || v > 96) return -1;
    name_put((int)(v - 1) / 12, (int)(v - 1) % 12, out);
    return 0;
}

/* target: which one this row tells, -1 all. Without wells the second control of a kind is told from the first by telling the same target again. */
static int well_get(struct plate *p, const char name[4], struct text tube, enum plate_role role, int target, int64_t line, struct plate_well **ret, struct error *err) {
    for (size_t i = 0; i < p->n_wells; i++) {
        struct plate_well *w = &p->wells[i];
        bool same = name[0] ? !strcmp(w->well, name) : text_eq(w->tube, tube) && w->role == role;
        if (!same || (!name[0] && role != PLATE_SAMPLE && (target < 0 || w->ct[target] != CT_NONE))) continue;
        *ret = w;
        return 0;
    }
    if (p->n_wells == PLATE_WELLS_MAX) return error_set(err, E_TOO_LARGE, "well", "more than %d wells / 超过 %d 孔", PLATE_WELLS_MAX, PLATE_WELLS_MAX);
    struct plate_well *w = &p->wells[p->n_wells];
    *w = (struct plate_well){.role = role, .tube = arena_text(&p->arena, tube), .ct = {CT_NONE, CT_NONE, CT_NONE}, .line = line};
    if (!w->tube.s) return error_memory(err);
    memcpy(w->well, name, 4);
    p->n_wells++;
    *ret = w;
    return 0;
}

/* The row cannot be taken: neither can what else is said of its well. */
static int spoil(struct plate *p, struct plate_well *w, int64_t line, struct text tube, int code, const char *where, const char *message, struct error *err) {
    if (w) w->refused = true;
    return plate_refuse(p, line, tube, code, where, message, err);
}

static int take(struct plate *p, struct plate_well *w, int target, struct text value, int64_t line, struct error *err) {
    static const char *const names[] = {"ct ORF1ab", "ct N", "ct IC"};
    int32_t ct = CT_NONE;
    if (!plate_ct(value, p->options.blank_is_none, &ct))
        return spoil(p, w, line, w->tube, E_INVALID, names[target],
                     value.n ? "is no Ct: a number up to 60, or Undetermined, NoCt and the like / 不是 Ct 值:应为 60 以内的数,或 Undetermined、NoCt 等"
                             : "is empty: neither a Ct nor the instrument's word for none / 为空:既非 Ct 值,也非仪器表示未扩增的写法",
                     err);
    p->measured[target] = true;
    if (w->ct[target] != CT_NONE && w->ct[target] != ct)
        return spoil(p, w, line, w->tube, E_CONFLICT, names[target], "this well has another Ct of this target above / 该孔该靶标在上文已有不同的 Ct 值", err);
    w->ct[target] = ct;
    return 0;
}

static int wells_row(struct plate *p, const struct text *cells, size_t n, int64_t line, bool damaged, struct error *err) {
    struct text tube = cell(cells, n, p->tube), task = cell(cells, n, p->role), said = cell(cells, n, p->target);
    char name[4], word[WORD];
    enum plate_role role = PLATE_SAMPLE;
    int target = -1;
    bool tall = p->target >= 0 && p->ct >= 0;
    if (damaged) return plate_refuse(p, line, (struct text){"", 0}, E_SYNTAX, "row", "damaged characters / 字符损坏", err);
    if (tube.n > PLATE_TUBE_MAX) return plate_refuse(p, line, (struct text){"", 0}, E_INVALID, "tube", "is longer than any bar code / 超过条码长度", err);
    if (well_of(p, cells, n, name) < 0) {
        if (!tube.n) return 0; /* a footer, an empty line */
        return plate_refuse(p, line, tube, E_INVALID, "well", "is no well: A1 to P24 / 不是孔位:应为 A1 至 P24", err);
    }
    bool known = task.n && role_of(fold(task, word), &role);
    if ((!known || role == PLATE_SAMPLE) && tube.n) role_of(fold(tube, word), &role); /* a control that is known by its name only */
    if (role == PLATE_STANDARD) return 0;
    if (tall) {
        if (!said.n) return tube.n ? plate_refuse(p, line, tube, E_INVALID, "target", "a Ct of no target / 未写明靶标", err) : 0;
        target = target_of(&p->options, fold(said, word));
        if (target < 0) {
            p->other_targets++;
            return 0;
        }
    }
    if (role != PLATE_SAMPLE) tube = (struct text){"", 0};
    struct text one = tall ? cell(cells, n, p->ct) : (struct text){"", 0};
    if (!tube.n && role == PLATE_SAMPLE) {
        int32_t ct = CT_NEVER;
        bool amplified = tall && plate_ct(one, true, &ct) && ct >= 0;
        for (int t = 0; !tall && t < PLATE_TARGETS; t++) amplified = amplified || (plate_ct(cell(cells, n, p->ct_of[t]), true, &ct) && ct >= 0);
        if (!amplified) return 0; /* an empty well */
        return plate_refuse(p, line, (struct text){"", 0}, E_INVALID, "tube", "something amplified in a well without a tube / 未填管号的孔有扩增", err);
    }
    struct plate_well *w = NULL;
    int rc = well_get(p, name, tube, role, target, line, &w, err);
    if (rc < 0) return rc;
    if (name[0] && (!text_eq(w->tube, tube) || w->role != role))
        return spoil(p, w, line, tube, E_CONFLICT, "tube", "this well holds another tube above / 该孔在上文是另一支管", err);
    if (tall) return take(p, w, target, one, line, err);
    for (int t = 0; !rc && t < PLATE_TARGETS; t++)
        if (p->ct_of[t] >= 0) rc = take(p, w, t, cell(cells, n, p->ct_of[t]), line, err);
    return rc;
}

int plate_row(struct plate *p, const struct text *cells, size_t n, int64_t line, bool damaged, struct error *err) {
    p->rows++;
    if (p->found) return wells_row(p, cells, n, line, damaged, err);
    if (header(p, cells, n)) return 0;
    if (p->rows < PLATE_PREAMBLE) return 0;
    return plate_end(p, err);
}

int plate_end(struct plate *p, struct error *err) {
    if (!p->found)
        return error_set(err, E_SYNTAX, "header", "no row names a tube and Ct values (Sample, Target, CT; or 样本编号, ORF1ab, N, 内标) / 没有表头写明管号和 Ct 值");
    int rc = 0;
    for (size_t i = 0; !rc && i < p->n_wells; i++) {
        struct plate_well *w = &p->wells[i];
        for (int t = 0; !rc && !w->refused && t < PLATE_TARGETS; t++)
            if (p->measured[t] && w->ct[t] == CT_NONE)
                rc = spoil(p, w, w->line, w->tube, E_INVALID, "target", "this well lacks a target that the plate has / 该孔缺少本板其他孔有的靶标", err);
    }
    return rc;
}

/* ---- what it means */

enum plate_call plate_judge(const struct plate_rules *rules, const int32_t ct[PLATE_TARGETS]) {
    int hits = 0, late = 0, measured = 0;
    for (int t = 0; t < PLATE_IC; t++) {
        measured += ct[t] != CT_NONE;
        hits += ct[t] >= 0 && ct[t] <= rules->positive_most;
        late += ct[t] > rules->positive_most;
    }
    if (!measured) return CALL_INVALID;
    if (hits >= rules->targets_needed) return CALL_POSITIVE;
    if (hits || late) return CALL_INCONCLUSIVE;
    return ct[PLATE_IC] == CT_NEVER || measured < rules->targets_needed ? CALL_INVALID : CALL_NEGATIVE;
}

int plate_controls(const struct plate *p, const struct plate_rules *rules, struct error *err) {
    int negatives = 0, positives = 0;
    for (size_t i = 0; i < p->n_wells; i++) {
        const struct plate_well *w = &p->wells[i];
        if (w->role == PLATE_SAMPLE) continue;
        const char *where = w->well[0] ? w->well : "control";
        if (w->refused) return error_set(err, E_REFUSED, where, "the control cannot be read / 对照孔无法读取");
        for (int t = 0; t < PLATE_IC; t++) {
            if (w->role == PLATE_NEGATIVE && w->ct[t] >= 0) return error_set(err, E_REFUSED, where, "the negative control amplified / 阴性对照有扩增");
            if (w->role == PLATE_POSITIVE && p->measured[t] && (w->ct[t] < 0 || w->ct[t] > rules->control_most))
                return error_set(err, E_REFUSED, where, "the positive control did not amplify every target in time / 阳性对照未在规定循环数内全部扩增");
        }
        negatives += w->role == PLATE_NEGATIVE;
        positives += w->role == PLATE_POSITIVE;
    }
    if (!negatives) return error_set(err, E_REFUSED, "control", "the plate has no negative control / 本板没有阴性对照");
    if (!positives) return error_set(err, E_REFUSED, "control", "the plate has no positive control / 本板没有阳性对照");
    return 0;
}
