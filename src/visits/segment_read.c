/* Rows of a day: where a place and a person begin, what a row says. */
#include "visits/segment_inside.h"

/* Block b of a column of n values. */
static int column_block(struct segment *s, enum segment_section heads, uint64_t n, uint64_t b, struct pack *ret, const uint8_t **ret_data, size_t *ret_n, struct error *err) {
    struct column_head h;
    const uint8_t *at = segment_need(s, heads, b * sizeof h, sizeof h, err);
    if (!at) return E_CORRUPT;
    memcpy(&h, at, sizeof h);
    *ret = (struct pack){h.base, h.low, h.high, h.far};
    *ret_n = (size_t)(n - b * PACK_BLOCK < PACK_BLOCK ? n - b * PACK_BLOCK : PACK_BLOCK);
    if (!pack_valid(*ret)) return segment_damaged(s, err, "a day of visits has an impossible column");
    *ret_data = segment_need(s, heads + 1, h.offset, pack_bytes(*ret, *ret_n), err);
    return *ret_data ? 0 : E_CORRUPT;
}

static int block_head(struct segment *s, uint64_t b, struct block *ret, struct error *err);

static int column_get(struct segment *s, enum segment_section heads, uint64_t n, uint64_t i, uint32_t *ret, struct error *err) {
    struct pack p;
    const uint8_t *data = NULL;
    size_t in_block = 0;
    int rc = column_block(s, heads, n, i / PACK_BLOCK, &p, &data, &in_block, err);
    if (rc == 0) *ret = pack_get(p, data, in_block, i % PACK_BLOCK);
    return rc;
}

/* Number of the key in an ascending column of n keys, or n when it is not there. */
static int column_find(struct segment *s, enum segment_section heads, uint32_t n, uint32_t key, uint32_t *ret, struct error *err) {
    uint32_t low = 0, high = n, v = 0;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int rc = column_get(s, heads, n, middle, &v, err);
        if (rc < 0) return rc;
        if (v == key) {
            *ret = middle;
            return 0;
        }
        if (v < key) low = middle + 1;
        else high = middle;
    }
    *ret = n;
    return 0;
}

static int directory_get(struct segment *s, enum segment_section heads, enum segment_section key_heads, bool sparse, uint32_t keys, uint32_t id,
                         uint64_t *ret_first, uint64_t *ret_end, struct error *err) {
    uint32_t k = id, first, end;
    int rc = sparse ? column_find(s, key_heads, keys, id, &k, err) : 0;
    *ret_first = *ret_end = 0;
    if (rc < 0 || k >= keys) return rc;
    struct pack p;
    const uint8_t *data = NULL;
    size_t in_block = 0, i = k % PACK_BLOCK;
    rc = column_block(s, heads, keys + 1ull, k / PACK_BLOCK, &p, &data, &in_block, err);
    if (rc < 0) return rc;
    first = pack_get(p, data, in_block, i);
    if (i + 1 < in_block) end = pack_get(p, data, in_block, i + 1); /* mostly the neighbour */
    else rc = column_get(s, heads, keys + 1ull, k + 1ull, &end, err);
    if (rc == 0 && (first > end || end > s->head.rows)) rc = segment_damaged(s, err, "a directory of a day of visits is not in order");
    if (rc == 0 && first < end) *ret_first = first, *ret_end = end;
    return rc;
}

int segment_place(struct segment *s, uint32_t place, uint64_t *ret_first, uint64_t *ret_end, struct error *err) {
    return directory_get(s, SECTION_PLACE_HEADS, SECTION_PLACE_KEY_HEADS, s->head.places_sparse, s->head.place_keys, place, ret_first, ret_end, err);
}

void segment_place_ahead(struct segment *s, uint32_t place, int stage) {
    struct column_head h;
    uint64_t at = place / PACK_BLOCK * sizeof h;
    if (s->head.places_sparse || place >= s->head.place_keys) return;
    if (stage == 0) {
        segment_ahead(s, SECTION_PLACE_HEADS, at);
        return;
    }
    const uint8_t *bytes = segment_need(s, SECTION_PLACE_HEADS, at, sizeof h, NULL);
    if (!bytes) return;
    memcpy(&h, bytes, sizeof h);
    segment_ahead(s, SECTION_PLACES, h.offset + (uint64_t)(place % PACK_BLOCK) * h.low / 8);
}

void segment_rows_ahead(struct segment *s, uint64_t first, int stage) {
    struct block b;
    if (stage == 0) {
        segment_ahead(s, SECTION_BLOCKS, first / PACK_BLOCK * sizeof b);
        return;
    }
    if (block_head(s, first / PACK_BLOCK, &b, NULL) < 0) return;
    const struct pack columns[4] = {{0, b.low_start, b.high_start, (uint8_t)b.far_start}, {0, b.low_length, b.high_length, (uint8_t)b.far_length},
                                    {0, b.low_person, b.high_person, (uint8_t)b.far_person}, {0, b.low_attr, b.high_attr, (uint8_t)b.far_attr}};
    uint64_t at = b.offset, i = first % PACK_BLOCK;
    for (int c = 0; c < 4; at += pack_bytes(columns[c++], PACK_BLOCK))
        if (columns[c].low) segment_ahead(s, SECTION_ROWS, at + (c || !b.delta ? i * columns[c].low / 8 : 0));
}

int segment_person(struct segment *s, uint32_t person, uint64_t *ret_first, uint64_t *ret_end, struct error *err) {
    return directory_get(s, SECTION_PERSON_HEADS, SECTION_PERSON_KEY_HEADS, s->head.persons_sparse, s->head.person_keys, person, ret_first, ret_end, err);
}

/* A block's head and its four columns. */
struct columns {
    struct block b;
    size_t n;
    struct pack start, length, person, attr;
    const uint8_t *start_at, *length_at, *person_at, *attr_at;
};

static int block_head(struct segment *s, uint64_t b, struct block *ret, struct error *err) {
    const uint8_t *at = segment_need(s, SECTION_BLOCKS, b * sizeof *ret, sizeof *ret, err);
    if (!at) return E_CORRUPT;
    memcpy(ret, at, sizeof *ret);
    return 0;
}

/* Where the columns of block b lie; nothing of them is checked but that they are inside. */
static int columns_find(struct segment *s, uint64_t b, struct columns *c, size_t *ret_bytes, struct error *err) {
    const struct block *h = &c->b;
    c->n = (size_t)(s->head.rows - b * PACK_BLOCK < PACK_BLOCK ? s->head.rows - b * PACK_BLOCK : PACK_BLOCK);
    c->start = (struct pack){h->delta ? 0 : h->start_base, h->low_start, h->high_start, (uint8_t)h->far_start};
    c->length = (struct pack){h->length_base, h->low_length, h->high_length, (uint8_t)h->far_length};
    c->person = (struct pack){h->person_base, h->low_person, h->high_person, (uint8_t)h->far_person};
    c->attr = (struct pack){h->attr_base, h->low_attr, h->high_attr, (uint8_t)h->far_attr};
    if (!pack_valid(c->start) || !pack_valid(c->length) || !pack_valid(c->person) || !pack_valid(c->attr))
        return segment_damaged(s, err, "a day of visits has an impossible column");
    size_t ns = pack_bytes(c->start, c->n), nl = pack_bytes(c->length, c->n), np = pack_bytes(c->person, c->n), na = pack_bytes(c->attr, c->n);
    *ret_bytes = ns + nl + np + na;
    if (*ret_bytes > s->head.sections[SECTION_ROWS].bytes || h->offset > s->head.sections[SECTION_ROWS].bytes - *ret_bytes)
        return segment_damaged(s, err, "a day of visits points outside itself");
    c->start_at = s->section[SECTION_ROWS] + h->offset;
    c->length_at = c->start_at + ns;
    c->person_at = c->length_at + nl;
    c->attr_at = c->person_at + np;
    return 0;
}

static int block_columns(struct segment *s, uint64_t b, struct columns *c, struct error *err) {
    size_t bytes = 0;
    int rc = columns_find(s, b, c, &bytes, err);
    return rc == 0 && !segment_need(s, SECTION_ROWS, c->b.offset, bytes, err) ? E_CORRUPT : rc;
}

/* Checks what value i of a column (all values up to it, when `whole`) is read from. */
static int value_need(struct segment *s, const struct columns *c, struct pack p, const uint8_t *at, size_t i, bool whole, struct error *err) {
    uint64_t from = (uint64_t)(at - s->section[SECTION_ROWS]);
    size_t low = (c->n * p.low + 7) / 8, first = whole ? 0 : i * p.low / 8, last = (i + 1) * p.low / 8 + 1;
    if (p.low && !segment_need(s, SECTION_ROWS, from + first, (last < low ? last : low) - first, err)) return E_CORRUPT;
    return p.far && !segment_need(s, SECTION_ROWS, from + low, pack_bytes(p, c->n) - low, err) ? E_CORRUPT : 0;
}

/* Starts of [from, to) in seconds; what the bits say is bounded to the day. */
static void starts_read(const struct columns *c, size_t from, size_t to, uint32_t *out) {
    uint32_t unit = c->b.start_minutes ? 60 : 1;
    if (!c->b.delta) {
        pack_read(c->start, c->start_at, c->n, from, to, out + from);
        for (size_t i = from; i < to; i++) out[i] = out[i] < DAY_S ? out[i] * unit : DAY_S - 1;
    } else {
        uint64_t at = c->b.start_base;
        pack_read(c->start, c->start_at, c->n, 0, to, out);
        for (size_t i = 0; i < to; i++) {
            at += out[i];
            out[i] = at < DAY_S ? (uint32_t)at * unit : DAY_S - 1;
        }
    }
    if (unit > 1)
        for (size_t i = from; i < to; i++)
            if (out[i] >= DAY_S) out[i] = DAY_S - 1;
}

static inline uint32_t end_of(const struct columns *c, uint32_t start, uint32_t length) {
    if (length == 0) return DAY_S;
    uint64_t end = start + (uint64_t)(length - 1) * (c->b.length_minutes ? 60 : 1);
    return end < DAY_S ? (uint32_t)end : DAY_S;
}

static int attr_of(struct segment *s, uint32_t code, uint16_t *ret, struct error *err) {
    if (code >= s->head.n_attrs) return segment_damaged(s, err, "a day of visits has an unknown attribute");
    memcpy(ret, s->section[SECTION_ATTRS] + code * 2ull, 2);
    return 0;
}

struct seat {
    uint32_t at;
    uint16_t zone, row;
};

/* The first seat at or after a row. */
static int seat_find(struct segment *s, uint64_t row, uint64_t *ret, struct error *err) {
    uint64_t low = 0, high = s->head.n_seats;
    while (low < high) {
        struct seat t;
        uint64_t middle = low + (high - low) / 2;
        const uint8_t *at = segment_need(s, SECTION_SEATS, middle * sizeof t, sizeof t, err);
        if (!at) return E_CORRUPT;
        memcpy(&t, at, sizeof t);
        if (t.at < row) low = middle + 1;
        else high = middle;
    }
    *ret = low;
    return 0;
}

/* The seat of a row, 0 and 0 when it has none. *hint: where it should stand; moved behind it. */
static int seat_of(struct segment *s, uint64_t row, uint64_t *hint, uint16_t *ret_zone, uint16_t *ret_row, struct error *err) {
    *ret_zone = *ret_row = 0;
    if (*hint >= s->head.n_seats) return 0;
    struct seat t;
    const uint8_t *at = segment_need(s, SECTION_SEATS, *hint * sizeof t, sizeof t, err);
    if (!at) return E_CORRUPT;
    memcpy(&t, at, sizeof t);
    if (t.at != row) { /* some between were not wanted */
        int rc = seat_find(s, row, hint, err);
        if (rc < 0 || *hint >= s->head.n_seats) return rc;
        if (!(at = segment_need(s, SECTION_SEATS, *hint * sizeof t, sizeof t, err))) return E_CORRUPT;
        memcpy(&t, at, sizeof t);
        if (t.at != row) return 0;
    }
    *ret_zone = t.zone;
    *ret_row = t.row;
    ++*hint;
    return 0;
}

/* The entry of the place directory that row `row` belongs to, at or after the one its block begins in; and its rows, where they were seen on the way, else 0 and 0. */
static int entry_of(struct segment *s, uint32_t entry, uint64_t row, uint32_t *ret, struct segment_reach *reach, struct error *err) {
    uint32_t low = entry, high = s->head.place_keys, first = 0, step = 1;
    struct block next;
    int rc = 0;
    uint64_t b = row / PACK_BLOCK + 1; /* the next block begins in the same entry or a later one */
    if (b * PACK_BLOCK < s->head.rows) {
        if ((rc = block_head(s, b, &next, err)) < 0) return rc;
        if (next.place >= low && next.place < high) high = next.place + 1;
    }
    /* the largest entry whose first row is not after `row`; entries without rows repeat a first row, the last of them has it. Mostly few: all of them are looked at */
    while (rc == 0 && high - low > PACK_BLOCK) {
        uint32_t middle = low + step < high - 1 ? low + step : low + (high - low) / 2;
        rc = column_get(s, SECTION_PLACE_HEADS, s->head.place_keys + 1ull, middle, &first, err);
        if (first > row) high = middle;
        else low = middle, step *= 2;
    }
    while (rc == 0 && high - low > 1) {
        struct pack p;
        const uint8_t *data = NULL;
        uint32_t values[PACK_BLOCK];
        size_t n = 0, from = (low + 1) % PACK_BLOCK, to, k = 0;
        rc = column_block(s, SECTION_PLACE_HEADS, s->head.place_keys + 1ull, (low + 1) / PACK_BLOCK, &p, &data, &n, err);
        if (rc < 0) break;
        to = from + (high - low - 1) < n ? from + (high - low - 1) : n;
        size_t begin = (from ? from - 1 : 0) & ~(size_t)7; /* eight at a time */
        pack_read(p, data, n, begin, to, values);
        while (from + k < to && values[from + k - begin] <= row) k++;
        low += (uint32_t)k;
        if (from + k == to) continue;
        if (from + k > begin) reach->first = values[from + k - 1 - begin], reach->end = values[from + k - begin];
        break;
    }
    *ret = low;
    return rc;
}

static int place_of(struct segment *s, uint32_t entry, uint32_t *ret, struct error *err) {
    if (entry >= s->head.place_keys) return segment_damaged(s, err, "a day of visits has an unknown place");
    *ret = entry;
    int rc = s->head.places_sparse ? column_get(s, SECTION_PLACE_KEY_HEADS, s->head.place_keys, entry, ret, err) : 0;
    if (rc == 0 && *ret >= s->head.n_places) rc = segment_damaged(s, err, "a day of visits has an unknown place");
    return rc;
}

/* Row `row` of somebody, its block's head read already. reach: see entry_of. */
static int entry_read(struct segment *s, uint64_t row, uint32_t person, struct columns *c, struct presence *ret, struct segment_reach *reach, struct error *err) {
    uint32_t place_entry = c->b.place, place, starts[PACK_BLOCK];
    uint64_t b = row / PACK_BLOCK;
    size_t i = row % PACK_BLOCK, bytes;
    int rc = columns_find(s, b, c, &bytes, err);
    if (rc == 0) rc = value_need(s, c, c->start, c->start_at, i, c->b.delta, err);
    if (rc == 0) rc = value_need(s, c, c->length, c->length_at, i, false, err);
    if (rc == 0) rc = value_need(s, c, c->attr, c->attr_at, i, false, err);
    /* a block of differences lies within one place: its own */
    if (rc == 0 && !c->b.delta && i) rc = entry_of(s, c->b.place, row, &place_entry, reach, err);
    if (rc == 0) rc = place_of(s, place_entry, &place, err);
    if (rc < 0) return rc;
    starts_read(c, c->b.delta ? 0 : i, i + 1, starts);
    *ret = (struct presence){.person = person, .place = place, .start = (int32_t)starts[i], .end = (int32_t)end_of(c, starts[i], pack_get(c->length, c->length_at, c->n, i))};
    rc = attr_of(s, pack_get(c->attr, c->attr_at, c->n, i), &ret->attr, err);
    uint64_t seat = 0;
    if (rc == 0 && ret->attr & PRESENCE_SEATED) rc = seat_of(s, row, &seat, &ret->zone, &ret->row, err);
    return rc;
}

/* Somebody's row on its way through the stages below. */
struct entry {
    uint64_t row;
    uint32_t ask;
    struct block b;
};

/* One question after another would wait for memory some seven times a stay. So a crowd of them goes a step at a time, and each step fetches ahead what the next one reads. */
enum { TOGETHER = 64, ENTRIES = 512 };

static int entries_read(struct segment *s, struct entry *e, size_t n, const struct presence_ask *asks, int32_t shift, struct presence_list *out, struct error *err) {
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        if ((rc = block_head(s, e[i].row / PACK_BLOCK, &e[i].b, err)) < 0) break;
        const struct block *b = &e[i].b;
        size_t k = e[i].row % PACK_BLOCK;
        uint64_t ns = pack_bytes((struct pack){0, b->low_start, b->high_start, (uint8_t)b->far_start}, PACK_BLOCK);
        uint64_t nl = pack_bytes((struct pack){0, b->low_length, b->high_length, (uint8_t)b->far_length}, PACK_BLOCK);
        segment_ahead(s, SECTION_ROWS, b->offset + (b->delta ? 0 : k * b->low_start / 8));
        segment_ahead(s, SECTION_ROWS, b->offset + ns + k * b->low_length / 8);
        if (b->low_attr) segment_ahead(s, SECTION_ROWS, b->offset + ns + nl + pack_bytes((struct pack){0, b->low_person, b->high_person, (uint8_t)b->far_person}, PACK_BLOCK));
        if (!b->delta) segment_ahead(s, SECTION_PLACE_HEADS, b->place / PACK_BLOCK * sizeof(struct column_head));
    }
    for (size_t i = 0; rc == 0 && i < n; i++)
        if (!e[i].b.delta) segment_place_ahead(s, e[i].b.place, 1);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        struct columns c = {.b = e[i].b};
        const struct presence_ask *a = &asks[e[i].ask];
        struct presence p;
        struct segment_reach reach;
        rc = entry_read(s, e[i].row, a->person, &c, &p, &reach, err);
        p.start += shift;
        p.end += shift;
        if (rc == 0 && p.start < a->to && (p.end > a->from || p.start >= a->from)) rc = presence_add(out, &p);
    }
    return rc;
}

static int together_read(struct segment *s, const struct presence_ask *asks, const uint32_t *which, size_t n, int32_t shift, struct presence_list *out, struct error *err) {
    uint64_t first[TOGETHER], end[TOGETHER];
    struct entry entries[ENTRIES];
    struct column_head h;
    size_t n_entries = 0;
    int rc = 0;
    for (size_t i = 0; i < n; i++) segment_ahead(s, SECTION_PERSON_HEADS, asks[which[i]].person / PACK_BLOCK * sizeof h);
    for (size_t i = 0; !s->head.persons_sparse && i < n; i++) {
        uint32_t person = asks[which[i]].person;
        const uint8_t *at = segment_need(s, SECTION_PERSON_HEADS, person / PACK_BLOCK * sizeof h, sizeof h, err);
        if (!at) return E_CORRUPT;
        memcpy(&h, at, sizeof h);
        segment_ahead(s, SECTION_PERSONS, h.offset + (uint64_t)(person % PACK_BLOCK) * h.low / 8);
    }
    for (size_t i = 0; rc == 0 && i < n; i++) {
        rc = segment_person(s, asks[which[i]].person, &first[i], &end[i], err);
        if (rc == 0 && first[i] < end[i]) segment_ahead(s, SECTION_PERM_HEADS, first[i] / PACK_BLOCK * sizeof h);
    }
    for (size_t i = 0; rc == 0 && i < n; i++) {
        if (first[i] == end[i]) continue;
        const uint8_t *at = segment_need(s, SECTION_PERM_HEADS, first[i] / PACK_BLOCK * sizeof h, sizeof h, err);
        if (!at) return E_CORRUPT;
        memcpy(&h, at, sizeof h);
        segment_ahead(s, SECTION_PERM, h.offset + first[i] % PACK_BLOCK * h.low / 8);
    }
    for (size_t i = 0; rc == 0 && i < n; i++)
        for (uint64_t e = first[i]; rc == 0 && e < end[i]; e++) {
            uint32_t row = 0;
            rc = column_get(s, SECTION_PERM_HEADS, s->head.rows, e, &row, err);
            if (rc == 0 && row >= s->head.rows) rc = segment_damaged(s, err, "a day of visits points outside itself");
            if (rc < 0) break;
            segment_ahead(s, SECTION_BLOCKS, row / PACK_BLOCK * sizeof(struct block));
            entries[n_entries++] = (struct entry){.row = row, .ask = which[i]};
            if (n_entries < ENTRIES) continue;
            rc = entries_read(s, entries, n_entries, asks, shift, out, err);
            n_entries = 0;
        }
    return rc == 0 ? entries_read(s, entries, n_entries, asks, shift, out, err) : rc;
}

int segment_people(struct segment *s, const struct presence_ask *asks, size_t n, int32_t shift, struct presence_list *out, struct error *err) {
    uint32_t which[TOGETHER];
    size_t k = 0;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        if (asks[i].to <= shift || (int64_t)asks[i].from > (int64_t)shift + DAY_S || asks[i].person >= s->head.n_persons) continue;
        which[k++] = (uint32_t)i;
        if (k < TOGETHER) continue;
        rc = together_read(s, asks, which, k, shift, out, err);
        k = 0;
    }
    return rc == 0 && k ? together_read(s, asks, which, k, shift, out, err) : rc;
}

void segment_person_ahead(struct segment *s, uint32_t person, int stage, struct segment_path *path) {
    struct column_head h;
    struct block b;
    const uint8_t *at;
    if (stage == 0) *path = (struct segment_path){0};
    if (person >= s->head.n_persons || s->head.persons_sparse) return;
    switch (stage) {
    case 0: segment_ahead(s, SECTION_PERSON_HEADS, person / PACK_BLOCK * sizeof h); return;
    case 1:
        at = segment_need(s, SECTION_PERSON_HEADS, person / PACK_BLOCK * sizeof h, sizeof h, NULL);
        if (!at) return;
        memcpy(&h, at, sizeof h);
        segment_ahead(s, SECTION_PERSONS, h.offset + (uint64_t)(person % PACK_BLOCK) * h.low / 8);
        return;
    case 2:
        if (segment_person(s, person, &path->first, &path->end, NULL) < 0) path->first = path->end = 0;
        if (path->first < path->end) segment_ahead(s, SECTION_PERM_HEADS, path->first / PACK_BLOCK * sizeof h);
        return;
    case 3:
        at = path->first < path->end ? segment_need(s, SECTION_PERM_HEADS, path->first / PACK_BLOCK * sizeof h, sizeof h, NULL) : NULL;
        if (!at) return;
        memcpy(&h, at, sizeof h);
        segment_ahead(s, SECTION_PERM, h.offset + path->first % PACK_BLOCK * h.low / 8);
        return;
    case 4:
        for (uint64_t e = path->first; e < path->end && path->n < SEGMENT_PATH; e++)
            if (column_get(s, SECTION_PERM_HEADS, s->head.rows, e, &path->rows[path->n], NULL) == 0 && path->rows[path->n] < s->head.rows)
                segment_ahead(s, SECTION_BLOCKS, path->rows[path->n++] / PACK_BLOCK * sizeof b);
        return;
    case 5:
        for (int i = 0; i < path->n; i++) {
            segment_rows_ahead(s, path->rows[i], 1);
            if (block_head(s, path->rows[i] / PACK_BLOCK, &b, NULL) == 0 && !b.delta) segment_place_ahead(s, b.place, 0);
        }
        return;
    default:
        for (int i = 0; i < path->n; i++)
            if (block_head(s, path->rows[i] / PACK_BLOCK, &b, NULL) == 0 && !b.delta) segment_place_ahead(s, b.place, 1);
    }
}

bool segment_path_whole(const struct segment *s, const struct segment_path *path) {
    return !s->head.persons_sparse && path->n == path->end - path->first;
}

int segment_path_read(struct segment *s, const struct segment_path *path, const struct presence_ask *ask, int32_t shift, struct presence_list *out,
                      struct segment_reach reaches[SEGMENT_PATH], struct error *err) {
    int rc = 0;
    for (int i = 0; rc == 0 && i < path->n; i++) {
        struct columns c;
        struct presence p = {0};
        struct segment_reach *reach = &reaches[i];
        *reach = (struct segment_reach){0};
        rc = block_head(s, path->rows[i] / PACK_BLOCK, &c.b, err);
        if (rc == 0) rc = entry_read(s, path->rows[i], ask->person, &c, &p, reach, err);
        reach->place = p.place;
        if (reach->first > path->rows[i] || reach->end <= path->rows[i] || reach->end > s->head.rows) reach->end = 0;
        p.start += shift;
        p.end += shift;
        if (rc == 0 && p.start < ask->to && (p.end > ask->from || p.start >= ask->from)) rc = presence_add(out, &p);
    }
    return rc;
}

void segment_stays_ahead(struct segment *s, uint32_t place, int32_t from, int32_t to, int stage, struct segment_path *path) {
    enum { BLOCKS = 64 };
    struct block b;
    if (place >= s->head.n_places) return;
    if (stage < 2) {
        if (!path->end) segment_place_ahead(s, place, stage);
    } else if (stage == 2) {
        if (!path->end && segment_place(s, place, &path->first, &path->end, NULL) < 0) path->first = path->end = 0;
        if (path->first < path->end) segment_rows_ahead(s, path->first, 0);
    } else if (stage == 3) { /* those blocks of a place with many that have a part in the time */
        for (uint64_t row = path->first, n = 0; row < path->end && n < BLOCKS; row = (row / PACK_BLOCK + 1) * PACK_BLOCK, n++) {
            if (block_head(s, row / PACK_BLOCK, &b, NULL) < 0) return;
            if ((int64_t)b.latest * 60 < from) continue;
            if (b.delta && (int64_t)b.start_base * (b.start_minutes ? 60 : 1) >= to) return;
            segment_rows_ahead(s, row, 1);
        }
    }
}

int segment_entry(struct segment *s, uint64_t entry, struct presence *ret, struct error *err) {
    uint32_t row = 0;
    struct columns c;
    size_t bytes = 0;
    struct segment_reach reach;
    int rc = column_get(s, SECTION_PERM_HEADS, s->head.rows, entry, &row, err);
    if (rc == 0 && row >= s->head.rows) rc = segment_damaged(s, err, "a day of visits points outside itself");
    if (rc == 0) rc = block_head(s, row / PACK_BLOCK, &c.b, err);
    if (rc == 0) rc = columns_find(s, row / PACK_BLOCK, &c, &bytes, err);
    if (rc == 0) rc = value_need(s, &c, c.person, c.person_at, row % PACK_BLOCK, false, err);
    if (rc < 0) return rc;
    uint32_t person = pack_get(c.person, c.person_at, c.n, row % PACK_BLOCK);
    if (person >= s->head.n_persons) return segment_damaged(s, err, "a day of visits has an unknown person");
    return entry_read(s, row, person, &c, ret, &reach, err);
}

/* The seats of out's rows, the first of which is row `row`; of those with an instant in [from, to) only, the others go. */
static int seats_keep(struct segment *s, uint64_t row, int64_t from, int64_t to, struct segment_rows *out, struct error *err) {
    uint64_t seat = 0;
    size_t kept = 0;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < out->n; i++) {
        int64_t start = out->start[i], end = out->end[i];
        if (start >= to || (end <= from && start < from)) continue;
        out->start[kept] = out->start[i], out->end[kept] = out->end[i], out->person[kept] = out->person[i], out->attr[kept] = out->attr[i];
        out->zone[kept] = out->row[kept] = 0;
        if (out->attr[kept] & PRESENCE_SEATED) rc = seat_of(s, row + i, &seat, &out->zone[kept], &out->row[kept], err);
        kept++;
    }
    out->n = kept;
    return rc;
}

/* Rows [i0, i1) of a block whose starts are read. Columns are unpacked by eights, whole ones: what is read too much costs less than what is read singly. */
static int rows_take(struct segment *s, uint64_t b, const struct columns *c, size_t i0, size_t i1, int64_t from, int64_t to, const uint32_t *starts, bool seats,
                     struct segment_rows *out, struct error *err) {
    uint32_t length[PACK_BLOCK], person[PACK_BLOCK], code[PACK_BLOCK], unit = c->b.length_minutes ? 60 : 1, most = 0, worst = 0;
    size_t n = i1 - i0, begin = i0 & ~(size_t)7, until = (i1 + 7) & ~(size_t)7, skip = i0 - begin;
    uint16_t all = 0;
    if (until > c->n) until = c->n;
    pack_read(c->length, c->length_at, c->n, begin, until, length);
    pack_read(c->person, c->person_at, c->n, begin, until, person);
    pack_read(c->attr, c->attr_at, c->n, begin, until, code);
    for (size_t i = 0; i < n; i++) {
        uint32_t l = length[skip + i], long_s = (l <= DAY_S ? l : DAY_S) - 1, end = starts[i0 + i] + long_s * unit;
        out->start[i] = starts[i0 + i];
        out->end[i] = ((l == 0) | (end > DAY_S)) ? DAY_S : end;
        out->person[i] = person[skip + i];
    }
    for (size_t i = 0; i < n; i++) {
        most = out->person[i] > most ? out->person[i] : most;
        worst = code[skip + i] > worst ? code[skip + i] : worst;
    }
    out->n = n;
    out->seats = false;
    if (most >= s->head.n_persons) return segment_damaged(s, err, "a day of visits has an unknown person");
    if (worst >= s->head.n_attrs) return segment_damaged(s, err, "a day of visits has an unknown attribute");
    const uint8_t *attrs = s->section[SECTION_ATTRS];
    for (size_t i = 0; i < n; i++) {
        memcpy(&out->attr[i], attrs + code[skip + i] * 2ull, 2);
        all |= out->attr[i];
    }
    out->seats = seats && all & PRESENCE_SEATED;
    return out->seats ? seats_keep(s, b * PACK_BLOCK + i0, from, to, out, err) : 0;
}

int segment_scan(struct segment *s, uint64_t *first, uint64_t end, int32_t from, int32_t to, bool seats, struct segment_rows *ret, struct error *err) {
    struct columns c;
    uint32_t starts[PACK_BLOCK];
    int rc;
    ret->n = 0;
    if (end > s->head.rows) return segment_damaged(s, err, "a day of visits points outside itself");
    while (*first < end && ret->n == 0) {
        uint64_t b = *first / PACK_BLOCK;
        size_t i0 = (size_t)(*first % PACK_BLOCK), i1 = end - b * PACK_BLOCK < PACK_BLOCK ? (size_t)(end - b * PACK_BLOCK) : PACK_BLOCK;
        if ((rc = block_head(s, b, &c.b, err)) < 0) return rc;
        *first = b * PACK_BLOCK + i1;
        if ((int64_t)c.b.latest * 60 < from) continue;
        /* within one place starts ascend: past the range nothing more comes */
        if (c.b.delta && (int64_t)c.b.start_base * (c.b.start_minutes ? 60 : 1) >= to) {
            *first = end;
            return 0;
        }
        if ((rc = block_columns(s, b, &c, err)) < 0) return rc;
        size_t whole = (i1 + 7) & ~(size_t)7;
        starts_read(&c, i0 & ~(size_t)7, whole < c.n ? whole : c.n, starts);
        while (i1 > i0 && (int64_t)starts[i1 - 1] >= to) i1--;
        if (i0 < i1 && (rc = rows_take(s, b, &c, i0, i1, from, to, starts, seats, ret, err)) < 0) return rc;
    }
    return 0;
}

int segment_block(struct segment *s, uint64_t b, struct segment_row *out, size_t *ret_n, struct error *err) {
    struct columns c;
    struct segment_rows *r = NULL;
    uint32_t starts[PACK_BLOCK], entry, next = 0, place = 0;
    if (b * PACK_BLOCK >= s->head.rows) return segment_damaged(s, err, "a day of visits points outside itself");
    int rc = block_head(s, b, &c.b, err);
    if (rc == 0) rc = block_columns(s, b, &c, err);
    if (rc == 0 && !(r = mem_alloc(sizeof *r))) rc = error_set(err, E_MEMORY, s->name, "out of memory / 内存不足");
    if (rc == 0) {
        starts_read(&c, 0, c.n, starts);
        rc = rows_take(s, b, &c, 0, c.n, 0, DAY_S, starts, true, r, err);
    }
    entry = c.b.place;
    if (rc == 0) rc = place_of(s, entry, &place, err);
    if (rc == 0) rc = column_get(s, SECTION_PLACE_HEADS, s->head.place_keys + 1ull, entry + 1ull, &next, err);
    for (size_t i = 0; rc == 0 && i < c.n; i++) {
        bool moved = false;
        for (; rc == 0 && b * PACK_BLOCK + i >= next; moved = true) {
            if (++entry >= s->head.place_keys) rc = segment_damaged(s, err, "a day of visits has an unknown place");
            else rc = column_get(s, SECTION_PLACE_HEADS, s->head.place_keys + 1ull, entry + 1ull, &next, err);
        }
        if (rc == 0 && moved) rc = place_of(s, entry, &place, err);
        out[i] = (struct segment_row){r->person[i], place, (int32_t)r->start[i], (int32_t)r->end[i], r->attr[i], r->seats ? r->zone[i] : 0, r->seats ? r->row[i] : 0, 0};
    }
    if (rc == 0) *ret_n = c.n;
    mem_free(r);
    return rc;
}
