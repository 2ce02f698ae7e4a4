/* base: YAML as a tree whose every node knows its line and column (libyaml underneath), so that an error found long
 * after parsing still names its place. Aliases are refused; depth, size and node count have maxima. */
#ifndef TOCSIN_BASE_YAML_H
#define TOCSIN_BASE_YAML_H

#include "base/text.h"

enum { YAML_MAX_BYTES = 4 << 20, YAML_MAX_NODES = 400000, YAML_MAX_DEPTH = 32 };
enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml {
    enum yaml_kind kind;
    int line, column;     /* from 1 */
    const char *file;     /* for messages */
    bool quoted;          /* scalar written in quotes or as a block */
    struct text text;     /* scalar; NUL-ended */
    size_t n;             /* items, or pairs */
    struct yaml **keys;   /* map: keys[i] -> items[i]; keys are scalars, unique */
    struct yaml **items;
};

/* Parses; nodes live in the arena. file names the source in messages. Errors: E_SYNTAX, E_TOO_LARGE, E_MEMORY. */
int yaml_parse(struct arena *a, struct text source, const char *file, struct yaml **ret, struct error *err);
int yaml_read(struct arena *a, const char *path, struct yaml **ret, struct error *err);

/* Fills err with code and the node's place "file:line:column". node may be NULL. */
int yaml_error(const struct yaml *node, struct error *err, int code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Lookups. yaml_get: NULL when absent or not a map. The typed ones leave *ret as it was when the key is absent
 * (required = false) and fail with the place when it is present with a wrong shape. */
const struct yaml *yaml_get(const struct yaml *map, const char *key);
int yaml_text(const struct yaml *map, const char *key, bool required, struct text *ret, struct error *err);
int yaml_int(const struct yaml *map, const char *key, bool required, int64_t *ret, struct error *err);
int yaml_bool(const struct yaml *map, const char *key, bool required, bool *ret, struct error *err);
int yaml_list(const struct yaml *map, const char *key, bool required, const struct yaml **ret, struct error *err);
int yaml_map(const struct yaml *map, const char *key, bool required, const struct yaml **ret, struct error *err);
/* Refuses keys of the map that are not in the NULL-ended list: a typing mistake is told, never ignored. */
int yaml_only(const struct yaml *map, const char *const *allowed, struct error *err);

#endif
