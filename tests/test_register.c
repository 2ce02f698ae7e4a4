#include "check.h"

#include "ledger/register.h"

static const char *home(void) {
    const char *h = getenv("TOCSIN_HOME");
    return h ? h : ".";
}

static int load(struct catalog **ret, struct error *err) {
    char registers[512], codes[512];
    snprintf(registers, sizeof registers, "%s/registers", home());
    snprintf(codes, sizeof codes, "%s/codes", home());
    return catalog_load(registers, codes, ret, err);
}

static void the_declared_catalog_loads(void **state) {
    (void)state;
    struct catalog *c = NULL;
    struct error err = {0};
    assert_ok(load(&c, &err), err);
    assert_non_null(register_find(c, TEXT("case")));
    catalog_free(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_declared_catalog_loads)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
