/*
 * Threat feeds' configuration between processes, see feedconf.h.  Linked by
 * policyd, the monitor and netproxy; each of the last two checks what the one
 * before it sent.
 */

#include "common/feedconf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *const feedconf_ca_paths[] = {
	"/etc/ssl/certs/ca-certificates.crt", /* Debian and what comes of it */
	"/etc/pki/tls/certs/ca-bundle.crt", /* Fedora and its kin */
	"/etc/ssl/ca-bundle.pem", /* SUSE */
	"/etc/ssl/cert.pem", /* Alpine */
	NULL,
};

static int
ends(const char *s, size_t size)
{
	return memchr(s, '\0', size) != NULL;
}

int
feedconf_name_ok(const char *s)
{
	size_t n = strspn(s,
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	    "0123456789._:-");

	return n > 0 && n < FEEDCONF_NAME_LEN && s[n] == '\0';
}

static int
row_ok(const struct feedconf *c, uint32_t i)
{
	const struct feedconf_row *r = &c->row[i];
	uint32_t j;

	if (!ends(r->name, sizeof(r->name)) || !feedconf_name_ok(r->name) ||
	    !ends(r->where, sizeof(r->where)) || r->format > 1 ||
	    r->audit > 1 || r->local > 1)
		return 0;
	if (r->local ?
		r->where[0] != '/' :
		strncmp(r->where, "http", 4) != 0 || c->cache_dir[0] != '/')
		return 0;
	for (j = 0; j < i; j++)
		if (strcmp(c->row[j].name, r->name) == 0)
			return 0;
	return 1;
}

int
feedconf_check(const struct feedconf *c)
{
	uint32_t i;

	if (memcmp(c->magic, FEEDCONF_MAGIC, sizeof(c->magic)) != 0 ||
	    c->size_bytes != sizeof(*c) || c->nrows > FEEDCONF_ROWS ||
	    !ends(c->cache_dir, sizeof(c->cache_dir)) || c->interval_ns == 0 ||
	    c->allow_bytes > sizeof(c->allow))
		return -1;
	if (c->allow_bytes > 0 && c->allow[c->allow_bytes - 1] != '\0')
		return -1;
	for (i = 0; i < c->nrows; i++)
		if (!row_ok(c, i))
			return -1;
	return 0;
}

struct feedconf *
feedconf_read(int fd)
{
	struct feedconf *c = malloc(sizeof(*c));
	size_t done = 0;
	ssize_t n;

	if (c == NULL)
		return NULL;
	while (done < sizeof(*c)) {
		n = pread(fd, (char *)c + done, sizeof(*c) - done, (off_t)done);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	if (done == sizeof(*c) && feedconf_check(c) == 0)
		return c;
	free(c);
	errno = EINVAL;
	return NULL;
}

void
feedconf_slot_name(const struct feedconf_row *r, unsigned int slot, char *buf,
    size_t size)
{
	snprintf(buf, size, "feed-%s.%u", r->name, slot);
}
