#include "files/encoding.h"

#include <errno.h>
#include <iconv.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <uchardet/uchardet.h>

#include "base/gbk.h"

/* ---- names */

static const struct {
    const char *alias, *name;
} aliases[] = {
    {"utf8", "UTF-8"},
    {"utf-8", "UTF-8"},
    {"utf-8-sig", "UTF-8"},
    {"ascii", "UTF-8"},
    {"us-ascii", "UTF-8"},
    {"gbk", "GB18030"},
    {"gb2312", "GB18030"},
    {"gb18030", "GB18030"},
    {"cp936", "GB18030"},
    {"hz", "HZ"},
    {"big5", "BIG5"},
    {"cp950", "BIG5"},
    {"big5-hkscs", "BIG5-HKSCS"},
    {"latin1", "CP1252"},
    {"iso-8859-1", "CP1252"},
    {"windows-1252", "CP1252"},
    {"cp1252", "CP1252"},
    {"utf-16le", "UTF-16LE"},
    {"utf16le", "UTF-16LE"},
    {"utf-16be", "UTF-16BE"},
    {"utf16be", "UTF-16BE"},
};

static size_t bom_of(const char *name, struct text sample) {
    if (strcmp(name, "UTF-8") == 0) return text_starts(sample, TEXT("\xEF\xBB\xBF")) ? 3 : 0;
    if (strcmp(name, "UTF-16LE") == 0) return text_starts(sample, TEXT("\xFF\xFE")) ? 2 : 0;
    if (strcmp(name, "UTF-16BE") == 0) return text_starts(sample, TEXT("\xFE\xFF")) ? 2 : 0;
    if (strcmp(name, "GB18030") == 0) return text_starts(sample, TEXT("\x84\x31\x95\x33")) ? 4 : 0;
    return 0;
}

void encoding_canonical(const char *name, struct text sample, char out[32], size_t *ret_bom_n) {
    static const char *const marked[] = {"UTF-8", "UTF-16LE", "UTF-16BE"};
    snprintf(out, 32, "%s", name);
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
        if (strcasecmp(name, aliases[i].alias) == 0) snprintf(out, 32, "%s", aliases[i].name);
    if (strcasecmp(name, "utf-16") == 0 || strcasecmp(name, "utf16") == 0 || strcasecmp(name, "unicode") == 0)
        snprintf(out, 32, "%s", bom_of("UTF-16BE", sample) ? "UTF-16BE" : "UTF-16LE");
    for (size_t i = 0; i < sizeof marked / sizeof *marked; i++)
        if (bom_of(marked[i], sample)) snprintf(out, 32, "%s", marked[i]);
    *ret_bom_n = bom_of(out, sample);
}

bool encoding_complete(const char *canonical) {
    return strncmp(canonical, "UTF-", 4) == 0 || strcmp(canonical, "GB18030") == 0;
}

/* ---- detection */

struct shape {
    size_t n, nul, control, high;
    size_t utf8_good, utf8_long, utf8_bad; /* multi-byte sequences; long: of three or four bytes */
    size_t runs, single_runs;              /* of high bytes */
    size_t gb_pairs, gb_common, gb_bad, big_pairs, big_common, big_bad;
    size_t undefined_1252;
};

static void utf8_shape(struct text t, bool whole, struct shape *h) {
    for (size_t pos = 0; pos < t.n;) {
        if ((unsigned char)t.s[pos] < 0x80) {
            pos++;
            continue;
        }
        size_t before = pos;
        uint32_t c = text_codepoint(t, &pos);
        if (c != 0xFFFD || pos - before > 1) {
            h->utf8_good++;
            h->utf8_long += pos - before > 2;
        } else if (whole || t.n - before >= 4) {
            h->utf8_bad++;
        }
    }
}

/* Both double-byte readings of the sample, counted side by side. */
static void pairs_shape(struct text t, struct shape *h) {
    const unsigned char *s = (const unsigned char *)t.s;
    for (size_t i = 0; i + 1 < t.n;) {
        unsigned a = s[i], b = s[i + 1];
        if (a < 0x80) {
            i++;
        } else if (a >= 0x81 && a <= 0xFE && b >= 0x30 && b <= 0x39 && i + 3 < t.n && s[i + 2] >= 0x81 &&
                   s[i + 3] >= 0x30 && s[i + 3] <= 0x39) {
            h->gb_pairs++;
            i += 4;
        } else if (a >= 0x81 && a <= 0xFE && b >= 0x40 && b != 0x7F && b != 0xFF) {
            h->gb_pairs++;
            h->gb_common += b >= 0xA1 && (a <= 0xA3 ? a >= 0xA1 : a >= 0xB0 && a <= 0xD7);
            i += 2;
        } else {
            h->gb_bad++;
            i++;
        }
    }
    for (size_t i = 0; i + 1 < t.n;) {
        unsigned a = s[i], b = s[i + 1];
        if (a < 0x80) {
            i++;
        } else if (a >= 0xA1 && a <= 0xF9 && ((b >= 0x40 && b <= 0x7E) || (b >= 0xA1 && b <= 0xFE))) {
            h->big_pairs++;
            h->big_common += a >= 0xA1 && a <= 0xC6;
            i += 2;
        } else {
            h->big_bad++;
            i++;
        }
    }
}

static void sample_shape(struct text t, bool whole, struct shape *h) {
    const unsigned char *s = (const unsigned char *)t.s;
    h->n = t.n;
    for (size_t i = 0; i < t.n; i++) {
        unsigned c = s[i];
        h->nul += c == 0;
        h->control += c < 0x20 && c != '\t' && c != '\n' && c != '\r' && c != '\f' && c != 0x1B && c != 0x1A;
        if (c < 0x80) continue;
        h->high++;
        h->undefined_1252 += c == 0x81 || c == 0x8D || c == 0x8F || c == 0x90 || c == 0x9D;
        if (i == 0 || s[i - 1] < 0x80) {
            h->runs++;
            h->single_runs += i + 1 == t.n || s[i + 1] < 0x80;
        }
    }
    utf8_shape(t, whole, h);
    pairs_shape(t, h);
}

/* Code units that are printable ASCII or line ends, and those that no text has, when read as UTF-16. */
static void utf16_shape(struct text t, bool big, size_t *ret_plain, size_t *ret_odd) {
    const unsigned char *s = (const unsigned char *)t.s;
    size_t plain = 0, odd = 0;
    bool pending = false; /* a high surrogate waits for its other half */
    for (size_t i = 0; i + 1 < t.n; i += 2) {
        unsigned u = big ? (unsigned)s[i] << 8 | s[i + 1] : (unsigned)s[i + 1] << 8 | s[i];
        bool low = u >= 0xDC00 && u < 0xE000;
        odd += pending != low || u == 0 || (u < 0x20 && u != '\t' && u != '\n' && u != '\r') || u >= 0xFFFE;
        pending = u >= 0xD800 && u < 0xDC00;
        plain += u == '\t' || u == '\n' || u == '\r' || (u >= 0x20 && u < 0x7F);
    }
    *ret_plain = plain;
    *ret_odd = odd;
}

static int guess(struct encoding_guess *g, const char *name, double confidence) {
    snprintf(g->name, sizeof g->name, "%s", name);
    g->confidence = confidence;
    return 0;
}

static int detect_nul(struct text t, struct encoding_guess *g, struct error *err) {
    size_t le = 0, le_odd = 0, be = 0, be_odd = 0, units = t.n / 2;
    utf16_shape(t, false, &le, &le_odd);
    utf16_shape(t, true, &be, &be_odd);
    bool big = be > le;
    size_t plain = big ? be : le, other = big ? le : be, odd = big ? be_odd : le_odd;
    if (units > 1 && plain * 100 >= units && plain > 2 * other && odd * 200 <= units)
        return guess(g, big ? "UTF-16BE" : "UTF-16LE", odd ? 0.8 : 0.95);
    return error_set(err, E_UNSUPPORTED, NULL,
                     "this is no table of text: it holds NUL bytes as programs, pictures and databases do");
}

/* A few NULs in what is text without them, as a device's padding or a damaged disk leave them: each costs its row, and says nothing of the encoding. UTF-16 has one beside every
 * comma and line end, and of what is not Latin every tenth low byte is a control character. */
static int nul_strays(struct text *t, struct shape *h, bool whole, char **ret_bare, struct error *err) {
    struct shape bare = {0};
    size_t n = 0;
    if (h->nul * 20 > h->n) return 0;
    char *s = mem_alloc(h->n + 1);
    if (!s) return error_memory(err);
    for (size_t i = 0; i < t->n; i++)
        if (t->s[i]) s[n++] = t->s[i];
    sample_shape((struct text){s, n}, whole, &bare);
    bool utf8 = bare.utf8_bad * 50 <= bare.utf8_good && (bare.utf8_good > 1 || !bare.high);
    bool gb = bare.gb_common * 2 > bare.gb_pairs + 4 * bare.gb_bad, big = bare.big_common * 10 > 9 * (bare.big_pairs + 4 * bare.big_bad);
    bool western = bare.undefined_1252 == 0 && bare.single_runs * 10 >= bare.runs * 8;
    if (bare.control * 50 <= n && (utf8 || gb || big || western)) {
        *t = (struct text){s, n};
        *h = bare;
    }
    *ret_bare = s;
    return 0;
}

static bool uchardet_says(struct text t, const char *name) {
    uchardet_t u = uchardet_new();
    if (!u) return false;
    bool same = false;
    if (uchardet_handle_data(u, t.s, t.n) == 0) {
        uchardet_data_end(u);
        same = strcasecmp(uchardet_get_charset(u), name) == 0;
    }
    uchardet_delete(u);
    return same;
}

static int detect_bytes(struct text t, const struct shape *h, struct encoding_guess *g) {
    /* accents of western text stand alone between letters; Chinese in pairs */
    bool western = h->undefined_1252 == 0 && h->single_runs * 10 >= h->runs * 8;
    if (western && h->gb_bad * 20 >= h->gb_pairs + h->gb_bad) return guess(g, "CP1252", 0.8);
    double gb = h->gb_pairs ? (double)h->gb_common / (double)(h->gb_pairs + 4 * h->gb_bad) : 0;
    double big = h->big_pairs ? (double)h->big_common / (double)(h->big_pairs + 4 * h->big_bad) : 0;
    if (western && gb < 0.5 && big < 0.9) return guess(g, "CP1252", 0.6);
    if (big > 0.9 && big > gb + 0.15 && h->big_pairs >= 8) return guess(g, "BIG5", 0.9);
    if (big > 0.8 && big > gb && uchardet_says(t, "BIG5")) return guess(g, "BIG5", 0.7);
    if (h->gb_bad * 20 > h->gb_pairs && h->undefined_1252 == 0 && uchardet_says(t, "WINDOWS-1252"))
        return guess(g, "CP1252", 0.5);
    return guess(g, "GB18030", h->gb_bad ? 0.5 : gb > 0.8 ? 0.95 : 0.7);
}

int encoding_detect(struct text sample, bool whole, struct encoding_guess *ret, struct error *err) {
    static const char *const with_bom[] = {"UTF-8", "UTF-16LE", "UTF-16BE", "GB18030"};
    struct encoding_guess g = {0};
    struct shape h = {0};
    char *bare = NULL;
    int rc = 0;
    for (size_t i = 0; i < sizeof with_bom / sizeof *with_bom && !g.bom; i++) {
        g.bom_n = bom_of(with_bom[i], sample);
        g.bom = g.bom_n > 0;
        if (g.bom) guess(&g, with_bom[i], 1);
    }
    sample_shape(sample, whole, &h);
    if (h.nul && !g.bom) rc = nul_strays(&sample, &h, whole, &bare, err);
    if (rc < 0) return rc;
    if (g.bom) {
        size_t plain = 0, odd = 0;
        if (strncmp(g.name, "UTF-16", 6) == 0)
            utf16_shape((struct text){sample.s + 2, sample.n - 2}, strcmp(g.name, "UTF-16BE") == 0, &plain,
                        &odd);
        else
            odd = h.nul;
        if (odd * 20 > sample.n + 20) rc = error_set(err, E_UNSUPPORTED, NULL, "this is no table of text");
    } else if (h.nul) {
        rc = detect_nul(sample, &g, err);
    } else if (h.control * 50 > h.n) {
        rc =
            error_set(err, E_UNSUPPORTED, NULL, "this is no table of text: it is full of control characters");
    } else if (!h.high) {
        g.ascii = true;
        guess(&g, "UTF-8", whole ? 1 : 0.9);
    } else if (h.utf8_bad * 50 <= h.utf8_good || (h.utf8_long >= 4 && h.utf8_long > 2 * h.utf8_bad)) {
        /* a few broken characters in a long UTF-8 text do not make it another encoding */
        guess(&g, "UTF-8", h.utf8_bad ? 0.8 : h.utf8_good > 2 ? 0.99 : 0.9);
    } else {
        detect_bytes(sample, &h, &g);
    }
    mem_free(bare);
    if (rc == 0) *ret = g;
    return rc;
}

/* ---- decoding */

struct decoder {
    iconv_t cd;
    const struct gbk *gbk; /* set: GB18030, whose common part goes by table */
    size_t unit;           /* bytes given up where nothing decodes */
};

int decoder_open(const char *canonical, struct decoder **ret, struct error *err) {
    struct decoder *d = mem_alloc(sizeof *d);
    if (!d) return error_memory(err);
    d->cd = iconv_open("UTF-8", canonical);
    if (d->cd == (iconv_t)-1) {
        mem_free(d);
        return error_set(err, E_UNSUPPORTED, NULL, "the encoding \"%.40s\" is not known here", canonical);
    }
    d->unit = strncmp(canonical, "UTF-16", 6) == 0 ? 2 : strncmp(canonical, "UTF-32", 6) == 0 ? 4 : 1;
    if (strcmp(canonical, "GB18030") == 0) d->gbk = gbk_tables();
    *ret = d;
    return 0;
}

void decoder_close(struct decoder *d) {
    if (!d) return;
    iconv_close(d->cd);
    mem_free(d);
}

static size_t replaced(char **to) {
    memcpy(*to, "\xEF\xBF\xBD", 3);
    *to += 3;
    return 1;
}

/* What the table does not hold: the four-byte part, and damage. Bytes consumed, 0 when the character is cut
 * short. */
static size_t decode_rare(struct decoder *d, const char *in, size_t n, bool last, char **to) {
    bool lead = (unsigned char)in[0] > 0x80 && (unsigned char)in[0] < 0xFF;
    if (!lead) return replaced(to);
    bool four = n < 2 || (in[1] >= 0x30 && in[1] <= 0x39);
    if (!four) return replaced(to);
    if (n < 4) return last ? replaced(to) : 0;
    char *from = (char *)in, *at = *to;
    size_t in_left = 4, out_left = 8;
    if (iconv(d->cd, &from, &in_left, &at, &out_left) != (size_t)-1) {
        *to = at;
        return 4;
    }
    iconv(d->cd, NULL, NULL, NULL, NULL);
    return replaced(to);
}

static size_t decode_gbk(struct decoder *d, const unsigned char *in, size_t n, bool last, size_t *ret_used,
                         char *out, size_t cap) {
    size_t i = 0;
    char *to = out, *end = out + cap - 8;
    while (i < n && to <= end) {
        unsigned a = in[i];
        if (a < 0x80) {
            uint64_t w;
            while (i + 8 <= n && to <= end && (memcpy(&w, in + i, 8), !(w & 0x8080808080808080u))) {
                memcpy(to, &w, 8);
                to += 8;
                i += 8;
            }
            if (i < n && in[i] < 0x80 && to <= end) *to++ = (char)in[i++];
            continue;
        }
        unsigned b = i + 1 < n ? in[i + 1] : 0;
        uint16_t c =
            a > 0x80 && a < 0xFF && b >= 0x40 && b < 0xFF ? d->gbk->to_unicode[a - 0x81][b - 0x40] : 0;
        if (c >= 0x800) {
            to[0] = (char)(0xE0 | (c >> 12));
            to[1] = (char)(0x80 | ((c >> 6) & 0x3F));
            to[2] = (char)(0x80 | (c & 0x3F));
            to += 3;
            i += 2;
        } else if (c) {
            to += text_encode(c, to);
            i += 2;
        } else {
            size_t k = decode_rare(d, (const char *)in + i, n - i, last, &to);
            if (k == 0) break;
            i += k;
        }
    }
    *ret_used = i;
    return (size_t)(to - out);
}

size_t decoder_run(struct decoder *d, const char *in, size_t n, bool last, size_t *ret_used, char *out,
                   size_t cap) {
    if (d->gbk) return decode_gbk(d, (const unsigned char *)in, n, last, ret_used, out, cap);
    char *from = (char *)in, *to = out;
    size_t in_left = n, out_left = cap;
    while (in_left && out_left >= 8) {
        size_t k = iconv(d->cd, &from, &in_left, &to, &out_left);
        if (k != (size_t)-1 || errno == E2BIG) break;
        if (errno == EINVAL && !last) break; /* cut at the end: more will come */
        iconv(d->cd, NULL, NULL, NULL, NULL);
        if (out_left < 3) break;
        memcpy(to, "\xEF\xBF\xBD", 3);
        to += 3;
        out_left -= 3;
        size_t skip = in_left < d->unit ? in_left : d->unit;
        from += skip;
        in_left -= skip;
    }
    *ret_used = (size_t)(from - in);
    return (size_t)(to - out);
}
