/*
 * Reading resolv.conf(5), see dns_conf.h.  Runs in netproxy, which has no
 * files: the text came as a message.  It is the operator's, but trusted no
 * further than it can be read.
 */

#include "netproxy/dns_conf.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <stdint.h>
#include <string.h>

#define WORD_MAX 64 /* an address with its zone */
#define DNS_PORT 53

/* Text from p to end, taken word by word. */
struct words {
	const char *p, *end;
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* The next word, terminated; false: none, or longer than any that is known. */
static bool
word_next(struct words *w, char word[WORD_MAX])
{
	size_t n = 0;

	while (w->p < w->end && is_blank(*w->p))
		w->p++;
	for (; w->p < w->end && !is_blank(*w->p); w->p++, n++) {
		if (n == WORD_MAX - 1)
			return false;
		word[n] = *w->p;
	}
	word[n] = '\0';
	return n > 0;
}

/* Digits only, up to max (more is max); -1: no number. */
static int64_t
number(const char *s, uint32_t max)
{
	uint64_t v = 0;

	if (*s == '\0')
		return -1;
	for (; *s != '\0'; s++) {
		if (*s < '0' || *s > '9')
			return -1;
		v = v * 10 + (uint64_t)(*s - '0');
		if (v > max)
			v = max;
	}
	return (int64_t)v;
}

static bool
read_server4(struct sockaddr_storage *ss, const char *text)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_port = htons(DNS_PORT) };

	if (inet_pton(AF_INET, text, &sin.sin_addr) != 1)
		return false;
	memset(ss, 0, sizeof(*ss));
	memcpy(ss, &sin, sizeof(sin));
	return true;
}

/* A zone is a number, or the name of an interface, which may yet come. */
static bool
read_zone(const char *text, uint32_t *scope, char zone[IF_NAMESIZE])
{
	size_t len = strlen(text);
	int64_t n = number(text, UINT32_MAX);

	*scope = n > 0 ? (uint32_t)n : 0;
	if (n != -1)
		return true;
	if (len == 0 || len >= IF_NAMESIZE)
		return false;
	memcpy(zone, text, len + 1);
	return true;
}

static bool
read_server6(struct sockaddr_storage *ss, char *text, char zone[IF_NAMESIZE])
{
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6,
		.sin6_port = htons(DNS_PORT) };
	char *percent = strchr(text, '%');

	if (percent != NULL) {
		*percent = '\0';
		if (!read_zone(percent + 1, &sin6.sin6_scope_id, zone))
			return false;
	}
	if (inet_pton(AF_INET6, text, &sin6.sin6_addr) != 1 ||
	    (zone[0] != '\0' && !IN6_IS_ADDR_LINKLOCAL(&sin6.sin6_addr)))
		return false;
	memset(ss, 0, sizeof(*ss));
	memcpy(ss, &sin6, sizeof(sin6));
	return true;
}

static void
read_nameserver(struct dns_conf *conf, struct words *w)
{
	struct sockaddr_storage ss;
	char word[WORD_MAX], zone[IF_NAMESIZE] = "";

	if (conf->nservers == DNS_SERVERS_MAX || !word_next(w, word))
		return;
	if (!read_server4(&ss, word) && !read_server6(&ss, word, zone))
		return;
	memcpy(conf->zone[conf->nservers], zone, sizeof(zone));
	conf->server[conf->nservers++] = ss;
}

static void
read_options(struct dns_conf *conf, struct words *w)
{
	char word[WORD_MAX];
	int64_t n;

	while (word_next(w, word)) {
		if (strcmp(word, "rotate") == 0)
			conf->rotate = true;
		else if (strncmp(word, "timeout:", 8) == 0 &&
		    (n = number(word + 8, DNS_TIMEOUT_MAX_S)) > 0)
			conf->timeout_ms = (unsigned int)n * 1000;
		else if (strncmp(word, "attempts:", 9) == 0 &&
		    (n = number(word + 9, DNS_ATTEMPTS_MAX)) > 0)
			conf->attempts = (unsigned int)n;
	}
}

static const struct {
	const char *word;
	void (*read)(struct dns_conf *conf, struct words *w);
} line_tab[] = {
	{ "nameserver", read_nameserver },
	{ "options", read_options },
};

static void
read_line(struct dns_conf *conf, struct words *w)
{
	char word[WORD_MAX];
	size_t i;

	if (!word_next(w, word))
		return;
	for (i = 0; i < sizeof(line_tab) / sizeof(line_tab[0]); i++)
		if (strcmp(word, line_tab[i].word) == 0)
			line_tab[i].read(conf, w);
}

void
dns_conf_init(struct dns_conf *conf)
{
	memset(conf, 0, sizeof(*conf));
	conf->timeout_ms = DNS_TIMEOUT_MS;
	conf->attempts = DNS_ATTEMPTS;
}

void
dns_conf_read(struct dns_conf *conf, const char *text, size_t len)
{
	const char *p, *nl, *end = text + len;
	struct words w;

	dns_conf_init(conf);
	for (p = text; p < end; p = w.end + 1) {
		nl = memchr(p, '\n', (size_t)(end - p));
		w.p = p;
		w.end = nl != NULL ? nl : end;
		if (*p != '#' && *p != ';')
			read_line(conf, &w);
	}
	if (conf->nservers == 0 && read_server4(&conf->server[0], "127.0.0.1"))
		conf->nservers = 1;
}

unsigned int
dns_resolv_conf(const char *text, size_t len, struct sockaddr_storage *ss,
    unsigned int max)
{
	struct dns_conf conf;
	unsigned int n;

	dns_conf_read(&conf, text, len);
	n = conf.nservers < max ? conf.nservers : max;
	memcpy(ss, conf.server, n * sizeof(*ss));
	return n;
}
