/* oidc.yaml, the description of a sign-in provider, as a hand may leave it: taken with addresses that may be asked, or refused with a place. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "desks/account/oidc.h"
#include "needs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char path[] = "/tmp/fuzz-provider-XXXXXX";

static void end(void) {
    unlink(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static int fd = -1;
    struct provider p;
    struct error err = {0};
    if (fd < 0) {
        fd = mkstemp(path); /* 0600, as it must be */
        atexit(end);
    }
    put_fd(fd, path, data, size);
    if (provider_read(path, &p, &err) < 0) {
        if (!err.code || !*err.message) abort();
        return 0;
    }
    if (!provider_url_ok(p.issuer) || !provider_url_ok(p.discovery) || !provider_url_ok(p.redirect) || !p.client.n || !p.secret.n) abort();
    provider_clear(&p);
    return 0;
}
