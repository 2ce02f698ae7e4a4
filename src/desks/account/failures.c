/* Tries that failed, until they are journalled: one line an account and address, with their number. */
#include <stdio.h>
#include <string.h>

#include "desks/account/inside.h"

enum { LINES = 256 };

struct line {
    int64_t account, n;
    instant last;
    const char *what; /* a constant */
    char address[ADDRESS_KEPT + 1];
};

struct account_failures {
    pthread_mutex_t lock;
    size_t n;
    struct line lines[LINES];
    struct line writing[LINES]; /* of the one transaction that writes */
};

struct account_failures *failures_new(void) {
    struct account_failures *f = mem_alloc(sizeof *f);
    if (f) pthread_mutex_init(&f->lock, NULL);
    return f;
}

void failures_free(struct account_failures *f) {
    if (!f) return;
    pthread_mutex_destroy(&f->lock);
    mem_free(f);
}

void failures_note(struct account_failures *f, int64_t account, struct text address, const char *what, instant now) {
    char from[ADDRESS_KEPT + 1];
    size_t n = 0;
    for (size_t i = 0; i < address.n && n < ADDRESS_KEPT; i++) from[n++] = address.s[i] >= '.' && address.s[i] <= 'f' ? address.s[i] : '?';
    from[n] = '\0';
    pthread_mutex_lock(&f->lock);
    size_t i = 0;
    while (i < f->n && !(f->lines[i].account == account && f->lines[i].what == what && !strcmp(f->lines[i].address, from))) i++;
    if (i == LINES) { /* a flood: told as one */
        i = LINES - 1;
        memcpy(f->lines[i].address, "many", 5);
    } else if (i == f->n) {
        f->lines[f->n] = (struct line){.account = account, .what = what};
        memcpy(f->lines[f->n++].address, from, n + 1);
    }
    f->lines[i].n++;
    f->lines[i].last = now;
    pthread_mutex_unlock(&f->lock);
}

bool failures_any(struct account_failures *f) {
    pthread_mutex_lock(&f->lock);
    bool any = f->n > 0;
    pthread_mutex_unlock(&f->lock);
    return any;
}

static int write_line(struct ledger *l, const struct line *one, struct arena *a, struct error *err) {
    char what[160];
    struct session s = {.account = TEXT("system"), .now = one->last};
    struct secret secret;
    snprintf(what, sizeof what, "%s x%lld from %s", one->what, (long long)one->n, one->address[0] ? one->address : "here");
    int rc = account_event(l, &s, JOURNAL_DENY, one->account, what, err);
    if (rc < 0 || !one->account) return rc;
    rc = secret_read(l, one->account, a, &secret, err);
    if (rc < 0) return rc;
    secret.failures += one->n;
    secret.failed_at = one->last;
    return secret_write(l, &secret, err);
}

/* What a rolled-back transaction wrote is lost; it is a count of failures, and the store has other troubles then. */
int failures_write(struct account_failures *f, struct ledger *l, struct error *err) {
    struct arena a = {0};
    int rc = 0;
    pthread_mutex_lock(&f->lock);
    size_t n = f->n;
    memcpy(f->writing, f->lines, n * sizeof *f->writing);
    f->n = 0;
    pthread_mutex_unlock(&f->lock);
    for (size_t i = 0; !rc && i < n; i++) rc = write_line(l, &f->writing[i], &a, err);
    arena_clear(&a);
    return rc;
}
