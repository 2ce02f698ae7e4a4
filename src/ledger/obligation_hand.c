/* Handing over: a duty that somebody else answers for from now on, by hand and with a reason, whatever the chain of its rule says. */
#include "ledger/book.h"

static int note(struct ledger *l, const struct session *s, const struct obligation *o, const struct owner *to, struct error *err) {
    struct text reason = arena_words(&l->book->arena, "%.*s -> %lld: %.*s", (int)o->rule.n, o->rule.s, (long long)to->id, (int)s->reason.n, s->reason.s);
    struct journal_entry e = {.at = s->now, .verb = JOURNAL_HANDOVER, .actor = s->account, .reason = reason, .reg = o->reg, .record = o->record, .region = o->region};
    if (!reason.s) return error_memory(err);
    return journal_append(&l->journal, &e, NULL, err);
}

int book_hand(struct ledger *l, const struct session *s, const struct record *r, struct text rule, const struct owner *to, struct error *err) {
    struct obligation **list = NULL;
    const struct obligation *handed = NULL;
    size_t n = 0, open = 0;
    int rc = book_of(l, obligation_holder(r), &list, &n, err);
    struct text region = rc ? TEXT("") : arena_text(&l->book->arena, to->region);
    if (!rc && !region.s) rc = error_memory(err);
    for (size_t i = 0; !rc && i < n; i++) {
        struct obligation *o = list[i];
        if (o->record != r->id || !text_eq(o->rule, rule) || !obligation_is_open(o)) continue;
        open++;
        if (o->owner_kind == to->kind && o->owner == to->id) continue;
        o->owner_kind = to->kind;
        o->owner_step = OWNER_STEP_HANDED;
        o->owner = to->id;
        o->owner_region = region;
        book_touch(l, o);
        handed = o;
    }
    if (rc < 0) return rc;
    if (!open) return error_set(err, E_UNKNOWN, "rule", "this record has no such open duty / 该记录没有此项未办事项");
    if (!handed) return error_set(err, E_CONFLICT, "to", "is accountable for it already / 已由该主体负责");
    return note(l, s, handed, to, err);
}
