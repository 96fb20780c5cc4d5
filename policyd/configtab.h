/*
 * The keys of config.yaml as a table: path, type, what becomes of it.  The
 * table is configtab.c, the walk configload.c; agentsh.conf.5 is checked
 * against it.  policyd only.
 */

#ifndef POLICYD_CONFIGTAB_H
#define POLICYD_CONFIGTAB_H

#include <stddef.h>

#include "policyd/config.h"
#include "policyd/yread.h"

enum ctype {
	CT_STR, /* struct pstr */
	CT_BOOL, /* uint8_t */
	CT_PBOOL, /* struct pnum */
	CT_U32, /* uint32_t */
	CT_PNUM, /* struct pnum, an integer */
	CT_DURATION, /* uint64_t ns */
	CT_SIZE, /* uint64_t bytes */
	CT_LIST, /* struct plist */
	CT_MAP, /* struct pmap */
	CT_WORD, /* int, the value of one of words */
	CT_ANY, /* whatever stands there, and below; never stored by the table */
	CT_MAX
};

enum ckind {
	CK_LIVE, /* acted upon */
	CK_SWITCH, /* switches on a part that is not built yet */
	CK_LATER, /* a detail of such a part */
	CK_DEAD, /* accepted, changes nothing here */
	CK_MAX
};

#define CONFIGTAB_NOSTORE ((size_t)-1)

struct ckey {
	const char *path; /* dotted; NULL ends the table */
	enum ckind kind;
	enum ctype type;
	size_t off; /* in struct config, or CONFIGTAB_NOSTORE */
	const char *part; /* "FUSE"; NULL if none */
	const struct pword *words;
};

/* Rows of one prefix stand together. */
extern const struct ckey configtab[];

extern const char *const configtab_kind_name[CK_MAX];

/* configfeeds.c: defaults; and, once every key is read, c->feeds or errors. */
void configfeeds_default(struct config *c);
void configfeeds_load(const struct yread *y, struct config *c);

#endif
