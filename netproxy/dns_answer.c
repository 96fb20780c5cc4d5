/*
 * Reading what a resolver answered, see dns_answer.h.
 *
 * Runs in netproxy.  The bytes come from whoever could send them to our socket
 * with the right id and question, and in the best case from somebody who serves
 * a stranger's zone. Trusts nothing in them; must never copy a name, a pointer
 * or a record as it came.
 */

#include "netproxy/dns_answer.h"

#include <string.h>

#define F_QR	      0x8000u
#define F_OPCODE      0x7800u
#define F_TC	      0x0200u

#define RR_HEAD_BYTES 10 /* type, class, TTL, length */

/* Keys of service parameters, RFC 9460 14.3.2. */
#define SVC_MANDATORY 0
#define SVC_IPV4HINT  4
#define SVC_IPV6HINT  6

struct rr {
	struct dns_name owner;
	uint16_t type, class;
	uint32_t ttl_s;
	size_t at, len; /* of the data in the message */
};

/* One reading: the message, and what is being made of it. */
struct reader {
	const uint8_t *bytes;
	size_t len, at;
	struct dns_name qname; /* lower case */
	uint16_t type;
	struct dns_answer_buf *b;
	struct dns_name end; /* of the chain so far, lower case */
	size_t end_at; /* where in the new message it stands */
	unsigned int chain;
	bool found; /* a record of the type asked */
	size_t len_before; /* of b, when the record was begun */
	bool full;
};

/* ---- writing ---- */

static bool
room(struct reader *r, size_t n)
{
	if (r->full || r->b->a.len + n > DNS_ANSWER_BYTES)
		r->full = true;
	return !r->full;
}

static void
put(struct reader *r, const void *p, size_t n)
{
	if (!room(r, n))
		return;
	memcpy(r->b->bytes + r->b->a.len, p, n);
	r->b->a.len += (uint16_t)n;
}

static void
put16(struct reader *r, unsigned int v)
{
	uint8_t p[2];

	dns_put16(p, v);
	put(r, p, sizeof(p));
}

static void
put32(struct reader *r, uint32_t v)
{
	uint8_t p[4];

	dns_put32(p, v);
	put(r, p, sizeof(p));
}

static size_t
here(const struct reader *r)
{
	return dns_question_end(&r->qname) + r->b->a.len;
}

/* Where in the question the tail of name at i stands, 0: nowhere. */
static size_t
tail_in_question(const struct reader *r, const struct dns_name *name, size_t i)
{
	const struct dns_name *q = &r->qname;
	size_t at, left = name->len - i;

	for (at = 0; at < q->len && q->wire[at] != 0;
	     at += (size_t)q->wire[at] + 1)
		if (q->len - at == left &&
		    memcmp(q->wire + at, name->wire + i, left) == 0)
			return DNS_HEADER_BYTES + at;
	return 0;
}

/* A name in lower case, its tail shared with the question where it can be. */
static void
put_name(struct reader *r, const struct dns_name *name)
{
	size_t i, at;

	for (i = 0; i < name->len && name->wire[i] != 0;
	     i += (size_t)name->wire[i] + 1) {
		at = tail_in_question(r, name, i);
		if (at != 0) {
			put(r, name->wire, i);
			put16(r, (unsigned int)(0xc000 | at));
			return;
		}
	}
	put(r, name->wire, name->len);
}

static uint32_t
ttl_bounded(uint32_t ttl_s)
{
	if (ttl_s & 0x80000000u) /* RFC 2181 8 */
		return 0;
	return ttl_s > DNS_TTL_MAX_S ? DNS_TTL_MAX_S : ttl_s;
}

/* Begin a record: the owner is there.  The place of its length, for rr_end. */
static size_t
rr_begin(struct reader *r, uint16_t type, uint32_t ttl_s)
{
	struct dns_answer *a = &r->b->a;
	size_t at;

	put16(r, type);
	put16(r, DNS_CLASS_IN);
	if (a->nttls == DNS_ANSWER_RRS)
		r->full = true;
	else
		r->b->ttl_at[a->nttls++] = a->len;
	put32(r, ttl_s);
	if (ttl_s < a->ttl_s)
		a->ttl_s = ttl_s;
	at = a->len;
	put16(r, 0);
	return at;
}

static void
rr_end(struct reader *r, size_t at)
{
	if (!r->full)
		dns_put16(r->b->bytes + at,
		    (unsigned int)(r->b->a.len - at - 2));
}

/* The owner of every record of the answer is the end of the chain so far. */
static size_t
answer_begin(struct reader *r, const struct rr *rr)
{
	r->len_before = r->b->a.len;
	put16(r, (unsigned int)(0xc000 | r->end_at));
	return rr_begin(r, rr->type, ttl_bounded(rr->ttl_s));
}

static void
answer_end(struct reader *r, size_t at)
{
	rr_end(r, at);
	r->b->a.answers++;
}

/* What was begun is not to be. */
static void
answer_undo(struct reader *r)
{
	r->b->a.len = (uint16_t)r->len_before;
	if (r->b->a.nttls > 0)
		r->b->a.nttls--;
}

/* ---- reading ---- */

static int
read_rr(struct reader *r, struct rr *rr)
{
	const uint8_t *p;

	if (dns_name_read(&rr->owner, r->bytes, r->len, &r->at, true) == -1 ||
	    r->len - r->at < RR_HEAD_BYTES)
		return -1;
	p = r->bytes + r->at;
	dns_name_lower(&rr->owner);
	rr->type = dns_get16(p);
	rr->class = dns_get16(p + 2);
	rr->ttl_s = dns_get32(p + 4);
	rr->len = dns_get16(p + 8);
	rr->at = r->at + RR_HEAD_BYTES;
	if (rr->len > r->len - rr->at)
		return -1;
	r->at = rr->at + rr->len;
	return 0;
}

/* The name that is a record's whole data. */
static int
read_name_data(const struct reader *r, const struct rr *rr,
    struct dns_name *name)
{
	size_t at = rr->at;

	if (dns_name_read(name, r->bytes, rr->at + rr->len, &at, true) == -1 ||
	    at != rr->at + rr->len)
		return -1;
	dns_name_lower(name);
	return 0;
}

static int
take_cname(struct reader *r, const struct rr *rr)
{
	struct dns_name target;
	size_t at;

	if (read_name_data(r, rr, &target) == -1 ||
	    ++r->chain > DNS_ANSWER_CHAIN)
		return -1;
	at = answer_begin(r, rr);
	r->end_at = here(r);
	put_name(r, &target);
	answer_end(r, at);
	r->end = target;
	return 0;
}

/* PTR, and CNAME where that is what was asked. */
static int
take_name(struct reader *r, const struct rr *rr)
{
	struct dns_name target;
	size_t at;

	if (read_name_data(r, rr, &target) == -1)
		return -1;
	at = answer_begin(r, rr);
	put_name(r, &target);
	answer_end(r, at);
	return 0;
}

static int
take_addr(struct reader *r, const struct rr *rr)
{
	static const struct in6_addr mapped = { { { [10] = 0xff, 0xff } } };
	size_t at, bytes = rr->type == DNS_A ? 4 : 16;
	struct in6_addr *addr;

	if (rr->len != bytes)
		return -1;
	/* what is not known must not be given */
	if (r->b->a.naddrs == DNS_ANSWER_ADDRS)
		return 0;
	addr = &r->b->addrs[r->b->a.naddrs++];
	*addr = mapped;
	memcpy(addr->s6_addr + 16 - bytes, r->bytes + rr->at, bytes);
	at = answer_begin(r, rr);
	put(r, r->bytes + rr->at, bytes);
	answer_end(r, at);
	return 0;
}

/* Are hints among the keys that a client must understand? */
static bool
hints_mandatory(const uint8_t *p, size_t len)
{
	unsigned int key;

	for (; len >= 2; p += 2, len -= 2) {
		key = dns_get16(p);
		if (key == SVC_IPV4HINT || key == SVC_IPV6HINT)
			return true;
	}
	return false;
}

/*
 * The parameters, keys ascending, less the hints.  1: copied; 0: the record
 * means nothing without them; -1: malformed.
 */
static int
put_params(struct reader *r, const uint8_t *p, size_t len)
{
	int key, last = -1;
	size_t n;

	for (; len > 0; p += n, len -= n) {
		if (len < 4)
			return -1;
		key = dns_get16(p);
		n = 4 + (size_t)dns_get16(p + 2);
		if (key <= last || n > len)
			return -1;
		last = key;
		if (key == SVC_MANDATORY && hints_mandatory(p + 4, n - 4))
			return 0;
		if (key != SVC_IPV4HINT && key != SVC_IPV6HINT)
			put(r, p, n);
	}
	return 1;
}

static int
take_service(struct reader *r, const struct rr *rr)
{
	size_t at, end = rr->at + rr->len, i = rr->at + 2;
	struct dns_name target;
	int kept;

	/* RFC 9460 2.2: the target is not compressed */
	if (rr->len < 3 ||
	    dns_name_read(&target, r->bytes, end, &i, false) == -1)
		return -1;
	at = answer_begin(r, rr);
	put(r, r->bytes + rr->at, 2);
	put(r, target.wire, target.len);
	kept = put_params(r, r->bytes + i, end - i);
	if (kept == 1)
		answer_end(r, at);
	else
		answer_undo(r);
	return kept == -1 ? -1 : 0;
}

static const struct {
	uint16_t type;
	int (*take)(struct reader *r, const struct rr *rr);
} take_tab[] = {
	{ DNS_A, take_addr },
	{ DNS_AAAA, take_addr },
	{ DNS_CNAME, take_name },
	{ DNS_PTR, take_name },
	{ DNS_HTTPS, take_service },
	{ DNS_SVCB, take_service },
};

static int
take_answer(struct reader *r, const struct rr *rr)
{
	size_t i;

	if (rr->class != DNS_CLASS_IN || !dns_name_equal(&rr->owner, &r->end))
		return 0;
	if (rr->type == DNS_CNAME && r->type != DNS_CNAME)
		return r->found ? -1 : take_cname(r, rr);
	if (rr->type != r->type)
		return 0;
	r->found = true;
	for (i = 0; i < sizeof(take_tab) / sizeof(take_tab[0]); i++)
		if (take_tab[i].type == rr->type)
			return take_tab[i].take(r, rr);
	return -1;
}

/* Is tail name or one of those above it?  Both lower case. */
static bool
is_above(const struct dns_name *tail, const struct dns_name *name)
{
	size_t i;

	for (i = 0; i < name->len; i += (size_t)name->wire[i] + 1) {
		if (name->len - i == tail->len &&
		    memcmp(name->wire + i, tail->wire, tail->len) == 0)
			return true;
		if (name->wire[i] == 0)
			break;
	}
	return false;
}

/* For how long there is nothing: RFC 2308 5. */
static int
take_soa(struct reader *r, const struct rr *rr)
{
	size_t n, end = rr->at + rr->len, at = rr->at;
	struct dns_name mname, rname;
	uint32_t ttl_s, minimum;

	if (dns_name_read(&mname, r->bytes, end, &at, true) == -1 ||
	    dns_name_read(&rname, r->bytes, end, &at, true) == -1 ||
	    end - at != 20)
		return -1;
	dns_name_lower(&mname);
	dns_name_lower(&rname);
	minimum = ttl_bounded(dns_get32(r->bytes + at + 16));
	ttl_s = ttl_bounded(rr->ttl_s);
	if (minimum < ttl_s)
		ttl_s = minimum;
	if (ttl_s > DNS_NEGATIVE_MAX_S)
		ttl_s = DNS_NEGATIVE_MAX_S;
	put_name(r, &rr->owner);
	n = rr_begin(r, DNS_SOA, ttl_s);
	put_name(r, &mname);
	put_name(r, &rname);
	put(r, r->bytes + at, 20);
	rr_end(r, n);
	r->b->a.authorities = 1;
	return 0;
}

static int
take_authority(struct reader *r, const struct rr *rr)
{
	if (r->found || r->b->a.authorities > 0 || rr->type != DNS_SOA ||
	    rr->class != DNS_CLASS_IN || !is_above(&rr->owner, &r->end))
		return 0;
	return take_soa(r, rr);
}

/* Nothing is taken of it, but an error that does not fit in the header. */
static int
take_additional(struct reader *r, const struct rr *rr)
{
	return rr->type == DNS_OPT && rr->ttl_s >> 24 != 0 ? -1 : 0;
}

static int (*const section_tab[3])(struct reader *,
    const struct rr *) = { take_answer, take_authority, take_additional };

static int
read_sections(struct reader *r)
{
	unsigned int n;
	struct rr rr;
	size_t s;

	for (s = 0; s < 3; s++) {
		for (n = dns_get16(r->bytes + 6 + 2 * s); n > 0; n--)
			if (read_rr(r, &rr) == -1 ||
			    section_tab[s](r, &rr) == -1)
				return -1;
	}
	/* what follows says nothing, and goes nowhere */
	return r->full ? -1 : 0;
}

bool
dns_response_is_to(const uint8_t *bytes, size_t len, uint16_t id,
    const struct dns_name *name, uint16_t type, bool exact)
{
	size_t at = DNS_HEADER_BYTES;
	struct dns_name got;

	if (len < DNS_HEADER_BYTES || dns_get16(bytes) != id ||
	    (dns_get16(bytes + 2) & (F_QR | F_OPCODE)) != F_QR ||
	    dns_get16(bytes + 4) != 1)
		return false;
	if (dns_name_read(&got, bytes, len, &at, false) == -1 || len - at < 4 ||
	    dns_get16(bytes + at) != type ||
	    dns_get16(bytes + at + 2) != DNS_CLASS_IN)
		return false;
	if (exact)
		return got.len == name->len &&
		    memcmp(got.wire, name->wire, got.len) == 0;
	return dns_name_equal(&got, name);
}

static void
reader_init(struct reader *r, struct dns_answer_buf *b,
    const struct dns_name *name, uint16_t type)
{
	memset(&b->a, 0, sizeof(b->a));
	b->a.ttl_at = b->ttl_at;
	b->a.addrs = b->addrs;
	b->a.bytes = b->bytes;
	b->a.ttl_s = DNS_TTL_MAX_S;
	r->b = b;
	r->qname = *name;
	dns_name_lower(&r->qname);
	r->end = r->qname;
	r->end_at = DNS_HEADER_BYTES;
	r->type = type;
	r->chain = 0;
	r->found = r->full = false;
	r->len_before = 0;
}

enum dns_response
dns_response_read(struct dns_answer_buf *b, const uint8_t *bytes, size_t len,
    const struct dns_name *name, uint16_t type)
{
	struct reader r;
	unsigned int rcode;

	reader_init(&r, b, name, type);
	r.bytes = bytes;
	r.len = len;
	r.at = dns_question_end(name);
	if (len < r.at)
		return DNS_RESPONSE_FAILED;
	if (dns_get16(bytes + 2) & F_TC)
		return DNS_RESPONSE_TRUNCATED;
	rcode = bytes[3] & 0x0f;
	if (rcode == DNS_FORMERR || rcode == DNS_NOTIMP)
		return DNS_RESPONSE_FORMAT;
	if (rcode != DNS_NOERROR && rcode != DNS_NXDOMAIN)
		return DNS_RESPONSE_FAILED;
	if (read_sections(&r) == -1 || (rcode == DNS_NXDOMAIN && r.found))
		return DNS_RESPONSE_FAILED;
	b->a.rcode = (uint16_t)rcode;
	/* without an SOA nobody says for how long there is nothing */
	if (!r.found && b->a.authorities == 0)
		b->a.ttl_s = 0;
	return DNS_RESPONSE_OK;
}

size_t
dns_reply_answer(uint8_t *out, size_t size, const struct dns_query *q,
    const struct dns_answer *a, uint32_t age_s, bool *given)
{
	size_t len = dns_reply_begin(out, q);
	unsigned int i;
	uint32_t ttl_s;
	uint8_t *p;

	*given = len + a->len <= dns_reply_room(q, size);
	if (!*given) {
		dns_reply_truncated(out);
		return dns_reply_end(out, len, size, q, a->rcode, DNS_EDE_NONE,
		    NULL);
	}
	p = out + len;
	memcpy(p, a->bytes, a->len);
	for (i = 0; age_s > 0 && i < a->nttls; i++) {
		ttl_s = dns_get32(p + a->ttl_at[i]);
		dns_put32(p + a->ttl_at[i], ttl_s > age_s ? ttl_s - age_s : 0);
	}
	dns_reply_counts(out, a->answers, a->authorities);
	return dns_reply_end(out, len + a->len, size, q, a->rcode, DNS_EDE_NONE,
	    NULL);
}
