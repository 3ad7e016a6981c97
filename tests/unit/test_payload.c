#include "fake/acme_fixture.h"

#include <acmec/acme/payload.h>
#include <acmec/crypto/csr.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

static void new_order(void **state)
{
    (void)state;
    static const char *const ordered[] = {"b.example", "*.a.example", "192.0.2.7", "2001:db8::1"};
    struct identifier_list names = fixture_names(ordered, 4);
    AUTO(buf) out = BUF(4096);
    payload_new_order(&names, &(struct demand){0}, &out);
    assert_string_equal(buf_str(&out), "{\"identifiers\":["
                                       "{\"type\":\"dns\",\"value\":\"b.example\"},"
                                       "{\"type\":\"dns\",\"value\":\"*.a.example\"},"
                                       "{\"type\":\"ip\",\"value\":\"192.0.2.7\"},"
                                       "{\"type\":\"ip\",\"value\":\"2001:db8::1\"}]}");
    identifier_list_release(&names);
}

static void new_order_with_demand(void **state)
{
    (void)state;
    static const char *const ordered[] = {"a.example"};
    struct identifier_list names = fixture_names(ordered, 1);
    char profile[] = "short\"lived", replaces[] = "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE";
    const struct demand demand = {.profile = profile,
                                  .not_before = 1800000000,
                                  .not_after = 1800003600,
                                  .replaces = replaces};
    AUTO(buf) out = BUF(4096);
    payload_new_order(&names, &demand, &out);
    assert_string_equal(buf_str(&out),
                        "{\"identifiers\":[{\"type\":\"dns\",\"value\":\"a.example\"}],"
                        "\"notBefore\":\"2027-01-15T08:00:00Z\","
                        "\"notAfter\":\"2027-01-15T09:00:00Z\","
                        "\"profile\":\"short\\\"lived\","
                        "\"replaces\":\"aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE\"}");
    identifier_list_release(&names);
}

static void finalize(void **state)
{
    (void)state;
    AUTO(buf) out = BUF(4096);
    payload_finalize(SPAN_LIT("\x30\x03\xff\xfe\x00"), &out);
    assert_string_equal(buf_str(&out), "{\"csr\":\"MAP__gA\"}");
}

static void largest_csr(void **state)
{
    (void)state;
    AUTO(buf) csr = BUF(CSR_DER_MAX);
    AUTO(buf) out = BUF(HTTP_BODY_MAX);
    while (csr.len < CSR_DER_MAX)
        buf_add_byte(&csr, 'x');
    payload_finalize(buf_span(&csr), &out);
    assert_int_equal(out.len, strlen("{\"csr\":\"\"}") + (CSR_DER_MAX * 4 + 2) / 3);
}

static void fixed(void **state)
{
    (void)state;
    AUTO(buf) out = BUF(4096);
    payload_deactivate(&out);
    assert_string_equal(buf_str(&out), "{\"status\":\"deactivated\"}");
    buf_clear(&out);
    payload_respond(&out);
    assert_string_equal(buf_str(&out), "{}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_order), cmocka_unit_test(new_order_with_demand),
        cmocka_unit_test(finalize),  cmocka_unit_test(largest_csr),
        cmocka_unit_test(fixed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
