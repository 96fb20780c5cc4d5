/*
 * The system call table: see systab.h.  A call that is not here does not exist
 * (ENOSYS), so that a newer kernel's calls are refused until somebody has thought about them.
 *
 * Linked by tracer, policyd and ctl; pure.  Numbers are literals, as this must compile
 * with headers older than the kernel it runs on; test_systab.c compares them with
 * the headers of the machine that builds it, for both architectures.
 */

#include "tracer/systab.h"

#include <linux/audit.h>
#include <linux/fcntl.h>
#include <linux/seccomp.h>

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "common/decision.h"

const uint32_t systab_audit_arch[SYSTAB_ARCH_MAX] = {
	[SYSTAB_X86_64] = AUDIT_ARCH_X86_64,
	[SYSTAB_AARCH64] = AUDIT_ARCH_AARCH64,
};

/* clang-format off */
const struct systab_ask systab_ask_tab[ASK_MAX] = {
#define X(id, text, domain, op1, op2) \
	[ASK_##id] = { text, SYSTAB_D_##domain, op1, op2 },
	SYSTAB_ASKS(X)
#undef X
};

/*
 * Tests on arguments.  The kernel takes int, unsigned int and mode_t arguments from the
 * low half of a register and ignores what is above; pointers are NULL only when
 * both halves are 0.
 */
#define EQ(a, v)	{ SYSTAB_C_EQ, a, 0xffffffffu, v }
#define MASKED(a, m, v)	{ SYSTAB_C_EQ, a, m, v }
#define ANY(a, m)	{ SYSTAB_C_ANY, a, m, 0 }
#define NUL(a)		{ SYSTAB_C_NULL, a, 0, 0 }
#define PASS_IF(...)	{ .c = { __VA_ARGS__ }, .act = SYSTAB_ACT_PASS }
#define ERRNO_IF(e, ...) { .c = { __VA_ARGS__ }, .act = SYSTAB_ACT_ERRNO, .err = e }
#define REFUSE_IF(...)	{ .c = { __VA_ARGS__ }, .act = SYSTAB_ACT_REFUSE, .err = EPERM }
#define ASK_IF(id, when, ...) { .c = { __VA_ARGS__ }, .act = SYSTAB_ACT_ASK, \
	.ask = ASK_##id, .cond = SYSTAB_##when }
#define ELSE_PASS	{ .act = SYSTAB_ACT_PASS, .last = true }
#define ELSE_REFUSE	{ .act = SYSTAB_ACT_REFUSE, .err = EPERM, .last = true }
#define ELSE_ASK(id)	{ .act = SYSTAB_ACT_ASK, .ask = ASK_##id, .last = true }

/*
 * Namespaces: CLONE_NEWNS CGROUP UTS IPC USER PID NET; for unshare also NEWTIME, whose bit
 * is part of the exit signal in clone.  The one place where a later issue lets nested
 * sandboxes in.
 */
#define NEW_NAMESPACES 0x7e020000u
#define NEW_TIME       0x00000080u
static const struct systab_test test_clone[] = {
	REFUSE_IF(ANY(0, NEW_NAMESPACES)),
	/* CLONE_FS, FILES, THREAD: who may change whose descriptors and umask. */
	ASK_IF(SHARE, ALWAYS, ANY(0, 0x00010600u)),
	ELSE_PASS
};
static const struct systab_test test_unshare[] = {
	REFUSE_IF(ANY(0, NEW_NAMESPACES | NEW_TIME)),
	ELSE_PASS
};

/*
 * ioctls that do what a refused call does: type into, relabel or redirect a terminal,
 * choose who gets a signal, find blocks, allocate and punch (all of XFS's type but
 * FS_IOC_FSGETXATTR, which lsattr reads), share and destroy extents and subvolumes by name (all of
 * btrfs's type, where FICLONE lives), change a file's attributes through a
 * descriptor that was judged for reading, drive a listener (type '!').
 */
static const struct systab_test test_ioctl[] = {
	REFUSE_IF(EQ(1, 0x00000001)),	/* FIBMAP */
	REFUSE_IF(EQ(1, 0x00005412)),	/* TIOCSTI */
	REFUSE_IF(EQ(1, 0x0000541c)),	/* TIOCLINUX */
	REFUSE_IF(EQ(1, 0x0000541d)),	/* TIOCCONS */
	REFUSE_IF(EQ(1, 0x00005423)),	/* TIOCSETD */
	REFUSE_IF(EQ(1, 0x00005452)),	/* FIOASYNC: a tty's owner is its foreground group */
	REFUSE_IF(EQ(1, 0x00008901)),	/* FIOSETOWN */
	REFUSE_IF(EQ(1, 0x00008902)),	/* SIOCSPGRP */
	REFUSE_IF(EQ(1, 0x40046602)),	/* FS_IOC32_SETFLAGS */
	REFUSE_IF(EQ(1, 0x40047211)),	/* FAT_IOCTL_SET_ATTRIBUTES, of others too */
	REFUSE_IF(EQ(1, 0x40086602)),	/* FS_IOC_SETFLAGS */
	REFUSE_IF(EQ(1, 0x40086604)),	/* EXT4_IOC_SETVERSION */
	REFUSE_IF(EQ(1, 0x40087602)),	/* FS_IOC_SETVERSION */
	REFUSE_IF(EQ(1, 0x40806685)),	/* FS_IOC_ENABLE_VERITY */
	REFUSE_IF(EQ(1, 0x800c6613)),	/* FS_IOC_SET_ENCRYPTION_POLICY */
	PASS_IF(EQ(1, 0x801c581f)),	/* FS_IOC_FSGETXATTR */
	REFUSE_IF(MASKED(1, 0xff00, 0x5800)), /* 'X': RESVSP, ZERO_RANGE, FSSETXATTR, FIFREEZE, ... */
	REFUSE_IF(MASKED(1, 0xff00, 0x9400)), /* btrfs: FICLONE, FICLONERANGE, FIDEDUPERANGE, SNAP_DESTROY, ... */
	REFUSE_IF(MASKED(1, 0xff00, 0x2100)), /* '!': SECCOMP_IOCTL_* */
	ELSE_PASS
};

/* Locks of the open file that are asked for without waiting: see ASK_LOCK. */
static const struct systab_test test_flock[] = {
	ASK_IF(LOCK, ALWAYS, ANY(1, 4)),	/* LOCK_NB */
	ELSE_PASS
};

/*
 * Who is signalled about a descriptor (F_SETOWN, F_SETOWN_EX), with what (F_SETSIG), and the
 * things that signal or hold up others: leases, dnotify, O_ASYNC, for which a terminal
 * names its foreground group as the owner, be it of the session or not.
 */
static const struct systab_test test_fcntl[] = {
	ASK_IF(LOCK, ALWAYS, EQ(1, 37)),	/* F_OFD_SETLK */
	ASK_IF(SETOWN, ALWAYS, EQ(1, 8)),	/* F_SETOWN */
	ASK_IF(SETOWN, ALWAYS, EQ(1, 15)),	/* F_SETOWN_EX */
	REFUSE_IF(EQ(1, 10)),			/* F_SETSIG */
	REFUSE_IF(EQ(1, 1024)),			/* F_SETLEASE */
	REFUSE_IF(EQ(1, 1026)),			/* F_NOTIFY */
	REFUSE_IF(EQ(1, 1040)),			/* F_SETDELEG: a lease, 6.19 */
	ASK_IF(ASYNC, ALWAYS, EQ(1, 4), ANY(2, 020000)), /* F_SETFL with O_ASYNC */
	ELSE_PASS
};

/*
 * A non-dumpable workload could not be read, so every call of it would be refused:
 * asking for that succeeds and does nothing.  What sheds capabilities marks the task in root
 * sessions, like setuid.  PR_SET_PTRACER would undo the launcher's under Yama.
 */
static const struct systab_test test_prctl[] = {
	ERRNO_IF(0, EQ(0, 4), NUL(1)),		/* PR_SET_DUMPABLE 0 */
	REFUSE_IF(EQ(0, 35)),			/* PR_SET_MM */
	REFUSE_IF(EQ(0, 62)),			/* PR_SCHED_CORE */
	REFUSE_IF(EQ(0, 0x59616d61)),		/* PR_SET_PTRACER */
	ASK_IF(CRED, ROOT, EQ(0, 8)),		/* PR_SET_KEEPCAPS */
	ASK_IF(CRED, ROOT, EQ(0, 24)),		/* PR_CAPBSET_DROP */
	ASK_IF(CRED, ROOT, EQ(0, 28)),		/* PR_SET_SECUREBITS */
	ASK_IF(CRED, ROOT, EQ(0, 47)),		/* PR_CAP_AMBIENT */
	ELSE_PASS
};

/* Query, PER_LINUX and PER_LINUX32, UNAME26 and ADDR_NO_RANDOMIZE (setarch -R, debuggers). */
static const struct systab_test test_personality[] = {
	PASS_IF(EQ(0, 0xffffffff)),
	REFUSE_IF(ANY(0, ~(0x00000008u | 0x00020000u | 0x00040000u))),
	ELSE_PASS
};

/* A listener of the workload's own: it could answer for us where it is not EBUSY. */
static const struct systab_test test_seccomp[] = {
	REFUSE_IF(EQ(0, SECCOMP_SET_MODE_FILTER), ANY(1, SECCOMP_FILTER_FLAG_NEW_LISTENER)),
	ELSE_PASS
};

/*
 * Families whose addresses are judged later, in the types that carry them.  Raw, packet, vsock,
 * MPTCP, SCTP, AF_ALG and all others are refused.  Programs that open a netlink
 * family which is not there take EPROTONOSUPPORT for "not in this kernel" (libaudit in useradd)
 * and EPERM for a failure.
 */
#define F_UNIX	  1
#define F_INET	  2
#define F_INET6	  10
#define F_NETLINK 16
static const struct systab_test test_socket[] = {
	PASS_IF(EQ(0, F_UNIX)),
	PASS_IF(EQ(0, F_INET), MASKED(1, 0xf, 1), EQ(2, 0)),
	PASS_IF(EQ(0, F_INET), MASKED(1, 0xf, 1), EQ(2, 6)),
	PASS_IF(EQ(0, F_INET), MASKED(1, 0xf, 2), EQ(2, 0)),
	PASS_IF(EQ(0, F_INET), MASKED(1, 0xf, 2), EQ(2, 17)),
	PASS_IF(EQ(0, F_INET6), MASKED(1, 0xf, 1), EQ(2, 0)),
	PASS_IF(EQ(0, F_INET6), MASKED(1, 0xf, 1), EQ(2, 6)),
	PASS_IF(EQ(0, F_INET6), MASKED(1, 0xf, 2), EQ(2, 0)),
	PASS_IF(EQ(0, F_INET6), MASKED(1, 0xf, 2), EQ(2, 17)),
	PASS_IF(EQ(0, F_NETLINK), EQ(2, 0)), /* NETLINK_ROUTE */
	ERRNO_IF(EPROTONOSUPPORT, EQ(0, F_NETLINK)),
	ELSE_REFUSE
};
static const struct systab_test test_socketpair[] = {
	PASS_IF(EQ(0, F_UNIX)),
	ELSE_REFUSE
};

/* Options that send a packet elsewhere after its address was judged. */
static const struct systab_test test_setsockopt[] = {
	REFUSE_IF(EQ(2, 4), EQ(1, 0)),	 /* IP_OPTIONS */
	REFUSE_IF(EQ(2, 6), EQ(1, 41)),	 /* IPV6_2292PKTOPTIONS */
	REFUSE_IF(EQ(2, 9), EQ(1, 41)),	 /* IPV6_NEXTHOP */
	REFUSE_IF(EQ(2, 32), EQ(1, 41)), /* IPV6_FLOWLABEL_MGR: a label can carry a routing header */
	REFUSE_IF(EQ(2, 50), EQ(1, 41)), /* IPV6_PKTINFO */
	REFUSE_IF(EQ(2, 54), EQ(1, 41)), /* IPV6_HOPOPTS */
	REFUSE_IF(EQ(2, 55), EQ(1, 41)), /* IPV6_RTHDRDSTOPTS */
	REFUSE_IF(EQ(2, 57), EQ(1, 41)), /* IPV6_RTHDR */
	REFUSE_IF(EQ(2, 59), EQ(1, 41)), /* IPV6_DSTOPTS */
	ELSE_PASS
};

/* On a connected socket there is no address to judge; MSG_FASTOPEN is a connect. */
static const struct systab_test test_sendto[] = {
	ASK_IF(SENDTO, ALWAYS, ANY(3, 0x20000000)),
	PASS_IF(NUL(4)),
	ELSE_ASK(SENDTO)
};

/* Device nodes, whiteouts too; the rest is a create.  mode is a 16-bit umode_t. */
static const struct systab_test test_mknod[] = {
	REFUSE_IF(MASKED(1, 0170000, 0020000)),
	REFUSE_IF(MASKED(1, 0170000, 0060000)),
	ELSE_ASK(MKNOD)
};
static const struct systab_test test_mknodat[] = {
	REFUSE_IF(MASKED(2, 0170000, 0020000)),
	REFUSE_IF(MASKED(2, 0170000, 0060000)),
	ELSE_ASK(MKNOD)
};

/* Oneself is one's own matter; others must be of the session. */
static const struct systab_test test_prlimit[] = {
	PASS_IF(EQ(0, 0)),
	PASS_IF(NUL(2)),
	ELSE_ASK(PRLIMIT)
};
static const struct systab_test test_sched[] = {
	PASS_IF(EQ(0, 0)),
	ELSE_ASK(SCHED)
};
/* Whole groups and users reach beyond the session. */
static const struct systab_test test_setpriority[] = {
	PASS_IF(EQ(0, 0), EQ(1, 0)), /* PRIO_PROCESS */
	ASK_IF(SCHED, ALWAYS, EQ(0, 0)),
	ELSE_REFUSE
};
static const struct systab_test test_ioprio[] = {
	PASS_IF(EQ(0, 1), EQ(1, 0)), /* IOPRIO_WHO_PROCESS */
	ASK_IF(SCHED, ALWAYS, EQ(0, 1)),
	ELSE_REFUSE
};

/*
 * Flags that each *at call may carry; the kernel answers EINVAL to others, and so do we.
 * AT_EXECVE_CHECK and the sync type of statx are newer than some headers.
 */
#define OK_AT	  (AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)
#define OK_STAT	  (OK_AT | AT_NO_AUTOMOUNT | 0x6000)
#define OK_ACCESS (OK_AT | AT_EACCESS)
#define OK_EXEC	  (OK_AT | 0x10000)
#define OK_LINK	  (AT_SYMLINK_FOLLOW | AT_EMPTY_PATH)
#define OK_RENAME 7 /* RENAME_NOREPLACE, EXCHANGE, WHITEOUT */

/* What the kernel's own headers call O_*; the architectures agree on these. */
#define CREAT_FLAGS (O_CREAT | O_WRONLY | O_TRUNC)

#define ROLES_(a, b, c, d, e, f, ...) \
	{ SR_##a, SR_##b, SR_##c, SR_##d, SR_##e, SR_##f }
#define ROLES(...) ROLES_(__VA_ARGS__, NONE, NONE, NONE, NONE, NONE, NONE)
#define PASS	   .class = SYSTAB_PASS
#define REFUSE	   .class = SYSTAB_REFUSE, .err = EPERM
#define ANSWER(e)  .class = SYSTAB_ERRNO, .err = e
#define NONE_SUCH  ANSWER(ENOSYS)
#define JUDGE(id, when, fix, ok, ...) \
	.class = SYSTAB_JUDGE, .ask = ASK_##id, .cond = SYSTAB_##when, \
	.fixed = fix, .flags_ok = ok, .role = ROLES(__VA_ARGS__)
#define ARG(id, ...) \
	.class = SYSTAB_ARG, .tests = test_##id, .role = ROLES(__VA_ARGS__)

/*
 * Odd ones.  landlock_*: a call performed on behalf would run outside a domain that the
 * workload made, so there must seem to be none (EOPNOTSUPP is what a kernel without
 * it enabled answers).  name_to_handle_at: of no use without its other half.
 * fgetxattr, flistxattr, fstat: the object was judged when its descriptor was made.
 * sched_getaffinity: a caller is held to one CPU at times and must not see it.
 * uretprobe, uprobe: entered by the kernel's own trampolines.
 */
#define SYSTAB_LIST(X) \
	X(read,				0, 63,	PASS) \
	X(write,			1, 64,	PASS) \
	X(open,				2, -1,	JUDGE(OPEN, ALWAYS, 0, 0, PATH, FLAGS, MODE)) \
	X(close,			3, 57,	PASS) \
	X(stat,				4, -1,	JUDGE(STAT, METADATA, 0, 0, PATH, OUT)) \
	X(fstat,			5, 80,	PASS) \
	X(lstat,			6, -1,	JUDGE(STAT, METADATA, AT_SYMLINK_NOFOLLOW, 0, PATH, OUT)) \
	X(poll,				7, -1,	PASS) \
	X(lseek,			8, 62,	PASS) \
	X(mmap,				9, 222,	PASS) \
	X(mprotect,			10, 226, PASS) \
	X(munmap,			11, 215, PASS) \
	X(brk,				12, 214, PASS) \
	X(rt_sigaction,			13, 134, PASS) \
	X(rt_sigprocmask,		14, 135, PASS) \
	X(rt_sigreturn,			15, 139, PASS) \
	X(ioctl,			16, 29,	ARG(ioctl, FD, CMD, ARG)) \
	X(pread64,			17, 67,	PASS) \
	X(pwrite64,			18, 68,	PASS) \
	X(readv,			19, 65,	PASS) \
	X(writev,			20, 66,	PASS) \
	X(access,			21, -1,	JUDGE(ACCESS, METADATA, 0, 0, PATH, MODE)) \
	X(pipe,				22, -1,	PASS) \
	X(select,			23, -1,	PASS) \
	X(sched_yield,			24, 124, PASS) \
	X(mremap,			25, 216, PASS) \
	X(msync,			26, 227, PASS) \
	X(mincore,			27, 232, PASS) \
	X(madvise,			28, 233, PASS) \
	X(shmget,			29, 194, PASS) \
	X(shmat,			30, 196, PASS) \
	X(shmctl,			31, 195, PASS) \
	X(dup,				32, 23,	PASS) \
	X(dup2,				33, -1,	PASS) \
	X(pause,			34, -1,	PASS) \
	X(nanosleep,			35, 101, PASS) \
	X(getitimer,			36, 102, PASS) \
	X(alarm,			37, -1,	PASS) \
	X(setitimer,			38, 103, PASS) \
	X(getpid,			39, 172, PASS) \
	X(sendfile,			40, 71,	PASS) \
	X(socket,			41, 198, ARG(socket, NONE)) \
	X(connect,			42, 203, JUDGE(CONNECT, ALWAYS, 0, 0, FD, ADDR, ADDRLEN)) \
	X(accept,			43, 202, PASS) \
	X(sendto,			44, 206, ARG(sendto, FD, BUF, SIZE, FLAGS, ADDR, ADDRLEN)) \
	X(recvfrom,			45, 207, PASS) \
	X(sendmsg,			46, 211, JUDGE(SENDMSG, ALWAYS, 0, 0, FD, MSG, FLAGS)) \
	X(recvmsg,			47, 212, PASS) \
	X(shutdown,			48, 210, PASS) \
	X(bind,				49, 200, JUDGE(BIND, ALWAYS, 0, 0, FD, ADDR, ADDRLEN)) \
	X(listen,			50, 201, JUDGE(LISTEN, ALWAYS, 0, 0, FD)) \
	X(getsockname,			51, 204, PASS) \
	X(getpeername,			52, 205, PASS) \
	X(socketpair,			53, 199, ARG(socketpair, NONE)) \
	X(setsockopt,			54, 208, ARG(setsockopt, FD)) \
	X(getsockopt,			55, 209, PASS) \
	X(clone,			56, 220, ARG(clone, FLAGS)) \
	X(fork,				57, -1,	PASS) \
	X(vfork,			58, -1,	PASS) \
	X(execve,			59, 221, JUDGE(EXEC, ALWAYS, 0, 0, PATH, ARGV, ENVP)) \
	X(exit,				60, 93,	PASS) \
	X(wait4,			61, 260, PASS) \
	X(kill,				62, 129, JUDGE(KILL, ALWAYS, 0, 0, PID, SIG)) \
	X(uname,			63, 160, PASS) \
	X(semget,			64, 190, PASS) \
	X(semop,			65, 193, PASS) \
	X(semctl,			66, 191, PASS) \
	X(shmdt,			67, 197, PASS) \
	X(msgget,			68, 186, PASS) \
	X(msgsnd,			69, 189, PASS) \
	X(msgrcv,			70, 188, PASS) \
	X(msgctl,			71, 187, PASS) \
	X(fcntl,			72, 25,	ARG(fcntl, FD, CMD, ARG)) \
	X(flock,			73, 32,	ARG(flock, FD, CMD)) \
	X(fsync,			74, 82,	PASS) \
	X(fdatasync,			75, 83,	PASS) \
	X(truncate,			76, 45,	JUDGE(TRUNCATE, ALWAYS, 0, 0, PATH, LENGTH)) \
	X(ftruncate,			77, 46,	PASS) \
	X(getdents,			78, -1,	PASS) \
	X(getcwd,			79, 17,	PASS) \
	X(chdir,			80, 49,	PASS) \
	X(fchdir,			81, 50,	PASS) \
	X(rename,			82, -1,	JUDGE(RENAME, ALWAYS, 0, 0, PATH, PATH2)) \
	X(mkdir,			83, -1,	JUDGE(MKDIR, ALWAYS, 0, 0, PATH, MODE)) \
	X(rmdir,			84, -1,	JUDGE(UNLINK, ALWAYS, AT_REMOVEDIR, 0, PATH)) \
	X(creat,			85, -1,	JUDGE(OPEN, ALWAYS, CREAT_FLAGS, 0, PATH, MODE)) \
	X(link,				86, -1,	JUDGE(LINK, ALWAYS, 0, 0, PATH, PATH2)) \
	X(unlink,			87, -1,	JUDGE(UNLINK, ALWAYS, 0, 0, PATH)) \
	X(symlink,			88, -1,	JUDGE(SYMLINK, ALWAYS, 0, 0, TARGET, PATH)) \
	X(readlink,			89, -1,	JUDGE(READLINK, METADATA, 0, 0, PATH, OUT, SIZE)) \
	X(chmod,			90, -1,	JUDGE(CHMOD, ALWAYS, 0, 0, PATH, MODE)) \
	X(fchmod,			91, 52,	JUDGE(CHMOD, ALWAYS, 0, 0, FD, MODE)) \
	X(chown,			92, -1,	JUDGE(CHOWN, ALWAYS, 0, 0, PATH, UID, GID)) \
	X(fchown,			93, 55,	JUDGE(CHOWN, ALWAYS, 0, 0, FD, UID, GID)) \
	X(lchown,			94, -1,	JUDGE(CHOWN, ALWAYS, AT_SYMLINK_NOFOLLOW, 0, PATH, UID, GID)) \
	X(umask,			95, 166, JUDGE(UMASK, ALWAYS, 0, 0, MODE)) \
	X(gettimeofday,			96, 169, PASS) \
	X(getrlimit,			97, 163, PASS) \
	X(getrusage,			98, 165, PASS) \
	X(sysinfo,			99, 179, PASS) \
	X(times,			100, 153, PASS) \
	X(ptrace,			101, 117, REFUSE) \
	X(getuid,			102, 174, PASS) \
	X(syslog,			103, 116, REFUSE) \
	X(getgid,			104, 176, PASS) \
	X(setuid,			105, 146, JUDGE(CRED, ROOT, 0, 0, NONE)) \
	X(setgid,			106, 144, JUDGE(CRED, ROOT, 0, 0, NONE)) \
	X(geteuid,			107, 175, PASS) \
	X(getegid,			108, 177, PASS) \
	X(setpgid,			109, 154, PASS) \
	X(getppid,			110, 173, PASS) \
	X(getpgrp,			111, -1, PASS) \
	X(setsid,			112, 157, PASS) \
	X(setreuid,			113, 145, JUDGE(CRED, ROOT, 0, 0, NONE)) \
	X(setregid,			114, 143, JUDGE(CRED, ROOT, 0, 0, NONE)) \
	X(getgroups,			115, 158, PASS) \
	X(setgroups,			116, 159, JUDGE(CRED, ROOT, 0, 0, NONE)) \
	X(setresuid,			117, 147, JUDGE(CRED, ROOT, 0, 0, NONE)) \
	X(getresuid,			118, 148, PASS) \
	X(setresgid,			119, 149, JUDGE(CRED, ROOT, 0, 0, NONE)) \
	X(getresgid,			120, 150, PASS) \
	X(getpgid,			121, 155, PASS) \
	X(setfsuid,			122, 151, JUDGE(CRED, ROOT, 0, 0, NONE)) \
	X(setfsgid,			123, 152, JUDGE(CRED, ROOT, 0, 0, NONE)) \
	X(getsid,			124, 156, PASS) \
	X(capget,			125, 90, PASS) \
	X(capset,			126, 91, JUDGE(CRED, ROOT, 0, 0, NONE)) \
	X(rt_sigpending,		127, 136, PASS) \
	X(rt_sigtimedwait,		128, 137, PASS) \
	X(rt_sigqueueinfo,		129, 138, JUDGE(QUEUE, ALWAYS, 0, 0, PID, SIG, INFO)) \
	X(rt_sigsuspend,		130, 133, PASS) \
	X(sigaltstack,			131, 132, PASS) \
	X(utime,			132, -1, JUDGE(UTIME, ALWAYS, 0, 0, PATH, UTIMBUF)) \
	X(mknod,			133, -1, ARG(mknod, PATH, MODE, DEV)) \
	X(uselib,			134, -1, NONE_SUCH) \
	X(personality,			135, 92, ARG(personality, NONE)) \
	X(ustat,			136, -1, PASS) \
	X(statfs,			137, 43, JUDGE(STATFS, METADATA, 0, 0, PATH, OUT)) \
	X(fstatfs,			138, 44, PASS) \
	X(sysfs,			139, -1, PASS) \
	X(getpriority,			140, 141, PASS) \
	X(setpriority,			141, 140, ARG(setpriority, CMD, PID)) \
	X(sched_setparam,		142, 118, ARG(sched, PID)) \
	X(sched_getparam,		143, 121, PASS) \
	X(sched_setscheduler,		144, 119, ARG(sched, PID)) \
	X(sched_getscheduler,		145, 120, PASS) \
	X(sched_get_priority_max,	146, 125, PASS) \
	X(sched_get_priority_min,	147, 126, PASS) \
	X(sched_rr_get_interval,	148, 127, PASS) \
	X(mlock,			149, 228, PASS) \
	X(munlock,			150, 229, PASS) \
	X(mlockall,			151, 230, PASS) \
	X(munlockall,			152, 231, PASS) \
	X(vhangup,			153, 58, REFUSE) \
	X(modify_ldt,			154, -1, PASS) \
	X(pivot_root,			155, 41, REFUSE) \
	X(_sysctl,			156, -1, NONE_SUCH) \
	X(prctl,			157, 167, ARG(prctl, CMD)) \
	X(arch_prctl,			158, -1, PASS) \
	X(adjtimex,			159, 171, REFUSE) \
	X(setrlimit,			160, 164, PASS) \
	X(chroot,			161, 51, REFUSE) \
	X(sync,				162, 81, PASS) \
	X(acct,				163, 89, REFUSE) \
	X(settimeofday,			164, 170, REFUSE) \
	X(mount,			165, 40, REFUSE) \
	X(umount2,			166, 39, REFUSE) \
	X(swapon,			167, 224, REFUSE) \
	X(swapoff,			168, 225, REFUSE) \
	X(reboot,			169, 142, REFUSE) \
	X(sethostname,			170, 161, REFUSE) \
	X(setdomainname,		171, 162, REFUSE) \
	X(iopl,				172, -1, REFUSE) \
	X(ioperm,			173, -1, REFUSE) \
	X(create_module,		174, -1, NONE_SUCH) \
	X(init_module,			175, 105, REFUSE) \
	X(delete_module,		176, 106, REFUSE) \
	X(get_kernel_syms,		177, -1, NONE_SUCH) \
	X(query_module,			178, -1, NONE_SUCH) \
	X(quotactl,			179, 60, REFUSE) \
	X(nfsservctl,			180, 42, REFUSE) \
	X(getpmsg,			181, -1, NONE_SUCH) \
	X(putpmsg,			182, -1, NONE_SUCH) \
	X(afs_syscall,			183, -1, NONE_SUCH) \
	X(tuxcall,			184, -1, NONE_SUCH) \
	X(security,			185, -1, NONE_SUCH) \
	X(gettid,			186, 178, PASS) \
	X(readahead,			187, 213, PASS) \
	X(setxattr,			188, 5,	JUDGE(SETXATTR, ALWAYS, 0, 0, PATH, NAME, BUF, SIZE, XFLAGS)) \
	X(lsetxattr,			189, 6,	JUDGE(SETXATTR, ALWAYS, AT_SYMLINK_NOFOLLOW, 0, PATH, NAME, BUF, SIZE, XFLAGS)) \
	X(fsetxattr,			190, 7,	JUDGE(SETXATTR, ALWAYS, 0, 0, FD, NAME, BUF, SIZE, XFLAGS)) \
	X(getxattr,			191, 8,	JUDGE(GETXATTR, METADATA, 0, 0, PATH, NAME, OUT, SIZE)) \
	X(lgetxattr,			192, 9,	JUDGE(GETXATTR, METADATA, AT_SYMLINK_NOFOLLOW, 0, PATH, NAME, OUT, SIZE)) \
	X(fgetxattr,			193, 10, PASS) \
	X(listxattr,			194, 11, JUDGE(LISTXATTR, METADATA, 0, 0, PATH, OUT, SIZE)) \
	X(llistxattr,			195, 12, JUDGE(LISTXATTR, METADATA, AT_SYMLINK_NOFOLLOW, 0, PATH, OUT, SIZE)) \
	X(flistxattr,			196, 13, PASS) \
	X(removexattr,			197, 14, JUDGE(REMOVEXATTR, ALWAYS, 0, 0, PATH, NAME)) \
	X(lremovexattr,			198, 15, JUDGE(REMOVEXATTR, ALWAYS, AT_SYMLINK_NOFOLLOW, 0, PATH, NAME)) \
	X(fremovexattr,			199, 16, JUDGE(REMOVEXATTR, ALWAYS, 0, 0, FD, NAME)) \
	X(tkill,			200, 130, JUDGE(TKILL, ALWAYS, 0, 0, TID, SIG)) \
	X(time,				201, -1, PASS) \
	X(futex,			202, 98, PASS) \
	X(sched_setaffinity,		203, 122, JUDGE(AFFINITY, ALWAYS, 0, 0, PID, SIZE, BUF)) \
	X(sched_getaffinity,		204, 123, JUDGE(AFFINITY, ALWAYS, 0, 0, PID, SIZE, OUT)) \
	X(set_thread_area,		205, -1, PASS) \
	X(io_setup,			206, 0,	PASS) \
	X(io_destroy,			207, 1,	PASS) \
	X(io_getevents,			208, 4,	PASS) \
	X(io_submit,			209, 2,	PASS) \
	X(io_cancel,			210, 3,	PASS) \
	X(get_thread_area,		211, -1, PASS) \
	X(lookup_dcookie,		212, 18, REFUSE) \
	X(epoll_create,			213, -1, PASS) \
	X(epoll_ctl_old,		214, -1, NONE_SUCH) \
	X(epoll_wait_old,		215, -1, NONE_SUCH) \
	X(remap_file_pages,		216, 234, PASS) \
	X(getdents64,			217, 61, PASS) \
	X(set_tid_address,		218, 96, PASS) \
	X(restart_syscall,		219, 128, PASS) \
	X(semtimedop,			220, 192, PASS) \
	X(fadvise64,			221, 223, PASS) \
	X(timer_create,			222, 107, PASS) \
	X(timer_settime,		223, 110, PASS) \
	X(timer_gettime,		224, 108, PASS) \
	X(timer_getoverrun,		225, 109, PASS) \
	X(timer_delete,			226, 111, PASS) \
	X(clock_settime,		227, 112, REFUSE) \
	X(clock_gettime,		228, 113, PASS) \
	X(clock_getres,			229, 114, PASS) \
	X(clock_nanosleep,		230, 115, PASS) \
	X(exit_group,			231, 94, PASS) \
	X(epoll_wait,			232, -1, PASS) \
	X(epoll_ctl,			233, 21, PASS) \
	X(tgkill,			234, 131, JUDGE(TKILL, ALWAYS, 0, 0, PID, TID, SIG)) \
	X(utimes,			235, -1, JUDGE(UTIME, ALWAYS, 0, 0, PATH, TIMEVAL)) \
	X(vserver,			236, -1, NONE_SUCH) \
	X(mbind,			237, 235, PASS) \
	X(set_mempolicy,		238, 237, PASS) \
	X(get_mempolicy,		239, 236, PASS) \
	X(mq_open,			240, 180, PASS) \
	X(mq_unlink,			241, 181, PASS) \
	X(mq_timedsend,			242, 182, PASS) \
	X(mq_timedreceive,		243, 183, PASS) \
	X(mq_notify,			244, 184, PASS) \
	X(mq_getsetattr,		245, 185, PASS) \
	X(kexec_load,			246, 104, REFUSE) \
	X(waitid,			247, 95, PASS) \
	X(add_key,			248, 217, REFUSE) \
	X(request_key,			249, 218, REFUSE) \
	X(keyctl,			250, 219, REFUSE) \
	X(ioprio_set,			251, 30, ARG(ioprio, CMD, PID)) \
	X(ioprio_get,			252, 31, PASS) \
	X(inotify_init,			253, -1, PASS) \
	X(inotify_add_watch,		254, 27, JUDGE(WATCH, METADATA, 0, 0, FD, PATH, MASK)) \
	X(inotify_rm_watch,		255, 28, PASS) \
	X(migrate_pages,		256, 238, ARG(sched, PID)) \
	X(openat,			257, 56, JUDGE(OPEN, ALWAYS, 0, 0, DIRFD, PATH, FLAGS, MODE)) \
	X(mkdirat,			258, 34, JUDGE(MKDIR, ALWAYS, 0, 0, DIRFD, PATH, MODE)) \
	X(mknodat,			259, 33, ARG(mknodat, DIRFD, PATH, MODE, DEV)) \
	X(fchownat,			260, 54, JUDGE(CHOWN, ALWAYS, 0, OK_AT, DIRFD, PATH, UID, GID, FLAGS)) \
	X(futimesat,			261, -1, JUDGE(UTIME, ALWAYS, 0, 0, DIRFD, PATH, TIMEVAL)) \
	X(newfstatat,			262, 79, JUDGE(STAT, METADATA, 0, OK_STAT, DIRFD, PATH, OUT, FLAGS)) \
	X(unlinkat,			263, 35, JUDGE(UNLINK, ALWAYS, 0, AT_REMOVEDIR, DIRFD, PATH, FLAGS)) \
	X(renameat,			264, 38, JUDGE(RENAME, ALWAYS, 0, 0, DIRFD, PATH, DIRFD2, PATH2)) \
	X(linkat,			265, 37, JUDGE(LINK, ALWAYS, 0, OK_LINK, DIRFD, PATH, DIRFD2, PATH2, FLAGS)) \
	X(symlinkat,			266, 36, JUDGE(SYMLINK, ALWAYS, 0, 0, TARGET, DIRFD, PATH)) \
	X(readlinkat,			267, 78, JUDGE(READLINK, METADATA, 0, 0, DIRFD, PATH, OUT, SIZE)) \
	X(fchmodat,			268, 53, JUDGE(CHMOD, ALWAYS, 0, 0, DIRFD, PATH, MODE)) \
	X(faccessat,			269, 48, JUDGE(ACCESS, METADATA, 0, 0, DIRFD, PATH, MODE)) \
	X(pselect6,			270, 72, PASS) \
	X(ppoll,			271, 73, PASS) \
	X(unshare,			272, 97, ARG(unshare, FLAGS)) \
	X(set_robust_list,		273, 99, PASS) \
	X(get_robust_list,		274, 100, PASS) \
	X(splice,			275, 76, PASS) \
	X(tee,				276, 77, PASS) \
	X(sync_file_range,		277, 84, PASS) \
	X(vmsplice,			278, 75, PASS) \
	X(move_pages,			279, 239, ARG(sched, PID)) \
	X(utimensat,			280, 88, JUDGE(UTIME, ALWAYS, 0, OK_AT, DIRFD, PATH, TIMESPEC, FLAGS)) \
	X(epoll_pwait,			281, 22, PASS) \
	X(signalfd,			282, -1, PASS) \
	X(timerfd_create,		283, 85, PASS) \
	X(eventfd,			284, -1, PASS) \
	X(fallocate,			285, 47, PASS) \
	X(timerfd_settime,		286, 86, PASS) \
	X(timerfd_gettime,		287, 87, PASS) \
	X(accept4,			288, 242, PASS) \
	X(signalfd4,			289, 74, PASS) \
	X(eventfd2,			290, 19, PASS) \
	X(epoll_create1,		291, 20, PASS) \
	X(dup3,				292, 24, PASS) \
	X(pipe2,			293, 59, PASS) \
	X(inotify_init1,		294, 26, PASS) \
	X(preadv,			295, 69, PASS) \
	X(pwritev,			296, 70, PASS) \
	X(rt_tgsigqueueinfo,		297, 240, JUDGE(QUEUE, ALWAYS, 0, 0, PID, TID, SIG, INFO)) \
	X(perf_event_open,		298, 241, REFUSE) \
	X(recvmmsg,			299, 243, PASS) \
	X(fanotify_init,		300, 262, REFUSE) \
	X(fanotify_mark,		301, 263, REFUSE) \
	X(prlimit64,			302, 261, ARG(prlimit, PID, CMD, BUF, OUT)) \
	X(name_to_handle_at,		303, 264, REFUSE) \
	X(open_by_handle_at,		304, 265, REFUSE) \
	X(clock_adjtime,		305, 266, REFUSE) \
	X(syncfs,			306, 267, PASS) \
	X(sendmmsg,			307, 269, JUDGE(SENDMMSG, ALWAYS, 0, 0, FD, MSG, VLEN, FLAGS)) \
	X(setns,			308, 268, REFUSE) \
	X(getcpu,			309, 168, PASS) \
	X(process_vm_readv,		310, 270, REFUSE) \
	X(process_vm_writev,		311, 271, REFUSE) \
	X(kcmp,				312, 272, REFUSE) \
	X(finit_module,			313, 273, REFUSE) \
	X(sched_setattr,		314, 274, ARG(sched, PID)) \
	X(sched_getattr,		315, 275, PASS) \
	X(renameat2,			316, 276, JUDGE(RENAME, ALWAYS, 0, OK_RENAME, DIRFD, PATH, DIRFD2, PATH2, FLAGS)) \
	X(seccomp,			317, 277, ARG(seccomp, CMD, FLAGS)) \
	X(getrandom,			318, 278, PASS) \
	X(memfd_create,			319, 279, PASS) \
	X(kexec_file_load,		320, 294, REFUSE) \
	X(bpf,				321, 280, REFUSE) \
	X(execveat,			322, 281, JUDGE(EXEC, ALWAYS, 0, OK_EXEC, DIRFD, PATH, ARGV, ENVP, FLAGS)) \
	X(userfaultfd,			323, 282, REFUSE) \
	X(membarrier,			324, 283, PASS) \
	X(mlock2,			325, 284, PASS) \
	X(copy_file_range,		326, 285, PASS) \
	X(preadv2,			327, 286, PASS) \
	X(pwritev2,			328, 287, PASS) \
	X(pkey_mprotect,		329, 288, PASS) \
	X(pkey_alloc,			330, 289, PASS) \
	X(pkey_free,			331, 290, PASS) \
	X(statx,			332, 291, JUDGE(STATX, METADATA, 0, OK_STAT, DIRFD, PATH, FLAGS, MASK, OUT)) \
	X(io_pgetevents,		333, 292, PASS) \
	X(rseq,				334, 293, PASS) \
	X(uretprobe,			335, -1, PASS) \
	X(uprobe,			336, -1, PASS) \
	X(pidfd_send_signal,		424, 424, JUDGE(PIDFD_SIGNAL, ALWAYS, 0, 0, FD, SIG, INFO, FLAGS)) \
	X(io_uring_setup,		425, 425, NONE_SUCH) \
	X(io_uring_enter,		426, 426, NONE_SUCH) \
	X(io_uring_register,		427, 427, NONE_SUCH) \
	X(open_tree,			428, 428, REFUSE) \
	X(move_mount,			429, 429, REFUSE) \
	X(fsopen,			430, 430, REFUSE) \
	X(fsconfig,			431, 431, REFUSE) \
	X(fsmount,			432, 432, REFUSE) \
	X(fspick,			433, 433, REFUSE) \
	X(pidfd_open,			434, 434, PASS) \
	X(clone3,			435, 435, NONE_SUCH) \
	X(close_range,			436, 436, PASS) \
	X(openat2,			437, 437, JUDGE(OPEN, ALWAYS, 0, 0, DIRFD, PATH, HOW, SIZE)) \
	X(pidfd_getfd,			438, 438, REFUSE) \
	X(faccessat2,			439, 439, JUDGE(ACCESS, METADATA, 0, OK_ACCESS, DIRFD, PATH, MODE, FLAGS)) \
	X(process_madvise,		440, 440, REFUSE) \
	X(epoll_pwait2,			441, 441, PASS) \
	X(mount_setattr,		442, 442, REFUSE) \
	X(quotactl_fd,			443, 443, REFUSE) \
	X(landlock_create_ruleset,	444, 444, ANSWER(EOPNOTSUPP)) \
	X(landlock_add_rule,		445, 445, ANSWER(EOPNOTSUPP)) \
	X(landlock_restrict_self,	446, 446, ANSWER(EOPNOTSUPP)) \
	X(memfd_secret,			447, 447, PASS) \
	X(process_mrelease,		448, 448, REFUSE) \
	X(futex_waitv,			449, 449, PASS) \
	X(set_mempolicy_home_node,	450, 450, PASS) \
	X(cachestat,			451, 451, PASS) \
	X(fchmodat2,			452, 452, JUDGE(CHMOD, ALWAYS, 0, OK_AT, DIRFD, PATH, MODE, FLAGS)) \
	X(map_shadow_stack,		453, 453, PASS) \
	X(futex_wake,			454, 454, PASS) \
	X(futex_wait,			455, 455, PASS) \
	X(futex_requeue,		456, 456, PASS) \
	X(statmount,			457, 457, PASS) \
	X(listmount,			458, 458, PASS) \
	X(lsm_get_self_attr,		459, 459, PASS) \
	X(lsm_set_self_attr,		460, 460, REFUSE) \
	X(lsm_list_modules,		461, 461, PASS) \
	X(mseal,			462, 462, PASS) \
	X(setxattrat,			463, 463, JUDGE(SETXATTR, ALWAYS, 0, OK_AT, DIRFD, PATH, FLAGS, NAME, HOW, SIZE)) \
	X(getxattrat,			464, 464, JUDGE(GETXATTR, METADATA, 0, OK_AT, DIRFD, PATH, FLAGS, NAME, HOW, SIZE)) \
	X(listxattrat,			465, 465, JUDGE(LISTXATTR, METADATA, 0, OK_AT, DIRFD, PATH, FLAGS, OUT, SIZE)) \
	X(removexattrat,		466, 466, JUDGE(REMOVEXATTR, ALWAYS, 0, OK_AT, DIRFD, PATH, FLAGS, NAME)) \
	X(open_tree_attr,		467, 467, REFUSE) \
	X(file_getattr,			468, 468, JUDGE(GETATTR, METADATA, 0, OK_AT, DIRFD, PATH, OUT, SIZE, FLAGS)) \
	X(file_setattr,			469, 469, JUDGE(SETATTR, ALWAYS, 0, OK_AT, DIRFD, PATH, HOW, SIZE, FLAGS)) \
	X(listns,			470, 470, PASS) \
	X(rseq_slice_yield,		471, 471, PASS)

/* clang-format on */

enum row_id {
#define X(name, x86, arm, ...) ROW_##name,
	SYSTAB_LIST(X)
#undef X
	    ROW_MAX
};

const struct systab_row systab_tab[ROW_MAX] = {
#define X(name, x86, arm, ...) { #name, { x86, arm }, __VA_ARGS__ },
	SYSTAB_LIST(X)
#undef X
};
const unsigned int systab_cnt = ROW_MAX;

/*
 * Row + 1 by number.  A row without a number takes a slot of its own beyond NR_END, so
 * that no slot is filled twice.
 */
#define NR_END SYSTAB_NR_END
static const uint16_t by_nr[SYSTAB_ARCH_MAX][NR_END + ROW_MAX] = {
	[SYSTAB_X86_64] = {
#define X(name, x86, arm, ...) \
	[(x86) >= 0 ? (x86) : NR_END + ROW_##name] = ROW_##name + 1,
	    SYSTAB_LIST(X)
#undef X
	},
	[SYSTAB_AARCH64] = {
#define X(name, x86, arm, ...) \
	[(arm) >= 0 ? (arm) : NR_END + ROW_##name] = ROW_##name + 1,
	    SYSTAB_LIST(X)
#undef X
	},
};

const struct systab_row *
systab_find(enum systab_arch arch, int nr)
{
	unsigned int i;

	if (nr < 0 || nr >= NR_END || arch >= SYSTAB_ARCH_MAX)
		return NULL;
	i = by_nr[arch][nr];
	return i == 0 ? NULL : &systab_tab[i - 1];
}

const struct systab_row *
systab_find_name(const char *name)
{
	for (unsigned int i = 0; i < systab_cnt; i++)
		if (strcmp(systab_tab[i].name, name) == 0)
			return &systab_tab[i];
	return NULL;
}

bool
systab_blocked(const struct systab_opts *o, const struct systab_row *row)
{
	int nr = row->nr[o->arch];

	if (o->blocked == NULL || nr < 0 || nr >= NR_END ||
	    row->class == SYSTAB_REFUSE || row->class == SYSTAB_ERRNO)
		return false;
	return (o->blocked[nr / 64] >> (nr % 64) & 1) != 0;
}

bool
systab_in_force(const struct systab_opts *o, unsigned int cond)
{
	return cond == SYSTAB_ALWAYS ||
	    (cond == SYSTAB_METADATA && o->metadata) ||
	    (cond == SYSTAB_ROOT && o->root_session);
}

static bool
holds(const struct systab_cmpr *c, const struct seccomp_data *sd)
{
	uint32_t low = (uint32_t)sd->args[c->arg];

	switch ((enum systab_cmp)c->cmp) {
	case SYSTAB_C_EQ:
		return (low & c->mask) == c->value;
	case SYSTAB_C_ANY:
		return (low & c->mask) != 0;
	case SYSTAB_C_NULL:
		return sd->args[c->arg] == 0;
	case SYSTAB_C_END:
		break;
	}
	return true;
}

static bool
test_holds(const struct systab_test *t, const struct seccomp_data *sd)
{
	for (unsigned int i = 0; i < SYSTAB_NCMP; i++)
		if (!holds(&t->c[i], sd))
			return false;
	return true;
}

static void
answer(const struct systab_opts *o, struct systab_answer *a, unsigned int act,
    unsigned int ask, unsigned int err)
{
	if (act == SYSTAB_ACT_REFUSE && o->silent_refuse)
		act = SYSTAB_ACT_ERRNO;
	a->act = act;
	a->ask = act == SYSTAB_ACT_REFUSE ? ASK_REFUSE : ask;
	a->err = err;
}

static void
decide_arg(const struct systab_opts *o, const struct systab_test *t,
    const struct seccomp_data *sd, struct systab_answer *a)
{
	for (; !t->last; t++)
		if (systab_in_force(o, t->cond) && test_holds(t, sd))
			break;
	answer(o, a, t->act, t->ask, t->err);
}

/*
 * x32 numbers (bit 30, and not the sign) would reach the same calls by other names;
 * other numbers that do not exist, negative ones too, are ENOSYS as in the kernel.
 */
static void
decide_unknown(const struct systab_opts *o, int nr, struct systab_answer *a)
{
	if (o->arch == SYSTAB_X86_64 && nr >= SYSTAB_X32_BIT)
		a->act = SYSTAB_ACT_KILL;
	else
		answer(o, a, SYSTAB_ACT_ERRNO, ASK_NONE, ENOSYS);
}

void
systab_decide(const struct systab_opts *o, const struct seccomp_data *sd,
    struct systab_answer *a)
{
	const struct systab_row *r;

	memset(a, 0, sizeof(*a));
	if (sd->arch != systab_audit_arch[o->arch]) {
		a->act = SYSTAB_ACT_KILL;
		return;
	}
	a->row = r = systab_find(o->arch, sd->nr);
	if (r == NULL)
		decide_unknown(o, sd->nr, a);
	else if (systab_blocked(o, r))
		answer(o, a, SYSTAB_ACT_REFUSE, ASK_REFUSE, EPERM);
	else if (r->class == SYSTAB_ARG)
		decide_arg(o, r->tests, sd, a);
	else
		systab_decide_row(o, r, a);
}

void
systab_decide_row(const struct systab_opts *o, const struct systab_row *r,
    struct systab_answer *a)
{
	static const uint8_t act[SYSTAB_CLASS_MAX] = {
		[SYSTAB_PASS] = SYSTAB_ACT_PASS,
		[SYSTAB_REFUSE] = SYSTAB_ACT_REFUSE,
		[SYSTAB_ERRNO] = SYSTAB_ACT_ERRNO,
		[SYSTAB_JUDGE] = SYSTAB_ACT_ASK,
	};

	a->row = r;
	if (systab_in_force(o, r->cond))
		answer(o, a, act[r->class], r->ask, r->err);
	else
		answer(o, a, SYSTAB_ACT_PASS, ASK_NONE, 0);
}

void
systab_sort(const struct systab_row *row, const uint64_t *args,
    struct systab_args *out)
{
	memset(out, 0, sizeof(*out));
	out->v[SR_DIRFD] = out->v[SR_DIRFD2] = (uint64_t)(int64_t)AT_FDCWD;
	for (unsigned int i = 0; i < SYSTAB_NARGS; i++) {
		out->v[row->role[i]] = args[i];
		out->has |= 1ull << row->role[i];
	}
	out->has &= ~(1ull << SR_NONE);
	out->flags = row->fixed;
	if (systab_has(out, SR_FLAGS))
		out->flags |= (uint32_t)out->v[SR_FLAGS];
}
