#include "desks/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

/* Every piece is a length and its bytes. */
enum { TABLES_MAX = 256, PATH_BYTES = 4096 };

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
    int rc = head.failed ? error_memory(err) : put_raw(o, buf_view(&head), err);
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
    if (!rc) rc = sql.failed || cells.failed ? error_memory(err) : put(o, buf_view(&cells), err);
    if (!rc) rc = db_query(db, buf_cstr(&sql), NULL, 0, &c, err);
    while (!rc && (rc = db_next(c, &row, err)) > 0) {
        buf_reset(&cells);
        for (size_t i = 0; i < t->n_columns; i++)
            if (value_given(row[i])) journal_cells(&cells, i, row[i]);
        journal_cells_end(&cells);
        rc = cells.failed ? error_memory(err) : put(o, buf_view(&cells), err);
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

static int write_tables(struct db *db, const struct db_table *const *tables, size_t n, const char *path, struct backup_report *ret, struct error *err) {
    char part[PATH_BYTES];
    unsigned char digest[DIGEST_BYTES];
    struct out o = {.path = path};
    int rc = 0;
    snprintf(part, sizeof part, "%s.part", path);
    o.gz = gzopen(part, "wb1");
    if (!o.gz) {
        rc = error_set(err, error_from_errno(), path, "cannot be written: %s / 无法写入", strerror(errno));
        goto out;
    }
    rc = put_raw(&o, TEXT(BACKUP_MAGIC), err);
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
    if (!rc) *ret = o.report;
    return rc;
}

int backup_write(struct ledger *l, const char *path, struct backup_report *ret, struct error *err) {
    const struct db_table *tables[TABLES_MAX];
    struct db *db = NULL;
    size_t n = ledger_tables(l, tables, TABLES_MAX);
    int rc = ledger_reader(l, &db, err);
    if (!rc) rc = write_tables(db, tables, n, path, ret, err);
    db_close(db);
    return rc;
}

int backup_write_unmigrated(struct ledger *l, const char *path, struct backup_report *ret, struct error *err) {
    const struct db_table *tables[TABLES_MAX];
    struct db_table *found = NULL;
    struct arena a = {0};
    struct db *db = NULL;
    size_t n = 0;
    int rc = ledger_reader(l, &db, err);
    if (!rc) rc = db_tables(db, &a, &found, &n, err);
    if (!rc && n > TABLES_MAX) rc = error_set(err, E_TOO_LARGE, path, "the store has more than %d tables / 数据库表超过 %d 个", TABLES_MAX, TABLES_MAX);
    for (size_t i = 0; !rc && i < n; i++) tables[i] = &found[i];
    if (!rc) rc = write_tables(db, tables, n, path, ret, err);
    db_close(db);
    arena_clear(&a);
    return rc;
}
