/*
 * Host names, addresses and ports of request heads, Host fields and SNIs.
 * Runs in netproxy; trusts nothing.  Must never give two spellings that
 * resolvers or inet_aton read differently the same, or the benefit of a doubt.
 */

#include <sys/socket.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "netproxy/http_name.h"

#define LABEL_MAX 63

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_hex(char c)
{
	return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

/* No leading zero, no sign, 1 to 65535. */
static int
parse_port(const char *p, size_t len, uint16_t *port)
{
	uint32_t v = 0;
	size_t i;

	if (len == 0 || len > 5 || p[0] == '0')
		return -1;
	for (i = 0; i < len; i++) {
		if (!is_digit(p[i]))
			return -1;
		v = v * 10 + (uint32_t)(p[i] - '0');
	}
	if (v > 65535)
		return -1;
	*port = (uint16_t)v;
	return 0;
}

/* Would some reader of addresses take this last label for a number? */
static bool
is_number(const char *p, size_t len)
{
	size_t i = 0;
	bool hex = len >= 2 && p[0] == '0' && (p[1] | 0x20) == 'x';

	for (i = hex ? 2 : 0; i < len; i++)
		if (hex ? !is_hex(p[i]) : !is_digit(p[i]))
			return false;
	return len > 0;
}

static const char *
last_label(const char *p, size_t len, size_t *label_len)
{
	size_t i = len;

	while (i > 0 && p[i - 1] != '.')
		i--;
	*label_len = len - i;
	return p + i;
}

/* Lower-cased letters, digits, '-' and '_' in labels of 1 to 63. */
static int
copy_labels(char *out, const char *p, size_t len)
{
	size_t i, label = 0;
	char c;

	if (len == 0 || len > HTTP_NAME_MAX)
		return -1;
	for (i = 0; i < len; i++) {
		c = p[i];
		if (c >= 'A' && c <= 'Z')
			c = (char)(c | 0x20);
		if (c == '.') {
			if (label == 0)
				return -1;
			label = 0;
		} else if ((c >= 'a' && c <= 'z') || is_digit(c) || c == '-' ||
		    c == '_') {
			if (++label > LABEL_MAX)
				return -1;
		} else
			return -1;
		out[i] = c;
	}
	out[len] = '\0';
	return label > 0 ? 0 : -1;
}

int
http_name_normalise(char out[HTTP_HOST_SIZE], const char *p, size_t len)
{
	const char *label;
	size_t label_len;

	if (len > 1 && p[len - 1] == '.')
		len--;
	if (copy_labels(out, p, len) == -1)
		return -1;
	label = last_label(out, len, &label_len);
	return is_number(label, label_len) ? -1 : 0;
}

static void
map_v4(struct in6_addr *a, const struct in_addr *v4)
{
	memset(a, 0, sizeof(*a));
	a->s6_addr[10] = a->s6_addr[11] = 0xff;
	memcpy(&a->s6_addr[12], v4, sizeof(*v4));
}

/* Four numbers of at most three digits, no leading zeros. */
static int
parse_v4(struct http_host *h, const char *p, size_t len)
{
	struct in_addr v4;

	if (len >= INET_ADDRSTRLEN)
		return -1;
	memcpy(h->name, p, len);
	h->name[len] = '\0';
	if (strlen(h->name) != len || inet_pton(AF_INET, h->name, &v4) != 1)
		return -1;
	/* One spelling only, whatever this libc's inet_pton takes. */
	inet_ntop(AF_INET, &v4, h->name, sizeof(h->name));
	if (strlen(h->name) != len || memcmp(h->name, p, len) != 0)
		return -1;
	map_v4(&h->addr, &v4);
	h->literal = true;
	return 0;
}

static void
write_address(struct http_host *h)
{
	if (IN6_IS_ADDR_V4MAPPED(&h->addr))
		inet_ntop(AF_INET, &h->addr.s6_addr[12], h->name,
		    sizeof(h->name));
	else
		inet_ntop(AF_INET6, &h->addr, h->name, sizeof(h->name));
}

/* What stands between the brackets: no zone, no IPvFuture. */
static int
parse_v6(struct http_host *h, const char *p, size_t len)
{
	size_t i;

	if (len == 0 || len >= INET6_ADDRSTRLEN)
		return -1;
	for (i = 0; i < len; i++)
		if (!is_hex(p[i]) && p[i] != ':' && p[i] != '.')
			return -1;
	memcpy(h->name, p, len);
	h->name[len] = '\0';
	if (inet_pton(AF_INET6, h->name, &h->addr) != 1)
		return -1;
	write_address(h);
	h->literal = true;
	return 0;
}

void
http_host_of_address(struct http_host *h, const struct sockaddr *sa)
{
	struct sockaddr_in6 v6;
	struct sockaddr_in v4;

	memset(h, 0, sizeof(*h));
	h->literal = true;
	if (sa->sa_family == AF_INET6) {
		memcpy(&v6, sa, sizeof(v6));
		h->addr = v6.sin6_addr;
		h->port = ntohs(v6.sin6_port);
	} else {
		memcpy(&v4, sa, sizeof(v4));
		map_v4(&h->addr, &v4.sin_addr);
		h->port = ntohs(v4.sin_port);
	}
	write_address(h);
}

static int
parse_name(struct http_host *h, const char *p, size_t len)
{
	const char *label;
	size_t label_len;

	label = last_label(p, len, &label_len);
	if (is_number(label, label_len))
		return parse_v4(h, p, len);
	return http_name_normalise(h->name, p, len);
}

int
http_host_parse(struct http_host *h, const char *p, size_t len)
{
	const char *end = p + len, *host_end;
	int rc;

	memset(h, 0, sizeof(*h));
	if (len > 0 && p[0] == '[') {
		host_end = memchr(p, ']', len);
		if (host_end == NULL)
			return -1;
		rc = parse_v6(h, p + 1, (size_t)(host_end - p) - 1);
		host_end++;
	} else {
		host_end = memchr(p, ':', len);
		if (host_end == NULL)
			host_end = end;
		rc = parse_name(h, p, (size_t)(host_end - p));
	}
	if (rc == -1)
		return -1;
	if (host_end == end)
		return 0;
	if (*host_end != ':')
		return -1;
	return parse_port(host_end + 1, (size_t)(end - host_end) - 1, &h->port);
}

bool
http_host_equal(const struct http_host *a, const struct http_host *b)
{
	return a->literal == b->literal && strcmp(a->name, b->name) == 0;
}

size_t
http_host_text(const struct http_host *h, uint16_t plain,
    char out[HTTP_AUTHORITY_SIZE])
{
	bool v6 = h->literal && strchr(h->name, ':') != NULL;
	char port[8] = "";

	if (h->port != 0 && h->port != plain)
		snprintf(port, sizeof(port), ":%u", h->port);
	return (size_t)snprintf(out, HTTP_AUTHORITY_SIZE, "%s%s%s%s",
	    v6 ? "[" : "", h->name, v6 ? "]" : "", port);
}
