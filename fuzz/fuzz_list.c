/* Parameters of a list from anybody: "name=value" lines into a query, its conditions into SQL, its cursor opened. Nothing of the input may reach a
 * statement's text outside quotes, and no parameter may be bound that is not there. */
#include <stdlib.h>
#include <string.h>

#include "desks/list/inside.h"

static struct code codes[] = {{.code = {"close", 5}}, {.code = {"secondary", 9}}};
static const struct codelist list = {.name = {"contact_class", 13}, .n = 2, .codes = codes};
static struct field fields[] = {
    {.name = {"onset", 5}, .type = FIELD_DATE, .indexed = true},
    {.name = {"age", 3}, .type = FIELD_INTEGER},
    {.name = {"ct", 2}, .type = FIELD_DECIMAL, .scale = 2},
    {.name = {"class", 5}, .type = FIELD_CODE, .codes = &list},
    {.name = {"several", 7}, .type = FIELD_CODE, .codes = &list, .multiple = true},
    {.name = {"name", 4}, .type = FIELD_TEXT, .sealed = true, .blind = BLIND_NAME},
    {.name = {"note", 4}, .type = FIELD_TEXT},
    {.name = {"abnormal", 8}, .type = FIELD_BOOLEAN},
    {.name = {"at", 2}, .type = FIELD_INSTANT},
    {.name = {"hold", 4}, .type = FIELD_DURATION},
    {.name = {"home", 4}, .type = FIELD_REGION},
    {.name = {"place", 5}, .type = FIELD_REFERENCE, .target = {"place", 5}, .indexed = true},
};
enum { N = sizeof fields / sizeof *fields, PARAMS = 24 };
static struct state states[] = {{.name = {"found", 5}}, {.name = {"placed", 6}}};
static const struct register_decl reg = {.name = {"person", 6}, .n_fields = N, .fields = fields, .n_states = 2, .states = states, .region_field = -1, .person_field = -1, .date_field = -1};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Outside quotes the text of a condition is made of our own characters; every ?N is bound. */
static void check(const struct list_sql *sql) {
    char quote = 0;
    for (size_t i = 0; i < sql->text.n; i++) {
        char c = sql->text.s[i];
        if (quote) {
            if (c == quote) quote = 0;
        } else if (c == '\'' || c == '"') {
            quote = c;
        } else if (c == ';' || c == '\\' || c == '\0' || (unsigned char)c >= 0x80) {
            abort();
        } else if (c == '?' && strtoul(sql->text.s + i + 1, NULL, 10) > sql->n) {
            abort();
        }
    }
    if (quote) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct list_sql sql;
    struct ledger l = {.zone_s = ZONE_CHINA_S};
    struct arena a = {0};
    struct list_param params[PARAMS];
    struct error err = {0};
    struct list_query q;
    struct list_scope scope;
    struct grant g = {.role = TEXT("root"), .region = TEXT("3101")};
    struct session s = {.account = TEXT("fuzz"), .n_grants = 1, .grants = &g, .now = 1653868800};
    size_t n = 0;
    struct text rest = {(const char *)data, size};
    while (rest.n && n < PARAMS) {
        const char *end = memchr(rest.s, '\n', rest.n);
        struct text line = {rest.s, end ? (size_t)(end - rest.s) : rest.n};
        const char *equals = line.n ? memchr(line.s, '=', line.n) : NULL;
        if (equals) params[n++] = (struct list_param){{line.s, (size_t)(equals - line.s)}, {equals + 1, line.n - (size_t)(equals - line.s) - 1}};
        rest.s += line.n + (end != NULL);
        rest.n -= line.n + (end != NULL);
    }
    if (list_query_parse(&l, &reg, params, n, &a, &q, &err) == 0 && list_scope_of(&s, &q, &a, &scope, &err) == 0)
        for (int lite = 0; lite < 2; lite++) {
            list_sql_reset(&sql);
            sql.lite = lite;
            list_scope_sql(&sql, &scope, true);
            list_terms_sql(&sql, &l, &s, &q, q.sort);
            if (list_sql_check(&sql, NULL) == 0 && buf_cstr(&sql.text)) check(&sql);
            for (size_t i = 0; i < scope.n; i++)
                if (!region_within(scope.regions[i], g.region)) abort();
        }
    arena_clear(&a);
    return 0;
}
