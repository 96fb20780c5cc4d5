/*
 * Socket addresses and control messages read as the kernel reads them, and lines of
 * /proc/net/unix.  Pure.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/socket.h>
#include <sys/un.h>

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "tracer/sockname.h"
#include "tracer/socktab.h"

static struct sockname name;

static int
read_as(int domain, enum sockname_use use, const void *p, size_t len)
{
	return sockname_read(domain, use, p, len, &name);
}

static void
inet_read_as_v4_mapped(void **state)
{
	const struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_port = htons(80),
		.sin_addr.s_addr = htonl(0x7f000001) };
	static const uint8_t mapped[16] = { [10] = 0xff, 0xff, 127, 0, 0, 1 };

	for (size_t len = 0; len < sizeof(in); len++)
		assert_int_equal(read_as(AF_INET, SOCKNAME_CONNECT, &in, len),
		    EINVAL);
	assert_int_equal(read_as(AF_INET, SOCKNAME_CONNECT, &in, sizeof(in)),
	    0);
	assert_int_equal(name.kind, SOCKNAME_INET);
	assert_int_equal(name.port, 80);
	assert_memory_equal(name.addr.s6_addr, mapped, 16);
	/* An IPv6 socket takes it too; a unix one does not. */
	assert_int_equal(read_as(AF_INET6, SOCKNAME_SEND, &in, sizeof(in)), 0);
	assert_int_equal(name.port, 80);
	assert_int_equal(read_as(AF_UNIX, SOCKNAME_SEND, &in, sizeof(in)),
	    EINVAL);
	assert_int_equal(read_as(AF_VSOCK, SOCKNAME_CONNECT, &in, sizeof(in)),
	    EAFNOSUPPORT);
}

static void
unspec_is_inet_where_the_kernel_says_so(void **state)
{
	struct sockaddr_in in = { .sin_family = AF_UNSPEC,
		.sin_port = htons(53) };

	assert_int_equal(read_as(AF_INET, SOCKNAME_SEND, &in, sizeof(in)), 0);
	assert_int_equal(name.kind, SOCKNAME_INET);
	assert_int_equal(name.port, 53);
	assert_int_equal(read_as(AF_INET6, SOCKNAME_SEND, &in, sizeof(in)), 0);
	assert_int_equal(name.kind, SOCKNAME_NONE);
	assert_int_equal(read_as(AF_INET, SOCKNAME_CONNECT, &in, 2), 0);
	assert_int_equal(name.kind, SOCKNAME_NONE);
	assert_int_equal(read_as(AF_INET6, SOCKNAME_BIND, &in, sizeof(in)),
	    EAFNOSUPPORT);
}

static void
inet6_without_scope_is_taken(void **state)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
		.sin6_port = htons(443) };

	in6.sin6_addr.s6_addr[15] = 1;
	assert_int_equal(read_as(AF_INET6, SOCKNAME_CONNECT, &in6, 23), EINVAL);
	assert_int_equal(read_as(AF_INET6, SOCKNAME_CONNECT, &in6, 24), 0);
	assert_int_equal(name.port, 443);
	assert_int_equal(name.addr.s6_addr[15], 1);
	assert_int_equal(read_as(AF_INET6, SOCKNAME_CONNECT, &in6, 129),
	    EINVAL);
}

static void
unix_path_abstract_and_auto_are_told_apart(void **state)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX, .sun_path = "/a/b" };

	assert_int_equal(read_as(AF_UNIX, SOCKNAME_CONNECT, &un, sizeof(un)),
	    0);
	assert_int_equal(name.kind, SOCKNAME_PATH);
	assert_int_equal(name.text_len, 4);
	/* No NUL within the length. */
	assert_int_equal(read_as(AF_UNIX, SOCKNAME_CONNECT, &un, 5), 0);
	assert_int_equal(name.text_len, 3);
	memset(un.sun_path, 'x', sizeof(un.sun_path));
	assert_int_equal(read_as(AF_UNIX, SOCKNAME_BIND, &un, sizeof(un)), 0);
	assert_int_equal(name.text_len, sizeof(un.sun_path));
	assert_int_equal(read_as(AF_UNIX, SOCKNAME_BIND, &un, sizeof(un) + 1),
	    EINVAL);
	memcpy(un.sun_path, "\0ab\0c", 5);
	assert_int_equal(read_as(AF_UNIX, SOCKNAME_CONNECT, &un, 7), 0);
	assert_int_equal(name.kind, SOCKNAME_ABSTRACT);
	assert_int_equal(name.text_len, 4);
	assert_memory_equal(name.text, "ab\0c", 4);
	assert_int_equal(read_as(AF_UNIX, SOCKNAME_CONNECT, &un, 2), EINVAL);
	assert_int_equal(read_as(AF_UNIX, SOCKNAME_BIND, &un, 2), 0);
	assert_int_equal(name.kind, SOCKNAME_AUTO);
}

static void
cmsg_that_redirects_is_refused_or_stripped(void **state)
{
	assert_int_equal(sockname_cmsg(AF_INET, 0, 7), SOCKNAME_CMSG_REFUSE);
	assert_int_equal(sockname_cmsg(AF_INET6, 41, 57), SOCKNAME_CMSG_REFUSE);
	assert_int_equal(sockname_cmsg(AF_INET6, 41, 5), SOCKNAME_CMSG_REFUSE);
	assert_int_equal(sockname_cmsg(AF_INET6, 41, 54), SOCKNAME_CMSG_REFUSE);
	assert_int_equal(sockname_cmsg(AF_INET, 0, 8), SOCKNAME_CMSG_STRIP);
	assert_int_equal(sockname_cmsg(AF_INET6, 41, 50), SOCKNAME_CMSG_STRIP);
	assert_int_equal(sockname_cmsg(AF_UNIX, SOL_SOCKET, SCM_RIGHTS),
	    SOCKNAME_CMSG_RIGHTS);
	assert_int_equal(sockname_cmsg(AF_INET, SOL_SOCKET, SCM_RIGHTS),
	    SOCKNAME_CMSG_REFUSE);
	assert_int_equal(sockname_cmsg(AF_INET, 9999, 1), SOCKNAME_CMSG_REFUSE);
}

static void
proc_net_unix_line_is_read_by_inode_and_abstract_name(void **state)
{
	static const char abs[] =
	    "0000000000000000: 00000002 00000000 00010000 0001 01 12345 @name\n";
	static const char path[] =
	    "0000000000000000: 00000002 00000000 00010000 0001 01 12345 /name\n";
	static const char none[] =
	    "0000000000000000: 00000002 00000000 00010000 0001 01 12345\n";

	assert_true(socktab_line(abs, strlen(abs), 12345));
	assert_false(socktab_line(abs, strlen(abs), 1234));
	assert_false(socktab_line(path, strlen(path), 12345));
	assert_false(socktab_line(none, strlen(none), 12345));
	for (size_t n = 0; n < strlen(abs) - 6; n++)
		assert_false(socktab_line(abs, n, 12345));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(inet_read_as_v4_mapped),
		cmocka_unit_test(unspec_is_inet_where_the_kernel_says_so),
		cmocka_unit_test(inet6_without_scope_is_taken),
		cmocka_unit_test(unix_path_abstract_and_auto_are_told_apart),
		cmocka_unit_test(cmsg_that_redirects_is_refused_or_stripped),
		cmocka_unit_test(
		    proc_net_unix_line_is_read_by_inode_and_abstract_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
