/*
 * What the traps share.  Each is run inside a session in a world that traps.sh made: DIR/ok,
 * where everything is allowed, and DIR/secret, where nothing is.  A trap looks for the
 * forbidden effect itself where only it can see it; what is left behind is looked at from outside.
 */

#ifndef TRAPS_H
#define TRAPS_H

#include <stddef.h>
#include <sys/types.h>

/* What a trap returns, and main's exit status. */
enum { HELD, ESCAPED, BROKEN };

typedef int trap_fn(void);

struct trap {
	const char *name;
	trap_fn *fn;
	char kind; /* 'e': outside a session it escapes; 'l': it holds there too */
};

/* The tables of the themes, closed by a NULL name. */
extern const struct trap traps_file[], traps_exec[], traps_proc[], traps_net[],
    traps_live[];

extern const char *traps_dir; /* absolute; also the working directory */
extern const char *traps_arg; /* of the trap, or "" */

/* Note a way in that worked (and the errno of one that did not); the worst of r and what follows. */
int traps_way(const char *what, int worked);

/* Does fd give the secret's bytes?  Closes it; -1 is no. */
int traps_is_secret(int fd);

/* Open by raw openat(AT_FDCWD, path, O_RDONLY) and see. */
int traps_reads_secret(const char *path);

/* pattern into buf with every @ replaced by text. */
void traps_fill(char *buf, size_t size, const char *pattern, const char *text);

/* A file with these bytes, mode 0755; 0 or -1. */
int traps_write(const char *path, const void *bytes, size_t n);

/* Run fn in a child; its exit status, or 256 + signal; 512 after ms without an end (it is killed). */
int traps_child(int (*fn)(void *), void *arg, unsigned int ms);

double traps_now(void);

#endif
