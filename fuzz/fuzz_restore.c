/* A backup that was damaged or made by somebody: restored whole or refused with a reason, and then nothing of it is left. The first byte says what the rest is: edits of a good
 * backup behind which its check sum is put right again, or a body of somebody's own, or the bytes of the file. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "desks/backup.h"
#include "desks/node.h"
#include "ledger/record.h"
#include "needs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In memory: each restore would wait for the disk some ten times. */
static char folder[] = "/dev/shm/fuzz-restore-XXXXXX", node[64], file[64], key[80], again[64];
static struct buf good; /* the body of a good backup: after the magic, before the digest */

static void sweep(const char *path) {
    char command[120];
    snprintf(command, sizeof command, "rm -rf %s", path);
    if (system(command) != 0) fprintf(stderr, "%s was not removed\n", path);
}

static void end(void) {
    sweep(folder);
    buf_clear(&good);
}

static void begin(void) {
    const char *home = getenv("TOCSIN_HOME");
    struct error err = {0};
    struct node_report made;
    struct backup_report wrote;
    struct ledger *l = NULL;
    struct arena a = {0};
    char piece[65536];
    int n;
    need(digest_init(NULL) == 0 && mkdtemp(folder), folder);
    snprintf(node, sizeof node, "%s/node", folder);
    snprintf(again, sizeof again, "%s/again", folder);
    snprintf(file, sizeof file, "%s/backup.gz", folder);
    snprintf(key, sizeof key, "%s/tocsin.key", node);
    atexit(end);
    struct node_options o = {.ledger = {.dir = node, .home = home ? home : ".", .region = "310115"}, .policy = "covid-2022-v9", .regions = "/dev/null", .now = 1653876000};
    need(node_init(&o, &made, &err) >= 0 && ledger_open(&o.ledger, &l, &err) >= 0, err.message);
    struct session s = node_session(TEXT("fuzz"), 1653876000, false);
    struct draft *d = draft_new(&a, register_find(l->catalog, TEXT("person")), DRAFT_CREATE);
    if (!d || draft_set(l, d, &a, TEXT("name"), TEXT("张三"), &err) < 0 || record_write(l, &s, &d, 1, &err) < 0 || backup_write(l, file, &wrote, &err) < 0) abort();
    ledger_close(l);
    arena_clear(&a);
    gzFile gz = gzopen(file, "rb");
    while (gz && (n = gzread(gz, piece, sizeof piece)) > 0) buf_add(&good, piece, (size_t)n);
    if (!gz || gzclose(gz) != Z_OK || good.failed || good.n < DIGEST_BYTES + sizeof BACKUP_MAGIC) abort();
    good.n -= DIGEST_BYTES;
    memmove(good.s, good.s + sizeof BACKUP_MAGIC - 1, good.n -= sizeof BACKUP_MAGIC - 1);
}

static void write_body(struct text body) {
    unsigned char digest[DIGEST_BYTES];
    digest_bytes(body, digest);
    gzFile gz = gzopen(file, "wb1");
    need(gz && gzwrite(gz, BACKUP_MAGIC, sizeof BACKUP_MAGIC - 1) > 0 && (!body.n || gzwrite(gz, body.s, (unsigned)body.n) > 0) && gzwrite(gz, digest, sizeof digest) > 0 && gzclose(gz) == Z_OK, file);
}

/* Four bytes an edit: where (of 65,536 parts of the body), what is done, a value. */
static void write_edited(const uint8_t *data, size_t size) {
    struct buf b = {0};
    buf_text(&b, buf_view(&good));
    for (size_t i = 0; i + 4 <= size && b.n > 1 && !b.failed; i += 4) {
        size_t at = (size_t)((uint64_t)(data[i] << 8 | data[i + 1]) * b.n / 65536);
        switch (data[i + 2] % 4) {
        case 0: b.s[at] = (char)data[i + 3]; break;
        case 1: b.s[at] ^= (char)(1 << data[i + 3] % 8); break;
        case 2: /* taken out */
            if (b.n - at > data[i + 3]) memmove(b.s + at, b.s + at + data[i + 3], b.n - at - data[i + 3]), b.n -= data[i + 3];
            break;
        default: /* put in twice */
            if (b.n - at > data[i + 3] && buf_add(&b, b.s, data[i + 3]) >= 0) memmove(b.s + at + data[i + 3], b.s + at, b.n - at - data[i + 3]);
        }
    }
    if (b.failed) abort();
    write_body(buf_view(&b));
    buf_clear(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *home = getenv("TOCSIN_HOME");
    struct backup_report read;
    struct error err = {0};
    if (!good.n) begin();
    if (size < 1) return 0;
    if (data[0] % 4 == 0) {
        put_file(file, data + 1, size - 1);
    } else if (data[0] % 4 == 1) {
        write_body((struct text){(const char *)data + 1, size - 1});
    } else {
        write_edited(data + 1, size - 1);
    }
    struct ledger_options o = {.dir = again, .home = home ? home : "."};
    int rc = backup_restore(&o, file, key, &read, &err);
    if (rc < 0 && (!err.code || !*err.message)) abort();
    char db[80];
    snprintf(db, sizeof db, "%s/tocsin.db", again);
    bool told = rc < 0 && strstr(err.message, "restored, but"); /* whole, but what it holds was altered: it is there to be looked at */
    if ((access(db, F_OK) == 0) != (rc == 0 || told)) {
        fprintf(stderr, "%d %s\n", rc, err.message);
        abort();
    }
    if (rc == 0 && data[0] % 4 == 1) abort(); /* without the key nobody signs a journal, and without a journal nothing is restored */
    sweep(again);
    return 0;
}
