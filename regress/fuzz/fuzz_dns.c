/*
 * DNS from strangers.  The first byte says what the rest is: a query, which
 * must come back in any reply to it as it was asked; a resolver's answer, which
 * written anew must read the same, byte for byte; or a resolv.conf.
 */

#include <stdlib.h>
#include <string.h>

#include "netproxy/dns_answer.h"
#include "netproxy/dns_conf.h"
#include "netproxy/dns_limit.h"
#include "netproxy/dns_msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(int ok)
{
	if (!ok)
		__builtin_trap();
}

/* A name and its text say the same. */
static void
check_name(const struct dns_name *name, int plain)
{
	struct dns_name low = *name, again;
	struct dns_limit limit = { 0 };
	char text[DNS_TEXT_MAX];
	size_t n = dns_name_text(name, text);

	must(n < DNS_TEXT_MAX && text[n] == '\0' && strlen(text) == n);
	dns_name_lower(&low);
	must(dns_name_equal(name, &low));
	if (plain && n > 0) {
		must(dns_name_from_text(&again, text, n) == 0);
		must(again.len == low.len &&
		    memcmp(again.wire, low.wire, low.len) == 0);
	} else {
		must(dns_name_from_text(&again, text, n) == -1);
	}
	(void)dns_limit_check(&limit, text, n, 0);
	dns_limit_clear(&limit);
}

static void
check_reply(const struct dns_query *q, const uint8_t *out, size_t len,
    size_t size)
{
	must(len >= DNS_HEADER_BYTES && len <= size);
	must(dns_get16(out) == q->id);
	if (q->name.len > 0 && q->class == DNS_CLASS_IN)
		must(dns_response_is_to(out, len, q->id, &q->name, q->type,
		    true));
}

static void
fuzz_query(const uint8_t *data, size_t size)
{
	struct in6_addr addr = in6addr_loopback;
	struct dns_query q, again;
	uint8_t out[DNS_UDP_MAX];
	int r = dns_query_parse(&q, data, size);
	bool given;

	if (r == DNS_DROP)
		return;
	must(q.udp_bytes >= DNS_UDP_MIN && q.udp_bytes <= DNS_UDP_MAX);
	check_reply(&q, out,
	    dns_reply_error(out, q.udp_bytes, &q, (unsigned int)r,
		DNS_EDE_BLOCKED, "denied by rule x"),
	    q.udp_bytes);
	if (r != 0)
		return;
	check_name(&q.name, q.plain);
	check_reply(&q, out,
	    dns_reply_address(out, q.udp_bytes, &q, &addr, 60, &given),
	    q.udp_bytes);
	size = dns_query_write(out, sizeof(out), q.id, &q.name, q.type, true);
	must(dns_query_parse(&again, out, size) == 0);
	must(again.name.len == q.name.len && again.type == q.type);
	(void)dns_name_localhost(&q.name);
	if (dns_name_reverse(&q.name, &addr))
		must(q.plain);
}

static void
check_same(const struct dns_answer *a, const struct dns_answer *b)
{
	must(a->rcode == b->rcode && a->answers == b->answers &&
	    a->authorities == b->authorities && a->naddrs == b->naddrs);
	must(memcmp(a->addrs, b->addrs, a->naddrs * sizeof(*a->addrs)) == 0);
	must(a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0);
	must(a->nttls == b->nttls &&
	    memcmp(a->ttl_at, b->ttl_at, a->nttls * sizeof(*a->ttl_at)) == 0);
}

/* The question that the message says it answers, as a client had asked it. */
static int
question_of(struct dns_query *q, const uint8_t *data, size_t size)
{
	size_t at = DNS_HEADER_BYTES;

	memset(q, 0, sizeof(*q));
	if (size < DNS_HEADER_BYTES ||
	    dns_name_read(&q->name, data, size, &at, false) == -1 ||
	    size - at < 4)
		return -1;
	q->id = dns_get16(data);
	q->type = dns_get16(data + at);
	q->class = DNS_CLASS_IN;
	q->edns = true;
	q->udp_bytes = DNS_UDP_MAX;
	return 0;
}

static void
fuzz_answer(const uint8_t *data, size_t size)
{
	static struct dns_answer_buf first, second;
	uint8_t out[2 * DNS_UDP_MAX];
	struct dns_query q;
	bool given;
	size_t n;

	if (question_of(&q, data, size) == -1 ||
	    !dns_response_is_to(data, size, q.id, &q.name, q.type, true) ||
	    dns_response_read(&first, data, size, &q.name, q.type) !=
		DNS_RESPONSE_OK)
		return;
	must(first.a.ttl_s <= DNS_TTL_MAX_S);
	n = dns_reply_answer(out, sizeof(out), &q, &first.a, 0, &given);
	must(given && n <= sizeof(out));
	check_reply(&q, out, n, sizeof(out));
	must(dns_response_read(&second, out, n, &q.name, q.type) ==
	    DNS_RESPONSE_OK);
	check_same(&first.a, &second.a);
	n = dns_reply_answer(out, DNS_UDP_MIN, &q, &first.a, data[0], &given);
	must(n <= DNS_UDP_MIN);
}

static void
fuzz_conf(const uint8_t *data, size_t size)
{
	struct sockaddr_storage ss[DNS_SERVERS_MAX];
	struct dns_conf conf;
	unsigned int i;

	dns_conf_read(&conf, (const char *)data, size);
	must(conf.nservers > 0 && conf.nservers <= DNS_SERVERS_MAX &&
	    conf.timeout_ms > 0 && conf.attempts > 0);
	for (i = 0; i < conf.nservers; i++) {
		must(memchr(conf.zone[i], '\0', IF_NAMESIZE) != NULL);
		must(conf.zone[i][0] == '\0' ||
		    conf.server[i].ss_family == AF_INET6);
	}
	must(dns_resolv_conf((const char *)data, size, ss, DNS_SERVERS_MAX) ==
	    conf.nservers);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy;

	if (size == 0)
		return 0;
	/* its own memory, so that reading past the end is seen */
	copy = malloc(size);
	if (copy == NULL)
		return 0;
	memcpy(copy, data + 1, size - 1);
	if (data[0] % 3 == 0)
		fuzz_query(copy, size - 1);
	else if (data[0] % 3 == 1)
		fuzz_answer(copy, size - 1);
	else
		fuzz_conf(copy, size - 1);
	free(copy);
	return 0;
}
