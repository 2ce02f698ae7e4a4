#include <stdio.h>
#include <string.h>

#include "ledger/cell.h"
#include "ledger/region.h"
#include "ledger/register.h"

/* The failure of one cell. Its content is repeated only when it is not sealed, and only whole characters of
 * it. */
static int cell_error(const struct field *f, struct text input, const char *what, struct error *err) {
    char where[64];
    snprintf(where, sizeof where, "%.*s", (int)f->name.n, f->name.s);
    if (f->sealed || input.n == 0) return error_set(err, E_INVALID, where, "%s", what);
    size_t n = input.n > 60 ? 60 : input.n;
    while (n < input.n && n > 0 && ((unsigned char)input.s[n] & 0xC0) == 0x80) n--;
    return error_set(err, E_INVALID, where, "'%.*s'%s: %s", (int)n, input.s, n < input.n ? "..." : "", what);
}

static size_t code_points(struct text t) {
    size_t n = 0;
    for (size_t i = 0; i < t.n; i++) n += ((unsigned char)t.s[i] & 0xC0) != 0x80;
    return n;
}

/* ---- checks of a typed value; NULL when it is fine, else what is wrong */

static const char *phone_fault(struct text t) {
    bool any = false;
    for (size_t from = 0; from <= t.n;) {
        size_t to = from;
        while (to < t.n && !strchr("/;,|", t.s[to])) to++;
        struct text one = text_trim((struct text){t.s + from, to - from});
        char normal[24];
        if (one.n && !phone_normal(one, normal))
            return "is no mobile or landline number / 不是手机或固定电话号码";
        any = any || one.n > 0;
        from = to + 1;
    }
    return any ? NULL : "is no mobile or landline number / 不是手机或固定电话号码";
}

static const char *check_fault(const struct field *f, struct text t) {
    const char *why = NULL;
    switch (f->check) {
    case CHECK_NONE:
        return NULL;
    case CHECK_DOCUMENT: /* the digit of an identity card is checked with its doc_type by the record layer */
        document_valid(TEXT("other"), t, &why);
        return why;
    case CHECK_ID_CARD:
        document_valid(TEXT("id-card"), t, &why);
        return why;
    case CHECK_UNIT_CODE:
        return unit_code_valid(t) ? NULL
                                  : "is no unified social credit code of 18 characters with a right check "
                                    "digit (GB 32100) / 不是有效的 18 位统一社会信用代码 (GB 32100)";
    case CHECK_PHONE:
        return phone_fault(t);
    }
    return NULL;
}

static const char *text_fault(const struct field *f, struct text t) {
    if (f->has_max && t.n > (size_t)f->max && code_points(t) > (size_t)f->max)
        return "is longer than the field allows / 超过字段长度";
    if (!text_utf8_valid(t)) return "is not UTF-8 text / 不是 UTF-8 文本";
    if (t.n && memchr(t.s, 0, t.n)) return "holds a NUL character / 含有空字符";
    return check_fault(f, t);
}

static const char *range_fault(const struct field *f, int64_t v) {
    if (f->has_min && v < f->min) return "is less than the least allowed value / 小于允许的最小值";
    if (f->has_max && v > f->max) return "is greater than the greatest allowed value / 大于允许的最大值";
    if (f->type == FIELD_BOOLEAN && v != 0 && v != 1) return "is neither yes nor no / 不是是或否";
    if (f->type == FIELD_REFERENCE && v <= 0) return "is no record id / 不是记录编号";
    if (f->type == FIELD_DATE && (v < DAY_MIN || v > DAY_MAX))
        return "is no date between 1583 and 9999 / 日期超出 1583 至 9999 年";
    if (f->type == FIELD_INSTANT && (v < (int64_t)DAY_MIN * DAY_S || v > (int64_t)(DAY_MAX + 1) * DAY_S))
        return "is no time between 1583 and 9999 / 时间超出 1583 至 9999 年";
    return NULL;
}

static const char alone_fault[] = "holds a code that stands alone, and others with it (who administers does nothing else) / 含有须单独使用的代码 (三员分立,不得兼任)";

static const char *codes_fault(const struct field *f, struct text t) {
    bool several = f->multiple && memchr(t.s, ';', t.n);
    for (size_t from = 0; from <= t.n;) {
        size_t to = t.n;
        const char *mark = f->multiple && from < t.n ? memchr(t.s + from, ';', t.n - from) : NULL;
        if (mark) to = (size_t)(mark - t.s);
        const struct code *c = code_find(f->codes, (struct text){t.s + from, to - from});
        if (!c) return "is no code of its list / 不是代码表中的代码";
        if (c->alone && several) return alone_fault;
        from = to + 1;
    }
    return NULL;
}

static const char *value_fault(const struct field *f, struct value v) {
    char region[REGION_MAX + 1], point[POINT_TEXT];
    struct text t = value_view(v);
    size_t n = 0;
    switch (f->type) {
    case FIELD_TEXT:
        return text_fault(f, t);
    case FIELD_CODE:
        return codes_fault(f, t);
    case FIELD_REGION:
        return region_canonical(t, region) && text_is(t, region)
                   ? NULL
                   : "is no region code in canonical form / 不是规范的区划代码";
    case FIELD_POINT:
        return cell_point(t, point, &n) && text_eq(t, (struct text){point, n})
                   ? NULL
                   : "is no point in canonical form / 不是规范的坐标";
    default:
        return range_fault(f, v.i);
    }
}

static bool stored_as_text(const struct field *f) {
    return f->type == FIELD_TEXT || f->type == FIELD_CODE || f->type == FIELD_REGION ||
           f->type == FIELD_POINT;
}

int field_check_value(const struct field *f, struct value v, struct error *err) {
    if (!value_given(v) || (f->sealed && v.kind == VALUE_BLOB)) return 0;
    if (v.kind != (stored_as_text(f) ? VALUE_TEXT : VALUE_INT))
        return cell_error(f, TEXT(""), "is a value of the wrong kind / 值的类型不对", err);
    const char *fault = value_fault(f, v);
    return fault ? cell_error(f, value_view(v), fault, err) : 0;
}

/* ---- parsing */

static int keep_text(struct text t, struct arena *a, struct value *ret, struct error *err) {
    struct text copy = arena_text(a, t);
    if (!copy.s) return error_memory(err);
    *ret = value_text(copy);
    return 0;
}

/* Document numbers and unit codes: without white space, upper case, so that one number has one form. */
static int parse_number_text(const struct field *f, struct text input, struct text t, struct arena *a,
                             struct value *ret, struct error *err) {
    char form[CELL_SHORT];
    size_t n = 0;
    for (size_t i = 0; i < t.n && n < sizeof form; i++) {
        char c = t.s[i];
        if ((c >= 0 && c <= ' ') || c == '\'') continue; /* Excel's text mark survives some exports */
        form[n++] = c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
    }
    struct text number = text_trim((struct text){form, n});
    if (number.n == 0) {
        *ret = value_null();
        return 0;
    }
    const char *fault = text_fault(f, number);
    return fault ? cell_error(f, input, fault, err) : keep_text(number, a, ret, err);
}

static int parse_text(const struct field *f, struct text input, struct arena *a, struct value *ret,
                      struct error *err) {
    if (f->check == CHECK_NONE) {
        const char *fault = text_fault(f, input);
        return fault ? cell_error(f, input, fault, err) : keep_text(input, a, ret, err);
    }
    struct cell c;
    if (!cell_fold(&c, input) || c.t.n > CELL_SHORT)
        return cell_error(f, input, "is too long for such a number / 号码过长", err);
    if (f->check != CHECK_PHONE) return parse_number_text(f, input, c.t, a, ret, err);
    const char *fault = text_fault(f, c.t);
    return fault ? cell_error(f, input, fault, err) : keep_text(c.t, a, ret, err);
}

/* Length of a separator of several codes at t.s[at]: ; , | and their full-width forms; 0 when there is none.
 */
static size_t separator_at(struct text t, size_t at) {
    if (strchr(";,|", t.s[at]) && t.s[at]) return 1;
    static const char *const wide[] = {"；", "，", "、"};
    for (size_t i = 0; i < 3; i++)
        if (t.n - at >= 3 && memcmp(t.s + at, wide[i], 3) == 0) return 3;
    return 0;
}

/* Several codes in one cell become "a;b", each once, in the order given. */
static int parse_codes(const struct field *f, struct text input, struct arena *a, struct value *ret,
                       struct error *err) {
    const struct code *found[64];
    size_t n = 0, bytes = 0;
    bool alone = false;
    for (size_t from = 0; from < input.n;) {
        size_t to = from, mark = 0;
        while (to < input.n && !(mark = separator_at(input, to))) to++;
        struct text word = text_trim((struct text){input.s + from, to - from});
        from = to + mark;
        if (word.n == 0) continue;
        const struct code *c = code_find_any(f->codes, word);
        if (!c || n == sizeof found / sizeof *found)
            return cell_error(
                f, word, "is no code, title or synonym of its list / 不是代码表中的代码、名称或同义词", err);
        size_t k = 0;
        while (k < n && found[k] != c) k++;
        if (k < n) continue;
        alone = alone || c->alone;
        found[n++] = c;
        bytes += c->code.n + 1;
    }
    if (alone && n > 1) return cell_error(f, input, alone_fault, err);
    if (n == 0) {
        *ret = value_null();
        return 0;
    }
    char *joined = arena_alloc(a, bytes);
    if (!joined) return error_memory(err);
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        if (i) joined[at++] = ';';
        memcpy(joined + at, found[i]->code.s, found[i]->code.n);
        at += found[i]->code.n;
    }
    *ret = value_text((struct text){joined, at});
    return 0;
}

static int parse_code(const struct field *f, struct text input, struct arena *a, struct value *ret,
                      struct error *err) {
    const struct code *c = code_find_any(f->codes, input);
    if (!c && f->multiple) return parse_codes(f, input, a, ret, err);
    if (!c)
        return cell_error(f, input,
                          "is no code, title or synonym of its list / 不是代码表中的代码、名称或同义词", err);
    *ret = value_text(c->code); /* lives as long as the catalog */
    return 0;
}

static int parse_region(const struct field *f, struct text input, struct text t, struct arena *a,
                        struct value *ret, struct error *err) {
    char region[REGION_MAX + 1];
    if (!region_canonical(t, region)) return cell_error(f, input, "is no region code / 不是区划代码", err);
    return keep_text(text_of(region), a, ret, err);
}

static int parse_point(const struct field *f, struct text input, struct text t, struct arena *a,
                       struct value *ret, struct error *err) {
    char point[POINT_TEXT];
    size_t n = 0;
    if (!cell_point(t, point, &n))
        return cell_error(f, input, "is no latitude,longitude in degrees / 不是 纬度,经度", err);
    return keep_text((struct text){point, n}, a, ret, err);
}

/* The types that are stored as INT; NULL when t was one. */
static const char *parse_int(const struct field *f, struct text t, int32_t zone_s, int64_t *ret) {
    bool exact = true, yes = false;
    day d = 0;
    switch (f->type) {
    case FIELD_INTEGER:
        return cell_decimal(t, 0, ret, &exact) && exact ? NULL : "is no whole number / 不是整数";
    case FIELD_DECIMAL:
        return cell_decimal(t, f->scale, ret, &exact) ? NULL : "is no number / 不是数字";
    case FIELD_BOOLEAN:
        if (!cell_boolean(t, &yes)) return "is neither yes nor no / 不是是或否";
        *ret = yes;
        return NULL;
    case FIELD_DATE:
        if (!cell_day(t, &d))
            return "is no date that exists, such as 2022-05-30 / 不是存在的日期,如 2022-05-30";
        *ret = d;
        return NULL;
    case FIELD_INSTANT:
        return cell_instant(t, zone_s, ret)
                   ? NULL
                   : "is no time that exists, such as 2022-05-30 17:00 / 不是存在的时间,如 2022-05-30 17:00";
    case FIELD_DURATION:
        return duration_parse(t, ret) ? NULL : "is no duration, such as 2h or 7d / 不是时长,如 2h 或 7d";
    default:
        return text_int(t, ret) && *ret > 0 ? NULL : "is no record id / 不是记录编号";
    }
}

int field_parse(const struct field *f, struct text input, int32_t zone_s, struct arena *a, struct value *ret,
                struct error *err) {
    input = text_trim(input);
    if (input.n == 0) {
        *ret = value_null();
        return 0;
    }
    if (f->type == FIELD_TEXT) return parse_text(f, input, a, ret, err);
    if (f->type == FIELD_CODE) return parse_code(f, input, a, ret, err);
    struct cell c;
    if (!cell_fold(&c, input) || c.t.n > CELL_SHORT)
        return cell_error(f, input, "is too long for its type / 内容过长", err);
    if (c.t.n == 0) {
        *ret = value_null();
        return 0;
    }
    if (f->type == FIELD_REGION) return parse_region(f, input, c.t, a, ret, err);
    if (f->type == FIELD_POINT) return parse_point(f, input, c.t, a, ret, err);
    int64_t v = 0;
    const char *fault = parse_int(f, c.t, zone_s, &v);
    if (!fault) fault = range_fault(f, v);
    if (fault) return cell_error(f, input, fault, err);
    *ret = value_int(v);
    return 0;
}
