/* How sealed values are found without opening them (normal form, keyed hash) and shown without giving them
 * away (mask). */
#include "ledger/vault.h"

#include <string.h>

#include "base/instant.h"

static uint32_t narrow(uint32_t c) {
    return c >= 0xFF01 && c <= 0xFF5E ? c - 0xFF01 + '!' : c == 0x3000 ? ' ' : c;
}

static bool digits(const char *s, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (s[i] < '0' || s[i] > '9') return false;
    return true;
}

/* First-generation identity numbers (GB 11643-1989, 15 digits) become what they are in the second: century 19
 * and a check digit. */
static size_t card_upgrade(char *s, size_t n) {
    static const int weight[17] = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
    if (n != 15 || !digits(s, n) || s[0] == '0') return n;
    struct civil born = {1900 + (s[6] - '0') * 10 + (s[7] - '0'), (s[8] - '0') * 10 + (s[9] - '0'),
                         (s[10] - '0') * 10 + (s[11] - '0')};
    if (!civil_valid(born)) return n;
    memmove(s + 8, s + 6, 9);
    memcpy(s + 6, "19", 2);
    int sum = 0;
    for (int i = 0; i < 17; i++) sum += (s[i] - '0') * weight[i];
    s[17] = "10X98765432"[sum % 11];
    return 18;
}

/* Letters upper-case, full-width folded, everything that is only written between the digits dropped (spaces,
 * hyphens, the brackets of a Hong Kong card). 0 when nothing is left or it is longer than any document's
 * number. */
static size_t document_normal(struct text t, char out[BLIND_MAX]) {
    size_t n = 0;
    for (size_t pos = 0; pos < t.n;) {
        uint32_t c = narrow(text_codepoint(t, &pos));
        if (c >= 'a' && c <= 'z') c = c - 'a' + 'A';
        bool kept = c < 0x80 ? (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z')
                             : !(c >= 0xA0 && c <= 0xBF) && !(c >= 0x2000 && c <= 0x206F) &&
                                   !(c >= 0x3000 && c <= 0x303F) && c != 0x2212 && c != 0xFEFF && c != 0xFFFD;
        if (!kept) continue;
        if (n + 4 > BLIND_MAX) return 0;
        n += text_encode(c, out + n);
    }
    return card_upgrade(out, n);
}

static size_t phone_form(struct text t, char out[BLIND_MAX]) {
    char narrowed[BLIND_MAX], normal[24];
    size_t n = 0, k = 0;
    for (size_t pos = 0; pos < t.n;) {
        uint32_t c = narrow(text_codepoint(t, &pos));
        if (n + 4 > BLIND_MAX) return 0;
        n += text_encode(c, narrowed + n);
    }
    if (phone_normal((struct text){narrowed, n}, normal)) {
        k = strlen(normal);
        memcpy(out, normal, k);
        return k;
    }
    for (size_t i = 0; i < n; i++)
        if (narrowed[i] >= '0' && narrowed[i] <= '9') out[k++] = narrowed[i];
    return k;
}

/* An address says where somebody lives when it has a number and is more than a district. Letters lower-case, what is only written between is dropped (3-201 is not 32-01), and so
 * is a last 室. 0: it says no more than a region. */
static size_t address_form(struct text t, char out[BLIND_MAX]) {
    size_t n = 0, signs = 0;
    bool number = false, parted = false;
    for (size_t pos = 0; pos < t.n;) {
        uint32_t c = narrow(text_codepoint(t, &pos));
        bool digit = c >= '0' && c <= '9';
        if (c >= 'A' && c <= 'Z') c = c - 'A' + 'a';
        if (c < 0x80 ? !digit && !(c >= 'a' && c <= 'z')
                     : (c >= 0xA0 && c <= 0xBF) || (c >= 0x2000 && c <= 0x206F) || (c >= 0x3000 && c <= 0x303F) || c == 0xFEFF || c == 0xFFFD) {
            parted = true;
            continue;
        }
        if (n + 5 > BLIND_MAX) return 0;
        if (parted && digit && n && out[n - 1] >= '0' && out[n - 1] <= '9') out[n++] = '-';
        n += text_encode(c, out + n);
        number |= digit;
        parted = false;
        signs++;
    }
    for (; n > 3 && memcmp(out + n - 3, "室", 3) == 0; n -= 3) signs--;
    return number && signs >= 6 ? n : 0;
}

size_t blind_normal(enum field_blind kind, struct text clear, char out[BLIND_MAX]) {
    switch (kind) {
    case BLIND_DOCUMENT:
        return document_normal(clear, out);
    case BLIND_PHONE:
        return phone_form(clear, out);
    case BLIND_NAME:
        return name_normal(clear, out, BLIND_MAX) ? strlen(out) : 0;
    case BLIND_ADDRESS:
        return address_form(clear, out);
    case BLIND_NONE:
        break;
    }
    return 0;
}

/* ---- masks */

/* Shows `head` code points at the start and `tail` at the end, stars between: exactly as many when `stars` is
 * 0. */
static void mask(struct text t, size_t head, size_t tail, size_t stars, struct buf *out) {
    size_t count = 0, i = 0;
    for (size_t pos = 0; pos < t.n; count++) text_codepoint(t, &pos);
    if (head + tail >= count) head = tail = 0; /* too short to show anything */
    if (!stars) stars = count - head - tail;
    for (size_t pos = 0; pos < t.n; i++) {
        size_t start = pos;
        text_codepoint(t, &pos);
        if (i < head || i >= count - tail) buf_add(out, t.s + start, pos - start);
        if (i + 1 == head || (i == 0 && head == 0))
            for (size_t k = 0; k < stars; k++) buf_char(out, '*');
    }
}

void vault_mask(const struct field *f, struct text clear, struct buf *out) {
    clear = text_trim(clear);
    if (f->blind == BLIND_NAME)
        mask(clear, 1, 0, clear.n <= 12 ? 0 : 3, out);
    else if (f->blind == BLIND_DOCUMENT || f->check == CHECK_DOCUMENT || f->check == CHECK_ID_CARD)
        mask(clear, clear.n >= 15 ? 4 : 1, clear.n >= 15 ? 4 : clear.n >= 6 ? 2 : 0, 0, out);
    else if (f->blind == BLIND_PHONE || f->check == CHECK_PHONE)
        mask(clear, clear.n >= 11 ? clear.n - 8 : 0, clear.n >= 11 ? 4 : clear.n >= 7 ? 3 : 0, 0, out);
    else if (clear.n)
        buf_str(out, "***");
}
