/* Forgetting days, and the names that nothing mentions any more. */
#include "visits/inside.h"
#include "visits/remote.h"

static void mark(uint8_t *used, uint32_t n, uint32_t id) {
    if (id < n) used[id / 8] |= (uint8_t)(1 << id % 8);
}

/* Who is mentioned in what the view still has. A file that cannot be read keeps every name: it may be mended. */
static int segments_used(const struct view *w, uint8_t *persons, uint32_t n_persons, uint8_t *places, uint32_t n_places, bool *ret_all) {
    *ret_all = false;
    for (size_t i = 0; i < w->n; i++) {
        struct segment *s = w->segments[i].segment;
        struct segment_row rows[PACK_BLOCK];
        if (!s) *ret_all = true;
        for (uint64_t b = 0; s && b * PACK_BLOCK < s->head.rows; b++) {
            size_t n = 0;
            int rc = segment_block(s, b, rows, &n, NULL);
            if (rc == E_MEMORY) return rc;
            if (rc < 0) {
                *ret_all = true;
                break;
            }
            for (size_t k = 0; k < n; k++) {
                mark(persons, n_persons, rows[k].person);
                mark(places, n_places, rows[k].place);
            }
        }
    }
    return 0;
}

static void buffers_used(const struct view *w, uint8_t *persons, uint32_t n_persons, uint8_t *places, uint32_t n_places) {
    for (int k = 0; k < w->n_buffers; k++)
        for (uint32_t i = 0, n = buffer_count(w->buffers[k]); i < n; i++) {
            mark(persons, n_persons, buffer_at(w->buffers[k], i)->row.person);
            mark(places, n_places, buffer_at(w->buffers[k], i)->row.place);
        }
}

static void names_drop(struct names *m, const uint8_t *used, uint32_t n) {
    for (uint32_t i = 0; i < n; i++)
        if (!(used[i / 8] >> i % 8 & 1)) names_forget(m, i);
}

/* Rows reach the buffer under leadership only, and an open group under v->lock only: with both held, and no group open, nothing can mention a name that goes. */
int names_forget_unused(struct visits *v, const struct view *w, struct error *err) {
    uint32_t np = names_count(&v->persons), nl = names_count(&v->places);
    uint8_t *persons = mem_alloc(np / 8 + 1), *places = mem_alloc(nl / 8 + 1);
    bool all = false;
    int rc = !persons || !places ? E_MEMORY : segments_used(w, persons, np, places, nl, &all);
    pthread_mutex_lock(&v->lock);
    lead_begin(v);
    if (rc == 0 && !all && !v->open) {
        buffers_used(w, persons, np, places, nl);
        /* names given out and not yet in a frame belong to appends to come: they stay */
        names_drop(&v->persons, persons, np < v->logged_persons ? np : v->logged_persons);
        names_drop(&v->places, places, nl < v->logged_places ? nl : v->logged_places);
    }
    lead_end(v);
    pthread_mutex_unlock(&v->lock);
    mem_free(persons);
    mem_free(places);
    return rc < 0 ? error_set(err, rc, NULL, "no memory to forget names / 内存不足") : 0;
}

int visits_forget(struct visits *v, day from, day until, uint64_t *ret_rows, struct error *err) {
    uint64_t dropped = 0;
    if (v->read_only) return error_set(err, E_USAGE, v->dir, "the visit store is open for reading only / 出入记录库以只读方式打开");
    if (from >= until) return error_set(err, E_USAGE, NULL, "no day to forget / 没有要清除的日期");
    if (v->remote) return remote_forget(v, from, until, ret_rows, err);
    pthread_mutex_lock(&v->upkeep);
    pthread_mutex_lock(&v->lock);
    int rc = manifest_forget(&v->manifest, (struct day_range){from, until}); /* from here on appends to these days are refused */
    pthread_mutex_unlock(&v->lock);
    if (rc < 0) error_set(err, rc, NULL, "no room for the list of forgotten days / 无法记录清除的日期");
    if (rc == 0) rc = flush_locked(v, true, &dropped, err);
    pthread_mutex_unlock(&v->upkeep);
    if (rc == 0 && ret_rows) *ret_rows = dropped;
    return rc;
}

int visits_forgot(struct visits *v, day from, day until, bool *ret, struct error *err) {
    int rc = v->remote ? remote_learn(v, err) : 0;
    if (rc < 0) return rc;
    *ret = false;
    pthread_mutex_lock(&v->lock);
    for (day d = from; d < until && !*ret; d++) *ret = manifest_forgot(&v->manifest, d);
    pthread_mutex_unlock(&v->lock);
    return 0;
}
