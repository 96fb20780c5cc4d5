/*
 * What config.yaml says of threat feeds, as policyd writes it into a memfd, the
 * monitor reads it to open files, and netproxy reads it to fetch.  Fixed size;
 * no pointers; every string ends.
 *
 * Who gives which descriptors:
 *	policyd  -> monitor	the memfd of one struct feedconf, sealed, beside
 *				the config
 *	monitor  -> netproxy	the same memfd; the bundle of CA certificates
 *				(feedconf_ca_paths, the first there is)
 *	monitor  -> netproxy	for each row: a fetched feed's two cache slots,
 *				cache_dir/feed-NAME.0 and .1, read-write, made
 *				0600; a local list: the file, read-only
 * Whoever receives a struct feedconf calls feedconf_check before anything else.
 */

#ifndef COMMON_FEEDCONF_H
#define COMMON_FEEDCONF_H

#include <stddef.h>
#include <stdint.h>

#define FEEDCONF_MAGIC	   "AGSHFDC"
#define FEEDCONF_ROWS	   32
#define FEEDCONF_NAME_LEN  64 /* with the NUL */
#define FEEDCONF_WHERE_LEN 1024 /* with the NUL */
#define FEEDCONF_ALLOW_LEN (128u << 10)

struct feedconf_row {
	char name[FEEDCONF_NAME_LEN]; /* [A-Za-z0-9._:-]+ */
	char where[FEEDCONF_WHERE_LEN]; /* http(s) URL; a local list's path */
	uint32_t format; /* enum feed_format: 0 hosts, 1 domains */
	uint32_t audit; /* 1: only record, 0: deny */
	uint32_t local; /* 1: where is a path */
	uint32_t pad;
};

struct feedconf {
	char magic[8];
	uint32_t size_bytes;
	uint32_t nrows; /* 0: no feeds */
	uint64_t interval_ns; /* between fetches of one feed */
	char cache_dir[256]; /* "" only without fetched feeds */
	struct feedconf_row row[FEEDCONF_ROWS];
	uint32_t allow_bytes;
	uint32_t pad;
	/* names that no feed forbids, nor what is below them; each with NUL */
	char allow[FEEDCONF_ALLOW_LEN];
};

/*
 * Is it whole: sizes, strings, names that are unique and may be part of a file
 * name, paths absolute?  0 or -1.  Pure.
 */
int feedconf_check(const struct feedconf *c);

/* Read and check what fd holds, which stays the caller's.  Malloc'ed, or NULL. */
struct feedconf *feedconf_read(int fd);

/* May s be a feed's name? */
int feedconf_name_ok(const char *s);

/* The name of a row's cache slot, 0 or 1, below cache_dir. */
void feedconf_slot_name(const struct feedconf_row *r, unsigned int slot,
    char *buf, size_t size);

/* Where systems keep their CA certificates; ends with NULL. */
extern const char *const feedconf_ca_paths[];

#endif
