#include "check.h"
#include "stores.h"

#include <fcntl.h>
#include <pthread.h>
#include <sodium.h>
#include <sys/stat.h>

#include "base/instant.h"
#include "ledger/name_word.h"
#include "ledger/vault.h"

static char folder[64];

static const char *in_folder(const char *name) {
    static char path[4][128];
    static int turn;
    char *p = path[turn++ % 4];
    snprintf(p, 128, "%s/%s", folder, name);
    return p;
}

static struct vault *opened(const char *name) {
    struct vault *v = NULL;
    struct error err = {0};
    if (access(in_folder(name), F_OK) < 0) assert_ok(vault_create(in_folder(name), &err), err);
    assert_ok(vault_open(in_folder(name), &v, &err), err);
    return v;
}

static void write_file(const char *path, const char *body, mode_t mode) {
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT, mode);
    assert_true(fd >= 0 && write(fd, body, strlen(body)) == (ssize_t)strlen(body));
    fchmod(fd, mode);
    close(fd);
}

static void bad_key_files_are_refused(void **state) {
    (void)state;
    struct vault *v = NULL;
    struct error err = {0};
    const char *path = in_folder("bad");
    assert_int_equal(vault_open(path, &v, &err), E_IO);
    err = (struct error){0};
    assert_int_equal(vault_create(in_folder("no/such/folder"), &err), E_IO);
    err = (struct error){0};
    assert_ok(vault_create(path, &err), err);
    assert_int_equal(vault_create(path, &err), E_CONFLICT);
    struct buf good = {0};
    err = (struct error){0};
    assert_ok(file_read(path, 1000, &good, &err), err);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    chmod(path, 0640);
    assert_int_equal(vault_open(path, &v, &err), E_DENIED);
    /* every single damaged character is seen, and the message never shows the key */
    for (size_t i = 0; i + 1 < good.n; i++) {
        if (good.s[i] == '\n' || good.s[i] == ' ') continue; /* how the lines are set apart does not matter */
        struct buf bad = {0};
        buf_text(&bad, buf_view(&good));
        assert_false(bad.failed);
        bad.s[i] ^= 1;
        write_file(path, buf_cstr(&bad), 0600);
        err = (struct error){0};
        int rc = vault_open(path, &v, &err);
        if (rc != E_CRYPTO && rc != E_UNSUPPORTED) fail_msg("character %zu: %d", i, rc);
        assert_null(strstr(err.message, "master "));
        buf_clear(&bad);
    }
    const char *others[] = {"", "\n", "tocsin-key 1\n", "tocsin-key 1\nmaster 00\ncheck 00\n", "hello"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        write_file(path, others[i], 0600);
        assert_int_equal(vault_open(path, &v, NULL), E_CRYPTO);
    }
    write_file(path, "tocsin-key 2\nfuture\n", 0600);
    assert_int_equal(vault_open(path, &v, NULL), E_UNSUPPORTED);
    assert_int_equal(vault_open(folder, &v, NULL), E_CRYPTO);
    assert_null(v);
    buf_clear(&good);
    vault_close(NULL);
}

static void what_was_altered_or_moved_stays_closed(void **state) {
    (void)state;
    struct rng rng;
    rng_seed_secret(&rng);
    struct vault_key k, other;
    vault_new_key(&rng, &k);
    vault_new_key(&rng, &other);
    struct arena a = {0};
    struct text out = TEXT("untouched");
    unsigned char sealed[64 + VAULT_OVERHEAD];
    struct text clear = TEXT("310115199001011234");
    size_t n = vault_seal(&k, &rng, TEXT("person.doc_no.7"), clear, sealed);
    assert_int_equal(n, clear.n + VAULT_OVERHEAD);
    for (size_t i = 0; i < n; i++) {
        sealed[i] ^= 0x20;
        assert_int_equal(
            vault_unseal(&k, TEXT("person.doc_no.7"), (struct text){(char *)sealed, n}, &a, &out, NULL),
            E_CRYPTO);
        sealed[i] ^= 0x20;
    }
    for (size_t i = 0; i < n; i++)
        assert_int_equal(
            vault_unseal(&k, TEXT("person.doc_no.7"), (struct text){(char *)sealed, i}, &a, &out, NULL),
            E_CRYPTO);
    struct text whole = {(char *)sealed, n};
    assert_int_equal(vault_unseal(&k, TEXT("person.doc_no.8"), whole, &a, &out, NULL), E_CRYPTO);
    assert_int_equal(vault_unseal(&other, TEXT("person.doc_no.7"), whole, &a, &out, NULL), E_CRYPTO);
    assert_true(text_is(out, "untouched"));
    assert_int_equal(vault_unseal(&k, TEXT("person.doc_no.7"), whole, &a, &out, NULL), 0);
    assert_true(text_eq(out, clear));
    /* the empty text seals and opens too; twice the same text never looks the same */
    n = vault_seal(&k, &rng, TEXT(""), TEXT(""), sealed);
    assert_int_equal(vault_unseal(&k, TEXT(""), (struct text){(char *)sealed, n}, &a, &out, NULL), 0);
    assert_int_equal(out.n, 0);
    unsigned char again[64 + VAULT_OVERHEAD];
    vault_seal(&k, &rng, TEXT(""), TEXT(""), again);
    assert_memory_not_equal(sealed, again, n);
    arena_clear(&a);
}

static void a_wrapped_key_belongs_to_one_person(void **state) {
    (void)state;
    struct vault *v = opened("k1"), *w = opened("k2");
    struct rng rng;
    rng_seed_secret(&rng);
    struct vault_key k, back = {{9}};
    vault_new_key(&rng, &k);
    unsigned char wrapped[VAULT_WRAPPED];
    vault_wrap(v, &rng, 42, &k, wrapped);
    struct text t = {(char *)wrapped, sizeof wrapped};
    assert_int_equal(vault_unwrap(v, 43, t, &back, NULL), E_CRYPTO);
    assert_int_equal(vault_unwrap(w, 42, t, &back, NULL), E_CRYPTO);
    assert_int_equal(vault_unwrap(v, 42, (struct text){t.s, t.n - 1}, &back, NULL), E_CRYPTO);
    assert_int_equal(back.bytes[0], 9);
    assert_int_equal(vault_unwrap(v, 42, t, &back, NULL), 0);
    assert_memory_equal(&k, &back, sizeof k);
    for (size_t i = 0; i < sizeof wrapped; i++) {
        wrapped[i] ^= 1;
        assert_int_equal(vault_unwrap(v, 42, t, &back, NULL), E_CRYPTO);
        wrapped[i] ^= 1;
    }
    vault_close(v);
    vault_close(w);
}

/* Stores of old hold keys sealed with their person in one piece, without the part that binds. */
static void a_key_wrapped_of_old_is_read_and_bound_still(void **state) {
    (void)state;
    struct vault *v = opened("k1");
    struct buf file = {0};
    struct error err = {0};
    struct rng rng;
    struct vault_key k, back = {{9}};
    unsigned char master[32], wrap[32], old[VAULT_SEALED_KEY], fresh[VAULT_WRAPPED], who[8] = {42};
    assert_ok(file_read(in_folder("k1"), 512, &file, &err), err);
    const char *hex = strstr(buf_cstr(&file), "master ") + 7;
    assert_true(hex_parse((struct text){hex, 64}, master, 32));
    crypto_kdf_derive_from_key(wrap, 32, 1, "tocsin01", master);
    rng_seed_secret(&rng);
    vault_new_key(&rng, &k);
    rng_bytes(&rng, old, 24);
    crypto_aead_xchacha20poly1305_ietf_encrypt(old + 24, NULL, k.bytes, sizeof k.bytes, who, sizeof who, NULL, old, wrap);
    struct text t = {(char *)old, sizeof old};
    assert_int_equal(vault_unwrap(v, 43, t, &back, NULL), E_CRYPTO);
    /* a key of today is none of old when what binds it is cut off, whoever's it is said to be */
    vault_wrap(v, &rng, 42, &k, fresh);
    assert_int_equal(vault_unwrap(v, 42, (struct text){(char *)fresh, VAULT_SEALED_KEY}, &back, NULL), E_CRYPTO);
    assert_int_equal(back.bytes[0], 9);
    assert_int_equal(vault_unwrap(v, 42, t, &back, NULL), 0);
    assert_memory_equal(&k, &back, sizeof k);
    /* sealed before the person was known, bound after: the same as in one step */
    vault_wrap_seal(v, &rng, &k, fresh);
    vault_wrap_bind(v, 7, fresh);
    assert_int_equal(vault_unwrap(v, 42, (struct text){(char *)fresh, sizeof fresh}, &back, NULL), E_CRYPTO);
    vault_wrap_bind(v, 42, fresh);
    assert_int_equal(vault_unwrap(v, 42, (struct text){(char *)fresh, sizeof fresh}, &back, NULL), 0);
    buf_clear(&file);
    vault_close(v);
}

static void the_file_gives_the_same_keys_again(void **state) {
    (void)state;
    struct vault *v = opened("k1"), *again = opened("k1"), *other = opened("k2");
    struct vault_key a, b, c;
    vault_common_key(v, &a);
    vault_common_key(again, &b);
    vault_common_key(other, &c);
    assert_memory_equal(&a, &b, sizeof a);
    assert_memory_not_equal(&a, &c, sizeof a);
    unsigned char p1[32], s1[64], p2[32], s2[64];
    vault_sign_keys(v, p1, s1);
    vault_sign_keys(again, p2, s2);
    assert_memory_equal(p1, p2, 32);
    assert_memory_equal(s1, s2, 64);
    vault_sign_keys(other, p2, s2);
    assert_memory_not_equal(p1, p2, 32);
    int64_t h1, h2, h3;
    assert_true(vault_blind(v, BLIND_NAME, TEXT("张伟"), &h1));
    assert_true(vault_blind(again, BLIND_NAME, TEXT("Zhang Wei"), &h2));
    assert_true(vault_blind(other, BLIND_NAME, TEXT("张伟"), &h3));
    assert_true(h1 == h2 && h1 != h3);
    vault_close(v);
    vault_close(again);
    vault_close(other);
}

static void normal(enum field_blind kind, const char *in, const char *expected) {
    char out[BLIND_MAX];
    size_t n = blind_normal(kind, text_of(in), out);
    if (n != strlen(expected) || memcmp(out, expected, n) != 0)
        fail_msg("%s became %.*s, not %s", in, (int)n, out, expected);
}

static void normal_forms_meet(void **state) {
    (void)state;
    struct vault *v = opened("k1");
    int64_t h = 77;
    const char *nothing[] = {"", " ", "--", "\xE3\x80\x80", "·"};
    for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++) {
        assert_false(vault_blind(v, BLIND_DOCUMENT, text_of(nothing[i]), &h));
        assert_false(vault_blind(v, BLIND_PHONE, text_of(nothing[i]), &h));
        assert_false(vault_blind(v, BLIND_NAME, text_of(nothing[i]), &h));
    }
    char huge[2000];
    memset(huge, '7', sizeof huge);
    for (int kind = BLIND_NONE; kind <= BLIND_ADDRESS; kind++)
        assert_false(vault_blind(v, (enum field_blind)kind, (struct text){huge, sizeof huge}, &h));
    assert_false(vault_blind(v, BLIND_NONE, TEXT("x"), &h));
    assert_int_equal(h, 77);

    normal(BLIND_DOCUMENT, "11010519491231002x", "11010519491231002X");
    normal(BLIND_DOCUMENT, " 110105 1949-1231 002X ", "11010519491231002X");
    normal(BLIND_DOCUMENT, "１１０１０５１９４９１２３１００２Ｘ", "11010519491231002X");
    normal(BLIND_DOCUMENT, "110105491231002", "11010519491231002X"); /* first generation */
    normal(BLIND_DOCUMENT, "110105491331002", "110105491331002");    /* month 13: no identity number */
    normal(BLIND_DOCUMENT, "A123456(7)", "A1234567");
    normal(BLIND_DOCUMENT, "e12345678", "E12345678");
    normal(BLIND_DOCUMENT, "藏字第123号", "藏字第123号");
    normal(BLIND_PHONE, "138 1234 1234", "13812341234");
    normal(BLIND_PHONE, "１３８１２３４１２３４", "13812341234");
    normal(BLIND_PHONE, "ext. 77", "77");
    normal(BLIND_ADDRESS, "上海市 浦东新区 世纪大道１００号4栋501室", "上海市浦东新区世纪大道100号4栋501");
    normal(BLIND_ADDRESS, "枫林路12弄，3－201", "枫林路12弄3-201");
    normal(BLIND_ADDRESS, "枫林路12弄 32-01", "枫林路12弄32-01");
    normal(BLIND_ADDRESS, "Flat 3, 12 Nathan Road", "flat3-12nathanroad");
    normal(BLIND_ADDRESS, "成都市武侯区", ""); /* a district is no home */
    normal(BLIND_ADDRESS, "12号", "");
    /* one hash per kind, even for the same text */
    int64_t doc, phone;
    assert_true(vault_blind(v, BLIND_DOCUMENT, TEXT("13812341234"), &doc));
    assert_true(vault_blind(v, BLIND_PHONE, TEXT("13812341234"), &phone));
    assert_true(doc != phone);
    vault_close(v);
}

static void named(const char *in, const char *expected) {
    char out[64];
    assert_true(name_normal(text_of(in), out, sizeof out));
    assert_string_equal(out, expected);
}

static void names_meet_in_pinyin(void **state) {
    (void)state;
    char out[64];
    assert_false(name_normal(TEXT("张伟"), out, 8));
    assert_true(name_normal(TEXT("张伟"), out, 9));
    assert_false(name_normal(TEXT("abc"), out, 3));
    assert_false(name_normal(TEXT(""), out, 0));
    named("", "");
    named(" · ", "");
    named("张伟", "zhangwei");
    named("張偉", "zhangwei");
    named("章玮", "zhangwei");
    named("Zhang Wei", "zhangwei");
    named("ZHANG, Wei", "zhangwei");
    named("Ｚｈａｎｇ　Ｗｅｉ", "zhangwei");
    named("Zhāng Wěi", "zhangwei");
    named("曾平", "zengping");
    named("平曾", "pingceng");
    named("单雪", "shanxue");
    named("單雪", "shanxue");
    named("吕布", "lubu");
    named("阿不都·克里木", "abudoukelimu");
    named("葉問", "yewen");
    named("叶问", "yewen");
    named("Jos\xC3\xA9", "jose");
    named("Jose\xCC\x81", "jose"); /* decomposed */
    named("\xF0\xA0\x80\x80\xF0\xB0\x80\x80x",
          "heu30000x"); /* a character without a reading keeps its number */
    named("\xFF\xFE", "");
    named("王2", "wang2");
}

static void *name_thread(void *arg) {
    unsigned from = *(unsigned *)arg;
    for (unsigned i = 0; i < 4000; i++) {
        char s[8], out[32];
        size_t n = text_encode(0xAC00 + (from + i) % 4000, s); /* syllables that no table holds */
        if (!name_normal((struct text){s, n}, out, sizeof out) || !out[0]) return (void *)1;
    }
    return NULL;
}

static void names_are_read_by_many_threads(void **state) {
    (void)state;
    pthread_t t[4];
    unsigned from[4] = {0, 0, 2000, 3000};
    for (int i = 0; i < 4; i++) assert_int_equal(pthread_create(&t[i], NULL, name_thread, &from[i]), 0);
    for (int i = 0; i < 4; i++) {
        void *failed = NULL;
        pthread_join(t[i], &failed);
        assert_null(failed);
    }
}

/* What was asked when the program was built is what would be asked now. */
static void the_table_of_names_is_what_icu_says(void **state) {
    (void)state;
    for (int first = 0; first < 2; first++)
        for (uint32_t c = NAME_HAN; c < NAME_HAN_END; c += c % 7 + 1)
            assert_true(name_word_list[name_word_index[first][c - NAME_HAN]] == name_word_ask(c, first));
}

static void masked(const struct field *f, const char *in, const char *expected) {
    struct buf out = {0};
    vault_mask(f, text_of(in), &out);
    assert_string_equal(buf_cstr(&out), expected);
    buf_clear(&out);
}

static void masks_show_little(void **state) {
    (void)state;
    struct field name = {.blind = BLIND_NAME}, doc = {.blind = BLIND_DOCUMENT},
                 card = {.check = CHECK_ID_CARD};
    struct field phone = {.blind = BLIND_PHONE}, address = {.type = FIELD_TEXT};
    masked(&name, "", "");
    masked(&name, "张", "*");
    masked(&name, "张伟", "张*");
    masked(&name, "欧阳修远", "欧***");
    masked(&name, "Alexander the Great", "A***");
    masked(&doc, "11010519491231002X", "1101**********002X");
    masked(&card, "11010519491231002X", "1101**********002X");
    masked(&doc, "E12345678", "E******78");
    masked(&doc, "1234", "1***");
    masked(&doc, "1", "*");
    masked(&phone, "13812341234", "138****1234");
    masked(&phone, "64371234", "*****234");
    masked(&phone, "110", "***");
    masked(&address, "上海市", "***");
    masked(&address, "", "");
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    vault_close(opened("k1"));
    struct vault *v = NULL;
    mem_fail_at(1, true);
    int rc = vault_open(in_folder("k1"), &v, NULL);
    mem_fail_at(0, false);
    assert_int_equal(rc, E_MEMORY);
    assert_null(v);
    struct rng rng;
    rng_seed(&rng, 1);
    struct vault_key k;
    vault_new_key(&rng, &k);
    unsigned char sealed[64];
    size_t n = vault_seal(&k, &rng, TEXT("c"), TEXT("x"), sealed);
    struct arena a = {0};
    struct text out = TEXT("");
    mem_fail_at(1, true);
    rc = vault_unseal(&k, TEXT("c"), (struct text){(char *)sealed, n}, &a, &out, NULL);
    mem_fail_at(0, false);
    assert_int_equal(rc, E_MEMORY);
    arena_clear(&a);
}

static void an_erased_person_stays_closed(void **state) {
    (void)state;
    struct vault *v = opened("k1");
    struct rng rng;
    rng_seed_secret(&rng);
    for (size_t s = 0; s < test_stores(); s++) {
        struct db *db = NULL;
        struct error err = {0};
        struct buf plan = {0};
        const struct db_table *tables[] = {vault_key_table()};
        assert_ok(db_open(test_store_fresh(s), DB_WRITE, &db, &err), err);
        assert_ok(db_migrate(db, tables, 1, true, &plan, &err), err);
        struct vault_key keys[3], back = {{0}};
        unsigned char wrapped[3][VAULT_WRAPPED];
        struct value rows[6];
        for (int i = 0; i < 3; i++) {
            vault_new_key(&rng, &keys[i]);
            vault_wrap(v, &rng, 10 + i, &keys[i], wrapped[i]);
            rows[2 * i] = value_int(10 + i);
            rows[2 * i + 1] = value_blob(wrapped[i], VAULT_WRAPPED);
        }
        static const uint16_t columns[] = {0, 1};
        assert_int_equal(vault_person_key(v, db, 10, &back, NULL), E_UNKNOWN);
        assert_ok(db_begin(db, &err), err);
        assert_ok(db_batch(db, DB_INSERT, vault_key_table(), columns, 2, rows, 3, NULL, &err), err);
        assert_ok(db_commit(db, &err), err);
        for (int i = 0; i < 3; i++) {
            assert_ok(vault_person_key(v, db, 10 + i, &back, &err), err);
            assert_memory_equal(&back, &keys[i], sizeof back);
        }
        /* another person's key in the row of 11 opens nothing */
        struct value moved[] = {value_int(11), value_blob(wrapped[0], VAULT_WRAPPED)};
        assert_ok(db_begin(db, &err), err);
        assert_ok(db_batch(db, DB_UPSERT, vault_key_table(), columns, 2, moved, 1, NULL, &err), err);
        assert_ok(db_run(db, "DELETE FROM \"vault_key\" WHERE \"person\" = 12", NULL, 0, NULL, &err), err);
        assert_ok(db_commit(db, &err), err);
        assert_int_equal(vault_person_key(v, db, 11, &back, NULL), E_CRYPTO);
        assert_int_equal(vault_person_key(v, db, 12, &back, NULL), E_UNKNOWN);
        buf_clear(&plan);
        db_close(db);
        test_store_drop(s);
    }
    vault_close(v);
}

/* The speed the import needs; printed, and held loosely so that a sanitizer build passes. */
static void speed(void **state) {
    (void)state;
    struct vault *v = opened("k1");
    struct rng rng;
    rng_seed_secret(&rng);
    struct vault_key k;
    vault_new_key(&rng, &k);
    unsigned char out[128];
    int64_t h = 0;
    uint64_t sum = 0;
    enum { N = 100000 };
    int64_t t0 = monotonic_ns();
    for (int i = 0; i < N; i++)
        sum += vault_seal(&k, &rng, TEXT("person.name.12345"), TEXT("110105194912310021"), out);
    int64_t t1 = monotonic_ns();
    for (int i = 0; i < N; i++) vault_wrap(v, &rng, i, &k, out);
    int64_t t2 = monotonic_ns();
    for (int i = 0; i < N; i++)
        vault_blind(v, BLIND_DOCUMENT, TEXT("110105194912310021"), &h), sum += (uint64_t)h;
    int64_t t3 = monotonic_ns();
    char s[64];
    for (int i = 0; i < N; i++) name_normal(TEXT("欧阳修远"), s, sizeof s), sum += (unsigned char)s[0];
    int64_t t4 = monotonic_ns();
    print_message("ns each: seal %ld, wrap %ld, blind %ld, name %ld (%d)\n", (long)(t1 - t0) / N,
                  (long)(t2 - t1) / N, (long)(t3 - t2) / N, (long)(t4 - t3) / N, (int)(sum & 1));
    assert_true((t1 - t0) / N < 40000 && (t4 - t3) / N < 20000);
    vault_close(v);
}

int main(void) {
    struct error err = {0};
    if (digest_init(&err) < 0) return 1;
    snprintf(folder, sizeof folder, "/tmp/tocsin-vault-XXXXXX");
    if (!mkdtemp(folder)) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_key_files_are_refused),
        cmocka_unit_test(what_was_altered_or_moved_stays_closed),
        cmocka_unit_test(a_wrapped_key_belongs_to_one_person),
        cmocka_unit_test(a_key_wrapped_of_old_is_read_and_bound_still),
        cmocka_unit_test(the_file_gives_the_same_keys_again),
        cmocka_unit_test(normal_forms_meet),
        cmocka_unit_test(names_meet_in_pinyin),
        cmocka_unit_test(names_are_read_by_many_threads),
        cmocka_unit_test(the_table_of_names_is_what_icu_says),
        cmocka_unit_test(masks_show_little),
        cmocka_unit_test(an_erased_person_stays_closed),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(speed),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    const char *files[] = {"bad", "k1", "k2"};
    for (int i = 0; i < 3; i++) unlink(in_folder(files[i]));
    rmdir(folder);
    return failed;
}
