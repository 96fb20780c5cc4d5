/*
 * Entering a session: what the asker (agentsh exec, later the shell shim and the container
 * entrypoint) and the session's tracer say on one connection of entry.sock.
 *
 *	asker	-> monitor	ENTRY_HELLO	session wanted
 *	monitor	-> tracer	ENTRY		the connection and a pidfd of the asker
 *		(or monitor -> asker ENTRY_VERDICT: refused, or "inside": exec plainly)
 *	tracer	-> asker	ENTRY_TERMS	seccomp program, Landlock's rules if any
 *	asker, as this is first of all a wait: no_new_privs, capabilities, Landlock
 *	asker	-> tracer	ENTRY_ASK	argv and environment, in a sealed memfd; its directory
 *		(tracer -> asker ENTRY_VERDICT: go to the workspace first, and ask again)
 *	tracer	-> asker	ENTRY_VERDICT	go: filtered environment; or why not
 *	asker: install the filter
 *	asker	-> tracer	ENTRY_LISTENER	the listener's number, to be taken by pidfd_getfd; where
 *					that cannot be had, the listener, sent by a CLONE_FILES
 *					helper that was cloned before
 *	tracer	-> monitor	LISTENER	a duplicate to keep
 *	monitor	-> tracer	PLACED		where there are limits: it is in the session's cgroup
 *	tracer	-> asker	ENTRY_GO	it is being served
 *	asker: execve.  That exec is judged again, at depth 0, like any other.
 *
 * The monitor parses nothing of this but ENTRY_HELLO.
 */

#ifndef COMMON_ENTRY_H
#define COMMON_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ENTRY_BLOB_MAGIC 0x41534831u /* "ASH1" */
#define ENTRY_BLOB_MAX	 (8u << 20)  /* twice the kernel's usual limit on argv plus environment */

/*
 * In the memfd: this header, then argc strings of argv, envc strings
 * "NAME=VALUE", then one string: the program as it will be given to execve
 * (already looked up in PATH), each NUL-terminated, nothing after.
 */
struct entry_blob {
	uint32_t magic;
	uint32_t argc;
	uint32_t envc;
	uint32_t bytes; /* of the strings */
};

struct entry_args {
	char **argv; /* argc pointers and a NULL */
	char **envp;
	const char *program;
	uint32_t argc, envc;
	void *map; /* owned: unmapped by entry_args_clear */
	size_t map_bytes;
};

/* Write a sealed memfd.  A descriptor the caller owns, or -1 with errno. */
int entry_blob_write(char *const *argv, char *const *envp, const char *program);

/*
 * Map, check and index a blob; it must be sealed against change.  0 or -1 with errno EINVAL, ENOMEM.
 * Pointers live until entry_args_clear.
 */
int entry_blob_read(int fd, struct entry_args *a);
void entry_args_clear(struct entry_args *a);

/* Is path dir, or below it?  Both canonical. */
bool entry_is_below(const char *path, const char *dir);

#endif
