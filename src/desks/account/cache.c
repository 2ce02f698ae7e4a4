/* Sessions and tokens in memory: asked on every request, so found in microseconds, and never older than the last change of rights.
 *
 * 64 shards by the hash, each a mutex, a few buckets and at most SHARD_MAX entries (then it is emptied: everything here can be read again). An entry
 * was read under a stamp, the node's setting `accounts`, which every change of rights moves in its own transaction, in this process or another;
 * the stamp is looked at when the second changes, and entries of another stamp are read anew. What this process revokes is dropped at once: a
 * load that was under way then sees that `epoch` moved and does not keep what it read. */
#include <stdatomic.h>
#include <string.h>

#include "desks/account/inside.h"

enum { SHARDS = 64, BUCKETS = 64, SHARD_MAX = 512 };

struct entry {
    struct entry *next;
    char hash[HASH_TEXT + 1];
    int64_t stamp;
    instant seen_written;
    struct entry_facts facts; /* its arrays and texts lie behind the struct */
};

struct shard {
    pthread_mutex_t lock;
    size_t n;
    struct entry *buckets[BUCKETS];
};

struct account_cache {
    struct shard shards[SHARDS];
    _Atomic int64_t stamp;
    _Atomic int64_t stamp_at;   /* the second it was read in */
    _Atomic uint64_t epoch;
    _Atomic int64_t flushed_at;
};

struct account_cache *cache_new(void) {
    struct account_cache *c = mem_alloc(sizeof *c);
    if (!c) return NULL;
    for (size_t i = 0; i < SHARDS; i++) pthread_mutex_init(&c->shards[i].lock, NULL);
    atomic_store(&c->stamp_at, INSTANT_NONE);
    return c;
}

static void entry_free(struct entry *e) {
    sodium_memzero(e->hash, sizeof e->hash);
    mem_free(e);
}

static void shard_empty(struct shard *s) {
    for (size_t b = 0; b < BUCKETS; b++)
        while (s->buckets[b]) {
            struct entry *e = s->buckets[b];
            s->buckets[b] = e->next;
            entry_free(e);
        }
    s->n = 0;
}

void cache_free(struct account_cache *c) {
    if (!c) return;
    for (size_t i = 0; i < SHARDS; i++) {
        shard_empty(&c->shards[i]);
        pthread_mutex_destroy(&c->shards[i].lock);
    }
    mem_free(c);
}

static uint64_t place_of(const char *hash) { /* the hash is uniform already */
    uint64_t h = 0;
    memcpy(&h, hash, sizeof h);
    return h * 0x9e3779b97f4a7c15u >> 32;
}

static struct shard *shard_of(struct account_cache *c, const char *hash) {
    return &c->shards[place_of(hash) % SHARDS];
}

static struct entry **bucket_of(struct shard *s, const char *hash) {
    return &s->buckets[place_of(hash) / SHARDS % BUCKETS];
}

static struct entry **link_of(struct shard *s, const char *hash) {
    struct entry **at = bucket_of(s, hash);
    while (*at && memcmp((*at)->hash, hash, HASH_TEXT) != 0) at = &(*at)->next;
    return at;
}

static void unlink_entry(struct shard *s, struct entry **at) {
    struct entry *e = *at;
    *at = e->next;
    s->n--;
    entry_free(e);
}

void cache_forget(struct account_cache *c, const char hash[HASH_TEXT + 1]) {
    struct shard *s = shard_of(c, hash);
    atomic_fetch_add(&c->epoch, 1);
    pthread_mutex_lock(&s->lock);
    struct entry **at = link_of(s, hash);
    if (*at) unlink_entry(s, at);
    pthread_mutex_unlock(&s->lock);
}

static void forget_where(struct account_cache *c, int64_t account, int64_t id) {
    atomic_fetch_add(&c->epoch, 1);
    for (size_t i = 0; i < SHARDS; i++) {
        struct shard *s = &c->shards[i];
        pthread_mutex_lock(&s->lock);
        for (size_t b = 0; b < BUCKETS; b++)
            for (struct entry **at = &s->buckets[b]; *at;) {
                if ((account && (*at)->facts.account == account) || (id && (*at)->facts.id == id))
                    unlink_entry(s, at);
                else
                    at = &(*at)->next;
            }
        pthread_mutex_unlock(&s->lock);
    }
}

void cache_forget_account(struct account_cache *c, int64_t account) {
    forget_where(c, account, 0);
}

void cache_forget_id(struct account_cache *c, int64_t id) {
    forget_where(c, 0, id);
}

/* ---- copying facts: to the cache's block and out of it */

static size_t facts_size(const struct entry_facts *f) {
    size_t n = f->login.n + f->title.n + f->region.n + 3 + f->n_grants * sizeof *f->grants + f->n_registers * sizeof *f->registers;
    for (size_t i = 0; i < f->n_grants; i++) n += f->grants[i].role.n + f->grants[i].region.n + 2;
    for (size_t i = 0; i < f->n_registers; i++) n += f->registers[i].n + 1;
    return n;
}

static struct text put(char **at, struct text t) {
    struct text copy = {*at, t.n};
    if (t.n) memcpy(*at, t.s, t.n);
    (*at)[t.n] = '\0';
    *at += t.n + 1;
    return copy;
}

static void facts_copy(struct entry_facts *to, const struct entry_facts *f, char *room) {
    struct grant *grants = (struct grant *)(void *)room;
    struct text *registers = (struct text *)(void *)(grants + f->n_grants);
    char *at = (char *)(registers + f->n_registers);
    *to = *f;
    for (size_t i = 0; i < f->n_grants; i++) {
        grants[i].role = put(&at, f->grants[i].role);
        grants[i].region = put(&at, f->grants[i].region);
    }
    for (size_t i = 0; i < f->n_registers; i++) registers[i] = put(&at, f->registers[i]);
    to->grants = grants;
    to->registers = registers;
    to->login = put(&at, f->login);
    to->title = put(&at, f->title);
    to->region = put(&at, f->region);
}

/* ---- loading */

static struct text cut(struct text *list) {
    const char *end = list->n ? memchr(list->s, ';', list->n) : NULL;
    struct text word = {list->s, end ? (size_t)(end - list->s) : list->n};
    *list = end ? (struct text){end + 1, list->n - word.n - 1} : (struct text){list->s + list->n, 0};
    return word;
}

static int load_grants(struct entry_facts *f, struct text roles, const struct text *only, struct text region, struct arena *a, struct error *err) {
    struct grant *grants = arena_alloc(a, ROLES_MAX * sizeof *grants);
    if (!grants) return error_memory(err);
    while (roles.n && f->n_grants < ROLES_MAX) {
        struct text role = cut(&roles);
        if (role.n && (!only || grant_among(*only, role))) grants[f->n_grants++] = (struct grant){role, region};
    }
    f->grants = grants;
    return 0;
}

/* Who it is, while the account may act. */
static int load_holder(struct ledger *l, struct entry_facts *f, struct arena *a, struct holder *h, struct secret *secret, struct error *err) {
    int rc = holder_by_id(l, f->account, a, h, err);
    if (rc > 0) rc = secret_read(l, f->account, a, secret, err) < 0 ? -1 : 1;
    if (rc < 0) return err && err->code ? err->code : E_STORE;
    if (!rc || !h->active || secret->locked) return unproven(err);
    f->login = h->login;
    f->title = h->title;
    return 0;
}

static int load_session(const struct account_seat *seat, const char *hash, struct arena *a, struct entry_facts *f, struct error *err) {
    struct ledger *l = seat->ledger;
    struct value param = value_str(hash);
    struct db_cursor *c = NULL;
    const struct value *row;
    struct holder h;
    struct secret secret;
    int rc = db_query(l->db,
                      "SELECT \"account\",\"id\",\"factor\",\"created_at\",\"rotated_at\",\"seen_at\",\"expires_at\" FROM \"account_session\" WHERE \"hash\" = ?1",
                      &param, 1, &c, err);
    if (!rc) rc = db_next(c, &row, err);
    if (rc > 0)
        *f = (struct entry_facts){.account = row[0].i, .id = row[1].i, .factor = row[2].i != 0, .created_at = row[3].i, .rotated_at = row[4].i,
                                  .seen_at = row[5].i, .expires_at = row[6].i};
    db_cursor_close(c);
    if (rc <= 0) return rc < 0 ? rc : unproven(err);
    rc = load_holder(l, f, a, &h, &secret, err);
    if (rc < 0) return rc;
    f->region = h.region;
    f->state = secret_state(seat->accounts, l->catalog, &h, &secret, f->factor);
    return f->state == ACCOUNT_READY ? load_grants(f, h.roles, NULL, h.region, a, err) : 0;
}

static int load_token(const struct account_seat *seat, const char *hash, struct arena *a, struct entry_facts *f, struct error *err) {
    struct ledger *l = seat->ledger;
    struct value param = value_str(hash);
    struct db_cursor *c = NULL;
    const struct value *row;
    struct holder h;
    struct secret secret;
    struct text roles = {0}, region = {0}, registers = {0};
    int rc = db_query(l->db,
                      "SELECT \"account\",\"id\",\"roles\",\"region\",\"registers\",\"verbs\",\"created_at\",\"expires_at\",\"used_at\" FROM \"account_token\" "
                      "WHERE \"hash\" = ?1",
                      &param, 1, &c, err);
    if (!rc) rc = db_next(c, &row, err);
    if (rc > 0) {
        *f = (struct entry_facts){.account = row[0].i, .id = row[1].i, .machine = true, .verbs = (unsigned)row[5].i, .created_at = row[6].i,
                                  .rotated_at = row[6].i, .expires_at = row[7].i, .seen_at = value_int_or(row[8], INSTANT_NONE)};
        f->factor = (f->verbs & 1u << ACCESS_OPEN) != 0; /* it was made in a session that had one */
        roles = arena_text(a, value_view(row[2]));
        region = arena_text(a, value_view(row[3]));
        registers = arena_text(a, value_view(row[4]));
        if (!roles.s || !region.s || !registers.s) rc = error_memory(err);
    }
    db_cursor_close(c);
    if (rc <= 0) return rc < 0 ? rc : unproven(err);
    rc = load_holder(l, f, a, &h, &secret, err);
    if (rc < 0) return rc;
    f->region = region.n ? region : h.region;
    struct text *list = arena_alloc(a, ROLES_MAX * sizeof *list);
    if (!list) return error_memory(err);
    while (registers.n && f->n_registers < ROLES_MAX) list[f->n_registers++] = cut(&registers);
    f->registers = list;
    if (!region_within(f->region, h.region)) return 0; /* the account moved away: nothing is left of it */
    return load_grants(f, h.roles, &roles, f->region, a, err);
}

/* The stamp of now: asked of the store when the second changed. */
static int stamp_now(const struct account_seat *seat, instant now, int64_t *ret, struct error *err) {
    struct account_cache *c = seat->accounts->cache;
    if (atomic_load(&c->stamp_at) != now) {
        struct arena a = {0};
        struct text t = {0};
        int64_t stamp = 0;
        int rc = ledger_setting(seat->ledger, seat->ledger->db, "accounts", &a, &t, err);
        if (!rc && t.n && !text_int(t, &stamp)) stamp = -1;
        arena_clear(&a);
        if (rc < 0) return rc;
        /* never backwards: a reader may lag behind one that has seen more */
        int64_t known = atomic_load(&c->stamp);
        while (stamp > known && !atomic_compare_exchange_weak(&c->stamp, &known, stamp)) {}
        atomic_store(&c->stamp_at, now);
    }
    *ret = atomic_load(&c->stamp);
    return 0;
}

static bool over(const struct accounts *a, const struct entry_facts *f, instant now) {
    if (now >= f->expires_at) return true;
    return !f->machine && now - f->seen_at > a->o.idle_s;
}

static int copy_out(const struct entry_facts *f, struct arena *a, struct entry_facts *ret, struct error *err) {
    char *room = arena_alloc(a, facts_size(f));
    if (!room) return error_memory(err);
    facts_copy(ret, f, room);
    return 0;
}

static void keep(struct account_cache *c, const char *hash, const struct entry_facts *f, instant written, int64_t stamp, instant now, uint64_t epoch) {
    struct entry *e = mem_alloc(sizeof *e + facts_size(f));
    if (!e) return; /* it was only to be faster */
    memcpy(e->hash, hash, HASH_TEXT + 1);
    e->stamp = stamp;
    e->seen_written = written;
    facts_copy(&e->facts, f, (char *)(e + 1));
    e->facts.seen_at = now;
    struct shard *s = shard_of(c, hash);
    pthread_mutex_lock(&s->lock);
    struct entry **at = link_of(s, hash);
    if (*at) unlink_entry(s, at);
    if (s->n >= SHARD_MAX) shard_empty(s);
    if (atomic_load(&c->epoch) != epoch) {
        entry_free(e);
    } else {
        at = bucket_of(s, hash);
        e->next = *at;
        *at = e;
        s->n++;
    }
    pthread_mutex_unlock(&s->lock);
}

int cache_get(const struct account_seat *seat, const char hash[HASH_TEXT + 1], bool machine, instant now, struct arena *a, struct entry_facts *ret, struct error *err) {
    struct account_cache *c = seat->accounts->cache;
    struct shard *s = shard_of(c, hash);
    int64_t stamp = 0;
    uint64_t epoch = atomic_load(&c->epoch);
    int rc = stamp_now(seat, now, &stamp, err);
    if (rc < 0) return rc;
    bool hit = false;
    instant seen = INSTANT_NONE, written;
    pthread_mutex_lock(&s->lock);
    struct entry *e = *link_of(s, hash);
    if (e && e->stamp == stamp && e->facts.machine == machine && !over(seat->accounts, &e->facts, now)) {
        if (now > e->facts.seen_at) e->facts.seen_at = now;
        rc = copy_out(&e->facts, a, ret, err);
        hit = true;
    }
    if (e) seen = e->facts.seen_at; /* later than what the store knows */
    pthread_mutex_unlock(&s->lock);
    if (hit || rc < 0) return rc;
    struct arena room = {0};
    struct entry_facts f;
    rc = machine ? load_token(seat, hash, &room, &f, err) : load_session(seat, hash, &room, &f, err);
    written = rc ? INSTANT_NONE : f.seen_at;
    if (!rc && seen > f.seen_at) f.seen_at = seen;
    if (!rc && over(seat->accounts, &f, now)) rc = unproven(err);
    if (!rc) rc = copy_out(&f, a, ret, err);
    if (!rc) keep(c, hash, &f, written, stamp, now, epoch);
    arena_clear(&room);
    return rc;
}

/* ---- last uses */

bool cache_flush_due(struct account_cache *c, instant now) {
    int64_t last = atomic_load(&c->flushed_at);
    return now - last >= FLUSH_S && atomic_compare_exchange_strong(&c->flushed_at, &last, now);
}

size_t cache_unwritten(struct account_cache *c, struct cache_seen *out, size_t max) {
    size_t n = 0;
    for (size_t i = 0; i < SHARDS; i++) {
        struct shard *s = &c->shards[i];
        pthread_mutex_lock(&s->lock);
        for (size_t b = 0; b < BUCKETS; b++)
            for (struct entry *e = s->buckets[b]; e && n < max; e = e->next) {
                bool first = e->facts.machine && e->seen_written == INSTANT_NONE;
                if (!first && e->facts.seen_at - e->seen_written < SEEN_WRITTEN_S) continue;
                e->seen_written = e->facts.seen_at;
                memcpy(out[n].hash, e->hash, sizeof e->hash);
                out[n].machine = e->facts.machine;
                out[n++].at = e->facts.seen_at;
            }
        pthread_mutex_unlock(&s->lock);
    }
    return n;
}
