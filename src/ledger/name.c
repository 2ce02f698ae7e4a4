/* Names to tone-less pinyin: traditional to simplified, Han to Latin (the first character with its reading as a
 * surname), any other script to Latin, then ASCII. ICU is asked once a code point and position, for Han when the program is built (scripts/name_make.c); what it said is
 * packed into one 64-bit word (length + 1, then up to seven letters) and published with one atomic store, so
 * readers take no lock. A name is the concatenation of its code points' words: the same name always gives the
 * same text, whatever was cached. */
#include "ledger/vault.h"

#include <stdatomic.h>
#include <string.h>
#include <unicode/uchar.h>

#include "ledger/name_word.h"

enum { PLANES_END = 0x40000 };

/* Untouched pages of these tables cost no memory. */
static _Atomic uint64_t words[2][PLANES_END];

static uint64_t word_of(uint32_t c, bool first) {
    if (c >= NAME_HAN && c < NAME_HAN_END) return name_word_list[name_word_index[first][c - NAME_HAN]];
    if (c >= PLANES_END) return u_isalnum((UChar32)c) ? name_word_number(c) : name_word_pack("", 0);
    uint64_t w = atomic_load_explicit(&words[first][c], memory_order_relaxed);
    if (w) return w;
    w = name_word_ask(c, first);
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
