#include "base/mojibake.h"

#include <string.h>

#include "base/gbk.h"

/* What Windows-1252 puts at 0x80..0x9F; 0: nothing, Latin-1's control character stands there. */
static const uint16_t windows[32] = {
    0x20AC, 0,      0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0,      0x017D, 0,      0,      0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0,      0x017E, 0x0178,
};

/* The hundred and some characters that make up half of all Chinese text. */
static const char frequent[] = "的一是了我不人在他有这个上们来到时大地为子中你说生国年着就那和要她出也得里后"
                               "自以会家可下而过天去能对小多然于心学么之都好看起发当没成只如事把还"
                               "用第样道想作种开美总从无情己面最女但现前些所同日手又行意动方期它头经长儿回位"
                               "分爱老因很给名法间斯知世什两次使身者被高已亲其进此话常与活正感"
                               "食品控制学校医院市区县街道路号小区单位公司年月日病例隔离";

static bool is_frequent(uint32_t c) {
    char bytes[5] = {0};
    size_t n = text_encode(c, bytes);
    return n == 3 && memmem(frequent, sizeof frequent - 1, bytes, 3);
}

static bool plausible(uint32_t c) {
    return (c >= 0x3400 && c <= 0x9FFF) || (c >= 0x3000 && c <= 0x30FF) || (c >= 0xFF00 && c <= 0xFFEF) ||
           (c >= 0x2010 && c <= 0x2040);
}

/* GB2312 level 1: the 3,755 characters in everyday use. */
static bool everyday(unsigned code) {
    return code >= 0xB0A1 && code < 0xD800 && (code & 0xFF) >= 0xA1;
}

/* What a run of bytes is worth when read as UTF-8. */
struct reading {
    size_t good, broken, everyday; /* whole sequences; bytes that belong to none; of good, everyday Han */
    size_t strange;                /* whole, but no character of Chinese text */
};

/* A '?' beside broken bytes is one of them, replaced by whoever decoded first. */
static struct reading read_utf8(const char *s, size_t n, const struct gbk *g) {
    struct reading r = {0};
    struct text t = {s, n};
    for (size_t i = 0; i < n;) {
        if (!(s[i] & 0x80)) {
            i++;
            continue;
        }
        size_t before = i;
        uint32_t c = text_codepoint(t, &i);
        if (c == 0xFFFD && i - before == 1) {
            r.broken++;
        } else {
            r.good++;
            r.strange += !plausible(c);
            r.everyday += c < 0x10000 && everyday(g->from_unicode[c]);
        }
    }
    return r;
}

/* ---- UTF-8 read as GBK */

/* The bytes that GBK had for the text. Returns their number, 0 when a character has no two-byte code.
 * *ret_han counts its characters beyond ASCII, *ret_everyday those in everyday use. */
static size_t gbk_bytes(struct text t, const struct gbk *g, char *out, size_t *ret_han,
                        size_t *ret_everyday) {
    size_t n = 0, han = 0, daily = 0;
    for (size_t i = 0; i < t.n;) {
        uint32_t c = text_codepoint(t, &i);
        if (c < 0x80) {
            out[n++] = (char)c;
        } else if (c == 0x20AC) {
            out[n++] = (char)0x80; /* Windows reads a lone 0x80 as the euro sign */
        } else if (c == 0xFFFD) {
            out[n++] = '?';
            han++;
        } else {
            unsigned code = c < 0x10000 ? g->from_unicode[c] : 0;
            if (!code) return 0;
            out[n++] = (char)(code >> 8);
            out[n++] = (char)code;
            han++;
            daily += everyday(code);
        }
    }
    *ret_han = han;
    *ret_everyday = daily;
    return n;
}

/* Chinese text in UTF-8 begins its characters with E2..EF, 80..BF; GBK's everyday characters do not. */
static bool gbk_suspect(struct text t, const struct gbk *g) {
    for (size_t i = 0; i < t.n;) {
        uint32_t c = text_codepoint(t, &i);
        if (c < 0x80) continue;
        unsigned code = c < 0x10000 ? g->from_unicode[c] : 0;
        return code >= 0xE280 && code < 0xF000 && (code & 0xC0) == 0x80;
    }
    return false;
}

static int undo_gbk(struct text t, const struct gbk *g, struct arena *a, struct text *ret) {
    if (!gbk_suspect(t, g)) return MOJIBAKE_NONE;
    size_t han = 0, daily = 0;
    char *bytes = arena_alloc(a, t.n + 1);
    if (!bytes) return E_MEMORY;
    size_t n = gbk_bytes(t, g, bytes, &han, &daily);
    struct reading r = read_utf8(bytes, n, g);
    /* the text read back must be more ordinary than the one at hand: names with rare characters stay */
    bool better = r.good && r.everyday * 2 >= r.good && r.everyday * han > daily * r.good;
    if (!better || r.strange) return MOJIBAKE_NONE;
    if (!r.broken) {
        *ret = (struct text){bytes, n};
        return MOJIBAKE_REPAIRED;
    }
    return r.good >= 2 && r.good * 3 * 10 >= (r.good * 3 + r.broken) * 6 ? MOJIBAKE_LOST : MOJIBAKE_NONE;
}

/* ---- one byte of GBK lost */

/* Reads the pairs of a run again from its second byte on; is that the more usual text? */
static bool shifted(const char *run, size_t n, const struct gbk *g) {
    unsigned codes[64];
    size_t k = 0, usual = 0, usual_shifted = 0;
    struct text t = {run, n};
    for (size_t i = 0; i < n && k < 64;) {
        uint32_t c = text_codepoint(t, &i);
        codes[k++] = g->from_unicode[c & 0xFFFF];
        usual += is_frequent(c);
    }
    for (size_t i = 0; i + 1 < k; i++) {
        unsigned code = (codes[i] & 0xFF) << 8 | codes[i + 1] >> 8;
        if (!everyday(code)) return false;
        usual_shifted += is_frequent(g->to_unicode[(code >> 8) - 0x81][(code & 0xFF) - 0x40]);
    }
    return k >= 3 && usual_shifted > usual;
}

/* Runs of Han that end or begin at a '?': where the odd byte went. */
static bool shift_suspect(struct text t, const struct gbk *g) {
    size_t from = 0;
    bool after = false;
    for (size_t i = 0; i < t.n;) {
        size_t before = i;
        uint32_t c = text_codepoint(t, &i);
        if (c >= 0x4E00 && c <= 0x9FFF) continue;
        bool mark = c == '?' || c == 0xFFFD;
        if (before - from >= 9 && (mark || after) && shifted(t.s + from, before - from, g)) return true;
        after = mark;
        from = i;
    }
    return after ? false
                 : t.n - from >= 9 && from > 0 && t.s[from - 1] == '?' && shifted(t.s + from, t.n - from, g);
}

/* ---- read as Windows-1252 or Latin-1 */

static size_t latin_bytes(struct text t, char *out) {
    size_t n = 0;
    for (size_t i = 0; i < t.n;) {
        uint32_t c = text_codepoint(t, &i);
        if (c >= 0x100) {
            unsigned k = 0;
            while (k < 32 && windows[k] != c) k++;
            if (k == 32) return 0;
            c = 0x80 + k;
        }
        out[n++] = (char)c;
    }
    return n;
}

/* Pairs of GBK, nothing but, two at the least and mostly everyday ones; decoded into out (3 bytes a pair). */
static size_t gbk_pairs(const char *s, size_t n, const struct gbk *g, char *out) {
    size_t to = 0, pairs = 0, daily = 0;
    for (size_t i = 0; i < n;) {
        unsigned lead = (unsigned char)s[i], trail = i + 1 < n ? (unsigned char)s[i + 1] : 0;
        if (lead < 0x80) {
            out[to++] = s[i++];
            continue;
        }
        if (lead < 0xA1 || lead > 0xF7 || trail < 0xA1 || trail > 0xFE) return 0;
        uint16_t c = g->to_unicode[lead - 0x81][trail - 0x40];
        if (!c) return 0;
        to += text_encode(c, out + to);
        pairs++;
        daily += everyday(lead << 8 | trail);
        i += 2;
    }
    return pairs >= 2 && daily * 2 >= pairs ? to : 0;
}

static int undo_latin(struct text t, const struct gbk *g, struct arena *a, struct text *ret) {
    char *bytes = arena_alloc(a, 2 * t.n + 8); /* pairs of two letters of two bytes become three */
    if (!bytes) return E_MEMORY;
    size_t n = latin_bytes(t, bytes);
    if (!n) return MOJIBAKE_NONE;
    struct reading r = read_utf8(bytes, n, g);
    if (r.good && !r.broken) {
        *ret = (struct text){bytes, n};
        return MOJIBAKE_REPAIRED;
    }
    char *pairs = bytes + t.n + 1;
    size_t pairs_n = gbk_pairs(bytes, n, g, pairs);
    if (pairs_n) {
        *ret = (struct text){pairs, pairs_n};
        return MOJIBAKE_REPAIRED;
    }
    return r.good > r.strange ? MOJIBAKE_LOST : MOJIBAKE_NONE;
}

/* ---- */

static int undo_once(struct text t, const struct gbk *g, struct arena *a, struct text *ret) {
    bool latin = true;
    for (size_t i = 0; i < t.n && latin;) {
        uint32_t c = text_codepoint(t, &i);
        latin = c < 0x800 || (c >= 0x2000 && c < 0x2200);
    }
    if (latin) return undo_latin(t, g, a, ret);
    int rc = undo_gbk(t, g, a, ret);
    if (rc == MOJIBAKE_NONE && memchr(t.s, '?', t.n) && shift_suspect(t, g)) rc = MOJIBAKE_LOST;
    return rc;
}

int mojibake_undo(struct text t, struct arena *a, struct text *ret) {
    const struct gbk *g = gbk_tables();
    int told = MOJIBAKE_NONE;
    /* some text went through the wrong table twice */
    for (int round = 0; g && round < 3; round++) {
        struct text back;
        int rc = undo_once(t, g, a, &back);
        if (rc < 0) return rc;
        if (rc == MOJIBAKE_LOST && told == MOJIBAKE_NONE) told = rc;
        if (rc != MOJIBAKE_REPAIRED) break;
        told = rc;
        t = *ret = back;
    }
    return told;
}
