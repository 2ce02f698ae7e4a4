#include "ledger/credential.h"

const struct db_table *credential_secret_table(void) {
    static const struct db_column columns[SECRET_COLUMNS] = {
        [SECRET_ACCOUNT] = {"account", COLUMN_INT, true},       [SECRET_HASH] = {"hash", COLUMN_TEXT, false},
        [SECRET_MUST_CHANGE] = {"must_change", COLUMN_INT, true}, [SECRET_SET_AT] = {"set_at", COLUMN_INT, false},
        [SECRET_TOTP] = {"totp", COLUMN_BLOB, false},           [SECRET_TOTP_ON] = {"totp_on", COLUMN_INT, true},
        [SECRET_TOTP_STEP] = {"totp_step", COLUMN_INT, true},   [SECRET_LOCKED] = {"locked", COLUMN_INT, true},
        [SECRET_FAILURES] = {"failures", COLUMN_INT, true},     [SECRET_FAILED_AT] = {"failed_at", COLUMN_INT, false},
        [SECRET_SIGNED_AT] = {"signed_at", COLUMN_INT, false},
    };
    static const struct db_table table = {.name = "account_secret", .key = "account", .n_columns = SECRET_COLUMNS, .columns = columns};
    return &table;
}

const struct db_table *credential_session_table(void) {
    static const struct db_column columns[SESSION_COLUMNS] = {
        [SESSION_HASH] = {"hash", COLUMN_TEXT, true},             [SESSION_ID] = {"id", COLUMN_INT, true},
        [SESSION_ACCOUNT] = {"account", COLUMN_INT, true},
        [SESSION_FACTOR] = {"factor", COLUMN_INT, true},          [SESSION_CREATED_AT] = {"created_at", COLUMN_INT, true},
        [SESSION_ROTATED_AT] = {"rotated_at", COLUMN_INT, true},  [SESSION_SEEN_AT] = {"seen_at", COLUMN_INT, true},
        [SESSION_EXPIRES_AT] = {"expires_at", COLUMN_INT, true},  [SESSION_ADDRESS] = {"address", COLUMN_TEXT, false},
        [SESSION_AGENT] = {"agent", COLUMN_TEXT, false},
    };
    static const struct db_index indexes[] = {{"account_session_account", "account", false, NULL}, {"account_session_expires", "expires_at", false, NULL}};
    static const struct db_table table = {.name = "account_session", .key = "hash", .clustered = true, .n_columns = SESSION_COLUMNS, .columns = columns,
                                          .n_indexes = 2, .indexes = indexes};
    return &table;
}

const struct db_table *credential_token_table(void) {
    static const struct db_column columns[TOKEN_COLUMNS] = {
        [TOKEN_HASH] = {"hash", COLUMN_TEXT, true},             [TOKEN_ID] = {"id", COLUMN_INT, true},
        [TOKEN_ACCOUNT] = {"account", COLUMN_INT, true},        [TOKEN_NAME] = {"name", COLUMN_TEXT, true},
        [TOKEN_ROLES] = {"roles", COLUMN_TEXT, true},           [TOKEN_REGION] = {"region", COLUMN_TEXT, false},
        [TOKEN_REGISTERS] = {"registers", COLUMN_TEXT, false},  [TOKEN_VERBS] = {"verbs", COLUMN_INT, true},
        [TOKEN_CREATED_AT] = {"created_at", COLUMN_INT, true},  [TOKEN_EXPIRES_AT] = {"expires_at", COLUMN_INT, true},
        [TOKEN_USED_AT] = {"used_at", COLUMN_INT, false},       [TOKEN_CREATED_BY] = {"created_by", COLUMN_TEXT, true},
    };
    static const struct db_index indexes[] = {{"account_token_account", "account", false, NULL}};
    static const struct db_table table = {.name = "account_token", .key = "hash", .clustered = true, .n_columns = TOKEN_COLUMNS, .columns = columns,
                                          .n_indexes = 1, .indexes = indexes};
    return &table;
}

const struct db_table *credential_device_table(void) {
    static const struct db_column columns[DEVICE_COLUMNS] = {
        [DEVICE_HASH] = {"hash", COLUMN_TEXT, true}, [DEVICE_ACCOUNT] = {"account", COLUMN_INT, true},
        [DEVICE_CREATED_AT] = {"created_at", COLUMN_INT, true}, [DEVICE_EXPIRES_AT] = {"expires_at", COLUMN_INT, true},
    };
    static const struct db_index indexes[] = {{"account_device_account", "account", false, NULL}};
    static const struct db_table table = {.name = "account_device", .key = "hash", .clustered = true, .n_columns = DEVICE_COLUMNS, .columns = columns,
                                          .n_indexes = 1, .indexes = indexes};
    return &table;
}

const struct db_table *credential_recovery_table(void) {
    static const struct db_column columns[RECOVERY_COLUMNS] = {[RECOVERY_ACCOUNT] = {"account", COLUMN_INT, true}, [RECOVERY_HASH] = {"hash", COLUMN_TEXT, true}};
    static const struct db_table table = {.name = "account_recovery", .key = "account, hash", .clustered = true, .n_columns = RECOVERY_COLUMNS, .columns = columns};
    return &table;
}

const struct db_table *credential_setting_table(void) {
    static const struct db_column columns[SETTING_COLUMNS] = {
        [SETTING_ACCOUNT] = {"account", COLUMN_TEXT, true}, [SETTING_NAME] = {"name", COLUMN_TEXT, true}, [SETTING_VALUE] = {"value", COLUMN_TEXT, true}};
    static const struct db_table table = {.name = "account_setting", .key = "account, name", .clustered = true, .n_columns = SETTING_COLUMNS, .columns = columns};
    return &table;
}
