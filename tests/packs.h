/* The catalog and the packs of the house, for tests. */
#ifndef TOCSIN_TESTS_PACKS_H
#define TOCSIN_TESTS_PACKS_H

#include "check.h"

#include "base/digest.h"
#include "ledger/policy.h"

static struct catalog *catalog;
static char home[512];

static inline const char *in_home(const char *name) {
    static char path[640];
    snprintf(path, sizeof path, "%s/%s", home, name);
    return path;
}

static inline int load_catalog(void **state) {
    (void)state;
    const char *top = getenv("TOCSIN_HOME");
    snprintf(home, sizeof home, "%s", top ? top : ".");
    char registers[640];
    snprintf(registers, sizeof registers, "%s", in_home("registers"));
    struct error err = {0};
    assert_ok(catalog_load(registers, in_home("codes"), &catalog, &err), err);
    return 0;
}

static inline int drop_catalog(void **state) {
    (void)state;
    catalog_free(catalog);
    return 0;
}

static inline struct policy *load(const char *name) {
    struct policy *p = NULL;
    struct error err = {0};
    int rc = policy_load(catalog, in_home("policies"), text_of(name), ZONE_CHINA_S, &p, &err);
    if (rc < 0) fail_msg("%s: %s at %s", name, err.message, err.where);
    return p;
}

#endif
