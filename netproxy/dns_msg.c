/*
 * The DNS codec, see dns_msg.h.
 *
 * Runs in netproxy.  Trusts no length, count or pointer of a message.  Must
 * never read the same bytes in two ways: names are taken apart here and nowhere
 * else.
 */

#include "netproxy/dns_msg.h"

#include <string.h>

#define F_QR		  0x8000u
#define F_OPCODE	  0x7800u
#define F_TC		  0x0200u
#define F_RD		  0x0100u
#define F_RA		  0x0080u
#define F_CD		  0x0010u

#define OPT_BYTES	  11 /* an OPT record without options */
#define OPTION_EDE	  15
#define OPTION_HEAD_BYTES 4
#define EDE_TEXT_MAX	  200 /* a rule's name and a few words */

static inline uint8_t
lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

static inline bool
is_plain(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* ---- names ---- */

/* Append the label at p (its length octet and that many bytes). */
static int
add_label(struct dns_name *name, const uint8_t *p)
{
	size_t n = (size_t)p[0] + 1;

	/* the root's octet must fit behind it */
	if (name->len + n + (p[0] != 0) > DNS_NAME_MAX)
		return -1;
	memcpy(name->wire + name->len, p, n);
	name->len += (uint8_t)n;
	return 0;
}

int
dns_name_read(struct dns_name *name, const uint8_t *bytes, size_t len,
    size_t *at, bool pointers)
{
	size_t i = *at, start = i, target, end = 0;

	name->len = 0;
	for (;;) {
		if (i >= len)
			return -1;
		if ((bytes[i] & 0xc0) == 0xc0) {
			if (!pointers || i + 2 > len)
				return -1;
			target = dns_get16(bytes + i) & 0x3fff;
			if (end == 0)
				end = i + 2;
			/* before all that was read: no loop is possible */
			if (target >= start || target < DNS_HEADER_BYTES)
				return -1;
			i = start = target;
			continue;
		}
		if (bytes[i] > DNS_LABEL_MAX || i + 1 + bytes[i] > len ||
		    add_label(name, bytes + i) == -1)
			return -1;
		if (bytes[i] == 0)
			break;
		i += (size_t)bytes[i] + 1;
	}
	*at = end != 0 ? end : i + 1;
	return 0;
}

void
dns_name_lower(struct dns_name *name)
{
	size_t i;

	/* length octets are below 'A' */
	for (i = 0; i < name->len; i++)
		name->wire[i] = lower(name->wire[i]);
}

bool
dns_name_equal(const struct dns_name *a, const struct dns_name *b)
{
	size_t i;

	if (a->len != b->len)
		return false;
	for (i = 0; i < a->len; i++)
		if (lower(a->wire[i]) != lower(b->wire[i]))
			return false;
	return true;
}

static bool
name_is_plain(const struct dns_name *name)
{
	size_t i, n;

	for (i = 0; i < name->len && name->wire[i] != 0; i += n + 1) {
		for (n = 0; n < name->wire[i]; n++)
			if (!is_plain(name->wire[i + 1 + n]))
				return false;
	}
	return true;
}

size_t
dns_name_text(const struct dns_name *name, char *text)
{
	size_t i, left, n = 0;
	uint8_t c;

	for (i = 0; i < name->len && name->wire[i] != 0;) {
		if (n > 0)
			text[n++] = '.';
		for (left = name->wire[i++]; left > 0; left--) {
			c = lower(name->wire[i++]);
			if (is_plain(c)) {
				text[n++] = (char)c;
				continue;
			}
			text[n++] = '\\';
			text[n++] = (char)('0' + c / 100);
			text[n++] = (char)('0' + c / 10 % 10);
			text[n++] = (char)('0' + c % 10);
		}
	}
	text[n] = '\0';
	return n;
}

int
dns_name_from_text(struct dns_name *name, const char *text, size_t len)
{
	size_t i, n;
	uint8_t label[DNS_LABEL_MAX + 1];

	name->len = 0;
	if (len > 0 && text[len - 1] == '.')
		len--;
	if (len == 0 || len > DNS_NAME_MAX - 2)
		return -1;
	for (i = 0; i <= len; i += n + 1) {
		for (n = 0; i + n < len && text[i + n] != '.'; n++) {
			if (n == DNS_LABEL_MAX ||
			    !is_plain((uint8_t)text[i + n]))
				return -1;
			label[n + 1] = lower((uint8_t)text[i + n]);
		}
		label[0] = (uint8_t)n;
		if (n == 0 || add_label(name, label) == -1)
			return -1;
	}
	name->wire[name->len++] = 0;
	return 0;
}

/* Does name, lower case, end in this tail (the root's octet included)? */
static bool
has_tail(const struct dns_name *name, const char *tail, size_t tail_len,
    size_t *head_len)
{
	if (name->len < tail_len ||
	    memcmp(name->wire + name->len - tail_len, tail, tail_len) != 0)
		return false;
	*head_len = name->len - tail_len;
	return true;
}

/* A label of one to three digits, one spelling of each number; -1: none. */
static int
octet_of(const uint8_t *p)
{
	int v = 0;
	size_t i;

	if (p[0] < 1 || p[0] > 3 || (p[0] > 1 && p[1] == '0'))
		return -1;
	for (i = 1; i <= p[0]; i++) {
		if (p[i] < '0' || p[i] > '9')
			return -1;
		v = v * 10 + (p[i] - '0');
	}
	return v <= 255 ? v : -1;
}

static bool
reverse4(const struct dns_name *name, size_t head, struct in6_addr *addr)
{
	size_t i = 0;
	int n, v;

	memset(addr, 0, sizeof(*addr));
	addr->s6_addr[10] = addr->s6_addr[11] = 0xff;
	for (n = 0; n < 4; n++) {
		if (i >= head || (v = octet_of(name->wire + i)) == -1)
			return false;
		addr->s6_addr[15 - n] = (uint8_t)v;
		i += (size_t)name->wire[i] + 1;
	}
	return i == head;
}

static bool
reverse6(const struct dns_name *name, size_t head, struct in6_addr *addr)
{
	const uint8_t *p = name->wire;
	unsigned int n, v;

	if (head != 64)
		return false;
	memset(addr, 0, sizeof(*addr));
	for (n = 0; n < 32; n++, p += 2) {
		if (p[0] != 1)
			return false;
		if (p[1] >= '0' && p[1] <= '9')
			v = p[1] - (unsigned int)'0';
		else if (p[1] >= 'a' && p[1] <= 'f')
			v = p[1] - (unsigned int)'a' + 10;
		else
			return false;
		addr->s6_addr[15 - n / 2] |= (uint8_t)(n % 2 ? v << 4 : v);
	}
	return true;
}

/* "\7in-addr\4arpa" in two strings: C would read more digits than are meant. */
#define TAIL4     \
	"\7"      \
	"in-addr" \
	"\4"      \
	"arpa"
#define TAIL6 \
	"\3"  \
	"ip6" \
	"\4"  \
	"arpa"
#define TAIL_LOCAL \
	"\11"      \
	"localhost"

bool
dns_name_reverse(const struct dns_name *name, struct in6_addr *addr)
{
	struct dns_name low = *name;
	size_t head;

	dns_name_lower(&low);
	if (has_tail(&low, TAIL4, sizeof(TAIL4), &head))
		return reverse4(&low, head, addr);
	if (has_tail(&low, TAIL6, sizeof(TAIL6), &head))
		return reverse6(&low, head, addr);
	return false;
}

bool
dns_name_localhost(const struct dns_name *name)
{
	size_t i, left;

	/* from label to label: the bytes alone might lie inside one */
	for (i = 0; i < name->len && name->wire[i] != 0;
	     i += (size_t)name->wire[i] + 1) {
		left = name->len - i;
		if (left != sizeof(TAIL_LOCAL))
			continue;
		for (left = 0; left < sizeof(TAIL_LOCAL); left++)
			if (lower(name->wire[i + left]) !=
			    (uint8_t)TAIL_LOCAL[left])
				return false;
		return true;
	}
	return false;
}

/* ---- queries ---- */

/* The options of an OPT record: any, but well-formed to the last byte. */
static bool
options_ok(const uint8_t *p, size_t len)
{
	size_t n;

	while (len >= OPTION_HEAD_BYTES) {
		n = OPTION_HEAD_BYTES + (size_t)dns_get16(p + 2);
		if (n > len)
			return false;
		p += n;
		len -= n;
	}
	return len == 0;
}

/* The one record that a query may have behind its question. */
static int
parse_opt(struct dns_query *q, const uint8_t *p, size_t len)
{
	size_t size;

	if (len < OPT_BYTES || p[0] != 0 || dns_get16(p + 1) != DNS_OPT ||
	    (size_t)dns_get16(p + 9) != len - OPT_BYTES)
		return DNS_FORMERR;
	if (!options_ok(p + OPT_BYTES, len - OPT_BYTES))
		return DNS_FORMERR;
	q->edns = true;
	size = dns_get16(p + 3);
	if (size > DNS_UDP_MAX)
		size = DNS_UDP_MAX;
	q->udp_bytes = (uint16_t)(size < DNS_UDP_MIN ? DNS_UDP_MIN : size);
	return p[6] != 0 ? DNS_BADVERS : 0;
}

int
dns_query_parse(struct dns_query *q, const uint8_t *bytes, size_t len)
{
	size_t at = DNS_HEADER_BYTES;
	unsigned int flags;

	q->name.len = 0;
	q->edns = q->plain = false;
	q->udp_bytes = DNS_UDP_MIN;
	q->type = q->class = 0;
	if (len < DNS_HEADER_BYTES)
		return DNS_DROP;
	q->id = dns_get16(bytes);
	flags = dns_get16(bytes + 2);
	q->rd = (flags & F_RD) != 0;
	q->cd = (flags & F_CD) != 0;
	if (flags & F_QR)
		return DNS_DROP;
	if (flags & F_OPCODE)
		return DNS_NOTIMP;
	if ((flags & F_TC) || dns_get16(bytes + 4) != 1 ||
	    dns_get32(bytes + 6) != 0 || dns_get16(bytes + 10) > 1)
		return DNS_FORMERR;
	if (dns_name_read(&q->name, bytes, len, &at, false) == -1 ||
	    len - at < 4) {
		q->name.len = 0;
		return DNS_FORMERR;
	}
	q->type = dns_get16(bytes + at);
	q->class = dns_get16(bytes + at + 2);
	q->plain = name_is_plain(&q->name);
	at += 4;
	if (dns_get16(bytes + 10) == 1)
		return parse_opt(q, bytes + at, len - at);
	return at == len ? 0 : DNS_FORMERR;
}

/* An OPT record of ours without options; its length. */
static size_t
put_opt(uint8_t *p, unsigned int rcode)
{
	memset(p, 0, OPT_BYTES);
	dns_put16(p + 1, DNS_OPT);
	dns_put16(p + 3, DNS_UDP_OURS);
	p[5] = (uint8_t)(rcode >> 4);
	return OPT_BYTES;
}

static size_t
put_question(uint8_t *out, const struct dns_name *name, unsigned int type,
    unsigned int class)
{
	uint8_t *p = out + DNS_HEADER_BYTES;

	dns_put16(out + 4, 1);
	memcpy(p, name->wire, name->len);
	dns_put16(p + name->len, type);
	dns_put16(p + name->len + 2, class);
	return dns_question_end(name);
}

size_t
dns_query_write(uint8_t *out, size_t size, uint16_t id,
    const struct dns_name *name, uint16_t type, bool edns)
{
	size_t n;

	if (size < DNS_QUERY_BYTES)
		return 0;
	memset(out, 0, DNS_HEADER_BYTES);
	dns_put16(out, id);
	dns_put16(out + 2, F_RD);
	n = put_question(out, name, type, DNS_CLASS_IN);
	if (edns) {
		dns_put16(out + 10, 1);
		n += put_opt(out + n, 0);
	}
	return n;
}

/* ---- replies ---- */

size_t
dns_reply_begin(uint8_t *out, const struct dns_query *q)
{
	memset(out, 0, DNS_HEADER_BYTES);
	dns_put16(out, q->id);
	dns_put16(out + 2,
	    F_QR | F_RA | (q->rd ? F_RD : 0) | (q->cd ? F_CD : 0));
	if (q->name.len == 0)
		return DNS_HEADER_BYTES;
	return put_question(out, &q->name, q->type, q->class);
}

size_t
dns_reply_room(const struct dns_query *q, size_t size)
{
	return q->edns ? size - OPT_BYTES : size;
}

void
dns_reply_counts(uint8_t *out, unsigned int answers, unsigned int authorities)
{
	dns_put16(out + 6, answers);
	dns_put16(out + 8, authorities);
}

void
dns_reply_truncated(uint8_t *out)
{
	out[2] |= F_TC >> 8;
}

/* As much of text as has room, no character of UTF-8 cut. */
static size_t
text_room(const char *text, size_t room)
{
	size_t n = strnlen(text, EDE_TEXT_MAX);

	if (n > room)
		n = room;
	while (n > 0 && ((uint8_t)text[n] & 0xc0) == 0x80)
		n--;
	return n;
}

/* The extended error behind an OPT record at opt; its length. */
static size_t
put_ede(uint8_t *opt, size_t room, enum dns_ede ede, const char *text)
{
	uint8_t *p = opt + OPT_BYTES;
	size_t n;

	if (room < OPTION_HEAD_BYTES + 2)
		return 0;
	n = text != NULL ? text_room(text, room - OPTION_HEAD_BYTES - 2) : 0;
	dns_put16(opt + 9, (unsigned int)(OPTION_HEAD_BYTES + 2 + n));
	dns_put16(p, OPTION_EDE);
	dns_put16(p + 2, (unsigned int)(2 + n));
	dns_put16(p + 4, (unsigned int)ede);
	if (n > 0)
		memcpy(p + 6, text, n);
	return OPTION_HEAD_BYTES + 2 + n;
}

size_t
dns_reply_end(uint8_t *out, size_t len, size_t size, const struct dns_query *q,
    unsigned int rcode, enum dns_ede ede, const char *text)
{
	uint8_t *opt = out + len;

	out[3] = (uint8_t)((out[3] & 0xf0) | (rcode & 0x0f));
	if (!q->edns || size - len < OPT_BYTES)
		return len;
	dns_put16(out + 10, 1);
	len += put_opt(opt, rcode);
	if (ede != DNS_EDE_NONE)
		len += put_ede(opt, size - len, ede, text);
	return len;
}

size_t
dns_reply_error(uint8_t *out, size_t size, const struct dns_query *q,
    unsigned int rcode, enum dns_ede ede, const char *text)
{
	return dns_reply_end(out, dns_reply_begin(out, q), size, q, rcode, ede,
	    text);
}

size_t
dns_reply_address(uint8_t *out, size_t size, const struct dns_query *q,
    const struct in6_addr *addr, uint32_t ttl_s, bool *given)
{
	bool v4 = IN6_IS_ADDR_V4MAPPED(addr);
	size_t n, bytes = v4 ? 4 : 16, len = dns_reply_begin(out, q);

	*given = q->type == (v4 ? DNS_A : DNS_AAAA);
	if (*given) {
		n = len;
		dns_put16(out + n, 0xc000 | DNS_HEADER_BYTES);
		dns_put16(out + n + 2, q->type);
		dns_put16(out + n + 4, DNS_CLASS_IN);
		dns_put32(out + n + 6, ttl_s);
		dns_put16(out + n + 10, (unsigned int)bytes);
		memcpy(out + n + 12, addr->s6_addr + 16 - bytes, bytes);
		len += 12 + bytes;
		dns_reply_counts(out, 1, 0);
	}
	return dns_reply_end(out, len, size, q, DNS_NOERROR, DNS_EDE_NONE,
	    NULL);
}
