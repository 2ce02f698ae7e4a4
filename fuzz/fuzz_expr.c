/* Conditions from anybody: parse, evaluate over a row of NULLs and a row of values, write as SQL. */
#include <string.h>

#include "ledger/expr.h"

static struct code codes[] = {{.code = {"close", 5}}, {.code = {"secondary", 9}}};
static const struct codelist list = {.name = {"contact_class", 13}, .n = 2, .codes = codes};
static struct field fields[] = {
    {.name = {"onset", 5}, .type = FIELD_DATE},
    {.name = {"age", 3}, .type = FIELD_INTEGER},
    {.name = {"ct", 2}, .type = FIELD_DECIMAL, .scale = 2},
    {.name = {"class", 5}, .type = FIELD_CODE, .codes = &list},
    {.name = {"several", 7}, .type = FIELD_CODE, .codes = &list, .multiple = true},
    {.name = {"name", 4}, .type = FIELD_TEXT, .sealed = true},
    {.name = {"note", 4}, .type = FIELD_TEXT},
    {.name = {"abnormal", 8}, .type = FIELD_BOOLEAN},
    {.name = {"at", 2}, .type = FIELD_INSTANT},
    {.name = {"hold", 4}, .type = FIELD_DURATION},
};
enum { N = sizeof fields / sizeof *fields };
static struct state states[] = {{.name = {"found", 5}}, {.name = {"placed", 6}}};
static const struct register_decl reg = {
    .name = {"contact", 7}, .n_fields = N, .fields = fields, .n_states = 2, .states = states};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena a = {0};
    struct buf sql = {.max = 1 << 20};
    struct error err = {0};
    struct expr *e = NULL;
    if (expr_parse(&a, (struct text){(const char *)data, size}, &reg, ZONE_CHINA_S, &e, &err) == 0) {
        struct value row[N], nothing[N];
        for (int i = 0; i < N; i++) {
            bool text = fields[i].type == FIELD_TEXT || fields[i].type == FIELD_CODE;
            row[i] = text ? value_str("close;secondary") : value_int(INT64_MAX - i);
            nothing[i] = value_null();
        }
        struct expr_scope s = {.values = row,
                               .id = 1,
                               .number = TEXT("C-1"),
                               .state = TEXT("found"),
                               .region = TEXT("31"),
                               .version = 1,
                               .now = 1653868800,
                               .today = 19142};
        expr_eval(e, &s);
        s.values = nothing;
        expr_eval(e, &s);
        expr_sql(e, s.now, s.today, "t.", &sql);
    }
    buf_clear(&sql);
    arena_clear(&a);
    return 0;
}
