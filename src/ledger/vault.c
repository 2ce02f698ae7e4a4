#include "ledger/vault.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SEAL_VERSION = 1, NONCE = 24, TAG = 16, KEY_FILE_MAX = 512, PRINT_KIND = 255 };
enum { SUB_WRAP = 1, SUB_BLIND, SUB_COMMON, SUB_SIGN, SUB_BIND };
static const char sub_context[crypto_kdf_CONTEXTBYTES + 1] = "tocsin01";

_Static_assert((int)NONCE == (int)crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, "nonce");
_Static_assert((int)TAG == (int)crypto_aead_xchacha20poly1305_ietf_ABYTES, "tag");
_Static_assert((int)VAULT_WRAPPED - (int)VAULT_SEALED_KEY == (int)crypto_shorthash_siphashx24_BYTES, "bound");
_Static_assert((int)VAULT_OVERHEAD == 1 + (int)NONCE + (int)TAG, "overhead");

struct vault {
    unsigned char wrap[32], blind[32], common[32];
    unsigned char bind[crypto_shorthash_siphashx24_KEYBYTES];
    unsigned char sign_public[32], sign_secret[64];
};

/* ---- the key file: "tocsin-key 1", "master <64 hex>", "check <32 hex>"; the check is over the first two
 * lines, so that a key typed in from paper fails early and not by making everything unreadable */

static void key_check(const char *body, size_t n, char out[33]) {
    unsigned char sum[DIGEST_BYTES];
    digest_bytes((struct text){body, n}, sum);
    hex_of(sum, 16, out);
}

static size_t key_text(const unsigned char master[32], char out[KEY_FILE_MAX]) {
    char hex[65], check[33];
    hex_of(master, 32, hex);
    int n = snprintf(out, KEY_FILE_MAX, "tocsin-key 1\nmaster %s\n", hex);
    key_check(out, (size_t)n, check);
    n += snprintf(out + n, KEY_FILE_MAX - (size_t)n, "check %s\n", check);
    sodium_memzero(hex, sizeof hex);
    return (size_t)n;
}

static bool write_all(int fd, const char *s, size_t n) {
    while (n) {
        ssize_t k = write(fd, s, n);
        if (k < 0 && errno == EINTR) continue;
        if (k < 0) return false;
        s += k;
        n -= (size_t)k;
    }
    return true;
}

static bool folder_sync(const char *path) {
    char folder[4096];
    const char *slash = strrchr(path, '/');
    size_t n = slash ? (size_t)(slash - path) : 1;
    if (slash == path) n = 1;
    if (n >= sizeof folder) return false;
    memcpy(folder, slash ? path : ".", n);
    folder[n] = '\0';
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return false;
    bool ok = fsync(fd) == 0;
    close(fd);
    return ok;
}

int vault_create(const char *key_path, struct error *err) {
    unsigned char master[32];
    char body[KEY_FILE_MAX];
    int rc = 0;
    int fd = open(key_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && errno == EEXIST)
        return error_set(err, E_CONFLICT, key_path, "a key file is there already; it is never overwritten / 密钥文件已存在,不会覆盖");
    if (fd < 0) return error_set(err, error_from_errno(), key_path, "the key file cannot be made");
    randombytes_buf(master, sizeof master);
    size_t n = key_text(master, body);
    if (fchmod(fd, 0600) < 0 || !write_all(fd, body, n) || fsync(fd) < 0 || !folder_sync(key_path))
        rc = error_set(err, error_from_errno(), key_path, "the key file cannot be written");
    if (close(fd) < 0 && !rc)
        rc = error_set(err, error_from_errno(), key_path, "the key file cannot be written");
    if (rc) unlink(key_path);
    sodium_memzero(master, sizeof master);
    sodium_memzero(body, sizeof body);
    return rc;
}

/* Reads at most max - 1 bytes, NUL-ended; -1 on failure. */
static ssize_t read_some(int fd, char *out, size_t max) {
    size_t n = 0;
    while (n < max - 1) {
        ssize_t k = read(fd, out + n, max - 1 - n);
        if (k < 0 && errno == EINTR) continue;
        if (k < 0) return -1;
        if (k == 0) break;
        n += (size_t)k;
    }
    out[n] = '\0';
    return (ssize_t)n;
}

static int key_parse(char *body, const char *path, unsigned char master[32], struct error *err) {
    char hex[65] = "", check[33] = "", expected[33], rebuilt[KEY_FILE_MAX], rest = '\0';
    int version = 0, rc = 0;
    int got =
        sscanf(body, "tocsin-key %d master %64[0-9a-f] check %32[0-9a-f] %c", &version, hex, check, &rest);
    if (got >= 1 && version != 1) {
        rc = error_set(err, E_UNSUPPORTED, path, "a key file of version %d; this program reads version 1",
                       version);
    } else if (got != 3 || !hex_parse((struct text){hex, 64}, master, 32)) {
        rc = error_set(err, E_CRYPTO, path, "no key file, or a damaged one / 不是密钥文件或已损坏");
    } else {
        int n = snprintf(rebuilt, sizeof rebuilt, "tocsin-key 1\nmaster %s\n", hex);
        key_check(rebuilt, (size_t)n, expected);
        if (strcmp(expected, check) != 0)
            rc = error_set(err, E_CRYPTO, path, "the key file is damaged: its check line does not fit / 密钥文件已损坏");
    }
    sodium_memzero(hex, sizeof hex);
    sodium_memzero(rebuilt, sizeof rebuilt);
    return rc;
}

static int key_read(const char *path, unsigned char master[32], struct error *err) {
    char body[KEY_FILE_MAX] = "";
    int rc = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        int code = errno == EACCES || errno == EPERM ? E_DENIED : error_from_errno();
        return error_set(err, code, path, "the key file cannot be opened: %s / 密钥文件无法打开", strerror(errno));
    }
    struct stat st;
    ssize_t n;
    if (fstat(fd, &st) < 0)
        rc = error_set(err, error_from_errno(), path, "the key file cannot be read / 密钥文件无法读取");
    else if (!S_ISREG(st.st_mode))
        rc = error_set(err, E_CRYPTO, path, "the key file is no regular file / 密钥不是普通文件");
    else if (st.st_mode & 077)
        rc = error_set(err, E_DENIED, path, "others may read or write the key file (mode %03o); make it 0600 / 他人可读写密钥文件,应设为 0600",
                       (unsigned)(st.st_mode & 0777));
    else if ((n = read_some(fd, body, sizeof body)) < 0)
        rc = error_set(err, error_from_errno(), path, "the key file cannot be read / 密钥文件无法读取");
    else if ((size_t)n == sizeof body - 1 || strlen(body) != (size_t)n)
        rc = error_set(err, E_CRYPTO, path, "no key file, or a damaged one / 不是密钥文件或已损坏");
    else
        rc = key_parse(body, path, master, err);
    close(fd);
    sodium_memzero(body, sizeof body);
    return rc;
}

int vault_open(const char *key_path, struct vault **ret, struct error *err) {
    unsigned char master[32], seed[32];
    int rc = key_read(key_path, master, err);
    if (rc < 0) goto out;
    struct vault *v = mem_alloc(sizeof *v);
    if (!v) {
        rc = error_set(err, E_MEMORY, NULL, "out of memory for the vault");
        goto out;
    }
    sodium_mlock(v, sizeof *v); /* keeps keys out of swap where the system allows it; works without */
    crypto_kdf_derive_from_key(v->wrap, 32, SUB_WRAP, sub_context, master);
    crypto_kdf_derive_from_key(v->blind, 32, SUB_BLIND, sub_context, master);
    crypto_kdf_derive_from_key(v->common, 32, SUB_COMMON, sub_context, master);
    crypto_kdf_derive_from_key(v->bind, sizeof v->bind, SUB_BIND, sub_context, master);
    crypto_kdf_derive_from_key(seed, 32, SUB_SIGN, sub_context, master);
    crypto_sign_seed_keypair(v->sign_public, v->sign_secret, seed);
    *ret = v;
out:
    sodium_memzero(master, sizeof master);
    sodium_memzero(seed, sizeof seed);
    return rc;
}

void vault_close(struct vault *v) {
    if (!v) return;
    sodium_munlock(v, sizeof *v); /* wipes as well */
    sodium_memzero(v, sizeof *v);
    mem_free(v);
}

void vault_sign_keys(const struct vault *v, unsigned char public_key[32], unsigned char secret_key[64]) {
    memcpy(public_key, v->sign_public, 32);
    memcpy(secret_key, v->sign_secret, 64);
}

/* ---- tables */

const struct db_table *vault_key_table(void) {
    static const struct db_column columns[] = {{"person", COLUMN_INT, true}, {"wrapped", COLUMN_BLOB, true}};
    static const struct db_table table = {
        .name = "vault_key", .key = "person", .n_columns = 2, .columns = columns};
    return &table;
}

/* ---- keys of persons */

void vault_new_key(struct rng *secret, struct vault_key *ret) {
    rng_bytes(secret, ret->bytes, sizeof ret->bytes);
}

/* The person is bound in, so that one person's wrapped key cannot be put in another's row: a keyed hash (SipHash-2-4, 128 bits, Aumasson and
 * Bernstein 2012) over person and sealed key. Before it was part of the sealing, which could then not be done before the id was known. */
static const unsigned char sealed_apart[] = "key of a person to be bound";

static void person_bytes(int64_t person, unsigned char out[8]) {
    for (int i = 0; i < 8; i++) out[i] = (unsigned char)((uint64_t)person >> (8 * i));
}

static void binding(const struct vault *v, int64_t person, const unsigned char *sealed, unsigned char out[crypto_shorthash_siphashx24_BYTES]) {
    unsigned char message[8 + VAULT_SEALED_KEY];
    person_bytes(person, message);
    memcpy(message + 8, sealed, VAULT_SEALED_KEY);
    crypto_shorthash_siphashx24(out, message, sizeof message, v->bind);
}

void vault_wrap_seal(const struct vault *v, struct rng *secret, const struct vault_key *k, unsigned char out[VAULT_WRAPPED]) {
    rng_bytes(secret, out, NONCE);
    crypto_aead_xchacha20poly1305_ietf_encrypt(out + NONCE, NULL, k->bytes, sizeof k->bytes, sealed_apart, sizeof sealed_apart, NULL, out, v->wrap);
}

void vault_wrap_bind(const struct vault *v, int64_t person, unsigned char out[VAULT_WRAPPED]) {
    binding(v, person, out, out + VAULT_SEALED_KEY);
}

void vault_wrap(const struct vault *v, struct rng *secret, int64_t person, const struct vault_key *k,
                unsigned char out[VAULT_WRAPPED]) {
    vault_wrap_seal(v, secret, k, out);
    vault_wrap_bind(v, person, out);
}

int vault_unwrap(const struct vault *v, int64_t person, struct text wrapped, struct vault_key *ret,
                 struct error *err) {
    unsigned char who[8], bound[crypto_shorthash_siphashx24_BYTES];
    person_bytes(person, who);
    const unsigned char *w = (const unsigned char *)wrapped.s, *with = wrapped.n == VAULT_WRAPPED ? sealed_apart : who;
    size_t n_with = wrapped.n == VAULT_WRAPPED ? sizeof sealed_apart : sizeof who;
    struct vault_key k;
    bool whole = wrapped.n == VAULT_SEALED_KEY;
    if (wrapped.n == VAULT_WRAPPED) {
        binding(v, person, w, bound);
        whole = sodium_memcmp(bound, w + VAULT_SEALED_KEY, sizeof bound) == 0;
    }
    if (!whole || crypto_aead_xchacha20poly1305_ietf_decrypt(k.bytes, NULL, NULL, w + NONCE, VAULT_SEALED_KEY - NONCE, with, n_with, w, v->wrap) < 0)
        return error_set(err, E_CRYPTO, NULL,
                         "the key of person %lld was altered, moved or belongs to another key file",
                         (long long)person);
    *ret = k;
    sodium_memzero(&k, sizeof k);
    return 0;
}

int vault_person_key(const struct vault *v, struct db *db, int64_t person, struct vault_key *ret,
                     struct error *err) {
    struct db_cursor *c = NULL;
    const struct value *row;
    struct value who = value_int(person);
    int rc = db_query(db, "SELECT \"wrapped\" FROM \"vault_key\" WHERE \"person\" = ?1", &who, 1, &c, err);
    if (rc < 0) return rc;
    rc = db_next(c, &row, err);
    if (rc > 0)
        rc = vault_unwrap(v, person, value_view(row[0]), ret, err);
    else if (rc == 0)
        rc = error_set(err, E_UNKNOWN, NULL, "person %lld has no key: erased, or never there",
                       (long long)person);
    db_cursor_close(c);
    return rc;
}

void vault_common_key(const struct vault *v, struct vault_key *ret) {
    memcpy(ret->bytes, v->common, sizeof ret->bytes);
}

/* ---- sealing: version | nonce | ciphertext and tag */

size_t vault_seal(const struct vault_key *k, struct rng *secret, struct text context, struct text clear,
                  unsigned char *out) {
    out[0] = SEAL_VERSION;
    rng_bytes(secret, out + 1, NONCE);
    crypto_aead_xchacha20poly1305_ietf_encrypt(out + 1 + NONCE, NULL, (const unsigned char *)clear.s, clear.n,
                                               (const unsigned char *)context.s, context.n, NULL, out + 1,
                                               k->bytes);
    return clear.n + VAULT_OVERHEAD;
}

int vault_unseal(const struct vault_key *k, struct text context, struct text sealed, struct arena *a,
                 struct text *ret, struct error *err) {
    const unsigned char *s = (const unsigned char *)sealed.s;
    if (sealed.n < VAULT_OVERHEAD || s[0] != SEAL_VERSION)
        return error_set(err, E_CRYPTO, NULL, "the sealed value is damaged or of an unknown version");
    size_t n = sealed.n - VAULT_OVERHEAD;
    unsigned char *clear = arena_alloc(a, n + 1);
    if (!clear) return error_set(err, E_MEMORY, NULL, "out of memory for a sealed value of %zu bytes", n);
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(clear, NULL, NULL, s + 1 + NONCE, n + TAG,
                                                   (const unsigned char *)context.s, context.n, s + 1,
                                                   k->bytes) < 0)
        return error_set(err, E_CRYPTO, NULL,
                         "the sealed value was altered, moved or sealed with another key");
    *ret = (struct text){(char *)clear, n};
    return 0;
}

bool vault_blind(const struct vault *v, enum field_blind kind, struct text clear, int64_t *ret_hash) {
    char normal[BLIND_MAX];
    size_t n = blind_normal(kind, clear, normal);
    if (!n) return false;
    *ret_hash = digest_key64(v->blind, kind, (struct text){normal, n});
    sodium_memzero(normal, n);
    return true;
}

int64_t vault_print(const struct vault *v, struct text clear) {
    return digest_key64(v->blind, PRINT_KIND, clear);
}
