#include "base/repair.h"

#include <opencc.h>
#include <pthread.h>
#include <string.h>

#include "base/mojibake.h"

/* ---- numbers that a spreadsheet rounded */

static bool digits(struct text t, size_t from, size_t to) {
    for (size_t i = from; i < to; i++)
        if (t.s[i] < '0' || t.s[i] > '9') return false;
    return to > from;
}

/* GB 11643: the last digit of a resident identity number follows from the seventeen before. */
static bool check_digit_right(const char *s) {
    static const int weights[17] = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
    int sum = 0;
    for (int i = 0; i < 17; i++) sum += (s[i] - '0') * weights[i];
    return "10X98765432"[sum % 11] == s[17];
}

static unsigned rounded(struct text t) {
    while (t.n && t.s[0] == ' ') t = (struct text){t.s + 1, t.n - 1};
    while (t.n && t.s[t.n - 1] == ' ') t.n--;
    if (t.n < 4 || t.n > 40 || t.s[0] < '0' || t.s[0] > '9') return 0;
    if (t.n < 16 && t.s[1] != '.' && (t.s[1] | 32) != 'e') return 0;
    if (t.n >= 16 && digits(t, 0, t.n)) {
        for (size_t i = 15; i < t.n; i++)
            if (t.s[i] != '0') return 0;
        return t.n == 18 && !check_digit_right(t.s) ? DAMAGE_ROUNDED : DAMAGE_ROUNDED_MAYBE;
    }
    /* 4.40105E+17: ten digits and more, as phone and identity numbers have */
    size_t i = 1;
    if (t.s[i] == '.')
        for (i++; i < t.n && t.s[i] >= '0' && t.s[i] <= '9'; i++) continue;
    if (i + 2 > t.n || (t.s[i] != 'E' && t.s[i] != 'e')) return 0;
    i += t.s[i + 1] == '+' ? 2 : 1;
    if (t.n - i > 2 || !digits(t, i, t.n)) return 0;
    int exponent = t.s[i] - '0';
    if (t.n - i == 2) exponent = exponent * 10 + t.s[i + 1] - '0';
    return exponent >= 9 ? DAMAGE_ROUNDED : 0;
}

/* What a spreadsheet shows where it has no value. #N/A is a word for nothing (desks/intake/value.c). */
static bool formula_failed(struct text t) {
    static const char *const words[] = {"#REF!", "#NAME?", "#VALUE!", "#DIV/0!", "#NULL!", "#NUM!", "#SPILL!", "#CALC!", "#FIELD!", "#BLOCKED!", "#CONNECT!", "#BUSY!", "#GETTING_DATA"};
    size_t hashes = 0;
    while (hashes < t.n && t.s[hashes] == '#') hashes++;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (text_is(t, words[i])) return true;
    return hashes == t.n && hashes > 3;
}

/* ---- pinyin in brackets */

static const struct {
    const char *initial, *finals;
} syllables[] = {
    {"zh", " a ai an ang ao e ei en eng i ong ou u ua uai uan uang ui un uo "},
    {"ch", " a ai an ang ao e en eng i ong ou u ua uai uan uang ui un uo "},
    {"sh", " a ai an ang ao e ei en eng i ou u ua uai uan uang ui un uo "},
    {"b", " a ai an ang ao ei en eng i ian iao ie in ing o u "},
    {"p", " a ai an ang ao ei en eng i ian iao ie in ing o ou u "},
    {"m", " a ai an ang ao e ei en eng i ian iao ie in ing iu o ou u "},
    {"f", " a an ang ei en eng o ou u "},
    {"d", " a ai an ang ao e ei en eng i ia ian iao ie ing iu ong ou u uan ui un uo "},
    {"t", " a ai an ang ao e eng i ian iao ie ing ong ou u uan ui un uo "},
    {"n", " a ai an ang ao e ei en eng i ian iang iao ie in ing iu ong ou u uan uo v ve "},
    {"l", " a ai an ang ao e ei eng i ia ian iang iao ie in ing iu o ong ou u uan un uo v ve "},
    {"g", " a ai an ang ao e ei en eng ong ou u ua uai uan uang ui un uo "},
    {"k", " a ai an ang ao e ei en eng ong ou u ua uai uan uang ui un uo "},
    {"h", " a ai an ang ao e ei en eng ong ou u ua uai uan uang ui un uo "},
    {"j", " i ia ian iang iao ie in ing iong iu u uan ue un "},
    {"q", " i ia ian iang iao ie in ing iong iu u uan ue un "},
    {"x", " i ia ian iang iao ie in ing iong iu u uan ue un "},
    {"r", " an ang ao e en eng i ong ou u uan ui un uo "},
    {"z", " a ai an ang ao e ei en eng i ong ou u uan ui un uo "},
    {"c", " a ai an ang ao e en eng i ong ou u uan ui un uo "},
    {"s", " a ai an ang ao e en eng i ong ou u uan ui un uo "},
    {"y", " a an ang ao e i in ing o ong ou u uan ue un "},
    {"w", " a ai an ang ei en eng o u "},
    {"", " ai an ang ao ei en er ou "},
};

/* Without tone marks only one whole syllable counts; a, e and o alone are rather labels. */
static bool is_syllable(const char *s, size_t n) {
    for (size_t i = 0; i < sizeof syllables / sizeof *syllables; i++) {
        size_t k = strlen(syllables[i].initial);
        char final[16];
        if (n < k || n - k + 2 >= sizeof final || memcmp(s, syllables[i].initial, k) != 0) continue;
        final[0] = ' ';
        memcpy(final + 1, s + k, n - k);
        final[n - k + 1] = ' ';
        final[n - k + 2] = '\0';
        if (n > k && strstr(syllables[i].finals, final)) return true;
    }
    return false;
}

/* The plain letter of a pinyin letter (v for ü), 0 for anything else. */
static char pinyin_letter(uint32_t c, bool *ret_toned) {
    static const struct {
        uint16_t code;
        char plain;
    } toned[] = {
        {0x0101, 'a'}, {0x00E1, 'a'}, {0x01CE, 'a'}, {0x00E0, 'a'}, {0x0113, 'e'}, {0x00E9, 'e'},
        {0x011B, 'e'}, {0x00E8, 'e'}, {0x012B, 'i'}, {0x00ED, 'i'}, {0x01D0, 'i'}, {0x00EC, 'i'},
        {0x014D, 'o'}, {0x00F3, 'o'}, {0x01D2, 'o'}, {0x00F2, 'o'}, {0x016B, 'u'}, {0x00FA, 'u'},
        {0x01D4, 'u'}, {0x00F9, 'u'}, {0x01D6, 'v'}, {0x01D8, 'v'}, {0x01DA, 'v'}, {0x01DC, 'v'},
        {0x0144, 'n'}, {0x0148, 'n'}, {0x01F9, 'n'},
    };
    *ret_toned = false;
    if (c >= 'a' && c <= 'z') return (char)c;
    if (c == 0x0261) return 'g'; /* the script g and a of some dictionaries */
    if (c == 0x0251) return 'a';
    if (c == 0xFC) return 'v';
    for (size_t i = 0; i < sizeof toned / sizeof *toned; i++) {
        if (toned[i].code != c) continue;
        *ret_toned = true;
        return toned[i].plain;
    }
    return 0;
}

enum { GLOSS_MAX = 24 };

/* Letters and a closing bracket from pos on. Returns the offset behind the bracket, 0 when it is no gloss. */
static size_t gloss_end(struct text t, size_t pos, bool *ret_toned) {
    char plain[GLOSS_MAX];
    size_t n = 0;
    bool any = false;
    while (pos < t.n && n < GLOSS_MAX) {
        bool toned;
        uint32_t c = text_codepoint(t, &pos);
        if (c == ')' || c == 0xFF09) {
            *ret_toned = any;
            return n && (any || is_syllable(plain, n)) ? pos : 0;
        }
        plain[n] = pinyin_letter(c, &toned);
        if (!plain[n++]) return 0;
        any = any || toned;
    }
    return 0;
}

/* ---- one pass over the characters */

static bool is_han(uint32_t c) {
    return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x20000 && c <= 0x323AF);
}

static bool is_invisible(uint32_t c, uint32_t before) {
    if (c < 0x20) return c != '\t' && c != '\n' && c != '\r';
    if (c == 0x200C ||
        c == 0x200D) /* joiners mean something in Arabic and Indic scripts and between pictures */
        return before < 0x80 || is_han(before);
    return (c >= 0x7F && c < 0xA0) || c == 0xAD || c == 0x200B || c == 0x200E || c == 0x200F ||
           (c >= 0x202A && c <= 0x202E) || (c >= 0x2060 && c <= 0x2064) || (c >= 0x2066 && c <= 0x2069) ||
           c == 0xFEFF;
}

struct pass {
    unsigned flags, done;
    bool han;
};

/* Looks at the character at *pos after `before` and moves on. Returns what to write: a character, or 0 for
 * nothing; sets *ret_changed when that is not what stood there. */
static uint32_t one(struct pass *p, struct text t, size_t *pos, uint32_t before, bool *ret_changed) {
    size_t at = *pos, end;
    uint32_t c = text_codepoint(t, pos);
    bool toned;
    *ret_changed = true;
    if (c == '(' || c == 0xFF08) {
        if ((p->flags & REPAIR_GLOSS) && is_han(before) && (end = gloss_end(t, *pos, &toned)) > 0) {
            p->done |= REPAIR_GLOSS;
            *pos = end;
            return 0;
        }
    } else if (c == '?') {
        /* a gloss whose Han character and opening bracket were lost */
        if (gloss_end(t, *pos, &toned) && toned) p->done |= DAMAGE_TEXT;
    } else if (c == 0x951F) {
        /* two U+FFFD of UTF-8, read as GBK */
        if (text_starts((struct text){t.s + at, t.n - at}, TEXT("锟斤拷"))) p->done |= DAMAGE_TEXT;
    } else if (c == 0xFFFD) {
        p->done |= DAMAGE_TEXT;
        if (*pos - at == 1) { /* no UTF-8: kept as it is */
            *ret_changed = false;
            return 0xFFFD;
        }
    }
    if (c >= 0xFF01 && c <= 0xFF5E) {
        uint32_t ascii = c - 0xFEE0;
        bool letter = (ascii >= '0' && ascii <= '9') || ((ascii | 32) >= 'a' && (ascii | 32) <= 'z');
        unsigned bit = letter ? REPAIR_WIDTH : REPAIR_PUNCTUATION;
        if (p->flags & bit) {
            p->done |= bit;
            return ascii;
        }
    } else if (c == 0x3000 && (p->flags & REPAIR_PUNCTUATION)) {
        p->done |= REPAIR_PUNCTUATION;
        return ' ';
    } else if ((p->flags & REPAIR_INVISIBLE) && (c < 0x20 || c >= 0x7F)) {
        if (c == 0xA0 || c == 0x202F) {
            p->done |= REPAIR_INVISIBLE;
            return ' ';
        }
        if (is_invisible(c, before)) {
            p->done |= REPAIR_INVISIBLE;
            return 0;
        }
    }
    p->han = p->han || is_han(c);
    *ret_changed = false;
    return c;
}

/* Han of the everyday planes, ASCII letters and digits: nothing to look at. Returns how far that goes. */
static size_t plain_run(const char *s, size_t from, size_t n, uint32_t *before, bool *ret_han) {
    size_t i = from;
    while (i < n) {
        unsigned char c = (unsigned char)s[i];
        if (c < 0x80) {
            if (c < 0x20 || c == '(' || c == '?' || c == 0x7F) break;
            *before = c;
            i++;
        } else if (c >= 0xE4 && c <= 0xE9 && n - i >= 3 && (s[i + 1] & 0xC0) == 0x80 &&
                   (s[i + 2] & 0xC0) == 0x80) {
            if (c == 0xE4 && (unsigned char)s[i + 1] < 0xB8) break;                   /* below U+4E00 */
            if (c == 0xE9 && s[i + 1] == (char)0x94 && s[i + 2] == (char)0x9F) break; /* see one() */
            *before = 0x4E00;
            *ret_han = true;
            i += 3;
        } else {
            break;
        }
    }
    return i;
}

/* Returns a copy in the arena when something changed, t itself otherwise; .s NULL without memory. */
static struct text characters(struct pass *p, struct text t, struct arena *a) {
    char *out = NULL;
    size_t n = 0, copied = 0;
    uint32_t before = 0;
    for (size_t pos = 0;;) {
        pos = plain_run(t.s, pos, t.n, &before, &p->han);
        if (pos >= t.n) break;
        size_t at = pos;
        bool changed;
        uint32_t c = one(p, t, &pos, before, &changed);
        if (changed) {
            if (!out && !(out = arena_alloc(a, t.n + 1))) return (struct text){NULL, 0};
            memcpy(out + n, t.s + copied, at - copied);
            n += at - copied;
            if (c) out[n++] = (char)c; /* every replacement is ASCII */
            copied = pos;
        }
        if (c) before = c;
    }
    if (!out) return t;
    memcpy(out + n, t.s + copied, t.n - copied);
    return (struct text){out, n + t.n - copied};
}

/* ---- traditional to simplified */

static opencc_t converter = (opencc_t)-1;
static pthread_once_t converter_once = PTHREAD_ONCE_INIT;

static void converter_open(void) {
    converter = opencc_open(OPENCC_DEFAULT_CONFIG_TRAD_TO_SIMP);
}

static int simplify(struct text t, struct arena *a, struct text *ret, unsigned *done) {
    pthread_once(&converter_once, converter_open);
    if (converter == (opencc_t)-1) return E_UNSUPPORTED;
    char *s = opencc_convert_utf8(converter, t.s, t.n);
    if (!s) return E_MEMORY;
    struct text back = text_of(s);
    int rc = 0;
    if (!text_eq(t, back)) {
        back = arena_text(a, back);
        if (back.s) {
            *ret = back;
            *done |= REPAIR_SIMPLIFIED;
        } else {
            rc = E_MEMORY;
        }
    }
    opencc_convert_utf8_free(s);
    return rc;
}

/* ---- */

/* Printable ASCII alone? Eight bytes at a time. */
static bool printable(const char *s, size_t n) {
    const uint64_t high = 0x8080808080808080u, ones = 0x0101010101010101u;
    uint64_t w, seen = 0;
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        memcpy(&w, s + i, 8);
        seen |= w | (w - 0x20 * ones) | (w + ones); /* beyond ASCII; below a space; DEL */
    }
    if (i < n) {
        w = 0x2020202020202020u;
        memcpy(&w, s + i, n - i);
        seen |= w | (w - 0x20 * ones) | (w + ones);
    }
    return !(seen & high);
}

int repair_cell(struct text in, unsigned flags, struct arena *a, struct text *ret, unsigned *ret_done) {
    struct pass p = {.flags = flags};
    struct text t = in;
    if (!printable(in.s, in.n)) {
        if (flags & REPAIR_MOJIBAKE) {
            int rc = mojibake_undo(t, a, &t);
            if (rc < 0) return rc;
            p.done |= rc == MOJIBAKE_REPAIRED ? REPAIR_MOJIBAKE : rc == MOJIBAKE_LOST ? DAMAGE_TEXT : 0u;
        }
        t = characters(&p, t, a);
        if (!t.s) return E_MEMORY;
        if ((flags & REPAIR_SIMPLIFIED) && p.han) {
            int rc = simplify(t, a, &t, &p.done);
            if (rc < 0) return rc;
        }
    }
    if (flags & REPAIR_ROUNDED) p.done |= rounded(t);
    if (t.n > 3 && t.s[0] == '#' && formula_failed(t)) p.done |= DAMAGE_FORMULA;
    *ret = t;
    *ret_done = p.done;
    return 0;
}
