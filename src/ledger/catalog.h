/* ledger, private: the pieces of catalog loading. catalog.c walks the folders and ties together what
 * codelist.c, register.c and field_decl.c read from one file each. Not for other rooms: they use
 * ledger/register.h. */
#ifndef TOCSIN_LEDGER_CATALOG_H
#define TOCSIN_LEDGER_CATALOG_H

#include "ledger/register.h"

enum {
    NAME_MAX_CHARS = 40, /* register, field and state names: become table and column names */
    CODE_MAX_CHARS = 64,
    FIELDS_MAX = 120, /* a register's; a row of both stores holds far more */
    CATALOG_FILES_MAX = 2000,
    CATALOG_DEPTH_MAX = 8,
    TEXT_DEFAULT_MAX = 1000, /* code points of a text field that states no max */
    TEXT_LARGEST_MAX = 1000000
};

/* The words of the language, NULL-ended: keys of a register, keys of a field, types. */
extern const char *const register_keys[], *const field_keys[], *const register_type_names[];

/* [a-z][a-z0-9_]*, at most NAME_MAX_CHARS. */
bool name_valid(struct text t);
/* yaml_text that also refuses an empty text. */
int declare_text(const struct yaml *map, const char *key, bool required, struct text *ret, struct error *err);
/* A value of the field, written as in a file; left alone when the key is not there. */
int declare_value(struct catalog *c, const struct yaml *node, const char *key, const struct field *f, struct value *ret, struct error *err);
/* A list of non-empty scalars (or one scalar alone), copied into the arena. Absent: *ret_n = 0. */
int declare_words(struct arena *a, const struct yaml *map, const char *key, struct text **ret, size_t *ret_n,
                  struct error *err);
/* An optional list of maps, and zeroed room for its items of `each` bytes in the arena: *items (the address of a pointer) leads to it. Absent: *ret NULL. */
int declare_list(struct arena *a, const struct yaml *root, const char *key, size_t each, const struct yaml **ret, void *items, struct error *err);
/* The name of a field of the register that is a reference. */
int declare_reference(const struct register_decl *r, const struct yaml *map, const char *key, struct text *ret, struct error *err);

/* One code list from one file, its index built. */
int codelist_declare(struct arena *a, const struct yaml *root, struct codelist *ret, struct error *err);
/* One field; code lists are resolved, references and copies are left to register_resolve. */
int field_declare(struct catalog *c, const struct yaml *node, struct field *ret, struct error *err);
/* One register from one file, complete but for what other registers must confirm. */
int register_declare(struct catalog *c, const struct yaml *root, struct register_decl *ret,
                     struct error *err);
/* No column header may mean two fields of the register, or an import would have to guess. */
int headers_check(const struct yaml *root, const struct register_decl *r, struct error *err);
/* Second pass, all registers known: targets, copied fields, the person reference. */
int register_resolve(struct catalog *c, const struct yaml *root, struct register_decl *r, struct error *err);

#endif
