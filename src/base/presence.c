#include "base/presence.h"

int presence_add(struct presence_list *l, const struct presence *p) {
    if (!mem_room(&l->items, &l->cap, l->n + 1, sizeof *l->items)) return E_MEMORY;
    l->items[l->n++] = *p;
    return 0;
}

void presence_list_clear(struct presence_list *l) {
    mem_free(l->items);
    *l = (struct presence_list){0};
}

const char *presence_source_word(unsigned source) {
    static const char *const words[] = {
#define X(name, word, zh) word,
        PRESENCE_SOURCES(X)
#undef X
    };
    return source < PRESENCE_KINDS ? words[source] : "";
}
