/* A list of names pushed by another province (推送), against a store that knows a whole city: each is validated, looked for by document, phone and name,
 * and recorded; half of them are known. Then the time to open that store, and what an idle process that has it open keeps in memory.
 * The city is made by a generator that writes the tables a person has (person, vault_key) through db_batch and the lookup, with real seals and blind hashes but
 * without journal and duties: it stands for the state of a store, not for the way there.
 * usage: bench_push [PERSONS] [STORE]     PERSONS: 1,000,000; 10,000,000 is the target's city and takes some minutes to make */
#include <sys/wait.h>

#include "bench.h"
#include "desks/intake/import.h"
#include "ledger/table.h"

enum { STEP = 250000, PUSHED = 200000, FIRST = 1000, PUSH_TARGET = 5, MEMORY_TARGET = 60 };

static struct value seal(struct bench_node *n, struct arena *a, const struct vault_key *k, const char *context, struct text clear) {
    unsigned char *out = arena_alloc(a, clear.n + VAULT_OVERHEAD);
    return value_blob(out, vault_seal(k, &n->l->secret, text_of(context), clear, out));
}

static void row_of(size_t k, char name[32], char doc[32], char phone[32]) {
    static const char *const given[] = {"伟", "芳", "娜", "秀英", "敏", "静", "丽", "强", "磊", "军", "洋", "勇", "艳", "杰", "涛", "明"};
    static const char *const family[] = {"王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴", "徐", "孙", "胡", "朱", "高", "林"};
    snprintf(name, 32, "%s%s", family[k % 16], given[k / 16 % 16]);
    snprintf(doc, 32, "E%09zu", k);
    snprintf(phone, 32, "13%09zu", k);
}

static void city(struct bench_node *n, size_t persons) {
    static const uint16_t key_columns[] = {0, 1};
    const struct register_decl *reg = bench_register(n, "person");
    const struct reg_table *t = n->l->tables[reg->order];
    uint16_t columns[10] = {COL_REGION, COL_ID, COL_VERSION, COL_CREATED_AT, COL_CHANGED_AT, COL_ENTRY};
    static const char *const fields[] = {"name", "doc_type", "doc_no", "phone"};
    for (int i = 0; i < 4; i++) columns[6 + i] = (uint16_t)(RECORD_SYSTEM_COLUMNS + register_field(reg, text_of(fields[i])));
    for (size_t done = 0; done < persons; done += STEP) {
        struct arena a = {0};
        struct value *rows = malloc(STEP * 10 * sizeof *rows), *keys = malloc(STEP * 2 * sizeof *keys);
        struct lookup_entry *blind = malloc(STEP * 3 * sizeof *blind);
        if (!rows || !keys || !blind) exit(1);
        for (size_t i = 0; i < STEP; i++) {
            char name[32], doc[32], phone[32];
            int64_t id = FIRST + (int64_t)(done + i), hash[3] = {0};
            struct vault_key key;
            unsigned char *wrapped = arena_alloc(&a, VAULT_WRAPPED);
            row_of(done + i, name, doc, phone);
            vault_new_key(&n->l->secret, &key);
            vault_wrap(n->l->vault, &n->l->secret, id, &key, wrapped);
            vault_blind(n->l->vault, BLIND_NAME, text_of(name), &hash[0]);
            vault_blind(n->l->vault, BLIND_DOCUMENT, text_of(doc), &hash[1]);
            vault_blind(n->l->vault, BLIND_PHONE, text_of(phone), &hash[2]);
            struct value row[] = {value_str("310115"), value_int(id), value_int(1), value_int(n->s.now), value_int(n->s.now), value_int(1),
                                  seal(n, &a, &key, "person/name", text_of(name)), value_str("passport"), seal(n, &a, &key, "person/doc_no", text_of(doc)),
                                  seal(n, &a, &key, "person/phone", text_of(phone))};
            memcpy(rows + i * 10, row, sizeof row);
            keys[i * 2] = value_int(id);
            keys[i * 2 + 1] = value_blob(wrapped, VAULT_WRAPPED);
            static const enum field_blind kinds[] = {BLIND_NAME, BLIND_DOCUMENT, BLIND_PHONE};
            for (size_t b = 0; b < 3; b++) blind[i * 3 + b] = lookup_entry_of(lookup_blind(kinds[b]), hash[b], id);
        }
        must(ledger_begin(n->l, &err), "begin");
        must(db_batch(n->l->db, DB_INSERT, &t->table, columns, 10, rows, STEP, NULL, &err), "persons");
        must(db_batch(n->l->db, DB_INSERT, vault_key_table(), key_columns, 2, keys, STEP, NULL, &err), "keys");
        must(lookup_add(n->l->lookup, n->l->db, blind, STEP * 3, &err), "lookup");
        n->l->next_id = FIRST + (int64_t)(done + STEP);
        must(ledger_commit(n->l, n->s.now, &err), "commit");
        free(rows);
        free(keys);
        free(blind);
        arena_clear(&a);
    }
}

static int push(struct bench_node *n, size_t persons) {
    struct text headers[] = {TEXT("姓名"), TEXT("证件类型"), TEXT("证件号码"), TEXT("联系电话")};
    struct intake_options o = {.target = bench_register(n, "person"), .n_headers = 4, .headers = headers, .file = "push"};
    struct intake *in = NULL;
    double from = wall_s(), cpu = cpu_s();
    must(intake_new(n->l, &n->s, &o, &in, &err), "intake");
    for (size_t i = 0; i < PUSHED; i++) {
        char name[32], doc[32], phone[32];
        /* every other one is known; they are spread over the whole city */
        row_of(i & 1 ? i * 7919 % persons : persons + i, name, doc, phone);
        struct text cells[] = {text_of(name), TEXT("护照"), text_of(doc), text_of(phone)};
        must(intake_row(in, cells, 4, (int64_t)i + 2, false, &err), "row");
    }
    must(intake_finish(in, &err), "finish");
    double took = wall_s() - from, spent = cpu_s() - cpu;
    struct intake_counts c;
    intake_progress(in, &c);
    intake_free(in);
    printf("  %d pushed: %lld new, %lld known, %lld refused; %.2f s, %.2f s of processor on two threads\n", PUSHED, (long long)c.created, (long long)c.matched,
           (long long)c.rejected, took, spent);
    return bench_verdict("200,000 names against the city, wall", took, "s", PUSH_TARGET, false);
}

/* In a process of its own, so that the generator's memory is not counted. */
static int opened(const char *node, const char *store) {
    const char *home = getenv("TOCSIN_HOME");
    struct ledger_options o = {.dir = node, .store = store, .home = home ? home : "."};
    struct ledger *l = NULL;
    double from = wall_s();
    must(ledger_open(&o, &l, &err), "open");
    double took = wall_s() - from;
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f || fscanf(f, "%*s %ld", &pages) != 1) pages = 0;
    if (f) fclose(f);
    int missed = bench_verdict("the store is open after", took, "s", 0.5, false);
    missed += bench_verdict("resident memory, idle", (double)pages * (double)sysconf(_SC_PAGESIZE) / 1e6, "MB", MEMORY_TARGET, false);
    ledger_close(l);
    return missed;
}

int main(int argc, char **argv) {
    if (argc > 2 && strcmp(argv[1], "--opened") == 0) return opened(argv[2], argc > 3 ? argv[3] : NULL);
    size_t persons = argc > 1 ? (size_t)atoll(argv[1]) : 1000000;
    const char *store = argc > 2 ? argv[2] : NULL;
    struct bench_node n;
    bench_node_open(&n, store, NULL, 1653876000);
    double from = wall_s();
    db_bulk(n.l->db, true);
    city(&n, persons);
    db_bulk(n.l->db, false);
    must(db_analyze(n.l->db, &err), "analyze");
    printf("  %zu persons made in %.0f s\n", persons, wall_s() - from);
    int missed = push(&n, persons);
    pid_t child = fork();
    if (child == 0) {
        execl("/proc/self/exe", "bench_push", "--opened", n.node, store, (char *)NULL);
        _exit(1);
    }
    int status = 1;
    if (child < 0 || waitpid(child, &status, 0) < 0 || !WIFEXITED(status)) return 1;
    missed += WEXITSTATUS(status);
    bench_node_drop(&n);
    return missed;
}
