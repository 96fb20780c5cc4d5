/*
 * Threat feeds as text, see feed_parse.h.  Runs in netproxy on what a feed's
 * server sent, which may be anything.  A line that is not wholly understood
 * gives no name at all; it is counted.
 */

#include "netproxy/feed_parse.h"

#include <arpa/inet.h>

#include <string.h>

const char *const feed_format_name[FEED_FORMAT_MAX] = {
	[FEED_HOSTFILE] = "hostfile",
	[FEED_DOMAINS] = "domain-list",
};

/* ---- names ---- */

/* The byte as it is kept, 0 if no name has it. */
static const char byte_tab[256] = {
	['-'] = '-',
	['_'] = '_',
	['0'] = '0',
	['1'] = '1',
	['2'] = '2',
	['3'] = '3',
	['4'] = '4',
	['5'] = '5',
	['6'] = '6',
	['7'] = '7',
	['8'] = '8',
	['9'] = '9',
	['A'] = 'a',
	['B'] = 'b',
	['C'] = 'c',
	['D'] = 'd',
	['E'] = 'e',
	['F'] = 'f',
	['G'] = 'g',
	['H'] = 'h',
	['I'] = 'i',
	['J'] = 'j',
	['K'] = 'k',
	['L'] = 'l',
	['M'] = 'm',
	['N'] = 'n',
	['O'] = 'o',
	['P'] = 'p',
	['Q'] = 'q',
	['R'] = 'r',
	['S'] = 's',
	['T'] = 't',
	['U'] = 'u',
	['V'] = 'v',
	['W'] = 'w',
	['X'] = 'x',
	['Y'] = 'y',
	['Z'] = 'z',
	['a'] = 'a',
	['b'] = 'b',
	['c'] = 'c',
	['d'] = 'd',
	['e'] = 'e',
	['f'] = 'f',
	['g'] = 'g',
	['h'] = 'h',
	['i'] = 'i',
	['j'] = 'j',
	['k'] = 'k',
	['l'] = 'l',
	['m'] = 'm',
	['n'] = 'n',
	['o'] = 'o',
	['p'] = 'p',
	['q'] = 'q',
	['r'] = 'r',
	['s'] = 's',
	['t'] = 't',
	['u'] = 'u',
	['v'] = 'v',
	['w'] = 'w',
	['x'] = 'x',
	['y'] = 'y',
	['z'] = 'z',
};

size_t
feed_name_clean(const char *s, size_t n, char *out)
{
	size_t i, label = 0, labels = 1;
	bool digits = true; /* of the label so far */

	if (n > 1 && s[n - 1] == '.')
		n--;
	if (n == 0 || n > FEED_NAME_MAX)
		return 0;
	for (i = 0; i < n; i++) {
		if (s[i] == '.') {
			if (label == 0)
				return 0;
			out[i] = '.';
			label = 0;
			labels++;
			digits = true;
			continue;
		}
		out[i] = byte_tab[(unsigned char)s[i]];
		if (out[i] == '\0' || ++label > 63)
			return 0;
		digits = digits && out[i] <= '9' && out[i] >= '0';
	}
	return label > 0 && labels > 1 && !digits ? n : 0;
}

/* ---- lines ---- */

struct word {
	const char *s;
	size_t n;
};

static bool
is_word(const struct word *w, const char *s)
{
	return strlen(s) == w->n && strncasecmp(w->s, s, w->n) == 0;
}

/* What every hosts file holds and no feed means. */
static bool
is_ours(const struct word *w)
{
	static const char *const tab[] = { "localhost", "local",
		"localhost.localdomain", "broadcasthost", "ip6-localhost",
		"ip6-loopback", "ip6-localnet", "ip6-mcastprefix",
		"ip6-allnodes", "ip6-allrouters", "ip6-allhosts", "0.0.0.0" };
	size_t i;

	for (i = 0; i < sizeof(tab) / sizeof(tab[0]); i++)
		if (is_word(w, tab[i]))
			return true;
	return false;
}

/* What is set against names that are not to be reached. */
static bool
is_null_address(const struct word *w)
{
	char buf[INET6_ADDRSTRLEN];
	struct in6_addr a6;
	struct in_addr a4;

	if (w->n >= sizeof(buf))
		return false;
	memcpy(buf, w->s, w->n);
	buf[w->n] = '\0';
	if (inet_pton(AF_INET, buf, &a4) == 1)
		return a4.s_addr == 0 || ntohl(a4.s_addr) >> 24 == 127;
	return inet_pton(AF_INET6, buf, &a6) == 1 &&
	    (IN6_IS_ADDR_UNSPECIFIED(&a6) || IN6_IS_ADDR_LOOPBACK(&a6));
}

/* Does an address stand where a hosts file has its own machine's entries? */
static bool
is_system_address(const struct word *w)
{
	char buf[INET6_ADDRSTRLEN];
	struct in6_addr a6;

	if (w->n >= sizeof(buf))
		return false;
	memcpy(buf, w->s, w->n);
	buf[w->n] = '\0';
	if (strcmp(buf, "255.255.255.255") == 0)
		return true;
	buf[strcspn(buf, "%")] = '\0';
	return inet_pton(AF_INET6, buf, &a6) == 1 &&
	    (IN6_IS_ADDR_LINKLOCAL(&a6) || a6.s6_addr[0] == 0xff);
}

/* The next word of s[*i..n-1], or false. */
static bool
next_word(const char *s, size_t n, size_t *i, struct word *w)
{
	while (*i < n && (s[*i] == ' ' || s[*i] == '\t'))
		(*i)++;
	w->s = s + *i;
	while (*i < n && s[*i] != ' ' && s[*i] != '\t')
		(*i)++;
	w->n = (size_t)(s + *i - w->s);
	return w->n > 0;
}

/* 1 a name, 0 one of ours, -1 no name. */
static int
clean_word(const struct word *w, char *out, size_t *len)
{
	if (is_ours(w))
		return 0;
	*len = feed_name_clean(w->s, w->n, out);
	return *len > 0 ? 1 : -1;
}

static int
give(struct feed_parse *p, const char *name, size_t len)
{
	p->counts.names++;
	return p->fn(name, len, p->arg);
}

/* Every word after the address must be a name before the first is given. */
static int
hosts_line(struct feed_parse *p, const char *s, size_t n)
{
	char name[FEED_NAME_MAX];
	struct word w;
	size_t i = 0, len, start, found = 0;
	int rv = 0;

	if (!next_word(s, n, &i, &w))
		return 0;
	start = i;
	if (is_system_address(&w)) {
		p->counts.ignored++;
		return 0;
	}
	if (!is_null_address(&w))
		goto junk;
	for (; next_word(s, n, &i, &w); found++)
		if (clean_word(&w, name, &len) == -1)
			goto junk;
	if (found == 0)
		goto junk;
	for (i = start; rv == 0 && next_word(s, n, &i, &w);) {
		if (clean_word(&w, name, &len) == 1)
			rv = give(p, name, len);
		else
			p->counts.ignored++;
	}
	return rv;
junk:
	p->counts.junk++;
	return 0;
}

static int
domain_line(struct feed_parse *p, const char *s, size_t n)
{
	char name[FEED_NAME_MAX];
	struct word w, more;
	size_t i = 0, len;

	if (!next_word(s, n, &i, &w))
		return 0;
	if (next_word(s, n, &i, &more)) {
		p->counts.junk++;
		return 0;
	}
	/* A name stands for all below it too, so the star says nothing new. */
	if (w.n > 2 && w.s[0] == '*' && w.s[1] == '.') {
		w.s += 2;
		w.n -= 2;
	}
	switch (clean_word(&w, name, &len)) {
	case 1:
		return give(p, name, len);
	case 0:
		p->counts.ignored++;
		return 0;
	default:
		p->counts.junk++;
		return 0;
	}
}

static int (*const line_tab[FEED_FORMAT_MAX])(struct feed_parse *, const char *,
    size_t) = {
	[FEED_HOSTFILE] = hosts_line,
	[FEED_DOMAINS] = domain_line,
};

/* The line in p->line, without its LF. */
static int
end_line(struct feed_parse *p)
{
	const char *s = p->line, *hash;
	size_t n = p->fill, i = 0;
	struct word w;

	p->fill = 0;
	if (p->overlong) {
		p->overlong = false;
		p->counts.lines++;
		p->counts.junk++;
		return 0;
	}
	if (!p->started && n >= 3 && memcmp(s, "\xef\xbb\xbf", 3) == 0) {
		s += 3;
		n -= 3;
	}
	p->started = true;
	if (n > 0 && s[n - 1] == '\r')
		n--;
	if ((hash = memchr(s, '#', n)) != NULL)
		n = (size_t)(hash - s);
	if (!next_word(s, n, &i, &w) || w.s[0] == '!')
		return 0;
	if (p->counts.lines++ == 0 && w.s[0] == '<')
		p->counts.html = true;
	return line_tab[p->format](p, s, n);
}

/* ---- chunks ---- */

void
feed_parse_init(struct feed_parse *p, enum feed_format format, feed_name_fn *fn,
    void *arg)
{
	memset(p, 0, offsetof(struct feed_parse, line));
	p->format = format;
	p->fn = fn;
	p->arg = arg;
}

static void
keep(struct feed_parse *p, const char *s, size_t n)
{
	if (p->overlong || n > sizeof(p->line) - p->fill) {
		p->overlong = true;
		p->fill = 0;
		return;
	}
	memcpy(p->line + p->fill, s, n);
	p->fill += n;
}

int
feed_parse_chunk(struct feed_parse *p, const char *bytes, size_t n)
{
	const char *lf;
	size_t len;
	int rv;

	p->counts.bytes += n;
	while (n > 0) {
		lf = memchr(bytes, '\n', n);
		len = lf != NULL ? (size_t)(lf - bytes) : n;
		keep(p, bytes, len);
		if (lf == NULL)
			return 0;
		if ((rv = end_line(p)) != 0)
			return rv;
		bytes += len + 1;
		n -= len + 1;
	}
	return 0;
}

int
feed_parse_end(struct feed_parse *p)
{
	return p->fill > 0 || p->overlong ? end_line(p) : 0;
}

/* ---- plausibility ---- */

const char feed_has_shrunk[] = "it has shrunk by more than 90 %";

const char *
feed_implausible(const struct feed_counts *c, uint64_t names, uint64_t had)
{
	if (c->html)
		return "it is HTML";
	if (names == 0)
		return "it holds no name";
	if (c->junk > c->lines / 2)
		return "more than half of its lines are no entries";
	if (names < had / 10)
		return feed_has_shrunk;
	return NULL;
}
