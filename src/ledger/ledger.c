#include "ledger/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ledger/credential.h"
#include "ledger/effect.h"
#include "ledger/gate.h"
#include "ledger/journal_block.h"
#include "ledger/lookup.h"
#include "ledger/migrate.h"
#include "ledger/number.h"
#include "ledger/region_shape.h"
#include "ledger/obligation.h"
#include "ledger/repeat.h"
#include "ledger/tally.h"
#include "ledger/table.h"

enum { TABLES_MAX = 256, PATH_MAX_BYTES = 4096 };

static const struct db_table *node_table(void) {
    static const struct db_column columns[] = {{"name", COLUMN_TEXT, true}, {"value", COLUMN_TEXT, false}};
    static const struct db_table table = {.name = "node", .key = "name", .clustered = true, .n_columns = 2, .columns = columns};
    return &table;
}

/* Every table of the store. */
static size_t tables_all(const struct ledger *l, const struct db_table **out) {
    size_t n = 0;
    out[n++] = node_table();
    out[n++] = field_code_table();
    out[n++] = counter_table();
    out[n++] = journal_table();
    out[n++] = journal_tip_table();
    out[n++] = vault_key_table();
    lookup_tables(out + n);
    n += LOOKUP_TABLES;
    out[n++] = duty_table();
    out[n++] = duty_kind_table();
    out[n++] = duty_wake_table();
    out[n++] = duty_term_table();
    out[n++] = duty_count_table();
    out[n++] = repeat_table();
    out[n++] = region_shape_table();
    out[n++] = credential_secret_table();
    out[n++] = credential_session_table();
    out[n++] = credential_token_table();
    out[n++] = credential_device_table();
    out[n++] = credential_recovery_table();
    out[n++] = credential_setting_table();
    for (size_t i = 0; i < l->catalog->n_registers && n < TABLES_MAX - 2; i++) {
        out[n++] = &l->tables[i]->table;
        if (l->tables[i]->tally) out[n++] = &l->tables[i]->tally->table;
        if (l->tables[i]->count_table) out[n++] = l->tables[i]->count_table;
    }
    return n;
}

/* The declared shape as one hash: opening compares this instead of walking the store's schema. */
int ledger_schema_digest(const struct ledger *l, char out[2 * DIGEST_BYTES + 1], struct error *err) {
    const struct db_table *all[TABLES_MAX];
    size_t n = tables_all(l, all);
    struct buf b = {0};
    buf_str(&b, "lookup " LOOKUP_EDITION "\n");
    for (size_t i = 0; i < n; i++) {
        buf_printf(&b, "%s(%s)\n", all[i]->name, all[i]->key);
        for (size_t k = 0; k < all[i]->n_columns; k++)
            buf_printf(&b, " %s %d %d\n", all[i]->columns[k].name, (int)all[i]->columns[k].type, all[i]->columns[k].required);
        for (size_t k = 0; k < all[i]->n_indexes; k++)
            buf_printf(&b, " +%s %s %d\n", all[i]->indexes[k].name, all[i]->indexes[k].columns, all[i]->indexes[k].unique);
    }
    tally_edition(l, &b, NULL);
    const struct db_view *views = obligation_views(&n);
    for (size_t i = 0; i < n; i++) buf_printf(&b, "%s=%s\n", views[i].name, views[i].select);
    unsigned char digest[DIGEST_BYTES];
    digest_bytes(buf_view(&b), digest);
    hex_of(digest, sizeof digest, out);
    int rc = b.failed;
    buf_clear(&b);
    return rc ? error_set(err, rc, NULL, "out of memory") : 0;
}

/* ---- finding things */

static bool is_folder(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

char *ledger_home(struct arena *a, const char *given) {
    const char *env = getenv("TOCSIN_HOME");
    if (given || env) return arena_str(a, given ? given : env);
    char exe[PATH_MAX_BYTES];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    if (n > 0) {
        exe[n] = '\0';
        /* build/tocsin, build/tests/test_x, or prefix/bin/tocsin with prefix/share/tocsin */
        for (int up = 0; up < 4; up++) {
            char *slash = strrchr(exe, '/');
            if (!slash) break;
            *slash = '\0';
            char *share = arena_printf(a, "%s/share/tocsin", exe);
            char *inside = arena_printf(a, "%s/registers", exe);
            if (share && is_folder(share)) return share;
            if (inside && is_folder(inside)) return arena_str(a, exe);
        }
    }
    return arena_str(a, ".");
}

static int add_mover(struct ledger *l, struct reg_table *t, const struct register_decl *by, size_t effect, struct error *err) {
    if (!arena_room(&l->arena, &t->movers, &t->cap_movers, t->n_movers + 1, sizeof *t->movers)) return error_memory(err);
    t->movers[t->n_movers++] = (struct mover){by, effect};
    return 0;
}

static int catalog_open(struct ledger *l, struct error *err) {
    char *registers = arena_printf(&l->arena, "%s/registers", l->home), *codes = arena_printf(&l->arena, "%s/codes", l->home);
    if (!registers || !codes) return error_memory(err);
    int rc = catalog_load(registers, codes, &l->catalog, err);
    if (rc < 0) return rc;
    l->tables = arena_alloc(&l->arena, (l->catalog->n_registers + 1) * sizeof *l->tables);
    if (!l->tables) return error_memory(err);
    if (l->catalog->n_registers > TABLES_MAX - 24) return error_set(err, E_TOO_LARGE, NULL, "more than %d registers", TABLES_MAX - 24);
    for (size_t i = 0; !rc && i < l->catalog->n_registers; i++) rc = table_derive(&l->arena, &l->catalog->registers[i], l->zone_s, &l->tables[i], err);
    for (size_t i = 0; !rc && i < l->catalog->n_registers; i++) rc = table_targets(&l->arena, l->catalog, l->tables[i], l->zone_s, err);
    for (size_t i = 0; !rc && i < l->catalog->n_registers; i++) {
        const struct register_decl *reg = &l->catalog->registers[i];
        for (size_t k = 0; !rc && reg->person_field >= 0 && k < reg->n_effects; k++) {
            const struct register_decl *target = l->tables[i]->effects[k].target;
            if (target->person_field >= 0) rc = add_mover(l, l->tables[target->order], reg, k, err);
        }
    }
    return rc;
}

static struct ledger *ledger_new(const struct ledger_options *o, struct error *err) {
    struct ledger *l = mem_alloc(sizeof *l);
    if (!l) {
        error_memory(err);
        return NULL;
    }
    l->dir = arena_str(&l->arena, o->dir ? o->dir : "./data");
    l->home = ledger_home(&l->arena, o->home);
    l->zone_s = o->zone_s ? o->zone_s : ZONE_CHINA_S;
    if (!l->dir || !l->home || digest_init(err) < 0 || book_open(l, err) < 0 || number_open(&l->numbers, err) < 0 || lookup_open(&l->lookup, err) < 0) {
        error_memory(err);
        ledger_close(l);
        return NULL;
    }
    rng_seed_secret(&l->secret);
    return l;
}

void ledger_close(struct ledger *l) {
    if (!l) return;
    if (l->in_transaction) ledger_rollback(l);
    book_close(l);
    number_close(l->numbers);
    lookup_close(l->lookup);
    adoptions_free(l);
    db_close(l->db);
    vault_close(l->vault);
    catalog_free(l->catalog);
    journal_clear(&l->journal);
    memset(&l->secret, 0, sizeof l->secret);
    arena_clear(&l->arena);
    mem_free(l);
}

/* ---- configuration of the data directory: DIR/tocsin.yaml */

static int config_write(const struct ledger *l, struct error *err) {
    char path[PATH_MAX_BYTES], part[PATH_MAX_BYTES];
    snprintf(path, sizeof path, "%s/tocsin.yaml", l->dir);
    snprintf(part, sizeof part, "%s/tocsin.yaml.part", l->dir);
    int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC, 0600), rc = 0;
    FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
    if (!f && fd >= 0) close(fd);
    if (!f) return error_set(err, error_from_errno(), path, "cannot be written: %s / 无法写入", strerror(errno));
    fprintf(f, "# Tocsin node. The key beside this file opens every sealed field: keep a copy elsewhere.\nversion: 1\nstore: \"%s\"\nzone_s: %d\n",
            l->url, (int)l->zone_s);
    if (fflush(f) != 0 || fsync(fileno(f)) != 0) rc = error_set(err, error_from_errno(), path, "cannot be written / 无法写入");
    if (fclose(f) != 0 && !rc) rc = error_set(err, error_from_errno(), path, "cannot be written / 无法写入");
    if (!rc && rename(part, path) != 0) rc = error_set(err, error_from_errno(), path, "cannot be written: %s / 无法写入", strerror(errno));
    if (rc < 0) unlink(part);
    return rc;
}

static int config_read(struct ledger *l, struct error *err) {
    char path[PATH_MAX_BYTES];
    snprintf(path, sizeof path, "%s/tocsin.yaml", l->dir);
    if (access(path, R_OK) != 0)
        return error_set(err, E_UNKNOWN, path, "no data directory there; `tocsin init --data %s` makes one / 没有数据目录,请先 tocsin init", l->dir);
    struct yaml *root = NULL;
    struct text url = {0};
    int64_t zone_s = l->zone_s;
    int rc = yaml_read(&l->arena, path, &root, err);
    if (!rc) rc = yaml_text(root, "store", true, &url, err);
    if (!rc) rc = yaml_int(root, "zone_s", false, &zone_s, err);
    if (rc < 0) return rc;
    l->url = arena_str(&l->arena, url.s);
    l->zone_s = (int32_t)zone_s;
    return l->url ? 0 : error_memory(err);
}

static int keys_open(struct ledger *l, struct error *err) {
    char *path = arena_printf(&l->arena, "%s/tocsin.key", l->dir);
    if (!path) return error_memory(err);
    int rc = vault_open(path, &l->vault, err);
    if (!rc) vault_sign_keys(l->vault, l->journal.keys.public_key, l->journal.keys.secret_key);
    return rc;
}

void ledger_node(const struct ledger *l, char out[LEDGER_NODE_BYTES]) {
    unsigned char digest[DIGEST_BYTES];
    digest_bytes((struct text){(const char *)l->journal.keys.public_key, sizeof l->journal.keys.public_key}, digest);
    hex_of(digest, (LEDGER_NODE_BYTES - 1) / 2, out);
}

/* ---- settings */

int ledger_setting(struct ledger *l, struct db *db, const char *name, struct arena *a, struct text *ret, struct error *err) {
    struct value param = value_str(name), v = value_null();
    int rc = db_scalar(db ? db : l->db, a, "SELECT \"value\" FROM \"node\" WHERE \"name\" = ?1", &param, 1, &v, err);
    if (!rc) *ret = value_view(v);
    return rc;
}

int ledger_set(struct ledger *l, const char *name, struct text value, struct error *err) {
    static const uint16_t all[] = {0, 1};
    struct value cells[] = {value_str(name), value_text(value)};
    return db_batch(l->db, DB_UPSERT, node_table(), all, 2, cells, 1, NULL, err);
}

static int set_int(struct ledger *l, const char *name, int64_t v, struct error *err) {
    char digits[24];
    snprintf(digits, sizeof digits, "%lld", (long long)v);
    return ledger_set(l, name, text_of(digits), err);
}

static int get_int(struct ledger *l, const char *name, int64_t other, int64_t *ret, struct error *err) {
    struct arena a = {0};
    struct text t = {0};
    int rc = ledger_setting(l, l->db, name, &a, &t, err);
    if (!rc && (!t.n || !text_int(t, ret))) *ret = other;
    arena_clear(&a);
    return rc;
}

/* ---- transactions */

/* Another process adopted a policy or changed an organisation; known only when it was read to the end. */
static int refresh_to(struct ledger *l, int64_t stamp, struct error *err) {
    if (stamp == l->shared_stamp) return 0;
    owner_forget(l);
    int rc = adoptions_load(l, err);
    if (!rc) l->shared_stamp = stamp;
    return rc;
}

int ledger_refresh(struct ledger *l, struct error *err) {
    int64_t stamp = 0;
    int rc = get_int(l, "shared", 0, &stamp, err);
    return rc < 0 ? rc : refresh_to(l, stamp, err);
}

static void gate_enter(struct ledger *l) {
    if (l->gate && !l->inside) ledger_gate_enter(l->gate);
    l->inside = l->gate != NULL;
}

static void gate_leave(struct ledger *l) {
    if (l->inside) ledger_gate_leave(l->gate);
    l->inside = false;
}

/* The store was restarted: commits that were not on disk yet (queue.h) may be gone. What this process remembers of them is forgotten, and the stamps by
 * which others know what they remember move past every number that was ever given out. */
enum { STAMP_JUMP = 1 << 20 };

static int recollect(struct ledger *l, struct error *err) {
    int64_t accounts = 0, shared = 0;
    book_forget(l);
    owner_forget(l);
    int rc = get_int(l, "accounts", 0, &accounts, err);
    if (!rc) rc = get_int(l, "shared", 0, &shared, err);
    if (!rc) rc = set_int(l, "accounts", accounts + STAMP_JUMP, err);
    if (!rc) rc = set_int(l, "shared", shared + STAMP_JUMP, err);
    return rc;
}

/* What every transaction must know is asked together, then heard: where ids go on, what is shared with other processes, where the journal ends. */
static int begin_reading(struct ledger *l, struct error *err) {
    struct db_cursor *c = NULL;
    const struct value *row;
    int64_t next = 1, shared = 0;
    int rc = db_query(l->db, "SELECT \"name\",\"value\" FROM \"node\" WHERE \"name\" = 'next_id' OR \"name\" = 'shared'", NULL, 0, &c, err);
    if (!rc) rc = journal_begin(&l->journal, l->db, err);
    while (!rc && (rc = db_next(c, &row, err)) > 0) {
        text_int(value_view(row[1]), text_is(value_view(row[0]), "shared") ? &shared : &next);
        rc = 0;
    }
    db_cursor_close(c);
    if (rc < 0) return rc;
    l->next_id = l->next_id_stored = next;
    return refresh_to(l, shared, err);
}

int ledger_begin(struct ledger *l, struct error *err) {
    gate_enter(l);
    int rc = db_begin(l->db, err);
    if (rc < 0) {
        if (!l->in_transaction) gate_leave(l);
        return rc;
    }
    l->in_transaction = true;
    if (db_renewed(l->db)) l->doubtful = true;
    l->organisations_changed = l->adoptions_changed = l->accounts_changed = false;
    lookup_reset(l->lookup);
    rc = l->doubtful ? recollect(l, err) : 0;
    if (!rc) rc = begin_reading(l, err);
    if (rc < 0) ledger_rollback(l);
    return rc;
}

void ledger_rollback(struct ledger *l) {
    journal_abandon(&l->journal);
    db_rollback(l->db);
    book_rolled_back(l);
    number_reset(l->numbers);
    lookup_reset(l->lookup);
    l->in_transaction = false;
    gate_leave(l);
    if (l->adoptions_changed || l->organisations_changed) {
        /* what this transaction saw never was; when the store cannot be asked now, the next transaction asks */
        owner_forget(l);
        if (adoptions_load(l, NULL) < 0) l->shared_stamp = -1;
    }
    l->adoptions_changed = l->organisations_changed = l->accounts_changed = false;
}

/* Setting `accounts` counts changes of rights: desks/account compares it with what its cache was read under. */
static int move_accounts(struct ledger *l, struct error *err) {
    int64_t stamp = 0;
    int rc = get_int(l, "accounts", 0, &stamp, err);
    return rc < 0 ? rc : set_int(l, "accounts", stamp + 1, err);
}

int ledger_commit(struct ledger *l, instant now, struct error *err) {
    bool shared = l->adoptions_changed || l->organisations_changed;
    int rc = book_flush(l, now, err);
    if (!rc) rc = number_flush(l->numbers, l->db, err);
    if (!rc) rc = lookup_settle(l->lookup, l->db, err);
    if (!rc && l->next_id != l->next_id_stored) rc = set_int(l, "next_id", l->next_id, err);
    if (!rc && shared) rc = set_int(l, "shared", l->shared_stamp + 1, err);
    if (!rc && l->accounts_changed) rc = move_accounts(l, err);
    if (!rc) rc = journal_flush(&l->journal, l->db, now, err);
    if (!rc) rc = db_commit(l->db, err);
    if (rc < 0) {
        ledger_rollback(l);
        return rc;
    }
    l->doubtful = false;
    if (shared) l->shared_stamp++; /* only now: a number that was never stored may be given to another process */
    book_committed(l);
    number_reset(l->numbers);
    lookup_committed(l->lookup);
    l->in_transaction = false;
    gate_leave(l);
    return 0;
}

int ledger_end(struct ledger *l, int rc, instant now, struct error *err) {
    if (rc >= 0) return ledger_commit(l, now, err);
    ledger_rollback(l);
    return rc;
}

int ledger_opened(struct ledger *l, const struct session *s, const struct register_decl *reg, int64_t id, struct error *err) {
    bool own = !l->in_transaction;
    int rc = own ? ledger_begin(l, err) : 0;
    if (rc < 0) return rc;
    struct journal_entry e = {.at = s->now, .verb = JOURNAL_OPEN, .actor = s->account, .reason = s->reason, .purpose = s->purpose, .reg = reg->name, .record = id};
    rc = journal_append(&l->journal, &e, NULL, err);
    return own ? ledger_end(l, rc, s->now, err) : rc;
}


/* ---- making, opening, migrating */

/* A store with a journal is a node's, even when that node's folder is elsewhere: our own when our key signed it, as after an `init` that was cut, or
 * when the configuration was lost. */
static int store_whose(struct ledger *l, bool *ret_ours, struct error *err) {
    enum db_relation is = DB_NOTHING;
    struct journal_tip tip;
    unsigned char message[BLOCK_MESSAGE];
    int rc = db_relation_of(l->db, "journal_tip", &is, err);
    int found = rc < 0 || is != DB_TABLE ? rc : tip_read(l->db, &tip, err);
    *ret_ours = false;
    if (found <= 0) return found;
    tip_message(tip.next, tip.head, message);
    *ret_ours = message_signed(message, tip.signature, l->journal.keys.public_key);
    return *ret_ours ? 0 : error_set(err, E_CONFLICT, "store", "belongs to another node already / 该库已属于另一节点");
}

/* Directory, keys, connection and tables of a node that is not there yet. *ret_ours: the store is, and is ours; it stays as it is. */
static int found(struct ledger *l, const struct ledger_options *o, const char *key_path, bool *ret_ours, struct error *err) {
    char path[PATH_MAX_BYTES];
    struct buf plan = {0}, key = {0};
    snprintf(path, sizeof path, "%s/tocsin.yaml", l->dir);
    if (access(path, F_OK) == 0) return error_set(err, E_CONFLICT, path, "a data directory is there already / 数据目录已存在");
    int rc = catalog_open(l, err); /* before anything is made */
    if (rc < 0) return rc;
    if (mkdir(l->dir, 0700) != 0 && errno != EEXIST) return error_set(err, error_from_errno(), l->dir, "cannot be made: %s", strerror(errno));
    l->url = arena_str(&l->arena, o->store && *o->store && strcmp(o->store, "sqlite") != 0 ? o->store : "tocsin.db");
    char *own = arena_printf(&l->arena, "%s/tocsin.key", l->dir);
    if (!l->url || !own) return error_memory(err);
    if (key_path) {
        rc = file_read(key_path, 65536, &key, err);
        FILE *f = rc ? NULL : fopen(own, "wx");
        if (!rc && (!f || fchmod(fileno(f), 0600) != 0 || fwrite(key.s, 1, key.n, f) != key.n))
            rc = error_set(err, error_from_errno(), own, "cannot be written: %s / 无法写入", strerror(errno));
        if (f && (fflush(f) != 0 || fsync(fileno(f)) != 0) && !rc) rc = error_set(err, error_from_errno(), own, "cannot be written / 无法写入");
        if (f) fclose(f);
    } else if (access(own, F_OK) != 0) {
        rc = vault_create(own, err);
    }
    if (!rc) rc = keys_open(l, err);
    if (!rc) rc = ledger_connect(l, DB_WRITE, &l->db, err);
    if (!rc) rc = store_whose(l, ret_ours, err);
    if (!rc && !*ret_ours) rc = ledger_migrate(l, true, &plan, err);
    buf_clear(&plan);
    buf_clear(&key);
    return rc;
}

int ledger_found(const struct ledger_options *o, const char *key_path, struct ledger **ret, struct error *err) {
    struct ledger *l = ledger_new(o, err);
    if (!l) return err && err->code ? err->code : E_MEMORY;
    bool ours = false;
    int rc = found(l, o, key_path, &ours, err);
    if (!rc && ours) rc = error_set(err, E_CONFLICT, "store", "holds this node's records already / 该库已有本节点的记录");
    if (rc < 0)
        ledger_close(l);
    else
        *ret = l;
    return rc;
}

int ledger_settle(struct ledger *l, struct error *err) {
    char digest[2 * DIGEST_BYTES + 1];
    int rc = ledger_schema_digest(l, digest, err);
    if (!rc) rc = db_begin(l->db, err);
    if (rc < 0) return rc;
    rc = ledger_set(l, "schema", text_of(digest), err);
    if (!rc) rc = db_commit(l->db, err);
    if (rc < 0) {
        db_rollback(l->db);
        return rc;
    }
    return config_write(l, err); /* last: a directory with this file is whole */
}

/* The first entry of the journal says whose region it is. */
static int settle_region(struct ledger *l, const char *region, struct error *err) {
    int rc = ledger_begin(l, err);
    if (rc < 0) return rc;
    rc = ledger_set(l, "region", text_of(region), err);
    struct journal_entry e = {.at = instant_now(), .verb = JOURNAL_INIT, .actor = TEXT("system"), .reason = text_of(region)};
    if (!rc) rc = journal_append(&l->journal, &e, NULL, err);
    return ledger_end(l, rc, e.at, err);
}

int ledger_init(const struct ledger_options *o, struct error *err) {
    char region[REGION_MAX + 1] = "";
    struct text known = {0};
    bool ours = false;
    if (o->region && *o->region && !region_canonical(text_of(o->region), region))
        return error_set(err, E_INVALID, "--region", "%s is no region code / 不是行政区划代码", o->region);
    struct ledger *l = ledger_new(o, err);
    if (!l) return err && err->code ? err->code : E_MEMORY;
    int rc = found(l, o, NULL, &ours, err);
    if (!rc && !ours) rc = settle_region(l, region, err);
    if (!rc && !ours) rc = ledger_settle(l, err);
    if (!rc && ours) rc = ledger_setting(l, l->db, "region", &l->arena, &known, err);
    if (!rc && ours && !text_is(known, region))
        rc = error_set(err, E_CONFLICT, "--region", "the store is of region %.*s / 该库属于地区 %.*s", (int)known.n, known.s, (int)known.n, known.s);
    if (!rc && ours) rc = config_write(l, err);
    ledger_close(l);
    return rc;
}

size_t ledger_tables(const struct ledger *l, const struct db_table **out, size_t max) {
    const struct db_table *all[TABLES_MAX];
    size_t n = tables_all(l, all);
    for (size_t i = 0; i < n && i < max; i++) out[i] = all[i];
    return n < max ? n : max;
}

/* A bare file name in the configuration is inside the data directory, so that the directory can be moved. */
int ledger_connect(struct ledger *l, int mode, struct db **ret, struct error *err) {
    if (strstr(l->url, "://") || l->url[0] == '/' || strncmp(l->url, "sqlite:", 7) == 0) return db_open(l->url, (enum db_mode)mode, ret, err);
    char path[PATH_MAX_BYTES];
    snprintf(path, sizeof path, "sqlite:%s/%s", l->dir, l->url);
    return db_open(path, (enum db_mode)mode, ret, err);
}

int ledger_reader(struct ledger *l, struct db **ret, struct error *err) {
    return ledger_connect(l, DB_READ, ret, err);
}

static int open_for(const struct ledger_options *o, enum db_mode mode, bool any_schema, struct ledger **ret, struct error *err) {
    struct ledger *l = ledger_new(o, err);
    if (!l) return err && err->code ? err->code : E_MEMORY;
    char wanted[2 * DIGEST_BYTES + 1];
    struct text stored = {0}, region = {0};
    int rc = config_read(l, err);
    if (!rc) rc = catalog_open(l, err);
    if (!rc) rc = keys_open(l, err);
    if (!rc) rc = ledger_connect(l, mode, &l->db, err);
    if (!rc) rc = ledger_setting(l, l->db, "schema", &l->arena, &stored, err);
    if (!rc) rc = ledger_setting(l, l->db, "region", &l->arena, &region, err);
    if (!rc) rc = ledger_schema_digest(l, wanted, err);
    if (!rc && !any_schema && !text_is(stored, wanted))
        rc = error_set(err, E_CONFLICT, l->dir, "the registers changed since this store was made; `tocsin migrate` shows and makes the change / 登记册已变更,请用 tocsin migrate 查看并执行");
    if (!rc && !any_schema) rc = table_codes(l->db, &l->arena, l->tables, l->catalog->n_registers, false, err);
    if (!rc && !any_schema) rc = get_int(l, "shared", 0, &l->shared_stamp, err);
    if (!rc && !any_schema) rc = adoptions_load(l, err);
    if (rc < 0) {
        ledger_close(l);
        return rc;
    }
    l->region = region;
    *ret = l;
    return 0;
}

int ledger_open(const struct ledger_options *o, struct ledger **ret, struct error *err) {
    return open_for(o, DB_WRITE, false, ret, err);
}

int ledger_open_to_migrate(const struct ledger_options *o, struct ledger **ret, struct error *err) {
    return open_for(o, DB_WRITE, true, ret, err);
}

int ledger_open_reader(const struct ledger_options *o, struct ledger **ret, struct error *err) {
    return open_for(o, DB_READ, false, ret, err);
}
