/*
 * The rights table: what each process of the house runs as and keeps, each
 * with the reason.  Data in one file, rights.c: privdrop applies it, `agentshd
 * -nG` prints it, a test compares it with /proc.  No process holds what no line here
 * explains.
 */

#ifndef COMMON_RIGHTS_H
#define COMMON_RIGHTS_H

#include <stdint.h>
#include <stdio.h>

#include "common/msg.h"

enum rights_ids {
	RIDS_ROOT, /* uid 0, as started */
	RIDS_OWN, /* a user of its own: -u BASE or _agentsh-NAME */
	RIDS_SESSION, /* uid, gid and groups of the session */
	RIDS_MAX
};

enum rights_root {
	RROOT_HOST,
	RROOT_EMPTY, /* an empty directory nobody can write */
	RROOT_AUDIT, /* the directory of audit.storage.sqlite_path */
	RROOT_MAX
};

enum rights_landlock {
	RLL_NONE, /* it has descendants or traces: no domain */
	RLL_NOTHING, /* a domain without any rule */
	RLL_FILES, /* the same for files; TCP is as it was */
	RLL_ROOT, /* only what is below its root */
	RLL_MAX
};

#define RIGHTS_LIMITS 6
struct rights_limit {
	int resource; /* RLIMIT_*; -1 ends the list */
	uint64_t value;
	const char *because;
};

#define RIGHTS_FDS 16
struct rights_fd {
	int fd; /* the number it has, -1: any */
	const char *kind; /* how the link in /proc/PID/fd begins */
	const char *because; /* NULL ends the list */
};

/* A capability and why; cap -1 ends a list. */
struct rights_cap {
	int cap;
	const char *because;
};

struct rights {
	unsigned int proc; /* PROC_* */
	const char *name; /* "policyd" */
	const char *program; /* "agentsh-policyd", in libexec/agentsh */
	const char *user; /* "_agentsh-policyd"; NULL: not RIDS_OWN */
	unsigned int base_offset; /* added to -u BASE */
	enum rights_ids ids;
	const char *ids_because;
	enum rights_root root;
	const char *root_because;
	const struct rights_cap *caps; /* permitted and effective */
	/* of a root session's tracer, in place of caps; NULL: caps */
	const struct rights_cap *caps_root;
	int no_new_privs;
	int dumpable;
	const char *dumpable_because;
	enum rights_landlock landlock;
	const char *landlock_because;
	struct rights_limit limits[RIGHTS_LIMITS];
	struct rights_fd fds[RIGHTS_FDS];
	const char *seclist; /* name of the seccomp list; NULL: no filter */
	const char *seclist_because;
};

/* The row of one PROC_* bit, or NULL. */
const struct rights *rights_get(unsigned int proc);
/* The i-th row, or NULL past the last. */
const struct rights *rights_row(unsigned int i);

/* The capabilities of a row as a mask. */
uint64_t rights_cap_mask(const struct rights *r, int root_session);
const char *rights_proc_name(unsigned int proc); /* never NULL */

/*
 * One line per right: PROCESS TAB RIGHT TAB VALUE TAB BECAUSE.  uid_base 0:
 * users by name, else by number.
 */
void rights_print(FILE *fp, unsigned int uid_base);

#endif
