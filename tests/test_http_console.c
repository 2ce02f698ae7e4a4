/* The console's files: nothing but what the build put there, compressed, kept by browsers as long as they hold, under a strict policy. */
#include <sys/stat.h>

#include "http.h"

static void put(const char *dir, const char *name, const char *body) {
    FILE *f = fopen(arena_printf(&h.t.a, "%s/%s", dir, name), "w");
    if (!f) fail_msg("cannot write %s", name);
    fputs(body, f);
    fclose(f);
}

/* Again with a console of the test's own. */
static void serve_console(void) {
    char *dir = arena_printf(&h.t.a, "%s/pages", h.t.dir), *assets = arena_printf(&h.t.a, "%s/assets", dir);
    mkdir(dir, 0700);
    mkdir(assets, 0700);
    put(dir, "index.html", "<!doctype html><title>t</title><script type=module src=/assets/a.js></script>");
    put(dir, "bell.svg", "<svg/>");
    put(dir, "secret.key", "not to be served");
    put(assets, "a.js", "console.log('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa')");
    test_http_stop(&h);
    test_http_start(&h, &(struct http_options){.console = dir});
}

static void only_the_files_of_the_console(void **state) {
    (void)state;
    EACH_HTTP(h, NULL, "2022-05-30T10:00") {
        serve_console();
        assert_status(test_http_get(&h, "/assets/b.js", NULL), 404);
        assert_status(test_http_get(&h, "/assets/../secret.key", NULL), 404);
        assert_status(test_http_get(&h, "/assets/..%2fsecret.key", NULL), 404);
        assert_status(test_http_get(&h, "/secret.key", NULL), 404);
        assert_status(test_http_get(&h, "/assets", NULL), 404);
        assert_status(test_http_ask(&h, "POST", "/", NULL, "", NULL), 405);
        struct answer_got got = test_http_get(&h, "/", NULL);
        assert_status(got, 200);
        assert_non_null(strstr(got.head, "script-src 'self';"));
        assert_null(strstr(got.head, "unsafe"));
        assert_non_null(strstr(got.head, "no-cache")); /* another edition has other scripts: its page is asked for each time */
        assert_null(strstr(got.head, "immutable"));
        got = test_http_get(&h, "/assets/a.js", NULL);
        assert_status(got, 200);
        assert_non_null(strstr(got.head, "text/javascript"));
        assert_non_null(strstr(got.head, "immutable"));
        assert_non_null(strstr(got.head, "script-src 'self';"));
        assert_null(strstr(got.head, "unsafe"));
        assert_null(strstr(got.head, "Content-Encoding"));
    }
}

static void what_a_browser_has_is_not_sent_again(void **state) {
    (void)state;
    EACH_HTTP(h, NULL, "2022-05-30T10:00") {
        serve_console();
        struct answer_got whole = test_http_get(&h, "/assets/a.js", NULL);
        struct answer_got zipped = test_http_ask(&h, "GET", "/assets/a.js", NULL, "Accept-Encoding: gzip, br\r\n", NULL);
        assert_status(zipped, 200);
        assert_non_null(strstr(zipped.head, "Content-Encoding: gzip"));
        assert_true(zipped.body.n < whole.body.n);
        const char *tag = strstr(whole.head, "ETag: ");
        assert_non_null(tag);
        const char *again = arena_printf(&h.t.a, "If-None-Match: %.18s\r\n", tag + 6);
        assert_status(test_http_ask(&h, "GET", "/assets/a.js", NULL, again, NULL), 304);
        assert_status(test_http_ask(&h, "GET", "/", NULL, again, NULL), 200);
    }
}

static void without_a_console_the_api_still_answers(void **state) {
    (void)state;
    EACH_HTTP(h, NULL, "2022-05-30T10:00") {
        test_http_stop(&h);
        test_http_start(&h, &(struct http_options){.console = "/nowhere"});
        assert_status(test_http_get(&h, "/", NULL), 404);
        assert_status(test_http_get(&h, "/healthz", NULL), 200);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(only_the_files_of_the_console, settle),
        cmocka_unit_test_teardown(what_a_browser_has_is_not_sent_again, settle),
        cmocka_unit_test_teardown(without_a_console_the_api_still_answers, settle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
