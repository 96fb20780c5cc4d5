/*
 * The tracer's one object and its serving threads.  Made in main.c (or in a
 * test's driver), passed down; nothing here is global but the table of
 * handlers.
 */

#ifndef TRACER_TRACER_H
#define TRACER_TRACER_H

#include <linux/seccomp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/image.h"
#include "common/loop.h"
#include "common/ring.h"
#include "tracer/call.h"
#include "tracer/pathres.h"
#include "tracer/place.h"
#include "tracer/task.h"

#define TRACER_GROUPS_MAX  256 /* entries from outside that live at once */
#define TRACER_WORKERS_MAX 512 /* serving threads of one listener */
#define TRACER_OWN_PATHS   32
#define TRACER_LINKS	   256 /* of our descriptors, whose links are kept */
#define TRACER_OWN_BYTES   12288
#define WORKER_ARENA_BYTES (24u << 20) /* for an exec's arguments */

/* An image in force, or on its way out: freed when no worker points to it. */
struct tracer_image {
	struct image im;
	struct tracer_image *next;
};

struct tracer {
	_Atomic(struct tracer_image *) image;
	struct tracer_image *old;	/* watcher's list */
	struct ring ring;
	struct tasktab *tasks;
	struct socktab *socks;	/* unix sockets of the session's own */
	struct redirect *redirect; /* the mirror and the facts; NULL: tests */
	struct guard *guard;	/* what no session changes */
	int rootfd;		/* O_PATH "/" */
	int procfd;		/* O_PATH "/proc" */
	int selffd;		/* O_PATH "/proc/self/fd" of this process */
	int trashfd;		/* the session's trash directory, or -1 */
	int trash_payload, trash_manifest; /* below it, or -1 */
	pid_t pid;
	uid_t uid;
	unsigned int cpus;	/* of the machine */
	struct place place;
	unsigned int threads;	/* serving threads of a new group */
	bool root_session;
	int yama;		/* kernel.yama.ptrace_scope, -1 = none */
	bool protected_symlinks; /* fs.protected_symlinks */
	int protected_regular;	/* and fs.protected_regular, _fifos: -1 if */
	int protected_fifos;	/* they cannot be read */
	uint64_t features;	/* FEATURE_* of feature.h */
	struct keeper *keeper;	/* where Yama's scope is 1, else NULL: keep.h */
	const char *session;	/* id */
	const char *trash_path;
	const char *workspace;
	char own_bytes[TRACER_OWN_BYTES]; /* what the next point into */
	struct {
		const char *path;
		size_t len;
	} own[TRACER_OWN_PATHS]; /* paths no session may touch */
	unsigned int own_cnt;
	const char *entry_sock;	/* the one of them that may be connected to */

	_Atomic int link[TRACER_LINKS]; /* call_fd_link's; 0: not yet */
	_Atomic uint32_t watcher_parked; /* futex */
	_Atomic uint32_t activity;	/* counts calls, for the watcher */
	_Atomic uint32_t tick;
	_Atomic uint64_t renames;	/* begun, ever, and now: pathdeep.c */
	_Atomic uint32_t renaming;
	_Atomic uint64_t shed;		/* calls refused for want of threads */
	_Atomic bool stopping;
	pthread_mutex_t lock;		/* of groups */
	struct group *groups;
	struct group *spare;		/* the next one, not open; main thread */
};

/* What a serving thread is at; changed by itself only. */
enum worker_state {
	WS_IDLE,
	WS_BUSY,
	WS_ANSWERING, /* injecting a descriptor: must not be interrupted */
	WS_ENDED,
	WS_MAX
};

struct worker {
	struct worker *next;	/* in its group */
	struct group *group;
	struct tracer *tracer;
	pthread_t thread;
	_Atomic pid_t tid;
	_Atomic int state;		/* enum worker_state */
	_Atomic uint64_t call_id;	/* the call served, for the watcher */
	_Atomic uint32_t caller;	/* its thread */
	_Atomic uint32_t since;		/* tick when it was received */
	_Atomic uint64_t interrupt;	/* a call its caller wants back */
	_Atomic uint32_t pokes;		/* signals sent to it */
	_Atomic bool poking;		/* one is being sent */
	uint32_t pokes_seen;		/* by the thread itself */
	_Atomic bool shed_me;		/* no more threads: give up this call */
	_Atomic bool retire;
	bool pinned;	     /* to one CPU, for an exec */
	uint32_t pin;	     /* the place's, as it was followed last */
	bool fs_own;	     /* umask and working directory are its own */
	bool umask_worn;     /* umask is this thread's */
	mode_t umask;
	_Atomic bool giving; /* a copy of what it gave away is still open */
	_Atomic(struct tracer_image *) image; /* in use */

	struct seccomp_notif rq;
	struct call call;
	struct task spare;
	struct task_status status; /* of the caller, for this call */
	struct pathres res[2];
	char path[2][CALL_PATH_MAX];
	char text[CALL_CANON_MAX];
	char host[256];		/* the name that decided */
	uint32_t fds_tid;	/* openops.c: the thread whose directory of */
	int fds;		/* descriptors this is; 0: none */
	void *arena;		/* exec's, mapped on first use */
	void *out;		/* sockmsg.c's, mapped on first use */
	uint32_t pidfd_tid;	/* call_getfd: the thread that */
	int pidfd;		/* this means; 0: none */
	uint32_t link_tid;	/* fd_name: descriptor link_fd of this thread */
	int link_fd;
	int link;		/* its link below /proc; 0: none */
	struct cred *cred;	/* carried for a marked task: cred.c */
};

/* The listener of one entry and the threads that serve it. */
struct group {
	struct group *next;
	struct tracer *tracer;
	int listener;		/* owned */
	uint32_t entry;		/* number in the session */
	_Atomic uint32_t open;	/* futex: its threads may begin */
	unsigned int workers_cnt;
	unsigned int stuck;	/* when the watcher last looked */
	_Atomic bool ended;
	_Atomic bool over;	/* notify_entry_over */
	struct worker *workers;
	struct loop_io io;	/* entry.c: the listener's hang-up */
};

/*
 * Descriptors, ids and kernel settings every worker needs.  0 or -1 with errno.
 * Before any thread starts.
 */
int tracer_init(struct tracer *t);

/* Put im (validated) in force; the old one goes when nobody uses it. */
void tracer_set_image(struct tracer *t, struct tracer_image *im);

#endif
