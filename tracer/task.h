/*
 * The task table: what the tracer remembers about each thread that made a
 * judged call.  It serves events (lineage, command, executable), the depth of
 * an exec, and the CPU mask; no decision about an object rests on it, since a
 * thread id can be used again.  Whether a caller is alone with its descriptors
 * is known in a way that this does not touch: see task_is_alone.
 *
 * One table per tracer, a fixed pool behind one mutex; an entry is pinned while
 * a call of its thread is served and swept by the watcher once its thread is
 * gone.
 */

#ifndef TRACER_TASK_H
#define TRACER_TASK_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define TASK_COMM 16
#define TASK_EXE  256
#define TASK_MAX  65536
#define TASK_STATUS 8192

struct call;

/*
 * /proc/TID/status of a caller as read while its call waits, in which its
 * credentials cannot change; len 0: not read yet.
 */
struct task_status {
	size_t len;
	char buf[TASK_STATUS];
};

/*
 * Are the session's own credentials what an exec gives t?  That is seen once,
 * after an exec of its lineage since it entered; what an exec makes of
 * credentials nobody changes unasked.
 */
enum task_sure { SURE_NOT, SURE_IF_SEEN, SURE };

struct task {
	struct task *next;	/* in its bucket, or free */
	pid_t tid, tgid, ppid;
	uint64_t start;		/* /proc/TID/stat field 22: tells a reused id */
	uint64_t looked_ns;	/* when last read from /proc */
	uint32_t gen;		/* of the table when last proved alive */
	uint32_t refs;
	uint32_t uid;
	uint32_t command;	/* number of the entry in its session */
	uint32_t depth;		/* of its last exec; 0: the front door's */
	uint8_t execed;		/* 0: has not exec'ed since it entered */
	uint8_t marked;		/* root session: its credentials may differ */
	uint8_t sure;		/* enum task_sure */
	uint8_t alone;		/* one thread, as of alone_at: task_is_alone */
	uint8_t umask_known;
	uint16_t umask;
	uint64_t alone_at;
	uint8_t cpus_known;
	_Atomic uint32_t holds;	/* how often its mask was ours for a moment */
	_Atomic uint32_t holders; /* how many hold it now */
	_Atomic uint32_t cpus_seq; /* changed by its own sched_setaffinity */
	cpu_set_t cpus;		/* its own affinity mask */
	char comm[TASK_COMM];	/* NUL-padded */
	uint16_t exe_len;
	char exe[TASK_EXE];	/* canonical, cut at TASK_EXE */
};

struct tasktab;

/*
 * The one table, or NULL with errno.  live: shared pids of the session for the
 * monitor, or -1. root_session: every new task is marked until its credentials
 * have been looked at.
 */
struct tasktab *task_table_new(int live_fd, bool root_session);

/*
 * The id of the session, which the name of its control group holds.  Copied.
 * Before any thread starts.
 */
void task_table_session(struct tasktab *tt, const char *id);

/*
 * The task of tid, pinned until task_put; read from /proc when it is new or was
 * not looked at for a second.  entry is the number of the listener's entry.
 * Never NULL: when the pool is full or the thread is dead a spare of the worker
 * is filled.  What was read for it, if anything, is left in st.
 */
struct task *task_get(struct tasktab *tt, pid_t tid, uint32_t entry,
    struct task *spare, struct task_status *st);
void task_put(struct tasktab *tt, struct task *t);

/*
 * The session's own sched_setaffinity of thread tid (0 done by the kernel
 * already): what a hold gives back from now on.
 */
void task_set_cpus(struct tasktab *tt, pid_t tid, const cpu_set_t *cpus);

/*
 * How often tid has been held so far; *now: it is held at this moment.  Where
 * either is not 0 *cpus is its own mask.
 */
uint32_t task_holds(struct tasktab *tt, pid_t tid, cpu_set_t *cpus, bool *now);

/*
 * clone(2) with these flags is about to go on: what was known about who is alone
 * is known no more.  Before the answer.
 */
void task_shares(struct tasktab *tt, uint64_t flags);

/*
 * true: while its call waits, nobody can change the descriptors, the working
 * directory or the umask of t, the calling task: it is its process's only
 * thread, and no process of the session was ever made to share them.  Holds
 * for an id that is used again, too: a second thread takes a clone(2) that
 * task_shares was told of, after which this is read from /proc afresh.
 */
bool task_is_alone(struct tasktab *tt, struct task *t);

/*
 * The umask of the calling task t, where it is known without reading /proc.
 * false: read it.
 */
bool task_umask(struct tasktab *tt, struct task *t, mode_t *mask);

/* It has been read; believed for a moment where t is alone. */
void task_umask_is(struct tasktab *tt, struct task *t, mode_t mask);

/* t is about to change its umask.  Before the answer. */
void task_umask_changes(struct tasktab *tt, struct task *t);

/*
 * Process tgid stands at its exec event (its other threads are gone), exec'ed by
 * its thread tid: executable, depth; comm is what the kernel calls it now, or
 * NULL: look.
 */
void task_execed(struct tasktab *tt, pid_t tgid, pid_t tid, const char *exe,
    size_t len, const char *comm, uint32_t depth, uint32_t entry);
/* The status of tid into st.  false: there is none. */
bool task_read_status(const struct tasktab *tt, pid_t tid,
    struct task_status *st);

/*
 * t's credentials are not the session's own, or are about to change: it is
 * marked, and from here on every exec is looked at.  Before the answer.
 */
void task_creds_change(struct tasktab *tt, struct task *t);

/* Have anybody's, ever? */
bool task_creds_changed(struct tasktab *tt);

/* t, whose call is served, was seen to have the session's own credentials. */
void task_creds_own(struct tasktab *tt, struct task *t);

/* A child that is entering: remember it so that its first exec is depth 0. */
void task_enter(struct tasktab *tt, pid_t tgid, uint32_t entry);

/*
 * Is pid (a process or thread id) of this session?  Decided afresh from /proc:
 * it has a filter, and it or an ancestor is in the table; or it is in the
 * session's control group, where its ancestors may be gone.  Reads /proc; may be
 * called for any pid.
 */
bool task_is_ours(struct tasktab *tt, pid_t pid);

/*
 * Drop dead entries; every second while there is work.  Called by the watcher.
 */
void task_sweep(struct tasktab *tt);

/* Number of live entries; SIGKILL for everything in the table. */
unsigned int task_count(struct tasktab *tt);
void task_kill_all(struct tasktab *tt);
/*
 * SIGKILL for every process of one entry that is known or descends from such.
 * Reads /proc; main thread.
 */
void task_kill_entry(struct tasktab *tt, uint32_t entry);

#endif
