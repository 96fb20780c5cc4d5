/*
 * Hosts of package registries, see registry.h.  Linked by what finds them
 * (agentshctl, the monitor's helper) and by policyd, which believes nothing
 * that registries_check has not seen.
 */

#include "common/registry.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const char *const registry_eco_name[REG_MAX] = {
	[REG_NPM] = "npm",
	[REG_PYPI] = "pypi",
	[REG_CARGO] = "cargo",
	[REG_GO] = "go",
	[REG_DEBIAN] = "debian",
};

void
registries_init(struct registries *r)
{
	memset(r, 0, sizeof(*r));
	memcpy(r->magic, REGISTRY_MAGIC, sizeof(r->magic));
}

static bool
host_ok(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789._-");

	return n > 0 && s[n] == '\0' && s[0] != '.' && s[n - 1] != '.' &&
	    strstr(s, "..") == NULL;
}

static bool
from_ok(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			return false;
	return true;
}

int
registries_check(const struct registries *r)
{
	const struct registry_host *h;
	uint32_t i;

	if (memcmp(r->magic, REGISTRY_MAGIC, sizeof(r->magic)) != 0 ||
	    r->n > REGISTRY_HOSTS)
		return -1;
	for (i = 0; i < r->n; i++) {
		h = &r->v[i];
		if (h->eco >= REG_MAX || h->user > 1 ||
		    memchr(h->host, '\0', sizeof(h->host)) == NULL ||
		    memchr(h->from, '\0', sizeof(h->from)) == NULL ||
		    !host_ok(h->host) || !from_ok(h->from))
			return -1;
	}
	return 0;
}

int
registries_read(struct registries *r, int fd)
{
	size_t done = 0;
	ssize_t n;

	while (done < sizeof(*r)) {
		n = pread(fd, (char *)r + done, sizeof(*r) - done, (off_t)done);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	if (done == sizeof(*r) && registries_check(r) == 0)
		return 0;
	registries_init(r);
	errno = EINVAL;
	return -1;
}

/* What stands before the first host byte, or s. */
static const char *
past_scheme(const char *s, size_t n)
{
	size_t i;

	for (i = 0; i + 2 < n && i < 32; i++) {
		if (s[i] == ':' && s[i + 1] == '/' && s[i + 2] == '/')
			return s + i + 3;
		if (s[i] == '/' || s[i] == ' ')
			break;
	}
	return s;
}

int
registry_clean(const char *s, size_t n, char *out)
{
	const char *end = s + n, *p = past_scheme(s, n), *at;
	size_t len = 0;

	for (at = p; at < end && *at != '/' && *at != ' '; at++)
		if (*at == '@')
			p = at + 1;
	for (; p < end && len < REGISTRY_HOST_LEN - 1; p++) {
		char c = *p;

		if (c >= 'A' && c <= 'Z')
			c = (char)(c + ('a' - 'A'));
		if (c == '/' || c == ':' || c == '?' || c == ',' || c == '|' ||
		    c == '"' || c == '\'' || c == '`' || c == ' ' || c == '\n')
			break;
		out[len++] = c;
	}
	while (len > 0 && out[len - 1] == '.')
		len--;
	out[len] = '\0';
	return host_ok(out) ? 0 : -1;
}

void
registries_add(struct registries *r, enum registry_eco eco, int user,
    const char *host, const char *from)
{
	struct registry_host *h;
	uint32_t i;
	char *p;

	for (i = 0; i < r->n; i++) {
		h = &r->v[i];
		if (h->eco == eco && h->user == (user != 0) &&
		    strcmp(h->host, host) == 0)
			return;
	}
	if (r->n == REGISTRY_HOSTS || !host_ok(host) ||
	    strlen(host) >= REGISTRY_HOST_LEN) {
		r->dropped++;
		return;
	}
	h = &r->v[r->n++];
	h->eco = (uint8_t)eco;
	h->user = user != 0;
	memcpy(h->host, host, strlen(host) + 1);
	snprintf(h->from, sizeof(h->from), "%s", from);
	for (p = h->from; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
}
