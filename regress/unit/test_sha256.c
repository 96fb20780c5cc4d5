/*
 * SHA-256 and HMAC against the standards' vectors, and the two block functions
 * against each other.
 */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "common/sha256.c"

static void
hex(const uint8_t *p, char *out)
{
	int i;

	for (i = 0; i < SHA256_LEN; i++)
		snprintf(out + (size_t)i * 2, 3, "%02x", p[i]);
}

static void
expect_hash(const char *msg, size_t len, size_t step, const char *want)
{
	uint8_t out[SHA256_LEN];
	char got[SHA256_LEN * 2 + 1];
	struct sha256 s;
	size_t n;

	sha256_init(&s);
	while (len > 0) {
		n = step < len ? step : len;
		sha256_update(&s, msg, n);
		msg += n;
		len -= n;
	}
	sha256_final(&s, out);
	hex(out, got);
	assert_string_equal(got, want);
}

static void
fips_vectors_match(void **state)
{
	static const char two[] =
	    "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
	static const char four[] =
	    "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmno"
	    "ijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu";
	size_t step;

	(void)state;
	for (step = 1; step < 130; step += 7) {
		expect_hash("", 0, step,
		    "e3b0c44298fc1c149afbf4c8996fb924"
		    "27ae41e4649b934ca495991b7852b855");
		expect_hash("abc", 3, step,
		    "ba7816bf8f01cfea414140de5dae2223"
		    "b00361a396177a9cb410ff61f20015ad");
		expect_hash(two, sizeof(two) - 1, step,
		    "248d6a61d20638b8e5c026930c3e6039"
		    "a33ce45964ff2167f6ecedd419db06c1");
		expect_hash(four, sizeof(four) - 1, step,
		    "cf5b16a778af8380036ce59e7b049237"
		    "0b249b11e8f07a51afac45037afee9d1");
	}
}

static void
million_a_matches(void **state)
{
	char *m = malloc(1000000);

	(void)state;
	assert_non_null(m);
	memset(m, 'a', 1000000);
	expect_hash(m, 1000000, 4093,
	    "cdc76e5c9914fb9281a1c7e284d73e67"
	    "f1809a48a497200e046d39ccc7112cd0");
	free(m);
}

static void
expect_hmac(const void *key, size_t klen, const void *msg, size_t len,
    const char *want)
{
	uint8_t out[SHA256_LEN];
	char got[SHA256_LEN * 2 + 1];
	struct hmac_key k;
	struct sha256 s;
	int i;

	hmac_key_init(&k, key, klen);
	for (i = 0; i < 2; i++) {
		hmac_begin(&k, &s);
		sha256_update(&s, msg, len);
		hmac_end(&k, &s, out);
		hex(out, got);
		assert_string_equal(got, want);
	}
}

/* RFC 4231 cases 1, 2, 3, 6. */
static void
rfc4231_vectors_match(void **state)
{
	uint8_t key[131], msg[50];

	(void)state;
	memset(key, 0x0b, 20);
	expect_hmac(key, 20, "Hi There", 8,
	    "b0344c61d8db38535ca8afceaf0bf12b"
	    "881dc200c9833da726e9376c2e32cff7");
	expect_hmac("Jefe", 4, "what do ya want for nothing?", 28,
	    "5bdcc146bf60754e6a042426089575c7"
	    "5a003f089d2739839dec58b964ec3843");
	memset(key, 0xaa, sizeof(key));
	memset(msg, 0xdd, sizeof(msg));
	expect_hmac(key, 20, msg, 50,
	    "773ea91e36800e46854db8ebd09181a7"
	    "2959098b3ef8c122d9635514ced565fe");
	expect_hmac(key, 131,
	    "Test Using Larger Than Block-Size Key - Hash Key First", 54,
	    "60e431591ee0b67f0d8a26aacbf5b77f"
	    "8e0bc6213728c5140546040f0ee37f54");
}

static void
instructions_agree_with_reference(void **state)
{
#if defined(__x86_64__)
	uint8_t in[SHA256_BLOCK * 5];
	uint32_t a[8], b[8], x = 12345;
	size_t i;
	int n;

	(void)state;
	if (!have_sha_ni())
		skip();
	for (n = 0; n < 2000; n++) {
		for (i = 0; i < sizeof(in); i++)
			in[i] = (uint8_t)((x = x * 1664525 + 1013904223) >> 24);
		for (i = 0; i < 8; i++)
			a[i] = b[i] = (x = x * 1664525 + 1013904223);
		sha256_blocks_c(a, in, 1 + (size_t)(n % 5));
		sha256_blocks_ni(b, in, 1 + (size_t)(n % 5));
		assert_memory_equal(a, b, sizeof(a));
	}
#else
	(void)state;
	skip();
#endif
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fips_vectors_match),
		cmocka_unit_test(million_a_matches),
		cmocka_unit_test(rfc4231_vectors_match),
		cmocka_unit_test(instructions_agree_with_reference),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
