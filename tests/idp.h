/* A real OpenID Connect provider for a test (tests/oidc: glewlwyd), and what a browser brings back from it. */
#ifndef TOCSIN_TESTS_IDP_H
#define TOCSIN_TESTS_IDP_H

#include <arpa/inet.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct idp {
    pid_t pid;
    int port;
    char folder[160];
};

/* One that nobody has at this moment. */
static inline int idp_port(void) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    bool got = fd >= 0 && bind(fd, (struct sockaddr *)&at, n) == 0 && getsockname(fd, (struct sockaddr *)&at, &n) == 0;
    if (fd >= 0) close(fd);
    return got ? ntohs(at.sin_port) : 0;
}

/* 0: it runs; else the tests say why they skip. */
static inline int idp_start(struct idp *p, const char *dir) {
    char command[400], line[64] = "";
    p->port = idp_port();
    snprintf(p->folder, sizeof p->folder, "%s/idp", dir);
    const char *home = getenv("TOCSIN_HOME");
    snprintf(command, sizeof command, "%s/tests/oidc '%s' %d", home ? home : ".", p->folder, p->port);
    FILE *f = popen(command, "r");
    if (!f) return -1;
    if (!fgets(line, sizeof line, f)) line[0] = '\0';
    int code = pclose(f);
    p->pid = atoi(line);
    return WIFEXITED(code) ? WEXITSTATUS(code) : -1;
}

/* The node's declaration of it. */
static inline void idp_declare(const struct idp *p, const char *dir, const char *more) {
    char path[200];
    snprintf(path, sizeof path, "%s/node/oidc.yaml", dir);
    FILE *f = fopen(path, "w");
    fprintf(f, "issuer: http://localhost:%d\ndiscovery: http://localhost:%d/api/oidc/.well-known/openid-configuration\nclient_id: tocsin\nclient_secret: very secret thing\n"
               "redirect_uri: http://127.0.0.1:8460/api/v1/session/oidc/callback\nclaim: login\n%s",
            p->port, p->port, more);
    fclose(f);
    chmod(path, 0600);
}

/* What the browser of a user who is signed in at the provider brings back. */
static inline void idp_consent(const struct idp *p, const char *user, const char *url, char state[128], char code[256]) {
    char command[4096], back[2048] = "";
    snprintf(command, sizeof command, "curl -s -o /dev/null -b '%s/%s' -w '%%{redirect_url}' '%s&g_continue'", p->folder, user, url);
    FILE *f = popen(command, "r");
    if (!f || !fgets(back, sizeof back, f)) fail_msg("no redirect from the provider");
    pclose(f);
    const char *s = strstr(back, "state="), *c = strstr(back, "code=");
    if (!s || !c) fail_msg("no code in %s", back);
    snprintf(state, 128, "%.*s", (int)strcspn(s + 6, "&"), s + 6);
    snprintf(code, 256, "%.*s", (int)strcspn(c + 5, "&"), c + 5);
}

#endif
