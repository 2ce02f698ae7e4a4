/* Records of registers that the test does not know by name: required cells, the key, one sealed cell, guessed from the declaration. */
#ifndef TOCSIN_TESTS_GUESS_H
#define TOCSIN_TESTS_GUESS_H

#include "ledgers.h"

/* word: what texts begin with. */
static inline int64_t guess_record(struct test_ledger *t, const struct register_decl *reg, const char *region, const char *word, int depth);

/* A value that the field takes, for a record of that region; false when none can be thought of. */
static inline bool guess_value(struct test_ledger *t, const struct register_decl *reg, const struct field *f, const char *region, const char *word, int depth, struct value *ret) {
    static int serial;
    const struct register_decl *target;
    int64_t id;
    switch (f->type) {
    case FIELD_TEXT:
        *ret = value_str(arena_printf(&t->a, "%s%04d", f->check == CHECK_PHONE ? "1380013" : word, ++serial));
        return f->check == CHECK_NONE || f->check == CHECK_PHONE;
    case FIELD_CODE:
        *ret = value_text(f->codes->codes[0].code);
        return true;
    case FIELD_INTEGER:
    case FIELD_DECIMAL:
    case FIELD_DURATION:
        *ret = value_int(f->has_min ? f->min : 1);
        return true;
    case FIELD_BOOLEAN:
        *ret = value_int(1);
        return true;
    case FIELD_DATE:
        *ret = value_int(day_of_instant(t->s.now, ZONE_CHINA_S) - ++serial % 500);
        return true;
    case FIELD_INSTANT:
        *ret = value_int(t->s.now - 3600 * (++serial % 24) - 60);
        return true;
    case FIELD_REGION:
        *ret = value_str(region);
        return true;
    case FIELD_POINT:
        *ret = value_str("31.200000,121.500000");
        return true;
    case FIELD_REFERENCE:
        target = register_find(t->l->catalog, f->target);
        id = depth < 4 && target && target != reg ? guess_record(t, target, region, word, depth + 1) : 0;
        *ret = value_int(id);
        return id > 0;
    default:
        return false;
    }
}

/* A record with its required cells, and one sealed cell when it has any; 0 when the register wants more than can be guessed. */
static inline int64_t guess_record(struct test_ledger *t, const struct register_decl *reg, const char *region, const char *word, int depth) {
    struct draft *d = draft_new(&t->a, reg, DRAFT_CREATE);
    assert_non_null(d);
    struct error err = {0};
    bool sealed = false;
    for (size_t i = 0; i < reg->n_fields; i++) {
        const struct field *f = &reg->fields[i];
        bool key = false;
        for (size_t k = 0; k < reg->n_key; k++) key = key || reg->key[k] == (int)i;
        bool seal = f->sealed && !sealed && f->type == FIELD_TEXT && (f->check == CHECK_NONE || f->check == CHECK_PHONE);
        if (!f->required && !seal && (int)i != reg->region_field && !(key && f->type != FIELD_REFERENCE)) continue;
        if (!guess_value(t, reg, f, region, word, depth, &d->values[i]) && f->required) return 0;
        if (d->values[i].kind == VALUE_INT && d->values[i].i == 0 && f->type == FIELD_REFERENCE) d->values[i] = (struct value){0};
        sealed = sealed || seal;
    }
    d->region = text_of(region);
    return record_write(t->l, &t->s, &d, 1, &err) < 0 ? 0 : d->ret_id;
}

#endif
