/*
 * Run inside a session: tries, by raw system call, one member of every family that is
 * refused under any policy, and says what came of it.  Exit 0 when each was
 * refused with the errno that SEMANTICS.md names.  The script that runs it looks at the
 * effects from outside.
 *
 *	try_refused OUTSIDE-PID WORKDIR
 */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <linux/vm_sockets.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_open_tree
#define SYS_open_tree 428
#define SYS_move_mount 429
#define SYS_fsopen 430
#define SYS_fsconfig 431
#define SYS_fsmount 432
#define SYS_fspick 433
#endif
#ifndef SYS_clone3
#define SYS_clone3 435
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif

static pid_t outside;
static const char *work;

static long
try_clone_newuser(void)
{
	long r = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);

	if (r == 0)
		_exit(0);
	return r;
}

static long
try_new_listener(void)
{
	struct {
		unsigned short len;
		void *filter;
	} prog = { 0, NULL };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
	    SECCOMP_FILTER_FLAG_NEW_LISTENER, &prog);
}

static long
try_vm_writev(void)
{
	char b = 'x';
	struct iovec l = { &b, 1 }, r = { (void *)0x400000, 1 };

	return syscall(SYS_process_vm_writev, outside, &l, 1, &r, 1, 0);
}

static long
try_vm_readv(void)
{
	char b;
	struct iovec l = { &b, 1 }, r = { (void *)&work, 1 };

	return syscall(SYS_process_vm_readv, getpid(), &l, 1, &r, 1, 0);
}

static long
try_pidfd_getfd(void)
{
	int fd = syscall(SYS_pidfd_open, outside, 0);

	if (fd == -1)
		return -1;
	return syscall(SYS_pidfd_getfd, fd, 0, 0);
}

static long
try_pidfd_signal(void)
{
	int fd = syscall(SYS_pidfd_open, outside, 0);

	if (fd == -1)
		return -1;
	return syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0);
}

static long
try_handle(void)
{
	struct {
		unsigned int bytes;
		int type;
		unsigned char h[64];
	} h = { 8, 1, { 0 } };

	return syscall(SYS_open_by_handle_at, AT_FDCWD, &h, O_RDONLY);
}

static long
try_mknod(mode_t type)
{
	char p[512];

	snprintf(p, sizeof(p), "%s/dev-%o", work, type);
	return syscall(SYS_mknod, p, type | 0666, makedev(1, 3));
}

static long
try_mknodat_chr(void)
{
	char p[512];

	snprintf(p, sizeof(p), "%s/dev-at", work);
	return syscall(SYS_mknodat, AT_FDCWD, p, S_IFCHR | 0666, makedev(1, 8));
}

static long
try_mknod_chr(void)
{
	return try_mknod(S_IFCHR);
}

static long
try_mknod_blk(void)
{
	return try_mknod(S_IFBLK);
}

static long
try_sigqueue(void)
{
	siginfo_t si = { .si_code = SI_QUEUE };

	return syscall(SYS_rt_sigqueueinfo, outside, SIGKILL, &si);
}

static long
try_tgsigqueue(void)
{
	siginfo_t si = { .si_code = SI_QUEUE };

	return syscall(SYS_rt_tgsigqueueinfo, outside, outside, SIGKILL, &si);
}

static long
try_setown(void)
{
	int sp[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sp) == -1)
		return -1;
	return syscall(SYS_fcntl, sp[0], F_SETOWN, outside);
}

static long
try_setown_ex(void)
{
	struct f_owner_ex o = { F_OWNER_PID, outside };
	int sp[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sp) == -1)
		return -1;
	return syscall(SYS_fcntl, sp[0], F_SETOWN_EX, &o);
}

static long
try_fiosetown(void)
{
	int sp[2], pid = outside;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sp) == -1)
		return -1;
	return syscall(SYS_ioctl, sp[0], 0x8901 /* FIOSETOWN */, &pid);
}

static long
try_tiocsti(unsigned long high)
{
	return syscall(SYS_ioctl, 0, 0x5412 | high, "x");
}

static long
try_tiocsti_plain(void)
{
	return try_tiocsti(0);
}

static long
try_tiocsti_high(void)
{
	return try_tiocsti(0xabcd00000000UL);
}

static long
try_prlimit(void)
{
	struct rlimit r = { 1, 1 };

	return syscall(SYS_prlimit64, outside, RLIMIT_CORE, &r, NULL);
}

static long
try_vsock(void)
{
	return syscall(SYS_socket, AF_VSOCK, SOCK_STREAM, 0);
}

static long
try_netlink_audit(void)
{
	return syscall(SYS_socket, AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT);
}

/* clang-format off */
#define CALL(name, nr, ...) static long try_##name(void) { return syscall(nr, __VA_ARGS__); }
CALL(mount, SYS_mount, "none", work, "tmpfs", 0, NULL)
CALL(bind_mount, SYS_mount, "/etc", work, NULL, 4096 /* MS_BIND */, NULL)
CALL(umount2, SYS_umount2, "/proc", 2)
CALL(pivot_root, SYS_pivot_root, work, work)
CALL(chroot, SYS_chroot, work)
CALL(open_tree, SYS_open_tree, AT_FDCWD, "/etc", 1)
CALL(move_mount, SYS_move_mount, -1, "", AT_FDCWD, work, 4)
CALL(fsopen, SYS_fsopen, "tmpfs", 0)
CALL(fsconfig, SYS_fsconfig, -1, 6, NULL, NULL, 0)
CALL(fsmount, SYS_fsmount, -1, 0, 0)
CALL(fspick, SYS_fspick, AT_FDCWD, "/", 0)
CALL(mount_setattr, SYS_mount_setattr, AT_FDCWD, "/", 0, NULL, 0)
CALL(unshare_user, SYS_unshare, CLONE_NEWUSER)
CALL(unshare_ns, SYS_unshare, CLONE_NEWNS)
CALL(unshare_net, SYS_unshare, CLONE_NEWNET)
CALL(setns, SYS_setns, 0, 0)
CALL(add_key, SYS_add_key, "user", "agentsh-test", "x", 1, KEY_SPEC_SESSION_KEYRING)
CALL(request_key, SYS_request_key, "user", "agentsh-test", NULL, KEY_SPEC_SESSION_KEYRING)
CALL(keyctl, SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL)
CALL(bpf, SYS_bpf, 0, NULL, 0)
CALL(init_module, SYS_init_module, "x", 1, "")
CALL(finit_module, SYS_finit_module, 0, "", 0)
CALL(delete_module, SYS_delete_module, "none", 0)
CALL(perf_event_open, SYS_perf_event_open, NULL, 0, -1, -1, 0)
CALL(userfaultfd, SYS_userfaultfd, 1)
CALL(kexec_load, SYS_kexec_load, 0, 0, NULL, 0)
CALL(kexec_file_load, SYS_kexec_file_load, 0, 0, 0, "", 0)
CALL(ptrace_attach, SYS_ptrace, PTRACE_ATTACH, outside, 0, 0)
CALL(ptrace_seize, SYS_ptrace, 0x4206, outside, 0, 0)
CALL(ptrace_traceme, SYS_ptrace, PTRACE_TRACEME, 0, 0, 0)
CALL(io_uring_setup, 425, 8, NULL)
CALL(io_uring_enter, 426, 0, 0, 0, 0, NULL, 0)
CALL(io_uring_register, 427, 0, 0, NULL, 0)
CALL(clone3, SYS_clone3, NULL, 0)
CALL(kill_outside, SYS_kill, outside, SIGKILL)
CALL(tkill_outside, SYS_tkill, outside, SIGKILL)
CALL(tgkill_outside, SYS_tgkill, outside, outside, SIGKILL)
CALL(kill_init, SYS_kill, 1, 0)
CALL(swapon, SYS_swapon, "/none", 0)
CALL(swapoff, SYS_swapoff, "/none")
CALL(acct, SYS_acct, NULL)
CALL(quotactl, SYS_quotactl, 0, NULL, 0, NULL)
CALL(reboot, SYS_reboot, 0, 0, 0, NULL)
CALL(sethostname, SYS_sethostname, "agentsh-was-here", 16)
CALL(setdomainname, SYS_setdomainname, "agentsh-was-here", 16)
CALL(settimeofday, SYS_settimeofday, NULL, NULL)
CALL(clock_settime, SYS_clock_settime, 0, NULL)
CALL(adjtimex, SYS_adjtimex, NULL)
CALL(syslog, SYS_syslog, 5, NULL, 0)
CALL(fanotify_init, SYS_fanotify_init, 0, 0)
CALL(kcmp, SYS_kcmp, getpid(), outside, 0, 0, 0)
CALL(newer, 1000, 0)
CALL(socket_packet, SYS_socket, AF_PACKET, SOCK_RAW, 0x300)
CALL(socket_raw, SYS_socket, AF_INET, SOCK_RAW, 1)
CALL(socket_raw6, SYS_socket, AF_INET6, SOCK_RAW, 58)
CALL(socket_mptcp, SYS_socket, AF_INET, SOCK_STREAM, 262)
CALL(socket_alg, SYS_socket, 38 /* AF_ALG */, SOCK_SEQPACKET, 0)
#ifdef __x86_64__
CALL(iopl, SYS_iopl, 3)
CALL(ioperm, SYS_ioperm, 0, 1, 1)
#endif
/* clang-format on */

static const struct attempt {
	const char *name;
	long (*fn)(void);
	int want; /* errno; 0: any refusal */
} attempts[] = {
#define T(n, e) { #n, try_##n, e }
	T(mount, EPERM), T(bind_mount, EPERM), T(umount2, EPERM),
	T(pivot_root, EPERM), T(chroot, EPERM), T(open_tree, EPERM),
	T(move_mount, EPERM), T(fsopen, EPERM), T(fsconfig, EPERM),
	T(fsmount, EPERM), T(fspick, EPERM), T(mount_setattr, EPERM),
	T(unshare_user, EPERM), T(unshare_ns, EPERM), T(unshare_net, EPERM),
	T(setns, EPERM), T(clone_newuser, EPERM), T(clone3, ENOSYS),
	T(add_key, EPERM), T(request_key, EPERM), T(keyctl, EPERM),
	T(bpf, EPERM), T(init_module, EPERM), T(finit_module, EPERM),
	T(delete_module, EPERM), T(perf_event_open, EPERM),
	T(userfaultfd, EPERM), T(kexec_load, EPERM),
	T(kexec_file_load, EPERM), T(vm_readv, EPERM), T(vm_writev, EPERM),
	T(ptrace_attach, EPERM), T(ptrace_seize, EPERM),
	T(ptrace_traceme, EPERM), T(pidfd_getfd, EPERM),
	T(pidfd_signal, EPERM), T(io_uring_setup, ENOSYS),
	T(io_uring_enter, ENOSYS), T(io_uring_register, ENOSYS),
	T(kill_outside, EPERM), T(tkill_outside, EPERM),
	T(tgkill_outside, EPERM), T(sigqueue, EPERM), T(tgsigqueue, EPERM),
	T(kill_init, EPERM), T(setown, EPERM), T(setown_ex, EPERM),
	T(fiosetown, EPERM), T(tiocsti_plain, EPERM), T(tiocsti_high, EPERM),
	T(handle, EPERM), T(mknod_chr, EPERM), T(mknod_blk, EPERM),
	T(mknodat_chr, EPERM), T(swapon, EPERM), T(swapoff, EPERM),
	T(acct, EPERM), T(quotactl, EPERM), T(reboot, EPERM),
	T(sethostname, EPERM), T(setdomainname, EPERM),
	T(settimeofday, EPERM), T(clock_settime, EPERM), T(adjtimex, EPERM),
	T(syslog, EPERM), T(fanotify_init, EPERM), T(kcmp, EPERM),
	T(prlimit, EPERM), T(new_listener, EPERM), T(vsock, 0),
	T(netlink_audit, 0), T(socket_packet, 0), T(socket_raw, 0),
	T(socket_raw6, 0), T(socket_mptcp, 0), T(socket_alg, 0),
	T(newer, ENOSYS),
#ifdef __x86_64__
	T(iopl, EPERM), T(ioperm, EPERM),
#endif
#undef T
};

#ifdef __x86_64__
/* A call through another ABI must kill its process with SIGSYS. */
static int
killed_by_abi(const char *name, int which)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (which == 0) {
			long r;

			__asm__ volatile("int $0x80"
					 : "=a"(r)
					 : "a"(20L /* getpid of i386 */)
					 : "memory");
			_exit(r > 0 ? 0 : 1);
		}
		syscall(0x40000000L | SYS_getpid);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) {
		printf("%-18s killed\n", name);
		return 0;
	}
	printf("%-18s NOT KILLED: status %#x\n", name, status);
	return 1;
}
#endif

int
main(int argc, char **argv)
{
	int failed = 0;

	if (argc != 3) {
		fprintf(stderr, "usage: try_refused OUTSIDE-PID WORKDIR\n");
		return 2;
	}
	outside = atoi(argv[1]);
	work = argv[2];
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
		const struct attempt *a = &attempts[i];
		long r;
		int e;

		errno = 0;
		r = a->fn();
		e = errno;
		if (r != -1) {
			printf("%-18s NOT REFUSED: returned %ld\n", a->name, r);
			failed++;
		} else if (a->want != 0 && e != a->want) {
			printf("%-18s WRONG ERRNO: %s, want %s\n", a->name,
			    strerrorname_np(e), strerrorname_np(a->want));
			failed++;
		} else {
			printf("%-18s %s\n", a->name, strerrorname_np(e));
		}
	}
#ifdef __x86_64__
	failed += killed_by_abi("int80", 0);
	failed += killed_by_abi("x32", 1);
#endif
	printf("%d failed\n", failed);
	return failed != 0;
}
