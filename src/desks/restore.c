/* A backup read back. It may be an older program's: its tables and columns are found by name; those of stores from before the duties lay in numbers and
 * from before the lookup are taken as what they were. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "desks/backup.h"
#include "ledger/migrate.h"
#include "ledger/obligation.h"

enum { TABLES_MAX = 256, COLUMNS_MAX = 512, BATCH = 2000, PIECE_MAX = 64 << 20, PATH_BYTES = 4096, NAME_SHOWN = 40 };
enum { UNDECLARED = UINT16_MAX };

struct in {
    gzFile gz;
    const char *path;
    struct digest digest;
    struct buf piece;
    struct backup_report report;
};

static int damaged(const struct in *in, struct error *err) {
    return error_set(err, E_CORRUPT, in->path, "the backup is cut or damaged / 备份文件残缺或损坏");
}

static int shown(struct text t) {
    return (int)(t.n < NAME_SHOWN ? t.n : NAME_SHOWN);
}

static int get(struct in *in, struct text *ret, struct error *err) {
    uint64_t n = 0;
    char head[10];
    size_t used = 0;
    for (int shift = 0;; shift += 7) {
        int c = gzgetc(in->gz);
        if (c < 0 || shift > 56) return damaged(in, err);
        head[used++] = (char)c;
        n |= (uint64_t)(c & 0x7F) << shift;
        if (!(c & 0x80)) break;
    }
    if (n > PIECE_MAX) return damaged(in, err);
    buf_reset(&in->piece);
    char chunk[65536];
    for (uint64_t left = n; left;) {
        unsigned want = left > sizeof chunk ? sizeof chunk : (unsigned)left;
        if (gzread(in->gz, chunk, want) != (int)want) return damaged(in, err);
        if (buf_add(&in->piece, chunk, want) < 0) return error_memory(err);
        left -= want;
    }
    digest_add(&in->digest, (struct text){head, used});
    digest_add(&in->digest, buf_view(&in->piece));
    *ret = buf_view(&in->piece);
    return 0;
}

/* ---- one table */

struct shape {
    const char *table;
    const struct db_table *t;   /* NULL: duties in words */
    struct text names;          /* of the backup's columns, comma separated */
    size_t n, width;            /* columns of the backup; of those, declared here */
    uint16_t cell[COLUMNS_MAX]; /* per column of the backup: which cell of a row, or UNDECLARED */
    uint16_t map[COLUMNS_MAX];  /* per cell of a row: which column of the table */
};

/* Takes the first of the names off the list. */
static struct text cut_name(struct text *names) {
    const char *comma = memchr(names->s, ',', names->n);
    struct text name = {names->s, comma ? (size_t)(comma - names->s) : names->n};
    *names = comma ? (struct text){comma + 1, names->n - name.n - 1} : (struct text){"", 0};
    return name;
}

static uint16_t column_of(const struct shape *s, struct text name) {
    if (!s->t) {
        int at = obligation_word(name);
        return at < 0 ? UNDECLARED : (uint16_t)at;
    }
    for (size_t k = 0; k < s->t->n_columns; k++)
        if (text_is(name, s->t->columns[k].name)) return (uint16_t)k;
    return UNDECLARED;
}

static int shape_read(const struct in *in, struct shape *s, struct text names, struct arena *a, struct error *err) {
    s->names = arena_text(a, names);
    if (!s->names.s) return error_memory(err);
    for (struct text left = s->names; left.n;) {
        uint16_t k = column_of(s, cut_name(&left));
        if (s->n == COLUMNS_MAX) return damaged(in, err);
        s->cell[s->n++] = k == UNDECLARED ? UNDECLARED : (uint16_t)s->width;
        if (k != UNDECLARED) s->map[s->width++] = k;
    }
    return 0;
}

static int undeclared(const struct in *in, const struct shape *s, size_t column, struct error *err) {
    struct text left = s->names, name = cut_name(&left);
    while (column--) name = cut_name(&left);
    return error_set(err, E_CONFLICT, in->path,
                     "holds values of %.40s.%.*s, which is not declared here: declare the field in registers/ again, or restore with the program that wrote the backup, "
                     "then `tocsin migrate` / 含 %.40s.%.*s 的数据,此处未声明:请补声明,或用写出备份的程序恢复后再 tocsin migrate",
                     s->table, shown(name), name.s, s->table, shown(name), name.s);
}

/* One row of the backup into `width` cells. */
static int row_read(struct in *in, const struct shape *s, struct text piece, struct arena *a, struct value *row, struct error *err) {
    struct value v;
    size_t pos = 0, column = 0;
    int rc;
    for (size_t i = 0; i < s->width; i++) row[i] = value_null();
    while ((rc = journal_cells_next(piece, &pos, &column, &v, err)) > 0) {
        if (column >= s->n) return damaged(in, err);
        if (s->cell[column] == UNDECLARED) return undeclared(in, s, column, err);
        if (!value_copy(a, v, &row[s->cell[column]])) return error_memory(err);
    }
    return rc;
}

static int rows_write(struct ledger *l, const struct shape *s, struct value *rows, size_t n, struct error *err) {
    int rc = s->t ? db_batch(l->db, DB_UPSERT, s->t, s->map, s->width, rows, n, NULL, err) : obligation_take(l, s->map, s->width, rows, n, err);
    if (rc < 0) error_within(err, s->table);
    return rc;
}

static int restore_table(struct in *in, struct ledger *l, struct shape *s, struct error *err) {
    struct arena a = {0}, names = {0};
    struct text piece;
    struct value *rows = NULL;
    size_t n = 0;
    int rc = get(in, &piece, err);
    if (!rc) rc = shape_read(in, s, piece, &names, err);
    if (!rc && !(rows = mem_realloc(NULL, BATCH * (s->width + 1) * sizeof *rows))) rc = error_memory(err);
    for (bool end = false; !rc && !end;) {
        rc = get(in, &piece, err);
        end = !rc && piece.n == 0; /* a row is never empty */
        if (!rc && !end) {
            rc = row_read(in, s, piece, &a, rows + n * s->width, err);
            n++;
            in->report.rows++;
        }
        if (!rc && n && (end || n == BATCH)) {
            rc = rows_write(l, s, rows, n, err);
            n = 0;
            arena_reset(&a);
        }
    }
    mem_free(rows);
    arena_clear(&a);
    arena_clear(&names);
    in->report.tables++;
    return rc;
}

/* The blind hashes of stores from before the lookup, which is made anew. */
static int skip_table(struct in *in, struct error *err) {
    struct text piece;
    int rc = get(in, &piece, err);
    while (!rc && piece.n) rc = get(in, &piece, err);
    return rc;
}

static int restore_named(struct in *in, struct ledger *l, struct text name, struct error *err) {
    const struct db_table *tables[TABLES_MAX];
    struct shape s = {.table = "obligation"};
    size_t n = ledger_tables(l, tables, TABLES_MAX), t = 0;
    while (t < n && !text_is(name, tables[t]->name)) t++;
    if (t < n) s = (struct shape){.table = tables[t]->name, .t = tables[t]};
    if (t < n || text_is(name, s.table)) return restore_table(in, l, &s, err);
    if (text_is(name, "blind")) return skip_table(in, err);
    return error_set(err, E_CONFLICT, in->path,
                     "holds %.*s, which is not declared here: put its file into registers/ again, or restore with the program that wrote the backup, then `tocsin migrate` "
                     "/ 含登记册 %.*s,此处未声明:请将其文件放回 registers/,或用写出备份的程序恢复后再 tocsin migrate",
                     shown(name), name.s, shown(name), name.s);
}

static int restore_all(struct in *in, struct ledger *l, struct error *err) {
    char head[sizeof BACKUP_MAGIC - 1];
    unsigned char digest[DIGEST_BYTES], stored[DIGEST_BYTES];
    struct text word;
    if (gzread(in->gz, head, sizeof head) != (int)sizeof head || memcmp(head, BACKUP_MAGIC, sizeof head) != 0)
        return error_set(err, E_SYNTAX, in->path, "is no backup of Tocsin / 不是 Tocsin 的备份");
    for (;;) {
        int rc = get(in, &word, err);
        if (!rc && text_is(word, "end")) break;
        if (!rc && !text_is(word, "table")) rc = damaged(in, err);
        if (!rc) rc = get(in, &word, err);
        if (!rc) rc = restore_named(in, l, word, err);
        if (rc < 0) return rc;
    }
    int bad = Z_OK;
    digest_end(&in->digest, digest);
    if (gzread(in->gz, stored, sizeof stored) != (int)sizeof stored || memcmp(digest, stored, sizeof stored) != 0) return damaged(in, err);
    if (gzgetc(in->gz) >= 0) return damaged(in, err);
    gzerror(in->gz, &bad);
    return bad == Z_OK || bad == Z_STREAM_END ? 0 : damaged(in, err);
}

/* ---- the node */

static const char *const files[] = {"tocsin.key", "tocsin.db", "tocsin.db-wal", "tocsin.db-shm"};
enum { FILES = sizeof files / sizeof *files };

static const char *in_folder(char out[PATH_BYTES], const struct ledger_options *o, const char *name) {
    snprintf(out, PATH_BYTES, "%s/%s", o->dir ? o->dir : "./data", name);
    return out;
}

static int restore_into(struct in *in, struct ledger *l, struct error *err) {
    int rc = db_begin(l->db, err);
    if (rc < 0) return rc;
    db_bulk(l->db, true);
    rc = ledger_restore_begin(l, err);
    if (!rc) rc = restore_all(in, l, err);
    if (!rc) rc = ledger_restore_end(l, err);
    if (!rc)
        rc = db_commit(l->db, err);
    else
        db_rollback(l->db);
    db_bulk(l->db, false);
    return rc;
}

int backup_restore(const struct ledger_options *o, const char *path, const char *key_path, struct backup_report *ret, struct error *err) {
    struct in in = {.path = path};
    struct ledger *l = NULL;
    struct journal_verdict v = {0};
    bool there[FILES];
    char file[PATH_BYTES];
    in.gz = gzopen(path, "rb");
    if (!in.gz) return error_set(err, error_from_errno(), path, "cannot be read: %s / 无法读取", strerror(errno));
    for (size_t i = 0; i < FILES; i++) there[i] = access(in_folder(file, o, files[i]), F_OK) == 0;
    int rc = ledger_found(o, key_path, &l, err);
    if (!rc) rc = restore_into(&in, l, err);
    if (!rc) rc = journal_verify(l->db, l->journal.keys.public_key, true, NULL, NULL, &v, err);
    if (!rc && v.bad_seq == 1) rc = error_set(err, E_CORRUPT, key_path, "the journal of this backup is not signed by this key / 该备份的流水不是用此密钥签名的");
    /* every node has one from its first day; without it anybody's records would pass */
    if (!rc && !v.entries) rc = error_set(err, E_CORRUPT, path, "the backup holds no journal / 备份中没有流水");
    if (!rc) rc = ledger_settle(l, err);
    bool whole = rc == 0; /* an altered journal is looked at by `tocsin verify` in the restored node */
    if (whole && v.bad_seq) rc = error_set(err, E_CORRUPT, path, "restored, but the journal does not verify: run verify / 已恢复,但流水校验不符:请运行 verify");
    gzclose(in.gz);
    buf_clear(&in.piece);
    ledger_close(l);
    for (size_t i = 0; !whole && i < FILES; i++)
        if (!there[i]) unlink(in_folder(file, o, files[i]));
    if (!rc) *ret = in.report;
    return rc;
}
