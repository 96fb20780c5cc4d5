/*
 * A session's addresses in the mirror are its own, and nobody else's.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <string.h>

#include "common/netaddr.h"

static void
address_of_a_host_names_the_host(void **state)
{
	static const uint32_t tab[] = { 1, 2, 255, 256, 65536, 0x123456,
		NETADDR_HOSTS };
	struct sockaddr_storage ss;
	size_t i;

	for (i = 0; i < sizeof(tab) / sizeof(tab[0]); i++) {
		assert_int_equal(netaddr_of(tab[i], AF_INET, false, 7, &ss),
		    sizeof(struct sockaddr_in));
		assert_int_equal(netaddr_host((struct sockaddr *)&ss), tab[i]);
		assert_int_equal(netaddr_of(tab[i], AF_INET6, false, 7, &ss),
		    sizeof(struct sockaddr_in6));
		assert_int_equal(netaddr_host((struct sockaddr *)&ss), tab[i]);
		netaddr_of(tab[i], AF_INET6, true, 7, &ss);
		assert_int_equal(netaddr_host((struct sockaddr *)&ss), tab[i]);
	}
}

static void
other_address_is_nobodys(void **state)
{
	static const char *const tab[] = { "127.0.0.1", "127.127.255.255",
		"128.0.0.1", "10.0.0.1", "8.8.8.8" };
	static const char *const tab6[] = { "::1", "fd97:6167:656e:7474::1",
		"fd97:6167:656e:7473::80:0", "fd97:6167:656e:7473:0:1:0:1",
		"::ffff:127.0.0.1", "2001:db8::1" };
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} u = { .sa = { .sa_family = AF_UNIX } };
	size_t i;

	assert_int_equal(netaddr_host(&u.sa), 0);
	u.in.sin_family = AF_INET;
	for (i = 0; i < sizeof(tab) / sizeof(tab[0]); i++) {
		assert_int_equal(inet_pton(AF_INET, tab[i], &u.in.sin_addr), 1);
		assert_int_equal(netaddr_host(&u.sa), 0);
	}
	memset(&u, 0, sizeof(u));
	u.in6.sin6_family = AF_INET6;
	for (i = 0; i < sizeof(tab6) / sizeof(tab6[0]); i++) {
		assert_int_equal(inet_pton(AF_INET6, tab6[i], &u.in6.sin6_addr),
		    1);
		assert_int_equal(netaddr_host(&u.sa), 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(address_of_a_host_names_the_host),
		cmocka_unit_test(other_address_is_nobodys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
