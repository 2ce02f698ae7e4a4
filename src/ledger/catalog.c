#include "ledger/catalog.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/near.h"

/* ---- words of the language that every piece shares */

bool name_valid(struct text t) {
    if (t.n == 0 || t.n > NAME_MAX_CHARS || t.s[0] < 'a' || t.s[0] > 'z') return false;
    for (size_t i = 1; i < t.n; i++) {
        char c = t.s[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_')) return false;
    }
    return true;
}

int declare_text(const struct yaml *map, const char *key, bool required, struct text *ret,
                 struct error *err) {
    struct text t = {NULL, 0};
    int rc = yaml_text(map, key, required, &t, err);
    if (rc || !t.s) return rc;
    if (text_trim(t).n == 0) return yaml_error(yaml_get(map, key), err, E_INVALID, "%s is empty", key);
    if (!text_utf8_valid(t)) return yaml_error(yaml_get(map, key), err, E_SYNTAX, "%s is not UTF-8", key);
    *ret = t;
    return 0;
}

int declare_list(struct arena *a, const struct yaml *root, const char *key, size_t each, const struct yaml **ret, void *items, struct error *err) {
    *ret = NULL;
    int rc = yaml_list(root, key, false, ret, err);
    if (rc || !*ret) return rc;
    void *room = arena_alloc(a, ((*ret)->n + 1) * each);
    if (!room) return error_set(err, E_MEMORY, root->file, "out of memory");
    memcpy(items, &room, sizeof room);
    return 0;
}

int declare_reference(const struct register_decl *r, const struct yaml *map, const char *key, struct text *ret, struct error *err) {
    int rc = declare_text(map, key, true, ret, err);
    if (rc) return rc;
    int f = register_field(r, *ret);
    if (f >= 0 && r->fields[f].type == FIELD_REFERENCE) return 0;
    return yaml_error(yaml_get(map, key), err, E_UNKNOWN, "%s is no reference of this register / 不是本登记册的引用字段", ret->s);
}

int declare_words(struct arena *a, const struct yaml *map, const char *key, struct text **ret, size_t *ret_n,
                  struct error *err) {
    const struct yaml *node = yaml_get(map, key);
    size_t n = !node ? 0 : node->kind == YAML_LIST ? node->n : 1;
    if (n == 0) {
        *ret = NULL;
        *ret_n = 0;
        return 0;
    }
    struct text *words = arena_alloc(a, n * sizeof *words);
    if (!words) return error_set(err, E_MEMORY, node->file, "out of memory");
    for (size_t i = 0; i < n; i++) {
        const struct yaml *item = node->kind == YAML_LIST ? node->items[i] : node;
        if (item->kind != YAML_SCALAR || text_trim(item->text).n == 0)
            return yaml_error(item, err, E_INVALID, "%s must be a list of words", key);
        words[i] = item->text;
    }
    *ret = words;
    *ret_n = n;
    return 0;
}

/* ---- folders */

struct paths {
    struct arena *arena;
    char **path;
    size_t n, room;
};

static int paths_add(struct paths *p, char *path, struct error *err) {
    if (p->n == CATALOG_FILES_MAX)
        return error_set(err, E_TOO_LARGE, path, "more than %d files", CATALOG_FILES_MAX);
    if (!arena_room(p->arena, &p->path, &p->room, p->n + 1, sizeof *p->path)) return error_set(err, E_MEMORY, path, "out of memory");
    p->path[p->n++] = path;
    return 0;
}

static bool is_yaml(const char *name) {
    size_t n = strlen(name);
    return (n > 5 && strcmp(name + n - 5, ".yaml") == 0) || (n > 4 && strcmp(name + n - 4, ".yml") == 0);
}

static int walk(struct paths *p, const char *dir, int depth, struct error *err) {
    if (depth > CATALOG_DEPTH_MAX)
        return error_set(err, E_TOO_LARGE, dir, "folders nested deeper than %d", CATALOG_DEPTH_MAX);
    DIR *d = opendir(dir);
    if (!d) return error_set(err, error_from_errno(), dir, "cannot be opened as a folder");
    int rc = 0;
    const struct dirent *entry;
    while (!rc && (errno = 0, entry = readdir(d))) {
        if (entry->d_name[0] == '.') continue;
        struct stat st;
        char *path = arena_printf(p->arena, "%s/%s", dir, entry->d_name);
        if (!path)
            rc = error_set(err, E_MEMORY, dir, "out of memory");
        else if (stat(path, &st) < 0)
            rc = error_set(err, error_from_errno(), path, "cannot be read / 无法读取");
        else if (S_ISDIR(st.st_mode))
            rc = walk(p, path, depth + 1, err);
        else if (is_yaml(entry->d_name))
            rc = paths_add(p, path, err);
    }
    if (!rc && errno) rc = error_set(err, error_from_errno(), dir, "cannot be listed");
    closedir(d);
    return rc;
}

/* Folder order differs between file systems; messages and record order must not. */
static int by_path(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int list_files(struct arena *a, const char *dir, struct paths *ret, struct error *err) {
    struct paths p = {.arena = a};
    int rc = walk(&p, dir, 0, err);
    if (!rc && p.n) qsort(p.path, p.n, sizeof *p.path, by_path);
    if (!rc) *ret = p;
    return rc;
}

/* ---- loading */

static int by_list_name(const void *a, const void *b) {
    return text_cmp(((const struct codelist *)a)->name, ((const struct codelist *)b)->name);
}

static int load_codelists(struct catalog *c, const char *dir, struct error *err) {
    struct paths files = {0};
    int rc = list_files(&c->arena, dir, &files, err);
    if (!rc && files.n) {
        c->codelists = arena_alloc(&c->arena, files.n * sizeof *c->codelists);
        if (!c->codelists) rc = error_set(err, E_MEMORY, dir, "out of memory");
    }
    for (size_t i = 0; !rc && i < files.n; i++) {
        struct yaml *root = NULL;
        struct codelist *l = &c->codelists[i];
        rc = yaml_read(&c->arena, files.path[i], &root, err);
        if (!rc) rc = codelist_declare(&c->arena, root, l, err);
        for (size_t k = 0; !rc && k < i; k++)
            if (text_eq(c->codelists[k].name, l->name))
                rc = yaml_error(yaml_get(root, "codelist"), err, E_INVALID,
                                "code list %s is also declared in %s", l->name.s, files.path[k]);
        if (!rc) c->n_codelists = i + 1;
    }
    /* sorted before any register takes a pointer into the array */
    if (!rc && c->n_codelists) qsort(c->codelists, c->n_codelists, sizeof *c->codelists, by_list_name);
    return rc;
}

/* A register with the file it came from, so that both are sorted together. */
struct loaded {
    struct register_decl decl;
    const struct yaml *root;
};

static int by_register_name(const void *a, const void *b) {
    return text_cmp(((const struct loaded *)a)->decl.name, ((const struct loaded *)b)->decl.name);
}

static int load_registers(struct catalog *c, const char *dir, struct error *err) {
    struct paths files = {0};
    int rc = list_files(&c->arena, dir, &files, err);
    if (rc) return rc;
    if (files.n == 0) return error_set(err, E_UNKNOWN, dir, "no register is declared here");
    struct loaded *all = arena_alloc(&c->arena, files.n * sizeof *all);
    c->registers = arena_alloc(&c->arena, files.n * sizeof *c->registers);
    if (!all || !c->registers) return error_set(err, E_MEMORY, dir, "out of memory");
    for (size_t i = 0; !rc && i < files.n; i++) {
        struct yaml *root = NULL;
        rc = yaml_read(&c->arena, files.path[i], &root, err);
        if (!rc) rc = register_declare(c, root, &all[i].decl, err);
        all[i].root = root;
        for (size_t k = 0; !rc && k < i; k++)
            if (text_eq(all[k].decl.name, all[i].decl.name))
                rc = yaml_error(yaml_get(root, "register"), err, E_INVALID,
                                "register %s is also declared in %s", all[i].decl.name.s, all[k].decl.file);
    }
    if (rc) return rc;
    qsort(all, files.n, sizeof *all, by_register_name);
    for (size_t i = 0; i < files.n; i++) {
        c->registers[i] = all[i].decl;
        c->registers[i].order = (int)i;
    }
    c->n_registers = files.n;
    for (size_t i = 0; !rc && i < files.n; i++) rc = register_resolve(c, all[i].root, &c->registers[i], err);
    return rc;
}

int catalog_load(const char *registers_dir, const char *codes_dir, struct catalog **ret, struct error *err) {
    struct catalog *c = mem_alloc(sizeof *c);
    if (!c) return error_set(err, E_MEMORY, registers_dir, "out of memory");
    int rc = load_codelists(c, codes_dir, err);
    if (!rc) rc = load_registers(c, registers_dir, err);
    if (rc)
        catalog_free(c);
    else
        *ret = c;
    return rc;
}

void catalog_free(struct catalog *c) {
    if (!c) return;
    arena_clear(&c->arena);
    mem_free(c);
}

/* ---- finding */

const struct register_decl *register_find(const struct catalog *c, struct text name) {
    for (size_t low = 0, high = c->n_registers; low < high;) {
        size_t mid = low + (high - low) / 2;
        int cmp = text_cmp(c->registers[mid].name, name);
        if (cmp == 0) return &c->registers[mid];
        if (cmp < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

const struct codelist *codelist_find(const struct catalog *c, struct text name) {
    for (size_t low = 0, high = c->n_codelists; low < high;) {
        size_t mid = low + (high - low) / 2;
        int cmp = text_cmp(c->codelists[mid].name, name);
        if (cmp == 0) return &c->codelists[mid];
        if (cmp < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

int register_field(const struct register_decl *r, struct text name) {
    for (size_t i = 0; i < r->n_fields; i++)
        if (text_eq(r->fields[i].name, name)) return (int)i;
    return -1;
}

int register_field_of(const struct register_decl *r, struct text name, uint32_t types, bool *bad) {
    int f = name.n ? register_field(r, name) : -1;
    if (name.n && (f < 0 || r->fields[f].sealed || !(types >> r->fields[f].type & 1))) *bad = true;
    return f;
}

void register_field_near(const struct register_decl *r, struct text name, struct error *err) {
    struct near near = {.typed = name};
    for (size_t i = 0; i < r->n_fields; i++) near_try(&near, r->fields[i].name);
    near_tell(&near, err);
}

int register_state(const struct register_decl *r, struct text name) {
    for (size_t i = 0; i < r->n_states; i++)
        if (text_eq(r->states[i].name, name)) return (int)i;
    return -1;
}

int register_initial(const struct register_decl *r) {
    for (size_t i = 0; i < r->n_states; i++)
        if (r->states[i].initial) return (int)i;
    return -1;
}

bool role_among(const struct text *roles, size_t n, struct text role) {
    for (size_t i = 0; i < n; i++)
        if (text_eq(roles[i], role)) return true;
    return false;
}

const char *role_words(const struct codelist *names, const struct text *roles, size_t n, bool zh, char *out, size_t size) {
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < n; i++) {
        const struct code *c = names ? code_find(names, roles[i]) : NULL;
        struct text word = c ? zh ? c->zh : c->en : roles[i];
        int more = snprintf(out + used, size - used, "%s%.*s", !used ? "" : zh ? "、" : ", ", (int)word.n, word.s);
        if (more < 0 || used + (size_t)more >= size) {
            out[used] = '\0';
            break;
        }
        used += (size_t)more;
    }
    return out;
}

int register_needs(const struct catalog *c, const char *reg, const char *const *names, int *ret_index,
                   const struct register_decl **ret, struct error *err) {
    const struct register_decl *r = register_find(c, text_of(reg));
    if (!r) return error_set(err, E_UNKNOWN, reg, "register %s is needed but not declared", reg);
    for (size_t i = 0; names[i]; i++)
        if (register_field(r, text_of(names[i])) < 0)
            return error_set(err, E_UNKNOWN, r->file, "register %s lacks field %s, which is needed", reg,
                             names[i]);
    for (size_t i = 0; names[i]; i++) ret_index[i] = register_field(r, text_of(names[i]));
    *ret = r;
    return 0;
}
