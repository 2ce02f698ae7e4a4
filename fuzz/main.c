/* fuzz: replays a fuzz target without libFuzzer, so that every test run feeds each parser some thousand damaged inputs with any
 * compiler. Deterministic: the same seed gives the same inputs.
 *   fuzz_NAME [--seconds N] [--iterations N] [--seed N] [--seeds DIR] [--found DIR] [FILE...]
 * Files alone are run once as they are (to look at a crash again). A failing input is written to DIR/fuzz_NAME.SEED.ITERATION (/tmp), or told in hexadecimal
 * digits where it cannot be. */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/instant.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SEEDS_MAX = 4096, INPUT_MAX = 1 << 16, TOLD_MAX = 8192, HANG_S = 300 };

struct seeds {
    struct text items[SEEDS_MAX];
    size_t n;
};

/* What a signal handler needs to keep the input that killed us. */
static struct {
    uint8_t bytes[INPUT_MAX + 1];
    size_t n;
    char path[1024];
} running;

/* Only what a signal handler may call. */
static void tell(const char *words, size_t n) {
    ssize_t ignored = write(STDOUT_FILENO, words, n);
    (void)ignored;
}

static void keep_input(int signal_number) {
    static const char words[] = "not ok 1 - this input kills it: ", instead[] = "\n# it cannot be written there; in hexadecimal digits: ", digits[] = "0123456789abcdef";
    int fd = open(running.path, O_CREAT | O_TRUNC | O_WRONLY, 0644);
    bool kept = fd >= 0 && write(fd, running.bytes, running.n) == (ssize_t)running.n && close(fd) == 0;
    tell(words, sizeof words - 1);
    tell(running.path, strlen(running.path));
    if (!kept) {
        unlink(running.path);
        tell(instead, sizeof instead - 1);
        for (size_t i = 0; i < running.n && i < TOLD_MAX; i++) tell(&digits[running.bytes[i] >> 4], 1), tell(&digits[running.bytes[i] & 15], 1);
    }
    tell("\n", 1);
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

static void seeds_add_file(struct seeds *s, const char *path, struct arena *a) {
    struct buf b = {0};
    struct stat st;
    if (s->n == SEEDS_MAX || stat(path, &st) < 0 || !S_ISREG(st.st_mode)) return;
    if (file_read(path, INPUT_MAX, &b, NULL) == 0) s->items[s->n++] = arena_text(a, buf_view(&b));
    buf_clear(&b);
}

static int by_name(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void seeds_add_dir(struct seeds *s, const char *dir, struct arena *a) {
    struct dirent **names;
    int n = scandir(dir, &names, NULL, by_name); /* sorted: directory order is not deterministic */
    for (int i = 0; i < n; i++) {
        char path[1024];
        snprintf(path, sizeof path, "%s/%s", dir, names[i]->d_name);
        seeds_add_file(s, path, a);
        free(names[i]);
    }
    if (n >= 0) free(names);
}

/* One edit: flip, set, insert, remove, repeat, splice, or an interesting word. */
static size_t mutate(struct rng *r, const struct seeds *s, uint8_t *d, size_t n) {
    static const char *const words[] = {"\"", "\n", "\r\n", ",", ": ", "- ", "\xff\xfe", "\xef\xbb\xbf", "\xe5\xbc", "0", "-1", "9223372036854775808",
                                        "''", "(", ")", "[", "{", "}", "&a", "*a", "1e308", "2022-02-30", "\0\0\0\0", "%s", "NULL", " OR ", "<", "]]>"};
    size_t at = n ? rng_below(r, n) : 0;
    size_t span = 1 + rng_below(r, rng_below(r, 8) ? 8 : 512);
    switch (rng_below(r, 8)) {
    case 0: if (n) d[at] ^= (uint8_t)(1u << rng_below(r, 8)); break;
    case 1: if (n) d[at] = (uint8_t)rng_u64(r); break;
    case 2: /* remove */
        if (span > n - at) span = n - at;
        memmove(d + at, d + at + span, n - at - span);
        return n - span;
    case 3: { /* repeat what is here */
        if (span > n - at) span = n - at;
        if (n + span > INPUT_MAX) break;
        memmove(d + at + span, d + at, n - at);
        return n + span;
    }
    case 4: case 5: { /* insert a word */
        const char *w = words[rng_below(r, sizeof words / sizeof *words)];
        size_t len = *w ? strlen(w) : 4;
        if (n + len > INPUT_MAX) break;
        memmove(d + at + len, d + at, n - at);
        memcpy(d + at, w, len);
        return n + len;
    }
    case 6: { /* splice a piece of another seed */
        if (!s->n) break;
        struct text other = s->items[rng_below(r, s->n)];
        if (!other.n) break;
        size_t from = rng_below(r, other.n);
        if (span > other.n - from) span = other.n - from;
        if (n + span > INPUT_MAX) break;
        memmove(d + at + span, d + at, n - at);
        memcpy(d + at, other.s + from, span);
        return n + span;
    }
    default: return n ? rng_below(r, n) + 1 : 0; /* cut off */
    }
    return n;
}

static void run_input(const uint8_t *bytes, size_t n) {
    if (n > INPUT_MAX) n = INPUT_MAX;
    if (bytes != running.bytes) memcpy(running.bytes, bytes, n);
    running.n = n;
    alarm(HANG_S);
    /* A heap copy of exactly n bytes, so that a sanitizer sees a read past the end. */
    uint8_t *copy = malloc(n ? n : 1);
    if (!copy) abort();
    memcpy(copy, running.bytes, n);
    LLVMFuzzerTestOneInput(copy, n);
    free(copy);
    alarm(0);
}

int main(int argc, char **argv) {
    static struct seeds seeds;
    struct arena arena = {0};
    struct rng rng = {0};
    double seconds = 2;
    long iterations = 0, done = 0;
    uint64_t seed = 1;
    const char *name = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0], *found = "/tmp";
    bool given = false;

    if (digest_init(NULL) < 0) return 70;
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--seconds") && i + 1 < argc) seconds = atof(argv[++i]);
        else if (!strcmp(argv[i], "--iterations") && i + 1 < argc) iterations = atol(argv[++i]);
        else if (!strcmp(argv[i], "--seed") && i + 1 < argc) seed = strtoull(argv[++i], NULL, 10);
        else if (!strcmp(argv[i], "--found") && i + 1 < argc) found = argv[++i];
        else if (!strcmp(argv[i], "--seeds") && i + 1 < argc) {
            const char *base = !strncmp(name, "fuzz_", 5) ? name + 5 : name;
            char dir[1024];
            snprintf(dir, sizeof dir, "%s/%s", argv[++i], base);
            seeds_add_dir(&seeds, dir, &arena);
            if (!seeds.n) {
                snprintf(dir, sizeof dir, "%s/any", argv[i]);
                seeds_add_dir(&seeds, dir, &arena);
            }
        } else {
            seeds_add_file(&seeds, argv[i], &arena);
            given = true;
        }
    }
    const int fatal[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGALRM};
    for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++) signal(fatal[i], keep_input);
    printf("1..1\n");
    fflush(stdout);

    snprintf(running.path, sizeof running.path, "%.700s/%.200s.seed", found, name);
    run_input((const uint8_t *)"", 0);
    for (size_t i = 0; i < seeds.n; i++, done++) run_input((const uint8_t *)seeds.items[i].s, seeds.items[i].n);
    rng_seed(&rng, seed);
    int64_t end = monotonic_ns() + (int64_t)(seconds * 1e9);
    for (long i = 0; !given && (iterations ? i < iterations : monotonic_ns() < end); i++, done++) {
        struct text from = seeds.n ? seeds.items[rng_below(&rng, seeds.n)] : (struct text){"", 0};
        size_t n = from.n;
        memcpy(running.bytes, from.s, n);
        for (uint64_t edits = 1 + rng_below(&rng, 6); edits; edits--) n = mutate(&rng, &seeds, running.bytes, n);
        snprintf(running.path, sizeof running.path, "%.700s/%.200s.%llu.%ld", found, name, (unsigned long long)seed, i);
        run_input(running.bytes, n);
    }
    printf("ok 1 - %s: %ld inputs from %zu seeds\n", name, done, seeds.n);
    arena_clear(&arena);
    return 0;
}
