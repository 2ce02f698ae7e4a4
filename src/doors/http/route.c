/* The table of routes, joined from the resources, and how a path finds its row. */
#include "doors/http/inside.h"

#include <stdio.h>
#include <string.h>

/* A path cut at its slashes; an empty literal stands for a {name}. */
struct pattern {
    const struct route *route;
    size_t n;
    struct text segments[REQUEST_SEGMENTS_MAX];
};

static struct pattern patterns[ROUTES_MAX];
static size_t n_patterns;

static const struct route *const resources[] = {
#define X(name) name##_routes,
    ROUTE_RESOURCES(X)
#undef X
};

static const struct route *further;

const struct route *route_at(size_t i) {
    for (size_t k = 0; k < sizeof resources / sizeof *resources; k++)
        for (const struct route *r = resources[k]; r->method; r++)
            if (i-- == 0) return r;
    for (const struct route *r = further; r && r->method; r++)
        if (i-- == 0) return r;
    return NULL;
}

int routes_prepare(const struct route *more, struct error *err) {
    const struct route *r;
    further = more;
    n_patterns = 0;
    for (size_t i = 0; (r = route_at(i)); i++) {
        if (i == ROUTES_MAX) return error_set(err, E_TOO_LARGE, r->path, "more than %d routes", ROUTES_MAX);
        struct pattern *p = &patterns[i];
        size_t params = 0;
        *p = (struct pattern){.route = r};
        for (const char *s = r->path; *s == '/';) {
            size_t n = strcspn(++s, "/");
            if (!n) break; /* "/" itself */
            if (p->n == REQUEST_SEGMENTS_MAX) return error_set(err, E_TOO_LARGE, r->path, "too many segments");
            if (*s == '{' && ++params > REQUEST_PARAMS_MAX) return error_set(err, E_TOO_LARGE, r->path, "too many parameters");
            p->segments[p->n++] = *s == '{' ? (struct text){"", 0} : (struct text){s, n};
            s += n;
        }
        n_patterns = i + 1;
    }
    return members_prepare(n_patterns, err);
}

static bool fits(const struct pattern *p, const struct request *r) {
    if (p->n != r->n_segments) return false;
    for (size_t i = p->n; i-- > 0;) /* the last segments differ most */
        if (p->segments[i].n && !text_eq(p->segments[i], r->segments[i])) return false;
    return true;
}

/* Which of two that fit says more: the first literal decides. */
static bool nearer(const struct pattern *a, const struct pattern *b) {
    for (size_t i = 0; i < a->n; i++)
        if (!a->segments[i].n != !b->segments[i].n) return a->segments[i].n > 0;
    return false;
}

int route_find(struct request *r, char *allow, size_t n, const struct route **ret, struct error *err) {
    const struct pattern *found = NULL, *shape = NULL;
    bool head = !strcmp(r->method, "HEAD");
    for (size_t i = 0; i < n_patterns; i++) {
        const struct pattern *p = &patterns[i];
        if (!fits(p, r)) continue;
        if (!shape || nearer(p, shape)) shape = p;
        if (strcmp(p->route->method, head ? "GET" : r->method)) continue;
        if (!found || nearer(p, found)) found = p;
    }
    if (!shape) return error_set(err, E_UNKNOWN, NULL, "there is nothing at this path / 此路径不存在");
    if (found && !nearer(shape, found)) {
        size_t k = 0;
        for (size_t i = 0; i < found->n; i++)
            if (!found->segments[i].n) r->params[k++] = r->segments[i];
        *ret = found->route;
        r->route_index = (size_t)(found - patterns);
        return 0;
    }
    size_t used = 0;
    for (size_t i = 0; i < n_patterns; i++) {
        const struct pattern *p = &patterns[i];
        if (!fits(p, r) || nearer(shape, p)) continue;
        int more = snprintf(allow + used, n - used, "%s%s%s", used ? ", " : "", p->route->method, strcmp(p->route->method, "GET") ? "" : ", HEAD");
        if (more > 0 && (size_t)more < n - used) used += (size_t)more;
    }
    allow[used] = 0;
    return error_set(err, E_USAGE, "method", "not by this method here / 此路径不支持该方法");
}
