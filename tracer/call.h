/*
 * One intercepted system call: what the seccomp listener said, the memory and
 * descriptors of its caller, its answer and its event.  Used by the serving
 * threads of the tracer only; a call belongs to one thread from receipt to
 * answer.
 *
 * Trust: nothing in rq but nr, arch, pid and id; arguments are bytes of a
 * stranger. Memory that was read is copied once and never read again for the
 * same purpose.
 *
 * Nothing here allocates or formats.  Every call is answered exactly once; what
 * a handler leaves unanswered is refused by notify.c (EACCES, rule
 * unjudgeable).
 */

#ifndef TRACER_CALL_H
#define TRACER_CALL_H

#include <linux/seccomp.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "common/evrec.h"
#include "common/image.h"
#include "tracer/systab.h"

struct task;
struct tracer;
struct worker;

/*
 * A path with its NUL, as the kernel takes it; canonical names may be longer by
 * one name.
 */
#define CALL_PATH_MAX  4096
#define CALL_CANON_MAX (4096 + 256)

/*
 * -512: the kernel restarts the call or gives EINTR, as the signal's SA_RESTART
 * says.
 */
#define CALL_ERESTARTSYS 512

/* The directories that one call names, at most. */
#define CALL_LENT_MAX 2

struct call {
	const struct seccomp_notif *rq;
	struct systab_answer sa;	/* row, question */
	struct systab_args a;		/* arguments by role */
	const struct image *im;	/* lives until the call is answered */
	struct tracer *tracer;
	struct task *task;	/* of the caller, pinned for the call */
	struct worker *w;	/* the serving thread and its buffers */
	uint64_t start_ns;	/* CLOCK_MONOTONIC at receipt */
	int err;		/* errno of the answer, 0: none */
	bool answered;
	bool gone;		/* the caller died or its call was withdrawn */
	bool event_on;		/* ev holds a record to commit */
	int lent[CALL_LENT_MAX]; /* see call_base; -1: none */
	bool held;		/* see place_hold */
	uint32_t cpus_seq;
	cpu_set_t held_cpus;
	char message[512];	/* of the refusing rule, expanded */
	struct evrec ev;	/* texts point into w's buffers or the image */
};

/*
 * The argument that plays a role, as the kernel's types see it: 64 bits, int,
 * unsigned.
 */
static inline uint64_t
call_v(const struct call *c, enum systab_role r)
{
	return c->a.v[r];
}

static inline int
call_int(const struct call *c, enum systab_role r)
{
	return (int)(uint32_t)c->a.v[r];
}

static inline uint32_t
call_u32(const struct call *c, enum systab_role r)
{
	return (uint32_t)c->a.v[r];
}

/* ---- the caller's memory and descriptors ---- */

/*
 * Copy len bytes at addr of the caller.  0, or the errno to answer: EFAULT, or EACCES where its
 * memory is closed to us.
 * May block on a page that the caller serves itself (userfaultfd); interrupted
 * as all blocking work is.
 */
int call_read(struct call *c, uint64_t addr, void *buf, size_t len)
    __attribute__((warn_unused_result));

/*
 * As call_read, but as many bytes as can be read, at least one: their number in
 * *got.
 */
int call_read_some(struct call *c, uint64_t addr, void *buf, size_t len,
    size_t *got) __attribute__((warn_unused_result));

/*
 * As call_read_some, from several places of the caller one after another into
 * several of ours, until the first byte that cannot be read.  At most IOV_MAX
 * of each.
 */
int call_readv(struct call *c, const struct iovec *to, size_t to_cnt,
    const struct iovec *from, size_t from_cnt, size_t *got)
    __attribute__((warn_unused_result));

/*
 * Copy len bytes into the caller's memory at addr.  0 or the errno to answer.
 */
int call_write(struct call *c, uint64_t addr, const void *buf, size_t len)
    __attribute__((warn_unused_result));

/*
 * The NUL-terminated string at addr, at most size bytes with its NUL; its
 * length in *len. 0, EFAULT, or ENAMETOOLONG.  Never reads past the page that
 * holds the NUL.
 */
int call_string(struct call *c, uint64_t addr, char *buf, size_t size,
    size_t *len) __attribute__((warn_unused_result));

/*
 * An O_PATH descriptor, which the caller of this function must close, of the
 * object behind the intercepted caller's descriptor fd, or of its working
 * directory (AT_FDCWD). -1 with the errno to answer in *err (EBADF).
 */
int call_dirfd(struct call *c, int fd, int *err)
    __attribute__((warn_unused_result));

/*
 * A descriptor to resolve names from: the directory behind the caller's fd, or
 * its working directory (AT_FDCWD).  It may be the caller's very own open file,
 * with its locks, so that it is closed before the call is answered if
 * call_base_done has not closed it until then.  -1 with the errno to answer in
 * *err.
 */
int call_base(struct call *c, int fd, int *err)
    __attribute__((warn_unused_result));

/* Close what call_base gave, unless the answer has. */
void call_base_done(struct call *c, int base);

/* A call that is about to begin has lent nothing. */
void call_lent_none(struct call *c);

/*
 * What /proc/self/fd says of our own descriptor fd, as readlink(2); not
 * NUL-terminated.
 */
ssize_t call_fd_link(struct tracer *t, int fd, char *buf, size_t size);

/*
 * Our own copy (close-on-exec, same open file) of the intercepted caller's
 * descriptor fd; to be closed by the caller of this function.  -1 with the
 * errno to answer in *err: EBADF, or EACCES where pidfd_getfd is not to be had.
 */
int call_getfd(struct call *c, int fd, int *err)
    __attribute__((warn_unused_result));

/* true: the caller is still there and still waits for this very call. */
bool call_valid(struct call *c);

/*
 * After a blocking system call gave EINTR: true when the watcher interrupted us
 * because the caller has a signal to take or is dead; then answer_restart.
 * false: try again.
 */
bool call_interrupted(struct call *c);

/* ---- answers: exactly one ---- */

void answer_errno(struct call *c, int err);	/* -1 with errno err */
void answer_value(struct call *c, int64_t value);
void answer_continue(struct call *c);		/* numbers only, see DESIGN 8 */
void answer_restart(struct call *c);		/* ERESTARTSYS */

/*
 * Give a copy of fd (which stays ours) as the call's value; cloexec as the
 * caller asked.  Its number there; -1 where the caller cannot take it, which is
 * answered too (EMFILE), or is gone.
 */
int answer_fd(struct call *c, int fd, bool cloexec);

/*
 * As answer_fd, but where the kernel lets us *fd is closed, and -1, before the
 * caller goes on: for what others see to be open.  Takes two switches more.
 */
int answer_last(struct call *c, int *fd, bool cloexec);

/*
 * Answer what a system call of ours returned: r, or -1 and errno e; EINTR is
 * ERESTARTSYS.
 */
void answer_result(struct call *c, long r, int e);

/* ---- judging ---- */

/*
 * Judge op on a canonical path and note verdict, path and rule in the call's
 * event (begun by event_begin).  true: it may go on.  The supervisor's own
 * paths are refused before the policy is asked.  path must live until the call
 * is answered.
 */
bool call_judge_file(struct call *c, enum file_op op, const char *path,
    size_t len, struct verdict *v) __attribute__((warn_unused_result));

/*
 * Is path, canonical, below the /proc directory of another process and not for
 * everybody to see?  Refused whatever the policy says.
 */
bool call_is_others_proc(const struct call *c, const char *path, size_t len);

/*
 * Note a verdict that was come by otherwise (network, sockets, signals).  true:
 * may go on, which decisions that are not built yet (redirect; approve with
 * approvals enabled) do not.
 */
bool call_verdict(struct call *c, struct verdict *v)
    __attribute__((warn_unused_result));

/* Fill v with a refusal by a built-in rule. */
void call_builtin(struct verdict *v, enum builtin_rule rule);

/*
 * Refuse: commit the event with err (0: what the domain's decision means:
 * EACCES; EPERM for signals, builtin-supervisor, builtin-session and, but for
 * files, builtin-syscall) and answer it.
 */
void call_refuse(struct call *c, const struct verdict *v, int err);

/* Refuse with rule `unjudgeable`, EACCES.  why is a constant text. */
void call_unjudgeable(struct call *c, const char *why);

/*
 * ---- how a question's function looks ----
 * One per enum ask, in the table of dispatch.c; answers the call.
 */
typedef void ask_fn(struct call *c);
extern ask_fn *const dispatch_tab[ASK_MAX];

#endif
