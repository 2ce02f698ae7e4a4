#include "ledger/policy_pack.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int pack_memory(struct pack *k) {
    return error_memory(k->err);
}

/* ---- provenance */

static int certainty(const struct yaml *map, enum certainty *ret, bool *ret_given, struct error *err) {
    static const char *const words[] = {
        [CERTAINTY_HIGH] = "high", [CERTAINTY_MEDIUM] = "medium", [CERTAINTY_LOW] = "low"};
    struct text t = {NULL, 0};
    int rc = yaml_text(map, "certainty", false, &t, err);
    if (rc < 0 || !t.s) return rc;
    for (int i = CERTAINTY_HIGH; i <= CERTAINTY_LOW; i++)
        if (text_is(t, words[i])) {
            *ret = (enum certainty)i;
            *ret_given = true;
            return 0;
        }
    return yaml_error(yaml_get(map, "certainty"), err, E_INVALID, "certainty is high, medium or low");
}

/* Reads what the map says over what *from already holds. */
static int provenance(const struct yaml *map, struct provenance *from, bool *ret_source, bool *ret_certainty,
                      struct error *err) {
    struct text source = {NULL, 0};
    int rc = yaml_text(map, "source", false, &source, err);
    if (!rc) rc = yaml_text(map, "clause", false, &from->clause, err);
    if (!rc) rc = certainty(map, &from->certainty, ret_certainty, err);
    if (!rc) rc = yaml_bool(map, "verified", false, &from->verified, err);
    if (!rc && source.s) {
        if (text_trim(source).n == 0)
            return yaml_error(yaml_get(map, "source"), err, E_INVALID, "source is empty");
        from->source = source;
        *ret_source = true;
    }
    return rc;
}

static bool of_provenance(struct text key) {
    return text_is(key, "source") || text_is(key, "clause") || text_is(key, "certainty") ||
           text_is(key, "verified");
}

/* ---- sections: children laid over parents */

static const struct yaml *section_of(const struct pack_file *f, const char *section) {
    return yaml_get(f->root, section);
}

/* Index of a key in a map, or -1. */
static int key_at(const struct yaml *map, struct text name) {
    for (size_t i = 0; map && i < map->n; i++)
        if (text_eq(map->keys[i]->text, name)) return (int)i;
    return -1;
}

static int lay_over(struct pack *k, struct pack_entry *e, const struct yaml *under) {
    struct yaml *m = e->merged;
    struct yaml **keys = arena_alloc(k->arena, (m->n + under->n + 1) * sizeof *keys);
    struct yaml **items = arena_alloc(k->arena, (m->n + under->n + 1) * sizeof *items);
    if (!keys || !items) return pack_memory(k);
    for (size_t i = 0; i < m->n; i++) {
        keys[i] = m->keys[i];
        items[i] = m->items[i];
    }
    m->keys = keys;
    m->items = items;
    for (size_t i = 0; i < under->n; i++) {
        if (of_provenance(under->keys[i]->text) || key_at(m, under->keys[i]->text) >= 0) continue;
        keys[m->n] = under->keys[i];
        items[m->n++] = under->items[i];
    }
    return 0;
}

/* The entry `name` of the section: topmost file first. */
static int entry(struct pack *k, const char *section, struct text name, struct pack_entry *e) {
    for (size_t f = 0; f < k->n_files; f++) {
        const struct yaml *s = section_of(&k->files[f], section);
        int at = key_at(s, name);
        if (at < 0) continue;
        const struct yaml *map = s->items[at];
        if (map->kind != YAML_MAP) return yaml_error(map, k->err, E_INVALID, "%s must be a map / 须为映射", name.s);
        bool first = !e->merged;
        if (first) {
            e->name = name;
            e->key = s->keys[at];
            e->map = map;
            e->merged = arena_alloc(k->arena, sizeof *e->merged);
            if (!e->merged) return pack_memory(k);
            *e->merged = *map;
            e->merged->n = 0;
            e->from = k->files[f].from;
            bool source = k->files[f].has_source, certain = k->files[f].has_certainty;
            int rc = provenance(map, &e->from, &source, &certain, k->err);
            if (rc < 0) return rc;
            if (!source) return yaml_error(e->key, k->err, E_INVALID, "%s names no source / 没有注明来源", name.s);
            if (!certain)
                return yaml_error(e->key, k->err, E_INVALID, "%s says no certainty (high, medium, low) / 没有注明把握程度 (high、medium、low)",
                                  name.s);
        }
        e->inherited = !first;
        int rc = lay_over(k, e, map);
        if (rc < 0) return rc;
    }
    return 0;
}

/* All entries of a section: the parents' in their order, then the new ones. */
static int section(struct pack *k, const char *name, struct pack_entry **ret, size_t *ret_n) {
    struct pack_entry *list = arena_alloc(k->arena, PACK_ENTRIES_MAX * sizeof *list);
    if (!list) return pack_memory(k);
    size_t n = 0;
    for (size_t f = k->n_files; f-- > 0;) {
        const struct yaml *s = section_of(&k->files[f], name);
        if (s && s->kind != YAML_MAP) return yaml_error(s, k->err, E_INVALID, "%s must be a map / 须为映射", name);
        for (size_t i = 0; s && i < s->n; i++) {
            bool seen = false;
            for (size_t j = 0; !seen && j < n; j++) seen = text_eq(list[j].name, s->keys[i]->text);
            if (seen) continue;
            if (n == PACK_ENTRIES_MAX)
                return yaml_error(s->keys[i], k->err, E_TOO_LARGE, "more than %d %s", PACK_ENTRIES_MAX, name);
            int rc = entry(k, name, s->keys[i]->text, &list[n]);
            if (rc < 0) return rc;
            n++;
        }
    }
    *ret = list;
    *ret_n = n;
    return 0;
}

/* ---- the head of a pack */

static int date(const struct yaml *map, const char *key, bool required, day *ret, struct error *err) {
    struct text t = {NULL, 0};
    int rc = yaml_text(map, key, required, &t, err);
    if (rc < 0 || !t.s || day_parse(t, ret)) return rc;
    return yaml_error(yaml_get(map, key), err, E_INVALID, "%s must be a date that exists (2022-06-28) / 须为存在的日期 (2022-06-28)", key);
}

static int deviation(const struct yaml *root, struct policy *p, struct error *err) {
    static const char *const keys[] = {"approver", "reason", "until", NULL};
    const struct yaml *map = NULL;
    p->deviation_until = DAY_MAX;
    int rc = yaml_map(root, "deviation", false, &map, err);
    if (rc < 0 || !map) return rc;
    if (!yaml_get(root, "extends"))
        return yaml_error(map, err, E_INVALID, "deviation is for a pack that extends another");
    rc = yaml_only(map, keys, err);
    if (!rc) rc = yaml_text(map, "approver", true, &p->deviation_approver, err);
    if (!rc) rc = yaml_text(map, "reason", true, &p->deviation_reason, err);
    if (!rc) rc = date(map, "until", true, &p->deviation_until, err);
    if (!rc && (!text_trim(p->deviation_approver).n || !text_trim(p->deviation_reason).n))
        rc = yaml_error(map, err, E_INVALID, "approver and reason must not be empty");
    if (!rc && p->deviation_until < p->in_force)
        rc = yaml_error(yaml_get(map, "until"), err, E_INVALID,
                        "the deviation ends before the pack is in force");
    return rc;
}

static int head(struct pack *k) {
    static const char *const keys[] = {
        "name",      "zh",       "en",   "extends",   "disease",    "in_force", "source", "clause",
        "certainty", "verified", "note", "deviation", "parameters", "rules",    "limits", NULL};
    const struct pack_file *top = &k->files[0];
    struct policy *p = k->p;
    p->name = top->name;
    p->from = top->from;
    if (k->n_files > 1) p->parent = k->files[1].name;
    int rc = yaml_only(top->root, keys, k->err);
    if (!rc) rc = yaml_text(top->root, "zh", true, &p->zh, k->err);
    if (!rc) rc = yaml_text(top->root, "en", true, &p->en, k->err);
    if (!rc) rc = date(top->root, "in_force", true, &p->in_force, k->err);
    for (size_t f = k->n_files; !rc && f-- > 0;) {
        struct text disease = {NULL, 0};
        const struct yaml *node = yaml_get(k->files[f].root, "disease");
        rc = yaml_text(k->files[f].root, "disease", f + 1 == k->n_files, &disease, k->err);
        if (rc || !disease.s) continue;
        const struct codelist *known = codelist_find(k->catalog, TEXT("disease"));
        if (known && !code_find(known, disease))
            return yaml_error(node, k->err, E_UNKNOWN, "list disease has no code %s", disease.s);
        if (p->disease.s && !text_eq(p->disease, disease))
            return yaml_error(node, k->err, E_INVALID, "the parent is about %s, not %s", p->disease.s,
                              disease.s);
        p->disease = disease;
    }
    return rc ? rc : deviation(top->root, p, k->err);
}

/* A pack is kept with its parents behind it, one YAML document each, so that a later edition of a parent
 * changes nothing adopted. */
static struct text document(struct text *rest) {
    static const struct text mark = {"\n---\n", 5};
    const char *at = rest->n >= mark.n ? memmem(rest->s, rest->n, mark.s, mark.n) : NULL;
    struct text first = {rest->s, at ? (size_t)(at - rest->s) + 1 : rest->n};
    size_t used = at ? first.n + mark.n - 1 : rest->n;
    *rest = (struct text){rest->s + used, rest->n - used};
    return first;
}

static int together(struct arena *a, const struct pack_file *files, size_t n, struct text *ret,
                    struct error *err) {
    struct buf b = {0};
    for (size_t i = 0; i < n; i++) {
        if (i) buf_str(&b, b.n && b.s[b.n - 1] == '\n' ? "---\n" : "\n---\n");
        buf_text(&b, files[i].source);
    }
    struct text all = b.failed ? (struct text){0} : arena_text(a, buf_view(&b));
    buf_clear(&b);
    if (!all.s) return error_memory(err);
    *ret = all;
    return 0;
}

/* ---- the chain of files */

static bool name_good(struct text t) {
    if (!t.n || t.n > PACK_NAME_MAX || t.s[0] < 'a' || t.s[0] > 'z') return false;
    for (size_t i = 0; i < t.n; i++)
        if (!(t.s[i] >= 'a' && t.s[i] <= 'z') && !(t.s[i] >= '0' && t.s[i] <= '9') && t.s[i] != '-')
            return false;
    return true;
}

/* Parses one file of the chain; the source is copied into the arena. */
static int file_open(struct arena *a, struct text source, const char *path, struct pack_file *f,
                     struct error *err) {
    f->source = arena_text(a, source);
    if (!f->source.s) return error_set(err, E_MEMORY, path, "out of memory");
    if (memmem(f->source.s, f->source.n, "\n---", 4))
        return error_set(err, E_SYNTAX, path, "a pack is one document");
    struct yaml *root = NULL;
    int rc = yaml_parse(a, f->source, path, &root, err);
    if (rc < 0) return rc;
    if (root->kind != YAML_MAP) return yaml_error(root, err, E_SYNTAX, "a pack is a map: name, zh, en, ...");
    f->root = root;
    rc = yaml_text(root, "name", true, &f->name, err);
    if (!rc && !name_good(f->name))
        rc = yaml_error(yaml_get(root, "name"), err, E_INVALID,
                        "a pack is named with a-z, 0-9 and -, at most %d", PACK_NAME_MAX);
    return rc ? rc : provenance(root, &f->from, &f->has_source, &f->has_certainty, err);
}

static int file_read_in(struct arena *a, const char *dir, struct text name, struct pack_file *f,
                        struct error *err) {
    struct buf b = {.max = YAML_MAX_BYTES};
    const char *path = arena_printf(a, "%s/%.*s.yaml", dir, (int)name.n, name.s);
    if (!path) return error_memory(err);
    int rc = file_read(path, YAML_MAX_BYTES, &b, err);
    if (!rc) rc = file_open(a, buf_view(&b), path, f, err);
    if (!rc && !text_eq(f->name, name))
        rc = yaml_error(yaml_get(f->root, "name"), err, E_INVALID,
                        "the file is %s.yaml but the pack calls itself %s", arena_text(a, name).s, f->name.s);
    buf_clear(&b);
    return rc;
}

/* Appends the parents of files[0] to the chain. */
static int chain(struct arena *a, const char *dir, struct text behind, const char *path,
                 struct pack_file *files, size_t *n, struct error *err) {
    for (;;) {
        struct text parent = {NULL, 0};
        const struct yaml *root = files[*n - 1].root;
        int rc = yaml_text(root, "extends", false, &parent, err);
        if (rc < 0 || !parent.s) return rc;
        const struct yaml *node = yaml_get(root, "extends");
        if (!name_good(parent))
            return yaml_error(node, err, E_INVALID, "a pack is named with a-z, 0-9 and -");
        for (size_t i = 0; i < *n; i++)
            if (text_eq(files[i].name, parent))
                return yaml_error(node, err, E_INVALID, "%s extends itself in a loop / 方案循环引用自身", parent.s);
        if (*n == PACK_DEPTH_MAX)
            return yaml_error(node, err, E_TOO_LARGE, "more than %d packs stand on each other",
                              PACK_DEPTH_MAX);
        struct error own = {0};
        if (behind.n)
            rc = file_open(a, document(&behind), path, &files[*n], &own);
        else
            rc = file_read_in(a, dir, parent, &files[*n], &own);
        if (!rc && !text_eq(files[*n].name, parent))
            rc = yaml_error(node, err, E_INVALID, "pack %s is not what stands behind", parent.s);
        if (rc == E_IO) return yaml_error(node, err, E_UNKNOWN, "no pack %s in %s", parent.s, dir);
        if (rc < 0) return error_set(err, rc, own.where, "%s", own.message);
        (*n)++;
    }
}

/* Builds the pack that starts at files[0]; parents first, because a child is compared with its parent. */
static int build(struct pack *k, struct policy *ret) {
    struct policy *parent = NULL;
    if (k->n_files > 1) {
        parent = arena_alloc(k->arena, sizeof *parent);
        if (!parent) return pack_memory(k);
        struct pack up = *k;
        up.files++;
        up.n_files--;
        int rc = build(&up, parent);
        if (rc < 0) return rc;
    }
    k->p = ret;
    int rc = head(k);
    if (!rc) rc = section(k, "parameters", &k->parameters, &ret->n_parameters);
    if (!rc) rc = section(k, "rules", &k->rules, &ret->n_rules);
    if (!rc) rc = section(k, "limits", &k->limits, &ret->n_limits);
    if (!rc) rc = pack_parameters(k);
    if (!rc) rc = pack_rules(k);
    if (!rc) rc = pack_limits(k);
    if (!rc) rc = pack_check(k);
    if (!rc && parent) rc = pack_check_parent(k, parent);
    return rc;
}

static int load(const struct catalog *c, const char *dir, struct text name, const struct text *source,
                bool kept, const char *file, int32_t zone_s, struct policy **ret, struct error *err) {
    struct error own = {0};
    if (!err) err = &own;
    struct policy *p = mem_alloc(sizeof *p);
    if (!p) return error_memory(err);
    struct pack_file files[PACK_DEPTH_MAX] = {0};
    size_t n = 1;
    struct error reading = {0};
    /* only what was adopted brings its parents along: a file with a parent of its own making would check
     * itself */
    struct text behind = source && kept ? *source : (struct text){"", 0};
    int rc = source ? file_open(&p->arena, kept ? document(&behind) : *source, file, &files[0], err)
                    : file_read_in(&p->arena, dir, name, &files[0], &reading);
    if (rc == E_IO)
        rc = error_set(err, E_UNKNOWN, reading.where, "no pack %.*s in %s", (int)name.n, name.s, dir);
    if (rc < 0)
        error_set(err, rc, reading.where, "%s", reading.message); /* an err that is filled stays as it is */
    if (!rc) rc = chain(&p->arena, dir, behind, file, files, &n, err);
    struct pack k = {
        .catalog = c, .zone_s = zone_s, .arena = &p->arena, .files = files, .n_files = n, .err = err};
    if (!rc) rc = build(&k, p);
    if (!rc) rc = together(&p->arena, files, n, &p->source_text, err);
    if (rc < 0) {
        policy_free(p);
        return rc;
    }
    *ret = p;
    return 0;
}

int policy_load(const struct catalog *c, const char *dir, struct text name, int32_t zone_s,
                struct policy **ret, struct error *err) {
    if (!name_good(name)) return error_set(err, E_UNKNOWN, NULL, "a pack is named with a-z, 0-9 and - / 方案名只用 a-z、0-9 和 -");
    return load(c, dir, name, NULL, false, NULL, zone_s, ret, err);
}

int policy_parse(const struct catalog *c, const char *dir, struct text source, const char *file,
                 int32_t zone_s, struct policy **ret, struct error *err) {
    return load(c, dir, (struct text){0}, &source, true, file, zone_s, ret, err);
}

int policy_check_text(const struct catalog *c, const char *dir, struct text source, const char *file, int32_t zone_s, struct policy **ret, struct error *err) {
    if (source.n > YAML_MAX_BYTES) return error_set(err, E_TOO_LARGE, file, "more than %d bytes / 超过 %d 字节", YAML_MAX_BYTES, YAML_MAX_BYTES);
    return load(c, dir, (struct text){0}, &source, false, file, zone_s, ret, err);
}

int policy_check(const struct catalog *c, const char *dir, const char *path, int32_t zone_s,
                 struct policy **ret, struct error *err) {
    struct buf b = {.max = YAML_MAX_BYTES};
    int rc = file_read(path, YAML_MAX_BYTES, &b, err);
    struct text source = buf_view(&b);
    if (!rc) rc = load(c, dir, (struct text){0}, &source, false, path, zone_s, ret, err);
    buf_clear(&b);
    return rc;
}

void policy_free(struct policy *p) {
    if (!p) return;
    arena_clear(&p->arena);
    mem_free(p);
}

int policy_rule(const struct policy *p, struct text code) {
    for (size_t i = 0; i < p->n_rules; i++)
        if (text_eq(p->rules[i].code, code)) return (int)i;
    return -1;
}

const struct parameter *policy_parameter(const struct policy *p, struct text name) {
    for (size_t i = 0; i < p->n_parameters; i++)
        if (text_eq(p->parameters[i].name, name)) return &p->parameters[i];
    return NULL;
}

int64_t policy_number(const struct policy *p, const char *name, int64_t otherwise) {
    const struct parameter *a = p ? policy_parameter(p, text_of(name)) : NULL;
    return a ? a->value : otherwise;
}

/* ---- the packs of a folder */

static int by_text(const void *a, const void *b) {
    return text_cmp(*(const struct text *)a, *(const struct text *)b);
}

int policy_names(const char *dir, struct arena *a, struct text **ret, size_t *ret_n, struct error *err) {
    enum { NAMES_MAX = 512 };
    DIR *d = opendir(dir);
    if (!d) return error_set(err, error_from_errno(), dir, "%s", strerror(errno));
    struct text *list = arena_alloc(a, NAMES_MAX * sizeof *list);
    int rc = list ? 0 : error_set(err, E_MEMORY, dir, "out of memory");
    size_t n = 0;
    for (struct dirent *e; !rc && (e = readdir(d));) {
        struct text t = text_of(e->d_name);
        if (t.n <= 5 || memcmp(t.s + t.n - 5, ".yaml", 5) != 0 || !name_good((struct text){t.s, t.n - 5}))
            continue;
        if (n == NAMES_MAX) rc = error_set(err, E_TOO_LARGE, dir, "more than %d packs", NAMES_MAX);
        if (!rc && !(list[n] = arena_text(a, (struct text){t.s, t.n - 5})).s)
            rc = error_set(err, E_MEMORY, dir, "out of memory");
        n++;
    }
    closedir(d);
    if (rc < 0) return rc;
    qsort(list, n, sizeof *list, by_text);
    *ret = list;
    *ret_n = n;
    return 0;
}
