/* Values and key files from anywhere: normal forms stay within their bounds and are stable, masks never show
 * more than they hide of a long value, nothing unsealed that was not sealed, no key file taken that is not
 * one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ledger/vault.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void normal_forms(struct text in) {
    static const enum field_blind kinds[] = {BLIND_DOCUMENT, BLIND_NAME, BLIND_ADDRESS};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        char once[BLIND_MAX], twice[BLIND_MAX];
        size_t n = blind_normal(kinds[i], in, once);
        if (n > BLIND_MAX) abort();
        if (!n) continue;
        size_t m = blind_normal(kinds[i], (struct text){once, n}, twice);
        if (m != n || memcmp(once, twice, n) != 0) abort();
    }
    char phone[BLIND_MAX];
    if (blind_normal(BLIND_PHONE, in, phone) > BLIND_MAX) abort();
}

static void masks(struct text in) {
    const struct field fields[] = {
        {.blind = BLIND_NAME}, {.blind = BLIND_DOCUMENT}, {.blind = BLIND_PHONE}, {.name = TEXT("address")}};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        struct buf out = {0};
        vault_mask(&fields[i], in, &out);
        size_t shown = 0;
        for (size_t k = 0; k < out.n; k++) shown += out.s[k] != '*';
        if (text_trim(in).n && memchr(out.s, '*', out.n) == NULL) abort();
        if (shown > in.n) abort();
        buf_clear(&out);
    }
}

static void key_file(struct text in) {
    int fd = memfd_create("key", 0);
    char path[64];
    struct vault *v = NULL;
    if (fd < 0 || fchmod(fd, 0600) < 0 || write(fd, in.s, in.n) != (ssize_t)in.n) abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (vault_open(path, &v, NULL) == 0) vault_close(v);
    close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static bool started;
    if (!started && digest_init(NULL) < 0) abort();
    started = true;
    struct text in = {(const char *)data, size}, out;
    struct vault_key k = {{7}};
    struct arena a = {0};
    normal_forms(in);
    masks(in);
    key_file(in);
    if (vault_unseal(&k, TEXT("c"), in, &a, &out, NULL) == 0) abort();
    arena_clear(&a);
    return 0;
}
