/* What strangers send to learn a result, and what a desk sends to find a person: bodies of /public/v1/results and of /api/v1/persons/search. Laws: a whole answer that does not blame
 * the server; results are told for the one ticket that was given out and for no other, however near; without a purpose nobody is looked for. The input: a byte that says what
 * the rest is (a whole body, a ticket, edits of the ticket there is, a search), then the rest. */
#include "door.h"
#include "doors/http/answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char ticket[64];

static int post(const char *path, const char *more, struct text body, char *got, size_t max) {
    struct buf b = {0};
    buf_printf(&b, "POST %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n%sContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n", path, more, body.n);
    buf_text(&b, body);
    int status = ask_door(reach(), &b, got, max);
    if (status < 200 || (status >= 500 && status != 503)) {
        fprintf(stderr, "%.900s\n-- was answered\n%.600s\n", buf_cstr(&b), got);
        abort();
    }
    buf_clear(&b);
    return status;
}

#define NO_PURPOSE "Authorization: Bearer token-fuzz\r\n"
#define AS_DESK NO_PURPOSE "Tocsin-Purpose: fuzz\r\n"

/* A record by the API; its id. */
static long long made(const char *reg, const char *fields) {
    char got[8192], path[120], body[600];
    snprintf(path, sizeof path, "/api/v1/registers/%s/records", reg);
    snprintf(body, sizeof body, "{\"region\":\"310115\",\"fields\":{%s}}", fields);
    const char *id = post(path, AS_DESK, text_of(body), got, sizeof got) == 201 ? strstr(got, "\"id\":") : NULL;
    if (!id) {
        fprintf(stderr, "%s %s\n", reg, got);
        abort();
    }
    return atoll(id + 5);
}

/* One person with a document, a swab in a tube and a ticket. */
static void begin_results(void) {
    char got[8192], fields[300];
    begin();
    long long person = made("person", "\"name\":\"李娜\",\"doc_type\":\"id-card\",\"doc_no\":\"11010519491231002X\",\"phone\":\"13912345678\"");
    snprintf(fields, sizeof fields, "\"campaign\":%lld,\"seq\":1,\"starts_at\":\"2022-05-30T08:00\"", made("campaign", "\"title\":\"a\",\"starts_at\":\"2022-05-30T00:00\""));
    snprintf(fields, sizeof fields, "\"barcode\":\"T1\",\"round\":%lld,\"size\":10,\"opened_at\":\"2022-05-30T09:00\"", made("round", fields));
    snprintf(fields, sizeof fields, "\"person\":%lld,\"tube\":%lld,\"swabbed_at\":\"2022-05-30T09:05\"", person, made("tube", fields));
    made("swab", fields);
    snprintf(fields, sizeof fields, "/api/v1/persons/%lld/ticket", person);
    int status = post(fields, AS_DESK, (struct text){"", 0}, got, sizeof got);
    const char *t = strstr(got, "\"ticket\":\"");
    if (status != 200 || !t || strcspn(t + 10, "\"") != 32) abort();
    snprintf(ticket, sizeof ticket, "%.32s", t + 10);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static char got[65536];
    struct buf b = {0};
    if (!server) begin_results();
    if (size < 1 || size > 4000) return 0;
    struct text rest = {(const char *)data + 1, size - 1};
    bool search = data[0] % 4 == 3, purpose = data[0] & 4, ours = false;
    if (data[0] % 4 == 0 || search) {
        buf_text(&b, rest);
    } else {
        char edited[sizeof ticket];
        memcpy(edited, ticket, sizeof edited);
        for (size_t i = 1; i + 2 <= size; i += 2) edited[data[i] % 32] ^= (char)data[i + 1];
        struct text t = data[0] % 4 == 1 ? rest : (struct text){edited, 32};
        ours = text_is(t, ticket);
        buf_str(&b, "{\"ticket\":");
        json_put_string(&b, t);
        buf_char(&b, '}');
    }
    int status = post(search ? "/api/v1/persons/search" : "/public/v1/results", !search ? "" : purpose ? AS_DESK : NO_PURPOSE, buf_view(&b), got, sizeof got);
    bool told = !search && strstr(got, "\"sampled_at\"") != NULL;
    if ((told && !ours && !memmem(b.s, b.n, ticket, 32)) || (ours && (status != 200 || !told)) || (search && !purpose && status < 400)) {
        fprintf(stderr, "%s\n-- was answered\n%.600s\n", buf_cstr(&b), got);
        abort();
    }
    buf_clear(&b);
    return 0;
}
