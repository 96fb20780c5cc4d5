/*
 * A house with a resolver between clients and resolvers; see dnsloop.h.
 */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <sys/socket.h>

#include <arpa/inet.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "dnsloop.h"

struct house h;
struct pkt query, asked, answer, got;
struct sockaddr_in resolver_peer, got_from;

struct sockaddr_in
loop_addr(unsigned int n, in_port_t port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = port };

	sin.sin_addr.s_addr = htonl(0x7f000000u + n);
	return sin;
}

int
bound(int type, uint32_t addr, in_port_t port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = port };
	int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	sin.sin_addr.s_addr = htonl(addr);
	assert_int_not_equal(fd, -1);
	if (bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1) {
		close(fd);
		return -1;
	}
	return fd;
}

in_port_t
port_of(int fd)
{
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);

	assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	return sin.sin_port;
}

bool
pump(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	time_t until = time(NULL) + PATIENCE_S;

	do {
		event_base_loop(h.base, EVLOOP_NONBLOCK);
		if (poll(&p, 1, 1) == 1)
			return true;
	} while (time(NULL) < until);
	return false;
}

bool
quiet(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int i;

	for (i = 0; i < 20; i++) {
		event_base_loop(h.base, EVLOOP_NONBLOCK);
		if (poll(&p, 1, 1) == 1)
			return false;
	}
	return true;
}

int
setup(void **state)
{
	int fd, on = 1;

	h.base = event_base_new();
	h.np = house_new(h.base);
	h.d = dns_server_new(h.np);
	assert_non_null(h.d);
	fd = bound(SOCK_DGRAM, INADDR_ANY, 0);
	assert_int_equal(setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on,
			     sizeof(on)),
	    0);
	h.port = port_of(fd);
	assert_int_equal(dns_server_udp(h.d, fd), 0);
	/* one port for both, which somebody may have */
	do {
		h.resolver[0] = bound(SOCK_DGRAM, INADDR_LOOPBACK, 0);
		h.listener = bound(SOCK_STREAM, INADDR_LOOPBACK,
		    port_of(h.resolver[0]));
		if (h.listener == -1)
			close(h.resolver[0]);
	} while (h.listener == -1);
	assert_int_equal(listen(h.listener, 16), 0);
	h.resolver[1] = bound(SOCK_DGRAM, INADDR_LOOPBACK, 0);
	dns_conf_init(&h.conf);
	h.conf.timeout_ms = PATIENCE_S * 1000;
	h.conf.nservers = 1;
	for (fd = 0; fd < 2; fd++) {
		struct sockaddr_in sin = loop_addr(1, port_of(h.resolver[fd]));

		memcpy(&h.conf.server[fd], &sin, sizeof(sin));
	}
	dns_server_configure(h.d, &h.conf);
	return 0;
}

int
teardown(void **state)
{
	dns_server_free(h.d);
	assert_int_equal(house_held(h.np), 0);
	house_free(h.np);
	event_base_free(h.base);
	close(h.resolver[0]);
	close(h.resolver[1]);
	close(h.listener);
	return 0;
}

/* ---- clients ---- */

int
client(unsigned int n)
{
	int fd = bound(SOCK_DGRAM, 0x7f000000u + n, 0);

	assert_int_not_equal(fd, -1);
	return fd;
}

void
send_query(int fd)
{
	struct sockaddr_in to = loop_addr(1, h.port);

	assert_int_equal(sendto(fd, query.b, query.len, 0,
			     (struct sockaddr *)&to, sizeof(to)),
	    (ssize_t)query.len);
}

void
ask(int fd, unsigned int id, const char *name, unsigned int type)
{
	pkt_query(&query, id, name, type);
	send_query(fd);
}

void
get(int fd)
{
	socklen_t len = sizeof(got_from);
	ssize_t n;

	assert_true(pump(fd));
	n = recvfrom(fd, got.b, sizeof(got.b), 0, (struct sockaddr *)&got_from,
	    &len);
	assert_true(n >= DNS_HEADER_BYTES);
	got.len = (size_t)n;
}

unsigned int
rcode(void)
{
	return got.b[3] & 0x0f;
}

unsigned int
answers(void)
{
	return dns_get16(got.b + 6);
}

bool
got_text(const char *text)
{
	return memmem(got.b, got.len, text, strlen(text)) != NULL;
}

/* ---- resolvers ---- */

const char *
get_asked(unsigned int r)
{
	static char text[DNS_TEXT_MAX];
	socklen_t len = sizeof(resolver_peer);
	struct dns_query q;
	ssize_t n;

	assert_true(pump(h.resolver[r]));
	n = recvfrom(h.resolver[r], asked.b, sizeof(asked.b), 0,
	    (struct sockaddr *)&resolver_peer, &len);
	assert_true(n > 0);
	asked.len = (size_t)n;
	assert_int_equal(dns_query_parse(&q, asked.b, asked.len), 0);
	dns_name_text(&q.name, text);
	return text;
}

void
answer_begin(unsigned int rcode_sent, unsigned int an)
{
	struct dns_query q;

	assert_int_equal(dns_query_parse(&q, asked.b, asked.len), 0);
	pkt_head(&answer, q.id, 0x8180 | rcode_sent, 1, an, 0, 0);
	pkt_raw(&answer, asked.b + 12, (size_t)q.name.len + 4);
}

void
answer_send(unsigned int r)
{
	assert_int_equal(sendto(h.resolver[r], answer.b, answer.len, 0,
			     (struct sockaddr *)&resolver_peer,
			     sizeof(resolver_peer)),
	    (ssize_t)answer.len);
}

void
answer_a(unsigned int r, const char *name, const char *addr)
{
	answer_begin(0, 1);
	pkt_rr_a(&answer, name, 300, addr);
	answer_send(r);
}

int
stream_accept(void)
{
	uint8_t head[2];
	size_t n = 0;
	ssize_t r;
	int s;

	assert_true(pump(h.listener));
	s = accept(h.listener, NULL, NULL);
	assert_int_not_equal(s, -1);
	assert_true(pump(s));
	assert_int_equal(recv(s, head, 2, MSG_WAITALL), 2);
	asked.len = dns_get16(head);
	while (n < asked.len) {
		assert_true(pump(s));
		r = recv(s, asked.b + n, asked.len - n, 0);
		assert_true(r > 0);
		n += (size_t)r;
	}
	return s;
}

void
stream_send(int s, const struct pkt *p)
{
	uint8_t head[2];

	dns_put16(head, (unsigned int)p->len);
	assert_int_equal(send(s, head, 2, 0), 2);
	assert_int_equal(send(s, p->b, p->len, 0), (ssize_t)p->len);
}

int
stream_client(unsigned int n)
{
	int sv[2], size = 16384;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
			     sv),
	    0);
	(void)setsockopt(sv[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	dns_server_stream(h.d, house_session(h.np, n), sv[1]);
	return sv[0];
}

void
stream_get(int s)
{
	uint8_t head[2];
	size_t n = 0;
	ssize_t r;

	assert_true(pump(s));
	assert_int_equal(recv(s, head, 2, 0), 2);
	got.len = dns_get16(head);
	while (n < got.len) {
		assert_true(pump(s));
		r = recv(s, got.b + n, got.len - n, 0);
		assert_true(r > 0);
		n += (size_t)r;
	}
}
