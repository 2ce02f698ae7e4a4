/* Cells from anybody, read as every type. Law: what was read passes its own check and, written, reads back
 * the same. */
#include <stdlib.h>

#include "ledger/catalog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char colours[] = "codelist: colour\nzh: 颜色\nen: Colour\nsource: fuzz\ncodes:\n"
                              "  - {code: red, zh: 红, en: Red}\n  - {code: blue, zh: 蓝, en: Blue}\n";

static void read_as(const struct field *f, struct text t) {
    struct arena a = {0};
    struct buf out = {.max = 1 << 22};
    struct value v = {0}, back = {0};
    struct error err = {0};
    if (field_parse(f, t, ZONE_CHINA_S, &a, &v, &err) == 0) {
        if (field_check_value(f, v, &err) < 0 || field_format(f, v, ZONE_CHINA_S, &out) < 0) abort();
        if (field_parse(f, buf_view(&out), ZONE_CHINA_S, &a, &back, &err) < 0 || !value_eq(v, back)) abort();
        field_display(f, v, ZONE_CHINA_S, t.n % 2, &out);
    } else if (err.code != E_INVALID) {
        abort();
    }
    buf_clear(&out);
    arena_clear(&a);
}

static void check_documents(struct text t) {
    static const char *const types[] = {"id-card",       "passport", "hm-permit", "taiwan-permit",
                                        "hmt-residence", "none",     "other",     ""};
    char phone[24];
    day born;
    int sex;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) document_valid(text_of(types[i]), t, NULL);
    if (id_card_valid(t) != id_card_birth(t, &born, &sex)) abort();
    if (phone_normal(t, phone)) {
        char again[24];
        (void)phone_normal(text_of(phone), again);
    }
    unit_code_valid(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena a = {0};
    struct codelist list = {0};
    struct yaml *root = NULL;
    struct text t = {(const char *)data, size};
    if (yaml_parse(&a, TEXT(colours), "colour.yaml", &root, NULL) < 0 ||
        codelist_declare(&a, root, &list, NULL) < 0) {
        arena_clear(&a);
        return 0;
    }
    for (int type = 0; type < FIELD_TYPES; type++) {
        struct field f = {.name = TEXT("f"),
                          .type = (enum field_type)type,
                          .scale = type == FIELD_DECIMAL ? 2 : 0,
                          .codes = &list};
        f.multiple = type == FIELD_CODE && size % 3 == 0;
        if (type == FIELD_TEXT) {
            f.has_max = true;
            f.max = 1000;
            for (int check = CHECK_NONE; check <= CHECK_PHONE; check++) {
                f.check = (enum field_check)check;
                f.sealed = check % 2;
                read_as(&f, t);
            }
        } else
            read_as(&f, t);
    }
    check_documents(t);
    arena_clear(&a);
    return 0;
}
