/* From the buffer to files: writing out, merging, forgetting. Everything here runs under v->upkeep. */
#include "visits/inside.h"
#include "visits/remote.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum { DELTAS_MAX = 4, DELTA_SHARE = 20 /* late rows of a day past 1 in 20 of it: written anew */, NAMES_FRAME = 1 << 18 };

/* ---- days */
static int segment_rows_read(struct segment *s, struct segment_row *out, size_t *ret_n, struct error *err) {
    size_t n = 0;
    int rc = segment_check(s, err);
    for (uint64_t b = 0; rc == 0 && b * PACK_BLOCK < s->head.rows; b++) {
        size_t k = 0;
        rc = segment_block(s, b, out + n, &k, err);
        n += k;
    }
    *ret_n = n;
    return rc;
}

/* A file that with most of what could come to it would be too large: nothing is merged with it any more. */
static bool full(const struct visits *v, const struct segment *s) {
    return s->head.rows > v->merge_rows / 2;
}

/* Adds the rows of the day's older files to those of d, up to merge_rows; what cannot be read is left where it is. ret_names: files that are in. */
static int merge_read(const struct visits *v, struct view *w, struct day_rows *d, struct segment_row **ret, size_t *ret_n, char (*names)[MANIFEST_NAME_MAX], size_t *ret_names) {
    size_t total = d->n;
    for (size_t i = 0; i < w->n; i++)
        if (w->segments[i].day == d->day && w->segments[i].segment && !full(v, w->segments[i].segment)) total += w->segments[i].segment->head.rows;
    if (total > v->merge_rows && d->n < v->merge_rows) total = v->merge_rows;
    struct segment_row *rows = mem_alloc((total + PACK_BLOCK) * sizeof *rows);
    if (!rows) return E_MEMORY;
    memcpy(rows, d->rows, d->n * sizeof *rows);
    size_t n = d->n, k = 0;
    for (size_t i = 0; i < w->n && k < DELTAS_MAX + 2; i++) {
        size_t got = 0;
        struct segment *s = w->segments[i].segment;
        if (w->segments[i].day != d->day || !s || full(v, s) || n + s->head.rows > total) continue;
        int rc = segment_rows_read(s, rows + n, &got, NULL);
        if (rc == E_MEMORY) {
            mem_free(rows);
            return rc;
        }
        if (rc < 0) continue;
        n += got;
        snprintf(names[k++], MANIFEST_NAME_MAX, "%s", s->name);
    }
    *ret = rows;
    *ret_n = n;
    *ret_names = k;
    return 0;
}

static bool merge_due(const struct visits *v, const struct view *w, const struct day_rows *d) {
    uint64_t largest = 0, rest = d->n;
    size_t files = 0;
    for (size_t i = 0; i < w->n; i++) {
        if (w->segments[i].day != d->day || !w->segments[i].segment || full(v, w->segments[i].segment)) continue;
        uint64_t rows = w->segments[i].segment->head.rows;
        if (rows > largest) rest += largest, largest = rows;
        else rest += rows;
        files++;
    }
    return files && (files >= DELTAS_MAX || rest * DELTA_SHARE > largest);
}

static int day_write(struct visits *v, struct day_rows *d, struct manifest *m, struct view *w, struct error *err) {
    char names[DELTAS_MAX + 2][MANIFEST_NAME_MAX];
    struct segment_row *merged = NULL, *rows = d->rows;
    struct manifest_segment entry = {.day = d->day};
    struct segment *s = NULL;
    size_t n = d->n, n_names = 0;
    int rc = merge_due(v, w, d) ? merge_read(v, w, d, &merged, &n, names, &n_names) : 0;
    if (rc < 0) return error_set(err, rc, NULL, "no memory to merge a day of visits / 内存不足,无法合并一天的出入记录");
    if (merged) rows = merged;
    m->generation++;
    snprintf(entry.name, sizeof entry.name, "d%d-%08llu.seg", d->day, (unsigned long long)m->generation);
    struct segment_spec spec = {.dir = v->dir, .name = entry.name, .day = d->day, .zone_s = v->zone_s, .n_persons = names_count(&v->persons),
                                .n_places = names_count(&v->places), .generation = m->generation};
    rc = segment_write(&spec, rows, n, &entry.rows, &entry.bytes, err);
    if (rc == 0) rc = segment_open(v->dir, entry.name, &s, err);
    for (size_t i = 0; rc == 0 && i < n_names; i++) {
        manifest_remove(m, names[i]);
        view_drop(w, names[i]);
    }
    if (rc == 0) rc = manifest_add(m, &entry);
    if (rc == 0) {
        rc = view_add(w, s, d->day);
        if (rc < 0) segment_close(s);
    } else segment_close(s);
    mem_free(merged);
    return rc < 0 ? error_set(err, rc, NULL, "no memory for a day of visits / 内存不足") : 0;
}

int days_write(struct visits *v, const struct day_rows *days, size_t n_days, struct manifest *m, struct view *w, struct error *err) {
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < n_days; i++) {
        for (size_t at = 0; rc == 0 && at < days[i].n; at += v->merge_rows) {
            struct day_rows d = {.day = days[i].day, .rows = days[i].rows + at, .n = days[i].n - at < v->merge_rows ? days[i].n - at : v->merge_rows};
            rc = day_write(v, &d, m, w, err);
        }
    }
    return rc;
}

/* ---- names */
/* What is in out goes to the file at *at; of many millions of names no more than this is in memory twice. */
enum { NAMES_TOGETHER = 16 << 20 };
static int names_put_out(int fd, struct buf *out, uint64_t *at) {
    for (size_t k = 0; k < out->n;) {
        ssize_t done = pwrite(fd, out->s + k, out->n - k, (off_t)*at);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return error_from_errno();
        k += (size_t)done;
        *at += (uint64_t)done;
    }
    buf_reset(out);
    return 0;
}

static int names_frames(struct visits *v, uint32_t from_person, uint32_t to_person, uint32_t from_place, uint32_t to_place, int fd, uint64_t *at) {
    struct buf out = {0};
    uint64_t number = (uint64_t)from_person + from_place + 1; /* rises with every frame of the file */
    int rc = 0;
    do {
        struct buf persons = {0}, places = {0};
        uint32_t p = from_person, l = from_place;
        for (; rc == 0 && p < to_person && p - from_person < NAMES_FRAME; p++) rc = names_write(&v->persons, p, &persons);
        for (; rc == 0 && l < to_place && l - from_place < NAMES_FRAME; l++) rc = names_write(&v->places, l, &places);
        bool last = p == to_person && l == to_place; /* by then everybody whose class changed is known */
        struct frame f = {.n_persons = p - from_person, .n_places = l - from_place, .first_person = from_person, .first_place = from_place,
                              .persons = buf_view(&persons), .places = buf_view(&places), .changes = last ? buf_view(&v->unsaved) : (struct text){"", 0},
                              .n_changes = last ? (uint32_t)(v->unsaved.n / 5) : 0};
        if (rc == 0) rc = frame_write(&out, number + f.n_persons + f.n_places, &f);
        if (rc == 0 && out.n >= NAMES_TOGETHER) rc = names_put_out(fd, &out, at);
        number += f.n_persons + f.n_places + 1ull;
        from_person = p;
        from_place = l;
        buf_clear(&persons);
        buf_clear(&places);
    } while (rc == 0 && (from_person < to_person || from_place < to_place));
    if (rc == 0) rc = names_put_out(fd, &out, at);
    buf_clear(&out);
    return rc;
}

int names_save(struct visits *v, struct manifest *m, bool anew, struct error *err) {
    char path[1200];
    if (!*m->names) anew = true;
    if (anew) {
        m->names_bytes = 0;
        m->n_persons = m->n_places = 0;
        snprintf(m->names, sizeof m->names, "names-%08llu", (unsigned long long)++m->generation);
    }
    snprintf(path, sizeof path, "%s/%s", v->dir, m->names);
    uint64_t at = m->names_bytes;
    int fd = -1, rc = 0;
    pthread_mutex_lock(&v->names_lock);
    uint32_t np = names_count(&v->persons), nl = names_count(&v->places);
    bool same = np == m->n_persons && nl == m->n_places && !v->unsaved.n && !anew;
    if (!same && (fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC | (anew ? O_TRUNC : 0), 0600)) < 0) rc = error_from_errno();
    if (!same && rc == 0) rc = names_frames(v, m->n_persons, np, m->n_places, nl, fd, &at);
    if (!same && rc == 0) buf_reset(&v->unsaved);
    pthread_mutex_unlock(&v->names_lock);
    if (same) return 0;
    if (rc == 0 && fsync(fd) < 0) rc = error_from_errno();
    if (fd >= 0) close(fd);
    if (rc == 0) {
        m->names_bytes = at;
        m->n_persons = np;
        m->n_places = nl;
    } else error_set(err, rc, path, "names of the visit store cannot be written / 出入记录的名称表无法写入");
    return rc;
}

/* ---- commit */
static int leftover_remove(const struct visits *v, const char *name, struct error *err) {
    char path[1200];
    snprintf(path, sizeof path, "%s/%s", v->dir, name);
    if (unlink(path) == 0 || errno == ENOENT) return 0;
    return error_set(err, error_from_errno(), path, "a file of visits cannot be removed: %s / 无法删除出入记录文件", strerror(errno));
}

int upkeep_commit(struct visits *v, struct manifest *m, struct view *w, struct error *err) {
    struct manifest old;
    int rc = manifest_write(v->dir, m, err);
    if (rc < 0) { /* files just written stay: the new list may have reached the disk after all; what it does not name goes at the next open */
        manifest_clear(m);
        view_free(w);
        return rc;
    }
    pthread_mutex_lock(&v->lock);
    old = v->manifest;
    v->manifest = *m;
    pthread_mutex_unlock(&v->lock);
    *m = (struct manifest){0};
    view_publish(v, w);
    for (size_t i = 0; i < old.n_segments; i++) {
        bool kept = false;
        for (size_t k = 0; k < v->manifest.n_segments && !kept; k++) kept = strcmp(old.segments[i].name, v->manifest.segments[k].name) == 0;
        if (!kept && leftover_remove(v, old.segments[i].name, err) < 0) rc = err ? err->code : E_IO;
    }
    if (*old.names && strcmp(old.names, v->manifest.names) != 0 && leftover_remove(v, old.names, err) < 0) rc = E_IO;
    for (uint32_t n = old.log; n < v->manifest.log; n++) {
        char name[24];
        frames_name(n, name);
        if (leftover_remove(v, name, err) < 0) rc = E_IO;
    }
    manifest_clear(&old);
    int synced = folder_sync(v->dir, err);
    return rc < 0 ? rc : synced;
}

/* ---- the buffer */
int buffer_swap(struct visits *v, struct error *err) {
    struct frames fresh = {.fd = -1};
    struct view *w = NULL;
    pthread_mutex_lock(&v->lock);
    lead_begin(v);
    pthread_mutex_unlock(&v->lock);
    struct view *old = atomic_load(&v->view);
    struct buffer *last = old->buffers[old->n_buffers - 1], *b = NULL;
    int rc = 0;
    if (buffer_count(last) && old->n_buffers < BUFFERS_MAX) {
        rc = frames_open(v->dir, v->log.number + 1, 0, v->log.next, &fresh, err);
        if (rc == 0) rc = folder_sync(v->dir, err);
        if (rc == 0 && !((b = buffer_new()) && (w = view_make(old, NULL, b)))) rc = error_set(err, E_MEMORY, NULL, "no memory for visits / 内存不足");
        if (rc == 0) {
            frames_close(&v->log);
            v->log = fresh;
            pthread_mutex_lock(&v->lock);
            v->active = b;
            pthread_mutex_unlock(&v->lock);
            view_publish(v, w);
        } else {
            buffer_free(b);
            frames_close(&fresh);
        }
    }
    pthread_mutex_lock(&v->lock);
    lead_end(v);
    pthread_mutex_unlock(&v->lock);
    return rc;
}

struct day_list {
    struct day_rows *days;
    size_t n, cap, last;
};

/* The list's entry of a day; NULL out of memory. */
static struct day_rows *day_entry(struct day_list *l, day d) {
    if (l->last < l->n && l->days[l->last].day == d) return &l->days[l->last];
    for (size_t i = 0; i < l->n; i++)
        if (l->days[i].day == d) return &l->days[l->last = i];
    if (!mem_room(&l->days, &l->cap, l->n + 1, sizeof *l->days)) return NULL;
    l->days[l->last = l->n++] = (struct day_rows){.day = d};
    return &l->days[l->last];
}

static void day_list_clear(struct day_list *l) {
    for (size_t i = 0; i < l->n; i++) mem_free(l->days[i].rows);
    mem_free(l->days);
}

/* Room for what was counted into n; n begins again at 0. */
static int day_list_room(struct day_list *l) {
    for (size_t i = 0; i < l->n; i++) {
        l->days[i].rows = mem_alloc((l->days[i].n + 1) * sizeof *l->days[i].rows);
        if (!l->days[i].rows) return E_MEMORY;
        l->days[i].n = 0;
    }
    return 0;
}

/* Rows of the full buffers by day, those of forgotten days left out. */
static int buffers_by_day(const struct view *w, int n_full, const struct manifest *m, struct day_list *l, uint64_t *ret_dropped) {
    *ret_dropped = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (int k = 0; k < n_full; k++)
            for (uint32_t i = 0, n = buffer_count(w->buffers[k]); i < n; i++) {
                const struct buffer_row *r = buffer_at(w->buffers[k], i);
                if (manifest_forgot(m, r->day)) {
                    *ret_dropped += pass;
                    continue;
                }
                struct day_rows *d = day_entry(l, r->day);
                if (!d) return E_MEMORY;
                if (pass) d->rows[d->n] = r->row;
                d->n++;
            }
        if (pass == 0 && day_list_room(l) < 0) return E_MEMORY;
    }
    return 0;
}

int flush_locked(struct visits *v, bool names_anew, uint64_t *ret_dropped, struct error *err) {
    struct day_list l = {0};
    struct manifest m = {0};
    struct view *w = NULL;
    uint64_t dropped = 0;
    int rc = 0;
    if (names_anew && atomic_load(&v->view)->n_buffers == BUFFERS_MAX) rc = flush_locked(v, false, NULL, err); /* or the one that fills could not be swapped */
    if (rc == 0) rc = buffer_swap(v, err);
    if (rc < 0) return rc;
    struct view *old = atomic_load(&v->view);
    int n_full = old->n_buffers - 1;
    if (n_full == 0 && !names_anew) return 0;
    pthread_mutex_lock(&v->lock);
    rc = manifest_copy(&v->manifest, &m);
    m.log = v->log.number;
    pthread_mutex_unlock(&v->lock);
    if (rc == 0) rc = buffers_by_day(old, n_full, &m, &l, &dropped);
    if (rc == 0 && !(w = view_make(old, NULL, NULL))) rc = E_MEMORY;
    for (int k = 0; rc == 0 && k < n_full; k++) { /* full buffers leave the view; the one that fills stays */
        struct view *next = view_make(w, w->buffers[0], NULL);
        view_free(w);
        if (!(w = next)) rc = E_MEMORY;
    }
    if (rc < 0) error_set(err, rc, NULL, "no memory for visits / 内存不足");
    for (size_t i = 0; rc == 0 && i < m.n_forgotten; i++) view_drop_days(w, m.forgotten[i]);
    for (size_t i = m.n_segments; rc == 0 && i-- > 0;)
        if (manifest_forgot(&m, m.segments[i].day)) {
            dropped += m.segments[i].rows;
            memmove(&m.segments[i], &m.segments[i + 1], (--m.n_segments - i) * sizeof *m.segments);
        }
    if (rc == 0) rc = days_write(v, l.days, l.n, &m, w, err);
    if (rc == 0 && names_anew) rc = names_forget_unused(v, w, err);
    if (rc == 0) rc = names_save(v, &m, names_anew, err);
    day_list_clear(&l);
    if (rc < 0) {
        manifest_clear(&m);
        view_free(w);
        return rc;
    }
    rc = upkeep_commit(v, &m, w, err);
    if (rc == 0 && ret_dropped) *ret_dropped = dropped;
    return rc;
}

int visits_flush(struct visits *v, struct error *err) {
    if (v->read_only || v->remote) return 0;
    pthread_mutex_lock(&v->upkeep);
    int rc = flush_locked(v, false, NULL, err);
    pthread_mutex_unlock(&v->upkeep);
    return rc;
}

int visits_load(struct visits *v, const struct visit *rows, size_t n, uint64_t *ret_forgotten, struct error *err) {
    struct day_list l = {0};
    struct manifest m = {0};
    struct view *w = NULL;
    struct group cut = {0};
    uint64_t forgotten = 0;
    int rc = 0;
    if (v->read_only) return error_set(err, E_USAGE, v->dir, "the visit store is open for reading only / 出入记录库以只读方式打开");
    for (size_t i = 0; rc == 0 && i < n; i++) rc = visit_check(v, &rows[i], i, err);
    if (rc < 0 || n == 0) return rc;
    if (v->remote) return remote_load(v, rows, n, ret_forgotten, err);
    pthread_mutex_lock(&v->upkeep);
    pthread_mutex_lock(&v->lock);
    rc = manifest_copy(&v->manifest, &m);
    pthread_mutex_unlock(&v->lock);
    for (int pass = 0; rc == 0 && pass < 2; pass++) {
        for (size_t i = 0; rc == 0 && i < n; i++) {
            struct frame_row r = visit_frame_row(&rows[i]);
            size_t gone = 0;
            cut.n_pieces = 0;
            rc = pieces_add(&cut, v->zone_s, &r);
            for (size_t k = 0; rc == 0 && k < cut.n_pieces; k++) {
                struct buffer_row *p = &cut.pieces[k];
                struct day_rows *d = NULL;
                if (manifest_forgot(&m, p->day)) gone++;
                else if (!(d = day_entry(&l, p->day))) rc = E_MEMORY;
                else {
                    if (pass) d->rows[d->n] = p->row;
                    d->n++;
                }
            }
            forgotten += pass && gone == cut.n_pieces;
        }
        if (rc == 0 && pass == 0) rc = day_list_room(&l);
    }
    if (rc == 0 && !(w = view_make(atomic_load(&v->view), NULL, NULL))) rc = E_MEMORY;
    if (rc < 0) error_set(err, rc, NULL, "no memory for visits / 内存不足");
    if (rc == 0) rc = days_write(v, l.days, l.n, &m, w, err);
    day_list_clear(&l);
    if (rc == 0) rc = names_save(v, &m, false, err);
    mem_free(cut.pieces);
    if (rc < 0) {
        manifest_clear(&m);
        view_free(w);
    } else rc = upkeep_commit(v, &m, w, err);
    pthread_mutex_unlock(&v->upkeep);
    if (rc == 0 && ret_forgotten) *ret_forgotten = forgotten;
    return rc;
}
