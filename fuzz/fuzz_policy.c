/* Packs from anybody, with their parents behind them: parse, check, ask for duties, compare with itself, read
 * back what would be kept. */
#include <stdlib.h>

#include "ledger/policy.h"

static struct field stay_fields[] = {
    {.name = {"person", 6}, .type = FIELD_REFERENCE, .target = {"person", 6}},
    {.name = {"exposure", 8}, .type = FIELD_DATE},
    {.name = {"ended_at", 8}, .type = FIELD_INSTANT},
    {.name = {"unit", 4}, .type = FIELD_REFERENCE, .target = {"organisation", 12}},
    {.name = {"kind", 4}, .type = FIELD_TEXT},
};
static struct field test_fields[] = {
    {.name = {"person", 6}, .type = FIELD_REFERENCE, .target = {"person", 6}},
    {.name = {"stay", 4}, .type = FIELD_REFERENCE, .target = {"stay", 4}},
    {.name = {"sampled_at", 10}, .type = FIELD_INSTANT},
    {.name = {"result", 6}, .type = FIELD_TEXT},
};
static struct state states[] = {{.name = {"active", 6}, .initial = true},
                                {.name = {"released", 8}, .final = true}};
static struct register_decl registers[] = {
    {.name = {"stay", 4},
     .n_fields = 5,
     .fields = stay_fields,
     .n_states = 2,
     .states = states,
     .region_field = -1,
     .date_field = -1},
    {.name = {"test", 4},
     .n_fields = 4,
     .fields = test_fields,
     .region_field = -1,
     .date_field = -1,
     .order = 1},
};
static const struct catalog catalog = {.n_registers = 2, .registers = registers};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct policy *p = NULL, *again = NULL;
    struct error err = {0};
    if (size > 1 << 16) return 0;
    if (policy_parse(&catalog, "/no/such/folder", (struct text){(const char *)data, size}, "fuzz",
                     ZONE_CHINA_S, &p, &err) < 0)
        return 0;
    struct value row[5] = {value_int(1), value_int(19142), value_null(), value_int(3), value_str("central")};
    struct expr_scope s = {.values = row,
                           .id = 1,
                           .state = TEXT("active"),
                           .region = TEXT("31"),
                           .version = 1,
                           .now = 1653868800,
                           .today = 19142};
    struct duty out[64];
    size_t n = policy_duties(p, &registers[0], &s, s.now, ZONE_CHINA_S, out, 64);
    for (size_t i = 0; i < n; i++) {
        const struct duty_rule *r = &p->rules[out[i].rule];
        struct duty made;
        duty_pay(r, &out[i], 19145, ZONE_CHINA_S);
        duty_wake(r, &out[i], s.now + 30 * DAY_S, ZONE_CHINA_S);
        for (int k = 0; k < 3 && duty_daily(r, &out[i], s.now + 30 * DAY_S, ZONE_CHINA_S, &made); k++)
            duty_wake(r, &made, s.now, ZONE_CHINA_S);
    }
    struct arena a = {0};
    struct policy_change *changes = NULL;
    size_t differ = 0;
    if (policy_parse(&catalog, "/no/such/folder", p->source_text, "kept", ZONE_CHINA_S, &again, &err) < 0)
        abort();
    if (policy_diff(p, again, false, &a, &changes, &differ, &err) == 0 && differ) abort();
    arena_clear(&a);
    policy_free(again);
    policy_free(p);
    return 0;
}
