/* The provider: its declaration (DIR/oidc.yaml) and how it is asked (libcurl). */
#include <curl/curl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/yaml.h"
#include "desks/account/oidc.h"

enum { CONNECT_S = 5, ANSWER_S = 10, FACTORS_MAX = 8 };

bool provider_url_ok(struct text url) {
    static const struct text here[] = {{"http://localhost:", 17}, {"http://127.0.0.1:", 17}, {"http://[::1]:", 13}};
    if (url.n >= ACCOUNT_URL_MAX / 2 || memchr(url.s ? url.s : "", 0, url.n)) return false;
    for (size_t i = 0; i < url.n; i++)
        if ((unsigned char)url.s[i] <= ' ' || (unsigned char)url.s[i] >= 0x7f || strchr("\"<>\\^`{|}@", url.s[i])) return false;
    if (text_starts(url, TEXT("https://"))) return url.n > 8;
    for (size_t i = 0; i < sizeof here / sizeof *here; i++)
        if (text_starts(url, here[i])) return true;
    return false;
}

static int own_text(const struct yaml *root, const char *key, bool required, const char *other, struct text *ret, struct error *err) {
    struct text t = {0};
    int rc = yaml_text(root, key, required, &t, err);
    if (!rc && required && !t.n) rc = yaml_error(yaml_get(root, key), err, E_INVALID, "%s is empty / %s 为空", key, key);
    if (!rc) *ret = t.n ? t : text_of(other);
    return rc;
}

static int read_factors(struct provider *p, const struct yaml *root, struct error *err) {
    const struct yaml *list = NULL;
    int rc = yaml_list(root, "second_factor", false, &list, err);
    if (rc < 0 || !list) return rc;
    if (list->n > FACTORS_MAX) return yaml_error(list, err, E_TOO_LARGE, "at most %d / 最多 %d 项", FACTORS_MAX, FACTORS_MAX);
    p->factors = arena_alloc(&p->arena, FACTORS_MAX * sizeof *p->factors);
    if (!p->factors) return error_memory(err);
    for (size_t i = 0; i < list->n; i++) {
        if (list->items[i]->kind != YAML_SCALAR) return yaml_error(list->items[i], err, E_INVALID, "a word of `amr` / 应为 amr 中的词");
        p->factors[p->n_factors++] = list->items[i]->text;
    }
    return 0;
}

int provider_read(const char *path, struct provider *ret, struct error *err) {
    static const char *const keys[] = {"issuer", "discovery", "client_id", "client_secret", "redirect_uri", "claim", "scope", "second_factor", "create", "ca_file", NULL};
    struct yaml *root = NULL;
    struct stat st;
    struct provider p = {0};
    if (stat(path, &st) != 0) return error_set(err, E_IO, path, "cannot be read / 无法读取");
    if (st.st_mode & 077) return error_set(err, E_DENIED, path, "holds a secret and may be read by others; chmod 600 / 含有密钥,须设为仅本人可读 (chmod 600)");
    int rc = yaml_read(&p.arena, path, &root, err);
    if (!rc) rc = yaml_only(root, keys, err);
    if (!rc) rc = own_text(root, "issuer", true, "", &p.issuer, err);
    if (!rc) rc = own_text(root, "discovery", false, "", &p.discovery, err);
    if (!rc) rc = own_text(root, "client_id", true, "", &p.client, err);
    if (!rc) rc = own_text(root, "client_secret", true, "", &p.secret, err);
    if (!rc) rc = own_text(root, "redirect_uri", true, "", &p.redirect, err);
    if (!rc) rc = own_text(root, "claim", false, "preferred_username", &p.claim, err);
    if (!rc) rc = own_text(root, "scope", false, "openid", &p.scope, err);
    if (!rc) rc = own_text(root, "ca_file", false, "", &p.ca_file, err);
    if (!rc) rc = yaml_bool(root, "create", false, &p.create, err);
    if (!rc) rc = read_factors(&p, root, err);
    if (!rc && !p.discovery.n) {
        p.discovery = arena_words(&p.arena, "%.*s%s.well-known/openid-configuration", (int)p.issuer.n, p.issuer.s,
                                  p.issuer.n && p.issuer.s[p.issuer.n - 1] == '/' ? "" : "/");
        if (!p.discovery.n) rc = error_memory(err);
    }
    if (!rc && !(provider_url_ok(p.issuer) && provider_url_ok(p.discovery) && provider_url_ok(p.redirect)))
        rc = error_set(err, E_INVALID, path, "issuer, discovery and redirect_uri are https URLs (http only to this machine) / 须为 https 地址");
    if (rc < 0)
        provider_clear(&p);
    else
        *ret = p;
    return rc;
}

void provider_clear(struct provider *p) {
    if (p->secret.n) sodium_memzero((void *)(uintptr_t)p->secret.s, p->secret.n);
    arena_clear(&p->arena);
    *p = (struct provider){0};
}

void provider_escape(struct buf *b, struct text t) {
    for (size_t i = 0; i < t.n; i++) {
        unsigned char c = (unsigned char)t.s[i];
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~')
            buf_char(b, (char)c);
        else
            buf_printf(b, "%%%02X", c);
    }
}

static size_t take(char *bytes, size_t size, size_t n, void *arg) {
    struct buf *b = arg;
    return buf_add(b, bytes, size * n) == 0 ? size * n : 0; /* too much ends it */
}

int provider_ask(const struct provider *p, const char *url, const char *form, struct buf *ret, struct error *err) {
    long status = 0;
    if (!provider_url_ok(text_of(url))) return error_set(err, E_INVALID, "provider", "the provider names an address that is not asked / 认证服务给出的地址不被允许");
    CURL *c = curl_easy_init();
    if (!c) return error_memory(err);
    buf_reset(ret);
    ret->max = PROVIDER_ANSWER_MAX;
    curl_easy_setopt(c, CURLOPT_URL, url);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
    curl_easy_setopt(c, CURLOPT_TIMEOUT, (long)ANSWER_S);
    curl_easy_setopt(c, CURLOPT_MAXFILESIZE, (long)PROVIDER_ANSWER_MAX);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, ret);
    curl_easy_setopt(c, CURLOPT_USERAGENT, "tocsin");
    if (p->ca_file.n) curl_easy_setopt(c, CURLOPT_CAINFO, p->ca_file.s);
    if (form) {
        curl_easy_setopt(c, CURLOPT_POSTFIELDS, form);
        curl_easy_setopt(c, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
        curl_easy_setopt(c, CURLOPT_USERNAME, p->client.s);
        curl_easy_setopt(c, CURLOPT_PASSWORD, p->secret.s);
    }
    CURLcode got = curl_easy_perform(c);
    curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_cleanup(c);
    if (got != CURLE_OK) return error_set(err, E_STORE, "provider", "the sign-in provider does not answer: %s / 统一认证服务无应答", curl_easy_strerror(got));
    if (status != 200 && form && status >= 400 && status < 500) return error_set(err, E_SIGN_IN, "provider", "the provider refuses the code (%ld) / 认证服务拒绝授权码 (%ld)", status, status);
    return status == 200 ? 0 : error_set(err, E_STORE, "provider", "the sign-in provider answers %ld / 统一认证服务应答异常", status);
}
