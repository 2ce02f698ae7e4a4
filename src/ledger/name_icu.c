/* What ICU says to a single character: see name.c. It is asked when the program is built, for the Han characters that names are written with (scripts/name_make.c),
 * and at run time for all others: making its two readers takes it a fifth of a second. */
#include "ledger/name_word.h"

#include <pthread.h>
#include <unicode/uchar.h>
#include <unicode/utrans.h>

enum { WORD_MAX = 7 };

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

uint64_t name_word_pack(const char *s, size_t n) {
    uint64_t w = (uint64_t)(n + 1) << 56;
    for (size_t i = 0; i < n; i++) w |= (uint64_t)(unsigned char)s[i] << (8 * i);
    return w;
}

/* A letter that no rule can read still tells names apart: "u" and its hexadecimal number. */
uint64_t name_word_number(uint32_t c) {
    char s[WORD_MAX] = "u";
    size_t n = 1;
    bool started = false;
    for (int shift = 20; shift >= 0; shift -= 4) {
        unsigned d = c >> shift & 15;
        if (!d && !started && shift) continue;
        started = true;
        s[n++] = "0123456789abcdef"[d];
    }
    return name_word_pack(s, n);
}

void name_words_close(void) {
    for (int i = 0; i < 2; i++) {
        if (readers[i]) utrans_close(readers[i]);
        readers[i] = NULL;
    }
}

uint64_t name_word_ask(uint32_t c, bool first) {
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
    return k == 0 && u_isalnum((UChar32)c) ? name_word_number(c) : name_word_pack(s, k);
}
