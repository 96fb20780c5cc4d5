/*
 * An exec that was judged, and what the kernel made of it.  Runs in the serving
 * threads; the thread that serves an exec traces the caller from just before
 * the kernel execs until its image is loaded, and cannot serve anything else
 * meanwhile.
 *
 * Trusts nothing that was read on the way in, once the kernel has read it
 * again: only what the exec event shows counts.  Must never let go of a tracee
 * whose image was not proved.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tracer/event.h"
#include "tracer/execproof.h"
#include "tracer/feature.h"
#include "tracer/keep.h"
#include "tracer/notify.h"
#include "tracer/num.h"
#include "tracer/place.h"
#include "tracer/tracer.h"

#define MAPS_MAX     (1u << 20)
#define MAPS_LOOKED  64	/* mappings of a new image; more are read as text */

/* struct procmap_query and PROCMAP_QUERY of linux/fs.h, 6.11. */
struct map_query {
	uint64_t size, flags, addr;
	uint64_t start, end, vma_flags, page_size, offset, inode;
	uint32_t dev_major, dev_minor;
	uint32_t name_size, build_id_size;
	uint64_t name_addr, build_id_addr;
};
#define MAP_QUERY      _IOWR('f', 17, struct map_query)
#define MAP_QUERY_NEXT 0x10u /* the mapping at addr, or the next */
#define MAP_QUERY_FILE 0x20u /* of files only */

/* "PID/NAME" below /proc, opened. */
static int
open_proc(const struct tracer *t, pid_t pid, const char *name)
{
	char path[64];

	num_text(num_text(num_put(path, (uint32_t)pid), "/"), name);
	return openat(t->procfd, path, O_RDONLY | O_CLOEXEC);
}

static ssize_t
read_all(int fd, char *buf, size_t size)
{
	size_t n = 0;
	ssize_t k;

	while (n < size && (k = read(fd, buf + n, size - n)) > 0)
		n += (size_t)k;
	return (ssize_t)n;
}

static bool
same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static bool
exe_is(const struct tracer *t, pid_t pid, const struct level *l)
{
	char name[NUM_MAX + 8];
	struct stat st;

	num_text(num_put(name, (uint32_t)pid), "/exe");
	return fstatat(t->procfd, name, &st, 0) == 0 && same_file(&st, &l->st);
}

/* One line of maps: an allowed file, or none at all? */
static bool
map_is_known(const struct work *w, const struct level *exe, char *line)
{
	const struct stat *known[2] = { &exe->st, &w->ld_st };
	const char *name[2] = { exe->canon, w->ld_canon };
	unsigned long long ino;
	unsigned int i, maj, min;
	char *p = line;

	for (i = 0; i < 3 && p != NULL; i++)
		p = strchr(p + 1, ' '); /* range, permissions, offset */
	if (p == NULL)
		return false;
	maj = (unsigned int)strtoul(p + 1, &p, 16);
	if (*p != ':')
		return false;
	min = (unsigned int)strtoul(p + 1, &p, 16);
	ino = strtoull(p, &p, 10);
	if (ino == 0)
		return true;
	p = strchr(p, '/');
	for (i = 0; i < (w->has_ld ? 2u : 1u); i++) {
		if (known[i]->st_ino == ino &&
		    known[i]->st_dev == makedev(maj, min))
			return true;
		/*
		 * Stacked file systems show another inode; the name is the
		 * object's own.
		 */
		if (p != NULL && strcmp(p, name[i]) == 0)
			return true;
	}
	return false;
}

/* Every file that is mapped must be the program or its loader. */
static bool
text_is_known(struct work *w, int fd)
{
	const struct level *exe = &w->level[w->levels - 1];
	char *buf = w->join, *line, *nl;
	ssize_t n = read_all(fd, buf, MAPS_MAX);

	if (n <= 0 || n == MAPS_MAX)
		return false;
	buf[n] = '\0';
	for (line = buf; (nl = strchr(line, '\n')) != NULL; line = nl + 1) {
		*nl = '\0';
		if (!map_is_known(w, exe, line))
			return false;
	}
	return true;
}

/*
 * The same, one mapping after the other without the text (6.11).  false: it
 * cannot be told like this; stacked file systems have it by name only.
 */
static bool
query_is_known(const struct work *w, int fd)
{
	const struct level *exe = &w->level[w->levels - 1];
	struct map_query q = { .size = sizeof(q),
		.flags = MAP_QUERY_NEXT | MAP_QUERY_FILE };
	unsigned int i;
	dev_t dev;

	for (i = 0; i < MAPS_LOOKED; i++, q.addr = q.end) {
		if (ioctl(fd, MAP_QUERY, &q) == -1)
			return i != 0 && errno == ENOENT;
		dev = makedev(q.dev_major, q.dev_minor);
		if ((q.inode != exe->st.st_ino || dev != exe->st.st_dev) &&
		    (!w->has_ld || q.inode != w->ld_st.st_ino ||
		    dev != w->ld_st.st_dev))
			return false;
	}
	return false;
}

static bool
maps_are_known(struct call *c, struct work *w, pid_t pid)
{
	bool known;
	int fd;

	if ((fd = open_proc(c->tracer, pid, "maps")) == -1)
		return false;
	known = query_is_known(w, fd) || text_is_known(w, fd);
	close(fd);
	return known;
}

/*
 * The argv that was loaded, against the one that was judged; where it differs
 * behind the prefix of the #! lines it is judged like the first.  A script in
 * place of another with the same #! line is not seen, and gains nothing: its
 * interpreter opens it by its name, which is judged then.
 */
static bool
argv_is_allowed(struct call *c, struct work *w, struct args *a, pid_t pid,
    struct judging *j)
{
	unsigned int i, prefix = exec_args_start(w, 0), argc = 0;
	size_t at = 0, len;
	ssize_t n;
	bool same = true;
	int fd;

	if ((fd = open_proc(c->tracer, pid, "cmdline")) == -1)
		return false;
	n = read_all(fd, w->join, sizeof(w->join) - 1);
	close(fd);
	if (n <= 0 || w->join[n - 1] != '\0')
		return false;
	for (i = 0; at < (size_t)n; i++, at += len + 1) {
		len = strlen(w->join + at);
		if (i < a->argc &&
		    strcmp(w->join + at, w->word[a->first + i]) == 0)
			continue;
		/*
		 * The interpreters and the script's name are not the caller's
		 * to change.
		 */
		if (i < prefix || (i == prefix && w->levels > 1))
			return false;
		same = false;
	}
	argc = i;
	if (same && argc == a->argc)
		return true;
	if (argc > WORDS_MAX || (size_t)n > sizeof(w->block))
		return false;
	memcpy(w->block, w->join, (size_t)n);
	a->bytes = (size_t)n;
	a->first = 0;
	a->argc = argc;
	for (i = 0, at = 0; i < argc; i++, at += strlen(w->block + at) + 1)
		w->word[i] = w->block + at;
	exec_text(c, w, a);
	return exec_judge_chain(j, a);
}

/* The kernel has loaded something.  true: it is what was judged. */
static bool
is_proved(struct call *c, struct work *w, struct args *a, pid_t pid,
    struct judging *j)
{
	call_builtin(&j->v, BR_EXEC_MISMATCH);
	if (!exe_is(c->tracer, pid, &w->level[w->levels - 1]) ||
	    !maps_are_known(c, w, pid))
		return false;
	return argv_is_allowed(c, w, a, pid, j);
}

/* Wait for the next stop of the tracee.  The pid, or -1 when it is gone. */
static pid_t
wait_stop(pid_t tid, int *status)
{
	pid_t pid;

	for (;;) {
		pid = waitpid(-1, status, __WALL | __WNOTHREAD);
		if (pid == -1 && errno == EINTR)
			continue;
		if (pid == -1)
			return -1;
		if (WIFSTOPPED(*status))
			return pid;
		if (pid == tid)
			return -1;
	}
}

static void
kill_tracee(pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	do
		ptrace(PTRACE_DETACH, pid, 0, SIGKILL);
	while (waitpid(-1, &status, __WALL | __WNOTHREAD) != -1 ||
	    errno == EINTR);
}

/*
 * Let go of a stopped tracee.  One that was killed meanwhile cannot be
 * detached: it must be reaped here, or its parent, and a thread of it that
 * execs, wait for ever.
 */
static void
let_go(pid_t pid)
{
	int status;

	if (ptrace(PTRACE_DETACH, pid, 0, 0) == 0)
		return;
	while (waitpid(-1, &status, __WALL | __WNOTHREAD) != -1 ||
	    errno == EINTR)
		;
}

/* The record of an exec that was let go and then killed. */
static void
killed_event(struct call *c, struct work *w, struct args *a,
    struct verdict *v)
{
	event_begin(c, EV_EXEC);
	exec_text(c, w, a);
	v->allowed = 0;
	(void)!call_verdict(c, v);
	event_commit(c, EPERM);
}

/* Is the caller traced, so by the keeper?  A child may have asked not to be. */
static bool
is_kept(const struct call *c)
{
	char name[NUM_MAX + 8], buf[1024], *p;
	ssize_t n;
	int fd;

	num_text(num_put(name, c->rq->pid), "/status");
	if ((fd = openat(c->tracer->procfd, name, O_RDONLY | O_CLOEXEC)) == -1)
		return false;
	n = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	buf[n > 0 ? n : 0] = '\0';
	p = strstr(buf, "\nTracerPid:\t");
	return p != NULL && p[12] != '0';
}

/* As the kernel names it: after the last name of what was asked for. */
static void
note_execed(struct call *c, const struct work *w, pid_t pid, uint32_t depth)
{
	const struct level *exe = &w->level[w->levels - 1], *l = &w->level[0];
	const char *comm = l->given + pathres_last(l->given, l->given_len);

	if (strncmp(l->given, "/dev/fd/", 8) == 0 || strchr(comm, '/') != NULL)
		comm = NULL;
	task_execed(c->tracer->tasks, pid, (pid_t)c->rq->pid, exe->canon,
	    exe->canon_len, comm, depth, c->task->command);
}

void
execproof_kept(struct call *c, struct work *w, struct args *a,
    struct judging *j)
{
	bool early = (c->tracer->features & FEATURE_WAIT_KILLABLE) != 0;
	struct keeper *k = c->tracer->keeper;
	struct keep_exec e;
	pid_t pid;

	/* Early it is interrupted, which only who traces it can do. */
	if ((!early && !is_kept(c)) ||
	    keep_exec_begin(k, &e, (pid_t)c->rq->pid, early) == -1) {
		call_unjudgeable(c, "the program cannot be held (ptrace)");
		return;
	}
	notify_settle(c->w);
	event_commit(c, 0);
	keep_exec_answering(&e);
	answer_continue(c);
	keep_exec_answered(k, &e, early, c->gone);
	if ((pid = keep_exec_wait(&e)) == 0)
		return; /* the exec failed */
	if (!is_proved(c, w, a, pid, j)) {
		killed_event(c, w, a, &j->v);
		keep_exec_end(k, &e, false);
		return;
	}
	note_execed(c, w, pid, j->depth);
	keep_exec_end(k, &e, true);
}

void
execproof_held(struct call *c, struct work *w, struct args *a,
    struct judging *j)
{
	bool early = (c->tracer->features & FEATURE_WAIT_KILLABLE) != 0;
	pid_t tid = (pid_t)c->rq->pid, pid;
	int status;

	if (ptrace(PTRACE_SEIZE, tid, 0,
	    PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL) == -1) {
		call_unjudgeable(c, "the program cannot be held (ptrace)");
		return;
	}
	if (early && ptrace(PTRACE_INTERRUPT, tid, 0, 0) == -1) {
		call_unjudgeable(c, "the program is dying");
		let_go(tid);
		return;
	}
	notify_settle(c->w);
	event_commit(c, 0);
	place_exec(c);
	answer_continue(c);
	/*
	 * Where its wait for us is interruptible that would withdraw the call,
	 * to be made again and again.  A thread other than the leader may be
	 * gone by now: its exec has succeeded.
	 */
	if (!early)
		(void)ptrace(PTRACE_INTERRUPT, tid, 0, 0);
	while ((pid = wait_stop(tid, &status)) != -1) {
		if (status >> 16 == PTRACE_EVENT_EXEC)
			break;
		if (status >> 16 == PTRACE_EVENT_STOP) {
			let_go(pid);
			place_execed(c, false);
			return; /* the exec failed */
		}
		ptrace(PTRACE_CONT, pid, 0, WSTOPSIG(status));
	}
	if (pid == -1) {
		place_execed(c, true);
		return;
	}
	if (!is_proved(c, w, a, pid, j)) {
		killed_event(c, w, a, &j->v);
		kill_tracee(pid);
		place_execed(c, true);
		return;
	}
	note_execed(c, w, pid, j->depth);
	let_go(pid);
	place_execed(c, false);
}
