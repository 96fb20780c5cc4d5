/*
 * The hash chain: equal input gives equal hashes, and no change of any part
 * goes unseen.
 */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "auditd/chain.h"

static const struct chain_item base = { .id = 7,
	.count = 2,
	.span_ns = 99,
	.owner = 1000,
	.session = "session-a",
	.session_len = 9,
	.wire = "record",
	.wire_len = 6 };

static void
hash(const struct chain *c, const struct chain_item *it, uint8_t first,
    uint8_t out[SHA256_LEN])
{
	uint8_t prev[SHA256_LEN] = { 0 };

	prev[0] = first;
	chain_link(c, prev, it, out);
}

static void
expect_differs(const struct chain *c, const struct chain_item *it)
{
	uint8_t a[SHA256_LEN], b[SHA256_LEN];

	hash(c, &base, 0, a);
	hash(c, it, 0, b);
	assert_memory_not_equal(a, b, SHA256_LEN);
}

static void
every_part_changes_the_hash(void **state)
{
	uint8_t a[SHA256_LEN], b[SHA256_LEN];
	struct chain_item it;
	struct chain c;
	int keyed;

	(void)state;
	for (keyed = 0; keyed < 2; keyed++) {
		chain_init(&c, "0123456789abcdef0123456789abcdef",
		    keyed ? 32 : 0);
		hash(&c, &base, 0, a);
		hash(&c, &base, 0, b);
		assert_memory_equal(a, b, SHA256_LEN);
		hash(&c, &base, 1, b);
		assert_memory_not_equal(a, b, SHA256_LEN);
		it = base, it.id++, expect_differs(&c, &it);
		it = base, it.count++, expect_differs(&c, &it);
		it = base, it.span_ns++, expect_differs(&c, &it);
		it = base, it.owner++, expect_differs(&c, &it);
		it = base, it.session = "session-b", expect_differs(&c, &it);
		it = base, it.wire = "recorD", expect_differs(&c, &it);
		/* the border between session and record does not shift */
		it = base, it.session = "session-", it.session_len = 8;
		it.wire = "arecord", it.wire_len = 7, expect_differs(&c, &it);
	}
}

static void
keys_give_other_hashes_and_seals(void **state)
{
	uint8_t h[3][SHA256_LEN], s[3][SHA256_LEN];
	struct chain c[3];
	int i, k;

	(void)state;
	chain_init(&c[0], NULL, 0);
	chain_init(&c[1], "0123456789abcdef0123456789abcdef", 32);
	chain_init(&c[2], "0123456789abcdef0123456789abcdeF", 32);
	for (i = 0; i < 3; i++) {
		hash(&c[i], &base, 0, h[i]);
		chain_seal(&c[i], "head", 7, h[0], s[i]);
		for (k = 0; k < i; k++) {
			assert_memory_not_equal(h[i], h[k], SHA256_LEN);
			assert_memory_not_equal(s[i], s[k], SHA256_LEN);
		}
	}
	chain_seal(&c[1], "anchor", 7, h[0], s[2]);
	assert_memory_not_equal(s[1], s[2], SHA256_LEN);
	chain_seal(&c[1], "head", 8, h[0], s[2]);
	assert_memory_not_equal(s[1], s[2], SHA256_LEN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_part_changes_the_hash),
		cmocka_unit_test(keys_give_other_hashes_and_seals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
