/* Input: what becomes of each reply of the fake CA, one after another: 'k' keep it; 's' B the
 * status is 100 + 2 * B; 'w' HI LO B one byte of the body is B; 'h' N BYTES headers added; 'b' N
 * BYTES the body is replaced; anything else as 'k'. However a CA answers, an order comes to an end,
 * and signs for one role at each URL. */
#include "../fake/acme_drive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct {
    const uint8_t *data;
    size_t left;
} input;

static unsigned next_byte(void)
{
    if (input.left == 0)
        return 'k';
    input.left--;
    return *input.data++;
}

static void next_bytes(struct buf *out)
{
    size_t wanted = next_byte();
    size_t len = wanted < input.left ? wanted : input.left;
    buf_add(out, input.data, len);
    input.data += len;
    input.left -= len;
}

static void twist(struct fake_ca *ca, size_t nth, enum order_step step, struct http_response *reply)
{
    (void)ca;
    (void)nth;
    (void)step;
    size_t at = 0;
    switch (next_byte()) {
    case 's':
        reply->status = 100 + 2 * (long)next_byte();
        break;
    case 'w':
        at = next_byte() << 8;
        at |= next_byte();
        if (at < reply->body.len)
            reply->body.data[at] = (char)next_byte();
        break;
    case 'h':
        next_bytes(&reply->headers);
        break;
    case 'b':
        buf_clear(&reply->body);
        next_bytes(&reply->body);
        break;
    default:
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct key *key;
    static const char *const names[] = {"a.example", "*.b.example"};
    struct fake_ca ca = fake_ca_for(names, 2);
    struct drive drive = {0};
    if (key == NULL)
        key = fixture_key();
    input.data = data;
    input.left = size;
    ca.lies = true;
    ca.twist = twist;
    ca.finalized = "processing";
    unsigned how = next_byte();
    ca.valid_before = (how & 1) != 0;
    drive_start(&drive, key, &ca,
                &(struct drive_wish){.watched = (how & 2) != 0,
                                     .fresh_proof = (how & 4) != 0,
                                     .timeout_ms = 40000,
                                     .resume = (how & 8) != 0 ? FIXTURE_HOST "/order/1" : NULL});
    if ((how & 8) != 0)
        fake_new_order(&ca);
    (void)drive_to_end(&drive);
    if (ca.problem[0] != '\0') {
        fprintf(stderr, "%s\n", ca.problem);
        abort();
    }
    drive_release(&drive);
    return 0;
}
