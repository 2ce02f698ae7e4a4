/* Cells read as fields: nanoseconds a cell, and rows of a twelve-column contact list a second on one thread.
 * An import of 60,000 rows/s leaves 16,700 ns a row for everything; reading its cells may take a fifth. Exits
 * 1 when that is missed. */
#include <stdio.h>
#include <stdlib.h>

#include "ledger/register.h"

enum { ROWS = 400000, TARGET_NS = 3340 };

static const struct {
    const char *reg, *field, *cell;
} cells[] = {
    {"person", "name", "欧阳震华"},
    {"person", "doc_type", "居民身份证"},
    {"person", "doc_no", "11010519491231002X"},
    {"person", "sex", "男"},
    {"person", "age", "37"},
    {"person", "phone", "13812341234"},
    {"person", "address", "上海市浦东新区世纪大道100号4栋501室"},
    {"contact", "class", "密切接触者"},
    {"contact", "relation", "家庭成员"},
    {"contact", "last_contact", "2022/5/30"},
    {"contact", "found_at", "2022-05-30 17:00:00"},
    {"contact", "symptomatic", "否"},
};
enum { N = sizeof cells / sizeof *cells };

static void fail(const struct error *err) {
    fprintf(stderr, "%s %s\n", err->message, err->where);
    exit(1);
}

int main(void) {
    const char *home = getenv("TOCSIN_HOME") ? getenv("TOCSIN_HOME") : ".";
    char registers[1024], codes[1024];
    struct catalog *c = NULL;
    struct error err = {0};
    snprintf(registers, sizeof registers, "%s/registers", home);
    snprintf(codes, sizeof codes, "%s/codes", home);
    int64_t start = monotonic_ns();
    if (catalog_load(registers, codes, &c, &err) < 0) fail(&err);
    printf("  catalog: %zu registers, %zu code lists, %zu KiB in %.1f ms\n", c->n_registers, c->n_codelists,
           c->arena.used / 1024, (double)(monotonic_ns() - start) / 1e6);
    struct arena a = {0};
    double row_ns = 0;
    for (size_t i = 0; i < N; i++) {
        const struct register_decl *r = register_find(c, text_of(cells[i].reg));
        int at = r ? register_field(r, text_of(cells[i].field)) : -1;
        struct text t = text_of(cells[i].cell);
        struct value v;
        if (at < 0) return 1;
        start = monotonic_ns();
        for (int k = 0; k < ROWS; k++) {
            if (field_parse(&r->fields[at], t, ZONE_CHINA_S, &a, &v, &err) < 0) fail(&err);
            if (k % 1000 == 0) arena_reset(&a);
        }
        double ns = (double)(monotonic_ns() - start) / ROWS;
        row_ns += ns;
        printf("  %-14s %6.0f ns  %s\n", cells[i].field, ns, cells[i].cell);
    }
    printf("  row of %d cells %.0f ns, %.0f rows/s (at most %d ns)\n", N, row_ns, 1e9 / row_ns, TARGET_NS);
    arena_clear(&a);
    catalog_free(c);
    return row_ns <= TARGET_NS ? 0 : 1;
}
