/* The lookup's front in memory: what small transactions added and removed, read once and found by chains over the low bits of the place. */
#include <endian.h>
#include <string.h>

#include "ledger/lookup_run.h"

enum { LEAST = 1024, COUNT_BYTES = 8 };

void lookup_front_clear(struct lookup_front *f) {
    f->valid = f->touched = false;
    f->first = f->next = 0;
    f->stored = f->n = f->own = f->n_gone = 0;
    if (f->cap) memset(f->chains, 0, f->cap * sizeof *f->chains);
}

void lookup_front_free(struct lookup_front *f) {
    mem_free(f->list);
    mem_free(f->follow);
    mem_free(f->chains);
    mem_free(f->gone);
    *f = (struct lookup_front){0};
}

static void chain(struct lookup_front *f, size_t at) {
    uint32_t *first = &f->chains[f->list[at].place & (f->cap - 1)];
    f->follow[at] = *first;
    *first = (uint32_t)at + 1;
}

/* What was removed makes room first. */
static int room(struct lookup_front *f, size_t more, struct error *err) {
    size_t live = 0, own = f->n, cap = f->cap ? f->cap : LEAST;
    if (f->n + more <= f->cap) return 0;
    for (size_t i = 0; i < f->n; i++) live += f->list[i].holder != 0;
    while (cap < live + live / 4 + more) cap *= 2;
    if (cap > UINT32_MAX) return error_set(err, E_TOO_LARGE, "lookup", "the front of the index is too long / 索引前段过长");
    uint32_t *chains = cap > f->cap ? mem_realloc(NULL, cap * sizeof *chains) : f->chains;
    struct lookup_entry *list = cap > f->cap ? mem_realloc(NULL, cap * sizeof *list) : f->list;
    uint32_t *follow = cap > f->cap ? mem_realloc(NULL, cap * sizeof *follow) : f->follow;
    if (!chains || !list || !follow) {
        if (cap > f->cap) mem_free(chains), mem_free(list), mem_free(follow);
        return error_memory(err);
    }
    live = 0;
    for (size_t i = 0; i < f->n; i++) {
        if (i >= f->own && own > live) own = live;
        if (f->list[i].holder) list[live++] = f->list[i];
    }
    f->own = f->own < f->n ? own : live;
    if (cap > f->cap) mem_free(f->chains), mem_free(f->list), mem_free(f->follow);
    *f = (struct lookup_front){f->valid, f->held, f->touched, f->first, f->next, f->stored, list, follow, chains, live, cap, f->own, f->gone, f->n_gone, f->cap_gone};
    memset(chains, 0, cap * sizeof *chains);
    for (size_t i = 0; i < live; i++) chain(f, i);
    return 0;
}

static void put(struct lookup_front *f, struct lookup_entry e) {
    f->list[f->n] = e;
    chain(f, f->n++);
}

/* Says whether it was there before this transaction. */
static bool take(struct lookup_front *f, struct lookup_entry e) {
    bool stored = false;
    for (uint32_t at = lookup_front_first(f, e.place); at; at = f->follow[at - 1]) {
        struct lookup_entry *one = &f->list[at - 1];
        if (one->place != e.place || one->holder != e.holder) continue;
        one->holder = 0;
        stored = stored || at - 1 < f->own;
    }
    return stored;
}

/* ---- as the store has it. A row: how many were removed, those, and those that were added after that. */

uint64_t lookup_front_from(const struct lookup_front *f) {
    return f->valid ? f->next : 0;
}

bool lookup_front_start(struct lookup_front *f, struct lookup_head head) {
    bool behind = f->valid && head.next < f->next; /* of another store: one that was restored */
    if (behind || !f->valid || f->first != head.first) lookup_front_clear(f);
    if (behind) return false;
    f->valid = true;
    f->first = head.first;
    f->next = head.next;
    return true;
}

int lookup_front_row(struct lookup_front *f, struct text cell, struct error *err) {
    uint64_t gone = UINT64_MAX;
    size_t n = cell.n < COUNT_BYTES ? 0 : (cell.n - COUNT_BYTES) / ENTRY_BYTES;
    if (cell.n >= COUNT_BYTES) memcpy(&gone, cell.s, sizeof gone);
    gone = le64toh(gone);
    if (cell.n != COUNT_BYTES + n * ENTRY_BYTES || gone > n) return error_set(err, E_CORRUPT, "lookup_front", "a row is damaged / 索引前段已损坏");
    const char *entries = cell.s + COUNT_BYTES;
    for (size_t i = 0; i < gone; i++) take(f, lookup_entry_at(entries, i));
    int rc = room(f, n - gone, err);
    for (size_t i = gone; !rc && i < n; i++) {
        struct lookup_entry e = lookup_entry_at(entries, i);
        if (e.holder) put(f, e);
    }
    f->own = f->n;
    f->stored += n;
    return rc;
}

int lookup_front_sync(struct lookup_front *f, struct db *db, struct lookup_head head, struct error *err) {
    struct db_cursor *c = NULL;
    const struct value *row;
    if (f->valid && f->first == head.first && f->next == head.next) return 0;
    struct value from = value_int((int64_t)(f->valid && head.next >= f->next ? f->next : 0));
    if (!lookup_front_start(f, head)) lookup_front_start(f, head); /* cleared: all rows are read */
    if (head.first == head.next) return 0;
    int rc = db_query(db, "SELECT \"entries\" FROM \"lookup_front\" WHERE \"id\" >= ?1 ORDER BY \"id\"", &from, 1, &c, err);
    while (!rc && (rc = db_next(c, &row, err)) > 0) rc = lookup_front_row(f, value_view(row[0]), err);
    db_cursor_close(c);
    if (rc < 0) lookup_front_clear(f);
    return rc;
}

/* ---- as a write transaction makes it */

int lookup_front_add(struct lookup_front *f, const struct lookup_entry *e, size_t n, struct error *err) {
    int rc = room(f, n, err);
    f->touched = true;
    for (size_t i = 0; !rc && i < n; i++) put(f, e[i]);
    return rc;
}

int lookup_front_drop(struct lookup_front *f, const struct lookup_entry *e, size_t n, struct error *err) {
    if (!mem_room(&f->gone, &f->cap_gone, f->n_gone + n, sizeof *f->gone)) return error_memory(err);
    f->touched = true;
    for (size_t i = 0; i < n; i++)
        if (take(f, e[i])) f->gone[f->n_gone++] = e[i];
    return 0;
}

static void put64(char *bytes, uint64_t v) {
    v = htole64(v);
    memcpy(bytes, &v, sizeof v);
}

int lookup_front_write(struct lookup_front *f, struct db *db, struct lookup_head *head, struct error *err) {
    static const uint16_t columns[] = {0, 1};
    size_t n = f->n_gone;
    char *bytes = mem_realloc(NULL, COUNT_BYTES + (f->n_gone + f->n - f->own) * ENTRY_BYTES), *at = bytes;
    if (!bytes) return error_memory(err);
    put64(at, f->n_gone);
    at += COUNT_BYTES;
    for (size_t i = 0; i < f->n_gone; i++, at += ENTRY_BYTES) put64(at, f->gone[i].place), put64(at + 8, f->gone[i].holder);
    for (size_t i = f->own; i < f->n; i++) {
        if (!f->list[i].holder) continue;
        put64(at, f->list[i].place);
        put64(at + 8, f->list[i].holder);
        at += ENTRY_BYTES;
        n++;
    }
    struct value row[] = {value_int((int64_t)head->next), value_blob(bytes, (size_t)(at - bytes))};
    int rc = n ? db_batch(db, DB_INSERT, lookup_front_table(), columns, 2, row, 1, NULL, err) : 0;
    mem_free(bytes);
    if (rc < 0 || !n) return rc;
    f->next = ++head->next;
    f->own = f->n;
    f->n_gone = 0;
    f->stored += n;
    return 0;
}

int lookup_front_remove(struct lookup_front *f, struct db *db, struct lookup_head *head, struct error *err) {
    bool rows = head->first != head->next;
    lookup_front_clear(f);
    f->touched = f->valid = true;
    f->first = f->next = head->first = head->next;
    return rows ? db_run(db, "DELETE FROM \"lookup_front\"", NULL, 0, NULL, err) : 0;
}
