/* Appends: those that come while a frame is being written wait together for the next one. */
#include "visits/inside.h"
#include "visits/remote.h"

#include <stdio.h>

static int piece_put(struct group *g, const struct buffer_row *p) {
    if (!mem_room(&g->pieces, &g->cap_pieces, g->n_pieces + 1, sizeof *g->pieces)) return E_MEMORY;
    g->pieces[g->n_pieces++] = *p;
    return 0;
}

int pieces_add(struct group *g, int32_t zone_s, const struct frame_row *r) {
    instant at = r->start, end = r->start + r->length_s;
    uint16_t attr = r->attr & (uint16_t)~(PRESENCE_JOINS | PRESENCE_FROM | PRESENCE_TO | PRESENCE_SEATED);
    if (r->zone || r->row) attr |= PRESENCE_SEATED;
    do {
        day d = day_of_instant(at, zone_s);
        instant midnight = instant_of_day(d, zone_s), until = end < midnight + DAY_S ? end : midnight + DAY_S;
        struct buffer_row p = {.day = d, .row = {r->person, r->place, (int32_t)(at - midnight), (int32_t)(until - midnight), attr, r->zone, r->row, 0}};
        if (at > r->start) p.row.attr |= PRESENCE_FROM;
        if (until < end) p.row.attr |= PRESENCE_TO;
        int rc = piece_put(g, &p);
        if (rc < 0) return rc;
        at = until;
    } while (at < end);
    return 0;
}

void group_free(struct group *g) {
    if (!g) return;
    buf_clear(&g->rows);
    mem_free(g->pieces);
    mem_free(g);
}

void lead_begin(struct visits *v) {
    while (v->leading) pthread_cond_wait(&v->moved, &v->lock);
    v->leading = true;
}

void lead_end(struct visits *v) {
    v->leading = false;
    pthread_cond_broadcast(&v->moved);
}

static int row_error(struct error *err, size_t i, int code, const char *what) {
    char where[32];
    snprintf(where, sizeof where, "row %zu", i + 1);
    return error_set(err, code, where, "%s", what);
}

int visit_check(const struct visits *v, const struct visit *r, size_t i, struct error *err) {
    if (r->person >= names_count(&v->persons) || r->place >= names_count(&v->places)) return row_error(err, i, E_INVALID, "an unknown person or place / 人员或场所编号不存在");
    if (r->end < r->start) return row_error(err, i, E_INVALID, "ends before it begins / 结束早于开始");
    if (r->start < -(int64_t)200000 * DAY_S || r->start > (int64_t)DAY_MAX * DAY_S || r->end - r->start > (int64_t)VISITS_DAYS_MAX * DAY_S)
        return row_error(err, i, E_INVALID, "longer than 400 days, or in no calendar / 时间过长或不合理");
    if (r->confidence > 100 || r->source >= PRESENCE_KINDS) return row_error(err, i, E_INVALID, "an unknown source, or a confidence past 100 / 来源或可信度无效");
    return 0;
}

struct frame_row visit_frame_row(const struct visit *r) {
    return (struct frame_row){.person = r->person, .place = r->place, .start = r->start, .length_s = (uint32_t)(r->end - r->start),
                            .attr = presence_attr(r->source, r->confidence), .zone = r->zone, .row = r->row};
}

/* Rows into a group that is not yet shared, or is held under lock; on failure the group is as before. */
static int group_put(struct visits *v, struct group *g, const struct visit *rows, size_t n, struct error *err) {
    size_t pieces = g->n_pieces, bytes = g->rows.n;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        struct frame_row r = visit_frame_row(&rows[i]);
        size_t first = g->n_pieces;
        /* a name may have been forgotten since it was asked for */
        if (!names_text(&v->persons, r.person).n || !names_text(&v->places, r.place).n) rc = row_error(err, i, E_INVALID, "an unknown person or place / 人员或场所编号不存在");
        if (rc == 0) rc = pieces_add(g, v->zone_s, &r);
        for (size_t k = first; rc == 0 && k < g->n_pieces; k++)
            if (manifest_forgot(&v->manifest, g->pieces[k].day)) rc = row_error(err, i, E_REFUSED, "a day that is forgotten / 该日记录已按规定清除,不再接收");
        if (rc == 0) rc = buf_add(&g->rows, &r, sizeof r);
    }
    if (rc < 0) {
        g->n_pieces = pieces;
        g->rows.n = bytes;
        g->rows.failed = 0;
        return error_set(err, rc, NULL, "no memory for visits / 内存不足");
    }
    g->n_rows += n;
    return 0;
}

/* New names and changed classes since the last frame, as pieces of one. */
static int names_since(struct visits *v, struct buf *persons, struct buf *places, struct buf *changes, struct frame *f) {
    int rc = 0;
    pthread_mutex_lock(&v->names_lock);
    uint32_t np = names_count(&v->persons), nl = names_count(&v->places);
    for (uint32_t i = v->logged_persons; rc == 0 && i < np; i++) rc = names_write(&v->persons, i, persons);
    for (uint32_t i = v->logged_places; rc == 0 && i < nl; i++) rc = names_write(&v->places, i, places);
    if (rc == 0) rc = buf_text(changes, buf_view(&v->changes));
    if (rc == 0) buf_reset(&v->changes);
    pthread_mutex_unlock(&v->names_lock);
    f->first_person = v->logged_persons;
    f->first_place = v->logged_places;
    f->n_persons = np - v->logged_persons;
    f->n_places = nl - v->logged_places;
    f->n_changes = (uint32_t)(changes->n / 5);
    f->persons = buf_view(persons);
    f->places = buf_view(places);
    f->changes = buf_view(changes);
    return rc;
}

/* Leads: one frame, one fdatasync, then into the buffer. */
static int group_write(struct visits *v, struct group *g, struct error *err) {
    struct buf persons = {0}, places = {0}, changes = {0}, frame = {0};
    struct frame f = {.n_rows = (uint32_t)g->n_rows, .rows = buf_view(&g->rows)};
    struct buffer *b = v->active; /* not through the view, which upkeep may replace meanwhile */
    int rc = buffer_reserve(b, g->pieces, g->n_pieces);
    if (rc == 0) rc = names_since(v, &persons, &places, &changes, &f);
    if (rc == 0) rc = frame_write(&frame, v->log.next, &f);
    if (rc < 0) error_set(err, rc, NULL, "no memory for visits / 内存不足");
    else rc = frames_commit(&v->log, &frame, err);
    if (rc == 0) {
        v->log.next++;
        v->logged_persons += f.n_persons;
        v->logged_places += f.n_places;
        buffer_add(b, g->pieces, g->n_pieces);
    } else if (changes.n) { /* they must go with a later frame */
        pthread_mutex_lock(&v->names_lock);
        buf_text(&v->changes, buf_view(&changes));
        pthread_mutex_unlock(&v->names_lock);
    }
    buf_clear(&persons);
    buf_clear(&places);
    buf_clear(&changes);
    buf_clear(&frame);
    return rc;
}

/* Waits for the group of this append; leads it when nobody else does. Holds v->lock. */
static void group_wait(struct visits *v, struct group *g) {
    while (!g->done) {
        if (v->leading) {
            pthread_cond_wait(&v->moved, &v->lock);
            continue;
        }
        v->leading = true;
        struct group *mine = v->open; /* g, or g is done already */
        v->open = NULL;
        pthread_mutex_unlock(&v->lock);
        mine->rc = group_write(v, mine, &mine->err);
        pthread_mutex_lock(&v->lock);
        mine->done = true;
        lead_end(v);
    }
}

static bool buffer_full(struct visits *v, size_t limit) {
    return buffer_count(v->active) >= limit;
}

int visits_append(struct visits *v, const struct visit *rows, size_t n, struct error *err) {
    int rc = 0;
    if (v->read_only) return error_set(err, E_USAGE, v->dir, "the visit store is open for reading only / 出入记录库以只读方式打开");
    if (n > FRAME_ROWS_MAX) return error_set(err, E_TOO_LARGE, NULL, "more than %d visits at once; load them instead / 一次追加过多", FRAME_ROWS_MAX);
    for (size_t i = 0; rc == 0 && i < n; i++) rc = visit_check(v, &rows[i], i, err);
    if (rc < 0 || n == 0) return rc;
    if (v->remote) return remote_append(v, rows, n, err);
    pthread_mutex_lock(&v->lock);
    while (v->open && v->open->n_rows + n > FRAME_ROWS_MAX) pthread_cond_wait(&v->moved, &v->lock);
    if (!v->open && !(v->open = mem_alloc(sizeof *v->open))) rc = error_set(err, E_MEMORY, NULL, "no memory for visits / 内存不足");
    struct group *g = v->open;
    if (rc == 0) rc = group_put(v, g, rows, n, err);
    if (rc == 0) {
        g->waiting++;
        group_wait(v, g);
        rc = g->rc;
        if (rc < 0 && err) *err = g->err;
        if (--g->waiting == 0) group_free(g);
    } else if (g && !g->waiting) {
        group_free(g);
        v->open = NULL;
    }
    bool full = rc == 0 && buffer_full(v, v->buffer_rows), far = full && buffer_full(v, v->buffer_rows * 2);
    if (full && v->background) {
        v->wanted = true;
        pthread_cond_broadcast(&v->moved);
    }
    pthread_mutex_unlock(&v->lock);
    /* What is acknowledged is in the log: a failure to write it out is not this append's, and comes again with the next flush. */
    if (full && (!v->background || far)) (void)visits_flush(v, NULL);
    return rc;
}
