#include <acmec/nginx/plan.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <fake/fake_source.h>

#include <cmocka.h>

#include <fake/plan_world.h>

/* A redirect that was there, in a server that is given TLS. */
static void test_circle(void **state)
{
    (void)state;
    static const struct {
        const char *redirect;
        bool is_circle;
    } cases[] = {
        {"return 301 https://$host$request_uri;", true},
        {"return https://a.x;", true},
        {"return 301 https://a.x:443/x;", true},
        {"return 301 https://a.x:8443/x;", false},
        {"return 301 https://a.xy/;", false},
        {"return 301 https://www.a.x$request_uri;", false},
        {"rewrite ^ https://$server_name$request_uri? permanent;", true},
        {"if ($scheme = http) { return 301 https://$host$request_uri; }", false},
        {"location / { add_header A b; return 301 https://$http_host$request_uri; }", true},
        {"root /r;", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct world world;
        struct error err = {0};
        bool said = false;
        AUTO_FREE text =
            mem_printf("server { listen 80; server_name a.x;\n%s\n}\n", cases[i].redirect);
        open_world(&world, text, "a.x");
        assert_true(plan_install(&world.choose, &world.wish, &world.plan, &err));
        for (size_t k = 0; k < world.plan.note_count; k++)
            said |= strstr(world.plan.notes[k], SITE ":2: this leads https to https") != NULL;
        if (said != cases[i].is_circle)
            fail_msg("%s", text);
        close_world(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_circle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
