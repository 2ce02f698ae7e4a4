/* One place after another: the exposed stays there against everybody's. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engines/contact_work.h"

enum { GAP_S = 3600 /* exposed stays closer than this are read together */ };

/* Whoever came or left so long before counts half. */
static double lingering(int32_t gone_s) {
    return exp2(-(double)gone_s / CONTACT_HALF_LIFE_S);
}

struct other {
    uint32_t person;
    int32_t start, end;
    uint16_t attr, zone, row;
    bool was, stayed;        /* a piece that begins, or ends, where a seat becomes known: nobody came or left there */
};

static int met(struct contact_work *w, const struct other *k, int32_t start, int32_t end, uint32_t through, uint8_t rows_apart) {
    struct contact_evidence e = {w->place, through, start, end, end - start, k->attr, CONTACT_MET, rows_apart, 0};
    return contact_note(w, k->person, &e, w->dose_per_s * (double)(end - start), true);
}

/* `gone_s` after the other had left, for the time the air lingers on. */
static int came_after(struct contact_work *w, const struct other *k, int32_t gone_s, uint32_t through) {
    int32_t start = k->start, end = k->end, left = w->rule.after_s - gone_s;
    if (end - start > left) end = start + left;
    if (w->o->reverse) { /* the case came after this one: the exposure is the case's, from its coming on */
        start = k->end + gone_s;
        end = start;
    }
    struct contact_evidence e = {w->place, through, start, end, 0, k->attr, CONTACT_CAME_AFTER, 255, 0};
    return contact_note(w, k->person, &e, quantum(w->dose_per_s * (double)(end - start) * lingering(gone_s)), false);
}

/* First i with list[i] > v. */
static size_t above(const int32_t *list, size_t n, int32_t v) {
    size_t low = 0;
    while (n) {
        size_t half = n / 2;
        if (list[low + half] <= v) low += half + 1, n -= half + 1;
        else n = half;
    }
    return low;
}

static int lingers(struct contact_work *w, const struct other *k) {
    const struct cluster *c = &w->cluster;
    if (!w->rule.after_s || !c->n_edges) return 0;
    if (!w->o->reverse) { /* the last one that left before it came */
        size_t i = above(c->edge, c->n_edges, k->start);
        if (i && k->start - c->edge[i - 1] <= w->rule.after_s) return came_after(w, k, k->start - c->edge[i - 1], c->edge_person[i - 1]);
    } else { /* the first one that came after it left */
        size_t i = above(c->edge, c->n_edges, k->end - 1);
        if (i < c->n_edges && c->edge[i] - k->end <= w->rule.after_s) return came_after(w, k, c->edge[i] - k->end, c->edge_person[i]);
    }
    return 0;
}

/* The union of the times with all exposed stays that lasted at least m together. Two stays of at least m overlap by m exactly when each starts at least m before the
 * other ends; so of those exposed, sorted by start, the first `n` may count, those that had come before k count when the latest end among them is late enough, and those
 * that came after k count all. */
static int overlaps(struct contact_work *w, const struct other *k) {
    struct cluster *c = &w->cluster;
    int32_t m = w->rule.overlap_s;
    if (k->end - k->start < m || !c->n) return 0;
    if (c->n == 1) {
        int32_t start = k->start > c->start[0] ? k->start : c->start[0], end = k->end < c->end[0] ? k->end : c->end[0];
        return end - start >= m ? met(w, k, start, end, c->person[0], 255) : 0;
    }
    size_t i = c->hint < c->n && (c->hint == 0 || c->start[c->hint - 1] <= k->start) ? c->hint : 0;
    for (int steps = 0; i < c->n && c->start[i] <= k->start; i++) /* near it, or by halving */
        if (++steps > 8) {
            i += above(c->start + i, c->n - i, k->start);
            break;
        }
    c->hint = i;
    size_t n = k->end - m >= k->start ? i + above(c->start + i, c->n - i, k->end - m) : above(c->start, c->n, k->end - m);
    if (i > n) i = n;
    if (!n || c->latest[n - 1] < k->start + m) return 0;
    int rc = 0;
    int32_t last = c->latest[n - 1] < k->end ? c->latest[n - 1] : k->end;
    if (i && c->latest[i - 1] >= k->start + m) {
        int32_t end = c->chain_end[i - 1] < last ? c->chain_end[i - 1] : last;
        rc = met(w, k, k->start, end, c->latest_at[i - 1], 255);
        i = above(c->start, n, end);
    }
    while (rc == 0 && i < n) { /* a new run */
        int32_t end = c->chain_end[i] < last ? c->chain_end[i] : last;
        rc = met(w, k, c->start[i], end, c->person[i], 255);
        i = above(c->start, n, end);
    }
    return rc;
}

/* How far apart two seats are: false when they do not count. */
static bool seats_near(const struct contact_work *w, const struct exposed *j, const struct other *k, bool zones, uint8_t *ret_apart) {
    *ret_apart = 255;
    if (zones && j->zone != k->zone) return false;
    if (w->rule.rows < 0) return true;
    if (j->zone && k->zone && j->zone != k->zone) return false;
    if (!j->row || !k->row) return true;
    int apart = j->row > k->row ? j->row - k->row : k->row - j->row;
    *ret_apart = (uint8_t)(apart < 254 ? apart : 254);
    return apart <= w->rule.rows;
}

static int gather(struct contact_work *w, const struct other *k, int32_t start, int32_t end, uint32_t through, uint8_t rows_apart) {
    if (end <= start) return 0;
    if (!mem_room(&w->together, &w->cap_together, w->n_together + 1, sizeof *w->together)) return E_MEMORY;
    w->together[w->n_together++] = (struct together){start, end, through, k->attr, rows_apart};
    return 0;
}

/* Pair by pair, where it matters who sat where; the exposed are sorted by start. */
static int pairs(struct contact_work *w, const struct other *k, bool zones) {
    const struct cluster *c = &w->cluster;
    int32_t from = 0, to = 0;
    uint32_t through = 0;
    uint8_t apart, nearest = 255;
    const struct exposed *gone = NULL;
    int32_t gone_s = INT32_MAX;
    bool open = false;
    int rc = 0;
    /* those before all ended too long ago; from the first that begins too late on nobody was there */
    size_t first = above(c->all_latest, c->n_all, k->start - w->rule.after_s - 1);
    for (size_t i = first; rc == 0 && i < c->n_all && c->all[i].start <= k->end + w->rule.after_s; i++) {
        const struct exposed *j = &c->all[i];
        if (!seats_near(w, j, k, zones, &apart)) continue;
        int32_t since = w->o->reverse ? j->start - k->end : k->start - j->end;
        if (since >= 0 && since <= w->rule.after_s && w->rule.after_s && since < gone_s && (w->o->reverse ? j->came && !k->stayed : j->left && !k->was)) gone = j, gone_s = since;
        int32_t start = j->start > k->start ? j->start : k->start, end = j->end < k->end ? j->end : k->end;
        if (w->gathering) {
            rc = gather(w, k, start, end, j->person, apart);
            continue;
        }
        if (end - start < w->rule.overlap_s) continue;
        if (open && start <= to) {
            if (end > to) to = end;
            if (apart < nearest) nearest = apart, through = j->person;
            continue;
        }
        if (open) rc = met(w, k, from, to, through, nearest);
        open = true;
        from = start, to = end, through = j->person, nearest = apart;
    }
    if (rc == 0 && open) rc = met(w, k, from, to, through, nearest);
    if (rc == 0 && gone) rc = came_after(w, k, gone_s, gone->person);
    return rc;
}

/* ---- the cluster */
static int cluster_room(struct cluster *c, size_t n) {
    if (n <= c->cap) return 0;
    size_t cap = c->cap ? c->cap : 64;
    while (cap < n) cap *= 2;
    void **lists[] = {(void **)&c->start, (void **)&c->end, (void **)&c->latest, (void **)&c->latest_at, (void **)&c->chain_end, (void **)&c->person,
                      (void **)&c->edge, (void **)&c->edge_person, (void **)&c->all_latest};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        void *p = mem_realloc(*lists[i], cap * sizeof(int32_t));
        if (!p) return E_MEMORY;
        *lists[i] = p;
    }
    c->cap = cap;
    return 0;
}

struct edge {
    int32_t at;
    uint32_t person;
};

static int by_time(const void *pa, const void *pb) {
    const struct edge *a = pa, *b = pb;
    return a->at != b->at ? (a->at < b->at ? -1 : 1) : a->person < b->person ? -1 : a->person > b->person;
}

static int edges_make(struct contact_work *w) {
    struct cluster *c = &w->cluster;
    size_t n = 0;
    struct edge few[8], *list = c->n_all <= 8 ? few : mem_alloc(c->n_all * sizeof *list);
    if (!list) return E_MEMORY;
    for (size_t i = 0; i < c->n_all; i++)
        if (w->o->reverse ? c->all[i].came : c->all[i].left) list[n++] = (struct edge){w->o->reverse ? c->all[i].start : c->all[i].end, c->all[i].person};
    if (n) qsort(list, n, sizeof *list, by_time);
    for (size_t i = 0; i < n; i++) c->edge[i] = list[i].at, c->edge_person[i] = list[i].person;
    c->n_edges = n;
    if (list != few) mem_free(list);
    return 0;
}

static int cluster_make(struct contact_work *w, const struct exposed *x, size_t n) {
    struct cluster *c = &w->cluster;
    int rc = cluster_room(c, n);
    if (rc < 0) return rc;
    c->all = x;
    c->n_all = n;
    c->n = c->n_edges = c->hint = c->near = 0;
    for (size_t i = 0; i < n; i++) {
        c->all_latest[i] = i && c->all_latest[i - 1] > x[i].end ? c->all_latest[i - 1] : x[i].end;
        if (x[i].end - x[i].start < w->rule.overlap_s) continue;
        size_t k = c->n++;
        c->start[k] = x[i].start;
        c->end[k] = x[i].end;
        c->person[k] = x[i].person;
        bool later = !k || x[i].end > c->latest[k - 1];
        c->latest[k] = later ? x[i].end : c->latest[k - 1];
        c->latest_at[k] = later ? x[i].person : c->latest_at[k - 1];
    }
    for (size_t k = c->n; k-- > 0;)
        c->chain_end[k] = k + 1 < c->n && c->start[k + 1] <= c->latest[k] ? c->chain_end[k + 1] : c->latest[k];
    return w->rule.after_s ? edges_make(w) : 0;
}

/* ---- everybody there */
static int by_person_start(const void *pa, const void *pb) {
    const struct presence *a = pa, *b = pb;
    if (a->person != b->person) return a->person < b->person ? -1 : 1;
    return a->start != b->start ? (a->start < b->start ? -1 : 1) : a->end < b->end ? -1 : a->end > b->end;
}

static inline int judge(struct contact_work *w, const struct other *k) {
    int rc = overlaps(w, k);
    return rc == 0 && w->rule.after_s ? lingers(w, k) : rc;
}

/* ---- who sat where: contact_seats.c */
/* Whoever changed seats, or of whom a ticket and a scan speak, was with one of those exposed for all the time in which they can have been near; never a minute twice. */
static int gathered(struct contact_work *w, uint32_t person) {
    struct together *t = w->together;
    size_t n = together_join(t, w->n_together, true), long_enough = 0;
    int rc = 0;
    w->gathering = false;
    for (size_t i = 0; i < n; i++)
        if (t[i].to - t[i].from >= w->rule.overlap_s) t[long_enough++] = t[i];
    n = together_join(t, long_enough, false);
    for (size_t i = 0; rc == 0 && i < n; i++) rc = met(w, &(struct other){.person = person, .attr = t[i].attr}, t[i].from, t[i].to, t[i].through, t[i].rows_apart);
    return rc;
}

/* One who has one stay here. */
static int alone_judge(struct contact_work *w, const struct other *k, bool zones) {
    w->gathering = w->several;
    w->n_together = 0;
    int rc = pairs(w, k, zones);
    return rc == 0 && w->gathering ? gathered(w, k->person) : rc;
}

/* All stays of one person, where it matters who sat where: w->stays. */
static int seats_judge(struct contact_work *w, size_t n, bool zones) {
    struct exposed *x = w->stays;
    uint32_t person = x[0].person;
    int rc = 0;
    w->n_pieces[1] = 0;
    if (n > 1) {
        qsort(x, n, sizeof *x, exposed_by_seat);
        rc = exposed_parts(w, 1, x, exposed_touching(x, n, true));
        x = w->pieces[1], n = w->n_pieces[1];
    }
    w->gathering = n > 1 || w->several;
    w->n_together = 0;
    for (size_t i = 0; rc == 0 && i < n; i++) rc = pairs(w, &(struct other){person, x[i].start, x[i].end, x[i].attr, x[i].zone, x[i].row, !x[i].came, !x[i].left}, zones);
    return rc == 0 && w->gathering ? gathered(w, person) : rc;
}

static int seats_add(struct contact_work *w, size_t n, const struct presence *p) {
    if (!mem_room(&w->stays, &w->cap_stays, n + 1, sizeof *w->stays)) return E_MEMORY;
    w->stays[n] = (struct exposed){p->place, p->person, p->start, p->end, p->zone, p->row, p->attr, true, true};
    return 0;
}

/* Stays that may touch others of the same person, joined. Both of two that touch are among them. */
static int joined_judge(struct contact_work *w, bool by_pairs, bool zones) {
    const struct presence_list *all = &w->joined;
    int rc = 0;
    presence_sort(all->items, all->n, by_person_start);
    for (size_t i = 0; rc == 0 && i < all->n;) {
        struct presence p = all->items[i];
        size_t n = 0;
        if (by_pairs) {
            for (; rc == 0 && i < all->n && all->items[i].person == p.person; i++) rc = seats_add(w, n++, &all->items[i]);
            if (rc == 0) rc = seats_judge(w, n, zones);
            continue;
        }
        for (i++; i < all->n; i++) {
            const struct presence *q = &all->items[i];
            if (q->person != p.person || q->start > p.end) break;
            if (q->end > p.end) p.end = q->end;
        }
        rc = judge(w, &(struct other){p.person, p.start, p.end, p.attr, p.zone, p.row, false, false});
    }
    return rc;
}

/* The exposed whom stays within [from, to) can have been with for long enough: [*ret_low, return). */
static size_t near_ones(struct cluster *c, int32_t m, int32_t from, int32_t to, size_t *ret_low) {
    size_t low = c->near < c->n && (c->near == 0 || c->latest[c->near - 1] < from + m) ? c->near : 0, high;
    while (low < c->n && c->latest[low] < from + m) low++;
    for (high = low; high < c->n && c->start[high] <= to - m;) high++;
    c->near = low;
    *ret_low = low;
    return high;
}

/* Which of n <= AT_ONCE stays are to be looked at: those with an instant together with [from, to) that lasts m, and those that are to be joined first. */
enum { AT_ONCE = 128 };
static size_t hits_find(const struct presence_span *s, size_t n, int32_t from, int32_t to, int32_t m, bool loose, uint8_t *ret_hits) {
    size_t k = 0;
    for (size_t i = 0; i < n; i++) {
        int32_t start = s->start[i] > from ? s->start[i] : from, end = s->end[i] < to ? s->end[i] : to;
        ret_hits[k] = (uint8_t)i;
        k += loose | ((end >= start) & ((uint32_t)end - (uint32_t)start >= (uint32_t)m)) | ((s->attr[i] & PRESENCE_JOINS) != 0);
    }
    return k;
}

/* Stays of a span, in the order they stand: mostly by start. Mostly one of the exposed was there, or nobody long enough; then one pass finds those who count. */
static int stays_judge(struct contact_work *w, const struct presence_span *s, size_t n, bool loose, bool by_pairs, bool zones) {
    struct cluster *c = &w->cluster;
    uint8_t hits[AT_ONCE];
    bool plain = !by_pairs && !w->rule.after_s;
    int32_t m = w->rule.overlap_s, from = INT32_MAX, to = INT32_MIN;
    size_t low = 0, high = c->n, k;
    for (size_t i = 0; plain && i < n; i++) {
        from = s->start[i] < from ? s->start[i] : from;
        to = s->end[i] > to ? s->end[i] : to;
    }
    if (plain) high = near_ones(c, m, from, to, &low);
    bool nobody = plain && low >= high, one = plain && high == low + 1;
    if (plain) k = nobody ? hits_find(s, n, INT32_MAX, INT32_MIN, m, loose, hits) : hits_find(s, n, c->start[low], c->latest[high - 1], m, loose, hits);
    else for (k = 0; k < n; k++) hits[k] = (uint8_t)k;
    for (size_t h = 0; w->dense && h < k; h++)
        if (s->person[hits[h]] < w->n_sums) __builtin_prefetch(&w->sums[s->person[hits[h]]], 1);
    int rc = 0;
    for (size_t h = 0; rc == 0 && h < k; h++) {
        size_t i = hits[h];
        struct other o = {s->person[i], s->start[i], s->end[i], s->attr[i], s->zone ? s->zone[i] : 0, s->row ? s->row[i] : 0, false, false};
        if (loose || o.attr & PRESENCE_JOINS) {
            struct presence p = {o.person, w->place, o.start, o.end, o.attr, o.zone, o.row, 0};
            rc = presence_add(&w->joined, &p);
        } else if (by_pairs) rc = alone_judge(w, &o, zones);
        else if (one) rc = met(w, &o, o.start > c->start[low] ? o.start : c->start[low], o.end < c->end[low] ? o.end : c->end[low], c->person[low], 255);
        else rc = plain ? overlaps(w, &o) : judge(w, &o);
    }
    return rc;
}

static int span_judge(struct contact_work *w, const struct presence_span *span, bool loose, bool by_pairs, bool zones) {
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < span->n; i += AT_ONCE) {
        struct presence_span s = {0, span->person + i, span->start + i, span->end + i, span->attr + i, span->zone ? span->zone + i : NULL, span->row ? span->row + i : NULL};
        rc = stays_judge(w, &s, span->n - i < AT_ONCE ? span->n - i : AT_ONCE, loose, by_pairs, zones);
    }
    return rc;
}

/* Everybody at the place in the spans w->when against the cluster; at_place has been asked already when `begun`. */
static int place_scan(struct contact_work *w, size_t n_when, bool by_pairs, bool zones, bool begun, bool loose, struct error *err) {
    const struct presence_source *s = w->s;
    struct presence_span span;
    w->joined.n = 0;
    int rc = begun ? 0 : s->at_place(s->arg, w->place, w->when, n_when, by_pairs, &loose, err);
    while (rc == 0 && (rc = s->next(s->arg, &span, err)) == 1) {
        w->ret->stays_read += span.n;
        rc = span_judge(w, &span, loose, by_pairs, zones);
    }
    if (rc == 0 && w->joined.n) {
        w->cluster.hint = 0;
        rc = joined_judge(w, by_pairs, zones);
    }
    return rc;
}

/* ---- venues */
static int venue_note(struct contact_work *w, const struct exposed *x, uint32_t crowd) {
    struct contact_result *r = w->ret;
    int rc = mem_room(&r->venues, &r->cap_venues, r->n_venues + 1, sizeof *r->venues) ? 0 : E_MEMORY;
    if (rc == 0) r->venues[r->n_venues++] = (struct contact_venue){x->place, x->person, x->start, w->o->reverse ? x->end : x->end + w->rule.after_s, crowd, w->degree, {0}};
    return rc;
}

/* Exposed stays of one place that are near in time: the span in which others matter to them. */
static struct presence_when span_of(const struct contact_work *w, const struct exposed *x, size_t n) {
    int32_t latest = x[0].end, margin = w->rule.after_s + 1;
    for (size_t i = 1; i < n; i++)
        if (x[i].end > latest) latest = x[i].end;
    struct presence_when s = {x[0].start - 1, latest + 2};
    if (w->o->reverse) s.from -= margin;
    else s.to += margin;
    return s;
}

static size_t group_end(const struct contact_work *w, const struct exposed *x, size_t n) {
    int64_t reach = (int64_t)x[0].end + w->rule.after_s;
    size_t i = 1;
    for (; i < n && x[i].start <= reach + w->rule.after_s + GAP_S; i++) {
        int64_t r = (int64_t)x[i].end + w->rule.after_s;
        if (r > reach) reach = r;
    }
    return i;
}

static int spans_make(struct contact_work *w, const struct exposed *x, size_t n, size_t *ret_n) {
    size_t k = 0;
    for (size_t i = 0, g; i < n; i += g) {
        g = group_end(w, x + i, n - i);
        int rc = mem_room(&w->when, &w->cap_when, k + 1, sizeof *w->when) ? 0 : E_MEMORY;
        if (rc < 0) return rc;
        struct presence_when s = span_of(w, x + i, g);
        if (k && s.from <= w->when[k - 1].to) w->when[k - 1].to = s.to > w->when[k - 1].to ? s.to : w->when[k - 1].to;
        else w->when[k++] = s;
    }
    *ret_n = k;
    return 0;
}

/* Takes the stays on crowded days out of x: those whose zone is not known become venues, the others, *ret_zoned of them, stand at its end. */
static int venues_take(struct contact_work *w, struct exposed *x, size_t n, size_t *ret_plain, size_t *ret_zoned) {
    struct exposed *zoned = NULL;
    size_t plain = 0, n_zoned = 0;
    int rc = 0;
    for (size_t i = 0, g; rc == 0 && i < n; i += g) {
        g = group_end(w, x + i, n - i);
        int32_t latest = x[i].end;
        for (size_t k = 1; k < g; k++)
            if (x[i + k].end > latest) latest = x[i + k].end;
        uint32_t crowd = w->s->crowd(w->s->arg, w->place, x[i].start, latest + 1, w->rule.crowd);
        if (crowd < w->rule.crowd) {
            memmove(x + plain, x + i, g * sizeof *x);
            plain += g;
            continue;
        }
        for (size_t k = i; rc == 0 && k < i + g; k++) {
            if (exposed_edge(&x[k])) continue;
            if (!x[k].zone) rc = venue_note(w, &x[k], crowd);
            else if (!zoned && !(zoned = mem_alloc((n - k) * sizeof *zoned))) rc = E_MEMORY;
            else zoned[n_zoned++] = x[k];
        }
    }
    if (n_zoned) memcpy(x + plain, zoned, n_zoned * sizeof *x);
    mem_free(zoned);
    *ret_plain = plain;
    *ret_zoned = n_zoned;
    return rc;
}

/* Who went from one floor to another stayed, where floors and seats do not matter: stays that touch are one. Where seats matter: the pieces of each. By start, in the work's memory or where they were. */
static int exposed_join(struct contact_work *w, struct exposed **at, size_t *n_at, bool seats) {
    struct exposed *x = *at;
    size_t n = *n_at, left = 0;
    bool any = false;
    int rc = 0;
    w->several = false;
    for (size_t i = 0; i < n && n > 1 && !any; i++) any = x[i].zone || x[i].row;
    if (any) {
        qsort(x, n, sizeof *x, seats ? exposed_by_seat : exposed_by_person);
        n = exposed_touching(x, n, seats);
    }
    if (any && seats) {
        w->n_pieces[0] = 0;
        for (size_t i = 0, k; rc == 0 && i < n; i = k) {
            for (k = i + 1; k < n && x[k].person == x[i].person; k++) w->several = true;
            rc = exposed_parts(w, 0, x + i, k - i);
        }
        x = w->pieces[0], n = w->n_pieces[0];
    }
    for (size_t i = 0; rc == 0 && i < n; i++)
        if (!exposed_edge(&x[i])) x[left++] = x[i];
    if (any && left) qsort(x, left, sizeof *x, exposed_by_start);
    *at = x;
    *n_at = left;
    return rc;
}

/* All exposed stays of one place. */
static int place_find(struct contact_work *w, struct exposed *x, size_t n, struct error *err) {
    size_t n_when = 0, plain = n, zoned = 0;
    bool loose = false;
    int rc = spans_make(w, x, n, &n_when);
    if (rc == 0) rc = w->s->at_place(w->s->arg, w->place, w->when, n_when, w->rule.rows >= 0, &loose, err);
    if (rc == 0 && w->rule.crowd) rc = venues_take(w, x, n, &plain, &zoned);
    struct exposed *x_zoned = x + plain;
    bool begun = plain == n;
    if (rc == 0) rc = exposed_join(w, &x, &plain, w->rule.rows >= 0);
    if (rc == 0 && plain) {
        if (!begun) rc = spans_make(w, x, plain, &n_when);
        if (rc == 0) rc = cluster_make(w, x, plain);
        if (rc == 0) rc = place_scan(w, n_when, w->rule.rows >= 0, false, begun, loose, err);
    }
    if (rc == 0 && zoned) rc = exposed_join(w, &x_zoned, &zoned, true);
    if (rc == 0 && zoned) {
        rc = spans_make(w, x_zoned, zoned, &n_when);
        if (rc == 0) rc = cluster_make(w, x_zoned, zoned);
        if (rc == 0) rc = place_scan(w, n_when, true, true, false, loose, err);
    }
    return rc;
}

/* Places from exposed[from] on, as many as the source is told of together; returns where the rest begins. */
static size_t places_ahead(const struct contact_work *w, const struct exposed *x, size_t from, size_t to) {
    enum { STOPS = 256 };
    struct presence_stop stops[STOPS];
    size_t n = 0, i = from;
    for (; i < to && (n < STOPS || x[i].place == x[i - 1].place); i++)
        if (n < STOPS) stops[n++] = (struct presence_stop){x[i].place, x[i].start, x[i].end + 1};
    w->s->ahead(w->s->arg, stops, n);
    return i;
}

int contact_places(struct contact_work *w, struct exposed *exposed, size_t from, size_t to, struct error *err) {
    size_t told = from;
    int rc = 0;
    for (size_t i = from, k; rc == 0 && i < to; i = k) {
        if (i == told && w->s->ahead && !w->dense) told = places_ahead(w, exposed, i, to);
        for (k = i + 1; k < to && exposed[k].place == exposed[i].place; k++) continue;
        w->place = exposed[i].place;
        w->rule = w->o->rules[w->s->class_of(w->s->arg, w->place) % CONTACT_CLASSES];
        if (w->rule.overlap_s < 1) w->rule.overlap_s = 1;
        if (w->rule.after_s < 0) w->rule.after_s = 0;
        w->dose_per_s = quantum(CONTACT_RATE_PER_HOUR / 3600 * (w->rule.weight > 0 ? w->rule.weight : 1));
        rc = place_find(w, exposed + i, k - i, err);
    }
    return rc;
}
