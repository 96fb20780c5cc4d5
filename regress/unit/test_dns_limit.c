/*
 * Names that are no longer names: over-long, over-many.
 */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "netproxy/dns_limit.h"

static int
ok(struct dns_limit *l, const char *name, uint64_t now_ms)
{
	return dns_limit_check(l, name, strlen(name), now_ms) == NULL;
}

/* How many of the names of this form, a number in it, are let through. */
static unsigned int
let_through(struct dns_limit *l, const char *form, unsigned int n)
{
	char name[256], num[16], *at;
	unsigned int i, let = 0;

	for (i = 0; i < n; i++) {
		snprintf(num, sizeof(num), "%u", i);
		at = strchr(form, '#');
		snprintf(name, sizeof(name), "%.*s%s%s", (int)(at - form), form,
		    num, at + 1);
		let += (unsigned int)ok(l, name, 0);
	}
	return let;
}

static void
name_over_long_refused(void **state)
{
	struct dns_limit l = { 0 };
	char name[300];

	memset(name, 'a', sizeof(name));
	memcpy(name + DNS_LIMIT_LABEL, ".test", 6);
	assert_true(ok(&l, name, 0));
	name[DNS_LIMIT_LABEL] = 'a';
	memcpy(name + DNS_LIMIT_LABEL + 1, ".test", 6);
	assert_false(ok(&l, name, 0));
	memset(name, 'a', sizeof(name));
	name[40] = name[80] = name[120] = '.';
	name[DNS_LIMIT_NAME] = '\0';
	assert_true(ok(&l, name, 0));
	name[DNS_LIMIT_NAME] = 'a';
	name[DNS_LIMIT_NAME + 1] = '\0';
	assert_false(ok(&l, name, 0));
	dns_limit_clear(&l);
}

static void
names_of_one_parent_bounded(void **state)
{
	struct dns_limit l = { 0 };

	assert_int_equal(let_through(&l, "n#.evil.test", 1000),
	    DNS_LIMIT_PARENT);
	/* what was let through stays so; others are not touched */
	assert_true(ok(&l, "n0.evil.test", 0));
	assert_false(ok(&l, "another.evil.test", 0));
	assert_true(ok(&l, "evil.test", 0));
	assert_true(ok(&l, "n0.good.test", 0));
	dns_limit_clear(&l);
}

/* The bytes may be in any label. */
static void
names_spread_over_labels_bounded(void **state)
{
	struct dns_limit l = { 0 };

	assert_int_equal(let_through(&l, "x.n#.evil.test", 200), 200);
	assert_int_equal(let_through(&l, "n#.x.evil.test", 200),
	    DNS_LIMIT_PARENT - 200);
	dns_limit_clear(&l);
}

static void
names_below_public_suffix_have_more_room(void **state)
{
	struct dns_limit l = { 0 };

	assert_int_equal(let_through(&l, "www.n#.co.uk", 2000),
	    DNS_LIMIT_SUFFIX);
	assert_int_equal(let_through(&l, "n#.evil.com.au", 1000),
	    DNS_LIMIT_PARENT);
	/* and many top-level names any */
	assert_int_equal(let_through(&l, "n#.test", 1000), 1000);
	dns_limit_clear(&l);
}

static void
names_of_session_bounded(void **state)
{
	struct dns_limit l = { 0 };

	assert_int_equal(let_through(&l, "www.n#.test", 10000),
	    DNS_LIMIT_SESSION);
	assert_true(l.size <= 4 * DNS_LIMIT_SESSION);
	assert_true(l.parents <= 2 * DNS_LIMIT_SESSION);
	dns_limit_clear(&l);
}

static void
names_refused_take_no_room(void **state)
{
	struct dns_limit l = { 0 };
	uint32_t parents;

	let_through(&l, "www.n#.co.uk", 2000);
	parents = l.parents;
	assert_int_equal(let_through(&l, "www.m#.co.uk", 2000), 0);
	assert_int_equal(l.parents, parents);
	dns_limit_clear(&l);
}

static void
names_forgotten_after_the_window(void **state)
{
	struct dns_limit l = { 0 };

	let_through(&l, "n#.evil.test", 1000);
	assert_false(ok(&l, "more.evil.test", DNS_LIMIT_WINDOW_MS - 1));
	assert_true(ok(&l, "more.evil.test", DNS_LIMIT_WINDOW_MS));
	dns_limit_clear(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(name_over_long_refused),
		cmocka_unit_test(names_of_one_parent_bounded),
		cmocka_unit_test(names_spread_over_labels_bounded),
		cmocka_unit_test(names_below_public_suffix_have_more_room),
		cmocka_unit_test(names_of_session_bounded),
		cmocka_unit_test(names_refused_take_no_room),
		cmocka_unit_test(names_forgotten_after_the_window),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
