#include "base/yaml.h"

#include <stdio.h>
#include <string.h>
#include <yaml.h>

int yaml_error(const struct yaml *node, struct error *err, int code, const char *format, ...) {
    char message[ERROR_MESSAGE_MAX], where[ERROR_WHERE_MAX];
    va_list args;
    va_start(args, format);
    error_write(message, sizeof message, format, args);
    va_end(args);
    if (node) snprintf(where, sizeof where, "%s:%d:%d", node->file, node->line, node->column);
    return error_set(err, code, node ? where : NULL, "%s", message);
}

struct loader {
    struct arena *arena;
    yaml_document_t *document;
    const char *file;
    size_t nodes;
};

static int load_node(struct loader *l, int id, int depth, struct yaml **ret, struct error *err);

static int load_items(struct loader *l, struct yaml *node, const yaml_node_t *from, int depth, struct error *err) {
    int rc = 0;
    if (from->type == YAML_SEQUENCE_NODE) {
        node->kind = YAML_LIST;
        node->n = (size_t)(from->data.sequence.items.top - from->data.sequence.items.start);
        node->items = arena_alloc(l->arena, (node->n + 1) * sizeof *node->items);
        if (!node->items) return error_set(err, E_MEMORY, l->file, "out of memory");
        for (size_t i = 0; !rc && i < node->n; i++)
            rc = load_node(l, from->data.sequence.items.start[i], depth + 1, &node->items[i], err);
        return rc;
    }
    node->kind = YAML_MAP;
    node->n = (size_t)(from->data.mapping.pairs.top - from->data.mapping.pairs.start);
    node->keys = arena_alloc(l->arena, (node->n + 1) * sizeof *node->keys);
    node->items = arena_alloc(l->arena, (node->n + 1) * sizeof *node->items);
    if (!node->keys || !node->items) return error_set(err, E_MEMORY, l->file, "out of memory");
    for (size_t i = 0; !rc && i < node->n; i++) {
        const yaml_node_pair_t *pair = &from->data.mapping.pairs.start[i];
        rc = load_node(l, pair->key, depth + 1, &node->keys[i], err);
        if (!rc && node->keys[i]->kind != YAML_SCALAR)
            rc = yaml_error(node->keys[i], err, E_SYNTAX, "a key must be a plain word");
        for (size_t k = 0; !rc && k < i; k++)
            if (text_eq(node->keys[k]->text, node->keys[i]->text))
                rc = yaml_error(node->keys[i], err, E_SYNTAX, "key %s is given twice", node->keys[i]->text.s);
        if (!rc) rc = load_node(l, pair->value, depth + 1, &node->items[i], err);
    }
    return rc;
}

static int load_node(struct loader *l, int id, int depth, struct yaml **ret, struct error *err) {
    const yaml_node_t *from = yaml_document_get_node(l->document, id);
    struct yaml *node = arena_alloc(l->arena, sizeof *node);
    if (!from || !node) return error_set(err, E_MEMORY, l->file, "out of memory");
    node->line = (int)from->start_mark.line + 1;
    node->column = (int)from->start_mark.column + 1;
    node->file = l->file;
    *ret = node;
    if (++l->nodes > YAML_MAX_NODES) return yaml_error(node, err, E_TOO_LARGE, "more than %d nodes (or aliases in a loop)", YAML_MAX_NODES);
    if (depth > YAML_MAX_DEPTH) return yaml_error(node, err, E_TOO_LARGE, "nested deeper than %d", YAML_MAX_DEPTH);
    if (from->type != YAML_SCALAR_NODE) return load_items(l, node, from, depth, err);
    node->kind = YAML_SCALAR;
    node->quoted = from->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    node->text = arena_text(l->arena, (struct text){(const char *)from->data.scalar.value, from->data.scalar.length});
    if (!node->text.s) return error_set(err, E_MEMORY, l->file, "out of memory");
    if (memchr(node->text.s, 0, node->text.n)) return yaml_error(node, err, E_SYNTAX, "a NUL byte inside a text");
    return 0;
}

/* Aliases let a small file unfold into a huge tree; nothing of ours needs them. */
/* The parser's own words in Chinese, of those that a hand's slip brings about; the rest as they are. */
static const char *problem_zh(const char *problem) {
    static const char *const words[][2] = {
        {"did not find expected ',' or ']'", "缺少 \",\" 或 \"]\""},
        {"did not find expected ',' or '}'", "缺少 \",\" 或 \"}\""},
        {"did not find expected key", "此处应为键"},
        {"did not find expected '-' indicator", "此处应为 \"-\""},
        {"did not find expected node content", "此处应有内容"},
        {"did not find expected <document start>", "此处应为文档开头"},
        {"could not find expected ':'", "缺少 \":\""},
        {"mapping values are not allowed in this context", "此处不能有 \":\""},
        {"mapping keys are not allowed in this context", "此处不能有键"},
        {"block sequence entries are not allowed in this context", "此处不能有 \"-\""},
        {"found character that cannot start any token", "不能以此字符开头"},
        {"found unexpected end of stream", "文件未完，引号未闭合"},
        {"found unknown escape character", "转义字符不明"},
        {"control characters are not allowed", "不能有控制字符"},
        {"invalid leading UTF-8 octet", "不是 UTF-8"},
        {"invalid trailing UTF-8 octet", "不是 UTF-8"},
        {"incomplete UTF-8 octet sequence", "不是完整的 UTF-8"},
    };
    for (size_t i = 0; problem && i < sizeof words / sizeof *words; i++)
        if (!strcmp(problem, words[i][0])) return words[i][1];
    return problem ? problem : "";
}

static int refuse_aliases(struct text source, const char *file, struct error *err) {
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser)) return error_set(err, E_MEMORY, file, "out of memory");
    yaml_parser_set_input_string(&parser, (const unsigned char *)source.s, source.n);
    int rc = 0, depth = 0;
    for (bool end = false; !rc && !end;) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event)) {
            char where[ERROR_WHERE_MAX];
            snprintf(where, sizeof where, "%s:%zu:%zu", file, parser.problem_mark.line + 1, parser.problem_mark.column + 1);
            rc = error_set(err, parser.error == YAML_MEMORY_ERROR ? E_MEMORY : E_SYNTAX, where, "not YAML: %s / 不是合法的 YAML: %s", parser.problem ? parser.problem : "", problem_zh(parser.problem));
            break;
        }
        if (event.type == YAML_ALIAS_EVENT) {
            char where[ERROR_WHERE_MAX];
            snprintf(where, sizeof where, "%s:%zu:%zu", file, event.start_mark.line + 1, event.start_mark.column + 1);
            rc = error_set(err, E_UNSUPPORTED, where, "aliases (*name) are not used here");
        }
        if (event.type == YAML_SEQUENCE_START_EVENT || event.type == YAML_MAPPING_START_EVENT) depth++;
        if (event.type == YAML_SEQUENCE_END_EVENT || event.type == YAML_MAPPING_END_EVENT) depth--;
        if (!rc && depth > YAML_MAX_DEPTH) rc = error_set(err, E_TOO_LARGE, file, "nested deeper than %d", YAML_MAX_DEPTH);
        end = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return rc;
}

int yaml_parse(struct arena *a, struct text source, const char *file, struct yaml **ret, struct error *err) {
    if (source.n > YAML_MAX_BYTES) return error_set(err, E_TOO_LARGE, file, "larger than %d bytes", YAML_MAX_BYTES);
    const char *name = arena_str(a, file);
    if (!name) return error_set(err, E_MEMORY, file, "out of memory");
    int rc = refuse_aliases(source, name, err);
    if (rc < 0) return rc;
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser)) return error_set(err, E_MEMORY, file, "out of memory");
    yaml_parser_set_input_string(&parser, (const unsigned char *)source.s, source.n);
    yaml_document_t document;
    if (!yaml_parser_load(&parser, &document)) {
        rc = error_set(err, parser.error == YAML_MEMORY_ERROR ? E_MEMORY : E_SYNTAX, name, "not YAML: %s / 不是合法的 YAML: %s", parser.problem ? parser.problem : "", problem_zh(parser.problem));
        yaml_parser_delete(&parser);
        return rc;
    }
    struct loader l = {.arena = a, .document = &document, .file = name};
    struct yaml *root = NULL;
    if (!yaml_document_get_root_node(&document))
        rc = error_set(err, E_SYNTAX, name, "the file is empty");
    else
        rc = load_node(&l, 1, 0, &root, err);
    yaml_document_delete(&document);
    yaml_parser_delete(&parser);
    if (!rc) *ret = root;
    return rc;
}

int yaml_read(struct arena *a, const char *path, struct yaml **ret, struct error *err) {
    struct buf b = {.max = YAML_MAX_BYTES};
    int rc = file_read(path, YAML_MAX_BYTES, &b, err);
    if (!rc) rc = yaml_parse(a, buf_view(&b), path, ret, err);
    buf_clear(&b);
    return rc;
}

const struct yaml *yaml_get(const struct yaml *map, const char *key) {
    if (!map || map->kind != YAML_MAP) return NULL;
    for (size_t i = 0; i < map->n; i++)
        if (text_is(map->keys[i]->text, key)) return map->items[i];
    return NULL;
}

/* 1 when present, 0 when absent and optional, else the error. */
static int find(const struct yaml *map, const char *key, bool required, enum yaml_kind kind, const char *shape,
                const struct yaml **ret, struct error *err) {
    const struct yaml *node = yaml_get(map, key);
    if (!node) return required ? yaml_error(map, err, E_INVALID, "key %s is missing", key) : 0;
    if (node->kind != kind) return yaml_error(node, err, E_INVALID, "%s must be %s / %s 应为%s", key, shape, key, kind == YAML_LIST ? "列表" : kind == YAML_MAP ? "键值对" : "单个值");
    *ret = node;
    return 1;
}

int yaml_text(const struct yaml *map, const char *key, bool required, struct text *ret, struct error *err) {
    const struct yaml *node = NULL;
    int rc = find(map, key, required, YAML_SCALAR, "a text", &node, err);
    if (rc > 0) *ret = node->text;
    return rc < 0 ? rc : 0;
}

int yaml_int(const struct yaml *map, const char *key, bool required, int64_t *ret, struct error *err) {
    const struct yaml *node = NULL;
    int rc = find(map, key, required, YAML_SCALAR, "a whole number", &node, err);
    if (rc > 0 && !text_int(node->text, ret)) rc = yaml_error(node, err, E_INVALID, "%s must be a whole number", key);
    return rc < 0 ? rc : 0;
}

int yaml_bool(const struct yaml *map, const char *key, bool required, bool *ret, struct error *err) {
    const struct yaml *node = NULL;
    int rc = find(map, key, required, YAML_SCALAR, "true or false", &node, err);
    if (rc <= 0) return rc;
    if (text_is(node->text, "true"))
        *ret = true;
    else if (text_is(node->text, "false"))
        *ret = false;
    else
        return yaml_error(node, err, E_INVALID, "%s must be true or false", key);
    return 0;
}

int yaml_list(const struct yaml *map, const char *key, bool required, const struct yaml **ret, struct error *err) {
    int rc = find(map, key, required, YAML_LIST, "a list", ret, err);
    return rc < 0 ? rc : 0;
}

int yaml_map(const struct yaml *map, const char *key, bool required, const struct yaml **ret, struct error *err) {
    int rc = find(map, key, required, YAML_MAP, "a map", ret, err);
    return rc < 0 ? rc : 0;
}

int yaml_only(const struct yaml *map, const char *const *allowed, struct error *err) {
    if (!map || map->kind != YAML_MAP) return yaml_error(map, err, E_INVALID, "must be a map");
    for (size_t i = 0; i < map->n; i++) {
        bool known = false;
        for (size_t k = 0; !known && allowed[k]; k++) known = text_is(map->keys[i]->text, allowed[k]);
        if (!known) return yaml_error(map->keys[i], err, E_UNKNOWN, "key %s is not known here", map->keys[i]->text.s);
    }
    return 0;
}
