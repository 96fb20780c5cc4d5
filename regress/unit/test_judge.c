/*
 * What a session may ask and reach, as netproxy judges it: by a real image, by
 * facts that are each session's own, by feeds.
 */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <sys/mman.h>

#include <arpa/inet.h>
#include <string.h>
#include <unistd.h>

#include "netproxy/process.h"
#include "polhelp.h"

#define QT_A   1
#define QT_PTR 12

static const char policy[] =
    "version: 1\n"
    "name: p\n"
    "network_rules:\n"
    "- {name: bad, domains: [\"bad.test\"], decision: deny}\n"
    "- {name: web, domains: [\"*.test\"], ports: [443], decision: allow}\n";

static struct {
	struct polhelp pol;
	struct np np;
	struct np_session s[2];
} h;

static struct sockaddr_storage
address(const char *text, uint16_t port)
{
	struct sockaddr_storage ss;
	struct sockaddr_in *in = (struct sockaddr_in *)&ss;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&ss;

	memset(&ss, 0, sizeof(ss));
	if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
		ss.ss_family = AF_INET;
		in->sin_port = htons(port);
	} else {
		assert_int_equal(inet_pton(AF_INET6, text, &in6->sin6_addr), 1);
		ss.ss_family = AF_INET6;
		in6->sin6_port = htons(port);
	}
	return ss;
}

static int
setup(void **state)
{
	unsigned int i;
	int fd;

	memset(&h, 0, sizeof(h));
	assert_int_equal(polhelp_init(&h.pol, policy, strlen(policy), NULL), 0);
	for (i = 0; i < 2; i++) {
		h.s[i].np = &h.np;
		h.s[i].live = true;
		h.s[i].im = h.pol.im;
		fd = facts_create();
		assert_int_not_equal(fd, -1);
		assert_int_equal(facts_map(&h.s[i].facts, fd, true), 0);
		close(fd);
	}
	return 0;
}

static int
teardown(void **state)
{
	unsigned int i;

	for (i = 0; i < 2; i++) {
		facts_unmap(&h.s[i].facts);
		dns_limit_clear(&h.s[i].limit);
	}
	feeds_free(h.np.feeds);
	polhelp_clear(&h.pol);
	return 0;
}

static void
learn(unsigned int s, const char *name, const char *addr)
{
	struct sockaddr_storage ss = address(addr, 0);

	np_learn(&h.s[s], name, (struct sockaddr *)&ss, 60);
}

/* The rule's name, with a '-' before it where it says no. */
static const char *
asked(unsigned int s, const char *name, uint16_t qtype)
{
	static char buf[128];
	struct np_verdict v;
	int ok = np_judge_dns(&h.s[s], name, qtype, &v);

	assert_int_equal(ok, v.allowed);
	snprintf(buf, sizeof(buf), "%s%s", ok ? "" : "-", v.name);
	return buf;
}

static const char *
dialled(unsigned int s, const char *name, const char *addr, uint16_t port)
{
	struct sockaddr_storage ss = address(addr, port);
	static char buf[128];
	struct np_verdict v;
	int ok;

	ok = np_judge_connect(&h.s[s], name, (struct sockaddr *)&ss, &v);
	assert_int_equal(ok, v.allowed);
	snprintf(buf, sizeof(buf), "%s%s", ok ? "" : "-", v.name);
	return buf;
}

/* Each address has one name; others would carry bytes to whose zone it is in. */
static void
pointer_of_address_given_out_allowed(void **state)
{
	static const char *const others[] = { "04.3.2.192.in-addr.arpa",
		"4.3.2.192.in-addr.arpa.x", "4.3.02.192.in-addr.arpa",
		"4.3.002.192.in-addr.arpa", "x.4.3.2.192.in-addr.arpa",
		"5.3.2.192.in-addr.arpa", "4.3.2.192.in-addr", "in-addr.arpa",
		"4.3.2.448.in-addr.arpa", "4.3.2.192.ip6.arpa", "ip6.arpa",
		"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0."
		"ip6.arpa",
		"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2."
		"0.ip6.arpa",
		"01.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0."
		"2.ip6.arpa" };
	static const char six[] =
	    "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2."
	    "ip6.arpa";
	size_t i;

	assert_string_equal(asked(0, "4.3.2.192.in-addr.arpa", QT_PTR),
	    "-builtin-dns-type");
	learn(0, "a.test", "192.2.3.4");
	learn(0, "a.test", "2001:db8::1");
	learn(0, "a.test", "10.0.0.5");
	assert_string_equal(asked(0, "4.3.2.192.in-addr.arpa", QT_PTR),
	    "builtin-dns-type");
	assert_string_equal(asked(0, six, QT_PTR), "builtin-dns-type");
	assert_string_equal(asked(1, six, QT_PTR), "-builtin-dns-type");
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_string_equal(asked(0, others[i], QT_PTR),
		    "-builtin-dns-type");
	assert_string_equal(asked(0, "5.0.0.10.in-addr.arpa", QT_PTR),
	    "builtin-dns-type");
	assert_string_equal(asked(0, "5.-0.0.10.in-addr.arpa", QT_PTR),
	    "-builtin-dns-type");
	assert_string_equal(asked(0, "5.0.00.10.in-addr.arpa", QT_PTR),
	    "-builtin-dns-type");
}

static void
fact_of_one_session_not_of_another(void **state)
{
	learn(0, "a.test", "192.0.2.7");
	assert_string_equal(dialled(0, NULL, "192.0.2.7", 443), "web");
	assert_string_equal(dialled(0, NULL, "::ffff:192.0.2.7", 443), "web");
	assert_string_equal(dialled(0, NULL, "192.0.2.7", 80),
	    "-default-deny-network");
	assert_string_equal(dialled(1, NULL, "192.0.2.7", 443),
	    "-default-deny-network");
	/* of several names the rule that stands first decides */
	learn(0, "bad.test", "192.0.2.7");
	assert_string_equal(dialled(0, NULL, "192.0.2.7", 443), "-bad");
	assert_string_equal(dialled(0, "a.test", "192.0.2.7", 443), "web");
}

static void
private_address_by_name_refused(void **state)
{
	static const char *const addrs[] = { "10.0.0.1", "127.0.0.1", "0.0.0.0",
		"169.254.169.254", "192.168.1.1", "172.31.0.1", "100.64.0.1",
		"::1", "::", "fd00::1", "fe80::1", "::ffff:10.0.0.1" };
	size_t i;

	for (i = 0; i < sizeof(addrs) / sizeof(addrs[0]); i++) {
		learn(0, "a.test", addrs[i]);
		assert_string_equal(dialled(0, NULL, addrs[i], 443),
		    "-default-deny-network");
		assert_string_equal(dialled(0, "a.test", addrs[i], 443),
		    "-default-deny-network");
	}
}

static void
session_ended_reaches_nothing(void **state)
{
	learn(0, "a.test", "192.0.2.7");
	h.s[0].live = false;
	assert_string_equal(asked(0, "a.test", QT_A), "-builtin-session");
	assert_string_equal(dialled(0, NULL, "192.0.2.7", 443),
	    "-builtin-session");
	learn(0, "b.test", "192.0.2.8");
	h.s[0].live = true;
	assert_string_equal(dialled(0, NULL, "192.0.2.8", 443),
	    "-default-deny-network");
}

static void
name_in_feed_refused_whatever_allows(void **state)
{
	static struct feedconf c = { .magic = FEEDCONF_MAGIC,
		.size_bytes = sizeof(c),
		.nrows = 1,
		.row = { { .name = "lab",
		    .where = "/l",
		    .format = 1,
		    .local = 1 } } };
	int fd = memfd_create("feed", MFD_CLOEXEC);

	h.np.feeds = feeds_new(NULL, NULL);
	assert_int_equal(feeds_configure(h.np.feeds, &c), 0);
	assert_int_equal(write(fd, "evil.test\n", 10), 10);
	assert_int_equal(feeds_files(h.np.feeds, 0, fd, -1), 0);
	assert_string_equal(asked(0, "x.evil.test", QT_A), "-threat-feed:lab");
	assert_string_equal(dialled(0, "evil.test", "192.0.2.7", 443),
	    "-threat-feed:lab");
	assert_string_equal(asked(0, "notevil.test", QT_A), "web");
	assert_string_equal(asked(0, "bad.test", QT_A), "-bad");
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(pointer_of_address_given_out_allowed),
		T(fact_of_one_session_not_of_another),
		T(private_address_by_name_refused),
		T(session_ended_reaches_nothing),
		T(name_in_feed_refused_whatever_allows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
