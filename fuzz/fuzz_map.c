/* desks/intake: any text is a map or an error with a reason; any cells through a map are a row or a refusal, never a crash. The input is a
 * map, a line of ---- and rows of cells set apart by commas. */
#include <string.h>

#include "desks/intake/map.h"
#include "needs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char registers[][900] = {
    "register: person\nzh: 人员\nen: Person\ndesk: intake\nreaders: [intake]\nwriters: [intake]\nkeep: {days: 1, basis: a test}\nfields:\n"
    "  - {name: name, zh: 姓名, en: Name, type: text, max: 100}\n  - {name: sex, zh: 性别, en: Sex, type: code, codes: sex}\n"
    "  - {name: age, zh: 年龄, en: Age, type: integer, min: 0, max: 200}\n  - {name: birth, zh: 生日, en: Birth, type: date}\n",
    "register: case\nzh: 病例\nen: Case\ndesk: intake\nperson_field: person\nreaders: [intake]\nwriters: [intake]\nkeep: {days: 1, basis: a test}\nfields:\n"
    "  - {name: person, zh: 人员, en: Person, type: reference, target: person, required: true}\n"
    "  - {name: onset, zh: 发病日期, en: Onset, type: date}\n  - {name: seen, zh: 发现时间, en: Seen, type: instant}\n"
    "  - {name: note, zh: 备注, en: Note, type: text, max: 300}\n  - {name: source, zh: 来源, en: Source, type: reference, target: case}\n"
    "states:\n  - {name: open, zh: 开, en: Open, initial: true}\n  - {name: closed, zh: 关, en: Closed, final: true}\n"
    "moves:\n  - {from: open, to: closed, roles: [intake]}\n",
};
static const char codes[] = "codelist: sex\nzh: 性别\nen: Sex\nsource: test\ncodes:\n  - {code: male, zh: 男, en: Male, synonyms: [m]}\n  - {code: female, zh: 女, en: Female}\n";

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void write_file(const char *dir, const char *name, const char *body) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    put_file(path, body, strlen(body));
}

/* The target carries its own little catalog, so that an input means the same whatever the registers of the day are. */
static struct catalog *little(void) {
    static struct catalog *c;
    if (c) return c;
    char r[] = "/tmp/fuzz-map-r-XXXXXX", k[] = "/tmp/fuzz-map-c-XXXXXX";
    struct error err = {0};
    need(mkdtemp(r) && mkdtemp(k), r);
    write_file(r, "person.yaml", registers[0]);
    write_file(r, "case.yaml", registers[1]);
    write_file(k, "sex.yaml", codes);
    if (catalog_load(r, k, &c, &err) < 0) {
        fprintf(stderr, "%s: %s\n", err.where, err.message);
        abort();
    }
    const char *const made[] = {"person.yaml", "case.yaml"};
    char path[256];
    for (int i = 0; i < 2; i++) snprintf(path, sizeof path, "%s/%s", r, made[i]), unlink(path);
    snprintf(path, sizeof path, "%s/sex.yaml", k);
    unlink(path);
    rmdir(r);
    rmdir(k);
    return c;
}

static size_t cut(const char *s, size_t n, struct text cells[8]) {
    size_t k = 0, from = 0;
    for (size_t i = 0; i <= n && k < 8; i++)
        if (i == n || s[i] == ',') {
            cells[k++] = (struct text){s + from, i - from};
            from = i + 1;
        }
    return k;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *s = (const char *)data, *line = memmem(s, size, "\n----\n", 6);
    struct catalog *c = little();
    struct map *m = NULL;
    struct map_binding *b = NULL;
    struct error err = {0};
    struct text headers[] = {TEXT("a"), TEXT("b"), TEXT("c"), TEXT("姓名"), TEXT("onset"), TEXT("a")};
    size_t map_bytes = line ? (size_t)(line - s) + 1 : size;
    if (map_parse(c, (struct text){s, map_bytes}, "fuzz", &m, &err) < 0) {
        if (!err.code || !err.message[0]) __builtin_trap(); /* a failure without its reason */
        if (map_auto(c, register_find(c, TEXT("case")), TEXT("0123456789ab"), headers, 6, &m, NULL, NULL) < 0) return 0;
    }
    if (map_bind(m, headers, 6, &b, NULL) == 0) {
        const char *end = s + size, *at = line ? line + 6 : s;
        for (int rows = 0; at < end && rows < 16; rows++) {
            const char *stop = memchr(at, '\n', (size_t)(end - at));
            struct text cells[8];
            struct arena a = {0};
            struct map_result r;
            enum map_outcome outcome = MAP_SKIP;
            size_t n = cut(at, (size_t)((stop ? stop : end) - at), cells);
            if (map_row(m, b, cells, n, rows + 2, 28800, &a, &r, &outcome, NULL) < 0) __builtin_trap(); /* memory is not short here */
            if (outcome == MAP_REJECT && (!r.reason || !r.reason->en[0] || !r.reason->zh[0])) __builtin_trap();
            arena_clear(&a);
            at = stop ? stop + 1 : end;
        }
    }
    map_unbind(b);
    map_free(m);
    return 0;
}
