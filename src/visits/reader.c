/* Reading: a view held by a hazard pointer, and the source an engine pulls from. */
#include <stdlib.h>

#include "visits/inside.h"
#include "visits/remote.h"

enum { SPAN_ROWS = PACK_BLOCK, CROWD_PIECES = 32 /* files of one day; of more, stays are not compared */ };

/* Rows of the place in one file. */
struct part {
    struct segment *segment;
    uint64_t first, end;
    int32_t shift;  /* seconds from origin to the file's midnight */
    bool known;     /* first and end were learnt before, and the rows fetched ahead */
};

/* Where rows of a place lie in a file, learnt from somebody's own stay there: his places are asked for next. */
enum { REACHES = 1024 };
struct known {
    uint32_t file; /* number in the view + 1 */
    struct segment_reach reach;
};

struct visits_reader {
    struct visits *v;
    struct remote_reader *remote; /* then only source is used */
    struct reader_slot *slot;
    struct view *view;
    uint32_t counts[BUFFERS_MAX]; /* rows of each buffer that were there at the beginning */
    day origin;
    struct presence_source source;
    /* the place under way: its files of the days asked for, by day; the span and file being read, and how far */
    struct presence_when *when;
    size_t n_when, cap_when, at_when;
    uint32_t place;
    bool seats;             /* are wanted */
    size_t part, n_parts, cap_parts;
    uint64_t cursor;
    bool inside;            /* cursor is in this part */
    struct part *parts;
    struct known known[REACHES];
    int buffer;
    uint32_t at;            /* row + 1 in that buffer */
    /* the span handed out */
    struct segment_rows rows;
    int32_t start[SPAN_ROWS], end[SPAN_ROWS];
};

static int32_t shift_of(const struct visits_reader *r, day d) {
    return (int32_t)((int64_t)(d - r->origin) * DAY_S);
}

/* Days whose stays can have an instant in [from, to). */
static void days_of(const struct visits_reader *r, int32_t from, int32_t to, day *ret_first, day *ret_last) {
    int64_t f = from, t = (int64_t)to - 1;
    *ret_first = r->origin + (day)(f >= 0 ? f / DAY_S : -((-f + DAY_S - 1) / DAY_S));
    *ret_last = r->origin + (day)(t >= 0 ? t / DAY_S : -((-t + DAY_S - 1) / DAY_S));
}

static size_t first_segment(const struct view *w, day d) {
    size_t low = 0, high = w->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (w->segments[middle].day < d) low = middle + 1;
        else high = middle;
    }
    return low;
}

static bool in_range(int32_t start, int32_t end, int32_t from, int32_t to) {
    return start < to && (end > from || start >= from);
}

/* A damaged file is remembered by itself and left out; anything else is an error. */
static int pass_damage(int rc, struct error *err) {
    if (rc == E_CORRUPT && err) *err = (struct error){0};
    return rc == E_CORRUPT ? 1 : rc;
}

static int persons_in_buffer(struct visits_reader *r, int k, const struct presence_ask *asks, size_t n, struct presence_list *out) {
    const struct buffer *b = r->view->buffers[k];
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < n; i++)
        for (uint32_t at = r->counts[k] ? buffer_head(&b->persons, asks[i].person) : 0; rc == 0 && at;) {
            const struct buffer_row *row = buffer_at(b, at - 1);
            int32_t shift = shift_of(r, row->day);
            if (at <= r->counts[k] && in_range(row->row.start + shift, row->row.end + shift, asks[i].from, asks[i].to)) {
                struct presence p = {row->row.person, row->row.place, row->row.start + shift, row->row.end + shift, row->row.attr | PRESENCE_JOINS, row->row.zone, row->row.row, 0};
                rc = presence_add(out, &p);
            }
            at = row->by_person;
        }
    return rc;
}

static struct known *known_at(struct visits_reader *r, uint32_t place, size_t file) {
    return &r->known[((place * 0x9e3779b97f4a7c15ull >> 32) + file * 7) % REACHES];
}

static bool reach_find(struct visits_reader *r, uint32_t place, size_t file, uint64_t *ret_first, uint64_t *ret_end) {
    const struct known *k = known_at(r, place, file);
    bool is = k->file == file + 1 && k->reach.place == place;
    *ret_first = is ? k->reach.first : 0;
    *ret_end = is ? k->reach.end : 0;
    return is;
}

/* Of a few persons: all days step by step, so that their waits for memory or disk are one. */
enum { FEW = 4, AHEAD_FILES = 64, AHEAD_STOPS = 512 };
struct few {
    struct segment_path paths[FEW][AHEAD_FILES];
};

static void persons_ahead(const struct visits_reader *r, const struct presence_ask *asks, size_t n, size_t begin, day last, struct few *few) {
    for (int stage = 0; stage < SEGMENT_STAGES; stage++)
        for (size_t i = begin; i < r->view->n && i < begin + AHEAD_FILES && r->view->segments[i].day <= last; i++)
            for (size_t k = 0; r->view->segments[i].segment && k < n; k++) segment_person_ahead(r->view->segments[i].segment, asks[k].person, stage, &few->paths[k][i - begin]);
}

static int few_read(struct visits_reader *r, size_t file, const struct presence_ask *ask, const struct segment_path *path, struct presence_list *out, struct error *err) {
    struct segment_reach reaches[SEGMENT_PATH];
    struct segment *s = r->view->segments[file].segment;
    int32_t shift = shift_of(r, r->view->segments[file].day);
    if (ask->to <= shift || (int64_t)ask->from > (int64_t)shift + DAY_S) return 0;
    if (!segment_path_whole(s, path)) return segment_people(s, ask, 1, shift, out, err);
    int rc = segment_path_read(s, path, ask, shift, out, reaches, err);
    for (int i = 0; rc == 0 && i < path->n; i++)
        if (reaches[i].end) *known_at(r, reaches[i].place, file) = (struct known){(uint32_t)file + 1, reaches[i]};
    return rc;
}

static int of_persons(void *arg, const struct presence_ask *asks, size_t n, struct presence_list *out, struct error *err) {
    struct visits_reader *r = arg;
    struct few few;
    int32_t from = INT32_MAX, to = INT32_MIN;
    day first, last;
    int rc = 0;
    for (size_t i = 0; i < n; i++) {
        if (asks[i].from < from) from = asks[i].from;
        if (asks[i].to > to) to = asks[i].to;
    }
    if (from >= to) return 0;
    days_of(r, from, to, &first, &last);
    size_t begin = first_segment(r->view, first);
    if (n <= FEW) persons_ahead(r, asks, n, begin, last, &few);
    for (size_t i = begin; rc >= 0 && i < r->view->n && r->view->segments[i].day <= last; i++) {
        if (!r->view->segments[i].segment) continue;
        if (n > FEW || i >= begin + AHEAD_FILES) rc = segment_people(r->view->segments[i].segment, asks, n, shift_of(r, r->view->segments[i].day), out, err);
        else for (size_t k = 0; rc == 0 && k < n; k++) rc = few_read(r, i, &asks[k], &few.paths[k][i - begin], out, err);
        rc = pass_damage(rc, err);
    }
    for (int k = 0; rc >= 0 && k < r->view->n_buffers; k++) rc = persons_in_buffer(r, k, asks, n, out);
    return rc < 0 ? error_set(err, rc, NULL, "no memory for the stays of persons / 内存不足") : 0;
}

/* A place in a file, on its way through the stages of segment_stays_ahead. */
struct coming {
    struct segment *segment;
    size_t file;
    uint32_t place;
    int32_t from, to;
    struct segment_path path;
};

static void ahead(void *arg, const struct presence_stop *stops, size_t n) {
    struct visits_reader *r = arg;
    struct coming coming[AHEAD_STOPS];
    size_t used = 0;
    for (size_t k = 0; k < n; k++) {
        day first, last;
        if (stops[k].from >= stops[k].to) continue;
        days_of(r, stops[k].from, stops[k].to, &first, &last);
        for (size_t i = first_segment(r->view, first); i < r->view->n && r->view->segments[i].day <= last && used < AHEAD_STOPS; i++) {
            if (!r->view->segments[i].segment) continue;
            int32_t shift = shift_of(r, r->view->segments[i].day);
            int32_t from = stops[k].from > shift ? stops[k].from - shift : 0, to = stops[k].to - shift;
            struct coming *c = used ? &coming[used - 1] : NULL;
            if (c && c->file == i && c->place == stops[k].place) { /* several stays there on one day */
                c->to = to > c->to ? to : c->to;
                continue;
            }
            c = &coming[used++];
            *c = (struct coming){r->view->segments[i].segment, i, stops[k].place, from, to, {0}};
            reach_find(r, c->place, i, &c->path.first, &c->path.end);
        }
    }
    for (int stage = 0; stage < 4; stage++)
        for (size_t i = 0; i < used; i++) segment_stays_ahead(coming[i].segment, coming[i].place, coming[i].from, coming[i].to, stage, &coming[i].path);
    for (size_t i = 0; i < used; i++) {
        const struct segment_path *p = &coming[i].path;
        if (p->end) *known_at(r, coming[i].place, coming[i].file) = (struct known){(uint32_t)coming[i].file + 1, {coming[i].place, (uint32_t)p->first, (uint32_t)p->end}};
    }
}

static uint32_t chain_next(const struct visits_reader *r, int k, uint32_t at) {
    while (at > r->counts[k]) at = buffer_at(r->view->buffers[k], at - 1)->by_place; /* newer than this reader */
    return at;
}

/* The files of the days that the spans have a part in. */
static int parts_list(struct visits_reader *r, uint32_t place) {
    size_t i = 0;
    r->n_parts = 0;
    for (size_t k = 0; k < r->n_when; k++) {
        day first, last;
        if (r->when[k].from >= r->when[k].to) continue;
        days_of(r, r->when[k].from, r->when[k].to, &first, &last);
        if (i == 0) i = first_segment(r->view, first);
        for (; i < r->view->n && r->view->segments[i].day <= last; i++) {
            struct segment *s = r->view->segments[i].segment;
            if (r->view->segments[i].day < first || !s || place >= s->head.n_places) continue;
            if (!mem_room(&r->parts, &r->cap_parts, r->n_parts + 1, sizeof *r->parts)) return E_MEMORY;
            struct part *p = &r->parts[r->n_parts++];
            *p = (struct part){.segment = s, .shift = shift_of(r, r->view->segments[i].day)};
            p->known = reach_find(r, place, i, &p->first, &p->end);
        }
    }
    return 0;
}

/* Where the place begins in each of them; all of them wait for memory together. */
static int parts_find(struct visits_reader *r, uint32_t place, bool *ret_loose, struct error *err) {
    size_t kept = 0;
    int rc = 0;
    for (int stage = 0; stage < 2; stage++)
        for (size_t i = 0; i < r->n_parts; i++)
            if (!r->parts[i].known) segment_place_ahead(r->parts[i].segment, place, stage);
    for (size_t i = 0; rc >= 0 && i < r->n_parts; i++) {
        struct part p = r->parts[i];
        rc = p.known ? 0 : pass_damage(segment_place(p.segment, place, &p.first, &p.end, err), err);
        if (rc != 0 || p.first == p.end) continue;
        if (!p.known) segment_rows_ahead(p.segment, p.first, 0);
        /* two files of one day know nothing of each other's stays */
        if (kept && r->parts[kept - 1].shift == p.shift) *ret_loose = true;
        r->parts[kept++] = p;
    }
    r->n_parts = kept;
    for (size_t i = 0; rc >= 0 && i < kept; i++)
        if (!r->parts[i].known) segment_rows_ahead(r->parts[i].segment, r->parts[i].first, 1);
    return rc < 0 ? rc : 0;
}

static int at_place(void *arg, uint32_t place, const struct presence_when *when, size_t n, bool seats, bool *ret_loose, struct error *err) {
    struct visits_reader *r = arg;
    r->place = place;
    r->seats = seats;
    r->n_when = 0;
    r->n_parts = 0;
    if (n > r->cap_when) {
        struct presence_when *list = mem_realloc(r->when, (n + 16) * sizeof *list);
        if (!list) return error_set(err, E_MEMORY, NULL, "no memory for the stays at a place / 内存不足");
        r->when = list;
        r->cap_when = n + 16;
    }
    memcpy(r->when, when, n * sizeof *when);
    r->n_when = n;
    r->at_when = r->part = 0;
    r->inside = false;
    r->buffer = 0;
    r->at = 0;
    *ret_loose = false;
    int rc = parts_list(r, place);
    if (rc == 0) rc = parts_find(r, place, ret_loose, err);
    if (rc < 0) return error_set(err, rc, NULL, "no memory for the stays at a place / 内存不足");
    for (int k = 0; k < r->view->n_buffers; k++) {
        uint32_t at = r->counts[k] ? chain_next(r, k, buffer_head(&r->view->buffers[k]->places, place)) : 0;
        if (k == 0) r->at = at;
        *ret_loose |= at != 0;
    }
    return 0;
}

static void span_set(struct visits_reader *r, struct presence_span *ret) {
    *ret = (struct presence_span){.n = r->rows.n, .person = r->rows.person, .start = r->start, .end = r->end, .attr = r->rows.attr,
                                  .zone = r->rows.seats ? r->rows.zone : NULL, .row = r->rows.seats ? r->rows.row : NULL};
}

/* To seconds after the origin. What has an instant in an earlier span was handed out with it; spans of one file only can share a stay. */
static void rows_shift(struct visits_reader *r, int32_t shift) {
    int32_t begin = r->at_when ? r->when[r->at_when - 1].to : INT32_MIN;
    for (size_t i = 0; i < r->rows.n; i++) {
        r->start[i] = (int32_t)r->rows.start[i] + shift;
        r->end[i] = (int32_t)r->rows.end[i] + shift;
    }
    if (begin <= shift) return;
    size_t kept = 0;
    for (size_t i = 0; i < r->rows.n; i++) {
        if (r->start[i] < begin) continue;
        r->start[kept] = r->start[i], r->end[kept] = r->end[i];
        r->rows.person[kept] = r->rows.person[i], r->rows.attr[kept] = r->rows.attr[i];
        if (r->rows.seats) r->rows.zone[kept] = r->rows.zone[i], r->rows.row[kept] = r->rows.row[i];
        kept++;
    }
    r->rows.n = kept;
}

static int next_of_parts(struct visits_reader *r, struct error *err) {
    while (r->part < r->n_parts && r->at_when < r->n_when) {
        const struct part *p = &r->parts[r->part];
        int64_t from = (int64_t)r->when[r->at_when].from - p->shift, to = (int64_t)r->when[r->at_when].to - p->shift;
        if (from >= DAY_S) { /* all of this file is before the span */
            r->part++;
            r->inside = false;
            continue;
        }
        if (to <= 0) { /* the span is over before this file */
            r->at_when++;
            r->inside = false;
            continue;
        }
        if (!r->inside) r->cursor = p->first;
        r->inside = true;
        int rc = segment_scan(p->segment, &r->cursor, p->end, from < 0 ? 0 : (int32_t)from, to > DAY_S + 1 ? DAY_S + 1 : (int32_t)to, r->seats, &r->rows, err);
        if (rc < 0) {
            if ((rc = pass_damage(rc, err)) < 0) return rc;
            r->rows.n = 0;
            r->cursor = p->end;
        }
        rows_shift(r, p->shift);
        bool over = r->cursor >= p->end;
        if (over) { /* the next file of the span, or the next span, which may begin in this file again */
            r->inside = false;
            if (to > DAY_S) r->part++;
            else if (r->part + 1 < r->n_parts && r->parts[r->part + 1].shift == p->shift) r->part++; /* another file of the day */
            else {
                r->at_when++;
                while (r->part && r->parts[r->part - 1].shift == p->shift) r->part--;
            }
        }
        if (r->rows.n) return 1;
    }
    return 0;
}

static bool wanted(const struct visits_reader *r, int32_t start, int32_t end) {
    for (size_t i = 0; i < r->n_when && r->when[i].from <= end; i++)
        if (in_range(start, end, r->when[i].from, r->when[i].to)) return true;
    return false;
}

static int next(void *arg, struct presence_span *ret, struct error *err) {
    struct visits_reader *r = arg;
    int rc = next_of_parts(r, err);
    if (rc) {
        if (rc > 0) span_set(r, ret);
        return rc;
    }
    size_t n = 0;
    r->rows.seats = false;
    while (n < SPAN_ROWS && r->buffer < r->view->n_buffers) {
        if (!r->at) {
            if (++r->buffer < r->view->n_buffers && r->counts[r->buffer])
                r->at = chain_next(r, r->buffer, buffer_head(&r->view->buffers[r->buffer]->places, r->place));
            continue;
        }
        const struct buffer_row *row = buffer_at(r->view->buffers[r->buffer], r->at - 1);
        int32_t shift = shift_of(r, row->day);
        r->at = row->by_place;
        if (!wanted(r, row->row.start + shift, row->row.end + shift)) continue;
        r->rows.person[n] = row->row.person;
        r->start[n] = row->row.start + shift;
        r->end[n] = row->row.end + shift;
        r->rows.attr[n] = row->row.attr | PRESENCE_JOINS;
        r->rows.zone[n] = row->row.zone;
        r->rows.row[n] = row->row.row;
        r->rows.seats |= row->row.zone || row->row.row;
        n++;
    }
    r->rows.n = n;
    if (n) span_set(r, ret);
    return n > 0;
}

/* What there is of a place on one day, in files and in memory. */
struct crowded {
    struct { struct segment *segment; uint64_t first, end; } pieces[CROWD_PIECES];
    size_t n_pieces;
    uint64_t in_files, in_memory;
};

static void crowded_find(struct visits_reader *r, uint32_t place, day d, bool listed, struct crowded *ret) {
    int32_t shift = shift_of(r, d);
    *ret = (struct crowded){0};
    for (size_t i = listed ? 0 : first_segment(r->view, d); listed ? i < r->n_parts : i < r->view->n && r->view->segments[i].day == d; i++) {
        struct segment *s = listed ? r->parts[i].segment : r->view->segments[i].segment;
        uint64_t first = listed ? r->parts[i].first : 0, end = listed ? r->parts[i].end : 0;
        if ((listed && r->parts[i].shift != shift) || !s || place >= s->head.n_places || (!listed && segment_place(s, place, &first, &end, NULL) < 0) || first == end) continue;
        ret->in_files += end - first;
        if (ret->n_pieces < CROWD_PIECES) ret->pieces[ret->n_pieces].segment = s, ret->pieces[ret->n_pieces].first = first, ret->pieces[ret->n_pieces].end = end;
        ret->n_pieces++;
    }
    for (int k = 0; k < r->view->n_buffers; k++)
        for (uint32_t at = r->counts[k] ? chain_next(r, k, buffer_head(&r->view->buffers[k]->places, place)) : 0; at; at = buffer_at(r->view->buffers[k], at - 1)->by_place)
            ret->in_memory += buffer_at(r->view->buffers[k], at - 1)->day == d;
}

static int by_bytes(const void *a, const void *b) {
    return memcmp(a, b, sizeof(struct segment_row));
}

/* Each stay of a day once, as a client may have sent it again before the day's files are one; without memory or with damage, as many as were counted. */
static uint64_t crowded_distinct(struct visits_reader *r, uint32_t place, day d, const struct crowded *c) {
    uint64_t all = c->in_files + c->in_memory, n = 0, distinct = 0;
    struct segment_row *rows = c->n_pieces <= CROWD_PIECES ? mem_alloc(all * sizeof *rows) : NULL;
    struct segment_rows block;
    if (!rows) return all;
    for (size_t i = 0; i < c->n_pieces; i++)
        for (uint64_t at = c->pieces[i].first; at < c->pieces[i].end;) {
            if (segment_scan(c->pieces[i].segment, &at, c->pieces[i].end, 0, DAY_S + 1, true, &block, NULL) < 0) break;
            for (size_t k = 0; k < block.n && n < all; k++)
                rows[n++] = (struct segment_row){block.person[k], place, (int32_t)block.start[k], (int32_t)block.end[k], block.attr[k] & (PRESENCE_JOINS - 1), block.seats ? block.zone[k] : 0, block.seats ? block.row[k] : 0, 0};
        }
    for (int k = 0; k < r->view->n_buffers; k++)
        for (uint32_t at = r->counts[k] ? chain_next(r, k, buffer_head(&r->view->buffers[k]->places, place)) : 0; at; at = buffer_at(r->view->buffers[k], at - 1)->by_place) {
            const struct buffer_row *row = buffer_at(r->view->buffers[k], at - 1);
            if (row->day != d || n == all) continue;
            rows[n] = row->row;
            rows[n].filler = 0;
            rows[n++].attr &= PRESENCE_JOINS - 1;
        }
    if (n) qsort(rows, n, sizeof *rows, by_bytes);
    for (uint64_t i = 0; i < n; i++) distinct += !i || by_bytes(&rows[i - 1], &rows[i]) != 0;
    mem_free(rows);
    return distinct;
}

static uint32_t crowd(void *arg, uint32_t place, int32_t from, int32_t to, uint32_t enough) {
    struct visits_reader *r = arg;
    uint64_t most = 0;
    day first, last;
    if (from >= to) return 0;
    days_of(r, from, to, &first, &last);
    size_t k = 0;
    while (k < r->n_when && r->when[k].to < to) k++;
    bool listed = k < r->n_when && place == r->place && r->when[k].from <= from; /* known from at_place */
    for (day d = first; d <= last; d++) {
        struct crowded c;
        crowded_find(r, place, d, listed, &c);
        uint64_t today = c.in_files + c.in_memory;
        if (today >= enough && today > most && c.n_pieces + (c.in_memory ? 2 : 0) > 1) today = crowded_distinct(r, place, d, &c);
        if (today > most) most = today;
    }
    return most < UINT32_MAX ? (uint32_t)most : UINT32_MAX;
}

static uint8_t class_of(void *arg, uint32_t place) {
    return visits_class(((struct visits_reader *)arg)->v, place);
}

static int another(void *arg, struct presence_source *ret, struct error *err);

static void release(void *arg) {
    visits_reader_close(arg);
}

/* A reader that holds no view yet. */
static int reader_new(struct visits *v, day origin, struct visits_reader **ret, struct error *err) {
    struct visits_reader *r = mem_alloc(sizeof *r);
    if (!r) return error_set(err, E_MEMORY, NULL, "no memory to read visits / 内存不足");
    for (int i = 0; i < VISITS_READERS_MAX && !r->slot; i++) {
        bool free_slot = false;
        if (atomic_compare_exchange_strong(&v->readers[i].taken, &free_slot, true)) r->slot = &v->readers[i];
    }
    if (!r->slot) {
        mem_free(r);
        return error_set(err, E_BUSY, v->dir, "too many readers of the visit store / 同时读取出入记录的过多");
    }
    r->v = v;
    r->origin = origin;
    r->source = (struct presence_source){.arg = r, .origin = instant_of_day(origin, v->zone_s), .of_persons = of_persons, .at_place = at_place, .next = next, .ahead = ahead,
                                         .crowd = crowd, .class_of = class_of, .another = another, .release = release};
    *ret = r;
    return 0;
}

static int another(void *arg, struct presence_source *ret, struct error *err) {
    const struct visits_reader *first = arg;
    struct visits_reader *r = NULL;
    int rc = reader_new(first->v, first->origin, &r, err);
    if (rc < 0) return rc;
    r->view = first->view; /* held by the first one */
    atomic_store(&r->slot->held, r->view);
    memcpy(r->counts, first->counts, sizeof r->counts);
    r->source.n_persons = first->source.n_persons;
    r->source.n_places = first->source.n_places;
    *ret = r->source;
    return 0;
}

int visits_reader_open(struct visits *v, day origin, struct visits_reader **ret, struct error *err) {
    struct visits_reader *r = NULL;
    int rc = reader_new(v, origin, &r, err);
    if (rc == 0 && v->remote) {
        rc = remote_reader_open(v, origin, &r->remote, &r->source, err);
        if (rc == 0) *ret = r;
        else visits_reader_close(r);
        return rc;
    }
    if (rc < 0) return rc;
    /* announce first, then make sure that it was still the one: from then on nobody frees it */
    do {
        r->view = atomic_load(&v->view);
        atomic_store(&r->slot->held, r->view);
    } while (atomic_load(&v->view) != r->view);
    for (int k = 0; k < r->view->n_buffers; k++) r->counts[k] = buffer_count(r->view->buffers[k]);
    r->source.n_persons = visits_count(v, VISITS_PERSON); /* after the rows: each of them has a number below */
    r->source.n_places = visits_count(v, VISITS_PLACE);
    *ret = r;
    return 0;
}

void visits_reader_close(struct visits_reader *r) {
    if (!r) return;
    remote_reader_close(r->remote);
    atomic_store(&r->slot->held, NULL);
    atomic_store(&r->slot->taken, false);
    mem_free(r->parts);
    mem_free(r->when);
    mem_free(r);
}

const struct presence_source *visits_reader_source(struct visits_reader *r) {
    return &r->source;
}

int visits_reader_damaged(const struct visits_reader *r, day from, day until) {
    if (r->remote) return 0;
    int n = r->v->log_damaged; /* nobody knows of which days */
    for (size_t i = first_segment(r->view, from); i < r->view->n && r->view->segments[i].day < until; i++)
        n += !r->view->segments[i].segment || atomic_load(&r->view->segments[i].segment->damaged);
    return n;
}

int visits_reader_watch(struct visits_reader *r, bool on, struct error *err) {
    int rc = 0;
    for (size_t i = 0; rc == 0 && !r->remote && i < r->view->n; i++)
        if (r->view->segments[i].segment) rc = segment_watch(r->view->segments[i].segment, on, err);
    return rc;
}

uint64_t visits_reader_reread(const struct visits_reader *r, uint64_t *ret_sum) {
    uint64_t bytes = 0;
    for (size_t i = 0; !r->remote && i < r->view->n; i++)
        if (r->view->segments[i].segment) bytes += segment_reread(r->view->segments[i].segment, ret_sum);
    return bytes;
}
