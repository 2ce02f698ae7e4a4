/* Passwords: the rule, and Argon2id behind a gate. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "desks/account/inside.h"

/* ---- the rule: long enough, not the login, not one pattern. Composition rules and dictionaries make people write passwords down (NIST SP 800-63B 5.1.1.2). */

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static bool holds_login(struct text password, struct text login) {
    if (login.n < 4) return false;
    for (size_t i = 0; i + login.n <= password.n; i++) {
        size_t k = 0;
        while (k < login.n && lower(password.s[i + k]) == lower(login.s[k])) k++;
        if (k == login.n) return true;
    }
    return false;
}

/* One piece of up to 4 characters over and over, or every character the next of the one before. */
static bool is_pattern(const uint32_t *c, size_t n) {
    for (size_t period = 1; period <= 4; period++) {
        size_t i = period;
        while (i < n && c[i] == c[i - period]) i++;
        if (i == n) return true;
    }
    size_t up = 0, down = 0;
    for (size_t i = 1; i < n; i++) {
        up += c[i] == c[i - 1] + 1 || (c[i] == '0' && c[i - 1] == '9');
        down += c[i] + 1 == c[i - 1] || (c[i] == '9' && c[i - 1] == '0');
    }
    return up >= n - 2 || down >= n - 2;
}

int password_rule(struct text password, struct text login, struct error *err) {
    uint32_t points[ACCOUNT_PASSWORD_MAX];
    size_t n = 0, different = 0;
    if (password.n > ACCOUNT_PASSWORD_MAX)
        return error_set(err, E_REFUSED, "password", "a password has at most %d bytes / 密码过长", ACCOUNT_PASSWORD_MAX);
    if (!text_utf8_valid(password) || (password.n && memchr(password.s, 0, password.n)))
        return error_set(err, E_REFUSED, "password", "a password is UTF-8 text / 密码须为 UTF-8 文本");
    for (size_t pos = 0; pos < password.n;) points[n++] = text_codepoint(password, &pos);
    if (n < ACCOUNT_PASSWORD_MIN)
        return error_set(err, E_REFUSED, "password", "a password has at least %d characters / 密码至少 %d 个字符", ACCOUNT_PASSWORD_MIN, ACCOUNT_PASSWORD_MIN);
    if (holds_login(password, login)) return error_set(err, E_REFUSED, "password", "a password does not hold the login / 密码不得包含登录名");
    for (size_t i = 0; i < n; i++) {
        size_t k = 0;
        while (k < i && points[k] != points[i]) k++;
        different += k == i;
    }
    if (different < 5 || is_pattern(points, n))
        return error_set(err, E_REFUSED, "password", "this is one pattern over and over; take a few words / 密码过于规律,可用几个词组成");
    return 0;
}

/* ---- hashing */

static void gate_enter(struct accounts *a) {
    pthread_mutex_lock(&a->gate);
    while (a->hashing >= a->o.hashing_max) pthread_cond_wait(&a->gate_free, &a->gate);
    a->hashing++;
    pthread_mutex_unlock(&a->gate);
}

static void gate_leave(struct accounts *a) {
    pthread_mutex_lock(&a->gate);
    a->hashing--;
    pthread_cond_signal(&a->gate_free);
    pthread_mutex_unlock(&a->gate);
}

int password_hash(struct accounts *a, struct text password, char out[crypto_pwhash_STRBYTES], struct error *err) {
    gate_enter(a);
    int rc = crypto_pwhash_str_alg(out, password.s ? password.s : "", password.n, a->o.hash_passes, a->o.hash_memory, crypto_pwhash_ALG_ARGON2ID13);
    gate_leave(a);
    return rc ? error_memory(err) : 0;
}

int password_verify(struct accounts *a, struct text hash, struct text password, struct error *err) {
    char kept[crypto_pwhash_STRBYTES] = {0};
    if (hash.n >= sizeof kept) return error_set(err, E_CORRUPT, "account_secret", "a stored hash is damaged / 密码散列已损坏");
    memcpy(kept, hash.n ? hash.s : a->nobody, hash.n ? hash.n : sizeof a->nobody);
    if (password.n > ACCOUNT_PASSWORD_MAX) password.n = 0; /* no password is that long; the same work all the same */
    gate_enter(a);
    errno = 0;
    int rc = crypto_pwhash_str_verify(kept, password.s ? password.s : "", password.n);
    bool starved = rc && errno == ENOMEM;
    gate_leave(a);
    sodium_memzero(kept, sizeof kept);
    if (starved) return error_memory(err);
    return rc == 0 && hash.n ? 1 : 0;
}

bool password_weak(const struct accounts *a, struct text hash) {
    char kept[crypto_pwhash_STRBYTES] = {0};
    if (hash.n >= sizeof kept) return false;
    memcpy(kept, hash.s, hash.n);
    return crypto_pwhash_str_needs_rehash(kept, a->o.hash_passes, a->o.hash_memory) != 0;
}

void password_nobody(struct accounts *a) {
    unsigned char salt[crypto_pwhash_SALTBYTES], tag[32];
    char salt64[23], tag64[44];
    randombytes_buf(salt, sizeof salt);
    randombytes_buf(tag, sizeof tag);
    sodium_bin2base64(salt64, sizeof salt64, salt, sizeof salt, sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
    sodium_bin2base64(tag64, sizeof tag64, tag, sizeof tag, sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
    snprintf(a->nobody, sizeof a->nobody, "$argon2id$v=19$m=%zu,t=%u,p=1$%s$%s", a->o.hash_memory / 1024, a->o.hash_passes, salt64, tag64);
}

void password_make(struct rng *secret, char out[40]) {
    static const char letters[] = "abcdefghijkmnpqrstuvwxyz23456789"; /* 32 that are not mistaken for one another: 100 bits in 20 */
    size_t n = 0;
    for (int group = 0; group < 4; group++) {
        if (group) out[n++] = '-';
        for (int i = 0; i < 5; i++) out[n++] = letters[rng_below(secret, 32)];
    }
    out[n] = '\0';
}
