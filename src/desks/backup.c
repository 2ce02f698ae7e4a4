#include "desks/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

enum { TABLES_MAX = 256, COLUMNS_MAX = 512, BATCH = 2000, PIECE_MAX = 64 << 20, PATH_BYTES = 4096 };
static const char magic[] = "TOCSIN BACKUP 1\n";

static int memory(struct error *err) {
    return error_set(err, E_MEMORY, NULL, "out of memory");
}

/* ---- writing: every piece is a length and its bytes */

struct out {
    gzFile gz;
    const char *path;
    struct digest digest;
    struct backup_report report;
};

static int put_raw(struct out *o, struct text t, struct error *err) {
    for (size_t done = 0; done < t.n;) {
        unsigned n = t.n - done > 1 << 20 ? 1 << 20 : (unsigned)(t.n - done);
        if (gzwrite(o->gz, t.s + done, n) != (int)n) return error_set(err, errno == ENOSPC ? E_FULL : E_IO, o->path, "cannot be written: %s / 无法写入", strerror(errno));
        done += n;
    }
    o->report.bytes += (int64_t)t.n;
    return 0;
}

static int put(struct out *o, struct text t, struct error *err) {
    struct buf head = {0};
    buf_varint(&head, t.n);
    digest_add(&o->digest, buf_view(&head));
    digest_add(&o->digest, t);
    int rc = head.failed ? memory(err) : put_raw(o, buf_view(&head), err);
    if (!rc) rc = put_raw(o, t, err);
    buf_clear(&head);
    return rc;
}

static int put_table(struct out *o, struct db *db, const struct db_table *t, struct error *err) {
    struct buf sql = {0}, cells = {0};
    struct db_cursor *c = NULL;
    const struct value *row;
    int rc = put(o, text_of("table"), err);
    if (!rc) rc = put(o, text_of(t->name), err);
    buf_str(&sql, "SELECT ");
    for (size_t i = 0; i < t->n_columns; i++) {
        buf_printf(&sql, "%s\"%s\"", i ? "," : "", t->columns[i].name);
        buf_printf(&cells, "%s%s", i ? "," : "", t->columns[i].name);
    }
    buf_printf(&sql, " FROM \"%s\"", t->name);
    if (!rc) rc = sql.failed || cells.failed ? memory(err) : put(o, buf_view(&cells), err);
    if (!rc) rc = db_query(db, buf_cstr(&sql), NULL, 0, &c, err);
    while (!rc && (rc = db_next(c, &row, err)) > 0) {
        buf_reset(&cells);
        for (size_t i = 0; i < t->n_columns; i++)
            if (value_given(row[i])) journal_cells(&cells, i, row[i]);
        journal_cells_end(&cells);
        rc = cells.failed ? memory(err) : put(o, buf_view(&cells), err);
        o->report.rows++;
    }
    db_cursor_close(c);
    o->report.tables++;
    if (!rc) rc = put(o, (struct text){"", 0}, err); /* a row is never empty: this ends the table */
    buf_clear(&sql);
    buf_clear(&cells);
    return rc;
}

static int sync_and_rename(const char *from, const char *to, struct error *err) {
    int fd = open(from, O_RDONLY);
    int bad = fd < 0 || fsync(fd) != 0;
    if (fd >= 0) close(fd);
    if (bad || rename(from, to) != 0) return error_set(err, error_from_errno(), to, "cannot be written: %s / 无法写入", strerror(errno));
    return 0;
}

int backup_write(struct ledger *l, const char *path, struct backup_report *ret, struct error *err) {
    const struct db_table *tables[TABLES_MAX];
    char part[PATH_BYTES];
    unsigned char digest[DIGEST_BYTES];
    struct out o = {.path = path};
    struct db *db = NULL;
    size_t n = ledger_tables(l, tables, TABLES_MAX);
    snprintf(part, sizeof part, "%s.part", path);
    int rc = ledger_reader(l, &db, err);
    if (rc < 0) return rc;
    o.gz = gzopen(part, "wb1");
    if (!o.gz) {
        rc = error_set(err, error_from_errno(), path, "cannot be written: %s / 无法写入", strerror(errno));
        goto out;
    }
    rc = put_raw(&o, TEXT(magic), err);
    if (!rc) rc = db_snapshot(db, err);
    for (size_t i = 0; !rc && i < n; i++) rc = put_table(&o, db, tables[i], err);
    db_snapshot_end(db);
    if (!rc) rc = put(&o, text_of("end"), err);
    digest_end(&o.digest, digest);
    if (!rc) rc = put_raw(&o, (struct text){(const char *)digest, sizeof digest}, err);
out:
    if (o.gz && gzclose(o.gz) != Z_OK && !rc) rc = error_set(err, E_FULL, path, "cannot be written / 无法写入");
    if (!rc) rc = sync_and_rename(part, path, err);
    if (rc < 0) unlink(part);
    db_close(db);
    if (!rc) *ret = o.report;
    return rc;
}

/* ---- reading */

struct in {
    gzFile gz;
    const char *path;
    struct digest digest;
    struct buf piece;
    struct backup_report report;
    bool old; /* from before the lookup */
};

static int damaged(const struct in *in, struct error *err) {
    return error_set(err, E_CORRUPT, in->path, "the backup is cut or damaged / 备份文件残缺或损坏");
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
        if (buf_add(&in->piece, chunk, want) < 0) return memory(err);
        left -= want;
    }
    digest_add(&in->digest, (struct text){head, used});
    digest_add(&in->digest, buf_view(&in->piece));
    *ret = buf_view(&in->piece);
    return 0;
}

/* Which column of the table each column of the backup is. */
static int map_columns(const struct in *in, const struct db_table *t, struct text names, uint16_t *map, size_t *ret_n, struct error *err) {
    size_t n = 0;
    while (names.n) {
        const char *comma = memchr(names.s, ',', names.n);
        struct text name = {names.s, comma ? (size_t)(comma - names.s) : names.n};
        names = comma ? (struct text){comma + 1, names.n - name.n - 1} : (struct text){"", 0};
        size_t k = 0;
        while (k < t->n_columns && !text_is(name, t->columns[k].name)) k++;
        if (k == t->n_columns || n == COLUMNS_MAX)
            return error_set(err, E_CONFLICT, in->path, "table %s has column %.*s, which the registers here do not declare", t->name, (int)(name.n < 60 ? name.n : 60), name.s);
        map[n++] = (uint16_t)k;
    }
    *ret_n = n;
    return 0;
}

static int restore_table(struct in *in, struct ledger *l, const struct db_table *t, struct error *err) {
    uint16_t map[COLUMNS_MAX];
    struct arena a = {0};
    struct text piece;
    size_t width = 0, n = 0;
    int rc = get(in, &piece, err);
    if (!rc) rc = map_columns(in, t, piece, map, &width, err);
    struct value *rows = rc ? NULL : mem_realloc(NULL, BATCH * (width + 1) * sizeof *rows);
    if (!rc && !rows) rc = memory(err);
    while (!rc) {
        rc = get(in, &piece, err);
        if (rc < 0) break;
        bool end = piece.n == 0;
        if (!end) {
            struct value *row = rows + n * width, v;
            size_t pos = 0, column = 0;
            for (size_t i = 0; i < width; i++) row[i] = value_null();
            while ((rc = journal_cells_next(piece, &pos, &column, &v, err)) > 0)
                if (column >= width || !value_copy(&a, v, &row[column])) return mem_free(rows), arena_clear(&a), damaged(in, err);
            n++;
            in->report.rows++;
        }
        if (!rc && n && (end || n == BATCH)) {
            rc = db_batch(l->db, DB_UPSERT, t, map, width, rows, n, NULL, err);
            n = 0;
            arena_reset(&a);
        }
        if (end) break;
    }
    mem_free(rows);
    arena_clear(&a);
    in->report.tables++;
    return rc;
}

/* A table that is no more: the blind hashes of stores from before the lookup, which is then made anew. */
static int skip_table(struct in *in, struct error *err) {
    struct text piece;
    int rc = get(in, &piece, err);
    while (!rc && piece.n) rc = get(in, &piece, err);
    in->old = true;
    return rc;
}

static int restore_all(struct in *in, struct ledger *l, struct error *err) {
    const struct db_table *tables[TABLES_MAX];
    size_t n = ledger_tables(l, tables, TABLES_MAX);
    char head[sizeof magic - 1];
    unsigned char digest[DIGEST_BYTES], stored[DIGEST_BYTES];
    struct text word;
    if (gzread(in->gz, head, sizeof head) != (int)sizeof head || memcmp(head, magic, sizeof head) != 0)
        return error_set(err, E_SYNTAX, in->path, "is no backup of Tocsin / 不是 Tocsin 的备份");
    for (;;) {
        int rc = get(in, &word, err);
        if (!rc && text_is(word, "end")) break;
        if (!rc && !text_is(word, "table")) rc = damaged(in, err);
        if (!rc) rc = get(in, &word, err);
        if (rc < 0) return rc;
        size_t t = 0;
        while (t < n && !text_is(word, tables[t]->name)) t++;
        if (t == n && text_is(word, "blind")) {
            rc = skip_table(in, err);
            if (rc < 0) return rc;
            continue;
        }
        if (t == n)
            return error_set(err, E_CONFLICT, in->path, "holds table %.*s, which the registers here do not declare", (int)(word.n < 60 ? word.n : 60), word.s);
        rc = restore_table(in, l, tables[t], err);
        if (rc < 0) return rc;
    }
    digest_end(&in->digest, digest);
    if (gzread(in->gz, stored, sizeof stored) != (int)sizeof stored || memcmp(digest, stored, sizeof stored) != 0) return damaged(in, err);
    return 0;
}

int backup_restore(const struct ledger_options *o, const char *path, const char *key_path, struct backup_report *ret, struct error *err) {
    struct in in = {.path = path};
    struct ledger *l = NULL;
    int rc = 0;
    in.gz = gzopen(path, "rb");
    if (!in.gz) return error_set(err, error_from_errno(), path, "cannot be read: %s / 无法读取", strerror(errno));
    rc = ledger_found(o, key_path, &l, err);
    if (!rc) rc = db_begin(l->db, err);
    if (rc < 0) goto out;
    db_bulk(l->db, true);
    rc = restore_all(&in, l, err);
    if (!rc && in.old) rc = ledger_reindex(l, err);
    if (!rc)
        rc = db_commit(l->db, err);
    else
        db_rollback(l->db);
    db_bulk(l->db, false);
    struct journal_verdict v = {0};
    if (!rc) rc = journal_verify(l->db, l->journal.keys.public_key, true, NULL, NULL, &v, err);
    if (!rc && v.bad_seq) rc = error_set(err, E_CORRUPT, path, "restored, but the journal does not verify: run verify / 已恢复,但流水校验不符:请运行 verify");
    if (!rc) rc = ledger_settle(l, err);
out:
    gzclose(in.gz);
    buf_clear(&in.piece);
    ledger_close(l);
    if (!rc) *ret = in.report;
    return rc;
}
