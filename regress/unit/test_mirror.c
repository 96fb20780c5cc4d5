/*
 * The mirror's sockets: who sends more than is read loses what he sends, and
 * nobody else does.  Needs root and network namespaces.
 */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <sys/socket.h>

#include <arpa/inet.h>
#include <string.h>
#include <unistd.h>

#include "common/netaddr.h"
#include "supervisor/mirror.h"

#define FLOOD 20000

static struct mirror mi;

static int
setup(void **state)
{
	mirror_init(&mi);
	if (mirror_make(&mi) == -1)
		print_message("no mirror: %s\n", mi.why);
	else
		assert_int_equal(mirror_open(&mi, 0), 0);
	return 0;
}

static int
teardown(void **state)
{
	mirror_close(&mi);
	return 0;
}

/* A session's socket, and where it sends its queries. */
static int
asker(uint32_t host, int family)
{
	struct msg_net_socket want = { .domain = (uint32_t)family,
		.type = SOCK_DGRAM };
	struct sockaddr_in6 to6 = { .sin6_family = AF_INET6,
		.sin6_port = htons(53) };
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons(53) };
	int fd = mirror_socket(&mi, host, &want), rc;

	assert_int_not_equal(fd, -1);
	assert_int_equal(inet_pton(AF_INET, "8.8.8.8", &to.sin_addr), 1);
	assert_int_equal(inet_pton(AF_INET6, "2001:db8::53", &to6.sin6_addr),
	    1);
	if (family == AF_INET)
		rc = connect(fd, (struct sockaddr *)&to, sizeof(to));
	else
		rc = connect(fd, (struct sockaddr *)&to6, sizeof(to6));
	assert_int_equal(rc, 0);
	return fd;
}

/* What waits at one socket, of each of two hosts. */
static void
drain(int fd, uint32_t one, unsigned int *ones, uint32_t two,
    unsigned int *twos)
{
	struct sockaddr_storage from;
	char buf[2048];
	socklen_t len;

	*ones = *twos = 0;
	for (;;) {
		len = sizeof(from);
		if (recvfrom(fd, buf, sizeof(buf), MSG_DONTWAIT,
			(struct sockaddr *)&from, &len) == -1)
			return;
		*ones += netaddr_host((struct sockaddr *)&from) == one;
		*twos += netaddr_host((struct sockaddr *)&from) == two;
	}
}

static void
flood_drops_none_of_others(int family)
{
	unsigned int i, ones, twos, flooded = 0, polite = 0, places = 0;
	int a[8], b = asker(34, family);
	char query[1200] = "";

	for (i = 0; i < 8; i++)
		a[i] = asker(33, family);
	/* the small ones fill what room the large ones left */
	for (i = 0; i < FLOOD; i++)
		(void)send(a[i % 8], query, i < FLOOD / 2 ? sizeof(query) : 1,
		    MSG_DONTWAIT);
	assert_int_equal(send(b, query, 64, 0), 64);
	for (i = 0; i < mi.nsock; i++) {
		if (mi.sock[i].kind != NET_LISTEN_DNS_UDP ||
		    mi.sock[i].family != family)
			continue;
		drain(mi.sock[i].fd, 33, &ones, 34, &twos);
		places += ones > 0;
		flooded += ones;
		polite += twos;
	}
	assert_true(flooded > 0 && flooded < FLOOD);
	assert_int_equal(places, 1);
	assert_int_equal(polite, 1);
	for (i = 0; i < 8; i++)
		close(a[i]);
	close(b);
}

static void
queries_of_one_session_drop_none_of_others(void **state)
{
	unsigned int i, v6 = 0;

	if (!mi.up)
		skip();
	for (i = 0; i < mi.nsock; i++)
		v6 += mi.sock[i].family == AF_INET6;
	flood_drops_none_of_others(AF_INET);
	if (v6 > 0)
		flood_drops_none_of_others(AF_INET6);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    queries_of_one_session_drop_none_of_others, setup,
		    teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
