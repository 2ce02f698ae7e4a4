/* Lists that a node has written (desks/export). An id or a number means something on that node only: on this one it is taken for what it is when the node is
 * this one, and for a name in the writer's words when it is another, so that it can only lead to what came from there. Titles and logins are names
 * that people gave; they lead to whoever is called so. */
#include <string.h>

#include "desks/intake/batch.h"
#include "desks/intake/plan.h"

int origin_key(struct arena *a, struct text name, struct text node, struct text *ret, struct error *err) {
    char *s = arena_alloc(a, name.n + node.n + 2);
    if (!s) return error_memory(err);
    memcpy(s, name.s, name.n);
    s[name.n] = '@';
    memcpy(s + name.n + 1, node.s, node.n);
    *ret = (struct text){s, name.n + node.n + 1};
    return 0;
}

/* The field whose text the exporter writes for a reference (desks/export/names.c). */
static int label_field(const struct register_decl *reg) {
    static const char *const names[] = {"title", "login", "code"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        int f = register_field(reg, text_of(names[i]));
        if (f >= 0 && !reg->fields[f].sealed) return f;
    }
    return -1;
}

int origin_reference(struct arena *a, struct text node, bool own, struct map_ref *ref, struct error *err) {
    int label = ref->target->number_mask.n ? -1 : label_field(ref->target);
    int64_t id = 0;
    bool digits = text_int(ref->text, &id);
    if (own && digits) {
        ref->by = BY_ID;
        ref->id = id;
    } else if (label >= 0 && !digits) {
        ref->by = BY_FIELD;
        ref->by_field = label;
    } else if (!own) {
        ref->by = BY_KEY;
        return origin_key(a, ref->text, node, &ref->text, err);
    }
    return 0;
}

struct text origin_cell(struct text cell) {
    static const char *const wide[] = {"\xEF\xBC\x9D", "\xEF\xBC\x8B", "\xEF\xBC\x8D", "\xEF\xBC\xA0"}; /* full-width = + - @ */
    if (cell.n < 2 || cell.s[0] != '\'') return cell;
    struct text rest = {cell.s + 1, cell.n - 1};
    bool guarded = strchr("=+-@\t\r", rest.s[0]) != NULL;
    for (size_t i = 0; i < 4; i++) guarded = guarded || text_starts(rest, (struct text){wide[i], 3});
    return guarded ? rest : cell;
}

bool origin_named(struct text t) {
    size_t at = 0;
    while (at < t.n && t.s[at] != '@') at++;
    if (t.n - at != LEDGER_NODE_BYTES) return false;
    for (size_t i = at + 1; i < t.n; i++)
        if (!(t.s[i] >= '0' && t.s[i] <= '9') && !(t.s[i] >= 'a' && t.s[i] <= 'f')) return false;
    return true;
}
