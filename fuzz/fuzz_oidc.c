/* A sign-in provider that says what it likes: its description, its key set and its tokens, over a real socket while somebody signs in. Its tokens come through the door's own
 * handlers; description and keys, which a server asks for once, through the desk, opened anew each time. Laws: every step has a whole answer that does not blame the server; nobody is signed in unless the key that the provider shows signed that it is he, for us, in answer to this
 * sign-in; and with a provider that does as it should, he is. The input: a byte that says which parts are the input's own and what the token is, a byte for how it is answered,
 * then description, key set and token, a line "----" between them; in each @@ is the provider's address, @N the nonce, @T the time. */
#include <jansson.h>
#include <pthread.h>
#include <rhonabwy.h>
#include <sys/stat.h>

#include "door.h"
#include "desks/account/oidc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { DESCRIPTION, KEYS, TOKEN, PARTS };
enum { OWN_DESCRIPTION = 1, OWN_KEYS = 2, OWN_TOKEN = 4, OWN_CLAIMS = 8 };
static const char good_description[] = "{\"issuer\":\"@@\",\"authorization_endpoint\":\"@@/authorize\",\"token_endpoint\":\"@@/2\",\"jwks_uri\":\"@@/1\"}";
static const char good_claims[] = "{\"iss\":\"@@\",\"aud\":\"tocsin\",\"nonce\":\"@N\",\"iat\":@T,\"exp\":@T9,\"login\":\"li.na\"}";

static struct {
    int fd, status;
    size_t promised; /* bytes that the answer says it has and has not */
    char base[40], nonce[64], *good_keys;
    jwk_t *key;
    struct buf say[PARTS];
    pthread_mutex_t lock; /* of status, promised and say: who asked may have gone before all of it was sent */
} provider = {.lock = PTHREAD_MUTEX_INITIALIZER};
static int64_t began_ns;
static struct ledger *desk;

/* ---- the provider: one connection after the other, a path a part */

static void *provide(void *none) {
    (void)none;
    for (int fd; (fd = accept(provider.fd, NULL, NULL)) >= 0; close(fd)) {
        char asked[8192], head[200];
        size_t n = 0;
        ssize_t k;
        while (n < sizeof asked - 1 && (k = recv(fd, asked + n, sizeof asked - 1 - n, 0)) > 0) {
            asked[n += (size_t)k] = 0;
            const char *end = strstr(asked, "\r\n\r\n"), *length = strcasestr(asked, "Content-Length:");
            if (end && n >= (size_t)(end + 4 - asked) + (length ? strtoul(length + 15, NULL, 10) : 0)) break;
        }
        const char *path = strchr(asked, '/');
        pthread_mutex_lock(&provider.lock);
        const struct buf *b = &provider.say[path && path[1] == '2' ? TOKEN : path && path[1] == '1' ? KEYS : DESCRIPTION];
        snprintf(head, sizeof head, "HTTP/1.1 %d As it likes\r\nLocation: /0\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n", provider.status, b->n + provider.promised);
        if (send(fd, head, strlen(head), MSG_NOSIGNAL) > 0 && b->n) (void)!send(fd, b->s, b->n, MSG_NOSIGNAL);
        pthread_mutex_unlock(&provider.lock);
    }
    return NULL;
}

static instant now(void) {
    return 1653876000 + (monotonic_ns() - began_ns) / 1000000000;
}

static void expand(struct buf *b, struct text t) {
    buf_reset(b);
    for (size_t i = 0; i < t.n; i++) {
        char next = i + 1 < t.n ? t.s[i + 1] : 0;
        if (t.s[i] != '@' || !next || !strchr("@NT", next)) buf_char(b, t.s[i]);
        else if (++i, next == '@') buf_str(b, provider.base);
        else if (next == 'N') buf_str(b, provider.nonce);
        else buf_printf(b, "%lld", (long long)now());
    }
}

static void make_account(void) {
    static const char body[] = "{\"login\":\"li.na\",\"title\":\"li.na\",\"roles\":\"intake\",\"region\":\"310115\"}";
    struct buf b = {0};
    char got[4096];
    buf_printf(&b, "POST /api/v1/accounts HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer token-fuzz\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
               sizeof body - 1, body);
    if (ask_door(reach(), &b, got, sizeof got) / 100 != 2) {
        fprintf(stderr, "%s\n", got);
        abort();
    }
    buf_clear(&b);
}

static void begin_provider(void) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    pthread_t thread = 0;
    jwk_t *public_key = NULL;
    jwks_t *set = NULL;
    char path[120];
    began_ns = monotonic_ns();
    provider.fd = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(provider.fd, (struct sockaddr *)&at, sizeof at) != 0 || listen(provider.fd, 16) != 0 || getsockname(provider.fd, (struct sockaddr *)&at, &n) != 0) abort();
    snprintf(provider.base, sizeof provider.base, "http://127.0.0.1:%d", ntohs(at.sin_port));
    if (r_jwk_init(&provider.key) || r_jwk_init(&public_key) || r_jwks_init(&set) || r_jwk_generate_key_pair(provider.key, public_key, R_KEY_TYPE_EC, 256, "one")) abort();
    r_jwks_append_jwk(set, public_key);
    provider.good_keys = r_jwks_export_to_json_str(set, 0);
    r_jwks_free(set);
    r_jwk_free(public_key);
    begin();
    snprintf(path, sizeof path, "%s/oidc.yaml", node);
    FILE *f = fopen(path, "w");
    need(f && fprintf(f, "issuer: %s\ndiscovery: %s/0\nclient_id: tocsin\nclient_secret: secret\nredirect_uri: http://127.0.0.1:8460/\nclaim: login\n", provider.base, provider.base) > 0 &&
         fclose(f) == 0 && chmod(path, 0600) == 0 && pthread_create(&thread, NULL, provide, NULL) == 0, path);
    pthread_detach(thread);
    make_account();
    http_server_stop(server); /* it has not seen oidc.yaml */
    open_door();
    if (ledger_open(&door.ledger, &desk, NULL) < 0) abort();
}

/* ---- somebody signs in */

static int get(const char *target, const char *cookie, char *got, size_t max) {
    static uint32_t caller;
    struct buf b = {0};
    buf_printf(&b, "GET %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAccept: application/json\r\n", target);
    if (cookie) buf_printf(&b, "Cookie: tocsin_oidc=%s\r\n", cookie);
    buf_str(&b, "\r\n");
    int status = ask_door(reach_from(0x7f000001 + ++caller % 0xfffff0), &b, got, max);
    if (status < 200 || (status >= 500 && status != 503)) {
        fprintf(stderr, "%.300s\n-- was answered\n%.900s\n", b.s, got);
        abort();
    }
    buf_clear(&b);
    return status;
}

/* The word after `name` up to one of `ends`. */
static bool word(const char *in, const char *name, const char *ends, char *out, size_t max) {
    const char *s = strstr(in, name);
    size_t n = s ? strcspn(s + strlen(name), ends) : max;
    if (n >= max) return false;
    memcpy(out, s + strlen(name), n);
    out[n] = 0;
    return n > 0;
}

/* A token in the provider's answer, of claims that its own key signs. False: the claims are none. */
static bool sign(const char *claims) {
    jwt_t *jwt = NULL;
    if (r_jwt_init(&jwt)) abort();
    r_jwt_set_sign_alg(jwt, R_JWA_ALG_ES256);
    char *token = r_jwt_set_full_claims_json_str(jwt, claims) == RHN_OK ? r_jwt_serialize_signed(jwt, provider.key, 0) : NULL;
    buf_reset(&provider.say[TOKEN]);
    buf_printf(&provider.say[TOKEN], "{\"access_token\":\"x\",\"id_token\":\"%s\"}", token ? token : "");
    bool made = token != NULL;
    r_free(token);
    r_jwt_free(jwt);
    return made;
}

/* What the desk must have found in the claims before anybody is let in. */
static bool say_it_is_he(const char *claims) {
    json_t *j = json_loads(claims, 0, NULL);
    const char *iss = json_string_value(json_object_get(j, "iss")), *nonce = json_string_value(json_object_get(j, "nonce")), *login = json_string_value(json_object_get(j, "login"));
    const json_t *aud = json_object_get(j, "aud");
    bool is = iss && nonce && login && !strcmp(iss, provider.base) && !strcmp(nonce, provider.nonce) && !strcmp(login, "li.na") && (json_is_array(aud) || !strcmp(json_string_value(aud), "tocsin"));
    json_decref(j);
    return is;
}

/* Only the provider is asked: nobody else on this machine, whatever it says its addresses are. */
static bool elsewhere(struct text description) {
    static const char *const names[] = {"token_endpoint", "jwks_uri"};
    json_t *j = json_loadb(description.s, description.n, 0, NULL);
    bool is = false;
    for (size_t i = 0; i < 2; i++) {
        const char *url = json_string_value(json_object_get(j, names[i]));
        is = is || (url && provider_url_ok(text_of(url)) && (strncmp(url, provider.base, strlen(provider.base)) || url[strlen(provider.base)] != '/'));
    }
    json_decref(j);
    return is;
}

/* One sign-in: where it is begun and what of it is kept; what is asked of the provider in between; whether he is in. */
struct trip {
    struct accounts *accounts; /* NULL: by the door */
    struct account_seat seat;
    struct account_oidc_start begun;
    char state[64];
    char got[65536];
};

static bool trip_begin(struct trip *t, bool by_desk) {
    static const struct account_options o = {.hash_passes = 1, .hash_memory = 8192};
    struct error err = {0};
    int status = 200;
    t->accounts = NULL;
    if (by_desk) {
        if (accounts_open(desk, &o, &t->accounts, &err) < 0) abort();
        t->seat = (struct account_seat){.accounts = t->accounts, .ledger = desk};
        if (account_oidc_begin(&t->seat, now(), &t->begun, &err) < 0) {
            if (!err.code || !*err.message || error_http(err.code) == 500) abort();
            return false;
        }
    } else if ((status = get("/api/v1/session/oidc", NULL, t->got, sizeof t->got)) != 200 || !word(t->got, "\"location\":\"", "\"", t->begun.url, sizeof t->begun.url) ||
               !word(t->got, "tocsin_oidc=", ";", t->begun.cookie, sizeof t->begun.cookie)) {
        fprintf(stderr, "%s\n", t->got);
        abort();
    }
    return word(t->begun.url, "&state=", "&", t->state, sizeof t->state) && word(t->begun.url, "&nonce=", "&", provider.nonce, sizeof provider.nonce);
}

static bool trip_end(struct trip *t) {
    char target[200];
    struct account_signed made;
    struct error err = {0};
    if (t->accounts) {
        struct account_from from = {.address = TEXT("127.0.0.1"), .agent = TEXT("fuzz")};
        int rc = account_oidc_finish(&t->seat, &from, text_of(t->begun.cookie), text_of(t->state), TEXT("abc"), now(), &made, &err);
        if (rc < 0 && (!err.code || !*err.message || error_http(rc) == 500)) abort();
        return rc == 0;
    }
    snprintf(target, sizeof target, "/api/v1/session/oidc/callback?code=abc&state=%s", t->state);
    int status = get(target, t->begun.cookie, t->got, sizeof t->got);
    bool in = strstr(t->got, "tocsin_session=") != NULL;
    if (in != (status == 200)) abort();
    return in;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const int statuses[] = {200, 200, 200, 200, 302, 400, 401, 500};
    static struct trip t;
    struct text part[PARTS] = {{"", 0}};
    struct buf claims = {0};
    if (!server) begin_provider();
    if (size < 2 || size > 20000) return 0;
    unsigned own = data[0] & 15;
    struct text rest = {(const char *)data + 2, size - 2};
    for (int i = 0; i < PARTS; i++) {
        const char *cut = i + 1 < PARTS && rest.n ? memmem(rest.s, rest.n, "\n----\n", 6) : NULL;
        part[i] = cut ? (struct text){rest.s, (size_t)(cut - rest.s)} : rest;
        rest = cut ? (struct text){cut + 6, rest.n - part[i].n - 6} : (struct text){"", 0};
    }
    pthread_mutex_lock(&provider.lock);
    provider.status = 200;
    provider.promised = 0;
    expand(&provider.say[DESCRIPTION], own & OWN_DESCRIPTION ? part[DESCRIPTION] : TEXT(good_description));
    expand(&provider.say[KEYS], own & OWN_KEYS ? part[KEYS] : text_of(provider.good_keys));
    pthread_mutex_unlock(&provider.lock);
    if (elsewhere(buf_view(&provider.say[DESCRIPTION]))) return 0;
    if (trip_begin(&t, own & (OWN_DESCRIPTION | OWN_KEYS))) {
        pthread_mutex_lock(&provider.lock);
        expand(&claims, own & OWN_CLAIMS ? part[TOKEN] : TEXT(good_claims));
        if (own & OWN_TOKEN) expand(&provider.say[TOKEN], part[TOKEN]);
        else if (!sign(buf_cstr(&claims))) own |= OWN_TOKEN;
        if (!(own & OWN_KEYS)) provider.status = statuses[data[1] & 7], provider.promised = data[1] >> 3 == 31;
        pthread_mutex_unlock(&provider.lock);
        bool in = trip_end(&t), meant = provider.status == 200 && !provider.promised && !(own & (OWN_KEYS | OWN_TOKEN));
        if ((in && (!meant || !say_it_is_he(buf_cstr(&claims)))) || (!in && meant && !(own & (OWN_CLAIMS | OWN_DESCRIPTION)))) {
            fprintf(stderr, "%s\n%.2000s\n-- was answered\n%.900s\n", buf_cstr(&claims), buf_cstr(&provider.say[TOKEN]), t.got);
            abort();
        }
    }
    accounts_close(t.accounts);
    t.accounts = NULL;
    buf_clear(&claims);
    return 0;
}
