/* ledger: the tables of what proves who somebody is. They are part of every store, so they are declared here; what is written into them and why is
 * desks/account's. No secret stands in them that would open anything if the store were read by a stranger: passwords are Argon2id hashes, session
 * ids, tokens, device marks and recovery codes are BLAKE2b-256 of 256 (recovery: 80) random bits, the seed of one-time codes is sealed by the vault.
 * None of it is in the journal. Knows the store only.
 *
 * account_secret    one row an account: password, second factor, lock
 * account_session   one row a session id (a rotated session has two for a minute; `id` is the same)
 * account_token     one row a machine token
 * account_device    one row a browser that signed in before: it is not slowed when others try passwords
 * account_recovery  one row a recovery code not used yet
 * account_setting   no secret: what an account wants to find again, such as the views of a list; a JSON text a name */
#ifndef TOCSIN_LEDGER_CREDENTIAL_H
#define TOCSIN_LEDGER_CREDENTIAL_H

#include "store/db.h"

enum secret_column {
    SECRET_ACCOUNT, SECRET_HASH, SECRET_MUST_CHANGE, SECRET_SET_AT, SECRET_TOTP, SECRET_TOTP_ON, SECRET_TOTP_STEP, SECRET_LOCKED, SECRET_FAILURES,
    SECRET_FAILED_AT, SECRET_SIGNED_AT, SECRET_COLUMNS
};
enum session_column {
    SESSION_HASH, SESSION_ID, SESSION_ACCOUNT, SESSION_FACTOR, SESSION_CREATED_AT, SESSION_ROTATED_AT, SESSION_SEEN_AT, SESSION_EXPIRES_AT,
    SESSION_ADDRESS, SESSION_AGENT, SESSION_COLUMNS
};
enum token_column {
    TOKEN_HASH, TOKEN_ID, TOKEN_ACCOUNT, TOKEN_NAME, TOKEN_ROLES, TOKEN_REGION, TOKEN_REGISTERS, TOKEN_VERBS, TOKEN_CREATED_AT, TOKEN_EXPIRES_AT,
    TOKEN_USED_AT, TOKEN_CREATED_BY, TOKEN_COLUMNS
};
enum device_column { DEVICE_HASH, DEVICE_ACCOUNT, DEVICE_CREATED_AT, DEVICE_EXPIRES_AT, DEVICE_COLUMNS };
enum setting_column { SETTING_ACCOUNT, SETTING_NAME, SETTING_VALUE, SETTING_COLUMNS };
enum recovery_column { RECOVERY_ACCOUNT, RECOVERY_HASH, RECOVERY_COLUMNS };

const struct db_table *credential_secret_table(void);
const struct db_table *credential_session_table(void);
const struct db_table *credential_token_table(void);
const struct db_table *credential_device_table(void);
const struct db_table *credential_recovery_table(void);
const struct db_table *credential_setting_table(void);

#endif
