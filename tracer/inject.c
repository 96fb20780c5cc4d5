/*
 * See inject.h.  Runs in the serving threads, and in the keeper where that
 * traces all.
 *
 * While the system call is under way all signals are blocked, so that no
 * handler sees registers that are not the caller's; a stop may come in between
 * and is kept by the kernel.  Must never leave the tracee with our registers, nor wait
 * for it without end.
 */

#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

#include "tracer/inject.h"

#define SYSCALL_STOP (SIGTRAP | 0x80)
#define WAIT_NS	     50000L	  /* between two looks */
#define LATE_LOOKS   20000	  /* of them, a second at least, before it is late */
#define MASK_BYTES   8ul	  /* the kernel's sigset_t */

/* ---- registers ---- */

#if defined(__x86_64__)

#define INSN_BYTES 2u

static bool
is_syscall_insn(long word)
{
	return (word & 0xffff) == 0x050f;
}

static uint64_t
reg_pc(const struct user_regs_struct *r)
{
	return r->rip;
}

/* Does the tracee stand behind call nr, which gave it value? */
static bool
is_behind(const struct user_regs_struct *r, int nr, int64_t value)
{
	return (int)r->orig_rax == nr && (int64_t)r->rax == value;
}

static void
reg_set(struct user_regs_struct *r, const struct inject *j)
{
	r->rip -= INSN_BYTES;
	r->rax = (unsigned long)j->call;
	r->orig_rax = (unsigned long)-1; /* nothing to restart */
	r->rdi = j->arg[0];
	r->rsi = j->arg[1];
	r->rdx = j->arg[2];
}

#elif defined(__aarch64__)

#define INSN_BYTES 4u

static bool
is_syscall_insn(long word)
{
	return (word & 0xffffffff) == 0xd4000001;
}

static uint64_t
reg_pc(const struct user_regs_struct *r)
{
	return r->pc;
}

static bool
is_behind(const struct user_regs_struct *r, int nr, int64_t value)
{
	return (int)r->regs[8] == nr && (int64_t)r->regs[0] == value;
}

static void
reg_set(struct user_regs_struct *r, const struct inject *j)
{
	r->pc -= INSN_BYTES;
	r->regs[8] = (unsigned long)j->call;
	r->regs[0] = j->arg[0];
	r->regs[1] = j->arg[1];
	r->regs[2] = j->arg[2];
}

#else
#error "registers of this machine"
#endif

static bool
get_regs(pid_t tid, struct user_regs_struct *r)
{
	struct iovec iov = { r, sizeof(*r) };

	return ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &iov) == 0 &&
	    iov.iov_len == sizeof(*r);
}

static bool
set_regs(pid_t tid, const struct user_regs_struct *r)
{
	struct user_regs_struct copy = *r;
	struct iovec iov = { &copy, sizeof(copy) };

	return ptrace(PTRACE_SETREGSET, tid, NT_PRSTATUS, &iov) == 0;
}

/* ---- the machine ---- */

/* The caller stands behind the call it was answered: send it into ours. */
static bool
begin(struct inject *j)
{
	struct user_regs_struct r;
	uint64_t all = UINT64_MAX;
	long word;

	if (!get_regs(j->tid, &j->regs) ||
	    !is_behind(&j->regs, j->nr, j->value))
		return false;
	errno = 0;
	word = ptrace(PTRACE_PEEKTEXT, j->tid, reg_pc(&j->regs) - INSN_BYTES, 0);
	if (errno != 0 || !is_syscall_insn(word))
		return false;
	if (ptrace(PTRACE_GETSIGMASK, j->tid, MASK_BYTES, &j->mask) == -1 ||
	    ptrace(PTRACE_SETSIGMASK, j->tid, MASK_BYTES, &all) == -1)
		return false;
	r = j->regs;
	reg_set(&r, j);
	j->state = INJECT_ENTERING;
	return set_regs(j->tid, &r);
}

/* As it was. */
static void
end(struct inject *j)
{
	if (j->state != INJECT_WAITING) {
		set_regs(j->tid, &j->regs);
		ptrace(PTRACE_SETSIGMASK, j->tid, MASK_BYTES, &j->mask);
	}
	j->state = INJECT_OVER;
}

bool
inject_stop(struct inject *j, int status, int *sig)
{
	bool stop = WSTOPSIG(status) == SYSCALL_STOP && status >> 16 == 0;
	int pass = 0;

	*sig = 0;
	if (status >> 16 == 0 && !stop)
		pass = WSTOPSIG(status); /* it is about to take a signal */
	switch ((enum inject_state)j->state) {
	case INJECT_WAITING:
		if (pass == 0 && begin(j))
			break;
		end(j);
		*sig = pass;
		return true;
	case INJECT_ENTERING:
		if (stop)
			j->state = INJECT_INSIDE;
		else if (j->late) {
			end(j);
			*sig = pass;
			return true;
		}
		break;
	case INJECT_INSIDE:
	case INJECT_OVER:
		if (!stop)
			break;
		end(j);
		return true;
	}
	ptrace(PTRACE_SYSCALL, j->tid, 0, pass);
	return false;
}

int
inject_seize(pid_t tid)
{
	int status;

	if (ptrace(PTRACE_SEIZE, tid, 0,
	    PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL) == -1)
		return -1;
	if (ptrace(PTRACE_INTERRUPT, tid, 0, 0) == 0)
		return 0;
	/* It is dying, and nobody else can reap it now. */
	while (waitpid(-1, &status, __WALL | __WNOTHREAD) != -1 ||
	    errno == EINTR)
		;
	return -1;
}

void
inject_run(struct inject *j)
{
	const struct timespec ts = { .tv_nsec = WAIT_NS };
	unsigned int looks = 0;
	int status, sig;
	pid_t pid;

	for (;;) {
		pid = waitpid(j->tid, &status, __WALL | __WNOTHREAD | WNOHANG);
		if (pid == j->tid && !WIFSTOPPED(status))
			return;
		if (pid == j->tid && inject_stop(j, status, &sig))
			break;
		if (pid == -1 && errno != EINTR)
			return;
		if (pid == j->tid)
			continue;
		if (++looks == LATE_LOOKS) {
			j->late = true;
			ptrace(PTRACE_INTERRUPT, j->tid, 0, 0);
		}
		nanosleep(&ts, NULL);
	}
	if (ptrace(PTRACE_DETACH, j->tid, 0, sig) == 0)
		return;
	/* Killed meanwhile: it cannot be detached, reap it. */
	while (waitpid(-1, &status, __WALL | __WNOTHREAD) != -1 ||
	    errno == EINTR)
		;
}
