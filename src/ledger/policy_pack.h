/* ledger, private to policy_*.c: a pack while it is read. A local pack stands on its parent's file, that on
 * its own parent's; files[0] is the pack itself. Sections are maps from a name to an entry; an entry of a
 * child is laid over the parent's, key by key. */
#ifndef TOCSIN_LEDGER_POLICY_PACK_H
#define TOCSIN_LEDGER_POLICY_PACK_H

#include "ledger/policy.h"

enum { PACK_DEPTH_MAX = 6, PACK_ENTRIES_MAX = 256, PACK_NAME_MAX = 64 };

struct pack_file {
    const struct yaml *root;
    struct text name, source;
    struct provenance from; /* of everything in the file that has none of its own */
    bool has_source, has_certainty;
};

/* One entry as it holds after laying the child over the parents. */
struct pack_entry {
    struct text name;
    const struct yaml *key; /* where the topmost file names it */
    const struct yaml *map; /* the topmost file's own keys */
    struct yaml *merged;    /* all keys, without those of the provenance */
    bool inherited;         /* some parent has it too */
    struct provenance from;
};

struct pack {
    const struct catalog *catalog;
    int32_t zone_s;
    struct arena *arena;
    const struct pack_file *files;
    size_t n_files;
    struct policy *p;
    struct pack_entry *parameters, *rules, *limits; /* parallel to p's */
    struct error *err;
};

/* ---- policy_load.c */
int pack_memory(struct pack *k);
/* Numbers, each given in place or as $parameter of the fitting unit. *ret stays when the key is absent. */
int pack_duration(struct pack *k, const struct yaml *map, const char *key, int64_t *ret);
int pack_days(struct pack *k, const struct yaml *map, const char *key, int64_t *ret);
int pack_time(struct pack *k, const struct yaml *map, const char *key, int64_t *ret);
int pack_day_list(struct pack *k, const struct yaml *map, const char *key, int64_t after, uint64_t *ret);
/* A condition over reg, with $parameter replaced by its value. NULL when the key is absent; ret_text may be
 * NULL. */
int pack_condition(struct pack *k, const struct yaml *map, const char *key, const struct register_decl *reg,
                   struct expr **ret, struct text *ret_text);

/* ---- policy_parameter.c, policy_rule.c, policy_limit.c: one section each */
int pack_parameters(struct pack *k);
int pack_rules(struct pack *k);
int pack_limits(struct pack *k);

/* ---- policy_check.c: what holds between rules, and between a pack and its parent. */
int pack_check(struct pack *k);
int pack_check_parent(struct pack *k, const struct policy *parent);

#endif
