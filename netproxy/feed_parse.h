/*
 * Threat feeds as text: hosts files and lists of domains, in any number of
 * chunks, to names as DNS carries them.  Pure; no allocation, no system call.
 * Used by netproxy and by tests.
 */

#ifndef NETPROXY_FEED_PARSE_H
#define NETPROXY_FEED_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FEED_NAME_MAX 253 /* of a name, in presentation form */
#define FEED_LINE_MAX 4096 /* a longer line is junk, whatever it holds */

enum feed_format {
	FEED_HOSTFILE, /* ADDRESS NAME ...; the address is null or loopback */
	FEED_DOMAINS, /* one NAME, or *.NAME, a line */
	FEED_FORMAT_MAX
};

extern const char *const feed_format_name[FEED_FORMAT_MAX];

/* What a feed was made of; sums over the whole text. */
struct feed_counts {
	uint64_t bytes;
	uint64_t lines; /* that hold something besides a comment */
	uint64_t names; /* given to the callback, doubles too */
	uint64_t ignored; /* localhost and its kind */
	uint64_t junk; /* lines with something that is no name */
	bool html; /* the first line that holds something begins with '<' */
};

/*
 * Take one name: lower case, no trailing dot, two labels or more, not
 * terminated; lives until the call returns.  Non-zero ends the parsing.
 */
typedef int feed_name_fn(const char *name, size_t len, void *arg);

struct feed_parse {
	enum feed_format format;
	feed_name_fn *fn;
	void *arg;
	struct feed_counts counts;
	size_t fill;
	bool overlong; /* the line is being skipped */
	bool started; /* past a byte order mark */
	char line[FEED_LINE_MAX];
};

void feed_parse_init(struct feed_parse *p, enum feed_format format,
    feed_name_fn *fn, void *arg);

/*
 * The next n bytes.  What is given in one piece or in many gives the same
 * names.  0, or what the callback returned, after which p is spent.
 */
int feed_parse_chunk(struct feed_parse *p, const char *bytes, size_t n);

/* The last line need not end. */
int feed_parse_end(struct feed_parse *p);

/*
 * A name as the policy image compares it: [A-Za-z0-9_-] labels of 1 to 63
 * bytes, one trailing dot dropped, capitals made small, two labels or more, the
 * last not of digits alone (an address is no name), other scripts only in
 * their xn-- form.  The length in out (FEED_NAME_MAX bytes), or 0.
 */
size_t feed_name_clean(const char *s, size_t n, char *out);

/*
 * May a feed of these counts take the place of one of had names (0: there was
 * none)?  NULL, or why not: empty, HTML, mostly junk, shrunk by 90 %.
 */
extern const char feed_has_shrunk[]; /* the last of these */
const char *feed_implausible(const struct feed_counts *c, uint64_t names,
    uint64_t had);

#endif
