/*
 * Which system calls each process of the house may make.  A group is a purpose; a
 * process's list is the groups it needs.  A name unknown to the libseccomp or the
 * architecture at hand is skipped: it cannot be called there either.
 *
 * Calls newer than the libseccomp at hand are in seclist_number by their number, which
 * all architectures share since 5.1.
 *
 * Lists that were made on one machine break on another: glibc's choice of a
 * call differs by version, so siblings stand together (open and openat,
 * clone and clone3).
 */

#include "common/seclist.h"

#include <stddef.h>
#include <string.h>

#ifdef AGENTSH_SANITIZED
/*
 * The environment does not reach the processes of the house.  Leaks are looked for in the unit
 * tests: here that would take a thread and ptrace.
 */
const char *__asan_default_options(void);
const char *__ubsan_default_options(void);

const char *
__asan_default_options(void)
{
	return "detect_leaks=0:abort_on_error=1";
}

const char *
__ubsan_default_options(void)
{
	return "halt_on_error=1:abort_on_error=1:print_stacktrace=1";
}
#endif

#define GROUP(id, text, ...)                                           \
	static const char *const id##_names[] = { __VA_ARGS__, NULL }; \
	static const struct seclist_group id = { text, id##_names }

/* clang-format off */
GROUP(memory, "allocate and free, also by the C library and the loader",
    "sysinfo", "brk", "mmap", "munmap", "mremap", "mprotect", "madvise");
GROUP(finish, "end, and the C library's ways of giving up",
    "exit", "exit_group", "tgkill", "rt_sigprocmask", "rt_sigaction",
    "rt_sigreturn", "restart_syscall", "getpid", "gettid");
GROUP(clocks, "read clocks where the vDSO does not",
    "clock_gettime", "gettimeofday", "time", "clock_nanosleep", "nanosleep");
GROUP(channel, "read, write and close what was handed over",
    "read", "readv", "write", "writev", "close", "recvmsg", "sendmsg",
    "recvfrom", "sendto", "fcntl", "dup", "shutdown", "lseek");
GROUP(wait_events, "wait for descriptors",
    "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "poll",
    "ppoll", "select", "pselect6", "eventfd2", "timerfd_create",
    "timerfd_settime", "signalfd4", "pipe2");
GROUP(locks, "take and wake locks of the C library",
    "futex", "set_robust_list", "rseq", "getrandom", "sched_yield");
GROUP(describe, "say once what it holds",
    "getuid", "geteuid", "getgid", "getegid", "getresuid", "getresgid",
    "getgroups", "capget", "prctl");
GROUP(memfd, "make an image and look at a file handed over",
    "memfd_create", "ftruncate", "fstat", "newfstatat", "fstat64",
    "pread64", "pwrite64");
GROUP(clients, "accept clients on the sockets handed over",
    "accept", "accept4", "getsockname", "getpeername", "getsockopt",
    "setsockopt", "ioctl", "fstat", "newfstatat", "uname", "sysinfo");
GROUP(network, "resolve and connect for sessions, read what was handed over",
    "socket", "connect", "bind", "accept", "accept4", "getsockname",
    "getpeername", "getsockopt", "setsockopt", "ioctl", "sendmmsg",
    "recvmmsg", "fstat", "newfstatat", "pread64", "pwrite64", "ftruncate",
    "splice", "uname",
    "memfd_create");
GROUP(database, "SQLite below the audit directory, its root",
    "open", "openat", "stat", "lstat", "fstat", "newfstatat", "statx",
    "access", "faccessat", "faccessat2", "unlink", "unlinkat", "rename",
    "renameat", "renameat2", "pread64", "pwrite64", "fsync", "fdatasync",
    "ftruncate", "fallocate", "getcwd", "readlink", "readlinkat", "mkdir",
    "mkdirat", "fchmod", "fchown", "chmod", "fchmodat", "utimensat",
    "utimes", "geteuid", "getuid", "statfs", "fstatfs", "getdents64",
    "sync_file_range", "memfd_create", "sysinfo", "uname");
GROUP(processes, "start children and see them end, and give them CPU time",
    "sched_setscheduler", "fork", "vfork", "clone", "clone3", "execve", "wait4", "waitid", "kill",
    "pidfd_open", "pidfd_send_signal", "setsid", "setpgid", "close_range",
    "dup2", "dup3", "socketpair", "pipe", "pipe2", "chroot", "chdir",
    "fchdir", "setgroups", "setresuid", "setresgid", "setuid", "setgid",
    "setfsuid", "setfsgid", "capset", "capget", "prctl", "prlimit64",
    "setrlimit", "getrlimit", "seccomp", "sched_getaffinity",
    "set_tid_address", "arch_prctl", "getppid", "alarm", "setitimer",
    "landlock_create_ruleset", "landlock_add_rule",
    "landlock_restrict_self");
GROUP(probe, "tracers find out what the kernel can before they confine themselves",
    "mseal", "getppid", "sigaltstack", "pause");
GROUP(house, "sockets, the mirror, state folders, cgroups, policy folders",
    "setns", "unshare", "socket", "bind", "listen", "connect", "accept4", "accept", "getsockopt",
    "setsockopt", "getsockname", "getpeername", "ioctl", "open", "openat",
    "openat2", "stat", "lstat", "fstat", "newfstatat", "statx", "access",
    "faccessat", "faccessat2", "mkdir", "mkdirat", "rmdir", "unlink",
    "unlinkat", "rename", "renameat", "renameat2", "chown", "fchown",
    "lchown", "fchownat", "chmod", "fchmod", "fchmodat", "fchmodat2",
    "getdents64", "readlink", "readlinkat", "getcwd", "ftruncate", "flock",
    "umask", "memfd_create", "statfs", "fstatfs", "uname", "sysinfo",
    "pread64", "pwrite64", "dup2", "utimensat", "fsync");
GROUP(notify, "serve the workload's listeners and look at its tasks",
    "ioctl", "process_vm_readv", "process_vm_writev", "pidfd_open",
    "pidfd_getfd", "pidfd_send_signal", "ptrace", "wait4", "waitid", "kill",
    "tkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "rt_sigtimedwait",
    "rt_sigpending", "rt_sigsuspend", "sigaltstack", "kcmp", "getpgid",
    "getpgrp", "getsid", "getppid", "prlimit64", "getrlimit", "uname",
    "sysinfo", "seccomp");
GROUP(threads, "serving threads, and where they run",
    "clone", "clone3", "set_tid_address", "sched_setaffinity",
    "sched_getaffinity", "sched_setscheduler", "sched_getscheduler",
    "sched_setattr", "sched_getattr", "getcpu", "setpriority", "getpriority",
    "unshare", "membarrier");
GROUP(behalf, "perform the calls of the workload on what was judged",
    "open", "openat", "openat2", "newfstatat", "fstat", "statx", "statfs",
    "fstatfs", "access", "faccessat", "faccessat2", "readlink",
    "readlinkat", "getdents64", "unlinkat", "mkdirat", "mknodat",
    "symlinkat", "linkat", "renameat", "renameat2", "fchmod", "fchmodat",
    "fchmodat2", "fchown", "fchownat", "utimensat", "truncate", "ftruncate",
    "fallocate", "umask", "chdir", "fchdir", "getcwd", "setxattr", "lsetxattr",
    "fsetxattr", "getxattr", "lgetxattr", "fgetxattr", "listxattr",
    "llistxattr", "flistxattr", "removexattr", "lremovexattr",
    "fremovexattr", "setxattrat", "getxattrat", "listxattrat",
    "removexattrat", "file_getattr", "file_setattr", "inotify_add_watch",
    "socket", "socketpair",
    "connect", "bind", "listen", "sendmmsg", "getsockopt", "setsockopt",
    "getsockname", "getpeername", "accept4", "copy_file_range", "sendfile",
    "fsync", "fdatasync", "memfd_create", "pread64", "pwrite64", "preadv",
    "pwritev", "flock", "mseal", "dup3", "dup2", "rmdir", "unlink", "mkdir");
GROUP(credentials, "root session: threads with the credentials of marked tasks",
    "setresuid", "setresgid", "setfsuid", "setfsgid", "setgroups", "capset");
#ifdef AGENTSH_SANITIZED
GROUP(sanitizer, "what the runtime of a sanitizer does, also when it reports",
    "sigaltstack", "prlimit64", "getrlimit", "sched_getaffinity", "open",
    "openat", "readlink", "readlinkat", "stat", "fstat", "newfstatat",
    "pipe", "pipe2", "getppid", "uname", "mincore");
#define SANITIZER &sanitizer,
#else
#define SANITIZER
#endif
/* clang-format on */

static const struct seclist seclist_tab[] = {
	{ "monitor",
	    { &memory, &finish, &clocks, &channel, &wait_events, &locks,
		&describe, &processes, &probe, &house, SANITIZER NULL } },
	{ "control",
	    { &memory, &finish, &clocks, &channel, &wait_events, &locks,
		&describe, &clients, SANITIZER NULL } },
	{ "policyd",
	    { &memory, &finish, &clocks, &channel, &locks, &describe, &memfd,
		SANITIZER NULL } },
	{ "netproxy",
	    { &memory, &finish, &clocks, &channel, &wait_events, &locks,
		&describe, &network, SANITIZER NULL } },
	{ "auditd",
	    { &memory, &finish, &clocks, &channel, &wait_events, &locks,
		&describe, &database, SANITIZER NULL } },
	{ "tracer",
	    { &memory, &finish, &clocks, &channel, &wait_events, &locks,
		&describe, &notify, &threads, &behalf, &credentials, SANITIZER NULL } },
};

/* clang-format off */
static const struct {
	const char *name;
	int nr;
} number_tab[] = {
	{ "cachestat", 451 },
	{ "fchmodat2", 452 },
	{ "statmount", 457 },
	{ "listmount", 458 },
	{ "mseal", 462 },
	{ "setxattrat", 463 },
	{ "getxattrat", 464 },
	{ "listxattrat", 465 },
	{ "removexattrat", 466 },
	{ "file_getattr", 468 },
	{ "file_setattr", 469 },
};
/* clang-format on */

int
seclist_number(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(number_tab) / sizeof(number_tab[0]); i++) {
		if (strcmp(number_tab[i].name, name) == 0)
			return number_tab[i].nr;
	}
	return -1;
}

const struct seclist *
seclist_get(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(seclist_tab) / sizeof(seclist_tab[0]); i++) {
		if (strcmp(seclist_tab[i].name, name) == 0)
			return &seclist_tab[i];
	}
	return NULL;
}

const struct seclist *
seclist_row(unsigned int i)
{
	return i < sizeof(seclist_tab) / sizeof(seclist_tab[0]) ?
	    &seclist_tab[i] :
	    NULL;
}
