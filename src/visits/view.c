/* What readers see. */
#include "visits/inside.h"

void view_free(struct view *w) {
    if (!w) return;
    for (size_t i = 0; i < w->n; i++)
        if (w->segments[i].segment && atomic_fetch_sub(&w->segments[i].segment->users, 1) == 1) segment_close(w->segments[i].segment);
    for (int i = 0; i < w->n_buffers; i++)
        if (atomic_fetch_sub(&w->buffers[i]->users, 1) == 1) buffer_free(w->buffers[i]);
    mem_free(w->segments);
    mem_free(w);
}

struct view *view_make(const struct view *old, struct buffer *drop, struct buffer *add) {
    struct view *w = mem_alloc(sizeof *w);
    if (!w) return NULL;
    w->segments = mem_alloc(((old ? old->n : 0) + 1) * sizeof *w->segments);
    if (!w->segments) {
        mem_free(w);
        return NULL;
    }
    for (size_t i = 0; old && i < old->n; i++) {
        w->segments[w->n++] = old->segments[i];
        if (old->segments[i].segment) atomic_fetch_add(&old->segments[i].segment->users, 1);
    }
    for (int i = 0; old && i < old->n_buffers; i++)
        if (old->buffers[i] != drop) w->buffers[w->n_buffers++] = old->buffers[i];
    if (add) w->buffers[w->n_buffers++] = add;
    for (int i = 0; i < w->n_buffers; i++) atomic_fetch_add(&w->buffers[i]->users, 1);
    return w;
}

int view_add(struct view *w, struct segment *s, day d) {
    struct served *list = mem_realloc(w->segments, (w->n + 1) * sizeof *list);
    if (!list) return E_MEMORY;
    w->segments = list;
    size_t at = w->n++;
    for (; at > 0 && list[at - 1].day > d; at--) list[at] = list[at - 1];
    list[at] = (struct served){s, d};
    if (s) atomic_fetch_add(&s->users, 1);
    return 0;
}

static void view_take_out(struct view *w, size_t i) {
    struct segment *s = w->segments[i].segment;
    if (s && atomic_fetch_sub(&s->users, 1) == 1) segment_close(s);
    memmove(&w->segments[i], &w->segments[i + 1], (--w->n - i) * sizeof *w->segments);
}

void view_drop(struct view *w, const char *segment_name) {
    for (size_t i = w->n; i-- > 0;)
        if (w->segments[i].segment && strcmp(w->segments[i].segment->name, segment_name) == 0) view_take_out(w, i);
}

void view_drop_days(struct view *w, struct day_range r) {
    for (size_t i = w->n; i-- > 0;)
        if (w->segments[i].day >= r.from && w->segments[i].day < r.until) view_take_out(w, i);
}

/* Frees retired views that no reader holds. */
void views_reclaim(struct visits *v, bool all) {
    struct view **at = &v->retired;
    while (*at) {
        struct view *w = *at;
        bool held = false;
        for (int i = 0; !all && i < VISITS_READERS_MAX && !held; i++) held = atomic_load(&v->readers[i].held) == w;
        if (held) {
            at = &w->next;
            continue;
        }
        *at = w->next;
        view_free(w);
    }
}

void view_publish(struct visits *v, struct view *w) {
    struct view *old = atomic_exchange(&v->view, w);
    if (old) {
        old->next = v->retired;
        v->retired = old;
    }
    views_reclaim(v, false);
}
