#include "files/csv.h"

#include <stdio.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "files/csv_sniff.h"
#include "files/encoding.h"

/* Text is scanned in blocks of 64 bytes: one bit a byte for what ends a cell. The buffer has a block of zeros
 * behind it. */
enum { BLOCK = 64, CHUNK = 1 << 18, RAW_MAX = 1 << 16, SAMPLE_MAX = 1 << 16, CELLS_FIRST = 64, QUOTED_MAX = 4 * SHEET_ROW_MAX };

struct csv {
    struct source *src;
    struct sheet_info *info;
    struct decoder *decoder; /* NULL: the bytes are UTF-8 already */
    bool may_change;         /* only ASCII so far and the encoding was not given */
    bool ended;              /* no more bytes */
    bool crlf_known;
    bool cut;          /* of the row being read something is left out: a cell too long, cells too many, bytes too many */
    bool skipping;     /* the row handed on last was cut before its end: what is left of its line is passed over */
    char *s;           /* decoded text */
    size_t at, n, cap; /* next row at s + at; s..n filled; cap without the zero block */
    char *raw;         /* bytes before decoding */
    size_t raw_n;
    int64_t decoded, max_bytes;
    int64_t line; /* of the next row */
    struct text *cells;
    size_t cells_cap;
    uint16_t escaped[SHEET_COLUMNS_MAX]; /* cells that hold doubled quotes */
    size_t escaped_n;
    struct buf fixed; /* a row whose bytes had to be replaced */
};

/* ---- filling the buffer */

static int no_memory(struct error *err) {
    return error_memory(err);
}

/* Turns to another encoding at s + from: what is there was read as ASCII and is bytes of it. */
static int redecode(struct csv *c, size_t from, struct error *err) {
    struct encoding_guess g;
    struct text sample = {c->s + from, c->n - from};
    if (sample.n > SAMPLE_MAX) sample.n = SAMPLE_MAX;
    int rc = encoding_detect(sample, false, &g, err);
    if (rc < 0) return rc;
    c->may_change = false;
    c->info->confidence = g.confidence;
    if (strcmp(g.name, "UTF-8") == 0) return 0;
    rc = decoder_open(g.name, &c->decoder, err);
    if (rc < 0) return rc;
    memcpy(c->info->encoding, g.name, sizeof c->info->encoding);
    size_t left = c->n - from;
    c->raw = mem_realloc(NULL, left > RAW_MAX ? left : RAW_MAX);
    if (!c->raw) return no_memory(err);
    memcpy(c->raw, c->s + from, left);
    c->raw_n = left;
    c->n = from;
    c->ended = false; /* of the source perhaps, not of the raw bytes */
    return 0;
}

static bool all_ascii(const char *s, size_t n) {
    size_t i = 0;
    uint64_t w;
    for (; i + 8 <= n; i += 8) {
        memcpy(&w, s + i, 8);
        if (w & 0x8080808080808080u) return false;
    }
    for (; i < n; i++)
        if (s[i] & 0x80) return false;
    return true;
}

/* The first byte beyond ASCII from `from` on decides the encoding. */
static int high_bytes(struct csv *c, size_t from, struct error *err) {
    if (all_ascii(c->s + from, c->n - from)) return 0;
    while (!(c->s[from] & 0x80)) from++;
    return redecode(c, from, err);
}

static int fill_decoded(struct csv *c, struct error *err) {
    bool last = false;
    size_t before = c->n;
    while (c->n == before && !c->ended) {
        if (c->raw_n < RAW_MAX) {
            int64_t k = source_read(c->src, c->raw + c->raw_n, RAW_MAX - c->raw_n, err);
            if (k < 0) return (int)k;
            last = k == 0;
            c->raw_n += (size_t)k;
        }
        size_t used = 0;
        c->n += decoder_run(c->decoder, c->raw, c->raw_n, last, &used, c->s + c->n, c->cap - c->n);
        memmove(c->raw, c->raw + used, c->raw_n - used);
        c->raw_n -= used;
        c->ended = last && c->raw_n == 0;
    }
    c->decoded += (int64_t)(c->n - before);
    return 0;
}

static int fill_plain(struct csv *c, struct error *err) {
    int64_t k = source_read(c->src, c->s + c->n, c->cap - c->n, err);
    if (k < 0) return (int)k;
    size_t from = c->n;
    c->n += (size_t)k;
    c->decoded += k;
    c->ended = k == 0;
    return c->may_change ? high_bytes(c, from, err) : 0;
}

/* Gets more text behind the row that starts at c->at, which moves to the front. */
static int fill(struct csv *c, struct error *err) {
    if (c->at) {
        memmove(c->s, c->s + c->at, c->n - c->at);
        c->n -= c->at;
        c->at = 0;
    }
    if (c->n + CHUNK / 2 > c->cap) {
        size_t cap = c->cap ? c->cap * 2 : CHUNK;
        char *s = mem_realloc(c->s, cap + BLOCK);
        if (!s) return no_memory(err);
        c->s = s;
        c->cap = cap;
    }
    int rc = c->decoder ? fill_decoded(c, err) : fill_plain(c, err);
    memset(c->s + c->n, 0, BLOCK);
    if (rc < 0) return rc;
    if (c->decoded > c->max_bytes)
        return error_set(err, E_TOO_LARGE, NULL, "the file unpacks to more than %lld bytes",
                         (long long)c->max_bytes);
    return 0;
}

/* ---- one row */

struct scan {
    const char *s;
    size_t block; /* offset of the block that `mask` is of */
    uint64_t mask, high;
    char delimiter;
};

#ifdef __SSE2__
static inline void classify(struct scan *k) {
    const __m128i d = _mm_set1_epi8(k->delimiter), q = _mm_set1_epi8('"');
    const __m128i lf = _mm_set1_epi8('\n'), cr = _mm_set1_epi8('\r');
    uint64_t mask = 0, high = 0;
    for (int i = 0; i < 4; i++) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(k->s + k->block + 16 * i));
        __m128i hit = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, d), _mm_cmpeq_epi8(v, q)),
                                   _mm_or_si128(_mm_cmpeq_epi8(v, lf), _mm_cmpeq_epi8(v, cr)));
        mask |= (uint64_t)(uint32_t)_mm_movemask_epi8(hit) << (16 * i);
        high |= (uint64_t)(uint32_t)_mm_movemask_epi8(v) << (16 * i);
    }
    k->mask = mask;
    k->high |= high;
}
#else
static inline void classify(struct scan *k) {
    uint64_t mask = 0, high = 0;
    for (int i = 0; i < BLOCK; i++) {
        char v = k->s[k->block + (size_t)i];
        uint64_t hit = (v == k->delimiter) | (v == '"') | (v == '\n') | (v == '\r');
        mask |= hit << i;
        high |= (uint64_t)((unsigned char)v >> 7) << i;
    }
    k->mask = mask;
    k->high |= high;
}
#endif

static inline void scan_from(struct scan *k, size_t pos) {
    k->block = pos & ~(size_t)(BLOCK - 1);
    classify(k);
    k->mask &= ~(uint64_t)0 << (pos & (BLOCK - 1));
}

/* Offset of the next byte of interest, or n. */
static inline size_t scan_next(struct scan *k, size_t n) {
    while (!k->mask) {
        k->block += BLOCK;
        if (k->block >= n) return n;
        classify(k);
    }
    size_t i = k->block + (size_t)__builtin_ctzll(k->mask);
    k->mask &= k->mask - 1;
    return i < n ? i : n;
}

/* Where the row's text stands when the scan stops. */
struct row {
    size_t cells, end, next; /* end: behind the last cell; next: behind the line end */
    int64_t lines;           /* line ends inside and behind */
    bool damaged, crlf;
};

enum { ROW_DONE = 1, ROW_MORE = 0 };

static int cell_room(struct csv *c, struct error *err) {
    size_t cap = c->cells_cap ? c->cells_cap * 4 : CELLS_FIRST;
    struct text *cells = mem_realloc(c->cells, cap * sizeof *cells);
    if (!cells) return no_memory(err);
    c->cells = cells;
    c->cells_cap = cap;
    return 0;
}

/* Of a row too wide or a cell too long the beginning is kept: the row is refused, the rest of the file is read. */
static inline int cell_add(struct csv *c, struct row *r, size_t from, size_t to, struct error *err) {
    if (r->cells == SHEET_COLUMNS_MAX) {
        c->cut = true;
        return 0;
    }
    if (r->cells == c->cells_cap) {
        int rc = cell_room(c, err);
        if (rc < 0) return rc;
    }
    if (to - from > SHEET_CELL_MAX) {
        to = from + SHEET_CELL_MAX;
        while (to > from && ((unsigned char)c->s[to] & 0xC0) == 0x80) to--;
        c->cut = true;
    }
    c->cells[r->cells++] = (struct text){c->s + from, to - from};
    return 0;
}

/* Finds the quote that closes a cell opened before `from`. Doubled quotes are passed over and told; so are
 * line ends. */
static size_t quote_end(struct scan *k, size_t n, bool ended, bool *ret_escaped, int64_t *lines) {
    for (;;) {
        size_t i = scan_next(k, n);
        if (i >= n) return n;
        char ch = k->s[i];
        if (ch == '\n') {
            ++*lines;
        } else if (ch == '\r') {
            *lines += k->s[i + 1] != '\n';
        } else if (ch == '"') {
            if (i + 1 >= n && !ended) return n;
            if (k->s[i + 1] != '"') return i;
            *ret_escaped = true;
            scan_next(k, n);
        }
    }
}

/* Scans the row at c->at. `literal`: quotes mean nothing (an earlier try found no end). `last`: no more text is to be had, what there is
 * is the row. ROW_MORE: more text is needed. */
static int row_scan(struct csv *c, bool literal, bool last, struct row *ret, bool *ret_high, struct error *err) {
    struct scan k = {.s = c->s, .delimiter = c->info->delimiter};
    size_t start = c->at, n = c->n;
    struct row r = {0};
    c->escaped_n = 0;
    scan_from(&k, c->at);
    for (;;) {
        size_t from = start, i;
        bool quoted = c->s[start] == '"' && start < n && !literal;
        size_t hole = 0; /* the closing quote, when text follows it */
        if (quoted) {
            bool escaped = false;
            scan_next(&k, n);
            size_t close = quote_end(&k, n, last, &escaped, &r.lines);
            if (close >= n) return ROW_MORE;
            i = scan_next(&k, n);
            from = start + 1;
            if (escaped || i != close + 1) {
                if (r.cells < SHEET_COLUMNS_MAX) c->escaped[c->escaped_n++] = (uint16_t)r.cells;
            }
            hole = close;
        } else {
            i = scan_next(&k, n);
        }
        while (i < n && c->s[i] == '"') i = scan_next(&k, n); /* a quote inside a bare cell is a character */
        if (i >= n && !last) return ROW_MORE;
        size_t to = quoted && i == hole + 1 ? hole : i;
        int rc = cell_add(c, &r, from, to, err);
        if (rc < 0) return rc;
        if (i >= n) {
            r.end = r.next = n;
            break;
        }
        start = i + 1;
        if (c->s[i] == c->info->delimiter) continue;
        r.lines++;
        r.end = i;
        r.next = start;
        if (c->s[i] == '\r') {
            if (start >= n && !c->ended) return ROW_MORE;
            r.crlf = start < n && c->s[start] == '\n';
            r.next += r.crlf;
        }
        break;
    }
    *ret = r;
    *ret_high = k.high != 0;
    return ROW_DONE;
}

/* Folds doubled quotes and drops the closing quote that text follows, in place: the row is complete. */
static void unescape(struct text *cell) {
    char *to = (char *)cell->s;
    const char *from = cell->s, *end = from + cell->n;
    bool inside = true;
    while (from < end) {
        if (*from == '"' && inside) {
            from++;
            if (from < end && *from == '"')
                *to++ = *from++;
            else
                inside = false;
        } else {
            *to++ = *from++;
        }
    }
    cell->n = (size_t)(to - cell->s);
}

/* A row with bytes that are not UTF-8 is rebuilt with U+FFFD in their place. */
static int row_fix(struct csv *c, size_t n, struct error *err) {
    size_t pos;
    buf_reset(&c->fixed);
    c->fixed.max = (size_t)SHEET_ROW_MAX * 3 + BLOCK;
    for (size_t i = 0; i < n; i++) {
        struct text t = c->cells[i];
        size_t start = c->fixed.n;
        for (pos = 0; pos < t.n;) {
            char bytes[4];
            buf_add(&c->fixed, bytes, text_encode(text_codepoint(t, &pos), bytes));
        }
        c->cells[i].n = c->fixed.n - start;
    }
    if (c->fixed.failed)
        return error_set(err, c->fixed.failed, NULL, "a damaged row does not fit into memory");
    const char *s = buf_cstr(&c->fixed);
    for (size_t i = 0; i < n; i++) {
        c->cells[i].s = s;
        s += c->cells[i].n;
    }
    return 0;
}

/* UTF-8 without a U+FFFD? Tuned for the three-byte characters of Chinese. */
static bool row_sound(const char *s, size_t n) {
    const unsigned char *p = (const unsigned char *)s, *end = p + n;
    while (p < end) {
        uint64_t w;
        if (*p < 0x80) {
            if (end - p >= 8 && (memcpy(&w, p, 8), !(w & 0x8080808080808080u)))
                p += 8;
            else
                p++;
        } else if (end - p >= 3 && *p > 0xE0 && *p < 0xED && (p[1] & 0xC0) == 0x80 && (p[2] & 0xC0) == 0x80) {
            p += 3;
        } else {
            struct text t = {(const char *)p, (size_t)(end - p)};
            size_t pos = 0;
            if (text_codepoint(t, &pos) == 0xFFFD) return false;
            p += pos;
        }
    }
    return true;
}

/* A row of more than SHEET_ROW_MAX bytes keeps the cells that lie before that. */
static void row_cut(struct csv *c, struct row *r) {
    const char *end = c->s + c->at + SHEET_ROW_MAX;
    while (r->cells && c->cells[r->cells - 1].s + c->cells[r->cells - 1].n > end) r->cells--;
    while (c->escaped_n && c->escaped[c->escaped_n - 1] >= r->cells) c->escaped_n--;
    r->damaged = true;
}

/* The row at c->at, complete or cut: fills until it is, and gives up quotes that never close and lines that never end. */
static int row_read(struct csv *c, struct row *ret, bool *ret_high, struct error *err) {
    bool literal = false;
    for (;;) {
        size_t waiting = c->n - c->at;
        bool whole = c->ended, endless = literal && waiting > SHEET_ROW_MAX;
        c->cut = false;
        int rc = row_scan(c, literal, whole || endless, ret, ret_high, err);
        if (rc != ROW_MORE) {
            if (rc < 0) return rc;
            ret->damaged = literal || c->cut;
            c->skipping = endless && !whole && ret->next == c->n && ret->lines == 0;
            if (ret->next - c->at > SHEET_ROW_MAX) row_cut(c, ret);
            return rc;
        }
        if (!literal && (whole || waiting > QUOTED_MAX)) {
            literal = true;
            continue;
        }
        rc = fill(c, err);
        if (rc < 0) return rc;
    }
}

/* What is left of a line whose row was cut; 0 also at the end of the file. */
static int line_skip(struct csv *c, struct error *err) {
    while (c->skipping) {
        while (c->at < c->n && c->s[c->at] != '\n' && c->s[c->at] != '\r') c->at++;
        if (c->at < c->n && (c->s[c->at] == '\n' || c->at + 1 < c->n || c->ended)) {
            c->at += c->s[c->at] == '\r' && c->s[c->at + 1] == '\n' ? 2 : 1;
            c->line++;
            c->skipping = false;
        } else if (c->ended) {
            return 0;
        } else {
            int rc = fill(c, err);
            if (rc < 0) return rc;
        }
    }
    return 0;
}

int csv_next(struct csv *c, const struct text **ret_cells, size_t *ret_n, int64_t *ret_line,
             bool *ret_damaged, struct error *err) {
    struct row r = {0};
    bool high = false;
    int rc = line_skip(c, err);
    if (rc < 0) return rc;
    for (;;) {
        if (c->at >= c->n) {
            if (c->ended) return 0;
            rc = fill(c, err);
            if (rc < 0) return rc;
            continue;
        }
        rc = row_read(c, &r, &high, err);
        if (rc < 0) return rc;
        if (r.end > c->at) break;
        c->at = r.next; /* an empty line */
        c->line += r.lines;
    }
    const char *row = c->s + c->at;
    size_t row_n = r.end - c->at;
    bool sound = (!high || row_sound(row, row_n)) && !memchr(row, 0, row_n);
    for (size_t i = 0; i < c->escaped_n; i++) unescape(&c->cells[c->escaped[i]]);
    if (high && !sound) {
        rc = row_fix(c, r.cells, err);
        if (rc < 0) return rc;
    }
    if (!c->crlf_known && r.next > r.end) {
        c->crlf_known = true;
        c->info->crlf = r.crlf;
    }
    *ret_cells = c->cells;
    *ret_n = r.cells;
    *ret_line = c->line;
    *ret_damaged = r.damaged || !sound;
    c->at = r.next;
    c->line += r.lines;
    return 1;
}

/* ---- opening */

static int csv_encoding(struct csv *c, const struct sheet_options *o, struct error *err) {
    struct text sample = {c->s, c->n < SAMPLE_MAX ? c->n : SAMPLE_MAX};
    struct encoding_guess g = {0};
    int rc = 0;
    if (o->encoding) {
        encoding_canonical(o->encoding, sample, g.name, &g.bom_n);
        g.bom = g.bom_n > 0;
        g.confidence = 1;
    } else {
        rc = encoding_detect(sample, c->ended, &g, err);
        if (rc < 0) return rc;
        c->may_change = g.ascii;
    }
    memcpy(c->info->encoding, g.name, sizeof c->info->encoding);
    c->info->bom = g.bom;
    c->info->confidence = g.confidence;
    c->at = g.bom_n;
    if (strcmp(g.name, "UTF-8") == 0) return c->may_change ? high_bytes(c, 0, err) : 0;
    rc = decoder_open(g.name, &c->decoder, err);
    if (rc < 0) return rc;
    c->raw_n = c->n - c->at;
    c->raw = mem_realloc(NULL, c->raw_n > RAW_MAX ? c->raw_n : RAW_MAX);
    if (!c->raw) return no_memory(err);
    memcpy(c->raw, c->s + c->at, c->raw_n);
    c->at = c->n = 0;
    c->ended = false;
    c->decoded = 0;
    return fill(c, err);
}

int csv_open(struct source *src, const struct sheet_options *o, struct sheet_info *info, struct csv **ret,
             struct error *err) {
    struct csv *c = mem_alloc(sizeof *c);
    if (!c) return no_memory(err);
    *c = (struct csv){.src = src,
                      .info = info,
                      .line = 1,
                      .max_bytes = o->max_bytes > 0 ? o->max_bytes : (int64_t)64 << 30};
    /* the sample is read as bytes; may_change is off until the encoding is known */
    int rc = 0;
    while (rc == 0 && !c->ended && c->n < SAMPLE_MAX) rc = fill(c, err);
    if (rc < 0) goto out;
    info->format = SHEET_CSV;
    info->gzip = source_gzip(src);
    rc = csv_encoding(c, o, err);
    if (rc < 0) goto out;
    if (c->n == c->at && c->ended) {
        rc = error_set(err, E_SYNTAX, NULL, "the file is empty");
        goto out;
    }
    struct text sample = {c->s + c->at, c->n - c->at < SAMPLE_MAX ? c->n - c->at : SAMPLE_MAX};
    size_t skip = 0;
    info->delimiter = o->delimiter;
    char named = 0;
    if (csv_sep_line(sample, &named, &skip)) {
        c->at += skip;
        c->line++;
        if (!info->delimiter) info->delimiter = named;
    } else if (!info->delimiter) {
        for (size_t k = 0; k < o->skip_rows && sample.n; k++) {
            const char *nl = memchr(sample.s, '\n', sample.n);
            size_t line_n = nl ? (size_t)(nl - sample.s) + 1 : sample.n;
            sample = (struct text){sample.s + line_n, sample.n - line_n};
        }
        info->delimiter = csv_sniff(sample);
    }
    *ret = c;
    c = NULL;
out:
    csv_close(c);
    return rc;
}

void csv_close(struct csv *c) {
    if (!c) return;
    decoder_close(c->decoder);
    mem_free(c->s);
    mem_free(c->raw);
    mem_free(c->cells);
    buf_clear(&c->fixed);
    mem_free(c);
}
