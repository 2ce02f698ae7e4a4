/* Lock-out that locks nobody else out. Nothing is ever locked by failures; tries are made to wait, and by whom they were made decides how long:
 *
 *   (login, source)   5 free, then 1, 2, 4 ... 900 s. The source is the device mark where the account knows it, else the address (IPv6: its /64).
 *   login             only sources that are not known devices: 20 free, then one try in 5 s, whoever makes it. A known device never waits for it.
 *   address           only unknown devices: 60 free over all logins, then 1, 2, 4 ... 60 s.
 *
 * Failures are forgotten an hour after the last one. Kept in memory, in a table of fixed size whose places are found by a keyed hash: who floods it
 * with made-up logins pushes out the oldest of 8 in each place, which he cannot choose. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "desks/account/inside.h"

enum { SETS = 2048, WAYS = 8, FORGET_S = 3600 };
enum { KIND_PAIR = 1, KIND_LOGIN, KIND_ADDRESS };

struct slot {
    int64_t key; /* 0: free */
    instant last, next;
    uint32_t failures;
};

struct account_throttle {
    pthread_mutex_t lock;
    unsigned char key[32];
    struct slot slots[SETS][WAYS];
};

static const struct allowance {
    uint32_t free;
    int64_t first_s, most_s; /* equal: it does not grow */
} limits[] = {[KIND_PAIR] = {5, 1, 900}, [KIND_LOGIN] = {20, 5, 5}, [KIND_ADDRESS] = {60, 1, 60}};

struct account_throttle *throttle_new(void) {
    struct account_throttle *t = mem_alloc(sizeof *t);
    if (!t) return NULL;
    pthread_mutex_init(&t->lock, NULL);
    randombytes_buf(t->key, sizeof t->key);
    return t;
}

void throttle_free(struct account_throttle *t) {
    if (!t) return;
    pthread_mutex_destroy(&t->lock);
    mem_free(t);
}

/* The first 64 bits of an IPv6 address, however it is written: a household has all the others. */
static struct text network(struct text address, struct in6_addr *room) {
    char whole[INET6_ADDRSTRLEN];
    if (address.n >= sizeof whole) return address;
    snprintf(whole, sizeof whole, "%.*s", (int)address.n, address.s);
    if (inet_pton(AF_INET6, whole, room) != 1 || IN6_IS_ADDR_V4MAPPED(room)) return address;
    return (struct text){(const char *)room, 8};
}

static struct slot *slot_of(struct account_throttle *t, int kind, struct text one, struct text two, instant now) {
    struct buf b = {.max = 4096};
    buf_varint(&b, one.n);
    buf_text(&b, one);
    buf_text(&b, two);
    int64_t key = digest_key64(t->key, kind, buf_view(&b));
    buf_clear(&b);
    if (!key) key = 1;
    struct slot *set = t->slots[(uint64_t)key % SETS], *oldest = set;
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].key == key) {
            if (now - set[i].last > FORGET_S) set[i].failures = 0;
            return &set[i];
        }
        if (!set[i].key || (oldest->key && set[i].last < oldest->last)) oldest = &set[i];
    }
    *oldest = (struct slot){.key = key, .last = now};
    return oldest;
}

static int64_t wait_of(const struct slot *s, instant now) {
    return s->next > now ? s->next - now : 0;
}

static void count(struct slot *s, int kind, instant now) {
    const struct allowance *l = &limits[kind];
    s->last = now;
    if (s->failures < UINT32_MAX) s->failures++;
    if (s->failures < l->free) {
        s->next = 0;
        return;
    }
    uint32_t over = s->failures - l->free;
    int64_t wait = over > 20 ? l->most_s : l->first_s << over;
    s->next = now + (wait > l->most_s ? l->most_s : wait);
}

int64_t throttle_ask(struct account_throttle *t, const struct throttle_try *try, instant now) {
    bool known = try->device.n > 0;
    struct in6_addr room;
    struct text source = network(try->address, &room);
    int64_t wait = 0;
    pthread_mutex_lock(&t->lock);
    /* one after the other: a slot found later may take the place of one found earlier, which then only forgets a failure */
    for (int pass = 0; pass < 2; pass++) {
        for (int kind = KIND_PAIR; kind <= KIND_ADDRESS; kind++) {
            if (known && kind != KIND_PAIR) continue;
            struct text one = kind == KIND_ADDRESS ? source : try->login;
            struct text two = kind != KIND_PAIR ? (struct text){"", 0} : known ? try->device : source;
            struct slot *s = slot_of(t, kind, one, two, now);
            if (pass) {
                count(s, kind, now);
                continue;
            }
            int64_t w = wait_of(s, now);
            if (w > wait) wait = w;
        }
        if (wait) break;
    }
    pthread_mutex_unlock(&t->lock);
    return wait;
}

void throttle_ok(struct account_throttle *t, const struct throttle_try *try) {
    bool known = try->device.n > 0;
    struct in6_addr room;
    struct text source = network(try->address, &room), two = known ? try->device : source;
    pthread_mutex_lock(&t->lock);
    struct slot *pair = slot_of(t, KIND_PAIR, try->login, two, 0);
    *pair = (struct slot){.key = pair->key, .last = pair->last};
    for (int kind = KIND_LOGIN; !known && kind <= KIND_ADDRESS; kind++) { /* others' failures stay */
        struct slot *s = slot_of(t, kind, kind == KIND_ADDRESS ? source : try->login, (struct text){"", 0}, 0);
        if (s->failures) s->failures--;
        if (s->failures < limits[kind].free) s->next = 0;
    }
    pthread_mutex_unlock(&t->lock);
}
