/*
 * Hosts of package registries, by ecosystem: what `registries:` of a network
 * rule stands for.  Found on the machine (supervisor/regfind.h), handed to policyd
 * as a memfd of one struct registries.  Fixed size, every string ends.  No host is
 * known to this program.
 */

#ifndef COMMON_REGISTRY_H
#define COMMON_REGISTRY_H

#include <stddef.h>
#include <stdint.h>

enum registry_eco { REG_NPM, REG_PYPI, REG_CARGO, REG_GO, REG_DEBIAN, REG_MAX };

extern const char *const registry_eco_name[REG_MAX];

#define REGISTRY_MAGIC	  "AGSHREG"
#define REGISTRY_HOSTS	  64
#define REGISTRY_HOST_LEN 254 /* with the NUL */
#define REGISTRY_FROM_LEN 160

struct registry_host {
	uint8_t eco; /* enum registry_eco */
	/* 1: from what the session's user may write: its home, the workspace */
	uint8_t user;
	char host
	    [REGISTRY_HOST_LEN]; /* [a-z0-9._-]+, as registry_clean makes it */
	char from[REGISTRY_FROM_LEN]; /* a path, or "environment NAME" */
};

struct registries {
	char magic[8];
	uint32_t n;
	uint32_t dropped; /* that did not fit */
	struct registry_host v[REGISTRY_HOSTS];
};

void registries_init(struct registries *r);

/* Is it sound?  0 or -1.  Pure. */
int registries_check(const struct registries *r);

/* Read and check what fd holds, which stays the caller's.  0, or -1. */
int registries_read(struct registries *r, int fd);

/*
 * The host of an http or https URL (also sparse+..., git+...), or of what has
 * no scheme, into out (REGISTRY_HOST_LEN): small letters, no port, no user, no
 * trailing dot.  The bytes of s up to the first that no URL has count.  0, or
 * -1: there is none, or a pattern's characters are in it.
 */
int registry_clean(const char *s, size_t n, char *out);

/* Add a host (cleaned) unless it is there from a source that counts as much. */
void registries_add(struct registries *r, enum registry_eco eco, int user,
    const char *host, const char *from);

#endif
