/*
 * Command line options as data: a table of struct opt says what a command
 * accepts, opts_parse reads argv against it.  Options may stand anywhere before
 * "--"; a value is the next word or follows "=".  Used by agentsh and
 * agentshctl only.
 */

#ifndef CTL_OPT_H
#define CTL_OPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum opt_kind {
	OPT_END, /* last row of a table */
	OPT_FLAG,
	OPT_STRING,
	OPT_LIST, /* may be repeated */
	OPT_UINT, /* decimal */
	OPT_DURATION, /* "90s", "1h30m"; num is in ns */
	OPT_CHOICE, /* one of arg, separated by '|' */
};

struct opt {
	const char *name; /* long form, without the dashes */
	char letter; /* short form, 0 for none */
	enum opt_kind kind;
	const char *arg; /* name of the value, NULL for a flag */
	const char *env; /* variable that holds the default, or NULL */
	const char *help; /* one line; NULL: accepted, not listed */
};

#define OPT_MAX	     20 /* rows of a table */
#define OPT_LIST_MAX 64 /* repetitions of one option */

struct optval {
	bool set; /* given on the command line or by env */
	const char *str; /* the last value, borrowed from argv */
	uint64_t num;
	const char *list[OPT_LIST_MAX];
	size_t cnt; /* of list */
};

struct opts {
	const struct opt *tab;
	struct optval val[OPT_MAX];
	char **pos; /* positional arguments, owned; into argv */
	int npos;
	int dash; /* how many stood before "--"; -1: there was none */
	char error[192]; /* why opts_parse failed, one line */
};

/*
 * Stop reading options at positional number n (counted from 0): a command
 * begins there.
 */
#define OPTS_ALL (-1)

/*
 * Parse argc words at argv (no program name) into o, options of tab first, then
 * those of global (may be NULL), whose values go to global's own.  Defaults
 * come from the environment where a row names a variable.  0, or -1 with
 * o->error set; in either case opts_clear afterwards.
 */
int opts_parse(struct opts *o, const struct opt *tab, struct opts *global,
    int argc, char **argv, int stop_at);
/* Prepare o for a table without parsing; reads the environment.  0 or -1. */
int opts_init(struct opts *o, const struct opt *tab);
void opts_clear(struct opts *o);

/*
 * Value of an option that the table must have; NULL or 0 when it was not given.
 */
const struct optval *opts_get(const struct opts *o, const char *name);
const char *opts_str(const struct opts *o, const char *name, const char *dflt);
bool opts_flag(const struct opts *o, const char *name);

/*
 * "250ms", "1h30m", "7d", "0": nanoseconds.  Units ns us ms s m h d; a bare
 * number other than 0 is refused, as is what does not fit.  0 or -1.
 */
int dur_parse(const char *s, uint64_t *ns);

#endif
