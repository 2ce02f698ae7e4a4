/* Names to tone-less pinyin: traditional to simplified, Han to Latin (the first character with its reading as a
 * surname), any other script to Latin, then ASCII. ICU is asked once a code point and position; what it said is
 * packed into one 64-bit word (length + 1, then up to seven letters) and published with one atomic store, so
 * readers take no lock. A name is the concatenation of its code points' words: the same name always gives the
 * same text, whatever was cached. */
#include "ledger/vault.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unicode/uchar.h>
#include <unicode/utrans.h>

enum { PLANES_END = 0x40000, WORD_MAX = 7 };

/* Untouched pages of these tables cost no memory. */
static _Atomic uint64_t words[2][PLANES_END];
static pthread_mutex_t icu_lock = PTHREAD_MUTEX_INITIALIZER;
static UTransliterator *readers[2];

static UTransliterator *reader_open(bool first) {
    if (readers[first]) return readers[first];
    static const char *const ids[2] = {"Hant-Hans; Any-Latin; Latin-ASCII",
                                       "Hant-Hans; Han-Latin/Names; Any-Latin; Latin-ASCII"};
    UChar id[64];
    int32_t n = 0;
    for (const char *p = ids[first]; *p; p++) id[n++] = (UChar)*p;
    UErrorCode rc = U_ZERO_ERROR;
    UTransliterator *t = utrans_openU(id, n, UTRANS_FORWARD, NULL, 0, NULL, &rc);
    if (U_FAILURE(rc)) return NULL;
    return readers[first] = t;
}

static uint64_t word_pack(const char *s, size_t n) {
    uint64_t w = (uint64_t)(n + 1) << 56;
    for (size_t i = 0; i < n; i++) w |= (uint64_t)(unsigned char)s[i] << (8 * i);
    return w;
}

/* A letter that no rule can read still tells names apart: "u" and its hexadecimal number. */
static uint64_t word_number(uint32_t c) {
    char s[WORD_MAX] = "u";
    size_t n = 1;
    bool started = false;
    for (int shift = 20; shift >= 0; shift -= 4) {
        unsigned d = c >> shift & 15;
        if (!d && !started && shift) continue;
        started = true;
        s[n++] = "0123456789abcdef"[d];
    }
    return word_pack(s, n);
}

/* 0 when ICU cannot be used now. */
static uint64_t word_ask(uint32_t c, bool first) {
    UChar text[128];
    int32_t n = 0;
    U16_APPEND_UNSAFE(text, n, c);
    int32_t limit = n;
    UErrorCode rc = U_ZERO_ERROR;
    pthread_mutex_lock(&icu_lock);
    UTransliterator *t = reader_open(first);
    if (t) utrans_transUChars(t, text, &n, sizeof text / sizeof *text, 0, &limit, &rc);
    pthread_mutex_unlock(&icu_lock);
    if (!t || (U_FAILURE(rc) && rc != U_BUFFER_OVERFLOW_ERROR)) return 0;
    char s[WORD_MAX];
    size_t k = 0;
    for (int32_t i = 0; rc == U_ZERO_ERROR && i < n && k < WORD_MAX; i++) {
        UChar u = text[i];
        if (u >= 'A' && u <= 'Z') u = (UChar)(u - 'A' + 'a');
        if ((u >= 'a' && u <= 'z') || (u >= '0' && u <= '9')) s[k++] = (char)u;
    }
    return k == 0 && u_isalnum((UChar32)c) ? word_number(c) : word_pack(s, k);
}

static uint64_t word_of(uint32_t c, bool first) {
    if (c >= PLANES_END) return u_isalnum((UChar32)c) ? word_number(c) : word_pack("", 0);
    uint64_t w = atomic_load_explicit(&words[first][c], memory_order_relaxed);
    if (w) return w;
    w = word_ask(c, first);
    atomic_store_explicit(&words[first][c], w, memory_order_relaxed);
    return w;
}

bool name_normal(struct text name, char *out, size_t max) {
    size_t n = 0;
    bool first = true; /* no word written yet */
    for (size_t pos = 0; pos < name.n;) {
        unsigned char c = (unsigned char)name.s[pos];
        if (c < 0x80) {
            pos++;
            if (c >= 'A' && c <= 'Z') c = (unsigned char)(c - 'A' + 'a');
            if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9')) continue;
            if (n + 1 >= max) return false;
            out[n++] = (char)c;
            first = false;
            continue;
        }
        uint64_t w = word_of(text_codepoint(name, &pos), first);
        if (!w) return false;
        size_t k = (size_t)(w >> 56) - 1;
        if (k == 0) continue;
        if (n + k >= max) return false;
        for (size_t i = 0; i < k; i++) out[n + i] = (char)(w >> (8 * i));
        n += k;
        first = false;
    }
    if (n >= max) return false;
    out[n] = '\0';
    return true;
}
