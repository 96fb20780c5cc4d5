/*
 * What the behaviours share.  Each prints what it saw and nothing that differs from run to run (no
 * ids, no times); behave.sh runs it outside and inside a session and compares.
 */

#ifndef BEHAVE_H
#define BEHAVE_H

#include <sys/types.h>

struct behaviour {
	const char *name;
	void (*fn)(void);
};

/* The tables of the themes, closed by a NULL name. */
extern const struct behaviour behave_exec[], behave_signal[], behave_name[],
    behave_fd[], behave_tty[];

extern const char *behave_self; /* this program, absolute */

/* A line of output. */
__attribute__((format(printf, 1, 2))) void say(const char *fmt, ...);

/* What a call said: its errno's name, or ok. */
const char *said(long r);

/* Make or replace a file of this text; what goes wrong is said. */
void put(const char *path, const char *text, mode_t mode);

/* The first line of a file, or the errno's name. */
const char *get(const char *path);

/* Exec it in a child and say what came of that. */
void exec_says(const char *what, const char *path, char *const *argv);

/* Wait for pid: its exit status, 1000 + signal, or -1. */
int ended(pid_t pid);

#endif
