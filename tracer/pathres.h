/*
 * Path resolution: from a caller's (dirfd, string) to an object pinned by a
 * descriptor and its canonical name.  What is judged is the name read back from
 * the pin, and what is acted on is the pin: a string that was judged is never
 * given to a system call that could resolve it anew, but for the fast open
 * (openops.c), which proves itself afterwards.
 *
 * Trust: strings, symlinks and directories belong to the adversary and change
 * while we look.  Runs with the caller's credentials, so that search permission
 * is checked by the kernel.  Never blocks but where the file system itself
 * does.
 */

#ifndef TRACER_PATHRES_H
#define TRACER_PATHRES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "tracer/call.h"

/*
 * A canonical name, with its NUL and some room.  Far more than PATH_MAX, which
 * bounds what is passed and not where one can get to step by step.
 */
#define PATHRES_NAME_MAX (65536 + 512)

enum pathres_want {
	PATHRES_OBJECT,	  /* the object, last symlink followed */
	PATHRES_NOFOLLOW, /* the object, or the symlink itself */
	PATHRES_PARENT,	  /* the directory and the last name */
	/*
	 * As OBJECT; where the last name is missing, as PARENT of where it would
	 * be made (a dangling symlink followed).
	 */
	PATHRES_CREATE
};

struct pathres {
	int fd;		 /* O_PATH of the object; -1: parent and name */
	int dir;	 /* of the parent (PARENT, CREATE) or -1 */
	struct call *lender; /* dir is a call_base of this call, or NULL */
	const char *name; /* last name, with the slashes that followed it */
	bool magic;	 /* reached through a /proc magic link */
	bool anon;	 /* no path: pipe, socket, memfd; canon is /dev/fd/N */
	bool deleted;	 /* the object has no name left; canon is its old one */
	size_t len;	 /* of canon */
	char canon[PATHRES_NAME_MAX]; /* judged: own /proc/PID is /proc/self */
	char rest[CALL_PATH_MAX];   /* name points in here */
};

/*
 * Resolve path (len bytes, NUL-terminated) of the caller relative to dirfd (its
 * number or AT_FDCWD). 0, or the errno to answer; EACCES with r->len == 0 means
 * unjudgeable.  After 0, pathres_close.  On ENOENT, ENOTDIR and EACCES r->canon
 * holds what could be said of the name (parent's canonical path and the missing
 * name; r->len != 0) so that it can be judged first.
 */
int pathres_resolve(struct call *c, int dirfd, const char *path, size_t len,
    enum pathres_want want, struct pathres *r)
    __attribute__((warn_unused_result));

/*
 * The object behind the caller's descriptor fd itself (AT_EMPTY_PATH, the f*()
 * calls).
 */
int pathres_fd(struct call *c, int fd, struct pathres *r)
    __attribute__((warn_unused_result));

/* As pathres_resolve begins: nothing pinned, no name. */
void pathres_clear(struct pathres *r);

void pathres_close(struct pathres *r);

/*
 * The canonical name of the object behind our descriptor fd, as the policy
 * spells it.  0, or EACCES where it has none.
 */
int pathres_name(struct call *c, int fd, char *buf, size_t size, size_t *len)
    __attribute__((warn_unused_result));

/* ---- pure, unit-tested ---- */

/*
 * Absolute, no empty, "." or ".." component, no trailing slash, shorter than
 * PATH_MAX; "/" is clean.
 */
bool pathres_is_clean(const char *path, size_t len);

/*
 * Spell "/proc/<tgid>..." and "/proc/<tid>..." as "/proc/self..." in place.
 * The new length.
 */
size_t pathres_spell_self(char *path, size_t len, pid_t tgid, pid_t tid);

/* 1 and *pid: path is below "/proc/<number>"; 0 it is not. */
int pathres_proc_pid(const char *path, size_t len, pid_t *pid);

/* Join dir and a relative clean name; 0 or ENAMETOOLONG. */
int pathres_join(char *buf, size_t size, size_t *len, const char *dir,
    size_t dir_len, const char *name, size_t name_len);

/* The last name of path, trailing slashes kept: offset where it starts. */
size_t pathres_last(const char *path, size_t len);

#endif
