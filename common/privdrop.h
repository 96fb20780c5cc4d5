/*
 * How a process becomes what its row of the rights table says, and nothing
 * more.  Each step's failure is fatal to the process: it never runs with more than its row.
 *
 * A child's main begins like this, before it opens or parses anything:
 *
 *	struct child ch;
 *
 *	if (child_start(&ch, PROC_POLICYD) == -1)
 *		return 1;			(the reason is on stderr or in the log)
 *	... ch.chan is its channel to the monitor, phase RUN, blocking;
 *	    ch.hello what the monitor said; log_*() now reach the monitor's log.
 *	... ch.fd[1..3]: what else came with HELLO (auditd: fd[1] = the HMAC key
 *	    file, read-only, or -1); the child owns them.
 *
 * which is child_hello, privdrop_ids, privdrop_seccomp, child_ready.  A process that
 * must do something between (tracer: probe the kernel before its filter
 * stands) calls the four itself in that order.
 *
 * ch must live as long as the process: the log points at its channel.
 *
 * A missing syscall shows as ENOSYS (release) or as death by SIGSYS (sandbox_kill): add
 * the name, with its purpose, to the process's list in seclist.c.
 *
 * On EOF (chan_recv answers 0) the monitor has gone: the child ends.
 */

#ifndef COMMON_PRIVDROP_H
#define COMMON_PRIVDROP_H

#include <stddef.h>
#include <stdint.h>

#include "common/msg.h"
#include "common/rights.h"

#define CHILD_FD 3 /* the channel to the monitor in every child */

struct child {
	unsigned int proc;
	const struct rights *rights;
	struct chan chan;
	struct msg_hello hello;
	int fd[MSG_FDS_MAX]; /* 0: root directory, consumed by privdrop_ids */
};

/* All four below.  0, or -1 after logging why.  Blocks for HELLO. */
int child_start(struct child *c, unsigned int proc)
    __attribute__((warn_unused_result));

/* Take the channel on CHILD_FD, receive HELLO, point the log at the channel. */
int child_hello(struct child *c, unsigned int proc)
    __attribute__((warn_unused_result));

/*
 * close_range, bounding set, chroot, chdir, setgroups, setresgid, setresuid,
 * proof that they cannot be regained, capability sets, no_new_privs, rlimits,
 * non-dumpable, Landlock.  A tracer keeps the groups it was started with.
 */
int privdrop_ids(struct child *c) __attribute__((warn_unused_result));

/* Install the seccomp list of the row; kill: 1 = violation kills the process. */
int privdrop_seccomp(const struct rights *r, int kill)
    __attribute__((warn_unused_result));

/* Say READY and log one line of what this process holds. */
int child_ready(struct child *c) __attribute__((warn_unused_result));

/*
 * The monitor's own: bounding set and capability sets cut to its row, limits, seccomp list.
 * It keeps uid 0 and no no_new_privs of its own making (children drop by themselves).
 */
int privdrop_monitor(int kill) __attribute__((warn_unused_result));

/*
 * Try to become uid 0, gid 0 and the old ids again.  0 when every attempt failed
 * as it must, -1 when one succeeded.
 */
int privdrop_prove(uint32_t uid, uint32_t gid)
    __attribute__((warn_unused_result));

/* One line from /proc/self: ids, groups, capabilities, root, dumpable, seccomp. */
void privdrop_describe(char *buf, size_t size);

#endif
