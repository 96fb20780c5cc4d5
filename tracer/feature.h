/*
 * What this kernel, under this process's own confinement, lets a user-notify engine do.
 * Found out by doing: versions lie (backports, filters of a container, Yama), and a feature that is
 * there but refused to us is not there.
 *
 * Run once at the start of a process, before its threads and before it confines
 * itself; forks short-lived children and ends them.  Prints nothing.
 */

#ifndef TRACER_FEATURE_H
#define TRACER_FEATURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bit, name in the log, since which kernel. */
/* clang-format off */
#define FEATURE_TABLE(X) \
	X(USER_NOTIF,	 "user-notif",		"5.5")	/* listener and CONTINUE: nothing works without */ \
	X(ADDFD,	 "addfd",		"5.9") \
	X(ADDFD_SEND,	 "addfd-send",		"5.14")	/* inject and answer at once */ \
	X(WAIT_KILLABLE, "wait-killable",	"5.19")	/* no doubled effects after a signal */ \
	X(SYNC_WAKE_UP,	 "sync-wake-up",	"6.6") \
	X(RECV_ENOENT,	 "recv-enoent",		"6.11")	/* RECV ends with the last task; else poll */ \
	X(VM_READ,	 "vm-read",		"3.2")	/* memory of a caller */ \
	X(PIDFD_GETFD,	 "pidfd-getfd",		"5.6")	/* Docker's profile refuses it */ \
	X(PIDFD_THREAD,	 "pidfd-thread",	"6.9") \
	X(PIDFD_INFO,	 "pidfd-info",		"6.13") \
	X(SEIZE,	 "ptrace-seize",	"3.4")	/* of a child: no more is promised under Yama */ \
	X(OPENAT2,	 "openat2",		"5.6") \
	X(FCHMODAT2,	 "fchmodat2",		"6.6") \
	X(MSEAL,	 "mseal",		"6.10") \
	X(LANDLOCK,	 "landlock",		"5.13")
/* clang-format on */

enum feature_number {
#define X(id, name, since) FEATURE_NR_##id,
	FEATURE_TABLE(X)
#undef X
	FEATURE_MAX
};

#define X(id, name, since) \
	static const uint64_t FEATURE_##id __attribute__((unused)) = \
	    1ull << FEATURE_NR_##id;
FEATURE_TABLE(X)
#undef X

/* Without these there is no engine. */
#define FEATURE_NEEDED \
	(FEATURE_USER_NOTIF | FEATURE_ADDFD | FEATURE_VM_READ | FEATURE_OPENAT2)

struct feature_set {
	uint64_t bits;	  /* FEATURE_* */
	int landlock_abi; /* 0: none */
	int yama;	  /* kernel.yama.ptrace_scope, -1: no Yama or not readable */
};

/*
 * Probe.  0, or -1 with errno where not even a child could be made; what could not be
 * probed counts as missing.  Takes some milliseconds, at most about 3 s when a child hangs.
 */
int feature_probe(struct feature_set *fs) __attribute__((warn_unused_result));

/* "sync-wake-up"; n < FEATURE_MAX. */
const char *feature_name(enum feature_number n);

/*
 * One line: "have user-notif ... landlock=7 yama=none; lack mseal(6.10)".  Always
 * terminated; returns buf.
 */
const char *feature_text(const struct feature_set *fs, char *buf, size_t size);

#endif
