/* ledger: the vault. Seals fields (XChaCha20-Poly1305), finds them again without opening (keyed blind indexes), forgets a
 * person by destroying that person's key. The master key is a file outside the database (mode 0600). Knows base and store only.
 *
 * Keys: master (file) -> wraps one random 32-byte key per person (table `vault_key`: person, wrapped); fields of that person's records are sealed with
 * that key; sealed fields of records without a person use a key derived from the master. Blind indexes use another derived key: their
 * hashes stand in the lookup (lookup.h). Pinyin: names are indexed by tone-less pinyin through ICU (Han-Latin;
 * Latin-ASCII), cached per code point, so that homophones and traditional forms meet; see name_normal. */
#ifndef TOCSIN_LEDGER_VAULT_H
#define TOCSIN_LEDGER_VAULT_H

#include "base/digest.h"
#include "ledger/register.h"
#include "store/db.h"

struct vault;
struct vault_key { unsigned char bytes[32]; };
/* A wrapped key: sealed, then bound to its person. Keys of older stores are sealed with the person in one piece. */
enum { VAULT_SEALED_KEY = 24 + 32 + 16, VAULT_WRAPPED = VAULT_SEALED_KEY + 16, VAULT_OVERHEAD = 1 + 24 + 16 };

/* Makes a new master key file and signing key; refuses to overwrite. */
int vault_create(const char *key_path, struct error *err);
/* E_CRYPTO for a damaged file, E_DENIED when others may read it. Owned: vault_close (wipes). Safe for use by many threads,
 * except vault_rng users: give each thread its own struct rng. */
int vault_open(const char *key_path, struct vault **ret, struct error *err);
void vault_close(struct vault *v);
const struct db_table *vault_key_table(void);
/* Signing key pair of the journal, derived from the master file. */
void vault_sign_keys(const struct vault *v, unsigned char public_key[32], unsigned char secret_key[64]);

void vault_new_key(struct rng *secret, struct vault_key *ret);
void vault_wrap(const struct vault *v, struct rng *secret, int64_t person, const struct vault_key *k, unsigned char out[VAULT_WRAPPED]);
/* The same in two steps: the costly one before the person has an id, on any thread. */
void vault_wrap_seal(const struct vault *v, struct rng *secret, const struct vault_key *k, unsigned char out[VAULT_WRAPPED]);
void vault_wrap_bind(const struct vault *v, int64_t person, unsigned char out[VAULT_WRAPPED]);
int vault_unwrap(const struct vault *v, int64_t person, struct text wrapped, struct vault_key *ret, struct error *err);
/* Reads and unwraps; E_UNKNOWN after erasure. */
int vault_person_key(const struct vault *v, struct db *db, int64_t person, struct vault_key *ret, struct error *err);
void vault_common_key(const struct vault *v, struct vault_key *ret);

/* out needs clear.n + VAULT_OVERHEAD bytes; returns the length. context binds the value to its place (register, field, person). */
size_t vault_seal(const struct vault_key *k, struct rng *secret, struct text context, struct text clear, unsigned char *out);
/* Opens into the arena. E_CRYPTO when altered or in the wrong place. */
int vault_unseal(const struct vault_key *k, struct text context, struct text sealed, struct arena *a, struct text *ret, struct error *err);

/* Normal form then keyed hash; false when there is nothing to index (empty, or longer than any such value). */
bool vault_blind(const struct vault *v, enum field_blind kind, struct text clear, int64_t *ret_hash);
/* The normal form alone, without NUL; its length, 0 for nothing. Documents: upper case, full-width folded, only letters and digits, 15-digit identity
 * numbers as 18 digits. Phones: phone_normal, else the digits. Names: name_normal. */
enum { BLIND_MAX = 256 };
size_t blind_normal(enum field_blind kind, struct text clear, char out[BLIND_MAX]);
/* Pinyin without tones, lower case, no spaces ("张伟" "張偉" "Zhang Wei" -> "zhangwei"), NUL-ended; the first character by its reading as a surname (曾
 * zeng); letters that cannot be read become "u" and their number. false when it does not fit into max bytes or ICU cannot start; out is then undefined.
 * Thread-safe. The first non-ASCII name of a process costs 0.2 s and 10 MB (ICU), a new character 20 us, the rest about 10 ns a character. The readings are
 * ICU's: after an ICU upgrade that changes them name indexes must be built anew (ledger_reindex). */
bool name_normal(struct text name, char *out, size_t max);
/* Masked display: 张*, 1101**********002X, 138****1234. */
void vault_mask(const struct field *f, struct text clear, struct buf *out);

/* A keyed hash of any text, for comparing without keeping it; of another kind than every blind index. */
int64_t vault_print(const struct vault *v, struct text clear);

#endif
